"""Hashing: every form of hash that is verified, what is refused unhashed, and how many run at a time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha512
from pathlib import Path

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from argon2.low_level import hash_secret
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.core.errors import HashRefused, PasswordRefused, PasswordTooLong, Unavailable
from dragoman.core.passwords import (
    LONGEST,
    NICENESS,
    Hasher,
    HashThreads,
    LegacyHash,
    Turnstile,
    be_nice,
    octets,
)

PHRASE = "correct horse battery staple"
MEGABYTE = "x" * (1 << 20)
SURROGATE = "half a pair \ud83d"

# Hashes in a tenth of a millisecond: for all that is not about the settings themselves.
QUICK = Hasher(memory_kib=8, passes=1)


def argon2(
    password: str, kind: Type = Type.ID, *, memory: int = 8, passes: int = 1, lanes: int = 1, size: int = 32
) -> str:
    """A hash as another program would have made it."""
    return PasswordHasher(passes, memory, lanes, size, type=kind).hash(password)


def crypt(password: bytes, prefix: bytes = b"2b", cost: int = 4) -> str:
    """A bcrypt hash as another program would have made it (`2y` differs from `2b` in name only)."""
    made = bcrypt.hashpw(password, bcrypt.gensalt(cost, b"2a" if prefix == b"2a" else b"2b")).decode()
    return made.replace("$2b$", f"${prefix.decode()}$")


def lasting(work: Callable[[], object]) -> float:
    """Seconds that `work` takes: the least of three tries, since others use this machine, too."""
    tries = []
    for _ in range(3):
        start = time.thread_time()
        work()
        tries.append(time.thread_time() - start)
    return min(tries)


def refused(work: Callable[[], object]) -> bool:
    """Whether `work` is refused for the length of the password."""
    try:
        work()
    except PasswordTooLong:
        return True
    return False


# --- what a new hash is ---------------------------------------------------------------------------------


def test_new_hashes_are_argon2id_with_owasps_settings() -> None:
    """Unless told otherwise a hash takes 19 MiB, two passes and one lane, with 16 bytes of salt."""
    made = Hasher().hash(PHRASE)
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(made, PHRASE)
    assert not Hasher().is_outdated(made)


def test_settings_can_be_tuned() -> None:
    """The operator's own settings are those that hashes are made with."""
    made = Hasher(memory_kib=32, passes=3, lanes=2).hash(PHRASE)
    assert made.startswith("$argon2id$v=19$m=32,t=3,p=2$")


@pytest.mark.parametrize(
    "settings",
    [
        {"memory_kib": 7},
        {"memory_kib": 31, "lanes": 4},
        {"memory_kib": (1 << 20) + 1},
        {"memory_kib": 1 << 20, "passes": 5},
        {"passes": 0},
        {"lanes": 0},
        {"lanes": 65, "memory_kib": 65 * 8},
        {"at_once": 0},
    ],
)
def test_impossible_settings_are_refused_at_once(settings: dict[str, int]) -> None:
    """A hasher that could not hash, or not verify what it hashed, is never built."""
    with pytest.raises(ValueError, match=r"at least 1|per lane"):
        Hasher(**settings)


def test_as_many_hashes_at_once_as_there_are_cores() -> None:
    """Unless told otherwise, hashing may keep every core busy, and no more."""
    assert Hasher().at_once == os.cpu_count()


def test_two_hashes_of_one_password_differ() -> None:
    """Every hash has a salt of its own, so that equal passwords do not show."""
    assert QUICK.hash(PHRASE) != QUICK.hash(PHRASE)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    """Composed and decomposed letters are one password, whichever was hashed."""
    composed, decomposed = "Zoë's café", "Zoe\u0308's cafe\u0301"
    assert QUICK.verify(QUICK.hash(composed), decomposed)
    assert QUICK.verify(QUICK.hash(decomposed), composed)


def test_case_and_spaces_count() -> None:
    """Nothing but NFC is done to a password: its case and its spaces are its own."""
    stored = QUICK.hash("Open sesame")
    assert QUICK.verify(stored, "Open sesame")
    for other in ("open sesame", "Open sesame ", " Open sesame", "Open\u00a0sesame", "Opensesame"):
        assert not QUICK.verify(stored, other)


# --- what is refused unhashed ---------------------------------------------------------------------------


def test_four_kibibytes_are_the_limit() -> None:
    """4096 bytes of UTF-8 are hashed, one more is refused, however many characters they are."""
    for longest, longer in (("x" * 4096, "x" * 4097), ("é" * 2048, "é" * 2048 + "x")):
        assert QUICK.verify(QUICK.hash(longest), longest)
        with pytest.raises(PasswordTooLong) as refused:
            QUICK.hash(longer)
        assert refused.value.limit == LONGEST == 4096


def test_the_limit_counts_what_is_hashed() -> None:
    """Characters that normalisation makes longer count as they are hashed."""
    assert len(octets("\U0001d15e" * 512)) == 4096
    with pytest.raises(PasswordTooLong):
        octets("\U0001d15e" * 513)  # 4 bytes each as given, 8 in NFC


def test_P_05_a_megabyte_costs_nothing() -> None:
    """A password of 1 MiB is answered in far less than 50 ms, though this hash would take seconds."""
    slow = Hasher(memory_kib=1 << 18, passes=8)
    stored = QUICK.hash(PHRASE)

    def answered() -> None:
        assert refused(lambda: slow.hash(MEGABYTE))
        assert refused(lambda: slow.require_sane(MEGABYTE))
        assert not slow.verify(stored, MEGABYTE)

    assert lasting(answered) < 0.05


def test_the_dearest_password_is_cheap_to_prepare() -> None:
    """What takes Unicode's normalisation longest, 4096 marks in the wrong order, stays under 50 ms."""

    def answered() -> None:
        assert refused(lambda: octets("\u0301\u0323" * 2048))

    assert lasting(answered) < 0.05


@pytest.mark.parametrize("password", [SURROGATE, "be\0fore"])
def test_what_is_no_text_is_refused_or_wrong(password: str) -> None:
    """A lone surrogate or NUL, which JSON can carry, cannot become a password and matches none."""
    with pytest.raises(PasswordRefused) as refused:
        QUICK.hash(password)
    assert [reason.code for reason in refused.value.reasons] == ["not_text"]
    QUICK.require_sane(password)
    for stored in (QUICK.hash("be"), crypt(b"be"), crypt(b"be\0fore"), QUICK.decoy):
        assert not QUICK.verify(stored, password)


def test_a_refusal_does_not_carry_the_password() -> None:
    """Neither the refusal nor what caused it holds the password, so no traceback can print it."""
    with pytest.raises(PasswordRefused) as refused:
        QUICK.hash(SURROGATE)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "half" not in str(refused.value)


def test_sane_passwords_pass() -> None:
    """What can be hashed passes the check that use cases make before they count an attempt."""
    QUICK.require_sane(PHRASE)
    QUICK.require_sane("")


# --- verifying ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        argon2(PHRASE),
        argon2(PHRASE, memory=1 << 16, passes=3, lanes=4),  # RFC 9106's second choice
        argon2(PHRASE, memory=8, passes=5000),
        argon2(PHRASE, size=16),
        argon2(PHRASE, Type.I),
        argon2(PHRASE, Type.D),
        # Argon2 1.0 had no version field; libraries read its absence as that version, 16.
        hash_secret(PHRASE.encode(), b"salt" * 4, 1, 8, 1, 32, Type.ID, 16).decode(),
        hash_secret(PHRASE.encode(), b"salt" * 4, 1, 8, 1, 32, Type.ID, 16).decode().replace("v=16$", ""),
        crypt(PHRASE.encode(), b"2a"),
        crypt(PHRASE.encode(), b"2b"),
        crypt(PHRASE.encode(), b"2y"),
        crypt(PHRASE.encode(), cost=10),
    ],
    # The hashes are salted anew in each process, and test ids must not be.
    ids=["id", "id-costly", "id-long", "id-short", "i", "d", "v16", "v-none", "2a", "2b", "2y", "2b-dear"],
)
def test_P_06_hashes_of_other_makers_are_verified_and_outdated(stored: str) -> None:
    """Argon2 of any kind and setting and the three bcrypts know their password, no other, and want renewal."""
    assert QUICK.verify(stored, PHRASE)
    assert not QUICK.verify(stored, PHRASE + "!")
    assert not QUICK.verify(stored, "")
    assert Hasher().is_outdated(stored)


def test_changed_settings_make_old_hashes_outdated() -> None:
    """A hash is current only with exactly today's settings; what is no hash is outdated, too."""
    stored = QUICK.hash(PHRASE)
    assert not QUICK.is_outdated(stored)
    others = ({"memory_kib": 16}, {"memory_kib": 8, "passes": 2}, {"memory_kib": 16, "lanes": 2})
    for other in others:
        assert Hasher(**{"passes": 1, **other}).is_outdated(stored)
    for changed in (stored.replace("$argon2id", "$argon2i"), stored.replace("v=19", "v=16"), stored[:-1], ""):
        assert QUICK.is_outdated(changed)


def test_P_06_bcrypt_of_a_long_password() -> None:
    """A bcrypt hash knows only the first 72 bytes of its password, and the whole password still opens."""
    long = "0123456789" * 8
    stored = crypt(long[:72].encode())  # as its makers did, silently
    assert QUICK.verify(stored, long)
    assert QUICK.verify(stored, long[:72] + "anything")
    assert not QUICK.verify(stored, long[:71])


def test_bcrypt_cut_within_a_letter() -> None:
    """Where the 72nd byte is the first half of a letter, the cut is there all the same."""
    long = "x" * 71 + "é and more"
    assert QUICK.verify(crypt(long.encode()[:72]), long)


def test_only_bcrypt_is_cut() -> None:
    """In a hash of ours each byte of a long password counts, up to the last."""
    stored = QUICK.hash("0" * 80)
    assert QUICK.verify(stored, "0" * 80)
    assert not QUICK.verify(stored, "0" * 79 + "1")


@pytest.mark.parametrize("hashed", ["café", "cafe\u0301"])
@pytest.mark.parametrize("typed", ["cafe\u0301"])
def test_bcrypt_is_tried_as_typed_and_normalised(hashed: str, typed: str) -> None:
    """Makers of bcrypt hashes took a password as their keyboards sent it: a decomposed one fits either way."""
    stored = crypt(hashed.encode())
    assert QUICK.verify(stored, typed)
    assert not QUICK.verify(stored, typed + "s")


@pytest.mark.parametrize(
    "stored",
    [
        f"$argon2id$v=19$m={(1 << 20) + 1},t=1,p=1$c2FsdHNhbHQ$" + "A" * 43,
        f"$argon2id$v=19$m={1 << 20},t=5,p=1$c2FsdHNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=8,t=4294967295,p=1$c2FsdHNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=8,t=999999999,p=1$c2FsdHNhbHQ$" + "A" * 43,
        argon2(PHRASE, memory=65 * 8, lanes=65),
        "$2b$17$" + "a" * 53,
        "$2b$31$" + "a" * 53,
        "$2b$99$" + "a" * 53,
    ],
    ids=["memory", "memory-by-passes", "passes", "hours", "lanes", "2b-17", "2b-31", "2b-99"],
)
def test_absurdly_dear_hashes_are_not_computed(stored: str) -> None:
    """A stored hash that asks for hours or for more than 1 GiB matches nothing, and says so at once."""
    start = time.thread_time()
    assert not QUICK.verify(stored, PHRASE)
    assert time.thread_time() - start < 0.5


GARBLED = [
    "",
    "$",
    "*",
    "!",
    "x",
    "plain text",
    "$argon2id$",
    "$argon2id$v=19$m=8,t=1,p=1$$",
    "$argon2id$v=19$m=8,t=1,p=1$YW$" + "A" * 43,
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$A",
    "$argon2id$v=19$m=8,t=1,p=2$c2FsdHNhbHQ$" + "A" * 43,
    "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$" + "A" * 43,
    "$argon2id$v=19$m=008,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43,
    "$argon2id$v=19$m=٨,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43,
    "$argon2id$v=99$m=8,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43,
    "$argon2x$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43,
    "$2b$",
    "$2b$04$",
    "$2b$03$" + "a" * 53,
    "$2b$04$" + "z" * 53,
    "$2x$04$" + "." * 53,
    "$2b$04$" + "." * 52,
    "$2b$04$" + "." * 54,
    "$1$salt$2d5OuAg/IjjXTfMMOoR5z0",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "\0",
    "\ud800",
]


@pytest.mark.parametrize("stored", GARBLED)
def test_unknown_and_garbled_hashes_match_nothing(stored: str) -> None:
    """A hash in no form that we know is a no, never an accident."""
    for password in ("", "x", "password", PHRASE, stored[:10]):
        assert not QUICK.verify(stored, password)
    assert QUICK.is_outdated(stored)


@pytest.mark.parametrize("ending", ["\n", "\0", "$", " "])
def test_a_hash_with_an_ending_is_garbled(ending: str) -> None:
    """What follows a good hash is not ignored: such a column was not written by us."""
    for stored in (QUICK.hash(PHRASE), crypt(PHRASE.encode())):
        assert not QUICK.verify(stored + ending, PHRASE)
        assert QUICK.is_outdated(stored + ending)


ALMOST = st.one_of(
    st.text(),
    st.text(alphabet="$2aby0argon2id=,mtpv19./AZ"),
    st.from_regex(r"\A\$2[abxy]\$\d\d\$[./A-Za-z0-9]{50,55}\Z").filter(lambda s: s[4:6] < "06"),
    st.from_regex(
        r"\A\$argon2(id|i|d)\$(v=\d\d\$)?m=\d{1,3},t=\d,p=\d\$[A-Za-z0-9+/]{0,30}\$[A-Za-z0-9+/]{0,50}\Z"
    ),
)


@given(stored=ALMOST, password=st.text(st.characters(codec=None, categories=None)))
@settings(deadline=None)
def test_nothing_stored_and_nothing_typed_is_an_accident(stored: str, password: str) -> None:
    """Whatever stands in the database and whatever is typed, verifying answers no."""
    assert QUICK.verify(stored, password) is False
    assert QUICK.is_outdated(stored) in (True, False)


@given(password=st.text(max_size=100))
@settings(deadline=None, max_examples=50)
def test_every_text_opens_its_own_hash(password: str) -> None:
    """What can be hashed can be verified, and what cannot is refused with its reason."""
    if "\0" in password:
        with pytest.raises(PasswordRefused):
            QUICK.hash(password)
    else:
        stored = QUICK.hash(password)
        assert QUICK.verify(stored, password)
        assert not QUICK.verify(stored, password + "x")


@pytest.fixture
def little_memory() -> Iterator[None]:
    """This process may not grow by more than 64 MiB meanwhile."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and other systems do not keep RLIMIT_AS")
def test_no_memory_is_not_a_no(little_memory: None) -> None:
    """Without memory for a hash nobody can tell right from wrong, so the answer is 'later', not 'wrong'."""
    hungry = Hasher(memory_kib=1 << 20, passes=1)
    stored = "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43
    for asking in (lambda: hungry.hash(PHRASE), lambda: QUICK.verify(stored, PHRASE)):
        with pytest.raises(Unavailable, match="Memory") as refused:
            asking()
        assert refused.value.retry_after.total_seconds() >= 1
    assert QUICK.verify(QUICK.hash(PHRASE), PHRASE)


# --- the decoy ------------------------------------------------------------------------------------------


def test_the_decoy_takes_as_long_as_a_real_hash() -> None:
    """The decoy has the settings of every new hash, so an unknown name and a wrong password last alike."""
    hasher = Hasher(memory_kib=64, passes=3)
    assert not hasher.is_outdated(hasher.decoy)
    assert hasher.decoy.startswith("$argon2id$v=19$m=64,t=3,p=1$")


def test_nothing_matches_the_decoy() -> None:
    """The decoy's secret is random and forgotten: two hashers do not share it, and usual guesses fail."""
    assert Hasher(memory_kib=8, passes=1).decoy != QUICK.decoy
    for guess in ("", "decoy", "password", QUICK.decoy):
        assert not QUICK.verify(QUICK.decoy, guess)


def test_the_decoy_is_made_once() -> None:
    """However many threads ask first, there is one decoy."""
    hasher = Hasher(memory_kib=1024, passes=1)
    start, seen = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        seen.append(hasher.decoy)

    in_threads(ask, 8)
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_warming_makes_the_decoy_ahead() -> None:
    """After warming, the first stranger waits for one hash, not for two."""
    hasher = Hasher(memory_kib=1 << 15, passes=4)
    hasher.warm()
    start = time.thread_time()
    made = hasher.decoy
    assert time.thread_time() - start < 0.005
    assert not hasher.is_outdated(made)


def test_an_unreadable_hash_takes_as_long_as_a_wrong_password() -> None:
    """The time does not tell that an account's hash is of a form that nobody can sign in with."""
    hasher = Hasher(memory_kib=1 << 14, passes=4)
    hasher.warm()

    real = lasting(lambda: hasher.verify(hasher.decoy, PHRASE))
    assert lasting(lambda: hasher.verify("", PHRASE)) > real / 2
    assert lasting(lambda: hasher.verify("$1$salt$2d5OuAg/IjjXTfMMOoR5z0", PHRASE)) > real / 2
    assert lasting(lambda: hasher.verify("$2b$31$" + "a" * 53, PHRASE)) > real / 2


# --- how many at a time ---------------------------------------------------------------------------------


def in_threads(work: Callable[[], object], number: int) -> None:
    """Do `work` in that many threads at once, and wait for them all."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_more_inside_than_places() -> None:
    """Of sixteen threads three are inside at a time: never a fourth, and never fewer while others wait."""
    turnstile, together, lock = Turnstile(3), threading.Barrier(3), threading.Lock()
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        with turnstile:
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait(timeout=10)  # breaks unless three are in here at once
            with lock:
                inside -= 1

    in_threads(enter, 15)
    assert most == 3
    assert inside == 0
    assert not together.broken


def test_first_come_first_served() -> None:
    """Those who wait enter in the order in which they came, and no newcomer passes them."""
    turnstile, order = Turnstile(1), list[int]()
    threads: list[threading.Thread] = []

    def enter(number: int) -> None:
        with turnstile:
            order.append(number)

    with turnstile:
        for number in range(20):
            threads.append(threading.Thread(target=enter, args=(number,)))
            threads[-1].start()
            wait_until(lambda: turnstile.waiting == len(threads))
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_a_place_is_given_back_after_an_error() -> None:
    """Whatever happens inside, the place is free again."""
    turnstile = Turnstile(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turnstile:
            _ = 1 / 0
    in_threads(turnstile.__enter__, 1)


@pytest.mark.parametrize(
    "work",
    [
        lambda hasher: hasher.hash(PHRASE),
        lambda hasher: hasher.decoy,
        lambda hasher: hasher.verify(argon2(PHRASE), PHRASE),
        lambda hasher: hasher.verify(argon2(PHRASE, Type.I), PHRASE),
        lambda hasher: hasher.verify(crypt(PHRASE.encode()), PHRASE),
    ],
    ids=["hash", "decoy", "argon2id", "argon2i", "bcrypt"],
)
def test_all_hashing_passes_the_turnstile(work: Callable[[Hasher], object]) -> None:
    """New hashes, Argon2 and bcrypt alike wait while the one place is taken."""
    hasher, done = Hasher(memory_kib=8, passes=1, at_once=1), threading.Event()

    def hash_once() -> None:
        work(hasher)
        done.set()

    thread = threading.Thread(target=hash_once)
    with hasher.turnstile:
        thread.start()
        wait_until(lambda: hasher.turnstile.waiting == 1)
        assert not done.wait(0.05)
    assert done.wait(10)
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of resident memory from /proc")
def test_P_10_memory_is_bounded_by_hashes_at_once() -> None:
    """Sixteen threads that hash with 32 MiB, two at once, take 64 MiB and not 512."""
    program = """if True:
        import threading
        from dragoman.core.passwords import Hasher
        def peak():
            return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
        small = Hasher(memory_kib=8, passes=1)
        small.warm()
        before = peak()
        hasher = Hasher(memory_kib=32768, passes=1, at_once=2)
        threads = [threading.Thread(target=hasher.hash, args=("password",)) for _ in range(16)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(peak() - before)
        """
    grown = int(python(program)) / 1024
    assert 30 < grown < 64 * 1.1


# --- what is loaded when --------------------------------------------------------------------------------


def test_hashing_libraries_are_loaded_by_the_first_hash() -> None:
    """A server that has hashed nothing yet has not even loaded Argon2; bcrypt waits for a bcrypt hash."""
    program = """if True:
        import sys
        from dragoman.core.passwords import Hasher
        loaded = lambda: [name for name in ("argon2", "bcrypt") if name in sys.modules]
        hasher = Hasher(memory_kib=8, passes=1)
        hasher.require_sane("password")
        hasher.is_outdated("x")
        print(loaded())
        hasher.warm()
        print(loaded())
        hasher.verify("$2b$04$" + "." * 53, "password")
        print(loaded())
        """
    assert python(program).splitlines() == ["[]", "['argon2']", "['argon2', 'bcrypt']"]


def python(program: str) -> str:
    """What `program` prints in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; fail after ten seconds."""
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_hashes_have_threads_of_their_own_that_yield_to_the_rest() -> None:
    """However many ask, hashing is done by `at_once` threads, which have a lower priority than who asked."""
    threads = HashThreads(2)
    before = os.getpriority(os.PRIO_PROCESS, 0)

    def who() -> tuple[int, int]:
        return threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    found: list[tuple[int, int]] = []
    in_threads(lambda: found.append(threads.run(who)), 12)
    assert len(found) == 12
    assert len({thread for thread, _ in found}) <= 2
    assert {niceness for _, niceness in found} == {min(before + NICENESS, 19)}
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_what_a_hash_raises_is_raised_to_who_asked() -> None:
    """A hash that fails fails in the thread that asked for it, and the next one is made."""
    threads = HashThreads(1)
    with pytest.raises(ZeroDivisionError):
        threads.run(lambda: 1 / 0)
    assert threads.run(lambda: "made") == "made"


def test_priority_is_a_courtesy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system refuses a priority, hashes are made without."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    be_nice(5)


# --- hashes brought along -------------------------------------------------------------------------------


def sha512_hex(password: str) -> str:
    """An unsalted SHA-512, as Shoko stores it (contract §2.3)."""
    return sha512(password.encode()).hexdigest().upper()


@pytest.mark.parametrize("typed", ["Hallo Wörld 7", "", "x" * 4096])
def test_an_unsalted_hash_is_hashed_again(typed: str) -> None:
    """A SHA-512 brought along is verified, but never stored as it is, and is due to be replaced."""
    brought = sha512_hex(typed)
    stored = QUICK.adopt(brought)
    assert QUICK.verify(stored, typed)
    assert not QUICK.verify(stored, typed + "x")
    assert not QUICK.verify(stored, brought)
    assert brought.lower() not in stored.lower()
    assert QUICK.adopt(brought.lower()) != stored
    assert QUICK.is_outdated(stored)


def test_an_unsalted_hash_is_tried_as_typed_and_normalised() -> None:
    """Its maker did not normalise: a decomposed letter is found as it was typed, a composed one on any keyboard."""
    decomposed, composed = "e\u0301t\u00e9 2026", "\u00e9t\u00e9 2026"
    assert QUICK.verify(QUICK.adopt(sha512_hex(decomposed)), decomposed)
    assert QUICK.verify(QUICK.adopt(sha512_hex(composed)), decomposed)


@pytest.mark.parametrize(
    "brought",
    [argon2("a-password"), crypt(b"a-password"), argon2("a-password", Type.I)],
    ids=["argon2id", "bcrypt", "argon2i"],
)
def test_slow_hashes_are_taken_over_as_they_are(brought: str) -> None:
    """Argon2 and bcrypt need no wrapping."""
    assert QUICK.adopt(brought) == brought


def test_an_empty_hash_is_a_blank_password() -> None:
    """Shoko stores nothing for a blank password; what is stored here is a hash like any other."""
    stored = QUICK.adopt("")
    assert QUICK.verify(stored, "")
    assert not QUICK.verify(stored, " ")
    assert not QUICK.is_outdated(stored)


@pytest.mark.parametrize(
    "brought",
    ["a-password", "0" * 127, "0" * 129, "G" * 128, "0" * 40, "$2b$31$" + "a" * 53, "$argon2id$v=19$m=9"],
)
def test_other_hashes_are_refused(brought: str) -> None:
    """What no password could be verified by is refused when it is brought, without being repeated."""
    with pytest.raises(HashRefused) as refused:
        QUICK.adopt(brought)
    assert brought not in str(refused.value)
    assert brought not in repr(LegacyHash(brought))
