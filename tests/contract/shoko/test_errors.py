"""How Shoko says no: contract §0 and the rows of §1, to the byte."""

from __future__ import annotations

import pytest
from tests.contract.shoko.speech import PROBLEM, House, assert_empty, assert_invalid, assert_problem
from tests.fakes import do
from tests.racing import after_statements

from dragoman.core import accounts

JSON_TYPE = {"content-type": "application/json"}
SDK_ACCEPTS = "text/plain, application/json, text/json"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, PROBLEM),
        ("*/*", PROBLEM),
        ("application/*", PROBLEM),
        ("text/plain, text/json", PROBLEM),
        ("application/problem+json", PROBLEM),
        ("application/json", "application/json"),
        ("text/html, Application/JSON;q=0.5", "application/json"),
        (SDK_ACCEPTS, "application/json"),
    ],
)
def test_a_problem_is_json_where_that_is_asked_for(house: House, accept: str | None, media: str) -> None:
    """`application/json`, bare, exactly when Accept names it; else `application/problem+json` with its charset."""
    headers = {"accept": accept} if accept else {"accept": ""}
    assert_problem(house.log_in("nobody", headers=headers), 401, media)
    answer = house.ask("POST", "/api/auth", json={"user": "x", "pass": "y"}, headers=headers)
    assert_invalid(answer, {"device": ["Device is required"]}, media)


def test_a_trace_is_the_requests(house: House) -> None:
    """One request id, one trace: what a client reports can be found in the log."""
    one, same, other = (
        house.log_in("nobody", headers={"x-request-id": name}).json()["traceId"] for name in ("a", "a", "b")
    )
    assert one == same != other


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"user": }',
        '{"user": NaN}',
        "'x'",
        '{"user": "x"} {}',
        '["x"]',
        '"x"',
        "7",
        '{"a":' * 11 + "1" + "}" * 11,
    ],
)
def test_what_is_no_object_is_invalid(house: House, body: str) -> None:
    """Malformed, another value than an object, or nested deeper than ten: 400 with a message under no name."""
    answer = house.ask("POST", "/api/auth", content=body, headers=JSON_TYPE)
    (message,) = answer.json()["errors"][""]
    assert message
    assert_invalid(answer, {"": [message]})


def test_what_is_nested_ten_deep_is_read(house: House) -> None:
    """And passed over, where nobody asked for it."""
    deep = '{"user":"x","pass":"y","device":"z","more":' + "[" * 9 + "]" * 9 + "}"
    assert_problem(house.ask("POST", "/api/auth", content=deep, headers=JSON_TYPE), 401)


@pytest.mark.parametrize(("value", "token"), [({}, "StartObject"), (["x"], "StartArray")])
def test_an_object_where_a_string_is_due(house: House, value: object, token: str) -> None:
    """Named by its path, beside the fields that are missing."""
    said = f"Error reading string. Unexpected token: {token}."
    answer = house.ask("POST", "/api/auth", json={"user": value, "pass": "y"})
    assert_invalid(answer, {"user": [said], "device": ["Device is required"]})
    key = house.key(house.account())
    assert_invalid(house.ask("POST", "/api/auth/ChangePassword", key, json=value), {"": [said]})


def test_a_body_too_large_is_413(house: House) -> None:
    """A problem, whoever sends it."""
    assert_problem(house.ask("POST", "/api/auth", content=b" " * (2 << 20), headers=JSON_TYPE), 413)


def test_a_compressed_body_is_415(house: House) -> None:
    """Nothing is inflated."""
    headers = {**JSON_TYPE, "content-encoding": "gzip"}
    assert_problem(house.ask("POST", "/api/auth", content=b"x", headers=headers), 415)


def test_a_challenge_has_no_body(house: House) -> None:
    """401 without a key, before anything is said of the body."""
    for body in ("", "{", '"x"'):
        answer = house.ask("POST", "/api/auth/ChangePassword", content=body, headers=JSON_TYPE)
        assert_empty(answer, 401)
    for method, path in [("GET", "/api/auth"), ("GET", "/api/ping"), ("GET", "/api/v3/User/Current")]:
        assert_empty(house.ask(method, path), 401)
    assert_empty(house.ask("POST", "/api/v3/User/Current/ChangePassword"), 401)


def test_unknown_paths_and_wrong_methods(house: House) -> None:
    """404, and 405 with the methods that there are, as problems."""
    for path in ("/", "/api", "/api/nope", "/api/v3/Settings", "/api/v3/Plugin", "/api/auth/apikey"):
        assert_problem(house.ask("GET", path), 404)
    wrong = house.ask("PUT", "/api/auth")
    assert_problem(wrong, 405)
    assert wrong.headers["allow"] == "DELETE, GET, POST"


def test_a_password_is_held_to_the_policy(house: House) -> None:
    """Every reason, under the field that it came in; the key stays good."""
    key = house.key(house.account())
    answer = house.ask("POST", "/api/auth/ChangePassword", key, json="xq7!z")
    assert_invalid(answer, {"": ["Use at least 8 characters"]})
    answer = house.ask("POST", "/api/auth/ChangePassword", key, json="")
    assert_invalid(answer, {"": ["Use at least 8 characters"]})
    path, reason = "/api/v3/User/Current/ChangePassword", "It is one of the most common passwords"
    assert_invalid(house.ask("POST", path, key, json={"Password": "password1"}), {"Password": [reason]})
    assert_invalid(house.ask("POST", path, key, json={}), {"Password": ["The Password field is required."]})
    long = {"Password": "x" * 1025}
    assert_invalid(house.ask("POST", path, key, json=long), {"Password": ["Use at most 1024 characters"]})
    assert house.is_good(key)


def test_P_05_an_endless_password_is_refused_unhashed(house: House) -> None:
    """By its length alone, whoever's it is."""
    assert_invalid(house.log_in("nobody", "x" * 5000), {"pass": ["Use at most 4096 bytes"]})


def test_too_many_wrong_passwords_are_429(own: House) -> None:
    """With a time to come back, as a problem; the right one is not heard before."""
    own.account(username="Default")
    answers = [own.log_in("Default", "wrong-horse-7-battery") for _ in range(11)]
    assert {answer.status_code for answer in answers} == {401}
    delayed = own.log_in("Default")
    assert_problem(delayed, 429, detail="Too many attempts, try again later.")
    assert int(delayed.headers["retry-after"]) >= 1
    own.clock.forward(hours=1)
    assert own.log_in("Default").status_code == 200


def test_an_accident_is_500_and_says_nothing(own: House) -> None:
    """The framework's sentence, and not a word of what went wrong."""
    own.account(username="Default")

    def crash(_: str) -> None:
        raise RuntimeError("a secret of the operator's")

    with after_statements(own.core, crash):
        assert_problem(own.log_in("Default"), 500)


def test_who_is_disabled_is_nobody(house: House) -> None:
    """A disabled account signs in no more than an unknown one, and its keys are unknown."""
    account = house.account()
    key = house.key(account)
    do(house.core, accounts.disable, account.number)
    assert_problem(house.log_in(account.username), 401)
    assert_empty(house.ask("GET", "/api/ping", key), 401)
