"""Visits as clients make them, request by request with the headers that they send (contract §3), and any body at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.contract.shoko.speech import House, assert_empty, assert_invalid, assert_problem
from tests.fakes import NEW_PASSWORD, PASSWORD

JSON_TYPE = {"content-type": "application/json"}


def test_the_web_ui(own: House) -> None:
    """It polls until set-up is done, makes the first user, signs in with an empty key, and changes the password."""
    stranger = {"apikey": "", "accept": "application/json, text/plain, */*"}
    status = own.ask("GET", "/api/v3/Init/Status", headers=stranger).json()
    assert (status["State"], status["DatabaseBlocked"]["Blocked"]) == (4, False)
    user = {"Username": "Default", "Password": PASSWORD}
    assert own.ask("POST", "/api/v3/Init/DefaultUser", headers=stranger, json=user).status_code == 200
    assert own.ask("GET", "/api/v3/Init/Status", headers=stranger).json()["State"] == 2
    assert own.ask("GET", "/api/v3/Init/Version", headers=stranger).json()["Server"]["Version"] == "4.2.2.0"
    key = own.log_in("Default", headers=stranger).json()["apikey"]
    me = own.ask("GET", "/api/v3/User/Current", key).json()
    assert (me["Username"], me["IsAdmin"]) == ("Default", True)
    change = {"Password": NEW_PASSWORD, "RevokeAPIKeys": True}
    assert_empty(own.ask("POST", "/api/v3/User/Current/ChangePassword", key, json=change))
    assert_empty(own.ask("GET", "/api/v3/User/Current", key), 401)
    assert own.key_of("Default", NEW_PASSWORD) != key


def test_shokofin(house: House) -> None:
    """It looks for the server's version, takes 200 alone for a sign-in, and sends GETs with an empty text body."""
    account = house.account()
    version = house.ask("GET", "/api/v3/Init/Version", content=b"", headers={"content-type": "text/plain"})
    assert version.json()["Server"]["ReleaseChannel"] == "Stable"
    entered = house.log_in(account.username, device="Shoko Jellyfin Plugin (Shokofin) - User Key")
    assert (entered.status_code, list(entered.json())) == (200, ["apikey"])
    text = {"content-type": "text/plain; charset=utf-8"}
    assert house.ask("GET", "/api/v3/User/Current", entered.json()["apikey"], headers=text).status_code == 200
    assert house.ask("GET", "/api/v3/Plugin", entered.json()["apikey"], headers=text).status_code == 404


def test_nakamori(house: House) -> None:
    """It asks v2 whether this is a Shoko, pastes its body together as text, and pings; 401 makes it sign in anew."""
    account = house.account()
    assert house.ask("GET", "/api/init/status").json()["server_started"] is True
    assert "server" in {item["name"] for item in house.ask("GET", "/api/version").json()}
    pasted = '{"user":"%s","pass":"%s","device":"%s"}'
    body = pasted % (account.username, PASSWORD, "kodi-living-room")
    key = house.ask("POST", "/api/auth", content=body, headers=JSON_TYPE).json()["apikey"]
    assert "pong" in house.ask("GET", "/api/ping", key).text
    assert_empty(house.ask("DELETE", "/api/auth", params={"apikey": key}))
    assert_empty(house.ask("GET", "/api/ping", key), 401)
    quoted = pasted % (account.username, 'quo"ted', "kodi")
    answer = house.ask("POST", "/api/auth", content=quoted, headers=JSON_TYPE)
    assert_invalid(answer, {"": answer.json()["errors"][""]})


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(max_size=3), v, max_size=2)
)
NAMES = st.sampled_from(["user", "User", "PASS", "pass", "device", "DEVICE", "more"])


@given(body=st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=4)))
def test_any_body_is_answered_in_shape(house: House, body: Any) -> None:
    """Whatever JSON comes: a sign-in is refused by a problem, a deletion or a change by one or by a sentence."""
    refused = house.ask("POST", "/api/auth", content=json.dumps(body), headers=JSON_TYPE)
    if refused.status_code == 401:
        assert_problem(refused, 401)
    elif refused.status_code != 429:
        assert_invalid(refused, refused.json()["errors"])
    deleted = house.ask("DELETE", "/api/auth", content=json.dumps(body), headers=JSON_TYPE)
    assert deleted.status_code == 400
    assert deleted.headers["content-type"].startswith(("text/plain", "application/problem+json"))
    assert_empty(house.ask("POST", "/api/auth/ChangePassword", json=body), 401)


# No header begins or ends with a blank (RFC 9110 §5.5).
@given(key=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60).map(str.strip))
def test_any_key_is_no_key(house: House, key: str) -> None:
    """Whatever is held up, in the header or the query, is nobody's, and no accident."""
    for named in ({"headers": {"apikey": key.encode("latin-1")}}, {"params": {"apikey": key}}):
        assert_empty(house.ask("GET", "/api/ping", **named), 401)
