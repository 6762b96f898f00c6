"""Speaking Portainer over real HTTP: requests that send only what they are given, and what answers look like."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx2
from tests.fakes import PASSWORD, do
from tests.houses import Visited, visiting_as
from tests.laws.journeys.portainer import token_of

from dragoman.core import accounts, api_keys, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.secrets import Secret
from dragoman.core.work import Origin
from dragoman.dialects.portainer.api_keys import FORM

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
HERE = Origin("portainer", address="192.0.2.7", network="192.0.2.7")

BAD_TOKEN = ("Invalid JWT token", "Unauthorized")
NO_TOKEN = ("A valid authorization token is missing", "Unauthorized")
NOT_ADMIN = ("Access denied", "Unauthorized")
NO_USER = (
    "Unable to find a user with the specified identifier inside the database",
    "Object not found inside the database",
)
INVALID = "Invalid request payload"
WRONG_PASSWORD = (
    "Current password doesn't match",
    "Current password does not match the password provided. Please try again",
)


class House(Visited):
    """Portainer, visited."""

    def ask(self, method: str, path: str, token: str | None = None, **named: Any) -> httpx2.Response:
        """One request below Portainer's base; `token` goes as a bearer token."""
        headers = list(dict(named.pop("headers", None) or {}).items())
        if token is not None:
            headers.append(("authorization", f"Bearer {token}"))
        return self._line.request(method, f"{self.served.url}/portainer/api{path}", headers=headers, **named)

    def account(self, *, password: str | None = PASSWORD, **facts: Any) -> Account:
        """A new account with a username, and a password unless that is None."""
        facts.setdefault("username", f"person-{next(self._names)}")
        return setup.create_account(
            self.core, HERE, NewAccount(**facts), None if password is None else Secret(password)
        )

    def token(self, account: Account) -> str:
        """The token of a new session, opened without a sign-in."""
        return token_of(self.core, account)

    def key(self, account: Account, name: str = "key") -> str:
        """A new API key."""
        _, key = do(
            self.core,
            api_keys.issue,
            account.number,
            "portainer",
            name=name,
            permissions=["all"],
            form=FORM,
            origin=HERE,
        )
        return key.reveal()

    def log_in(self, name: str, password: str = PASSWORD, **named: Any) -> httpx2.Response:
        """The answer to a sign-in."""
        return self.ask("POST", "/auth", json={"username": name, "password": password}, **named)

    def is_good(self, token: str) -> bool:
        """Whether somebody is let in by this token."""
        return self.ask("GET", "/users/me", token).status_code == 200

    def admin(self) -> Account:
        """The administrator that the house was made with."""
        return do(self.core, accounts.get, "admin", origin=HERE)


visiting = partial(visiting_as, House)


def claims_of(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a JWT, as whoever holds it reads them."""
    header, claims, _ = token.split(".")
    return _decoded(header), _decoded(claims)


def _decoded(part: str) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def assert_says(response: httpx2.Response, status: int, body: Any) -> None:
    """The answer is this JSON to the byte: compact, keys in this order, nothing behind it (§0)."""
    wanted = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert (response.status_code, response.text) == (status, wanted)
    assert response.headers["content-type"] == JSON
    assert response.headers["x-content-type-options"] == "nosniff"


def assert_refused(response: httpx2.Response, status: int, message: str, details: str = "") -> None:
    """The answer is Portainer's error body with these texts; the details are the message where there are none."""
    details = details or message
    assert_says(response, status, {"message": message, "details": details[:1].upper() + details[1:]})
    assert "www-authenticate" not in response.headers
    assert "x-csrf-token" not in response.headers


def assert_text(response: httpx2.Response, status: int, text: str) -> None:
    """The answer is this line of plain text (§0)."""
    assert (response.status_code, response.text) == (status, f"{text}\n")
    assert response.headers["content-type"] == PLAIN
    assert response.headers["x-content-type-options"] == "nosniff"


def assert_empty(response: httpx2.Response, status: int) -> None:
    """The answer is a status and no more."""
    assert (response.status_code, response.content) == (status, b"")
    assert "content-type" not in response.headers
