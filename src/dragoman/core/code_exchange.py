"""From an authorization code to who it stands for: what is asked of another provider (RFC 6749 §4.1.3).

The code buys an access token, the access token the provider's facts about somebody (claims), and an id token
that came along adds its own, if it is verified (core/id_tokens.py). No connection to the database is held.
Whatever goes wrong on the way is `UpstreamFailed`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, quote_plus, urlencode

from dragoman.core import id_tokens
from dragoman.core.errors import UpstreamFailed
from dragoman.core.secrets import Secret
from dragoman.core.web import NoAnswer, Web, WebAnswer, WebRequest

FORM = "application/x-www-form-urlencoded"
LONGEST_CODE = 4096
LONGEST_SUBJECT = 255  # OpenID Connect Core §2, "sub"

AuthStyle = Literal["auto", "params", "header"]


@dataclass(frozen=True)
class ProviderAddresses:
    """How a provider is spoken to.

    `client_id` and `client_secret` are ours there, told as `auth_style` says ("auto": first in a header, then
    in the form). `user_identifier` is the claim that is somebody's name, `subject_claim` the one that is never
    given to anybody else. With an `issuer` it is an OpenID provider, and its id tokens can be verified;
    without one, they are passed over.
    """

    client_id: str
    client_secret: Secret
    token_uri: str
    resource_uri: str
    redirect_uri: str
    user_identifier: str
    auth_style: AuthStyle = "auto"
    issuer: str | None = None
    subject_claim: str = "sub"


@dataclass(frozen=True)
class Identity:
    """Somebody as a provider knows them: `subject` is who they are there for ever, `name` what they are called.

    `verified_email` is an e-mail address that the provider says it has verified, else None.
    """

    issuer: str
    subject: str
    name: str
    verified_email: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


def exchange(web: Web, provider: ProviderAddresses, code: Secret, now: datetime) -> Identity:
    """Who a code stands for. Refuses `UpstreamFailed`."""
    if not 0 < len(code.reveal()) <= LONGEST_CODE:
        raise UpstreamFailed("the code is empty, or too long to be one")
    try:
        bought = _buy(web, provider, code)
        claims = _claims(web, provider, bought, now)
    except NoAnswer as error:
        raise UpstreamFailed(f"no answer: {error}") from error
    name = name_in(claims, provider.user_identifier)
    if name is None:
        raise UpstreamFailed(f"there is no usable {provider.user_identifier} among the claims")
    # Never by the name instead: a name that is given up is given to somebody else.
    subject = subject_in(claims, provider.subject_claim)
    if subject is None:
        raise UpstreamFailed(f"there is no usable {provider.subject_claim} among the claims")
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise UpstreamFailed(f"the subject is longer than {LONGEST_SUBJECT} characters, or has strange ones")
    return Identity(provider.issuer or provider.token_uri, subject, name, verified_email(claims), claims)


def _buy(web: Web, provider: ProviderAddresses, code: Secret) -> Mapping[str, Any]:
    """What the token endpoint gives for the code: an access token at the least."""
    answer = _ask_for_token(web, provider, code, in_header=provider.auth_style != "params")
    may_be_the_style = provider.auth_style == "auto" and 400 <= answer.status < 500
    # A code that was refused as such must not be shown again: the provider would take it for stolen (§4.1.2).
    if may_be_the_style and _error_in(answer) != "invalid_grant":
        answer = _ask_for_token(web, provider, code, in_header=False)
    if not 200 <= answer.status < 300:
        raise UpstreamFailed(f"the token endpoint answers {answer.status} {_error_in(answer)}".rstrip())
    bought = read(answer)
    if not _text(bought, "access_token"):
        raise UpstreamFailed("the token endpoint gives no access token")
    return bought


def _ask_for_token(web: Web, provider: ProviderAddresses, code: Secret, *, in_header: bool) -> WebAnswer:
    """One request to the token endpoint, with our credentials in a header (§2.3.1) or in the form."""
    form = {
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": provider.redirect_uri,
    }
    headers = {"accept": "application/json", "content-type": FORM}
    if in_header:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret.reveal())}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id}
        form |= {"client_secret": provider.client_secret.reveal()} if provider.client_secret.reveal() else {}
    return web(WebRequest("POST", provider.token_uri, headers, urlencode(form).encode()))


def _claims(
    web: Web, provider: ProviderAddresses, bought: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """What the provider says of somebody: in the id token, if it can be verified, and at its resource."""
    vouched: Mapping[str, Any] = {}
    id_token = _text(bought, "id_token")
    if id_token and provider.issuer is not None:
        keys = id_tokens.keys_of(web, provider.issuer)
        vouched = id_tokens.verify(
            id_token, keys, issuer=provider.issuer, audience=provider.client_id, now=now
        )
    authorization = f"Bearer {bought['access_token']}"
    if not (authorization.isascii() and authorization.isprintable()):
        raise UpstreamFailed("the access token has characters that no header can carry")
    headers = {"authorization": authorization, "accept": "application/json"}
    answer = web(WebRequest("GET", provider.resource_uri, headers))
    if answer.status != 200:
        raise UpstreamFailed(f"the resource answers {answer.status}")
    told = read(answer)
    # OpenID Connect Core §5.3.2: an answer about somebody else is not to be used.
    if "sub" in vouched and "sub" in told and vouched["sub"] != told["sub"]:
        raise UpstreamFailed("the id token and the resource speak of different people")
    if "email" in told:
        # What the id token says of an address is said of its own.
        vouched = {name: value for name, value in vouched.items() if name != "email_verified"}
    return {**vouched, **told}


def read(answer: WebAnswer) -> dict[str, Any]:
    """The fields of an answer: of a form if it says it is one (or plain text), else of a JSON object."""
    try:
        text = answer.body.decode()
        if answer.media in (FORM, "text/plain"):
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UpstreamFailed("the answer can be read neither as JSON nor as a form") from error
    if not isinstance(fields, dict):
        raise UpstreamFailed("the answer is no JSON object")
    return fields


def _error_in(answer: WebAnswer) -> str:
    """The error code in a refusal of the token endpoint (RFC 6749 §5.2), or ""."""
    try:
        return _text(read(answer), "error")[:64]
    except UpstreamFailed:
        return ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def name_in(claims: Mapping[str, Any], claim: str) -> str | None:
    """The value of a claim as a name: a text that is not empty, or a number other than 0, cut to an integer."""
    value = claims.get(claim)
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value or value - value != 0:
        return None
    return str(int(value))


def subject_in(claims: Mapping[str, Any], claim: str) -> str | None:
    """The value of a claim as a subject: a text that is not empty, or a whole number, in full."""
    value = claims.get(claim)
    if isinstance(value, str):
        return value or None
    return None if isinstance(value, bool) or not isinstance(value, int) else str(value)


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """The e-mail address among the claims, if the provider says that it has verified it."""
    is_verified = claims.get("email_verified") in (True, "true")
    return _text(claims, "email") or None if is_verified else None
