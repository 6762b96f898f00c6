"""What is wrong with a request is said in Django REST framework's words and shapes (contract §3)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.elements.speech import (
    BAD_TOKEN,
    FORBIDDEN,
    NO_CREDENTIALS,
    House,
    assert_refused,
)
from tests.fakes import do

from dragoman.core import accounts
from dragoman.core.accounts import Account
from dragoman.dialects.elements.wire.tokens import OneTimeAccessTokenActivity

REQUIRED, NULL, BLANK = (
    "This field is required.",
    "This field may not be null.",
    "This field may not be blank.",
)
NO_STRING, NO_INTEGER, NO_BOOLEAN = (
    "Not a valid string.",
    "A valid integer is required.",
    "Must be a valid boolean.",
)
BAD_DATE = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
LOGIN = "/api/2/auth/login"


@pytest.fixture(scope="module")
def key(house: House, admin: Account) -> str:
    """The key of a session of the administrator's."""
    return house.token(admin)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, {"username": [REQUIRED], "password": [REQUIRED]}),
        ({"username": None, "password": ""}, {"username": [NULL], "password": [BLANK]}),
        ({"username": "  ", "password": "x"}, {"username": [BLANK]}),
        ({"username": ["ann"], "password": True}, {"username": [NO_STRING], "password": [NO_STRING]}),
        ({"username": "ann", "password": "x", "new_password": ""}, {"new_password": [BLANK]}),
        ({"username": "a\x00", "password": "x"}, {"username": ["Null characters are not allowed."]}),
    ],
)
def test_each_field_has_its_complaints(house: House, body: Any, says: Any) -> None:
    """400 names every field that will not do, and says why."""
    assert_refused(house.ask("POST", LOGIN, json=body), 400, says)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("uid", "ten", [NO_INTEGER]),
        ("uid", 1.5, [NO_INTEGER]),
        ("uid", True, [NO_INTEGER]),
        ("uid", 2**31, ["Ensure this value is less than or equal to 2147483647."]),
        ("shaper_rate", -1, ["Ensure this value is greater than or equal to 0."]),
        ("is_external", "perhaps", [NO_BOOLEAN]),
        ("is_external", None, [NULL]),
        ("full_name", "x" * 256, ["Ensure this field has no more than 255 characters."]),
        ("email", "nobody", ["Enter a valid email address."]),
        ("language", "tlh", ['"tlh" is not a valid choice.']),
        ("permissions", "users:view", ['Expected a list of items but got type "str".']),
        ("permissions", ["users:view", None], {"1": [NULL]}),
        ("fm_bookmarks", [""], {"0": [BLANK]}),
        ("groups", [99], ['Invalid pk "99" - object does not exist.']),
        (
            "expiry",
            "tomorrow",
            [BAD_DATE],
        ),
    ],
)
def test_each_kind_of_field_has_the_frameworks_words(
    house: House, key: str, field: str, value: Any, says: Any
) -> None:
    """What a field may be is said as the framework says it; within a list, by the place in it."""
    answer = house.ask("PATCH", f"/api/2/users/{house.account().number}", key, json={field: value})
    assert_refused(answer, 400, {field: says})


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("uid", "10.0", 10),
        ("is_external", "on", True),
        ("is_external", 0, False),
        ("full_name", 12, "12"),
        ("unix_username", " ann ", "ann"),
        ("default_page", "/tasks", "/tasks"),
    ],
)
def test_what_the_framework_reads_is_read(house: House, key: str, field: str, value: Any, shown: Any) -> None:
    """Numbers may be texts and texts numbers, words stand for booleans, and blanks around a text do not count."""
    account = house.account()
    answer = house.ask("PATCH", f"/api/2/users/{account.number}", key, json={field: value})
    assert answer.json()[field] == shown


@pytest.mark.parametrize(
    ("text", "kind"),
    [("[]", "list"), ('"a"', "str"), ("1", "int"), ("1.5", "float"), ("true", "bool"), ("null", "NoneType")],
)
def test_a_body_is_an_object(house: House, text: str, kind: str) -> None:
    """Any other JSON is 400, and called by its name in Python."""
    says = {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]}
    answer = house.ask("POST", LOGIN, content=text, headers={"content-type": "application/json"})
    assert_refused(answer, 400, says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, {"expires": [REQUIRED], "permissions": [REQUIRED]}),
        ({"permissions": None, "expires": None}, {"expires": [NULL], "permissions": [NULL]}),
        (
            {"permissions": [], "bundles": None, "expires": 5},
            {
                "bundles": [NULL],
                "expires": [BAD_DATE],
                "permissions": ["Invalid data. Expected a dictionary, but got list."],
            },
        ),
        (
            {"permissions": {"show_tags": None}, "bundles": ["five"], "expires": "2099-01-01 10:00"},
            {"bundles": {"0": [NO_INTEGER]}, "permissions": {"show_tags": [NULL]}},
        ),
    ],
)
def test_complaints_stand_where_they_belong(house: House, key: str, body: Any, says: Any) -> None:
    """What is wrong within a list or an object stands below the field, by its place or its name."""
    assert_refused(house.ask("POST", "/api/2/media/share", key, json=body), 400, says)


def test_what_is_no_json_is_said_to_be_none(house: House) -> None:
    """400 with a detail that begins as the framework's does; another type of body is 415."""
    answer = house.ask("POST", LOGIN, content="{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")
    answer = house.ask("POST", LOGIN, content="a=b", headers={"content-type": "text/plain"})
    assert_refused(answer, 415, 'Unsupported media type "text/plain" in request.')


def test_who_is_calling_is_asked_first(house: House) -> None:
    """Without a credential, with a bad one, and with a disabled owner's, each has its own 401 (§3)."""
    gone = house.account()
    held_up = (house.api_token(gone), house.token(gone))
    do(house.core, accounts.disable, gone.number)
    me = "/api/2/users/me"
    assert_refused(house.ask("PATCH", me, content="{"), 401, NO_CREDENTIALS)
    assert_refused(house.ask("PATCH", me, "of-nobody", content="{"), 401, BAD_TOKEN)
    for token in held_up:
        assert_refused(house.ask("PATCH", me, token, content="{"), 401, "User inactive or deleted.")


def test_what_one_may_is_asked_before_what_one_says(house: House) -> None:
    """403 comes before anything is said of the body."""
    key = house.token(house.account())
    assert_refused(house.ask("POST", "/api/2/users", key, json={"username": None}), 403, FORBIDDEN)


@pytest.mark.parametrize("path", ["/api/2/users/99999", "/api/2/users/ann", "/api/2/users/me/", "/api/3"])
def test_what_is_not_there_is_not_found(house: House, key: str, path: str) -> None:
    """An id that names nothing, one that is no number, and a path that leads nowhere are the same 404."""
    assert_refused(house.ask("GET", path, key), 404, "Not found.")


def test_a_method_that_a_path_has_not(house: House) -> None:
    """405 says which it has (§3)."""
    answer = house.ask("DELETE", LOGIN)
    assert_refused(answer, 405, 'Method "DELETE" not allowed.')
    assert answer.headers["allow"] == "POST"


def test_guesses_are_delayed_and_told_for_how_long(house: House) -> None:
    """429 with the framework's sentence and `Retry-After` (§3)."""
    account = house.account()
    answers = [house.log_in(account.username, "wrong") for _ in range(12)]
    assert_refused(answers[-1], 429, "Request was throttled. Expected available in 1 seconds.")
    assert answers[-1].headers["retry-after"] == "1"


def test_P_05_a_password_too_long_to_be_hashed(house: House) -> None:
    """It is 400 about the password, before anything is hashed."""
    says = {"password": ["Ensure this field has no more than 4096 bytes."]}
    assert_refused(house.log_in("ann", "x" * 5000), 400, says)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0987-06-05T04:03:02.5+01:00", "0987-06-05T03:03:02Z"),
        ("9999-12-31T23:59:59", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_date_has_all_its_digits(given: str, written: str) -> None:
    """Whatever the year, a date is written in the one form that every client reads (§2)."""
    shown = OneTimeAccessTokenActivity.model_validate({"id": 1, "date": given, "ip": "::1", "token": 1})
    assert shown.model_dump(mode="json")["date"] == written
