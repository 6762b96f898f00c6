"""Another provider, as far as it is asked: a token endpoint, a resource, its keys. In memory, with a log."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwk, jwt
from tests.fakes import START

from dragoman.core.code_exchange import ProviderAddresses
from dragoman.core.secrets import Secret
from dragoman.core.web import NoAnswer, WebAnswer, WebRequest

ISSUER = "https://provider.test"
CLIENT, CLIENT_SECRET = "dragoman", "s3cret/of:ours"
CODE = "the-code"
ADDRESSES = ProviderAddresses(
    client_id=CLIENT,
    client_secret=Secret(CLIENT_SECRET),
    token_uri=f"{ISSUER}/token",
    resource_uri=f"{ISSUER}/me",
    redirect_uri="https://portainer.example.org/",
    user_identifier="preferred_username",
)
OPENID = replace(ADDRESSES, issuer=ISSUER)
KEY = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)


def answered(body: object, status: int = 200, media: str = "application/json") -> WebAnswer:
    """An answer with a body: bytes as they are, all else as JSON."""
    return WebAnswer(status, media, body if isinstance(body, bytes) else json.dumps(body).encode())


def claims_of(name: str = "carol", **more: Any) -> dict[str, Any]:
    """What a provider says of somebody: her subject is made of her name."""
    return {"sub": f"id-of-{name}", "preferred_username": name, **more}


def signed(claims: Mapping[str, Any], *, key: Any = KEY, alg: str = "RS256", now: datetime = START) -> str:
    """An id token for us, good for an hour; None leaves a claim out."""
    whole = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "id-of-carol",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=1)).timestamp()),
        **claims,
    }
    header = {"alg": alg, **({"kid": key.kid} if key.kid else {})}
    said = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(header, said, key, algorithms=[alg])


@dataclass
class Provider:
    """Gives an access token for the code, and its claims for that. `answers` overrides what a path says."""

    claims: Mapping[str, Any] = field(default_factory=claims_of)
    id_token: str | None = None
    takes: str = "header"
    keys: list[dict[str, Any]] = field(default_factory=lambda: [KEY.as_dict(private=False)])
    answers: dict[str, WebAnswer] = field(default_factory=dict)
    heard: list[WebRequest] = field(default_factory=list)
    meanwhile: Callable[[], object] = bool

    def __call__(self, request: WebRequest) -> WebAnswer:
        """What is answered to a request."""
        self.heard.append(request)
        path = request.url.removeprefix(ISSUER)
        if path in self.answers:
            return self.answers[path]
        match request.method, path:
            case "POST", "/token":
                return self._token(request)
            case "GET", "/me":
                self.meanwhile()
                is_good = request.headers.get("authorization") == "Bearer access"
                return answered(self.claims) if is_good else answered({}, 401)
            case "GET", "/.well-known/openid-configuration":
                return answered({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
            case "GET", "/keys":
                return answered({"keys": self.keys})
        raise NoAnswer("nobody is there")

    def _token(self, request: WebRequest) -> WebAnswer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if self._credentials(request, form) != (CLIENT, CLIENT_SECRET):
            return answered({"error": "invalid_client"}, 401)
        if form["code"] != CODE:
            return answered({"error": "invalid_grant"}, 400)
        more = {} if self.id_token is None else {"id_token": self.id_token}
        return answered({"access_token": "access", "token_type": "bearer", **more})

    def _credentials(self, request: WebRequest, form: Mapping[str, str]) -> tuple[str, ...]:
        if self.takes == "params":
            return form.get("client_id", ""), form.get("client_secret", "")
        said = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        return tuple(parse_qs(f"p={part}")["p"][0] for part in said.split(":") if part)
