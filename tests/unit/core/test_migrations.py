"""The schema is brought up to date at start, wholly or not at all, by one process of any number."""

from __future__ import annotations

import fcntl
import re
import shutil
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError
from tests.postgres import fresh_postgres

from dragoman import migrations
from dragoman.core.columns import say_where
from dragoman.core.database import Database
from dragoman.core.errors import DatabaseUnfit
from dragoman.core.tables import metadata
from dragoman.migrations import ADVISORY_LOCK, HEAD, SchemaBusy, SchemaTooNew, bring_up, revision_of

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
REVISIONS = sorted(file.name[:4] for file in (migrations.FOLDER / "versions").glob("[0-9]*.py"))

# The next revision, as some later version may have it: a table, a row in it, and then what a test wants.
NEXT = """
import os, signal
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
oldest_program = "{oldest}"

def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO later VALUES (1)")
    {then}
"""

WHAT_POSTGRESQL_HAS = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || udt_name || ' '
    || coalesce(character_maximum_length::text, '-') || ' ' || is_nullable || ' ' || coalesce(column_default, '-')
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database, closed afterwards."""
    database = Database(url, connections=4)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def empty_url(engine: str, folder: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'dragoman.db'}"
    else:
        with fresh_postgres(migrated=False) as url:
            yield url


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, on each engine."""
    with empty_url(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with nothing in it, on each engine."""
    with opened(url) as database:
        yield database


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """An SQLite database with nothing in it."""
    with empty_url("sqlite", tmp_path) as url, opened(url) as database:
        yield database


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The folder of revisions, to be added to."""
    copied = tmp_path / "versions"
    shutil.copytree(migrations.FOLDER / "versions", copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def add_revision(versions: Path, then: str, *, oldest: str = "9999") -> None:
    """Add the next revision, or mend it. `oldest` is the oldest program that goes on working."""
    (versions / "9999_later.py").write_text(NEXT.format(head=HEAD, then=then, oldest=oldest))


def tables(database: Database) -> set[str]:
    """The names of the tables there are."""
    with database.reading() as db:
        return set(inspect(db).get_table_names())


def revision(database: Database) -> str | None:
    """The revision that the schema is at."""
    with database.reading() as db:
        return revision_of(db)


def start(url: str, program: str) -> subprocess.Popen[str]:
    """A fresh interpreter that runs a line of Python, with `database` open, once its stdin is closed."""
    lines = [
        "import pathlib, sys",
        "from dragoman.core.database import Database",
        "from dragoman.migrations import bring_up",
        "database = Database(sys.argv[1])",
        "sys.stdin.read()",
        program,
        "database.dispose()",
    ]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", "\n".join(lines), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(url: str, program: str) -> str:
    """What a fresh interpreter prints that runs a line of Python with `database` open."""
    return start(url, program).communicate(timeout=60)[0]


def test_an_empty_database_is_brought_up(database: Database) -> None:
    """An empty database gets every table of the core; at the next start there is nothing to do."""
    assert bring_up(database)[-1] == HEAD
    assert tables(database) == {*metadata.tables, "alembic_version"}
    assert revision(database) == HEAD
    assert bring_up(database) == []


def test_a_first_start_logs_what_it_applies(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Each revision that is applied is a line in the log, and what Alembic assumes of the database is none."""
    with caplog.at_level("INFO"):
        applied = bring_up(database)
    said = [
        record.message for record in caplog.records if record.name.startswith("alembic.runtime.migration")
    ]
    assert applied == REVISIONS
    assert [line.split(",")[0].split("-> ") for line in said] == [
        [f"Running upgrade {before} ", revision]
        for before, revision in zip(["", *applied], applied, strict=False)
    ]


def test_alembic_finds_nothing_to_add(database: Database) -> None:
    """The migrations arrive at the tables that the core's modules describe, as Alembic compares them."""
    bring_up(database)
    with database.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_schema_is_the_described_one_to_the_letter(engine: str, tmp_path: Path) -> None:
    """Migrated and described, the schemas are the same in every name, type, default, key and index."""
    (tmp_path / "described").mkdir()
    found = []
    for make in (bring_up, create_described):
        (tmp_path / make.__name__).mkdir()
        with empty_url(engine, tmp_path / make.__name__) as url, opened(url) as database:
            make(database)
            with database.reading() as db:
                found.append(what_is_in(db))
    migrated, described = found
    assert migrated == described


def create_described(database: Database) -> None:
    """Create the tables straight from their descriptions."""
    with database.writing() as db:
        say_where(db)
        metadata.create_all(db)


def what_is_in(db: Connection) -> list[str]:
    """Everything that the engine's own catalogue says of a schema, Alembic's table aside."""
    if db.dialect.name == "postgresql":
        return sorted(line for line in db.scalars(text(WHAT_POSTGRESQL_HAS)) if "alembic_version" not in line)
    found = []
    for name, sql in db.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")):
        if name != "alembic_version":
            # In what order columns and constraints stand says nothing, nor does the line: SQLite writes what is added
            # to a table that there is behind its last column.
            lines = re.split(r"\s*,?\s*\n\s*|, (?=\w+ [A-Z])", sql)
            found += [f"{name}: {line}" for line in lines]
    return sorted(found)


def test_head_is_alembics_head() -> None:
    """The revision that a start compares with is the newest one in the folder, and the only head."""
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(migrations.FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_developer_drafts_a_revision_with_alembic(database: Database, versions: Path) -> None:
    """Alembic's own commands work on a database that is named, and draft a revision that applies."""
    bring_up(database)
    url = database.url.render_as_string(hide_password=False)
    config = Config(cmd_opts=Namespace(x=[f"database={url}"]), stdout=StringIO())
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(migrations.FOLDER))
    config.set_main_option("version_locations", str(versions))
    command.check(config)
    with database.writing() as db:
        db.execute(text("DROP INDEX ix_audit_log_at"))
    drafted = command.revision(config, "Index the log again", autogenerate=True, rev_id="9999")
    assert isinstance(drafted, Script)
    assert drafted.doc == "Index the log again."
    assert bring_up(database, head="9999", versions=versions) == ["9999"]
    command.check(config)


def test_a_current_schema_costs_no_alembic(url: str) -> None:
    """A process that finds the schema current imports neither Alembic nor Mako; one that does not, does."""
    program = "print(len(bring_up(database)), 'alembic' in sys.modules, 'mako' in sys.modules)"
    assert run(url, program) == f"{len(REVISIONS)} True True\n"
    assert run(url, program) == "0 False False\n"


def test_a_failing_migration_leaves_the_schema_as_it_was(database: Database, versions: Path) -> None:
    """Whatever a migration raises half-way, nothing of it stays, and the mended one applies."""
    bring_up(database)
    before = tables(database)
    add_revision(versions, "op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(DatabaseError):
        bring_up(database, head="9999", versions=versions)
    assert (tables(database), revision(database)) == (before, HEAD)
    add_revision(versions, "op.execute('INSERT INTO later VALUES (2)')")
    assert bring_up(database, head="9999", versions=versions) == ["9999"]
    assert (tables(database), revision(database)) == ({*before, "later"}, "9999")


def test_a_killed_migration_leaves_the_schema_as_it_was(url: str, versions: Path) -> None:
    """A process killed in the middle of its first migration leaves nothing, and no lock."""
    add_revision(versions, "os.kill(os.getpid(), signal.SIGKILL)")
    killed = start(url, f"bring_up(database, head='9999', versions=pathlib.Path({str(versions)!r}))")
    assert killed.communicate(timeout=60)[0] == ""
    assert killed.returncode == -signal.SIGKILL
    with opened(url) as database:
        assert tables(database) == set()
        assert bring_up(database, patience=10)[-1] == HEAD


def test_of_many_that_start_at_once_one_migrates(url: str) -> None:
    """Processes that start at once on an empty database all find it current, and one made it so."""
    started = [start(url, "print(len(bring_up(database)))") for _ in range(4)]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()  # and off they go
        process.stdin = None
    said = sorted(process.communicate(timeout=60)[0] for process in started)
    assert said == ["0\n", "0\n", "0\n", f"{len(REVISIONS)}\n"]


def test_a_schema_of_a_newer_program_is_refused(database: Database, versions: Path) -> None:
    """An older program leaves a newer schema alone that it cannot work on, and says which revision that is."""
    add_revision(versions, "pass")
    bring_up(database, head="9999", versions=versions)
    before = tables(database)
    with pytest.raises(SchemaTooNew, match=rf"at revision 9999.*{HEAD} and before"):
        bring_up(database)
    assert (tables(database), revision(database)) == (before, "9999")


def test_a_schema_of_a_newer_program_is_good_for_those_that_it_names(
    database: Database, versions: Path
) -> None:
    """A program starts on a newer schema that names it, or one before it, as the oldest to go on working; it changes nothing."""
    add_revision(versions, "pass", oldest=HEAD)
    bring_up(database, head="9999", versions=versions)
    assert bring_up(database) == []
    assert bring_up(database, head="5000") == []
    assert revision(database) == "9999"
    with pytest.raises(SchemaTooNew):
        bring_up(database, head="0000")


def test_the_newest_revision_says_who_goes_on_working(database: Database, versions: Path) -> None:
    """What an earlier revision said of older programs is over with the one that needs newer ones."""
    add_revision(versions, "pass", oldest=HEAD)
    bring_up(database, head="9998", versions=renumbered(versions))
    assert bring_up(database) == []
    add_revision(versions, "op.create_table('last', sa.Column('id', sa.Integer()))")
    last = versions / "9999_later.py"
    last.write_text(
        re.sub(r"down_revision = .*", 'down_revision = "9998"', last.read_text()).replace("later", "latest")
    )
    assert bring_up(database, head="9999", versions=versions) == ["9999"]
    with pytest.raises(SchemaTooNew):
        bring_up(database)


def renumbered(versions: Path) -> Path:
    """The same folder, with its last revision called 9998."""
    last = versions / "9999_later.py"
    (versions / "9998_later.py").write_text(last.read_text().replace("9999", "9998"))
    last.unlink()
    return versions


def test_a_schema_that_names_nobody_is_refused(database: Database, versions: Path) -> None:
    """Where a newer schema says nothing of older programs they leave it alone."""
    add_revision(versions, "pass", oldest=HEAD)
    bring_up(database, head="9999", versions=versions)
    with database.writing() as db:
        db.execute(text("ALTER TABLE alembic_version DROP COLUMN oldest_program"))
    with pytest.raises(SchemaTooNew):
        bring_up(database)


def test_every_revision_names_the_oldest_program_that_goes_on_working() -> None:
    """It is a revision of ours, no newer than the one that names it, and never older than what the one before named."""
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(migrations.FOLDER))
    ours = [script.module for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    names = [module.revision for module in ours]
    named = [module.oldest_program for module in ours]
    assert all(re.fullmatch(r"\d{4}", name) for name in names)
    assert named == sorted(named)
    assert all(oldest in names and oldest <= name for name, oldest in zip(names, named, strict=True))


def test_waiting_for_another_migration_ends(database: Database) -> None:
    """Who waits longer than the patience for another process's migration is told so, and changes nothing."""
    with another_migrating(database):
        with pytest.raises(SchemaBusy, match="another process"):
            bring_up(database, patience=0.2)
        assert tables(database) == set()
    assert bring_up(database, patience=0.2)[-1] == HEAD


def test_waiting_for_another_migration_pays(database: Database) -> None:
    """Who waits for another process's migration within the patience finds the schema current."""
    applied: list[list[str]] = []
    with another_migrating(database):
        waiting = threading.Thread(target=lambda: applied.append(bring_up(database, patience=30)))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert applied[0][-1] == HEAD


def test_waiting_for_a_server_at_work_ends(database: Database, versions: Path) -> None:
    """A migration waits no longer than the patience for what another process, not yet stopped, is at."""
    bring_up(database)
    add_revision(versions, "op.add_column('accounts', sa.Column('later', sa.Integer()))")
    with database.writing() as db:
        db.execute(text("SELECT * FROM accounts"))
        with pytest.raises(SchemaBusy, match="holding what the migration needs"):
            bring_up(database, head="9999", versions=versions, patience=0.2)
    assert bring_up(database, head="9999", versions=versions, patience=0.2) == ["9999"]


@contextmanager
def another_migrating(database: Database) -> Iterator[None]:
    """The lock held that a migrating process holds."""
    if database.is_sqlite:
        with closing(database.file.with_name("dragoman.db.migrate").open("w")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        with database.engine.begin() as db:
            db.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            yield


ACCOUNT = """INSERT INTO accounts (number, id, username, display_name, created_at, updated_at, attributes)
VALUES (7, 'a', 'ada', 'Ada', 0, 0, '{}')"""


def test_replacing_a_table_keeps_what_refers_to_it(sqlite: Database, versions: Path) -> None:
    """On SQLite a changed table is a new one in its place; the rows that refer to it stay, and are guarded."""
    bring_up(sqlite)
    with sqlite.writing() as db:
        db.execute(text(ACCOUNT))
        db.execute(text("INSERT INTO account_names VALUES ('ada', 7, 'username')"))
    add_revision(
        versions,
        "with op.batch_alter_table('accounts', recreate='always') as b: b.alter_column('email', new_column_name='mail')",
    )
    bring_up(sqlite, head="9999", versions=versions)
    with sqlite.writing() as db:
        assert db.execute(text("SELECT username, mail FROM accounts")).all() == [("ada", None)]
        assert db.scalars(text("SELECT folded FROM account_names")).all() == ["ada"]
        db.execute(text("DELETE FROM accounts"))
        assert db.scalars(text("SELECT folded FROM account_names")).all() == []


def test_a_migration_may_not_leave_rows_that_refer_to_nothing(sqlite: Database, versions: Path) -> None:
    """On SQLite, where foreign keys are off while migrating, they are checked before the commit."""
    bring_up(sqlite)
    add_revision(versions, "op.execute(\"INSERT INTO account_names VALUES ('ada', 7, 'username')\")")
    with pytest.raises(DatabaseUnfit, match=r"refer to nothing.*account_names"):
        bring_up(sqlite, head="9999", versions=versions)
    assert revision(sqlite) == HEAD
