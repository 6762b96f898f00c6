"""The first administrator: exactly one, once, and only by who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.fakes import ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, Meddler, events, everything, makers, rows, somebody, with_tools
from tests.racing import at_once

from dragoman.core import accounts, audit, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.errors import (
    NameRefused,
    NameTaken,
    NotFound,
    PasswordRefused,
    SetupClosed,
    SetupDone,
)
from dragoman.core.secrets import Secret
from dragoman.core.work import Core, UnitOfWork


def first_admin(
    core: Core, email: str = ALICE, password: str = PASSWORD, *, open_to_caller: bool = True
) -> Account:
    """Make the first administrator."""
    new = NewAccount(email=email, is_admin=True)
    return setup.create_first_admin(core, ORIGIN, new, Secret(password), open_to_caller=open_to_caller)


def is_done(core: Core) -> bool:
    """Whether set-up is done."""
    return do(core, setup.is_done)


def test_the_first_administrator_is_made_once(core: Core, clock: FakeClock) -> None:
    """Where there was never an account, one administrator can be made, and then none again."""
    assert not is_done(core)
    admin = first_admin(core)
    assert admin.is_admin
    assert admin.has_password
    assert is_done(core)
    with pytest.raises(SetupDone):
        first_admin(core, BOB)
    (installation,) = rows(core, setup.installation)
    assert installation["installed_at"] == installation["first_account_at"] == clock.now
    assert makers(core) == {admin.number: (None, "setup")}


def test_of_many_that_set_up_at_once_one_wins(core: Core) -> None:
    """Of twenty that would be the first administrator at the same instant one is, and of the others nothing is left."""
    jobs = [lambda n=n: first_admin(core, f"user{n}@example.org") for n in range(20)]
    outcomes = at_once(*jobs)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Account)]
    assert len(winners) == 1
    assert [type(o) for o in outcomes if o not in winners] == [SetupDone] * 19
    assert [row["number"] for row in rows(core, accounts.accounts)] == [winners[0].number]
    assert events(core) == ["account added"]


def test_set_up_stays_done(core: Core) -> None:
    """Who purges the last account does not open the door to whoever calls first."""
    admin = first_admin(core)
    do(core, accounts.purge, admin.number)
    assert rows(core, accounts.accounts) == []
    with pytest.raises(SetupDone):
        first_admin(core)


def test_any_account_ends_set_up(core: Core) -> None:
    """An account that the operator made, administrator or not, is the first."""
    somebody(core, password=None)
    with pytest.raises(SetupDone):
        first_admin(core, BOB)


def test_who_may_not_is_refused(core: Core) -> None:
    """A caller that set-up is not open to makes nobody, hashes nothing, and leaves it open to others."""
    meddler = Meddler()
    before = everything(core)
    with pytest.raises(SetupClosed):
        first_admin(with_tools(core, hasher=meddler), open_to_caller=False)
    assert everything(core) == before
    first_admin(core)
    with pytest.raises(SetupDone):
        first_admin(core, BOB, open_to_caller=False)


def test_a_set_up_that_is_refused_is_not_done(core: Core) -> None:
    """A name or password that will not do leaves set-up as it was."""
    before = everything(core)
    for email, password, refusal in [
        ("no address", PASSWORD, NameRefused),
        (ALICE, "short", PasswordRefused),
        (ALICE, "password123", PasswordRefused),
        (ALICE, "x" * 5000, PasswordRefused),
        ("correct-horse@example.org", "correct-horse", PasswordRefused),
    ]:
        with pytest.raises(refusal):
            first_admin(core, email, password)
    assert everything(core) == before
    first_admin(core)


def test_the_operator_makes_accounts(core: Core) -> None:
    """Operators make accounts with a password that the policy accepts, or with none, whenever they like."""
    account = somebody(core)
    assert core.tools.hasher.verify(rows(core, accounts.accounts)[0]["password"], PASSWORD)
    assert not core.tools.hasher.is_outdated(rows(core, accounts.accounts)[0]["password"])
    assert account.password_version == 1
    assert not somebody(core, BOB, password=None).has_password
    with pytest.raises(NameTaken):
        somebody(core)
    with pytest.raises(PasswordRefused):
        somebody(core, "carol@example.org", password="carol-2026")
    assert len(rows(core, accounts.accounts)) == 2


def test_what_is_written_also_is_so_with_the_account(core: Core) -> None:
    """What comes with a new account, such as a PIN, is there when the account is, or neither is."""

    def create(also: Callable[[UnitOfWork, int], None]) -> Account:
        return setup.create_account(core, ORIGIN, NewAccount(email=ALICE), Secret(PASSWORD), also=also)

    def refuse(uow: UnitOfWork, number: int) -> None:
        audit.record(uow, "written also", account=number)
        raise NotFound("anything")

    before = everything(core)
    with pytest.raises(NotFound):
        create(refuse)
    assert everything(core) == before
    account = create(lambda uow, number: audit.record(uow, "written also", account=number))
    (line,) = [row for row in rows(core, audit.audit_log) if row["event"] == "written also"]
    assert line["account_number"] == account.number
