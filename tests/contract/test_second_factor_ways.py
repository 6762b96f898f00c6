"""Every dialect's client signs in to an account with a second factor, in each of the ways that there are."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from tests.fakes import PASSWORD, do
from tests.people import ALICE, calling
from tests.running import Running
from tests.unit.core.test_factors import code, guarded

from dragoman.client import Refused
from dragoman.core import app_passwords, approvals
from dragoman.core.accounts import Account
from dragoman.dialects import names

DIALECTS = names()
# ELEMENTS' own sign-in has a field for the code.
WITHOUT_A_FIELD = [dialect for dialect in DIALECTS if dialect != "elements"]


@dataclass(frozen=True)
class House:
    """A server, and Alice's account there, which has a second factor."""

    served: Running
    account: Account

    def lets_in(self, dialect: str, password: str) -> bool:
        """Whether a dialect's client signs in by a password."""
        make: Any = import_module(f"dragoman.dialects.{dialect}").Client
        with make(f"{self.served.url}/{dialect}") as client:
            try:
                client.manners.sign_in(client, ALICE, password)
            except Refused as refused:
                if refused.status not in (401, 422):  # Portainer's word for it
                    raise
                return False
            return bool(client.manners.whoami(client).login)


@pytest.fixture
def house(sqlite_server: Running) -> House:
    """A server on SQLite with Alice."""
    account = guarded(sqlite_server.core, sqlite_server.clock, username="alice")
    return House(sqlite_server, account)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_app_password_signs_in_to_its_own_dialect_alone(house: House, dialect: str) -> None:
    """The password alone lets nobody in; an app password does, and in no other dialect."""
    assert not house.lets_in(dialect, PASSWORD)
    secret = do(
        house.served.core,
        app_passwords.make,
        dialect,
        "app",
        by=calling(house.served.core, house.account),
    ).reveal()
    assert house.lets_in(dialect, secret)
    assert [each for each in DIALECTS if each != dialect and house.lets_in(each, secret)] == []


@pytest.mark.parametrize("dialect", WITHOUT_A_FIELD)
def test_a_code_behind_the_password_signs_in_once(house: House, dialect: str) -> None:
    """With a blank before it, and used once."""
    typed = f"{PASSWORD} {code(house.served.clock).reveal()}"
    assert house.lets_in(dialect, typed)
    assert not house.lets_in(dialect, typed)


@pytest.mark.parametrize("dialect", WITHOUT_A_FIELD)
def test_an_approved_sign_in_passes_and_the_device_is_known(house: House, dialect: str) -> None:
    """Refused, approved, let in, and let in again."""
    core = house.served.core
    assert not house.lets_in(dialect, PASSWORD)
    [waiting] = do(core, approvals.waiting, house.account.number)
    assert waiting.dialect == dialect
    do(core, approvals.approve, waiting.id, by=calling(core, house.account))
    assert [house.lets_in(dialect, PASSWORD) for _ in range(2)] == [True, True]


def test_where_there_is_a_field_nobody_is_asked_to_approve(house: House) -> None:
    """ELEMENTS asks for a code in its own words, and leaves its owner alone."""
    assert not house.lets_in("elements", PASSWORD)
    assert list(do(house.served.core, approvals.waiting, house.account.number)) == []
