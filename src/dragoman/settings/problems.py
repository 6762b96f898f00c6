"""What is wrong with a configuration: which setting, where it was given, what was given, what is allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic import ValidationError

from dragoman.settings.fields import PREFIX, Catalogue, Known, SettingPath

# What Kubernetes adds to the environment of every pod beside a service named "dragoman".
_KUBERNETES = re.compile(r"DRAGOMAN(_SERVICE_(HOST|PORT(_\w+)?)|_PORT(_\d+_(TCP|UDP)(_\w+)?)?)")


@dataclass(frozen=True)
class Problem:
    """One reason not to start: the setting, where it was given ("" if nowhere), and what is the matter."""

    setting: str
    where: str
    text: str

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.setting}{place}: {self.text}"


class SettingsError(Exception):
    """The configuration is refused. `problems` lists every reason; the text shows one a line, no secrets."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["the configuration is refused:", *(f"  {each}" for each in problems)]))


@dataclass(frozen=True)
class Given:
    """A value that a source gives to a setting; `in_file`: it is the path of the file with the value."""

    known: Known
    value: Any
    where: str
    in_file: bool = False


def explain(
    error: ValidationError,
    above: SettingPath,
    catalogue: Catalogue,
    given: Mapping[SettingPath, Given],
    so_far: list[Problem],
) -> list[Problem]:
    """What a model refused, in our words, with the place where it was given.

    `above` is where the model stands; `so_far` are the problems known before it was asked.
    """
    complained = {problem.setting for problem in so_far}
    found = []
    for detail in error.errors(include_url=False):
        path = (*above, *map(str, detail["loc"]))
        known = catalogue.nearest(path)
        source = given.get(known.path) if known else None
        name = known.name if known else ".".join(path)
        if source is not None or name not in complained:  # a secret whose file failed is not "missing" too
            text = refusal(detail["type"], detail["msg"], known)
            value = f", given {shown(source.value)}" if source and known and not known.secret else ""
            found.append(Problem(name, source.where if source else "", text + value))
    return found


def shown(value: Any) -> str:
    """A value for a message: short, on one line, and without the credentials a URL may hold."""
    if isinstance(value, str) and re.search(r":[^@]*@", value):
        return "a value with credentials (not shown)"
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def unknown(catalogue: Catalogue, path: SettingPath) -> str:
    """What to say of a name in the file that is no setting."""
    return _unknown(catalogue, path, lambda meant: f'"{".".join(meant)}"')


def unknown_variable(catalogue: Catalogue, name: str) -> str:
    """What to say of a variable with our prefix that is no setting."""
    if _KUBERNETES.fullmatch(name):
        return (
            "is not a setting; Kubernetes sets it for a service named dragoman "
            "unless the pod says enableServiceLinks: false"
        )
    path = tuple(name.removeprefix(PREFIX).lower().split("__"))
    return _unknown(catalogue, path, lambda meant: PREFIX + "__".join(meant).upper())


def _unknown(catalogue: Catalogue, path: SettingPath, spelled: Callable[[SettingPath], str]) -> str:
    table = max((path[:end] for end in range(len(path)) if path[:end] in catalogue.tables), key=len)
    takes = catalogue.names_in(table)
    meant = _meant(catalogue, path, table, takes)
    return "".join(
        [
            f"is not a {'dialect' if table == ('dialects',) else 'setting'}",
            f"; did you mean {spelled(meant)}?" if meant else "",
            f"; {'[' + '.'.join(table) + ']' if table else 'the top level'} takes: ",
            ", ".join(takes) or "nothing",
        ]
    )


def _meant(
    catalogue: Catalogue, path: SettingPath, table: SettingPath, takes: Sequence[str]
) -> SettingPath | None:
    """The setting that a wrong name is likely to mean: a slip, another table's, or wrongly joined."""
    joined = {"_".join(known): known for known in catalogue.by_path}
    if "_".join(path) in joined:
        return joined["_".join(path)]
    for name in difflib.get_close_matches(path[len(table)], takes, n=1):
        meant = (*table, name)
        return (*meant, *path[len(meant) :]) if meant in catalogue.tables else meant
    if table:
        return None
    elsewhere = (known for known in catalogue.by_path if known[-1] == path[-1])
    close = (joined[name] for name in difflib.get_close_matches("_".join(path), joined, n=1))
    return next(chain(elsewhere, close), None)


def refusal(kind: str, message: str, known: Known | None) -> str:
    """The rest of a sentence that begins with a setting's name: why pydantic refuses its value."""
    if kind == "missing":
        return f"is missing; {known.env} sets it" if known else "is missing"
    if kind == "value_error" or known is None:
        return message.removeprefix("Value error, ")
    return f"must be {known.allowed}"
