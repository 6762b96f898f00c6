"""kill -9 in the middle of a burst: what was acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.command import serving
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.load.kills import (
    DEEDS,
    WIDE_OPEN,
    NotAcknowledged,
    Person,
    check_database,
    connected,
    kill,
    kill_again_and_again,
    signs_in,
)
from tests.running import configured, running


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Sessions, names, passwords, PINs and API keys that were acknowledged are there after kill -9, none by half."""
    # What is slower than it should be has fewer rounds.
    url = f"sqlite:///{tmp_path}/data/dragoman.db"
    survived = kill_again_and_again(tmp_path, url, kills=10, seconds=25, at_least=5)
    assert set(survived.deeds) == {deed.__name__ for deed in DEEDS}


@pytest.mark.slow
@pytest.mark.timeout(90)
@pytest.mark.parametrize("patience", [None, 0.0, 0.03])
def test_a_sign_up_that_was_acknowledged_survives_a_kill(tmp_path: Path, patience: float | None) -> None:
    """Of a burst of sign-ups one is acknowledged at most, and if one was it is there after kill -9, as the only one.

    The kill comes with the first acknowledgement (no patience), or so many seconds after the burst began.
    """
    acknowledged: list[str] = []
    answered = threading.Event()

    def sign_up(root: str, email: str) -> None:
        body = {"email": email, "name": "Admin", "password": PASSWORD}
        with connected(root) as line:
            try:
                if line.call("POST", "/auth/admin-sign-up", body).status_code == 201:
                    acknowledged.append(email)
                    answered.set()
            except NotAcknowledged:
                return

    emails = [f"admin{n}@example.org" for n in range(6)]
    with serving(tmp_path, "--port", "0", environ=WIDE_OPEN) as process, ThreadPoolExecutor(6) as pool:
        burst = [pool.submit(sign_up, process.root, email) for email in emails]
        answered.wait(30 if patience is None else patience)
        kill(process)
        for each in burst:
            each.result(timeout=30)
    assert len(acknowledged) <= 1
    assert acknowledged or patience is not None
    url = f"sqlite:///{tmp_path}/data/dragoman.db"
    with running(configured(url), cheap_hasher(), FakeClock()) as again, connected(again.url) as line:
        there = [e for e in emails if signs_in(line, Person(e, set(), set()), PASSWORD)]
        assert set(acknowledged) <= set(there)
        body = {"email": "late@example.org", "name": "Late", "password": PASSWORD}
        late = line.call("POST", "/auth/admin-sign-up", body).status_code
        assert (len(there), late) in ((1, 400), (0, 201))
    check_database(url)
