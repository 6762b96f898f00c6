"""Signing in through a provider (portainer.md §1.3, §2.9): with a real one, and with one that fails as told."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, cheap_hasher, do
from tests.oidc_provider import REDIRECT_URI, OidcProvider, oidc_provider
from tests.people import events, rows, somebody
from tests.running import Running, configured, running
from tests.speaking import Canned, Heard, Stub, stub

from dragoman.core import accounts
from dragoman.core.audit import audit_log
from dragoman.core.work import Origin

HERE = Origin("portainer", address="192.0.2.7", network="192.0.2.7")
FAILED = {"message": "Unable to authenticate through OAuth", "details": "Unauthorized"}
NO_ACCOUNT = {
    "message": "Account not created beforehand in Portainer and automatic user provisioning not enabled",
    "details": "Unauthorized",
}
OFF = {
    "message": "OAuth authentication is not enabled",
    "details": "OAuth authentication is not enabled",
}
NO_CODE = {"message": "Invalid request payload", "details": "Invalid OAuth authorization code"}

Serve = Callable[..., "Portainer"]
ToldTo = Callable[..., tuple["Portainer", Stub]]


class Portainer:
    """A server that speaks Portainer, with an initial administrator whom no provider knows."""

    def __init__(self, served: Running) -> None:
        self.core = served.core
        self.base = f"{served.url}/portainer/api"
        self._clock = served.clock
        somebody(self.core, None, username="admin", is_admin=True, origin=HERE)

    def ask(self, method: str, path: str, **named: Any) -> httpx2.Response:
        """One request, without a cookie of an earlier one."""
        with httpx2.Client(timeout=30, trust_env=False) as http:
            return http.request(method, self.base + path, **named)

    def validate(self, code: object) -> httpx2.Response:
        """Hand a code over."""
        self._clock.now = datetime.now(UTC)  # the provider has no other clock
        return self.ask("POST", "/auth/oauth/validate", json={"code": code})

    def me(self, answer: httpx2.Response) -> dict[str, Any]:
        """Who somebody is who was let in."""
        assert answer.status_code == 200, answer.text
        found = self.ask("GET", "/users/me", headers={"authorization": f"Bearer {answer.json()['jwt']}"})
        body: dict[str, Any] = found.json()
        return body


@contextmanager
def serving(
    url: str, oauth: Mapping[str, Any], *, method: str = "oauth", **more: Mapping[str, Any]
) -> Iterator[Portainer]:
    """Portainer on a database, with these settings of its provider."""
    told = {
        "master_key": MASTER_KEY,
        "outgoing": {"private_networks": ["127.0.0.0/8"]},
        "dialects": {"portainer": {"authentication_method": method, "oauth": oauth}},
        **more,
    }
    clock = FakeClock(datetime.now(UTC))
    with running(configured(url, **told), cheap_hasher(), clock) as served:
        yield Portainer(served)


@pytest.fixture
def serve(sqlite_url: str) -> Iterator[Serve]:
    """Serves Portainer on a database of the test's own."""
    with ExitStack() as stack:
        yield lambda oauth, **more: stack.enter_context(serving(sqlite_url, oauth, **more))


# --- with a provider as it is ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """One provider for all."""
    with oidc_provider() as started:
        yield started


def told(provider: OidcProvider, **more: Any) -> dict[str, Any]:
    """The settings that an administrator copies from a provider's page."""
    return {
        "client_id": "by-header",
        "client_secret": provider.secret_of("by-header"),
        "authorization_uri": f"{provider.issuer}/auth",
        "access_token_uri": f"{provider.issuer}/token",
        "resource_uri": f"{provider.issuer}/me",
        "redirect_uri": REDIRECT_URI,
        "user_identifier": "preferred_username",
        "scopes": "openid profile email",
        "auto_create_users": True,
        **more,
    }


def test_somebody_signs_in_from_the_login_page_to_their_account(serve: Serve, provider: OidcProvider) -> None:
    """The page reads where to send the browser, the provider sends it back with a code, and that opens a session."""
    portainer = serve(told(provider, issuer=provider.issuer, default_team_id=4))
    public = portainer.ask("GET", "/settings/public").json()
    assert public["AuthenticationMethod"] == 3
    back = provider.sent_back("Carol", f"{public['OAuthLoginURI']}&state=some-state")
    assert back["state"] == "some-state"

    answer = portainer.validate(back["code"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert set(answer.json()) == {"jwt"}
    token = answer.json()["jwt"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"portainer_api_key={token}; Path=/; Expires=")
    assert cookie.endswith("; HttpOnly; SameSite=Strict")

    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert {name: claims[name] for name in ("id", "username", "role", "scope", "forceChangePassword")} == {
        "id": 2,
        "username": "carol",
        "role": 2,
        "scope": "default",
        "forceChangePassword": False,
    }
    me = portainer.me(answer)
    assert (me["Id"], me["Username"], me["Role"], me["forceChangePassword"]) == (2, "carol", 2, False)
    account = do(portainer.core, accounts.get, "carol")
    assert not account.has_password
    assert account.attributes == {"portainer": {"teamId": 4}}


@pytest.mark.parametrize("sso", [True, False])
def test_who_signs_in_again_is_the_same(serve: Serve, provider: OidcProvider, sso: bool) -> None:
    """Each time with a session of its own; signing out of one leaves the other."""
    portainer = serve(told(provider, sso=sso))
    uri = portainer.ask("GET", "/settings/public").json()["OAuthLoginURI"]
    assert uri.endswith("&prompt=login") is not sso
    first, second = (portainer.validate(provider.sent_back("dave", uri)["code"]) for _ in range(2))
    assert portainer.me(first) == portainer.me(second)
    portainer.ask("POST", "/auth/logout", headers={"cookie": f"portainer_api_key={first.json()['jwt']}"})
    assert portainer.me(second)["Username"] == "dave"


@pytest.mark.parametrize("username", ["erin", "ERIN"])
def test_an_account_that_is_there_is_matched_whatever_the_case(
    serve: Serve, provider: OidcProvider, username: str
) -> None:
    """By the user identifier, as the product has it, and no account is made besides."""
    portainer = serve(told(provider, auto_create_users=False))
    account = somebody(portainer.core, None, username=username, origin=HERE)
    answer = portainer.validate(provider.sign_in("Erin", "by-header"))
    assert portainer.me(answer)["Id"] == account.number
    assert len(rows(portainer.core, accounts.accounts)) == 2


def test_a_number_is_a_name(serve: Serve, provider: OidcProvider) -> None:
    """A user identifier that is a number is written as an integer."""
    portainer = serve(told(provider, user_identifier="number"))
    assert portainer.me(portainer.validate(provider.sign_in("frank", "by-header")))["Username"] == "5"


def test_a_code_is_good_once(serve: Serve, provider: OidcProvider) -> None:
    """The second time the provider refuses it, and so do we."""
    portainer = serve(told(provider))
    code = provider.sign_in("grace", "by-header")
    assert portainer.validate(code).status_code == 200
    again = portainer.validate(code)
    assert (again.status_code, again.json()) == (500, FAILED)


def test_nobody_is_let_in_whom_the_policy_does_not_know(serve: Serve, provider: OidcProvider) -> None:
    """Without auto-creation who has no account is refused with the product's sentence."""
    portainer = serve(told(provider, auto_create_users=False))
    answer = portainer.validate(provider.sign_in("heidi", "by-header"))
    assert (answer.status_code, answer.json()) == (403, NO_ACCOUNT)


@pytest.mark.parametrize(
    ("link", "who", "status"),
    [
        ("username", "judy", 200),
        ("never", "judy", 403),
        ("verified_email", "judy", 403),
        ("verified_email", "verified-judy", 200),
    ],
)
def test_an_account_is_linked_as_the_policy_says(
    serve: Serve, provider: OidcProvider, link: str, who: str, status: int
) -> None:
    """By name, by an e-mail address that the provider has verified, or not at all."""
    portainer = serve(told(provider, link_accounts=link, auto_create_users=False))
    somebody(portainer.core, f"{who}@example.org", username="judy", origin=HERE)
    assert portainer.validate(provider.sign_in(who, "by-header")).status_code == status


def test_an_account_that_is_disabled_is_not_entered(serve: Serve, provider: OidcProvider) -> None:
    """Whatever the provider says."""
    portainer = serve(told(provider))
    account = portainer.me(portainer.validate(provider.sign_in("ivan", "by-header")))
    do(portainer.core, accounts.disable, account["Id"])
    answer = portainer.validate(provider.sign_in("ivan", "by-header"))
    assert (answer.status_code, answer.json()) == (403, NO_ACCOUNT)


def test_an_id_token_of_another_issuer_lets_nobody_in(serve: Serve, provider: OidcProvider) -> None:
    """Who tells us whose word to take must be who gives it."""
    portainer = serve(told(provider, issuer=f"{provider.issuer}/other"))
    answer = portainer.validate(provider.sign_in("kim", "by-header"))
    assert (answer.status_code, answer.json()) == (500, FAILED)


def test_a_provider_in_ones_own_network_is_not_asked_by_chance(serve: Serve, provider: OidcProvider) -> None:
    """Without a setting that allows it, no request goes to this machine."""
    portainer = serve(told(provider), outgoing={"private_networks": []})
    answer = portainer.validate(provider.sign_in("lea", "by-header"))
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert "not public" in rows(portainer.core, audit_log)[-1]["detail"]["why"]


# --- with one that does as it is told -------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(another_sqlite: Callable[[], str]) -> Iterator[tuple[Portainer, Stub]]:
    """A server that goes by one provider, which each test tells what to answer."""
    with stub(Canned()) as provider:
        roomy = {"address_free_attempts": 1_000_000}
        with serving(another_sqlite(), pointing(provider), throttle=roomy) as portainer:
            yield portainer, provider


@pytest.fixture
def told_to(house: tuple[Portainer, Stub]) -> ToldTo:
    """That server and its provider, which is well, but for one address if need be."""
    portainer, provider = house

    def told(at: str = "", canned: Canned | None = None) -> tuple[Portainer, Stub]:
        provider.heard.clear()
        provider.answer = failing(at, canned or Canned())
        return portainer, provider

    return told


TOKEN, ME = b'{"access_token":"t"}', b'{"login":"mallory","sub":"1"}'


def failing(at: str, canned: Canned) -> Callable[[Heard], Canned]:
    """A provider that is well but for one address."""

    def answer(request: Heard) -> Canned:
        path = request.path.partition("?")[0]
        return canned if path == at else Canned(200, TOKEN if path == "/token" else ME)

    return answer


def pointing(provider: Stub, **more: Any) -> dict[str, Any]:
    """The settings for it."""
    return {
        "client_id": "us",
        "client_secret": "ours",
        "access_token_uri": f"{provider.url}/token",
        "resource_uri": f"{provider.url}/user",
        "redirect_uri": REDIRECT_URI,
        "user_identifier": "login",
        "auto_create_users": True,
        **more,
    }


HTML = [("content-type", "text/html")]
FORM = [("content-type", "application/x-www-form-urlencoded")]
FAILURES = {
    "token endpoint refuses": ("/token", Canned(400, b'{"error":"invalid_grant"}')),
    "token endpoint is broken": ("/token", Canned(503, b"")),
    "token endpoint redirects": ("/token", Canned(302, b"", [("location", "/user")])),
    "no access token": ("/token", Canned(200, b'{"token_type":"bearer"}')),
    "token in a page": ("/token", Canned(200, b"<html>", HTML)),
    "resource refuses": ("/user", Canned(401, b"{}")),
    "resource answers otherwise": ("/user", Canned(201, ME)),
    "resource in a page": ("/user", Canned(200, b"<html>", HTML)),
    "no identifier": ("/user", Canned(200, b'{"sub":"1"}')),
    "an empty identifier": ("/user", Canned(200, b'{"login":""}')),
    "identifier 0": ("/user", Canned(200, b'{"login":0}')),
    "a form without it": ("/user", Canned(200, b"a=b", FORM)),
    "too long an answer": ("/user", Canned(200, b" " * (2**20 + 1))),
    "half an answer": ("/user", Canned(200, ME, length=1000)),
}


@pytest.mark.parametrize("what", FAILURES)
def test_every_failure_of_the_provider_is_one_answer(told_to: ToldTo, what: str) -> None:
    """500 with the product's words, and nothing of why but for the operator's record."""
    portainer, _ = told_to(*FAILURES[what])
    answer = portainer.validate("any")
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert "set-cookie" not in answer.headers


def test_a_provider_that_is_not_there_is_that_answer_too(serve: Serve) -> None:
    """And why is on record, without the code."""
    with stub(Canned()) as provider:
        settings = pointing(provider)
    portainer = serve(settings)
    assert portainer.validate("the-code").json() == FAILED
    assert "upstream sign-in failed" in events(portainer.core)
    assert "the-code" not in repr(rows(portainer.core, audit_log))


@pytest.mark.parametrize(
    ("code", "sent"),
    [("a%2Fb", "a/b"), ("a+b", "a b"), ("a%252Fb", "a%2Fb"), ("a/b", "a/b"), ("%C3%A9", "é")],
)
def test_the_code_is_decoded_once_more(told_to: ToldTo, code: str, sent: str) -> None:
    """The page hands on what stood in the address; a plus is a blank."""
    portainer, provider = told_to()
    assert portainer.validate(code).status_code == 200
    form = parse_qs(provider.heard[0].body.decode())
    assert form["code"] == [sent]
    assert form["redirect_uri"] == [REDIRECT_URI]
    assert provider.heard[1].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize("code", ["%", "a%2", "%zz", "a%2Gb"])
def test_a_code_with_a_bad_escape_is_a_failure_too(told_to: ToldTo, code: str) -> None:
    """And the provider is not bothered with it."""
    portainer, provider = told_to()
    answer = portainer.validate(code)
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert provider.heard == []


@pytest.mark.parametrize("body", [b"{}", b'{"code":""}', b"null", b'{"Code":""}'])
def test_a_code_is_needed(told_to: ToldTo, body: bytes) -> None:
    """An empty one is 400, and the provider is not asked."""
    portainer, provider = told_to()
    answer = portainer.ask("POST", "/auth/oauth/validate", content=body)
    assert (answer.status_code, answer.json(), provider.heard) == (400, NO_CODE, [])


def test_an_empty_body_is_said_to_be_one(told_to: ToldTo) -> None:
    """In the words of the product's JSON library."""
    portainer, _ = told_to()
    answer = portainer.ask("POST", "/auth/oauth/validate", content=b"")
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Invalid request payload", "details": "EOF"},
    )


def test_nobody_signs_in_so_unless_it_is_the_method(serve: Serve) -> None:
    """With the internal method the provider is not asked, whatever is set; a code is needed even so."""
    with stub(failing("", Canned())) as provider:
        portainer = serve(pointing(provider), method="internal")
        answer, without = portainer.validate("%"), portainer.validate("")
    assert (answer.status_code, answer.json()) == (403, OFF)
    assert (without.status_code, without.json()) == (400, NO_CODE)
    assert provider.heard == []


def test_failures_are_slowed_down_with_the_limiters_answer(serve: Serve) -> None:
    """Who tries codes is banned as who tries passwords, and the provider is spared."""
    with stub(failing("/token", Canned(400, b'{"error":"invalid_grant"}'))) as provider:
        portainer = serve(pointing(provider), throttle={"address_free_attempts": 3})
        answers = [portainer.validate("guess") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [500] * 4 + [403]
    assert answers[-1].json() == {"message": "Access denied", "details": "Access denied to resource"}
    assert len(provider.heard) == 4


def test_a_slow_provider_keeps_nobody_else_waiting(serve: Serve) -> None:
    """While more sign-ins wait for it than there are threads for them, all others are answered."""
    gate = threading.Event()

    def waiting(_: Heard) -> Canned:
        gate.wait(20)
        return Canned(400, b"{}")

    with stub(waiting) as provider:
        portainer = serve(pointing(provider))
        sign_ins = [threading.Thread(target=portainer.validate, args=("x",)) for _ in range(8)]
        for each in sign_ins:
            each.start()
        try:
            while len(provider.heard) < 4:
                time.sleep(0.01)
            login = {"username": "admin", "password": PASSWORD}
            assert portainer.ask("POST", "/auth", json=login).status_code == 200
            assert portainer.ask("GET", "/system/status").status_code == 200
        finally:
            gate.set()
            for each in sign_ins:
                each.join()
