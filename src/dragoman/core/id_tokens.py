"""Id tokens of other providers: believed when they are signed by the issuer, for us, and still good.

OpenID Connect Core §3.1.3.7; the keys are found by OpenID Connect Discovery §4. They are fetched for each
sign-in: that is seldom, and a key that the provider has withdrawn is withdrawn at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dragoman.core.errors import UpstreamFailed
from dragoman.core.web import Web, WebRequest

# Signatures that need the provider's private key. With none, or one of a shared secret, anybody could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
KINDS = ("RSA", "EC", "OKP")
MOST_KEYS = 100
CLOCKS_DIFFER = timedelta(seconds=60)


def keys_of(web: Web, issuer: str) -> Sequence[Mapping[str, Any]]:
    """The public keys of an issuer, each as it prints it (RFC 7517). Raises `UpstreamFailed`, `NoAnswer`."""
    described = _object(web, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if described.get("issuer") != issuer:
        raise UpstreamFailed(f"the provider calls itself {str(described.get('issuer'))[:200]}, not {issuer}")
    keys = _object(web, str(described.get("jwks_uri"))).get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise UpstreamFailed("the provider has no list of keys, or one that is too long")
    public = [key for key in keys if isinstance(key, dict) and key.get("kty") in KINDS]
    return [key for key in public if key.get("use", "sig") == "sig"]


def verify(
    token: str, keys: Sequence[Mapping[str, Any]], *, issuer: str, audience: str, now: datetime
) -> Mapping[str, Any]:
    """The claims of an id token that is for `audience` and signed by one of the keys. Refuses `UpstreamFailed`."""
    claims = _signed(token, keys)
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    party = claims.get("azp", audience if len(audiences) == 1 else None)
    if claims.get("iss") != issuer:
        raise UpstreamFailed("the id token is another issuer's")
    if audience not in audiences or party != audience:
        raise UpstreamFailed("the id token is for somebody else")
    if _instant(claims, "exp") <= (now - CLOCKS_DIFFER).timestamp():
        raise UpstreamFailed("the id token has expired")
    if _instant(claims, "iat") > (now + CLOCKS_DIFFER).timestamp():
        raise UpstreamFailed("the id token is of the future")
    return claims


def _signed(token: str, keys: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    # Some 30 ms that a start need not spend.
    from joserfc import jwk, jws, jwt  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        named = jws.extract_compact(token.encode(), registry=registry).headers().get("kid")
    except (JoseError, ValueError) as error:
        raise UpstreamFailed(f"the id token is none: {error}") from error
    for key in keys:
        if named not in (None, key.get("kid")):
            continue
        try:
            return jwt.decode(token, jwk.import_key(dict(key)), registry=registry).claims
        except Exception:  # noqa: BLE001, S112 - whatever a stranger's key makes two libraries raise: it signed nothing
            continue
    raise UpstreamFailed("no key of the provider has signed the id token")


def _object(web: Web, url: str) -> Mapping[str, Any]:
    answer = web(WebRequest("GET", url, {"accept": "application/json"}))
    try:
        read = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise UpstreamFailed(f"{url} answers {answer.status}, and no JSON object")
    return read


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UpstreamFailed(f"the id token has no {name}")
    return value
