"""Tickets over HTTP: asked for by whoever is signed in, checked by anybody, once."""

from __future__ import annotations

import pytest
from tests.contract.elements.speech import NO_CREDENTIALS, House, assert_refused
from tests.fakes import do

from dragoman.core import accounts

NOT_VALID = "The ticket is not valid."


def issued(house: House, token: str) -> str:
    """A ticket of whoever holds this token."""
    answer = house.ask("POST", "/api/2/auth/ticket", token, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["ticket"]
    return str(answer.json()["ticket"])


def test_a_check_gives_the_whole_user_once(house: House) -> None:
    """Whoever checks a ticket is given the whole record of its owner; a second check is refused, as any other no."""
    person = house.account()
    ticket = issued(house, house.token(person))
    first = house.ask("POST", "/api/2/auth/ticket/check", json={"ticket": ticket})
    assert first.status_code == 200
    assert (first.json()["id"], first.json()["username"]) == (person.number, person.username)
    assert {"effective_permissions", "groups", "sync_id"} <= first.json().keys()
    assert "set-cookie" not in first.headers
    for again in (ticket, "nobody's"):
        answer = house.ask("POST", "/api/2/auth/ticket/check", json={"ticket": again})
        assert_refused(answer, 403, NOT_VALID)


def test_a_ticket_of_a_token_is_the_owners(house: House) -> None:
    """An API token asks for tickets as a session does; a stale token keeps nobody from checking one (§3)."""
    person = house.account()
    ticket = issued(house, house.api_token(person))
    answer = house.ask("POST", "/api/2/auth/ticket/check", "stale", json={"ticket": ticket})
    assert answer.json()["id"] == person.number


def test_a_disabled_owners_ticket_is_refused(house: House) -> None:
    """A ticket is void once its owner's account is disabled."""
    person = house.account()
    ticket = issued(house, house.token(person))
    do(house.core, accounts.disable, person.number)
    assert_refused(house.ask("POST", "/api/2/auth/ticket/check", json={"ticket": ticket}), 403, NOT_VALID)


def test_a_ticket_is_no_credential(house: House) -> None:
    """Nobody is let in by a ticket."""
    ticket = issued(house, house.token(house.account()))
    assert not house.is_good(ticket)


def test_strangers_get_no_ticket(house: House) -> None:
    """Nobody has a ticket without being signed in."""
    assert_refused(house.ask("POST", "/api/2/auth/ticket"), 401, NO_CREDENTIALS)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "This field is required."),
        ({"ticket": None}, "This field may not be null."),
        ({"ticket": ""}, "This field may not be blank."),
        ({"ticket": ["x"]}, "Not a valid string."),
    ],
    ids=["missing", "null", "blank", "a list"],
)
def test_a_ticket_is_a_text(house: House, body: object, says: str) -> None:
    """What is no text is refused with the field's name (§3)."""
    answer = house.ask("POST", "/api/2/auth/ticket/check", json=body)
    assert_refused(answer, 400, {"ticket": [says]})
