"""Putting something else in the place of all that a database holds: wholly or not at all, while nobody uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, inspect, text

from dragoman.core.access_tokens import access_tokens
from dragoman.core.approvals import approvals
from dragoman.core.contents import tables_there
from dragoman.core.errors import DatabaseUnfit
from dragoman.core.invitations import invitations
from dragoman.core.outbox import outbox
from dragoman.core.resets import password_resets
from dragoman.core.sessions import sessions
from dragoman.core.setup_links import setup_links
from dragoman.core.sqlite import is_busy
from dragoman.core.tickets import tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dragoman.core.database import Database

# What opens something to whoever holds it and may have been ended since: sessions, with all that hangs on them,
# sign-ins that were approved, tickets and links; and mail, which was sent since.
OPEN = (sessions, approvals, tickets, password_resets, setup_links, invitations, access_tokens, outbox)
IN_USE = "the database is in use: stop what serves it, and try again"
# `pg_stat_activity` says less of other roles' processes, and the kind is among what it leaves out.
OTHERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND coalesce(backend_type, 'client backend') = 'client backend'
"""


class InUse(DatabaseUnfit):
    """Somebody has the database open."""


class HoldsAccounts(DatabaseUnfit):
    """There are accounts in the database, and nobody said that they may go."""


def end_what_is_open(db: Connection) -> None:
    """End every session, ticket and link, and let no mail wait. The schema may be an older one."""
    there = set(inspect(db).get_table_names())
    for table in OPEN:
        if table.name in there:
            db.execute(delete(table))


def replace_sqlite(file: Path, by: Path, *, replace: bool) -> None:
    """Put the content of the SQLite file `by` into the place of `file`'s, in one transaction.

    It is the same file afterwards, so whoever opens it meanwhile waits and sees the new content. Raises `InUse`,
    and `HoldsAccounts` unless it may `replace` them.
    """
    with (
        closing(sqlite3.connect(file, isolation_level=None, timeout=1)) as target,
        closing(sqlite3.connect(by)) as source,
    ):
        try:
            target.execute("PRAGMA synchronous=FULL")
            # Kept until this connection is closed. Nobody leaves the write-ahead log while others are in it.
            target.execute("PRAGMA locking_mode=EXCLUSIVE")
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise InUse(IN_USE) from error
            raise
        has_table = target.execute("SELECT count(*) FROM sqlite_master WHERE name = 'accounts'").fetchone()[0]
        if has_table and not replace and target.execute("SELECT count(*) FROM accounts").fetchone()[0]:
            raise _holds_accounts()
        target.execute("COMMIT")
        source.backup(target)


@contextmanager
def emptied_postgresql(database: Database, *, replace: bool) -> Iterator[Connection]:
    """A transaction in which a PostgreSQL database has no tables. Raises `InUse` and `HoldsAccounts`."""
    with database.writing() as db:
        if db.scalar(text(OTHERS)):
            raise InUse(IN_USE)
        # Whoever came after this question holds us up no longer than a moment.
        db.execute(text("SET LOCAL lock_timeout = '3s'"))
        there = tables_there(db)
        if (
            not replace
            and any(t.name == "accounts" for t in there)
            and db.scalar(text("SELECT 1 FROM accounts LIMIT 1"))
        ):
            raise _holds_accounts()
        for table in there:
            db.execute(text(f"DROP TABLE {db.dialect.identifier_preparer.format_table(table)} CASCADE"))
        yield db


def _holds_accounts() -> HoldsAccounts:
    return HoldsAccounts("the database holds accounts: --replace puts what the backup holds in their place")
