"""What a new password must be like: NIST SP 800-63B-4 §3.1.1.2, as far as the operator wants it.

No composition rules and no expiry: length, and not what an attacker tries first. That is a common password,
one of the account's own names, or this service's name; each also with digits or punctuation around it,
since `password1!` falls to the same guess. Nothing is found *inside* a longer phrase: `correct monkey
battery` contains a common password, and is a good one.

The common ones come from a list beside this file (see `common_passwords.md`), read at the first question.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from dragoman.core.errors import PasswordRefused, PasswordTooLong, Reason
from dragoman.core.passwords import octets

if TYPE_CHECKING:
    from dragoman.core.rules import Rules
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, Origin

SERVICE = "dragoman"

# With something around it, a shorter word is no longer what gives a password away: `a` in `a!738201`.
LEAST_WORD = 4
LEAST_NAME = 3


@dataclass(frozen=True)
class Policy:
    """One profile of rules. Lengths are Unicode code points after NFC.

    `guessable` refuses common passwords and names. `product_floor` lets the product that asks demand more
    than `least`.
    """

    name: str
    least: int
    guessable: bool = True
    product_floor: bool = False


POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("standard", least=8),
        Policy("nist", least=15),
        Policy("legacy", least=1, guessable=False, product_floor=True),
    )
}


def check(password: str, *, policy: Policy, floor: int = 0, names: Iterable[str] = ()) -> tuple[Reason, ...]:
    """Every reason against `password`; none, and it may be used.

    `names` are the account's: username, e-mail address (its local part is added here), display name. `floor`
    is the product's own least length. Codes: `not_text`, `too_long` (limit in bytes), `too_short` (limit in
    code points), `too_common`, `contains_name`, `contains_service`.
    """
    reasons: list[Reason] = []
    try:
        octets(password)
    except PasswordTooLong as refusal:
        # Alone: looking further would be work on a megabyte.
        return (Reason("too_long", f"Use at most {refusal.limit} bytes", refusal.limit),)
    except PasswordRefused as refusal:
        reasons += refusal.reasons
    least = max(policy.least, floor) if policy.product_floor else policy.least
    if len(unicodedata.normalize("NFC", password)) < least:
        reasons.append(
            Reason("too_short", f"Use at least {least} character{'' if least == 1 else 's'}", least)
        )
    if policy.guessable:
        reasons += _guesses(_fold(password), names)
    return tuple(reasons)


def require(password: str, *, policy: Policy, floor: int = 0, names: Iterable[str] = ()) -> None:
    """As `check`; refuses `PasswordRefused` with all reasons."""
    if reasons := check(password, policy=policy, floor=floor, names=names):
        raise PasswordRefused(reasons)


def require_fit(core: Core, origin: Origin, password: Secret, names: Iterable[str]) -> None:
    """As `require`, by the rules there are and the floor of the product that the password comes through."""
    if reasons := unfit(core.rules, origin, password, names):
        raise PasswordRefused(reasons)


def unfit(rules: Rules, origin: Origin, password: Secret, names: Iterable[str]) -> tuple[Reason, ...]:
    """As `check`, by these rules and the floor of the product that the password comes through."""
    floor = rules.floors.get(origin.dialect, 0)
    return check(password.reveal(), policy=rules.policy, floor=floor, names=names)


def _guesses(folded: str, names: Iterable[str]) -> Iterator[Reason]:
    if folded in common_passwords():
        yield Reason("too_common", "It is one of the most common passwords")
    elif _is_common_in_disguise(folded):
        yield Reason("too_common", "It is a common password with digits or punctuation around it")
    if any(_is_only(name, folded) for name in _with_local_parts(names)):
        yield Reason("contains_name", "It is your own name or e-mail address, or little more")
    if _is_service(folded):
        yield Reason("contains_service", "It is the name of this service, or little more")


@cache
def common_passwords() -> Mapping[str, int]:
    """The shipped list, in the form in which passwords are compared, each with its rank; the most common has 1."""
    packed = (resources.files("dragoman.core") / "common_passwords.txt.gz").read_bytes()
    return {word: rank for rank, word in enumerate(gzip.decompress(packed).decode().split(), 1)}


@cache
def _longest_common() -> int:
    return max(map(len, common_passwords()))


def _fold(text: str) -> str:
    """The form in which passwords are compared: NFKC and case folded, so full-width letters are no way out."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_common_in_disguise(folded: str) -> bool:
    return any(word in common_passwords() for word in _words_within(folded))


def _words_within(folded: str) -> Iterator[str]:
    """What `folded` may be a disguise of: itself without some of the digits and punctuation at its ends.

    All its letters stay, so a second word is never cut off, and what has no letters loses punctuation only:
    random digits often begin or end with a common number.
    """
    letters = [place for place, char in enumerate(folded) if char.isalpha()]
    kept = letters or [place for place, char in enumerate(folded) if char.isalnum()]
    if not kept:
        return
    first, last = kept[0], kept[-1]
    # A word may itself begin with digits (1q2w3e4r) or end with them (trustno1), so both ends vary.
    for start in {0, first}:
        shortest, longest = max(last + 1, start + LEAST_WORD), start + _longest_common()
        for end in range(shortest, min(len(folded), longest) + 1):
            yield folded[start:end]


def _with_local_parts(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield name
        if "@" in name:
            yield name.rpartition("@")[0]


def _is_only(name: str, folded: str) -> bool:
    """Whether `folded` is `name`, or nothing but it (once or more) and digits and punctuation."""
    name = _fold(name).strip()
    if name and name == folded:
        return True
    # Letters and digits alone, so that alice.smith, Alice Smith and alice_smith! are one.
    name, rest = _squeeze(name), _squeeze(folded)
    if len(name) < LEAST_NAME or not any(map(str.isalpha, name)):
        return False
    return name in rest and not any(map(str.isalpha, rest.replace(name, "")))


def _is_service(folded: str) -> bool:
    """Whether `folded` is this service's name, alone or with digits, punctuation or a common password."""
    if _is_only(SERVICE, folded):
        return True
    before, found, after = _squeeze(folded).partition(SERVICE)
    rest = before + after
    return bool(found) and (rest in common_passwords() or _is_common_in_disguise(rest))


def _squeeze(folded: str) -> str:
    return "".join(filter(str.isalnum, folded))
