"""Tickets: whose it is, told once, within a minute, while they may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import ALICE, BOB, calling, events, everything, presenting, rows, somebody
from tests.racing import at_once

from dragoman.core import accounts, sweep, tickets
from dragoman.core.errors import SessionRefused, TicketRefused, TooMany
from dragoman.core.secrets import Secret
from dragoman.core.work import Core


def issued(core: Core, email: str = ALICE) -> Secret:
    """A ticket of a new account."""
    return do(core, tickets.issue, calling(core, somebody(core, email)))


def test_a_ticket_tells_whose_it_is(core: Core) -> None:
    """A check gives the account of whoever asked for the ticket, and both are on record."""
    alice, bob = (calling(core, somebody(core, email)) for email in (ALICE, BOB))
    first, second = (do(core, tickets.issue, each) for each in (alice, bob))
    assert do(core, tickets.redeem, second) == bob.account
    assert do(core, tickets.redeem, first) == alice.account
    assert [e for e in events(core) if "ticket" in e] == ["ticket issued"] * 2 + ["ticket redeemed"] * 2


def test_a_ticket_is_good_once(core: Core) -> None:
    """Whoever checks a ticket first spends it, and nobody is told anything by it again."""
    ticket = issued(core)
    do(core, tickets.redeem, ticket)
    with pytest.raises(TicketRefused):
        do(core, tickets.redeem, ticket)


def test_a_ticket_is_good_for_a_minute(core: Core, clock: FakeClock) -> None:
    """A ticket is good for 60 seconds, to the microsecond, and not after."""
    first, second = issued(core), issued(core, BOB)
    clock.forward(seconds=60, microseconds=-1)
    do(core, tickets.redeem, first)
    clock.forward(microseconds=1)
    with pytest.raises(TicketRefused):
        do(core, tickets.redeem, second)


@pytest.mark.parametrize("fate", [accounts.disable, accounts.delete_softly, accounts.purge])
def test_a_ticket_is_void_without_its_owner(core: Core, fate: object) -> None:
    """The ticket of somebody who may not sign in tells nothing."""
    caller = calling(core, somebody(core))
    ticket = do(core, tickets.issue, caller)
    do(core, fate, caller.account.number)  # type: ignore[arg-type]
    with pytest.raises(TicketRefused):
        do(core, tickets.redeem, ticket)


def test_a_ticket_belongs_to_its_dialect(core: Core) -> None:
    """A ticket of one dialect is unknown in another, and not spent by being tried there."""
    ticket = issued(core)
    with pytest.raises(TicketRefused):
        do(core, tickets.redeem, ticket, origin=replace(ORIGIN, dialect="strict"))
    do(core, tickets.redeem, ticket)


@pytest.mark.parametrize("wrong", ["", "x", "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_what_is_no_ticket_is_refused(core: Core, wrong: str) -> None:
    """Anything else is refused as a spent ticket is."""
    issued(core)
    with pytest.raises(TicketRefused):
        do(core, tickets.redeem, Secret(wrong))


def test_a_ticket_opens_nothing(core: Core) -> None:
    """A ticket is no session's secret, before it is checked and after."""
    ticket = issued(core)
    with pytest.raises(SessionRefused):
        presenting(core, ticket)
    do(core, tickets.redeem, ticket)
    with pytest.raises(SessionRefused):
        presenting(core, ticket)


def test_a_ticket_is_stored_as_a_digest(core: Core) -> None:
    """A ticket has 238 bits, and nothing in the database shows it."""
    ticket = issued(core).reveal()
    assert len(ticket) == 40
    assert ticket.isalnum()
    assert ticket not in repr(everything(core))


def test_fifty_who_check_at_once(core: Core) -> None:
    """Of fifty parallel checks of one ticket one succeeds, and the others are refused."""
    ticket = issued(core)
    outcomes = at_once(*[lambda: do(core, tickets.redeem, ticket) for _ in range(50)])
    refused = [each for each in outcomes if isinstance(each, TicketRefused)]
    assert len(refused) == 49


def test_an_account_has_a_bounded_number(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has so many tickets within a minute, spent ones counted, and more after it."""
    monkeypatch.setattr(tickets, "MOST", 2)
    caller = calling(core, somebody(core))
    for _ in range(2):
        do(core, tickets.redeem, do(core, tickets.issue, caller))
    with pytest.raises(TooMany):
        do(core, tickets.issue, caller)
    do(core, tickets.issue, calling(core, somebody(core, BOB)))
    clock.forward(seconds=60)
    do(core, tickets.issue, caller)


def test_expired_tickets_are_swept(core: Core, clock: FakeClock) -> None:
    """What has expired leaves nothing behind, spent or not."""
    do(core, tickets.redeem, issued(core))
    issued(core, BOB)
    clock.forward(seconds=60)
    assert sweep.sweep(core, ORIGIN)["tickets"] == 2
    assert rows(core, tickets.tickets) == []
