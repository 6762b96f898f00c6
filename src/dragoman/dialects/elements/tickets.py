"""Handlers of tickets: whoever is handed one learns whose it is, once (contract §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import tickets
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.people import detail
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.tokens import Ticket
from dragoman.dialects.elements.wire.users import ElementsUserDetail
from dragoman.handlers import Call, Reply, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

NOT_KEPT = (("cache-control", "no-store"),)


def create_auth_ticket(uow: UnitOfWork, call: Call, _ask: Nothing) -> Reply[Ticket]:
    return Reply(Ticket(ticket=tickets.issue(uow, call.caller).reveal()), NOT_KEPT)


def check_auth_ticket(uow: UnitOfWork, _call: Call, ask: Ticket) -> ElementsUserDetail:
    return detail(uow, tickets.redeem(uow, Secret(ask.ticket)))


BOUND = (
    serve(ElementsApi.create_auth_ticket, create_auth_ticket),
    serve(ElementsApi.check_auth_ticket, check_auth_ticket),
)
