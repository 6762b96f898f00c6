"""Races for the tests: many threads that start together, and units of work that are held where they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, event

from dragoman.core.prepared import Prepared
from dragoman.core.work import Core

Result = TypeVar("Result")

WRITES = ("INSERT", "UPDATE", "DELETE")


def at_once(*jobs: Callable[[], Result]) -> list[Result | Exception]:
    """Run the jobs in as many threads, all let go together; what each returned or raised, in their order."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Result]) -> Result | Exception:
        gate.wait(10)
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - what went wrong is this job's outcome
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@contextmanager
def after_statements(core: Core, react: Callable[[str], None]) -> Iterator[None]:
    """While the body runs, call `react` with each statement once it has been executed, in its own thread."""

    def executed(_db: Any, _cursor: Any, statement: str, *_: Any) -> None:
        react(statement)

    run = Prepared._run

    def ran(prepared: Prepared, db: Connection, form: Any, *rest: Any) -> Any:
        outcome = run(prepared, db, form, *rest)
        if db.engine.pool is core.database.engine.pool:
            react(form.text)
        return outcome

    event.listen(core.database.engine, "after_cursor_execute", executed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Prepared, "_run", ran)  # SQLAlchemy hears nothing of these
        yield
    event.remove(core.database.engine, "after_cursor_execute", executed)


def is_write(statement: str) -> bool:
    """Whether a statement changes rows."""
    return statement.lstrip().upper().startswith(WRITES)
