"""Whoever guesses learns nothing, and is slowed down; whoever belongs is not (docs/architecture.md, brute force)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.contract.immich.speech import OTHER_PIN, PIN, House, Person, assert_refused, visiting
from tests.fakes import NEW_PASSWORD, PASSWORD, FakeClock, cheap_hasher, do
from tests.running import configured, running

from dragoman.core import accounts, outbox, throttle
from dragoman.core.passwords import Hasher, Turnstile

WRONG = "some-other-4-passphrase"
NO = "Incorrect email or password"
LATER = "Too many attempts, try again later"
STRANGER = {"user-agent": "stranger/1"}
PHONE = {"user-agent": "phone/1"}


class CountingTurnstile(Turnstile):
    """Lets through as the real one does, and counts who came."""

    passed = 0

    def __enter__(self) -> None:
        self.passed += 1
        super().__enter__()


@dataclass(frozen=True)
class Watched:
    """A house, and the turnstile through which each of its hashes goes."""

    house: House
    turnstile: CountingTurnstile

    def hashes(self, act: Callable[[], Any]) -> int:
        """How many hashes an act takes."""
        before = self.turnstile.passed
        act()
        return self.turnstile.passed - before


@pytest.fixture
def watched(sqlite_url: str) -> Iterator[Watched]:
    """A server whose hashes are counted, with its decoy made."""
    hasher: Hasher = cheap_hasher()
    hasher.warm()
    counting = CountingTurnstile(hasher.at_once)
    hasher.turnstile = counting
    with running(configured(sqlite_url), hasher, FakeClock()) as served, visiting(served) as house:
        yield Watched(house, counting)


def guess(house: House, email: str, password: str = WRONG, **headers: str) -> httpx2.Response:
    """One try at a log-in by somebody whom the account does not know."""
    return house.log_in(email, password, headers={**STRANGER, **headers})


def assert_later(response: httpx2.Response, seconds: int) -> None:
    """The answer tells to come again after so many seconds, in Immich's shape."""
    assert_refused(response, 429, LATER)
    assert response.headers["retry-after"] == str(seconds)


def test_failed_logins_look_alike_and_take_one_hash(watched: Watched) -> None:
    """Whoever does not get in is told the same, after one hash: unknown, wrong, without password, gone (§1.1)."""
    house = watched.house
    gone: list[Any] = [accounts.disable, accounts.delete_softly, accounts.purge]
    ended = [house.account() for _ in gone]
    for account, end in zip(ended, gone, strict=True):
        do(house.core, end, account.number)
    tries = [
        ("nobody@example.com", PASSWORD),
        (f"{'n' * 64}@{'example.' * 30}com", PASSWORD),
        ("ñóbödý@example.com", PASSWORD),
        (str(house.account().email), WRONG),
        (str(house.account(password=None).email), PASSWORD),
        *[(str(account.email), PASSWORD) for account in ended],
    ]
    answers = set()
    for email, password in tries:
        before = watched.turnstile.passed
        heard = guess(house, email, password, **{"x-immich-cid": "same"})
        assert watched.turnstile.passed - before == 1, email
        assert_refused(heard, 401, NO)
        answers.add((heard.text, tuple(sorted(set(heard.headers) - {"date"}))))
    assert len(answers) == 1


def test_right_login_takes_one_hash(watched: Watched) -> None:
    """Somebody who gets in costs no more than somebody who does not."""
    person = watched.house.person()
    assert watched.hashes(lambda: watched.house.log_in(person.email)) == 1


def test_what_is_refused_unheard_takes_no_hash(watched: Watched) -> None:
    """Bad fields, an endless password and a log-in during a delay are refused before anything is hashed."""
    house = watched.house
    person = house.person()
    assert watched.hashes(lambda: house.call("login", body={"email": 1, "password": ""})) == 0
    assert watched.hashes(lambda: house.log_in(person.email, "ü" * 4000)) == 0
    for _ in range(11):
        guess(house, person.email)
    assert watched.hashes(lambda: guess(house, person.email)) == 0


@pytest.mark.parametrize("known", [True, False])
def test_delays_begin_after_ten_failures_and_double(owns: House, known: bool) -> None:
    """Ten failures are free; each further one is followed by a delay twice as long, whether anybody has the name."""
    email = str(owns.account().email) if known else "nobody@example.com"
    for _ in range(10):
        assert_refused(guess(owns, email), 401, NO)
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        assert_refused(guess(owns, email), 401, NO)
        assert_later(guess(owns, email), seconds)
        owns.clock.forward(seconds=seconds - 1)
        assert_later(guess(owns, email), 1)
        owns.clock.forward(seconds=1)


def test_right_password_has_to_wait_and_then_works(owns: House) -> None:
    """During a delay even the right password is told to wait; after it, it signs in and all is forgotten."""
    person = owns.person()
    for _ in range(12):
        guess(owns, person.email)
    assert_later(guess(owns, person.email, PASSWORD), 1)
    owns.clock.forward(seconds=1)
    assert guess(owns, person.email, PASSWORD).status_code == 201
    for _ in range(11):
        assert_refused(guess(owns, person.email), 401, NO)


def test_P_07_hundredth_failure_locks_until_unlocked(own: House) -> None:
    """A hundred failures in a row lock the account for strangers until an operator unlocks it; its owner is told once."""
    person = own.person()
    for _ in range(100):
        assert list(do(own.core, outbox.listed)) == []
        assert_refused(guess(own, person.email), 401, NO)
        own.clock.forward(minutes=15)
    own.clock.forward(days=30)
    assert guess(own, person.email, PASSWORD).status_code == 429
    assert [mail.recipient for mail in do(own.core, outbox.listed)] == [person.email]
    do(own.core, throttle.unlock, person.number)
    assert guess(own, person.email, PASSWORD).status_code == 201


def test_failures_are_forgotten_after_a_day(own: House) -> None:
    """Who failed ten times yesterday has ten tries again today."""
    person = own.person()
    for _ in range(2):
        for _ in range(10):
            assert_refused(guess(own, person.email), 401, NO)
        own.clock.forward(hours=24)


def test_spelling_of_a_name_does_not_buy_tries(own: House) -> None:
    """However an e-mail address is capitalised, its tries are counted together."""
    email = str(own.account(email="somebody@example.com").email)
    spellings = [email, email.upper(), email.title(), email.swapcase()]
    for n in range(11):
        assert_refused(guess(own, spellings[n % 4]), 401, NO)
    assert_later(guess(own, spellings[2]), 1)


def test_P_07_known_device_is_not_locked_out(owns: House) -> None:
    """A stranger's failures do not keep out a device that has signed in before."""
    person = owns.person()
    assert owns.log_in(person.email, headers=PHONE).status_code == 201
    for _ in range(11):
        guess(owns, person.email)
    assert_later(guess(owns, person.email, PASSWORD), 1)
    assert owns.log_in(person.email, headers=PHONE).status_code == 201
    assert_later(guess(owns, person.email, PASSWORD), 1)


def test_known_device_is_slowed_down_by_itself(owns: House) -> None:
    """A known device has tries of its own, no more of them than a stranger, and not at the stranger's cost."""
    person = owns.person()
    owns.log_in(person.email, headers=PHONE)
    for _ in range(11):
        assert_refused(owns.log_in(person.email, WRONG, headers=PHONE), 401, NO)
    assert_later(owns.log_in(person.email, headers=PHONE), 1)
    assert guess(owns, person.email, PASSWORD).status_code == 201


def prove_pin_by_unlock(house: House, person: Person, pin: str) -> httpx2.Response:
    """A PIN shown to unlock the session."""
    return house.call("unlock_auth_session", person.token, {"pinCode": pin})


def prove_pin_by_change(house: House, person: Person, pin: str) -> httpx2.Response:
    """A PIN shown to replace it by itself."""
    return house.call("change_pin_code", person.token, {"pinCode": pin, "newPinCode": PIN})


def prove_pin_by_reset(house: House, person: Person, pin: str) -> httpx2.Response:
    """A PIN shown to remove it."""
    return house.call("reset_pin_code", person.token, {"pinCode": pin})


@pytest.mark.parametrize("prove", [prove_pin_by_unlock, prove_pin_by_change, prove_pin_by_reset])
def test_S_10_guessing_a_pin_is_slowed_down(houses: House, prove: Any) -> None:
    """A six-digit PIN is found by trying, so that tries are few, wherever one is shown; and then it waits."""
    person = houses.person()
    houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    for _ in range(11):
        assert_refused(prove(houses, person, OTHER_PIN), 400, "Wrong PIN code")
    for other in (prove_pin_by_unlock, prove_pin_by_change, prove_pin_by_reset):
        assert_later(other(houses, person, PIN), 1)
    houses.clock.forward(seconds=1)
    assert prove(houses, person, PIN).status_code == 200


def test_P_08_pin_and_password_are_counted_apart(houses: House) -> None:
    """Failures at the PIN delay neither log-in nor password; nor the other way round."""
    ada, bob = houses.person(), houses.person()
    for person in (ada, bob):
        houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    for _ in range(12):
        prove_pin_by_unlock(houses, ada, OTHER_PIN)
        houses.call("change_password", bob.token, {"password": WRONG, "newPassword": NEW_PASSWORD})
    assert_later(prove_pin_by_unlock(houses, ada, PIN), 1)
    assert houses.log_in(ada.email).status_code == 201
    by_password = {"password": PASSWORD, "newPinCode": PIN}
    assert houses.call("change_pin_code", ada.token, by_password).status_code == 200
    assert prove_pin_by_unlock(houses, bob, PIN).status_code == 200


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("change_password", {"newPassword": NEW_PASSWORD}),
        ("change_pin_code", {"newPinCode": OTHER_PIN}),
        ("reset_pin_code", {}),
    ],
)
def test_guessing_the_password_from_within_is_slowed_down(houses: House, operation: str, body: Any) -> None:
    """A stolen session cannot try passwords faster than a stranger at the log-in, and shares their count."""
    person = houses.person()
    houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    wrong, right = {"password": WRONG, **body}, {"password": PASSWORD, **body}
    for _ in range(5):
        assert_refused(houses.call(operation, person.token, wrong), 400, "Wrong password")
        assert_refused(houses.log_in(person.email, WRONG), 401, NO)
    assert_refused(houses.call(operation, person.token, wrong), 400, "Wrong password")
    assert_later(houses.log_in(person.email), 1)
    assert_later(houses.call(operation, person.token, right), 1)
    houses.clock.forward(seconds=1)
    assert houses.call(operation, person.token, right).status_code == 200


def test_address_is_slowed_down_whoever_it_guesses_at(tmp_path: Path) -> None:
    """An address that fails at many names has to wait at every name, a known device and other addresses not."""
    url = f"sqlite:///{tmp_path}/dragoman.db"
    settings = configured(
        url,
        throttle={"address_free_attempts": 20},
        server={"trusted_proxies": ["127.0.0.0/8"]},
    )
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        person = house.person()
        near = {"x-forwarded-for": "2001:db8::1"}
        house.log_in(person.email, headers={**PHONE, **near})
        for n in range(21):
            assert_refused(guess(house, f"name-{n}@example.com", **near), 401, NO)
        # All of a /64 is one address.
        assert_later(guess(house, "another@example.com", **{"x-forwarded-for": "2001:db8::ffff"}), 1)
        assert_later(guess(house, person.email, PASSWORD, **near), 1)
        assert house.log_in(person.email, headers={**PHONE, **near}).status_code == 201
        far = {"x-forwarded-for": "2001:db8:0:1::1"}
        assert_refused(guess(house, "another@example.com", **far), 401, NO)


def test_parallel_guesses_are_counted_before_they_are_heard(owns: House) -> None:
    """Of forty guesses at one moment no more are heard than of forty in a row."""
    email = str(owns.account().email)
    with ThreadPoolExecutor(20) as crowd:
        answers = crowd.map(lambda n: guess(owns, email, f"{WRONG}-{n}"), range(40))
        heard = Counter(response.status_code for response in answers)
    assert heard == {401: 11, 429: 29}
