"""Pictures that people bring, made anew: whatever else was in the file is not in what we keep and show.

Decoders of pictures are what attackers aim at (OWASP File Upload). So only four formats are read, none of which
can name another file or run anything; the size is judged by the header, before anything is unpacked; and what
comes out is drawn from the points alone, without what a camera notes of place and time.
"""

from __future__ import annotations

import io

SIDE = 256  # points
LARGEST = 2 * 1024 * 1024  # bytes of a file
MOST_POINTS = 16_000_000  # four bytes each while it is unpacked
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

    with Image.open(io.BytesIO(file), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_POINTS:
            raise PictureUnfit("The picture has more than 16 million points.")
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))  # a large JPEG is not unpacked whole
        upright = ImageOps.exif_transpose(opened).convert("RGBA")
    clean = Image.new("RGBA", (SIDE, SIDE))
    clean.paste(ImageOps.fit(upright, (SIDE, SIDE)))
    made = io.BytesIO()
    clean.save(made, "WEBP", quality=85)
    return made.getvalue()
