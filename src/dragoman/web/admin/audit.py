"""The audit log: who did what, when and from where; to be read here, or to be kept as a file."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dragoman.core import accounts, audit
from dragoman.core.audit import Filters
from dragoman.core.errors import NotFound
from dragoman.web.account.sessions import products
from dragoman.web.admin.paging import PER_PAGE, Rows
from dragoman.web.pages import Answer, File, Page, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.database import AnyRow
    from dragoman.core.work import Core, Origin, UnitOfWork

PATH = "/admin/audit"
AT_A_TIME = 1000  # lines of a part of a file
FIELDS = (
    "id",
    "at",
    "event",
    "account",
    "actor",
    "acting_as",
    "via",
    "dialect",
    "address",
    "agent",
    "request_id",
)
# What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The newest lines first, of those that were asked for."""
    typed = _typed(visit)
    filters, problem = _filters(uow, typed)
    lines = audit.recent(uow, filters, before=_before(visit), limit=PER_PAGE + 1) if problem is None else []
    rows = Rows.of(visit, lines, lambda line: str(line.id))
    facts = {
        "typed": typed,
        "problem": problem,
        "rows": rows,
        "people": accounts.find_all(uow, _named(rows.shown)),
        "products": {**products(), "web": "These pages", "cli": "Command line"},
        "query": urlencode({name: value for name, value in typed.items() if value}),
    }
    return Shown("admin/audit.html", facts, 422 if problem else 200)


def _typed(visit: Visit) -> dict[str, str]:
    return {name: visit.asked(name).strip() for name in ("account", "dialect", "event", "since")}


def _filters(uow: UnitOfWork, typed: dict[str, str]) -> tuple[Filters, str | None]:
    """What was asked for, and what is wrong with it."""
    since = None
    if typed["since"]:
        try:
            since = datetime.fromisoformat(typed["since"]).replace(tzinfo=UTC)
        except ValueError:
            return audit.ALL, f"“{typed['since']}” is no date."
    number = None
    if typed["account"]:
        number = accounts.number_of(uow, typed["account"])
        if number is None:
            return audit.ALL, f"Nobody is called “{typed['account']}”."
    return Filters(number, typed["dialect"] or None, typed["event"] or None, since), None


def _before(visit: Visit) -> uuid.UUID | None:
    if not visit.asked("after"):
        return None
    try:
        return uuid.UUID(visit.asked("after"))
    except ValueError:
        raise NotFound("line of the audit log") from None


def _named(lines: Sequence[AnyRow]) -> set[int]:
    """The numbers of all accounts that some lines name."""
    return {
        number
        for line in lines
        for number in (line.account_number, line.actor_number, line.acting_as)
        if number is not None
    }


def export(uow: UnitOfWork, visit: Visit) -> Answer:
    """All lines that were asked for, as a file, the newest first."""
    kind = visit.parameters["kind"]
    if kind not in WRITERS:
        raise NotFound("kind of file")
    typed = _typed(visit)
    filters, problem = _filters(uow, typed)
    if problem is not None:
        raise NotFound("account")
    audit.record(uow, "audit log exported", by=visit.caller, kind=kind)
    media, header, write = WRITERS[kind]
    parts = _parts(visit.core, visit.origin, filters, header, write)
    return File(f"dragoman-audit-{uow.now:%Y-%m-%d}.{kind}", media, parts)


def _parts(
    core: Core, origin: Origin, filters: Filters, header: bytes, write: Callable[[dict[str, Any]], str]
) -> Iterator[bytes]:
    """A file, in parts of a thousand lines, each read in a unit of its own."""
    if header:
        yield header
    before = None
    while True:
        with core.begin(origin, writes=False) as uow:
            lines = audit.recent(uow, filters, before=before, limit=AT_A_TIME)
        if not lines:
            return
        yield "".join(write(audit.told(line)) for line in lines).encode("utf-8", "replace")
        before = lines[-1].id


def _in_csv(values: Sequence[Any]) -> str:
    """A line of RFC 4180, in which no spreadsheet finds a formula."""
    told = io.StringIO()
    texts = ["" if value is None else str(value) for value in values]
    csv.writer(told).writerow([f"'{text}" if text.startswith(FORMULA) else text for text in texts])
    return told.getvalue()


def _as_row(line: dict[str, Any]) -> str:
    return _in_csv([*(line[name] for name in FIELDS), json.dumps(line["detail"])])


def _as_json(line: dict[str, Any]) -> str:
    return f"{json.dumps(line)}\n"


WRITERS = {
    "csv": ("text/csv; charset=utf-8", _in_csv([*FIELDS, "detail"]).encode(), _as_row),
    "jsonl": ("application/jsonl", b"", _as_json),
}
PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Audit log"),
    Page("GET", f"{PATH}.{{kind}}", export, Who.ADMIN, Work.WRITES),  # that somebody did is on record
)
