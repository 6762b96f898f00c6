"""The page that a mailed link leads to: whoever has the link sets a new password there.

To look at it changes nothing, since scanners open the links in mail before their readers do. The form carries the
link's secret and nothing else that says who sends it, so another site's page cannot have it sent; no cookie is read
or set. The secret is in no header that leaves: `Referrer-Policy` is `no-referrer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dragoman.core import resets
from dragoman.core.errors import (
    PasswordRefused,
    ResetRefused,
    Throttled,
    Unavailable,
)
from dragoman.core.secrets import Secret
from dragoman.exchange import Exchange, Malformed, Spoken, parse_form, read_body, seconds
from dragoman.log import get_logger
from dragoman.web.mailed import FORM, page

if TYPE_CHECKING:
    from starlette.types import Receive

    from dragoman.core.work import Core
    from dragoman.lanes import Lanes

log = get_logger("dragoman.web")
PATH = "/reset-password"
LARGEST = 64 * 1024  # bytes of a form
NOT_THE_SAME = "The two passwords are not the same."


class ResetPage:
    """Serves `PATH`: GET shows the form, POST sets the password."""

    def __init__(self, core: Core, lanes: Lanes) -> None:
        self._core = core
        self._lanes = lanes

    async def answer(self, exchange: Exchange, receive: Receive) -> Spoken:
        """The page, whatever comes."""
        try:
            if exchange.method in ("GET", "HEAD"):
                return await self._shown(exchange)
            if exchange.method == "POST":
                return await self._set(exchange, receive)
            return _page(405, "wrong", ("allow", "GET, HEAD, POST"))
        except Malformed as problem:
            return _page(problem.status, "wrong")
        except ResetRefused:
            return _page(410, "gone")
        except (Throttled, Unavailable) as refusal:
            if isinstance(refusal, Unavailable):
                log.warning("cannot answer", why=refusal.why)
            status = 429 if isinstance(refusal, Throttled) else 503
            return _page(status, "later", ("retry-after", str(seconds(refusal.retry_after))))
        except Exception:
            log.exception("crashed", method=exchange.method, path=exchange.path)
            return _page(500, "wrong")

    async def _shown(self, exchange: Exchange) -> Spoken:
        secret = Secret(exchange.query.get("token", ""))
        if not await self._lanes.plain.run(partial(self._is_open, exchange, secret)):
            raise ResetRefused
        return _form(200, secret)

    def _is_open(self, exchange: Exchange, secret: Secret) -> bool:
        with self._core.begin(exchange.origin, writes=False) as uow:
            return resets.is_open(uow, secret)

    async def _set(self, exchange: Exchange, receive: Receive) -> Spoken:
        fields = _fields(exchange, await read_body(exchange, receive, LARGEST))
        secret, new = Secret(fields["token"]), Secret(fields["password"])
        if fields["again"] != fields["password"]:
            return _form(422, secret, [NOT_THE_SAME])
        try:
            complete = partial(resets.complete, self._core, exchange.origin, secret, new)
            await self._lanes.hashing.run(complete)
        except PasswordRefused as refusal:
            return _form(422, secret, [f"{reason.text}." for reason in refusal.reasons])
        return _page(200, "done")


def _fields(exchange: Exchange, raw: bytes) -> Mapping[str, str]:
    """The form's fields, each there once. Refuses `Malformed`."""
    if exchange.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Malformed("this is no form", 415)
    form = parse_form(raw)
    fields = {
        name: value for name in ("token", "password", "again") if isinstance(value := form.get(name), str)
    }
    if len(fields) != 3:
        raise Malformed("the form lacks a field, or has one twice")
    return fields


def _form(status: int, secret: Secret, problems: Sequence[str] = ()) -> Spoken:
    return _page(status, "form", token=secret.reveal(), problems=problems)


def _page(
    status: int, part: str, *headers: tuple[str, str], token: str = "", problems: Sequence[str] = ()
) -> Spoken:
    """The page in one of its forms: `form`, `done`, `gone`, `later`, `wrong`."""
    return page(status, "reset.html", *headers, part=part, token=token, problems=problems, path=PATH)
