"""Signing in: who is let in, who is not, what is written, and what a sign-in that was overtaken gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha512
from typing import Any

import bcrypt
import pytest
from sqlalchemy import event, update
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, Meddler, events, everything, presenting, rows, somebody, with_tools

from dragoman.core import accounts, login, password_change, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.devices import known_devices
from dragoman.core.errors import (
    NotFound,
    PasswordChangeRequired,
    PasswordLoginDisabled,
    PasswordRefused,
    PasswordTooLong,
    SessionRefused,
    Throttled,
    WrongCredentials,
)
from dragoman.core.passwords import Hasher, LegacyHash
from dragoman.core.secrets import Secret, digest
from dragoman.core.sessions import Device, sessions
from dragoman.core.throttle import throttles
from dragoman.core.work import Core, Origin, UnitOfWork

WRONG = "wrong-horse-7-battery"


def log_in(
    core: Core,
    name: str = ALICE,
    password: str = PASSWORD,
    *,
    origin: Origin = ORIGIN,
    device: Device | None = None,
) -> login.SignedIn:
    """Sign in, as Alice and rightly unless told otherwise."""
    return login.log_in(core, origin, name, Secret(password), device or Device())


def store(core: Core, account: Account, hashed: str | None) -> None:
    """Give an account a hash that another program made."""
    with core.database.writing() as db:
        theirs = update(accounts.accounts).where(accounts.accounts.c.number == account.number)
        db.execute(theirs.values(password=hashed))


def stored(core: Core) -> str:
    """The hash of the only account."""
    (row,) = rows(core, accounts.accounts)
    return str(row["password"])


# --- who is let in --------------------------------------------------------------------------------------


def test_a_sign_in_opens_a_session(core: Core, clock: FakeClock) -> None:
    """Whoever knows name and password gets a secret that they are known by from then on."""
    account = somebody(core)
    clock.forward(hours=1)
    signed_in = log_in(core, device=Device("Pixel 9", "Android", "1.134.0"))
    assert signed_in.account == account
    caller = presenting(core, signed_in.secret)
    assert caller.session == signed_in.session
    assert caller.account == replace(account, signed_in_at=clock.now)
    session = signed_in.session
    assert (session.device, session.os, session.app_version) == ("Pixel 9", "Android", "1.134.0")
    assert (session.created_at, session.address, session.dialect) == (clock.now, ORIGIN.address, "immich")


def test_what_belongs_to_a_sign_in_is_done_with_it_or_not_at_all(core: Core) -> None:
    """What a dialect does beside is given back, and is written with the session; when it fails, neither is there."""
    number = somebody(core).number

    def noting(uow: UnitOfWork, signed_in: login.SignedIn) -> str:
        accounts.change(uow, number, accounts.Changes(display_name="Noted"))
        return signed_in.account.username

    def refusing(uow: UnitOfWork, signed_in: login.SignedIn) -> str:
        noting(uow, signed_in)
        raise NotFound("anything")

    with pytest.raises(NotFound):
        login.log_in_with(core, ORIGIN, ALICE, Secret(PASSWORD), Device(), then=refusing)
    assert rows(core, sessions) == []
    assert do(core, accounts.get, ALICE).display_name == "alice"
    assert login.log_in_with(core, ORIGIN, ALICE, Secret(PASSWORD), Device(), then=noting) == "alice"
    assert len(rows(core, sessions)) == 1
    assert do(core, accounts.get, ALICE).display_name == "Noted"


@pytest.mark.parametrize("name", ["ALICE@example.org", "al", "AL", "\uff21l"])
def test_either_name_will_do(core: Core, name: str) -> None:
    """People sign in by e-mail address or username, however they write it."""
    account = somebody(core, username="al")
    assert log_in(core, name).account == account


def test_a_sign_in_is_on_record(core: Core, clock: FakeClock) -> None:
    """The audit log says who signed in, when, from where and by which session; nothing of the secrets."""
    account = somebody(core)
    clock.forward(minutes=1)
    signed_in = log_in(core)
    line = next(row for row in rows(core, audit_log) if row["event"] == "signed in")
    assert (line["account_number"], line["at"]) == (account.number, clock.now)
    assert line["via"] == f"session {signed_in.session.id}"
    assert (line["dialect"], line["address"], line["agent"]) == (ORIGIN.dialect, ORIGIN.address, ORIGIN.agent)
    assert line["request_id"] == ORIGIN.request_id


def test_each_sign_in_adds_a_session(core: Core) -> None:
    """A second sign-in ends nothing: both secrets are good, and differ."""
    somebody(core)
    first, second = log_in(core), log_in(core)
    assert first.secret.reveal() != second.secret.reveal()
    assert presenting(core, first.secret).account == presenting(core, second.secret).account


def test_the_database_holds_digests(core: Core) -> None:
    """Of a session's secret only the digest is stored, of a password only its hash."""
    somebody(core)
    signed_in = log_in(core)
    (row,) = rows(core, sessions)
    assert row["digest"] == digest(signed_in.secret)
    assert signed_in.secret.reveal() not in str(everything(core))
    assert PASSWORD not in str(everything(core))


def test_a_sign_in_writes_twice(core: Core) -> None:
    """A sign-in, good or bad, is two writing transactions: the attempt, and what became of it."""
    somebody(core)
    commits: list[object] = []
    event.listen(core.database.engine, "commit", commits.append)
    log_in(core)
    assert len(commits) == 2
    with pytest.raises(WrongCredentials):
        log_in(core, password=WRONG)
    assert len(commits) == 4


# --- who is not -----------------------------------------------------------------------------------------


Fate = Callable[[Core, Account], object]

ENDS: Mapping[str, Fate] = {
    "disabled": lambda core, account: do(core, accounts.disable, account.number),
    "deleted": lambda core, account: do(core, accounts.delete_softly, account.number),
    "purged": lambda core, account: do(core, accounts.purge, account.number),
}
LOSSES: Mapping[str, Fate] = {
    "without a password": lambda core, account: store(core, account, None),
    "with a garbled hash": lambda core, account: store(core, account, "!"),
}
CHANGES: Mapping[str, Fate] = {
    "changed": lambda core, account: password_change.set_password(
        core, ORIGIN, account, Secret(NEW_PASSWORD)
    ),
}


@pytest.mark.parametrize("fate", [*ENDS, *LOSSES])
def test_the_right_password_is_not_enough(core: Core, fate: str) -> None:
    """Who is disabled, deleted, without a password or gone is refused as if the password were wrong."""
    account = somebody(core)
    {**ENDS, **LOSSES}[fate](core, account)
    meddler = Meddler()
    with pytest.raises(WrongCredentials):
        log_in(with_tools(core, hasher=meddler))
    # One hash, or the time would tell; what cannot be verified is made up for by the decoy.
    assert [hashed for hashed in meddler.verified if hashed != "!"] == [meddler.decoy]
    assert rows(core, sessions) == []


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (ALICE, WRONG),
        (ALICE, ""),
        (ALICE, "\x00"),
        (ALICE, "\ud800"),
        (BOB, PASSWORD),
        ("", PASSWORD),
        ("a\x00", PASSWORD),
    ],
)
def test_a_wrong_guess_costs_one_hash(core: Core, name: str, password: str) -> None:
    """Whether name or password is wrong, one hash is verified, one refusal given, one line put on record."""
    somebody(core)
    known = next(row["number"] for row in rows(core, accounts.accounts))
    meddler = Meddler()
    with pytest.raises(WrongCredentials):
        log_in(with_tools(core, hasher=meddler), name, password)
    assert meddler.verified == [stored(core) if name == ALICE else meddler.decoy]
    assert rows(core, sessions) == rows(core, known_devices) == []
    (line,) = [row for row in rows(core, audit_log) if row["event"] != "account added"]
    assert line["event"] == "sign-in refused"
    assert line["account_number"] == (known if name == ALICE else None)


def test_a_name_of_a_megabyte_is_not_even_sorted(core: Core) -> None:
    """A name that is too long to be one costs what any other unknown name does."""
    begun = time.perf_counter()
    with pytest.raises(WrongCredentials):
        log_in(core, "\u0301\u0316" * 100_000)
    assert time.perf_counter() - begun < 5


def test_a_password_of_a_megabyte_is_not_hashed(core: Core) -> None:
    """A password longer than any is refused before it is counted or hashed, whoever it is for."""
    somebody(core)
    meddler = Meddler()
    for name in (ALICE, BOB):
        with pytest.raises(PasswordTooLong):
            log_in(with_tools(core, hasher=meddler), name, "x" * (1 << 20))
    assert meddler.verified == []
    assert rows(core, throttles) == []


def test_sign_in_by_password_can_be_turned_off(core: Core) -> None:
    """Where nobody signs in by password, nobody is looked up, counted or hashed for."""
    somebody(core)
    meddler = Meddler()
    closed = Core(
        core.database, replace(core.tools, hasher=meddler), replace(core.rules, password_login=False)
    )
    before = everything(core)
    with pytest.raises(PasswordLoginDisabled):
        log_in(closed)
    assert meddler.verified == []
    assert everything(core) == before


# --- overtaken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [*ENDS, *CHANGES])
def test_a_sign_in_that_is_overtaken_opens_nothing(core: Core, fate: str) -> None:
    """A password right when it was asked about is worth nothing if the account changed while it was verified."""
    account = somebody(core)
    overtaken = with_tools(core, hasher=Meddler(lambda: {**ENDS, **CHANGES}[fate](core, account)))
    with pytest.raises(WrongCredentials):
        log_in(overtaken)
    assert rows(core, sessions) == rows(core, known_devices) == []
    details = [row["detail"] for row in rows(core, audit_log) if row["event"] == "sign-in refused"]
    assert details == [{"overtaken": True}]


def test_a_sign_in_survives_another_change_meanwhile(core: Core) -> None:
    """A change that has nothing to do with signing in overtakes nobody."""
    account = somebody(core)
    rename = accounts.Changes(display_name="Alice II")
    meddler = Meddler(lambda: do(core, accounts.change, account.number, rename))
    assert log_in(with_tools(core, hasher=meddler)).account.number == account.number


# --- hashes of another time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        Hasher(memory_kib=8, passes=1).hash(PASSWORD),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
    ],
    ids=["argon2id with less memory", "bcrypt 2b", "bcrypt 2y"],
)
def test_P_06_an_outdated_hash_is_renewed(core: Core, made: str) -> None:
    """The first right password after an import, or after the settings were raised, is hashed anew."""
    account = somebody(core)
    store(core, account, made)
    with pytest.raises(WrongCredentials):
        log_in(core, password=WRONG)
    assert stored(core) == made
    before = rows(core, accounts.accounts)[0]
    assert log_in(core).account.number == account.number
    assert stored(core) != made
    assert not core.tools.hasher.is_outdated(stored(core))
    after = rows(core, accounts.accounts)[0]
    # It is still the same password: nothing that hangs on its version ends.
    assert {name for name, value in after.items() if value != before[name]} == {"password", "signed_in_at"}
    assert log_in(core).account.number == account.number


def test_a_current_hash_stays(core: Core) -> None:
    """A hash with the current settings is not made anew at every sign-in."""
    somebody(core)
    before = stored(core)
    log_in(core)
    assert stored(core) == before


def test_renewal_is_overtaken_by_a_change(core: Core) -> None:
    """A password changed while its old hash was being renewed stays the changed one."""
    account = somebody(core)
    store(core, account, Hasher(memory_kib=8, passes=1).hash(PASSWORD))
    fate = Meddler(lambda: CHANGES["changed"](core, account))
    with pytest.raises(WrongCredentials):
        log_in(with_tools(core, hasher=fate))
    assert core.tools.hasher.verify(stored(core), NEW_PASSWORD)


# --- the attempt ----------------------------------------------------------------------------------------


def counted(core: Core) -> Mapping[str, int]:
    """How many attempts are counted against what."""
    return {row["key"]: row["failures"] for row in rows(core, throttles)}


def test_the_attempt_is_counted_before_it_is_judged(core: Core) -> None:
    """While a password is being verified the attempt stands on the account, for all others to see."""
    account = somebody(core)
    seen: list[Mapping[str, Any]] = []
    log_in(with_tools(core, hasher=Meddler(lambda: seen.append(counted(core)))))
    assert seen == [{f"password:account:{account.number}": 1, f"password:address:{ORIGIN.network}": 1}]
    assert counted(core) == {f"password:address:{ORIGIN.network}": 0}


def test_what_is_throttled_is_not_hashed(core: Core) -> None:
    """Who guesses too often is refused without a hash, the right password included."""
    somebody(core)
    meddler = Meddler()
    core = with_tools(core, hasher=meddler)
    for _ in range(11):
        with pytest.raises(WrongCredentials):
            log_in(core, password=WRONG)
    for password in (WRONG, PASSWORD):
        with pytest.raises(Throttled):
            log_in(core, password=password)
    assert len(meddler.verified) == 11
    assert events(core).count("sign-in refused") == 11


# --- blank passwords ------------------------------------------------------------------------------------


def log_in_blankly(core: Core, name: str, *, may_be_blank: bool) -> None:
    """Sign in with nothing for a password."""
    nothing = Secret("")
    login.log_in_with(core, ORIGIN, name, nothing, Device(), then=lambda *_: None, may_be_blank=may_be_blank)


def test_a_blank_password_opens_nothing_unless_it_may(core: Core) -> None:
    """An account whose password is blank is closed to who types nothing, but where the caller says it may be."""
    setup.create_account(core, ORIGIN, NewAccount(username="kodi"), LegacyHash(""))
    somebody(core)
    for name, may_be_blank in [(ALICE, False), (ALICE, True), ("kodi", False)]:
        with pytest.raises(WrongCredentials):
            log_in_blankly(core, name, may_be_blank=may_be_blank)
    log_in_blankly(core, "kodi", may_be_blank=True)


def test_a_blank_password_costs_one_hash(core: Core) -> None:
    """Refused for being blank or for being wrong: nobody can tell by the time."""
    setup.create_account(core, ORIGIN, NewAccount(username="kodi"), LegacyHash(""))
    meddler = Meddler()
    with pytest.raises(WrongCredentials):
        login.log_in(with_tools(core, hasher=meddler), ORIGIN, "kodi", Secret(""), Device())
    assert len(meddler.verified) == 1


def test_a_hash_brought_along_is_renewed(core: Core) -> None:
    """The first sign-in replaces the wrapped SHA-512 by a hash of the password itself."""
    brought = LegacyHash(sha512(PASSWORD.encode()).hexdigest().upper())
    setup.create_account(core, ORIGIN, NewAccount(email=ALICE), brought)
    before = stored(core)
    assert before.startswith("sha512:$argon2id$")
    login.log_in(core, ORIGIN, ALICE, Secret(PASSWORD), Device())
    after = stored(core)
    assert after.startswith("$argon2id$")
    login.log_in(core, ORIGIN, ALICE, Secret(PASSWORD), Device())


# --- a password that must be changed --------------------------------------------------------------------


def log_in_changing(core: Core, new: str | None, password: str = PASSWORD) -> login.SignedIn:
    """Sign in as Alice to a product that insists on a change where one is due."""
    return login.log_in_with(
        core,
        ORIGIN,
        ALICE,
        Secret(password),
        Device(),
        then=lambda _, signed_in: signed_in,
        new_password=None if new is None else Secret(new),
        insists_on_change=True,
    )


def guesses(core: Core) -> int:
    """How many attempts are held against anybody."""
    return sum(int(row["failures"]) for row in rows(core, throttles))


def test_a_change_that_is_due_comes_before_the_session(core: Core) -> None:
    """Without a new password nobody comes in, and the attempt was no guess; a wrong password is still just that."""
    somebody(core, must_change_password=True)
    with pytest.raises(PasswordChangeRequired):
        log_in_changing(core, None)
    assert (rows(core, sessions), guesses(core)) == ([], 0)
    with pytest.raises(WrongCredentials):
        log_in_changing(core, NEW_PASSWORD, WRONG)


def test_a_due_change_is_made_with_the_session_that_it_opens(core: Core) -> None:
    """The new password takes the old one's place, no change is due any more, and the session lives."""
    somebody(core, must_change_password=True)
    signed_in = log_in_changing(core, NEW_PASSWORD)
    assert not signed_in.account.must_change_password
    assert presenting(core, signed_in.secret).account == signed_in.account
    with pytest.raises(WrongCredentials):
        log_in(core)
    assert log_in(core, password=NEW_PASSWORD).account.number == signed_in.account.number


@pytest.mark.parametrize("new", ["kq7-z", PASSWORD])
def test_a_due_change_must_be_fit_and_a_change(core: Core, new: str) -> None:
    """What the policy refuses, and the same password again, changes nothing and is no guess."""
    somebody(core, must_change_password=True)
    before = stored(core)
    with pytest.raises(PasswordRefused):
        log_in_changing(core, new)
    assert (stored(core), rows(core, sessions), guesses(core)) == (before, [], 0)


def test_a_new_password_without_need_is_not_minded(core: Core) -> None:
    """Who need not change the password signs in, and it stays."""
    somebody(core)
    before = stored(core)
    log_in_changing(core, NEW_PASSWORD)
    assert stored(core) == before


def test_a_due_change_that_is_overtaken_is_not_made(core: Core) -> None:
    """Whoever decides meanwhile that no change is due, or changes the password, is not undone by it."""
    account = somebody(core, must_change_password=True)

    def done_already() -> None:
        do(core, accounts.change, account.number, accounts.Changes(must_change_password=False))

    before = stored(core)
    meddled = with_tools(core, hasher=Meddler(done_already))
    with pytest.raises(SessionRefused):
        log_in_changing(meddled, NEW_PASSWORD)
    assert (stored(core), rows(core, sessions)) == (before, [])
