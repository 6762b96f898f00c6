"""The releases of Immich by name, and what they do differently whatever the operation and the shape: a table.

Each `Fact` is a row: what it is about, and what holds since when. Whoever has to behave by the release asks
the row, and compares no names. `releases.py` has the differences by operation, shape and field,
`field_rules.py` what a field is asked for. Contract §0.2, §0.3, §0.5, §2.7 and §5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, get_args

from dragoman.releases import Habit, Release

Said = TypeVar("Said")

ReleaseName = Literal["1.134", "2.7", "3.2"]
NAMES: tuple[ReleaseName, ...] = get_args(ReleaseName)
# Whoever does not say which release it speaks to (a client, reading answers) speaks the first.
FIRST, LAST = NAMES[0], NAMES[-1]


def within(release: str, first: str, last: str) -> bool:
    """Whether a release is one of those from the first to the last."""
    return NAMES.index(first) <= NAMES.index(release) <= NAMES.index(last)


def up_to(release: str, since: Mapping[str, Said]) -> Sequence[Said]:
    """What a row of "since when" says up to a release: the last of it holds. Nothing: it came later."""
    return [value for first, value in since.items() if within(release, first, LAST)]


def in_force(since: Mapping[str, Said]) -> Mapping[str, Said]:
    """What of such a row holds in each release; a release before the first of them is not in it."""
    return {release: said[-1] for release in NAMES if (said := up_to(release, since))}


@dataclass(frozen=True)
class Fact(Generic[Said]):
    """Something that the releases do differently: its name, in plain words what it is, and what holds since when."""

    name: str
    about: str
    since: Mapping[str, Said]

    def of(self, release: str) -> Said:
        """What holds in a release."""
        return self._in_force[release]

    @cached_property
    def _in_force(self) -> Mapping[str, Said]:
        return in_force(self.since)


VERSION = Fact[str](
    "version", "which version it says it is", {"1.134": "1.134.0", "2.7": "2.7.5", "3.2": "3.2.2"}
)
VALIDATION = Fact[Literal["class-validator", "zod"]](
    "validation",
    "whose rules and words fields are judged in: class-validator lists sentences, zod issues",
    {"1.134": "class-validator", "3.2": "zod"},
)
REFUSAL_KEYS = Fact[tuple[str, ...]](
    "refusal_keys",
    "the keys of a refusal",
    {"1.134": ("message", "error", "statusCode", "correlationId"), "3.2": ("message",)},
)
UNREADABLE_KEYS = Fact[tuple[str, ...]](
    "unreadable_keys",
    "the keys of the refusal of a body that cannot be read",
    {"1.134": ("message", "error", "statusCode"), "3.2": ("message",)},
)
UNREADABLE_IS_CORRELATED = Fact[bool](
    "unreadable_is_correlated",
    "whether that refusal has the header of the correlation id",
    {"1.134": False, "3.2": True},
)
CORRELATION_HEADER = Fact[str](
    "correlation_header",
    "the header of an answer's correlation id; a request's own is sent back",
    {"1.134": "x-immich-cid", "3.2": "x-correlation-id"},
)
OBJECT_REQUIRED = Fact[bool](
    "object_required",
    "whether an array, or no body, is refused where fields are expected; else it has no fields",
    {"1.134": False, "3.2": True},
)
SHARE_SLUGS = Fact[bool](
    "share_slugs",
    "whether x-immich-share-slug and ?slug= hold up a credential",
    {"1.134": False, "2.7": True},
)
DEVICES_KEPT = Fact[bool](
    "devices_kept",
    "whether a session's device and app version follow its app, hourly and with each new version",
    {"1.134": False, "2.7": True},
)
UNDELETABLE = Fact[Literal["administrators", "oneself"]](
    "undeletable",
    "whom an administrator cannot delete",
    {"1.134": "administrators", "2.7": "oneself"},
)

FACTS: Sequence[Fact[Any]] = (
    VERSION,
    VALIDATION,
    REFUSAL_KEYS,
    UNREADABLE_KEYS,
    UNREADABLE_IS_CORRELATED,
    CORRELATION_HEADER,
    OBJECT_REQUIRED,
    SHARE_SLUGS,
    DEVICES_KEPT,
    UNDELETABLE,
)


def habits(release: str) -> Mapping[str, Habit]:
    """The table's column of a release."""
    return {fact.name: Habit(fact.about, fact.of(release)) for fact in FACTS}


def name_of(release: Release | None) -> str:
    """The release's name; the first's, where nobody has said which."""
    return release.name if release else FIRST


def speaks_zod(release: str) -> bool:
    """Whether a release complains in zod's issues; the ones before it list sentences."""
    return VALIDATION.of(release) == "zod"
