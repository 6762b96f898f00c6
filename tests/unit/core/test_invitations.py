"""Invitations: one account for whoever has the link, once, in time, and while whoever made it administers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, Meddler, calling, events, everything, makers, rows, somebody, with_tools
from tests.racing import at_once

from dragoman.core import accounts, groups, invitations, outbox, sweep
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.errors import (
    AdminOnly,
    InvitationRefused,
    NameRefused,
    NameTaken,
    NoAddress,
    NotFound,
    PasswordRefused,
    Refusal,
    Throttled,
    TooMany,
)
from dragoman.core.invitations import Made, Offer, invite
from dragoman.core.secrets import Secret, digest
from dragoman.core.work import Core, UnitOfWork

CARL = "carl@example.org"
OPEN = Offer()
CHOSEN = NewAccount(email=CARL, username="carl", display_name="Carl")


def invited(core: Core, offer: Offer = OPEN, **named: Any) -> Made:
    """An invitation of the operator's, or of whose it is told to be."""
    return do(core, invite, offer, **{"inviter": None, **named})


def secret(made: Made) -> Secret:
    """What is in a link."""
    return Secret(made.link.reveal().partition("/invitation?token=")[2])


def accepted(core: Core, made: Made, chosen: NewAccount = CHOSEN, password: str = NEW_PASSWORD) -> Account:
    """The account that a guest makes."""
    return invitations.accept(core, ORIGIN, secret(made), chosen, Secret(password))


def is_refused(core: Core, made: Made) -> bool:
    """Whether a link makes no account."""
    before = rows(core, accounts.accounts)
    assert do(core, invitations.find_open, secret(made)) is None
    with pytest.raises(InvitationRefused):
        accepted(core, made)
    return rows(core, accounts.accounts) == before


def test_a_guest_makes_the_account_that_was_offered(sealed: Core) -> None:
    """What was decided is so whatever the guest types, what was left open is theirs, and it is on record by whom."""
    root = somebody(sealed, "root@example.org", is_admin=True)
    family, gone = do(sealed, groups.add, "family"), do(sealed, groups.add, "gone")
    offer = Offer(email=CARL, is_admin=True, groups=(family.number, gone.number))
    made = invited(sealed, offer, inviter=root, by=calling(sealed, root))
    do(sealed, groups.remove, gone.number)
    carl = accepted(
        sealed, made, NewAccount(email="other@example.org", username="carl", display_name="Carl C.")
    )
    assert (carl.email, carl.username, carl.display_name, carl.is_admin) == (CARL, "carl", "Carl C.", True)
    assert [group.name for group in do(sealed, groups.of_account, carl.number)] == ["family"]
    [listed] = do(sealed, invitations.listed)
    assert (listed.guest_number, listed.state(listed.made_at)) == (carl.number, "accepted")
    assert {"invitation made", "invitation accepted", "account added"} <= set(events(sealed))
    assert makers(sealed)[carl.number] == (None, "invitation")


def test_a_link_works_once(sealed: Core) -> None:
    """Accepted, it is of no use to anybody, and the record has which one it was."""
    made = invited(sealed)
    accepted(sealed, made)
    assert is_refused(sealed, made)
    [refused] = [row for row in rows(sealed, audit_log) if row["event"] == "invitation refused"]
    assert refused["detail"] == {"invitation": str(made.id)}


def test_a_link_lives_as_long_as_it_was_told_to_and_a_month_at_most(sealed: Core, clock: FakeClock) -> None:
    """Three days unless told otherwise; it is listed for a month after its end, and swept then."""
    usual, long = invited(sealed), invited(sealed, lasts=timedelta(days=1000))
    clock.forward(days=3, microseconds=-1)
    accepted(sealed, usual)
    clock.forward(days=27)
    assert do(sealed, invitations.find_open, secret(long)) is not None
    clock.forward(microseconds=1)
    assert is_refused(sealed, long)
    assert sweep.sweep(sealed, ORIGIN)["invitations"] == 0
    clock.forward(days=30)
    assert sweep.sweep(sealed, ORIGIN)["invitations"] == 2


def revoked(core: Core, made: Made) -> None:
    """It is taken back."""
    do(core, invitations.revoke, made.id)


def deposed(core: Core, made: Made) -> None:
    """Whoever made it administers no more."""
    do(core, accounts.change, 2, accounts.Changes(is_admin=False))


def disabled(core: Core, made: Made) -> None:
    """Whoever made it is disabled."""
    do(core, accounts.disable, 2)


def purged(core: Core, made: Made) -> None:
    """Whoever made it is gone for good."""
    do(core, accounts.purge, 2)


ENDS = pytest.mark.parametrize("end", [revoked, deposed, disabled, purged], ids=lambda end: end.__name__)


@ENDS
def test_a_link_is_dead_once_whoever_made_it_may_not_invite(
    sealed: Core, end: Callable[[Core, Made], None]
) -> None:
    """Taken back, or its maker deposed, disabled or gone: it makes nothing."""
    root = somebody(sealed, "root@example.org", is_admin=True)
    made = invited(sealed, inviter=root)
    end(sealed, made)
    assert is_refused(sealed, made)


@ENDS
def test_what_ends_a_link_overtakes_who_is_using_it(sealed: Core, end: Callable[[Core, Made], None]) -> None:
    """Also while the guest's password is being hashed."""
    root = somebody(sealed, "root@example.org", is_admin=True)
    made = invited(sealed, inviter=root)

    class Overtaken(Meddler):
        def hash(self, password: str) -> str:
            """As every hasher, after something happened."""
            end(sealed, made)
            return super().hash(password)

    overtaken = with_tools(sealed, hasher=Overtaken())
    with pytest.raises(InvitationRefused):
        accepted(overtaken, made)
    assert do(sealed, accounts.find_by_name, CARL) is None


def test_of_many_that_accept_at_once_one_does(sealed: Core) -> None:
    """Sixteen follow the same link at the same instant: there is one account more, and no trace of the others."""
    made = invited(sealed)
    jobs = [partial(accepted, sealed, made, NewAccount(email=f"{n}@example.org")) for n in range(16)]
    outcomes = at_once(*jobs)
    assert sum(isinstance(each, Account) for each in outcomes) == 1
    assert all(isinstance(each, Account | InvitationRefused) for each in outcomes)
    assert len(rows(sealed, accounts.accounts)) == 2


@pytest.mark.parametrize(
    ("chosen", "password", "refusal"),
    [
        (NewAccount(email=ALICE), NEW_PASSWORD, NameTaken),
        (NewAccount(email="nobody"), NEW_PASSWORD, NameRefused),
        (NewAccount(), NEW_PASSWORD, NameRefused),
        (CHOSEN, "short", PasswordRefused),
        (CHOSEN, CARL, PasswordRefused),
    ],
)
def test_what_will_not_do_leaves_the_link_as_it_was(
    sealed: Core, chosen: NewAccount, password: str, refusal: type[Refusal]
) -> None:
    """A name that is taken or none, and a password that the policy refuses, cost nobody their invitation."""
    made = invited(sealed)
    with pytest.raises(refusal):
        accepted(sealed, made, chosen, password)
    accepted(sealed, made)


def test_what_cannot_come_true_is_not_offered(sealed: Core) -> None:
    """A name that somebody has, one that cannot be one, and a group that is not there are refused when it is made."""
    for offer, refusal in (
        (Offer(email=ALICE), NameTaken),
        (Offer(username="alice"), NameTaken),
        (Offer(email="nobody"), NameRefused),
        (Offer(groups=(7,)), NotFound),
    ):
        with pytest.raises(refusal):
            invited(sealed, offer)
    with pytest.raises(AdminOnly):
        invited(sealed, by=calling(sealed, somebody(sealed, BOB)))
    assert rows(sealed, invitations.invitations) == []


def test_there_are_a_thousand_that_wait_at_most(
    sealed_sqlite: Core, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    """Those that were accepted, or are over, do not count."""
    monkeypatch.setattr(invitations, "MOST", 2)
    accepted(sealed_sqlite, invited(sealed_sqlite))
    invited(sealed_sqlite)
    invited(sealed_sqlite, lasts=timedelta(days=1))
    with pytest.raises(TooMany):
        invited(sealed_sqlite)
    clock.forward(days=1)
    invited(sealed_sqlite)


def test_the_letter_tells_who_invites_and_is_taken_back_with_the_invitation(sealed: Core) -> None:
    """It goes to the address that was given, with the link; revoked before it was handed over, it never is."""
    root = somebody(sealed, "root@example.org", is_admin=True, display_name="Root <r>")
    made = invited(sealed, Offer(email=CARL), inviter=root, mails=True)
    [posted] = do(sealed, outbox.listed)
    mail = do(sealed, outbox.read, posted.id)
    assert (mail.recipient, mail.letter.subject) == (CARL, "Root <r> invites you")
    assert made.link.reveal() in mail.letter.text
    assert "Root &lt;r&gt;" in mail.letter.html
    do(sealed, invitations.revoke, made.id)
    assert [mail.state for mail in do(sealed, outbox.listed)] == ["withdrawn"]
    for offer, inviter in ((Offer(), root), (Offer(email=CARL), None)):
        with pytest.raises(NoAddress):
            invited(sealed, offer, inviter=inviter, mails=True)


def test_an_invitation_that_was_accepted_is_not_taken_back(sealed: Core) -> None:
    """There is an account by then, which is another matter."""
    made = invited(sealed)
    accepted(sealed, made)
    with pytest.raises(NotFound):
        do(sealed, invitations.revoke, made.id)


def test_the_list_has_the_newest_first_and_says_what_became_of_each(sealed: Core, clock: FakeClock) -> None:
    """Page by page: those older than the last one shown."""
    root = somebody(sealed, "root@example.org", is_admin=True)
    void, old, done, last = (
        invited(sealed, inviter=root),
        invited(sealed, lasts=timedelta(days=1)),
        invited(sealed),
        invited(sealed),
    )
    accepted(sealed, done)
    deposed(sealed, void)
    clock.forward(days=1)
    states = {each.id: each.state(clock.now) for each in do(sealed, invitations.listed)}
    assert states == {void.id: "void", old.id: "expired", done.id: "accepted", last.id: "waiting"}
    by_page = do(sealed, invitations.listed, limit=2)
    by_page = [*by_page, *do(sealed, invitations.listed, before=by_page[-1].id)]
    assert [each.id for each in by_page] == sorted(states, reverse=True)


def test_guessing_is_slowed_down_and_knowing_is_not(sealed_sqlite: Core) -> None:
    """An address that makes links up is made to wait; one that has one is not, whatever else is wrong."""
    made = invited(sealed_sqlite)
    for _ in range(101):
        with pytest.raises(InvitationRefused):
            invitations.accept(sealed_sqlite, ORIGIN, Secret("0" * 40), CHOSEN, Secret(PASSWORD))
    with pytest.raises(Throttled):
        accepted(sealed_sqlite, made)


def test_the_digest_alone_is_stored(sealed: Core) -> None:
    """Who reads the database finds no link there, and cannot make one of what is there."""
    root = somebody(sealed, "root@example.org", is_admin=True)
    made = invited(sealed, Offer(email=CARL), inviter=root, mails=True)
    [row] = rows(sealed, invitations.invitations)
    assert row["digest"] == digest(secret(made))
    assert secret(made).reveal() not in str(everything(sealed))
    assert made.link.reveal() not in repr(made)


def test_looking_at_a_link_changes_nothing(sealed: Core) -> None:
    """Mail scanners open links before their readers do."""
    made = invited(sealed)
    before = everything(sealed)

    def look(uow: UnitOfWork) -> bool:
        return invitations.find_open(uow, secret(made)) is not None

    assert do(sealed, look)
    assert everything(sealed) == before
