"""The two cookies of the pages: a session's secret, and for whoever is not signed in one that forms are bound to.

Over TLS both have the prefix `__Host-` (RFC 6265bis §4.1.3.2), so that no other host name can plant one. No dialect
reads either name, and the pages read none of a dialect's.
"""

from __future__ import annotations

from dragoman.core.secrets import Secret
from dragoman.exchange import Exchange

SESSION = "dragoman"
FORMS = "dragoman-forms"
_ENDED = "Max-Age=0"


def read(exchange: Exchange, name: str) -> Secret | None:
    """The secret in a cookie of ours."""
    value = exchange.cookies.get(_called(exchange, name))
    return Secret(value) if value else None


def kept(exchange: Exchange, name: str, secret: Secret) -> tuple[str, str]:
    """The header that leaves a secret with the browser, until it is closed or the session ends."""
    return _header(exchange, name, secret.reveal())


def dropped(exchange: Exchange, name: str) -> tuple[str, str]:
    """The header that takes it away."""
    return _header(exchange, name, "", _ENDED)


def _called(exchange: Exchange, name: str) -> str:
    return f"__Host-{name}" if exchange.secure else name


def _header(exchange: Exchange, name: str, value: str, *more: str) -> tuple[str, str]:
    secure = ("Secure",) if exchange.secure else ()
    attributes = ("Path=/", *more, *secure, "HttpOnly", "SameSite=Lax")
    return "set-cookie", "; ".join((f"{_called(exchange, name)}={value}", *attributes))
