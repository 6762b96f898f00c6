"""@immich/cli 3.2.2, the product's own command line, at a server that speaks 3.2 (contract §4.2, §6)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.command import variables
from tests.contract.immich.speech import SIGN_UP
from tests.contract.immich.stock.households import Household
from tests.stock import NODE, PACKAGES

IMMICH = PACKAGES / "@immich" / "cli" / "bin" / "immich"

# What a person may type for an address, and where that leads.
DISCOVERED = [
    ("http://127.0.0.1:{port}/immich", "http://127.0.0.1:{port}/immich/api"),
    ("http://127.0.0.1:{port}/immich/", "http://127.0.0.1:{port}/immich/api"),
    ("http://localhost:{port}", "http://localhost:{port}/api"),
]


@dataclass(frozen=True)
class Shell:
    """Where somebody runs `immich`: a configuration folder of their own, and a server."""

    folder: Path
    household: Household

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        told = variables(IMMICH_CONFIG_DIR=str(self.folder), NO_COLOR="1", **environ)
        command = [str(NODE), str(IMMICH), *words]
        return subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)

    @property
    def port(self) -> int:
        """The server's."""
        return urlsplit(self.household.url).port or 0

    @property
    def api(self) -> str:
        """The API's address, below the mount."""
        return f"{self.household.url}/api"

    @property
    def auth(self) -> Path:
        """Where the key is kept after a login."""
        return self.folder / "auth.yml"

    def key(self, *permissions: str) -> str:
        """A new key of the administrator's, with all permissions or these."""
        return self.household.key_of(self.household.admin, *permissions).by["key"]


@pytest.fixture
def shell(tmp_path: Path, households: Callable[[str], Household]) -> Shell:
    """A shell in which nobody has logged in."""
    return Shell(tmp_path / "config", households("sdk-3.2.2"))


@pytest.mark.parametrize(("words", "missing"), [((), "url"), (("http://127.0.0.1/api",), "key")])
def test_a_login_needs_an_address_and_a_key(shell: Shell, words: tuple[str, ...], missing: str) -> None:
    """Without one of them it is a usage error, and nothing is asked of any server."""
    ended = shell("login", *words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"error: missing required argument '{missing}'" in ended.stderr
    assert not shell.auth.exists()


def test_a_bad_key_is_told(shell: Shell) -> None:
    """A key that is none is refused in the words of the server, and is not kept."""
    ended = shell("login", shell.api, "immich-is-so-cool")
    assert ended.returncode == 1
    for words in ("Failed to connect to server", "Invalid API key", "401"):
        assert words in ended.stderr
    assert not shell.auth.exists()


@pytest.mark.parametrize("command", ["login", "login-key"])
def test_a_login_keeps_the_key(shell: Shell, command: str) -> None:
    """A good key is kept in a file that nobody else may read; both names of the command do it."""
    key = shell.key()
    ended = shell(command, shell.api, key)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"Logging in to {shell.api}",
        f"Logged in as {SIGN_UP['email']}",
        f"Wrote auth info to {shell.auth}",
    ]
    assert shell.auth.stat().st_mode & 0o777 == 0o600
    assert key in shell.auth.read_text("utf-8")


@pytest.mark.parametrize(("address", "api"), DISCOVERED)
def test_the_api_is_discovered(shell: Shell, address: str, api: str) -> None:
    """An address without /api leads there, too: below the mount, and at the host name that is Immich's alone."""
    ended = shell("login", address.format(port=shell.port), shell.key())
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[1:3] == [
        f"Discovered API at {api.format(port=shell.port)}",
        f"Logged in as {SIGN_UP['email']}",
    ]


def test_a_key_that_may_not_read_its_user_logs_nobody_in(shell: Shell) -> None:
    """The server's refusal is shown, with the permission that it names, and the key is not kept."""
    ended = shell("login", shell.api, shell.key("tag.read"))
    assert (ended.returncode, ended.stdout) == (1, f"Logging in to {shell.api}\n")
    assert ended.stderr.startswith(f"Failed to connect to server {shell.api}: 403\n")
    assert "Missing required permission: user.read" in ended.stderr
    assert not shell.auth.exists()


def test_a_key_that_may_do_no_more_than_log_in_is_told_what_it_lacks(shell: Shell) -> None:
    """What a command needs, it looks up in the key's own permissions."""
    assert shell("login", shell.api, shell.key("user.read")).returncode == 0
    ended = shell("server-info")
    assert (ended.returncode, ended.stderr) == (1, "")
    missing = 'Missing required permissions: "server.about", "asset.statistics".'
    assert ended.stdout.splitlines()[0] == missing


def test_the_server_is_shown(shell: Shell) -> None:
    """After a login, or with address and key in the environment alone, it tells what the server is."""
    by_environment = {"IMMICH_INSTANCE_URL": shell.api, "IMMICH_API_KEY": shell.key()}
    shown = shell("server-info", **by_environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert lines[:3] == [f"Server Info (via {SIGN_UP['email']})", f"Url: {shell.api}", "Version: 3.2.2"]
    assert {"jpg", "heic"} < set(lines[4].removeprefix("Images: ").split(","))
    assert {"mov", "mp4"} < set(lines[5].removeprefix("Videos: ").split(","))
    assert lines[6:] == ["Statistics:", "Images: 0", "Videos: 0", "Total: 0"]
    assert shell("login", shell.api, shell.key()).returncode == 0
    assert shell("server-info").stdout == shown.stdout


def test_a_logout_forgets_the_key(shell: Shell) -> None:
    """The file is removed, and what needs a login asks for one."""
    assert shell("login", shell.api, shell.key()).returncode == 0
    assert shell("logout").returncode == 0
    assert not shell.auth.exists()
    ended = shell("server-info")
    assert ended.returncode == 1
    assert ended.stdout == "No auth file exists. Please login first.\n"
