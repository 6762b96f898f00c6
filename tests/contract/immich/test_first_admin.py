"""Who may be the first administrator by Immich's own call: one, from here, and soon (docs/architecture.md, §11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.contract.immich.speech import SIGN_UP, House, assert_refused, visiting
from tests.fakes import FakeClock, cheap_hasher, do
from tests.running import configured, running

from dragoman.core import accounts

DONE = "The server already has an admin"
CLOSED = "Admin setup is disabled"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - said in settings and headers, listened on by nobody


@contextmanager
def fresh(tmp_path: Path, **told: Any) -> Iterator[House]:
    """A server without an account, whose set-up is as it is by default unless told otherwise."""
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", **{"setup": {}, **told})
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


def is_initialized(house: House, **named: Any) -> Any:
    """What an app is told: whether to ask for a sign-up."""
    return house.ask("GET", "/server/config", **named).json()["isInitialized"]


def test_one_of_many_wins(owns: House) -> None:
    """Of twenty who sign up at one moment exactly one is the administrator, and the others are told (§2.6)."""
    with ThreadPoolExecutor(20) as crowd:
        bodies = [{**SIGN_UP, "email": f"admin-{n}@example.com"} for n in range(20)]
        answers = list(crowd.map(lambda body: owns.call("sign_up_admin", body=body), bodies))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 19}
    for answer in answers:
        if answer.status_code == 400:
            assert_refused(answer, 400, DONE)
    winner = next(answer.json()["email"] for answer in answers if answer.status_code == 201)
    entered = [body["email"] for body in bodies if owns.log_in(body["email"]).status_code == 201]
    assert entered == [winner]


def test_same_sign_up_twice_at_once_wins_once(owns: House) -> None:
    """Nor do ten who all claim one e-mail address make more than one account, or any accident."""
    with ThreadPoolExecutor(10) as crowd:
        answers = list(crowd.map(lambda _: owns.call("sign_up_admin", body=SIGN_UP), range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 9}


def test_sign_up_makes_the_server_initialized(own: House) -> None:
    """Apps offer the sign-up until there is an administrator, and the log-in from then on (§2.6)."""
    assert is_initialized(own) is False
    assert own.call("sign_up_admin", body=SIGN_UP).status_code == 201
    assert is_initialized(own) is True
    assert_refused(own.call("sign_up_admin", body=SIGN_UP), 400, DONE)


def test_refused_sign_up_leaves_the_door_open(own: House) -> None:
    """A sign-up that is refused for its name or password has not been one."""
    refused = [
        ({"password": "password"}, ["password must not be one of the most common passwords"]),
        ({"password": "ada-ada-ada"}, ["password must not be your name or e-mail address"]),
        ({"password": "admin@example.com"}, ["password must not be your name or e-mail address"]),
        ({"name": "a\u0000"}, ["name must not contain control characters"]),
        ({"name": "a" * 257}, ["name must be at most 256 characters long"]),
    ]
    for change, messages in refused:
        assert_refused(own.call("sign_up_admin", body={**SIGN_UP, **change}), 400, messages)
    assert is_initialized(own) is False
    assert own.call("sign_up_admin", body=SIGN_UP).status_code == 201


@pytest.mark.parametrize("end", [accounts.disable, accounts.delete_softly, accounts.purge])
def test_door_does_not_open_again(own: House, end: Any) -> None:
    """Once an account was made the call is over for good, even when all accounts are gone."""
    account = own.account(is_admin=True)
    do(own.core, end, account.number)
    assert_refused(own.call("sign_up_admin", body=SIGN_UP), 400, DONE)


def test_any_account_closes_the_door(own: House) -> None:
    """An account made by the operator counts, though it be no administrator's."""
    own.account(is_admin=False)
    assert_refused(own.call("sign_up_admin", body=SIGN_UP), 400, DONE)


def test_door_is_open_by_default_for_ten_minutes(tmp_path: Path) -> None:
    """Without any configuration, somebody on this machine may sign up within ten minutes of the start."""
    with fresh(tmp_path) as house:
        house.clock.forward(minutes=10, microseconds=-1)
        assert house.call("sign_up_admin", body=SIGN_UP).status_code == 201


def test_door_closes_after_ten_minutes(tmp_path: Path) -> None:
    """Ten minutes after the start nobody may; fields are still judged first, as in any other call."""
    with fresh(tmp_path) as house:
        house.clock.forward(minutes=10)
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 400, CLOSED)
        assert len(house.call("sign_up_admin", body={}).json()["message"]) == 6
        assert is_initialized(house) is False


def test_window_can_be_set(tmp_path: Path) -> None:
    """How long the door is open is a setting."""
    with fresh(tmp_path, setup={"window_minutes": 1}) as house:
        house.clock.forward(minutes=1)
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 400, CLOSED)


def headers_of_a_stranger() -> list[dict[str, str]]:
    """What only a request that did not begin on this machine, or in its own page, has."""
    forwarding = {
        "forwarded": "for=192.0.2.1",
        "via": "1.1 proxy",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "localhost",
        "x-forwarded-proto": "http",
        "x-real-ip": "127.0.0.1",
    }
    foreign_pages = ["https://evil.example", "http://localhost:1", "null", "http://127.0.0.1", "file://"]
    foreign_fetches = ["cross-site", "same-site", "nonsense"]
    return [
        *[{name: value} for name, value in forwarding.items()],
        *[{name: ""} for name in ("forwarded", "x-forwarded-for")],
        *[{"origin": page} for page in foreign_pages],
        *[{"sec-fetch-site": value} for value in foreign_fetches],
        *[
            {"host": host}
            for host in ("example.org", "127.0.0.1.example.org", "localhost.example", "192.168.0.1")
        ],
        {"host": EVERYWHERE},
        {"host": "[::]"},
        {"host": "dragoman"},
    ]


def test_door_is_closed_to_strangers(tmp_path: Path) -> None:
    """Behind a proxy, from another page, or by any name but loopback's, nobody signs up as the first."""
    with fresh(tmp_path) as house:
        for headers in headers_of_a_stranger():
            refused = house.call("sign_up_admin", body=SIGN_UP, headers=headers)
            assert_refused(refused, 400, CLOSED)
        assert is_initialized(house) is False


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:8080"]
)
@pytest.mark.parametrize("site", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin"}])
def test_door_is_open_to_this_machine(tmp_path: Path, host: str, site: dict[str, str]) -> None:
    """By any of loopback's names, and from a page of the very same host and port, the first may sign up."""
    with fresh(tmp_path) as house:
        origin = {"origin": f"http://{host}"} if site.get("sec-fetch-site") == "same-origin" else {}
        headers = {"host": host, **site, **origin}
        assert house.call("sign_up_admin", body=SIGN_UP, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "told",
    [
        {"setup": {"open": "never"}},
        {"server": {"trusted_proxies": ["10.0.0.0/8"]}},
        {"server": {"base_url": "http://127.0.0.1"}},
        {"server": {"host": EVERYWHERE}},
        {"server": {"host": "::"}},
        {"server": {"host": "192.0.2.1"}},
        {"dialects": {"immich": {"host": "photos.example.org"}}},
    ],
)
def test_door_stays_closed_where_others_are_faced(tmp_path: Path, told: dict[str, Any]) -> None:
    """A configuration that faces anybody else than this machine leaves the first account to the operator."""
    with fresh(tmp_path, **told) as house:
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 400, CLOSED)


def test_tests_may_open_the_door_wide(tmp_path: Path) -> None:
    """`setup.open = "always"` lets everybody in, at any time, until there is an account."""
    told = {"setup": {"open": "always"}, "server": {"host": EVERYWHERE, "trusted_proxies": ["10.0.0.0/8"]}}
    with fresh(tmp_path, **told) as house:
        house.clock.forward(days=100)
        headers = {"host": "example.org", "x-forwarded-for": "192.0.2.1", "origin": "https://evil.example"}
        assert house.call("sign_up_admin", body=SIGN_UP, headers=headers).status_code == 201
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 400, DONE)


def test_configured_administrator_closes_the_door(tmp_path: Path) -> None:
    """An administrator that the configuration names is there before anybody can call, and signs in."""
    first = {"email": "root@example.com", "password": SIGN_UP["password"]}
    with fresh(tmp_path, first_admin=first) as house:
        assert urlsplit(house.served.url).hostname == "127.0.0.1"
        assert is_initialized(house) is True
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 400, DONE)
        assert house.log_in("root@example.com").json()["isAdmin"] is True
