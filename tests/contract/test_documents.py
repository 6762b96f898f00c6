"""What every dialect publishes of itself holds when a tool that knows nothing else takes it at its word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.fakes import PASSWORD, do
from tests.running import Running

from dragoman import dialects
from dragoman.core import api_keys, login, setup
from dragoman.core.accounts import NewAccount
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Origin

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,ignored_auth"
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
EXAMPLES = "500" if LONG else "8"
# The caller's session must outlive the run, and the password be the one that it was opened with.
ENDS_THE_SESSION = "/auth/(logout|change-password)"


def credentials(server: Running, dialect: str) -> tuple[Secret, Secret]:
    """A session and an unrestricted API key of a fresh administrator."""
    origin = Origin(dialect, address="127.0.0.1", network="127.0.0.1")
    new = NewAccount(email="admin@example.com", is_admin=True)
    account = setup.create_account(server.core, origin, new, Secret(PASSWORD))
    signed_in = login.log_in(server.core, origin, "admin@example.com", Secret(PASSWORD), Device())
    _, key = do(server.core, api_keys.issue, account.number, dialect, name="all", permissions=["all"])
    return signed_in.secret, key


def taken_at_its_word(url: str, header: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis over the document at `url` with a credential in every request."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "--checks", CHECKS, "--header", header]
    bounds = [
        "--max-examples",
        EXAMPLES,
        "--max-time",
        "1200" if LONG else "20",
        "--no-color",
        "--warnings",
        "off",
    ]
    # Credentials made up beside the real one would prove nothing: an empty one gives way to the next by contract.
    bounds += ["--generation-with-security-parameters", "false"]
    return subprocess.run(
        [*command, *bounds, *more], cwd=folder, capture_output=True, text=True, timeout=1300, check=False
    )


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("dialect", dialects.names())
@pytest.mark.parametrize("via", ["session", "key"])
def test_a_document_can_be_taken_at_its_word(
    sqlite_server: Running, dialect: str, via: str, tmp_path: Path
) -> None:
    """Generated requests meet no 5xx, no answer off its schema or media type, and no door without a lock."""
    session, key = credentials(sqlite_server, dialect)
    url = f"{sqlite_server.url}/{dialect}/openapi.json"
    if via == "key":
        done = taken_at_its_word(url, f"x-api-key: {key.reveal()}", tmp_path)
    else:
        bearer = f"Authorization: Bearer {session.reveal()}"
        done = taken_at_its_word(url, bearer, tmp_path, "--exclude-path-regex", ENDS_THE_SESSION)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


@pytest.mark.slow
def test_a_door_without_its_lock_is_found(sqlite_server: Running, tmp_path: Path) -> None:
    """The same run over a document that calls a public operation protected finds that it is not."""
    session, _ = credentials(sqlite_server, "immich")
    document = httpx2.get(f"{sqlite_server.url}/immich/openapi.json", trust_env=False).json()
    document["paths"]["/server/config"]["get"]["security"] = [{"bearer": []}]
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(document))
    only = ("--include-path", "/server/config", "--url", f"{sqlite_server.url}/immich/api")
    done = taken_at_its_word(str(file), f"Authorization: Bearer {session.reveal()}", tmp_path, *only)
    assert done.returncode == 1, done.stdout
    assert "authentication" in done.stdout
