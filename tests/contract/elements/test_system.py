"""What clients ask first: the server's facts, and its parameters (contract §5)."""

from __future__ import annotations

from tests.contract.elements.speech import FORBIDDEN, NO_CREDENTIALS, House, assert_refused

from dragoman.core.accounts import Account
from dragoman.dialects.elements.wire.system import Parameters, SystemInfoEndpointResponse

PARAMETERS = "/api/2/parameters"


def test_strangers_are_told_what_speaks_here(house: House) -> None:
    """Every field that some release requires is there, and no text is empty, which clients would refuse."""
    told = house.ask("GET", "/api/2/system/info").json()
    assert told.keys() == set(SystemInfoEndpointResponse.model_fields)
    assert told["version"]["release"] == "3.3.2"
    assert all(told[name] for name in ("nt_hostname", "language"))


def test_parameters_are_for_those_who_are_signed_in(house: House) -> None:
    """They are read with any credential, all 44 that the strictest clients demand."""
    assert_refused(house.ask("GET", PARAMETERS), 401, NO_CREDENTIALS)
    told = house.ask("GET", PARAMETERS, house.token(house.account())).json()
    assert (told.keys(), len(told)) == (set(Parameters.model_fields), 44)
    assert (told["language"], told["password_login"]) == ("en", True)


def test_parameters_are_the_operators(house: House, admin: Account) -> None:
    """An administrator may send back what they are; another value is 400 about it, and from others 403."""
    key = house.token(admin)
    told = house.ask("GET", PARAMETERS, key).json()
    assert house.ask("PUT", PARAMETERS, key, json=told).json() == told
    changed = house.ask("PUT", PARAMETERS, key, json={**told, "language": "de"})
    assert_refused(changed, 400, {"language": ["This is set in the server's configuration."]})
    wrong = house.ask("PUT", PARAMETERS, key, json={"analytics": None, "mcp_enabled": "perhaps"})
    says = {"analytics": ["This field may not be null."], "mcp_enabled": ["Must be a valid boolean."]}
    assert_refused(wrong, 400, says)
    assert_refused(house.ask("PUT", PARAMETERS, house.token(house.account()), json=told), 403, FORBIDDEN)
