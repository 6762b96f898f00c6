"""`python tests/load/kills.py --kills 500 [--engine postgresql]`: kill -9 in the middle of writes, and then what was acknowledged is there.

People sign in and out, change names, passwords and PINs, make API keys and delete them, and write down what was
acknowledged to them. The server is killed in the middle of that, started again, and asked about everything: each
acknowledged fact must be so, what was under way must be wholly so or not at all, what was revoked stays revoked, and
SQLite finds no fault. Ends with 1 and the difference when that is not so.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

# Run as a file, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx2
from sqlalchemy import func, select, text
from tests.command import Process, serving
from tests.fakes import PASSWORD, rules
from tests.load import engines
from tests.load.engines import TOLD

from dragoman.core import setup
from dragoman.core.accounts import NewAccount, accounts
from dragoman.core.audit import audit_log
from dragoman.core.database import Database
from dragoman.core.elevation import pins
from dragoman.core.names import account_names
from dragoman.core.passwords import Hasher
from dragoman.core.secrets import Secret
from dragoman.core.sessions import sessions
from dragoman.core.work import Core, Origin, Tools
from dragoman.migrations import bring_up

PEOPLE = 8
THREADS = 4
REVOKED_KEPT = 20  # of each person, to be asked about again after every kill
WIDE_OPEN = {"DRAGOMAN_SETUP__OPEN": "always", "DRAGOMAN_LOG__LEVEL": "warning"}


class NotAcknowledged(Exception):
    """The server did not say that it was done: it may have been, and it may not."""


@dataclass
class Person:
    """An account as its owner knows it: for each fact what it may be, one thing if that was acknowledged."""

    email: str
    passwords: set[str]
    names: set[str]
    pins: set[bool] = field(default_factory=lambda: {False})
    tokens: dict[str, set[bool]] = field(default_factory=dict)
    keys: dict[str, set[bool]] = field(default_factory=dict)
    key_ids: dict[str, str] = field(default_factory=dict)
    revoked: deque[str] = field(default_factory=lambda: deque(maxlen=REVOKED_KEPT))
    done: int = 0

    @property
    def password(self) -> str:
        """The password, which is certain while nothing is under way."""
        (only,) = self.passwords
        return only


class Line:
    """A connection to the server, which says so when an answer does not come."""

    def __init__(self, client: httpx2.Client, root: str) -> None:
        self._client, self._root = client, f"{root}/immich/api"

    def call(
        self, method: str, path: str, body: object = None, token: str | None = None, key: str | None = None
    ) -> httpx2.Response:
        """An answer. `NotAcknowledged` without one, and for "cannot tell now"."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        headers |= {} if key is None else {"x-api-key": key}
        try:
            answer = self._client.request(method, self._root + path, json=body, headers=headers)
        except httpx2.TransportError as error:
            raise NotAcknowledged from error
        if answer.status_code == 503:
            raise NotAcknowledged
        return answer

    def succeed(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> httpx2.Response:
        """An answer that is a success."""
        answer = self.call(method, path, body, token)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer


@contextmanager
def connected(root: str) -> Iterator[Line]:
    """A connection for the body, without cookies: they would answer for a credential that is good no more."""
    none = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    with httpx2.Client(timeout=10, trust_env=False, cookies=none) as client:
        yield Line(client, root)


# --- what people do -------------------------------------------------------------------------------------


def sign_in(line: Line, person: Person) -> None:
    """One more session."""
    body = {"email": person.email, "password": person.password}
    person.tokens[line.succeed("POST", "/auth/login", body).json()["accessToken"]] = {True}


def a_token(line: Line, person: Person) -> str:
    """A token that is known to be good."""
    while True:
        good = [token for token, states in person.tokens.items() if states == {True}]
        if good:
            return random.choice(good)
        sign_in(line, person)


def sign_out(line: Line, person: Person) -> None:
    """One session less."""
    token = a_token(line, person)
    person.tokens[token] = {True, False}
    line.succeed("POST", "/auth/logout", token=token)
    person.tokens[token] = {False}


def rename(line: Line, person: Person) -> None:
    """Another name."""
    token, name = a_token(line, person), f"{person.email} {person.done}"
    person.names.add(name)
    line.succeed("PUT", "/users/me", {"name": name}, token)
    person.names = {name}


def change_password(line: Line, person: Person) -> None:
    """Another password."""
    token, old, new = a_token(line, person), person.password, f"{PASSWORD}-{person.done}"
    person.passwords.add(new)
    line.succeed("POST", "/auth/change-password", {"password": old, "newPassword": new}, token)
    person.passwords = {new}


def set_or_remove_pin(line: Line, person: Person) -> None:
    """A PIN where there was none, and none where there was one."""
    token, (has_pin,) = a_token(line, person), person.pins
    person.pins = {True, False}
    body = {"pinCode": "123456"}
    line.succeed("DELETE" if has_pin else "POST", "/auth/pin-code", body, token)
    person.pins = {not has_pin}


def make_key(line: Line, person: Person) -> None:
    """One more API key."""
    made = line.succeed(
        "POST", "/api-keys", {"name": "k", "permissions": ["all"]}, a_token(line, person)
    ).json()
    person.keys[made["secret"]] = {True}
    person.key_ids[made["secret"]] = made["apiKey"]["id"]


def delete_key(line: Line, person: Person) -> None:
    """One API key less."""
    token, good = a_token(line, person), [key for key, states in person.keys.items() if states == {True}]
    if not good:
        make_key(line, person)
        return
    key = random.choice(good)
    person.keys[key] = {True, False}
    line.succeed("DELETE", f"/api-keys/{person.key_ids[key]}", token=token)
    person.keys[key] = {False}


DEEDS: tuple[Callable[[Line, Person], None], ...] = (
    sign_in,
    sign_in,
    sign_out,
    rename,
    rename,
    change_password,
    set_or_remove_pin,
    make_key,
    delete_key,
)


def live(root: str, people: list[Person], seed: int, done: list[str]) -> None:
    """Do one thing after another for these people until the server answers no more, and say what was done."""
    chance = random.Random(seed)
    with connected(root) as line:
        while True:
            person, deed = chance.choice(people), chance.choice(DEEDS)
            person.done += 1
            try:
                deed(line, person)
            except NotAcknowledged:
                return
            done.append(deed.__name__)


# --- what must be so afterwards -------------------------------------------------------------------------


def find_out(line: Line, person: Person) -> None:
    """Ask the server about a person. What was acknowledged must be so; what was not is one or the other."""
    alive = {token: lives(line, token) for token in person.tokens}
    for token, states in person.tokens.items():
        assert alive[token] in states, f"{person.email}: a session is {'alive' if alive[token] else 'gone'}"
    works = {key: opens(line, key) for key in person.keys}
    for key, states in person.keys.items():
        assert works[key] in states, f"{person.email}: an API key is {'good' if works[key] else 'gone'}"
    for token in person.revoked:
        assert not lives(line, token), f"{person.email}: a session that was signed out long ago is alive"
    person.revoked += [token for token, states in person.tokens.items() if states == {False}]
    person.tokens = {token: {True} for token in list(person.tokens)[-4:] if alive[token]}
    person.keys = {key: {True} for key in list(person.keys)[-4:] if works[key]}
    good = [p for p in sorted(person.passwords) if signs_in(line, person, p)]
    assert len(good) == 1, f"{person.email}: {len(good)} of {len(person.passwords)} passwords are good"
    person.passwords = set(good)
    token = a_token(line, person)
    name = line.succeed("GET", "/users/me", token=token).json()["name"]
    assert name in person.names
    person.names = {name}
    has_pin = line.succeed("GET", "/auth/status", token=token).json()["pinCode"]
    assert has_pin in person.pins
    person.pins = {has_pin}


def lives(line: Line, token: str) -> bool:
    """Whether a token is good."""
    return line.call("GET", "/auth/status", token=token).status_code == 200


def opens(line: Line, key: str) -> bool:
    """Whether an API key is good."""
    return line.call("GET", "/users/me", key=key).status_code == 200


def signs_in(line: Line, person: Person, password: str) -> bool:
    """Whether a password is good; the session that it opens is one more."""
    answer = line.call("POST", "/auth/login", {"email": person.email, "password": password})
    if answer.status_code == 201:
        person.tokens[answer.json()["accessToken"]] = {True}
    return answer.status_code == 201


def check_database(url: str) -> None:
    """SQLite finds no fault, and every deed is on record with what it did, or neither is there."""
    database = Database(url, connections=1)
    with database.reading() as db:
        if database.is_sqlite:
            assert db.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
            assert db.execute(text("PRAGMA foreign_key_check")).all() == []
        told = Counter((row.event, row.account_number) for row in db.execute(select(audit_log)))
        living = {f"session {id_}" for id_ in db.scalars(select(sessions.c.id))}
        opened, ended = (
            set(db.scalars(select(audit_log.c.via).where(audit_log.c.event == event)))
            for event in ("signed in", "signed out")
        )
        assert living == opened - ended
        having = Counter(db.scalars(select(pins.c.account_number)))
        found = db.execute(select(accounts.c.number, accounts.c.password_version)).all()
        for number, version in found:
            assert version == 1 + told["password changed", number]
            assert having[number] == told["PIN set", number] - told["PIN removed", number]
            assert told["account added", number] == 1
        assert db.scalar(select(func.count()).select_from(account_names)) == 2 * len(found)
    database.dispose()


# --- the kills ------------------------------------------------------------------------------------------


def make_people(url: str) -> list[Person]:
    """Accounts in a new database."""
    database = Database(url, connections=2)
    bring_up(database)
    core = Core(database, Tools(Hasher(memory_kib=7168, passes=1)), rules())
    made = [Person(f"user{n}@example.org", {PASSWORD}, {f"user{n}"}) for n in range(PEOPLE)]
    for person in made:
        setup.create_account(core, Origin("test"), NewAccount(email=person.email), Secret(PASSWORD))
    database.dispose()
    return made


def kill(process: Process) -> None:
    """End a server as a power cut does, as far as a process can feel it."""
    assert process.stop(signal.SIGKILL) == -signal.SIGKILL


def look_around(process: Process, people: list[Person], url: str) -> None:
    """Find out about everybody, and look into the database."""
    with connected(process.root) as line:
        for person in people:
            find_out(line, person)
    check_database(url)


def wait_for(done: list[str], enough: int, *, seconds: float) -> None:
    """Wait until so much is done, but no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while len(done) < enough and time.monotonic() < deadline:
        time.sleep(0.005)


@dataclass
class Kills:
    """How many times the server was killed, how many deeds of which kind were acknowledged, and how long it took."""

    kills: int
    deeds: Counter[str]
    seconds: float


def kill_again_and_again(
    folder: Path,
    url: str,
    *,
    kills: int,
    seconds: float,
    at_least: int = 1,
    told: Callable[[int], object] = bool,
) -> Kills:
    """Kill a server on a new database so many times, or for so long; AssertionError when something was lost.

    `told` is called after each kill with how many there were.
    """
    people, environ = make_people(url), {**WIDE_OPEN, "DRAGOMAN_DATABASE__URL": url, **TOLD}
    begun, chance, killed = time.monotonic(), random.Random(2026), 0
    done: list[str] = []
    shares = [people[n::THREADS] for n in range(THREADS)]
    while killed < kills and (killed < at_least or time.monotonic() - begun < seconds):
        with serving(folder, "--port", "0", environ=environ) as process:
            look_around(process, people, url)
            with ThreadPoolExecutor(THREADS) as pool:
                led = [
                    pool.submit(live, process.root, share, killed * THREADS + n, done)
                    for n, share in enumerate(shares)
                ]
                wait_for(done, len(done) + chance.randint(5, 40), seconds=3)
                time.sleep(chance.uniform(0, 0.02))
                kill(process)
                for each in led:
                    each.result(timeout=30)
        killed += 1
        told(killed)
    with serving(folder, "--port", "0", environ=environ) as process:
        look_around(process, people, url)
    return Kills(killed, Counter(done), time.monotonic() - begun)


def shown(killed: int) -> None:
    """Say now and then how many kills there were."""
    if killed % 10 == 0:
        print(f"{killed} kills", file=sys.stderr, flush=True)


def main() -> int:
    """Run from a shell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=engines.ENGINES, default="sqlite")
    parser.add_argument("--kills", type=int, default=500, help="how many (500)")
    parser.add_argument("--seconds", type=float, default=7200.0, help="but no longer than so many (7200)")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="dragoman-kills-") as folder,
        engines.started(asked.engine, Path(folder)) as engine,
    ):
        try:
            survived = kill_again_and_again(
                Path(folder), engine.new("killed"), kills=asked.kills, seconds=asked.seconds, told=shown
            )
        except AssertionError as lost:
            print(f"lost: {lost}")
            return 1
    print(f"{survived.kills} kills in {survived.seconds:.0f} s, {survived.deeds.total()} deeds acknowledged:")
    for deed, times in sorted(survived.deeds.items()):
        print(f"  {deed:<18} {times}")
    print("nothing acknowledged was lost, nothing was there by half, integrity_check ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
