"""Stock clients set, use, change and remove a PIN (contract §1.6-§1.11)."""

from __future__ import annotations

from tests.contract.immich.speech import OTHER_PIN, PIN, SESSION_ONLY
from tests.contract.immich.stock.households import Household
from tests.fakes import PASSWORD

NO_PIN = "User does not have a PIN code"
SETUP = {"pinCode": PIN}


def test_a_pin_is_set_up_once(household: Household) -> None:
    """Whoever has none sets one up; what needs one is refused before, and a second one after."""
    me = household.person().me
    with household.refused(400, NO_PIN):
        me.unlockAuthSession(sessionUnlockDto=SETUP)
    with household.refused(400, NO_PIN):
        me.changePinCode(pinCodeChangeDto={"pinCode": PIN, "newPinCode": OTHER_PIN})
    with household.refused(400, NO_PIN):
        me.resetPinCode(pinCodeResetDto={"password": PASSWORD})
    assert me.getAuthStatus() == {"pinCode": False, "password": True, "isElevated": False}
    me.setupPinCode(pinCodeSetupDto=SETUP)
    assert me.getAuthStatus()["pinCode"] is True
    with household.refused(400, "User already has a PIN code"):
        me.setupPinCode(pinCodeSetupDto=SETUP)


def test_a_pin_unlocks_a_session(household: Household) -> None:
    """The right PIN unlocks the session that it is given in, until that is locked."""
    person = household.person()
    person.me.setupPinCode(pinCodeSetupDto=SETUP)
    with household.refused(400, "Wrong PIN code"):
        person.me.unlockAuthSession(sessionUnlockDto={"pinCode": OTHER_PIN})
    person.me.unlockAuthSession(sessionUnlockDto=SETUP)
    unlocked = person.me.getAuthStatus()
    assert unlocked["isElevated"] is True
    assert unlocked["pinExpiresAt"]
    other = household.holding(token=household.log_in(person.email)["accessToken"])
    assert other.getAuthStatus()["isElevated"] is False
    person.me.lockAuthSession()
    assert person.me.getAuthStatus() == {"pinCode": True, "password": True, "isElevated": False}


def test_a_pin_is_changed_by_itself_or_by_the_password(household: Household) -> None:
    """The old PIN or the password changes it; a wrong one of either does not."""
    me = household.person().me
    me.setupPinCode(pinCodeSetupDto=SETUP)
    with household.refused(400, "Wrong PIN code"):
        me.changePinCode(pinCodeChangeDto={"pinCode": OTHER_PIN, "newPinCode": OTHER_PIN})
    with household.refused(400, "Wrong password"):
        me.changePinCode(pinCodeChangeDto={"password": "wrong-passphrase-5", "newPinCode": OTHER_PIN})
    me.changePinCode(pinCodeChangeDto={"pinCode": PIN, "newPinCode": OTHER_PIN})
    me.unlockAuthSession(sessionUnlockDto={"pinCode": OTHER_PIN})
    me.changePinCode(pinCodeChangeDto={"password": PASSWORD, "newPinCode": PIN})
    me.unlockAuthSession(sessionUnlockDto=SETUP)


def test_a_pin_is_removed_by_itself_or_by_the_password(household: Household) -> None:
    """The PIN or the password removes it, which locks the session; nothing at all does not."""
    me = household.person().me
    for proof in ({"pinCode": PIN}, {"password": PASSWORD}):
        me.setupPinCode(pinCodeSetupDto=SETUP)
        me.unlockAuthSession(sessionUnlockDto=SETUP)
        with household.refused(400, "Either password or pinCode is required"):
            me.resetPinCode(pinCodeResetDto={})
        me.resetPinCode(pinCodeResetDto=proof)
        assert me.getAuthStatus() == {"pinCode": False, "password": True, "isElevated": False}


def test_a_key_has_nothing_to_do_with_pins(household: Household) -> None:
    """A key with all permissions neither sets, changes or removes a PIN nor unlocks or locks anything."""
    person = household.person()
    person.me.setupPinCode(pinCodeSetupDto=SETUP)
    key = household.key_of(person.me)
    assert key.getAuthStatus() == {"pinCode": True, "password": True, "isElevated": False}
    with household.refused(400, SESSION_ONLY):
        key.setupPinCode(pinCodeSetupDto=SETUP)
    with household.refused(400, SESSION_ONLY):
        key.changePinCode(pinCodeChangeDto={"pinCode": PIN, "newPinCode": OTHER_PIN})
    with household.refused(400, SESSION_ONLY):
        key.resetPinCode(pinCodeResetDto={"pinCode": PIN})
    with household.refused(400, SESSION_ONLY):
        key.unlockAuthSession(sessionUnlockDto=SETUP)
    with household.refused(400, SESSION_ONLY):
        key.lockAuthSession()
