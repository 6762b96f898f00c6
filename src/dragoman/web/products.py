"""The products that are served, as people are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dragoman.core.api_keys import ALL

if TYPE_CHECKING:
    from dragoman.core.keys import Signing
    from dragoman.core.secrets import KeyForm


@dataclass(frozen=True)
class Product:
    """A dialect that is served: its `title`, its addresses, and where its clients ask for one.

    `key_form` is what its API keys look like, if it knows any, and `permissions` what they can be allowed; `signing`
    is how its tokens are signed, if they are.
    """

    name: str
    title: str
    addresses: Sequence[str]
    where: str
    key_form: KeyForm | None = None
    permissions: Sequence[str] = ()
    signing: Signing | None = None

    @property
    def permission_groups(self) -> Sequence[tuple[str, Sequence[str]]]:
        """The permissions that stand for one thing each, by what they are of, as the product lists them."""
        single = (name for name in self.permissions if name != ALL)
        return [(thing, list(names)) for thing, names in groupby(single, key=_thing)]


def _thing(permission: str) -> str:
    return permission.rpartition(".")[0] or permission
