"""Standing sessions: a device that signs in again is given the secret that it had."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fakes import ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, events, presenting, rows, sealing, somebody
from tests.racing import at_once

from dragoman.core import accounts, login, session_ends, sessions, standing, sweep
from dragoman.core.accounts import Account
from dragoman.core.errors import SessionRefused
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.work import Core


@pytest.fixture(name="core")
def sealing_core(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


def sign_in(core: Core, account: Account, device: str = "web-ui") -> tuple[Session, Secret]:
    """A sign-in by a password that nobody asked for."""

    def enter(uow: object) -> tuple[Session, Secret]:
        accounts.change(uow, account.number, accounts.Changes())  # type: ignore[arg-type]
        return standing.open_session(uow, account.number, Device(device))  # type: ignore[arg-type]

    return do(core, enter)


def test_a_device_is_given_its_secret_again(core: Core, clock: FakeClock) -> None:
    """The second sign-in from a device gives the session and the secret of the first, which opens it still."""
    account = somebody(core)
    first, secret = sign_in(core, account)
    clock.forward(days=80)
    again, same = sign_in(core, account)
    assert (again.id, same) == (first.id, secret)
    principal = presenting(core, secret)
    assert principal.session is not None
    assert (principal.account.number, principal.session.id) == (account.number, first.id)
    assert len(rows(core, sessions.sessions)) == 1


def test_another_device_account_or_dialect_is_another_session(core: Core) -> None:
    """What is given again belongs to one device name, as it is written, of one account in one dialect."""
    account, bob = somebody(core), somebody(core, BOB)
    secrets = [
        sign_in(core, account)[1],
        sign_in(core, account, "Web-UI")[1],
        sign_in(core, account, "")[1],
        sign_in(core, account, "x" * 3000 + "y")[1],
        sign_in(core, account, "x" * 3000 + "z")[1],
        sign_in(core, bob)[1],
        do(
            core,
            standing.open_session,
            account.number,
            Device("web-ui"),
            origin=replace(ORIGIN, dialect="strict"),
        )[1],
    ]
    assert len({secret.reveal() for secret in secrets}) == len(secrets)


@pytest.mark.parametrize("how", ["ended", "all ended", "idle", "device ended", "by its secret"])
def test_what_has_ended_is_not_given_again(core: Core, clock: FakeClock, how: str) -> None:
    """However a standing session ends, its secret is dead, and the next sign-in gets another."""
    account = somebody(core)
    first, secret = sign_in(core, account)
    if how == "ended":
        do(core, session_ends.end, first)
    elif how == "all ended":
        assert do(core, session_ends.end_all, account.number) == 1
    elif how == "idle":
        clock.forward(days=90)
    elif how == "device ended":
        assert do(core, standing.end_device, account.number, "web-ui") is True
        assert do(core, standing.end_device, account.number, "web-ui") is False
    else:
        assert do(core, session_ends.end_held, secret) is True
        assert do(core, session_ends.end_held, secret) is False
    _, other = sign_in(core, account)
    assert other != secret
    with pytest.raises(SessionRefused):
        presenting(core, secret)
    presenting(core, other)


def test_a_secret_ends_only_the_session_it_opens(core: Core) -> None:
    """Whoever holds a secret ends that session alone, and only in its own dialect; it is on record."""
    account = somebody(core)
    (_, mine), (_, other) = sign_in(core, account), sign_in(core, account, "phone")
    assert do(core, session_ends.end_held, mine, origin=replace(ORIGIN, dialect="strict")) is False
    assert do(core, session_ends.end_held, Secret("nobody's")) is False
    assert do(core, session_ends.end_held, mine) is True
    assert events(core).count("signed out") == 1
    presenting(core, other)


def test_of_many_that_end_a_session_one_does(core: Core) -> None:
    """By its secret or by its device: nobody is refused for coming second, and one line is on record."""
    account = somebody(core)
    _, secret = sign_in(core, account)

    def by_secret() -> bool:
        return do(core, session_ends.end_held, secret)

    def by_device() -> bool:
        return do(core, standing.end_device, account.number, "web-ui")

    ended = at_once(*[by_secret, by_device] * 4)
    assert sorted(map(str, ended)) == ["False"] * 7 + ["True"]
    assert len([event for event in events(core) if event in ("signed out", "session ended")]) == 1


def test_the_secret_is_sealed(core: Core) -> None:
    """What is shown again is in the database as a digest and under seal, never as it is."""
    _, secret = sign_in(core, somebody(core))
    stored = rows(core, standing.standing_sessions)[0]["sealed"]
    assert secret.reveal().encode() not in stored
    assert len(stored) == len(secret.reveal()) + 37


def test_the_broom_takes_what_is_over_along(core: Core, clock: FakeClock) -> None:
    """A swept session leaves nothing of its standing behind, nor does a purged account."""
    account, bob = somebody(core), somebody(core, BOB)
    sign_in(core, account)
    sign_in(core, bob)
    do(core, accounts.purge, bob.number)
    assert len(rows(core, standing.standing_sessions)) == 1
    clock.forward(days=91)
    sweep.sweep(core, ORIGIN)
    assert rows(core, standing.standing_sessions) == []


def test_two_sign_ins_at_once_are_given_one_secret(core: Core) -> None:
    """Of parallel sign-ins from one device each succeeds, with the same secret."""
    account = somebody(core)
    given = at_once(*[lambda: sign_in(core, account) for _ in range(6)])
    assert len({secret.reveal() for _, secret in given}) == 1  # type: ignore[misc]


def test_there_is_room_for_a_bounded_number(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One device more than there may be ends the session that was not seen for longest, and no other."""
    monkeypatch.setattr(standing, "MOST", 3)
    account = somebody(core)
    secrets = []
    for device in "abcd":
        secrets.append(sign_in(core, account, device)[1])
        clock.forward(hours=2)
    with pytest.raises(SessionRefused):
        presenting(core, secrets[0])
    for secret in secrets[1:]:
        presenting(core, secret)
    assert len(rows(core, sessions.sessions)) == 3


def test_a_sign_in_opens_what_it_is_told_to(core: Core) -> None:
    """A sign-in that opens standing sessions gives a device its secret again."""
    somebody(core)

    def sign_in_from_tv() -> Secret:
        who = (ORIGIN, ALICE, Secret(PASSWORD), Device("tv"))
        return login.log_in_with(core, *who, then=lambda _, s: s.secret, opens=standing.open_session)

    assert sign_in_from_tv() == sign_in_from_tv()
