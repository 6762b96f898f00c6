"""Sharing over HTTP: links are made, looked at, opened by visitors who may little, and stand for objects."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from tests.contract.elements.sharing import (
    LINK_PASSWORD,
    LIST,
    SHARE,
    enter,
    found,
    look,
    share,
    shared,
    visitor,
)
from tests.contract.elements.speech import (
    FORBIDDEN,
    House,
    assert_refused,
    assert_void,
    cookies_of,
    visiting,
)
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.racing import at_once
from tests.running import configured, running

from dragoman.core.accounts import Account

NOT_FOUND = "Not found."


def test_looking_counts_nothing(house: House) -> None:
    """Whoever holds a link is told what it is, any number of times, with no view counted and nothing kept."""
    token = house.token(house.account())
    link = shared(house, token, view_limit=1, password=LINK_PASSWORD)
    for _ in range(3):
        answer = look(house, link)
        assert answer.status_code == 200
        assert answer.json().keys() == {"id", "has_password", "user", "url", "full_url"}
        assert (answer.json()["id"], answer.json()["has_password"]) == (link["id"], True)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
    by_value = house.ask("GET", f"{LIST}/get/{link['token']}", params={"user": "x", "limit": "1"})
    assert by_value.json() == look(house, link).json()
    now = found(house, link, token)
    assert (now["view_limit_left"], now["activity"]) == (1, [])


def test_opening_lets_a_visitor_in(house: House) -> None:
    """An opening counts a view, says where to go and whom one is shown as, and opens a session."""
    person = house.account()
    token = house.token(person)
    link = shared(house, token, view_limit=2)
    answer = enter(house, link)
    assert answer.status_code == 200
    assert (answer.json()["redirect"], answer.json()["user"]["id"]) == ("/media/bundles/5", person.number)
    key = cookies_of(answer)["sessionid"]
    assert house.ask("GET", "/api/2/users/me", key).json()["id"] == person.number
    now = found(house, link, token)
    assert (now["view_limit_left"], len(now["activity"])) == (1, 1)


def test_a_visitor_may_see_themselves_and_leave(house: House, admin: Account) -> None:
    """A visitor may call users/me and logout, and nothing more, even as an administrator; then the key is dead."""
    link = shared(house, house.token(admin))
    key = visitor(house, link)
    for method, path in (
        ("GET", LIST),
        ("GET", f"{LIST}/{link['id']}"),
        ("POST", "/api/2/auth/ticket"),
        ("GET", "/api/2/users"),
        ("GET", "/api/2/api-tokens"),
        ("POST", "/api/2/api-tokens"),
        ("PATCH", "/api/2/users/me"),
        ("POST", "/api/2/users/me/password"),
        ("POST", SHARE),
        ("GET", "/api/2/media/bundles/5/easy-sharing-token"),
    ):
        assert_refused(house.ask(method, path, key, json=None if method == "GET" else {}), 403, FORBIDDEN)
    assert house.is_good(key)
    assert_void(house.ask("POST", "/api/2/auth/logout", key))
    assert not house.is_good(key)


def test_the_last_view_is_the_last(house: House) -> None:
    """Of fifty who open a link with one view left at once, one is let in; the others find nothing."""
    link = shared(house, house.token(house.account()), view_limit=1)
    answers = at_once(*[lambda: enter(house, link).status_code for _ in range(50)])
    assert Counter(answers) == {200: 1, 404: 49}
    assert_refused(look(house, link), 404, NOT_FOUND)


def test_a_password_is_asked_for(house: House) -> None:
    """A link with a password opens with it alone; guesses are slowed down, and count no view."""
    token = house.token(house.account())
    link = shared(house, token, password=LINK_PASSWORD, view_limit=1)
    wrong = {"password": ["The password is not correct."]}
    assert_refused(enter(house, link), 400, wrong)
    for _ in range(11):
        assert_refused(enter(house, link, password="guess"), 400, wrong)
    slowed = enter(house, link, password=LINK_PASSWORD)
    assert slowed.status_code == 429
    house.clock.forward(seconds=int(slowed.headers["retry-after"]))
    visitor(house, link, password=LINK_PASSWORD)
    assert found(house, link, token)["view_limit_left"] == 0


def test_a_link_may_ask_for_somebody_known(house: House) -> None:
    """Strangers and visitors are sent to sign in, and no view is counted; who is signed in is let in."""
    token = house.token(house.account())
    link = shared(house, token, view_limit=1, require_login=True)
    assert link["require_login"] is True
    guest = visitor(house, shared(house, token))
    for key in (None, "garbled", guest):
        answer = enter(house, link, key)
        assert (answer.status_code, answer.json()) == (200, {"login_redirect": "/login"})
        assert "set-cookie" not in answer.headers
    assert enter(house, link, house.token(house.account())).json()["redirect"] == "/media/bundles/5"


def test_an_operator_may_want_no_anonymous_links(sqlite_url: str) -> None:
    """Then every link that is made, a standing one too, opens for who is signed in alone, and clients are told."""
    told = configured(sqlite_url, **ROOMY, dialects={"elements": {"anonymous_links": False}})
    with running(told, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        token = house.token(house.account())
        assert house.ask("GET", "/api/2/parameters", token).json()["media_allow_anonymous_links"] is False
        standing = house.ask("GET", "/api/2/media/bundles/5/easy-sharing-token", token).json()
        for link in (standing, shared(house, token, require_login=False)):
            assert link["require_login"] is True
            assert enter(house, link).json() == {"login_redirect": "/login"}


@pytest.mark.parametrize(
    ("asked", "redirect"),
    [
        ("/media/elsewhere?x=1", "/media/elsewhere?x=1"),
        ("https://evil.example", "/media/bundles/5"),
        ("//evil.example", "/media/bundles/5"),
        ("/\\evil.example", "/media/bundles/5"),
        ("javascript:alert(1)", "/media/bundles/5"),
        (None, "/media/bundles/5"),
    ],
    ids=["a path", "another site", "no scheme", "a backslash", "a script", "null"],
)
def test_a_visitor_is_sent_nowhere_else(house: House, asked: str | None, redirect: str) -> None:
    """Where a link leads may be another page of this server, and of no other."""
    link = shared(house, house.token(house.account()))
    assert enter(house, link, override_redirect=asked).json()["redirect"] == redirect


def test_nobody_shares_as_somebody_they_do_not_look_after(house: House, admin: Account) -> None:
    """Visitors are shown whose account it is, so only who looks after that shares as it."""
    person, other = house.account(), house.account()
    manager = house.token(house.account(may=("users:manage",)))
    assert share(house, house.token(person), user=other.number).status_code == 403
    assert share(house, house.token(person), user=person.number).status_code == 200
    assert share(house, manager, user=other.number).status_code == 200
    assert share(house, manager, user=admin.number).status_code == 403
    missing = share(house, house.token(admin), user=987_654)
    assert_refused(missing, 400, {"user": ['Invalid pk "987654" - object does not exist.']})


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"bundles": None}, "bundles"),
        ({"bundles": ["x"]}, "bundles"),
        ({"bundles": []}, "non_field_errors"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": None}, "expires"),
        ({"expires": "0001-01-01T00:00:00Z"}, "expires"),
        ({"require_login": "perhaps"}, "require_login"),
        ({"permissions": None}, "permissions"),
        ({"view_limit": -1}, "view_limit"),
        ({"email": "nobody"}, "email"),
        ({"link_type": "torrent"}, "link_type"),
        ({"password": ""}, "password"),
    ],
    ids=lambda each: str(each).replace(" ", ""),
)
def test_a_share_is_judged_field_by_field(house: House, asked: dict[str, object], field: str) -> None:
    """What cannot be is refused with the field's name (§3)."""
    answer = share(house, house.token(house.account()), **asked)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == [field]


def test_no_link_is_over_when_it_is_made(house: House) -> None:
    """An end that has passed is refused, and one at this very instant; a second later will do."""
    token, now = house.token(house.account()), house.clock.now
    for expires in (now - timedelta(days=1), now):
        answer = share(house, token, expires=expires.isoformat(), email="friend@example.org")
        assert_refused(answer, 400, {"expires": ["Ensure this date is in the future."]})
    assert shared(house, token, expires=(now + timedelta(seconds=1)).isoformat())["activity"] == []


@pytest.mark.parametrize(("kind", "place"), [("bundle", "bundles"), ("directory", "files")])
def test_an_object_has_one_standing_link(house: House, kind: str, place: str) -> None:
    """Easy sharing gives the same link each time, until it is revoked; then it is another."""
    token, path = house.token(house.account()), f"/api/2/media/{place}/9/easy-sharing-token"
    first, again = (house.ask("GET", path, token).json() for _ in range(2))
    assert first == again
    assert (first[f"is_easy_sharing_for_{kind}"], first["expires"]) == (9, None)
    stranger = house.ask("GET", path, house.token(house.account())).json()
    assert stranger["token"] != first["token"]
    assert_void(house.ask("DELETE", path, token))
    assert_refused(house.ask("DELETE", path, token), 404, NOT_FOUND)
    assert_refused(look(house, first), 404, NOT_FOUND)
    assert house.ask("GET", path, token).json()["token"] != first["token"]


def test_what_opens_nothing_is_not_found(house: House) -> None:
    """A token that is none is not found, whatever it is."""
    for token in ("x", "x" * 5000, "%00", "%ED%A0%80", "..%2F.."):
        assert_refused(house.ask("GET", f"/auth/fast-lane/{token}"), 404, NOT_FOUND)
        assert_refused(house.ask("POST", f"/auth/fast-lane/{token}", json={}), 404, NOT_FOUND)
