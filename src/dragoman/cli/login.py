"""`dragoman login DIALECT URL`: sign in to a server, ours or the product itself. It needs nothing of the server."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from dragoman.cli import passwords, printing, tokens
from dragoman.cli.dialects import DialectName
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import AsJson
from dragoman.network import host_name, is_loopback_host

if TYPE_CHECKING:
    from dragoman.client import Person, SyncClient


def login(
    dialect: DialectName,
    url: Annotated[str, typer.Argument(metavar="URL", help="The product's address, or its own at Dragoman.")],
    *,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="E-mail address or username; else it is asked for.")
    ] = None,
    password_file: passwords.FromFile = None,
    password_stdin: passwords.FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Sign in, show who one is, and keep the token in a file that nobody else can read."""
    url = url.rstrip("/")
    with opened(dialect, url) as client:
        warn_of_eavesdroppers(url)
        kept = tokens.place()
        told = name if name is not None else asked_name()
        password = passwords.read_text(password_file, stdin=password_stdin)
        person = signed_in(client, told, password)
        held = tokens.Kept(dialect, url, person.login, client.token or "", client.kept_refresh_token)
        tokens.keep(kept, held)
    if as_json:
        printing.as_json({"dialect": dialect, "url": url, **public(person), "kept_in": str(kept)})
    else:
        printing.say(f"Signed in to {url} as {shown(person)}. The token is in {kept}.")


def opened(dialect: str, url: str) -> SyncClient:
    """A dialect's client. `WrongUsage` when there is no such dialect, or the URL is none."""
    from dragoman import dialects

    if dialect not in dialects.names():
        raise WrongUsage(f"there is no dialect {dialect}; there are: {', '.join(dialects.names())}")
    make: Any = import_module(f"dragoman.dialects.{dialect}").Client
    try:
        client: SyncClient = make(url)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    return client


def warn_of_eavesdroppers(url: str) -> None:
    """A password that crosses a network without TLS is everybody's on the way: say so, before it does."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback_host(host_name([parts.netloc]) or ""):
        printing.note(f"{url} is not https: whoever is on the way can read the password.")


def asked_name() -> str:
    """The name, from the person at the terminal."""
    if not sys.stdin.isatty():
        raise WrongUsage("there is no terminal to ask on: use --name NAME")
    name: str = typer.prompt("Name", err=True)
    return name


def signed_in(client: SyncClient, name: str, password: str) -> Person:
    """Who the client speaks for, once it has signed in."""
    manners = client.manners
    if manners.sign_in is None or manners.whoami is None:
        raise WrongUsage("nobody signs in to this product by name and password")
    manners.sign_in(client, name, password)
    return manners.whoami(client)


def public(person: Person) -> dict[str, Any]:
    """Somebody for programs."""
    return {"id": person.id, "login": person.login, "name": person.name, "admin": person.is_admin}


def shown(person: Person) -> str:
    """Somebody in a sentence."""
    name = person.login if person.name == person.login else f"{person.name} <{person.login}>"
    return f"{name}, an administrator" if person.is_admin else name
