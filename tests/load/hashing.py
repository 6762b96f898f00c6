"""The bare hash: how many Argon2 verifications the build in use does per second, in a process of its own.

The same build of the library, the same stored hash and as many threads as the server hashes in; nothing else.
What the server's sign-ins are measured against.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass

from dragoman.core import argon2_build


@dataclass(frozen=True)
class Hashing:
    """So many verifications per second, each of `cpu` seconds of processor time."""

    per_second: float
    cpu: float


def run(stored: str, password: str, *, threads: int, seconds: float) -> Hashing:
    """Verify `password` against the PHC string `stored` for so long, in so many threads of a new process."""
    told = {"stored": stored, "password": password, "threads": threads, "seconds": seconds}
    ended = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=True,
    )
    return Hashing(**json.loads(ended.stdout))


def work(stored: bytes, password: bytes, threads: int, seconds: float) -> Hashing:
    """What `run` has done, here."""
    argon2_build.choose()
    from argon2.low_level import Type, verify_secret

    verify_secret(stored, password, Type.ID)  # the first one pays for its memory
    cpu, begun = time.process_time(), time.perf_counter()
    deadline = begun + seconds
    finished: list[tuple[int, float]] = []

    def verify() -> None:
        count = 0
        while time.perf_counter() < deadline:
            verify_secret(stored, password, Type.ID)
            count += 1
        finished.append((count, time.perf_counter() - begun))

    workers = [threading.Thread(target=verify) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # Each thread by its own time: the last hash of each ends after the deadline, and counts.
    per_second = sum(count / took for count, took in finished)
    return Hashing(per_second, (time.process_time() - cpu) / sum(count for count, _ in finished))


def main() -> None:
    """Read what `run` says as JSON, print a `Hashing` as JSON."""
    told = json.loads(sys.stdin.read())
    done = work(told["stored"].encode(), told["password"].encode(), told["threads"], told["seconds"])
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main()
