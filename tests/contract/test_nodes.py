"""Two nodes, as processes of their own, on one PostgreSQL: what is decided at one holds at the other within a second.

No request is told which node answers it; of what is good once, one request at whichever node is served.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import httpx2
import pytest
from tests.command import Command, Process, serving
from tests.conftest import MASTER_KEY
from tests.contract.immich.speech import SIGN_UP
from tests.fakes import NEW_PASSWORD, PASSWORD, cheap_hasher, do
from tests.houses import connected
from tests.people import calling, somebody
from tests.postgres import postgres_server
from tests.racing import at_once
from tests.running import configured

from dragoman import building
from dragoman.client import SyncClient, TryLater, Unauthorized
from dragoman.core import access_tokens, factors, resets, sealing, tickets
from dragoman.core.access_tokens import NewAccessToken
from dragoman.core.accounts import Account
from dragoman.core.secrets import Secret
from dragoman.core.work import Core, Origin, Tools
from dragoman.dialects import names

pytestmark = pytest.mark.postgres

DIALECTS = names()
HERE = Origin("elements", address="192.0.2.7", network="192.0.2.7")
AT_MOST = timedelta(seconds=1)
FREE_ATTEMPTS = 10
SETTINGS = {
    "DRAGOMAN_MASTER_KEY": MASTER_KEY,
    "DRAGOMAN_SETUP__OPEN": "always",
    "DRAGOMAN_LOG__LEVEL": "warning",
    "DRAGOMAN_SERVER__THREADS": "8",
    "DRAGOMAN_THROTTLE__ADDRESS_FREE_ATTEMPTS": "1000000",
    # So long that the tests need not be quick.
    "DRAGOMAN_THROTTLE__FIRST_DELAY_SECONDS": "600",
}


@dataclass
class Nodes:
    """Two nodes; a core on their database, to arrange what no request can; and the command line."""

    processes: list[Process]
    core: Core
    command: Command
    line: httpx2.Client
    set_up: list[int]
    _numbers: Iterator[int]

    def ask(self, node: int, method: str, path: str, **named: Any) -> httpx2.Response:
        """A request to one of the nodes."""
        return self.line.request(method, f"{self.processes[node].root}{path}", **named)

    def race(self, method: str, path: str, **named: Any) -> Counter[int]:
        """The statuses of eight equal requests at once, four to each node."""
        answers = self.race_for_answers(method, path, **named)
        return Counter(answer.status_code for answer in answers)

    def race_for_answers(self, method: str, path: str, **named: Any) -> list[httpx2.Response]:
        """The answers to eight equal requests at once, four to each node."""
        jobs = [lambda node=number % 2: self.ask(node, method, path, **named) for number in range(8)]
        answers = at_once(*jobs)
        assert all(isinstance(answer, httpx2.Response) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, httpx2.Response)]

    def person(self) -> Account:
        """Somebody new."""
        return somebody(self.core, f"person{next(self._numbers)}@example.org", origin=HERE)

    def client(self, node: int, dialect: str, token: str | None = None) -> SyncClient:
        """A dialect's client at one of the nodes."""
        made: SyncClient = import_module(f"dragoman.dialects.{dialect}").Client(
            f"{self.processes[node].root}/{dialect}", **({"token": token} if token else {})
        )
        return made

    def sign_in(self, node: int, dialect: str, account: Account) -> str:
        """The token of a sign-in at one of the nodes."""
        with self.client(node, dialect) as client:
            assert client.manners.sign_in
            client.manners.sign_in(client, str(account.email), PASSWORD)
            return str(client.token)

    def check(self, node: int, dialect: str, token: str) -> httpx2.Response:
        """What a node says to a gateway that asks about a token."""
        with self.client(node, dialect) as client:
            shown = client.manners.credentials(token, None)
        return self.ask(node, "GET", f"/{dialect}/check", headers=dict(shown))

    def knows(self, node: int, dialect: str, token: str) -> bool:
        """Whether a node knows whose token this is."""
        with self.client(node, dialect, token) as client:
            assert client.manners.whoami
            try:
                client.manners.whoami(client)
            except Unauthorized:
                return False
            return True

    def knowing(self, held: dict[str, str]) -> list[tuple[int, str]]:
        """The nodes and dialects where these tokens are good."""
        return [(node, d) for node in (0, 1) for d, token in held.items() if self.knows(node, d, token)]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes that were started together on an empty database, and whose first administrator was raced for."""
    folder, server = tmp_path_factory.mktemp("nodes"), postgres_server()
    name = server.create("template1")
    environ = {**SETTINGS, "DRAGOMAN_DATABASE__URL": server.url(name).replace("+psycopg", "")}
    (folder / "one").mkdir()
    (folder / "other").mkdir()
    with ExitStack() as stack, ThreadPoolExecutor(2) as crowd:
        begun = [serving(folder / each, "--port", "0", environ=environ) for each in ("one", "other")]
        processes = list(crowd.map(stack.enter_context, begun))
        settings = configured(server.url(name), master_key=MASTER_KEY)
        core = building.make_core(settings, Tools(cheap_hasher()))
        stack.callback(server.drop, name)
        stack.callback(core.database.dispose)
        line = stack.enter_context(connected())
        made = Nodes(processes, core, Command(folder, environ), line, [], itertools.count(1))
        made.set_up += made.race("POST", "/immich/api/auth/admin-sign-up", json=SIGN_UP).elements()
        yield made


def test_nodes_that_start_together_on_an_empty_database_both_serve(nodes: Nodes) -> None:
    """One of them makes the schema and the first data key, the other waits, and both are ready."""
    assert [nodes.ask(node, "GET", "/readyz").status_code for node in (0, 1)] == [200, 200]
    with nodes.core.database.reading() as db:
        assert len(db.execute(sealing.data_keys.select()).all()) == 1


def test_the_first_administrator_is_made_once(nodes: Nodes) -> None:
    """Of eight that set the server up at once, at both nodes, one does."""
    assert Counter(nodes.set_up) == {201: 1, 400: 7}


@pytest.mark.parametrize("verb", [("session", "revoke", "--all", "--account"), ("account", "disable")])
def test_what_is_ended_is_ended_everywhere_within_a_second(nodes: Nodes, verb: tuple[str, ...]) -> None:
    """Sessions of every dialect, begun at one node, are good at both until an operator ends them or the account."""
    person = nodes.person()
    held = {dialect: nodes.sign_in(0, dialect, person) for dialect in DIALECTS}
    assert len(nodes.knowing(held)) == 2 * len(DIALECTS)
    assert nodes.command(*verb, str(person.email)).code == 0
    time.sleep(AT_MOST.total_seconds())
    assert nodes.knowing(held) == []


def test_a_signing_key_that_got_out_is_good_nowhere_within_a_second(nodes: Nodes) -> None:
    """What the old key signed is refused by both nodes, and what the new one signed at one is good at the other."""
    person = nodes.person()
    before = {"aivo": nodes.sign_in(0, "aivo", person)}
    assert len(nodes.knowing(before)) == 2
    assert nodes.command("signing-key", "rotate", "aivo", "--at-once").code == 0
    assert nodes.knows(1, "aivo", nodes.sign_in(0, "aivo", person))
    time.sleep(AT_MOST.total_seconds())
    assert nodes.knowing(before) == []
    key_sets = [nodes.ask(node, "GET", "/aivo/auth/v1/.well-known/jwks.json").json() for node in (0, 1)]
    assert key_sets[0] == key_sets[1]


def test_what_is_sealed_by_a_new_data_key_opens_everywhere(nodes: Nodes) -> None:
    """After another process has made a data key, both nodes open what it sealed, and what the old one had sealed."""
    person, links = nodes.person(), []
    for _ in range(2):
        new = NewAccessToken(person.number, "/shared", views=1)
        links.append(
            do(nodes.core, access_tokens.issue, new, by=calling(nodes.core, person, origin=HERE), origin=HERE)
        )
        do(nodes.core, sealing.rotate_data_key, nodes.core.tools.sealer, origin=HERE)
    token = nodes.sign_in(0, "elements", person)
    for node in (0, 1):
        shown = [
            nodes.ask(
                node,
                "GET",
                f"/elements/api/2/auth/access-tokens/{link.id}",
                headers={"authorization": f"Bearer {token}"},
            ).json()["token"]
            for link in links
        ]
        assert len(set(shown)) == len(links)
        assert all(shown)


def test_guesses_are_counted_by_all_nodes_together(nodes: Nodes) -> None:
    """Of guesses at once, spread over the nodes, so many are heard as at one; then neither node hears the right password."""
    person = nodes.person()
    wrong = {"email": person.email, "password": "wrong"}
    heard = sum((nodes.race("POST", "/immich/api/auth/login", json=wrong) for _ in range(3)), Counter())
    assert heard[401] + heard[429] == 24
    assert heard[401] == FREE_ATTEMPTS + 1
    right = {"email": person.email, "password": PASSWORD}
    answers = [nodes.ask(node, "POST", "/immich/api/auth/login", json=right) for node in (0, 1)]
    assert [answer.status_code for answer in answers] == [429, 429]


# --- what is good once ----------------------------------------------------------------------------------


def test_a_ticket_is_redeemed_once(nodes: Nodes) -> None:
    """Of eight that hold up the same ticket at both nodes one is told whose it is."""
    ticket = do(nodes.core, tickets.issue, calling(nodes.core, nodes.person(), origin=HERE), origin=HERE)
    body = {"ticket": ticket.reveal()}
    assert nodes.race("POST", "/elements/api/2/auth/ticket/check", json=body) == {200: 1, 403: 7}


def test_a_link_lets_in_as_many_as_it_says(nodes: Nodes) -> None:
    """Of eight that open a link for three views at both nodes three are let in."""
    person = nodes.person()
    new = NewAccessToken(person.number, "/shared", views=3)
    by = calling(nodes.core, person, origin=HERE)
    link = do(nodes.core, access_tokens.issue, new, by=by, origin=HERE)
    with nodes.core.begin(HERE, writes=False) as uow:
        token = access_tokens.token_of(uow, link).reveal()
    statuses = nodes.race("POST", f"/elements/auth/fast-lane/{token}", json={})
    assert statuses == {200: 3, 404: 5}


def test_a_refresh_token_has_one_successor(nodes: Nodes) -> None:
    """However many refresh at once at both nodes, one successor is handed out, and it is good."""
    person = nodes.person()
    login = {"email": person.email, "password": PASSWORD}
    held = nodes.ask(0, "POST", "/aivo/auth/v1/login", json=login).json()
    body = {"refreshToken": held["refreshToken"]}
    answers = nodes.race_for_answers("POST", "/aivo/auth/v1/refresh", json=body)
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refreshToken"] for answer in answers}
    assert nodes.ask(1, "POST", "/aivo/auth/v1/refresh", json={"refreshToken": successor}).status_code == 200


def test_a_mailed_link_sets_one_password(nodes: Nodes) -> None:
    """Of eight that send the form of one link at both nodes one sets the password."""
    person = nodes.person()
    link = do(nodes.core, resets.start, person, origin=HERE).link.reveal()
    form = {"token": link.partition("token=")[2], "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    statuses = nodes.race("POST", "/reset-password", data=form)
    assert statuses == {200: 1, 410: 7}


def test_a_code_of_the_second_factor_signs_in_once(nodes: Nodes) -> None:
    """Of eight that type the same code at both nodes one gets in."""
    person = nodes.person()
    seed = b"12345678901234567890"
    with nodes.core.begin(HERE, writes=False) as uow:
        step = factors.step_at(uow.now)
    enabling = (person, Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), Secret(factors.code_at(seed, step)))
    do(nodes.core, factors.enable, *enabling, by=calling(nodes.core, person, origin=HERE), origin=HERE)
    typed = {"email": person.email, "password": f"{PASSWORD}{factors.code_at(seed, step + 1)}"}
    statuses = nodes.race("POST", "/immich/api/auth/login", json=typed)
    assert statuses == {201: 1, 401: 7}


# --- without the database -------------------------------------------------------------------------------


def test_without_the_database_every_dialect_says_later_and_then_all_is_well(nodes: Nodes) -> None:
    """While PostgreSQL is stopped, tokens, checks and sign-ins of each dialect, and pages, are told when to come again.

    Started again, it finds the good ones good, and nothing else was done to either node.
    """
    person = nodes.person()
    held = {dialect: nodes.sign_in(0, dialect, person) for dialect in DIALECTS}
    with postgres_server().away():
        for node, (dialect, token) in itertools.product((0, 1), held.items()):
            garbled = f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}"
            for presented in (token, garbled):
                with pytest.raises(TryLater) as later:
                    nodes.knows(node, dialect, presented)
                assert (later.value.status, later.value.retry_after) == (503, 1)
            checked = nodes.check(node, dialect, garbled)
            assert (checked.status_code, checked.headers["retry-after"]) == (503, "1")
            with pytest.raises(TryLater):
                nodes.sign_in(node, dialect, person)
        for node in (0, 1):
            assert nodes.ask(node, "GET", "/healthz").status_code == 200
            assert nodes.ask(node, "GET", "/readyz").status_code == 503
            page = nodes.ask(node, "GET", "/account", headers={"cookie": "dragoman=somebody"})
            assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    deadline = time.monotonic() + 10
    while any(nodes.ask(node, "GET", "/readyz").status_code != 200 for node in (0, 1)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(nodes.knowing(held)) == 2 * len(DIALECTS)
    assert {
        nodes.check(node, dialect, held[dialect]).status_code
        for node, dialect in itertools.product((0, 1), held)
    } == {204}
