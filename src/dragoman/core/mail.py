"""What the core may ask of the post: that one mail is handed over, to one address.

How (to which server, under what encryption) is for `dragoman.mailing` to know.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Letter:
    """What somebody is written: a subject of one line, and the same said twice, as plain text and as HTML."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """A letter on its way. Its `id` stays the same however often it is tried."""

    id: uuid.UUID
    recipient: str
    posted_at: datetime
    letter: Letter


class NotSent(Exception):
    """A mail was not taken, and may be another time. The text says why, and nothing of the letter."""


class PostAway(NotSent):
    """Nobody takes any mail at present: not reached, no encryption, not let in."""


class Undeliverable(NotSent):
    """This mail will not be taken another time either."""


# Returns when the mail was taken; raises `NotSent`.
Mailer = Callable[[Mail], None]
