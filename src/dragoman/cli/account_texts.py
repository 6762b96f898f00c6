"""How an account is shown: in a sentence, at a glance, and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.cli import printing

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.throttle import Standing


def named(account: Account) -> str:
    """An account in a sentence."""
    return f"account {account.number} ({account.email or account.username})"


def states(account: Account) -> list[str]:
    """What is to be known of an account at a glance."""
    shown = {
        "administrator": account.is_admin,
        "disabled": account.disabled_at is not None,
        "deleted": account.deleted_at is not None,
        "must change password": account.must_change_password,
        "no password": not account.has_password,
    }
    return [state for state, holds in shown.items() if holds]


def guessed(standing: Standing) -> str:
    """What the throttle holds against an account."""
    if standing.locked:
        return f"locked after {standing.failures} failed attempts"
    if standing.blocked_until is not None:
        return (
            f"throttled until {standing.blocked_until:%H:%M:%S} UTC after {standing.failures} failed attempts"
        )
    return f"{standing.failures} failed attempts"


def public(account: Account) -> dict[str, Any]:
    """An account for programs."""
    return {
        "number": account.number,
        "id": str(account.id),
        "username": account.username,
        "email": account.email,
        "name": account.display_name,
        "admin": account.is_admin,
        "must_change_password": account.must_change_password,
        "has_password": account.has_password,
        "created_at": printing.moment(account.created_at),
        "updated_at": printing.moment(account.updated_at),
        "signed_in_at": printing.moment(account.signed_in_at),
        "disabled_at": printing.moment(account.disabled_at),
        "deleted_at": printing.moment(account.deleted_at),
    }
