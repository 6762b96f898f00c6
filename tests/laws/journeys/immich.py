"""How a client of Immich comes and goes: what the laws are told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, JsonValue
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.laws.journey import Answers, Error, Journey, Step


class ImmichError(Error):
    """Contract §0.2. What cannot be parsed is answered without a correlation id."""

    message: str | list[str]
    error: str | None = None
    statusCode: int
    correlationId: str | None = Field(None, min_length=1)


class ImmichError3(Error):
    """Contract §0.3."""

    message: str
    errors: list[dict[str, JsonValue]] | None = None


EMAIL, PIN, NEW_PIN = "testuser@email.com", "493817", "506294"
LICENSE = "IMCL-0001-0002-0003-0004-0005-0006-0007-0008"


def log_in(name: str, password: str) -> Step:
    """Immich's own sign-in."""
    return Step("login", {"email": name, "password": password})


def of_key(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The key that was created last, and more."""
    return lambda answers: {"id": answers["create_api_key"].api_key.id, **more}


def of_session(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The session that was created last, and more."""
    return lambda answers: {"id": answers["create_session"].id, **more}


def of_user(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The account that an administrator created last, and more."""
    return lambda answers: {"id": answers["create_user_admin"].id, **more}


JOURNEY = Journey(
    steps=(
        Step("sign_up_admin", {"email": EMAIL, "name": "Admin", "password": PASSWORD}),
        log_in(EMAIL, PASSWORD),
        Step("update_my_user", {"name": "Ada", "password": NEW_PASSWORD, "avatar_color": "pink"}),
        Step("update_my_user", {"email": "ada@email.com"}),
        Step("change_password", {"password": NEW_PASSWORD, "new_password": PASSWORD}),
        Step("setup_pin_code", {"pin_code": PIN}),
        Step("unlock_auth_session", {"pin_code": PIN}),
        Step("lock_auth_session"),
        Step("change_pin_code", {"new_pin_code": NEW_PIN, "pin_code": PIN}),
        Step("change_pin_code", {"new_pin_code": PIN, "password": PASSWORD}),
        Step("unlock_auth_session", {"pin_code": PIN}),
        Step("reset_pin_code", {"pin_code": PIN}),
        Step("setup_pin_code", {"pin_code": NEW_PIN}),
        Step("reset_pin_code", {"password": PASSWORD}),
        Step("create_api_key", {"name": "Backup", "permissions": ["all"]}),
        Step("get_my_api_key", key=lambda answers: str(answers["create_api_key"].secret)),
        Step("get_api_key", of_key()),
        Step("update_api_key", of_key(name="Backup at home")),
        Step("rotate_api_key", of_key()),
        Step("delete_api_key", of_key()),
        Step("create_session", {"duration": 3600, "device_type": "Cast", "device_os": "Living room"}),
        Step("update_session", of_session(is_pending_sync_reset=False)),
        Step("lock_session", of_session()),
        Step("delete_session", of_session()),
        Step("delete_all_sessions"),
        Step("update_admin_onboarding", {"is_onboarded": True}),
        Step("set_user_onboarding", {"is_onboarded": True}),
        Step("delete_user_onboarding"),
        Step("create_user_admin", {"email": "bob@email.com", "name": "Bob", "password": PASSWORD}),
        Step("get_user", of_user()),
        Step("get_user_admin", of_user()),
        Step("get_user_preferences_admin", of_user()),
        Step("get_user_sessions_admin", of_user()),
        Step("get_user_statistics_admin", of_user()),
        Step("update_user_preferences_admin", of_user(memories={"enabled": False})),
        Step("update_user_admin", of_user(name="Robert", password=NEW_PASSWORD, pin_code=PIN)),
        Step("delete_user_admin", of_user()),
        Step("restore_user_admin", of_user()),
        Step("delete_user_admin", of_user(force=True)),
        Step("update_my_preferences", {"memories": {"enabled": False}}),
        *(
            step
            for whose in ("user", "server")
            for step in (
                Step(f"get_{whose}_license", refused=404),
                Step(
                    f"set_{whose}_license",
                    {"license_key": LICENSE, "activation_key": "4ct1v4t10n"},
                    refused=400,
                ),
                Step(f"delete_{whose}_license"),
            )
        ),
        Step("get_partners", {"direction": "shared-by"}),
        Step("logout"),
    ),
    log_in=log_in,
    error={"": ImmichError, "3.2": ImmichError3},
    # Contract §7.
    examples={
        "LoginCredentialDto": [{"email": "testuser@email.com", "password": "password"}],
        "SignUpDto": [{"email": "testuser@email.com", "name": "Admin", "password": "password"}],
        "ChangePasswordDto": [{"password": "password", "newPassword": "password"}],
        "PinCodeSetupDto": [{"pinCode": "123456"}],
        "PinCodeChangeDto": [{"newPinCode": "123456", "pinCode": "123456", "password": "password"}],
        "PinCodeResetDto": [{}, {"pinCode": "123456"}, {"password": "password"}],
        "SessionUnlockDto": [{}, {"pinCode": "123456"}],
    },
)
