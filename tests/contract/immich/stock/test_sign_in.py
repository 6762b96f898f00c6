"""Stock clients sign up, in and out, and change a password (contract §1.1-§1.5)."""

from __future__ import annotations

from tests.contract.immich.speech import SIGN_UP
from tests.contract.immich.stock.households import Household
from tests.fakes import NEW_PASSWORD, PASSWORD

WRONG = "wrong-passphrase-5"


def test_the_first_administrator_signs_up(household: Household) -> None:
    """The first one to sign up is the administrator, and nobody else can."""
    admin = household.signed_up
    assert (admin["email"], admin["name"], admin["isAdmin"]) == (SIGN_UP["email"], SIGN_UP["name"], True)
    assert (admin["storageLabel"], admin["status"], admin["oauthId"]) == ("admin", "active", "")
    with household.refused(400, "The server already has an admin"):
        household.anyone.signUpAdmin(signUpDto=SIGN_UP)


def test_a_person_signs_in(household: Household) -> None:
    """A right password opens a session; a wrong one, and an unknown name, are refused in the same words."""
    person = household.person()
    entered = household.log_in(person.email)
    assert (entered["userId"], entered["userEmail"], entered["isAdmin"]) == (person.id, person.email, False)
    assert household.holding(token=entered["accessToken"]).getMyUser()["id"] == person.id
    with household.refused(401, "Incorrect email or password"):
        household.log_in(person.email, WRONG)
    with household.refused(401, "Incorrect email or password"):
        household.log_in("nobody@example.com")


def test_S_05_a_session_is_good_until_signed_out(household: Household) -> None:
    """A token is valid until its session is signed out, then it is refused whatever it is used for."""
    me = household.person().me
    assert me.validateAccessToken() == {"authStatus": True}
    assert me.logout() == {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"}
    for operation in (me.validateAccessToken, me.logout, me.getAuthStatus, me.getMyUser, me.getSessions):
        with household.refused(401, "Invalid user token"):
            operation()


def test_nobody_is_refused(household: Household) -> None:
    """Without a credential, and with a key that never was, what needs a caller is refused."""
    for operation in (
        "validateAccessToken",
        "logout",
        "getMyUser",
        "getApiKeys",
        "getStorage",
        "searchUsersAdmin",
    ):
        with household.refused(401, "Authentication required"):
            getattr(household.anyone, operation)()
        with household.refused(401, "Invalid API key"):
            getattr(household.holding(key="never-was"), operation)()


def test_a_token_counts_before_a_key(household: Household) -> None:
    """A client with both set up sends both; the session decides, also when it is the one that is not good."""
    person = household.person()
    key = household.key_of(household.admin).by["key"]
    assert household.holding(token=person.token, key=key).getMyUser()["id"] == person.id
    with household.refused(401, "Invalid user token"):
        household.holding(token="gone", key=key).getMyUser()


def test_a_password_is_changed_by_the_old_one(household: Household) -> None:
    """The old password changes it; then the new one signs in, and the old one no more."""
    person = household.person()
    with household.refused(400, "Wrong password"):
        person.me.changePassword(changePasswordDto={"password": WRONG, "newPassword": NEW_PASSWORD})
    asked = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    assert person.me.changePassword(changePasswordDto=asked)["id"] == person.id
    assert household.log_in(person.email, NEW_PASSWORD)["userId"] == person.id
    with household.refused(401, "Incorrect email or password"):
        household.log_in(person.email)


def test_a_key_changes_no_password(household: Household) -> None:
    """What a key must not do is refused, whatever the key is good for."""
    key = household.key_of(household.person().me)
    with household.refused(400, "This endpoint can only be used with a session token"):
        key.changePassword(changePasswordDto={"password": PASSWORD, "newPassword": NEW_PASSWORD})
