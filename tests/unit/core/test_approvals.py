"""Approving a sign-in elsewhere: who is asked about what, which sign-in passes by it, and who is known from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes import ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, calling, calling_by_key, opened, rows, sealing, somebody
from tests.racing import at_once
from tests.unit.core.test_factors import code, guarded

from dragoman.core import approvals, login, outbox, session_ends, sweep, throttle, ways
from dragoman.core.accounts import Account
from dragoman.core.approvals import PASSES, REFUSED, WAITS, Approval
from dragoman.core.errors import (
    AdminOnly,
    ApprovalRequired,
    CodeRefused,
    CodeRequired,
    NotFound,
    SessionRequired,
    Throttled,
    WhileImpersonating,
    WrongCredentials,
)
from dragoman.core.second_steps import ByApproval
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.ways import Ways
from dragoman.core.work import Core, Origin

PHONE = replace(ORIGIN, agent="Immich_Android_1.134.0", network="192.0.2.1", address="192.0.2.1")
OTHERS = {
    "dialect": replace(PHONE, dialect="strict"),
    "User-Agent": replace(PHONE, agent="Immich_iOS_1.134.0"),
    "network": replace(PHONE, network="198.51.100.7"),
}


@pytest.fixture
def sealer(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


@pytest.fixture
def house(sqlite_core: Core) -> Core:
    """A core on SQLite that can seal, for what no engine can change."""
    return sealing(sqlite_core)


def enter(core: Core, origin: Origin = PHONE, password: str = PASSWORD, name: str = ALICE) -> login.SignedIn:
    """Sign in by name and password alone."""
    return login.log_in(core, origin, name, Secret(password), Device("Pixel 7", "Android"))


def asked(core: Core, account: Account) -> list[Approval]:
    """What the owner is asked."""
    return list(do(core, approvals.waiting, account.number))


def knock(core: Core, account: Account, origin: Origin = PHONE) -> Approval:
    """A sign-in that is refused; what the owner is asked about it."""
    before = asked(core, account)
    with pytest.raises(ApprovalRequired):
        enter(core, origin)
    [new] = [each for each in asked(core, account) if each not in before]
    return new


def approved(core: Core, account: Account, origin: Origin = PHONE) -> login.SignedIn:
    """A sign-in that its owner has approved."""
    do(core, approvals.approve, knock(core, account, origin).id, by=calling(core, account))
    return enter(core, origin)


def test_an_approved_device_signs_in_and_is_known(sealer: Core, clock: FakeClock) -> None:
    """Refused, approved on the pages, let in; from then on its password is enough, as long as its session lives."""
    account = guarded(sealer, clock)
    wanted = knock(sealer, account)
    assert (wanted.dialect, wanted.name, wanted.os, wanted.address) == (
        "immich",
        "Pixel 7",
        "Android",
        "192.0.2.1",
    )
    with pytest.raises(ApprovalRequired):
        enter(sealer)
    do(sealer, approvals.approve, wanted.id, by=calling(sealer, account))
    assert asked(sealer, account) == []
    first = enter(sealer).session
    clock.forward(hours=1)
    second = enter(sealer).session
    do(sealer, session_ends.end, first)
    enter(sealer)
    do(sealer, session_ends.end, second)


def test_a_device_whose_sessions_have_ended_is_a_stranger(sealer: Core, clock: FakeClock) -> None:
    """Ending its sessions, one or all, ends what was known of the device; so does their idling out."""
    account = guarded(sealer, clock)
    do(sealer, session_ends.end, approved(sealer, account).session)
    approved(sealer, account)
    do(sealer, session_ends.end_all, account.number)
    approved(sealer, account)
    clock.forward(days=91)
    knock(sealer, account)


@pytest.mark.parametrize("what", OTHERS)
def test_an_approval_is_for_one_device_in_one_dialect(house: Core, clock: FakeClock, what: str) -> None:
    """Another dialect, User-Agent or network is another question, before the approval is used and after."""
    account = guarded(house, clock)
    do(house, approvals.approve, knock(house, account).id, by=calling(house, account))
    knock(house, account, OTHERS[what])
    enter(house)
    with pytest.raises(ApprovalRequired):
        enter(house, OTHERS[what])


def test_an_approval_lets_one_in_within_ten_minutes(house: Core, clock: FakeClock) -> None:
    """Ten minutes later it is over; and nobody approves what was asked half an hour ago."""
    account = guarded(house, clock)
    caller = calling(house, account)
    do(house, approvals.approve, knock(house, account).id, by=caller)
    clock.forward(minutes=10)
    late = knock(house, account)
    clock.now += WAITS
    for answer in (approvals.approve, approvals.refuse):
        with pytest.raises(NotFound):
            do(house, answer, late.id, by=caller)


def test_of_many_at_once_one_spends_it(sealer: Core, clock: FakeClock) -> None:
    """An approval is spent by one: of eight units that would take it at once, one does."""
    account = guarded(sealer, clock)
    do(sealer, approvals.approve, knock(sealer, account).id, by=calling(sealer, account))
    taken = at_once(*[lambda: do(sealer, approvals.take, account.number, origin=PHONE)] * 8)
    assert sorted(map(bool, taken)) == [False] * 7 + [True]


def test_what_was_approved_may_be_over_when_it_is_taken(house: Core, clock: FakeClock) -> None:
    """A sign-in that was let through, and finds nothing to spend when its session is to be opened, is refused."""
    account = guarded(house, clock)
    step = ByApproval(Secret(PASSWORD), Device())
    do(house, approvals.approve, knock(house, account).id, by=calling(house, account))
    step.look(house, PHONE, account)
    clock.now += PASSES
    with pytest.raises(ApprovalRequired):
        do(house, step.take, account, origin=PHONE)


def test_who_has_no_address_is_asked_on_the_pages_alone(house: Core, clock: FakeClock) -> None:
    """Without an e-mail address no mail is sent, and the question waits all the same."""
    account = guarded(house, clock, email=None, username="kodi")
    with pytest.raises(ApprovalRequired):
        enter(house, name="kodi")
    assert (len(asked(house, account)), do(house, outbox.listed)) == (1, [])


def test_what_was_refused_is_not_asked_again_for_a_day(house: Core, clock: FakeClock) -> None:
    """The owner's no holds for a day, without another question or mail; then they are asked anew."""
    account = guarded(house, clock)
    do(house, approvals.refuse, knock(house, account).id, by=calling(house, account))
    for _ in range(3):
        with pytest.raises(ApprovalRequired):
            enter(house)
    assert asked(house, account) == []
    assert len(do(house, outbox.listed)) == 1
    clock.now += REFUSED
    knock(house, account)


def test_nobody_is_asked_before_the_password_was_right(house: Core, clock: FakeClock) -> None:
    """A wrong password asks nothing and says nothing else than for an account that is not there."""
    account = guarded(house, clock)
    for name in (ALICE, BOB):
        with pytest.raises(WrongCredentials) as refused:
            enter(house, password="wrong", name=name)
        assert type(refused.value) is WrongCredentials
    assert (asked(house, account), do(house, outbox.listed)) == ([], [])


def test_who_floods_is_slowed_down_and_fills_no_mailbox(house: Core, clock: FakeClock) -> None:
    """Ten questions wait at most, each mailed once; whoever goes on asking waits as at wrong passwords."""
    account = guarded(house, clock)
    for n in range(11):
        with pytest.raises(ApprovalRequired):
            enter(house, replace(PHONE, agent=f"Robot/{n}"))
    assert len(asked(house, account)) == approvals.MOST
    assert {(mail.kind, mail.recipient) for mail in do(house, outbox.listed)} == {("approval", ALICE)}
    assert len(do(house, outbox.listed)) == approvals.MOST
    with pytest.raises(Throttled):
        enter(house, replace(PHONE, agent="Robot/12"))


def test_only_its_owner_in_person_answers(house: Core, clock: FakeClock) -> None:
    """No API key approves or refuses, nobody who acts as somebody else, and nobody else at all."""
    account, bob = guarded(house, clock), somebody(house, BOB)
    wanted = knock(house, account)
    acting = replace(calling(house, bob), account=account, actor=bob)
    tries = (
        (SessionRequired, calling_by_key(house, account)),
        (WhileImpersonating, acting),
        (NotFound, calling(house, bob)),
    )
    for kind, by in tries:
        for answer in (approvals.approve, approvals.refuse):
            with pytest.raises(kind):
                do(house, answer, wanted.id, by=by)
    assert asked(house, account) == [wanted]


def test_what_is_over_is_swept(house: Core, clock: FakeClock) -> None:
    """Questions, answers and what was known of devices go when they are over."""
    account = guarded(house, clock)
    approved(house, account)
    knock(house, account, OTHERS["network"])
    clock.forward(minutes=30)
    assert sweep.sweep(house, ORIGIN)["approvals"] == 1
    clock.forward(days=90)
    sweep.sweep(house, ORIGIN)
    assert rows(house, approvals.approved_sessions) == []
    assert PASSES < WAITS < REFUSED < timedelta(days=90)


# --- which way is taken ---------------------------------------------------------------------------------


def test_a_code_behind_the_password_needs_no_approval(house: Core, clock: FakeClock) -> None:
    """With a code, one blank before it or none, nobody is asked; a wrong one is refused, and nobody is asked either."""
    account = guarded(house, clock)
    enter(house, password=f"{PASSWORD} {code(clock).reveal()}")
    clock.forward(minutes=1)
    enter(house, password=f"{PASSWORD}{code(clock).reveal()}")
    with pytest.raises(CodeRefused):
        enter(house, password=f"{PASSWORD} 000000")
    assert asked(house, account) == []


def test_a_way_that_is_not_allowed_is_none(house: Core, clock: FakeClock) -> None:
    """Without codes, digits belong to the password; without approvals nobody is asked; without either it is refused."""
    account = guarded(house, clock)
    caller = calling(house, account)
    do(house, ways.choose, Ways(codes=False), by=caller)
    with pytest.raises(WrongCredentials) as raised:
        enter(house, password=f"{PASSWORD}{code(clock).reveal()}")
    assert type(raised.value) is WrongCredentials
    knock(house, account)
    do(house, ways.choose, Ways(codes=False, approvals=False), by=caller)
    with pytest.raises(CodeRequired):
        enter(house)
    do(house, ways.choose, Ways(approvals=False), by=caller)
    enter(house, password=f"{PASSWORD}{code(clock).reveal()}")


def test_P_08_signing_in_another_way_forgets_no_wrong_code(house: Core, clock: FakeClock) -> None:
    """Codes have a counter of their own: a sign-in that showed none leaves it as it was; one with a code begins anew."""
    account = guarded(house, clock)
    approved(house, account)

    def counted() -> int:
        keys = [row for row in rows(house, throttle.throttles) if row["key"].startswith("totp:account")]
        return sum(row["failures"] for row in keys)

    for n in range(1, 6):
        with pytest.raises(CodeRefused):
            enter(house, password=f"{PASSWORD}000000")
        enter(house)  # the device is known
        assert counted() == n
    enter(house, password=f"{PASSWORD}{code(clock).reveal()}")
    assert counted() == 0


def test_an_account_without_a_factor_asks_nobody(house: Core) -> None:
    """The password is enough, from wherever."""
    account = somebody(house)
    enter(house)
    assert (asked(house, account), opened(house, account)[0].dialect) == ([], "immich")


def test_an_administrator_refuses_what_somebody_is_asked_and_nobody_else_does(
    house: Core, clock: FakeClock
) -> None:
    """The device is not asked about again for a day; whoever does not administer refuses their own alone."""
    account, admin = guarded(house, clock), somebody(house, BOB, is_admin=True)
    waits = knock(house, account)
    stranger = somebody(house, "carl@example.org")
    with pytest.raises(AdminOnly):
        do(house, approvals.refuse, waits.id, by=calling(house, stranger), owner=account.number)
    assert asked(house, account) == [waits]
    do(house, approvals.refuse, waits.id, by=calling(house, admin), owner=account.number)
    assert asked(house, account) == []
