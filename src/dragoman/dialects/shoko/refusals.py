"""Noes of Shoko's own, which the core knows nothing of: `errors.py` has their words."""

from __future__ import annotations

from dragoman.core import errors as core


class NothingToDelete(core.Refusal):
    """A body was sent to delete by, and it names neither a key nor a device."""


class UnknownKey(core.Refusal):
    """It names one that is not there."""


class NotRunning(core.Refusal):
    """Nobody ever made an account: the original's server does not run before that."""
