"""Handlers of passwords that are made, judged, and set by a mailed link (contract §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import guesses, made_passwords, permissions, policy, resets
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.users import get_account
from dragoman.dialects.elements.wire import (
    ElementsApi,
    EvaluatePasswordEndpointRequest,
    EvaluatePasswordEndpointResponse,
    GeneratePasswordEndpointResponse,
    PasswordResetEndpointRequest,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.dialects.elements.wire.users import OfUser


def generate_password(uow: UnitOfWork, call: Call, _ask: Nothing) -> GeneratePasswordEndpointResponse:
    made = made_passwords.make(uow, call.caller.account.names)
    return GeneratePasswordEndpointResponse(password=made.reveal())


def evaluate_password(
    uow: UnitOfWork, call: Call, ask: EvaluatePasswordEndpointRequest
) -> EvaluatePasswordEndpointResponse:
    names = call.caller.account.names
    reasons = policy.unfit(uow.rules, call.origin, Secret(ask.password), names)
    return EvaluatePasswordEndpointResponse(
        errors=[f"{reason.text}." for reason in reasons],
        time_to_crack=guesses.seconds_to_guess(ask.password, names),
    )


def reset_user_password(uow: UnitOfWork, call: Call, ask: OfUser) -> Nothing:
    """The answer says nothing of the token: it is in the mail alone."""
    account = get_account(uow, ask.id)
    permissions.require_over(uow, call.caller, account)
    resets.mail(uow, account, by=call.caller)
    return Nothing()


def reset_password(core: Core, call: Call, ask: PasswordResetEndpointRequest) -> Nothing:
    """Signs nobody in."""
    resets.complete(core, call.origin, Secret(ask.token), Secret(ask.password))
    return Nothing()


BOUND = (
    serve(ElementsApi.generate_password, generate_password),
    serve(ElementsApi.evaluate_password, evaluate_password),
    serve(ElementsApi.reset_user_password, reset_user_password),
    serve_hashing(ElementsApi.reset_password, reset_password),
)
