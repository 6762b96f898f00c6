"""The rules an operator may set, as the core sees them: built once from settings, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dragoman.core.demands import Demand
    from dragoman.core.made_passwords import Form
    from dragoman.core.policy import Policy


@dataclass(frozen=True)
class Lifetime:
    """How long sessions of a dialect live: `idle` since last seen, `absolute` since opened (None: no end).

    `seen_every` is how stale "last seen" may get before it is written again.
    """

    idle: timedelta
    absolute: timedelta | None = None
    seen_every: timedelta = timedelta(minutes=1)
    ends_with_password: bool = False

    def idle_until(self, seen: datetime) -> datetime:
        """When a session last seen at `seen` goes idle."""
        return seen + self.idle

    def expires_at(self, opened: datetime) -> datetime | None:
        """When a session opened at `opened` ends whatever happens."""
        return None if self.absolute is None else opened + self.absolute


@dataclass(frozen=True)
class ThrottleRule:
    """Free attempts first, then delays that double up to `longest`; after `lock_after`, until unlocked."""

    free: int = 10
    address_free: int = 100
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=15)
    lock_after: int = 100
    forget: timedelta = timedelta(hours=24)

    def delay(self, failures: int, *, free: int) -> timedelta:
        """How long after the failure with this number (1, 2, …) nothing is heard."""
        beyond = failures - free
        if beyond <= 0:
            return timedelta(0)
        # Past 32 doublings every delay is the longest; the bound keeps the power from overflowing.
        doubled: timedelta = self.first * 2 ** min(beyond - 1, 32)
        return min(doubled, self.longest)


@dataclass(frozen=True)
class Rules:
    """Everything configured that the core decides by. `floors`: each product's own least length of a password.

    `products` are the products that are spoken here, as people call them, by dialect.
    """

    policy: Policy
    throttle: ThrottleRule = field(default_factory=ThrottleRule)
    lifetimes: Mapping[str, Lifetime] = field(default_factory=dict)
    floors: Mapping[str, int] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    password_login: bool = True
    second_factor_of: Literal["nobody", "administrators", "everybody"] = (
        "nobody"  # who is always asked for one
    )
    passkeys_only: bool = False  # and on the pages for a passkey
    impersonation_lasts: timedelta = timedelta(hours=1)
    audit_retention: timedelta = timedelta(days=365)
    made_passwords: Form = "words"
    root: str = "http://localhost"  # this server's address as clients call it
    reset_link: str = "http://localhost/reset-password?token="  # what the mailed secret is put behind

    def demand_on(self, *, is_admin: bool) -> Demand:
        """What all are asked for who administer, or all who do not: the least that holds for each of them."""
        those = ("everybody", "administrators") if is_admin else ("everybody",)
        if self.second_factor_of not in those:
            return "never"
        return "passkey" if self.passkeys_only else "always"

    def lifetime(self, dialect: str) -> Lifetime:
        """The lifetime of a dialect's sessions."""
        return self.lifetimes.get(dialect) or Lifetime(idle=timedelta(days=14))
