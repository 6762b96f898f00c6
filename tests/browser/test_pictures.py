"""The pictures that the documents show: taken of the pages as they are, so that they cannot be of others.

`make screenshots` puts them into docs/images; the tests take them in a folder of their own, and hold them to their
size and weight.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from tests.browser.conftest import Opener
from tests.browser.inhabited import enter, inhabit
from tests.running import Running

pytestmark = pytest.mark.browser

SIZE = (1100, 700)
HEAVIEST = 120_000  # bytes
PAGES = {
    "account": "/account",
    "sessions": "/account/sessions",
    "factors": "/account/factors",
    "apps": "/account/apps",
    "second-factor": "/account/second-factor",
    "admin": "/admin",
    "products": "/admin/dialects",
}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Where pictures are put: the folder that SCREENSHOTS names, or one that goes with the test."""
    return Path(os.environ.get("SCREENSHOTS", tmp_path))


def test_every_picture_is_of_one_size_and_light_enough(
    sqlite_server: Running, opens: Opener, album: Path
) -> None:
    """Each shows a page at 1100 by 700, in light colours, and weighs less than 120 kB."""
    inhabit(sqlite_server)
    viewport = dict(zip(("width", "height"), SIZE, strict=True))
    page = opens("/sign-in", viewport=viewport, color_scheme="light", user_agent=FIREFOX)
    taken = [album / "sign-in.png"]
    page.screenshot(path=taken[0])
    enter(sqlite_server, page)
    for name, path in PAGES.items():
        page.goto(path)
        taken.append(album / f"{name}.png")
        page.screenshot(path=taken[-1])
    for picture in taken:
        content = picture.read_bytes()
        assert struct.unpack(">II", content[16:24]) == SIZE, picture.name  # of the header (PNG §11.2.1)
        assert len(content) < HEAVIEST, picture.name
