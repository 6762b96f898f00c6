"""Every table of the core, in one place: what the migrations must arrive at."""

from __future__ import annotations

from dragoman.core import (
    access_tokens,
    accounts,
    api_keys,
    audit,
    devices,
    elevation,
    epochs,
    factors,
    facts,
    impersonation,
    keys,
    link_visits,
    names,
    outbox,
    passkeys,
    permissions,
    recovery_codes,
    refresh,
    resets,
    sealing,
    sessions,
    setup,
    setup_links,
    standing,
    step_up,
    throttle,
    tickets,
    upstream,
)
from dragoman.core.columns import metadata

# A module registers its tables when it is imported; these are all that have any.
MODULES = (
    access_tokens,
    accounts,
    api_keys,
    audit,
    devices,
    elevation,
    epochs,
    factors,
    facts,
    impersonation,
    keys,
    link_visits,
    names,
    outbox,
    passkeys,
    permissions,
    recovery_codes,
    refresh,
    resets,
    sealing,
    sessions,
    setup,
    setup_links,
    standing,
    step_up,
    throttle,
    tickets,
    upstream,
)

__all__ = ["MODULES", "metadata"]
