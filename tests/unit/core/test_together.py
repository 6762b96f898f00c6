"""Units that share a transaction: each by itself, all on the disk before anybody hears of it, or none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.fakes import ORIGIN, do
from tests.people import ALICE, BOB, events, rows

from dragoman.core import accounts, audit, together
from dragoman.core.accounts import NewAccount
from dragoman.core.errors import NotFound, Unavailable
from dragoman.core.together import Joint
from dragoman.core.work import Core, UnitOfWork

CAROL = "carol@example.org"


def adding(email: str) -> Callable[[UnitOfWork], int]:
    """A unit's work: add somebody; their number."""
    return lambda uow: accounts.add(uow, NewAccount(email=email), None).number


def refuse(uow: UnitOfWork) -> None:
    """Write something, note something else, and refuse."""
    adding(BOB)(uow)
    uow.evidence(audit.line(uow, "refused"))
    raise NotFound("anything")


def fail(uow: UnitOfWork) -> None:
    """Write something, and fall over."""
    adding(BOB)(uow)
    raise ZeroDivisionError


def fill_the_disk(uow: UnitOfWork) -> None:
    """Write more than there is room for."""
    uow.db.execute(text("PRAGMA max_page_count = 1"))
    uow.db.execute(text("CREATE TABLE large AS SELECT zeroblob(1000000)"))


def written(core: Core, *works: Callable[[UnitOfWork], Any]) -> list[Joint]:
    """What came of units that were written together."""
    joints = [Joint(ORIGIN, work) for work in works]
    together.write(core, joints)
    assert all(joint.is_over for joint in joints)
    return joints


def emails(core: Core) -> list[str]:
    """Whose accounts there are."""
    return sorted(row["email"] for row in rows(core, accounts.accounts))


def test_they_commit_once(sqlite_core: Core) -> None:
    """Each sees what was written before it and has its own answer, and there is one commit for all."""
    commits: list[object] = []
    event.listen(sqlite_core.database.engine, "commit", commits.append)
    first, second, third = written(
        sqlite_core, adding(ALICE), lambda uow: accounts.get(uow, "1").email, adding(BOB)
    )
    assert [first.outcome(), second.outcome(), third.outcome()] == [1, ALICE, 2]
    assert len(commits) == 1
    assert emails(sqlite_core) == [ALICE, BOB]


@pytest.mark.parametrize(
    ("work", "error", "evidence"), [(refuse, NotFound, ["refused"]), (fail, ZeroDivisionError, [])]
)
def test_what_one_leaves_is_as_if_it_were_alone(
    sqlite_core: Core, work: Callable[[UnitOfWork], None], error: type[Exception], evidence: list[str]
) -> None:
    """A refusal keeps its evidence and nothing else, an accident nothing; those before and after it are kept."""
    first, other, last = written(sqlite_core, adding(ALICE), work, adding(CAROL))
    with pytest.raises(error):
        other.outcome()
    assert (first.outcome(), last.outcome()) == (1, 2)
    assert emails(sqlite_core) == [ALICE, CAROL]
    assert sorted(events(sqlite_core)) == sorted(["account added", *evidence, "account added"])


def test_all_fail_with_their_transaction(sqlite_core: Core) -> None:
    """Where the database fails, nobody is told that something was written, and all are told to come again."""
    for joint in written(sqlite_core, adding(ALICE), fill_the_disk, adding(BOB)):
        with pytest.raises(Unavailable):
            joint.outcome()
    assert (emails(sqlite_core), events(sqlite_core)) == ([], [])
    assert do(sqlite_core, adding(ALICE)) == 1, "the next writer is none the worse"


def test_what_was_not_written_to_the_end_is_no_answer(sqlite_core: Core) -> None:
    """When a unit ends its thread, those of its transaction are not written, and do not pass for written."""
    joints = [Joint(ORIGIN, adding(ALICE)), Joint(ORIGIN, lambda _uow: sys.exit())]
    with pytest.raises(SystemExit):
        together.write(sqlite_core, joints)
    for joint in joints:
        with pytest.raises(RuntimeError):
            joint.outcome()
    assert emails(sqlite_core) == []


def test_what_was_known_of_whom_they_touch_is_not_believed(sqlite_core: Core) -> None:
    """Whose account a unit touched is noted by when it is over, a refused one's too."""
    number = do(sqlite_core, adding(ALICE))
    before = sqlite_core.changes.epoch

    def warn(uow: UnitOfWork) -> None:
        uow.evidence(audit.line(uow, "warned", account=number))
        raise NotFound("anything")

    written(sqlite_core, adding(BOB), warn)
    assert sqlite_core.changes.since(before, number)


def test_each_runs_in_its_callers_context(sqlite_core: Core) -> None:
    """What a caller bound to its context, such as a request's id for the log, is bound in its unit and in no other."""
    variable = ContextVar("variable", default="nobody's")
    joints = []
    for name in ("first", "second"):
        variable.set(name)
        joints.append(Joint(ORIGIN, lambda _uow: variable.get()))
    variable.set("the thread's")
    together.write(sqlite_core, joints)
    assert [joint.outcome() for joint in joints] == ["first", "second"]
