"""`dragoman account invite`: a link by which somebody makes an account, printed or mailed."""

from __future__ import annotations

import re

from tests.command import Command
from tests.fakes import PASSWORD
from tests.people import ALICE

LINK = re.compile(r"^http://127\.0\.0\.1:8080/invitation\?token=[0-9A-Za-z]{40}$", re.MULTILINE)


def test_a_link_is_printed_alone(command: Command) -> None:
    """The link is all there is on standard output; what it does is said on the other."""
    invited = command("account", "invite", "--days", "7")
    assert LINK.fullmatch(invited.out.strip())
    assert invited.err.startswith("Whoever opens it first makes an account here, until ")
    assert command("outbox", "list", "--json").json == []


def test_a_link_is_mailed_in_the_name_of_an_administrator(command: Command) -> None:
    """With --mail-from it is mailed and not printed; without an address to mail to it is wrong usage."""
    command("account", "add", "--email", ALICE, "--admin", "--password-stdin", stdin=PASSWORD)
    assert command("account", "invite", "--mail-from", ALICE).code == 2
    invited = command("account", "invite", "--email", "carl@example.org", "--mail-from", ALICE)
    assert (invited.code, LINK.search(invited.out)) == (0, None)
    [mail] = command("outbox", "list", "--json").json
    assert LINK.search(command("outbox", "show", mail["id"]).out)


def test_a_group_that_is_not_there_is_wrong_usage(command: Command) -> None:
    """Nothing is made for a typing error."""
    refused = command("account", "invite", "--group", "famly")
    assert (refused.code, "famly" in refused.err) == (2, True)
