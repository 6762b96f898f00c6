"""The outbox: what is posted leaves once its unit has committed, is tried until it is taken, and then forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import ALICE, BOB, events, rows, sealing, somebody, with_tools
from tests.racing import at_once

from dragoman.core import accounts, outbox, sweep
from dragoman.core.errors import Forbidden, NameRefused, NotFound, Throttled
from dragoman.core.mail import Letter, Mail, NotSent, PostAway, Undeliverable
from dragoman.core.outbox import outbox as table
from dragoman.core.sealing import SealBroken
from dragoman.core.work import Core, UnitOfWork

LETTER = Letter("A secret", "It is hunter2.\n", "<p>It is hunter2.</p>")


@dataclass
class Postman:
    """Takes every mail, or says what it was told to; and may do something meanwhile."""

    says: NotSent | None = None
    taken: list[Mail] = field(default_factory=list)
    meanwhile: Callable[[], object] = bool

    def __call__(self, mail: Mail) -> None:
        """Take a mail."""
        self.meanwhile()
        if self.says is not None:
            raise self.says
        self.taken.append(mail)


@pytest.fixture
def postman() -> Postman:
    """Who takes mail."""
    return Postman()


def with_post(core: Core, postman: Postman | None) -> Core:
    """A core that seals, with Alice, and with somebody to take its mail."""
    made = sealing(core)
    somebody(made)
    return with_tools(made, mailer=postman)


@pytest.fixture
def posting(core: Core, postman: Postman) -> Core:
    """It on each engine."""
    return with_post(core, postman)


@pytest.fixture
def posting_sqlite(sqlite_core: Core, postman: Postman) -> Core:
    """It on SQLite."""
    return with_post(sqlite_core, postman)


def posted(core: Core, to: str = ALICE, *, of: int = 1, **named: Any) -> UUID:
    """A mail of an account, posted in a unit of its own."""
    return do(core, outbox.post, LETTER, to=to, kind="test", of=of, **named)


def only(core: Core) -> outbox.Posted:
    """The one mail on record."""
    (mail,) = do(core, outbox.listed)
    return mail


def handed_over(core: Core) -> list[str]:
    """What comes of handing mail over until there is nothing to hand over, or nobody to take it."""
    outcomes: list[str] = []
    while (outcome := outbox.deliver_next(core, ORIGIN)) != "nothing":
        outcomes.append(outcome)
        if outcome == "away":
            break
    return outcomes


def test_what_is_posted_is_taken_once_and_then_forgotten(posting: Core, postman: Postman) -> None:
    """A mail is handed over with its letter, once; then it is on record, and its letter nowhere."""
    mail = posted(posting)
    assert handed_over(posting) == ["delivered"]
    assert postman.taken == [Mail(mail, ALICE, posting.tools.clock(), LETTER)]
    assert handed_over(posting) == []
    assert (only(posting).state, only(posting).attempts) == ("delivered", 1)
    assert [row["letter"] for row in rows(posting, table)] == [None]


def test_a_letter_is_sealed_while_it_waits(posting: Core) -> None:
    """What a mail says is nowhere in the database in the open, and does not open in another mail's place."""
    posted(posting)
    posted(posting, BOB)
    first, second = rows(posting, table)
    assert not any(word in first["letter"] for word in (b"hunter2", b"A secret"))
    with posting.database.writing() as db:
        db.execute(table.update().where(table.c.id == first["id"]).values(letter=second["letter"]))
    with pytest.raises(SealBroken):
        do(posting, outbox.read, first["id"])


def test_what_is_refused_is_never_posted(posting: Core, postman: Postman) -> None:
    """A mail belongs to its unit: where that is rolled back, nobody hears of it."""

    def post_and_refuse(uow: UnitOfWork) -> None:
        outbox.post(uow, LETTER, to=ALICE, kind="test", of=1)
        raise Forbidden

    with pytest.raises(Forbidden):
        do(posting, post_and_refuse)
    assert handed_over(posting) == []
    assert postman.taken == []


def test_mail_is_handed_over_in_its_turn(posting_sqlite: Core, clock: FakeClock, postman: Postman) -> None:
    """What has been due for longest is handed over first."""
    expected = []
    for name in "abc":
        expected.append(posted(posting_sqlite, f"{name}@example.org"))
        clock.forward(seconds=1)
    assert handed_over(posting_sqlite) == ["delivered"] * 3
    assert [mail.id for mail in postman.taken] == expected


def test_what_is_not_taken_is_tried_after_twice_the_pause(
    posting: Core, clock: FakeClock, postman: Postman
) -> None:
    """A mail waits a minute, then two, then four, up to an hour; why is on record; and in the end it is taken."""
    posted(posting)
    postman.says = NotSent("450 try later")
    pauses = []
    for attempt in range(1, 10):
        assert handed_over(posting) == ["failed"]
        mail = only(posting)
        assert (mail.attempts, mail.why, mail.state) == (attempt, "450 try later", "waiting")
        assert mail.due_at is not None
        pauses.append((mail.due_at - clock.now) // timedelta(minutes=1))
        clock.forward(minutes=pauses[-1], seconds=-1)
        assert handed_over(posting) == []
        clock.forward(seconds=1)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    postman.says = None
    assert handed_over(posting) == ["delivered"]


def test_nobody_tries_the_next_mail_where_nobody_takes_any(posting_sqlite: Core, postman: Postman) -> None:
    """Where the server is away it is said so, and the other mails keep their turn."""
    posted(posting_sqlite)
    posted(posting_sqlite, BOB)
    postman.says = PostAway("nobody there")
    assert handed_over(posting_sqlite) == ["away"]
    assert sorted(mail.attempts for mail in do(posting_sqlite, outbox.listed)) == [0, 1]


def test_what_is_refused_for_good_is_given_up(posting: Core, postman: Postman) -> None:
    """A mail that no server will take is not tried again: its letter is erased, and the end is on record."""
    posted(posting)
    postman.says = Undeliverable("550 no such user")
    assert handed_over(posting) == ["failed"]
    postman.says = None
    assert handed_over(posting) == []
    assert (only(posting).state, only(posting).why) == ("refused", "550 no such user")
    assert [row["letter"] for row in rows(posting, table)] == [None]
    assert "mail refused" in events(posting)


def test_what_comes_too_late_is_not_sent(posting: Core, clock: FakeClock, postman: Postman) -> None:
    """Past its time a mail is not handed over, shown or read any more; it is given up, and its letter erased."""
    mail = posted(posting, until=clock.now + timedelta(hours=24))
    clock.forward(hours=24)
    assert handed_over(posting) == []
    assert do(posting, outbox.has_work)
    assert do(posting, outbox.expire) == 1
    assert only(posting).state == "expired"
    assert [row["letter"] for row in rows(posting, table)] == [None]
    assert not do(posting, outbox.has_work)
    with pytest.raises(NotFound):
        do(posting, outbox.read, mail)


def test_nothing_is_held_while_a_mail_is_handed_over(posting: Core, postman: Postman) -> None:
    """However long a mail server takes, others write meanwhile."""
    posted(posting)
    postman.meanwhile = lambda: somebody(posting, BOB)
    assert handed_over(posting) == ["delivered"]
    assert "account added" in events(posting)


def test_of_many_that_hand_over_one_does(posting: Core, postman: Postman) -> None:
    """However many processes look into the outbox at once, each mail is handed over by one of them."""
    expected = {posted(posting, f"{n}@example.org") for n in range(4)}
    outcomes = [*at_once(*[lambda: outbox.deliver_next(posting, ORIGIN)] * 16), *handed_over(posting)]
    assert outcomes.count("delivered") == 4
    assert {mail.id for mail in postman.taken} == expected
    assert len(postman.taken) == 4


def test_a_mail_whose_bearer_died_is_tried_again(posting: Core, clock: FakeClock, postman: Postman) -> None:
    """What was taken in hand and never reported on is free again after ten minutes, the same mail as before."""

    def die() -> None:
        raise KeyboardInterrupt

    mail = posted(posting)
    postman.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver_next(posting, ORIGIN)
    postman.meanwhile = bool
    clock.forward(minutes=10, seconds=-1)
    assert handed_over(posting) == []
    clock.forward(seconds=1)
    assert handed_over(posting) == ["delivered"]
    assert [each.id for each in postman.taken] == [mail]


@pytest.mark.parametrize(
    "says", [NotSent("timed out"), Undeliverable("550 no such user")], ids=["later", "never"]
)
def test_who_reports_late_spoils_nothing(
    posting: Core, clock: FakeClock, postman: Postman, says: NotSent
) -> None:
    """A bearer whose time was over says that a mail was not taken: by then somebody else has handed it over."""
    posted(posting)
    second = Postman()

    def overtaken() -> None:
        clock.forward(minutes=10)
        assert handed_over(with_tools(posting, mailer=second)) == ["delivered"]

    postman.meanwhile, postman.says = overtaken, says
    assert outbox.deliver_next(posting, ORIGIN) == "failed"
    assert (only(posting).state, only(posting).attempts, only(posting).why) == ("delivered", 2, None)


def test_a_letter_that_does_not_open_keeps_no_other(
    posting: Core, clock: FakeClock, postman: Postman
) -> None:
    """A mail whose key is gone is an accident of its own; the next is handed over all the same."""
    posted(posting)
    with posting.database.writing() as db:
        db.execute(table.update().values(letter=b"\x01" + bytes(60)))
    clock.forward(seconds=1)
    posted(posting, BOB)
    with pytest.raises(SealBroken):
        outbox.deliver_next(posting, ORIGIN)
    assert handed_over(posting) == ["delivered"]
    assert [mail.recipient for mail in postman.taken] == [BOB]


def test_without_a_mail_server_mail_is_shown_once_and_waits(core: Core, clock: FakeClock) -> None:
    """Where none is configured mail is shown to whoever looks, once, and leaves when there is a server."""
    made = with_post(core, None)
    first = posted(made)
    assert handed_over(made) == []
    assert do(made, outbox.has_work)
    shown = do(made, outbox.show_next)
    assert shown == Mail(first, ALICE, clock.now, LETTER)
    assert do(made, outbox.show_next) is None
    assert not do(made, outbox.has_work)
    assert do(made, outbox.read, first) == shown
    assert "mail read" in events(made)
    postman = Postman()
    assert handed_over(with_tools(made, mailer=postman)) == ["delivered"]
    assert postman.taken == [shown]


def test_an_operator_lets_mail_be_tried_at_once(posting: Core, postman: Postman) -> None:
    """`retry` makes a mail that waits due, or all of them; one that does not wait is not found."""
    mail = posted(posting)
    posted(posting, BOB)
    postman.says = NotSent("450 try later")
    assert handed_over(posting) == ["failed", "failed"]
    postman.says = None
    assert do(posting, outbox.retry, mail) == 1
    assert handed_over(posting) == ["delivered"]
    assert do(posting, outbox.retry) == 1
    assert handed_over(posting) == ["delivered"]
    for other in (mail, uuid4()):
        with pytest.raises(NotFound):
            do(posting, outbox.retry, other)


def test_withdrawn_mail_is_not_sent(posting: Core, postman: Postman) -> None:
    """What has become useless is taken back: that kind, of that account, and no other."""
    somebody(posting, BOB)
    posted(posting)
    others = {posted(posting, of=2), do(posting, outbox.post, LETTER, to=ALICE, kind="other", of=1)}
    assert do(posting, outbox.withdraw, "test", 1) == 1
    assert handed_over(posting) == ["delivered"] * 2
    assert {mail.id for mail in postman.taken} == others
    assert [mail.state for mail in do(posting, outbox.listed, "withdrawn")] == ["withdrawn"]


@pytest.mark.parametrize(
    "to", ["alice", "@example.org", "alice@", "a@b\r\nBcc: c@d", "", "x" * 400 + "@example.org"]
)
def test_mail_goes_to_an_address(posting_sqlite: Core, to: str) -> None:
    """What is no e-mail address is refused when the mail is posted."""
    with pytest.raises(NameRefused):
        posted(posting_sqlite, to)
    assert rows(posting_sqlite, table) == []


def test_an_account_posts_no_more_than_a_hundred_an_hour(posting_sqlite: Core, clock: FakeClock) -> None:
    """The hundred-and-first mail of an hour is refused, whatever became of the others, and told when to try."""
    for _ in range(outbox.MOST_IN_AN_HOUR):
        posted(posting_sqlite)
        clock.forward(seconds=1)
    with pytest.raises(Throttled) as refused:
        posted(posting_sqlite)
    assert refused.value.retry_after == timedelta(seconds=3500)
    somebody(posting_sqlite, BOB)
    posted(posting_sqlite, of=2)
    clock.forward(seconds=3500)
    posted(posting_sqlite)


def test_no_mail_waits_for_longer_than_five_days(posting: Core, clock: FakeClock) -> None:
    """However long what it tells of is good for: an address that never takes mail is not tried for years."""
    posted(posting, until=clock.now + timedelta(days=3650))
    assert only(posting).until == clock.now + outbox.LIFETIME


def test_what_became_of_a_mail_is_kept_for_a_week(posting: Core, clock: FakeClock) -> None:
    """Mail that waits is never swept; what became of others is, after seven days."""
    posted(posting)
    assert handed_over(posting) == ["delivered"]
    clock.forward(days=7, seconds=-1)
    posted(posting, until=clock.now + timedelta(days=30))
    assert sweep.sweep(posting, ORIGIN)["outbox"] == 0
    clock.forward(seconds=1)
    assert sweep.sweep(posting, ORIGIN)["outbox"] == 1
    assert only(posting).state == "waiting"


def test_mail_goes_with_its_account(posting: Core) -> None:
    """Whoever is deleted for good takes their mail along."""
    posted(posting)
    do(posting, accounts.purge, 1)
    assert rows(posting, table) == []
