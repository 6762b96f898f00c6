"""How a client of each dialect comes and goes: all that the laws of tests/laws must be told of a dialect.

A new dialect adds its `Journey` to `JOURNEYS`, a new operation its `Step`; until then the laws fail and say so.
Everything else (what there is, what is protected, what is secret) they read from the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from tests.fakes import NEW_PASSWORD, PASSWORD

# The answers so far, the last one of each operation, by the operation's name.
Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """An operation that succeeds here. `arguments` are those of the client's method; some come of earlier answers."""

    operation: str
    arguments: Mapping[str, Any] | Callable[[Answers], Mapping[str, Any]] = field(default_factory=dict)

    def told(self, answers: Answers) -> Mapping[str, Any]:
        """The arguments, once the answers before it are known."""
        return self.arguments(answers) if callable(self.arguments) else self.arguments


@dataclass(frozen=True)
class Journey:
    """A client's way through one dialect, from an empty installation.

    `steps` succeed one after the other, and call every operation that writes or takes arguments; those that
    only read are called between them by themselves. `log_in` signs in by a name and a password. `error` is
    the shape of a refusal's JSON, by release ("" for all). `examples` are asks as the product documents them.
    """

    steps: Sequence[Step]
    log_in: Callable[[str, str], Step]
    error: Mapping[str, type[BaseModel]]
    examples: Mapping[str, Sequence[Mapping[str, Any]]]


class Error(BaseModel):
    """A refusal's JSON: these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


# --- Immich ---------------------------------------------------------------------------------------------


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


def immich_log_in(name: str, password: str) -> Step:
    """Immich's own sign-in."""
    return Step("login", {"email": name, "password": password})


IMMICH = Journey(
    steps=(
        Step("sign_up_admin", {"email": EMAIL, "name": "Admin", "password": PASSWORD}),
        immich_log_in(EMAIL, PASSWORD),
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
        Step("logout"),
    ),
    log_in=immich_log_in,
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

JOURNEYS: Mapping[str, Journey] = {"immich": IMMICH}
