"""Noes of ELEMENTS' own, which the core knows nothing of: `errors.py` has their words."""

from __future__ import annotations

from dragoman.core import errors as core


class Unfit(core.Refusal):
    """A `field` cannot have its value, though its form is right; `says` is the sentence for people."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(f"{field}: {says}")
        self.field = field
        self.says = says


class NoSuchObject(Unfit):
    """A `field` names an object by a number that there is none of."""

    def __init__(self, field: str, number: int) -> None:
        super().__init__(field, f'Invalid pk "{number}" - object does not exist.')


class PasswordFixed(core.Forbidden):
    """The account's owner may not change its password."""
