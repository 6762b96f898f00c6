"""Every table of the core, in one place: what the migrations must arrive at."""

from __future__ import annotations

from dragoman.core import (
    accounts,
    api_keys,
    audit,
    devices,
    elevation,
    epochs,
    facts,
    impersonation,
    keys,
    names,
    outbox,
    permissions,
    refresh,
    resets,
    sealing,
    sessions,
    setup,
    standing,
    throttle,
    upstream,
)
from dragoman.core.database import metadata

# A module registers its tables when it is imported; these are all that have any.
MODULES = (
    accounts,
    api_keys,
    audit,
    devices,
    elevation,
    epochs,
    facts,
    impersonation,
    keys,
    names,
    outbox,
    permissions,
    refresh,
    resets,
    sealing,
    sessions,
    setup,
    standing,
    throttle,
    upstream,
)

__all__ = ["MODULES", "metadata"]
