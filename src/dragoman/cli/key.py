"""`dragoman key …`: API keys, each for one account, one dialect and some permissions."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli import printing
from dragoman.cli.dialects import DialectName, find
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import AsJson, Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.api_keys import ApiKey
    from dragoman.serving import Dialect

app = typer.Typer(name="key", help="Issue, list and revoke API keys.", no_args_is_help=True)


@app.command()
def issue(
    dialect: DialectName,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The account: e-mail address, username, number or UUID.")
    ],
    *,
    label: Annotated[str, typer.Option("--name", help="What the key is called.")] = "API key",
    permission: Annotated[
        list[str] | None, typer.Option(help="What it may do; may be repeated. Everything if not given.")
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=36500, help="Days until it ends.")] = None,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Issue a key. Its secret is printed once, alone on standard output, and can never be shown again."""
    from dragoman.core import accounts, api_keys

    spoken = find(dialect)
    if spoken.key_form is None:
        raise WrongUsage(f"{spoken.product} has no API keys: its programs sign in as people do.")
    permissions = _checked(spoken, permission or [api_keys.ALL])
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        key, secret = api_keys.issue(
            uow,
            account.number,
            dialect,
            name=label,
            permissions=permissions,
            expires_at=None if expires_days is None else uow.now + timedelta(days=expires_days),
            form=spoken.key_form,
        )
    if as_json:
        printing.as_json({**public(key), "secret": secret.reveal()})
        return
    printing.note(
        f"Issued key {key.id} ({key.name}) for {dialect} to account {account.number}. Its secret, shown only now:"
    )
    printing.say(secret.reveal())
    if not account.is_active:
        printing.note("The account is disabled or deleted: the key will not answer before that is undone.")


@app.command("list")
def list_keys(
    *,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the keys of this account.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="Only the keys of this dialect.")] = None,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """List keys, the newest first. What is shown of a secret is its beginning."""
    from dragoman.core import accounts, api_keys

    if dialect is not None:
        find(dialect)
    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        number = None if account is None else accounts.get(uow, account).number
        keys = api_keys.owned(uow, number, dialect)
    if as_json:
        printing.as_json([public(key) for key in keys])
        return
    printing.table(
        ("Key", "Dialect", "Account", "Name", "Secret", "Permissions", "Used", "Ends"),
        [
            (
                str(key.id),
                key.dialect,
                str(key.account_number),
                key.name,
                f"{key.hint}...",
                ", ".join(key.permissions),
                printing.date(key.used_at),
                printing.date(key.expires_at),
            )
            for key in keys
        ],
    )


@app.command()
def revoke(
    key: Annotated[uuid.UUID, typer.Argument(metavar="KEY_ID", help="The key's id, as key list shows it.")],
    *,
    config: Config = None,
    database: Database = None,
) -> None:
    """Revoke a key: it stops answering at once."""
    from dragoman.core import api_keys

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        api_keys.revoke(uow, key)
    printing.say(f"Revoked key {key}.")


def _checked(dialect: Dialect, permissions: Sequence[str]) -> Sequence[str]:
    from dragoman.core.api_keys import ALL

    for permission in permissions:
        if permission != ALL and permission not in dialect.permissions:
            meant = difflib.get_close_matches(permission, dialect.permissions, n=1)
            advice = f"; did you mean {meant[0]}?" if meant else ""
            raise WrongUsage(f"{dialect.product} has no permission {permission}{advice}")
    return permissions


def public(key: ApiKey) -> dict[str, Any]:
    """A key for programs, without its secret."""
    return {
        "id": str(key.id),
        "account": key.account_number,
        "dialect": key.dialect,
        "name": key.name,
        "hint": key.hint,
        "permissions": list(key.permissions),
        "created_at": printing.moment(key.created_at),
        "used_at": printing.moment(key.used_at),
        "expires_at": printing.moment(key.expires_at),
    }
