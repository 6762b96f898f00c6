"""The log: one line per event, for people on a terminal and as JSON otherwise. Secrets do not get in.

Four things keep secrets out. `Secret` and pydantic's `SecretStr` show nothing of themselves. Whatever has a
telling name (`password`, `Set-Cookie`, `accessToken` …), at any depth, is replaced. Exceptions are printed
without the values of local variables. And libraries that print statements or URLs are kept to warnings. What
nobody can take out is a secret inside a sentence, so log facts by name, never an f-string, never a query
string.

Nor can a value forge a line: control characters are escaped. The standard library's logging, and with it
uvicorn, SQLAlchemy and Alembic, takes the same way out.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import islice
from pathlib import PurePath
from typing import Any, Literal, TextIO, cast
from uuid import UUID

from dragoman.withholding import withheld

with withheld("rich"):  # which would print tracebacks in colours that we do not use: 50 ms of each start
    import structlog
    from structlog.contextvars import bind_contextvars, merge_contextvars, unbind_contextvars
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

REDACTED = "[redacted]"
LONGEST_VALUE = 2000  # characters of one value
LONGEST_EXCEPTION = 20_000
MOST_ITEMS = 50  # of one list or table
DEEPEST = 6

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

# C0, DEL, C1, line and paragraph separators, direction overrides (they reorder what a person sees), surrogates.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TELLING_WORDS = frozenset({"pin", "key", "keys", "otp", "totp", "jwt", "seed"})
_TELLING_PARTS = re.compile(
    "password|passwd|passphrase|secret|token|cookie|authorization|credential|apikey|pincode|digest"
)
_ABOUT_A_SECRET = frozenset({"id", "ids", "name", "kind", "count", "hint"})  # token_id, key_count

# Printed as people write them; whatever is not known here is printed by its repr.
_TEXTS = (str, bytes, bytearray)
_READABLE = (date, timedelta, UUID, PurePath, IPv4Address, IPv4Network, IPv6Address, IPv6Network)

# Below warnings these print SQL with its parameters, or URLs with their query strings.
_KEPT_QUIET = ("alembic.runtime.plugins", "sqlalchemy", "httpx", "httpx2", "httpcore", "httpcore2", "asyncio")

_COLOURS = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}
_PLAIN = "\x1b[0m"


def configure(
    level: str = "info",
    format: Literal["auto", "console", "json"] = "auto",  # noqa: A002 - the setting's own name
    stream: TextIO | None = None,
) -> None:
    """Send everything at `level` or above to `stream` (standard error). May be called again.

    `auto` means lines for people on a terminal and JSON, an object a line, elsewhere. Run uvicorn with
    `log_config=None`, so that it leaves its loggers as they are made here; its access log is off.
    """
    out = sys.stderr if stream is None else stream
    console = format == "console" or (format == "auto" and out.isatty())
    least = logging.getLevelNamesMapping()[level.upper()]
    rendered = _Console(coloured=out.isatty()) if console else _as_json
    handler = _Handler(out)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_processors()],
            processors=[ProcessorFormatter.remove_processors_meta, rendered],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(least)
    _quieten(least)
    structlog.configure(
        # Our own events do not go through the standard library's logging: that costs as much again.
        processors=[_add_name, *_processors(), _as_one],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda name: _Writer(name, handler, rendered),
        cache_logger_on_first_use=False,  # or loggers in use would not hear of a new configuration
    )


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger: `log.info("signed in", account=…)`. May be made on import; nothing happens before its use."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def bind_request(*, request_id: str | None = None, dialect: str | None = None) -> None:
    """Add these to every line of this context from now on; threads started with its copy included."""
    given = {"request_id": request_id, "dialect": dialect}
    bind_contextvars(**{name: value for name, value in given.items() if value is not None})


def unbind() -> None:
    """The request is over: take back what `bind_request` added."""
    unbind_contextvars("request_id", "dialect")


def request_id(incoming: str | None) -> str:
    """The id that a request goes by: its own if it is 1 to 128 of A-Z a-z 0-9 . _ -, else a new one of 24."""
    if incoming is not None and _REQUEST_ID.fullmatch(incoming):
        return incoming
    return f"{random.getrandbits(96):024x}"  # to be told from others; who likes may guess it


def tame(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The processor that redacts, escapes and bounds everything in an event."""
    foreign = {name: event.pop(name) for name in ("_record", "_from_structlog") if name in event}
    exception = event.pop("exception", None)
    tamed = cast("EventDict", _tamed_items(event.items(), 0))
    if exception is not None:
        tamed["exception"] = "\n".join(map(_escaped, _cut(str(exception), LONGEST_EXCEPTION).split("\n")))
    return {**tamed, **foreign}


def _processors() -> list[Processor]:
    """What every event goes through, whoever logs it and whatever it is printed as."""
    return [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        tame,
    ]


def _quieten(least: int) -> None:
    for name in _KEPT_QUIET:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # It prints query strings. Without a handler to reach, uvicorn does not even build its lines.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


@lru_cache(maxsize=1024)
def _named(name: str) -> tuple[str, bool]:
    """A name as it is printed, and whether what goes by it is a secret."""
    text = _text(name)
    return text, _is_telling(text)


def _is_telling(name: str) -> bool:
    """Whether what goes by this name is a secret, in snake_case, camelCase or Header-Case."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT_A_SECRET:
        return False
    return not _TELLING_WORDS.isdisjoint(words) or _TELLING_PARTS.search("".join(words)) is not None


def _tamed(value: Any, depth: int) -> Any:
    if isinstance(value, _TEXTS):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no NaN
    if isinstance(value, _READABLE):
        return _text(str(value))
    if depth >= DEEPEST:
        return "[…]"
    if isinstance(value, Mapping):
        return _tamed_items(value.items(), depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [_tamed_member(each, depth) for each in islice(value, MOST_ITEMS)]
    facts = _facts(value)
    return _text(_repr(value)) if facts is None else _tamed_items(facts, depth)


def _tamed_items(items: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
    tamed: dict[str, Any] = {}
    for key, value in islice(items, MOST_ITEMS):
        name, is_telling = _named(
            key if isinstance(key, str) else _text(key if isinstance(key, bytes) else _repr(key))
        )
        hide = is_telling and value is not None and not isinstance(value, bool)
        tamed[name] = REDACTED if hide else _tamed(value, depth + 1)
    return tamed


def _tamed_member(value: Any, depth: int) -> Any:
    """An item of a list; headers and form fields are lists of pairs, the first of which is a name."""
    match value:
        case [str() | bytes() as name, _] if _named(_text(name))[1]:
            return [_text(name), REDACTED]
    return _tamed(value, depth + 1)


def _facts(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """The named parts of a model or dataclass, whose repr would print a password among them."""
    if hasattr(type(value), "model_fields"):
        return {**vars(value), **(getattr(value, "__pydantic_extra__", None) or {})}.items()
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a log line must not fail the request it tells of
        return f"[{type(value).__name__} without repr]"


def _text(value: str | bytes | bytearray) -> str:
    text = value if isinstance(value, str) else value[: LONGEST_VALUE + 1].decode("utf-8", "backslashreplace")
    # Nearly every text is short and printable, and to know that costs a tenth of looking for what is not.
    if len(text) <= LONGEST_VALUE and text.isascii() and text.isprintable():
        return text
    return _escaped(_cut(text, LONGEST_VALUE))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _add_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _as_one(_: WrappedLogger, __: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """The event as the one argument of the logger behind."""
    return (event,), {}


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {name: event.pop(name, None) for name in ("timestamp", "level", "event")}
    return json.dumps({**first, **event})


class _Console:
    """An event as a line for people; an exception follows on lines of its own, all indented."""

    def __init__(self, *, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> str:
        time, level, exception = event.pop("timestamp"), event.pop("level"), event.pop("exception", "")
        colour = _COLOURS.get(level, "") if self._coloured else ""
        parts = [time, f"{colour}{level:<8}{_PLAIN if colour else ''}", str(event.pop("event"))]
        parts += [f"{name}={_quoted(value)}" for name, value in event.items()]
        # Indented, so that no line of an exception's message can pass for an event.
        return "\n    ".join([" ".join(parts), *exception.splitlines()])


def _quoted(value: Any) -> str:
    if isinstance(value, str) and value and not re.search(r'[\s"=\\]', value):
        return value
    return json.dumps(value, ensure_ascii=False)


class _Writer:
    """Where our own events end, each a finished line: at the handler, among those of others."""

    def __init__(self, name: str, handler: _Handler, rendered: Processor) -> None:
        self.name = name
        self._handler = handler
        self._rendered = rendered

    def msg(self, event: EventDict) -> None:
        self._handler.write(self.name, lambda: str(self._rendered(self, "", event)))

    debug = info = warning = error = critical = exception = msg


class _Handler(logging.StreamHandler[TextIO]):
    """Ours among the root logger's handlers. A line it cannot print is reported without its content."""

    def write(self, logger: str, line: Callable[[], str]) -> None:
        """Print a line of ours."""
        with self.lock or nullcontext():
            try:
                self.stream.write(line() + self.terminator)
                self.flush()
            except Exception:  # noqa: BLE001 - a log line must not fail the request it tells of
                self._lost(logger)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        self._lost(record.name)

    def _lost(self, logger: str) -> None:
        kind = getattr(sys.exc_info()[0], "__name__", "error")
        with suppress(OSError, ValueError):  # if the stream itself is gone there is nobody left to tell
            self.stream.write(json.dumps({"event": "log line lost", "logger": logger, "why": kind}) + "\n")
