"""The second factor: which codes are good, when one is asked for, and how often one may be guessed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import (
    ALICE,
    BOB,
    Meddler,
    calling,
    calling_by_key,
    events,
    everything,
    rows,
    sealing,
    somebody,
    with_tools,
)
from tests.racing import at_once

from dragoman.core import factors, login, throttle
from dragoman.core.accounts import Account
from dragoman.core.errors import (
    CodeRefused,
    CodeRequired,
    FactorAlreadySet,
    FactorNotSet,
    PasswordChangeRequired,
    Refusal,
    SeedRefused,
    SessionRequired,
    Throttled,
    WrongCode,
    WrongCredentials,
)
from dragoman.core.factors import code_at, step_at, totp_factors
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core

SEED = b"12345678901234567890"
WRITTEN = base64.b32encode(SEED).decode()


@pytest.fixture
def sealer(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


@pytest.fixture
def house(sqlite_core: Core) -> Core:
    """A core on SQLite that can seal, for what no engine can change."""
    return sealing(sqlite_core)


def code(clock: FakeClock, steps: int = 0) -> Secret:
    """What a device shows now, or so many steps from now."""
    return Secret(code_at(SEED, step_at(clock.now) + steps))


def guarded(core: Core, clock: FakeClock, account: Account | None = None, **facts: Any) -> Account:
    """An account with a second factor, enabled a minute ago."""
    account = account or somebody(core, **facts)
    do(core, factors.enable, account, Secret(WRITTEN), code(clock), by=calling(core, account))
    clock.forward(minutes=1)
    return account


def log_in(
    core: Core, given: Secret | None, *, password: str = PASSWORD, name: str = ALICE, **named: Any
) -> login.SignedIn:
    """Sign in to a product that has a field for the code."""
    return login.log_in_with(
        core,
        ORIGIN,
        name,
        Secret(password),
        Device(),
        then=lambda _, signed_in: signed_in,
        code=given,
        code_apart=True,
        **named,
    )


# --- codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, shown: str) -> None:
    """RFC 6238, appendix B: the last six of the eight digits that it prints for each instant."""
    assert code_at(SEED, step_at(datetime.fromtimestamp(seconds, UTC))) == shown


@pytest.mark.parametrize("written", [WRITTEN, WRITTEN.lower(), "GEZD GNBV-GY3T QOJQ GEZD GNBV GY3T QOJQ "])
def test_a_seed_is_read_as_people_copy_it(written: str) -> None:
    """Case, blanks, hyphens and padding do not matter."""
    assert factors.seed_of(Secret(written)) == SEED
    assert factors.seed_of(Secret("GEZDGNBVGY3TQOJQGE======")) == SEED[:11]


@pytest.mark.parametrize("written", ["", "GEZDGNBV", "1" * 32, "A" * 300, "é" * 32, "\ud800" * 32, "A" * 33])
def test_what_is_no_seed_is_refused(written: str) -> None:
    """Not Base32, shorter than 80 bits or longer than 128 bytes: refused."""
    with pytest.raises(SeedRefused):
        factors.seed_of(Secret(written))


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_half_a_minute_around_its_own(
    house: Core, clock: FakeClock, steps: int, good: bool
) -> None:
    """A device may be a step behind or ahead, and not two."""
    guarded(house, clock)
    clock.forward(minutes=5)
    if good:
        assert log_in(house, code(clock, steps)).account.username == "alice"
    else:
        with pytest.raises(CodeRefused):
            log_in(house, code(clock, steps))


def test_no_code_counts_twice_nor_one_before_it(sealer: Core, clock: FakeClock) -> None:
    """A code that was used is refused, and so are those of the steps before it, though they would be good."""
    guarded(sealer, clock)
    log_in(sealer, code(clock))
    for steps in (0, -1):
        with pytest.raises(CodeRefused):
            log_in(sealer, code(clock, steps))
    log_in(sealer, code(clock, 1))


def test_the_code_that_enabled_it_is_used_up(house: Core, clock: FakeClock) -> None:
    """Whoever saw the code that was typed to enable the factor does not sign in by it."""
    account = somebody(house)
    do(house, factors.enable, account, Secret(WRITTEN), code(clock), by=calling(house, account))
    with pytest.raises(CodeRefused):
        log_in(house, code(clock))


def test_of_many_with_one_code_one_signs_in(sealer: Core, clock: FakeClock) -> None:
    """Of eight that show the same code at once one signs in, and the others are refused."""
    guarded(sealer, clock)
    outcomes = at_once(*[lambda: log_in(sealer, code(clock))] * 8)
    assert sum(isinstance(outcome, CodeRefused) for outcome in outcomes) == 7


# --- signing in -----------------------------------------------------------------------------------------


def test_a_code_is_asked_for_once_the_password_was_right(house: Core, clock: FakeClock) -> None:
    """Without a code whoever knows the password is asked for one; whoever does not learns nothing of it.

    That is no refusal, which its owner would be alarmed by at each sign-in, but on record: somebody has the password.
    """
    guarded(house, clock)
    with pytest.raises(CodeRequired):
        log_in(house, None)
    for given in (None, code(clock)):
        with pytest.raises(WrongCredentials) as refused:
            log_in(house, given, password="wrong")
        assert type(refused.value) is WrongCredentials
    assert events(house).count("code asked for") == 1
    assert events(house).count("sign-in refused") == 2


@pytest.mark.parametrize("garbled", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800", "1" * 100_000])
def test_what_is_no_code_is_refused(house: Core, clock: FakeClock, garbled: str) -> None:
    """Anything but six digits is a wrong code, and nothing worse."""
    guarded(house, clock)
    with pytest.raises(CodeRefused):
        log_in(house, Secret(garbled))


def test_a_code_is_ignored_where_none_is_needed(house: Core, clock: FakeClock) -> None:
    """An account without a second factor signs in whatever comes as a code."""
    somebody(house)
    assert log_in(house, code(clock)).account.email == ALICE


def test_where_there_is_no_field_the_code_follows_the_password(sealer: Core, clock: FakeClock) -> None:
    """In products that know of no codes, six digits behind the password are one; a password alone is wrong."""
    guarded(sealer, clock)
    for password in (PASSWORD, f"{PASSWORD}000000", f"wrong{code(clock).reveal()}", code(clock).reveal()):
        with pytest.raises(WrongCredentials):
            login.log_in(sealer, ORIGIN, ALICE, Secret(password), Device())
    login.log_in(sealer, ORIGIN, ALICE, Secret(PASSWORD + code(clock).reveal()), Device())


def test_a_password_that_ends_with_digits_stays_whole(house: Core, clock: FakeClock) -> None:
    """Digits at a password's end are its own where there is no second factor, and where codes have a field."""
    password = "correct-horse-135790"
    somebody(house, BOB, password=password)
    login.log_in(house, ORIGIN, BOB, Secret(password), Device())
    alice = somebody(house, password=password)
    guarded(house, clock, alice)
    with pytest.raises(CodeRequired):
        log_in(house, None, password=password)
    log_in(house, code(clock), password=password)


def test_a_factor_that_comes_meanwhile_is_asked_for(house: Core, clock: FakeClock) -> None:
    """A sign-in whose password is being verified while the factor is enabled needs a code like any later one."""
    account = somebody(house)
    core = with_tools(house, hasher=Meddler(lambda: guarded(house, clock, account)))
    with pytest.raises(CodeRequired):
        log_in(core, None)


def test_a_password_that_must_change_does_so_behind_the_code(house: Core, clock: FakeClock) -> None:
    """Without a code nobody learns that the password must be changed, nor changes it; with one code both are done."""
    guarded(house, clock, must_change_password=True)
    new = Secret(NEW_PASSWORD)
    with pytest.raises(CodeRequired):
        log_in(house, None, insists_on_change=True, new_password=new)
    with pytest.raises(PasswordChangeRequired):
        log_in(house, code(clock), insists_on_change=True)
    log_in(house, code(clock), insists_on_change=True, new_password=new)
    clock.forward(minutes=1)
    log_in(house, code(clock), password=NEW_PASSWORD)


def test_codes_are_not_guessed_by_the_hundred(house: Core, clock: FakeClock) -> None:
    """Each wrong code counts as a wrong password does, and asking to be asked for one gives nothing back."""
    guarded(house, clock)
    for n in range(11):
        with pytest.raises(WrongCredentials):
            log_in(house, Secret("000000") if n % 2 else None)
    with pytest.raises(Throttled):
        log_in(house, code(clock))


# --- enabling, synchronising, disabling -----------------------------------------------------------------


def test_it_is_enabled_by_whoever_has_the_device(house: Core, clock: FakeClock) -> None:
    """Only a code of that seed enables it, once, through a session; a refusal writes nothing."""
    account = somebody(house)
    caller = calling(house, account)
    attempts: list[tuple[type[Refusal], Secret, Any]] = [
        (WrongCode, Secret("000000"), caller),
        (WrongCode, code(clock, 2), caller),
        (SessionRequired, code(clock), calling_by_key(house, account)),
    ]
    before = everything(house)
    for kind, given, by in attempts:
        with pytest.raises(kind):
            do(house, factors.enable, account, Secret(WRITTEN), given, by=by)
    assert everything(house) == before
    do(house, factors.enable, account, Secret(WRITTEN), code(clock), by=caller)
    clock.forward(minutes=1)
    with pytest.raises(FactorAlreadySet):
        do(house, factors.enable, account, Secret(WRITTEN), code(clock), by=caller)


def test_of_many_that_enable_it_at_once_one_does(sealer: Core, clock: FakeClock) -> None:
    """Of eight that enable it at once one does, and the others find it enabled."""
    account = somebody(sealer)
    caller = calling(sealer, account)
    enable = lambda: do(sealer, factors.enable, account, Secret(WRITTEN), code(clock), by=caller)  # noqa: E731
    outcomes = at_once(*[enable] * 8)
    assert sum(isinstance(outcome, FactorAlreadySet) for outcome in outcomes) == 7


def test_a_seed_is_sealed(sealer: Core, clock: FakeClock) -> None:
    """The database has the seed in no form that codes could be made of."""
    guarded(sealer, clock)
    [row] = rows(sealer, totp_factors)
    assert SEED not in row["seed"]
    assert WRITTEN.encode() not in row["seed"]


@pytest.mark.parametrize("steps", [-10, -3, 0, 10])
def test_a_device_that_is_off_is_synchronised(sealer: Core, clock: FakeClock, steps: int) -> None:
    """A code from a device that is off tells by how much, and from then on its codes are good."""
    account = guarded(sealer, clock)
    clock.forward(hours=1)
    caller = calling(sealer, account)
    assert factors.synchronise(sealer, ORIGIN, account, code(clock, steps), by=caller) == steps
    with pytest.raises(CodeRefused):
        log_in(sealer, code(clock, steps))
    clock.forward(seconds=30)
    log_in(sealer, code(clock, steps))


def test_a_device_that_is_far_off_is_not_synchronised(house: Core, clock: FakeClock) -> None:
    """A code from more than five minutes away is wrong; after ten wrong ones the right one has to wait."""
    account = guarded(house, clock)
    clock.forward(hours=1)
    caller = calling(house, account)
    for _ in range(11):
        with pytest.raises(WrongCode):
            factors.synchronise(house, ORIGIN, account, code(clock, 11), by=caller)
    with pytest.raises(Throttled):
        factors.synchronise(house, ORIGIN, account, code(clock), by=caller)
    do(house, throttle.unlock, account.number)
    assert factors.synchronise(house, ORIGIN, account, code(clock), by=caller) == 0


def test_once_disabled_no_code_is_asked_for(sealer: Core, clock: FakeClock) -> None:
    """Without the factor the password is enough, and there is nothing to disable or synchronise."""
    account = guarded(sealer, clock)
    bob = somebody(sealer, BOB)
    assert do(sealer, factors.enabled_among, [account.number, bob.number]) == {account.number}
    caller = calling(sealer, account)
    with pytest.raises(SessionRequired):
        do(sealer, factors.disable, account, by=calling_by_key(sealer, account))
    do(sealer, factors.disable, account, by=caller)
    assert log_in(sealer, None).account.number == account.number
    with pytest.raises(FactorNotSet):
        do(sealer, factors.disable, account)
    with pytest.raises(FactorNotSet):
        factors.synchronise(sealer, ORIGIN, account, code(clock), by=caller)


def test_a_signed_in_caller_proves_it_once(house: Core, clock: FakeClock) -> None:
    """Where a change asks for the second factor a code proves it, once; an account without one need not."""
    account, bob = guarded(house, clock), somebody(house, BOB)
    do(house, factors.require, account.number, code(clock))
    for given in (None, code(clock)):
        with pytest.raises(WrongCode):
            do(house, factors.require, account.number, given)
    do(house, factors.require, bob.number, None)
