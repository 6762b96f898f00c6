"""PostgreSQL's own tools, `pg_dump` and `pg_restore`, as they are found on PATH.

The password goes to them by the environment: every user of the machine can read the arguments of its processes.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

# Who owns what, and who else may look at it, is for the database that it is restored to.
PLAIN = ("--no-owner", "--no-privileges")


class ToolFailed(DatabaseUnfit):
    """A tool of PostgreSQL is not there, or did not do what it was asked for; the text says what it said."""


def dump(url: URL, into: Path, snapshot: str, environ: Mapping[str, str]) -> None:
    """Dump the state that a transaction has exported as `snapshot`, in the custom format. Raises `ToolFailed`."""
    arguments = [
        "--format=custom",
        *PLAIN,
        f"--snapshot={snapshot}",
        f"--file={into}",
        f"--dbname={_conninfo(url)}",
    ]
    with _running("pg_dump", arguments, _with_password(url, environ)):
        pass


def load(db: Connection, dumped: Path, environ: Mapping[str, str]) -> None:
    """Run what a dump consists of within the transaction of `db`. Raises `ToolFailed`."""
    with _running("pg_restore", [*PLAIN, "--file=-", str(dumped)], environ) as script:
        _run(db, script)
    # The script empties the search path, among others.
    db.exec_driver_sql("RESET ALL")


def _run(db: Connection, script: IO[bytes]) -> None:
    """Run a script of `pg_restore`: statements, and rows that COPY takes in up to a line of its own."""
    driver: Any = db.connection.driver_connection
    with driver.cursor() as cursor:
        statements: list[bytes] = []
        for line in script:
            if line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n"):
                cursor.execute(b"".join(statements) or b"SELECT 1")
                statements = []
                with cursor.copy(line) as copy:
                    for row in _rows(script):
                        copy.write(row)
            elif not line.startswith(b"\\"):  # what is meant for psql alone
                statements.append(line)
        cursor.execute(b"".join(statements))


def _rows(script: IO[bytes]) -> Iterator[bytes]:
    for line in script:
        if line == b"\\.\n":
            return
        yield line
    raise ToolFailed("the dump ends in the middle of a table")


@contextmanager
def _running(tool: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Iterator[IO[bytes]]:
    """A tool while it runs: what it writes on standard output. It has to end well."""
    program = shutil.which(tool, path=environ.get("PATH"))
    if program is None:
        raise ToolFailed(
            f"{tool} is not on PATH: install PostgreSQL's client tools, of the server's version or newer"
        )
    with TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - a program found by its name, and arguments that no shell reads
            [program, *arguments], env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
        try:
            with process.stdout:
                yield process.stdout
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            raise ToolFailed(f"{tool} failed: {lines[0] if lines else f'it ended with {process.returncode}'}")


def _with_password(url: URL, environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ} if url.password is None else {**environ, "PGPASSWORD": str(url.password)}


def _conninfo(url: URL) -> str:
    """A database as libpq names it, without the password."""
    _, named = url.get_dialect()().create_connect_args(url.set(password=None))
    return " ".join(f"{name}='{_escaped(str(value))}'" for name, value in named.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
