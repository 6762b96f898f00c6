"""What a page of the server's own is: where it is, who may see it, what it takes, and what it answers.

A page's module lists its `Page`s; `site.py` finds the one that is asked for, knows the caller, turns forged
requests away, and renders what the handler answers. A handler is given the unit of work (`Work.READS`,
`Work.WRITES`), or the core where the page hashes or calls out.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dragoman.core.errors import NotFound, NotSignedIn, Refusal, Throttled
from dragoman.core.secrets import Secret
from dragoman.exchange import Malformed, Spoken, seconds
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork
    from dragoman.exchange import Exchange
    from dragoman.settings import DialectSettings
    from dragoman.web.products import Product

HOME = "/account"


class Who(Enum):
    """Who may see a page. Whoever is asked to sign in comes back to it afterwards."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"
    ADMIN = "an administrator"


@dataclass(frozen=True)
class Shown:
    """A template of `templates/`, the facts it names, and a status."""

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Redirect:
    """On to another page of ours, by GET (303). `said` names a notice that is shown there."""

    to: str
    said: str | None = None
    headers: Sequence[tuple[str, str]] = ()

    @property
    def address(self) -> str:
        """The path to go to, with what is said."""
        if self.said is None:
            return self.to
        return f"{self.to}{'&' if '?' in self.to else '?'}said={quote(self.said)}"


@dataclass(frozen=True)
class File:
    """A file to keep, in parts that are made one after the other, each with no unit of work under way."""

    name: str
    media: str
    parts: Iterator[bytes] = field(repr=False)


Answer: TypeAlias = Shown | Redirect | File | Spoken


@dataclass(frozen=True)
class Form:
    """What was typed into a page: fields by name, each with all that was sent for it; and files by name.

    What a file was called where it comes from is nobody's business here, and not read.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """The one value of a field, without blanks around it; "" if it was not sent. Refuses `Malformed`."""
        return self._one(name).strip()

    def secret(self, name: str) -> Secret:
        """The one value of a field, as it was typed."""
        return Secret(self._one(name))

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return name in self.fields

    def all(self, name: str) -> Sequence[str]:
        """Every value of a field."""
        return self.fields.get(name, ())

    def _one(self, name: str) -> str:
        values = self.fields.get(name, ("",))
        if len(values) != 1:
            raise Malformed("a field was sent twice")
        return values[0]


@dataclass
class Visit:
    """One request for a page, as its handler sees it. `parameters` are those of the path.

    `products` are those that are served, `configured` what the configuration says of every dialect. `secret` is the session's, if there is one: see web/cookies.py.
    `approval_waits`: a sign-in waits for the caller's word, which every page says.
    """

    exchange: Exchange
    core: Core
    parameters: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=Form)
    principal: Principal | None = None
    secret: Secret | None = None
    products: Sequence[Product] = ()
    configured: Mapping[str, DialectSettings] = field(default_factory=dict)
    approval_waits: bool = False

    @property
    def caller(self) -> Principal:
        """Who is signed in. A page that is not for `ANYBODY` has a caller."""
        if self.principal is None:
            raise NotSignedIn
        return self.principal

    @property
    def origin(self) -> Origin:
        """Where the request came from, for the core."""
        return self.exchange.origin

    def id_of(self, thing: str) -> uuid.UUID:
        """The id that the path has for a thing. Refuses `NotFound` where it is none."""
        try:
            return uuid.UUID(self.parameters[thing])
        except ValueError:
            raise NotFound(thing) from None

    @property
    def after(self) -> uuid.UUID | None:
        """Where a list goes on that was shown in part: after the row with this id. None: at its beginning."""
        try:
            return uuid.UUID(self.asked("after"))
        except ValueError:
            return None

    def back_to(self, *paths: str) -> str:
        """The one of these pages that a form stood on, as it was shown: with a list's filters and place; else the first."""
        found = came_from(self.exchange)
        return found if urlsplit(found).path in paths else paths[0]

    def asked(self, name: str) -> str:
        """A parameter of the query; "" if it is not there."""
        return self.exchange.query.get(name, "")


def throttled(template: str, facts: Mapping[str, Any], refusal: Throttled) -> Shown:
    """A form that is closed for as long as nobody is heard, and counts down."""
    wait = seconds(refusal.retry_after)
    return Shown(template, {**facts, "problem": None, "seconds": wait}, 429, (("retry-after", str(wait)),))


Handler = Callable[[Any, Visit], Answer]
Explained = Callable[["UnitOfWork", Visit, Refusal], Answer | None]


@dataclass(frozen=True)
class Page:
    """One method of one path. `{name}` in the path is a parameter. A page that is posted to changes something.

    A `room` is what the page is called in the list at the side, if it is there. Only one that `takes_files` reads any.
    A handler catches no refusal in the unit that it is given, or that unit would commit what was written before it.
    `explains` says what the page answers to one: it is called in another unit, which reads, once the first was rolled
    back and has left its evidence. None: that refusal is not this page's to explain.
    `without_factor`: also for whoever has yet to set up a second factor that is asked of them.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    who: Who = Who.SIGNED_IN
    work: Work = Work.READS
    room: str | None = None
    takes_files: bool = False
    explains: Explained | None = None
    without_factor: bool = False


def same_site(address: str) -> str:
    """Where to go next, if that is a page of ours; else home.

    A path from the root: browsers read "//host", "/\\host" and what control characters hide as another site.
    """
    is_path = address.startswith("/") and not address.startswith("//") and address.isprintable()
    return address if is_path and "\\" not in address and len(address) < 2048 else HOME


def came_from(exchange: Exchange) -> str:
    """The page of ours that a form stood on, as our pages tell each other; home where that is not said."""
    told = urlsplit(exchange.headers.get("referer", ""))
    return as_shown(told.path, told.query)


def as_shown(path: str, query: str) -> str:
    """The address of a page without what it said of something that was done: that is said once."""
    kept = urlencode([each for each in parse_qsl(query, keep_blank_values=True) if each[0] != "said"])
    return same_site(f"{path}{'?' if kept else ''}{kept}")
