"""Stock clients administer users and the installation (contract §4.1, §8)."""

from __future__ import annotations

import pytest
from tests.contract.immich.speech import SIGN_UP
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import LICENCE, NOBODYS, Household
from tests.fakes import NEW_PASSWORD, PASSWORD

SERVER_KEY = LICENCE["licenseKey"].replace("CL", "SV")


def test_an_account_is_made(household: Household) -> None:
    """A new user is as the administrator said, and its e-mail address is taken from then on."""
    asked = {
        "email": "grace@example.com",
        "name": "Grace",
        "password": PASSWORD,
        "storageLabel": "grace",
        "quotaSizeInBytes": 1024,
        "shouldChangePassword": False,
    }
    made = household.admin.createUserAdmin(userAdminCreateDto=asked)
    told = {name: value for name, value in asked.items() if name != "password"}
    assert {name: made[name] for name in told} == told
    assert (made["isAdmin"], made["status"]) == (False, "active")
    assert household.admin.getUserAdmin(id=made["id"]) == made
    with household.refused(400, "User exists"):
        household.admin.createUserAdmin(userAdminCreateDto={**asked, "storageLabel": "other"})


def test_an_account_is_changed(household: Household) -> None:
    """An administrator changes a user's facts and password; an address or a label that is taken is refused."""
    person, other = household.person(), household.person()
    change = {"name": "Grace", "storageLabel": f"label-{person.id}", "password": NEW_PASSWORD}
    changed = household.admin.updateUserAdmin(id=person.id, userAdminUpdateDto=change)
    assert (changed["name"], changed["storageLabel"]) == ("Grace", f"label-{person.id}")
    assert household.log_in(person.email, NEW_PASSWORD)["name"] == "Grace"
    with household.refused(401, "Invalid user token"):
        person.me.getMyUser()
    with household.refused(400, "Email already in use by another account"):
        household.admin.updateUserAdmin(id=other.id, userAdminUpdateDto={"email": SIGN_UP["email"]})
    with household.refused(400, "Storage label already in use by another account"):
        taken = {"storageLabel": changed["storageLabel"]}
        household.admin.updateUserAdmin(id=other.id, userAdminUpdateDto=taken)


def test_an_account_is_deleted_and_restored(household: Household) -> None:
    """A deleted user is signed out and cannot sign in, is listed only on demand, and can be restored."""
    person, admin = household.person(), household.admin
    assert admin.deleteUserAdmin(id=person.id, userAdminDeleteDto={})["status"] == "deleted"
    with household.refused(401, "Invalid user token"):
        person.me.getMyUser()
    with household.refused(401, "Incorrect email or password"):
        household.log_in(person.email)
    assert person.id not in {user["id"] for user in admin.searchUsersAdmin()}
    assert person.id in {user["id"] for user in admin.searchUsersAdmin(withDeleted=True)}
    assert admin.restoreUserAdmin(id=person.id)["status"] == "active"
    assert household.log_in(person.email)["userId"] == person.id


def test_nobody_s_account_is_not_found(household: Household) -> None:
    """What is done to a user needs one."""
    admin = household.admin
    with household.refused(400, "User not found"):
        admin.getUserAdmin(id=NOBODYS)
    with household.refused(400, "User not found"):
        admin.updateUserAdmin(id=NOBODYS, userAdminUpdateDto={"name": "Grace"})
    with household.refused(400, "User not found"):
        admin.deleteUserAdmin(id=NOBODYS, userAdminDeleteDto={})
    with household.refused(400, "User not found"):
        admin.restoreUserAdmin(id=NOBODYS)
    with household.refused(400, "User not found"):
        admin.getUserPreferencesAdmin(id=NOBODYS)


def test_an_administrator_keeps_the_own_account(household: Household) -> None:
    """Nobody deletes the account they are signed in to."""
    words = "Cannot delete admin user" if household.release == "1.134" else "Cannot delete your own account"
    with household.refused(403, words):
        household.admin.deleteUserAdmin(id=household.signed_up["id"], userAdminDeleteDto={})


def test_preferences_of_others_are_the_administrator_s_to_change(household: Household) -> None:
    """An administrator reads and changes a user's preferences, and the user finds them changed."""
    person, change = household.person(), {"tags": {"enabled": True}}
    before = household.admin.getUserPreferencesAdmin(id=person.id)
    after = household.admin.updateUserPreferencesAdmin(id=person.id, userPreferencesUpdateDto=change)
    assert after == {**before, "tags": {**before["tags"], "enabled": True}}
    assert person.me.getMyPreferences() == after


def test_the_installation_is_introduced_once(household: Household) -> None:
    """An administrator says whether the installation was set up, and every app is told."""
    admin = household.admin
    for flag in (False, True):
        admin.updateAdminOnboarding(adminOnboardingUpdateDto={"isOnboarded": flag})
        assert admin.getAdminOnboarding() == {"isOnboarded": flag}
        assert household.anyone.getServerConfig()["isOnboarded"] is flag


def test_the_statistics_name_everybody(household: Household) -> None:
    """An administrator sees each user, with nothing stored."""
    statistics = household.admin.getServerStatistics()
    assert statistics["photos"] == statistics["usage"] == 0
    named = {user["userId"] for user in statistics["usageByUser"]}
    assert named == {user["id"] for user in household.admin.searchUsersAdmin(withDeleted=True)}


def test_what_a_user_has_is_counted(household: Household) -> None:
    """A user has no photos here, in the administrator's eyes either."""
    counted = household.admin.getUserStatisticsAdmin(id=household.signed_up["id"])
    assert counted == {"images": 0, "videos": 0, "total": 0}


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_an_administrator_sees_a_user_s_sessions(household: Household) -> None:
    """They are listed as the user's own list has them, but none is the caller's."""
    person = household.person()
    (own,) = person.me.getSessions()
    assert household.admin.getUserSessionsAdmin(id=person.id) == [{**own, "current": False}]


def test_nobody_has_a_licence(household: Household) -> None:
    """There is none to show, a 404 thrown without a text, and none is good here; to give it back is no harm."""
    me, admin = household.person().me, household.admin
    for shown in (me.getUserLicense, admin.getServerLicense):
        with household.refused(404, "Not Found", error=None):
            shown()
    with household.refused(400, "Invalid license key"):
        me.setUserLicense(licenseKeyDto=LICENCE)
    with household.refused(400, "Invalid license key"):
        admin.setServerLicense(licenseKeyDto={**LICENCE, "licenseKey": SERVER_KEY})
    me.deleteUserLicense()
    admin.deleteServerLicense()


def test_administration_is_for_administrators(household: Household) -> None:
    """A key of an ordinary user's that may do all that its owner may, may not do this."""
    key = household.key_of(household.person().me)
    with household.refused(403, "Forbidden"):
        key.searchUsersAdmin()
    with household.refused(403, "Forbidden"):
        key.getServerStatistics()
