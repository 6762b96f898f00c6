"""What Prometheus is told: the right numbers, of every process, and only those that the operator lets read them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import psutil
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families
from tests.command import Process, serving
from tests.fakes import ORIGIN, PASSWORD, FakeClock
from tests.load.served import free_port
from tests.people import ALICE, somebody
from tests.running import Running, configured, running

from dragoman import metrics
from dragoman.core import sizes, tables
from dragoman.core.errors import Throttled, Unavailable, WrongCredentials
from dragoman.core.passwords import Hasher
from dragoman.core.tally import Figure, Tally
from dragoman.core.work import Core
from dragoman.dialects import discover
from dragoman.lanes import Lane
from dragoman.metrics.exposition import exposed
from dragoman.metrics.places import Place
from dragoman.sweeper import Sweeper

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
SEEN = Figure("seen", "counter", "Seen", ("where",))
STANDING = Figure("standing", "gauge", "Standing")
OF_ALL = Figure("of_all", "gauge", "Of all", shared=True)


def scrape(url: str, **headers: str) -> Samples:
    """Every number that a server tells, by its name and labels."""
    told = httpx2.get(f"{url}/metrics", headers=headers, trust_env=False)
    assert told.status_code == 200, told.text
    assert told.headers["content-type"].startswith("text/plain; version=")
    return samples_of(told.text)


def parsed(text: str) -> Sequence[Metric]:
    """What Prometheus reads in a text."""
    return list(text_string_to_metric_families(text))


def samples_of(text: str) -> Samples:
    """Every number in a text."""
    return {(s.name, frozenset(s.labels.items())): s.value for each in parsed(text) for s in each.samples}


def told(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the numbers of this name that have these labels, and perhaps others."""
    wanted = set(labels.items())
    return sum(value for (each, has), value in samples.items() if each == name and wanted <= has)


def status(url: str, **headers: str) -> int:
    """What a request for the metrics is answered with."""
    return httpx2.get(f"{url}/metrics", headers=headers, trust_env=False).status_code


def sign_in(url: str, password: str = PASSWORD) -> int:
    """The status of a sign-in at Immich."""
    body = {"email": ALICE, "password": password}
    return httpx2.post(f"{url}/immich/api/auth/login", json=body, trust_env=False).status_code


# --- what is told ---------------------------------------------------------------------------------------


def test_requests_and_sign_ins_are_counted_by_what_came_of_them(sqlite_server: Running) -> None:
    """Each answer counts once, by dialect, operation and class of status, and each sign-in by how it ended."""
    url = sqlite_server.url
    somebody(sqlite_server.core, ALICE)
    assert [sign_in(url), sign_in(url), sign_in(url, "wrong")] == [201, 201, 401]
    httpx2.get(f"{url}/immich/api/nowhere", trust_env=False)
    samples = scrape(url)
    login = {"dialect": "immich", "operation": "login"}
    assert told(samples, "dragoman_requests_total", **login, status="2xx") == 2
    assert told(samples, "dragoman_requests_total", **login, status="4xx") == 1
    assert told(samples, "dragoman_requests_total", operation="none", status="4xx") == 1
    assert told(samples, "dragoman_request_seconds_count", **login) == 3
    assert told(samples, "dragoman_request_seconds_bucket", **login, le="+Inf") == 3
    assert 0 < told(samples, "dragoman_request_seconds_sum", **login) < 60
    by_password = {"dialect": "immich", "by": "password"}
    assert told(samples, "dragoman_logins_total", **by_password, result="succeeded") == 2
    assert told(samples, "dragoman_logins_total", **by_password, result="wrong_credentials") == 1


def test_a_page_of_the_servers_own_is_counted_too(sqlite_server: Running) -> None:
    """The page that sets a new password counts as the web's."""
    httpx2.get(f"{sqlite_server.url}/reset-password?token=unknown", trust_env=False)
    samples = scrape(sqlite_server.url)
    assert (
        told(samples, "dragoman_requests_total", dialect="web", operation="reset-password", status="4xx") == 1
    )


def test_every_figure_is_told_from_the_start(sqlite_server: Running) -> None:
    """Every figure has its name, kind and meaning in the first answer, and so has what the system knows of a process."""
    text = httpx2.get(f"{sqlite_server.url}/metrics", trust_env=False).text
    families = {family.name: family for family in parsed(text)}
    for figure in metrics.FIGURES:
        family = families[f"dragoman_{figure.name}"]
        assert (family.type, family.documentation) == (figure.kind, figure.text)
    assert {f"process_{name}" for name in ("resident_memory_bytes", "cpu_seconds", "open_fds")} <= set(
        families
    )
    assert families["dragoman_build_info"].samples[0].value == 1


def test_open_metrics_are_told_to_whoever_asks_for_them(sqlite_server: Running) -> None:
    """A scraper that speaks OpenMetrics gets that, and can read it."""
    answer = httpx2.get(
        f"{sqlite_server.url}/metrics",
        headers={"Accept": "application/openmetrics-text; version=1.0.0"},
        trust_env=False,
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = open_families(answer.text)  # type: ignore[no-untyped-call]
    assert "dragoman_requests" in {family.name for family in families}


def test_labels_are_few_and_name_nobody(sqlite_server: Running) -> None:
    """Whatever is asked, and by whom, labels are dialects, operations, tables and kinds: no name, path or secret."""
    url = sqlite_server.url
    somebody(sqlite_server.core, ALICE)
    sign_in(url)
    for number in range(30):
        headers = {"Authorization": f"Bearer secret-{number}", "User-Agent": f"agent-{number}"}
        httpx2.get(f"{url}/immich/api/path-{number}?apiKey=k{number}", headers=headers, trust_env=False)
        httpx2.request(f"METHOD{number}", f"{url}/shoko/api/auth", headers=headers, trust_env=False)
    allowed = {
        "dialect": {dialect.name for dialect in discover()},
        "operation": {b.operation.name for dialect in discover() for b in dialect.bound} | {"none"},
        "status": {"2xx", "3xx", "4xx", "5xx"},
        "by": {"password", "provider"},
        "result": {"succeeded"},
        "lane": {"plain", "writing", "hashing", "outward", "checking"},
        "found": {"known", "read", "refused"},
        "table": {table.name for table in tables.metadata.sorted_tables},
        "worker": {"0"},
    }
    free = {"le", "version", "python"}
    labels = {label for _, labels in scrape(url) for label in labels if label[0] not in free}
    assert {name for name, value in labels if value not in allowed[name]} == set()


def test_tables_are_told_by_their_rows(core: Core) -> None:
    """After a round of the sweeper's there is a number for every table: on SQLite counted, on PostgreSQL estimated."""
    somebody(core, ALICE)
    if not core.database.is_sqlite:
        with core.begin(ORIGIN, writes=True) as uow:
            uow.db.exec_driver_sql("ANALYZE accounts")
    sizes.tell_sizes(core, ORIGIN)
    rows = {
        labels[0]: value[0] for (name, labels), value in core.tally.numbers().items() if name == "table_rows"
    }
    assert rows.keys() == {table.name for table in tables.metadata.sorted_tables}
    assert (rows["accounts"], rows["sessions"]) == (1, 0)


def test_sweeps_are_counted(sqlite_server: Running) -> None:
    """A sweep counts the rows that it removed, and how long that took."""
    core = sqlite_server.core
    somebody(core, ALICE)
    sign_in(sqlite_server.url)
    sqlite_server.clock.forward(days=400)
    Sweeper(core, every=timedelta(minutes=1), batch=100).sweep()
    samples = scrape(sqlite_server.url)
    assert told(samples, "dragoman_swept_rows_total", table="sessions") == 1
    assert told(samples, "dragoman_sweep_seconds_count") == 1


def test_a_lane_tells_what_it_does_and_what_it_refused() -> None:
    """A lane with one thread, a job in it and another in line says so, and counts whom it turns away."""
    tally, begun, go = Tally(), Event(), Event()

    def job() -> None:
        begun.set()
        go.wait(10)

    async def crowd() -> None:
        lane = Lane("narrow", threads=1, waiting=1, patience=timedelta(minutes=1), tally=tally)
        jobs = [asyncio.create_task(lane.run(job)) for _ in range(2)]
        await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(Unavailable):
            await lane.run(job)
        assert numbers_of(tally, "lane_running", "lane_waiting", "lane_refused") == [1, 1, 1]
        go.set()
        await asyncio.gather(*jobs)
        assert numbers_of(tally, "lane_running", "lane_waiting", "lane_refused") == [0, 0, 1]
        lane.close()

    asyncio.run(crowd())


def numbers_of(tally: Tally, *names: str) -> list[float]:
    """One number each of figures that have one."""
    numbers = {name: value[0] for (name, _), value in tally.numbers().items()}
    return [numbers[name] for name in names]


def test_the_hasher_and_the_pool_tell_what_they_do(core: Core) -> None:
    """A hash under way, another that waits, and a connection that is lent are told as that."""
    metrics.placed(core, None)
    turnstile, waiting, go = core.tools.hasher.turnstile, Event(), Event()

    def hold() -> None:
        with turnstile:
            go.wait(10)

    threads = [Thread(target=hold) for _ in range(core.tools.hasher.at_once + 1)]
    for thread in threads:
        thread.start()
    while not turnstile.waiting:
        waiting.wait(0.001)
    names = ("hashes_running", "hashes_waiting", "database_connections", "database_connections_in_use")
    with core.begin(ORIGIN, writes=False):
        assert numbers_of(core.tally, *names) == [core.tools.hasher.at_once, 1, 24, 1]
    go.set()
    for thread in threads:
        thread.join()
    assert numbers_of(core.tally, *names) == [0, 0, 24, 0]


def test_an_outcome_is_counted_whatever_it_is() -> None:
    """Success, each kind of refusal by its own name, and an accident are different outcomes."""
    tally = Tally()
    for end in (None, WrongCredentials(), Throttled(retry_after=timedelta(seconds=1)), ValueError()):
        with suppress(WrongCredentials, Throttled, ValueError), tally.outcome(SEEN):
            if end is not None:
                raise end
    outcomes = {labels: value for (_, labels), value in tally.numbers().items()}
    assert outcomes == {
        ("succeeded",): [1],
        ("wrong_credentials",): [1],
        ("throttled",): [1],
        ("failed",): [1],
    }


# --- whose it is to read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "evil.example.org"},
    ],
    ids="".join,
)
def test_it_is_for_this_machine_itself(sqlite_server: Running, headers: Mapping[str, str]) -> None:
    """Who asks from this machine is answered; who comes through a proxy, or by another's name for it, is not."""
    assert status(sqlite_server.url) == 200
    assert status(sqlite_server.url, **headers) == 403


@pytest.fixture
def other_settings(sqlite_url: str, hasher: Hasher, clock: FakeClock) -> Iterator[Callable[..., Running]]:
    """Starts servers with settings of their own for metrics."""
    with ExitStack() as stack:

        def start(**told: Any) -> Running:
            settings = configured(sqlite_url, metrics=told)
            return stack.enter_context(running(settings, hasher, clock))

        yield start


def test_with_a_token_it_is_for_whoever_has_that(other_settings: Callable[..., Running]) -> None:
    """A token opens it through a proxy too, and without the token nobody is answered, this machine included."""
    url = other_settings(token="of-prometheus").url
    assert status(url) == 401
    assert [
        status(url, Authorization=f"Bearer {shown}") for shown in ("x", "of-prometheu", "of-prometheus2")
    ] == [401] * 3
    assert status(url, Authorization="Basic of-prometheus") == 401
    assert status(url, Authorization="Bearer of-prometheus") == 200
    assert status(url, Authorization="bearer of-prometheus", **{"X-Forwarded-For": "192.0.2.1"}) == 200


def test_a_network_may_be_let_in(other_settings: Callable[..., Running]) -> None:
    """Who is in one of `metrics.networks` is answered under whatever host name, but not through a proxy."""
    url = other_settings(networks=["127.0.0.0/8"]).url
    assert status(url, Host="dragoman-1:8080") == 200
    assert status(url, Host="dragoman-1:8080", **{"X-Forwarded-For": "127.0.0.1"}) == 403


def test_it_can_be_switched_off(other_settings: Callable[..., Running]) -> None:
    """Where metrics are not enabled nothing is served there."""
    assert status(other_settings(enabled=False).url) == 404


# --- several processes ----------------------------------------------------------------------------------


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Process]:
    """A server of two processes."""
    with serving(tmp_path, "--port", str(free_port()), "--workers", "2") as process:
        while len(places(process.root)) < 2:
            time.sleep(0.05)
        yield process


def places(url: str) -> set[str]:
    """The workers that a server tells of; none while it does not answer."""
    with suppress(httpx2.TransportError):
        found = {dict(labels).get("worker") for name, labels in scrape(url) if name.startswith("process_")}
        return {place for place in found if place}
    return set()


def pings(url: str) -> float:
    """How many pings a server tells of."""
    return told(scrape(url), "dragoman_requests_total", dialect="immich", operation="ping_server")


def test_one_answer_tells_of_all_processes_and_never_goes_back(workers: Process) -> None:
    """Whichever process is asked, the numbers are of both, and a process that is killed takes none with it."""
    url, asked = workers.root, 0
    for _ in range(20):
        asked += httpx2.get(f"{url}/immich/api/server/ping", trust_env=False).status_code == 200
    deadline = time.monotonic() + 15
    while pings(url) < asked and time.monotonic() < deadline:
        time.sleep(0.2)
    assert pings(url) == asked
    victim = psutil.Process(workers.popen.pid).children()[-1]
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    seen = [pings(url) for _ in range(5) if places(url)]
    while len(places(url)) < 2:
        time.sleep(0.05)
    seen += [pings(url) for _ in range(5)]
    assert set(seen) == {asked}
    assert workers.stop(signal.SIGTERM) == 0


def test_a_process_counts_on_in_the_place_of_one_that_ended(tmp_path: Path) -> None:
    """Counters add up over all processes, dead ones included; what a dead one stood at is told no more."""

    def process(counted: int) -> tuple[Tally, Place]:
        tally = Tally()
        place = Place(tally, tmp_path, passing={STANDING.name, OF_ALL.name})
        tally.count(SEEN, "here", by=counted)
        tally.stands_at(STANDING, value=counted)
        tally.stands_at(OF_ALL, value=counted)
        return tally, place

    def text(place: Place) -> Samples:
        body, _ = exposed((SEEN, STANDING, OF_ALL), place.told(), "")
        return samples_of(body.decode())

    def sums(place: Place) -> list[float]:
        return [told(text(place), f"dragoman_{name}") for name in ("seen_total", "standing", "of_all")]

    (_, first), (_, second) = process(1), process(10)
    first.told()
    assert sums(second) == [11, 11, 10]
    second.stop()
    assert sums(first) == [11, 1, 1]
    _, third = process(100)
    assert sums(third) == [111, 101, 100]
    assert [each.place for each in third.told()] == [0, 1]
    first.stop()
    third.stop()
