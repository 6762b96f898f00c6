"""Speaking ELEMENTS over real HTTP: requests that send only what they are given, and what answers look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
from tests.fakes import PASSWORD, do
from tests.houses import Visited, visiting_as

from dragoman.core import accounts, api_keys, permissions, sessions, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Origin
from dragoman.dialects.elements.credentials import TOKEN_FORM

JSON = "application/json"
HERE = Origin("elements", address="192.0.2.7", network="192.0.2.7")

NO_CREDENTIALS = "Authentication credentials were not provided."
BAD_TOKEN = "Invalid token."
FORBIDDEN = "You do not have permission to perform this action."


class House(Visited):
    """ELEMENTS, visited."""

    def ask(self, method: str, path: str, token: str | None = None, **named: Any) -> httpx2.Response:
        """One request below the mount; `token` goes as a bearer token."""
        headers = dict(named.pop("headers", None) or {})
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self._line.request(method, f"{self.served.url}/elements{path}", headers=headers, **named)

    def account(self, *, password: str | None = PASSWORD, may: tuple[str, ...] = (), **facts: Any) -> Account:
        """A new account with a username, with these permissions, and a password unless that is None."""
        facts.setdefault("username", f"person-{next(self._names)}")
        secret = None if password is None else Secret(password)
        made = setup.create_account(self.core, HERE, NewAccount(**facts), secret)
        if may:
            do(self.core, permissions.give, made, may, origin=HERE)
        return made

    def token(self, account: Account) -> str:
        """The key of a new session, opened without a sign-in."""
        return do(self.core, sessions.open_session, account.number, Device(), origin=HERE)[1].reveal()

    def api_token(self, account: Account, name: str = "token") -> str:
        """A new API token."""
        named: dict[str, Any] = {"name": name, "permissions": ["all"], "form": TOKEN_FORM}
        return do(self.core, api_keys.issue, account.number, "elements", **named, origin=HERE)[1].reveal()

    def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> httpx2.Response:
        """The answer to a sign-in; `more` stands in its body, but for the `headers`."""
        headers = more.pop("headers", None)
        body = {"username": name, "password": password, **more}
        return self.ask("POST", "/api/2/auth/login", json=body, headers=headers)

    def is_good(self, token: str) -> bool:
        """Whether somebody is let in by this token."""
        return self.ask("GET", "/api/2/users/me", token).status_code == 200

    def stored(self, account: Account) -> Account:
        """An account as it is now."""
        found = do(self.core, accounts.find_by_number, account.number)
        assert found is not None
        return found


visiting = partial(visiting_as, House)


@dataclass
class Page:
    """A page of a browser's that somebody signed in on: it keeps cookies."""

    house: House
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What the browser sends by itself."""
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **named: Any
    ) -> httpx2.Response:
        """One request, with these headers besides, whose cookies are kept."""
        response = self.house.ask(method, path, headers={**self.headers, **(headers or {})}, **named)
        self.cookies |= cookies_of(response)
        return response

    def sign_in(self, account: Account) -> httpx2.Response:
        """Sign in."""
        body = {"username": account.username, "password": PASSWORD}
        return self.ask("POST", "/api/2/auth/login", json=body)


def cookies_of(response: httpx2.Response) -> dict[str, str]:
    """The cookies that an answer sets."""
    pairs = [cookie.partition(";")[0] for cookie in response.headers.get_list("set-cookie")]
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def assert_refused(response: httpx2.Response, status: int, body: Any) -> None:
    """The answer is this JSON, and a detail alone if it is a text; 401 says how to come back."""
    body = {"detail": body} if isinstance(body, str) else body
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["content-type"] == JSON
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


def assert_void(response: httpx2.Response) -> None:
    """The answer is 200 and nothing (§2)."""
    assert (response.status_code, response.content) == (200, b"")
