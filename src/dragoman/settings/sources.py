"""Where settings are written: a TOML file, the environment, the command line, and files that hold secrets.

Each source is read into `Given`s, one for each setting it names, which remember the line or the variable they
came from; whatever is no setting becomes a `Problem`. What a value must look like is not decided here but
by the models of `sections.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dragoman.settings.fields import PREFIX, Catalogue, SettingPath
from dragoman.settings.problems import Given, Problem, shown, unknown, unknown_variable

CONFIG_VARIABLE = "DRAGOMAN_CONFIG"
DEFAULT_FILE = Path("dragoman.toml")
COMMAND_LINE = "command line"
LARGEST_FILE = 1024 * 1024  # bytes, of a configuration or a secret: stops a mistaken path to a disk image

_TRUTHS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def config_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    """The TOML file to read and what named it: the caller, DRAGOMAN_CONFIG, or ./dragoman.toml if there."""
    if path is not None:
        return path, COMMAND_LINE
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE]), CONFIG_VARIABLE
    return (DEFAULT_FILE if DEFAULT_FILE.is_file() else None), ""


def gather(
    catalogue: Catalogue, path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[dict[SettingPath, Given], list[Problem]]:
    """What all sources say, for each setting the strongest of them, and what is wrong with how they say it."""
    given: dict[SettingPath, Given] = {}
    problems: list[Problem] = []
    for source in (
        _from_file(catalogue, *config_file(path, environ)),
        _from_environment(catalogue, environ),
        _from_tree(catalogue, _without_none(overrides), lambda _: COMMAND_LINE),
    ):
        said: dict[SettingPath, Given] = {}
        for each in source:
            if isinstance(each, Problem):
                problems.append(each)
            elif (other := said.get(each.known.path)) is not None:
                problems.append(
                    Problem(each.known.name, each.where, f"is given twice, also as {other.where}")
                )
            else:
                said[each.known.path] = each
        given |= said
    # Last, so that only the files of secrets that count are opened.
    for place in [place for place, each in given.items() if each.in_file]:
        opened = _opened(given.pop(place))
        if isinstance(opened, Problem):
            problems.append(opened)
        else:
            given[place] = opened
    return given, problems


def lines_of(text: str) -> dict[SettingPath, int]:
    """The line, counted from 1, on which each table and key of a valid TOML text begins.

    tomllib keeps no positions. But a statement of TOML cut short at a line's end is never valid, so lines are
    added up until they parse, and what that yields was written there.
    """
    found: dict[SettingPath, int] = {}
    header: SettingPath = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        opens_table = statement.lstrip().startswith("[")
        paths = [path if opens_table else header + path for path in _paths(parsed)]
        for path in paths:
            found.setdefault(path, start)
        if opens_table:
            header = max(paths, key=len)
        statement, start = "", number + 1
    return found


def _from_file(catalogue: Catalogue, path: Path | None, named_by: str) -> Iterator[Given | Problem]:
    if path is None:
        return
    try:
        text = _read(path)
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        yield Problem("config", f"{path}:{line[1]}" if line else str(path), f"is not valid TOML: {error}")
    except ValueError as error:
        yield Problem("config", named_by, f"{path} {error}")
    else:
        lines: dict[SettingPath, int] = {}

        def where(place: SettingPath) -> str:
            if not lines:
                lines.update(lines_of(text))
            near = (lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines)
            return f"{path}:{next(near, 1)}"

        yield from _from_tree(catalogue, tree, where)


def _from_tree(
    catalogue: Catalogue,
    tree: Mapping[str, Any],
    where: Callable[[SettingPath], str],
    table: SettingPath = (),
) -> Iterator[Given | Problem]:
    for name, value in tree.items():
        path = (*table, name)
        of_file = catalogue.by_path.get((*table, name.removesuffix("_file")))
        if path in catalogue.by_path:
            yield Given(catalogue.by_path[path], value, where(path))
        elif of_file is not None and of_file.secret:
            yield Given(of_file, value, where(path), in_file=True)
        elif path not in catalogue.tables:
            yield Problem(".".join(path), where(path), unknown(catalogue, path))
        elif isinstance(value, Mapping):
            yield from _from_tree(catalogue, value, where, path)
        else:
            yield Problem(".".join(path), where(path), f"must be a table, [{'.'.join(path)}]")


def _from_environment(catalogue: Catalogue, environ: Mapping[str, str]) -> Iterator[Given | Problem]:
    """Variables with our prefix. An empty one counts as not set: that is how Compose files leave one out."""
    for name in sorted(environ):
        value = environ[name]
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        known = catalogue.by_env.get(name)
        of_file = catalogue.by_env.get(name.removesuffix("_FILE"))
        if known is None and (of_file is None or not of_file.secret):
            yield Problem(name, "environment", unknown_variable(catalogue, name))
        elif value and known is not None:
            yield Given(known, _spoken(value, known.kinds), name)
        elif value and of_file is not None:
            yield Given(of_file, value, name, in_file=True)


def _opened(given: Given) -> Given | Problem:
    """The content of a secret's file, less one newline at its end."""
    if not isinstance(given.value, str):
        return Problem(given.known.name, given.where, "must be the path of a file")
    try:
        secret = _read(Path(given.value))
    except ValueError as error:
        return Problem(given.known.name, given.where, f"file {shown(given.value)} {error}")
    secret = secret.removesuffix("\r\n") if secret.endswith("\r\n") else secret.removesuffix("\n")
    if not secret:
        return Problem(given.known.name, given.where, f"file {shown(given.value)} is empty")
    return replace(given, value=secret, in_file=False)


def _read(path: Path) -> str:
    """A file's text. ValueError with the rest of a sentence that starts with the path."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(f"is larger than {LARGEST_FILE} bytes")
        return content.decode()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _spoken(text: str, kinds: Sequence[Any]) -> Any:
    """A variable's text as the type its setting has; text that does not fit is left to the model to refuse."""
    try:
        if bool in kinds:
            return _TRUTHS[text.strip().lower()]
        if int in kinds:
            return int(text)
        if float in kinds:
            return float(text)
    except (ValueError, KeyError):
        pass
    return text


def _without_none(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides less the flags that were not used."""
    pruned = {
        name: _without_none(value) if isinstance(value, Mapping) else value for name, value in tree.items()
    }
    return {name: value for name, value in pruned.items() if value is not None}


def _paths(tree: Mapping[str, Any], above: SettingPath = ()) -> Iterator[SettingPath]:
    for name, value in tree.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, name))
