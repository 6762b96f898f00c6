"""Refresh tokens: each is used once, a second use ends the family, and nobody ever has two that are good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, events, opened, rows, somebody, with_tools
from tests.racing import after_statements, at_once

from dragoman.core import accounts, refresh, session_ends, sessions, sweep
from dragoman.core.errors import RefreshRefused, RefreshReused, Unavailable
from dragoman.core.refresh import Rotated, refresh_tokens
from dragoman.core.sealing import SealBroken
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Session
from dragoman.core.work import Core

GRACE = timedelta(seconds=10)
NONE = timedelta(0)
STRICT = replace(ORIGIN, dialect="strict")  # sessions idle out in 8 hours, and end after a day


def begun(core: Core, number: int = 1) -> tuple[Session, Secret]:
    """A new family of an account: its session and its first token."""
    account = do(core, accounts.get, str(number))
    session, secret = opened(core, account, origin=STRICT)
    return session, do(core, refresh.begin, session, secret, origin=STRICT)


def rotated(core: Core, token: Secret, *, grace: timedelta = GRACE, **named: Any) -> Rotated:
    """What comes of a token, used in a unit of its own."""
    return do(core, refresh.rotate, token, grace=grace, origin=STRICT, **named)


def is_refused(core: Core, token: Secret, *, grace: timedelta = GRACE) -> bool:
    """Whether a token is of no use."""
    try:
        rotated(core, token, grace=grace)
    except RefreshRefused:
        return True
    return False


def unspent(core: Core) -> int:
    """How many tokens on record may still be spent."""
    return sum(row["spent_at"] is None for row in rows(core, refresh_tokens))


# --- one after the other --------------------------------------------------------------------------------


def test_a_token_leads_to_the_next(sealed: Core, clock: FakeClock) -> None:
    """Each use gives another token of the same session and account; the digests alone are stored."""
    session, token = begun(sealed)
    seen = {token.reveal()}
    for _ in range(5):
        clock.forward(minutes=15)
        after = rotated(sealed, token)
        assert (after.session.id, after.account.number) == (session.id, 1)
        assert after.token.reveal() not in seen
        seen.add(after.token.reveal())
        token = after.token
    assert unspent(sealed) == 1
    stored = str(rows(sealed, refresh_tokens)) + str(rows(sealed, sessions.sessions))
    assert not [text for text in seen for part in text.split(".") if part in stored]


def test_a_use_keeps_the_session_from_idling(sealed: Core, clock: FakeClock) -> None:
    """Who refreshes stays signed in past the idle limit; who does not is signed out; nobody past the last day."""
    _, used = begun(sealed)
    _, unused = begun(sealed)
    for _ in range(3):
        clock.forward(hours=7)
        used = rotated(sealed, used).token
    assert is_refused(sealed, unused)
    clock.forward(hours=3)
    assert is_refused(sealed, used), "a day is over"


FATES: Mapping[str, Callable[[Core], object]] = {
    "disabled": lambda core: do(core, accounts.disable, 1),
    "deleted": lambda core: do(core, accounts.delete_softly, 1),
    "signed out": lambda core: do(core, session_ends.end_all, 1),
    "purged": lambda core: do(core, accounts.purge, 1),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_family_ends_with_its_session_and_its_owner(sealed: Core, fate: str) -> None:
    """No token outlives its session, nor an account that may not sign in, spent a moment ago or not."""
    _, first = begun(sealed)
    second = rotated(sealed, first).token
    FATES[fate](sealed)
    for token in (first, second):
        with pytest.raises(RefreshRefused) as refused:
            rotated(sealed, token)
        assert type(refused.value) is RefreshRefused


def test_an_ended_session_takes_its_tokens_along(sealed_sqlite: Core) -> None:
    """Signing out leaves no token on record."""
    session, token = begun(sealed_sqlite)
    rotated(sealed_sqlite, token)
    do(sealed_sqlite, session_ends.end, session, origin=STRICT)
    assert rows(sealed_sqlite, refresh_tokens) == []


# --- a token that comes twice ---------------------------------------------------------------------------


@pytest.mark.parametrize("grace", [NONE, GRACE])
def test_a_spent_token_ends_the_family(sealed: Core, clock: FakeClock, grace: timedelta) -> None:
    """Whoever presents a spent token after the grace shows that two hold it: all is over, and on record."""
    session, first = begun(sealed)
    _, bystander = begun(sealed)
    second = rotated(sealed, first, grace=grace).token
    clock.now += grace
    with pytest.raises(RefreshReused):
        rotated(sealed, first, grace=grace)
    assert [is_refused(sealed, token, grace=grace) for token in (first, second)] == [True, True]
    assert not is_refused(sealed, bystander, grace=grace)
    assert session.id not in {row["id"] for row in rows(sealed, sessions.sessions)}
    assert events(sealed).count("refresh token reused") == 1


def test_the_oldest_token_ends_the_family_too(sealed: Core, clock: FakeClock) -> None:
    """However many uses ago a token was spent, and though it is not on record, it gives the theft away."""
    _, first = begun(sealed)
    token = first
    for _ in range(20):
        clock.forward(seconds=11)
        token = rotated(sealed, token).token
    assert len(rows(sealed, refresh_tokens)) == 2
    with pytest.raises(RefreshReused):
        rotated(sealed, first)
    assert is_refused(sealed, token)


def test_within_the_grace_the_same_successor_comes_again(sealed: Core, clock: FakeClock) -> None:
    """An owner who did not hear the answer asks again and hears it, until the grace is over to the microsecond."""
    _, first = begun(sealed)
    second = rotated(sealed, first).token
    clock.now += GRACE - timedelta(microseconds=1)
    assert rotated(sealed, first).token == second
    # Also while the successor is spent already, for whoever answers late.
    third = rotated(sealed, second).token
    assert rotated(sealed, first).token == second
    assert rotated(sealed, second).token == third
    assert unspent(sealed) == 1
    clock.now += timedelta(microseconds=1)
    assert rotated(sealed, second).token == third
    assert is_refused(sealed, first)


def test_what_is_in_its_grace_is_not_looked_through(sealed_sqlite: Core) -> None:
    """Who refreshes a hundred times a second waits no longer for that: spent tokens are found by when they are forgotten."""
    _, token = begun(sealed_sqlite)
    asked: list[str] = []
    with after_statements(sealed_sqlite, asked.append):
        rotated(sealed_sqlite, token)
    (forget,) = [statement for statement in asked if statement.startswith("DELETE FROM refresh_tokens")]
    with sealed_sqlite.database.reading() as db:
        (plan,) = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {forget}", (None, None)).scalars("detail")
    assert plan.endswith("(session_id=? AND grace_until<?)")


def test_a_successor_is_sealed_while_it_may_be_asked_for(sealed_sqlite: Core, clock: FakeClock) -> None:
    """What is kept for the grace opens in its own row alone, and is removed when the grace is over."""
    tokens = [begun(sealed_sqlite)[1] for _ in range(2)]
    for token in tokens:
        rotated(sealed_sqlite, token)
    spent = [row for row in rows(sealed_sqlite, refresh_tokens) if row["successor"]]
    assert len(spent) == 2
    for row, other in zip(spent, reversed(spent), strict=True):
        moved = update(refresh_tokens).where(refresh_tokens.c.digest == row["digest"])
        do(sealed_sqlite, lambda uow, m=moved, o=other: uow.db.execute(m.values(successor=o["successor"])))
    with pytest.raises(SealBroken):
        rotated(sealed_sqlite, tokens[0])
    clock.now += GRACE
    assert sweep.sweep(sealed_sqlite, ORIGIN)["refresh_tokens"] == 2
    assert [row["successor"] for row in rows(sealed_sqlite, refresh_tokens)] == [None, None]


def test_without_a_grace_nothing_is_sealed(sqlite_core: Core) -> None:
    """Where no grace is given, a successor is nowhere but in the answer."""
    somebody(sqlite_core)
    _, token = begun(sqlite_core)
    rotated(sqlite_core, token, grace=NONE)
    (left,) = rows(sqlite_core, refresh_tokens)
    assert (left["spent_at"], left["successor"]) == (None, None)


# --- what is refused and changes nothing ----------------------------------------------------------------


def test_what_is_no_token_is_refused(sealed: Core) -> None:
    """Garbage, halves and strangers' tokens are refused, and the family they resemble lives on."""
    _, token = begun(sealed)
    handle, _, own = token.reveal().rpartition(".")
    others = begun(sealed)[1].reveal().rpartition(".")[2]
    assert others != own
    for text in (
        "",
        ".",
        handle,
        own,
        f"{handle}.",
        f".{own}",
        f"{handle}.{own[:-1]}",
        f"x.{own}",
        "\ud800.x",
    ):
        with pytest.raises(RefreshRefused) as refused:
            rotated(sealed, Secret(text))
        assert type(refused.value) is RefreshRefused, text
    assert not is_refused(sealed, token)


def test_a_token_is_of_one_dialect(sealed: Core) -> None:
    """Another dialect knows nothing of it, and does not end it."""
    _, token = begun(sealed)
    with pytest.raises(RefreshRefused):
        do(sealed, refresh.rotate, token, grace=GRACE)
    assert not is_refused(sealed, token)


def test_who_claims_another_session_is_refused(sealed: Core) -> None:
    """A token that continues another session than its bearer claims is refused, and not spent."""
    somebody(sealed, BOB)
    session, token = begun(sealed)
    other, _ = begun(sealed, 2)
    with pytest.raises(RefreshRefused):
        rotated(sealed, token, named=other.id)
    assert rotated(sealed, token, named=session.id).session.id == session.id


# --- at the same instant --------------------------------------------------------------------------------


def test_many_uses_of_one_token_make_one_child(sealed: Core) -> None:
    """Of fifty who present one token at the same instant each hears of the same successor, and there is one."""
    _, token = begun(sealed)
    heard = at_once(*[lambda: rotated(sealed, token) for _ in range(50)])
    # On a busy machine some may have waited too long for their turn; nobody was told no.
    assert not [each for each in heard if not isinstance(each, Rotated | Unavailable)]
    assert len({each.token for each in heard if isinstance(each, Rotated)}) == 1
    assert unspent(sealed) == 1
    assert len(rows(sealed, refresh_tokens)) == 2


def test_without_a_grace_one_of_many_is_heard_and_the_family_ends(sealed: Core) -> None:
    """Of many at the same instant one is given a successor, and the others show that more than one hold it."""
    _, token = begun(sealed)
    heard = at_once(*[lambda: rotated(sealed, token, grace=NONE).token for _ in range(8)])
    assert sum(isinstance(each, Secret) for each in heard) == 1
    assert sum(isinstance(each, RefreshReused) for each in heard) >= 1
    assert all(is_refused(sealed, each, grace=NONE) for each in heard if isinstance(each, Secret))


# --- an owner, a thief and a clock ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept_core(kept_core: Core) -> Core:
    """The same, with Alice."""
    somebody(kept_core)
    return kept_core


@dataclass
class Holder:
    """Somebody who holds tokens, the newest last."""

    held: list[Secret] = field(default_factory=list)


def leading_on(core: Core, tokens: Sequence[Secret], grace: timedelta) -> set[Secret]:
    """Those tokens that would now be given a successor which nobody has. Nothing changes by asking."""
    found: set[Secret] = set()
    with core.begin(STRICT, writes=True) as uow:
        for token in tokens:
            asking = uow.db.begin_nested()
            try:
                if refresh.rotate(uow, token, grace=grace).token not in tokens:
                    found.add(token)
            except RefreshRefused:
                uow.kept.clear()
            asking.rollback()
    return found


WHO = st.sampled_from(["owner", "thief"])
STEPS = st.one_of(
    st.tuples(st.just("use"), WHO, st.integers(1, 3)),  # the newest token held, or an older one
    st.tuples(st.just("steal"), st.just("thief"), st.just(1)),
    st.tuples(st.just("wait"), st.just("clock"), st.sampled_from([1, 9, 10, 11, 3600, 8 * 3600])),
)


@given(st.lists(STEPS, max_size=14), st.sampled_from([NONE, GRACE]))
def test_there_are_never_two_good_tokens(
    kept_core: Core, steps: list[tuple[str, str, int]], grace: timedelta
) -> None:
    """Whatever owner, thief and clock do, one token at most leads on; a spent one, once late, ends them all."""
    clock = FakeClock()
    core = with_tools(kept_core, clock=clock)
    families_before = unspent(core)
    _, first = begun(core)
    people = {"owner": Holder([first]), "thief": Holder()}
    spent: dict[str, Any] = {}
    ended = False
    for what, who, how in steps:
        if what == "wait":
            clock.forward(seconds=how)
        elif what == "steal":
            people["thief"].held.append(people["owner"].held[-1])
        elif len(people[who].held) >= how:
            token = people[who].held[-how]
            late = token.reveal() in spent and clock.now >= spent[token.reveal()] + grace
            try:
                successor = rotated(core, token, grace=grace).token
            except RefreshRefused:
                ended = ended or late
            else:
                assert not ended, "a family that ended goes on"
                assert not late, "a spent token was of use"
                spent.setdefault(token.reveal(), clock.now)
                people[who].held.append(successor)
        assert unspent(core) <= families_before + 1
    issued = [token for holder in people.values() for token in holder.held]
    assert len(leading_on(core, issued, grace)) <= (0 if ended else 1)
