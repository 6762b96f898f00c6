"""Handlers of `/users/{id}/tokens`: API keys, which do all that their owner may (contract §2.3)."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING

from dragoman.core import api_keys, proofs
from dragoman.core.api_keys import ALL, ApiKey
from dragoman.core.secrets import KeyForm, Secret, digest
from dragoman.dialects.portainer.refusals import NotTheirs, PasswordMissing
from dragoman.dialects.portainer.users import INITIAL_ADMIN, get_account, require_own
from dragoman.dialects.portainer.wire import PortainerApi
from dragoman.dialects.portainer.wire.users import (
    OfApiKey,
    OfUser,
    PortainerAPIKey,
    PortainerAPIKeys,
    UsersAccessTokenResponse,
    UsersUserAccessTokenCreatePayload,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

FORM = KeyForm("ptr_", in_base64=True)


def seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def shown(key: ApiKey, secret: Secret | None = None) -> PortainerAPIKey:
    """What Portainer tells of a key; of a new one its digest, too."""
    return PortainerAPIKey(
        id=key.number,
        user_id=key.account_number,
        description=key.name,
        prefix=key.hint,
        date_created=seconds(key.created_at),
        last_used=seconds(key.used_at),
        digest=None if secret is None else b64encode(digest(secret)).decode(),
    )


def user_generate_api_key(
    core: Core, call: Call, ask: UsersUserAccessTokenCreatePayload
) -> UsersAccessTokenResponse:
    """For oneself alone, signed in, proving the password if one has any to sign in with."""
    caller = call.caller
    caller.require_session()
    if caller.account.number != ask.id:
        raise NotTheirs
    has_password = call.settings.authentication_method == "internal" or ask.id == INITIAL_ADMIN
    if has_password and not ask.password:
        raise PasswordMissing
    password = Secret(ask.password)
    proof = proofs.prove_password(core, call.origin, caller, password) if has_password else None
    with core.begin(call.origin, writes=True) as uow:
        if proof is not None:
            proofs.settle(uow, ask.id, proof)
        key, secret = api_keys.issue(
            uow, ask.id, uow.origin.dialect, name=ask.description, permissions=[ALL], form=FORM, by=caller
        )
    return UsersAccessTokenResponse(raw_api_key=secret.reveal(), api_key=shown(key, secret))


def user_get_api_keys(uow: UnitOfWork, call: Call, ask: OfUser) -> PortainerAPIKeys:
    """One's own, and an administrator sees those of users who are none; the oldest first."""
    require_own(call, ask.id)
    account = get_account(uow, ask.id)
    if account.is_admin and account.number != call.caller.account.number:
        raise NotTheirs
    found = api_keys.owned(uow, ask.id, uow.origin.dialect)
    return PortainerAPIKeys([shown(key) for key in reversed(found)])


def user_remove_api_key(uow: UnitOfWork, call: Call, ask: OfApiKey) -> Nothing:
    require_own(call, ask.id)
    key = api_keys.get_numbered(uow, ask.id, uow.origin.dialect, ask.key_id)
    api_keys.revoke(uow, key.id, owner=ask.id, dialect=uow.origin.dialect, by=call.caller)
    return Nothing()


BOUND = (
    serve_hashing(PortainerApi.user_generate_api_key, user_generate_api_key),
    serve(PortainerApi.user_get_api_keys, user_get_api_keys),
    serve(PortainerApi.user_remove_api_key, user_remove_api_key),
)
