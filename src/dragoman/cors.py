"""Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol), where a product admits any page.

A page may ask, and read the answer, but nothing that its browser keeps goes along: no cookie is ever taken, so
whoever asks must hold up a credential of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.exchange import Passed, Spoken

if TYPE_CHECKING:
    from dragoman.core.work import Tools
    from dragoman.exchange import Exchange

ANY_ORIGIN = ("access-control-allow-origin", "*")


def any_origin(exchange: Exchange, _settings: Any, _tools: Tools) -> Passed | Spoken:
    """A dialect's gate: any origin, method and header. A preflight is answered here, as ASP.NET Core does."""
    headers = exchange.headers
    if "origin" not in headers:
        return Passed()
    method = headers.get("access-control-request-method")
    if exchange.method != "OPTIONS" or method is None:
        return Passed(always=(ANY_ORIGIN,))
    allowed = [ANY_ORIGIN, ("access-control-allow-methods", method)]
    if wanted := headers.get("access-control-request-headers"):
        allowed.append(("access-control-allow-headers", wanted))
    return Spoken(204, headers=tuple(allowed))
