"""`dragoman outbox …`: what mail waits, why it was not taken, and, where there is no mail server, what it says."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dragoman.cli import printing
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import AsJson, Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.outbox import Posted

app = typer.Typer(name="outbox", help="List, read and retry mail.", no_args_is_help=True)

MailId = Annotated[
    uuid.UUID, typer.Argument(metavar="MAIL_ID", help="The mail's id, as outbox list shows it.")
]


@app.command("list")
def list_mail(
    *,
    state: Annotated[
        Literal["waiting", "delivered", "refused", "expired", "withdrawn"] | None,
        typer.Option(help="Only mail of this state."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """List mail, the newest first, without what it says."""
    from dragoman.core import outbox

    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        found = outbox.listed(uow, state, limit=limit)
    if as_json:
        printing.as_json([public(mail) for mail in found])
        return
    printing.table(
        ("Mail", "For", "To", "State", "Posted", "Tried", "Next try", "Why not"),
        [
            (
                str(mail.id),
                mail.kind,
                mail.recipient,
                mail.state,
                printing.date(mail.posted_at),
                str(mail.attempts),
                printing.date(mail.due_at),
                mail.why or "",
            )
            for mail in found
        ],
    )


@app.command()
def show(mail: MailId, *, as_json: AsJson = False, config: Config = None, database: Database = None) -> None:
    """Show a mail that waits, with what it says: it may hold a secret, and who read it goes on record."""
    from dragoman.core import outbox

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        found = outbox.read(uow, mail)
    if as_json:
        letter = found.letter
        printing.as_json({"recipient": found.recipient, "subject": letter.subject, "text": letter.text})
        return
    printing.facts([("To", found.recipient), ("Subject", found.letter.subject)])
    for line in ("", *found.letter.text.splitlines()):
        printing.say(line)


@app.command()
def retry(
    mail: Annotated[
        uuid.UUID | None, typer.Argument(metavar="[MAIL_ID]", help="The mail's id, as outbox list shows it.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All mail that waits.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Let the server that runs hand mail over now, instead of waiting for its next try."""
    from dragoman.core import outbox

    if (mail is None) != every:
        raise WrongUsage("say which: MAIL_ID, or --all")
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        due = outbox.retry(uow, mail)
    printing.say(f"{due} {'mail is' if due == 1 else 'mails are'} due now.")


def public(mail: Posted) -> dict[str, Any]:
    """A mail for programs, without what it says."""
    return {
        "id": str(mail.id),
        "kind": mail.kind,
        "account": mail.account_number,
        "recipient": mail.recipient,
        "state": mail.state,
        "posted_at": printing.moment(mail.posted_at),
        "until": printing.moment(mail.until),
        "due_at": printing.moment(mail.due_at),
        "attempts": mail.attempts,
        "why": mail.why,
        "finished_at": printing.moment(mail.finished_at),
    }
