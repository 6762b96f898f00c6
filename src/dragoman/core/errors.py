"""Every way the core says no.

A refusal is a decision, not an accident: it carries facts as attributes, never an HTTP status nor a
sentence for a product's screen. Dialects translate it, each in one table.

    Refusal
    ├── NotSignedIn                 no credential was held up
    ├── CredentialRefused           one was, and it is not good (unknown, ended, or its owner is gone)
    │   ├── SessionRefused
    │   │   └── SessionOwnerGone    the session lives, and its owner is disabled or deleted
    │   ├── ApiKeyRefused
    │   │   └── ApiKeyOwnerGone     the key is good, and its owner is disabled or deleted
    │   ├── RefreshRefused
    │   │   └── RefreshReused       a refresh token that was spent before: two hold it
    │   ├── SharedLinkRefused
    │   ├── TicketRefused           a ticket that is good no more, or never was
    │   └── AccessTokenRefused      a one-time access token of which the same is true
    ├── SignInRefused               a sign-in that failed
    │   ├── WrongCredentials        unknown name, wrong password, disabled: nobody may tell which
    │   │   ├── CodeRequired        the password is right, and a code of the second factor is asked for
    │   │   ├── CodeRefused         the password is right, and the code is wrong or was used before
    │   │   ├── FactorMissing       the password is right, and a second factor is asked for that was never set up
    │   │   └── ApprovalRequired    the password is right, and the owner is asked on the pages about the device
    │   ├── StepOutdated            the second step of one comes too late, or after a change of password
    │   ├── PasskeyRefused          no passkey that is known here, or not shown as it was asked for
    │   ├── PasswordLoginDisabled   nobody signs in by password here
    │   ├── PasswordChangeRequired  the password is right, and nobody comes in before it is another
    │   ├── UpstreamOff             nobody signs in through another provider here
    │   ├── UpstreamFailed          the other provider vouches for nobody
    │   └── NoAccount               it does, for somebody who has no account here and gets none
    ├── Forbidden                   we know who it is, and the answer is no
    │   ├── AdminOnly
    │   ├── PermissionMissing       an API key or account without the permission that the operation asks for
    │   ├── SessionRequired         an API key where only a signed-in session will do
    │   ├── WhileImpersonating      somebody who acts as another, where only they themselves will do
    │   ├── ApiKeyRequired          a session where only an API key will do
    │   ├── LastWayIn               it is the last that they can sign in by
    │   ├── ProofOutdated           somebody who has not proved just now that it is still them
    │   └── VisitorsMayNot          a session that a link opened
    ├── ProofRefused                a proof asked of somebody who is signed in already, or holds a link
    │   ├── WrongPassword
    │   ├── WrongPin
    │   ├── WrongLinkPassword
    │   ├── WrongCode               not a code of the second factor that is good now
    │   └── ProofMissing            neither a password nor a PIN was given
    ├── PinAlreadySet
    ├── PinNotSet
    ├── FactorAlreadySet            the account has a second factor
    ├── FactorNotSet
    ├── SeedRefused                 nothing that codes could be made of
    ├── PasswordRefused             the policy's no, with its reasons
    ├── PasswordTooLong             too long even to be hashed
    ├── ResetRefused                a password is not reset by this secret: unknown, used, too late
    ├── InvitationRefused           no account is made by this link: unknown, used, too late, revoked
    ├── NoAddress                   there is no e-mail address that something could be sent to
    ├── EndInPast                   what is to be made would be over already
    ├── LinkOver                    nobody is sent a link that opens nothing
    ├── HashRefused                 a hash of another product that none can be verified by
    ├── NameRefused                 a name or e-mail address that cannot be one
    ├── NameTaken                   somebody has that name
    ├── PermissionsExceeded         more was to be given, or taken, than the one has who does it
    ├── ImpersonationRefused        nobody begins to act as somebody else this way, or stops
    │   ├── CannotImpersonate       not as this account: one's own, or one that is disabled
    │   ├── AlreadyImpersonating    who acts as somebody else does not go on to a third
    │   └── NotImpersonating        there is nothing to stop
    ├── LastAdmin                   nobody would be left to administer
    ├── OldPasswordRequired         a password may not be replaced without the one before
    ├── SetupRefused                the first administrator cannot be made this way
    │   ├── SetupDone               there is one
    │   └── SetupClosed             not from here, or not any more
    ├── NotFound                    no such thing, or it belongs to somebody else
    ├── TooMany                     there are as many of a thing as there may be
    ├── Throttled                   too many attempts; later
    └── Unavailable                 we cannot tell now; later (never to be mistaken for a no)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


class Refusal(Exception):
    """A no from the core."""


class NotSignedIn(Refusal):
    """The operation needs a caller, and no credential was held up."""


class CredentialRefused(Refusal):
    """A credential was held up that is unknown, ended, or whose owner is gone."""


class SessionRefused(CredentialRefused):
    """No live session answers to this secret."""


class SessionOwnerGone(SessionRefused):
    """A live session answers to this secret, and its owner may not."""


class ApiKeyRefused(CredentialRefused):
    """No live API key answers to this secret."""


class ApiKeyOwnerGone(ApiKeyRefused):
    """A live API key answers to this secret, and its owner may not."""


class RefreshRefused(CredentialRefused):
    """No live session is continued by this refresh token."""


class RefreshReused(RefreshRefused):
    """The refresh token was spent before, so two hold it: its family has ended."""


class SharedLinkRefused(CredentialRefused):
    """No live shared link answers to this key."""


class TicketRefused(CredentialRefused):
    """The ticket is unknown, spent or expired, or its owner may not: all alike."""


class AccessTokenRefused(CredentialRefused):
    """No link that can be opened answers to this token: unknown, expired, used up, or its people may not."""


class SignInRefused(Refusal):
    """A sign-in failed."""


class WrongCredentials(SignInRefused):
    """No enabled account has this name and this password. Which of the two failed is not said."""


class CodeRequired(WrongCredentials):
    """Name and password are right, and the account has a second factor: a code is asked for.

    Whose password it was, and which, is for whoever asks for the code next.
    """

    def __init__(self, account_number: int = 0, password_version: int = 0) -> None:
        super().__init__()
        self.account_number = account_number
        self.password_version = password_version


class CodeRefused(WrongCredentials):
    """Name and password are right, and the code is not: it is wrong, too old, or was used before."""


class FactorMissing(WrongCredentials):
    """A second factor is asked of the account, and it has none yet: its owner sets one up on the pages."""


class ApprovalRequired(WrongCredentials):
    """Name and password are right, and the account's owner is asked whether it is them: later, perhaps."""


class StepOutdated(SignInRefused):
    """The second step of a sign-in comes too late, or the password has changed since the first."""


class PasskeyRefused(SignInRefused):
    """What a browser showed is no passkey that lets anybody in. `why` is for the record, never for the caller."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


class PasswordLoginDisabled(SignInRefused):
    """The administrator has turned sign-in by password off."""


class PasswordChangeRequired(SignInRefused):
    """The password is right and must be changed first: no session is opened by it."""


class UpstreamOff(SignInRefused):
    """Nobody signs in through another provider here."""


class UpstreamFailed(SignInRefused):
    """The other provider vouches for nobody. `why` is for the operator's record, never for the caller.

    It may quote the provider, and so has nothing in it that a log or a database would stumble over.
    """

    def __init__(self, why: str) -> None:
        self.why = "".join(c if c.isprintable() else "\ufffd" for c in why)
        super().__init__(self.why)


class NoAccount(SignInRefused):
    """The other provider vouches for somebody without an account that may sign in, and none is made or linked."""


class Forbidden(Refusal):
    """The caller is known, and may not."""


class AdminOnly(Forbidden):
    """Only an administrator may."""


class PermissionMissing(Forbidden):
    """An API key, or the caller's account, lacks `permission`, in the words of the dialect it belongs to."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"the permission {permission} is lacking")
        self.permission = permission


class SessionRequired(Forbidden):
    """An API key was held up where only a session will do."""


class WhileImpersonating(Forbidden):
    """Who acts as somebody else changes nothing that somebody signs in with."""


class ApiKeyRequired(Forbidden):
    """A session was held up where only an API key will do: the caller asks about the key itself."""


class VisitorsMayNot(Forbidden):
    """The session is one that a link opened, which shows whose it is and nothing more."""


class LastWayIn(Forbidden):
    """Without it the caller could not sign in any more."""


class ProofOutdated(Forbidden):
    """The session has not proved itself lately by what its account has (core/step_up.py)."""


class ProofRefused(Refusal):
    """A caller did not prove what the operation asks to be proved."""


class WrongPassword(ProofRefused):
    """Not the caller's password (or the caller has none)."""


class WrongPin(ProofRefused):
    """Not the caller's PIN."""


class WrongLinkPassword(ProofRefused):
    """Not the link's password, or none was given."""


class WrongCode(ProofRefused):
    """Not a code of the account's second factor that is good now."""


class ProofMissing(ProofRefused):
    """Neither a password nor a PIN was given."""


class PinAlreadySet(Refusal):
    """The account has a PIN; changing one is another operation."""


class PinNotSet(Refusal):
    """The account has no PIN."""


class FactorAlreadySet(Refusal):
    """The account has a second factor: it is disabled before another takes its place."""


class FactorNotSet(Refusal):
    """The account has no second factor."""

    def __init__(self) -> None:
        super().__init__("the account has no second factor")


class SeedRefused(Refusal):
    """A seed that is not Base32, or too short or long for codes to be made of it."""


@dataclass(frozen=True)
class Reason:
    """Why a password was refused: `code` for programs, `text` for people, `limit` where there is one."""

    code: str
    text: str
    limit: int | None = None


class PasswordRefused(Refusal):
    """The password policy refuses a new password, for one or more `reasons`."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__("; ".join(reason.text for reason in reasons))
        self.reasons = tuple(reasons)


class PasswordTooLong(Refusal):
    """A password longer than `limit` bytes is refused unhashed: hashing it would be the attack."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"passwords are at most {limit} bytes long")
        self.limit = limit


class ResetRefused(Refusal):
    """No password is reset by this secret: it is unknown, was used, is too late, or the password has changed since."""


class InvitationRefused(Refusal):
    """No account is made by this link: it is unknown, was used, is too late, or whoever made it has taken it back."""


class NoAddress(Refusal):
    """The account has no e-mail address that something could be sent to."""

    def __init__(self) -> None:
        super().__init__("the account has no e-mail address")


class EndInPast(Refusal):
    """What is to be made would be over already."""


class LinkOver(Refusal):
    """The link is expired or used up, or its people may not: nobody is sent it."""


class HashRefused(Refusal):
    """A hash brought along from another product is of a kind that no password can be verified by."""

    def __init__(self) -> None:
        super().__init__("the hash is none of Argon2, bcrypt or SHA-512")


class NameRefused(Refusal):
    """`field` ("email", "username" or "display_name") cannot have this value; `why` says it for people."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field} {why}")
        self.field = field
        self.why = why


class NameTaken(Refusal):
    """Another account answers to this `field` ("email", "username") already, or another dialect ("host", "path")."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is taken")
        self.field = field


class PermissionsExceeded(Refusal):
    """Nobody gives a permission that they do not have, to a key, an account or a group, nor takes one."""


class ImpersonationRefused(Refusal):
    """Nobody begins to act as somebody else this way, or stops."""


class CannotImpersonate(ImpersonationRefused):
    """The account is one's own, or disabled."""


class AlreadyImpersonating(ImpersonationRefused):
    """The session acts as somebody else already: stop comes first."""


class NotImpersonating(ImpersonationRefused):
    """The caller acts as nobody but themselves."""


class LastAdmin(Refusal):
    """The account is the last administrator's who can sign in: it stays one, enabled and there."""


class OldPasswordRequired(Refusal):
    """The password may be replaced only by proving the one before it."""


class SetupRefused(Refusal):
    """The first administrator cannot be made by this call."""


class SetupDone(SetupRefused):
    """The installation has had its first account."""


class SetupClosed(SetupRefused):
    """Not from this address, or not any more: the CLI or the configuration makes the first one."""


class NotFound(Refusal):
    """There is no such `thing`, or it is not the caller's to see."""

    def __init__(self, thing: str) -> None:
        super().__init__(f"no such {thing}")
        self.thing = thing


class TooMany(Refusal):
    """There are as many of a `thing` as there may be, which is `limit`."""

    def __init__(self, thing: str, limit: int) -> None:
        super().__init__(f"there may be no more than {limit}: {thing}")
        self.thing = thing
        self.limit = limit


class Throttled(Refusal):
    """Too many attempts; the next one is heard after `retry_after`."""

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__(f"too many attempts, retry after {retry_after}")
        self.retry_after = retry_after


class Unavailable(Refusal):
    """We cannot tell now. `why` is for the operator's log, never for the caller."""

    def __init__(self, *, retry_after: timedelta, why: str) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.why = why


class DatabaseUnfit(Exception):
    """The database cannot be used as configured; the text says why and what would do. Not a refusal: it ends a start."""
