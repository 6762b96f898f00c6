"""Handlers, and the operations they are bound to: what a dialect writes for each line of its contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from dragoman.core.errors import NotSignedIn
from dragoman.wire import Answer, Ask, Operation, Work

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.exchange import Exchange


@dataclass(frozen=True)
class Reply(Generic[Answer]):
    """An answer with headers of its own (cookies above all)."""

    answer: Answer
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Call:
    """What a handler may know of a request beside its ask: the exchange, the caller, and settings."""

    exchange: Exchange
    settings: Any
    principal: Principal | None = None

    @property
    def caller(self) -> Principal:
        """Who is calling. Every operation that is not open to strangers has a caller."""
        if self.principal is None:
            raise NotSignedIn
        return self.principal

    @property
    def origin(self) -> Any:
        """Where the request came from, for the core."""
        return self.exchange.origin


Handler = Callable[[Any, Call, Any], Any]


@dataclass(frozen=True)
class Bound:
    """An operation and the handler that serves it."""

    operation: Operation[Any, Any]
    handler: Handler


def serve(
    operation: Operation[Ask, Answer], handler: Callable[[UnitOfWork, Call, Ask], Answer | Reply[Answer]]
) -> Bound:
    """Bind a handler that works in one unit, which is begun before it and committed after it."""
    return _bound(operation, handler, Work.GLANCES, Work.READS, Work.WRITES)


def serve_hashing(
    operation: Operation[Ask, Answer], handler: Callable[[Core, Call, Ask], Answer | Reply[Answer]]
) -> Bound:
    """Bind a handler of the hashing lane: it is given the core, whose use cases begin their own units."""
    return _bound(operation, handler, Work.HASHES)


def serve_calling_out(
    operation: Operation[Ask, Answer], handler: Callable[[Core, Call, Ask], Answer | Reply[Answer]]
) -> Bound:
    """Bind a handler that waits for another server. It is given the core, as one that hashes is."""
    return _bound(operation, handler, Work.CALLS_OUT)


def serve_plain(
    operation: Operation[Ask, Answer], handler: Callable[[None, Call, Ask], Answer | Reply[Answer]]
) -> Bound:
    """Bind a handler that needs no storage. It runs on the event loop, so it must not wait for anything."""
    return _bound(operation, handler, Work.NOTHING)


def _bound(operation: Operation[Any, Any], handler: Handler, *fits: Work) -> Bound:
    if operation.work not in fits:
        raise TypeError(f"{operation.name} {operation.work.value}: bind it with the function made for that")
    return Bound(operation, handler)
