"""How long a session lives, and what ends it (contract §2.1, §2.7)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.immich.speech import PIN, House, assert_refused
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import sessions, sweep
from dragoman.core.sessions import Device
from dragoman.core.work import Origin

SWEEPER = Origin("sweeper")


def is_live(house: House, token: str) -> bool:
    """Whether the token is still good, in Immich's words if it is not."""
    response = house.call("validate_access_token", token)
    if response.status_code != 200:
        assert_refused(response, 401, "Invalid user token")
    return response.status_code == 200


def write_last_seen(house: House) -> None:
    """What the sweeper does every minute: write when sessions were last used."""
    sweep.write_last_seen(house.core, SWEEPER)


def session_of(house: House, number: int) -> Any:
    """The account's only live session, as it is stored."""
    with house.core.begin(SWEEPER, writes=False) as uow:
        (session,) = sessions.owned(uow, number)
        return session


def test_unused_session_ends_after_90_days(owns: House) -> None:
    """A session that nobody uses is good for 90 days, and not a moment longer."""
    person, other = owns.person(), owns.person()
    owns.clock.forward(days=90, microseconds=-1)
    assert is_live(owns, person.token)
    owns.clock.forward(microseconds=1)
    assert not is_live(owns, other.token)
    assert is_live(owns, person.token), "used just before its end, it goes on"


def test_use_keeps_a_session(owns: House) -> None:
    """Each use begins the 90 days anew, so that a session in use never ends by itself."""
    person = owns.person()
    for _ in range(5):
        owns.clock.forward(days=89)
        assert is_live(owns, person.token)
        write_last_seen(owns)
    owns.clock.forward(days=90)
    assert not is_live(owns, person.token)


def test_last_use_moves_by_the_hour(owns: House) -> None:
    """A use within the hour writes nothing; one after it moves "last seen" to now (§2.7)."""
    person = owns.person()
    begun = owns.clock.now
    owns.clock.forward(minutes=59)
    assert is_live(owns, person.token)
    write_last_seen(owns)
    assert session_of(owns, person.number).seen_at == begun
    owns.clock.forward(hours=1, minutes=1)
    assert is_live(owns, person.token)
    write_last_seen(owns)
    seen = session_of(owns, person.number)
    assert (seen.seen_at, seen.idle_until) == (owns.clock.now, owns.clock.now + timedelta(days=90))


def test_what_idled_out_stays_out(owns: House) -> None:
    """Asking with a session that has ended does not bring it back, and the sweeper removes it."""
    person = owns.person()
    owns.clock.forward(days=91)
    assert not is_live(owns, person.token)
    write_last_seen(owns)
    assert not is_live(owns, person.token)
    sweep.sweep(owns.core, SWEEPER)
    owns.clock.now -= timedelta(days=91)
    assert not is_live(owns, person.token)


def test_what_dates_a_session_keeps_it_alive(own: House) -> None:
    """A reset of the PIN locks and dates the elevated (§2.3, §2.7), which keeps those that live and revives none."""
    account = own.account()
    kept, idle = own.token(account), own.token(account)
    own.call("setup_pin_code", kept, {"pinCode": PIN})
    own.call("unlock_auth_session", idle, {"pinCode": PIN})
    own.clock.forward(days=50)
    own.call("unlock_auth_session", kept, {"pinCode": PIN})
    own.clock.forward(days=50)
    assert own.call("reset_pin_code", own.token(account), {"pinCode": PIN}).status_code == 200
    assert not is_live(own, idle)
    own.clock.forward(days=89)
    assert is_live(own, kept)


def test_login_session_says_no_expiry(owns: House) -> None:
    """Sessions of a log-in end by idling alone: their status has no `expiresAt` (§2.7)."""
    person = owns.person()
    token = owns.log_in(person.email).json()["accessToken"]
    owns.clock.forward(days=30)
    assert "expiresAt" not in owns.status(token)


def test_child_session_says_when_it_expires_and_dies_with_its_parent(owns: House) -> None:
    """A session with a duration names its end, ends then, and never outlives its parent (§2.7)."""
    person = owns.person()
    parent = session_of(owns, person.number)

    def open_child(minutes: int) -> str:
        duration = timedelta(minutes=minutes)
        opened = do(
            owns.core, sessions.open_session, person.number, Device(), parent=parent, duration=duration
        )
        return opened[1].reveal()

    short, long = open_child(10), open_child(60)
    assert owns.status(short)["expiresAt"] == "2026-01-05T09:40:00.000Z"
    owns.clock.forward(minutes=10)
    assert not is_live(owns, short)
    assert is_live(owns, long)
    assert owns.call("logout", person.token).status_code == 200
    assert not is_live(owns, long)


def by_change_password(house: House, token: str) -> Any:
    """The page's way to a new password."""
    return house.call("change_password", token, {"password": PASSWORD, "newPassword": NEW_PASSWORD})


def by_update_my_user(house: House, token: str) -> Any:
    """The app's way to a new password, while one must be set."""
    return house.call("update_my_user", token, {"password": NEW_PASSWORD})


def by_change_password_and_flag(house: House, token: str) -> Any:
    """As a later release asks it, with a field that 1.134 drops."""
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD, "invalidateSessions": True}
    return house.call("change_password", token, body)


@pytest.mark.parametrize("change", [by_change_password, by_update_my_user, by_change_password_and_flag])
def test_new_password_ends_nothing(houses: House, change: Callable[[House, str], Any]) -> None:
    """At 1.134 sessions and keys of the account live on through a change of password (§2.1)."""
    person = houses.person(must_change_password=True)
    others = [houses.token(person.account) for _ in range(2)]
    _, key = houses.key(person.account)
    assert change(houses, person.token).status_code == 200
    assert houses.log_in(person.email, NEW_PASSWORD).status_code == 201
    assert all(is_live(houses, token) for token in (person.token, *others))
    assert houses.call("validate_access_token", headers={"x-api-key": key}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "device"),
    [
        ({}, ("", "", None)),
        ({"devicemodel": "Pixel 8", "devicetype": "Android"}, ("Pixel 8", "Android", None)),
        ({"user-agent": "Immich_Android_1.134.0"}, ("", "Android", "1.134.0")),
        ({"user-agent": "immich-android/2.7.5", "devicemodel": "Pixel"}, ("Pixel", "android", "2.7.5")),
        ({"user-agent": "Immich_iOS_1.134.0", "devicetype": "iOS"}, ("", "iOS", "1.134.0")),
        ({"user-agent": "immich-ios/2.7.5"}, ("", "", "2.7.5")),
        ({"user-agent": "immich-unknown/3.0.0-rc.1 (x)"}, ("", "", "3.0.0-rc.1")),
        ({"user-agent": "OpenAPI-Generator/1.134.0/python"}, ("", "", None)),
        ({"devicemodel": "m" * 500, "devicetype": "t" * 500}, ("m" * 128, "t" * 128, None)),
    ],
)
def test_session_notes_what_the_client_says_it_is(
    house: House, headers: dict[str, str], device: tuple[str, str, str | None]
) -> None:
    """What the User-Agent does not tell, the app's own headers do; all of it is cut to size (§2.8)."""
    account = house.account()
    assert house.log_in(str(account.email), headers=headers).status_code == 201
    session = session_of(house, account.number)
    assert (session.device, session.os, session.app_version) == device
    assert session.address == "127.0.0.1"


def test_parallel_logouts_have_one_winner(owns: House) -> None:
    """A session is ended once: of its log-outs at one time one succeeds and the others find it gone."""
    person = owns.person()
    with ThreadPoolExecutor(10) as crowd:
        leaving = crowd.map(lambda _: owns.call("logout", person.token), range(10))
        statuses = sorted(response.status_code for response in leaving)
    assert statuses == [200] + [401] * 9
