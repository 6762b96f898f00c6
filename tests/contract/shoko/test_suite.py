"""The black-box suite of contract §5, case by case: what there would be, had the product tests of its sign-in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from tests.contract.shoko.speech import (
    GUID,
    TEXT,
    House,
    assert_empty,
    assert_invalid,
    assert_problem,
    assert_says,
    assert_text,
    visiting,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

Case = Callable[[House], None]
SPEAKS = {
    "user": "Username is required",
    "pass": "Password is required",
    "device": "Device is required",
}
BODY = '{"user":"%s","pass":"correct-horse-7-battery","device":"x"}'


def case_1_a_right_login_gives_a_guid(house: House) -> None:
    """200, `apikey`, and nothing else: no cookie, no expiry."""
    account = house.account()
    answer = house.log_in(account.username)
    assert_says(answer, {"apikey": answer.json()["apikey"]})
    assert GUID.fullmatch(answer.json()["apikey"])
    assert "set-cookie" not in answer.headers


def case_2_the_same_device_is_given_the_same_key(house: House) -> None:
    """Whatever its case, and whatever blanks are around it."""
    name = house.account().username
    keys = {
        house.key_of(name, device=device) for device in ("web-ui", "WEB-UI", "  Web-ui\t", "\u3000web-ui")
    }
    assert len(keys) == 1


def case_3_another_device_is_given_another(house: House) -> None:
    """Two devices, two keys, both good; two people with one device name have nothing to do with each other."""
    account, other = house.account(), house.account()
    keys = [house.key_of(account.username, device=d) for d in ("a", "b")]
    keys.append(house.key_of(other.username, device="a"))
    assert len(set(keys)) == 3
    assert all(map(house.is_good, keys))


def case_4_the_user_name_may_be_in_any_case(house: House) -> None:
    """And have blanks around it."""
    name = house.account().username
    assert len({house.key_of(n) for n in (name, name.upper(), f" {name.lower()} ")}) == 1


def case_5_a_wrong_password_is_401(house: House) -> None:
    """A plain problem, no challenge."""
    assert_problem(house.log_in(house.account().username, "wrong-horse-7-battery"), 401)


def case_6_an_unknown_user_is_401_alike(house: House) -> None:
    """Not told apart from a wrong password."""
    headers = {"x-request-id": "the-same"}
    unknown = house.log_in("nobody", headers=headers)
    wrong = house.log_in(house.account().username, "wrong-horse-7-battery", headers=headers)
    assert_problem(unknown, 401)
    assert unknown.content == wrong.content


def case_7_each_missing_field_is_named(house: House) -> None:
    """Absent, null or blank; a password may be blank."""
    whole = {"user": "x", "pass": "y", "device": "z"}
    for field, complaint in SPEAKS.items():
        for body in (
            {k: v for k, v in whole.items() if k != field},
            {**whole, field: None},
            *([] if field == "pass" else [{**whole, field: ""}, {**whole, field: " \u00a0\t"}]),
        ):
            assert_invalid(house.ask("POST", "/api/auth", json=body), {field: [complaint]})


def case_8_all_missing_fields_are_named_together(house: House) -> None:
    """Three messages."""
    assert_invalid(house.ask("POST", "/api/auth", json={}), {k: [v] for k, v in SPEAKS.items()})


def case_10_a_password_of_null_is_no_blank_one(house: House) -> None:
    """400, also where the account's is blank."""
    body = {"user": "Default", "pass": None, "device": "x"}
    assert_invalid(house.ask("POST", "/api/auth", json=body), {"pass": ["Password is required"]})


def case_11_a_key_counts_in_header_and_query(house: House) -> None:
    """In either, and of both the one that is good."""
    key, path = house.key(house.account()), "/api/v3/User/Current"
    bad = "00000000-0000-4000-8000-000000000000"
    for answer in (
        house.ask("GET", path, key),
        house.ask("GET", path, params={"apikey": key}),
        house.ask("GET", path, bad, params={"ApiKey": key}),
        house.ask("GET", path, key, params={"apikey": bad}),
        house.ask("GET", path, "", params={"apikey": key}),
    ):
        assert answer.status_code == 200


def case_12_a_key_in_capitals_counts(house: House) -> None:
    """And with blanks around it."""
    key = house.key(house.account())
    assert house.is_good(key.upper())
    assert house.ask("GET", "/api/ping", params={"apikey": f" {key.upper()} "}).status_code == 200


def case_13_no_key_is_an_empty_401(house: House) -> None:
    """A challenge without a body; an empty key is none."""
    for key in (None, "", "garbled"):
        assert_empty(house.ask("GET", "/api/v3/User/Current", key), 401)


def case_14_a_key_deleted_by_query_is_dead(house: House) -> None:
    """200, then 401; the account's other keys live."""
    account = house.account()
    key, other = house.key(account), house.key(account, "other")
    assert_empty(house.ask("DELETE", "/api/auth", params={"apikey": key}))
    assert (house.is_good(key), house.is_good(other)) == (False, True)
    assert house.key_of(account.username, device="tv") != key


def case_15_deleting_what_is_not_there_is_a_success(house: House) -> None:
    """Unknown, empty, absent, deleted before."""
    key = house.key(house.account())
    for params in ({"apikey": "unknown"}, {"apikey": ""}, {}, {"apikey": key}, {"apikey": key}):
        assert_empty(house.ask("DELETE", "/api/auth", params=params))


def case_16_a_new_password_ends_every_key(house: House) -> None:
    """The caller's too; the old password is wrong, the new one right."""
    account = house.account()
    keys = [house.key(account, device) for device in "abc"]
    assert_empty(house.ask("POST", "/api/auth/ChangePassword", keys[0], json=NEW_PASSWORD))
    assert not any(map(house.is_good, keys))
    assert_problem(house.log_in(account.username, PASSWORD), 401)
    assert house.key_of(account.username, NEW_PASSWORD)


def case_17_a_change_without_a_key_is_401(house: House) -> None:
    """Empty, as since 5.0: the 500 of 4.2 is an accident, which is not copied."""
    assert_empty(house.ask("POST", "/api/auth/ChangePassword", json=NEW_PASSWORD), 401)


def case_18_bodies_are_json_by_any_of_its_names(house: House) -> None:
    """json, json-patch+json, text/json, any +json; text/plain is 415, and so is a body that says nothing."""
    body = BODY % house.account().username
    for media in (
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON-Patch+json",
        "text/json",
        "application/vnd.x+json",
    ):
        answer = house.ask("POST", "/api/auth", content=body, headers={"content-type": media})
        assert answer.status_code == 200, media
    for media in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "json",
        "text/x+json",
    ):
        answer = house.ask("POST", "/api/auth", content=body, headers={"content-type": media})
        assert_problem(answer, 415)
    assert_problem(house.ask("POST", "/api/auth", content=body), 415)


def case_19_paths_are_the_same_in_any_case(house: House) -> None:
    """And with a slash at the end; also below the address that the page's own example has."""
    body = BODY % house.account().username
    headers = {"content-type": "application/json"}
    for path in ("/API/Auth", "/api/auth/", "/api/v3/api/auth", "/Api/V3/API/AUTH"):
        assert house.ask("POST", path, content=body, headers=headers).status_code == 200
    assert_empty(house.ask("POST", "/api/v3/api/auth/changepassword"), 401)
    assert_empty(house.ask("DELETE", "/api/v3/api/auth", params={"apikey": "x"}))


def case_21_an_empty_body_is_400(house: House) -> None:
    """As in 6: the 500 of 4.2 is an accident, which is not copied."""
    said = {"": ["A non-empty request body is required."]}
    assert_invalid(house.ask("POST", "/api/auth"), said)
    assert_invalid(house.ask("POST", "/api/auth", headers={"content-type": "application/json"}), said)
    json = {"content-type": "application/json"}
    assert_invalid(house.ask("POST", "/api/auth", content="null", headers=json), said)
    key = house.key(house.account())
    for body in ("", "null"):
        answer = house.ask("POST", "/api/auth/ChangePassword", key, content=body, headers=json)
        assert_invalid(answer, {"": ["Password is required"]})
    assert house.is_good(key)


CASES = [case for name, case in list(globals().items()) if name.startswith("case_")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.removeprefix("case_"))
def test_case(house: House, case: Case) -> None:
    """Each case of the suite, on a server that others have signed in to."""
    case(house)


def test_9_a_blank_password_on_a_blank_account(blank_house: House, house: House) -> None:
    """Signs in where the setting says that passwords may be blank, and nowhere else."""
    for served, status in ((blank_house, 200), (house, 401)):
        key = served.key(served.account(username="Family Friendly"))
        changed = served.ask("POST", "/api/auth/ChangePassword", key, json="")
        assert changed.status_code == (200 if status == 200 else 400)
        assert served.log_in("Family Friendly", "").status_code == status


def test_20_keys_survive_a_restart(sqlite_url: str) -> None:
    """A key is as good after the server was started again, and the device is given it again."""
    seen: list[str] = []
    for _ in range(2):
        settings = configured(sqlite_url)
        with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
            if not seen:
                house.account(username="Default")
            seen.append(house.key_of("Default"))
            assert all(map(house.is_good, seen))
    assert all(one == other for one, other in pairwise(seen))


def test_22_a_server_without_accounts_is_not_running(own: House) -> None:
    """503 and the product's sentence, until the first account is made."""
    sentence = (
        "The Server is not running. Use the First Time Setup Wizard or check your settings and logs to ensure"
        " the server is starting correctly."
    )
    answer = own.log_in("Default", "")
    assert_text(answer, 503, sentence)
    assert answer.headers["content-type"] == TEXT
    own.account(username="Default")
    assert_problem(own.log_in("Default", ""), 401)
