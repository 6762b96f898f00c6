"""What goes between being found and being written, as another node of PostgreSQL can make it go.

On SQLite nobody writes in the middle of somebody else's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Table
from tests.fakes import ORIGIN, do
from tests.people import opened, rows, somebody
from tests.racing import after_statements, is_write

from dragoman.core import api_keys, session_ends, sessions
from dragoman.core.errors import NotFound
from dragoman.core.work import Core

ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@contextmanager
def emptied_once_read(core: Core, table: Table) -> Iterator[None]:
    """Somebody else deletes every row of a table as soon as it has been read from."""
    read: list[str] = []

    def delete(statement: str) -> None:
        if f"FROM {table.name}" in statement and not is_write(statement) and not read:
            read.append(statement)
            with core.database.writing() as db:
                db.execute(table.delete())

    with after_statements(core, delete):
        yield
    assert read


SESSION_USES: dict[str, Callable[..., Any]] = {
    "lock_one": sessions.lock_one,
    "end_one": session_ends.end_one,
}


@ON_POSTGRES
@pytest.mark.parametrize("use", SESSION_USES)
def test_a_session_that_goes_meanwhile_is_not_found(core: Core, use: str) -> None:
    """A session that another node ends between being found and being written is not found, and nothing is on record."""
    account = somebody(core)
    session, _ = opened(core, account)
    with emptied_once_read(core, sessions.sessions), pytest.raises(NotFound):
        do(core, SESSION_USES[use], account.number, ORIGIN.dialect, session.id)
    assert rows(core, sessions.sessions) == []


KEY_USES: dict[str, Callable[..., Any]] = {"change": api_keys.change, "rotate": api_keys.rotate}


@ON_POSTGRES
@pytest.mark.parametrize("use", KEY_USES)
def test_a_key_that_goes_meanwhile_is_not_found(core: Core, use: str) -> None:
    """A key that another node revokes between being found and being written is not found."""
    account = somebody(core)
    key, _ = do(core, api_keys.issue, account.number, "immich", name="key", permissions=["all"])
    with emptied_once_read(core, api_keys.api_keys), pytest.raises(NotFound):
        do(core, KEY_USES[use], account.number, "immich", key.id)
    assert rows(core, api_keys.api_keys) == []
