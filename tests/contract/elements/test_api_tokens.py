"""API tokens: shown once, their owner's alone, and good for all that their owner may (contract §5)."""

from __future__ import annotations

from tests.contract.elements.speech import BAD_TOKEN, House, assert_refused, assert_void

TOKENS = "/api/2/api-tokens"


def test_a_token_is_shown_once(house: House) -> None:
    """201 has the secret; the list and the token by itself have an id and a name."""
    key = house.token(house.account())
    answer = house.ask("POST", TOKENS, key, json={"name": "backup"})
    made = answer.json()
    assert answer.status_code == 201
    assert made.keys() == {"id", "name", "token"}
    assert house.is_good(made["token"])
    shown = {"id": made["id"], "name": "backup"}
    assert house.ask("GET", TOKENS, key).json() == [shown]
    assert house.ask("GET", f"{TOKENS}/{made['id']}", key).json() == shown


def test_a_token_is_renamed(house: House) -> None:
    """PUT needs the name, PATCH does not; the secret stays good."""
    key = house.token(house.account())
    made = house.ask("POST", TOKENS, key, json={"name": "backup"}).json()
    path = f"{TOKENS}/{made['id']}"
    assert_refused(house.ask("PUT", path, key, json={}), 400, {"name": ["This field is required."]})
    assert house.ask("PUT", path, key, json={"name": "nightly"}).json()["name"] == "nightly"
    assert house.ask("PATCH", path, key, json={}).json()["name"] == "nightly"
    assert house.is_good(made["token"])


def test_a_deleted_token_is_good_for_nothing(house: House) -> None:
    """From the next request on it is 401, and not found."""
    key = house.token(house.account())
    made = house.ask("POST", TOKENS, key, json={"name": "backup"}).json()
    path = f"{TOKENS}/{made['id']}"
    assert_void(house.ask("DELETE", path, key))
    assert_refused(house.ask("GET", "/api/2/users/me", made["token"]), 401, BAD_TOKEN)
    assert_refused(house.ask("DELETE", path, key), 404, "Not found.")


def test_nobody_sees_the_tokens_of_others(house: House) -> None:
    """Another's is not found, by whichever method, and in no list."""
    made = house.ask("POST", TOKENS, house.token(house.account()), json={"name": "theirs"}).json()
    other = house.token(house.account(is_admin=True))
    assert house.ask("GET", TOKENS, other).json() == []
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = house.ask(method, f"{TOKENS}/{made['id']}", other, json={"name": "mine"})
        assert_refused(answer, 404, "Not found.")


def test_nobody_chooses_a_token(house: House) -> None:
    """A secret of the caller's own is refused; absent, null or empty, the server makes one."""
    key = house.token(house.account())
    chosen = house.ask("POST", TOKENS, key, json={"name": "x", "token": "four-words-of-mine"})
    assert_refused(chosen, 400, {"token": ["Tokens are made by the server."]})
    for token in (None, ""):
        assert house.ask("POST", TOKENS, key, json={"name": "x", "token": token}).status_code == 201


def test_lists_are_ordered_and_parted(house: House) -> None:
    """As every list is."""
    key = house.token(house.account())
    for name in ("b", "a", "c"):
        house.ask("POST", TOKENS, key, json={"name": name})
    found = house.ask("GET", f"{TOKENS}?ordering=-name&limit=2", key).json()
    assert [each["name"] for each in found] == ["c", "b"]


def test_a_token_is_not_a_session_and_a_session_is_no_token(house: House) -> None:
    """Each opens what it is for: a token in the place of the cookie opens nothing."""
    token = house.api_token(house.account())
    answer = house.ask("GET", "/api/2/users/me", headers={"cookie": f"sessionid={token}"})
    assert_refused(answer, 401, BAD_TOKEN)
