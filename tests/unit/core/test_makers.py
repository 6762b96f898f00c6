"""What somebody signs in with is made by nobody whom an app password let in: it would outlive that."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.authenticator import Device as Authenticator
from tests.fakes import NEW_PASSWORD, ORIGIN, FakeClock, do
from tests.people import BOB, calling, calling_by_key, everything, presenting, sealing, somebody
from tests.unit.core.test_app_passwords import PHONE, enter, made
from tests.unit.core.test_factors import guarded
from tests.unit.core.test_passkeys import SITE

import dragoman.core
from dragoman.core import (
    access_tokens,
    accounts,
    api_keys,
    app_passwords,
    approvals,
    factors,
    invitations,
    passkeys,
    password_change,
    recovery_codes,
    resets,
    sessions,
    setup,
    ways,
)
from dragoman.core.access_tokens import NewAccessToken
from dragoman.core.accounts import Changes, NewAccount
from dragoman.core.columns import metadata
from dragoman.core.errors import SessionRequired
from dragoman.core.invitations import Offer
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.ways import Ways
from dragoman.core.work import Core, UnitOfWork

NEW = Secret(NEW_PASSWORD)
A_KEY = uuid.UUID(int=1)

# Who makes something that is signed in with, by the function that writes it: each refuses whom an app password let in.
MAKERS: dict[str, Callable[[Core, Principal, uuid.UUID], object]] = {
    "access_tokens._issue": lambda core, by, _: do(
        core, access_tokens.issue, NewAccessToken(by.account.number, "/"), by=by
    ),
    "accounts.add": lambda core, by, _: setup.create_account(
        core, ORIGIN, NewAccount(username="eve"), NEW, by=by
    ),
    "accounts.change": lambda core, by, _: do(
        core, accounts.change, by.account.number, Changes(email="eve@example.org"), by=by
    ),
    "api_keys.issue": lambda core, by, _: do(
        core, api_keys.issue, by.account.number, "immich", name="k", permissions=["all"], by=by
    ),
    "api_keys.change": lambda core, by, key: do(
        core, api_keys.change, by.account.number, "immich", key, permissions=["all"], by=by
    ),
    "api_keys.rotate": lambda core, by, key: do(
        core, api_keys.rotate, by.account.number, "immich", key, by=by
    ),
    "app_passwords.make": lambda core, by, _: do(core, app_passwords.make, "immich", "Another", by=by),
    "approvals._answer": lambda core, by, _: do(core, approvals.approve, A_KEY, by=by),
    "factors.enable": lambda core, by, _: do(
        core, factors.enable, by.account, Secret("A" * 32), Secret("000000"), by=by
    ),
    "factors.disable": lambda core, by, _: do(core, factors.disable, by.account, by=by),
    "invitations.invite": lambda core, by, _: do(
        core, invitations.invite, Offer(), inviter=by.account, by=by
    ),
    "passkeys.finish_making": lambda core, by, _: added_passkey(core, by),
    "password_change._store": lambda core, by, _: password_change.change_account(
        core, ORIGIN, by, by.account, Changes(), password=NEW
    ),
    "password_change._store, by its owner": lambda core, by, _: password_change.replace_own_password(
        core, ORIGIN, by, NEW
    ),
    "password_change._store, that must be changed": lambda core, by, _: password_change.change_own_account(
        core, ORIGIN, by, Changes(), NEW
    ),
    "recovery_codes.make": lambda core, by, _: do(core, recovery_codes.make, by.account.number, by=by),
    "resets.start": lambda core, by, _: do(core, resets.start, by.account, by=by),
    "ways.choose": lambda core, by, _: do(core, ways.choose, Ways(), by=by),
}
# Who writes there without making anything that would outlive an app password.
OTHERS = {
    "accounts._mark": "disabling and enabling",
    "app_passwords.use": "whose it is, at a sign-in by it",
    "approvals.ask": "asks, and lets nobody in",
    "api_keys.<module>": "when one was used",
    "avatars._changed": "that an account has another picture",
    "factors._spent": "the code that was used",
    "factors.synchronise": "proved by a code",
    "invitations._let_in": "the guest's own account",
    "invitations._spend": "accepting one",
    "login.<module>": "when somebody signed in, and the same password hashed anew",
    "names.claim": "for `accounts.add`, `accounts.change` and those who come by another provider",
    "passkeys._count": "when one was used",
    "passkeys.rename": "what one is called",
    "recovery_codes.spend": "the code that was used",
    "setup_links.make": "nobody is signed in when a server is started",
    "upstream._entered": "when somebody signed in",
    "upstream._first_time": "at a sign-in by another provider",
}
# What can be shown again to get in, and ends with the session: of it `sessions` and what hangs on them is made.
WITH_A_SESSION = {"sessions", "refresh_tokens", "standing_sessions", "tickets"}
# Secrets that let nobody in.
NO_WAY_IN = {
    "data_keys": "seals",
    "outbox": "carries what others made",
    "pins": "opens a locked part to who is in already",
    "signing_keys": "is the server's own",
    "spent_challenges": "was answered",
}
BESIDES = {"accounts", "account_names", "approvals", "linked_identities", "second_factor_ways"}
SECRET = {"digest", "password", "seed", "hash", "credential", "sealed", "private", "wrapped", "letter"}


def added_passkey(core: Core, by: Principal) -> None:
    """A passkey that the caller has made."""
    begun = do(core, passkeys.begin_making, SITE, by)
    answer = Authenticator(SITE.host, SITE.origin).make(begun.options)
    do(core, passkeys.finish_making, SITE, by, begun.carries, answer, name="x")


def ways_in() -> set[str]:
    """The tables of what somebody signs in with, now and later."""
    with_secrets = {t.name for t in metadata.sorted_tables if SECRET & set(t.columns.keys())}
    return (with_secrets | BESIDES) - WITH_A_SESSION - set(NO_WAY_IN)


def written(call: ast.Call) -> str | None:
    """The name of the table that a call writes a row of."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "insert" and isinstance(call.func, ast.Attribute):
        return ast.unparse(call.func.value).rpartition(".")[2]
    if name in ("insert", "insert_on") and len(call.args) == 2:
        return ast.unparse(call.args[1]).rpartition(".")[2]
    is_update = isinstance(call.func, ast.Name) and name == "update"
    return ast.unparse(call.args[0]).rpartition(".")[2] if is_update else None


def writers() -> Iterator[str]:
    """Every function of the core that writes a row of what somebody signs in with."""
    for file in sorted(Path(dragoman.core.__file__).parent.glob("*.py")):
        tree = ast.parse(file.read_text())
        for part in tree.body:
            calls = [node for node in ast.walk(part) if isinstance(node, ast.Call)]
            if any(written(call) in ways_in() for call in calls):
                yield f"{file.stem}.{getattr(part, 'name', '<module>')}"


def test_every_maker_is_held_to_the_rule() -> None:
    """Whatever writes what somebody signs in with is tried below, or is none of its makers for a reason."""
    known = {name.partition(",")[0] for name in (*MAKERS, *OTHERS)}
    assert set(writers()) - known == set()


def is_refused(core: Core, maker: str, by: Principal, key: uuid.UUID) -> bool:
    """Whether one of the makers refuses this caller."""
    try:
        MAKERS[maker](core, by, key)
    except SessionRequired:
        return True
    return False


@pytest.mark.parametrize("through", ["its session", "a session that this opened"])
def test_whom_an_app_password_let_in_makes_nothing_that_outlives_it(
    sqlite_core: Core, clock: FakeClock, through: str
) -> None:
    """Neither they nor whoever they let in make what somebody signs in with, or change it: nothing is written."""
    core = sealing(sqlite_core)
    account = guarded(core, clock, must_change_password=True)
    key, _ = do(core, api_keys.issue, account.number, "immich", name="key", permissions=["user.read"])
    caller = presenting(core, enter(core, made(core, account)).secret, origin=PHONE)
    if through != "its session":
        _, secret = do(core, sessions.open_session, account.number, Device(), parent=caller.session)
        caller = presenting(core, secret)
    before = everything(core)
    assert [maker for maker in MAKERS if not is_refused(core, maker, caller, key.id)] == []
    assert everything(core) == before


def test_no_api_key_leads_an_accounts_mail_elsewhere(sqlite_core: Core) -> None:
    """Names and addresses are changed in person alone, whatever a key may do: a password can be set by mail."""
    account = somebody(sqlite_core)
    key = calling_by_key(sqlite_core, account)
    for changes in (Changes(email="eve@example.org"), Changes(username="eve")):
        with pytest.raises(SessionRequired):
            do(sqlite_core, accounts.change, account.number, changes, by=key)
    renamed = do(sqlite_core, accounts.change, account.number, Changes(display_name="Ada"), by=key)
    assert (renamed.display_name, renamed.email) == ("Ada", account.email)


def test_who_signed_in_otherwise_makes_them(core: Core) -> None:
    """On either engine: a session of which no app password is in the line is no app password's."""
    house = sealing(core)
    alice, bob = somebody(house), calling(house, somebody(house, BOB))
    caller = presenting(house, enter(house, made(house, alice)).secret, origin=PHONE)

    def let_in(uow: UnitOfWork, by: Principal) -> bool:
        return app_passwords.has_let_in(uow, by.require_session())

    assert (do(house, let_in, caller), do(house, let_in, bob)) == (True, False)
    do(house, api_keys.issue, bob.account.number, "immich", name="k", permissions=["all"], by=bob)
