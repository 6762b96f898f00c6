"""What both ends of a conversation agree on: shapes and operations. No I/O, no server, no database.

A dialect's contract is one class:

    class ImmichApi(Api):
        login = Endpoint("POST", "/api/auth/login", LoginCredentialDto, LoginResponseDto, status=201)

On the class, `ImmichApi.login` is an `Operation`: the server binds a handler to it and the OpenAPI
document describes it. On a client, `client.login(email=…, password=…)` sends it, at once or awaited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, cast, overload
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, RootModel

P = ParamSpec("P")
Ask = TypeVar("Ask", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")


class Wire(BaseModel):
    """A JSON shape, field for field as the dialect's specification prints it. Unknown fields are dropped."""

    model_config = ConfigDict(
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # what was sent may be a secret, and errors are logged
        defer_build=True,  # what a shape is read and written by is made when it first is: 0.1 s of a start for all
    )


class Nothing(Wire):
    """An empty request or response body."""


class Array(RootModel[list[Item]], Generic[Item]):
    """A bare JSON array."""

    model_config = ConfigDict(defer_build=True)


def is_absent(value: object) -> bool:
    """Whether an optional field stays out of the JSON: see `OMITTED`."""
    return value is None


# For fields that a product leaves out when unset, where others are sent as null:
# `expires_at: Annotated[datetime | None, OMITTED] = None`.
OMITTED: Any = Field(exclude_if=is_absent)
# For values that must not turn up in a repr: `password: Annotated[str, UNSEEN]`.
UNSEEN: Any = Field(repr=False)


@dataclass(frozen=True)
class Later:
    """Marks a field of an answer that only some releases have: `is_onboarded: Annotated[bool | None, Later()] = None`.

    Where it is, it is always set, and null only if `nullable`; a client reads None where it is missing.
    """

    nullable: bool = False


@dataclass(frozen=True)
class InPath:
    """Marks a field of an ask that is part of the path: `id: Annotated[UUID, InPath()]` for `/…/{id}`.

    In the braces stands the name on the wire, as products document it: `{libraryId}` for `library_id`.
    """


@dataclass(frozen=True)
class InQuery:
    """Marks a field of an ask that stands in the query string."""


@dataclass(frozen=True)
class WholeBody:
    """Marks a field of an ask that is the body itself, and not a field of it: a bare JSON string, say."""


Place = InPath | InQuery | WholeBody


class Access(Enum):
    """Who may call an operation. Signed in is the default; public must be said.

    What is `WELCOME` is public, too, but whoever holds up a good credential is known by it. A `VISITOR` is whom
    a shared link let in; what is for them is for all who are signed in, and they are welcome where all are.
    """

    PUBLIC = "public"
    WELCOME = "welcome"
    VISITOR = "visitor"
    SIGNED_IN = "signed in"
    ADMIN = "admin"

    @property
    def is_open(self) -> bool:
        """Whether strangers may call."""
        return self in (Access.PUBLIC, Access.WELCOME)


class Work(Enum):
    """What serving an operation takes: nothing, a reading or a writing unit, or a lane for what takes long.

    What `GLANCES` is a reading unit, too, but of no more than who is calling and a few rows by their keys.
    """

    NOTHING = "nothing"
    GLANCES = "glances"
    READS = "reads"
    WRITES = "writes"
    HASHES = "hashes"
    CALLS_OUT = "calls out"


@dataclass(frozen=True)
class Described:
    """What a product's document says of an operation beside its shapes. Nothing here changes what is served.

    `responses` are the texts of the statuses that it lists, the success among them, in its order, and `refusals`
    the shapes of those that have one, under each of `refusal_media`; of an answer that is not `shown` it says
    nothing. `body` is the text of the request body, `body_name` what generated clients call it, and `body_media`
    its types (none: it is not documented); it is required unless the document says that it is not. `secured_by`
    names the credentials where those are not all of the API's for whoever must be signed in, and none for others.
    `void` is the schema of a success that has no body, where the document names one all the same.
    """

    summary: str = ""
    description: str = ""
    responses: Mapping[int, str] = field(default_factory=dict[int, str])
    refusals: Mapping[int, type[BaseModel]] = field(default_factory=dict[int, type[BaseModel]])
    body: str = ""
    body_name: str = ""
    body_media: Sequence[str] = ("application/json",)
    body_required: bool = True
    secured_by: Sequence[str] | None = None
    shown: bool = True
    refusal_media: Sequence[str] = ("application/json",)
    void: Mapping[str, Any] | None = None


UNDESCRIBED = Described()


@dataclass(frozen=True)
class Operation(Generic[Ask, Answer]):
    """One thing an API can do.

    `path` begins at the product's root and has its parameters in braces; `also` are other paths that lead to
    it. `status` is a success's; `permission` is what an API key needs. A `Release` (dragoman/releases.py) may
    say otherwise of both.
    """

    name: str
    method: str
    path: str
    takes: type[Ask]
    gives: type[Answer]
    status: int
    access: Access
    work: Work
    permission: str | None
    tag: str | None = None
    described: Described = UNDESCRIBED
    also: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """What `help` says of the method: `POST /api/auth/login (email, password) -> LoginResponseDto`."""
        return f"{self.method} {self.path} ({', '.join(self.takes.model_fields)}) -> {self.gives.__name__}"

    def sent(self, ask: BaseModel) -> Sent:
        """How `ask` goes over the wire: its path, query and JSON body. Only what was given is sent.

        `ValueError` for a path parameter that would make it another path: empty, "." or "..".
        """
        values = ask.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
        if isinstance(ask, RootModel):
            return Sent(self.path, {}, values)
        path = self.path
        query: dict[str, Any] = {}
        standing = places(type(ask))
        fields: dict[str, Any] = {}
        body: Any = fields if any(place is None for place, _ in standing.values()) else None
        for place, wire_name in standing.values():
            if wire_name not in values:
                continue
            value = values[wire_name]
            if place is InPath:
                path = path.replace("{" + wire_name + "}", segment(wire_name, value))
            elif place is None:
                fields[wire_name] = value
            elif place is WholeBody:
                body = value
            elif value is not None:  # a query string has no null
                query[wire_name] = value
        return Sent(path, query, body)


@dataclass(frozen=True)
class Sent:
    """An ask on its way: the filled-in path, the query, and the JSON body (None: there is none)."""

    path: str
    query: Mapping[str, Any]
    body: Any


def segment(name: str, value: object) -> str:
    """A path parameter as it stands in the path."""
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f'{name}: "{text}" cannot be part of a path')
    return quote(text, safe="")


@cache
def places(shape: type[BaseModel]) -> dict[str, tuple[type[Place] | None, str]]:
    """Where each field of an ask stands (path, query, the whole body, or None: in it) and its name on the wire."""
    found: dict[str, tuple[type[Place] | None, str]] = {}
    for name, info in shape.model_fields.items():
        place = next((type(m) for m in info.metadata if isinstance(m, Place)), None)
        found[name] = (place, info.serialization_alias or info.alias or name)
    return found


def secret_after(path: str, shape: type[BaseModel]) -> str | None:
    """How far an operation's path goes before a secret stands in it; None: it holds none."""
    secrets = [
        "{" + wire_name + "}"
        for name, (place, wire_name) in places(shape).items()
        if place is InPath and not shape.model_fields[name].repr
    ]
    return min((path.partition(each)[0] for each in secrets), key=len, default=None)


def has_body(shape: type[BaseModel]) -> bool:
    """Whether an ask has a body: a field that is neither in the path nor in the query."""
    return any(place in (None, WholeBody) for place, _ in places(shape).values())


def asked(takes: type[Ask], *args: Any, **kwargs: Any) -> Ask:
    """An ask as a caller gave it, unjudged: what is acceptable is the server's to say.

    `TypeError` for a name the shape does not have, or a required one that was not given.
    """
    if issubclass(takes, RootModel):
        return cast("Ask", cast("Any", takes).model_construct(*args, **kwargs))
    if args:
        raise TypeError(f"{takes.__name__} takes keyword arguments only")
    unknown = kwargs.keys() - takes.model_fields.keys()
    missing = [n for n, info in takes.model_fields.items() if info.is_required() and n not in kwargs]
    if unknown or missing:
        raise TypeError(
            f"{takes.__name__}: "
            + "; ".join([f"no {n}" for n in sorted(unknown)] + [f"{n} is missing" for n in missing])
        )
    return takes.model_construct(_fields_set=set(kwargs), **kwargs)


class Caller(Protocol):
    """Whatever can send an operation and wait for its answer."""

    def send(self, operation: Operation[Any, Answer], ask: BaseModel) -> Answer: ...


class AsyncCaller(Protocol):
    """Whatever can send an operation and await its answer."""

    async def send(self, operation: Operation[Any, Answer], ask: BaseModel) -> Answer: ...


class Endpoint(Generic[P, Ask, Answer]):
    """One operation of an API: served by the server, called by both clients, written once."""

    def __init__(
        self,
        method: str,
        path: str,
        takes: Callable[P, Ask],
        gives: type[Answer],
        *,
        status: int = 200,
        access: Access = Access.SIGNED_IN,
        work: Work = Work.READS,
        permission: str | None = None,
        tag: str | None = None,
        described: Described = UNDESCRIBED,
        also: Sequence[str] = (),
    ) -> None:
        shape = cast("type[Ask]", takes)
        in_path = {wire_name for place, wire_name in places(shape).values() if place is InPath}
        if in_path != set(re.findall(r"{(\w+)}", path)):
            raise TypeError(f"{path}: the path parameters of {shape.__name__} are {sorted(in_path)}")
        self._rest = (method, path, shape, gives, status, access, work, permission, tag, described, also)

    def __set_name__(self, owner: type, name: str) -> None:
        self.operation: Operation[Ask, Answer] = Operation(name, *self._rest)

    @overload
    def __get__(self, caller: None, owner: type) -> Operation[Ask, Answer]: ...
    @overload
    def __get__(self, caller: Caller, owner: type) -> Callable[P, Answer]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Callable[P, Coroutine[Any, Any, Answer]]: ...
    def __get__(self, caller: Caller | AsyncCaller | None, owner: type) -> object:
        if caller is None:
            return self.operation

        operation = self.operation

        def send(*args: P.args, **kwargs: P.kwargs) -> object:
            return caller.send(operation, asked(operation.takes, *args, **kwargs))

        send.__name__ = send.__qualname__ = operation.name
        send.__doc__ = operation.summary
        return send


class Api:
    """Base of a dialect's contract: its class body lists every endpoint.

    `base` is the part of every path that the product's document counts to its address (`/api` for Immich), and
    so do its clients unless `address` says otherwise. `by_alphabet`: the document sorts the fields of a shape.
    """

    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    version: ClassVar[str] = ""
    contact: ClassVar[Mapping[str, str]] = {}
    base: ClassVar[str] = ""
    address: ClassVar[str | None] = None
    by_alphabet: ClassVar[bool] = True
    tag: ClassVar[str] = ""
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    @classmethod
    def operations(cls) -> list[Operation[Any, Any]]:
        """Every operation, in the order of the class body."""
        return [endpoint.operation for endpoint in cls._endpoints()]

    @classmethod
    def _endpoints(cls) -> Iterator[Endpoint[..., Any, Any]]:
        for owner in cls.__mro__:
            for value in vars(owner).values():
                if isinstance(value, Endpoint):
                    yield cast("Endpoint[..., Any, Any]", value)


def camel(name: str) -> str:
    """`change_password` as `changePassword`."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)
