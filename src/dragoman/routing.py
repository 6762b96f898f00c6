"""Which operation a path and a method lead to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from starlette.routing import compile_path

from dragoman.wire import Operation, secret_after


class Served(Protocol):
    """Whatever serves an operation."""

    @property
    def operation(self) -> Operation[Any, Any]: ...


S = TypeVar("S", bound=Served)


@dataclass(frozen=True)
class Route(Generic[S]):
    """A path with parameters, and what is served there by method."""

    pattern: re.Pattern[str]
    methods: dict[str, S] = field(default_factory=dict)


class Routes(Generic[S]):
    """The paths of a dialect. Those without parameters are looked up, the others matched in order."""

    def __init__(self, served: Sequence[S], *, folds_case: bool) -> None:
        self._folds = folds_case
        self._fixed: dict[str, dict[str, S]] = {}
        self._matched: dict[str, Route[S]] = {}
        flags = re.IGNORECASE if folds_case else 0
        self._before_secrets: list[re.Pattern[str]] = []
        for path, each in ((p, s) for s in served for p in (s.operation.path, *s.operation.also)):
            method = each.operation.method
            start = secret_after(path, each.operation.takes)
            if start is not None:
                before = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(start).replace("/", "/+"))
                self._before_secrets.append(re.compile(before, re.IGNORECASE))
            if "{" not in path:
                self._fixed.setdefault(self._normal(path), {})[method] = each
            else:
                pattern, _, _ = compile_path(path)
                route = self._matched.setdefault(path, Route(re.compile(pattern.pattern, flags)))
                route.methods[method] = each

    def loggable(self, path: str) -> str:
        """A path as the log may show it: no further than a secret in it, also where it is mistyped and leads nowhere."""
        found = filter(None, (pattern.search(path) for pattern in self._before_secrets))
        return next((f"{path[: start.end()]}…" for start in found), path)

    def _normal(self, path: str) -> str:
        return path.lower().rstrip("/") if self._folds else path

    def find(self, path: str) -> tuple[Mapping[str, S], Mapping[str, str]]:
        """What is served at a path, by method, and the path's parameters. Nothing: an empty mapping."""
        fixed = self._fixed.get(self._normal(path))
        if fixed is not None:
            return fixed, {}
        for route in self._matched.values():
            match = route.pattern.match(path.rstrip("/") if self._folds else path)
            if match:
                return route.methods, match.groupdict()
        return {}, {}
