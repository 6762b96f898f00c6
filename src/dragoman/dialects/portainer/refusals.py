"""Noes of Portainer's own, which the core knows nothing of: `errors.py` has their words."""

from __future__ import annotations

from dragoman.core import errors as core


class InitialAdminOnly(core.SignInRefused):
    """While people sign in through a provider, only the first account has a password (§2.7)."""


class NoAdmin(core.NotFound):
    """There is no administrator yet."""

    def __init__(self) -> None:
        super().__init__("administrator")


class NotTheirs(core.Forbidden):
    """What belongs to another user, and is not an administrator's to touch either."""


class RoleDenied(core.Forbidden):
    """Only administrators say who is one."""


class OwnAccount(core.Forbidden):
    """Nobody removes the account they are signed in to."""


class InitialAdmin(core.Forbidden):
    """The first account is not removed."""


class PasswordMissing(core.Refusal):
    """An API key is made by proving the password."""


class NameDenied(core.Forbidden):
    """Only administrators change usernames."""
