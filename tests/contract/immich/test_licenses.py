"""Licences, a user's and the server's: there are none, and none is good (contract §1c, §4.1)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.immich.speech import House, Person, assert_refused, assert_says
from tests.contract.immich.spoken import message

PATHS = ("/users/me/license", "/server/license")
KEYS = {PATHS[0]: "IMCL", PATHS[1]: "IMSV"}
PATTERN = r"/IM(SV|CL)(-[\dA-Za-z]{4}){8}/"
WHOLE = r"/^IM(SV|CL)(-[\dA-Za-z]{4}){8}$/"


@pytest.fixture
def admin(spoken: tuple[str, House]) -> Person:
    """An administrator, signed in."""
    return spoken[1].person(is_admin=True)


def licence(path: str, **facts: Any) -> dict[str, Any]:
    """A body that looks like a licence for this path."""
    parts = [KEYS[path], *(f"{n:04}" for n in range(8))]
    return {"licenseKey": "-".join(parts), "activationKey": "c29tZXRoaW5n", **facts}


@pytest.mark.parametrize("path", PATHS)
def test_there_is_no_licence(spoken: tuple[str, House], admin: Person, path: str) -> None:
    """None to show: 404, without the reason that refusals with a text have."""
    release, house = spoken
    answer = house.ask("GET", path, admin.token)
    said: dict[str, Any] = {"message": "Not Found"}
    if release != "3.2":
        said |= {"statusCode": 404, "correlationId": answer.headers["x-immich-cid"]}
    assert_says(answer, 404, said)


@pytest.mark.parametrize("path", PATHS)
def test_no_licence_is_good(spoken: tuple[str, House], admin: Person, path: str) -> None:
    """Only its seller can tell a genuine one, so each is refused in the words for one that is not."""
    release, house = spoken
    answer = house.ask("PUT", path, admin.token, json=licence(path))
    if release == "3.2":
        assert_says(answer, 400, {"message": "Invalid license key"})
    else:
        assert_refused(answer, 400, "Invalid license key")
    assert house.ask("GET", path, admin.token).status_code == 404
    assert house.ask("GET", "/users/me", admin.token).json()["license"] is None
    assert house.ask("GET", "/server/about", admin.token).json()["licensed"] is False


@pytest.mark.parametrize("path", PATHS)
def test_to_give_none_up_is_no_error(spoken: tuple[str, House], admin: Person, path: str) -> None:
    """There is none afterwards, as there was none before: 200 at first, 204 since, and empty."""
    release, house = spoken
    for _ in range(2):
        gone = house.ask("DELETE", path, admin.token)
        assert (gone.status_code, gone.content) == (200 if release == "1.134" else 204, b"")
        assert "content-type" not in gone.headers


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"licenseKey": "IMCL-1"}, [f"licenseKey must match {PATTERN} regular expression"]),
        (
            {"licenseKey": None},
            [
                f"licenseKey must match {PATTERN} regular expression",
                "licenseKey should not be empty",
                "licenseKey must be a string",
            ],
        ),
        ({"activationKey": ""}, ["activationKey should not be empty"]),
        ({"activationKey": 5}, ["activationKey must be a string"]),
    ],
    ids=str,
)
def test_a_licence_has_a_form(
    spoken: tuple[str, House], admin: Person, facts: dict[str, Any], said: list[str]
) -> None:
    """A key of another form, or none, breaks the release's rules; 3.2 takes any activation key that is text."""
    release, house = spoken
    answer = house.ask("PUT", PATHS[0], admin.token, json=licence(PATHS[0], **facts))
    if release != "3.2":
        assert_refused(answer, 400, said)
    elif facts == {"activationKey": ""}:
        assert message(answer, 400) == "Invalid license key"
    else:
        (issue,) = answer.json()["errors"]
        assert issue["path"] == list(facts)


def test_3_2_names_the_whole_pattern(spoken: tuple[str, House], admin: Person) -> None:
    """Since 3.0 nothing may stand around a licence key, and the pattern that is named says so."""
    release, house = spoken
    given = licence(PATHS[0])
    around = house.ask("PUT", PATHS[0], admin.token, json=given | {"licenseKey": f"x{given['licenseKey']}x"})
    if release == "3.2":
        issue = {
            "origin": "string",
            "code": "invalid_format",
            "format": "regex",
            "pattern": WHOLE,
            "path": ["licenseKey"],
            "message": f"Invalid string: must match pattern {WHOLE}",
        }
        assert_says(around, 400, {"message": "Validation failed", "errors": [issue]})
    else:
        assert_refused(around, 400, "Invalid license key")


def test_the_servers_licence_is_its_administrators(spoken: tuple[str, House]) -> None:
    """Users ask for their own; the server's is none of their business."""
    house = spoken[1]
    person = house.person()
    for method in ("GET", "PUT", "DELETE"):
        refused = house.ask(method, "/server/license", person.token, json=licence("/server/license"))
        assert message(refused, 403) == "Forbidden"
        assert message(house.ask(method, "/users/me/license", json={}), 401) == "Authentication required"
    assert message(house.ask("GET", "/users/me/license", person.token), 404) == "Not Found"
