"""Links over HTTP, for the tests: made by people, and opened by visitors."""

from __future__ import annotations

from typing import Any

import httpx2
from tests.contract.elements.speech import House, cookies_of

LIST = "/api/2/auth/access-tokens"
SHARE = "/api/2/media/share"
LINK_PASSWORD = "open sesame"


def share(house: House, token: str, **asked: Any) -> httpx2.Response:
    """The answer to a request for a link: to bundle 5, until far in the future, unless told otherwise."""
    body = {"bundles": [5], "expires": "2099-01-01T00:00:00Z", "permissions": {}, **asked}
    return house.ask("POST", SHARE, token, json=body)


def shared(house: House, token: str, **asked: Any) -> dict[str, Any]:
    """A link."""
    answer = share(house, token, **asked)
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    return link


def look(house: House, link: dict[str, Any]) -> httpx2.Response:
    """What a mail scanner is told of a link."""
    return house.ask("GET", f"/auth/fast-lane/{link['token']}")


def enter(house: House, link: dict[str, Any], token: str | None = None, **body: Any) -> httpx2.Response:
    """The answer to whoever opens a link, perhaps signed in with a token."""
    return house.ask("POST", f"/auth/fast-lane/{link['token']}", token, json=body)


def visitor(house: House, link: dict[str, Any], **body: Any) -> str:
    """The key of the session that a link opens."""
    answer = enter(house, link, **body)
    assert answer.status_code == 200, answer.text
    return cookies_of(answer)["sessionid"]


def found(house: House, link: dict[str, Any], token: str) -> dict[str, Any]:
    """A link as it is now, to whoever holds this token."""
    answer = house.ask("GET", f"{LIST}/{link['id']}", token)
    assert answer.status_code == 200, answer.text
    now: dict[str, Any] = answer.json()
    return now
