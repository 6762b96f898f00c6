"""`dragoman diff`: what two releases of a product say differently, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dragoman.cli import app, failures
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.differences import compared
from dragoman.releases import Release

PARTS = (
    "behaviour",
    "operations",
    "statuses",
    "fields",
    "required",
    "called",
    "messages",
    "orders",
    "key_permissions",
    "permissions",
    "renamed",
)


def diff(*arguments: str) -> Result:
    """What the verb prints."""
    return CliRunner().invoke(app, ["diff", *arguments])


def told(old: str, new: str) -> Any:
    """What it tells programs."""
    result = diff("immich", old, new, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_programs_get_every_difference_by_part() -> None:
    """JSON has eleven parts; each difference says what it is of, and what the old and the new release say."""
    said = told("1.134", "3.2")
    assert list(said) == ["dialect", "old", "new", *PARTS]
    assert (said["dialect"], said["old"], said["new"]) == ("immich", "1.134", "3.2")
    path = "GET /api/users/me/onboarding"
    onboarding = {"operation": "get_user_onboarding", "path": path, "old": False, "new": True}
    assert onboarding in said["operations"]
    pin = {"operation": "setup_pin_code", "path": "POST /api/auth/pin-code", "old": 201, "new": 204}
    assert pin in said["statuses"]
    group = {"shape": "UserAdminResponseDto", "field": "clusterGroupId", "old": False, "new": True}
    assert group in said["fields"]
    deep = {"shape": "MemoriesResponse", "field": "duration", "old": False, "new": True}
    assert deep in said["fields"]
    read = {"operation": "get_my_user", "path": "GET /api/users/me", "old": None, "new": "user.read"}
    assert read in said["key_permissions"]
    name = {"shape": "APIKeyUpdateDto", "field": "name", "old": True, "new": False}
    assert said["required"] == [name]
    renamed = {"shape": "APIKeyCreateDto", "old": "APIKeyCreateDto", "new": "ApiKeyCreateDto"}
    assert renamed in said["called"]
    sentences, issue = ["id must be a UUID"], ["Invalid input: expected string", "Invalid UUID"]
    uuid = {"shape": "OfSession", "field": "id", "old": sentences, "new": issue}
    assert uuid in said["messages"]
    first, since = ["name", "email", "password"], ["email", "password", "name"]
    assert {"shape": "SignUpDto", "old": first, "new": since} in said["orders"]
    assert {"permission": "admin.user.read", "old": True, "new": False} in said["permissions"]
    assert {"permission": "adminUser.read", "old": False, "new": True} in said["permissions"]
    renamed = {"permission": "admin.user.read", "old": "admin.user.read", "new": "adminUser.read"}
    assert renamed in said["renamed"]


def test_behaviour_is_told_in_plain_words() -> None:
    """What differs whatever the operation has a name, says what it is about, and each side's way of it."""
    said = {each.pop("fact"): each for each in told("1.134", "3.2")["behaviour"]}
    assert said["correlation_header"] == {
        "about": "the header of an answer's correlation id; a request's own is sent back",
        "old": "x-immich-cid",
        "new": "x-correlation-id",
    }
    assert said["refusal_keys"]["old"] == ["message", "error", "statusCode", "correlationId"]
    assert said["refusal_keys"]["new"] == ["message"]
    assert (said["share_slugs"]["old"], said["share_slugs"]["new"]) == (False, True)
    assert [each["fact"] for each in told("1.134", "2.7")["behaviour"]] == [
        "version",
        "share_slugs",
        "devices_kept",
        "undeletable",
    ]


@pytest.mark.parametrize("name", sorted({each.name for each in fields(Release)} - {"name", "version"}))
def test_nothing_that_a_release_says_is_left_out(name: str) -> None:
    """Were 3.2 different from 1.134 in one respect only, whichever, the diff would tell. The version is behaviour."""
    old = RELEASES["1.134"]
    new = replace(old, **{name: getattr(RELEASES["3.2"], name)})
    differences = compared(ImmichApi, old, new)
    assert any(getattr(differences, part.name) for part in fields(differences))


def test_people_are_spared_long_lists() -> None:
    """Of a sentence that lists all that would have been good, people see both ends, and programs all of it."""
    told_people = diff("immich", "1.134", "2.7").stdout
    whole = next(each for each in told("1.134", "2.7")["messages"] if each["field"] == "permissions")["old"][
        1
    ]
    assert len(whole) > 1000
    assert whole not in told_people
    assert f"{whole[:60]} … {whole[-20:]}" in told_people


def test_the_other_way_round_is_the_same_turned() -> None:
    """Which release is the older one is the caller's to say."""
    there, back = told("1.134", "2.7"), told("2.7", "1.134")
    for part in PARTS[:-2]:
        turned = [{**each, "old": each["new"], "new": each["old"]} for each in back[part]]
        assert there[part] == turned
    assert len(there["permissions"]) == len(back["permissions"]) > 0
    assert {(e["old"], e["new"]) for e in there["renamed"]} == {(e["new"], e["old"]) for e in back["renamed"]}


def test_people_get_tables() -> None:
    """A title with a count above each table, whose columns are the releases; any key is said in words."""
    result = diff("immich", "1.134", "2.7")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    count = len(told("1.134", "2.7")["statuses"])
    start = lines.index(f"Statuses of success ({count})")
    assert lines[start + 1] == "operation path 1.134 2.7"
    assert "setup_pin_code POST /api/auth/pin-code 201 204" in lines
    assert "get_user_onboarding GET /api/users/me/onboarding - yes" in lines
    assert "logout POST /api/auth/logout any key all" in lines
    assert "adminUser.read - yes" in lines


def test_a_release_is_like_itself() -> None:
    """Nothing differs between a release and itself, and that is said."""
    assert diff("immich", "2.7", "2.7").stdout == "2.7 and 2.7 say the same.\n"
    said = told("2.7", "2.7")
    assert not any(said[part] for part in PARTS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("kodi", "1", "2"), "there is no dialect kodi"),
        (("immich", "1.134", "9.9"), "immich does not speak 9.9; it speaks: 1.134, 2.7, 3.2"),
        (("immich", "0.1", "2.7"), "immich does not speak 0.1; it speaks: 1.134, 2.7, 3.2"),
    ],
)
def test_names_that_mean_nothing_are_refused(arguments: tuple[str, ...], said: str) -> None:
    """A dialect or a release that there is not is a wrong use of the verb, and the right names are told."""
    result = diff(*arguments)
    assert isinstance(result.exception, failures.WrongUsage)
    assert said in str(result.exception)
