"""Stock clients read and change users, and what users prefer (contract §4.1, §8)."""

from __future__ import annotations

import pytest
from tests.contract.immich.speech import SIGN_UP
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import NOBODYS, Household
from tests.fakes import NEW_PASSWORD


def test_a_user_changes_what_is_theirs(household: Household) -> None:
    """A name, a colour and an e-mail address are changed; an address that somebody has is not to be had."""
    person = household.person()
    change = {"name": "Grace", "avatarColor": "pink", "email": f"new-{person.email}"}
    changed = person.me.updateMyUser(userUpdateMeDto=change)
    assert {name: changed[name] for name in change} == change
    with household.refused(400, "Email already in use by another account"):
        person.me.updateMyUser(userUpdateMeDto={"email": SIGN_UP["email"]})
    assert person.me.getMyUser() == changed


def test_a_first_password_is_replaced(household: Household) -> None:
    """Whoever has to replace the password an administrator chose does so once without it, and never again."""
    person = household.person()
    assert person.me.getMyUser()["shouldChangePassword"] is True
    changed = person.me.updateMyUser(userUpdateMeDto={"password": NEW_PASSWORD})
    assert changed["shouldChangePassword"] is False
    assert household.log_in(person.email, NEW_PASSWORD)["shouldChangePassword"] is False
    with household.refused(400, "Changing the password needs the current one: use /auth/change-password"):
        person.me.updateMyUser(userUpdateMeDto={"password": f"{NEW_PASSWORD}-2"})


def test_a_key_changes_no_credential(household: Household) -> None:
    """By a key a user is renamed, but neither the password nor the address is changed."""
    key = household.key_of(household.person().me)
    assert key.updateMyUser(userUpdateMeDto={"name": "Grace"})["name"] == "Grace"
    for change in ({"password": NEW_PASSWORD}, {"email": "new@example.com"}):
        with household.refused(400, "This endpoint can only be used with a session token"):
            key.updateMyUser(userUpdateMeDto=change)


def test_users_see_each_other(household: Household) -> None:
    """Everybody is listed, and found by the id; nobody's id is not."""
    mine, yours = household.person(), household.person()
    assert {mine.id, yours.id} < {user["id"] for user in mine.me.searchUsers()}
    assert mine.me.getUser(id=yours.id)["email"] == yours.email
    with household.refused(400, "User not found"):
        mine.me.getUser(id=NOBODYS)


def test_preferences_are_merged(household: Household) -> None:
    """What is changed of the preferences is changed, and the rest stays as it was."""
    me = household.person().me
    before = me.getMyPreferences()
    change = {"tags": {"enabled": True}, "download": {"archiveSize": 1024}}
    after = me.updateMyPreferences(userPreferencesUpdateDto=change)
    assert after["tags"] == before["tags"] | {"enabled": True}
    assert after["download"] == before["download"] | {"archiveSize": 1024}
    assert me.getMyPreferences() == after
    assert {**after, "tags": before["tags"], "download": before["download"]} == before


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_onboarding_is_done_once(household: Household) -> None:
    """A new user has not seen the introduction; that they have is kept, told at sign-in, and taken back."""
    person = household.person()
    assert person.me.getUserOnboarding() == {"isOnboarded": False}
    assert person.me.setUserOnboarding(onboardingDto={"isOnboarded": True}) == {"isOnboarded": True}
    assert household.log_in(person.email)["isOnboarded"] is True
    person.me.deleteUserOnboarding()
    assert household.log_in(person.email)["isOnboarded"] is False


@pytest.mark.parametrize("household", speaking("1.134"), indirect=True)
def test_onboarding_came_later(household: Household) -> None:
    """The 1.135 client of a 1.134 server is told that there is no such route, as there was none."""
    me = household.person().me
    with household.refused(404, "Cannot GET /api/users/me/onboarding"):
        me.getUserOnboarding()
    with household.refused(404, "Cannot PUT /api/users/me/onboarding"):
        me.setUserOnboarding(onboardingDto={"isOnboarded": True})
    with household.refused(404, "Cannot DELETE /api/users/me/onboarding"):
        me.deleteUserOnboarding()
    with household.refused(404, "Cannot GET /api/server/apk-links"):
        me.getApkLinks()
