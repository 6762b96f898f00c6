"""Devices that an account knows: by what, for how long, and how many."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, calling, rows, somebody

from dragoman.core import devices
from dragoman.core.devices import Known, known_devices
from dragoman.core.work import Core

HERE = devices.name_of(ORIGIN)


def test_a_device_is_its_network_and_its_program() -> None:
    """Another network or another User-Agent is another device; a new address in one network is not."""
    assert devices.name_of(replace(ORIGIN, address="192.0.2.8", request_id="another")) == HERE
    assert devices.name_of(replace(ORIGIN, network="192.0.2.8")) != HERE
    assert devices.name_of(replace(ORIGIN, agent="curl")) != HERE
    assert len(devices.name_of(replace(ORIGIN, agent="\ud800"))) == 32


def test_a_device_is_known_to_the_account_it_signed_in_to(core: Core) -> None:
    """One account's devices are strangers to another."""
    alice, bob = somebody(core), somebody(core, BOB)
    do(core, devices.remember, alice.number)
    assert do(core, devices.recognise, alice.number) == HERE
    assert do(core, devices.recognise, bob.number) is None
    assert do(core, devices.recognise, alice.number, origin=replace(ORIGIN, agent="curl")) is None


def test_a_device_in_use_stays_known(core: Core, clock: FakeClock) -> None:
    """Half a year begins anew with each sign-in, and then it ends."""
    alice = somebody(core)
    for _ in range(3):
        do(core, devices.remember, alice.number)
        clock.forward(days=179)
        assert do(core, devices.recognise, alice.number) == HERE
    clock.forward(days=1)
    assert do(core, devices.recognise, alice.number) is None


def test_an_account_knows_a_hundred_devices(core: Core, clock: FakeClock) -> None:
    """Only the hundred devices that signed in last are kept, so that nobody fills the table."""
    alice, bob = somebody(core), somebody(core, BOB)
    do(core, devices.remember, bob.number)
    for n in range(102):
        clock.forward(seconds=1)
        do(core, devices.remember, alice.number, origin=replace(ORIGIN, agent=f"agent {n}"))
    kept = [row for row in rows(core, known_devices) if row["account_number"] == alice.number]
    assert len(kept) == 100
    gone = [
        do(core, devices.recognise, alice.number, origin=replace(ORIGIN, agent=f"agent {n}"))
        for n in range(3)
    ]
    assert [device is None for device in gone] == [True, True, False]
    assert do(core, devices.recognise, bob.number) == HERE


def test_devices_are_counted_and_forgotten(core: Core, clock: FakeClock) -> None:
    """How many are known and when one was last seen; those that were forgotten are strangers, another account's are not."""
    alice, bob = somebody(core, is_admin=True), somebody(core, BOB)
    for account in (alice, bob):
        do(core, devices.remember, account.number)
    clock.forward(days=1)
    do(core, devices.remember, bob.number, origin=replace(ORIGIN, agent="curl"))
    assert do(core, devices.known, bob.number) == Known(2, clock.now)
    do(core, devices.forget_all, bob.number, by=calling(core, alice))
    assert do(core, devices.known, bob.number) == Known(0, None)
    assert do(core, devices.recognise, bob.number) is None
    assert do(core, devices.recognise, alice.number) == HERE
