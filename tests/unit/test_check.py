"""The gateways' check beyond what the laws of every dialect ask: what is believed of a request, and floods."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests import links
from tests.fakes import FakeClock, cheap_hasher, do
from tests.houses import connected
from tests.laws.gateways import GATEWAY, PATIENT, identity
from tests.laws.travel import credential_of, manners_of, session_of
from tests.load.served import free_port
from tests.people import calling, opened, presenting, rows, somebody
from tests.proxies import caddy, nginx
from tests.running import Running, configured, running
from tests.speaking import Canned, stub

from dragoman import readings
from dragoman.core import (
    access_tokens,
    accounts,
    api_keys,
    dialect_choices,
    groups,
    impersonation,
    permissions,
    sessions,
    sqlite,
    sweep,
)
from dragoman.core.dialect_choices import Choice
from dragoman.core.groups import Changes
from dragoman.core.work import Origin
from dragoman.dialects.aivo.server import dialect as aivo


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks wait for as long as a busy machine needs."""
    monkeypatch.setattr(readings, "PATIENCE", PATIENT)


class House:
    """A server behind a gateway, and somebody who is signed in to Immich there."""

    def __init__(self, served: Running, line: Any) -> None:
        self.served, self.line = served, line
        self.core, self.clock = served.core, served.clock
        self.account = somebody(self.core)
        self.token = session_of(self.core, self.account, "immich")

    def ask(self, headers: Mapping[str, str] = {}, path: str = "/immich/check") -> Any:
        """What the check says."""
        return self.line.get(f"{self.served.url}{path}", headers=dict(headers))

    def status(self, path: str = "/immich/check", **headers: str) -> int:
        """With which status the check answers; names of headers with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return int(self.ask(given, path).status_code)


def serving(url: str, clock: FakeClock, **told: Any) -> Any:
    """A server behind a gateway, with these settings."""
    return running(configured(url, **{**GATEWAY, **told}), cheap_hasher(), clock)


@pytest.fixture
def house(sqlite_url: str, clock: FakeClock) -> Iterator[House]:
    """A server that believes a gateway on this machine."""
    with serving(sqlite_url, clock) as served, connected() as line:
        yield House(served, line)


# --- what is believed of a request ----------------------------------------------------------------------


def test_the_query_of_what_was_asked_of_the_gateway_may_hold_the_credential(house: House) -> None:
    """Of the one header that settings name, once, the query counts; the check's own query never does."""
    uri = f"/api/assets/1/thumbnail?size=preview&sessionKey={house.token}#top"
    assert house.status(x_forwarded_uri=uri) == 204
    assert house.status(x_forwarded_uri=f"https://photos.example.org{uri}") == 204
    assert house.status(x_original_url=uri) == 401
    assert house.status(x_forwarded_uri=f"/sessionKey={house.token}") == 401
    assert house.status(f"/immich/check?sessionKey={house.token}") == 401
    twice = [("x-forwarded-uri", "/"), ("x-forwarded-uri", uri)]
    assert house.line.get(f"{house.served.url}/immich/check", headers=twice).status_code == 401


def test_nobody_but_the_gateway_says_what_was_asked_of_it(sqlite_url: str, clock: FakeClock) -> None:
    """From a peer that is not trusted the header is nothing."""
    with serving(sqlite_url, clock, server={"trusted_proxies": "10.0.0.0/8"}) as served, connected() as line:
        house = House(served, line)
        assert house.status(x_forwarded_uri=f"/?sessionKey={house.token}") == 401
        assert house.status(x_immich_user_token=house.token) == 204


def test_a_clients_own_identity_never_shows_through(house: House) -> None:
    """Whatever a client says of itself in our headers, each is answered with our own value, empty ones too."""
    forged = dict.fromkeys(
        (f"x-dragoman-{n}" for n in ("account", "admin", "actor", "groups", "email")), "root"
    )
    answer = house.ask({**forged, "x-immich-user-token": house.token})
    assert identity(answer) | {"actor": "", "groups": "", "admin": "false"} == identity(answer)
    assert "root" not in identity(answer).values()


def test_one_credential_by_two_names_is_one_that_is_known(house: House) -> None:
    """A token is the same in a header, a cookie and a query."""
    assert house.status(x_immich_user_token=house.token) == 204
    assert house.status(cookie=f"immich_access_token={house.token}") == 204
    assert house.status(x_forwarded_uri=f"/?sessionKey={house.token}") == 204
    assert len(house.served.app._checking.known._good) == 1


def test_a_gateway_may_call_by_any_name_and_nobody_else(sqlite_url: str, clock: FakeClock) -> None:
    """With a base URL configured, a trusted peer is answered whatever host name it calls, for checks alone."""
    told = {"base_url": "https://id.example.org", "trusted_proxies": "127.0.0.0/8"}
    with serving(sqlite_url, clock, server=told) as served, connected() as line:
        house = House(served, line)
        assert house.status(host="dragoman:8080", x_immich_user_token=house.token) == 204
        assert house.status("/immich/api/users/me", host="dragoman:8080") == 421
        assert house.status(host="two hosts") == 400
    told["trusted_proxies"] = "10.0.0.0/8"
    with serving(sqlite_url, clock, server=told) as served, connected() as line:
        stranger = {"host": "dragoman:8080", "x-immich-user-token": house.token}
        assert line.get(f"{served.url}/immich/check", headers=stranger).status_code == 421


def test_a_dialect_on_a_host_of_its_own_is_checked_there(sqlite_url: str, clock: FakeClock) -> None:
    """There the path is /check, and other dialects' checks are not to be had."""
    own = {"dialects": {"immich": {"host": "photos.example.org"}}}
    with serving(sqlite_url, clock, **own) as served, connected() as line:
        house = House(served, line)
        shown = {"host": "photos.example.org", "x_immich_user_token": house.token}
        assert house.status("/check", **shown) == 204
        assert house.status("/portainer/check", **shown) == 404


# --- who is recognised ----------------------------------------------------------------------------------


def test_who_shows_the_same_again_is_recognised_and_told_what_all_are_told(house: House) -> None:
    """From the second time on nothing but the headers is looked at, and the answer is the same, TLS and end included."""
    shown = {"x-immich-user-token": house.token, "x-request-id": "mine", "x-forwarded-proto": "https"}
    first, second, third = (house.ask(shown) for _ in range(3))
    assert recognised(house, shown)
    assert set(first.headers.items()) == set(second.headers.items()) == set(third.headers.items())
    assert (third.headers["x-request-id"], "strict-transport-security" in third.headers) == ("mine", True)
    assert "strict-transport-security" not in house.ask({"x-immich-user-token": house.token}).headers
    house.served.app.leave()
    assert house.ask(shown).headers["connection"] == "close"


def test_what_looks_alike_and_is_not_is_not_taken_for_it(house: House) -> None:
    """One value in another header, beside another one of that name, or in another dialect holds up something else."""
    shown = {"x-immich-user-token": house.token}
    assert [house.status(**shown) for _ in range(2)] == [204, 204]
    assert recognised(house, shown)
    assert house.status(x_api_key=house.token) == 401
    assert house.status(x_immich_share_key=house.token) == 401
    assert house.status(path="/elements/check", **shown) == 401
    other = {"x-immich-user-token": session_of(house.core, somebody(house.core, "b@example.org"), "immich")}
    both = [*other.items(), *shown.items()]
    assert house.line.get(f"{house.served.url}/immich/check", headers=both).headers[
        "x-dragoman-account"
    ] == identity(house.ask(other)).get("account")
    assert house.ask(shown).headers["x-dragoman-account"] == str(house.account.id)


def test_a_query_that_comes_before_a_header_is_not_passed_over(house: House) -> None:
    """Who is recognised by a header is somebody else when the original request's query holds up what counts first."""
    other = somebody(house.core, "b@example.org")
    shown = {"authorization": f"Bearer {house.token}", "x-forwarded-uri": "/"}
    assert [house.status(**shown) for _ in range(2)] == [204, 204]
    assert recognised(house, shown)
    shown["x-forwarded-uri"] = f"/?sessionKey={session_of(house.core, other, 'immich')}"
    assert [identity(house.ask(shown))["account"] for _ in range(3)] == [str(other.id)] * 3


def test_nobody_is_recognised_where_nothing_is_served_any_more(house: House) -> None:
    """Once a dialect is switched off, its check is gone, also for those whom it knew a moment ago."""
    shown = {"x-immich-user-token": house.token}
    assert [house.status(**shown) for _ in range(2)] == [204, 204]
    admin = calling(house.core, somebody(house.core, "admin@example.org", is_admin=True))
    do(house.core, dialect_choices.choose, "immich", Choice(enabled=False, host=None), taken=(), by=admin)
    house.served.app._board._look()
    assert house.status(**shown) == 404


def recognised(house: House, shown: Mapping[str, str]) -> bool:
    """Whether a request with these headers, as the line sends it, passes without a closer look."""
    headers = {**house.line.headers, "host": house.served.url.removeprefix("http://"), **shown}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"path": "/immich/check", "method": "GET", "headers": raw, "client": ("127.0.0.1", 1)}
    return house.served.app._doorkeeper.recognise(scope) is not None


# --- who passes -----------------------------------------------------------------------------------------


def test_a_limited_key_passes_by_the_permission_that_settings_name(sqlite_url: str, clock: FakeClock) -> None:
    """Without the setting no limited key passes; with it those that have the permission do, and the others are 403."""
    for told, statuses in ((None, [403, 403, 204]), ("asset.view", [204, 403, 204])):
        settings = {"dialects": {"immich": {"check_permission": told}}} if told else {}
        with serving(sqlite_url, clock, **settings) as served, connected() as line:
            owner = somebody(served.core, f"{told}@example.org")
            found = []
            for names in (["asset.view"], ["asset.read"], ["all"]):
                _, secret = do(
                    served.core, api_keys.issue, owner.number, "immich", name="k", permissions=names
                )
                shown = {"x-api-key": secret.reveal()}
                found += [
                    line.get(f"{served.url}/immich/check", headers=shown).status_code for _ in range(2)
                ][1:]
            assert found == statuses


def test_a_visitor_of_a_link_passes_by_what_the_link_allows(sqlite_url: str, clock: FakeClock) -> None:
    """Who was let in by a link passes where settings name something that the link allows, and until it is revoked."""
    told = {"dialects": {"immich": {"check_permission": "allow_view"}}}
    with serving(sqlite_url, clock, **told) as served, connected() as line:
        house = House(served, line)
        caller = calling(house.core, house.account)
        for allowed in ({}, {"allow_view": False}, {"allow_other": True}):
            _, token = links.made(house.core, caller, permissions=allowed)
            assert house.status(x_immich_user_token=links.opened(house.core, token).secret.reveal()) == 403
        link, token = links.made(house.core, caller, permissions={"allow_view": True})
        visitor = links.opened(house.core, token).secret.reveal()
        assert house.status(x_immich_user_token=visitor) == 204
        do(house.core, access_tokens.revoke, link.id, visible_to=None)
        assert house.status(x_immich_user_token=visitor) == 401


def test_who_acts_as_somebody_else_passes_as_them_with_both_names(house: House) -> None:
    """The account is whom they act as, the actor who they are; to end it, or to lose the right to it, tells at once."""
    admin = somebody(house.core, "admin@example.org", is_admin=True)
    _, secret = opened(house.core, admin)
    shown = {"x-immich-user-token": secret.reveal()}
    assert identity(house.ask(shown))["account"] == str(admin.id)
    caller = presenting(house.core, secret)
    do(house.core, impersonation.start, caller, house.account.number, permission="anything")
    told = identity(house.ask(shown))
    assert (told["account"], told["actor"]) == (str(house.account.id), str(admin.id))
    do(house.core, impersonation.stop, presenting(house.core, secret))
    assert (identity(house.ask(shown))["actor"], identity(house.ask(shown))["account"]) == ("", str(admin.id))
    do(
        house.core,
        impersonation.start,
        presenting(house.core, secret),
        house.account.number,
        permission="anything",
    )
    assert house.ask(shown).status_code == 204
    do(house.core, accounts.disable, house.account.number)
    assert house.ask(shown).status_code == 401


def test_an_identity_is_told_in_ascii_and_within_bounds(house: House) -> None:
    """Names are percent-encoded, groups are separated by commas and sorted; what is too long is left out whole."""
    shown = {"x-immich-user-token": house.token}
    made = [do(house.core, groups.add, name) for name in ("Zoë, and others", "Admins", "50 % off")]
    do(house.core, permissions.join, house.account, [group.number for group in made])
    assert identity(house.ask(shown))["groups"] == "50%20%25%20off,Admins,Zo%C3%AB%2C%20and%20others"
    do(house.core, groups.change, made[1].number, Changes(name="Zoo"))
    assert identity(house.ask(shown))["groups"] == "50%20%25%20off,Zoo,Zo%C3%AB%2C%20and%20others"
    do(house.core, groups.remove, made[1].number)
    assert "Zoo" not in identity(house.ask(shown))["groups"]
    crowd = [do(house.core, groups.add, f"{number:02} {'x' * 250}").number for number in range(20)]
    do(house.core, permissions.join, house.account, crowd)
    told = identity(house.ask(shown))
    assert (told["email"], told["groups"]) == (house.account.email, "")


# --- floods, and a database that does not answer --------------------------------------------------------


def flood(house: House, how_many: int, **headers: str) -> list[int]:
    """With which statuses so many made-up credentials are answered."""
    numbers = range(how_many)
    return [house.status(x_immich_user_token=f"made-up-{n}-{house.clock.now}", **headers) for n in numbers]


def test_a_flood_of_unknown_credentials_is_held_up_and_nobody_else(sqlite_url: str, clock: FakeClock) -> None:
    """Past its allowance an address is told to come back, never 401; who is known there, and who is elsewhere, passes."""
    with serving(sqlite_url, clock, check={"unknown_per_second": 2}) as served, connected() as line:
        house = House(served, line)
        there = {"x_forwarded_for": "2001:db8:1:2::1"}
        assert house.status(x_immich_user_token=house.token, **there) == 204
        assert flood(house, 25, **there) == [401] * 21 + [429] * 4
        neighbour = {"x_forwarded_for": "2001:db8:1:2:ffff::9"}
        answer = house.ask({"x-immich-user-token": "another", "x-forwarded-for": "2001:db8:1:2:ffff::9"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        house.clock.forward(seconds=0.2)
        assert house.status(x_immich_user_token=house.token, **neighbour) == 204
        assert flood(house, 1, x_forwarded_for="2001:db8:1:3::1") == [401]
        house.clock.forward(seconds=1)
        assert house.status(x_immich_user_token=house.token, **neighbour) == 204
        assert flood(house, 4, **there)[-1] == 429


def test_a_throttled_check_is_429_in_every_dialect(sqlite_url: str, clock: FakeClock) -> None:
    """Also where the product's own limiter says otherwise: a gateway must not take it for a no."""
    with serving(sqlite_url, clock, check={"unknown_per_second": 1}) as served, connected() as line:
        url = f"{served.url}/portainer/check"
        statuses = [
            line.get(url, headers={"x-api-key": f"ptr_made-up-{number}"}).status_code for number in range(13)
        ]
        assert statuses == [401] * 11 + [429] * 2


def test_a_database_that_does_not_answer_is_no_reason_to_refuse_anybody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is known passes on for their second; to all others it is 503 with Retry-After, before the database says so."""
    monkeypatch.setattr(readings, "PATIENCE", timedelta(milliseconds=50))
    assert house.status(x_immich_user_token=house.token) == 204
    database = house.core.database
    database.dispose()
    with closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE accounts SET username = username")
        assert house.status(x_immich_user_token=house.token) == 204
        begun = time.monotonic()
        answer = house.ask({"x-immich-user-token": "somebody-else"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - begun < sqlite.PATIENCE.total_seconds()
        house.clock.forward(seconds=1)
        assert house.status(x_immich_user_token=house.token) == 503
        other.execute("ROLLBACK")
    monkeypatch.setattr(readings, "PATIENCE", PATIENT)
    assert house.status(x_immich_user_token=house.token) == 204
    assert house.status(x_immich_user_token="somebody-else") == 401


def test_that_a_credential_was_used_is_written_in_a_batch(house: House) -> None:
    """The check keeps a session from idling as any request does, and writes nothing itself."""
    house.clock.forward(hours=2)
    before = rows(house.core, sessions.sessions)
    assert house.status(x_immich_user_token=house.token) == 204
    assert rows(house.core, sessions.sessions) == before
    assert sweep.write_last_seen(house.core, Origin("sweeper")) == 1
    assert [row["seen_at"] for row in rows(house.core, sessions.sessions)] == [house.clock.now]


def test_who_asks_for_the_same_at_once_waits_for_one_read(sqlite_url: str, clock: FakeClock) -> None:
    """Of many requests with one token, whose signature takes a thread to verify, one has it read."""
    with serving(sqlite_url, clock) as served, connected() as line:
        account = somebody(served.core)
        shown = manners_of(aivo).credentials(credential_of(served.core, account, aivo), None)
        lane, ran = served.app._lanes.checking, []
        gate = threading.Event()
        run = lane.run

        async def counted(job: Any) -> Any:
            ran.append(job)
            return await run(lambda: gate.wait(5) and job())

        lane.run = counted
        url = f"{served.url}/aivo/check"
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(line.get, url, headers=shown) for _ in range(8)]
            while not served.app._board.mounted.by_path["/aivo"].check._readings._begun:
                time.sleep(0.005)
            time.sleep(0.05)
            gate.set()
            assert [each.result().status_code for each in asked] == [204] * 8
        assert len(ran) == 1


def test_each_of_many_that_are_read_together_is_told_their_own(database_url: str, clock: FakeClock) -> None:
    """However many ask at once, each is told whose their own credential is, or refused for it."""
    with serving(database_url, clock) as served, connected() as line:
        people = [somebody(served.core, f"somebody-{number}@example.org") for number in range(12)]
        shown = {session_of(served.core, each, "immich"): str(each.id) for each in people}
        shown |= {f"made-up-{number}": "" for number in range(6)}
        url = f"{served.url}/immich/check"

        def told(token: str) -> tuple[int, str]:
            answer = line.get(url, headers={"x-immich-user-token": token})
            return answer.status_code, answer.headers.get("x-dragoman-account", "")

        with ThreadPoolExecutor(18) as pool:
            found = dict(zip(shown, pool.map(told, shown), strict=True))
    assert found == {token: (204 if account else 401, account) for token, account in shown.items()}


def test_what_is_wrong_with_one_is_not_held_against_who_is_read_with_them(
    sqlite_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential whose reading breaks is 500 for who shows it; those that were read together with it pass."""
    with serving(sqlite_url, clock) as served, connected() as line:
        account = somebody(served.core)
        good, bad = (credential_of(served.core, account, aivo) for _ in range(2))
        check = served.app._board.mounted.by_path["/aivo"].check
        named = check._served.named

        def broken(uow: Any, presented: Any) -> Any:
            if presented.secret.reveal() == bad:
                raise ZeroDivisionError
            return named(uow, presented)

        monkeypatch.setattr(check._served, "named", broken)
        gate, run = threading.Event(), served.app._lanes.checking.run

        async def held(job: Any) -> Any:
            return await run(lambda: gate.wait(5) and job())

        monkeypatch.setattr(served.app._lanes.checking, "run", held)
        url = f"{served.url}/aivo/check"
        first = [
            manners_of(aivo).credentials(f"made-up-{number}", None) for number in range(readings.THREADS)
        ]
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(line.get, url, headers=each) for each in first]
            while len(check._readings._begun) < len(first):
                time.sleep(0.005)
            both = [manners_of(aivo).credentials(each, None) for each in (good, bad)]
            asked += [pool.submit(line.get, url, headers=each) for each in both]
            while len(check._readings._waiting) < len(both):
                time.sleep(0.005)
            gate.set()
            statuses = [each.result().status_code for each in asked]
    assert statuses == [401] * len(first) + [204, 500]


# --- a real gateway -------------------------------------------------------------------------------------

DOCUMENT = Path(__file__).parents[2] / "docs" / "gateway.md"


# How each is run; what stands for its place in the document; what it is told besides the document's part.
GATEWAYS: Mapping[str, tuple[Any, str, str]] = {
    "nginx": (
        nginx,
        "listen 443 ssl",
        "pid {folder}/pid; error_log /dev/stderr crit; events {{}} http {{ access_log off; {server} }}",
    ),
    "caddyfile": (caddy, "photos.example.org", "{{\n admin off\n auto_https off\n}}\n{server}"),
}


@pytest.mark.parametrize("language", GATEWAYS)
def test_the_documents_gateways_let_the_right_requests_through(
    house: House, tmp_path: Path, language: str
) -> None:
    """Before a product, as documented: who is signed in passes with an identity that is ours, everybody else is 401."""
    gateway, place, settings = GATEWAYS[language]
    (server,) = re.findall(
        rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    url = f"http://127.0.0.1:{free_port()}"
    forged = {"X-Dragoman-Account": "root", "X-Dragoman-Admin": "true", "X-Dragoman-Actor": "root"}
    with stub(Canned()) as product:
        for ours, theirs in (
            ("127.0.0.1:8080", house.served.url.removeprefix("http://")),
            ("127.0.0.1:2283", product.url.removeprefix("http://")),
            (place, f"listen {url.removeprefix('http://')}" if language == "nginx" else url),
        ):
            assert ours in server
            server = server.replace(ours, theirs)
        with gateway(settings.format(folder=tmp_path, server=server), tmp_path, url):
            product.heard.clear()
            for shown in ({}, {"x-immich-user-token": "made-up"}):
                assert house.line.get(f"{url}/api/assets", headers={**shown, **forged}).status_code == 401
            assert product.heard == []
            token = {"x-immich-user-token": house.token, **forged}
            assert house.line.post(f"{url}/api/assets", headers=token, content=b"a photo").status_code == 200
            assert house.line.get(f"{url}/api/assets?sessionKey={house.token}").status_code == 200
            house.line.get(f"{url}/api/assets?sessionKey={house.token}", headers={"x-forwarded-uri": "/"})
            assert len(product.heard) == 3
    for request in product.heard:
        told = {n.removeprefix("x-dragoman-"): v for n, v in request.headers.items() if "dragoman" in n}
        # What is empty nginx leaves out, and Caddy does not.
        assert {name: value for name, value in told.items() if value} == {
            "account": str(house.account.id),
            "number": str(house.account.number),
            "admin": "false",
            "name": house.account.username,
            "email": house.account.email,
        }
    assert product.heard[0].body == b"a photo"
