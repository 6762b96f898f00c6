"""The configuration: one frozen value, read and validated once at start.

`load` merges, the strongest first: what the command line says, `DRAGOMAN_…` variables (nesting by `__`), the
TOML file. A secret may also be given as the path of a file that holds it: `…_FILE`, in TOML `…_file`.
Anything unknown or wrong refuses to start, with every reason at once. After `load` nothing reads the
environment.

Each section is a frozen model whose fields describe themselves; `describe` makes the README's table of them.
Secrets are pydantic's `SecretStr`, which no print-out shows. Relative paths start at the working directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dragoman.settings.fields import Catalogue, Described, Known, SettingPath, settings_of
from dragoman.settings.problems import Given, Problem, SettingsError, explain, shown
from dragoman.settings.sections import DialectSettings, PageSettings, Section
from dragoman.settings.sources import CONFIG_VARIABLE, DEFAULT_FILE, gather
from dragoman.settings.whole import Settings

__all__ = [
    "Described",
    "DialectSettings",
    "PageSettings",
    "Problem",
    "Section",
    "Settings",
    "SettingsError",
    "describe",
    "load",
]


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    overrides: Mapping[str, Any] | None = None,
    dialect_models: Mapping[str, type[DialectSettings]] | None = None,
) -> Settings:
    """The configuration from everything that was said.

    `path` is the TOML file of the command line; without one DRAGOMAN_CONFIG names it, else ./dragoman.toml is
    read if it is there. `overrides` are flags, nested as the file is: `{"server": {"port": 8081}}`; None is a
    flag not used. `dialect_models` are the dialects there are, each of which is in the answer with its
    defaults filled in. Raises SettingsError with every problem found.
    """
    models = dialect_models or {}
    catalogue = Catalogue(_known(models), tables=[("dialects",)])
    given, problems = gather(catalogue, path, environ, overrides or {})
    tree = _nested(given)
    said = tree.pop("dialects", {})
    dialects: dict[str, DialectSettings] = {}
    for name, model in models.items():
        try:
            own = said.get(name, {})
            dialects[name] = model.model_validate({"path": f"/{name}", **own})
            # What was filled in was not said.
            dialects[name].model_fields_set.intersection_update(own)
        except ValidationError as error:
            problems += explain(error, ("dialects", name), catalogue, given, problems)
    problems += _clashes(dialects, given)
    try:
        settings = Settings.model_validate({**tree, "dialects": dialects})
    except ValidationError as error:
        problems += explain(error, (), catalogue, given, problems)
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def describe(dialect_models: Mapping[str, type[DialectSettings]] | None = None) -> list[Described]:
    """Every setting as a row for people, in the order of the models.

    Without dialects the settings that all of them share are listed for one called `<name>`.
    """
    file = Described("config", CONFIG_VARIABLE, "text", f"{DEFAULT_FILE}, if there", "The TOML file to read")
    return [file, *(known.described() for known in _known(dialect_models or {"<name>": DialectSettings}))]


def _known(models: Mapping[str, type[DialectSettings]]) -> Iterator[Known]:
    yield from (each for each in settings_of(Settings) if each.path != ("dialects",))
    for name, model in models.items():
        yield from settings_of(model, ("dialects", name))


def _nested(given: Mapping[SettingPath, Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for (*tables, name), each in given.items():
        table = tree
        for step in tables:
            table = table.setdefault(step, {})
        table[name] = each.value
    return tree


def _clashes(
    dialects: Mapping[str, DialectSettings], given: Mapping[SettingPath, Given]
) -> Iterator[Problem]:
    """Dialects that claim one place. Those not served claim none."""
    served = [(name, dialect) for name, dialect in dialects.items() if dialect.enabled]
    for (first, one), (second, other) in combinations(served, 2):
        for field in ("path", "host"):
            value = getattr(other, field)
            if value is not None and value == getattr(one, field):
                source = given.get(("dialects", second, field)) or given.get(("dialects", first, field))
                text = f"must not be that of dialects.{first}, given {shown(value)}"
                yield Problem(f"dialects.{second}.{field}", source.where if source else "", text)
