"""The pictures that the documents show: taken of the pages as they are, so that they cannot be of others.

`make screenshots` puts them into docs/images; the tests take them in a folder of their own, and hold them to their
size and weight.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Opener, sign_in
from tests.fakes import PASSWORD, do
from tests.people import presenting, somebody
from tests.running import Running

from dragoman.core import factors, recovery_codes, sessions
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Origin

pytestmark = pytest.mark.browser

SIZE = (1100, 700)
HEAVIEST = 120_000  # bytes
PAGES = {
    "account": "/account",
    "sessions": "/account/sessions",
    "factors": "/account/factors",
    "apps": "/account/apps",
    "products": "/admin/dialects",
}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
SEED = Secret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
DEVICES = (
    ("immich", Device("Pixel 9", "Android"), "203.0.113.24"),
    ("portainer", Device("Firefox", "Linux"), "192.0.2.40"),
    ("shoko", Device("Living room", "Android TV"), "192.0.2.41"),
)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Where pictures are put: the folder that SCREENSHOTS names, or one that goes with the test."""
    return Path(os.environ.get("SCREENSHOTS", tmp_path))


def inhabited(house: Running) -> str:
    """Make an account with devices of several products and a second factor. Its e-mail."""
    email = "ada@example.org"
    ada = somebody(house.core, email, display_name="Ada Lovelace", is_admin=True)
    for dialect, device, address in DEVICES:
        house.clock.forward(minutes=50)
        at = Origin(dialect, address=address, network=address)
        do(house.core, sessions.open_session, ada.number, device, origin=at)
    house.clock.forward(minutes=20)
    return email


def with_codes(house: Running, page: Any) -> None:
    """Turn codes and recovery codes on, for whoever is signed in at a page."""
    [cookie] = [each for each in page.context.cookies() if each["name"] == "dragoman"]
    me = presenting(house.core, Secret(cookie["value"]), origin=Origin("web"))
    code = Secret(code_at(seed_of(SEED), step_at(house.clock.now)))
    do(house.core, factors.enable, me.account, SEED, code, by=me, origin=Origin("web"))
    do(house.core, recovery_codes.make, me.account.number, by=me, origin=Origin("web"))


def test_every_picture_is_of_one_size_and_light_enough(
    sqlite_server: Running, opens: Opener, album: Path
) -> None:
    """Each shows a page at 1100 by 700, in light colours, and weighs less than 120 kB."""
    email = inhabited(sqlite_server)
    viewport = dict(zip(("width", "height"), SIZE, strict=True))
    page = opens("/sign-in", viewport=viewport, color_scheme="light", user_agent=FIREFOX)
    taken = [album / "sign-in.png"]
    page.screenshot(path=taken[0])
    sign_in(page, email, PASSWORD)
    with_codes(sqlite_server, page)
    for name, path in PAGES.items():
        page.goto(path)
        taken.append(album / f"{name}.png")
        page.screenshot(path=taken[-1])
    for picture in taken:
        content = picture.read_bytes()
        assert struct.unpack(">II", content[16:24]) == SIZE, picture.name  # of the header (PNG §11.2.1)
        assert len(content) < HEAVIEST, picture.name
