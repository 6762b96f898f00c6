"""What an account is signed in to with besides its password: codes of an app, recovery codes, passkeys."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from dragoman.core import carried, demands, factors, passkeys, recovery_codes, step_up
from dragoman.core.errors import NotFound, PasskeyRefused, Refusal, TooMany, WrongCode
from dragoman.core.secrets import Secret
from dragoman.core.telling import tell_owner
from dragoman.web.pages import Answer, Form, Page, Redirect, Shown, Visit
from dragoman.web.passkeys import answered, asked, require_site, site_of
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.demands import Demand
    from dragoman.core.work import UnitOfWork

PATH = "/account/factors"
TOTP = "/account/totp"
DEMAND = f"{PATH}/demand"
PASSKEYS = "/account/passkeys"
SEED_BYTES = 20  # RFC 4226 §4
SEED_LASTS = timedelta(minutes=30)
NEW_SEED = "new seed"
ASKS: Sequence[tuple[Demand, str]] = (
    ("never", "Never"),
    ("if set", "When there is one"),
    ("always", "Always: without one nobody gets in"),
    ("passkey", "Always, and on these pages a passkey"),
)


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """What there is, and what there could be."""
    number = visit.caller.account.number
    facts = {
        "guard": demands.guard(uow, visit.caller.account),
        "asks": ASKS,
        "codes_left": recovery_codes.left(uow, number),
        "passkeys": passkeys.of_account(uow, number),
        "can_have_passkeys": site_of(visit.exchange) is not None,
        "most": passkeys.MOST,
    }
    return Shown("account/factors.html", facts)


def choose_demand(uow: UnitOfWork, visit: Visit) -> Answer:
    """Be asked for it otherwise."""
    step_up.require(uow, visit.caller)
    demands.choose(uow, demand_of(visit.form), by=visit.caller)
    tell_owner(uow, visit.caller.account, "When your account asks for a second factor was changed.")
    return Redirect(PATH, said="saved")


def demand_of(form: Form) -> Demand:
    """What was chosen of `ASKS`. Refuses `NotFound`."""
    chosen = form.text("demand")
    for demand in demands.DEMANDS:
        if demand == chosen:
            return demand
    raise NotFound("demand")


def begin_totp(uow: UnitOfWork, visit: Visit) -> Answer:
    """A seed to be scanned by an app, which shows that it has it by a code; unless there is one already."""
    step_up.require(uow, visit.caller)
    if factors.is_enabled(uow, visit.caller.account.number):
        return Redirect(PATH)
    return _totp_form(uow, visit, uow.tools.dice(SEED_BYTES))


def finish_totp(uow: UnitOfWork, visit: Visit) -> Answer:
    """The code is right: it is asked for from now on, and there are recovery codes."""
    step_up.require(uow, visit.caller)
    account, form = visit.caller.account, visit.form
    kept = carried.read(uow, NEW_SEED, form.secret("carries"))
    if kept is None:
        return Redirect(TOTP)
    factors.enable(uow, account, Secret(kept["seed"]), form.secret("code"), by=visit.caller)
    step_up.note(uow, visit.caller.require_session(), "totp")
    tell_owner(uow, account, "A second factor was set up for your account.")
    return _codes(recovery_codes.make(uow, account.number, by=visit.caller))


def totp_not_set(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The same seed again, for another code."""
    if not isinstance(refusal, WrongCode):
        return None
    kept = carried.read(uow, NEW_SEED, visit.form.secret("carries"))
    if kept is None:
        return Redirect(TOTP)
    seed = base64.b32decode(kept["seed"])
    return _totp_form(uow, visit, seed, "That code is not right. Is the clock of your phone?")


def remove_totp(uow: UnitOfWork, visit: Visit) -> Answer:
    """No code is asked for any more, and the recovery codes are dead."""
    step_up.require(uow, visit.caller)
    account = visit.caller.account
    factors.disable(uow, account, by=visit.caller)
    tell_owner(uow, account, "The second factor of your account was removed.")
    return Redirect(PATH, said="factor-removed")


def new_codes(uow: UnitOfWork, visit: Visit) -> Answer:
    """Ten others; those before are dead."""
    step_up.require(uow, visit.caller)
    account = visit.caller.account
    if not demands.guard(uow, account).has_any:
        raise NotFound("second factor")
    codes = recovery_codes.make(uow, account.number, by=visit.caller)
    tell_owner(uow, account, "New recovery codes were made for your account.")
    return _codes(codes)


def begin_passkey(uow: UnitOfWork, visit: Visit) -> Answer:
    """What the browser is asked to make."""
    step_up.require(uow, visit.caller)
    return asked(passkeys.begin_making(uow, require_site(visit.exchange), visit.caller))


def finish_passkey(uow: UnitOfWork, visit: Visit) -> Answer:
    """What it made."""
    step_up.require(uow, visit.caller)
    form, site = visit.form, require_site(visit.exchange)
    passkeys.finish_making(
        uow, site, visit.caller, form.secret("carries"), answered(form), name=form.text("name")
    )
    step_up.note(uow, visit.caller.require_session(), "passkey")  # whoever had it made unlocked it for us
    tell_owner(uow, visit.caller.account, "A passkey was added to your account.")
    return Redirect(PATH, said="passkey-added")


def passkey_not_made(_uow: UnitOfWork, _visit: Visit, refusal: Refusal) -> Answer | None:
    """That it was not added."""
    is_known = isinstance(refusal, PasskeyRefused | TooMany)
    return Redirect(PATH, said="passkey-refused") if is_known else None


def show_new_passkey(uow: UnitOfWork, visit: Visit) -> Answer:
    """Name it, and have it made."""
    step_up.require(uow, visit.caller)
    return Shown("account/passkey_new.html", {"can": site_of(visit.exchange) is not None})


def remove_passkey(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more."""
    step_up.require(uow, visit.caller)
    name = passkeys.remove(uow, visit.caller, visit.id_of("passkey"))
    tell_owner(uow, visit.caller.account, f"The passkey “{name}” was removed from your account.")
    return Redirect(PATH, said="passkey-removed")


def _totp_form(uow: UnitOfWork, visit: Visit, seed: bytes, problem: str | None = None) -> Shown:
    import segno  # noqa: PLC0415 - few ever come here

    text = base64.b32encode(seed).decode()
    issuer = f"Dragoman ({urlsplit(uow.rules.root).hostname})"
    label = quote(f"{issuer}:{visit.caller.account.username}", safe="")
    # The form that apps agree on: https://github.com/google/google-authenticator/wiki/Key-Uri-Format
    uri = f"otpauth://totp/{label}?{urlencode({'secret': text, 'issuer': issuer}, quote_via=quote)}"
    facts = {
        "carries": carried.write(uow, NEW_SEED, {"seed": text}, lasts=SEED_LASTS).reveal(),
        "seed": " ".join(text[at : at + 4] for at in range(0, len(text), 4)),
        "uri": uri,
        "picture": segno.make(uri, error="m").svg_inline(omitsize=True, border=3, light="#fff"),
        "problem": problem,
    }
    return Shown("account/totp.html", facts, 422 if problem else 200)


def _codes(codes: Sequence[Secret]) -> Shown:
    return Shown("account/recovery_codes.html", {"codes": [code.reveal() for code in codes]})


PAGES = (
    Page("GET", PATH, show, room="Passkeys and codes", without_factor=True),
    Page("POST", DEMAND, choose_demand, work=Work.WRITES),
    Page("GET", TOTP, begin_totp, without_factor=True),
    Page("POST", TOTP, finish_totp, work=Work.WRITES, explains=totp_not_set, without_factor=True),
    Page("POST", f"{TOTP}/remove", remove_totp, work=Work.WRITES),
    Page("POST", "/account/recovery-codes", new_codes, work=Work.WRITES),
    Page("GET", f"{PASSKEYS}/new", show_new_passkey, without_factor=True),
    Page("POST", f"{PASSKEYS}/new", begin_passkey, without_factor=True),
    Page("POST", PASSKEYS, finish_passkey, work=Work.WRITES, explains=passkey_not_made, without_factor=True),
    Page("POST", f"{PASSKEYS}/{{passkey}}/remove", remove_passkey, work=Work.WRITES),
)
