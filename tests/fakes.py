"""Honest stand-ins for what the core asks of the world: a clock that is set, and a hash that costs little."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dragoman.core.passwords import Hasher
from dragoman.core.policy import POLICIES
from dragoman.core.rules import Lifetime, Rules, ThrottleRule
from dragoman.core.work import Core, Origin, UnitOfWork

Result = TypeVar("Result")

START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
PASSWORD = "correct-horse-7-battery"
NEW_PASSWORD = "staple-9-correct-horse"
ORIGIN = Origin("immich", address="192.0.2.7", network="192.0.2.7", agent="tests", request_id="test")
ELSEWHERE = Origin(
    "immich", address="198.51.100.9", network="198.51.100.9", agent="strangers", request_id="test"
)


class FakeClock:
    """Shows what it was set to, until it is set again."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now

    def monotonic(self) -> float:
        """The same in seconds since some moment, which nobody sets back."""
        return (self.now - START).total_seconds() + 1000.0

    def forward(self, **by: float) -> None:
        """Move on by that much: `clock.forward(minutes=15)`."""
        self.now += timedelta(**by)


def cheap_hasher() -> Hasher:
    """Argon2id like the real one's, at a thousandth of its cost."""
    return Hasher(memory_kib=16, passes=1, lanes=1)


def rules(*, throttle: ThrottleRule | None = None) -> Rules:
    """The default rules, with Immich's lifetime and one dialect whose sessions end with the password."""
    return Rules(
        policy=POLICIES["standard"],
        throttle=throttle or ThrottleRule(),
        lifetimes={
            "immich": Lifetime(idle=timedelta(days=90), seen_every=timedelta(hours=1)),
            "strict": Lifetime(idle=timedelta(hours=8), absolute=timedelta(days=1), ends_with_password=True),
        },
        products={"immich": "Immich", "strict": "Strict"},
    )


def do(
    core: Core, use_case: Callable[..., Result], *args: object, origin: Origin = ORIGIN, **named: object
) -> Result:
    """Run a use case in a writing unit of its own."""

    def run(uow: UnitOfWork) -> Result:
        return use_case(uow, *args, **named)

    with core.begin(origin, writes=True) as uow:
        return run(uow)
