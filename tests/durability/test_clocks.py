"""A clock that is wrong for a while costs nobody their sign-in, and nothing is thrown away by it."""

from __future__ import annotations

from datetime import timedelta

from tests.contract.aivo import speech as aivo
from tests.contract.immich import speech as immich
from tests.contract.portainer import speech as portainer
from tests.fakes import FakeClock
from tests.people import opened, presenting, rows, somebody
from tests.running import Running

from dragoman.core.sessions import sessions
from dragoman.core.work import Core
from dragoman.sweeper import Sweeper


def test_a_clock_put_back_signs_nobody_out(sqlite_server: Running, clock: FakeClock) -> None:
    """An hour back, whoever was signed in is so still, may sign out, renew a token, and sign in anew."""
    with (
        immich.visiting(sqlite_server) as photos,
        aivo.visiting(sqlite_server) as video,
        portainer.visiting(sqlite_server) as ports,
    ):
        person, watcher, keeper = photos.person(), video.person(), ports.account(username="keeper")
        held, token = video.log_in(watcher), ports.log_in("keeper").json()["jwt"]
        clock.forward(hours=-1)
        assert photos.call("get_my_user", person.token).status_code == 200
        assert photos.log_in(person.email).status_code == 201
        assert photos.call("logout", person.token).status_code == 200
        assert photos.call("get_my_user", person.token).status_code == 401
        assert video.lives(held)
        assert video.refresh(held).status_code == 200
        assert ports.is_good(token)
        assert ports.log_in(keeper.username).status_code == 200


def test_a_clock_far_ahead_is_forgiven(sqlite_server: Running, clock: FakeClock) -> None:
    """Ten years ahead, sessions are over and signing in works; when the clock is right again, so are they."""
    with immich.visiting(sqlite_server) as photos, aivo.visiting(sqlite_server) as video:
        person, held = photos.person(), video.log_in(video.person())
        clock.forward(days=3650)
        assert photos.call("get_my_user", person.token).status_code == 401
        assert not video.lives(held)
        assert photos.log_in(person.email).status_code == 201
        clock.forward(days=-3650)
        assert photos.call("get_my_user", person.token).status_code == 200
        assert video.lives(held)
        assert video.refresh(held).status_code == 200


def sweeping(core: Core, steady: FakeClock) -> Sweeper:
    """A sweeper with a second clock, which nobody puts ahead or back."""
    return Sweeper(core, every=timedelta(minutes=1), batch=100, monotonic=lambda: steady().timestamp())


def sessions_of(core: Core) -> int:
    """How many sessions there are, over or not."""
    return len(rows(core, sessions))


def test_nothing_is_swept_by_a_clock_that_has_just_jumped(sqlite_server: Running, clock: FakeClock) -> None:
    """Sessions that a clock far ahead has ended are still there when it is put right; what is over later is swept."""
    core, steady = sqlite_server.core, FakeClock()
    sweeper = sweeping(core, steady)
    alice = somebody(core)
    _, secret = opened(core, alice)
    clock.forward(days=3650)
    for _ in range(10):
        for each in (clock, steady):
            each.forward(minutes=1)
        sweeper.sweep()
    clock.forward(days=-3650)
    sweeper.sweep()
    assert presenting(core, secret).account.id == alice.id
    for each in (clock, steady):
        each.forward(days=91)
    sweeper.sweep()
    assert sessions_of(core) == 0


def test_a_clock_that_goes_on_as_time_does_is_believed_in_the_end(
    sqlite_server: Running, clock: FakeClock
) -> None:
    """A clock that jumped because it was put right sweeps again after an hour, and not before."""
    core, steady = sqlite_server.core, FakeClock()
    sweeper = sweeping(core, steady)
    opened(core, somebody(core))
    clock.forward(days=365)
    sweeper.sweep()
    for left, minutes in ((1, 59), (0, 1)):
        for each in (clock, steady):
            each.forward(minutes=minutes)
        sweeper.sweep()
        assert sessions_of(core) == left
