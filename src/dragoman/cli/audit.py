"""`dragoman audit`: who did what, when, from where; and, with --follow, what happens now."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli import printing
from dragoman.cli.dialects import find
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import AsJson, Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.database import AnyRow
    from dragoman.core.work import Core

CLI = "cli"  # what the record has for a dialect when the command line did it
EVERY = 1.0  # seconds between two looks
# A line is dated when its unit begins, by the clock of its node, and is there to be read when that has ended:
# perhaps after younger ones.
LATE = timedelta(minutes=1)
MOST_AT_ONCE = 10_000
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def audit(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on printing what happens, until Ctrl+C.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="2026-01-31, 2026-01-31T12:00, 90s, 15m, 2h, 3d or 1w.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this account did or what was done to it.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="Only what came through this dialect, or cli.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_AT_ONCE, help="How many lines at most, the newest.")
    ] = 100,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Print the audit log, the newest line last; with --follow and --json, an object to a line."""
    from dragoman.core import audit as log

    if dialect is not None:
        _require_known(dialect)
    with opened(config, database) as core:
        asked = Asked(
            account=None if account is None else _number(core, account),
            dialect=dialect,
            since=None if since is None else moment_of(since, core.tools.clock()),
        )
        if follow:
            try:
                for line in asked.following(core, limit):
                    typer.echo(json.dumps(log.told(line))) if as_json else printing.say(in_a_line(line))
            except KeyboardInterrupt:
                return
        found = asked.lines(core, asked.since, limit)
    if as_json:
        printing.as_json([log.told(line) for line in found])
        return
    columns = ("When", "Event", "Account", "Through", "Address", "By", "Facts")
    printing.table(columns, [told(line) for line in found])


@dataclass(frozen=True)
class Asked:
    """Which lines are asked for."""

    account: int | None
    dialect: str | None
    since: datetime | None

    def lines(self, core: Core, since: datetime | None, limit: int) -> Sequence[AnyRow]:
        """The newest lines since then, the newest last."""
        from dragoman.core import audit as log

        with core.begin(origin(), writes=False) as uow:
            asked = log.Filters(account=self.account, dialect=self.dialect, since=since)
            found = log.recent(uow, asked, limit=limit)
        return found[::-1]

    def following(self, core: Core, limit: int) -> Iterator[AnyRow]:
        """Lines as `lines` gives them, and then for ever each new one, once."""
        found = self.lines(core, self.since, MOST_AT_ONCE)
        yield from found[-limit:]
        while True:
            horizon = core.tools.clock() - LATE
            seen = {line.id for line in found if line.at >= horizon}
            time.sleep(EVERY)
            found = self.lines(
                core, horizon if self.since is None else max(horizon, self.since), MOST_AT_ONCE
            )
            yield from (line for line in found if line.id not in seen)


def _require_known(dialect: str) -> None:
    if dialect != CLI:
        find(dialect)


def _number(core: Core, name: str) -> int:
    """The number of an account, also of one that was purged. Refuses `NotFound`."""
    from dragoman.core import accounts
    from dragoman.core.errors import NotFound

    with core.begin(origin(), writes=False) as uow:
        number = accounts.number_of(uow, name)
    if number is None:
        raise NotFound("account")
    return number


def moment_of(text: str, now: datetime) -> datetime:
    """The instant that a date, a date and time (UTC if they do not say otherwise) or an age names."""
    try:
        if age := re.fullmatch(r"(\d{1,6})([smhdw])", text):
            return now - timedelta(**{UNITS[age[2]]: int(age[1])})
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUsage(
            f"{text} is neither a date, such as 2026-01-31, nor an age, such as 2h or 3d"
        ) from None


def told(line: AnyRow) -> tuple[str, ...]:
    """A line for people, in parts."""
    actor = "" if line.actor_number is None else f"account {line.actor_number}"
    if line.acting_as is not None:
        actor += f" as account {line.acting_as}"
    return (
        f"{line.at:%Y-%m-%d %H:%M:%S}",
        line.event,
        "" if line.account_number is None else str(line.account_number),
        line.dialect,
        line.address,
        ", ".join(filter(None, (actor, line.via))),
        ", ".join(f"{name}={_plain(value)}" for name, value in (line.detail or {}).items()),
    )


def in_a_line(line: AnyRow) -> str:
    """A line for people."""
    when, event, account, *more = told(line)
    return "  ".join(filter(None, (when, event, account and f"account {account}", *more)))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
