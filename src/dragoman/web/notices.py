"""What a page says once something was done on another: by name, so that nothing but these can be put into one."""

from __future__ import annotations

from collections.abc import Mapping

NOTICES: Mapping[str, str] = {
    "welcome": "Your account is made, and you are signed in. Next: which products to serve, and then connect an app.",
    "joined": "Your account is made, and you are signed in. Now connect your first app.",
    "dialect-chosen": "Saved. It holds within two seconds.",
    "signed-out": "You are signed out.",
    "reset-asked": "If that is an account with a password and an address, a link is on its way there. It works once, "
    "within half an hour.",
    "saved": "Saved.",
    "password-changed": "Your password is changed.",
    "pin-set": "Your PIN is set.",
    "pin-removed": "You have no PIN any more.",
    "factor-removed": "No code is asked for any more.",
    "link-revoked": "The link opens nothing any more.",
    "identity-unlinked": "You are not signed in by that provider any more.",
    "key-revoked": "The key opens nothing any more.",
    "session-ended": "That device is signed out.",
    "sessions-ended": "You are signed out everywhere but here.",
    "app-password-removed": "The app password was removed, and the app that used it is signed out.",
    "sign-in-approved": "Approved. Sign in on that device once more, within ten minutes.",
    "sign-in-refused": "Refused. Whoever that was knows your password: set a new one.",
    "passkey-added": "The passkey was added. Sign in with it next time.",
    "passkey-refused": "That passkey could not be added. Is it on your list already?",
    "passkey-removed": "The passkey was removed. Delete it on your device, too.",
    "account-added": "The account was made. It has no password yet: send its owner a link to set one.",
    "invited": "The invitation is on its way to them.",
    "invitation-revoked": "The invitation is good for nothing any more.",
    "account-disabled": "Nobody gets in by this account any more.",
    "account-enabled": "The account lets its owner in again.",
    "account-promoted": "They administer this server from now on.",
    "account-demoted": "They are no administrator any more.",
    "account-deleted": "The account is deleted. It can be restored here.",
    "account-restored": "The account is back.",
    "account-unlocked": "Failed attempts are forgotten.",
    "account-signed-out": "They are signed out everywhere.",
    "account-codes-removed": "No code is asked of them any more.",
    "account-passkeys-removed": "Their passkeys open nothing any more.",
    "account-reset-mailed": "A link to set a new password is on its way to them.",
    "yourself-again": "You are yourself again.",
    "mail-due": "It is handed over now.",
    "mail-given-up": "The mail is handed to nobody.",
    "key-rotated": "Another key signs from now on. What the one before signed stays good until it ends.",
    "keys-replaced": "Another key signs from now on, and what others signed is refused.",
}
