"""Mail that is on its way: kept with what it tells of, in one unit, and tried until it is taken.

Nobody waits for a mail server. What is posted is a row; a thread beside those that answer hands it over
(`deliver_next`), and again later if it was not taken, each time after twice the pause. A mail is taken twice only
if the process that handed it over died before it could say so; it is the same mail then, by its Message-ID.

Letters hold secrets, so they are sealed, and erased as soon as nobody is to be handed them any more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Uuid,
    and_,
    func,
    or_,
    select,
    update,
)

from dragoman.core import audit, names
from dragoman.core.accounts import accounts
from dragoman.core.columns import Instant, Number, Sealed, metadata
from dragoman.core.errors import NotFound, Throttled
from dragoman.core.mail import Letter, Mail, NotSent, PostAway, Undeliverable
from dragoman.core.tally import Figure

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.database import AnyRow
    from dragoman.core.mail import Mailer
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork

State = Literal["waiting", "delivered", "refused", "expired", "withdrawn"]
Outcome = Literal["nothing", "delivered", "failed", "away"]

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("letter", Sealed),  # none once nobody is to be handed it
    Column("state", String(16), nullable=False, index=True),
    Column("posted_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("due_at", Instant, index=True),  # none once it no longer waits
    Column("attempts", Integer, nullable=False),
    Column("why", String(300)),
    Column("shown_at", Instant),
    Column("finished_at", Instant, index=True),
    Index(None, "account_number", "posted_at"),
)

# RFC 5321 §4.5.4.1: whoever sends does not give up for four or five days.
LIFETIME = timedelta(days=5)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
# Longer than any conversation with a mail server: a mail that nobody reports on for so long is tried again.
LEASE = timedelta(minutes=10)
KEPT = timedelta(days=7)  # what became of a mail, without its letter
HOUR = timedelta(hours=1)
MOST_IN_AN_HOUR = 100  # of an account

MAILS = Figure("mails", "counter", "Mails by what came of them, each time they were tried", ("result",))


@dataclass(frozen=True)
class Posted:
    """A mail as it is on record, without its letter. Dates in UTC; `account_number`: whose mail it is."""

    id: uuid.UUID
    kind: str
    account_number: int
    recipient: str
    state: State
    posted_at: datetime
    until: datetime
    due_at: datetime | None
    attempts: int
    why: str | None
    finished_at: datetime | None


COLUMNS = tuple(outbox.c[name] for name in Posted.__dataclass_fields__)


def post(
    uow: UnitOfWork, letter: Letter, *, to: str, kind: str, of: int, until: datetime | None = None
) -> uuid.UUID:
    """Put a mail into the outbox; its id. It leaves once this unit has committed, and not after `until` or five days.

    `kind` says what it is for ("password reset"), `of` is the number of the account that it is about or that
    sends it. Refuses `NameRefused` (no address), and `Throttled`: an account has 100 in an hour.
    """
    recipient = names.checked_email(to)
    _require_few(uow, of)
    mail = uow.new_ordered_id()
    sealed = uow.sealer.seal(
        uow, json.dumps(asdict(letter)).encode(), table=outbox.name, column="letter", row=mail
    )
    last = uow.now + LIFETIME
    uow.db.execute(
        outbox.insert().values(
            id=mail,
            kind=kind,
            account_number=of,
            recipient=recipient,
            letter=sealed,
            state="waiting",
            posted_at=uow.now,
            until=min(until or last, last),
            due_at=uow.now,
            attempts=0,
        )
    )
    audit.record(uow, "mail posted", account=of, mail=str(mail), kind=kind)
    return mail


def _require_few(uow: UnitOfWork, number: int) -> None:
    o = outbox.c
    latest = select(o.posted_at).where(o.account_number == number, o.posted_at > uow.now - HOUR)
    hundredth: datetime | None = uow.db.scalar(
        latest.order_by(o.posted_at.desc()).offset(MOST_IN_AN_HOUR - 1).limit(1)
    )
    if hundredth is not None:
        raise Throttled(retry_after=hundredth + HOUR - uow.now)


def withdraw(uow: UnitOfWork, kind: str, of: int) -> int:
    """Erase the mails of a kind and an account that still wait; how many those were."""
    theirs = (outbox.c.kind == kind, outbox.c.account_number == of)
    return _finish(uow, "withdrawn", *theirs)


def withdraw_one(uow: UnitOfWork, mail: uuid.UUID) -> None:
    """Erase a mail if it still waits."""
    _finish(uow, "withdrawn", outbox.c.id == mail)


def has_work(uow: UnitOfWork) -> bool:
    """Whether a mail is due, or where none is handed over to be shown, or past its time. To be asked often."""
    is_next = _due(uow) if uow.tools.mailer is not None else _unshown(uow)
    return uow.db.scalar(select(outbox.c.id).where(or_(is_next, _past(uow))).limit(1)) is not None


def waiting(uow: UnitOfWork) -> int:
    """How many mails wait."""
    return uow.db.scalar(select(func.count()).select_from(outbox).where(_waits())) or 0


def counted(uow: UnitOfWork, *states: State) -> Mapping[State, int]:
    """How many mails of the last week are in these states. One that none is in is not there."""
    o = outbox.c
    query = select(o.state, func.count().label("mails")).where(o.state.in_(states)).group_by(o.state)
    return {row.state: row.mails for row in uow.db.execute(query)}


def expire(uow: UnitOfWork) -> int:
    """Give up what nobody took in its time; how many mails that were."""
    return _finish(uow, "expired", _past(uow))


def deliver_next(core: Core, origin: Origin) -> Outcome:
    """Hand over the mail that has been due for longest, with no connection held meanwhile. What came of it.

    `away`: nobody takes any mail now. Without a way to hand mail over, nothing is touched.
    """
    if core.tools.mailer is None:
        return "nothing"
    outcome = _deliver_next(core, core.tools.mailer, origin)
    if outcome != "nothing":
        core.tally.count(MAILS, outcome)
    return outcome


def _deliver_next(core: Core, mailer: Mailer, origin: Origin) -> Outcome:
    # What is forgotten with the power is that the mail was tried.
    with core.begin(origin, writes=True, durable=False) as uow:
        claimed = _claim(uow)
    if claimed is None:
        return "nothing"
    # After the claim: a letter that does not open keeps no other from being handed over.
    with core.begin(origin, writes=False) as uow:
        mail = _opened(uow, claimed)
    try:
        mailer(mail)
    except NotSent as failure:
        with core.begin(origin, writes=True) as uow:
            _not_taken(uow, claimed, failure)
        return "away" if isinstance(failure, PostAway) else "failed"
    with core.begin(origin, writes=True) as uow:
        _finish(uow, "delivered", outbox.c.id == mail.id)
    return "delivered"


def show_next(uow: UnitOfWork) -> Mail | None:
    """The oldest mail that nobody was shown yet, where mail is read on the console. It goes on waiting."""
    row = _take_first(uow, _unshown(uow), shown_at=uow.now)
    return None if row is None else _opened(uow, row)


def listed(
    uow: UnitOfWork, state: State | None = None, *, before: uuid.UUID | None = None, limit: int = 100
) -> Sequence[Posted]:
    """The newest mails, of a state or of all, the newest first; only those older than the one `before`."""
    query = select(*COLUMNS).order_by(outbox.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(outbox.c.id < before)
    if state is not None:
        query = query.where(outbox.c.state == state)
    return [Posted(*row) for row in uow.db.execute(query)]


def read(uow: UnitOfWork, mail: uuid.UUID) -> Mail:
    """A mail that waits, with its letter, for the operator; on record. Refuses `NotFound`."""
    row = uow.db.execute(select(*outbox.c).where(outbox.c.id == mail, _waits())).one_or_none()
    if row is None:
        raise NotFound("waiting mail")
    audit.record(uow, "mail read", account=row.account_number, mail=str(mail), kind=row.kind)
    return _opened(uow, row)


def retry(uow: UnitOfWork, mail: uuid.UUID | None = None) -> int:
    """Make a mail, or all that wait, due now; how many those are. Refuses `NotFound` for one that does not wait."""
    chosen = _waits() if mail is None else and_(_waits(), outbox.c.id == mail)
    made_due = uow.db.execute(update(outbox).where(chosen).values(due_at=uow.now)).rowcount
    if mail is not None and not made_due:
        raise NotFound("waiting mail")
    return made_due


def give_up(uow: UnitOfWork, mail: uuid.UUID, *, by: Principal) -> None:
    """Hand a mail to nobody, and erase what it says. Refuses `NotFound` when it does not wait."""
    of: int | None = uow.db.scalar(select(outbox.c.account_number).where(outbox.c.id == mail))
    if of is None or not _finish(uow, "withdrawn", outbox.c.id == mail):
        raise NotFound("waiting mail")
    audit.record(uow, "mail given up", account=of, by=by, mail=str(mail))


def _claim(uow: UnitOfWork) -> AnyRow | None:
    """The mail that has been due for longest, for this process alone until the lease ends."""
    return _take_first(uow, _due(uow), attempts=outbox.c.attempts + 1, due_at=uow.now + LEASE)


def _take_first(uow: UnitOfWork, which: ColumnElement[bool], **values: Any) -> AnyRow | None:
    """Change the one of these mails that has been due for longest, unless another process has it in hand."""
    first = select(outbox.c.id).where(which).order_by(outbox.c.due_at).limit(1)
    mine = outbox.c.id == first.with_for_update(skip_locked=True).scalar_subquery()
    return uow.db.execute(update(outbox).where(mine).values(**values).returning(*outbox.c)).one_or_none()


def _opened(uow: UnitOfWork, row: AnyRow) -> Mail:
    letter = uow.sealer.open(uow, row.letter, table=outbox.name, column="letter", row=row.id)
    return Mail(row.id, row.recipient, row.posted_at, Letter(**json.loads(letter)))


def _not_taken(uow: UnitOfWork, claimed: AnyRow, failure: NotSent) -> None:
    # Unless its lease ended meanwhile, and somebody else has it in hand.
    mine = (outbox.c.id == claimed.id, outbox.c.attempts == claimed.attempts)
    why = str(failure)[:300]
    if isinstance(failure, Undeliverable):
        if _finish(uow, "refused", *mine, why=why):
            audit.record(
                uow, "mail refused", account=claimed.account_number, mail=str(claimed.id), kind=claimed.kind
            )
        return
    pause = min(FIRST_PAUSE * 2 ** min(claimed.attempts - 1, 16), LONGEST_PAUSE)
    uow.db.execute(update(outbox).where(*mine, _waits()).values(due_at=uow.now + pause, why=why))


def _finish(uow: UnitOfWork, state: State, *which: ColumnElement[bool], why: str | None = None) -> int:
    """End the waiting of mails, and erase their letters; how many those were."""
    ended = {"state": state, "letter": None, "due_at": None, "finished_at": uow.now}
    told = {} if why is None else {"why": why}
    return uow.db.execute(update(outbox).where(*which, _waits()).values(**ended, **told)).rowcount


def _waits() -> ColumnElement[bool]:
    return outbox.c.due_at.is_not(None)


def _due(uow: UnitOfWork) -> ColumnElement[bool]:
    return and_(outbox.c.due_at <= uow.now, outbox.c.until > uow.now)


def _unshown(uow: UnitOfWork) -> ColumnElement[bool]:
    return and_(_due(uow), outbox.c.shown_at.is_(None))


def _past(uow: UnitOfWork) -> ColumnElement[bool]:
    return and_(_waits(), outbox.c.until <= uow.now)


def is_forgotten(now: datetime) -> ColumnElement[bool]:
    """What need no longer be on record."""
    return outbox.c.finished_at <= now - KEPT
