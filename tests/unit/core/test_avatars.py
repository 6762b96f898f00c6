"""Pictures that stand for people: one for each, in place of the one before, gone with its account."""

from __future__ import annotations

from tests.fakes import FakeClock, do
from tests.people import calling, events, rows, somebody

from dragoman.core import accounts, avatars
from dragoman.core.work import Core


def test_a_picture_takes_the_place_of_the_one_before(core: Core, clock: FakeClock) -> None:
    """Each account has one or none; to change it dates the account, and is on record."""
    account = somebody(core)
    caller = calling(core, account)
    for picture in (b"first", b"second"):
        clock.forward(seconds=1)
        do(core, avatars.put, account.number, picture, by=caller)
    assert do(core, avatars.find, account.number) == b"second"
    assert do(core, avatars.has_one, account.number)
    found = do(core, accounts.find_by_number, account.number)
    assert found is not None
    assert found.updated_at == clock.now
    assert events(core).count("avatar set") == 2


def test_a_picture_that_is_removed_is_gone(core: Core) -> None:
    """To remove none is nothing, and is not on record."""
    account = somebody(core)
    caller = calling(core, account)
    do(core, avatars.put, account.number, b"picture", by=caller)
    for _ in range(2):
        do(core, avatars.remove, account.number, by=caller)
    assert (do(core, avatars.find, account.number), do(core, avatars.has_one, account.number)) == (
        None,
        False,
    )
    assert events(core).count("avatar removed") == 1


def test_a_picture_goes_with_its_account(core: Core) -> None:
    """Of a purged account no picture is left."""
    account = somebody(core)
    do(core, avatars.put, account.number, b"picture", by=calling(core, account))
    do(core, accounts.purge, account.number)
    assert rows(core, avatars.avatars) == []
