"""ELEMENTS, served: a handler for each operation, and the dialect they make."""

from __future__ import annotations

from dragoman.dialects.elements import (
    access_tokens,
    api_tokens,
    auth,
    errors,
    groups,
    impersonation,
    passwords,
    sharing,
    system,
    tickets,
    totp,
    users,
)
from dragoman.dialects.elements.configuration import ElementsSettings, lifetime
from dragoman.dialects.elements.credentials import TOKEN_FORM, decode, present
from dragoman.dialects.elements.gate import gate
from dragoman.dialects.elements.pages import for_people
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.serving import Dialect

dialect = Dialect(
    name="elements",
    product="ELEMENTS",
    where=(
        "In the SDK: the host of its Configuration. With the session key of a sign-in, or an API "
        "token made here."
    ),
    api=ElementsApi,
    bound=(
        *auth.BOUND,
        *passwords.BOUND,
        *api_tokens.BOUND,
        *users.BOUND,
        *groups.BOUND,
        *totp.BOUND,
        *impersonation.BOUND,
        *tickets.BOUND,
        *access_tokens.BOUND,
        *sharing.BOUND,
        *system.BOUND,
    ),
    present=present,
    credential_headers=("authorization", "cookie"),
    decode=decode,
    errors=errors,
    settings=ElementsSettings,
    lifetime=lifetime,
    key_form=TOKEN_FORM,
    media=errors.MEDIA,
    gate=gate,
    for_people=for_people,
    accounts_need_permissions=True,
)
