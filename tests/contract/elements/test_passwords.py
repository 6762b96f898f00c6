"""Passwords at ELEMENTS: made, judged, and set by a mailed token (contract §2, §3, §4), over real HTTP and real mail."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, PASSWORD, FakeClock, do
from tests.mail_server import MailServer, mail_server
from tests.people import ALICE, BOB, rows, somebody
from tests.running import Running, configured, running

from dragoman import courier
from dragoman.core import accounts, outbox, permissions, sessions
from dragoman.core.accounts import Changes
from dragoman.core.passwords import Hasher
from dragoman.core.resets import password_resets
from dragoman.dialects import elements


@pytest.fixture
def post() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    with mail_server() as served:
        yield served


@contextmanager
def mailing_to(port: int, url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Running]:
    """A server with the mail server at a port, an administrator (Alice) and somebody else (Bob)."""
    mail = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "accounts@example.org",
        "timeout_seconds": 1,
    }
    with running(configured(url, master_key=MASTER_KEY, mail=mail), hasher, clock) as served:
        somebody(served.core, ALICE, is_admin=True)
        somebody(served.core, BOB)
        yield served


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail is not waited for."""
    monkeypatch.setattr(courier, "EVERY", courier.EVERY / 100)


@pytest.fixture
def server(sqlite_url: str, clock: FakeClock, hasher: Hasher, post: MailServer) -> Iterator[Running]:
    """A server with that mail server."""
    with mailing_to(post.port, sqlite_url, clock, hasher) as served:
        yield served


def signed_in(server: Running, name: str, password: str = PASSWORD) -> elements.Client:
    """A client that has signed in."""
    client = elements.Client(f"{server.url}/elements")
    client.login(username=name, password=password)
    return client


def asked(server: Running, path: str, body: Any, token: str | None = None) -> httpx2.Response:
    """A POST of JSON to ELEMENTS."""
    shown = {} if token is None else {"authorization": f"Bearer {token}"}
    with httpx2.Client(timeout=30, trust_env=False) as client:
        return client.post(f"{server.url}/elements/api/2/{path}", json=body, headers=shown)


def links(post: MailServer) -> list[str]:
    """The tokens of all links that were mailed, among what else was."""
    return re.findall(r"token=([0-9A-Za-z]+)$", "\n".join(post.letters), re.MULTILINE)


def mailed_to_bob(server: Running, post: MailServer) -> str:
    """The token that Bob is mailed once Alice has started a reset for him."""
    before = len(links(post))
    with signed_in(server, ALICE) as alice:
        alice.reset_user_password(id=2)
    until = time.monotonic() + 10
    while len(links(post)) == before:
        assert time.monotonic() < until, "no mail came"
        time.sleep(0.01)
    assert post.taken[-1]["To"] == BOB
    return links(post)[-1]


# --- generate-password, evaluate-password ---------------------------------------------------------------


def test_a_password_is_made_that_will_do(server: Running) -> None:
    """`generate-password` gives another password each time, fit by the policy, that nobody may keep (§4)."""
    with signed_in(server, BOB) as bob:
        made = {bob.generate_password().password for _ in range(20)}
        assert len(made) == 20
        for password in made:
            judged = bob.evaluate_password(password=password)
            assert judged.errors == []
            assert judged.time_to_crack > 365 * 86_400
        answer = asked(server, "auth/generate-password", None, bob.token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert list(answer.json()) == ["password"]


def test_a_password_is_judged_as_it_would_be_when_it_is_set(server: Running) -> None:
    """`evaluate-password` says what is wrong, the caller's own names included, and how soon it would be found (§5)."""
    with signed_in(server, BOB) as bob:
        judged = bob.evaluate_password(password="password1")
        assert judged.errors == ["It is one of the most common passwords."]
        assert judged.time_to_crack < 86_400
        assert bob.evaluate_password(password=BOB).errors == [
            "It is your own name or e-mail address, or little more."
        ]
        assert bob.evaluate_password(password="").time_to_crack == 0.0
        said = asked(
            server, "auth/evaluate-password", {"password": "zq9-k", "custom_policy": {"x": 1}}, bob.token
        )
    assert said.json()["errors"] == ["Use at least 8 characters."]


@pytest.mark.parametrize(
    "path", ["auth/generate-password", "auth/evaluate-password", "users/2/password/reset"]
)
def test_strangers_are_told_nothing(server: Running, path: str) -> None:
    """Without a credential there is nothing made, judged or mailed: 401 (§3)."""
    answer = asked(server, path, {"password": "x"})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Authentication credentials were not provided."}


# --- password/reset, reset-password ---------------------------------------------------------------------


def test_a_reset_is_started_by_mail_and_completed_by_its_token(server: Running, post: MailServer) -> None:
    """The token comes by mail alone; with it, and no credential, the password is set, and nobody is signed in (§4)."""
    with signed_in(server, BOB) as before:
        token = mailed_to_bob(server, post)
        answer = asked(server, "auth/reset-password", {"token": token, "password": NEW_PASSWORD})
        assert (answer.status_code, answer.content) == (200, b"")
        assert "set-cookie" not in answer.headers
        with pytest.raises(elements.Unauthorized):
            before.get_profile()
    with signed_in(server, BOB, NEW_PASSWORD) as bob:
        assert bob.get_profile().id == 2
    refused = asked(server, "auth/login", {"username": BOB, "password": PASSWORD})
    assert refused.json()["reason"] == "invalid_credentials"


def test_a_stale_token_of_the_caller_keeps_nobody_from_a_reset(server: Running, post: MailServer) -> None:
    """SDKs send their API token everywhere; here it is not looked at (§3)."""
    token = mailed_to_bob(server, post)
    body = {"token": token, "password": NEW_PASSWORD}
    assert asked(server, "auth/reset-password", body, "stale").status_code == 200


def test_starting_answers_with_nothing(server: Running, post: MailServer) -> None:
    """Whoever starts a reset learns no token: 200 without a body."""
    with signed_in(server, ALICE) as alice:
        answer = asked(server, "users/2/password/reset", None, alice.token)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_token_works_once_within_a_day_and_not_after_a_change(
    server: Running, post: MailServer, clock: FakeClock
) -> None:
    """Used, outdated, overtaken and made-up tokens are refused alike: 400 about `token` (§3)."""
    used = mailed_to_bob(server, post)
    assert asked(server, "auth/reset-password", {"token": used, "password": NEW_PASSWORD}).status_code == 200
    overtaken = mailed_to_bob(server, post)
    with signed_in(server, BOB, NEW_PASSWORD) as bob:
        bob.set_my_password(current_password=NEW_PASSWORD, password="another-9-password")
    outdated = mailed_to_bob(server, post)
    clock.forward(hours=24)
    for token in (used, overtaken, outdated, "x", "0" * 40, "%00", "x" * 10_000):
        answer = asked(server, "auth/reset-password", {"token": token, "password": "yet-another-9-password"})
        assert answer.status_code == 400
        assert answer.json() == {"token": ["This token is not good, or not any more."]}


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, {"token": ["This field is required."], "password": ["This field is required."]}),
        ({"token": "", "password": NEW_PASSWORD}, {"token": ["This field may not be blank."]}),
        ({"token": "x", "password": None}, {"password": ["This field may not be null."]}),
    ],
)
def test_what_a_reset_lacks_is_said_of_each_field(
    server: Running, body: dict[str, Any], complaints: dict[str, list[str]]
) -> None:
    """A malformed ask is answered in the framework's words (§3)."""
    answer = asked(server, "auth/reset-password", body)
    assert (answer.status_code, answer.json()) == (400, complaints)


def test_a_password_that_will_not_do_leaves_the_token_good(server: Running, post: MailServer) -> None:
    """400 about `password`, and the same token then sets one that will do (§3)."""
    token = mailed_to_bob(server, post)
    for unfit, says in (("zq9-k", "Use at least 8 characters."), ("x" * 5000, "Use at most 4096 bytes.")):
        answer = asked(server, "auth/reset-password", {"token": token, "password": unfit})
        assert (answer.status_code, answer.json()) == (400, {"password": [says]})
    assert asked(server, "auth/reset-password", {"token": token, "password": NEW_PASSWORD}).status_code == 200


def test_only_who_manages_users_starts_a_reset(server: Running, post: MailServer) -> None:
    """Anybody else is refused with 403, and nobody is mailed; an unknown user is 404."""
    with signed_in(server, BOB) as bob:
        answer = asked(server, "users/2/password/reset", None, bob.token)
    assert answer.status_code == 403
    with signed_in(server, ALICE) as alice:
        assert asked(server, "users/99/password/reset", None, alice.token).status_code == 404
    assert rows(server.core, password_resets) == []


def test_who_manages_users_resets_nobody_who_may_do_more(server: Running) -> None:
    """An administrator's pending link cannot be voided by whoever may manage users and no more: 403."""
    bob = do(server.core, accounts.get, BOB)
    do(server.core, permissions.give, bob, ["users:manage"])
    with signed_in(server, BOB) as manager:
        assert asked(server, "users/1/password/reset", None, manager.token).status_code == 403
    assert rows(server.core, password_resets) == []


def test_who_has_no_address_is_mailed_nothing(server: Running) -> None:
    """A user without an e-mail address is refused with 400 about `email`."""
    robot = somebody(server.core, None, username="robot")
    with signed_in(server, ALICE) as alice:
        answer = asked(server, f"users/{robot.number}/password/reset", None, alice.token)
    assert (answer.status_code, answer.json()) == (400, {"email": ["The user has no e-mail address."]})


def test_a_reset_ends_that_a_password_must_be_changed(server: Running, post: MailServer) -> None:
    """Who set a password by the mail need not set another at the next sign-in (§4)."""
    do(server.core, accounts.change, 2, Changes(must_change_password=True))
    token = mailed_to_bob(server, post)
    asked(server, "auth/reset-password", {"token": token, "password": NEW_PASSWORD})
    with signed_in(server, BOB, NEW_PASSWORD) as bob:
        assert bob.get_profile().id == 2
    assert len(do(server.core, sessions.owned, 2)) == 1


def test_a_mail_server_that_says_nothing_holds_nobody_up(
    sqlite_url: str, clock: FakeClock, hasher: Hasher
) -> None:
    """While mail hangs, resets are started and others are answered at once; the mail waits."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        mailing_to(silent.getsockname()[1], sqlite_url, clock, hasher) as server,
        signed_in(server, ALICE) as alice,
    ):
        alice.reset_user_password(id=2)
        hanging, _ = silent.accept()
        begun = time.monotonic()
        for _ in range(5):
            alice.reset_user_password(id=2)
            assert alice.get_profile().id == 1
        assert time.monotonic() - begun < 1
        hanging.close()
        states = [mail.state for mail in do(server.core, outbox.listed)]
    assert sorted(states) == ["waiting", *["withdrawn"] * 5]
