"""Speaking Aivo over real HTTP: requests that send only what they are given, and what answers look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from tests.fakes import PASSWORD, do
from tests.houses import Visited, visiting_as
from tests.people import somebody

from dragoman.core import session_ends
from dragoman.core.accounts import Account
from dragoman.core.work import Origin

JSON = "application/json; charset=utf-8"
OPERATIONS: Mapping[str, tuple[str, str]] = {
    "login": ("POST", "/login"),
    "refresh": ("POST", "/refresh"),
    "logout": ("POST", "/logout"),
    "me": ("GET", "/me"),
}
BASE = "/aivo/auth/v1"
ORIGIN = Origin("aivo")

UNAUTHORIZED = {"error": "unauthorized", "message": "Invalid or expired token"}
NO_TOKEN = {"error": "unauthorized", "message": "Authentication required"}
NO_SIGN_IN = {"error": "unauthorized", "message": "Invalid credentials"}
NO_REFRESH = {"error": "invalid_refresh_token", "message": "Invalid refresh token"}


@dataclass(frozen=True)
class Pair:
    """The tokens of a sign-in or a refresh, and the whole answer."""

    access: str
    refresh: str
    answer: Mapping[str, Any]


class House(Visited):
    """Aivo, visited."""

    def ask(self, method: str, path: str, token: str | None = None, **named: Any) -> httpx2.Response:
        """One request below Aivo's base; `token` goes as a bearer token."""
        headers = dict(named.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self._line.request(method, f"{self.served.url}{BASE}{path}", headers=headers, **named)

    def call(self, operation: str, token: str | None = None, body: Any = None) -> httpx2.Response:
        """One of the operations, with a JSON body unless that is None."""
        named = {} if body is None else {"json": body}
        return self.ask(*OPERATIONS[operation], token, **named)

    def person(self, **facts: Any) -> Account:
        """A new account with the usual password, and a name of its own."""
        number = next(self._names)
        return somebody(self.core, facts.pop("email", f"person-{number}@example.org"), origin=ORIGIN, **facts)

    def log_in(self, account: Account, password: str = PASSWORD) -> Pair:
        """A sign-in that succeeds."""
        return pair(self.call("login", body={"email": account.address, "password": password}))

    def refresh(self, held: Pair, token: str | None = None) -> httpx2.Response:
        """Use the refresh token of a pair."""
        return self.call("refresh", token, {"refreshToken": held.refresh})

    def lives(self, held: Pair) -> bool:
        """Whether an access token is let in."""
        return self.call("me", held.access).status_code == 200

    def end_all(self, account: Account) -> None:
        """Sign an account out everywhere, as an administrator does."""
        do(self.core, session_ends.end_all, account.number, origin=ORIGIN)


def pair(response: httpx2.Response) -> Pair:
    """The tokens in an answer that succeeded."""
    assert response.status_code == 200, response.text
    answer = response.json()
    return Pair(answer["accessToken"], answer["refreshToken"], answer)


def refused(response: httpx2.Response, status: int, body: Mapping[str, Any]) -> httpx2.Headers:
    """A refusal is exactly this, and JSON. Its headers."""
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["content-type"] == JSON
    return response.headers


def not_valid(response: httpx2.Response, **fields: str) -> None:
    """A refusal for what is wrong with these fields, in this order, is exactly this."""
    entries = [{"field": field, "message": message} for field, message in fields.items()]
    body = {"error": "validation_failed", "message": "Validation failed", "validationErrors": entries}
    refused(response, 422, body)
    assert response.text.startswith('{"error":"validation_failed","message":"Validation failed",')


visiting = partial(visiting_as, House)
