"""The command line's verbs about the keys that sign tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.command import Command, Ended
from tests.contract.aivo.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.running import configured, running

AIVO = ("signing-key", "rotate", "aivo")


def ok(ended: Ended) -> Ended:
    """What ended well."""
    assert ended.code == 0, ended.err
    return ended


def listed(command: Command, *more: str) -> list[dict[str, Any]]:
    """The keys, as programs read them."""
    keys: list[dict[str, Any]] = ok(command("signing-key", "list", "--json", *more)).json
    return keys


def test_a_rotation_is_listed(command: Command) -> None:
    """The newest key signs, the one before is good for a while, and nothing private is shown of either."""
    assert listed(command) == []
    first = ok(command(*AIVO)).out.split("key ")[1].split()[0]
    ok(command(*AIVO))
    old, new = listed(command)
    assert (old["kid"], old["dialect"], old["algorithm"]) == (first, "aivo", "ES256")
    assert (new["retired_at"], new["gone_at"]) == (None, None)
    assert old["retired_at"] < old["gone_at"]
    assert old.keys() == {"kid", "dialect", "algorithm", "created_at", "retired_at", "gone_at"}
    assert listed(command, "--dialect", "immich") == []
    assert len(ok(command("signing-key", "list")).out.splitlines()) == 3


def test_a_withdrawal_leaves_one_key(command: Command) -> None:
    """`--at-once` withdraws every older key."""
    for _ in range(3):
        ok(command(*AIVO))
    ok(command(*AIVO, "--at-once"))
    assert len(listed(command)) == 1


@pytest.mark.parametrize(
    ("dialect", "why"), [("immich", "Immich has no tokens that are signed"), ("aivvo", "there is no dialect")]
)
def test_what_has_no_keys_is_wrong_usage(command: Command, dialect: str, why: str) -> None:
    """A dialect whose tokens are not signed, and one that is not there, are told apart."""
    ended = command("signing-key", "rotate", dialect)
    assert (ended.code, why in ended.err) == (2, True)
    assert command("signing-key", "list", "--dialect", "aivvo").code == 2


def test_a_running_server_signs_by_the_new_key(command: Command) -> None:
    """Rotated beside it, a server goes on with the new key; tokens of the old one are good until it is withdrawn."""
    url = f"sqlite:///{command.folder}/data/dragoman.db"
    served_by = configured(url)
    clock = FakeClock(datetime.now(UTC))  # the command line goes by the real one
    with running(served_by, cheap_hasher(), clock) as served, visiting(served) as house:
        person = house.person()
        before = house.log_in(person)
        (first,) = kids(house)
        ok(command(*AIVO))
        after = house.log_in(person)
        assert kids(house) == [first, listed(command)[-1]["kid"]]
        assert (house.lives(before), house.lives(after)) == (True, True)
        ok(command(*AIVO, "--at-once"))
        house.clock.forward(seconds=30)
        assert (house.lives(before), house.lives(after)) == (False, False)
        # The sessions go on: their owners refresh.
        assert house.refresh(after).status_code == 200


def kids(house: House) -> list[str]:
    """The keys that a server publishes."""
    return [key["kid"] for key in house.ask("GET", "/.well-known/jwks.json").json()["keys"]]
