"""PINs and the stronger trust that one buys: every path there and every way it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import (
    BOB,
    Meddler,
    calling,
    calling_by_key,
    events,
    everything,
    opened,
    rows,
    somebody,
    with_tools,
)
from tests.racing import after_statements, at_once

from dragoman.core import accounts, elevation, session_ends, sessions, throttle
from dragoman.core.accounts import Account
from dragoman.core.elevation import pins
from dragoman.core.errors import (
    PinAlreadySet,
    PinNotSet,
    ProofMissing,
    Refusal,
    SessionRefused,
    SessionRequired,
    Throttled,
    WrongPassword,
    WrongPin,
)
from dragoman.core.password_change import set_password
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

PIN, NEW_PIN, WRONG = "135790", "246802", "000000"
WRONG_PASSWORD = "wrong-horse-7-battery"


def set_pin(core: Core, caller: Principal, pin: str = PIN) -> None:
    """Set the caller's PIN."""
    elevation.set_pin(core, ORIGIN, caller, Secret(pin))


def unlock(core: Core, caller: Principal, pin: str | None = PIN) -> datetime:
    """Unlock the calling session."""
    return elevation.unlock(core, ORIGIN, caller, None if pin is None else Secret(pin))


def change_pin(core: Core, caller: Principal, *, password: str | None = None, pin: str | None = None) -> None:
    """Change the PIN to the new one."""
    elevation.change_pin(core, ORIGIN, caller, Secret(NEW_PIN), password=secret(password), pin=secret(pin))


def reset_pin(core: Core, caller: Principal, *, password: str | None = None, pin: str | None = None) -> None:
    """Remove the PIN."""
    elevation.reset_pin(core, ORIGIN, caller, password=secret(password), pin=secret(pin))


def secret(value: str | None) -> Secret | None:
    """A secret, if there is a value."""
    return None if value is None else Secret(value)


def elevated(core: Core) -> list[object]:
    """Until when each session is elevated, the oldest session first."""
    found = sorted(rows(core, sessions.sessions), key=lambda row: (row["created_at"], str(row["id"])))
    return [row["elevated_until"] for row in found]


@pytest.fixture
def caller(core: Core) -> Principal:
    """Alice, by a session, with a PIN."""
    caller = calling(core, somebody(core))
    set_pin(core, caller)
    return caller


# --- setting it -----------------------------------------------------------------------------------------


def test_a_first_pin_is_set_once(core: Core, caller: Principal) -> None:
    """An account gets its first PIN without a proof; a second one needs another operation."""
    assert do(core, elevation.has_pin, 1)
    with pytest.raises(PinAlreadySet):
        set_pin(core, caller, NEW_PIN)
    unlock(core, caller)
    assert events(core).count("PIN set") == 1
    assert not do(core, elevation.has_pin, 2)


def test_of_many_first_pins_one_is_set(core: Core) -> None:
    """Of many that set the first PIN at the same instant one does, and its PIN is the one that unlocks."""
    caller = calling(core, somebody(core))
    outcomes = at_once(*[lambda n=n: set_pin(core, caller, f"{n:06}") for n in range(8)])
    winners = [n for n, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} == {type(None), PinAlreadySet}
    unlock(core, caller, f"{winners[0]:06}")


def test_a_pin_is_hashed_as_a_password_is(core: Core, caller: Principal) -> None:
    """Of a PIN only an Argon2id hash is stored."""
    (row,) = rows(core, pins)
    assert row["hash"].startswith("$argon2id$")
    assert PIN not in str(everything(core))


# --- unlocking ------------------------------------------------------------------------------------------


def test_the_pin_unlocks_for_a_quarter_of_an_hour(core: Core, caller: Principal, clock: FakeClock) -> None:
    """The right PIN elevates the session that gave it, and no other, for fifteen minutes."""
    opened(core, caller.account)
    clock.forward(hours=1)
    until = unlock(core, caller)
    assert until == clock.now + timedelta(minutes=15)
    assert sorted(map(str, elevated(core))) == sorted(["None", str(until)])
    assert events(core).count("session unlocked") == 1
    assert rows(core, throttle.throttles)[-1]["failures"] == 0


def test_unlocking_again_starts_anew(core: Core, caller: Principal, clock: FakeClock) -> None:
    """An elevated session that is unlocked again is so for another fifteen minutes from then."""
    unlock(core, caller)
    clock.forward(minutes=5)
    assert unlock(core, caller) == clock.now + timedelta(minutes=15)


def test_a_wrong_pin_unlocks_nothing(core: Core, caller: Principal) -> None:
    """A wrong PIN is refused, counted and put on record."""
    before = everything(core)
    with pytest.raises(WrongPin):
        unlock(core, caller, WRONG)
    after = everything(core)
    assert {table for table in after if after[table] != before[table]} == {"audit_log", "throttles"}
    (line,) = [row for row in after["audit_log"] if row["event"] == "wrong PIN"]
    assert line["via"] == caller.via
    keys = {row["key"] for row in after["throttles"]}
    assert keys == {"pin:account:1", f"pin:address:{ORIGIN.network}"}


def test_the_password_unlocks_nothing(core: Core, caller: Principal) -> None:
    """Without the PIN there is no proof, and the password is none either."""
    with pytest.raises(ProofMissing):
        unlock(core, caller, None)
    with pytest.raises(WrongPin):
        unlock(core, caller, PASSWORD)


def test_a_million_pins_cannot_be_tried(core: Core, caller: Principal) -> None:
    """Guesses at a PIN are slowed down after ten, in parallel as in a row, the right one included."""
    meddler = Meddler()
    guesses = [lambda n=n: unlock(with_tools(core, hasher=meddler), caller, f"{n:06}") for n in range(30)]
    outcomes = at_once(*guesses)
    assert len(meddler.verified) == 11
    assert [type(outcome) for outcome in outcomes].count(WrongPin) == 11
    with pytest.raises(Throttled):
        unlock(core, caller)


# --- locking --------------------------------------------------------------------------------------------


def test_locking_ends_the_elevation(core: Core, caller: Principal, clock: FakeClock) -> None:
    """The calling session is locked, whether it was unlocked or not, with a PIN or without."""
    unlock(core, caller)
    clock.forward(minutes=1)
    for _ in range(2):
        do(core, elevation.lock, caller)
        assert elevated(core) == [None]
    reset_pin(core, caller, pin=PIN)
    do(core, elevation.lock, caller)


def test_locking_one_session_locks_no_other(core: Core, caller: Principal) -> None:
    """Another session of the account stays unlocked."""
    other = calling(core, caller.account)
    unlock(core, caller)
    until = unlock(core, other)
    do(core, elevation.lock, caller)
    assert set(elevated(core)) == {None, until}


# --- changing and removing it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "proof", [{"password": PASSWORD}, {"pin": PIN}, {"password": PASSWORD, "pin": WRONG}]
)
def test_a_pin_is_changed_by_either_proof(core: Core, caller: Principal, proof: dict[str, str]) -> None:
    """The password or the old PIN proves who changes the PIN; with both, only the password is looked at."""
    unlock(core, caller)
    change_pin(core, caller, **proof)
    with pytest.raises(WrongPin):
        unlock(core, caller)
    unlock(core, caller, NEW_PIN)
    assert None not in elevated(core)  # a change locks nothing (contract §1.8)
    assert events(core).count("PIN changed") == 1


@pytest.mark.parametrize(
    "proof", [{"password": PASSWORD}, {"pin": PIN}, {"password": PASSWORD, "pin": WRONG}]
)
def test_removing_a_pin_locks_every_session(core: Core, caller: Principal, proof: dict[str, str]) -> None:
    """With the PIN goes every elevation of the account, and nobody else's."""
    bob = calling(core, somebody(core, BOB))
    set_pin(core, bob)
    until = unlock(core, bob)
    unlock(core, caller)
    unlock(core, calling(core, caller.account))
    reset_pin(core, caller, **proof)
    assert sorted(map(str, elevated(core))) == sorted(["None", "None", str(until)])
    assert not do(core, elevation.has_pin, 1)
    assert do(core, elevation.has_pin, bob.account.number)
    assert events(core).count("PIN removed") == 1


Operation = Callable[..., None]


@pytest.mark.parametrize("operation", [change_pin, reset_pin])
@pytest.mark.parametrize(
    ("proof", "refusal"),
    [
        ({}, ProofMissing),
        ({"pin": WRONG}, WrongPin),
        ({"password": WRONG_PASSWORD}, WrongPassword),
        ({"password": WRONG_PASSWORD, "pin": PIN}, WrongPassword),
        ({"password": ""}, WrongPassword),
    ],
    ids=["nothing", "wrong PIN", "wrong password", "wrong password, right PIN", "empty password"],
)
def test_a_pin_is_not_touched_without_a_proof(
    core: Core, caller: Principal, operation: Operation, proof: dict[str, str], refusal: type[Refusal]
) -> None:
    """Without a proof, or with a wrong one, the PIN stays what it was."""
    before = rows(core, pins)
    with pytest.raises(refusal):
        operation(core, caller, **proof)
    assert rows(core, pins) == before


def test_without_a_pin_there_is_nothing_to_prove(core: Core) -> None:
    """Where no PIN is set every operation on it says so, before any proof is looked at or counted."""
    caller = calling(core, somebody(core))
    attempts: list[Callable[[], object]] = [
        lambda: unlock(core, caller),
        lambda: unlock(core, caller, None),
        lambda: change_pin(core, caller, password=WRONG_PASSWORD),
        lambda: reset_pin(core, caller),
    ]
    for attempt in attempts:
        with pytest.raises(PinNotSet):
            attempt()
    assert rows(core, throttle.throttles) == []


def test_a_key_has_nothing_to_do_with_pins(core: Core, caller: Principal) -> None:
    """An API key can neither set, change nor remove a PIN, nor be elevated by one."""
    by_key = calling_by_key(core, caller.account)
    attempts: list[Callable[[], object]] = [
        lambda: set_pin(core, by_key),
        lambda: unlock(core, by_key),
        lambda: change_pin(core, by_key, pin=PIN),
        lambda: reset_pin(core, by_key, pin=PIN),
        lambda: do(core, elevation.lock, by_key),
    ]
    for attempt in attempts:
        with pytest.raises(SessionRequired):
            attempt()


# --- overtaken ------------------------------------------------------------------------------------------


def replaced(core: Core, caller: Principal) -> None:
    """The PIN is removed and another is set."""
    reset_pin(core, caller, password=PASSWORD)
    set_pin(core, caller, NEW_PIN)


PIN_FATES: dict[str, Callable[[Core, Principal], object]] = {
    "changed": lambda core, caller: change_pin(core, caller, password=PASSWORD),
    "removed": lambda core, caller: reset_pin(core, caller, password=PASSWORD),
    "replaced": replaced,
}


@pytest.mark.parametrize("fate", PIN_FATES)
@pytest.mark.parametrize("operation", [unlock, change_pin, reset_pin])
def test_a_pin_that_is_overtaken_proves_nothing(
    core: Core, caller: Principal, operation: Callable[..., object], fate: str
) -> None:
    """A PIN that was changed, removed or replaced while it was verified is wrong."""
    overtaken: list[dict[str, object]] = []

    def meanwhile() -> None:
        if not overtaken:
            overtaken.append({})
            PIN_FATES[fate](core, caller)
            overtaken[0].update(everything(core))

    with pytest.raises(WrongPin):
        operation(with_tools(core, hasher=Meddler(meanwhile)), caller, pin=PIN)
    assert everything(core) == overtaken[0]


def test_a_pin_removed_meanwhile_is_not_changed_by_password(core: Core, caller: Principal) -> None:
    """Who proved the password for a PIN that is gone by then is told that there is none."""
    once: list[int] = []

    def meanwhile() -> None:
        if not once:
            once.append(1)
            reset_pin(core, caller, pin=PIN)

    for operation in (change_pin, reset_pin):
        with pytest.raises(PinNotSet):
            operation(with_tools(core, hasher=Meddler(meanwhile)), caller, password=PASSWORD)
        set_pin(core, caller)
        once.clear()


PASSWORD_FATES: dict[str, Callable[[Core, Account], object]] = {
    "changed": lambda core, account: set_password(
        core, ORIGIN, account, Secret(NEW_PASSWORD), sign_out=False
    ),
    "disabled": lambda core, account: do(core, accounts.disable, account.number),
    "deleted": lambda core, account: do(core, accounts.delete_softly, account.number),
    "purged": lambda core, account: do(core, accounts.purge, account.number),
}


@pytest.mark.parametrize("fate", PASSWORD_FATES)
@pytest.mark.parametrize("operation", [change_pin, reset_pin])
def test_a_password_that_is_overtaken_proves_nothing(
    core: Core, caller: Principal, operation: Operation, fate: str
) -> None:
    """A password changed while it was verified for the PIN's sake is wrong, and nobody's when they are disabled."""
    overtaken: list[dict[str, object]] = []

    def meanwhile() -> None:
        PASSWORD_FATES[fate](core, caller.account)
        overtaken.append(dict(everything(core)))

    with pytest.raises(WrongPassword):
        operation(with_tools(core, hasher=Meddler(meanwhile)), caller, password=PASSWORD)
    assert everything(core) == overtaken[0]


def test_nobody_unlocks_for_the_disabled(core: Core, caller: Principal) -> None:
    """The PIN of an account that is disabled while it is verified elevates nothing, not for later either."""
    disabled = Meddler(lambda: do(core, accounts.disable, 1))
    with pytest.raises(WrongPin):
        unlock(with_tools(core, hasher=disabled), caller)
    assert elevated(core) == [None]


def test_a_session_ended_meanwhile_is_not_unlocked(core: Core, caller: Principal) -> None:
    """A session that ends while its PIN is verified is refused, not elevated."""
    assert caller.session is not None
    ended = Meddler(lambda: do(core, session_ends.end_all, 1))
    with pytest.raises(SessionRefused):
        unlock(with_tools(core, hasher=ended), caller)
    assert elevated(core) == [None]


def test_an_account_gone_meanwhile_has_no_pin(core: Core, caller: Principal) -> None:
    """When the account is purged while its PIN is verified, the PIN is wrong."""
    gone = Meddler(lambda: do(core, accounts.purge, 1))
    with pytest.raises(WrongPin):
        unlock(with_tools(core, hasher=gone), caller)


def test_a_pin_that_goes_before_it_is_read_is_wrong(core: Core, caller: Principal) -> None:
    """A PIN that is removed between being looked for and being read leaves nothing to verify."""
    gone: list[str] = []

    def vanish(statement: str) -> None:
        if statement.startswith("SELECT pins.version") and not gone:
            gone.append(statement)
            with core.database.writing() as db:
                db.execute(pins.delete())

    with after_statements(core, vanish), pytest.raises(WrongPin):
        unlock(core, caller)
    assert gone
