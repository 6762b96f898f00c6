"""Who is calling: every credential that is refused, and what being identified does to a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from sqlalchemy import update
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import ALICE, BOB, calling, calling_by_key, opened, presenting, rows, somebody

from dragoman.core import accounts, api_keys, elevation, sessions
from dragoman.core.errors import (
    AdminOnly,
    ApiKeyOwnerGone,
    ApiKeyRefused,
    CredentialRefused,
    NotFound,
    NotSignedIn,
    PermissionMissing,
    SessionRefused,
    SessionRequired,
    SharedLinkRefused,
)
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.secrets import Secret
from dragoman.core.work import Core, UnitOfWork

Kind = Literal["session", "api_key"]
REFUSED: dict[Kind, type[CredentialRefused]] = {"session": SessionRefused, "api_key": ApiKeyRefused}
KINDS: tuple[Kind, ...] = ("session", "api_key")


def credential(core: Core, kind: Kind) -> Secret:
    """A good one of Alice's."""
    account = somebody(core)
    if kind == "session":
        return opened(core, account)[1]
    return do(core, api_keys.issue, account.number, "immich", name="key", permissions=["all"])[1]


# --- refusals -------------------------------------------------------------------------------------------


def test_without_a_credential_nobody_is_signed_in(sqlite_core: Core) -> None:
    """A request that holds nothing up is told so, and not that something was wrong with it."""
    with sqlite_core.begin(ORIGIN, writes=False) as uow, pytest.raises(NotSignedIn):
        identify(uow, None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbled", ["", "x", "\x00", "\ud800", "x" * (1 << 20), "' OR 1=1 --"])
def test_an_unknown_secret_is_refused(sqlite_core: Core, kind: Kind, garbled: str) -> None:
    """A secret that opens nothing is refused by its kind, whatever it is made of."""
    credential(sqlite_core, kind)
    with pytest.raises(REFUSED[kind]):
        presenting(sqlite_core, Secret(garbled), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_of_one_kind(core: Core, kind: Kind) -> None:
    """A session's secret is no API key, and a key's opens no session."""
    secret = credential(core, kind)
    other: Kind = "api_key" if kind == "session" else "session"
    with pytest.raises(REFUSED[other]):
        presenting(core, secret, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_credential_belongs_to_one_dialect(core: Core, kind: Kind) -> None:
    """What was made in one dialect is refused in every other."""
    secret = credential(core, kind)
    with pytest.raises(REFUSED[kind]):
        presenting(core, secret, kind, replace(ORIGIN, dialect="strict"))
    assert presenting(core, secret, kind).account.email == ALICE


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_let_in_for_the_disabled_or_deleted(core: Core, kind: Kind) -> None:
    """The credentials of an account that is disabled or deleted are refused at once, and revive with it."""
    secret = credential(core, kind)
    for away, back in ((accounts.disable, accounts.enable), (accounts.delete_softly, accounts.restore)):
        do(core, away, 1)
        with pytest.raises(REFUSED[kind]) as refused:
            presenting(core, secret, kind)
        assert isinstance(refused.value, ApiKeyOwnerGone) == (kind == "api_key")
        do(core, back, 1)
        assert presenting(core, secret, kind).account.number == 1
    do(core, accounts.purge, 1)
    with pytest.raises(REFUSED[kind]):
        presenting(core, secret, kind)


def test_there_are_no_shared_links_yet(sqlite_core: Core) -> None:
    """Nothing can be shared, so every shared link is refused as one that is not good."""
    with sqlite_core.begin(ORIGIN, writes=False) as uow, pytest.raises(SharedLinkRefused):
        identify(uow, Presented("shared_link", Secret("x")))


# --- what a caller may ----------------------------------------------------------------------------------


def test_a_caller_says_what_it_came_through(core: Core) -> None:
    """The audit log names the session or key that somebody acted through."""
    account = somebody(core)
    by_session, by_key = calling(core, account), calling_by_key(core, account)
    assert by_session.session is not None
    assert by_key.api_key is not None
    assert by_session.via == f"session {by_session.session.id}"
    assert by_key.via == f"key {by_key.api_key.id}"
    assert Principal(account).via == ""


def test_some_things_need_a_session(core: Core) -> None:
    """A key is refused where only a session will do."""
    account = somebody(core)
    caller = calling(core, account)
    assert caller.require_session() == caller.session
    with pytest.raises(SessionRequired):
        calling_by_key(core, account).require_session()


def test_some_things_need_an_administrator(core: Core) -> None:
    """Who is no administrator is refused; who is one is not."""
    with pytest.raises(AdminOnly):
        calling(core, somebody(core)).require_admin()
    calling(core, somebody(core, "admin@example.org", is_admin=True)).require_admin()


def test_a_key_needs_a_permission(core: Core) -> None:
    """A key without the permission is refused and told which; a session may what its account may."""
    account = somebody(core)
    calling(core, account).require_permission("asset.read")
    calling_by_key(core, account, "asset.read").require_permission("asset.read")
    with pytest.raises(PermissionMissing) as refusal:
        calling_by_key(core, account, "asset.write").require_permission("asset.read")
    assert refusal.value.permission == "asset.read"


# --- being seen -----------------------------------------------------------------------------------------


def test_a_session_is_seen_by_the_hour(core: Core, clock: FakeClock) -> None:
    """A session seen within the hour is not noted again; later it is, and lives on from then."""
    session, secret = opened(core, somebody(core))
    clock.forward(hours=1, microseconds=-1)
    assert presenting(core, secret).session == session
    assert core.seen.take() == {}
    clock.forward(microseconds=1)
    seen = presenting(core, secret).session
    assert seen == replace(session, seen_at=clock.now, idle_until=clock.now + timedelta(days=90))
    ((key, sighting),) = core.seen.take().items()
    assert key == ("session", session.id)
    assert (sighting.at, sighting.idle_until) == (clock.now, clock.now + timedelta(days=90))


def test_being_seen_after_a_long_pause_is_written_at_once(core: Core, clock: FakeClock) -> None:
    """A session unused for a tenth of its idle time is written before the answer, not in the next batch."""
    session, secret = opened(core, somebody(core))

    def seen_at() -> object:
        (row,) = rows(core, sessions.sessions)
        return row["seen_at"]

    clock.forward(days=9)
    presenting(core, secret)
    assert seen_at() == session.created_at
    clock.forward(hours=1)
    presenting(core, secret)
    assert seen_at() == clock.now
    first = clock.now
    clock.forward(days=10)
    with core.begin(ORIGIN, writes=True) as uow:
        identify(uow, Presented("session", secret))
    assert seen_at() == clock.now != first


def test_of_many_requests_after_a_pause_one_writes(core: Core, clock: FakeClock) -> None:
    """What a page asks for all at once does not all wait for the writer's turn: the first request writes."""
    _, secret = opened(core, somebody(core))
    clock.forward(days=30)
    with core.begin(ORIGIN, writes=False) as first, core.begin(ORIGIN, writes=False) as second:
        for uow in (first, second):
            identify(uow, Presented("session", secret))
        assert (len(first.following), len(second.following)) == (1, 0)


# --- elevation slides -----------------------------------------------------------------------------------


def elevated(core: Core) -> tuple[Secret, sessions.Session]:
    """A session unlocked for fifteen minutes, and its secret."""
    account = somebody(core)
    session, secret = opened(core, account)
    caller = presenting(core, secret)
    elevation.set_pin(core, ORIGIN, caller, Secret("123456"))
    elevation.unlock(core, ORIGIN, caller, Secret("123456"))
    return secret, session


def until(core: Core) -> object:
    """Until when the only session is elevated, as the database has it."""
    (row,) = rows(core, sessions.sessions)
    return row["elevated_until"]


def test_an_elevation_in_use_slides(core: Core, clock: FakeClock) -> None:
    """Use within the last five minutes keeps a session unlocked for five more, and it is written by the answer."""
    start = clock.now
    secret, _ = elevated(core)
    assert until(core) == start + timedelta(minutes=15)
    clock.forward(minutes=10, seconds=1)
    presenting(core, secret)
    assert until(core) == start + timedelta(minutes=15)  # four minutes and 59 seconds are five
    clock.forward(seconds=1)
    session = presenting(core, secret).session
    assert session is not None
    assert until(core) == session.elevated_until == clock.now + timedelta(minutes=5)
    assert session.seen_at == clock.now
    for _ in range(20):
        clock.forward(minutes=4, seconds=59)
        presenting(core, secret)
        assert until(core) == clock.now + timedelta(minutes=5)


@pytest.mark.parametrize("minutes", [15, 16])
def test_an_elevation_that_is_over_stays_over(core: Core, clock: FakeClock, minutes: int) -> None:
    """At the instant it ends an elevation is over, and use does not bring it back."""
    secret, _ = elevated(core)
    before = until(core)
    clock.forward(minutes=minutes)
    session = presenting(core, secret).session
    assert session is not None
    assert session.elevated_until == before == until(core)


@pytest.mark.parametrize("writes", [False, True])
def test_a_refused_request_slides_too(core: Core, clock: FakeClock, writes: bool) -> None:
    """A request that is refused for another reason has kept its session unlocked all the same."""
    secret, _ = elevated(core)
    clock.forward(minutes=12)

    def refuse(uow: UnitOfWork) -> None:
        identify(uow, Presented("session", secret))
        raise NotFound("anything")

    with pytest.raises(NotFound), core.begin(ORIGIN, writes=writes) as uow:
        refuse(uow)
    assert until(core) == clock.now + timedelta(minutes=5)


def test_whoever_locks_meanwhile_wins(core: Core, clock: FakeClock) -> None:
    """A session locked between being identified and being slid stays locked."""
    secret, session = elevated(core)
    clock.forward(minutes=12)
    with core.begin(ORIGIN, writes=False) as uow:
        identify(uow, Presented("session", secret))
        s = sessions.sessions.c
        with core.database.writing() as db:
            db.execute(update(sessions.sessions).where(s.id == session.id).values(elevated_until=None))
    assert until(core) is None


# --- more than one credential -----------------------------------------------------------------------------


def test_what_is_refused_gives_way_to_the_next(core: Core) -> None:
    """Where a product tries all that it is shown, the first good one counts, and of none the last is refused."""
    _, good = opened(core, somebody(core))
    _, bobs = opened(core, somebody(core, BOB))
    bad = Secret("nobody's")

    def shown(*secrets: Secret) -> str:
        presented: Presented | None = None
        for secret in reversed(secrets):
            presented = Presented("session", secret, presented)
        with core.begin(ORIGIN, writes=False) as uow:
            return identify(uow, presented).account.username

    assert [shown(good), shown(bad, good), shown(bad, bad, good), shown(good, bad)] == ["alice"] * 4
    assert shown(bobs, good) == "bob"
    with pytest.raises(SessionRefused):
        shown(bad, bad)
