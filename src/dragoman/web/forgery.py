"""Against forged posts: each form brings back a token of the visitor's own, and the browser says it is from here.

The token is made of a secret that only the visitor's browser holds: the session's, or for whoever is not signed in
one made for the purpose, so that nobody can be signed in to another's account unawares either. It is another text
in every page (BREACH).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dragoman import csrf
from dragoman.core.errors import Refusal
from dragoman.core.secrets import mint
from dragoman.web import cookies

if TYPE_CHECKING:
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Tools
    from dragoman.exchange import Exchange
    from dragoman.web.pages import Form

FIELD = "form_token"
HEADER = "x-form-token"


class Forged(Refusal):
    """A post that does not come from a page of ours, as this visitor was shown it."""


def token(secret: Secret, tools: Tools) -> str:
    """The token for a page that is shown to whoever holds this secret."""
    return csrf.masked(csrf.key_for(secret.reveal()), tools.dice)


def bound_to(
    exchange: Exchange, session: Secret | None, tools: Tools
) -> tuple[Secret, Sequence[tuple[str, str]]]:
    """The secret that a visitor's forms are bound to, and the header that leaves it with them if it is new."""
    known = session or cookies.read(exchange, cookies.FORMS)
    if known is not None:
        return known, ()
    fresh = mint(tools.dice)
    return fresh, (cookies.kept(exchange, cookies.FORMS, fresh),)


def require_genuine(exchange: Exchange, session: Secret | None, form: Form, trusted: Sequence[str]) -> None:
    """Refuses `Forged`. `trusted` are origins beside our own whose pages may post."""
    headers = exchange.headers
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forged
    why = csrf.mistrusted(
        headers.get("origin"),
        headers.get("referer"),
        secure=exchange.secure,
        host=headers.get("host", ""),
        trusted=trusted,
    )
    told = form.text(FIELD) or headers.get(HEADER, "")
    # A form that was shown before a sign-in is sent with the cookie that it was shown by.
    secrets = [known for known in (session, cookies.read(exchange, cookies.FORMS)) if known is not None]
    if why is not None or not any(csrf.matches(told, csrf.key_for(each.reveal())) for each in secrets):
        raise Forged
