"""Opening a link: views are counted once each, visitors may little, and guessing is slowed down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes import ELSEWHERE, ORIGIN, FakeClock, do
from tests.links import LINK_PASSWORD, looked_at, made, opened
from tests.people import (
    BOB,
    Meddler,
    calling,
    calling_by_key,
    events,
    everything,
    presenting,
    rows,
    sealing,
    somebody,
    with_tools,
)
from tests.racing import at_once

from dragoman.core import access_tokens, accounts, audit, link_visits, session_ends, sessions
from dragoman.core.errors import (
    AccessTokenRefused,
    NotSignedIn,
    PasswordTooLong,
    SessionRefused,
    Throttled,
    VisitorsMayNot,
    WrongLinkPassword,
)
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.work import Core


@pytest.fixture(name="core")
def sealing_core(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


# --- views ------------------------------------------------------------------------------------------------


def test_opening_counts_one_view_and_is_on_record(core: Core, alice: Principal, clock: FakeClock) -> None:
    """Each opening counts one view, and leaves its time and address, for the link and in the audit log."""
    link, token = made(core, alice, views=3)
    first = opened(core, token)
    clock.forward(minutes=5)
    second = opened(core, token)
    assert (first.link.views_left, second.link.views_left) == (2, 1)
    assert first.account.number == alice.account.number
    visits = do(core, link_visits.visits_of, [link.id])[link.id]
    assert [(v.access_token_id, v.at, v.address) for v in visits] == [
        (link.id, clock.now - timedelta(minutes=5), ELSEWHERE.address),
        (link.id, clock.now, ELSEWHERE.address),
    ]
    assert events(core).count("link opened") == 2


def test_K_07_the_last_view_is_the_last(core: Core, alice: Principal) -> None:
    """A link with no view left opens nothing, and looks as if there were none."""
    _, token = made(core, alice, views=1)
    opened(core, token)
    with pytest.raises(AccessTokenRefused):
        opened(core, token)
    with pytest.raises(AccessTokenRefused):
        looked_at(core, token)


def test_looking_counts_nothing(core: Core, alice: Principal) -> None:
    """A link may be looked at any number of times: nothing is written by it."""
    link, token = made(core, alice, views=1)
    before = everything(core)
    for _ in range(5):
        assert looked_at(core, token) == link
    assert everything(core) == before


def test_an_unlimited_link_opens_again_and_again(core: Core, alice: Principal) -> None:
    """Without a limit of views none is counted."""
    _, token = made(core, alice)
    assert [opened(core, token).link.views_left for _ in range(3)] == [0, 0, 0]


def test_fifty_who_open_at_once(core: Core, alice: Principal) -> None:
    """Of fifty parallel openings of a link with one view left one succeeds: one visit, one session."""
    link, token = made(core, alice, views=1)
    outcomes = at_once(*[lambda: opened(core, token) for _ in range(50)])
    assert sum(isinstance(each, AccessTokenRefused) for each in outcomes) == 49
    assert len(do(core, link_visits.visits_of, [link.id])[link.id]) == 1
    assert sum(row["access_token_id"] == link.id for row in rows(core, sessions.sessions)) == 1


@pytest.mark.parametrize("whose", ["creator", "account"])
@pytest.mark.parametrize("fate", [accounts.disable, accounts.delete_softly])
def test_a_link_is_void_without_its_people(core: Core, alice: Principal, whose: str, fate: object) -> None:
    """A link whose maker, or whom it is opened as, may not sign in opens nothing until they may again."""
    bob = calling(core, somebody(core, BOB))
    _, token = made(core, alice, account_number=bob.account.number)
    number = (alice if whose == "creator" else bob).account.number
    do(core, fate, number)  # type: ignore[arg-type]
    with pytest.raises(AccessTokenRefused):
        opened(core, token)
    do(core, accounts.enable, number)
    do(core, accounts.restore, number)
    opened(core, token)


def test_K_07_a_link_ends_when_it_is_said_to(core: Core, alice: Principal, clock: FakeClock) -> None:
    """A link opens until its end, to the microsecond, and not after."""
    _, token = made(core, alice, expires_at=clock.now + timedelta(hours=1))
    clock.forward(hours=1, microseconds=-1)
    opened(core, token)
    clock.forward(microseconds=1)
    with pytest.raises(AccessTokenRefused):
        opened(core, token)


def test_a_link_belongs_to_its_dialect(core: Core, alice: Principal) -> None:
    """A token of one dialect is unknown in another; and what is no token is unknown in each."""
    _, token = made(core, alice)
    with pytest.raises(AccessTokenRefused):
        looked_at(core, token, replace(ORIGIN, dialect="strict"))
    for wrong in ("", "x" * 10_000, "\ud800"):
        with pytest.raises(AccessTokenRefused):
            opened(core, Secret(wrong))


def test_a_link_may_ask_for_somebody_known(core: Core, alice: Principal) -> None:
    """A link that requires a sign-in opens for no stranger; who opened it is on record."""
    _, token = made(core, alice, requires_sign_in=True, views=1)
    with pytest.raises(NotSignedIn):
        opened(core, token)
    visitor = presenting(core, opened(core, made(core, alice)[1]).secret, visitors=True)
    with pytest.raises(NotSignedIn):
        opened(core, token, caller=visitor)
    bob = calling(core, somebody(core, BOB))
    opened(core, token, caller=bob)
    last = [row for row in rows(core, audit.audit_log) if row["event"] == "link opened"]
    assert {row["actor_number"] for row in last} == {None, bob.account.number}


# --- visitors ---------------------------------------------------------------------------------------------


def test_a_visitor_may_only_what_is_for_visitors(core: Core, alice: Principal) -> None:
    """A visitor's session is refused wherever visitors are not said to be welcome."""
    link, token = made(core, alice)
    visitor = opened(core, token)
    with pytest.raises(VisitorsMayNot):
        presenting(core, visitor.secret)
    principal = presenting(core, visitor.secret, visitors=True)
    assert principal.is_visitor
    assert principal.account.number == alice.account.number
    assert principal.require_session().access_token_id == link.id
    assert not alice.is_visitor
    assert not calling_by_key(core, somebody(core, BOB)).is_visitor


def test_a_visitor_stays_a_day_or_until_the_link_ends(core: Core, alice: Principal, clock: FakeClock) -> None:
    """A visitor's session ends a day after it was opened, or with the link."""
    (_, long), (_, short) = made(core, alice), made(core, alice, expires_at=clock.now + timedelta(hours=1))
    stays, leaves = opened(core, long), opened(core, short)
    clock.forward(hours=1)
    with pytest.raises(SessionRefused):
        presenting(core, leaves.secret, visitors=True)
    clock.forward(hours=23, microseconds=-1)
    presenting(core, stays.secret, visitors=True)
    clock.forward(microseconds=1)
    with pytest.raises(SessionRefused):
        presenting(core, stays.secret, visitors=True)


def test_a_visitor_goes_with_all_sessions(core: Core, alice: Principal) -> None:
    """Whoever ends all sessions of an account ends its visitors', too."""
    _, token = made(core, alice)
    visitor = opened(core, token)
    do(core, session_ends.end_all, alice.account.number)
    with pytest.raises(SessionRefused):
        presenting(core, visitor.secret, visitors=True)


def test_there_is_room_for_a_bounded_number(
    core: Core, alice: Principal, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one link the last visits are kept, and the last visitors' sessions; others' are left alone."""
    monkeypatch.setattr(link_visits, "MOST_VISITS", 3)
    monkeypatch.setattr(link_visits, "MOST_VISITORS", 2)
    (link, token), (other, other_token) = made(core, alice), made(core, alice)
    bystander = opened(core, other_token)
    visitors = []
    for _ in range(5):
        clock.forward(minutes=1)
        visitors.append(opened(core, token))
    for gone in visitors[:3]:
        with pytest.raises(SessionRefused):
            presenting(core, gone.secret, visitors=True)
    for stays in (*visitors[3:], bystander):
        presenting(core, stays.secret, visitors=True)
    visits = do(core, link_visits.visits_of, [link.id, other.id])
    assert [visit.at for visit in visits[link.id]] == [clock.now - timedelta(minutes=n) for n in (2, 1, 0)]
    assert len(visits[other.id]) == 1


# --- passwords --------------------------------------------------------------------------------------------


def test_K_07_a_password_opens_its_link_alone(core: Core, alice: Principal) -> None:
    """With a password a link opens, without it or with another one it does not, and no view is counted."""
    link, token = made(core, alice, password=LINK_PASSWORD, views=1)
    assert looked_at(core, token).has_password
    for wrong in (None, "", "open barley", LINK_PASSWORD.upper()):
        with pytest.raises(WrongLinkPassword):
            opened(core, token, password=wrong)
    assert looked_at(core, token).views_left == 1
    assert do(core, link_visits.visits_of, [link.id]) == {}
    assert opened(core, token, password=LINK_PASSWORD).link.views_left == 0
    assert events(core).count("link refused") == 3
    with pytest.raises(AccessTokenRefused):
        opened(core, token, password=LINK_PASSWORD)


def test_a_password_too_many_is_no_harm(core: Core, alice: Principal) -> None:
    """A link without a password opens with any."""
    _, token = made(core, alice)
    opened(core, token, password="whatever")


def test_an_absurd_password_is_refused_unhashed(core: Core, alice: Principal) -> None:
    """What is too long to be hashed is refused before anything is counted."""
    _, token = made(core, alice, password=LINK_PASSWORD)
    with pytest.raises(PasswordTooLong):
        opened(core, token, password="x" * 5000)


def test_P_08_guessing_a_links_password_is_slowed_down(
    core: Core, alice: Principal, clock: FakeClock
) -> None:
    """After ten failures a link waits, with the right password too, but it never locks; others do not wait."""
    (_, token), (_, other) = (made(core, alice, password=LINK_PASSWORD) for _ in range(2))
    for _ in range(11):
        with pytest.raises(WrongLinkPassword):
            opened(core, token, password="wrong")
    with pytest.raises(Throttled) as slowed:
        opened(core, token, password=LINK_PASSWORD)
    opened(core, other, password=LINK_PASSWORD)
    clock.forward(seconds=slowed.value.retry_after.total_seconds())
    opened(core, token, password=LINK_PASSWORD)
    for _ in range(150):
        clock.forward(minutes=15)
        with pytest.raises(WrongLinkPassword):
            opened(core, token, password="wrong")
    clock.forward(minutes=15)
    opened(core, token, password=LINK_PASSWORD)


def test_guesses_at_once_are_counted_before_they_are_hashed(core: Core, alice: Principal) -> None:
    """Of forty parallel guesses no more are hashed than one after the other would be."""
    hasher = Meddler()
    _, token = made(core, alice, password=LINK_PASSWORD)
    guarded = with_tools(core, hasher=hasher)
    outcomes = at_once(*[lambda: opened(guarded, token, password="wrong") for _ in range(40)])
    assert len(hasher.verified) == 11
    assert sum(isinstance(each, Throttled) for each in outcomes) == 29


@pytest.mark.parametrize("meanwhile", ["revoked", "used up", "disabled"])
def test_what_happens_meanwhile_counts(core: Core, alice: Principal, meanwhile: str) -> None:
    """A link that goes while its password is verified opens nothing."""
    link, token = made(core, alice, password=LINK_PASSWORD, views=1)

    def happens() -> None:
        if meanwhile == "revoked":
            do(core, access_tokens.revoke, link.id, visible_to=None)
        elif meanwhile == "disabled":
            do(core, accounts.disable, alice.account.number)
        else:
            opened(core, token, password=LINK_PASSWORD)

    with pytest.raises(AccessTokenRefused):
        opened(with_tools(core, hasher=Meddler(happens)), token, password=LINK_PASSWORD)
    assert sum(row["access_token_id"] is not None for row in rows(core, sessions.sessions)) == (
        1 if meanwhile == "used up" else 0
    )
