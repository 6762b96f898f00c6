"""Pictures of people: whatever is brought is made anew or refused, and shown to whoever is signed in."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import httpx2
import pytest
from PIL import ExifTags, Image
from tests.people import rows, somebody
from tests.running import Running
from tests.visiting import Browser

from dragoman.core.avatars import avatars

PATH = "/account/profile"
PICTURE = f"{PATH}/picture"
SECRET = "taken at home"


def photo(kind: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    """A picture, red at the left, whose camera has noted a secret."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = SECRET
    file = io.BytesIO()
    picture.save(file, kind, exif=exif)
    return file.getvalue()


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG of this size, of one bit a point, whose points are `data`, packed."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def bring(browser: Browser, file: bytes, name: str = "me.jpg") -> httpx2.Response:
    """Send a file as the profile page does."""
    browser.go(PATH)
    return browser.client.post(
        PICTURE, data=dict(browser.form(PICTURE)), files={"picture": (name, file, "image/jpeg")}
    )


def shown(browser: Browser) -> httpx2.Response:
    """The picture on the profile page, as a browser loads it."""
    found = re.search(r'src="(/avatar/[^"]+)"', browser.go(PATH).text)
    assert found is not None
    return browser.client.get(found[1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_F_04_a_picture_is_made_anew(house: Running, browser: Browser, kind: str) -> None:
    """What is shown is a square of 256 points in WebP, without anything that the camera noted, in a box of its own."""
    browser.sign_in()
    assert bring(browser, photo(kind)).headers["location"] == f"{PATH}?said=saved"
    answer = shown(browser)
    assert answer.headers["content-type"] == "image/webp"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert SECRET.encode() not in answer.content
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size, dict(picture.getexif())) == ("WEBP", (256, 256), {})
        points = picture.convert("RGB")
        left, right = points.crop((5, 128, 6, 129)).tobytes(), points.crop((250, 128, 251, 129)).tobytes()
        assert (left[0] > 200, left[2] < 60, right[0] < 60, right[2] > 200) == (True, True, True, True)


HOSTILE = {
    "nothing": b"",
    "no picture": b"hello",
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a page": b"<html><script>alert(1)</script></html>",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "cut off": photo()[:2000],
    "a bomb": png(50_000, 50_000, bytes(1_000_000)),
    "less than it says": png(1000, 1000, b""),
    "random points": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_F_04_what_is_no_picture_is_refused(house: Running, browser: Browser, what: str) -> None:
    """The form says why, nothing is kept, and the server goes on."""
    browser.sign_in()
    answer = bring(browser, HOSTILE[what], "me.svg")
    assert answer.status_code == 422
    assert re.search(r'role="alert">(That is no picture|The picture has more)', answer.text)
    assert rows(house.core, avatars) == []


def test_F_04_a_small_file_takes_no_large_memory(tmp_path: Path) -> None:
    """The worst of what is read, four hundred bytes that say eight million points, takes at most 150 MB for a moment."""
    file = tmp_path / "bomb.webp"
    Image.new("RGBA", (2828, 2828)).save(file, "WEBP", lossless=True)
    assert file.stat().st_size < 1000
    code = (
        "import pathlib, resource, sys; from PIL import Image; Image.init()\n"
        "from dragoman.web.pictures import avatar_of\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "file, before = pathlib.Path(sys.argv[1]).read_bytes(), peak()\n"
        "avatar_of(file); print((peak() - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150


def test_F_04_a_path_in_a_files_name_leads_nowhere(house: Running, browser: Browser) -> None:
    """What a file was called is not looked at."""
    browser.sign_in()
    assert bring(browser, photo(), "../../../etc/cron.d/x\x00.jpg").status_code == 303
    [row] = rows(house.core, avatars)
    assert set(row) == {"account_number", "picture"}


def test_a_file_that_is_too_large_is_not_read(browser: Browser) -> None:
    """Two megabytes are read and refused in the form; a little more is 413."""
    browser.sign_in()
    assert bring(browser, bytes(2 * 1024 * 1024 + 1)).status_code == 422
    assert bring(browser, bytes(2 * 1024 * 1024 + 65 * 1024)).status_code == 413


def test_who_brings_none_is_shown_by_a_letter_and_so_again_afterwards(
    house: Running, browser: Browser
) -> None:
    """The first letter of the name, as text; a picture that is removed is gone."""
    browser.sign_in()
    browser.go(PATH)
    browser.send(PATH, display_name="<Alice>")
    answer = shown(browser)
    assert (answer.headers["content-type"], "&lt;" in answer.text) == ("image/svg+xml", True)
    bring(browser, photo())
    browser.go(PATH)
    assert "Saved." in browser.send(f"{PICTURE}/remove").text
    assert (shown(browser).headers["content-type"], rows(house.core, avatars)) == ("image/svg+xml", [])


def test_pictures_are_for_whoever_is_signed_in(house: Running, browser: Browser) -> None:
    """A stranger is asked to sign in; somebody who is not there has no picture."""
    carol = somebody(house.core, "carol@example.org")
    assert browser.client.get(f"/avatar/{carol.id}").headers["location"].startswith("/sign-in")
    browser.sign_in()
    assert browser.client.get(f"/avatar/{carol.id}").status_code == 200
    assert browser.client.get("/avatar/00000000-0000-4000-8000-000000000000").status_code == 404
    assert browser.client.get("/avatar/me").status_code == 404


NO_FORMS = {
    "no boundary": ("multipart/form-data", b"--x--\r\n", 400),
    "cut off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
        400,
    ),
    "no name": ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--", 400),
    "too many parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 30 + b"--x--",
        400,
    ),
}


@pytest.mark.parametrize("what", NO_FORMS)
def test_parts_that_make_no_form_are_refused(browser: Browser, what: str) -> None:
    """What no browser sends is 400."""
    media, raw, status = NO_FORMS[what]
    browser.sign_in()
    answer = browser.client.post(PICTURE, content=raw, headers={"content-type": media})
    assert answer.status_code == status


def test_W_01_a_picture_from_another_site_is_refused(house: Running, browser: Browser) -> None:
    """A form in parts brings its token as every other; and pages without files read none."""
    browser.sign_in()
    files = {"picture": ("me.jpg", photo(), "image/jpeg")}
    assert browser.client.post(PICTURE, data={"form_token": "x"}, files=files).status_code == 403
    assert browser.client.post(PATH, data={"display_name": "x"}, files=files).status_code == 415
    assert rows(house.core, avatars) == []
