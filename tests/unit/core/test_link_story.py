"""Tickets and links in any order go as told: a model of a page, held against the core.

People come, are disabled and enabled, ask for tickets and make links; strangers check and open whatever there ever
was; links are revoked, sessions end, and time passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.fakes import ORIGIN, FakeClock, do
from tests.links import LINK_PASSWORD, made, opened
from tests.people import calling, presenting, sealing, somebody

from dragoman.core import access_tokens, accounts, link_lists, link_visits, session_ends, tickets
from dragoman.core.errors import AccessTokenRefused, Refusal, SessionRefused, TicketRefused, WrongLinkPassword
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

pytestmark = pytest.mark.fuzz

Item = TypeVar("Item")
PEOPLE = 3
STAY = timedelta(days=1)


@dataclass
class ToldPerson:
    """Somebody, by what the core makes of them."""

    caller: Principal
    enabled: bool = True

    @property
    def number(self) -> int:
        """Their number."""
        return self.caller.account.number


@dataclass
class ToldTicket:
    """A ticket: whose it is and until when, as long as nobody has spent it."""

    owner: ToldPerson
    secret: Secret
    until: datetime
    spent: bool = False

    def is_good(self, now: datetime) -> bool:
        """Whether it tells whose it is."""
        return not self.spent and now < self.until and self.owner.enabled


@dataclass
class ToldLink:
    """A link: who made it, who it is opened as, and what it has left."""

    id: int
    token: Secret
    maker: ToldPerson
    shown_as: ToldPerson
    password: bool
    views: int | None
    until: datetime | None
    revoked: bool = False
    visits: int = 0
    guests: list[ToldGuest] = field(default_factory=list)

    def is_open(self, now: datetime) -> bool:
        """Whether the right password opens it."""
        in_time = self.until is None or now < self.until
        return (
            not self.revoked and in_time and self.views != 0 and self.maker.enabled and self.shown_as.enabled
        )


@dataclass
class ToldGuest:
    """A visitor's session, of one link."""

    link: ToldLink
    secret: Secret
    until: datetime
    ended: bool = False

    def is_in(self, now: datetime) -> bool:
        """Whether the session lives."""
        return not self.ended and not self.link.revoked and now < self.until and self.link.shown_as.enabled


def told(pick: Callable[[Any], list[Item]]) -> st.SearchStrategy[Item]:
    """One of what the model knows when a rule is applied."""
    return st.runner().flatmap(lambda story: st.sampled_from(pick(story)))


ANYBODY = told(lambda story: story.people)
TICKETS = told(lambda story: story.tickets)
LINKS = told(lambda story: story.links)
GUESTS = told(lambda story: [guest for link in story.links for guest in link.guests] or [None])


class Story(RuleBasedStateMachine):
    """Three people, their tickets and links, visitors, and time."""

    core: Core
    clock: FakeClock

    def __init__(self) -> None:
        super().__init__()
        self.people: list[ToldPerson] = []
        self.tickets: list[ToldTicket] = []
        self.links: list[ToldLink] = []

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now

    @initialize()
    def begin(self) -> None:
        """Everybody arrives, asks for a ticket and makes a link."""
        for _ in range(PEOPLE):
            account = somebody(self.core, None, password=None, username=f"p{self.core.tools.dice(8).hex()}")
            self.people.append(ToldPerson(calling(self.core, account)))
            self.ask(self.people[-1])
            self.share(self.people[-1], self.people[0], password=False, views=2, hours=None)

    def refused_or(self, is_good: bool, why: type[Refusal], use: Callable[[], Item]) -> Item | None:
        """What the use case gives if it must, or its refusal if it must refuse."""
        if is_good:
            return use()
        with pytest.raises(why):
            use()
        return None

    # Tickets.

    @rule(person=ANYBODY)
    def ask(self, person: ToldPerson) -> None:
        """Somebody is given a ticket."""
        secret = do(self.core, tickets.issue, person.caller)
        self.tickets.append(ToldTicket(person, secret, self.now + tickets.GOOD_FOR))

    @rule(ticket=TICKETS)
    def check(self, ticket: ToldTicket) -> None:
        """A ticket tells whose it is, once."""
        redeem = lambda: do(self.core, tickets.redeem, ticket.secret)  # noqa: E731
        account = self.refused_or(ticket.is_good(self.now), TicketRefused, redeem)
        if account is not None:
            assert account.number == ticket.owner.number
            ticket.spent = True

    # Links.

    @rule(
        maker=ANYBODY,
        shown_as=ANYBODY,
        password=st.booleans(),
        views=st.sampled_from([None, 1, 2]),
        hours=st.sampled_from([None, 1, 30]),
    )
    def share(
        self, maker: ToldPerson, shown_as: ToldPerson, password: bool, views: int | None, hours: int | None
    ) -> None:
        """Somebody makes a link."""
        until = None if hours is None else self.now + timedelta(hours=hours)
        asked = {"account_number": shown_as.number, "views": views, "expires_at": until}
        link, token = made(self.core, maker.caller, password=LINK_PASSWORD if password else None, **asked)
        self.links.append(ToldLink(link.id, token, maker, shown_as, password, views, until))

    @rule(link=LINKS, shown=st.sampled_from([LINK_PASSWORD, LINK_PASSWORD, None]))
    def open(self, link: ToldLink, shown: str | None) -> None:
        """A link lets somebody in and counts a view, if it is open and its password is shown."""
        knows = not link.password or shown is not None
        why = AccessTokenRefused if not link.is_open(self.now) else WrongLinkPassword
        enter = lambda: opened(self.core, link.token, password=shown)  # noqa: E731
        visit = self.refused_or(link.is_open(self.now) and knows, why, enter)
        if visit is not None:
            link.visits += 1
            link.views = None if link.views is None else link.views - 1
            until = self.now + STAY if link.until is None else min(self.now + STAY, link.until)
            link.guests.append(ToldGuest(link, visit.secret, until))

    @rule(link=LINKS)
    def revoke(self, link: ToldLink) -> None:
        """Who made a link revokes it."""
        if not link.revoked:
            do(self.core, access_tokens.revoke, link.id, visible_to=link.maker.number, by=link.maker.caller)
            link.revoked = True

    @rule(guest=GUESTS)
    def leave(self, guest: ToldGuest | None) -> None:
        """A visitor signs out."""
        if guest is not None and guest.is_in(self.now):
            do(self.core, session_ends.end_held, guest.secret)
            guest.ended = True

    # What happens to people, and time.

    @rule(person=ANYBODY)
    def disable(self, person: ToldPerson) -> None:
        """The operator disables an account, or enables it: what has not ended is good again then."""
        do(self.core, accounts.disable if person.enabled else accounts.enable, person.number)
        person.enabled = not person.enabled

    @rule(person=ANYBODY)
    def end_sessions(self, person: ToldPerson) -> None:
        """All sessions of an account end, its visitors' among them."""
        do(self.core, session_ends.end_all, person.number)
        for link in self.links:
            for guest in link.guests:
                guest.ended = guest.ended or link.shown_as is person

    @rule(minutes=st.sampled_from([0.5, 1, 59, 60, 60 * 24]))
    def wait(self, minutes: float) -> None:
        """Time passes."""
        self.clock.forward(minutes=minutes)

    # What is so after every step.

    @invariant()
    def everybody_sees_their_own_links(self) -> None:
        """A list has the links of its reader that were not revoked, with the views that are left."""
        with self.core.begin(ORIGIN, writes=False) as uow:
            for person in self.people:
                listed = link_lists.page(uow, visible_to=person.number)
                theirs = [li for li in self.links if person in (li.maker, li.shown_as) and not li.revoked]
                assert [link.id for link in listed] == [link.id for link in reversed(theirs)]
                assert [link.views_left for link in listed] == [link.views or 0 for link in reversed(theirs)]
            visits = link_visits.visits_of(uow, [link.id for link in self.links])
        counted = {link.id: link.visits for link in self.links if link.visits and not link.revoked}
        assert {link: len(made) for link, made in visits.items()} == counted

    @invariant()
    def what_is_over_stays_so(self) -> None:
        """A ticket that is good no more tells nothing, and a link that is over opens nothing."""
        for ticket in self.tickets[-5:]:
            if not ticket.is_good(self.now):
                self.check(ticket)
        for link in self.links[-5:]:
            if not link.is_open(self.now):
                self.open(link, LINK_PASSWORD)

    @invariant()
    def only_guests_are_in(self) -> None:
        """A visitor is in as long as link, account and session are there, and as nobody else."""
        for guest in (guest for link in self.links for guest in link.guests[-2:]):
            enter = lambda guest=guest: presenting(self.core, guest.secret, visitors=True)  # noqa: E731
            principal = self.refused_or(guest.is_in(self.now), SessionRefused, enter)
            if principal is not None:
                assert (principal.account.number, principal.is_visitor) == (guest.link.shown_as.number, True)


def test_any_story_goes_as_told(core: Core, clock: FakeClock) -> None:
    """Whatever is done in whatever order: nothing is good twice, after its end, or for more than it was given."""
    told_there = {"core": sealing(core), "clock": clock}
    # Without shrinking, which would take minutes.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    least = 14 if core.database.is_sqlite else 5  # the other takes longer over each
    most = max(least, hypothesis.settings().max_examples // 10)
    settings = hypothesis.settings(max_examples=most, stateful_step_count=40, phases=phases)
    run_state_machine_as_test(type("StoryThere", (Story,), told_there), settings=settings)
