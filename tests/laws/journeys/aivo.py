"""How a client of Aivo comes and goes: what the laws are told of it. Contract sections are of Aivo's."""

from __future__ import annotations

from tests.fakes import PASSWORD, do
from tests.laws.journey import Error, Journey, Step
from tests.people import somebody

from dragoman.core import refresh, sessions
from dragoman.core.accounts import Account
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin, UnitOfWork
from dragoman.dialects.aivo import tokens
from dragoman.dialects.aivo.configuration import AivoSettings
from dragoman.dialects.aivo.wire import ValidationErrorValidationErrorsInner

EMAIL = "user@example.com"
SETTINGS = AivoSettings(path="/aivo")


class AivoError(Error):
    """Contract §4."""

    error: str
    message: str
    validationErrors: list[ValidationErrorValidationErrorsInner] | None = None


def log_in(name: str, password: str) -> Step:
    """Aivo's own sign-in."""
    return Step("login", {"email": name, "password": password})


def token_of(core: Core, account: Account) -> str:
    """An access token of a new session, opened without a sign-in."""

    def opened(uow: UnitOfWork) -> str:
        session, secret = sessions.open_session(uow, account.number, Device())
        continued_by = refresh.begin(uow, session, secret)
        return tokens.granted(uow, SETTINGS, account, session, continued_by).access_token

    return do(core, opened, origin=Origin("aivo"))


JOURNEY = Journey(
    steps=(
        log_in(EMAIL, PASSWORD),
        Step("refresh_token", lambda answers: {"refresh_token": answers["login"].refresh_token}),
        Step("logout"),
    ),
    log_in=log_in,
    error={"": AivoError},
    # Contract §1.
    examples={
        "LoginRequest": [{"email": "user@example.com", "password": "password123"}],
        "RefreshTokenRequest": [{"refreshToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"}],
    },
    credential=token_of,
    beforehand=lambda core: somebody(core, EMAIL, is_admin=True),
)
