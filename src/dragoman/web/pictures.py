"""Pictures that people bring, made anew: whatever else was in the file is not in what we keep and show.

Decoders of pictures are what attackers aim at (OWASP File Upload). So only four formats are read, none of which
can name another file or run anything; the size is judged by the header, before anything is unpacked; and what
comes out is drawn from the points alone, without what a camera notes of place and time.
"""

from __future__ import annotations

import io
import threading

SIDE = 256  # points
LARGEST = 2 * 1024 * 1024  # bytes of a file
MOST_OF_JPEG = 16_000_000  # points; it is made smaller while it is unpacked
MOST_OF_OTHERS = 8_000_000  # each takes up to sixteen bytes meanwhile
ONE_AT_A_TIME = threading.Lock()  # so that many who bring one need no more memory than one does
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MEDIA = "image/webp"


class PictureUnfit(Exception):
    """The file is none of the pictures that we read; its text says why, for people."""


def avatar_of(file: bytes) -> bytes:
    """The middle of a picture as a square of `SIDE` points, in WebP. Raises `PictureUnfit`."""
    if len(file) > LARGEST:
        raise PictureUnfit("The file is larger than 2 MB.")
    try:
        return _square(file)
    except PictureUnfit:
        raise
    except Exception as broken:  # what decoders make of hostile bytes is in nobody's list
        raise PictureUnfit("That is no picture in JPEG, PNG, WebP or GIF.") from broken


def _square(file: bytes) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415 - few ever come here, and it is large

    with ONE_AT_A_TIME, Image.open(io.BytesIO(file), formats=FORMATS) as opened:
        most = MOST_OF_JPEG if opened.format == "JPEG" else MOST_OF_OTHERS
        if opened.width * opened.height > most:
            raise PictureUnfit(f"The picture has more than {most // 1_000_000} million points.")
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))
        opened.load()
        plain = opened if opened.mode in ("RGB", "RGBA") else opened.convert("RGBA")
        few = plain.reduce(max(1, min(plain.size) // (2 * SIDE)))
        upright = ImageOps.exif_transpose(few).convert("RGBA")
    clean = Image.new("RGBA", (SIDE, SIDE))
    clean.paste(ImageOps.fit(upright, (SIDE, SIDE)))
    made = io.BytesIO()
    clean.save(made, "WEBP", quality=85)
    return made.getvalue()
