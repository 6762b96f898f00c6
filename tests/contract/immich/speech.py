"""Speaking Immich over real HTTP: requests that send only what they are given, and what answers look like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from sqlalchemy import delete, update
from tests.fakes import ORIGIN, PASSWORD, do
from tests.houses import Visited, visiting_as

from dragoman.core import accounts, api_keys, sessions, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.api_keys import ApiKey
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device

JSON = "application/json; charset=utf-8"
PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
SESSION_ONLY = "This endpoint can only be used with a session token"
SIGN_UP = {"email": "admin@example.com", "name": "Ada", "password": PASSWORD}
PIN = "123456"
OTHER_PIN = "654321"

# The eleven operations of the page (contract §1); those after the first two need a caller.
OPERATIONS = {
    "login": ("POST", "/auth/login"),
    "sign_up_admin": ("POST", "/auth/admin-sign-up"),
    "validate_access_token": ("POST", "/auth/validateToken"),
    "change_password": ("POST", "/auth/change-password"),
    "logout": ("POST", "/auth/logout"),
    "get_auth_status": ("GET", "/auth/status"),
    "setup_pin_code": ("POST", "/auth/pin-code"),
    "change_pin_code": ("PUT", "/auth/pin-code"),
    "reset_pin_code": ("DELETE", "/auth/pin-code"),
    "unlock_auth_session": ("POST", "/auth/session/unlock"),
    "lock_auth_session": ("POST", "/auth/session/lock"),
}
PUBLIC = ("login", "sign_up_admin")
PROTECTED = tuple(name for name in OPERATIONS if name not in PUBLIC)
NEIGHBOURS = {
    "get_about_info": ("GET", "/server/about"),
    "get_my_user": ("GET", "/users/me"),
    "update_my_user": ("PUT", "/users/me"),
    "get_my_preferences": ("GET", "/users/me/preferences"),
}


@dataclass(frozen=True)
class Person:
    """An account of the test's own, and the token of a session of its own."""

    account: Account
    token: str

    @property
    def email(self) -> str:
        """What the account signs in with."""
        return str(self.account.email)

    @property
    def number(self) -> int:
        """What the core calls the account."""
        return self.account.number


class House(Visited):
    """Immich, visited."""

    def ask(self, method: str, path: str, token: str | None = None, **named: Any) -> httpx2.Response:
        """One request below Immich's base; `token` goes as a bearer token."""
        return self.ask_url(method, f"{self.served.immich}{path}", token, **named)

    def ask_url(self, method: str, url: str, token: str | None = None, **named: Any) -> httpx2.Response:
        """One request to any URL."""
        headers = list(dict(named.pop("headers", None) or {}).items())
        if token is not None:
            headers.append(("authorization", f"Bearer {token}"))
        return self._line.request(method, url, headers=headers, **named)

    def call(
        self, operation: str, token: str | None = None, body: Any = None, **named: Any
    ) -> httpx2.Response:
        """One of the operations by its name, with a JSON body unless that is None."""
        method, path = {**OPERATIONS, **NEIGHBOURS}[operation]
        if body is not None:
            named["json"] = body
        return self.ask(method, path, token, **named)

    def person(self, *, password: str | None = PASSWORD, **facts: Any) -> Person:
        """A new account, signed in once."""
        account = self.account(password=password, **facts)
        return Person(account, self.token(account))

    def account(self, *, password: str | None = PASSWORD, **facts: Any) -> Account:
        """A new account, with a password unless that is None."""
        facts.setdefault("email", f"person-{next(self._names)}@example.com")
        new = NewAccount(**{"display_name": "Somebody", **facts})
        return setup.create_account(self.core, ORIGIN, new, None if password is None else Secret(password))

    def token(self, account: Account, dialect: str = "immich") -> str:
        """The token of a new session, opened without a sign-in."""
        origin = type(ORIGIN)(dialect)
        return do(self.core, sessions.open_session, account.number, Device(), origin=origin)[1].reveal()

    def key(
        self, account: Account, *permissions: str, dialect: str = "immich", **facts: Any
    ) -> tuple[ApiKey, str]:
        """A new API key with these permissions (none given: one that has to do with nothing here)."""
        given = permissions or ("tag.read",)
        key, secret = do(
            self.core, api_keys.issue, account.number, dialect, name="key", permissions=given, **facts
        )
        return key, secret.reveal()

    def start_over(self) -> None:
        """Forget that there ever was an account, so that the first may sign up once more."""
        with self.core.begin(ORIGIN, writes=True) as uow:
            uow.db.execute(delete(accounts.accounts))
            uow.db.execute(update(setup.installation).values(first_account_at=None))

    def log_in(self, email: str, password: str = PASSWORD, **named: Any) -> httpx2.Response:
        """The answer to a sign-in."""
        return self.call("login", body={"email": email, "password": password}, **named)

    def status(self, token: str) -> Any:
        """What /auth/status says."""
        response = self.call("get_auth_status", token)
        assert response.status_code == 200, response.text
        return response.json()


visiting = partial(visiting_as, House)


def assert_says(response: httpx2.Response, status: int, body: Mapping[str, Any]) -> None:
    """The answer is this JSON to the byte: compact, keys in this order."""
    said, wanted = (response.status_code, response.text), (status, compact(body))
    assert said == wanted, f"{said} is not {wanted}"
    assert response.headers["content-type"] == JSON


def assert_refused(response: httpx2.Response, status: int, message: str | Sequence[str]) -> None:
    """The answer is Immich's error body (contract §0.2) with this text, or this list of texts, and no more."""
    said = message if isinstance(message, str) else list(message)
    cid = response.headers["x-immich-cid"]
    assert cid
    refusal = {"message": said, "error": PHRASES[status], "statusCode": status, "correlationId": cid}
    assert_says(response, status, refusal)
    assert "www-authenticate" not in response.headers
    assert "set-cookie" not in response.headers


def assert_malformed(response: httpx2.Response, status: int = 400) -> None:
    """The answer is the one to a body that cannot be read: without a correlation id, in body and header."""
    said = response.json()
    assert isinstance(said["message"], str)
    assert said["message"]
    refusal = {"message": said["message"], "error": PHRASES[status], "statusCode": status}
    assert_says(response, status, refusal)
    assert "x-immich-cid" not in response.headers
    assert "www-authenticate" not in response.headers


def assert_empty(response: httpx2.Response, status: int) -> None:
    """The answer of a void operation: no body, and no Content-Type (contract §0.4)."""
    said = (response.status_code, response.content)
    assert said == (status, b""), f"{said} is not an empty {status}"
    assert "content-type" not in response.headers
    assert response.headers["x-immich-cid"]


def assert_immich(response: httpx2.Response) -> None:
    """Whatever was asked: no 5xx, and every refusal in one of Immich's two shapes."""
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        said = response.json()
        if "x-immich-cid" in response.headers:
            assert_refused(response, response.status_code, said["message"])
        else:
            assert_malformed(response, response.status_code)


def compact(body: Mapping[str, Any]) -> str:
    """JSON as the server writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
