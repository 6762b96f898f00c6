"""When we cannot tell, the answer is 503 and when to ask again, never a no; an accident tells nothing of itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from tests.contract.immich.speech import PIN, SIGN_UP, House, assert_refused, assert_says, visiting
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, cheap_hasher
from tests.running import Running, configured, running

from dragoman.core.passwords import Hasher

LATER = "The server cannot answer now, try again later"
ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def assert_later(response: httpx2.Response, *, most: int = 10) -> None:
    """503 with Retry-After, in Immich's shape."""
    assert_refused(response, 503, LATER)
    assert 1 <= int(response.headers["retry-after"]) <= most


def test_writes_wait_for_a_busy_database_and_then_say_so(own: House) -> None:
    """While somebody else writes to SQLite, what must write is 503 within seconds, and what reads is answered."""
    person = own.person()
    file = own.core.database.file
    asked: dict[str, Any] = {
        "login": {"email": person.email, "password": PASSWORD},
        "logout": None,
        "lock_auth_session": None,
        "setup_pin_code": {"pinCode": PIN},
        "change_password": {"password": PASSWORD, "newPassword": NEW_PASSWORD},
        "update_my_user": {"name": "Ada"},
    }
    with closing(sqlite3.connect(file, isolation_level=None)) as other, ThreadPoolExecutor(6) as crowd:
        other.execute("BEGIN IMMEDIATE")
        for response in crowd.map(lambda one: own.call(one[0], person.token, one[1]), asked.items()):
            assert_later(response)
        for operation in ("validate_access_token", "get_my_user", "get_auth_status"):
            assert own.call(operation, person.token).status_code == 200
        other.execute("ROLLBACK")
    assert own.log_in(person.email).status_code == 201
    assert own.call("logout", person.token).status_code == 200


@ON_POSTGRES
def test_lost_connections_are_made_anew(server: Running, database_url: str) -> None:
    """When PostgreSQL ends all connections, some requests are 503, none is a no, and soon all is well again."""
    with visiting(server) as house, closing(admin_of(database_url)) as admin:
        person = house.person()
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [make_url(database_url).database],
        )
        answers = [house.call("validate_access_token", person.token) for _ in range(5)]
        for response in answers:
            if response.status_code != 200:
                assert_later(response)
        assert answers[-1].status_code == 200
        assert house.log_in(person.email).status_code == 201


@ON_POSTGRES
def test_database_that_is_gone_is_503_to_everybody(server: Running, database_url: str) -> None:
    """Without its database the server signs nobody out: good and bad credentials alike are told to come again."""
    name = make_url(database_url).database
    with visiting(server) as house, closing(admin_of(database_url)) as admin:
        person = house.person()
        admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for token in (person.token, "nobody-s-token"):
            for operation in ("validate_access_token", "get_my_user", "logout", "lock_auth_session"):
                assert_later(house.call(operation, token))
        # Whoever holds nothing up is nobody, whatever the database would say.
        for operation in ("get_my_user", "logout", "change_password"):
            assert_refused(house.call(operation), 401, "Authentication required")
        assert_later(house.log_in(person.email))
        assert_later(house.call("sign_up_admin", body=SIGN_UP))
        assert house.ask_url("GET", f"{server.url}/healthz").status_code == 200
        assert house.ask_url("GET", f"{server.url}/readyz").status_code == 503
        # Who asks for nothing stored is answered.
        assert house.ask("GET", "/server/ping").status_code == 200
        admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        assert house.ask_url("GET", f"{server.url}/readyz").status_code == 200
        assert house.call("validate_access_token", person.token).status_code == 200


def admin_of(database_url: str) -> psycopg.Connection[Any]:
    """A connection to the server of a database, but to another database of it."""
    url = make_url(database_url)
    return psycopg.connect(host=str(url.query["host"]), user=url.username, dbname="postgres", autocommit=True)


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[tuple[House, Hasher]]:
    """A server that hashes one password at a time and lets nobody wait for it."""
    hasher = Hasher(memory_kib=16, passes=1, lanes=1, at_once=1)
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", server={"hash_queue": 0, "hash_threads": 1})
    with running(settings, hasher, FakeClock()) as served, visiting(served) as house:
        yield house, hasher


def test_P_10_full_hashing_lane_is_503_at_once_and_nobody_else_s_trouble(
    narrow: tuple[House, Hasher],
) -> None:
    """When no hash can be begun, sign-ins are told to come again at once, and all others go on."""
    house, hasher = narrow
    person = house.person()
    with ThreadPoolExecutor(2) as waiting, ExitStack() as held:
        held.enter_context(hasher.turnstile)
        ahead = [waiting.submit(house.log_in, person.email) for _ in range(2)]
        while hasher.turnstile.waiting < 2:
            assert not any(future.done() for future in ahead)
            time.sleep(0.005)
        assert_later(house.log_in(person.email))
        assert_later(house.call("change_password", person.token, {}))
        assert_refused(house.call("change_password", body={}), 401, "Authentication required")
        assert house.call("get_my_user", person.token).status_code == 200
        held.close()
        assert [future.result().status_code for future in ahead] == [201, 201]


class BrokenHasher(Hasher):
    """Fails as no hasher should, with words that nobody outside must read."""

    def verify(self, stored: str, password: str) -> bool:
        """Fail."""
        raise RuntimeError(f"verifying {stored} against {password} in /srv/secret.py")

    def hash(self, password: str) -> str:
        """Fail."""
        raise RuntimeError(f"hashing {password}")


def test_accident_is_500_by_the_name_of_the_operation(tmp_path: Path) -> None:
    """An accident in a handler says which operation failed, and nothing else (§0.2)."""
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", log={"level": "error"})
    broken = BrokenHasher(memory_kib=16, passes=1, lanes=1)
    with running(settings, broken, FakeClock()) as served, visiting(served) as house:
        assert_refused(house.call("sign_up_admin", body=SIGN_UP), 500, "Failed to sign up admin")
        person = house.person(password=None)
        assert_refused(
            house.call("setup_pin_code", person.token, {"pinCode": PIN}), 500, "Failed to setup pin code"
        )
        # What went wrong left nothing behind.
        assert house.status(person.token)["pinCode"] is False
        assert house.ask("GET", "/server/config").json()["isInitialized"] is False


def test_accident_before_the_handler_is_nobodys(tmp_path: Path) -> None:
    """An accident while the caller is identified names no operation, and has no reason (§0.2)."""
    with (
        running(
            configured(f"sqlite:///{tmp_path}/dragoman.db", log={"level": "error"}),
            cheap_hasher(),
            FakeClock(),
        ) as served,
        visiting(served) as house,
    ):
        token = house.person().token
        with house.core.begin(ORIGIN, writes=True) as uow:
            uow.db.execute(text("ALTER TABLE sessions RENAME TO elsewhere"))
        for operation in ("get_my_user", "change_password"):
            answer = house.call(operation, token, {})
            cid = answer.headers["x-immich-cid"]
            said = {"message": "Internal server error", "statusCode": 500, "correlationId": cid}
            assert_says(answer, 500, said)
