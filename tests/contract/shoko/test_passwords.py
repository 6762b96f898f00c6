"""Passwords that come from Shoko: unsalted hashes, and blank ones where they may be. Contract §2.3."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha512

import pytest
from tests.contract.shoko.speech import House, assert_empty, assert_invalid, assert_problem
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.people import rows

from dragoman.core.accounts import Account, accounts
from dragoman.core.passwords import LegacyHash


def shokos(password: str) -> LegacyHash:
    """The hash of a password as Shoko's database has it; that of a blank one is empty."""
    return LegacyHash(sha512(password.encode()).hexdigest().upper() if password else "")


def stored(house: House, account: Account) -> str:
    """What is stored of an account's password."""
    return next(str(row["password"]) for row in rows(house.core, accounts) if row["number"] == account.number)


def test_an_account_is_brought_along_with_its_hash(house: House) -> None:
    """It signs in with its old password, and is upgraded by that; no SHA-512 is ever stored as it is."""
    account = house.account(shokos("schlicht"))
    assert stored(house, account).startswith("sha512:$argon2id$")
    assert_problem(house.log_in(account.username, shokos("schlicht").value), 401)
    assert_problem(house.log_in(account.username, "Schlicht"), 401)
    key = house.key_of(account.username, "schlicht")
    assert stored(house, account).startswith("$argon2id$")
    assert house.key_of(account.username, " schlicht ") == key


@pytest.mark.parametrize("password", ["", "   ", "\u3000\t"])
def test_a_blank_password_signs_in_where_it_may(house: House, blank_house: House, password: str) -> None:
    """Blanks alone are a blank password; without the setting the account is closed, whoever brought it (§2.3)."""
    for served, status in ((house, 401), (blank_house, 200)):
        account = served.account(shokos(""))
        assert served.log_in(account.username, password).status_code == status
        assert served.log_in(account.username, "something-else-7").status_code == 401
        assert served.log_in("nobody", password).status_code == 401


def test_a_password_is_made_blank_where_it_may(blank_house: House) -> None:
    """By both calls; what is not blank is held to the policy there, too."""
    account = blank_house.account()
    path = "/api/v3/User/Current/ChangePassword"
    assert_empty(blank_house.ask("POST", "/api/auth/ChangePassword", blank_house.key(account), json=" "))
    assert blank_house.log_in(account.username, "").status_code == 200
    assert_problem(blank_house.log_in(account.username, PASSWORD), 401)
    assert_empty(blank_house.ask("POST", path, blank_house.key(account), json={"Password": NEW_PASSWORD}))
    assert_problem(blank_house.log_in(account.username, ""), 401)
    assert_empty(blank_house.ask("POST", path, blank_house.key(account), json={"Password": ""}))
    assert blank_house.log_in(account.username, "").status_code == 200
    answer = blank_house.ask("POST", "/api/auth/ChangePassword", blank_house.key(account), json="x")
    assert_invalid(answer, {"": ["Use at least 8 characters"]})


def test_the_default_user_may_be_blank(open_house: Callable[..., House]) -> None:
    """As on a fresh Shoko, where the setting says so."""
    fresh = open_house(blank_passwords=True)
    blank = {"Username": "Default", "Password": ""}
    assert_empty(fresh.ask("POST", "/api/v3/Init/DefaultUser", json=blank))
    assert fresh.log_in("Default", "").status_code == 200


def test_a_blank_password_opens_no_other_dialect(blank_house: House) -> None:
    """The setting is Shoko's: elsewhere nobody signs in with nothing, whatever is said of the field."""
    account = blank_house.account(shokos(""), email="blank@example.com")
    blank_house.key_of(account.username, "")
    url = blank_house.served.immich
    body = {"email": "blank@example.com", "password": ""}
    with_nothing = blank_house._line.post(f"{url}/auth/login", json=body)
    assert with_nothing.status_code in (400, 401)
