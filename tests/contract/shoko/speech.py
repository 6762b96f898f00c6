"""Speaking Shoko over real HTTP: requests that send only what they are given, and what answers look like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx2
from tests.fakes import PASSWORD, do
from tests.houses import Visited, visiting_as

from dragoman.core import sessions, setup, standing
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.passwords import LegacyHash
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Origin
from dragoman.dialects.shoko.credentials import guid

SHOKO = Origin("shoko", address="127.0.0.1", network="127.0.0.1")
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00")
JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
RFC7231 = "https://tools.ietf.org/html/rfc7231#section-"
# Contract §0: titles and types, as net6 has them.
KINDS = {
    400: ("Bad Request", f"{RFC7231}6.5.1"),
    401: ("Unauthorized", "https://tools.ietf.org/html/rfc7235#section-3.1"),
    403: ("Forbidden", f"{RFC7231}6.5.3"),
    404: ("Not Found", f"{RFC7231}6.5.4"),
    405: ("Method Not Allowed", f"{RFC7231}6.5.5"),
    413: ("Payload Too Large", f"{RFC7231}6.5.11"),
    415: ("Unsupported Media Type", f"{RFC7231}6.5.13"),
    429: ("Too Many Requests", "https://tools.ietf.org/html/rfc6585#section-4"),
    500: ("An error occurred while processing your request.", f"{RFC7231}6.6.1"),
}


class House(Visited):
    """Shoko, visited."""

    @property
    def url(self) -> str:
        """Shoko's base URL there."""
        return f"{self.served.url}/shoko"

    def ask(self, method: str, path: str, key: str | None = None, **named: Any) -> httpx2.Response:
        """One request; `key` goes as the header."""
        headers = list(dict(named.pop("headers", None) or {}).items())
        if key is not None:
            headers.append(("apikey", key))
        return self._line.request(method, f"{self.url}{path}", headers=headers, **named)

    def account(self, password: str | LegacyHash | None = PASSWORD, **facts: Any) -> Account:
        """A new account, with a password unless that is None."""
        facts.setdefault("username", f"User{next(self._names)}")
        secret = Secret(password) if isinstance(password, str) else password
        return setup.create_account(self.core, SHOKO, NewAccount(**facts), secret)

    def key(self, account: Account, device: str = "tv", dialect: str = "shoko") -> str:
        """An account's key for a device, got without a password."""
        opened = do(
            self.core,
            standing.open_session,
            account.number,
            Device(device),
            minted=guid,
            origin=Origin(dialect),
        )
        return opened[1].reveal()

    def keys(self, account: Account) -> int:
        """How many keys of an account are good."""
        return len(do(self.core, sessions.owned, account.number, "shoko"))

    def log_in(
        self, user: str, password: str = PASSWORD, device: str = "web-ui", **named: Any
    ) -> httpx2.Response:
        """The answer to a sign-in."""
        body = {"user": user, "pass": password, "device": device}
        return self.ask("POST", "/api/auth", json=body, **named)

    def key_of(self, user: str, password: str = PASSWORD, device: str = "web-ui") -> str:
        """The key that a sign-in gives."""
        answer = self.log_in(user, password, device)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["apikey"])

    def is_good(self, key: str) -> bool:
        """Whether a key opens what is protected."""
        answer = self.ask("GET", "/api/v3/User/Current", key)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200


visiting = partial(visiting_as, House)


def assert_says(answer: httpx2.Response, body: Any) -> None:
    """The answer is a success with this JSON to the byte: compact, keys in this order."""
    wanted = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert (answer.status_code, answer.text) == (200, wanted)
    assert answer.headers["content-type"] == JSON


def assert_empty(answer: httpx2.Response, status: int = 200) -> None:
    """The answer has neither body nor content type (contract §0); no challenge says how to sign in."""
    assert (answer.status_code, answer.content) == (status, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["content-length"] == "0"
    assert "www-authenticate" not in answer.headers


def assert_text(answer: httpx2.Response, status: int, text: str) -> None:
    """The answer is a plain sentence."""
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"] == TEXT


def assert_problem(answer: httpx2.Response, status: int, media: str = PROBLEM, **more: Any) -> None:
    """The answer is the plain problem of its status, to the byte (contract §0)."""
    title, kind = KINDS[status]
    trace = answer.json()["traceId"]
    assert TRACE.fullmatch(trace)
    wanted = {"type": kind, "title": title, "status": status, **more, "traceId": trace}
    assert (answer.status_code, answer.json()) == (status, wanted)
    assert list(answer.json()) == list(wanted)
    assert answer.headers["content-type"] == media
    assert "www-authenticate" not in answer.headers


def assert_invalid(
    answer: httpx2.Response, errors: Mapping[str, Sequence[str]], media: str = PROBLEM
) -> None:
    """The answer is a validation problem with these complaints and no others (contract §0)."""
    trace = answer.json()["traceId"]
    wanted = {
        "type": KINDS[400][1],
        "title": "One or more validation errors occurred.",
        "status": 400,
        "traceId": trace,
        "errors": {name: list(said) for name, said in errors.items()},
    }
    assert (answer.status_code, answer.json()) == (400, wanted)
    assert list(answer.json()) == list(wanted)
    assert answer.headers["content-type"] == media
