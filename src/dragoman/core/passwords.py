"""Passwords and PINs at rest: Argon2id for every new one, older hashes verified until they are replaced.

A password is NFC-normalised UTF-8 before it is hashed (RFC 8265 §4.2.2), so that it is the same password on
every keyboard. What a new password must be like is decided in `policy.py`; here is only what can be hashed
at all: Unicode text without NUL, at most 4 KiB.

The hashing libraries are imported by the first hash: a server that nobody has signed in to need not hold
them.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha512
from queue import SimpleQueue
from threading import Lock, Thread, get_native_id
from typing import Any, TypeVar

from dragoman.core import argon2_build
from dragoman.core.errors import HashRefused, PasswordRefused, PasswordTooLong, Reason, Unavailable

T = TypeVar("T")

LONGEST = 4096  # bytes of UTF-8
NOT_TEXT = Reason("not_text", "It contains characters that are not text")

# What `verify` spends on one hash, whoever made it. RFC 9106's second setting (64 MiB, 3 passes) and
# libsodium's strongest (1 GiB, 4 passes) are heard; none may ask for hours, or for the whole machine.
MOST_MEMORY_KIB = 1 << 20
MOST_WORK_KIB = 4 << 20  # memory times passes
MOST_LANES = 64
MOST_BCRYPT_COST = 16  # 2**16 rounds, some 5 s

# Bounded repeats: neither a number nor a field of a stored hash can be long enough to hurt.
ARGON2 = re.compile(
    r"\$argon2(?P<kind>id|i|d)\$(?:v=\d{1,3}\$)?m=(?P<memory>\d{1,9}),t=(?P<passes>\d{1,9}),p=(?P<lanes>\d{1,9})"
    r"\$[A-Za-z0-9+/]{1,128}\$[A-Za-z0-9+/]{1,256}",
    re.ASCII,
)
ARGON2_NO_ROOM = (-22, -33)  # its error codes: memory allocation, starting threads
# Not $2x$: that marks the hashes of an old implementation's mistake, where many passwords share one hash.
BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
BCRYPT_READS = 72  # bytes; its makers ignored the rest, bcrypt 5 refuses more

# Upper-case hex of an unsalted SHA-512: guessed at billions a second, so it is never kept as it is, but hashed
# by Argon2id in its turn, with this before the result.
SHA512 = re.compile(r"[0-9A-F]{128}", re.ASCII)
OF_SHA512 = "sha512:"

NICENESS = 10
SALT_BYTES = 16
HASH_BYTES = 32


@dataclass(frozen=True)
class LegacyHash:
    """A hash brought along from another product, in place of a password: see `Hasher.adopt`."""

    value: str = field(repr=False)


def octets(password: str) -> bytes:
    """What is hashed of a password: its UTF-8 in NFC.

    Refuses `PasswordTooLong` beyond 4096 code points as given or 4096 bytes as hashed, and `PasswordRefused`
    if it is no text (a lone surrogate, which JSON can carry, or NUL).
    """
    # Code points first: a megabyte costs neither a normalisation nor an encoding.
    if len(password) > LONGEST:
        raise PasswordTooLong(LONGEST)
    try:
        encoded = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        # `from None`: the encoder's own error holds the password.
        raise PasswordRefused([NOT_TEXT]) from None
    if len(encoded) > LONGEST:
        raise PasswordTooLong(LONGEST)
    if b"\0" in encoded:
        raise PasswordRefused([NOT_TEXT])
    return encoded


class Hasher:
    """Hashes and verifies passwords, `at_once` of them at the same time, the others in the order they came.

    So the memory that hashing takes is bounded by `at_once` times `memory_kib`, whatever the number of
    threads that ask. Defaults: OWASP's first setting for Argon2id (19 MiB, 2 passes, 1 lane), and as many
    at once as there are cores. `ValueError` if Argon2 has no such setting.
    """

    def __init__(
        self, *, memory_kib: int = 19456, passes: int = 2, lanes: int = 1, at_once: int | None = None
    ) -> None:
        at_once = (os.cpu_count() or 1) if at_once is None else at_once
        if not (1 <= lanes <= MOST_LANES and passes >= 1 and at_once >= 1):
            raise ValueError(f"lanes (at most {MOST_LANES}), passes and at_once are at least 1")
        if memory_kib < 8 * lanes or memory_kib > MOST_MEMORY_KIB or memory_kib * passes > MOST_WORK_KIB:
            raise ValueError(f"memory_kib is 8 per lane to {MOST_MEMORY_KIB}, times passes {MOST_WORK_KIB}")
        self.memory_kib = memory_kib
        self.passes = passes
        self.lanes = lanes
        self.at_once = at_once
        # 16 bytes are 22 letters of unpadded base64, 32 are 43.
        settings = f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}$"
        self._current = re.compile(re.escape(settings) + r"[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
        self.turnstile = Turnstile(at_once)
        self._threads = HashThreads(at_once)
        self._decoy: str | None = None
        self._decoy_lock = Lock()

    def require_sane(self, password: str) -> None:
        """Refuse `PasswordTooLong` before anything is spent on the attempt. No hash is made."""
        with suppress(PasswordRefused):  # merely a wrong one: `verify` says so
            octets(password)

    def hash(self, password: str) -> str:
        """A new Argon2id hash in PHC string format.

        Refuses `PasswordTooLong`, `PasswordRefused` (not text) and, without memory for it, `Unavailable`.
        """
        return self._argon2id(octets(password))

    def adopt(self, foreign: str) -> str:
        """What to store for a hash that another product made: Argon2, bcrypt, SHA-512 in hex, "" for a blank password.

        Refuses `HashRefused` for any other, and `Unavailable`.
        """
        phc, crypt = ARGON2.fullmatch(foreign), BCRYPT.fullmatch(foreign)
        if (phc and _is_affordable(phc)) or (crypt and int(crypt["cost"]) <= MOST_BCRYPT_COST):
            return foreign
        if SHA512.fullmatch(foreign.upper()):
            return OF_SHA512 + self._argon2id(foreign.upper().encode("ascii"))
        if not foreign:
            return self.hash(foreign)
        raise HashRefused

    def verify(self, stored: str, password: str) -> bool:
        """Whether `stored` was made of `password`: Argon2 in any form, bcrypt `$2a$`, `$2b$`, `$2y$`, what `adopt` made.

        False, never an exception, for a hash that is unknown, garbled or absurdly dear and for a password
        that cannot be one. `Unavailable` when there is no memory to tell: that is not a no.
        """
        try:
            candidate = octets(password)
        except (PasswordTooLong, PasswordRefused):
            return False
        if (phc := ARGON2.fullmatch(stored)) and _is_affordable(phc):
            return self._argon2_matches(stored, phc["kind"], candidate)
        if (crypt := BCRYPT.fullmatch(stored)) and int(crypt["cost"]) <= MOST_BCRYPT_COST:
            # Its makers did not normalise: the bytes as typed come first.
            typed = dict.fromkeys((password.encode(), candidate))
            return any(self._bcrypt_matches(stored, each) for each in typed)
        if stored.startswith(OF_SHA512) and (phc := ARGON2.fullmatch(stored.removeprefix(OF_SHA512))):
            typed = dict.fromkeys(map(_sha512, (password.encode(), candidate)))
            return any(self._argon2_matches(phc[0], phc["kind"], each) for each in typed)
        # Nobody can sign in to this account by password, and the time must not tell that either.
        self.verify(self.decoy, password)
        return False

    def is_outdated(self, stored: str) -> bool:
        """Whether `stored` ought to be made anew: it is not Argon2id with the current settings."""
        return self._current.fullmatch(stored) is None

    @property
    def decoy(self) -> str:
        """A current hash that nothing matches: verify against it when there is no account, and take as long.

        Made by the first who asks, once. Refuses `Unavailable`.
        """
        with self._decoy_lock:
            if self._decoy is None:
                self._decoy = self.hash(secrets.token_hex(32))
            return self._decoy

    def warm(self) -> None:
        """Make the decoy ahead, and with it import Argon2, so that the first sign-in does not pay for it."""
        _ = self.decoy

    def _argon2id(self, candidate: bytes) -> str:
        argon2_build.choose()
        from argon2 import exceptions, low_level  # noqa: PLC0415 - by the first hash

        salt = secrets.token_bytes(SALT_BYTES)
        settings = (self.passes, self.memory_kib, self.lanes, HASH_BYTES, low_level.Type.ID)
        try:
            with self.turnstile:
                return self._threads.run(lambda: low_level.hash_secret(candidate, salt, *settings)).decode(
                    "ascii"
                )
        except exceptions.HashingError as error:
            # Settings and candidate are good: what can fail is getting the memory, or threads for the lanes.
            raise _no_room(error) from error

    def _argon2_matches(self, stored: str, kind: str, candidate: bytes) -> bool:
        argon2_build.choose()
        from argon2 import exceptions, low_level  # noqa: PLC0415 - by the first hash

        variant = {"id": low_level.Type.ID, "i": low_level.Type.I, "d": low_level.Type.D}[kind]
        try:
            with self.turnstile:
                encoded = stored.encode("ascii")
                return self._threads.run(lambda: low_level.verify_secret(encoded, candidate, variant))
        except exceptions.VerifyMismatchError:
            return False
        except exceptions.VerificationError as error:
            if str(error) in {low_level.error_to_str(code) for code in ARGON2_NO_ROOM}:
                raise _no_room(error) from error
            return False  # all its other errors mean a garbled hash

    def _bcrypt_matches(self, stored: str, candidate: bytes) -> bool:
        import bcrypt  # noqa: PLC0415 - by the first such hash

        try:
            with self.turnstile:
                read, encoded = candidate[:BCRYPT_READS], stored.encode("ascii")
                return self._threads.run(lambda: bcrypt.checkpw(read, encoded))
        except ValueError:
            return False  # the form is right, yet the salt is none


def _sha512(candidate: bytes) -> bytes:
    return sha512(candidate).hexdigest().upper().encode("ascii")


def _is_affordable(stored: re.Match[str]) -> bool:
    memory, passes, lanes = (int(stored[name]) for name in ("memory", "passes", "lanes"))
    return memory <= MOST_MEMORY_KIB and memory * passes <= MOST_WORK_KIB and lanes <= MOST_LANES


def _no_room(error: Exception) -> Unavailable:
    return Unavailable(retry_after=timedelta(seconds=1), why=f"a password could not be hashed: {error}")


class HashThreads:
    """Threads that do nothing but hash, `number` of them from the first hash on, at a lower priority.

    Were a request's own thread to hash, it could not be given a lower priority: between its hashes it holds the
    interpreter's lock, and waiting for a processor behind other hashes it would make everybody wait. And a
    thread that has hashed keeps the memory of a hash (malloc has an arena for each): so let them be few.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._guard = Lock()

    def run(self, hashes: Callable[[], T]) -> T:
        """What `hashes` returns or raises, in one of the threads."""
        if not self._are_there():
            return hashes()  # no room for a thread: the caller's will do
        answer: Future[T] = Future()
        self._jobs.put((answer, hashes))
        try:
            return answer.result()
        finally:
            del answer  # what it raised holds this frame, which held it: a cycle with a password in it

    def _are_there(self) -> bool:
        if len(self._threads) < self._number:
            with self._guard, suppress(RuntimeError):  # cannot be started: the next hash tries again
                while len(self._threads) < self._number:
                    thread = Thread(target=self._work, name="dragoman-hash", daemon=True)
                    thread.start()
                    self._threads.append(thread)
        return bool(self._threads)

    def _work(self) -> None:
        be_nice(NICENESS)
        while True:
            answer, hashes = self._jobs.get()
            try:
                answer.set_result(hashes())
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                answer.set_exception(error)
            del answer, hashes  # no password stays here until the next


def be_nice(niceness: int) -> None:
    """Lower this thread's priority by `niceness` (Linux only): hashes take what processor the rest leaves."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # a courtesy, not a need
            before = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, get_native_id(), min(before + niceness, 19))


class Turnstile:
    """Lets `places` threads be inside at a time, and the others in by the order in which they came.

    `threading.Semaphore` promises no order: a newcomer may pass one who waits, and under load somebody
    would wait until the client gave up.
    """

    def __init__(self, places: int) -> None:
        self._lock = Lock()
        self._places = self._free = places
        self._waiting: deque[Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for a place."""
        return len(self._waiting)

    @property
    def inside(self) -> int:
        """How many threads have a place."""
        return self._places - self._free

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()  # the place is handed on: nobody slips in between
            else:
                self._free += 1
