"""What the bare install can do: the clients import and work with none of the server's packages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest

from dragoman.dialects import names

# Afterwards, the top-level modules that were imported and every module of the project.
REPORT = """
import json, sys
own = [name for name in sys.modules if name.startswith("dragoman")]
print(json.dumps([sorted({name.partition(".")[0] for name in sys.modules}), own]))
"""
USE = """
import asyncio
from dragoman.dialects import {dialect}
from dragoman.wire import Nothing

bare = next(operation for operation in {dialect}.Client.operations() if operation.takes is Nothing)
try:
    {dialect}.Client("http://127.0.0.1:9").send(bare, Nothing())
except {dialect}.Unreachable:
    pass

async def use():
    async with {dialect}.AsyncClient("http://127.0.0.1:9", token="t") as client:
        try:
            await client.send(bare, Nothing())
        except {dialect}.Unreachable:
            pass

asyncio.run(use())
"""


def imported(program: str) -> tuple[set[str], set[str]]:
    """What a fresh interpreter has imported after a program: top-level modules, and all of the project's."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program + REPORT], capture_output=True, text=True, check=True
    )
    modules, own = json.loads(ran.stdout)
    return set(modules), set(own)


def normal(name: str) -> str:
    """A distribution's name as all spellings of it agree (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def who_owns() -> dict[str, list[str]]:
    """The distributions that each installed top-level module belongs to."""
    return {module: list(owners) for module, owners in packages_distributions().items()}


def bare_install() -> set[str]:
    """The distributions that come with the project when no extra is asked for."""
    found: set[str] = set()
    waiting = [distribution("dragoman")]
    while waiting:
        for needed in requirements(waiting.pop()):
            if needed.name and normal(needed.name) not in found:
                found.add(normal(needed.name))
                waiting.append(needed)
    return found | {"dragoman"}


def requirements(of: Distribution) -> list[Distribution]:
    """What a distribution requires always and is installed here."""
    always = [line for line in of.requires or [] if "extra ==" not in line]
    names = [match.group() for line in always if (match := re.match(r"[\w.-]+", line))]
    here = {normal(name) for owners in who_owns().values() for name in owners}
    return [distribution(name) for name in names if normal(name) in here]


def used_beyond_the_bare_install(modules: set[str]) -> set[str]:
    """The distributions of these modules that the bare install lacks."""
    started, _ = imported("")  # with every interpreter here: an editable install's finder, say
    owners = who_owns()
    used = {normal(owner) for module in modules - started for owner in owners.get(module, [])}
    return used - bare_install()


@pytest.mark.parametrize("dialect", names())
def test_a_client_needs_only_the_bare_install(dialect: str) -> None:
    """Importing a dialect and sending with both its clients imports no package beyond the bare install's."""
    modules, own = imported(USE.format(dialect=dialect))
    assert used_beyond_the_bare_install(modules) == set()
    assert "httpx2" in modules
    assert not own & {
        "dragoman.app",
        "dragoman.handlers",
        "dragoman.serving",
        "dragoman.core",
        "dragoman.settings",
        "dragoman.log",
    }


LOG_IN = """
import contextlib, io
from dragoman.cli import main
said = io.StringIO()
with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
    main(["login", "{dialect}", "http://127.0.0.1:9", "--name", "me", "--password-file", "{file}"])
assert "no answer from http://127.0.0.1:9" in said.getvalue(), said.getvalue()
"""


@pytest.mark.parametrize("dialect", names())
def test_signing_in_from_the_command_line_needs_only_the_bare_install(dialect: str, tmp_path: Path) -> None:
    """`dragoman login` gets as far as the network without the server's packages."""
    file = tmp_path / "password"
    file.write_text("secret")
    modules, own = imported(LOG_IN.format(dialect=dialect, file=file))
    assert used_beyond_the_bare_install(modules) == set()
    assert "dragoman.core" not in own


def test_the_list_of_the_bare_install_leaves_the_server_out() -> None:
    """The list that the test above goes by holds the client's packages and none of the server's."""
    bare = bare_install()
    assert {"httpx2", "pydantic", "anyio", "typer"} <= bare
    assert not bare & {
        "starlette",
        "sqlalchemy",
        "argon2-cffi",
        "structlog",
        "alembic",
        "uvicorn",
        "cryptography",
    }


def test_the_list_of_dialects_is_light() -> None:
    """Asking which dialects there are imports neither a dialect nor any package."""
    modules, own = imported("import dragoman.dialects; dragoman.dialects.names()")
    assert own == {"dragoman", "dragoman.dialects"}
    assert not modules & {"pydantic", "httpx2", "starlette"}


def test_the_server_does_without_the_clients_http() -> None:
    """The server imports the dialects' packages and never httpx2, which would be a tenth of its start."""
    modules, own = imported("import dragoman.app, dragoman.building; dragoman.building.dialect_models()")
    assert "dragoman.client" in own
    assert "httpx2" not in modules
