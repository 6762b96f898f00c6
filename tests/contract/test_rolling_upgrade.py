"""A new version migrates the schema under an older one, which goes on serving and may be started again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import inspect
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.people import ALICE, somebody
from tests.running import Running, configured, running

from dragoman import migrations
from dragoman.client import TryLater
from dragoman.core.database import Database
from dragoman.dialects.immich import Client
from dragoman.migrations import HEAD, SchemaTooNew, bring_up

# What some later version may do while this one serves: it takes its time, and holds the tables meanwhile.
LATER = """
import time
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
oldest_program = "{oldest}"

def upgrade():
    op.add_column("accounts", sa.Column("later", sa.Integer()))
    op.add_column("sessions", sa.Column("later", sa.Integer(), server_default="7", nullable=False))
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    time.sleep(0.3)
"""


def migrate_later(url: str, versions: Path, *, oldest: str = HEAD) -> None:
    """Start a node of a later version, which still lets programs from `oldest` on work."""
    shutil.copytree(migrations.FOLDER / "versions", versions, ignore=shutil.ignore_patterns("__pycache__"))
    (versions / "9999_later.py").write_text(LATER.format(head=HEAD, oldest=oldest))
    database = Database(url, connections=2)
    assert bring_up(database, head="9999", versions=versions) == ["9999"]
    assert has_later(database)
    database.dispose()


def has_later(database: Database) -> bool:
    """Whether the later version's column is there."""
    with database.reading() as db:
        return "later" in {column["name"] for column in inspect(db).get_columns("accounts")}


class Visitor:
    """Signs in and asks who it is, over and over, and keeps count of what came of it."""

    def __init__(self, node: Running) -> None:
        self.answered = self.put_off = 0
        self._node = node
        self._stop = threading.Event()

    def visit(self) -> None:
        """One round. Anything but an answer and "come again" is an error."""
        with Client(f"{self._node.immich}") as client:
            try:
                client.login(email=ALICE, password=PASSWORD)
                assert client.get_my_user().email == ALICE
                client.update_my_user(name="Alice")
                self.answered += 1
            except TryLater:
                self.put_off += 1

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """Go on for as long as the body runs."""
        thread = threading.Thread(target=self._go_on)
        thread.start()
        yield
        self._stop.set()
        thread.join(30)

    def _go_on(self) -> None:
        while not self._stop.is_set():
            self.visit()


def test_an_older_version_serves_while_and_after_a_newer_one_migrates(
    database_url: str, tmp_path: Path
) -> None:
    """Before, during and after the migration the older node answers, and so it does when it is started again."""
    settings = configured(database_url, master_key=MASTER_KEY)
    with running(settings, cheap_hasher(), FakeClock()) as old:
        somebody(old.core)
        visitor = Visitor(old)
        for _ in range(6):  # by then the driver has prepared each statement
            visitor.visit()
        with visitor.visiting():
            migrate_later(database_url, tmp_path / "versions")
        before = visitor.answered
        visitor.visit()
        assert (visitor.answered, visitor.put_off) == (before + 1, 0)
        assert before > 6
    with running(settings, cheap_hasher(), FakeClock()) as again:
        visitor = Visitor(again)
        visitor.visit()
        assert visitor.answered == 1


def test_an_older_version_is_not_started_on_what_it_cannot_serve(database_url: str, tmp_path: Path) -> None:
    """Once a migration says that older versions cannot go on none is started, and nothing is changed."""
    migrate_later(database_url, tmp_path / "versions", oldest="9999")
    with (
        pytest.raises(SchemaTooNew, match="run the newer version"),
        running(configured(database_url, master_key=MASTER_KEY), cheap_hasher(), FakeClock()),
    ):
        pass
