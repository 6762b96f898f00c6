"""The unmodified Immich SDK for Python, release 1.134.0, works against the server as against Immich (contract §4.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
from tests.contract.immich.speech import OTHER_PIN, PIN, SESSION_ONLY, SIGN_UP, House, Person
from tests.fakes import NEW_PASSWORD, PASSWORD

# As whoever uses it without a type checker: its models are generated, and want their aliases.
sdk: Any = import_module("immich_python_sdk")
exceptions: Any = import_module("immich_python_sdk.exceptions")

Configure = Callable[[Any, str], None]


@contextmanager
def connected(house: House, configure: Configure | None = None, credential: str = "") -> Iterator[Any]:
    """The SDK's authentication API at this house, with a credential held up as `configure` does."""
    configuration = sdk.Configuration(host=house.served.immich)
    if configure is not None:
        configure(configuration, credential)
    with sdk.ApiClient(configuration) as client:
        if configure is by_header:
            client.set_default_header("x-immich-user-token", credential)
        yield sdk.AuthenticationApi(client)
        client.rest_client.pool_manager.clear()


def by_bearer(configuration: Any, token: str) -> None:
    """As a bearer token, the scheme that the page shows."""
    configuration.access_token = token


def by_cookie(configuration: Any, token: str) -> None:
    """As a cookie, whose name the SDK forgets to send unless it is made part of the value."""
    configuration.api_key["cookie"] = f"immich_access_token={token}"


def by_header(configuration: Any, token: str) -> None:
    """In the header of Immich's own app."""


def by_key(configuration: Any, key: str) -> None:
    """As an API key."""
    configuration.api_key["api_key"] = key


def by_all(configuration: Any, token: str) -> None:
    """With every scheme configured, all of which the SDK sends at once; the bearer token is the one that counts."""
    configuration.access_token = token
    configuration.api_key.update(cookie="immich_access_token=gone", api_key="gone")


SESSION_SCHEMES = [by_bearer, by_cookie, by_header, by_all]


def refused(call: Callable[[], Any], kind: str, status: int, message: str | list[str]) -> None:
    """The SDK raises its own exception of this kind, and what it carries is Immich's error body."""
    with pytest.raises(getattr(exceptions, kind)) as raised:
        call()
    assert raised.value.status == status
    said: Mapping[str, Any] = json.loads(raised.value.body)
    assert (said["message"], said["statusCode"]) == (message, status)
    assert said["correlationId"] == raised.value.headers["x-immich-cid"]


def unauthorized(call: Callable[[], Any], message: str) -> None:
    """The SDK raises its exception for a 401."""
    refused(call, "UnauthorizedException", 401, message)


def bad_request(call: Callable[[], Any], message: str | list[str]) -> None:
    """The SDK raises its exception for a 400."""
    refused(call, "BadRequestException", 400, message)


def unlock(pin: str) -> Any:
    """A body of an unlock."""
    return sdk.SessionUnlockDto(pinCode=pin)


def test_it_is_the_published_one() -> None:
    """The release that the contract speaks of is the one that is installed."""
    assert version("immich-python-sdk") == "1.134.0"
    assert sdk.__version__ == "1.134.0"


def test_sign_up_and_login(owns: House) -> None:
    """The SDK signs up the first administrator, is refused a second, and signs in (§1.1, §1.2)."""
    with connected(owns) as api:
        admin = api.sign_up_admin(sdk.SignUpDto(**SIGN_UP))
        assert (admin.email, admin.name, admin.is_admin) == (SIGN_UP["email"], SIGN_UP["name"], True)
        assert admin.status is sdk.UserStatus.ACTIVE
        assert admin.avatar_color is sdk.UserAvatarColor.GRAY
        assert admin.created_at == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
        assert (admin.license, admin.deleted_at, admin.storage_label) == (None, None, "admin")
        bad_request(lambda: api.sign_up_admin(sdk.SignUpDto(**SIGN_UP)), "The server already has an admin")
        unnamed = sdk.SignUpDto(**{**SIGN_UP, "name": ""})
        bad_request(lambda: api.sign_up_admin(unnamed), ["name should not be empty"])

        credentials = {"email": SIGN_UP["email"], "password": PASSWORD}
        entered = api.login_with_http_info(sdk.LoginCredentialDto(**credentials))
        assert entered.status_code == 201
        assert (entered.data.user_id, entered.data.is_admin) == (admin.id, True)
        wrong = sdk.LoginCredentialDto(**{**credentials, "password": "wrong-passphrase-5"})
        unauthorized(lambda: api.login(wrong), "Incorrect email or password")
        nobody = sdk.LoginCredentialDto(email="nobody", password="")
        bad_request(lambda: api.login(nobody), ["email must be an email", "password should not be empty"])
    with connected(owns, by_bearer, entered.data.access_token) as api:
        assert api.validate_access_token().auth_status is True


@pytest.mark.parametrize("scheme", SESSION_SCHEMES)
def test_signed_in_operations(houses: House, scheme: Configure) -> None:
    """With a session, however it is held up, the SDK's other nine operations succeed and are refused (§1.3-§1.11)."""
    person = houses.person()
    with connected(houses, scheme, person.token) as api:
        assert api.validate_access_token().auth_status is True
        status = api.get_auth_status()
        assert (status.pin_code, status.password, status.is_elevated) == (False, True, False)
        assert (status.expires_at, status.pin_expires_at) == (None, None)
        handles_a_pin(api)
        changes_the_password(api, person)
        left = api.logout()
        assert (left.successful, left.redirect_uri) == (True, "/auth/login?autoLaunch=0")
        operations = [api.validate_access_token, api.get_auth_status, api.logout, api.lock_auth_session]
        for call in operations:
            unauthorized(call, "Invalid user token")


def handles_a_pin(api: Any) -> None:
    """A PIN is set up, unlocks, is changed and removed; each step is refused where it does not fit."""
    no_pin = "User does not have a PIN code"
    setup = sdk.PinCodeSetupDto(pinCode=PIN)
    change = sdk.PinCodeChangeDto(pinCode=PIN, newPinCode=OTHER_PIN)
    reset = sdk.PinCodeResetDto(password=PASSWORD)
    bad_request(lambda: api.unlock_auth_session(unlock(PIN)), no_pin)
    bad_request(lambda: api.change_pin_code(change), no_pin)
    bad_request(lambda: api.reset_pin_code(reset), no_pin)
    short = sdk.PinCodeSetupDto(pinCode="12345")
    bad_request(lambda: api.setup_pin_code(short), ["pinCode must be a 6-digit numeric string"])
    assert api.setup_pin_code_with_http_info(setup).status_code == 201
    bad_request(lambda: api.setup_pin_code(setup), "User already has a PIN code")

    bad_request(lambda: api.unlock_auth_session(unlock(OTHER_PIN)), "Wrong PIN code")
    assert api.unlock_auth_session(unlock(PIN)) is None
    status = api.get_auth_status()
    assert (status.pin_code, status.is_elevated) == (True, True)
    assert datetime.fromisoformat(status.pin_expires_at).tzinfo is not None
    assert api.lock_auth_session() is None
    assert api.get_auth_status().is_elevated is False

    assert api.change_pin_code(change) is None
    bad_request(lambda: api.change_pin_code(change), "Wrong PIN code")
    unproved = sdk.PinCodeResetDto()
    bad_request(lambda: api.reset_pin_code(unproved), "Either password or pinCode is required")
    assert api.reset_pin_code(reset) is None
    assert api.get_auth_status().pin_code is False


def changes_the_password(api: Any, person: Person) -> None:
    """A password is changed by the old one, and not without it."""
    wrong = sdk.ChangePasswordDto(password="wrong-passphrase-5", newPassword=NEW_PASSWORD)
    bad_request(lambda: api.change_password(wrong), "Wrong password")
    right = sdk.ChangePasswordDto(password=PASSWORD, newPassword=NEW_PASSWORD)
    changed = api.change_password(right)
    assert (changed.id, changed.email) == (str(person.account.id), person.email)


def test_api_key(houses: House) -> None:
    """With an API key the SDK reads and signs out, and is told where only a session will do (§2.4)."""
    person = houses.person()
    _, key = houses.key(person.account)
    with connected(houses, by_key, key) as api:
        assert api.validate_access_token().auth_status is True
        assert api.get_auth_status().is_elevated is False
        assert api.logout().successful is True
        change = sdk.ChangePasswordDto(password=PASSWORD, newPassword=NEW_PASSWORD)
        session_only: list[Callable[[], Any]] = [
            lambda: api.change_password(change),
            lambda: api.setup_pin_code(sdk.PinCodeSetupDto(pinCode=PIN)),
            lambda: api.change_pin_code(sdk.PinCodeChangeDto(newPinCode=PIN)),
            lambda: api.reset_pin_code(sdk.PinCodeResetDto()),
            lambda: api.unlock_auth_session(unlock(PIN)),
            api.lock_auth_session,
        ]
        for call in session_only:
            bad_request(call, SESSION_ONLY)
        assert api.validate_access_token().auth_status is True


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        (by_bearer, "Invalid user token"),
        (by_cookie, "Invalid user token"),
        (by_header, "Invalid user token"),
        (by_key, "Invalid API key"),
        (None, "Authentication required"),
    ],
)
def test_bad_credentials(house: House, scheme: Configure | None, message: str) -> None:
    """Every operation that needs a caller is refused by the SDK's own exception without a good one (§0.5)."""
    with connected(house, scheme, "gone") as api:
        protected: list[Callable[[], Any]] = [
            api.validate_access_token,
            api.get_auth_status,
            api.logout,
            api.lock_auth_session,
            lambda: api.change_password(sdk.ChangePasswordDto(password="x", newPassword=NEW_PASSWORD)),
            lambda: api.setup_pin_code(sdk.PinCodeSetupDto(pinCode="")),
            lambda: api.change_pin_code(sdk.PinCodeChangeDto(newPinCode="")),
            lambda: api.reset_pin_code(sdk.PinCodeResetDto()),
            lambda: api.unlock_auth_session(sdk.SessionUnlockDto()),
        ]
        for call in protected:
            unauthorized(call, message)


def test_bare_cookie_is_no_credential(house: House) -> None:
    """The SDK sends a cookie without its name; what has no name is no credential (§4.2)."""
    configuration = sdk.Configuration(host=house.served.immich)
    configuration.api_key["cookie"] = house.person().token
    with sdk.ApiClient(configuration) as client:
        unauthorized(sdk.AuthenticationApi(client).validate_access_token, "Authentication required")
        client.rest_client.pool_manager.clear()


def test_neighbours(houses: House) -> None:
    """The SDK reads what surrounds a sign-in, every model of it complete (§4.1)."""
    person = houses.person(must_change_password=True)
    configuration = sdk.Configuration(host=houses.served.immich, access_token=person.token)
    with sdk.ApiClient(configuration) as client:
        server, users = sdk.ServerApi(client), sdk.UsersApi(client)
        assert server.ping_server().res == "pong"
        assert server.get_server_version().minor == 134
        assert server.get_server_features().password_login is True
        assert server.get_server_config().is_initialized is True
        assert server.get_about_info().version == "v1.134.0"
        assert users.get_my_user().should_change_password is True
        assert users.get_my_preferences().download.archive_size == 2**32
        colour = sdk.UserAvatarColor.PINK
        changed = users.update_my_user(sdk.UserUpdateMeDto(password=NEW_PASSWORD, avatarColor=colour))
        assert (changed.should_change_password, changed.avatar_color) == (False, colour)
        client.rest_client.pool_manager.clear()
