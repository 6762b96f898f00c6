"""How a client of Shoko comes and goes: what the laws are told of it."""

from __future__ import annotations

from pydantic import Field
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.laws.journey import Error, Journey, Step

from dragoman.core import sessions
from dragoman.core.accounts import Account
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin
from dragoman.dialects.shoko.credentials import guid


class ShokoError(Error):
    """Contract §0: problem details, of validation with the fields that are meant."""

    type: str = Field(pattern="^https://tools.ietf.org/html/rfc")
    title: str
    status: int
    detail: str = Field("", min_length=1)
    traceId: str = Field(pattern="^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
    errors: dict[str, list[str]] = Field({}, min_length=1)


def log_in(name: str, password: str) -> Step:
    """Shoko's own sign-in."""
    return Step("api_auth_post", {"user": name, "pass_": password, "device": "tv"})


def key_of(core: Core, account: Account) -> str:
    """A key of a device, got without a password."""
    opened = do(
        core, sessions.open_session, account.number, Device("tv"), origin=Origin("shoko"), minted=guid
    )
    return opened[1].reveal()


JOURNEY = Journey(
    steps=(
        Step("init_default_user_post", {"username": "Default", "password": PASSWORD}),
        log_in("Default", PASSWORD),
        Step("user_current_change_password_post", {"password": NEW_PASSWORD, "revoke_api_keys": False}),
        Step("api_auth_change_password_post", {"new_password": PASSWORD}),
        log_in("Default", PASSWORD),
        Step("init_default_user_get", refused=401),
        Step("api_auth_delete", {"key_or_device": "tv"}),
        log_in("default", PASSWORD),
        Step("api_auth_delete", lambda answers: {"apikey": answers["api_auth_post"].apikey}),
    ),
    log_in=log_in,
    error={"": ShokoError},
    # Contract §1.
    examples={
        "AuthUser": [{"user": "Default", "pass": "", "device": "web-ui"}],
        "Credentials": [{"Username": "Default", "Password": ""}],
        "ChangePasswordBody": [{"Password": "password", "RevokeAPIKeys": True}],
    },
    # A challenge has no body (§2.1).
    silent=(401, 403),
    credential=key_of,
    # Keys are looked up in lower case (§2.1).
    any_case=True,
)
