"""Rotating the data key: all that is sealed is sealed anew, while others go on, and whatever interrupts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests import links
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, calling, everything, sealing, somebody, with_tools
from tests.unit.core.test_factors import code, guarded
from tests.unit.core.test_keys import ASYMMETRIC
from tests.unit.core.test_sealing import failing_after

from dragoman.core import access_tokens, carried, factors, keys, outbox, refresh, sessions, standing, telling
from dragoman.core.accounts import Account
from dragoman.core.columns import metadata
from dragoman.core.master_keys import MasterKeys
from dragoman.core.resealing import reseal, reseal_all, sealed_columns
from dragoman.core.sealing import HEADER, VERSION, Sealer, data_keys, rotate_data_key
from dragoman.core.sessions import Device
from dragoman.core.work import Core, UnitOfWork

GRACE = timedelta(minutes=5)


class House:
    """One of each thing that is sealed, and how to see that it opens still."""

    def __init__(self, core: Core, clock: FakeClock) -> None:
        self.core, self.clock = core, clock
        self.account: Account = guarded(core, clock)
        bob = somebody(core, BOB)
        self.link, self.token = links.made(core, calling(core, bob))
        self.signed = do(core, keys.sign, ASYMMETRIC, {"sub": "alice"})
        do(core, telling.tell_owner, self.account, "Something was changed.")
        _, self.key = do(core, standing.open_session, bob.number, Device("tv"))
        self.bob = bob
        session, secret = do(core, sessions.open_session, bob.number, Device())
        self.spent = do(core, refresh.begin, session, secret)
        self.successor = do(core, refresh.rotate, self.spent, grace=GRACE).token
        self.carried = do(core, carried.write, "a test", {"n": 1}, lasts=timedelta(hours=1))

    def opens_for(self, core: Core) -> None:
        """All that is sealed opens for a process, which may have seen older keys alone."""
        self.clock.forward(seconds=60)
        assert do(core, factors.is_proved, self.account.number, code(self.clock))
        again = do(core, access_tokens.get, self.link.id, visible_to=None)
        assert do(core, access_tokens.token_of, again) == self.token
        assert do(core, keys.verify, ASYMMETRIC, self.signed)["sub"] == "alice"
        assert do(core, keys.sign, ASYMMETRIC, {"sub": "bob"}).reveal()
        [mail, *_] = do(core, outbox.listed)
        assert "Something was changed." in do(core, outbox.read, mail.id).letter.text
        assert do(core, standing.open_session, self.bob.number, Device("tv"))[1] == self.key
        assert do(core, refresh.rotate, self.spent, grace=GRACE).token == self.successor
        assert do(core, carried.read, "a test", self.carried) == {"n": 1}


def another_node(core: Core) -> Core:
    """Another process on the same database, under the same master key."""
    return with_tools(core, sealer=Sealer(MasterKeys([bytes(range(32))])))


def headers(core: Core) -> set[bytes]:
    """What every sealed value begins with: by which key it is sealed."""
    return {value[:HEADER] for _, _, value in sealed_values(core)}


def sealed_values(core: Core) -> Sequence[tuple[str, str, bytes]]:
    """The table, the column and the value of all in the database that begins as a sealed value does."""
    with core.database.reading() as db:
        known = {VERSION + bytes.fromhex(key) for key in db.scalars(data_keys.select())}
    return [
        (table, column, value)
        for table, rows in everything(core).items()
        for row in rows
        for column, value in row.items()
        if isinstance(value, bytes) and value[:HEADER] in known
    ]


def test_all_is_sealed_anew_and_opens_everywhere(core: Core, clock: FakeClock) -> None:
    """After a rotation nothing is sealed by an older key, and every node opens everything, what browsers carry too."""
    house = House(sealing(core), clock)
    node = another_node(core)
    house.opens_for(node)
    sealer = house.core.tools.sealer
    assert sealer is not None
    new = do(house.core, rotate_data_key, sealer)
    house.opens_for(node)
    assert reseal_all(house.core, ORIGIN, sealer) == len(sealed_values(house.core))
    assert headers(house.core) == {VERSION + bytes.fromhex(new)}
    house.opens_for(node)
    assert reseal_all(house.core, ORIGIN, sealer) == 0


def test_whatever_is_sealed_is_in_a_column_that_says_so(core: Core, clock: FakeClock) -> None:
    """No column holds sealed values that a rotation would not know of, and each that says so is filled here."""
    house = House(sealing(core), clock)
    places = {(column.table.name, column.name) for column in sealed_columns()}
    assert {(table, column) for table, column, _ in sealed_values(house.core)} == places
    assert {table for table, _ in places} <= set(metadata.tables)


def test_it_goes_on_where_it_was_interrupted(core: Core, clock: FakeClock) -> None:
    """A run that dies leaves each value sealed by one key or the other; the next one seals the rest."""
    house = House(sealing(core), clock)
    sealer = house.core.tools.sealer
    assert sealer is not None
    for _ in range(4):
        links.made(house.core, calling(house.core, house.bob))
    do(house.core, rotate_data_key, sealer)
    column = access_tokens.access_tokens.c.sealed
    # A batch of two takes two nonces and an id for its line in the audit log.
    broken = with_tools(house.core, dice=failing_after(4))
    with pytest.raises(InterruptedError):
        reseal(broken, ORIGIN, sealer, column, batch=2)
    assert len(headers(house.core)) == 2
    house.opens_for(another_node(core))
    assert reseal(house.core, ORIGIN, sealer, column, batch=2) == 3


class Overtaken:
    """A sealer in whose way everything is sealed anew each time it has opened something."""

    def __init__(self, core: Core, sealer: Sealer) -> None:
        self._core, self._sealer = core, sealer

    def open(self, uow: UnitOfWork, sealed: bytes, **place: Any) -> bytes:
        """What is sealed; by then it is sealed otherwise."""
        plain = self._sealer.open(uow, sealed, **place)
        do(self._core, rotate_data_key, self._sealer)
        reseal_all(self._core, ORIGIN, self._sealer)
        return plain


def test_a_code_is_right_though_its_seed_is_sealed_anew_meanwhile(core: Core, clock: FakeClock) -> None:
    """Whoever signs in at the instant at which their seed is sealed anew is not refused."""
    if core.database.is_sqlite:
        pytest.skip("on SQLite nobody else writes within a unit")
    house = sealing(core)
    account, sealer = guarded(house, clock), house.tools.sealer
    assert sealer is not None
    overtaken = with_tools(house, sealer=Overtaken(house, sealer))
    assert do(overtaken, factors.is_proved, account.number, code(clock))
    assert not do(house, factors.is_proved, account.number, code(clock))
