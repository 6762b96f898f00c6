"""Stock clients make, list, change, use and delete API keys (contract §4.1, §8)."""

from __future__ import annotations

import pytest
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import NOBODYS, Household

TOO_MUCH = "Cannot grant permissions you do not have"


def test_a_key_is_made_and_used(household: Household) -> None:
    """The secret is shown once and is good for what the key may do, until the key is deleted."""
    person = household.person()
    asked = {"name": "Backup", "permissions": ["apiKey.read", "album.read"]}
    created = person.me.createApiKey(apiKeyCreateDto=asked)
    shown = person.me.getApiKey(id=created["apiKey"]["id"])
    assert (shown["name"], shown["permissions"]) == ("Backup", ["apiKey.read", "album.read"])
    assert person.me.getApiKeys() == [shown]
    key = household.holding(key=created["secret"])
    assert key.getAllAlbums() == []
    assert key.getApiKey(id=shown["id"]) == shown
    person.me.deleteApiKey(id=shown["id"])
    assert person.me.getApiKeys() == []
    with household.refused(401, "Invalid API key"):
        key.getAllAlbums()


def test_a_key_of_somebody_else_is_not_found(household: Household) -> None:
    """Nobody reads, changes or deletes a key of somebody else's, nor one that is nobody's."""
    mine, yours = household.person().me, household.person().me
    of_yours = yours.createApiKey(apiKeyCreateDto={"name": "k", "permissions": ["all"]})["apiKey"]["id"]
    change = {"name": "mine now", "permissions": ["all"]}
    for key in (of_yours, NOBODYS):
        with household.refused(400, "API Key not found"):
            mine.getApiKey(id=key)
        with household.refused(400, "API Key not found"):
            mine.updateApiKey(id=key, apiKeyUpdateDto=change)
        with household.refused(400, "API Key not found"):
            mine.deleteApiKey(id=key)


def test_a_key_is_changed(household: Household) -> None:
    """Its name changes, and since 2.x its permissions, which 1.134 leaves as they are."""
    me = household.person().me
    asked = {"name": "Backup", "permissions": ["album.read", "tag.read"]}
    made = me.createApiKey(apiKeyCreateDto=asked)["apiKey"]
    change = {"name": "Sync", "permissions": ["tag.read"]}
    changed = me.updateApiKey(id=made["id"], apiKeyUpdateDto=change)
    kept = asked["permissions"] if household.release == "1.134" else ["tag.read"]
    assert (changed["name"], changed["permissions"]) == ("Sync", kept)


def test_a_key_passes_on_no_more_than_it_has(household: Household) -> None:
    """A key makes keys up to its own permissions, and none beyond."""
    key = household.key_of(household.person().me, "apiKey.create", "tag.read")
    key.createApiKey(apiKeyCreateDto={"name": "less", "permissions": ["tag.read"]})
    for too_much in (["all"], ["tag.read", "album.read"]):
        with household.refused(400, TOO_MUCH):
            key.createApiKey(apiKeyCreateDto={"name": "more", "permissions": too_much})


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_a_key_gives_a_key_no_more_than_it_has(household: Household) -> None:
    """Nor does it change one, itself included, to more than it may do."""
    me = household.person().me
    key = household.key_of(me, "apiKey.update", "tag.read")
    (made,) = me.getApiKeys()
    for too_much in (["all"], ["tag.read", "album.read"]):
        with household.refused(400, TOO_MUCH):
            key.updateApiKey(id=made["id"], apiKeyUpdateDto={"permissions": too_much})
    assert me.getApiKeys() == [made]


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_a_key_knows_itself(household: Household) -> None:
    """A key is told what it may do, whatever that is; a session has no key."""
    me = household.person().me
    assert household.key_of(me, "tag.read").getMyApiKey()["permissions"] == ["tag.read"]
    with household.refused(403, "Not authenticated with an API Key"):
        me.getMyApiKey()


@pytest.mark.parametrize("household", speaking("3.2"), indirect=True)
def test_a_key_is_renewed(household: Household) -> None:
    """A key gets a new secret; the old one is good no more."""
    me = household.person().me
    created = me.createApiKey(apiKeyCreateDto={"name": "k", "permissions": ["user.read"]})
    renewed = me.rotateApiKey(id=created["id"])
    assert household.holding(key=renewed["secret"]).getMyUser()
    with household.refused(401, "Invalid API key"):
        household.holding(key=created["secret"]).getMyUser()
    with household.refused(400, "API Key not found"):
        me.rotateApiKey(id=NOBODYS)
    less = household.key_of(me, "apiKey.rotate")
    with household.refused(400, "Cannot rotate an API Key with permissions you do not have"):
        less.rotateApiKey(id=created["id"])
