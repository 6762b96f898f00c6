"""What the pages load: a style sheet, a script and an icon, all shipped with them.

The address of each holds a digest of what it is, so a browser keeps it for a year and asks for it once.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from dragoman.exchange import Spoken

PATH = "/static/"
MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
KEPT = ("cache-control", "public, max-age=31536000, immutable")


@cache
def _files() -> dict[str, tuple[str, bytes]]:
    """Each file by its name: its address and its content."""
    found = {}
    for file in (files("dragoman.web") / "static").iterdir():
        name, content = file.name, file.read_bytes()
        stem, _, kind = name.rpartition(".")
        if kind in MEDIA:
            found[name] = (f"{PATH}{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{kind}", content)
    return found


def address(name: str) -> str:
    """Where a file of `static/` is."""
    return _files()[name][0]


def answer(path: str) -> Spoken | None:
    """The file at a path; None where none is."""
    for where, content in _files().values():
        if where == path:
            headers = (KEPT, ("cross-origin-resource-policy", "same-origin"))
            return Spoken(200, content, MEDIA[path.rpartition(".")[2]], headers)
    return None
