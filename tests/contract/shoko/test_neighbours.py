"""What clients ask around a sign-in: contract §3, and pages of other sites (§0)."""

from __future__ import annotations

import pytest
from tests.contract.shoko.speech import (
    SHOKO,
    House,
    assert_empty,
    assert_invalid,
    assert_problem,
    assert_says,
    visiting,
)
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.racing import at_once
from tests.running import configured, running

from dragoman.core import setup

DATABASE = {"Progress": None, "Blocked": False, "Status": None}
DEFAULT_USER = "/api/v3/Init/DefaultUser"


def status(state: int, uptime: str) -> dict[str, object]:
    """What Init/Status says."""
    return {"State": state, "StartupMessage": None, "Uptime": uptime, "DatabaseBlocked": DATABASE}


def test_status_before_and_after_set_up(own: House) -> None:
    """State 4 while the server waits for its first account, then 2; the web UI shows its form for 2 alone."""
    older = {
        "startup_state": "Waiting for the first time setup",
        "server_started": False,
        "server_uptime": "00:00:00",
        "first_run": True,
        "startup_failed": False,
        "startup_failed_error_message": "",
    }
    assert_says(own.ask("GET", "/api/v3/Init/Status"), status(4, "00:00:00"))
    assert_says(own.ask("GET", "/api/init/status"), older)
    own.account()
    own.clock.forward(minutes=61, seconds=5)
    assert_says(own.ask("GET", "/api/v3/Init/Status", ""), status(2, "01:01:05"))
    done = {
        "startup_state": "Complete!",
        "server_started": True,
        "server_uptime": "01:01:05",
        "first_run": False,
    }
    assert_says(own.ask("GET", "/api/init/status"), {**older, **done})
    own.clock.forward(days=2)
    assert own.ask("GET", "/api/v3/init/status/").json()["Uptime"] == "2.01:01:05"


def test_versions(house: House) -> None:
    """The release spoken, in v3's shape and in v2's; Shokofin wants `Server`, Nakamori an item named `server`."""
    component = {"Version": "4.2.2.0", "Commit": "5f64d52ab", "ReleaseChannel": "Stable"}
    assert_says(
        house.ask("GET", "/api/v3/Init/Version", "", headers={"content-type": "text/plain"}),
        {
            "Server": {**component, "ReleaseDate": "2023-07-15T04:44:00Z"},
            "WebUI": {"Version": "0.0.0", "Commit": None, "ReleaseChannel": "Stable", "ReleaseDate": None},
        },
    )
    assert_says(house.ask("GET", "/api/version"), [{"name": "server", "version": "4.2.2.0"}])


def test_who_one_is(house: House) -> None:
    """`User/Current`, and v2's ping; GETs may carry an empty body of any type, as Shokofin's do."""
    account = house.account(is_admin=True)
    key = house.key(account)
    shokofin = {"content-type": "text/plain; charset=utf-8"}
    assert_says(
        house.ask("GET", "/api/v3/User/Current", key, headers=shokofin, content=b""),
        {
            "ID": account.number,
            "Username": account.username,
            "IsAdmin": True,
            "CommunitySites": ["AniDB"],
            "RestrictedTags": [],
        },
    )
    assert_says(house.ask("GET", "/api/ping", key), {"response": "pong"})


# --- the first administrator ----------------------------------------------------------------------------


def test_the_default_user_is_made_once(own: House) -> None:
    """It is asked for by its name, made an administrator, and from then on nobody's to make or to see."""
    assert_says(own.ask("GET", DEFAULT_USER), {"Username": "Default", "Password": ""})
    made = {"Username": " Default ", "Password": PASSWORD}
    assert_empty(own.ask("POST", DEFAULT_USER, json=made))
    key = own.key_of("default")
    assert own.ask("GET", "/api/v3/User/Current", key).json()["IsAdmin"] is True
    assert_problem(own.ask("GET", DEFAULT_USER), 401)
    assert_problem(
        own.ask("POST", DEFAULT_USER, json=made),
        403,
        detail="The first administrator cannot be made by this call.",
    )
    assert_problem(own.ask("GET", DEFAULT_USER, key), 401)


def test_outside_the_window_nobody_makes_the_default_user(sqlite_url: str) -> None:
    """Where set-up is closed to the network it is refused, and not shown; the server still waits for it."""
    closed = configured(sqlite_url, setup={"open": "never"})
    detail = "The first administrator cannot be made by this call."
    with running(closed, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        made = {"Username": "Default", "Password": PASSWORD}
        assert_problem(house.ask("POST", DEFAULT_USER, json=made), 403, detail=detail)
        assert_problem(house.ask("GET", DEFAULT_USER), 403, detail=detail)
        assert house.ask("GET", "/api/v3/Init/Status").json()["State"] == 4


def test_of_many_default_users_one_is_made(owns: House) -> None:
    """On both engines, of six calls at once one succeeds."""
    calls = [
        lambda n=n: owns.ask("POST", DEFAULT_USER, json={"Username": f"Default{n}", "Password": PASSWORD})
        for n in range(6)
    ]
    answers = at_once(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 5  # type: ignore[union-attr]


def test_the_default_user_needs_a_name_and_a_password(own: House) -> None:
    """Complaints by field, and nothing is made."""
    answer = own.ask("POST", DEFAULT_USER, json={"Username": " "})
    said = {"Username": ["The Username field is required."], "Password": ["The Password field is required."]}
    assert_invalid(answer, said)
    answer = own.ask("POST", DEFAULT_USER, json={"Username": "Default", "Password": ""})
    assert_invalid(answer, {"Password": ["Use at least 8 characters"]})
    answer = own.ask("POST", DEFAULT_USER, json={"Username": "a\u0007b", "Password": PASSWORD})
    assert_invalid(answer, {"Username": ["The name must not contain control characters"]})
    with own.core.begin(SHOKO, writes=False) as uow:
        assert not setup.is_done(uow)


# --- pages of other sites -------------------------------------------------------------------------------


def test_pages_of_any_origin_may_ask(house: House) -> None:
    """Whatever is answered says so, and no credentials of the browser's are admitted (§0)."""
    origin = {"origin": "https://anime.example.org"}
    for answer in (
        house.ask("GET", "/api/v3/Init/Status", headers=origin),
        house.ask("GET", "/api/ping", headers=origin),
        house.log_in("nobody", headers=origin),
        house.ask("GET", "/api/nope", headers=origin),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in house.ask("GET", "/api/ping").headers


@pytest.mark.parametrize("path", ["/api/auth", "/api/v3/User/Current", "/api/nope"])
def test_a_preflight_is_answered(house: House, path: str) -> None:
    """With the method and the headers that it asks for, wherever it asks."""
    headers = {
        "origin": "https://anime.example.org",
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "apikey,content-type",
    }
    answer = house.ask("OPTIONS", path, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "DELETE"
    assert answer.headers["access-control-allow-headers"] == "apikey,content-type"
    del headers["access-control-request-headers"]
    assert "access-control-allow-headers" not in house.ask("OPTIONS", path, headers=headers).headers


def test_what_is_no_preflight_is_a_wrong_method(house: House) -> None:
    """OPTIONS without what makes it one."""
    for headers in ({}, {"origin": "https://anime.example.org"}, {"access-control-request-method": "GET"}):
        assert_problem(house.ask("OPTIONS", "/api/auth", headers=headers), 405)
