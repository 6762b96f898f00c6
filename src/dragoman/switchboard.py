"""Which dialect is served where, as of now: a table that is never changed, but replaced when somebody chose otherwise.

Each process looks once a second whether they did (core/dialect_choices.py). A request goes by the table that was
there when it came.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from dragoman.addresses import below, mounts
from dragoman.background import Background
from dragoman.check import Check, Checking
from dragoman.chosen import in_force
from dragoman.core import dialect_choices
from dragoman.core.errors import Unavailable
from dragoman.core.work import Origin
from dragoman.log import get_logger
from dragoman.network import host_name
from dragoman.serving import Dialect, DialectApp
from dragoman.web.products import Product

if TYPE_CHECKING:
    from dragoman.core.dialect_choices import Choice
    from dragoman.core.rules import Rules
    from dragoman.core.work import Core
    from dragoman.lanes import Lanes
    from dragoman.settings import DialectSettings, Settings

log = get_logger("dragoman.switchboard")
LOOKS_EVERY = timedelta(seconds=1)
ORIGIN = Origin("switchboard")


@dataclass(frozen=True)
class Served:
    """A dialect that is served, and the check of its credentials."""

    app: DialectApp
    check: Check


@dataclass(frozen=True)
class Mounted:
    """All that are served, by path prefix, the longest first, and by host name. `root`: the server's address."""

    by_path: Mapping[str, Served]
    by_host: Mapping[str, Served]
    at_origin: Mapping[str, tuple[str, Served]]
    own_host: str | None
    root: str

    def is_ours(self, host: str) -> bool:
        """Whether we answer to a host name: to all while no base URL is configured, health checks aside."""
        return self.own_host in (None, host) or host in self.by_host

    def find(self, host: str, path: str) -> tuple[str, Served] | None:
        """Whose request it is, and the prefix that is not part of its path."""
        if host in self.by_host:
            return "", self.by_host[host]
        if not self.is_ours(host):
            return None
        if path in self.at_origin:
            return self.at_origin[path]
        for mount, served in self.by_path.items():
            if path.startswith(mount) and path[len(mount) : len(mount) + 1] in ("", "/"):
                return mount, served
        return None

    @cached_property
    def products(self) -> Sequence[Product]:
        """The dialects as people are told of them."""
        return [self._product(served.app) for served in self.by_path.values()]

    def _product(self, served: DialectApp) -> Product:
        dialect = served.dialect
        addresses = [f"{mount}{below(dialect)}" for mount in mounts(served.settings, self.root)]
        return Product(
            dialect.name,
            dialect.product,
            addresses,
            dialect.where,
            dialect.key_form,
            served.release.permissions,
            None if dialect.signing is None else dialect.signing(served.settings),
        )


class Switchboard(Background):
    """Keeps what is `mounted` as it was chosen."""

    def __init__(
        self, settings: Settings, core: Core, dialects: Sequence[Dialect], lanes: Lanes, checking: Checking
    ) -> None:
        super().__init__("switchboard", self._run)
        self._settings = settings
        self._core = core
        self._dialects = dialects
        self._lanes = lanes
        self._checking = checking
        self._made: dict[str, Served] = {}
        self._chosen = self._read()
        self.mounted = self._mount()

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(LOOKS_EVERY.total_seconds()):
            try:
                self._look()
            except Unavailable:
                continue  # it stays as it was; readiness says that the database is away
            except Exception:
                log.exception("cannot see which dialects to serve")

    def _look(self) -> None:
        chosen = self._read()
        if chosen != self._chosen:
            self._chosen = chosen
            self.mounted = self._mount()
            log.info(
                "serves", dialects=sorted(each.app.dialect.name for each in self.mounted.by_path.values())
            )

    def _read(self) -> Mapping[str, Choice]:
        with self._core.begin(ORIGIN, writes=False) as uow:
            return dialect_choices.chosen(uow)

    def _mount(self) -> Mounted:
        base, root = self._settings.server.base_url, self._core.rules.root
        own = in_force(self._settings.dialects, self._chosen, root)
        self._core.rules = self._rules(own)
        served = [
            self._serve(dialect, own[dialect.name]) for dialect in self._dialects if own[dialect.name].enabled
        ]
        by_path = {each.app.settings.path: each for each in served}
        return Mounted(
            # The longest prefix first: "/photos/old" is asked before "/photos".
            dict(sorted(by_path.items(), key=lambda item: -len(item[0]))),
            {each.app.settings.host: each for each in served if each.app.settings.host is not None},
            {path: (each.app.settings.path, each) for each in served for path in each.app.dialect.at_origin},
            None if base is None else host_name([base.partition("://")[2]]),
            root,
        )

    def _rules(self, own: Mapping[str, DialectSettings]) -> Rules:
        """The core's rules with what dialects' settings say. A unit goes by those that were there when it began."""
        rules = self._core.rules
        lifetimes = {dialect.name: dialect.lifetime(own[dialect.name]) for dialect in self._dialects}
        floors = {dialect.name: dialect.password_floor(own[dialect.name]) for dialect in self._dialects}
        return replace(rules, lifetimes={**rules.lifetimes, **lifetimes}, floors=floors)

    def _serve(self, dialect: Dialect, own: DialectSettings) -> Served:
        """What serves a dialect: what did before, if nothing of it was changed."""
        made = self._made.get(dialect.name)
        if made is None or made.app.settings != own:
            most = self._settings.server.max_body_bytes
            app = DialectApp(dialect, self._core, own, lanes=self._lanes, max_body=most)
            made = self._made[dialect.name] = Served(app, Check(app, self._checking, own.check_permission))
        return made
