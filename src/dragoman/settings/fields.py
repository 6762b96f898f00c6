"""What settings there are: the fields of the models, seen as names, variables, types and defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

SettingPath = tuple[str, ...]

PREFIX = "DRAGOMAN_"


@dataclass(frozen=True)
class Described:
    """A row of the configuration table; every column is text for people. `default` is "" if there is none."""

    name: str
    env: str
    type: str
    default: str
    text: str


@dataclass(frozen=True)
class Known:
    """A setting that exists: where it stands and the model's field that says what it may be."""

    path: SettingPath
    field: FieldInfo

    @property
    def name(self) -> str:
        """As the file and messages spell it: `server.port`."""
        return ".".join(self.path)

    @property
    def env(self) -> str:
        """As the environment spells it: `DRAGOMAN_SERVER__PORT`."""
        return PREFIX + "__".join(self.path).upper()

    @cached_property
    def kinds(self) -> tuple[Any, ...]:
        """The types its value may have, None left out."""
        return tuple(_members(self.field.annotation))

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown and may be given as a file."""
        return SecretStr in self.kinds

    @property
    def allowed(self) -> str:
        """What its value may be: "a whole number from 0 to 65535"."""
        kinds = " or ".join(map(_type_name, self.kinds))
        low = high = ""
        for bound in self.field.metadata:
            if isinstance(bound, Ge):
                low = f" from {bound.ge}"
            elif isinstance(bound, Gt):
                low = f" over {bound.gt}"
            elif isinstance(bound, Le):
                high = f" to {bound.le}"
        return kinds + low + high

    def described(self) -> Described:
        """This setting as a row for people."""
        default = self.field.get_default(call_default_factory=False)
        if isinstance(default, SecretStr):
            default = default.get_secret_value()  # a default is printed in the README: no secret
        shown = "" if self.field.is_required() or default in (None, ()) else str(default).lower()
        return Described(
            self.name, self.env, self.allowed, shown, (self.field.description or "").removesuffix(".")
        )


def settings_of(model: type[BaseModel], above: SettingPath = ()) -> Iterator[Known]:
    """The settings of a model, those of its sections in their place."""
    for name, field in model.model_fields.items():
        known = Known((*above, name), field)
        section = next((each for each in known.kinds if _is_section(each)), None)
        if section is None:
            yield known
        else:
            yield from settings_of(section, known.path)


class Catalogue:
    """Every setting there is, to be looked up by its path or its variable.

    `tables` names tables that exist even where no setting stands in them.
    """

    def __init__(self, known: Iterable[Known], tables: Iterable[SettingPath] = ()) -> None:
        self.by_path = {each.path: each for each in known}
        self.by_env = {each.env: each for each in self.by_path.values()}
        self.tables = {path[:end] for path in self.by_path for end in range(len(path))} | {(), *tables}

    def names_in(self, table: SettingPath) -> list[str]:
        """What may stand in a table, in the order of the models."""
        depth = len(table)
        names: dict[str, None] = {}
        for path in (*self.by_path, *sorted(self.tables)):
            if len(path) > depth and path[:depth] == table:
                names[path[depth]] = None
                if len(path) == depth + 1 and path in self.by_path and self.by_path[path].secret:
                    names[f"{path[depth]}_file"] = None
        return list(names)

    def nearest(self, path: SettingPath) -> Known | None:
        """The setting that a path names or lies within."""
        prefixes = (path[:end] for end in range(len(path), 0, -1))
        return next((self.by_path[each] for each in prefixes if each in self.by_path), None)


def _members(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _members(each)
    elif origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif annotation is not NoneType:
        yield annotation


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _type_name(kind: Any) -> str:
    origin, members = get_origin(kind), get_args(kind)
    if origin is Literal:
        *others, last = (f'"{each}"' for each in members)
        return f"{', '.join(others)} or {last}" if others else last
    if origin is tuple:
        return "a list of networks" if IPv4Network in _members(members[0]) else "a list"
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        SecretStr: "secret text",
    }
    return names.get(kind, getattr(kind, "__name__", str(kind)))
