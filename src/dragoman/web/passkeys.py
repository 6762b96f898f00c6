"""Passkeys on the pages: what a script asks the browser for, and brings back. The one thing that needs a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dragoman.core import passkeys
from dragoman.core.passkeys import Site
from dragoman.exchange import Exchange, Malformed, Spoken, parse_json, spoken_json
from dragoman.network import parse_address
from dragoman.web.pages import Answer, Page, Visit, Who

if TYPE_CHECKING:
    from dragoman.core.passkeys import Begun
    from dragoman.core.work import UnitOfWork
    from dragoman.web.pages import Form


def site_of(exchange: Exchange) -> Site | None:
    """Whose passkeys a page of this request may ask for; None where browsers have none.

    That is for host names over TLS, and "localhost" (WebAuthn §5.1.3, Secure Contexts §3.1). Devices know keys by the
    name in the address bar, so a request's own Host header cannot lead them to another's.
    """
    scheme = "https" if exchange.secure else "http"
    origin = f"{scheme}://{exchange.headers.get('host', '').lower()}"
    is_name = parse_address(exchange.host.strip("[]")) is None
    if not is_name or (scheme == "http" and exchange.host != "localhost"):
        return None
    return Site(urlsplit(origin).hostname or "", origin)


def require_site(exchange: Exchange) -> Site:
    """The same; `Malformed` where there is none."""
    site = site_of(exchange)
    if site is None:
        raise Malformed("there are no passkeys at this address")
    return site


def asked(begun: Begun) -> Spoken:
    """What a script is told to ask the browser for."""
    return spoken_json(200, {"options": begun.options, "carries": begun.carries.reveal()})


def in_page(begun: Begun) -> str:
    """The same, for a page that asks as soon as it is there."""
    return json.dumps({"options": begun.options, "carries": begun.carries.reveal()})


def answered(form: Form) -> Mapping[str, Any]:
    """What the browser answered, as a script brings it. Refuses `Malformed`."""
    value = parse_json(form.text("answer").encode())
    if not isinstance(value, dict):
        raise Malformed("this is no answer")
    return value


def begin_showing(uow: UnitOfWork, visit: Visit) -> Answer:
    """Ask for any passkey of ours: to sign in, or to prove oneself anew."""
    return asked(passkeys.begin_showing(uow, require_site(visit.exchange)))


PAGES = (Page("POST", "/passkey", begin_showing, Who.ANYBODY),)
