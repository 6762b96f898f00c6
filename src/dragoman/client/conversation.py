"""What a client says, and what it makes of the answer, be it waited for or awaited. Nothing here sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from dragoman import __version__
from dragoman.client.errors import REFUSALS, NotInRelease, Refused, TryLater, Unintelligible
from dragoman.releases import ONLY, Release
from dragoman.wire import Access, Answer, Nothing, Operation, Sent

# httpx2 itself is imported where a client is made: the server imports dialects too, and sends nothing.
if TYPE_CHECKING:
    import httpx2

EXCERPT = 400  # characters


@dataclass(frozen=True)
class Person:
    """Who somebody is at a product: `login` is what they sign in with, `name` what they are called."""

    id: str
    login: str
    name: str
    is_admin: bool


@dataclass(frozen=True)
class Renewal:
    """How a product renews a token: a public operation, its ask made of a refresh token, and where answers bring one."""

    operation: Operation[Any, Any]
    ask: Callable[[str], BaseModel]
    refresh_token_in: Callable[[BaseModel], str | None]


@dataclass(frozen=True)
class Manners:
    """How a product is spoken to, beside its contract.

    `base` is the end of its address that the contract's paths repeat: it may be given or left out.
    `credentials` are the headers for a token and an API key, either of which may be None. `token_in` finds
    the token that an answer brings; after `signs_out` it is forgotten. `complaints` finds the sentences in
    the JSON of a refusal. `request_ids` are the headers that may name the request. `releases` are those whose
    differences are known, by name. `sign_in` signs a client in by name and password, and `whoami` asks who
    it then speaks for; both are told to clients that do things at once. `renewal` is what follows a 401 where
    tokens are short-lived.
    """

    credentials: Callable[[str | None, str | None], Mapping[str, str]]
    complaints: Callable[[object], Sequence[str]]
    token_in: Callable[[BaseModel], str | None]
    signs_out: Sequence[Operation[Any, Any]] = ()
    request_ids: Sequence[str] = ()
    base: str = ""
    releases: Mapping[str, Release] = field(default_factory=dict[str, Release])
    sign_in: Callable[[Any, str, str], object] | None = None
    whoami: Callable[[Any], Person] | None = None
    renewal: Renewal | None = None


def bearer_or_key(token: str | None, api_key: str | None) -> Mapping[str, str]:
    """Credentials of products that read a token from `Authorization` and a key from `X-API-Key`; the token first."""
    if token is not None:
        return {"authorization": f"Bearer {token}"}
    return {} if api_key is None else {"x-api-key": api_key}


class Conversation:
    """What both clients say, understand and remember. It sends nothing."""

    manners: ClassVar[Manners]

    def __init__(
        self,
        base_url: str,
        token: str | None,
        api_key: str | None,
        timeout: float | httpx2.Timeout,
        headers: Mapping[str, str],
        *,
        release: str | None = None,
        refresh_token: str | None = None,
    ) -> None:
        if token is not None and api_key is not None:
            raise ValueError("a token or an api_key, not both: it must be plain who is calling")
        for name, value in {"token": token, "api_key": api_key, **headers}.items():
            if value is not None and not can_stand_in_header(value):
                raise ValueError(f"{name} is empty or has characters that no header can carry")
        if refresh_token is not None and (token is None or self.manners.renewal is None):
            raise ValueError("a refresh_token goes with a token, where the product renews its tokens")
        if release is not None and release not in self.manners.releases:
            known = ", ".join(self.manners.releases) or "none"
            raise ValueError(f"release {release} is not known; these are: {known}")
        self._root = root_of(base_url, self.manners.base)
        self._release = ONLY if release is None else self.manners.releases[release]
        self._token = token
        self._refresh_token = refresh_token
        self._api_key = api_key
        self._timeout = timeout
        self._headers = {"accept": "application/json", "user-agent": f"dragoman/{__version__}", **headers}
        self._learning = threading.Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} of {self._root}>"

    @property
    def token(self) -> str | None:
        """The token that is sent: the one given, or kept at sign-in. None before, and after signing out."""
        return self._token

    @property
    def kept_refresh_token(self) -> str | None:
        """What renews the token, where the product does that: the one given, or kept with the token."""
        return self._refresh_token

    def _request(
        self,
        http: httpx2.Client | httpx2.AsyncClient,
        operation: Operation[Any, Any],
        ask: BaseModel,
        token: str | None,
    ) -> httpx2.Request:
        if not self._release.has(operation):
            raise NotInRelease(operation.name, self._release.name)
        sent = sent_to(self._release, operation, ask)
        # Escaped to ASCII, so that even half a surrogate pair reaches the server, which is to judge it.
        content = None if sent.body is None else json.dumps(sent.body, separators=(",", ":")).encode("ascii")
        headers = {**self._headers, **({} if content is None else {"content-type": "application/json"})}
        url = self._root + sent.path
        params = dict(sent.query) or None
        request = http.build_request(
            operation.method, url, params=params, content=content, headers=headers, timeout=self._timeout
        )
        # The credential speaks, and nothing else: not the cookie of some sign-in through the same `http`.
        request.headers.pop("cookie", None)
        if operation.access is not Access.PUBLIC:
            request.headers.update(self.manners.credentials(token, self._api_key))
        return request

    def _answer(
        self,
        operation: Operation[Any, Answer],
        ask: BaseModel,
        token: str | None,
        response: httpx2.Response,
        body: bytes,
    ) -> Answer:
        """The answer in a response. Raises `Refused` or `Unintelligible`."""
        # "See other" without a place to see is a refusal: Portainer says so that it is too late to set it up.
        leads_nowhere = response.status_code == HTTPStatus.SEE_OTHER and "location" not in response.headers
        if response.status_code >= 400 or leads_nowhere:
            raise self._refusal(response, body)
        try:
            answer = read_answer(operation.gives, response, body)
            self._learn(operation, token, answer)
        except ValueError as problem:
            why = f"{operation.method} {operation.path}: {problem}"
        else:
            return answer
        secrets = [*unseen(ask), token or "", self._api_key or ""]
        excerpt = masked(body.decode("utf-8", "replace"), secrets)[:EXCERPT]
        raise Unintelligible(masked(why, secrets), response.status_code, excerpt)

    def _refusal(self, response: httpx2.Response, body: bytes) -> Refused:
        status = response.status_code
        try:
            parsed = from_json(body)
        except ValueError:
            parsed = None
        said = tuple(filter(None, self.manners.complaints(parsed))) or sentence(response, body)
        ids = (response.headers.get(name) for name in (*self.manners.request_ids, "x-request-id"))
        later = retry_after(response.headers)
        kind = REFUSALS.get(status, Refused) if later is None else TryLater
        return kind(
            status,
            said or (phrase(status),),
            parsed,
            later,
            next((value for value in ids if value), None),
        )

    def _learn(self, operation: Operation[Any, Any], sent: str | None, answer: BaseModel) -> None:
        """Keep the token that an answer brings; forget the one that was signed out."""
        token = self.manners.token_in(answer)
        if token is not None and not can_stand_in_header(token):
            raise ValueError("the token in the answer is empty or has characters that no header can carry")
        renewal = self.manners.renewal
        with self._learning:
            if token is not None:
                self._token = token
                self._refresh_token = renewal.refresh_token_in(answer) if renewal else None
            elif operation in self.manners.signs_out and self._token == sent:
                self._token = self._refresh_token = None

    def _may_renew(self, operation: Operation[Any, Any], refused: str | None) -> bool:
        """Whether a call whose token was refused is worth another try with the token renewed."""
        return operation.access is not Access.PUBLIC and None not in (refused, self._refresh_token)

    def _renewing(self, refused: str | None) -> tuple[Operation[Any, Any], BaseModel] | None:
        """What is to be sent to renew a token; None if it is no longer the one that was refused."""
        renewal = self.manners.renewal
        with self._learning:
            if renewal is None or self._refresh_token is None or self._token != refused:
                return None
            return renewal.operation, renewal.ask(self._refresh_token)

    def _give_up(self, refused: str | None) -> None:
        """The token cannot be renewed: forget what was to renew it."""
        with self._learning:
            if self._token == refused:
                self._refresh_token = None


def sent_to(release: Release, operation: Operation[Any, Any], ask: BaseModel) -> Sent:
    """An ask as it goes to a release: without the fields that it does not have."""
    sent = operation.sent(ask)
    body: Any = sent.body
    if isinstance(body, Mapping):
        body = release.known(type(ask), cast("Mapping[str, Any]", body))
    return replace(sent, query=release.known(type(ask), sent.query), body=body)


def read_answer(gives: type[Answer], response: httpx2.Response, body: bytes) -> Answer:
    """A success, read leniently: any status of success will do, and fields of later releases are passed over.

    `ValueError` with a sentence that says why it cannot be read.
    """
    status = response.status_code
    if status >= 300:
        to = response.headers.get("location", "nowhere")
        raise ValueError(f"answered {status}, a redirection to {to}: is the base URL right?")
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and not (media == "application/json" or media.endswith("+json")):
        raise ValueError(f"answered {status} with {media or 'something untold'}, not with JSON")
    try:
        return gives() if gives is Nothing else gives.model_validate_json(body)
    except ValidationError as problem:
        faults = problem.errors(include_url=False, include_input=False, include_context=False)[:5]
        where = "; ".join(": ".join([".".join(map(str, f["loc"])) or "body", f["msg"]]) for f in faults)
        # Not chained: what is wrong has been said, and what was read may hold a secret.
        raise ValueError(f"answered {status}, not a {gives.__name__}: {where}") from None


def root_of(base_url: str, base: str) -> str:
    """What comes before every path of the contract, whether or not `base_url` ends in the product's base."""
    import httpx2  # noqa: PLC0415

    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        # Not said by httpx2, which quotes what it takes for a port: of a botched URL, the password.
        raise ValueError("base_url is no URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("base_url must begin with http:// or https:// and a host name")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("base_url must have no user name, password, query or fragment")
    return str(url).rstrip("/").removesuffix(base)


def can_stand_in_header(value: str) -> bool:
    """Whether a value is something, and ASCII without blanks around it or control characters (RFC 9110 §5.5)."""
    return value.isascii() and value.isprintable() and value.strip() == value != ""


def retry_after(headers: httpx2.Headers) -> float | None:
    """Retry-After (RFC 9110 §10.2.3) in seconds. A date is counted from the server's own."""
    said = headers.get("retry-after", "")
    if said.isdecimal():
        return float(said)
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def sentence(response: httpx2.Response, body: bytes) -> tuple[str, ...]:
    """What a refusal in plain text says, if that is short enough to be a sentence."""
    is_text = response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"
    text = body.decode("utf-8", "replace").strip() if is_text and len(body) <= EXCERPT else ""
    return (text,) if text else ()


def phrase(status: int) -> str:
    """What a status says by itself."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "refused, without a reason"


def unseen(ask: BaseModel) -> list[str]:
    """The values of an ask that must not be shown."""
    hidden = (getattr(ask, name) for name, info in type(ask).model_fields.items() if not info.repr)
    return [value for value in hidden if isinstance(value, str)]


def masked(text: str, secrets: Sequence[str]) -> str:
    """A text without the secrets; the longest go first, since one may be part of another."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
