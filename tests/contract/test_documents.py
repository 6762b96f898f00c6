"""What every dialect publishes of itself holds when a tool that knows nothing else takes it at its word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, cheap_hasher, do
from tests.laws.travel import SPOKEN, credential_of, has_keys, journey_of, key_of, manners_of, operations_of
from tests.running import Running, configured, running
from tests.speaking import Canned, Heard, stub

from dragoman.core import accounts, setup
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.secrets import Secret
from dragoman.core.work import Origin
from dragoman.dialects.immich.server import dialect as immich
from dragoman.serving import Dialect
from dragoman.wire import Nothing

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,ignored_auth"
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
BOUNDS = ["--max-examples", "100", "--max-time", "90"] if LONG else ["--max-examples", "3"]
HOOKS = "credentials_for_schemathesis"


@contextmanager
def serving(url: str, dialect: str, release: str) -> Iterator[Running]:
    """A server on which a dialect speaks a release, with an administrator, whose number is 1."""
    told = {"dialects": {dialect: {"speaks": release} if release else {}}}
    with running(configured(url, master_key=MASTER_KEY, **told), cheap_hasher(), FakeClock()) as served:
        new = NewAccount(email="admin@example.com", is_admin=True)
        setup.create_account(served.core, Origin(dialect), new, Secret(PASSWORD))
        yield served


def by_session(served: Running, dialect: Dialect) -> Mapping[str, str]:
    """What shows that the administrator is signed in anew, and that JSON is read, as our own client says."""
    shown = manners_of(dialect).credentials(credential_of(served.core, administrator(served), dialect), None)
    return {"Accept": "application/json", **as_documented(dialect, shown)}


def by_key(served: Running, dialect: Dialect) -> Mapping[str, str]:
    """What shows a new API key of the administrator, which may do everything."""
    key = key_of(served.core, administrator(served), dialect.name)
    return as_documented(dialect, manners_of(dialect).credentials(None, key.reveal()))


def as_documented(dialect: Dialect, shown: Mapping[str, str]) -> Mapping[str, str]:
    """Headers by the document's names for them: where a lock is tried, they are taken away again by these."""
    schemes = [each for each in dialect.api.security.values() if each.get("in") == "header"]
    spelt = {name.lower(): name for name in ("Authorization", *(each.get("name", "") for each in schemes))}
    return {spelt.get(name, name): value for name, value in shown.items()}


def administrator(served: Running) -> Account:
    """The administrator of a server, by whatever name a generated request may have given them."""
    return do(served.core, accounts.get, "1")


# What breaks a rule is refused alike whoever sent it, so that in a short run a session alone tries it all.
VIA = {"session": (by_session, []), "key": (by_key, [] if LONG else ["--phases", "fuzzing"])}


# Products without API keys have nothing to show for one.
RUNS = [
    pytest.param(*spoken.values, via, id=f"{spoken.id}-{via}")
    for spoken in SPOKEN
    for via in VIA
    if via != "key" or has_keys(cast("Dialect", spoken.values[0]))
]


def taken_at_its_word(
    location: str, folder: Path, mint: Callable[[], Mapping[str, str]], *more: str
) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run schemathesis over a document with credentials that `mint` makes; which operations then succeeded."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", location, "--checks", CHECKS, *BOUNDS]
    # Credentials made up beside the real one would prove nothing: an empty one gives way to the next by contract.
    command += ["--generation-with-security-parameters", "false", "--no-color", "--warnings", "off"]
    answered = folder / "answered"
    answered.touch()

    def minted(_heard: Heard) -> Canned:
        return Canned(body=json.dumps(dict(mint())).encode())

    with stub(minted) as minting:
        environment = {
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "SCHEMATHESIS_HOOKS": HOOKS,
            "PYTHONPATH": str(Path(__file__).parent),
            "DRAGOMAN_TEST_MINT": minting.url,
            "DRAGOMAN_TEST_ANSWERED": str(answered),
        }
        done = subprocess.run(
            [*command, *more],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    return done, set(answered.read_text().splitlines())


def needing_nothing(dialect: Dialect, release: str) -> set[str]:
    """What is read by whoever is signed in without saying more, as schemathesis labels it, if there is any."""
    nothing_there = {step.operation for step in journey_of(dialect).steps if step.refused is not None}
    return {
        f"{operation.method} {operation.path.removeprefix(dialect.api.base)}"
        for operation in operations_of(dialect, release)
        if operation.method == "GET" and operation.takes is Nothing and not operation.access.is_open
        if operation.name not in nothing_there
    }


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("dialect", "release", "via"), RUNS)
def test_a_document_can_be_taken_at_its_word(
    sqlite_url: str, tmp_path: Path, dialect: Dialect, release: str, via: str
) -> None:
    """Generated requests meet no 5xx, no answer off its schema or media type, and no door without a lock."""
    mint, bounds = VIA[via]
    with serving(sqlite_url, dialect.name, release) as served:
        url = f"{served.url}/{dialect.name}/openapi.json"
        done, answered = taken_at_its_word(url, tmp_path, lambda: mint(served, dialect), *bounds)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    # A lock is tried where the door has opened: a run in which little succeeds would prove little. A session has
    # no key of its own to show.
    shut = needing_nothing(dialect, release) - answered
    assert len(shut) <= len(needing_nothing(dialect, release)) / 10, shut


@pytest.mark.slow
def test_a_door_without_its_lock_is_found(sqlite_url: str, tmp_path: Path) -> None:
    """The same run over a document that calls a public operation protected finds that it is not."""
    with serving(sqlite_url, "immich", "") as served:
        document = httpx2.get(f"{served.url}/immich/openapi.json", trust_env=False).json()
        document["paths"]["/server/config"]["get"]["security"] = [{"bearer": []}]
        file = tmp_path / "wrong.json"
        file.write_text(json.dumps(document))
        only = ("--include-path", "/server/config", "--url", f"{served.url}/immich/api")
        done, _ = taken_at_its_word(str(file), tmp_path, lambda: by_session(served, immich), *only)
    assert done.returncode == 1, done.stdout
    assert "authentication" in done.stdout
