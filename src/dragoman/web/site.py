"""The pages of the server's own, served: found, guarded, answered in the right lane, and rendered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.routing import compile_path

from dragoman.core import approvals, demands
from dragoman.core.errors import (
    CredentialRefused,
    FactorMissing,
    Forbidden,
    NotFound,
    NotSignedIn,
    ProofOutdated,
    Refusal,
    Throttled,
    Unavailable,
)
from dragoman.core.principals import Presented, identify
from dragoman.exchange import Malformed, Spoken, seconds
from dragoman.log import get_logger
from dragoman.web import cookies, forgery, forms, notices, refusals, rendering, static
from dragoman.web.account import factors
from dragoman.web.confirm import confirm_first
from dragoman.web.pages import Answer, File, Form, Page, Redirect, Visit, Who
from dragoman.web.sign_in import sign_in_first
from dragoman.wire import Work

if TYPE_CHECKING:
    from starlette.types import Receive

    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.exchange import Exchange
    from dragoman.lanes import Lane, Lanes
    from dragoman.settings import Settings
    from dragoman.web.products import Product

log = get_logger("dragoman.web")
WRONG = {
    400: (
        "That did not work",
        "The page was sent in a way that cannot be read. Please go back and try again.",
    ),
    403: ("You may not do that", "This page, or what you asked of it, is not for your account."),
    404: ("There is nothing here", "The page may have moved, or what it showed is gone."),
    405: ("There is nothing here", "This page is not used that way."),
    413: ("That is too much", "What you sent is larger than this page takes."),
    415: (
        "That did not work",
        "The page was sent in a way that cannot be read. Please go back and try again.",
    ),
    429: ("Too many attempts", "Please wait a moment before the next one."),
    500: ("Something went wrong here", "It was our mistake and has been written down. Please try again."),
    503: (
        "Not right now",
        "The server cannot answer at the moment. Nothing was lost; please try again shortly.",
    ),
}


class Site:
    """All pages, by path. `products` tells which are served at the moment."""

    def __init__(
        self,
        pages: Sequence[Page],
        core: Core,
        lanes: Lanes,
        settings: Settings,
        products: Callable[[], Sequence[Product]],
    ) -> None:
        self._configured = settings.dialects
        self._products = products
        self._core = core
        self._lanes = lanes
        self._trusted = settings.pages.trusted_origins
        self._fixed: dict[str, dict[str, Page]] = {}
        self._matched: dict[str, tuple[re.Pattern[str], dict[str, Page]]] = {}
        for page in pages:
            methods = self._fixed.setdefault(page.path, {})
            if "{" in page.path:
                del self._fixed[page.path]
                _, methods = self._matched.setdefault(page.path, (compile_path(page.path)[0], {}))
            if page.method in methods:
                raise TypeError(f"{page.method} {page.path} is there twice")
            methods[page.method] = page
        rooms = [page for page in pages if page.room is not None]
        self._rooms = [(page.path, page.room) for page in rooms if page.who is Who.SIGNED_IN]
        self._admin_rooms = [(page.path, page.room) for page in rooms if page.who is Who.ADMIN]

    def _find(self, path: str) -> tuple[Mapping[str, Page], Mapping[str, str]]:
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for pattern, methods in self._matched.values():
            match = pattern.match(path)
            if match:
                return methods, match.groupdict()
        return {}, {}

    async def answer(self, exchange: Exchange, receive: Receive) -> Spoken:
        """The page at a path, or one that says what is wrong."""
        begun = time.perf_counter()
        if exchange.path.startswith(static.PATH):
            spoken = static.answer(exchange.path) or self._wrong(exchange, 404)
        else:
            try:
                spoken = await self._page(exchange, receive)
            except Exception:
                log.exception("crashed", method=exchange.method, path=exchange.path)
                spoken = self._wrong(exchange, 500)
        ms = round((time.perf_counter() - begun) * 1000, 1)
        log.info("answered", method=exchange.method, path=exchange.path, status=spoken.status, ms=ms)
        return rendering.guarded(spoken)

    async def _page(self, exchange: Exchange, receive: Receive) -> Spoken:
        methods, parameters = self._find(exchange.path)
        page = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
        if page is None:
            allowed = ("allow", ", ".join(sorted(methods)))
            return self._wrong(exchange, 405 if methods else 404, allowed if methods else None)
        session = cookies.read(exchange, cookies.SESSION)
        try:
            form = Form()
            if page.method == "POST":
                form = await forms.read(exchange, receive, files=page.takes_files)
                forgery.require_genuine(exchange, session, form, self._trusted)
            visit = self._visit(exchange, parameters, form, session)
            return await self._lane(page.work).run(partial(self._answered, page, visit))
        except Malformed as problem:
            return self._wrong(exchange, problem.status)
        except Refusal as refusal:
            return self._refused(exchange, refusal)

    def _visit(
        self, exchange: Exchange, parameters: Mapping[str, str], form: Form, session: Secret | None
    ) -> Visit:
        return Visit(
            exchange,
            self._core,
            parameters,
            form,
            secret=session,
            products=self._products(),
            configured=self._configured,
        )

    def _lane(self, work: Work) -> Lane:
        lanes = {Work.HASHES: self._lanes.hashing, Work.CALLS_OUT: self._lanes.outward}
        return lanes.get(work, self._lanes.plain)

    def _answered(self, page: Page, visit: Visit) -> Spoken:
        try:
            answer = self._handled(page, visit)
        except Refusal as refusal:
            explained = self._explained(page, visit, refusal)
            if explained is None:
                raise
            answer = explained
        return self._rendered(visit, answer)

    def _handled(self, page: Page, visit: Visit) -> Answer:
        if page.work in (Work.READS, Work.WRITES):
            with self._core.begin(visit.origin, writes=page.work is Work.WRITES) as uow:
                self._know(uow, page, visit)
                return page.handler(uow, visit)
        with self._core.begin(visit.origin, writes=False) as uow:
            self._know(uow, page, visit)
        return page.handler(self._core, visit)

    def _explained(self, page: Page, visit: Visit, refusal: Refusal) -> Answer | None:
        if page.explains is None:
            return None
        with self._core.begin(visit.origin, writes=False) as uow:
            return page.explains(uow, visit, refusal)

    def _know(self, uow: UnitOfWork, page: Page, visit: Visit) -> None:
        """Find out who comes. Refuses `NotSignedIn`, `CredentialRefused`, `FactorMissing` and `AdminOnly`."""
        if visit.secret is not None:
            try:
                visit.principal = identify(uow, Presented("session", visit.secret))
                visit.exchange.origin = uow.origin
                visit.approval_waits = approvals.any_waits(uow, visit.principal.account.number)
            except CredentialRefused:
                visit.secret = None
        if page.who is not Who.ANYBODY:
            visit.caller  # noqa: B018 - refuses whoever is not signed in
            if not page.without_factor:
                demands.require_one(uow, visit.caller)
        if page.who is Who.ADMIN:
            visit.caller.require_admin()

    def _rendered(self, visit: Visit, answer: Answer) -> Spoken:
        if isinstance(answer, Spoken):
            return answer
        if isinstance(answer, File):
            kept = ("content-disposition", f'attachment; filename="{answer.name}"')
            parts = partial(self._lanes.plain.run, partial(next, answer.parts, b""))
            return Spoken(200, media=answer.media, headers=(kept,), parts=parts)
        if isinstance(answer, Redirect):
            return Spoken(303, headers=(("location", answer.address), *answer.headers))
        tools = self._core.tools
        secret, made = forgery.bound_to(visit.exchange, visit.secret, tools)
        facts = {**self._always(visit), "form_token": forgery.token(secret, tools), **answer.facts}
        spoken = rendering.page(answer.status, answer.template, facts, rendering.nonce(tools.dice))
        return _with(spoken, *made, *answer.headers)

    def _always(self, visit: Visit) -> Mapping[str, Any]:
        """What every page may name."""
        return {
            "path": visit.exchange.path,
            "now": self._core.tools.clock(),
            "principal": visit.principal,
            "places": self._places(visit),
            "approval_waits": visit.approval_waits,
            "notice": notices.NOTICES.get(visit.asked("said")),
        }

    def _places(self, visit: Visit) -> Sequence[tuple[str, Sequence[tuple[str, str | None]]]]:
        """The rooms that a visitor may enter, in groups with a name."""
        if visit.principal is None:
            return ()
        own = ("", self._rooms)
        return (own, ("Administration", self._admin_rooms)) if visit.principal.account.is_admin else (own,)

    def _refused(self, exchange: Exchange, refusal: Refusal) -> Spoken:
        if isinstance(refusal, NotSignedIn | CredentialRefused):
            return self._rendered(Visit(exchange, self._core), sign_in_first(exchange))
        if isinstance(refusal, FactorMissing):
            return self._rendered(Visit(exchange, self._core), Redirect(factors.PATH, said="factor-needed"))
        if isinstance(refusal, ProofOutdated):
            return self._rendered(Visit(exchange, self._core), confirm_first(exchange))
        if type(refusal) in refusals.WORDS:
            status, title, text = refusals.WORDS[type(refusal)]
            return self._wrong(exchange, status, words=(title, text))
        if isinstance(refusal, Throttled | Unavailable):
            if isinstance(refusal, Unavailable):
                log.warning("cannot answer", why=refusal.why)
            status = 429 if isinstance(refusal, Throttled) else 503
            return self._wrong(exchange, status, ("retry-after", str(seconds(refusal.retry_after))))
        status = 403 if isinstance(refusal, Forbidden) else 404 if isinstance(refusal, NotFound) else 400
        return self._wrong(exchange, status)

    def _wrong(
        self,
        exchange: Exchange,
        status: int,
        header: tuple[str, str] | None = None,
        *,
        words: tuple[str, str] | None = None,
    ) -> Spoken:
        """A page that says why there is no other, and by what name the log knows the request."""
        title, text = words or WRONG.get(status, WRONG[400])
        facts = {
            "path": exchange.path,
            "principal": None,
            "notice": None,
            "title": title,
            "text": text,
            "status": status,
            "acting": exchange.origin.acting is not None,
            "request_id": exchange.request_id,
            "seconds": header[1] if header and header[0] == "retry-after" else None,
        }
        spoken = rendering.page(status, "wrong.html", facts, rendering.nonce(self._core.tools.dice))
        return _with(spoken, *([header] if header else []))


def _with(spoken: Spoken, *headers: tuple[str, str]) -> Spoken:
    return Spoken(spoken.status, spoken.body, spoken.media, (*spoken.headers, *headers))
