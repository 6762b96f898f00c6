"""The releases of Immich that can be spoken, and everything in which they differ: tables, to be read as such.

`wire.py` has each operation and each shape once, with all that any release has. The tables say since when,
and until when. Contract §5.1 and §8; the names of permissions are the products' own.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.dialects.immich.permissions import PERMISSIONS
from dragoman.releases import Release

NAMES = ("1.134", "2.7", "3.2")
VERSIONS = {"1.134": "1.134.0", "2.7": "2.7.5", "3.2": "3.2.2"}

RELEASES: Mapping[str, Release] = {
    "1.134": Release("1.134", VERSIONS["1.134"], permissions=PERMISSIONS),
}
