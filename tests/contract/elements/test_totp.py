"""One-time passwords over HTTP: enabled, synchronised, disabled, and asked for at the sign-in (contract §4, §5)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.elements.speech import FORBIDDEN, House, assert_refused, assert_void
from tests.fakes import NEW_PASSWORD, PASSWORD

from dragoman.core.accounts import Account
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.secrets import Secret

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOT_CORRECT = {"otp": ["The one-time password is not correct."]}
REQUIRED = {"reason": "otp_required", "detail": "A code of your device is needed: send it along as otp."}
INVALID = {"reason": "otp_invalid", "detail": "The code is wrong, or was used before."}


def shown(house: House, steps: int = 0) -> str:
    """What a device with the key shows now, or so many steps from now."""
    return code_at(seed_of(Secret(KEY)), step_at(house.served.clock.now) + steps)


def totp(account: Account) -> str:
    """Where an account's one-time passwords are."""
    return f"/api/2/users/{account.number}/totp"


def guarded(house: House, **facts: Any) -> Account:
    """An account with one-time passwords, which it has enabled itself."""
    account = house.account(**facts)
    key = house.token(account)
    assert_void(house.ask("POST", totp(account), key, json={"key": KEY, "otp": shown(house)}))
    house.served.clock.forward(minutes=1)
    return account


def test_a_sign_in_asks_for_the_code(house: House) -> None:
    """Without a code, and with a wrong or a used one: 401 with a reason; with the right one the user signs in."""
    account = guarded(house)
    for otp in ({}, {"otp": None}, {"otp": ""}):
        assert_refused(house.log_in(account.username, **otp), 401, REQUIRED)
    assert_refused(house.log_in(account.username, otp="000000"), 401, INVALID)
    signed_in = house.log_in(account.username, otp=shown(house))
    assert signed_in.json()["user"]["totp_enabled"] is True
    assert_refused(house.log_in(account.username, otp=shown(house)), 401, INVALID)


def test_the_reason_is_kept_from_who_does_not_know_the_password(house: House) -> None:
    """A wrong password is invalid_credentials whatever comes as a code."""
    account = guarded(house)
    for otp in ({}, {"otp": shown(house)}):
        refused = house.log_in(account.username, "wrong", **otp)
        assert (refused.status_code, refused.json()["reason"]) == (401, "invalid_credentials")


def test_a_user_sees_whether_it_is_enabled(house: House, admin: Account) -> None:
    """Profile, record and list say so alike."""
    account, other = guarded(house), house.account()
    key = house.token(admin)
    assert house.ask("GET", "/api/2/users/me", house.token(account)).json()["totp_enabled"] is True
    assert house.ask("GET", f"/api/2/users/{account.number}", key).json()["totp_enabled"] is True
    listed = {user["id"]: user["totp_enabled"] for user in house.ask("GET", "/api/2/users", key).json()}
    assert (listed[account.number], listed[other.number]) == (True, False)


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, {"key": ["This field is required."], "otp": ["This field is required."]}),
        ({"key": "not base32!", "otp": "000000"}, {"key": ["Not a valid key."]}),
        ({"key": KEY, "otp": "000000"}, NOT_CORRECT),
    ],
)
def test_what_enables_nothing_is_refused(house: House, body: Any, complaints: dict[str, list[str]]) -> None:
    """A key that is none and a code that is not its own: 400 about the field."""
    account = house.account()
    assert_refused(house.ask("POST", totp(account), house.token(account), json=body), 400, complaints)


def test_it_is_enabled_once_and_disabled_once(house: House) -> None:
    """Enabling what is enabled, and disabling or synchronising what is not: 400 with a detail."""
    account = guarded(house)
    key = house.token(account)
    again = house.ask("POST", totp(account), key, json={"key": KEY, "otp": shown(house)})
    assert_refused(again, 400, "One-time passwords are enabled already.")
    assert_void(house.ask("DELETE", totp(account), key))
    assert house.log_in(account.username).status_code == 200
    for method, sent in (("DELETE", {}), ("PUT", {"json": {"otp": shown(house)}})):
        refused = house.ask(method, totp(account), key, **sent)
        assert_refused(refused, 400, "One-time passwords are not enabled.")


def test_a_device_is_synchronised(house: House) -> None:
    """A code from a device that is off says by how many steps, and lets its codes in; a wrong one is 400."""
    account = guarded(house)
    key = house.token(account)
    assert_refused(house.ask("PUT", totp(account), key, json={"otp": shown(house, 20)}), 400, NOT_CORRECT)
    synced = house.ask("PUT", totp(account), key, json={"otp": shown(house, 5)})
    assert (synced.status_code, synced.json()) == (200, {"drift": 5})
    assert house.log_in(account.username, otp=shown(house, 6)).status_code == 200


def test_whose_it_is_and_who_manages_users_may(house: House, admin: Account) -> None:
    """Others may not; who manages users may for those who may do no more than they."""
    account = guarded(house)
    manager = house.token(house.account(may=("users:manage",)))
    stranger = house.token(house.account())
    assert_refused(house.ask("DELETE", totp(account), stranger), 403, FORBIDDEN)
    assert house.ask("DELETE", totp(admin), manager).status_code == 403
    assert_void(house.ask("DELETE", totp(account), manager))
    token = house.api_token(account)
    says = "This needs somebody who has signed in. An API token will not do."
    assert_refused(house.ask("POST", totp(account), token, json={"key": KEY, "otp": shown(house)}), 400, says)


def test_a_new_password_needs_the_code(house: House) -> None:
    """Who has one-time passwords changes their password with one, as current_otp."""
    account = guarded(house)
    key, path = house.token(account), "/api/2/users/me/password"
    body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    says = {"current_otp": ["The one-time password is not correct."]}
    for otp in ({}, {"current_otp": "000000"}):
        assert_refused(house.ask("POST", path, key, json={**body, **otp}), 400, says)
    assert_void(house.ask("POST", path, key, json={**body, "current_otp": shown(house)}))


def test_other_products_take_the_code_behind_the_password(house: House) -> None:
    """In a product that has no field for it, the same account signs in with the code behind the password."""
    account = guarded(house, email="otp@example.org")
    path = f"{house.served.url}/immich/api/auth/login"
    for given, status in ((PASSWORD, 401), (PASSWORD + shown(house), 201)):
        body = {"email": account.email, "password": given}
        assert house._line.post(path, json=body).status_code == status
