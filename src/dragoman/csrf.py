"""Against requests that another site's page makes a signed-in browser send (OWASP: signed double submit).

A browser that shows a cookie of a session is given a random token twice: signed in a cookie, and masked in a
header of each answer, which only pages of this very origin can read. A request that would change something
brings both back. The wire form is that of gorilla/csrf 1.7 and its securecookie, which products in Go use:

    cookie = base64url( instant | base64url( JSON string of base64( token ) ) newline | HMAC-SHA256 )
    header = base64( pad | pad XOR token )

The signature's key is made of the session's own secret. So nothing is stored, every node can tell, and a cookie
that somebody planted in the browser from a neighbouring host name is of no use: they do not know that secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

TOKEN = 32  # bytes
LIFETIME = timedelta(hours=12)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 §9.2.1
LONGEST = 4096  # characters of a cookie or header that are looked at
_PORTS = {"http": 80, "https": 443}
Mistrust = Literal["origin invalid", "referer not supplied", "referer invalid"]


def key_for(session_secret: str) -> bytes:
    """The key by which tokens are signed for whoever holds this session's secret."""
    return hashlib.sha256(b"dragoman csrf\0" + session_secret.encode("utf-8", "surrogatepass")).digest()


def signed(token: bytes, key: bytes, name: str, now: datetime) -> str:
    """A token of 32 bytes as the cookie `name` carries it: 144 characters."""
    text = base64.urlsafe_b64encode(json.dumps(base64.b64encode(token).decode()).encode() + b"\n")
    dated = b"%d|%s|" % (int(now.timestamp()), text)
    return base64.urlsafe_b64encode(dated + _signature(key, name, dated)).decode()


def opened(cookie: str, key: bytes, name: str, now: datetime) -> bytes | None:
    """The token in a cookie; None if it is not one of ours for this key and name, or older than twelve hours."""
    if not cookie or len(cookie) > LONGEST:
        return None
    try:
        raw = base64.urlsafe_b64decode(cookie.encode())
        dated, signature = raw[: -hashlib.sha256().digest_size], raw[-hashlib.sha256().digest_size :]
        if not hmac.compare_digest(signature, _signature(key, name, dated)):
            return None
        instant, text, _ = dated.split(b"|")
        token = base64.b64decode(json.loads(base64.urlsafe_b64decode(text)))
    except ValueError:
        return None
    is_fresh = int(instant) > int((now - LIFETIME).timestamp())
    return token if is_fresh and len(token) == TOKEN else None


def _signature(key: bytes, name: str, dated: bytes) -> bytes:
    return hmac.digest(key, name.encode() + b"|" + dated.rstrip(b"|"), "sha256")


def masked(token: bytes, dice: Callable[[int], bytes]) -> str:
    """A token as a page is told it: another text each time, so that compression gives none of it away (BREACH)."""
    pad = dice(TOKEN)
    return base64.b64encode(pad + _xor(pad, token)).decode()


def matches(told: str, token: bytes) -> bool:
    """Whether what a page sent back is the token, whichever mask it was told it in."""
    try:
        raw = base64.b64decode(told[:LONGEST].encode(), validate=True)
    except (ValueError, binascii.Error):
        return False
    return len(raw) == 2 * TOKEN and hmac.compare_digest(_xor(raw[:TOKEN], raw[TOKEN:]), token)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def is_trusted_page(url: str, own: str, trusted: Collection[str]) -> bool:
    """Whether an Origin or Referer header names a page of our `own` origin, or of one of those `trusted`."""
    origin = _origin(url)
    return origin is not None and origin in {_origin(own), *map(_origin, trusted)}


def mistrusted(
    origin: str | None, referer: str | None, *, secure: bool, host: str, trusted: Collection[str]
) -> Mistrust | None:
    """Why a request is not from a page of ours at `host`, as far as the browser says; None: it may be."""
    own = f"{'https' if secure else 'http'}://{host}"
    if origin:
        return None if is_trusted_page(origin, own, trusted) else "origin invalid"
    if not secure:
        return None
    # Over TLS a browser always says where it comes from: else somebody in between made the request over HTTP.
    if not referer:
        return "referer not supplied"
    return None if is_trusted_page(referer, own, trusted) else "referer invalid"


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port (RFC 6454 §4); None for "null" and whatever is no web page's."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and parts.scheme in _PORTS else None
