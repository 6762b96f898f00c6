"""The command line's way to say of an account what one product alone is told."""

from __future__ import annotations

import pytest
from tests.command import Command
from tests.contract.aivo.speech import visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.running import configured, running

TENANT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_what_an_operator_says_is_shown_by_the_product(command: Command) -> None:
    """Attributes are laid over those there are, at once also at a running server, and are taken back one by one."""
    url = f"sqlite:///{command.folder}/data/dragoman.db"
    settings = configured(url)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        person = house.person(display_name="Ada")
        held = house.log_in(person)

        def said(*words: str) -> tuple[str, str, str]:
            assert command("account", "edit", person.address, *words).code == 0
            shown = house.call("me", held.access).json()
            return shown["role"], shown["tenantId"], shown["lastName"]

        none = "00000000-0000-4000-8000-000000000001"
        assert said("--set", "aivo.role=instructor", "--set", "aivo.lastName=King = Lovelace") == (
            "instructor",
            none,
            "King = Lovelace",
        )
        assert said("--set", f"aivo.tenantId={TENANT}") == ("instructor", TENANT, "King = Lovelace")
        assert said("--set", "aivo.role=", "--set", "aivo.lastName=") == ("learner", TENANT, "")


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("aivo.role=owner", "--set aivo.role: Input should be 'super_admin', 'tenant_admin'"),
        ("aivo.tenantId=7", "--set aivo.tenantId: String should match pattern"),
        ("aivo.avatar=javascript:1", "--set aivo.avatar: String should match pattern"),
        (f"aivo.firstName={'x' * 257}", "--set aivo.firstName: String should have at most 256"),
        ("aivo.phone=1", "--set aivo.phone: there are role, tenantId, firstName, lastName, avatar"),
        ("aivvo.role=learner", "there is no dialect aivvo"),
        ("immich.role=learner", "Immich is told nothing of an account but what all products are"),
        ("role=learner", "write it as DIALECT.NAME=VALUE"),
        ("aivo.role", "write it as DIALECT.NAME=VALUE"),
    ],
)
def test_what_makes_no_sense_is_not_kept(command: Command, word: str, why: str) -> None:
    """A product, a name or a value that is none is wrong usage, and says what would be right."""
    assert command("account", "add", "--email", "a@example.org", "--no-password").code == 0
    ended = command("account", "edit", "a@example.org", "--set", word)
    assert (ended.code, why in ended.err) == (2, True), ended.err
