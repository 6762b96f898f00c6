"""What a start tells the person who made it: where each dialect is, and how to make the first administrator."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman import __version__
from dragoman.addresses import below, mounts
from dragoman.core.argon2_build import Build

if TYPE_CHECKING:
    from dragoman.cli.invocation import Invocation
    from dragoman.core.secrets import Secret
    from dragoman.serving import Dialect
    from dragoman.settings import DialectSettings, Settings
    from dragoman.setup_window import SetupWindow


@dataclass(frozen=True)
class Announcement:
    """The facts of a start.

    `port` is the one taken; `setup_link` the secret of the link for the first administrator; `invocation` how to reach
    this installation.
    """

    settings: Settings
    dialects: Sequence[Dialect]
    port: int
    has_accounts: bool
    setup_link: Secret
    window: SetupWindow
    invocation: Invocation
    argon2: Build

    def __str__(self) -> str:
        return "\n".join(self._lines())

    @property
    def root(self) -> str:
        """The address of the server as clients on this machine, or behind its proxy, call it."""
        return self.settings.root_at(self.port)

    def _lines(self) -> Iterator[str]:
        yield f"Dragoman {__version__} serves"
        rows = [row for dialect in self._served() for row in self._bases(dialect)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else []
        for product, base, docs in rows:
            yield f"  {product:<{widths[0]}}  {base:<{widths[1]}}  (reference: {docs})"
        if not rows:
            yield "  no dialect: all are disabled"
        yield ""
        faster = " (docs/operations.md says how)" if self.argon2 is Build.COULD_BE_FAST else ""
        yield f"Passwords are hashed by Argon2 {self.argon2.value}{faster}."
        if self.settings.setup.open == "always":
            yield ""
            yield 'WARNING: setup.open is "always". Whoever reaches this server may make the first administrator.'
        if not self.has_accounts:
            yield from self._first_admin()
        yield ""
        yield "Stop with Ctrl+C."

    def _served(self) -> list[Dialect]:
        return [dialect for dialect in self.dialects if self._own(dialect).enabled]

    def _own(self, dialect: Dialect) -> DialectSettings:
        return self.settings.dialects[dialect.name]

    def _bases(self, dialect: Dialect) -> Iterator[tuple[str, str, str]]:
        """What to paste into the product's clients, by path and, where there is one, by host name."""
        for mount in mounts(self._own(dialect), self.root):
            yield dialect.product, f"{mount}{below(dialect)}", f"{mount}/docs"

    def _first_admin(self) -> Iterator[str]:
        yield ""
        yield "No account was ever made here. Make the first administrator by this link, which is good for that alone:"
        yield f"  {self.root}/set-up?token={self.setup_link.reveal()}"
        yield "or in another terminal and this folder:"
        add = ("account", "add", "--admin", "--email", "you@example.com")
        yield f"  {shlex.join([*self.invocation.program, *add, *self.invocation.options])}"
        if self.invocation.needs_variables:
            yield "  (with the DRAGOMAN_ variables that are set for this server)"
        if not self.window.wide and self.window.closes is None:
            return
        for dialect in self._served():
            if dialect.first_admin is not None:
                operation, body = dialect.first_admin
                yield f"or {self._while_open()}, by {dialect.product}'s own call:"
                url = f"{self.root}{self._own(dialect).path}{operation.path}"
                kind = "Content-Type: application/json"
                yield f"  {shlex.join(['curl', url, '-H', kind, '-d', json.dumps(body)])}"

    def _while_open(self) -> str:
        if self.window.closes is None:
            return "from anywhere"
        minutes = self.settings.setup.window_minutes
        until = self.window.closes.astimezone()
        return f"within the next {minutes} minutes (until {until:%H:%M:%S}), from this machine"
