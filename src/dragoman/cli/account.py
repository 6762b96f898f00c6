"""`dragoman account …`: people and robots, from the machine itself.

NAME is always an e-mail address, a username, a number or a UUID.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli import attributes, passwords, printing
from dragoman.cli.account_texts import guessed, named, public, states
from dragoman.cli.failures import Code, WrongUsage
from dragoman.cli.installation import AsJson, Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.passwords import LegacyHash
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core

app = typer.Typer(name="account", help="Make, look at and change accounts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="E-mail address, username, number or UUID.")]
Email = Annotated[str | None, typer.Option(help="E-mail address; it or the username is needed.")]
Username = Annotated[str | None, typer.Option(help="Username; made from the e-mail address if not given.")]
DisplayName = Annotated[str | None, typer.Option("--name", help="Name to show.")]
MustChange = Annotated[bool, typer.Option(help="Let the next sign-in ask for a new password.")]


@app.command()
def add(
    *,
    email: Email = None,
    username: Username = None,
    name: DisplayName = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make it an administrator.")] = False,
    must_change_password: MustChange = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Nobody signs in to it by password.")
    ] = False,
    password_file: passwords.FromFile = None,
    password_stdin: passwords.FromStdin = False,
    password_hash_file: passwords.HashFromFile = None,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Add an account. Its password is asked for, unless an option says where it is."""
    from dragoman.core import setup
    from dragoman.core.accounts import NewAccount

    if email is None and username is None:
        raise WrongUsage("an account needs --email or --username")
    has_password = password_file is not None or password_stdin
    if no_password + has_password + (password_hash_file is not None) > 1:
        raise WrongUsage("--no-password, a password and --password-hash-file exclude each other")
    new = NewAccount(
        email=email,
        username=username,
        display_name=name,
        is_admin=admin,
        must_change_password=must_change_password,
    )
    with opened(config, database) as core:
        password: Secret | LegacyHash | None = None
        if password_hash_file is not None:
            password = passwords.read_hash(password_hash_file)
        elif not no_password:
            password = passwords.read(password_file, stdin=password_stdin)
        account = setup.create_account(core, origin(), new, password)
        if as_json:
            printing.as_json(public(account))
        else:
            printing.say(
                f"Added {named(account)} to {core.database.url.render_as_string(hide_password=True)}."
            )


@app.command("list")
def list_accounts(
    *,
    deleted: Annotated[bool, typer.Option("--deleted", help="List deleted accounts too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    after: Annotated[int, typer.Option(min=0, help="Only accounts with greater numbers.")] = 0,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """List accounts in the order of their numbers."""
    from dragoman.core import account_lists

    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        found = account_lists.listed(uow, after=after, limit=limit, deleted=deleted)
    if as_json:
        printing.as_json([public(account) for account in found])
        return
    printing.table(
        ("Number", "Username", "E-mail", "Name", "State", "Signed in"),
        [
            (
                str(a.number),
                a.username,
                a.email or "",
                a.display_name,
                ", ".join(states(a)),
                printing.date(a.signed_in_at),
            )
            for a in found
        ],
    )
    if len(found) == limit:
        printing.note(f"There may be more: --after {found[-1].number}")


@app.command()
def show(name: Name, *, as_json: AsJson = False, config: Config = None, database: Database = None) -> None:
    """Show an account, and what hangs on it."""
    from dragoman.core import accounts, api_keys, demands, elevation, sessions, throttle, upstream

    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        account = accounts.get(uow, name)
        standing = throttle.standing(uow, account.number)
        guard = demands.guard(uow, account)
        more = {
            "sessions": len(sessions.owned(uow, account.number)),
            "keys": len(api_keys.owned(uow, account.number)),
            "pin": elevation.has_pin(uow, account.number),
            "second_factor": guard.has_any,
            "second_factor_asked": guard.demand,
        }
        linked = upstream.identities_of(uow, account.number)
    if as_json:
        guessing = {
            "failed_attempts": standing.failures,
            "locked": standing.locked,
            "throttled_until": printing.moment(standing.blocked_until),
        }
        identities = [{"issuer": each.issuer, "subject": each.subject} for each in linked]
        printing.as_json({**public(account), **more, **guessing, "identities": identities})
        return
    printing.facts(
        [
            ("Number", str(account.number)),
            ("UUID", str(account.id)),
            ("Username", account.username),
            ("E-mail", account.email or ""),
            ("Name", account.display_name),
            ("State", ", ".join(states(account)) or "active"),
            ("Guessing", guessed(standing)),
            ("Sessions", str(more["sessions"])),
            ("API keys", str(more["keys"])),
            ("PIN", "set" if more["pin"] else "not set"),
            ("Second factor", f"{'enabled' if guard.has_any else 'none'}, asked for: {guard.demand}"),
            *[("Known as", f"{each.subject} at {each.issuer}") for each in linked],
            ("Signed in", printing.date(account.signed_in_at)),
            ("Added", printing.date(account.created_at)),
        ]
    )


@app.command()
def edit(
    name: Name,
    *,
    email: Annotated[str | None, typer.Option(help="New e-mail address.")] = None,
    username: Annotated[str | None, typer.Option(help="New username.")] = None,
    display_name: DisplayName = None,
    admin: Annotated[bool | None, typer.Option(help="Whether it is an administrator.")] = None,
    must_change_password: Annotated[
        bool | None, typer.Option(help="Whether sign-in asks for a new password.")
    ] = None,
    said: attributes.Attributes = None,
    config: Config = None,
    database: Database = None,
) -> None:
    """Change an account's names, what it may do, and what single products are told of it."""
    from dragoman.core import accounts
    from dragoman.core.accounts import Changes

    changes = Changes(
        email=email,
        username=username,
        display_name=display_name,
        is_admin=admin,
        must_change_password=must_change_password,
        attributes=attributes.read(said or ()),
    )
    if changes == Changes():
        raise WrongUsage("nothing to change: see dragoman account edit --help")
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.change(uow, accounts.get(uow, name).number, changes)
    printing.say(f"Changed {named(account)}.")


@app.command()
def disable(name: Name, *, config: Config = None, database: Database = None) -> None:
    """Let nobody in by an account: its sessions and keys stop answering at once."""
    from dragoman.core import accounts

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        accounts.disable(uow, account.number)
    printing.say(f"Disabled {named(account)}.")


@app.command()
def enable(name: Name, *, config: Config = None, database: Database = None) -> None:
    """Undo a disabling."""
    from dragoman.core import accounts

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        accounts.enable(uow, account.number)
    printing.say(f"Enabled {named(account)}.")


@app.command()
def unlock(name: Name, *, config: Config = None, database: Database = None) -> None:
    """Forget all failed attempts at an account: it may be signed in to again at once."""
    from dragoman.core import accounts, audit, throttle

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        counters = throttle.unlock(uow, account.number)
        audit.record(uow, "account unlocked", account=account.number, counters=counters)
    printing.say(f"Unlocked {named(account)}.")


@app.command()
def unlink(name: Name, *, config: Config = None, database: Database = None) -> None:
    """Forget whom other providers know an account as: who comes from there next is linked anew, if at all."""
    from dragoman.core import accounts, upstream

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        links = upstream.unlink(uow, account.number)
    printing.say(f"Unlinked {named(account)} from {links} identit{'y' if links == 1 else 'ies'}.")


@app.command()
def password(
    name: Name,
    *,
    password_file: passwords.FromFile = None,
    password_stdin: passwords.FromStdin = False,
    must_change: Annotated[
        bool, typer.Option("--must-change", help="Let the next sign-in ask for another.")
    ] = False,
    keep_sessions: Annotated[bool, typer.Option("--keep-sessions", help="Leave signed in who is.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Give an account a new password, and end its sessions."""
    from dragoman.core import password_change

    with opened(config, database) as core:
        account = _find(core, name)
        new = passwords.read(password_file, stdin=password_stdin)
        account = password_change.set_password(
            core, origin(), account, new, must_change=must_change, sign_out=not keep_sessions
        )
    printing.say(f"Changed the password of {named(account)}.")


@app.command()
def delete(
    name: Name,
    *,
    purge: Annotated[bool, typer.Option("--purge", help="For good, with all that it owns.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Delete an account, so that it can be restored; with --purge, for good."""
    from dragoman.core import accounts

    with opened(config, database) as core:
        account = _find(core, name)
        if not yes:
            _confirm(account, purge=purge)
        with core.begin(origin(), writes=True) as uow:
            (accounts.purge if purge else accounts.delete_softly)(uow, account.number)
    printing.say(f"Deleted {named(account)}{' for good' if purge else ''}.")


@app.command()
def restore(name: Name, *, config: Config = None, database: Database = None) -> None:
    """Undo a deletion that was not for good."""
    from dragoman.core import accounts

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        accounts.restore(uow, account.number)
    printing.say(f"Restored {named(account)}.")


def _find(core: Core, name: str) -> Account:
    from dragoman.core import accounts

    with core.begin(origin(), writes=False) as uow:
        return accounts.get(uow, name)


def _confirm(account: Account, *, purge: bool) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage("there is no terminal to ask on: use --yes")
    question = f"Delete {named(account)}{' for good, with all that it owns' if purge else ''}?"
    if not typer.confirm(printing.safe(question), err=True):
        printing.note("Nothing was changed.")
        raise typer.Exit(Code.REFUSED)
