"""Handlers of acting as somebody else (contract §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import impersonation
from dragoman.core.errors import NotFound
from dragoman.dialects.elements.refusals import NoSuchObject
from dragoman.dialects.elements.wire import ElementsApi, ImpersonationEndpointRequest
from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork


def start_impersonation(uow: UnitOfWork, call: Call, ask: ImpersonationEndpointRequest) -> Nothing:
    """The calling session acts as the user from now on; an API token never does."""
    try:
        impersonation.start(uow, call.caller, ask.user, permission=ADMIN)
    except NotFound:
        raise NoSuchObject("user", ask.user) from None
    return Nothing()


def stop_impersonation(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    impersonation.stop(uow, call.caller)
    return Nothing()


BOUND = (
    serve(ElementsApi.start_impersonation, start_impersonation),
    serve(ElementsApi.stop_impersonation, stop_impersonation),
)
