"""Everything moves from one engine to the other, in pieces if need be, and nothing is believed that was not compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from tests.command import Command
from tests.fakes import ORIGIN, PASSWORD, FakeClock, cheap_hasher, rules
from tests.filled import fill
from tests.people import ALICE, opened, presenting, sealing, somebody
from tests.postgres import fresh_postgres

from dragoman import migrations
from dragoman.core import contents
from dragoman.core.accounts import accounts
from dragoman.core.copying import CopyDiffers, last_given, numbered_columns
from dragoman.core.database import Database
from dragoman.core.errors import DatabaseUnfit
from dragoman.core.tables import metadata
from dragoman.core.work import Core, Tools
from dragoman.migrations import Unfinished
from dragoman.moving import TargetInUse, move

WAYS = [
    pytest.param(("sqlite", "postgresql"), marks=pytest.mark.postgres, id="to-postgresql"),
    pytest.param(("postgresql", "sqlite"), marks=pytest.mark.postgres, id="to-sqlite"),
]


@contextmanager
def empty(engine: str, file: Path, *, migrated: bool) -> Iterator[Database]:
    """A database of an engine, with the schema or with nothing."""
    with ExitStack() as stack:
        if engine == "sqlite":
            url = f"sqlite:///{file}"
        else:
            url = stack.enter_context(fresh_postgres(migrated=migrated))
        database = Database(url, connections=2)
        stack.callback(database.dispose)
        if migrated:
            migrations.bring_up(database)
        yield database


@pytest.fixture(params=WAYS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """A database with rows in every table, and one of the other engine with nothing, not even a table."""
    here, there = request.param
    with (
        empty(here, tmp_path / "from.db", migrated=True) as source,
        empty(there, tmp_path / "to.db", migrated=False) as target,
    ):
        fill(source)
        yield source, target


@pytest.fixture
def sqlite_pair(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """The same on SQLite alone, for what no engine can change."""
    with (
        empty("sqlite", tmp_path / "from.db", migrated=True) as source,
        empty("sqlite", tmp_path / "to.db", migrated=False) as target,
    ):
        fill(source)
        yield source, target


def held(database: Database) -> dict[str, contents.Content]:
    """What each table holds."""
    with database.reading() as db:
        return contents.contents(db, metadata.sorted_tables)


def test_everything_arrives(pair: tuple[Database, Database]) -> None:
    """Each table holds the same afterwards, and numbers of rows that are gone are not given again."""
    source, target = pair
    told: list[tuple[str, int]] = []
    moved = move(source, target, lambda table, rows: told.append((table, rows)))
    assert held(target) == held(source) == moved
    assert sum(rows for _, rows in told) == sum(content.rows for content in moved.values())
    assert migrations.revision(target) == migrations.HEAD
    with source.reading() as left, target.reading() as arrived:
        for column in numbered_columns():
            assert last_given(arrived, column) >= last_given(left, column)
        assert last_given(arrived, accounts.c.number) > arrived.scalar(
            text("SELECT max(number) FROM accounts")
        )


def test_a_copy_of_another_installation_is_not_gone_on_with(
    sqlite_pair: tuple[Database, Database], tmp_path: Path
) -> None:
    """What was begun from one installation is not ended from another."""
    source, target = sqlite_pair

    def stop(table: str, _rows: int) -> None:
        if table == "api_keys":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(source, target, stop)
    with empty("sqlite", tmp_path / "another.db", migrated=True) as another:
        fill(another, rows=2)
        with another.writing() as db:
            db.execute(text("UPDATE data_keys SET id = 'another' || number"))
        before = held(target)
        with pytest.raises(Unfinished):
            move(another, target)
    assert held(target) == before


def test_a_target_that_holds_something_is_refused(sqlite_pair: tuple[Database, Database]) -> None:
    """A database with as much as one row is left as it is, also when it is a copy that was ended."""
    source, target = sqlite_pair
    migrations.bring_up(target)
    with target.writing() as db:
        db.execute(text("INSERT INTO installation (id, installed_at) VALUES (1, 0)"))
    with pytest.raises(TargetInUse):
        move(source, target)
    with target.writing() as db:
        db.execute(text("DELETE FROM installation"))
    move(source, target)
    with source.writing() as db:
        db.execute(text("DELETE FROM audit_log"))
    with pytest.raises(TargetInUse):
        move(source, target)
    assert held(target)["audit_log"].rows


def change_a_name(db: Connection) -> None:
    """One value."""
    db.execute(text("UPDATE accounts SET display_name = 'x' WHERE number = 1"))


def lose_a_row(db: Connection) -> None:
    """One row less."""
    db.execute(text("DELETE FROM audit_log WHERE event LIKE 'B%'"))


@pytest.mark.parametrize("meddle", [change_a_name, lose_a_row])
def test_what_differs_is_named_and_not_served(sqlite_pair: tuple[Database, Database], meddle: Any) -> None:
    """A target that somebody else has written to is found out by the comparison, and stays out of use."""
    source, target = sqlite_pair

    def watch(table: str, rows: int) -> None:
        if table == "standing_sessions" and rows:
            with target.writing() as db:
                meddle(db)

    with pytest.raises(CopyDiffers, match=r"accounts|audit_log"):
        move(source, target, watch)
    with pytest.raises(Unfinished):
        migrations.bring_up(target)


def test_a_source_of_another_version_is_refused(sqlite_pair: tuple[Database, Database]) -> None:
    """What is copied has the schema of this version; another is brought up first, or left to its own."""
    source, target = sqlite_pair
    migrations.set_revision(source, "0000")
    with pytest.raises(DatabaseUnfit, match="dragoman migrate"):
        move(source, target)


@pytest.mark.postgres
def test_people_and_their_sessions_move(tmp_path: Path, clock: FakeClock) -> None:
    """Who was signed in on SQLite is so on PostgreSQL, what was sealed opens, and the next account has a new number."""
    with (
        empty("sqlite", tmp_path / "from.db", migrated=True) as source,
        empty("postgresql", tmp_path / "to.db", migrated=False) as target,
    ):
        here = sealing(Core(source, Tools(cheap_hasher(), clock=clock), rules()))
        alice = somebody(here)
        _, secret = opened(here, alice)
        with here.begin(ORIGIN, writes=True) as uow:
            sealed = uow.sealer.seal(uow, b"seed", table="totp_factors", column="seed", row=1)
        move(source, target)
        there = Core(target, here.tools, here.rules)
        assert presenting(there, secret).account.id == alice.id
        with there.begin(ORIGIN, writes=False) as uow:
            assert uow.sealer.open(uow, sealed, table="totp_factors", column="seed", row=1) == b"seed"
        assert somebody(there, "bob@example.org").number == alice.number + 1


@pytest.mark.postgres
def test_the_command_copies_and_says_what(command: Command) -> None:
    """`dragoman db copy` prints what each table holds, and which master key is needed, and no secret."""
    assert command("account", "add", "--email", ALICE, "--password-stdin", stdin=PASSWORD).code == 0
    with fresh_postgres(migrated=False) as url:
        source = "sqlite:///data/dragoman.db"
        ended = command("db", "copy", source, url)
        assert ended.code == 0, ended.err
        assert "accounts" in ended.out
        assert "and compared every row" in ended.out
        assert "needs the master key" in ended.err
        assert "argon2" not in ended.out + ended.err
        again = command("db", "copy", source, url)
        assert (again.code, again.err) == (
            3,
            "dragoman: the target holds an installation already: a copy goes into an empty database\n",
        )


def test_the_command_refuses_passwords_among_its_arguments(command: Command) -> None:
    """A password in a URL, one database twice, and what is no database are wrong usage, and no password is shown."""
    source = "sqlite:///data/dragoman.db"
    for target, said in (
        ("postgresql://me:hush@db/x", "--to-password-file"),
        (source, "the same database"),
        ("mysql://db/x", "must be sqlite:///PATH"),
    ):
        ended = command("db", "copy", source, target)
        assert ended.code == 2
        assert said in ended.err
        assert "hush" not in ended.err
