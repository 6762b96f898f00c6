"""What the clients make of servers that are silent, broken, of a later release, or no Immich at all."""

from __future__ import annotations

import gzip
import json
import pickle
import re
import socket
import traceback
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.speaking import KINDS, Canned, Heard, Opener, opening, stub

from dragoman.dialects import immich

TOKEN = "s3cr3tT0ken"
PASSWORD = "correct-horse-7-battery"
JSON = ("content-type", "application/json; charset=utf-8")
HTML = ("content-type", "text/html")
SIGNED_IN = {
    "accessToken": TOKEN,
    "userId": "7",
    "userEmail": "a@example.org",
    "name": "A",
    "isAdmin": False,
    "profileImagePath": "",
    "shouldChangePassword": False,
}


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of each kind in turn, and closes them."""
    with opening(immich, request.param) as open_client:
        yield open_client


def said(body: Any, status: int = 200, *headers: tuple[str, str]) -> Canned:
    """A JSON answer."""
    return Canned(status, json.dumps(body).encode(), (JSON, *headers))


def refusal(opener: Opener, canned: Canned, **named: Any) -> immich.Refused:
    """The refusal that an answer is understood as."""
    with stub(canned) as server, pytest.raises(immich.Refused) as caught:
        opener(server.url, **named).do("get_my_user")
    return caught.value


def bewilderment(
    opener: Opener, canned: Canned, operation: str = "ping_server", **call: Any
) -> immich.Unintelligible:
    """What is said of an answer that cannot be understood."""
    with stub(canned) as server, pytest.raises(immich.Unintelligible) as caught:
        opener(server.url, token="0ldT0ken").do(operation, **call)
    return caught.value


def shown(error: BaseException) -> str:
    """All that a traceback shows of an error."""
    return "".join(traceback.format_exception(error))


def test_a_closed_port_is_unreachable(opener: Opener) -> None:
    """Nobody listening is `Unreachable`, with httpx2's own error as its cause and the address in its words."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(immich.Unreachable, match=f"127.0.0.1:{port}") as caught:
        opener(f"http://127.0.0.1:{port}").do("login", email="a@example.org", password=PASSWORD)
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)
    assert not isinstance(caught.value, immich.TimedOut)
    assert PASSWORD not in shown(caught.value)


@pytest.mark.parametrize("timeout", [0.2, httpx2.Timeout(5, read=0.2)], ids=["seconds", "each wait"])
def test_silence_is_a_time_out(opener: Opener, timeout: float | httpx2.Timeout) -> None:
    """A socket that takes the request and never answers is given up after the time set."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = opener(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=timeout)
        with pytest.raises(immich.TimedOut) as caught:
            client.do("ping_server")
    assert isinstance(caught.value.__cause__, httpx2.ReadTimeout)


def test_no_tls_is_unreachable(opener: Opener) -> None:
    """A server that does not speak TLS is not spoken to without it."""
    with stub(said({"res": "pong"})) as server, pytest.raises(immich.Unreachable) as caught:
        opener(server.url.replace("http://", "https://")).do("ping_server")
    assert "SSL" in str(caught.value)
    assert server.heard == []
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)


def test_a_broken_connection_is_unreachable(opener: Opener) -> None:
    """An answer that ends too early is none."""
    short = Canned(200, b'{"res":', length=100, headers=(JSON, ("connection", "close")))
    with stub(short) as server, pytest.raises(immich.Unreachable):
        opener(server.url).do("ping_server")


@pytest.mark.parametrize(
    ("canned", "why"),
    [
        (
            Canned(200, b"<!doctype html><title>Photos</title>", (HTML,)),
            "answered 200 with text/html, not with JSON",
        ),
        (Canned(200, b"pong", ()), "answered 200 with something untold"),
        (Canned(200, b'{"res": "po', (JSON,)), "not a ServerPingResponse: body: Invalid JSON"),
        (Canned(204, b"", ()), "answered 204, not a ServerPingResponse"),
        (said({"pong": True}), "not a ServerPingResponse: res: Field required"),
        (said(["pong"]), "not a ServerPingResponse: body: Input should be an object"),
        (
            said({}, 301, ("location", "https://h/api")),
            "301, a redirection to https://h/api: is the base URL right?",
        ),
        (Canned(304, b"", ()), "304, a redirection to nowhere"),
        (Canned(200, b"not gzip at all", (JSON, ("content-encoding", "gzip"))), "cannot be decompressed"),
        (said({"res": "x" * 2**24}), "more than 16777216 bytes"),
        (
            Canned(200, gzip.compress(b" " * 2**25), (JSON, ("content-encoding", "gzip"))),
            "more than 16777216 bytes",
        ),
    ],
    ids=[
        "page",
        "untold",
        "cut",
        "empty",
        "fields",
        "array",
        "moved",
        "unmodified",
        "garbled",
        "long",
        "bomb",
    ],
)
def test_what_is_no_answer_is_unintelligible(opener: Opener, canned: Canned, why: str) -> None:
    """A page, broken JSON, another shape, a redirection: the error says which it was."""
    with stub(canned) as server, pytest.raises(immich.Unintelligible, match=re.escape(why)) as caught:
        opener(server.url).do("ping_server")
    assert caught.value.status in (canned.status, None)
    assert len(server.heard) == 1


def test_the_beginning_of_an_answer_is_kept(opener: Opener) -> None:
    """Who looks for the reason finds the status and the first 400 characters."""
    error = bewilderment(opener, Canned(200, b"<p>" + b"-" * 1000, (HTML,)))
    assert (error.status, error.excerpt) == (200, "<p>" + "-" * 397)
    assert str(error).startswith("GET /api/server/ping: answered 200")


def test_a_page_in_place_of_nothing_is_unintelligible(opener: Opener) -> None:
    """An operation that gives nothing is not taken for done when a proxy's page comes back."""
    error = bewilderment(opener, Canned(200, b"<p>Please sign in", (HTML,)), "lock_auth_session")
    assert error.status == 200


@pytest.mark.parametrize(
    "canned",
    [Canned(204, b"", ()), Canned(200, b"", ()), said({"locked": True}, 201)],
    ids=["204", "200", "body"],
)
def test_nothing_is_nothing_by_any_status(opener: Opener, canned: Canned) -> None:
    """Releases differ in the status of an operation that gives nothing; one that adds an answer does no harm."""
    with stub(canned) as server:
        assert opener(server.url, token=TOKEN).do("lock_auth_session") == immich.Nothing()


def test_a_later_release_is_understood(opener: Opener) -> None:
    """Another status of success and fields that this release does not know are passed over."""
    with stub(said({**SIGNED_IN, "isOnboarded": True}, 200)) as server:
        client = opener(server.url)
        answer = client.do("login", email="a@example.org", password=PASSWORD)
    assert (answer.user_id, client.client.token) == ("7", TOKEN)


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (
            {
                "message": "Validation failed",
                "errors": [
                    {"code": "invalid_type", "path": ["email"], "message": "Invalid input"},
                    {"code": "custom", "path": [], "message": "Too much"},
                    {"code": "too_small", "path": ["pins", 0], "message": "Too small"},
                ],
            },
            ("email: Invalid input", "Too much", "pins.0: Too small"),
        ),
        ({"message": "Wrong password"}, ("Wrong password",)),
        ({"message": ["one", "two"], "error": "Bad Request"}, ("one", "two")),
        ({"error": "nothing is served here"}, ("nothing is served here",)),
        ({"message": "", "error": ""}, ("Bad Request",)),
        ({"message": {"text": "no"}}, ("Bad Request",)),
        (["no"], ("Bad Request",)),
        (None, ("Bad Request",)),
    ],
)
def test_a_refusal_speaks_in_any_releases_shape(opener: Opener, body: Any, messages: tuple[str, ...]) -> None:
    """The sentences of 1.x to 3.x are found; where there are none, the status speaks."""
    error = refusal(opener, said(body, 400))
    assert (error.messages, error.body) == (messages, body)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (502, b"<h1>nginx</h1>", "Bad Gateway"),
        (599, b"", "refused, without a reason"),
        (500, b"[" * 10**5, "Internal Server Error"),
    ],
)
def test_a_refusal_without_json_is_still_one(opener: Opener, status: int, body: bytes, message: str) -> None:
    """A proxy's error page refuses as well as the product does: the status says so, and there is no body."""
    error = refusal(opener, Canned(status, body, (HTML,)))
    assert (error.status, error.message, error.body) == (status, message, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, immich.Unauthorized),
        (403, immich.Forbidden),
        (429, immich.TryLater),
        (503, immich.TryLater),
        (400, immich.Refused),
    ],
)
def test_refusals_are_told_apart(opener: Opener, status: int, kind: type[immich.Refused]) -> None:
    """What a program does differently about has a class of its own; all are refusals."""
    assert type(refusal(opener, said({"message": "no"}, status))) is kind


def test_whoever_says_when_to_come_back_means_later(opener: Opener) -> None:
    """A refusal with Retry-After is one for now alone, whatever its status: Portainer's limiter says 403."""
    error = refusal(opener, said({"message": "no"}, 403, ("retry-after", "30")))
    assert isinstance(error, immich.TryLater)
    assert (error.status, error.retry_after) == (403, 30.0)


def test_a_303_that_leads_nowhere_is_a_refusal(opener: Opener) -> None:
    """Portainer says so that it is too late to set it up; one that leads somewhere is no answer of a contract."""
    error = refusal(opener, said({"message": "too late"}, 303))
    assert (error.status, error.message) == (303, "too late")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("retry-after", "30")], 30.0),
        ([("retry-after", "Mon, 05 Jan 2026 09:31:00 GMT"), ("date", "Mon, 05 Jan 2026 09:30:00 GMT")], 60.0),
        ([("retry-after", "Mon, 05 Jan 2026 09:29:00 GMT"), ("date", "Mon, 05 Jan 2026 09:30:00 GMT")], 0.0),
        ([("retry-after", "Mon, 05 Jan 2026 09:31:00 GMT")], None),
        ([("retry-after", "soon")], None),
        ([("retry-after", "²")], None),
        ([], None),
    ],
)
def test_when_to_try_again(opener: Opener, headers: list[tuple[str, str]], seconds: float | None) -> None:
    """Retry-After is understood as seconds or as a date by the server's clock; else nobody knows."""
    assert refusal(opener, said({"message": "no"}, 429, *headers)).retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ([("x-immich-cid", "abc"), ("x-request-id", "xyz")], "abc"),
        ([("x-correlation-id", "def")], "def"),
        ([("x-request-id", "xyz")], "xyz"),
        ([], None),
    ],
)
def test_the_name_of_a_request(
    opener: Opener, headers: list[tuple[str, str]], request_id: str | None
) -> None:
    """A refusal knows the request by the name that the server logs it under."""
    assert refusal(opener, said({"message": "no"}, 400, *headers)).request_id == request_id


@pytest.mark.parametrize(
    "error",
    [
        immich.TryLater(429, ("one", "two"), {"message": ["one", "two"]}, 3.0, "abc"),
        immich.Unintelligible("a page", 200, "<p>"),
        immich.TimedOut("no answer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_sent_to_another_process(error: immich.ClientError) -> None:
    """A pickled error comes back the same."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own making
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_credential_goes_where_it_is_needed(opener: Opener) -> None:
    """A token is sent as a bearer, a key as `x-api-key`, and neither to an operation that anyone may call."""
    with stub(said({"res": "pong", "authStatus": True})) as server:
        for named in ({"token": TOKEN}, {"api_key": "k3y"}, {}):
            client = opener(server.url, **named)
            client.do("validate_access_token")
            client.do("ping_server")
    sent = [(h.headers.get("authorization"), h.headers.get("x-api-key")) for h in server.heard]
    assert sent[::2] == [(f"Bearer {TOKEN}", None), (None, "k3y"), (None, None)]
    assert sent[1::2] == [(None, None)] * 3


def test_what_a_request_looks_like(opener: Opener) -> None:
    """JSON of just what was given, by the product's names; headers of one's own; no body where there is none."""
    with stub(Canned(200, b"", ())) as server:
        client = opener(server.url + "/photos/api", headers={"deviceModel": "Tests", "User-Agent": "mine/1"})
        client.do("change_pin_code", new_pin_code="123456", password="gr\u00fcn", pin_code=None)
        client.do("lock_auth_session")
    first, second = server.heard
    assert (first.method, first.path) == ("PUT", "/photos/api/auth/pin-code")
    assert json.loads(first.body) == {"newPinCode": "123456", "password": "gr\u00fcn"}
    assert first.headers["content-type"] == first.headers["accept"] == "application/json"
    assert (first.headers["devicemodel"], first.headers["user-agent"]) == ("Tests", "mine/1")
    assert second.body == b""
    assert "content-type" not in second.headers


def test_cookies_are_neither_kept_nor_sent(opener: Opener) -> None:
    """What a server sets as a cookie does not come back to it."""
    with stub(said({"res": "pong"}, 200, ("set-cookie", "immich_access_token=x; Path=/"))) as server:
        client = opener(server.url)
        client.do("ping_server")
        client.do("ping_server")
    assert ["cookie" in heard.headers for heard in server.heard] == [False, False]


def test_a_sign_in_during_a_sign_out_is_kept() -> None:
    """Signing out forgets the token that was signed out, not one that came meanwhile."""

    def answer(request: Heard) -> Canned:
        if request.path.endswith("/login"):
            return said(SIGNED_IN)
        client.login(email="a@example.org", password=PASSWORD)
        return said({"successful": True, "redirectUri": "/"})

    with stub(answer) as server, immich.Client(server.url, token="0ldT0ken") as client:
        client.logout()
        assert client.token == TOKEN


def test_secrets_of_a_request_are_in_no_error(opener: Opener) -> None:
    """A page that echoes the request back gives away neither the password nor the token."""
    echo = Canned(200, f"<p>{PASSWORD} 123456 0ldT0ken".encode(), (HTML,))
    call = {"new_pin_code": "123456", "password": PASSWORD}
    error = bewilderment(opener, echo, "change_pin_code", **call)
    assert error.excerpt == "<p>*** *** ***"
    moved = said({}, 302, ("location", f"/login?p={PASSWORD}"))
    assert PASSWORD not in shown(bewilderment(opener, moved, "change_pin_code", **call))


def test_a_token_that_cannot_be_read_is_in_no_error(opener: Opener) -> None:
    """A sign-in that is answered in another shape shows no token in what is printed of the error."""
    error = bewilderment(
        opener, said({"accessToken": TOKEN}), "login", email="a@example.org", password=PASSWORD
    )
    assert "userId: Field required" in str(error)
    assert TOKEN not in shown(error)


@pytest.mark.parametrize("token", ["", "two\r\nlines", "gr\u00fcn", " blank"])
def test_a_token_that_no_header_carries_is_refused(opener: Opener, token: str) -> None:
    """Neither given nor from an answer is such a token kept; a header of one's own is held to the same."""
    for named in ({"token": token}, {"api_key": token}, {"headers": {"x-mine": token}}):
        with pytest.raises(ValueError, match="no header can carry") as caught:
            opener("http://127.0.0.1:9", **named)
        assert token == "" or token not in str(caught.value)
    answer = said({**SIGNED_IN, "accessToken": token})
    bewilderment(opener, answer, "login", email="a@example.org", password=PASSWORD)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "photos.example.org",
        "ftp://photos.example.org",
        "http://",
        "http://ann:hunter2@photos.example.org",
        "http://ann:hunter2/@photos.example.org",
        "https://photos.example.org/?key=hunter2",
        "https://photos.example.org/#hunter2",
        "http://photos.example.org:port",
    ],
)
def test_a_base_url_is_checked_at_once(opener: Opener, base_url: str) -> None:
    """What can be no base URL is refused when the client is made, and never quoted."""
    with pytest.raises(ValueError, match="base_url") as caught:
        opener(base_url)
    assert "hunter2" not in shown(caught.value)


def test_one_credential_at_a_time(opener: Opener) -> None:
    """Given a token and a key, nobody could tell who is calling."""
    with pytest.raises(ValueError, match="not both"):
        opener("http://127.0.0.1:9", token=TOKEN, api_key="k3y")


def test_a_client_shows_its_server_and_no_secret(opener: Opener) -> None:
    """The repr says which product and where."""
    client = opener("http://127.0.0.1:9/api", token=TOKEN).client
    name = type(client).__name__
    assert repr(client) == f"<dragoman.dialects.immich.{name} of http://127.0.0.1:9>"
