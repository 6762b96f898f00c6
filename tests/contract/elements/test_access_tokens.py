"""One-time access tokens over HTTP: listed, shown, revoked and mailed by their people, and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.contract.elements.sharing import LINK_PASSWORD, LIST, found, share, shared, visitor
from tests.contract.elements.speech import NO_CREDENTIALS, House, assert_refused, assert_void
from tests.fakes import do

from dragoman.core import groups, outbox, permissions
from dragoman.core.accounts import Account

NOT_FOUND = "Not found."
MANAGE = "users:manage"


def listed(house: House, token: str, **asked: Any) -> list[Any]:
    """The links of a list."""
    answer = house.ask("GET", LIST, token, params=asked)
    assert answer.status_code == 200, answer.text
    links: list[Any] = answer.json()
    return links


def ids(house: House, token: str, **asked: Any) -> list[int]:
    """The ids of a list, in its order."""
    return [link["id"] for link in listed(house, token, **asked)]


def in_a_minute(house: House) -> str:
    """An end that comes soon."""
    return (house.clock.now + timedelta(minutes=1)).isoformat()


def test_a_link_has_all_that_clients_ask_for(house: House, admin: Account) -> None:
    """A link is shown with every field of the contract, whole and in its types (§2)."""
    person = house.account(email="whole@example.org")
    link = shared(
        house, house.token(admin), user=person.number, directories=[7], password=LINK_PASSWORD, view_limit=2
    )
    assert link == found(house, link, house.token(person))
    mini = {"id", "avatar", "display_name", "email", "full_name", "is_external", "is_cloud", "username"}
    assert link["user"].keys() == link["created_by"].keys() == mini
    assert (link["user"]["id"], link["created_by"]["id"]) == (person.number, admin.number)
    assert link["shared_bundles"] == [{"id": 5, "name": "Bundle 5"}]
    assert link["shared_directories"] == [{"id": 7, "name": "Directory 7"}]
    assert link["full_url"].endswith(f"/elements/auth/fast-lane/{link['token']}")
    assert (link["view_limit_enabled"], link["view_limit_left"]) == (True, 2)
    assert (link["expires"], link["has_password"], link["require_login"]) == (
        "2099-01-01T00:00:00Z",
        True,
        False,
    )
    assert link["is_easy_sharing_for_bundle"] is link["is_easy_sharing_for_directory"] is None
    assert link["media_root_permissions"] == [link["id"]]
    assert link["activity"] == []


def test_activity_has_time_and_address(house: House) -> None:
    """Each opening is shown with its time and address."""
    token = house.token(house.account())
    link = shared(house, token)
    visitor(house, link)
    (visit,) = found(house, link, token)["activity"]
    assert visit.keys() == {"id", "date", "ip", "token"}
    assert (visit["ip"], visit["token"]) == ("127.0.0.1", link["id"])


def test_everybody_sees_their_own(house: House, admin: Account) -> None:
    """Normal users see links that they made or that are opened as them; administrators see all (§4)."""
    alice, bob, carol = (house.account() for _ in range(3))
    mine = shared(house, house.token(alice))
    as_bob = shared(house, house.token(admin), user=bob.number)
    assert ids(house, house.token(alice)) == [mine["id"]]
    assert ids(house, house.token(bob)) == [as_bob["id"]]
    assert ids(house, house.token(carol)) == []
    assert {mine["id"], as_bob["id"]} <= set(ids(house, house.token(admin)))
    for method in ("GET", "DELETE"):
        assert_refused(house.ask(method, f"{LIST}/{mine['id']}", house.token(bob)), 404, NOT_FOUND)
    answer = house.ask(
        "POST", f"{LIST}/{mine['id']}/email", house.token(bob), json={"email": "x@example.org"}
    )
    assert_refused(answer, 404, NOT_FOUND)


def test_an_administrator_by_a_group_sees_all_links(house: House) -> None:
    """Whoever has `system:admin-access` by a group sees everybody's links, and what opens them (§4)."""
    member = house.account()
    group = do(house.core, groups.add, "operators", permits=["system:admin-access"])
    do(house.core, permissions.join, member, [group.number])
    link = shared(house, house.token(house.account()))
    assert link["id"] in ids(house, house.token(member))
    assert found(house, link, house.token(member)) == link


def test_only_their_people_and_administrators_see_what_opens_links(house: House, admin: Account) -> None:
    """Who looks after users sees all links, and of others' that they are there; administrators see their tokens."""
    manager = house.account(may=(MANAGE,))
    link = shared(house, house.token(house.account()))
    seen = found(house, link, house.token(manager))
    assert (seen["token"], link["token"] in seen["full_url"]) == ("hidden", False)
    assert found(house, link, house.token(admin))["token"] == link["token"]
    answer = house.ask(
        "POST", f"{LIST}/{link['id']}/email", house.token(manager), json={"email": "x@example.org"}
    )
    assert_refused(answer, 404, NOT_FOUND)


def test_lists_are_filtered_and_ordered_and_in_pages(house: House, admin: Account) -> None:
    """Filters hold together, orders follow each other, and pages are bare arrays (§2, §4)."""
    person, other = house.account(), house.account()
    token = house.token(person)
    a = shared(house, token, bundles=[51], view_limit=3)["id"]
    b = shared(house, token, bundles=[52], directories=[53], view_limit=1)["id"]
    c = shared(house, token, bundles=[], directories=[53], view_limit=3)["id"]
    d = shared(house, house.token(admin), bundles=[51], user=person.number)["id"]
    assert ids(house, token) == [d, c, b, a]
    for asked, expected in (
        ({"shared_bundles": "51"}, [d, a]),
        ({"shared_bundles": "51,52"}, [d, b, a]),
        ({"shared_directories": "53", "shared_bundles": "52"}, [b]),
        ({"shared_bundles__asset": "1"}, []),
        ({"user": f"{person.number}.0"}, [d, c, b, a]),  # releases 3.5 to 3.6.1 write numbers so (§1)
        ({"user": str(other.number)}, []),
        ({"created_by": str(admin.number)}, [d]),
        ({"ordering": "id"}, [a, b, c, d]),
        ({"ordering": "-view_limit_left,id"}, [a, c, b, d]),
        ({"ordering": "view_limit_left,-id"}, [d, b, c, a]),
        ({"ordering": "token,-password,nonsense"}, [d, c, b, a]),
        ({"limit": "2"}, [d, c]),
        ({"limit": "2", "offset": "1"}, [c, b]),
        ({"limit": "2", "offset": "9"}, []),
        ({"limit": "-1", "offset": "x"}, [d, c, b, a]),
    ):
        assert ids(house, token, **asked) == expected, asked


@pytest.mark.parametrize(
    "name", ["user", "created_by", "shared_bundles", "shared_directories", "shared_bundles__asset"]
)
def test_a_filter_is_a_number(house: House, admin: Account, name: str) -> None:
    """A filter that is no number is refused with its name (§3)."""
    answer = house.ask("GET", LIST, house.token(admin), params={name: "abc"})
    assert answer.status_code == 400
    assert list(answer.json()) == [name]


def test_deleting_ends_what_the_link_opened(house: House) -> None:
    """A deleted link is gone, and so are the sessions of its visitors."""
    token = house.token(house.account())
    link = shared(house, token)
    key = visitor(house, link)
    assert house.is_good(key)
    assert_void(house.ask("DELETE", f"{LIST}/{link['id']}", token))
    assert not house.is_good(key)
    assert_refused(house.ask("DELETE", f"{LIST}/{link['id']}", token), 404, NOT_FOUND)
    assert_refused(house.ask("GET", f"{LIST}/{10**30}", token), 404, NOT_FOUND)


def test_a_link_is_mailed(house: House) -> None:
    """A link goes to the address given or to whom it is opened as, with the sender's words and always the link."""
    person = house.account(email="mailed@example.org")
    token = house.token(person)
    link = shared(house, token, password=LINK_PASSWORD)
    mail = {"email": "friend@example.org", "subject": "Dailies\r\nBcc: x@example.org", "text": "<b>Look</b>"}
    for body in (mail, {}):
        assert_void(house.ask("POST", f"{LIST}/{link['id']}/email", token, json=body))
    posted = [each for each in do(house.core, outbox.listed) if each.account_number == person.number]
    letters = {each.recipient: do(house.core, outbox.read, each.id).letter for each in posted}
    first, second = letters["friend@example.org"], letters["mailed@example.org"]
    assert first.subject == "Dailies Bcc: x@example.org"
    assert "<b>Look</b>" in first.text
    assert "&lt;b&gt;Look" in first.html
    for letter in (first, second):
        assert link["full_url"] in letter.text
        assert link["full_url"] in letter.html
        assert LINK_PASSWORD not in letter.text
    assert second.subject == "Something was shared with you"


def test_a_share_mails_the_link_if_asked_to(house: House) -> None:
    """A share with an address is mailed at once."""
    person = house.account()
    link = shared(house, house.token(person), email="friend@example.org")
    (posted,) = [each for each in do(house.core, outbox.listed) if each.account_number == person.number]
    assert link["full_url"] in do(house.core, outbox.read, posted.id).letter.text


def test_nobody_is_mailed_a_link_that_is_over(house: House) -> None:
    """Used up, or with an end that has come: 400, and nothing is sent."""
    token = house.token(house.account(email="sender@example.org"))
    used_up, ended = shared(house, token, view_limit=1), shared(house, token, expires=in_a_minute(house))
    visitor(house, used_up)
    house.clock.forward(minutes=1)
    before = len(do(house.core, outbox.listed))
    for link in (used_up, ended):
        answer = house.ask("POST", f"{LIST}/{link['id']}/email", token, json={})
        assert_refused(answer, 400, {"non_field_errors": ["This link opens nothing any more."]})
    assert len(do(house.core, outbox.listed)) == before


def test_a_mail_needs_an_address(house: House) -> None:
    """Without any address, or with none that is one, nothing is sent (§3)."""
    token = house.token(house.account())
    path = f"{LIST}/{shared(house, token)['id']}/email"
    nowhere = house.ask("POST", path, token, json={})
    assert_refused(nowhere, 400, {"email": ["The user has no e-mail address."]})
    wrong = house.ask("POST", path, token, json={"email": "nobody"})
    assert_refused(wrong, 400, {"email": ["Enter a valid email address."]})


def test_strangers_see_no_links(house: House) -> None:
    """Each of these asks for somebody who is signed in."""
    for method, path in (
        ("GET", LIST),
        ("GET", f"{LIST}/1"),
        ("DELETE", f"{LIST}/1"),
        ("POST", f"{LIST}/1/email"),
    ):
        assert_refused(house.ask(method, path), 401, NO_CREDENTIALS)
    assert share(house, "garbled").status_code == 401
