"""How a client of a dialect comes and goes: all that the laws of tests/laws must be told of a dialect.

A new dialect has its `JOURNEY` in `journeys/<dialect>.py`, a new operation its `Step` there; until then the laws
fail and say so. Everything else (what there is, what is protected, what is secret) they read from the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from dragoman.core.accounts import Account
from dragoman.core.errors import (
    CredentialRefused,
    NotSignedIn,
    Refusal,
    SignInRefused,
    Throttled,
    Unavailable,
)
from dragoman.core.work import Core

# The answers so far, the last one of each operation, by the operation's name.
Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """An operation that succeeds here. `arguments` are those of the client's method; some come of earlier answers.

    `key` finds the API key that is held up instead of the token. `refused` is the status of an operation that
    has nothing to give here. `headers` are those that the product's own page would send besides, whatever the
    answers so far.
    """

    operation: str
    arguments: Mapping[str, Any] | Callable[[Answers], Mapping[str, Any]] = field(default_factory=dict)
    key: Callable[[Answers], str] | None = None
    refused: int | None = None
    headers: Callable[[Answers], Mapping[str, str]] | None = None

    def told(self, answers: Answers) -> Mapping[str, Any]:
        """The arguments, once the answers before it are known."""
        return self.arguments(answers) if callable(self.arguments) else self.arguments

    @property
    def stands_alone(self) -> bool:
        """Whether it can be taken without knowing earlier answers."""
        return self.key is None and not callable(self.arguments)


@dataclass(frozen=True)
class Journey:
    """A client's way through one dialect, from an empty installation.

    `steps` succeed one after the other, and call every operation that writes or takes arguments; other ones
    that only read are called between them by themselves, and a step is passed over where a release lacks it.
    `log_in` signs in by a name and a password. `error` is the shape of a refusal's JSON, by release ("" for
    all). `examples` are asks as the product documents them.

    `statuses` are those of refusals that the product says otherwise than others do (see `USUAL`), `statuses_of`
    those of one operation; `silent` are those that it gives without a body, `texts` those that it gives with a
    plain text, which is this. `credential` is what a signed-in account holds up where
    that is not the secret of a session, and `any_case` says that it counts in capitals, too. `beforehand` makes
    the account that the steps sign in with, where the product has no call for that.
    """

    steps: Sequence[Step]
    log_in: Callable[[str, str], Step]
    error: Mapping[str, type[BaseModel]]
    examples: Mapping[str, Sequence[Mapping[str, Any]]]
    statuses: Mapping[type[Refusal], int] = field(default_factory=dict)
    statuses_of: Mapping[tuple[str, type[Refusal]], int] = field(default_factory=dict)
    silent: Sequence[int] = ()
    texts: Mapping[int, str] = field(default_factory=dict)
    credential: Callable[[Core, Account], str] | None = None
    any_case: bool = False
    beforehand: Callable[[Core], object] = bool

    def status(self, kind: type[Refusal], operation: str = "") -> int | None:
        """What a refusal must be answered with; None: any 4xx that `USUAL` does not reserve."""
        own = {refusal: status for (name, refusal), status in self.statuses_of.items() if name == operation}
        reserved = {**USUAL, **self.statuses, **own}
        return next((reserved[ancestor] for ancestor in kind.__mro__ if ancestor in reserved), None)


# 401 tells a client to drop its login, so it is for credentials and sign-ins alone; what we cannot tell is 503.
USUAL: Mapping[type[Refusal], int] = {
    NotSignedIn: 401,
    CredentialRefused: 401,
    SignInRefused: 401,
    Throttled: 429,
    Unavailable: 503,
}


class Error(BaseModel):
    """A refusal's JSON: these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)
