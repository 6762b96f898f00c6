"""App passwords: shown once, good in one dialect and on one device, in place of password and code, until they are ended."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import (
    ALICE,
    BOB,
    calling,
    calling_by_key,
    everything,
    opened,
    presenting,
    rows,
    sealing,
    somebody,
)
from tests.racing import at_once
from tests.unit.core.test_factors import guarded

from dragoman.core import app_passwords, login, password_change, ways
from dragoman.core.accounts import Account, Changes
from dragoman.core.app_passwords import app_password_sessions
from dragoman.core.audit import audit_log
from dragoman.core.errors import (
    AdminOnly,
    NameRefused,
    NotFound,
    PasswordChangeRequired,
    SessionRefused,
    SessionRequired,
    Throttled,
    TooMany,
    WhileImpersonating,
    WrongCredentials,
)
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.ways import Ways
from dragoman.core.work import Core, Origin

PHONE = replace(ORIGIN, agent="Immich_Android_1.134.0", network="192.0.2.1")
PHONE_ID = uuid.UUID(int=7)


@pytest.fixture
def sealer(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


@pytest.fixture
def house(sqlite_core: Core) -> Core:
    """A core on SQLite that can seal, for what no engine can change."""
    return sealing(sqlite_core)


def made(core: Core, account: Account, name: str = "Phone", dialect: str = "immich") -> Secret:
    """A new app password of the account."""
    return do(core, app_passwords.make, dialect, name, by=calling(core, account))


def enter(
    core: Core, secret: Secret, origin: Origin = PHONE, device: Device | None = None, name: str = ALICE
) -> login.SignedIn:
    """Sign in by an app password."""
    return login.log_in(core, origin, name, secret, device or Device())


def refused(core: Core, secret: Secret, origin: Origin = PHONE, device: Device | None = None) -> None:
    """It is a wrong password, and nothing more is said."""
    with pytest.raises(WrongCredentials) as raised:
        enter(core, secret, origin, device)
    assert type(raised.value) is WrongCredentials


def test_it_signs_in_where_a_code_is_asked_for(sealer: Core, clock: FakeClock) -> None:
    """Whoever has a second factor signs in by it without a code, however it is typed, again and again."""
    account = guarded(sealer, clock)
    secret = made(sealer, account)
    for typed in (
        secret.reveal(),
        secret.reveal().upper().replace("-", " "),
        secret.reveal().replace("-", ""),
    ):
        session = enter(sealer, Secret(typed)).session
        assert (session.account_number, session.dialect) == (account.number, "immich")
    [kept] = do(sealer, app_passwords.of_account, account.number)
    assert (kept.name, kept.dialect, kept.agent, kept.used_at) == ("Phone", "immich", PHONE.agent, clock.now)


def test_S_01_only_its_digest_is_stored(house: Core) -> None:
    """It has 136 bits, no two are alike, and the database has none of them in clear."""
    account = somebody(house)
    secrets = [made(house, account, str(n)).reveal() for n in range(5)]
    assert len(set(secrets)) == 5
    assert {len(secret.replace("-", "")) * 5 // 8 for secret in secrets} == {17}
    stored = repr(everything(house))
    assert not [secret for secret in secrets if secret in stored or secret.replace("-", "") in stored]


def test_it_is_good_in_one_dialect(house: Core) -> None:
    """Another dialect, the pages among them, takes it for a wrong password."""
    account = somebody(house)
    secret = made(house, account)
    for dialect in ("strict", "web"):
        refused(house, secret, replace(PHONE, dialect=dialect))
    enter(house, secret)


def test_it_is_good_for_one_account(house: Core) -> None:
    """Beside another's name it is a wrong password."""
    secret = made(house, somebody(house))
    somebody(house, BOB)
    with pytest.raises(WrongCredentials):
        enter(house, secret, name=BOB)


@pytest.mark.parametrize(
    ("agent", "device", "same"),
    [
        ("Immich_Android_1.134.0", Device("Pixel 7", "Android 14", "1.134.0"), True),
        ("Immich_Android_2.7.1+301", Device("Pixel 7", "Android 15", "2.7.1"), True),
        ("Immich_Android_1.134.0", Device("Pixel 8", "Android 14", "1.134.0"), False),
        ("Immich_iOS_1.134.0", Device("Pixel 7", "Android 14", "1.134.0"), False),
        ("curl/8.5.0", Device("Pixel 7", "Android 14", "1.134.0"), False),
    ],
)
def test_it_is_good_on_the_device_that_used_it_first(
    house: Core, agent: str, device: Device, same: bool
) -> None:
    """An app or a system that was updated, in another network, is the same device; another device is not."""
    secret = made(house, somebody(house))
    enter(house, secret, device=Device("Pixel 7", "Android 14", "1.134.0"))
    later = replace(PHONE, agent=agent, network="198.51.100.7")
    if same:
        enter(house, secret, later, device)
    else:
        refused(house, secret, later, device=device)


def test_of_devices_that_use_it_first_at_once_one_has_it(sealer: Core) -> None:
    """Of six devices that use a new one at once one signs in, and the others are refused."""
    secret = made(sealer, somebody(sealer))
    jobs = [lambda n=n: enter(sealer, secret, replace(PHONE, agent=f"Device{n}")) for n in range(6)]
    outcomes = at_once(*jobs)
    assert sum(isinstance(outcome, login.SignedIn) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, WrongCredentials) for outcome in outcomes) == 5


def test_its_sessions_end_with_it(sealer: Core) -> None:
    """Once ended it signs nobody in, and what it opened is closed; other sessions live on."""
    account = somebody(sealer)
    secret = made(sealer, account)
    by_it, other = enter(sealer, secret), opened(sealer, account)[1]
    caller = calling(sealer, account)
    [kept] = do(sealer, app_passwords.of_account, account.number)
    assert do(sealer, app_passwords.end, kept.id, by=caller).name == "Phone"
    refused(sealer, secret)
    with pytest.raises(SessionRefused):
        presenting(sealer, by_it.secret)
    presenting(sealer, other)
    assert rows(sealer, app_password_sessions) == []
    with pytest.raises(NotFound):
        do(sealer, app_passwords.end, kept.id, by=caller)


def test_nobody_ends_anothers(house: Core) -> None:
    """Somebody else's is not there for one."""
    secret = made(house, somebody(house))
    [kept] = do(house, app_passwords.of_account, enter(house, secret).account.number)
    with pytest.raises(NotFound):
        do(house, app_passwords.end, kept.id, by=calling(house, somebody(house, BOB)))
    enter(house, secret)


@pytest.mark.parametrize("others", [False, True])
def test_S_07_they_end_when_a_password_change_signs_out_others(house: Core, others: bool) -> None:
    """A change of password that signs out elsewhere ends all app passwords; one that does not leaves them."""
    account = somebody(house)
    secret, caller = made(house, account), calling(house, account)
    password_change.change_password(
        house, ORIGIN, caller, Secret(PASSWORD), Secret(NEW_PASSWORD), sign_out_others=others
    )
    if others:
        refused(house, secret)
    else:
        enter(house, secret)


def test_an_account_that_does_not_allow_them_takes_none(house: Core) -> None:
    """Switched off they are wrong passwords; switched on again they are good as before."""
    account = somebody(house)
    secret, caller = made(house, account), calling(house, account)
    do(house, ways.choose, Ways(app_passwords=False), by=caller)
    refused(house, secret)
    do(house, ways.choose, Ways(), by=caller)
    enter(house, secret)


def test_it_replaces_no_password(house: Core) -> None:
    """Where a new password is demanded at sign-in, an app password neither gets in nor sets one."""
    account = somebody(house, must_change_password=True)
    secret = made(house, account)
    with pytest.raises(PasswordChangeRequired):
        login.log_in_with(
            house,
            PHONE,
            ALICE,
            secret,
            Device(),
            then=lambda _, signed_in: signed_in,
            insists_on_change=True,
            new_password=Secret(NEW_PASSWORD),
        )
    login.log_in(house, ORIGIN, ALICE, Secret(PASSWORD), Device())


def test_whom_it_let_in_changes_what_is_theirs(house: Core, clock: FakeClock) -> None:
    """What nobody signs in with is theirs to change through an app password, too; the rest is in test_makers.py."""
    account = guarded(house, clock)
    caller = presenting(house, enter(house, made(house, account)).secret, origin=PHONE)
    named = password_change.change_own_account(house, PHONE, caller, Changes(display_name="Ada"))
    assert named.display_name == "Ada"


def test_they_are_guessed_no_faster_than_passwords(house: Core) -> None:
    """What looks like one and is none counts as a wrong password does; then the right one has to wait."""
    secret = made(house, somebody(house))
    for _ in range(11):
        refused(house, Secret("abcd-" * 6 + "abcd"))
    with pytest.raises(Throttled):
        enter(house, secret)


def test_making_and_ending_is_for_its_owner_in_person(house: Core) -> None:
    """No API key makes one or ends one, nor does anybody who acts as somebody else; one has no more than fifty."""
    account, caller = somebody(house), calling(house, somebody(house, BOB))
    acting = replace(caller, account=account, actor=caller.account)
    for kind, by in ((SessionRequired, calling_by_key(house, account)), (WhileImpersonating, acting)):
        with pytest.raises(kind):
            do(house, app_passwords.make, "immich", "x", by=by)
        with pytest.raises(kind):
            do(house, app_passwords.end, PHONE_ID, by=by)
        with pytest.raises(kind):
            do(house, ways.choose, Ways(), by=by)
    with pytest.raises(NotFound):
        do(house, app_passwords.make, "web", "x", by=caller)
    with pytest.raises(NameRefused):
        do(house, app_passwords.make, "immich", "", by=caller)
    for n in range(app_passwords.MOST):
        do(house, app_passwords.make, "immich", str(n), by=caller)
    with pytest.raises(TooMany):
        do(house, app_passwords.make, "immich", "one more", by=caller)


def test_an_administrator_ends_somebodys_and_nobody_else_does(house: Core) -> None:
    """With the sessions that it opened; it is on record who did it; one of another account's is not found."""
    alice, admin = somebody(house), somebody(house, BOB, is_admin=True)
    secret = made(house, alice)
    signed_in = enter(house, secret)
    [theirs] = do(house, app_passwords.of_account, alice.number)
    with pytest.raises(AdminOnly):
        do(house, app_passwords.end, theirs.id, by=calling(house, alice), owner=admin.number)
    by = calling(house, admin)
    with pytest.raises(NotFound):
        do(house, app_passwords.end, theirs.id, by=by, owner=admin.number)
    do(house, app_passwords.end, theirs.id, by=by, owner=alice.number)
    with pytest.raises(SessionRefused):
        presenting(house, signed_in.secret, origin=PHONE)
    [line] = [row for row in rows(house, audit_log) if row["event"] == "app password ended"]
    assert (line["account_number"], line["actor_number"]) == (alice.number, admin.number)
