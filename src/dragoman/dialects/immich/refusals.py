"""Noes of Immich's own, which the core knows nothing of: `errors.py` has their words."""

from __future__ import annotations

from dragoman.core import errors as core


class SlugRefused(core.SharedLinkRefused):
    """No shared link has this name: nobody can share anything yet."""


class NoLicense(core.NotFound):
    """The user has bought none, or the server."""

    def __init__(self) -> None:
        super().__init__("license")


class LicenseRefused(core.Refusal):
    """Not a licence that is good here."""


class PasswordMissing(core.Refusal):
    """A new account needs a password."""


class LabelTaken(core.Refusal):
    """Another account has this storage label."""


class OwnAccount(core.Forbidden):
    """Nobody deletes the account they are signed in to."""


class OwnRights(core.Forbidden):
    """Administrators do not change whether they are one themselves."""


class AdminAccount(core.Forbidden):
    """1.134 deletes no administrator's account."""
