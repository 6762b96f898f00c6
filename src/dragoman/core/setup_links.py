"""Links by which the first administrator is made: whoever started the server was shown one.

Good until there was an account, without another end: who begins in the evening may go on in the morning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, LargeBinary, Table, delete, select

from dragoman.core import setup
from dragoman.core.columns import Instant, metadata
from dragoman.core.secrets import Secret, digest, mint

if TYPE_CHECKING:
    from dragoman.core.accounts import Account, NewAccount
    from dragoman.core.work import Core, Origin, UnitOfWork

setup_links = Table(
    "setup_links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("made_at", Instant, nullable=False),
)

MOST = 10  # starts whose links are good; those before are forgotten


def make(uow: UnitOfWork) -> Secret:
    """A new link's secret, 238 bits."""
    secret, made_at = mint(uow.tools.dice), setup_links.c.made_at
    kept = select(setup_links.c.digest).order_by(made_at.desc()).limit(MOST - 1)
    uow.db.execute(delete(setup_links).where(setup_links.c.digest.not_in(kept)))
    uow.db.execute(setup_links.insert(), {"digest": digest(secret), "made_at": uow.now})
    return secret


def is_good(uow: UnitOfWork, secret: Secret) -> bool:
    """Whether a link makes the first administrator now."""
    held = select(setup_links.c.made_at).where(setup_links.c.digest == digest(secret))
    return uow.db.scalar(held) is not None and not setup.is_done(uow)


def follow(core: Core, origin: Origin, link: Secret, new: NewAccount, password: Secret) -> Account:
    """Make the first administrator by a link. Of any number that try, by whatever way, one does.

    Refuses as `setup.create_first_admin` does.
    """
    with core.begin(origin, writes=False) as uow:
        is_open = is_good(uow, link)
    return setup.create_first_admin(core, origin, new, password, open_to_caller=is_open)
