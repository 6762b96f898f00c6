"""Setting a password by a mailed link: once, within a day, by nobody who does not read the mail."""

from __future__ import annotations

import base64
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    rule,
)
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, calling, events, opened, rows, somebody, with_tools
from tests.racing import at_once
from tests.stories import Story, tell

from dragoman.core import accounts, factors, outbox, password_change, resets, sweep, throttle
from dragoman.core.accounts import Account, Changes
from dragoman.core.errors import (
    NoAddress,
    PasswordRefused,
    Refusal,
    ResetRefused,
    Throttled,
    WrongCredentials,
)
from dragoman.core.factors import code_at, step_at
from dragoman.core.login import log_in
from dragoman.core.mail import Mail
from dragoman.core.passwords import Hasher
from dragoman.core.resets import password_resets
from dragoman.core.secrets import Secret, digest
from dragoman.core.sessions import Device, sessions
from dragoman.core.work import Core, Origin, UnitOfWork

SEED = b"12345678901234567890"
LINK = re.compile(r"^http://localhost/reset-password\?token=([0-9A-Za-z]{40})$", re.MULTILINE)


def of_mail(mail: Mail) -> Secret:
    """The secret in a mail's link."""
    found = LINK.findall(mail.letter.text)
    assert len(found) == 1
    return Secret(found[0])


def mailed(core: Core, number: int = 1) -> Secret:
    """The secret that an account is mailed when a reset is started for it."""

    def start(uow: UnitOfWork) -> Mail:
        return outbox.read(uow, resets.mail(uow, accounts.get(uow, str(number))))

    return of_mail(do(core, start))


def completed(core: Core, secret: Secret, new: str = NEW_PASSWORD) -> Account:
    """The account whose password was set by a secret."""
    return resets.complete(core, ORIGIN, secret, Secret(new))


def is_refused(core: Core, secret: Secret) -> bool:
    """Whether a secret sets no password."""
    try:
        completed(core, secret)
    except ResetRefused:
        return True
    return False


def lets_in(core: Core, password: str, name: str = ALICE) -> bool:
    """Whether this password opens a session."""
    try:
        log_in(core, ORIGIN, name, Secret(password), Device())
    except WrongCredentials:
        return False
    return True


# --- one after the other --------------------------------------------------------------------------------


def test_whoever_reads_the_mail_sets_the_password(sealed: Core) -> None:
    """The mailed secret sets the password; it is on record who started it and that it was done."""
    secret = mailed(sealed)
    assert do(sealed, resets.is_open, secret)
    assert completed(sealed, secret).number == 1
    assert lets_in(sealed, NEW_PASSWORD)
    assert not lets_in(sealed, PASSWORD)
    assert {"password reset started", "password reset", "password changed"} <= set(events(sealed))


def test_the_letter_tells_its_reader_what_it_is(sealed: Core) -> None:
    """The mail goes to the account's address, names the account and how long the link lives, twice."""
    somebody(sealed, BOB, display_name="Bob <b>")
    mail = do(sealed, lambda uow: outbox.read(uow, resets.mail(uow, accounts.get(uow, BOB))))
    assert mail.recipient == BOB
    assert mail.letter.subject == "Set a new password"
    link = LINK.search(mail.letter.text)
    assert link is not None
    for told in (mail.letter.text, mail.letter.html):
        assert "within 24 hours" in told
        assert link[0] in told
    assert "Hello Bob <b>," in mail.letter.text
    assert "Bob &lt;b&gt;" in mail.letter.html


def test_R_01_a_secret_works_once(sealed: Core) -> None:
    """Used, it is of no use, whatever became of the password."""
    secret = mailed(sealed)
    completed(sealed, secret)
    assert is_refused(sealed, secret)
    assert not do(sealed, resets.is_open, secret)
    assert rows(sealed, password_resets) == []
    assert "password reset refused" in events(sealed)


def test_a_secret_lives_for_a_day(sealed: Core, clock: FakeClock) -> None:
    """After 24 hours it sets nothing, and the mail that nobody took leaves no more; both are swept."""
    early = mailed(sealed)
    clock.forward(hours=24, microseconds=-1)
    completed(sealed, early)
    late = mailed(sealed)
    clock.forward(hours=24)
    assert is_refused(sealed, late)
    assert not do(sealed, resets.is_open, late)
    assert do(sealed, outbox.expire) == 1
    assert sweep.sweep(sealed, ORIGIN)["password_resets"] == 1


def changed_by_owner(core: Core) -> None:
    """The owner changes the password, proving the old one."""
    caller = calling(core, do(core, accounts.get, "1"))
    password_change.change_password(core, ORIGIN, caller, Secret(PASSWORD), Secret("another-9-password"))


def changed_by_admin(core: Core) -> None:
    """An administrator sets the password."""
    password_change.set_password(core, ORIGIN, do(core, accounts.get, "1"), Secret("another-9-password"))


def changed_back(core: Core) -> None:
    """The password is changed, and then is again what it was."""
    account = do(core, accounts.get, "1")
    for password in ("another-9-password", PASSWORD):
        password_change.set_password(core, ORIGIN, account, Secret(password))


def readdressed(core: Core) -> None:
    """The account gets another e-mail address."""
    do(core, accounts.change, 1, Changes(email="alice@example.net"))


def disabled(core: Core) -> None:
    """The account is disabled."""
    somebody(core, BOB, is_admin=True)
    do(core, accounts.disable, 1)


def deleted(core: Core) -> None:
    """The account is deleted, so that it can be restored."""
    do(core, accounts.delete_softly, 1)


def purged(core: Core) -> None:
    """The account is deleted for good."""
    do(core, accounts.purge, 1)


ENDS: list[Callable[[Core], Any]] = [
    changed_by_owner,
    changed_by_admin,
    changed_back,
    readdressed,
    disabled,
    deleted,
    purged,
    mailed,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_R_01_a_secret_is_dead_once_what_it_stood_for_has_changed(
    sealed: Core, end: Callable[[Core], Any]
) -> None:
    """Any change of the password or the address, the account's end, and a newer secret end the one before."""
    secret = mailed(sealed)
    end(sealed)
    before = rows(sealed, accounts.accounts)
    assert is_refused(sealed, secret)
    assert rows(sealed, accounts.accounts) == before


def test_a_newer_mail_takes_the_place_of_one_that_still_waits(sealed: Core) -> None:
    """Whoever is mailed twice gets one mail, the one whose link is good."""
    mailed(sealed)
    secret = mailed(sealed)
    assert sorted(mail.state for mail in do(sealed, outbox.listed)) == ["waiting", "withdrawn"]
    completed(sealed, secret)


def test_who_was_signed_in_is_signed_out(sealed: Core) -> None:
    """A reset ends every session of the account, in every dialect, and nobody else's; it opens none."""
    somebody(sealed, BOB)
    for origin in (ORIGIN, replace(ORIGIN, dialect="strict")):
        for name in (ALICE, BOB):
            opened(sealed, do(sealed, accounts.get, name), origin=origin)
    completed(sealed, mailed(sealed))
    sweep.sweep(sealed, ORIGIN)
    assert {row["account_number"] for row in rows(sealed, sessions)} == {2}


def test_a_reset_frees_who_was_locked_out(sealed: Core) -> None:
    """Failed attempts at the old password are forgotten, and so is that it had to be changed."""
    do(sealed, accounts.change, 1, Changes(must_change_password=True))
    for _ in range(11):
        try:
            lets_in(sealed, "wrong-9-password")
        except Throttled:
            break
    completed(sealed, mailed(sealed))
    assert lets_in(sealed, NEW_PASSWORD)
    assert not do(sealed, accounts.get, "1").must_change_password


def test_R_01_a_second_factor_is_as_it_was(sealed: Core, clock: FakeClock) -> None:
    """Whoever set the password by the mail needs the code all the same, and has no more guesses at it than before."""
    alice = do(sealed, accounts.get, ALICE)
    shown = Secret(code_at(SEED, step_at(clock.now)))
    do(
        sealed,
        factors.enable,
        alice,
        Secret(base64.b32encode(SEED).decode()),
        shown,
        by=calling(sealed, alice),
    )
    do(sealed, lambda uow: throttle.reserve(uow, [throttle.account_counter(uow, "totp", 1)]))
    factor, guesses = rows(sealed, factors.totp_factors), do(sealed, throttle.standing, 1).failures
    completed(sealed, mailed(sealed))
    assert rows(sealed, factors.totp_factors) == factor
    assert do(sealed, throttle.standing, 1).failures == guesses == 1
    clock.forward(minutes=1)
    assert not lets_in(sealed, NEW_PASSWORD)
    assert lets_in(sealed, NEW_PASSWORD + code_at(SEED, step_at(clock.now)))


@pytest.mark.parametrize("new", ["short", "password1!", ALICE, "alice", "x" * 5000])
def test_a_password_that_is_not_fit_leaves_the_link_as_it_was(sealed: Core, new: str) -> None:
    """The policy holds here as everywhere, and its no costs nobody their link."""
    secret = mailed(sealed)
    with pytest.raises(PasswordRefused):
        completed(sealed, secret, new)
    completed(sealed, secret)


def test_a_link_may_be_handed_over_by_somebody(sealed: Core) -> None:
    """Whoever has no address is mailed nothing; a link that the operator hands over works for them too."""
    robot = somebody(sealed, None, username="robot")
    with pytest.raises(NoAddress):
        do(sealed, resets.mail, robot)
    assert rows(sealed, password_resets) == []
    started = do(sealed, resets.start, robot)
    assert rows(sealed, outbox.outbox) == []
    assert started.link.reveal() not in repr(started)
    secret = Secret(started.link.reveal().partition("token=")[2])
    assert completed(sealed, secret).number == robot.number


def test_looking_at_a_link_changes_nothing(sealed: Core) -> None:
    """Mail scanners open links before their readers do, as often as they like."""
    secret = mailed(sealed)
    before = rows(sealed, password_resets)
    for _ in range(10):
        assert do(sealed, resets.is_open, secret)
    assert rows(sealed, password_resets) == before
    completed(sealed, secret)


@pytest.mark.parametrize("guess", ["", "x", "0" * 40, "\ud800", "x" * 100_000])
def test_a_guess_sets_nothing(sealed: Core, guess: str) -> None:
    """What was never mailed is refused, whatever it looks like."""
    mailed(sealed)
    assert is_refused(sealed, Secret(guess))


def test_guessing_is_slowed_down_and_knowing_is_not(sealed_sqlite: Core) -> None:
    """An address that guesses is made to wait; one that knows is not, however often it chose an unfit password."""
    secret = mailed(sealed_sqlite)
    for _ in range(110):
        with pytest.raises(PasswordRefused):
            completed(sealed_sqlite, secret, "short")
    for _ in range(101):
        assert is_refused(sealed_sqlite, Secret("0" * 40))
    with pytest.raises(Throttled):
        completed(sealed_sqlite, secret)


def test_the_digest_alone_is_stored(sealed: Core) -> None:
    """Who reads the database finds no secret there, and cannot make one of what is there."""
    secret = mailed(sealed)
    (row,) = rows(sealed, password_resets)
    assert row["digest"] == digest(secret)
    assert secret.reveal() not in str([rows(sealed, password_resets), rows(sealed, outbox.outbox)])
    assert is_refused(sealed, Secret(row["digest"].hex()))


# --- asked for by whoever forgot it -----------------------------------------------------------------------


def asked(core: Core, name: str = ALICE, origin: Origin = ORIGIN) -> list[Mail]:
    """Somebody says that they forgot a password; the mails that are on their way since."""
    before = {mail.id for mail in do(core, outbox.listed)}
    do(core, resets.ask, name, origin=origin)
    return [do(core, outbox.read, mail.id) for mail in do(core, outbox.listed) if mail.id not in before]


def test_R_01_who_forgot_it_is_mailed_a_link_for_half_an_hour(sealed: Core, clock: FakeClock) -> None:
    """By any of their names; the link sets the password once, and after thirty minutes no more."""
    for name, minutes, is_good in ((ALICE, 29, True), ("ALICE", 30, False)):
        [mail] = asked(sealed, name)
        assert (mail.recipient, "within 30 minutes" in mail.letter.text) == (ALICE, True)
        clock.forward(minutes=minutes)
        assert is_refused(sealed, of_mail(mail)) is not is_good
    assert lets_in(sealed, NEW_PASSWORD)


def test_the_owner_is_told_that_it_was_set(sealed: Core) -> None:
    """Whoever has set a password by a link: the account's mail says so."""
    [mail] = asked(sealed)
    completed(sealed, of_mail(mail))
    told = [do(sealed, outbox.read, mail.id) for mail in do(sealed, outbox.listed) if mail.kind == "change"]
    assert ["A new password was set for your account" in mail.letter.text for mail in told] == [True]


def test_T_02_mail_goes_to_nobody_who_has_forgotten_nothing(sealed: Core) -> None:
    """No such name, no address, no password, disabled: nothing is mailed, and no link is changed."""
    somebody(sealed, None, username="robot")
    somebody(sealed, BOB, password=None)
    carl = somebody(sealed, "carl@example.org")
    do(sealed, accounts.disable, carl.number)
    for name in ("nobody@example.org", "", "\ud800", "x" * 60_000, "robot", BOB, "carl@example.org"):
        assert asked(sealed, name) == []
    assert rows(sealed, password_resets) == []


def test_T_02_time_does_not_tell_who_exists(sealed_sqlite: Core, clock: FakeClock) -> None:
    """To ask in vain takes much of the work that it takes to be mailed: the letter is written all the same."""

    def takes(name: str) -> float:
        spent = []
        for _ in range(12):
            clock.forward(minutes=6)
            begun = time.thread_time()
            do(sealed_sqlite, resets.ask, name, origin=replace(ORIGIN, network=str(clock.now)))
            spent.append(time.thread_time() - begun)
        return min(spent)

    assert 0.3 < takes("nobody@example.org") / takes(ALICE) < 1.5


def test_a_mailbox_is_not_flooded(sealed: Core, clock: FakeClock) -> None:
    """Asked again within five minutes nothing more is mailed, and the link that was stays good."""
    [mail] = asked(sealed)
    clock.forward(minutes=4, seconds=59)
    assert asked(sealed) == []
    assert do(sealed, resets.is_open, of_mail(mail))
    clock.forward(seconds=2)
    [newer] = asked(sealed)
    assert not do(sealed, resets.is_open, of_mail(mail))
    completed(sealed, of_mail(newer))


def test_who_asks_for_many_is_made_to_wait(sealed_sqlite: Core) -> None:
    """An address is heard a hundred times, whether or not anybody has those names."""
    for n in range(100):
        do(sealed_sqlite, resets.ask, f"{n}@example.org")
    do(sealed_sqlite, resets.ask, ALICE)
    with pytest.raises(Throttled):
        do(sealed_sqlite, resets.ask, ALICE)


# --- at once --------------------------------------------------------------------------------------------


def test_of_many_that_complete_at_once_one_does(sealed: Core) -> None:
    """Sixteen use the same secret at the same instant: one sets the password, and it is that one's."""
    secret = mailed(sealed)
    outcomes = at_once(*[partial(completed, sealed, secret, f"password-of-number-{n}") for n in range(16)])
    assert sum(isinstance(each, Account) for each in outcomes) == 1
    assert all(isinstance(each, Account | ResetRefused) for each in outcomes)
    winner = next(n for n, each in enumerate(outcomes) if isinstance(each, Account))
    assert lets_in(sealed, f"password-of-number-{winner}")


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_ends_a_secret_overtakes_who_is_using_it(sealed: Core, end: Callable[[Core], Any]) -> None:
    """What ends the secret while its new password is being hashed still ends it: nothing is set."""

    class Overtaken(Hasher):
        def hash(self, password: str) -> str:
            """As every hasher, after something happened."""
            if password == NEW_PASSWORD:
                end(sealed)
                before.extend(rows(sealed, accounts.accounts))
            return super().hash(password)

    secret = mailed(sealed)
    before: list[dict[str, Any]] = []
    overtaken = with_tools(sealed, hasher=Overtaken(memory_kib=16, passes=1, lanes=1))
    assert is_refused(overtaken, secret)
    assert rows(sealed, accounts.accounts) == before


# --- a model of it --------------------------------------------------------------------------------------


@dataclass
class Person:
    """What the model knows of an account: its password, the one secret that is good, and until when."""

    password: str
    good: str | None = None
    until: Any = None
    enabled: bool = True


class ResetFlow(Story):
    """Any order of starting, mailing, completing, changing and waiting, each step twice or mixed with others'.

    What must hold: a password is what its owner or an administrator set, or what was set with the newest secret
    mailed to that very account, in its time.
    """

    secrets = Bundle("secrets")

    def __init__(self, template: Path, file: Path) -> None:
        super().__init__(template, file)
        self.people: dict[int, Person] = {}
        self.passwords = (f"chosen-password-number-{n}" for n in itertools.count())
        self.addresses = (f"number{n}@example.org" for n in itertools.count())

    @initialize()
    def two_people(self) -> None:
        """Alice and Bob, and somebody who administers."""
        for name in (ALICE, BOB):
            password = next(self.passwords)
            self.people[somebody(self.core, name, password=password).number] = Person(password)
        somebody(self.core, "root@example.org", is_admin=True)

    number = st.sampled_from([1, 2])

    @rule(target=secrets, number=number)
    def start(self, number: int) -> str:
        """A reset is started: the account is mailed a secret."""
        secret = mailed(self.core, number).reveal()
        self.people[number].good, self.people[number].until = secret, self.clock.now + timedelta(hours=24)
        return secret

    @rule(target=secrets)
    def guess(self) -> str:
        """Somebody makes a secret up."""
        return "0" * 40

    @rule(target=secrets, secret=secrets)
    def garble(self, secret: str) -> str:
        """Somebody has most of a secret."""
        return secret[:-1]

    @rule(secret=secrets)
    def complete(self, secret: str) -> None:
        """A secret, good or not, is used."""
        new = next(self.passwords)
        owner = next((p for p in self.people.values() if p.good == secret), None)
        is_good = owner is not None and owner.enabled and self.clock.now < owner.until
        try:
            completed(self.core, Secret(secret), new)
        except ResetRefused:
            assert not is_good
        else:
            assert is_good
            assert owner is not None
            owner.password, owner.good = new, None

    @rule(secret=secrets)
    def look(self, secret: str) -> None:
        """A link is looked at."""
        owner = next((p for p in self.people.values() if p.good == secret), None)
        is_good = owner is not None and owner.enabled and self.clock.now < owner.until
        assert do(self.core, resets.is_open, Secret(secret)) == is_good

    @rule(secret=secrets)
    def choose_badly(self, secret: str) -> None:
        """A secret is used for a password that is not fit."""
        with pytest.raises(Refusal):
            completed(self.core, Secret(secret), "short")

    @rule(number=number)
    def change(self, number: int) -> None:
        """An administrator sets a password."""
        new = next(self.passwords)
        account = do(self.core, accounts.get, str(number))
        password_change.set_password(self.core, ORIGIN, account, Secret(new))
        self.people[number].password, self.people[number].good = new, None

    @rule(number=number)
    def readdress(self, number: int) -> None:
        """The account gets another address, for good."""
        do(self.core, accounts.change, number, Changes(email=next(self.addresses)))
        self.people[number].good = None

    @rule(number=number)
    def disable(self, number: int) -> None:
        """The account is disabled, or enabled again."""
        person = self.people[number]
        do(self.core, accounts.disable if person.enabled else accounts.enable, number)
        person.enabled = not person.enabled

    @rule(hours=st.sampled_from([1, 23, 24]))
    def wait(self, hours: int) -> None:
        """Time passes, and the broom comes by."""
        self.clock.forward(hours=hours)
        sweep.sweep(self.core, ORIGIN)

    @invariant()
    def no_password_is_set_without_its_secret(self) -> None:
        """Each account's password is what the model says it is."""
        stored = {row["number"]: row["password"] for row in rows(self.core, accounts.accounts)}
        for number, person in self.people.items():
            assert self.core.tools.hasher.verify(stored[number], person.password)


@pytest.mark.fuzz
def test_no_password_is_ever_set_without_the_mailed_secret(sqlite_template: Path, tmp_path: Path) -> None:
    """In whatever order, however often, and however mixed the steps of resets are taken."""
    tell(ResetFlow, sqlite_template, tmp_path, steps=15)
