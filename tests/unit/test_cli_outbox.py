"""The command line's verbs about mail: `outbox`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tests.command import Command
from tests.fakes import do
from tests.people import ALICE, somebody

from dragoman.building import dialect_models, make_core
from dragoman.core import outbox
from dragoman.core.mail import Letter
from dragoman.core.work import Core
from dragoman.settings import load

LETTER = Letter("A secret", "It is hunter2,\nand \x1b[2J no other.\n", "<p>It is hunter2.</p>")


@pytest.fixture
def core(command: Command) -> Iterator[Core]:
    """The core on the same database, with Alice."""
    told = {"database": {"url": f"sqlite:///{command.folder}/data/dragoman.db"}}
    made = make_core(load(None, command.environ, overrides=told, dialect_models=dialect_models()))
    somebody(made)
    yield made
    made.database.dispose()


@pytest.fixture
def mail(core: Core) -> UUID:
    """A mail to Alice that waits."""
    posted: UUID = do(core, outbox.post, LETTER, to=ALICE, kind="test", of=1)
    return posted


def test_the_list_says_nothing_of_what_mail_says(command: Command, mail: UUID) -> None:
    """Who is written, what for and what became of it is listed, for people and for programs; no letter is."""
    shown, listed = command("outbox", "list"), command("outbox", "list", "--json")
    assert ALICE in shown.out
    (only,) = listed.json
    assert (only["id"], only["kind"], only["account"]) == (str(mail), "test", 1)
    assert (only["recipient"], only["state"], only["attempts"], only["why"]) == (ALICE, "waiting", 0, None)
    assert "hunter2" not in shown.out + listed.out
    assert command("outbox", "list", "--state", "delivered", "--json").json == []


def test_an_operator_reads_a_mail_and_that_is_on_record(command: Command, mail: UUID) -> None:
    """`outbox show` prints a mail that waits, without what a terminal would obey, and the audit log says who did."""
    shown = command("outbox", "show", str(mail)).out
    assert shown.splitlines() == [
        f"To       {ALICE}",
        "Subject  A secret",
        "",
        "It is hunter2,",
        "and \\x1b[2J no other.",
    ]
    told = command("outbox", "show", str(mail), "--json").json
    assert told == {"recipient": ALICE, "subject": "A secret", "text": LETTER.text}
    assert "mail read" in command("audit").out


def test_a_mail_is_tried_at_once(command: Command, core: Core, mail: UUID) -> None:
    """`outbox retry` makes one mail due, or all that wait."""
    with core.database.writing() as db:
        later = core.tools.clock() + timedelta(hours=1)
        db.execute(outbox.outbox.update().values(due_at=later))
    assert command("outbox", "retry", str(mail)).out == "1 mail is due now.\n"
    (only,) = do(core, outbox.listed)
    assert only.due_at is not None
    assert only.due_at < later
    do(core, outbox.post, LETTER, to=ALICE, kind="test", of=1)
    assert command("outbox", "retry", "--all").out == "2 mails are due now.\n"


def test_mail_that_does_not_wait_is_not_found(command: Command, core: Core, mail: UUID) -> None:
    """What is unknown, or over, is neither shown nor tried again: 1."""
    do(core, outbox.withdraw, "test", 1)
    for verb in ("show", "retry"):
        for unknown in (mail, uuid4()):
            ended = command("outbox", verb, str(unknown))
            assert (ended.code, ended.err) == (1, "dragoman: no such waiting mail\n")


@pytest.mark.parametrize("words", [[], ["--all", str(UUID(int=7))]])
def test_retry_wants_one_or_all(command: Command, words: list[str]) -> None:
    """Neither a mail nor --all, or both, is wrong usage: 2."""
    assert command("outbox", "retry", *words).code == 2
