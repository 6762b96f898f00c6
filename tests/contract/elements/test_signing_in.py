"""Signing in and out: whom it lets in, with what, and what it says to whom it does not (contract §1, §4)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.contract.elements.speech import (
    BAD_TOKEN,
    House,
    Page,
    assert_refused,
    assert_void,
    cookies_of,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.people import events
from tests.racing import at_once

from dragoman.core import accounts, permissions
from dragoman.dialects.elements.wire.users import ElementsUserDetail

INVALID = {"reason": "invalid_credentials", "detail": "Unable to log in with provided credentials."}
CHANGE = {
    "reason": "password_change_required",
    "detail": "The password must be changed: send a new one along.",
}


def test_a_sign_in_answers_with_the_whole_user(house: House) -> None:
    """200 has a complete user, a session key, and none of the texts that clients refuse when empty (§2, §7)."""
    account = house.account(username="ann", email="ann@example.org", display_name="Ann Ash")
    do(house.core, permissions.give, account, ["media:access"])
    answer = house.log_in("ann").json()
    assert answer.keys() == {"user", "session_key"}
    user = answer["user"]
    assert user.keys() == set(ElementsUserDetail.model_fields)
    told: dict[str, Any] = {
        "id": account.number,
        "username": "ann",
        "email": "ann@example.org",
        "display_name": "Ann Ash",
        "full_name": "Ann Ash",
        "permissions": ["media:access"],
        "effective_permissions": ["media:access"],
        "groups": [],
        "avatar": None,
        "language": None,
        "default_page": "/",
        "is_enabled": True,
        "has_password": True,
        "password_change_required": False,
        "last_seen": "2026-01-05T09:30:00Z",
    }
    assert {name: user[name] for name in told} == told
    assert uuid.UUID(user["sync_id"]) == account.id


def test_a_session_key_is_the_cookie_and_the_bearer_token(house: House) -> None:
    """One session, held up either way; the cookie is not for scripts, and for this site alone (§4)."""
    answer = house.log_in(house.account().username)
    key = answer.json()["session_key"]
    session, csrf = answer.headers.get_list("set-cookie")
    assert session == (
        f"sessionid={key}; Path=/; Expires=Mon, 19 Jan 2026 09:30:00 GMT; Max-Age=1209600; HttpOnly; SameSite=Lax"
    )
    assert csrf.startswith("csrftoken=")
    assert "HttpOnly" not in csrf
    assert house.is_good(key)
    assert house.ask("GET", "/api/2/users/me", headers={"cookie": f"sessionid={key}"}).status_code == 200


def test_nobody_learns_who_has_an_account(house: House) -> None:
    """A name that nobody has, a wrong password and a disabled account are all the same 401 with a reason (§4)."""
    known, disabled = house.account(), house.account()
    do(house.core, accounts.disable, disabled.number)
    for name, password in [("nobody", PASSWORD), (known.username, "wrong"), (disabled.username, PASSWORD)]:
        assert_refused(house.log_in(name, password), 401, INVALID)


def test_a_stale_credential_keeps_nobody_from_signing_in(house: House) -> None:
    """SDKs send their token with every call, a browser its cookie: a sign-in looks at neither (§3)."""
    account = house.account()
    for headers in ({"authorization": "Bearer stale"}, {"cookie": "sessionid=stale"}):
        assert house.log_in(account.username, headers=headers).status_code == 200


def test_a_sign_in_ends_the_session_that_the_browser_had(house: House, page: Page) -> None:
    """The session's key is another after a sign-in, and the one before is good for nothing (§4)."""
    account = house.account()
    first = page.sign_in(account).json()["session_key"]
    second = page.sign_in(account).json()["session_key"]
    assert first != second
    assert [house.is_good(key) for key in (first, second)] == [False, True]


def test_what_is_sent_as_nothing_is_not_there(house: House) -> None:
    """Fields that a client sends as null, or an empty one-time password, are as good as absent (§1)."""
    account = house.account()
    assert house.log_in(account.username, otp=None, new_password=None).status_code == 200
    assert house.log_in(account.username, otp="").status_code == 200


# --- a password that must be changed -----------------------------------------------------------------------


def test_whose_password_must_be_changed_is_told_so_and_not_let_in(house: House) -> None:
    """403 with a reason, only after the password was right, and without a session (§4)."""
    account = house.account(must_change_password=True)
    assert_refused(house.log_in(account.username, "wrong"), 401, INVALID)
    answer = house.log_in(account.username)
    assert_refused(answer, 403, CHANGE)
    assert cookies_of(answer) == {}


def test_a_new_password_lets_in_and_takes_the_place_of_the_old(own: House) -> None:
    """The same call with `new_password` changes it and signs in; from then on the new one alone counts (§4)."""
    account = own.account(must_change_password=True)
    user = own.log_in(account.username, new_password=NEW_PASSWORD).json()["user"]
    assert user["password_change_required"] is False
    assert_refused(own.log_in(account.username), 401, INVALID)
    assert own.log_in(account.username, NEW_PASSWORD).status_code == 200
    assert events(own.core).count("password changed") == 1


def test_a_forced_change_ends_every_session_but_the_one_it_opens(own: House) -> None:
    """What was open before the change is closed by it; the session that it opened lives."""
    account = own.account()
    before = own.token(account)
    do(own.core, accounts.change, account.number, accounts.Changes(must_change_password=True))
    after = own.log_in(account.username, new_password=NEW_PASSWORD).json()["session_key"]
    assert [own.is_good(key) for key in (before, after)] == [False, True]


@pytest.mark.parametrize("new", ["short", "password1", PASSWORD])
def test_a_new_password_must_be_fit_and_another(house: House, new: str) -> None:
    """What the policy refuses, or the same once more, is 400 about `new_password`, and changes nothing."""
    account = house.account(must_change_password=True)
    answer = house.log_in(account.username, new_password=new)
    assert answer.status_code == 400
    assert list(answer.json()) == ["new_password"]
    assert_refused(house.log_in(account.username), 403, CHANGE)


def test_a_new_password_that_nobody_asked_for_is_not_minded(house: House) -> None:
    """Who need not change a password does not do so by signing in."""
    account = house.account()
    assert house.log_in(account.username, new_password=NEW_PASSWORD).status_code == 200
    assert house.log_in(account.username).status_code == 200


def test_a_forced_change_is_no_guess(house: House) -> None:
    """However often somebody is told to change a password that was right, they are not taken for a guesser."""
    account = house.account(must_change_password=True)
    assert {house.log_in(account.username).status_code for _ in range(15)} == {403}
    assert house.log_in(account.username, new_password=NEW_PASSWORD).status_code == 200


def test_of_two_who_change_a_password_at_once_one_is_let_in(own: House) -> None:
    """The password is changed once: whoever comes second has signed in with one that is not the account's now."""
    account = own.account(must_change_password=True)
    own.log_in(account.username, new_password=NEW_PASSWORD)
    assert_refused(own.log_in(account.username, new_password="another-9-correct-horse"), 401, INVALID)


# --- signing out -------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session(house: House) -> None:
    """The session that is held up is over, and its cookies are taken away (§4)."""
    key = house.token(house.account())
    answer = house.ask("POST", "/api/2/auth/logout", key)
    assert_void(answer)
    assert cookies_of(answer) == {"sessionid": '""', "csrftoken": '""'}
    assert_refused(house.ask("GET", "/api/2/users/me", key), 401, BAD_TOKEN)


@pytest.mark.parametrize("token", [None, "of-nobody", "elements_of-nobody"])
def test_whoever_is_not_signed_in_signs_out_all_the_same(house: House, token: str | None) -> None:
    """Signing out is idempotent: without a session, too, it is 200 (§4)."""
    assert_void(house.ask("POST", "/api/2/auth/logout", token))


def test_whoever_signs_out_many_times_at_once_is_out_each_time(owns: House) -> None:
    """Requests that race to end one session are all 200: whoever comes second finds done what they asked for."""
    key = owns.token(owns.account())
    answers = at_once(*[lambda: owns.ask("POST", "/api/2/auth/logout", key).status_code for _ in range(16)])
    assert answers == [200] * 16
    assert not owns.is_good(key)


def test_an_api_token_outlives_signing_out(house: House) -> None:
    """API tokens stay valid (§4)."""
    token = house.api_token(house.account())
    assert_void(house.ask("POST", "/api/2/auth/logout", token))
    assert house.is_good(token)


def test_an_empty_body_that_calls_itself_json_is_no_body(house: House) -> None:
    """Stock clients send `Content-Type: application/json` and nothing (§1)."""
    empty: Any = {"headers": {"content-type": "application/json"}, "content": b""}
    assert_void(house.ask("POST", "/api/2/auth/logout", **empty))


def test_a_session_idles_out_after_fourteen_days(own: House) -> None:
    """Unused for two weeks it is over; used in time it is not."""
    key = own.log_in(own.account().username).json()["session_key"]
    for _ in range(2):
        own.clock.forward(days=13)
        assert own.is_good(key)
    own.clock.forward(days=14, seconds=1)
    assert not own.is_good(key)
