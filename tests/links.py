"""Links for the tests: people who make them, and visitors who open them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.fakes import ELSEWHERE, ORIGIN, do

from dragoman.core import access_tokens, link_visits
from dragoman.core.access_tokens import NewAccessToken, OneTimeAccessToken, SharedObject
from dragoman.core.link_visits import Opened
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, UnitOfWork

LINK_PASSWORD = "open sesame"
BUNDLE = SharedObject("bundle", 5, "Dailies")
FOLDER = SharedObject("directory", 5, "Stills")


def made(core: Core, by: Principal, **asked: Any) -> tuple[OneTimeAccessToken, Secret]:
    """A link of the caller's, opened as themselves unless told otherwise, and its token."""
    if (password := asked.pop("password", None)) is not None:
        asked["password"] = core.tools.hasher.hash(password)
    new = replace(NewAccessToken(by.account.number, "/media/shared", shared=(BUNDLE,)), **asked)
    link = do(core, access_tokens.issue, new, by=by)
    return link, do(core, access_tokens.token_of, link)


def opened(core: Core, token: Secret, *, password: str | None = None, **named: Any) -> Opened:
    """What a visitor gets who opens a link, from elsewhere."""
    shown = None if password is None else Secret(password)

    def then(_uow: UnitOfWork, opened: Opened) -> Opened:
        return opened

    return link_visits.open_link(core, ELSEWHERE, token, Device("phone"), then=then, password=shown, **named)


def looked_at(core: Core, token: Secret, origin: Any = ORIGIN) -> OneTimeAccessToken:
    """What a mail scanner sees."""
    with core.begin(origin, writes=False) as uow:
        return link_visits.look_at(uow, token)
