"""Ending many sessions at once: it holds from that moment, for any number, and the rows go later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, Row, calling, events, opened, presenting, rows, somebody
from tests.racing import after_statements, is_write

from dragoman.core import elevation, session_ends, sessions, sweep
from dragoman.core.accounts import accounts
from dragoman.core.epochs import session_epochs
from dragoman.core.errors import NotFound, SessionRefused
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin, UnitOfWork

STRICT = replace(ORIGIN, dialect="strict")
SWEEPER = Origin("sweeper")
ON_POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def is_alive(core: Core, secret: Secret, origin: Origin = ORIGIN) -> bool:
    """Whether a secret opens a session now."""
    try:
        presenting(core, secret, origin=origin)
    except SessionRefused:
        return False
    return True


def kept(core: Core) -> list[Row]:
    """The rows of sessions, ended ones included."""
    return rows(core, sessions.sessions)


def swept(core: Core, **limits: int) -> int:
    """How many rows of sessions a sweep removes."""
    return sweep.sweep(core, SWEEPER, **limits)["sessions"]


# --- what ends ------------------------------------------------------------------------------------------


def test_all_end_at_once_and_are_swept_later(core: Core) -> None:
    """Sessions that were ended answer nothing and are not listed, while their rows wait for the broom."""
    account = somebody(core)
    secrets = [opened(core, account)[1] for _ in range(3)]
    assert do(core, session_ends.end_all, account.number) == 3
    assert not any(is_alive(core, secret) for secret in secrets)
    assert do(core, sessions.owned, account.number) == do(core, sessions.owned) == []
    assert len(kept(core)) == 3
    assert swept(core) == 3
    assert kept(core) == []


def test_what_is_opened_after_an_end_lives(core: Core) -> None:
    """Ending all sessions ends those there are: the next sign-in is good, and ends with the next end."""
    account = somebody(core)
    for _ in range(3):
        _, secret = opened(core, account)
        assert is_alive(core, secret)
        assert do(core, session_ends.end_all, account.number) == 1
        assert not is_alive(core, secret)
    assert do(core, session_ends.end_all, account.number) == 0
    assert events(core).count("sessions ended") == 3


def test_an_end_is_an_accounts_and_a_dialects(core: Core) -> None:
    """Another account's sessions, and those of dialects that are not meant, are not touched."""
    alice, bob = somebody(core), somebody(core, BOB)
    _, bobs = opened(core, bob)
    _, strict = opened(core, alice, origin=STRICT)
    opened(core, alice)
    assert do(core, session_ends.end_all, alice.number, dialects=["immich"]) == 1
    assert is_alive(core, bobs)
    assert is_alive(core, strict, STRICT)
    assert do(core, session_ends.end_all, alice.number) == 1
    assert not is_alive(core, strict, STRICT)
    assert is_alive(core, bobs)


def test_the_spared_session_lives_on(core: Core) -> None:
    """The session that is spared lives through any number of ends, and its last use is not moved by them."""
    account = somebody(core)
    mine, secret = opened(core, account)
    for _ in range(3):
        opened(core, account)
        assert do(core, session_ends.end_all, account.number, but=mine) == 1
        assert presenting(core, secret).session == mine
    assert swept(core) == 3
    assert [row["id"] for row in kept(core)] == [mine.id]


def test_an_ended_session_is_not_spared_back_to_life(core: Core) -> None:
    """Who was signed out from elsewhere a moment ago stays so, though they ask to be spared."""
    account = somebody(core)
    mine, secret = opened(core, account)
    do(core, session_ends.end_all, account.number)
    do(core, session_ends.end_all, account.number, but=mine)
    assert not is_alive(core, secret)
    opened(core, account)
    do(core, session_ends.end_all, account.number, but=mine)
    assert not is_alive(core, secret)


def test_the_children_of_the_spared_session_end(core: Core) -> None:
    """All but one are ended: what that one opened is among them."""
    account = somebody(core)
    mine, secret = opened(core, account)
    _, childs = opened(core, account, parent=mine)
    assert do(core, session_ends.end_all, account.number, but=mine) == 1
    assert is_alive(core, secret)
    assert not is_alive(core, childs)


def test_a_spared_child_dies_with_its_parent(core: Core) -> None:
    """A session that another one opened cannot end that one and live on."""
    account = somebody(core)
    parent, _ = opened(core, account)
    child, secret = opened(core, account, parent=parent)
    assert do(core, session_ends.end_all, account.number, but=child) == 1
    assert not is_alive(core, secret)
    swept(core)
    assert kept(core) == []


def test_what_has_ended_is_over_for_every_use(core: Core) -> None:
    """A session whose row waits for the broom cannot be ended again, locked, unlocked or opened from."""
    account = somebody(core)
    caller = calling(core, account)
    session = caller.require_session()
    elevation.set_pin(core, ORIGIN, caller, Secret("123456"))
    do(core, session_ends.end_all, account.number)
    with pytest.raises(SessionRefused):
        do(core, session_ends.end, session)
    with pytest.raises(SessionRefused):
        elevation.unlock(core, ORIGIN, caller, Secret("123456"))
    with pytest.raises(SessionRefused):
        opened(core, account, parent=session)
    mine = (account.number, "immich", session.id)
    assert do(core, sessions.find_owned, *mine) is None
    for use in (sessions.get_owned, session_ends.end_one, sessions.lock_one):
        with pytest.raises(NotFound):
            do(core, use, *mine)
    with pytest.raises(NotFound):
        do(core, sessions.set_attributes, *mine, {"fact": 1})


# --- races ----------------------------------------------------------------------------------------------


@ON_POSTGRESQL
def test_a_sign_in_under_way_does_not_slip_through(core: Core) -> None:
    """An end waits for whoever is signing in, and ends their session, though it is the first in its dialect.

    On SQLite nobody can write between the two.
    """
    account = somebody(core)
    ended: list[int] = []

    def end() -> None:
        ended.append(do(core, session_ends.end_all, account.number))

    ending = threading.Thread(target=end)
    with core.begin(ORIGIN, writes=True) as uow:
        mine = accounts.c.number == account.number
        uow.db.execute(update(accounts).where(mine).values(signed_in_at=uow.now))  # as a sign-in does
        _, secret = sessions.open_session(uow, account.number, Device())
        ending.start()
        ending.join(0.3)
        assert ended == []
    ending.join(10)
    assert ended == [1]
    assert not is_alive(core, secret)


@ON_POSTGRESQL
def test_a_session_opened_in_an_epoch_past_is_dead(core: Core) -> None:
    """A child whose parent is ended between the look at it and its own first row does not live."""
    account = somebody(core)
    parent, _ = opened(core, account)
    meanwhile: list[int] = []

    def end(statement: str) -> None:
        if "FOR KEY SHARE" in statement and not meanwhile:
            meanwhile.append(0)
            meanwhile.append(do(core, session_ends.end_all, account.number))

    with after_statements(core, end):
        _, secret = opened(core, account, parent=parent)
    assert meanwhile == [0, 1]
    assert not is_alive(core, secret)


@ON_POSTGRESQL
def test_a_parent_cannot_vanish_under_its_child(core: Core) -> None:
    """A child that is being opened keeps its parent's row, so nothing goes wrong: the parent's end waits."""
    account = somebody(core)
    parent, _ = opened(core, account)
    ending = threading.Thread(target=lambda: do(core, session_ends.end, parent))

    def end(statement: str) -> None:
        if "FOR KEY SHARE" in statement and not ending.ident:
            ending.start()
            ending.join(0.3)

    with after_statements(core, end):
        _, secret = opened(core, account, parent=parent)
    ending.join(10)
    assert not is_alive(core, secret)
    assert kept(core) == []


# --- the broom ------------------------------------------------------------------------------------------


def test_ended_sessions_are_swept_in_batches(core: Core) -> None:
    """No unit of work removes more than a batch; what one sweep leaves the next ones take."""
    account = somebody(core)
    for _ in range(25):
        opened(core, account)
    mine, secret = opened(core, account)
    do(core, session_ends.end_all, account.number, but=mine)
    deletions: list[str] = []

    def count(statement: str) -> None:
        if is_write(statement) and "DELETE FROM sessions" in statement:
            deletions.append(statement)

    with after_statements(core, count):
        assert swept(core, batch=10, most_batches=2) == 20
        assert len(deletions) == 2
        assert swept(core, batch=10, most_batches=2) == 5
    assert len(deletions) == 3
    assert [row["id"] for row in kept(core)] == [mine.id]
    assert is_alive(core, secret)


def test_the_broom_remembers_what_is_swept(core: Core) -> None:
    """An account whose ended sessions are swept is not looked at again before its sessions end again."""
    account = somebody(core)
    for _ in range(2):
        opened(core, account)
        do(core, session_ends.end_all, account.number)
        assert swept(core) == 1
        (epoch,) = rows(core, session_epochs)
        assert epoch["swept"] == epoch["epoch"]
    looked: list[str] = []
    with after_statements(core, looked.append):
        assert swept(core) == 0
    assert sum("sessions.epoch <" in statement for statement in looked) == 0


def test_several_accounts_are_swept_one_after_another(core: Core) -> None:
    """Each account and dialect with ended sessions is swept in a unit of its own."""
    for name in ("a@example.org", "b@example.org"):
        account = somebody(core, name)
        for origin in (ORIGIN, STRICT):
            opened(core, account, origin=origin)
        do(core, session_ends.end_all, account.number)
    assert swept(core) == 4
    assert kept(core) == []
    assert {row["swept"] for row in rows(core, session_epochs)} == {1}


@ON_POSTGRESQL
def test_two_brooms_do_not_meet(core: Core) -> None:
    """What one node is sweeping another passes over, so that neither waits for the other."""
    account = somebody(core)
    opened(core, account)
    do(core, session_ends.end_all, account.number)
    others: list[int] = []

    def sweep_too(statement: str) -> None:
        if "SKIP LOCKED" in statement and not others:
            others.append(-1)
            others.append(swept(core))

    with after_statements(core, sweep_too):
        assert swept(core) == 1
    assert others == [-1, 0]


def test_epochs_go_with_their_account(core: Core, clock: FakeClock) -> None:
    """An account that is purged leaves no epoch behind."""
    account = somebody(core)
    opened(core, account)
    do(core, session_ends.end_all, account.number)

    def purge(uow: UnitOfWork) -> None:
        uow.db.execute(accounts.delete().where(accounts.c.number == account.number))

    do(core, purge)
    assert rows(core, session_epochs) == []


@ON_POSTGRESQL
@pytest.mark.parametrize("use", [sessions.lock_one, session_ends.end_one])
def test_a_session_that_goes_meanwhile_is_not_found(core: Core, use: Callable[..., None]) -> None:
    """A session that ends between being looked at and being written is not there: locking does not revive it.

    On SQLite nobody can write between the two.
    """
    account = somebody(core)
    session, _ = opened(core, account)
    ended: list[str] = []

    def end(statement: str) -> None:
        if "FROM sessions" in statement and not is_write(statement) and not ended:
            ended.append(statement)
            do(core, session_ends.end, session)

    with after_statements(core, end), pytest.raises(NotFound):
        do(core, use, account.number, "immich", session.id)
    assert events(core) == ["account added", "signed out"]
