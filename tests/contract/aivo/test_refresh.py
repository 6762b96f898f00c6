"""Refresh tokens over HTTP: used once each, on whichever node, with a moment of grace (contract §3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.contract.aivo.speech import NO_REFRESH, UNAUTHORIZED, House, pair, refused, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.people import events
from tests.racing import at_once
from tests.running import configured, running


@contextmanager
def set_up(url: str, clock: FakeClock, **aivo: Any) -> Iterator[House]:
    """A server on this database, with settings of the dialect's."""
    told = configured(url, **ROOMY, dialects={"aivo": aivo})
    with running(told, cheap_hasher(), clock) as served, visiting(served) as house:
        yield house


# --- one after the other --------------------------------------------------------------------------------


def test_a_bearer_token_beside_is_not_needed(house: House) -> None:
    """A refresh works without one, with one that is good, with one that expired, and with garbage for one."""
    held = house.log_in(house.person())
    expired = held.access
    held = pair(house.refresh(held))
    held = pair(house.refresh(held, held.access))
    house.clock.forward(hours=1)
    for bearer in (expired, "garbage", f"{expired}x"):
        held = pair(house.refresh(held, bearer))


def test_a_bearer_token_beside_must_not_be_anothers(house: House) -> None:
    """With the token of another session or person beside it a refresh is refused, and the token not spent."""
    person = house.person()
    held, sister, stranger = house.log_in(person), house.log_in(person), house.log_in(house.person())
    for other in (sister, stranger):
        answer = house.refresh(held, other.access)
        assert refused(answer, 401, NO_REFRESH)["www-authenticate"] == 'Bearer error="invalid_token"'
    assert house.refresh(held).status_code == 200


# --- a token that comes twice ---------------------------------------------------------------------------


def test_a_lost_answer_can_be_asked_for_again(house: House) -> None:
    """Within ten seconds a spent token gives the same refresh token, and an access token that is good."""
    held = house.log_in(house.person())
    first = pair(house.refresh(held))
    house.clock.forward(seconds=9)
    second = pair(house.refresh(held))
    assert second.refresh == first.refresh
    assert house.lives(first)
    assert house.lives(second)
    third = pair(house.refresh(second))
    house.clock.forward(seconds=20)
    assert house.refresh(third).status_code == 200


def test_a_theft_ends_the_session_for_both(house: House) -> None:
    """A token that comes again later ends every token of the session, and the audit log says so."""
    person = house.person()
    held, sister = house.log_in(person), house.log_in(person)
    stolen = held
    held = pair(house.refresh(held))
    house.clock.forward(seconds=11)
    before = events(house.core).count("refresh token reused")
    refused(house.refresh(stolen), 401, NO_REFRESH)
    assert events(house.core).count("refresh token reused") == before + 1
    refused(house.call("me", held.access), 401, UNAUTHORIZED)
    refused(house.refresh(held), 401, NO_REFRESH)
    assert house.lives(sister)


def test_the_grace_can_be_set_to_nothing(sqlite_url: str) -> None:
    """With no grace a second use ends the session at once."""
    with set_up(sqlite_url, FakeClock(), refresh_grace_seconds=0) as house:
        held = house.log_in(house.person())
        after = pair(house.refresh(held))
        refused(house.refresh(held), 401, NO_REFRESH)
        assert not house.lives(after)


def test_lifetimes_are_settings(sqlite_url: str) -> None:
    """How long a token and a session live is the operator's choice."""
    told = {"access_seconds": 60, "refresh_idle_days": 2, "refresh_days": 3}
    with set_up(sqlite_url, FakeClock(), **told) as house:
        held = house.log_in(house.person())
        idle = house.log_in(house.person())
        assert held.answer["expiresIn"] == 60
        house.clock.forward(seconds=60)
        assert not house.lives(held)
        house.clock.forward(days=1)
        held = pair(house.refresh(held))
        house.clock.forward(days=1)
        refused(house.refresh(idle), 401, NO_REFRESH)
        held = pair(house.refresh(held))
        house.clock.forward(days=1)
        refused(house.refresh(held), 401, NO_REFRESH)


# --- many at once ---------------------------------------------------------------------------------------


def test_many_refreshes_at_once_make_one_child(house: House) -> None:
    """Of twenty requests with one token each is answered with the same refresh token."""
    held = house.log_in(house.person())
    answers = at_once(*[lambda: house.refresh(held) for _ in range(20)])
    heard = [answer for answer in answers if not isinstance(answer, Exception)]
    assert {answer.status_code for answer in heard} <= {200, 503}
    tokens = {answer.json()["refreshToken"] for answer in heard if answer.status_code == 200}
    assert len(tokens) == 1


def test_nodes_agree(database_url: str) -> None:
    """What one node signs another lets in; what ends at one is ended at the other, without a word between them."""
    clock = FakeClock()
    with ExitStack() as stack:
        here, there = (stack.enter_context(set_up(database_url, clock)) for _ in range(2))
        person = here.person()
        held = here.log_in(person)
        assert there.lives(held)
        renewed = pair(there.refresh(held))
        assert here.lives(renewed)
        # The answer of one node, lost, is asked of the other.
        assert pair(here.refresh(held)).refresh == renewed.refresh
        assert there.call("logout", renewed.access).status_code == 204
        refused(here.call("me", held.access), 401, UNAUTHORIZED)
        refused(here.refresh(renewed), 401, NO_REFRESH)
        sister = here.log_in(person)
        there.end_all(person)
        refused(here.call("me", sister.access), 401, UNAUTHORIZED)


def test_a_restart_ends_nobodys_session(sqlite_url: str) -> None:
    """Keys and families are in the database: both tokens are good after the process was another one."""
    clock = FakeClock()
    with set_up(sqlite_url, clock) as house:
        held = house.log_in(house.person())
    with set_up(sqlite_url, clock) as house:
        assert house.lives(held)
        assert house.refresh(held).status_code == 200
