"""One account, what it holds, and what an administrator may do with it.

Nobody but its owner ever knows its password: an administrator hands over a link by which the owner sets one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from dragoman.core import (
    accounts,
    api_keys,
    app_passwords,
    approvals,
    audit,
    demands,
    devices,
    elevation,
    factors,
    groups,
    impersonation,
    invitations,
    passkeys,
    recovery_codes,
    resets,
    session_ends,
    session_lists,
    step_up,
    throttle,
    upstream,
)
from dragoman.core.accounts import Changes
from dragoman.core.telling import tell_owner
from dragoman.web.account.factors import ASKS, demand_of
from dragoman.web.account.sessions import described, place, products
from dragoman.web.admin.accounts import PATH, page_of
from dragoman.web.admin.paging import account_of
from dragoman.web.pages import HOME, Answer, Handler, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

ONE = f"{PATH}/{{number}}"
FEW = 10  # sessions and keys that are shown here; their own pages have all
ACTING = "impersonate"  # an administrator may do everything, whatever it is called


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Who it is, and what it holds."""
    account = account_of(uow, visit)
    number, this = account.number, visit.caller.session
    keys = api_keys.page(uow, number, limit=FEW + 1)
    signed_in = session_lists.page(uow, account_number=number, limit=FEW + 1)
    waiting = approvals.waiting(uow, number)
    facts = {
        "account": account,
        "is_me": number == visit.caller.account.number,
        "guessing": throttle.standing(uow, number),
        "sessions": [place(each, None if this is None else this.id) for each in signed_in[:FEW]],
        "more_sessions": len(signed_in) > FEW,
        "keys": keys[:FEW],
        "more_keys": len(keys) > FEW,
        "products": products(),
        "app_passwords": app_passwords.of_account(uow, number),
        "approvals": [(each, described(each.name, each.os)) for each in waiting],
        "devices": devices.known(uow, number),
        "invitations": [
            (each, each.state(uow.now)) for each in invitations.concerning(uow, number, limit=FEW)
        ],
        "guard": demands.guard(uow, account),
        "asks": ASKS,
        "codes_left": recovery_codes.left(uow, number),
        "passkeys": passkeys.of_account(uow, number),
        "has_pin": elevation.has_pin(uow, number),
        "groups": groups.of_account(uow, number),
        "identities": upstream.identities_of(uow, number),
        "mails": uow.tools.mailer is not None and account.email is not None,
    }
    return Shown("admin/account.html", facts)


Deed: TypeAlias = Callable[["UnitOfWork", "Account", "Principal"], object]


def _doing(deed: Deed, said: str) -> Handler:
    """The handler that does something with an account, after a fresh proof, and says so on its page."""

    def handle(uow: UnitOfWork, visit: Visit) -> Answer:
        step_up.require(uow, visit.caller)
        account = account_of(uow, visit)
        deed(uow, account, visit.caller)
        return Redirect(page_of(account.number), said=said)

    return handle


def _disable(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.disable(uow, account.number, by=by)


def _enable(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.enable(uow, account.number, by=by)


def _promote(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.change(uow, account.number, Changes(is_admin=True), by=by)
    tell_owner(uow, account, "You were made an administrator.")


def _demote(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.change(uow, account.number, Changes(is_admin=False), by=by)


def _delete(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.delete_softly(uow, account.number, by=by)


def _restore(uow: UnitOfWork, account: Account, by: Principal) -> None:
    accounts.restore(uow, account.number, by=by)


def _end_sessions(uow: UnitOfWork, account: Account, by: Principal) -> None:
    session_ends.end_all(uow, account.number, but=by.session, by=by)


def _drop_codes(uow: UnitOfWork, account: Account, by: Principal) -> None:
    factors.disable(uow, account, by=by)
    tell_owner(uow, account, "An administrator removed the second factor of your account.")


def _drop_passkeys(uow: UnitOfWork, account: Account, by: Principal) -> None:
    passkeys.remove_all(uow, account.number, by=by)
    tell_owner(uow, account, "An administrator removed the passkeys of your account.")


def _unlock(uow: UnitOfWork, account: Account, by: Principal) -> None:
    counters = throttle.unlock(uow, account.number)
    audit.record(uow, "account unlocked", account=account.number, by=by, counters=counters)


def _forget_devices(uow: UnitOfWork, account: Account, by: Principal) -> None:
    devices.forget_all(uow, account.number, by=by)


def _mail_reset(uow: UnitOfWork, account: Account, by: Principal) -> None:
    resets.mail(uow, account, by=by)


def end_app_password(uow: UnitOfWork, visit: Visit) -> Answer:
    """One of theirs opens nothing any more, and what it opened is closed."""
    step_up.require(uow, visit.caller)
    account = account_of(uow, visit)
    ended = app_passwords.end(uow, visit.id_of("app_password"), by=visit.caller, owner=account.number)
    tell_owner(uow, account, f"An administrator removed the app password “{ended.name}” of your account.")
    return Redirect(page_of(account.number), said="account-app-password-ended")


def refuse_approval(uow: UnitOfWork, visit: Visit) -> Answer:
    """A sign-in that waits for their word does not pass."""
    step_up.require(uow, visit.caller)
    account = account_of(uow, visit)
    approvals.refuse(uow, visit.id_of("approval"), by=visit.caller, owner=account.number)
    return Redirect(page_of(account.number), said="account-approval-refused")


def show_reset_link(uow: UnitOfWork, visit: Visit) -> Answer:
    """The link by which the owner sets a password, for the administrator to hand over. It is shown once."""
    step_up.require(uow, visit.caller)
    account = account_of(uow, visit)
    started = resets.start(uow, account, by=visit.caller)
    facts = {"account": account, "link": started.link.reveal(), "until": started.expires_at}
    return Shown("admin/reset_link.html", facts)


def demand_factor(uow: UnitOfWork, visit: Visit) -> Answer:
    """Decide when a second factor is asked of them; or leave that to them."""
    step_up.require(uow, visit.caller)
    account, form = account_of(uow, visit), visit.form
    demands.impose(uow, account.number, demand_of(form) if form.text("demand") else None, by=visit.caller)
    tell_owner(uow, account, "An administrator changed when your account asks for a second factor.")
    return Redirect(f"{PATH}/{account.number}", said="account-demand-saved")


def act_as(uow: UnitOfWork, visit: Visit) -> Answer:
    """See what they see, and do what they may, for a while. A banner on every page says so."""
    step_up.require(uow, visit.caller)
    impersonation.start(uow, visit.caller, account_of(uow, visit).number, permission=ACTING)
    return Redirect(HOME)


def stop_acting(uow: UnitOfWork, visit: Visit) -> Answer:
    """Be oneself again."""
    impersonation.stop(uow, visit.caller)
    return Redirect(page_of(visit.caller.account.number), said="yourself-again")


DEEDS: tuple[tuple[str, Deed, str], ...] = (
    ("disable", _disable, "account-disabled"),
    ("enable", _enable, "account-enabled"),
    ("promote", _promote, "account-promoted"),
    ("demote", _demote, "account-demoted"),
    ("delete", _delete, "account-deleted"),
    ("restore", _restore, "account-restored"),
    ("unlock", _unlock, "account-unlocked"),
    ("sessions/end", _end_sessions, "account-signed-out"),
    ("codes/remove", _drop_codes, "account-codes-removed"),
    ("passkeys/remove", _drop_passkeys, "account-passkeys-removed"),
    ("devices/forget", _forget_devices, "account-devices-forgotten"),
    ("reset", _mail_reset, "account-reset-mailed"),
)
PAGES = (
    Page("GET", ONE, show, Who.ADMIN),
    *(
        Page("POST", f"{ONE}/{name}", _doing(deed, said), Who.ADMIN, Work.WRITES)
        for name, deed, said in DEEDS
    ),
    Page("POST", f"{ONE}/app-passwords/{{app_password}}/end", end_app_password, Who.ADMIN, Work.WRITES),
    Page("POST", f"{ONE}/approvals/{{approval}}/refuse", refuse_approval, Who.ADMIN, Work.WRITES),
    Page("POST", f"{ONE}/reset-link", show_reset_link, Who.ADMIN, Work.WRITES),
    Page("POST", f"{ONE}/second-factor", demand_factor, Who.ADMIN, Work.WRITES),
    Page("POST", f"{ONE}/act", act_as, Who.ADMIN, Work.WRITES),
    Page("POST", "/admin/stop-acting", stop_acting, work=Work.WRITES),
)
