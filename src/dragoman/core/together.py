"""Units of work that share a transaction: each by itself while it runs, and all of them on the disk at once.

On SQLite one unit writes at a time. To begin, to commit and to wait for the disk costs as much as a small unit does
itself, so those that wait for their turn take it together. Each has a savepoint: a refusal leaves its evidence and an
accident nothing, as in a transaction of their own. Nobody may be told anything before `write` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from dragoman.core.errors import Refusal
from dragoman.core.work import answering, is_away

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dragoman.core.work import Core, Origin, UnitOfWork


@dataclass(eq=False)
class Joint:
    """A unit that is to be written with others: where it comes from, what it does and in whose context.

    What came of it is its `answer`, or `error`, once it is over.
    """

    origin: Origin
    work: Callable[[UnitOfWork], Any]
    context: Context = field(default_factory=copy_context)
    is_over: bool = False
    answer: Any = None
    error: Exception | None = None

    def outcome(self) -> Any:
        """The answer. Raises the error, and `RuntimeError` if it was not written to the end."""
        if not self.is_over:
            raise RuntimeError("a unit of the same transaction ended its thread")
        if self.error is not None:
            raise self.error
        return self.answer


def write(core: Core, joints: Sequence[Joint]) -> None:
    """Run them one after the other in one transaction of SQLite's. Then each is over.

    If the transaction fails, they all do.
    """
    touched: set[int] = set()
    try:
        with answering(), core.database.writing() as db:
            for joint in joints:
                touched |= _run(core, db, joint)
    except Exception as error:  # noqa: BLE001 - it belongs to those who wait for their answers
        for joint in joints:
            joint.error = error
    core.changes.note(touched)
    for joint in joints:
        joint.is_over = True


def _run(core: Core, db: Connection, joint: Joint) -> set[int]:
    """One of them; the accounts that it touches. Raises what is wrong with the database."""
    driver: Any = db.connection.dbapi_connection  # to tell SQLAlchemy costs ten times as much
    driver.execute("SAVEPOINT joint")
    uow = core.unit(db, joint.origin, writes=True)
    try:
        joint.answer = joint.context.run(_worked, core, joint, uow)
    except Exception as error:
        if isinstance(error, DBAPIError) and is_away(error):
            raise  # what SQLite has left of the transaction, nobody knows
        joint.error = error
        driver.execute("ROLLBACK TO joint")
        if isinstance(error, Refusal):
            for statement in uow.kept:
                db.execute(statement)
    driver.execute("RELEASE joint")
    return uow.touched


def _worked(core: Core, joint: Joint, uow: UnitOfWork) -> Any:
    with core.around_unit("write", core.database.engine.name):
        return joint.work(uow)
