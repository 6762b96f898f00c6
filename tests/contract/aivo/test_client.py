"""Aivo's clients, both of them: every operation, and the token that they renew by themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.contract.aivo.speech import House, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import configured, running
from tests.speaking import KINDS, Canned, Heard, Opener, Speaker, Stub, opening, stub

from dragoman.client import Refused, TryLater, Unauthorized, Unintelligible
from dragoman.core.accounts import Account
from dragoman.dialects import aivo, immich

WRONG = "wrong-horse-7"


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of each kind in turn, and closes them."""
    with opening(aivo, request.param) as open_client:
        yield open_client


@pytest.fixture
def strict(sqlite_url: str) -> Iterator[House]:
    """A server that gives no grace: there a refresh token that is used twice ends the session."""
    told = configured(sqlite_url, **ROOMY, dialects={"aivo": {"refresh_grace_seconds": 0}})
    with running(told, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


@pytest.fixture
def ada(strict: House) -> Account:
    """Somebody."""
    return strict.person(display_name="Ada Lovelace")


@pytest.fixture
def client(strict: House, ada: Account, opener: Opener) -> Speaker:
    """A client that has signed in as Ada."""
    speaker = opener(f"{strict.served.url}/aivo")
    speaker.do("login", email=ada.address, password=PASSWORD)
    return speaker


# --- the operations -------------------------------------------------------------------------------------


def test_each_operation_is_a_method(strict: House, ada: Account, opener: Opener) -> None:
    """A whole visit: each answer is typed, both tokens are kept, changed by a refresh and forgotten at logout."""
    speaker = opener(f"{strict.served.url}/aivo/auth/v1")
    entered = speaker.do("login", email=ada.address, password=PASSWORD)
    assert isinstance(entered, aivo.AuthResponse)
    assert (speaker.client.token, speaker.client.kept_refresh_token) == (
        entered.access_token,
        entered.refresh_token,
    )
    assert speaker.do("get_current_user") == entered.user
    (key,) = speaker.do("get_key_set").keys
    assert key["alg"] == "ES256"
    renewed = speaker.do("refresh_token", refresh_token=entered.refresh_token)
    assert speaker.client.kept_refresh_token == renewed.refresh_token != entered.refresh_token
    assert speaker.do("logout") == aivo.Nothing()
    assert (speaker.client.token, speaker.client.kept_refresh_token) == (None, None)
    with pytest.raises(Unauthorized, match="401 Authentication required"):
        speaker.do("get_current_user")


def test_each_refusal_is_an_exception(strict: House, opener: Opener) -> None:
    """A refusal carries its status and its sentences, of a validation each field's."""
    speaker = opener(f"{strict.served.url}/aivo")
    with pytest.raises(Unauthorized) as refused:
        speaker.do("login", email="nobody@example.org", password=WRONG)
    assert (refused.value.messages, refused.value.body["error"]) == (("Invalid credentials",), "unauthorized")
    with pytest.raises(Refused) as invalid:
        speaker.do("login", email="nobody", password="short")
    assert (invalid.value.status, invalid.value.messages) == (
        422,
        ("email: must be a valid email address", "password: must be at least 8 characters long"),
    )
    with pytest.raises(Unauthorized, match="Invalid refresh token"):
        speaker.do("refresh_token", refresh_token="x")


# --- renewing -------------------------------------------------------------------------------------------


def test_an_expired_token_is_renewed_without_a_word(strict: House, client: Speaker) -> None:
    """A call that finds its token expired is answered all the same, for as long as the session lives."""
    seen = {client.client.token}
    for _ in range(3):
        strict.clock.forward(minutes=20)
        assert client.do("get_current_user").first_name == "Ada"
        seen.add(client.client.token)
    assert len(seen) == 4
    strict.clock.forward(minutes=20)
    assert client.do("logout") == aivo.Nothing(), "signing out ends the session even then"
    assert client.client.kept_refresh_token is None


def test_kept_tokens_go_on_in_another_client(strict: House, client: Speaker, opener: Opener) -> None:
    """Who keeps both tokens needs no password the next time."""
    kept = {"token": client.client.token, "refresh_token": client.client.kept_refresh_token}
    strict.clock.forward(hours=3)
    assert opener(f"{strict.served.url}/aivo", **kept).do("get_current_user").first_name == "Ada"


def test_a_session_that_ended_is_not_renewed(strict: House, ada: Account, client: Speaker) -> None:
    """The caller is told, by the refusal of the refresh; what cannot be renewed is not tried again."""
    strict.end_all(ada)
    with pytest.raises(Unauthorized, match="Invalid refresh token"):
        client.do("get_current_user")
    assert client.client.kept_refresh_token is None
    with pytest.raises(Unauthorized, match="Invalid or expired token"):
        client.do("get_current_user")


def test_threads_renew_once(strict: House, ada: Account) -> None:
    """Of many threads that find the token expired one renews it: a second use would have ended the session."""
    with aivo.Client(f"{strict.served.url}/aivo") as client, ThreadPoolExecutor(16) as pool:
        client.login(email=ada.address, password=PASSWORD)
        for _ in range(3):
            strict.clock.forward(minutes=20)
            answers = list(pool.map(lambda _: client.get_current_user(), range(32)))
            assert {answer.first_name for answer in answers} == {"Ada"}


def test_tasks_renew_once(strict: House, ada: Account) -> None:
    """The same of tasks that share a client."""

    async def visit() -> None:
        async with aivo.AsyncClient(f"{strict.served.url}/aivo") as client:
            await client.login(email=ada.address, password=PASSWORD)
            for _ in range(3):
                strict.clock.forward(minutes=20)
                answers = await asyncio.gather(*[client.get_current_user() for _ in range(32)])
                assert {answer.first_name for answer in answers} == {"Ada"}

    asyncio.run(visit())


# --- what is sent ---------------------------------------------------------------------------------------

USER = {
    "id": "1",
    "email": "ada@example.org",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "role": "learner",
    "tenantId": "2",
    "status": "active",
    "createdAt": "2026-01-05T09:30:00Z",
    "updatedAt": "2026-01-05T09:30:00Z",
}
PAIR = {"accessToken": "new-access", "refreshToken": "new-refresh", "user": USER, "expiresIn": 900}
KEPT = {"token": "old-access", "refresh_token": "old-refresh"}


def said(status: int, body: Any) -> Canned:
    """An answer of JSON."""
    return Canned(status, json.dumps(body).encode())


def no(status: int = 401) -> Canned:
    """A refusal."""
    return said(status, {"error": "no", "message": "No"})


def answering(me: Callable[[Heard], Canned], refresh: Canned) -> Callable[[Heard], Canned]:
    """A server's answers: to a refresh, and to all else."""
    return lambda heard: refresh if heard.path.endswith("/refresh") else me(heard)


def asked(server: Stub) -> list[str]:
    """What was asked of it, each with its bearer token."""
    return [
        f"{h.path.rpartition('/')[2]} {h.headers.get('authorization', '').removeprefix('Bearer ')}".strip()
        for h in server.heard
    ]


def test_a_call_is_repeated_once(opener: Opener) -> None:
    """One refusal, one refresh, one more try with the new token; what is refused then is the caller's to know."""
    with stub(answering(lambda _: no(), said(200, PAIR))) as server:
        speaker = opener(server.url, **KEPT)
        with pytest.raises(Unauthorized):
            speaker.do("get_current_user")
    assert asked(server) == ["me old-access", "refresh", "me new-access"]
    assert json.loads(server.heard[1].body) == {"refreshToken": "old-refresh"}
    assert (speaker.client.token, speaker.client.kept_refresh_token) == ("new-access", "new-refresh")


def test_only_a_401_is_followed_by_a_refresh(opener: Opener) -> None:
    """Any other refusal is the caller's; so is a sign-in's, which has nothing to renew."""
    for status in (400, 403, 404, 429, 500, 503):
        with stub(no(status)) as server:
            with pytest.raises(Refused):
                opener(server.url, **KEPT).do("get_current_user")
            assert asked(server) == ["me old-access"]
    with stub(no()) as server:
        speaker = opener(server.url, **KEPT)
        for operation, named in {
            "login": {"email": "a@example.org", "password": PASSWORD},
            "refresh_token": {"refresh_token": "x"},
        }.items():
            with pytest.raises(Unauthorized):
                speaker.do(operation, **named)
        assert asked(server) == ["login", "refresh"]
        assert speaker.client.kept_refresh_token == "old-refresh"


def test_without_a_refresh_token_nothing_is_renewed(opener: Opener) -> None:
    """A client that was given an access token alone takes a 401 for what it is; so does one that has none."""
    for named in ({"token": "old-access"}, {}):
        with stub(no()) as server:
            with pytest.raises(Unauthorized):
                opener(server.url, **named).do("get_current_user")
            assert len(server.heard) == 1


@pytest.mark.parametrize(
    "refresh", [no(503), Canned(200, b"<p>", (("content-type", "text/html"),))], ids=["503", "a page"]
)
def test_a_refresh_that_fails_otherwise_can_be_tried_again(opener: Opener, refresh: Canned) -> None:
    """Where the server cannot tell, or something else answered, both tokens are kept for the next call."""
    with stub(answering(lambda _: no(), refresh)) as server:
        speaker = opener(server.url, **KEPT)
        for _ in range(2):
            with pytest.raises((TryLater, Unintelligible)):
                speaker.do("get_current_user")
    assert asked(server) == ["me old-access", "refresh"] * 2
    assert speaker.client.kept_refresh_token == "old-refresh"


def test_a_token_that_another_call_renewed_is_used(opener: Opener) -> None:
    """A call that was refused with a token that is no longer the client's goes on with the one that is."""

    def me(heard: Heard) -> Canned:
        if "new-access" in heard.headers["authorization"]:
            return said(200, USER)
        speaker.client._token = "new-access"  # as another thread would have left it
        return no()

    with stub(answering(me, no())) as server:
        speaker = opener(server.url, **KEPT)
        assert speaker.do("get_current_user").first_name == "Ada"
    assert asked(server) == ["me old-access", "me new-access"]


def test_a_refresh_token_goes_with_a_token() -> None:
    """A refresh token alone, or one for a product that renews nothing, is a mistake and told at once."""
    for make in (aivo.Client, aivo.AsyncClient):
        with pytest.raises(ValueError, match="refresh_token goes with a token"):
            make("http://127.0.0.1:9", refresh_token="x")
    with pytest.raises(ValueError, match="where the product renews"):
        immich.Client("http://127.0.0.1:9", token="t", refresh_token="x")


def test_neither_token_is_shown(opener: Opener) -> None:
    """The repr says which product and where; an answer's repr hides both tokens."""
    speaker = opener("http://127.0.0.1:9/aivo", **KEPT)
    assert "old" not in repr(speaker.client)
    assert "new" not in repr(aivo.AuthResponse.model_validate(PAIR))
