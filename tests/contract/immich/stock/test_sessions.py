"""Stock clients list, open, lock and end sessions (contract §2.7, §4.1)."""

from __future__ import annotations

import pytest
from tests.contract.immich.speech import PIN, SESSION_ONLY
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import NOBODYS, Household


def test_sessions_are_listed(household: Household) -> None:
    """Each sign-in is a session of its own, and the caller's is marked."""
    person = household.person()
    household.log_in(person.email)
    listed = person.me.getSessions()
    assert [session["current"] for session in listed] == [False, True]
    # Nothing in the User-Agent of these programs names a browser or a system.
    assert {(session["deviceType"], session["deviceOS"]) for session in listed} == {("", "")}


def test_a_session_opens_another(household: Household) -> None:
    """A child, for a television say, has a token and an end of its own, and is gone with its parent."""
    person = household.person()
    asked = {"duration": 60, "deviceType": "TV", "deviceOS": "Living room"}
    opened = person.me.createSession(sessionCreateDto=asked)
    assert (opened["deviceType"], opened["deviceOS"], opened["current"]) == ("TV", "Living room", False)
    child = household.holding(token=opened["token"])
    assert child.getMyUser()["id"] == person.id
    assert child.getAuthStatus()["expiresAt"]
    person.me.logout()
    with household.refused(401, "Invalid user token"):
        child.getMyUser()


def test_a_session_is_ended_by_its_owner(household: Household) -> None:
    """One session is ended by its id; nobody's, and somebody else's, is not found."""
    person, stranger = household.person(), household.person()
    token = household.log_in(person.email)["accessToken"]
    other = next(session for session in person.me.getSessions() if not session["current"])
    for caller, session in ((person.me, NOBODYS), (stranger.me, other["id"])):
        with household.refused(400, "Not found or no authDevice.delete access"):
            caller.deleteSession(id=session)
    person.me.deleteSession(id=other["id"])
    with household.refused(401, "Invalid user token"):
        household.holding(token=token).validateAccessToken()


def test_all_others_are_ended_at_once(household: Household) -> None:
    """All sessions but the caller's are ended."""
    person = household.person()
    tokens = [household.log_in(person.email)["accessToken"] for _ in range(2)]
    person.me.deleteAllSessions()
    assert [session["current"] for session in person.me.getSessions()] == [True]
    for token in tokens:
        with household.refused(401, "Invalid user token"):
            household.holding(token=token).validateAccessToken()


def test_a_session_is_locked_from_another(household: Household) -> None:
    """Whoever left a session unlocked elsewhere locks it from here; nobody's is not found."""
    person = household.person()
    person.me.setupPinCode(pinCodeSetupDto={"pinCode": PIN})
    person.me.unlockAuthSession(sessionUnlockDto={"pinCode": PIN})
    (unlocked,) = person.me.getSessions()
    elsewhere = household.holding(token=household.log_in(person.email)["accessToken"])
    with household.refused(400, "Not found or no session.lock access"):
        elsewhere.lockSession(id=NOBODYS)
    elsewhere.lockSession(id=unlocked["id"])
    assert person.me.getAuthStatus()["isElevated"] is False


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_a_session_starts_its_sync_over(household: Household) -> None:
    """An app is told to fetch everything anew; nobody's is not found."""
    me = household.person().me
    (session,) = me.getSessions()
    assert session["isPendingSyncReset"] is False
    asked = {"isPendingSyncReset": True}
    assert me.updateSession(id=session["id"], sessionUpdateDto=asked)["isPendingSyncReset"] is True
    with household.refused(400, "Not found or no session.update access"):
        me.updateSession(id=NOBODYS, sessionUpdateDto=asked)


def test_a_key_opens_no_session(household: Household) -> None:
    """A session outlives the key that would open it, so no key does; its owner's sessions it may list and end."""
    person = household.person()
    key = household.key_of(person.me)
    with household.refused(400, SESSION_ONLY):
        key.createSession(sessionCreateDto={})
    assert [session["current"] for session in key.getSessions()] == [False]
    key.deleteAllSessions()
    with household.refused(401, "Invalid user token"):
        person.me.validateAccessToken()
