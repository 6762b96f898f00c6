"""The command line for the tests: a verb run in the test's own process, or the program as it is installed."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dragoman.cli import main

PROGRAM = Path(sys.executable).with_name("dragoman")
# The least that settings allow: what a hash costs is not what these tests are about.
CHEAP = {"DRAGOMAN_PASSWORDS__ARGON2__MEMORY_KIB": "7168", "DRAGOMAN_PASSWORDS__ARGON2__PASSES": "1"}
STARTS_WITHIN = 30.0


@dataclass(frozen=True)
class Ended:
    """How a verb ended: its code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is JSON and nothing else."""
        return json.loads(self.out)


class Terminal(io.TextIOWrapper):
    """Standard input that says it is a terminal: a person is there to be asked."""

    def isatty(self) -> bool:
        """It says so."""
        return True


@dataclass
class Command:
    """Runs verbs in one installation: a folder to be in, and an environment."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(CHEAP))

    def __call__(self, *args: str, stdin: str | bytes = b"", answering: str | None = None) -> Ended:
        """Run a verb. `stdin` is what is piped in; `answering` is what a person types at the terminal."""
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        source = (
            io.TextIOWrapper(io.BytesIO(typed))
            if answering is None
            else Terminal(io.BytesIO(answering.encode()))
        )
        out, err = io.StringIO(), io.StringIO()
        code: Any = None
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                patch.dict(os.environ, self.environ),
                patch.object(sys, "stdin", source),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                main(args)
        except SystemExit as end:
            code = end.code
        finally:
            os.chdir(before)
        return Ended(int(code or 0), out.getvalue(), err.getvalue())


def variables(**more: str) -> dict[str, str]:
    """This process's environment without settings of its own, and with cheap hashes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return {**kept, **CHEAP, **more}


def typing(
    folder: Path, words: Sequence[str], typed: Sequence[tuple[str, str]], *, until: str, **environ: str
) -> str:
    """Run a verb at a terminal, as a process of its own, answering each prompt; all that appeared there."""
    primary, secondary = pty.openpty()
    asking = subprocess.Popen(
        [str(PROGRAM), *words],
        cwd=folder,
        env=variables(**environ),
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        start_new_session=True,
    )
    os.close(secondary)
    transcript = ""
    for prompt, answer in typed:
        transcript += _appearing(primary, prompt)
        os.write(primary, f"{answer}\n".encode())
    transcript += _appearing(primary, until)
    code = asking.wait(10)
    os.close(primary)
    if code:
        raise RuntimeError(f"ended with {code}: {transcript}")
    return transcript


def _appearing(terminal: int, wanted: str) -> str:
    """What appears on a terminal, up to these words."""
    seen = ""
    while wanted not in seen:
        seen += os.read(terminal, 1024).decode()
    return seen


@dataclass
class Process:
    """A server as a process of its own, and what it has written so far."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def announced(self) -> str:
        """What it printed on standard output."""
        return "".join(self.lines)

    @property
    def logged(self) -> str:
        """What it logged, on standard error."""
        return "".join(self.log)

    @property
    def root(self) -> str:
        """The root of the base URLs that it printed."""
        found = re.search(r"http://[^/\s]+", self.announced)
        assert found, self.announced + self.logged
        return found[0]

    def stop(self, signal: int) -> int:
        """Send it a signal; the code that it ends with within five seconds."""
        self.popen.send_signal(signal)
        return self.popen.wait(5)


@contextmanager
def serving(
    folder: Path,
    *args: str,
    environ: Mapping[str, str] | None = None,
    through: Sequence[str] = (),
    handing: Sequence[int] = (),
) -> Iterator[Process]:
    """`dragoman serve` with these options, from when it has announced itself until the body is done.

    It is run `through` another command, if there is one, to which file descriptors are handed. Its group is its own.
    """
    popen = subprocess.Popen(
        [*through, str(PROGRAM), "serve", *args],
        pass_fds=handing,
        start_new_session=True,
        cwd=folder,
        env=variables(**(environ or {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process, announced = Process(popen), threading.Event()
    readers = [
        threading.Thread(
            target=_read, args=(popen.stdout, process.lines, announced, "Stop with"), daemon=True
        ),
        threading.Thread(
            target=_read, args=(popen.stderr, process.log, threading.Event(), None), daemon=True
        ),
    ]
    for reader in readers:
        reader.start()
    try:
        announced.wait(STARTS_WITHIN)
        yield process
    finally:
        if popen.poll() is None:
            popen.terminate()
            try:
                popen.wait(15)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
        for reader in readers:
            reader.join()
        for stream in (popen.stdout, popen.stderr):
            assert stream
            stream.close()


def _read(stream: Any, into: list[str], found: threading.Event, mark: str | None) -> None:
    for line in stream:
        into.append(line)
        if mark is not None and mark in line:
            found.set()
    found.set()  # also when it has ended without a word
