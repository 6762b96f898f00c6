"""Any story, in any order, goes as the contract tells it: a model of two pages, held against the server.

Accounts come and go, sessions and keys are opened, used, ended and held up again when they have ended, PINs are
set and shown, and time passes. Whoever calls is drawn from everything that there ever was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from tests.contract.immich.speech import OTHER_PIN, PIN, SESSION_ONLY
from tests.contract.immich.spoken import NAMES, message, speaking_at
from tests.contract.immich.telling import MOST_FAILURES, Telling
from tests.contract.immich.told import ALL, ELEVATED, Credential, ToldAccount, ToldKey, ToldSession
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import accounts
from dragoman.dialects.immich.releases import RELEASES

pytestmark = pytest.mark.fuzz

Item = TypeVar("Item")
CANNOT_GRANT = "Cannot grant permissions you do not have"
CANNOT_ROTATE = "Cannot rotate an API Key with permissions you do not have"
NEEDS_CURRENT = "Changing the password needs the current one: use /auth/change-password"
NO_KEY = "API Key not found"
MOST_ACCOUNTS = 5
MOST_NESTED = 3

PINS = st.sampled_from([PIN, OTHER_PIN])
PASSWORDS = st.sampled_from([PASSWORD, NEW_PASSWORD])
# What is shown for a PIN and a password: the right one, a wrong one, or none. The right ones come first.
SHOWN = st.sampled_from(["right", "right", "wrong", None])
# What keys are given, as far as the release knows it; rotation came with 3.2.
GIVEN = ["apiKey.create", "apiKey.update", "apiKey.delete", "apiKey.rotate", "session.delete", "session.lock"]


def told(pick: Callable[[Any], list[Item]]) -> st.SearchStrategy[Item]:
    """One of what the model knows when a rule is applied."""
    return st.runner().flatmap(lambda story: st.sampled_from(pick(story)))


ACCOUNTS = told(lambda story: story.told.accounts)
SESSIONS = told(lambda story: story.told.sessions)
KEYS = told(lambda story: story.told.latest_keys)
CALLERS = told(lambda story: story.told.callers(story.now))
PERMISSIONS = st.just(["all"]) | st.lists(
    told(lambda story: story.given), min_size=1, max_size=5, unique=True
)


class Story(Telling):
    """Two accounts and more, their sessions and keys, an administrator, an operator, and time."""

    @property
    def given(self) -> list[str]:
        """What a key can be given in this release."""
        return list(self.release.spoken(GIVEN))

    # How it begins, and who comes and goes.

    @initialize()
    def begin(self) -> None:
        """Two people; the first has several sessions, of which one is elevated, and keys."""
        for _ in range(2):
            self.arrive()
        session = self.told.sessions[0]
        self.log_in(session.account, PASSWORD)
        self.open_child(session, None)
        self.set_up(session, PIN)
        self.unlock(session, "right", None)
        for permissions in ([ALL], self.given):
            self.make_key(session, permissions)

    @precondition(lambda self: len(self.told.accounts) < MOST_ACCOUNTS)
    @rule()
    def arrive(self) -> None:
        """Somebody is given an account, and signs in."""
        account = self.house.account(must_change_password=True)
        self.told.accounts.append(ToldAccount(str(account.id), account.number, str(account.email)))
        self.log_in(self.told.accounts[-1], PASSWORD)

    @rule(account=ACCOUNTS)
    def disable(self, account: ToldAccount) -> None:
        """The operator disables an account, or enables it: what has not ended is good again then."""
        if not account.purged:
            do(self.house.core, accounts.enable if account.disabled else accounts.disable, account.number)
            account.disabled = not account.disabled

    @rule(account=ACCOUNTS, force=st.sampled_from([False] * 4 + [True]))
    def delete(self, account: ToldAccount, force: bool) -> None:
        """The administrator deletes an account, so that it can be restored or for good."""
        if self.administer("delete_user_admin", account, {"force": force}):
            account.deleted, account.purged = True, force

    @rule(account=ACCOUNTS)
    def restore(self, account: ToldAccount) -> None:
        """The administrator restores an account, with all of its sessions and keys."""
        if self.administer("restore_user_admin", account, sees_deleted=True):
            account.deleted = False

    @rule(account=ACCOUNTS, password=PASSWORDS, must_change=st.booleans())
    def reset_password(self, account: ToldAccount, password: str, must_change: bool) -> None:
        """A password that the administrator gives ends every session, and no key."""
        body = {"password": password, "shouldChangePassword": must_change}
        if self.administer("update_user_admin", account, body):
            account.password, account.must_change = password, must_change
            self.told.end_sessions(account)

    @rule(account=ACCOUNTS, pin=PINS | st.none())
    def put_pin(self, account: ToldAccount, pin: str | None) -> None:
        """A PIN that the administrator gives or takes locks no session (§2.2)."""
        if self.administer("update_user_admin", account, {"pinCode": pin}):
            account.pin = pin

    # Sessions.

    @rule(account=ACCOUNTS, password=PASSWORDS)
    def log_in(self, account: ToldAccount, password: str) -> None:
        """A log-in adds a session, if the password is right and the account there."""
        is_right = password == account.password and account.is_active
        if not is_right and account.failures >= MOST_FAILURES:
            return
        answer = self.house.log_in(account.email, password)
        if is_right:
            self.adds_session(account, answer.json()["accessToken"])
        else:
            account.failures += 1
            assert message(answer, 401) == "Incorrect email or password"

    @rule(caller=CALLERS)
    def log_out(self, caller: Credential) -> None:
        """A log-out ends the session that asks; a key it leaves alone."""
        if self.ask("logout", caller) and isinstance(caller, ToldSession):
            caller.ended = True

    @rule(caller=CALLERS, minutes=st.sampled_from([None, 5, 30]))
    def open_child(self, caller: Credential, minutes: int | None) -> None:
        """A session opens another one, which dies with it; a key opens none."""
        if isinstance(caller, ToldSession) and caller.depth >= MOST_NESTED:
            return
        body = {} if minutes is None else {"duration": minutes * 60}
        refused = None if isinstance(caller, ToldSession) else SESSION_ONLY
        answer = self.ask("create_session", caller, body, refused=refused)
        if answer is not None and isinstance(caller, ToldSession):
            ends = None if minutes is None else self.now + timedelta(minutes=minutes)
            self.adds_session(caller.account, answer.json()["token"], parent=caller, ends=ends)

    @rule(caller=CALLERS, session=SESSIONS)
    def end_session(self, caller: Credential, session: ToldSession) -> None:
        """A session of one's own is ended, by another one, itself or a key; anybody else's is not found."""
        refused = None if self.is_own(caller, session) else "Not found or no authDevice.delete access"
        if self.ask("delete_session", caller, of=session.id, refused=refused):
            session.ended = True

    @rule(caller=CALLERS)
    def end_all_sessions(self, caller: Credential) -> None:
        """All sessions but the one that asks are ended; a key ends them all."""
        if self.ask("delete_all_sessions", caller):
            self.told.end_sessions(caller.account, but=caller)

    @rule(caller=CALLERS, session=SESSIONS)
    def lock_session(self, caller: Credential, session: ToldSession) -> None:
        """The elevation of a session of one's own is ended."""
        refused = None if self.is_own(caller, session) else "Not found or no session.lock access"
        if self.ask("lock_session", caller, of=session.id, refused=refused):
            session.lock(self.now)

    # Password and PIN.

    @rule(caller=CALLERS, pin=PINS)
    def set_up(self, caller: Credential, pin: str) -> None:
        """A PIN is set up once."""
        refused = None if caller.account.pin is None else "User already has a PIN code"
        if self.secret("setup_pin_code", caller, {"pinCode": pin}, refused):
            caller.account.pin = pin

    @rule(caller=CALLERS, new=PINS, pin=SHOWN, password=SHOWN)
    def change_pin(self, caller: Credential, new: str, pin: str | None, password: str | None) -> None:
        """A PIN is changed by a proof, and no elevation with it."""
        body = self.shown(caller.account, pin, password)
        refused = caller.account.proof(body.get("password"), body.get("pinCode"))
        if self.secret("change_pin_code", caller, {**body, "newPinCode": new}, refused):
            caller.account.pin = new

    @rule(caller=CALLERS, pin=SHOWN, password=SHOWN)
    def reset_pin(self, caller: Credential, pin: str | None, password: str | None) -> None:
        """A PIN is removed by a proof, and every elevation of the account with it."""
        body = self.shown(caller.account, pin, password)
        refused = caller.account.proof(body.get("password"), body.get("pinCode"))
        if self.secret("reset_pin_code", caller, body, refused):
            caller.account.pin = None
            for session in self.told.sessions_of(caller.account, self.now):
                if session.elevated is not None:
                    session.lock(self.now)

    @rule(caller=CALLERS, pin=SHOWN, password=SHOWN)
    def unlock(self, caller: Credential, pin: str | None, password: str | None) -> None:
        """A session is elevated by the PIN, and by nothing else; a key never is."""
        body = self.shown(caller.account, pin, password)
        refused = caller.account.proof(None, body.get("pinCode"))
        if self.secret("unlock_auth_session", caller, body, refused) and isinstance(caller, ToldSession):
            caller.elevated = self.now + ELEVATED

    @rule(caller=CALLERS)
    def lock(self, caller: Credential) -> None:
        """A session's elevation is ended."""
        if self.secret("lock_auth_session", caller, {}, None) and isinstance(caller, ToldSession):
            caller.lock(self.now)

    @rule(caller=CALLERS, shown=st.sampled_from(["right", "wrong"]), new=PASSWORDS, others=st.booleans())
    def change_password(self, caller: Credential, shown: str, new: str, others: bool) -> None:
        """A password is changed by the old one, and the other sessions end if the release can be asked for it."""
        old = self.shown(caller.account, None, shown)["password"]
        refused = None if old == caller.account.password else "Wrong password"
        body = {"password": old, "newPassword": new, "invalidateSessions": others}
        if self.secret("change_password", caller, body, refused):
            caller.account.password = new
            if others and self.release.name != "1.134":
                self.told.end_sessions(caller.account, but=caller)

    @rule(caller=CALLERS, new=PASSWORDS)
    def replace_password(self, caller: Credential, new: str) -> None:
        """Without the old password only who must change it changes it, once, and nobody's session ends."""
        refused = None if caller.account.must_change else NEEDS_CURRENT
        if self.secret("update_my_user", caller, {"password": new}, refused):
            caller.account.password, caller.account.must_change = new, False

    # Keys.

    @rule(caller=CALLERS, permissions=PERMISSIONS)
    def make_key(self, caller: Credential, permissions: list[str]) -> None:
        """A key makes no key that may do more than itself."""
        refused = None if caller.may_give(permissions) else CANNOT_GRANT
        answer = self.ask("create_api_key", caller, {"permissions": permissions}, refused=refused)
        if answer is not None:
            assert set(answer.json()["apiKey"]["permissions"]) == set(permissions)
            self.add_key(caller.account, answer)

    @precondition(lambda self: self.told.keys and self.release.name != "1.134")
    @rule(caller=CALLERS, key=KEYS, permissions=PERMISSIONS)
    def change_key(self, caller: Credential, key: ToldKey, permissions: list[str]) -> None:
        """Nor does it raise one, itself included."""
        refused = None if caller.may_give(permissions) else CANNOT_GRANT
        refused = refused if key in self.told.keys_of(caller.account) else NO_KEY
        body = {"permissions": permissions}
        if self.ask("update_api_key", caller, body, of=key.id, refused=refused):
            key.permissions = frozenset(permissions)

    @precondition(lambda self: self.told.keys and self.release.name == "3.2")
    @rule(caller=CALLERS, key=KEYS)
    def rotate_key(self, caller: Credential, key: ToldKey) -> None:
        """A rotated key has another secret, and nobody gets one of a key that may do more than theirs."""
        refused = None if caller.may_give(key.permissions) else CANNOT_ROTATE
        refused = refused if key in self.told.keys_of(caller.account) else NO_KEY
        answer = self.ask("rotate_api_key", caller, of=key.id, refused=refused)
        if answer is not None:
            key.ended = True
            self.add_key(caller.account, answer)

    @precondition(lambda self: self.told.keys)
    @rule(caller=CALLERS, key=KEYS)
    def revoke_key(self, caller: Credential, key: ToldKey) -> None:
        """A key of one's own is revoked, perhaps by itself."""
        refused = None if key in self.told.keys_of(caller.account) else NO_KEY
        if self.ask("delete_api_key", caller, of=key.id, refused=refused):
            key.ended = True

    # Time, and what is seen.

    @rule(minutes=st.sampled_from([1, 4, 6, 11, 16, 30, 120]))
    def wait(self, minutes: int) -> None:
        """A while passes."""
        self.house.clock.forward(minutes=minutes)

    @rule(days=st.sampled_from([50, 50, 91]))
    def be_away(self, days: int) -> None:
        """Weeks pass, in which nobody comes."""
        self.house.clock.forward(days=days)

    @rule(account=ACCOUNTS)
    def look(self, account: ToldAccount) -> None:
        """All that an account has is good or not, its PIN there or not, each elevation as long, as told."""
        for credential in self.told.credentials:
            if credential.account is account:
                self.ask("validate_access_token", credential)
                answer = self.ask("get_auth_status", credential)
                if answer is not None:
                    assert answer.json() == credential.status(self.now)

    @rule(caller=CALLERS)
    def list_all(self, caller: Credential) -> None:
        """An owner is shown exactly the sessions and keys that live, with what each key may do."""
        answer = self.ask("get_sessions", caller)
        if answer is not None:
            shown = {session["id"] for session in answer.json()}
            assert shown == {session.id for session in self.told.sessions_of(caller.account, self.now)}
        answer = self.ask("get_api_keys", caller)
        if answer is not None:
            may = {key["id"]: frozenset(key["permissions"]) for key in answer.json()}
            assert may == {key.id: key.permissions for key in self.told.keys_of(caller.account)}

    @invariant()
    def what_has_ended_does_not_answer(self) -> None:
        """After each step one of those that are no good is held up, each in its turn."""
        bad = self.told.bad(self.now)
        if bad:
            self.ask("validate_access_token", bad[next(self.turns) % len(bad)])

    def teardown(self) -> None:
        """In the end everything that there ever was is as told."""
        for account in self.told.accounts:
            self.look(account)


@pytest.fixture(params=NAMES)
def story(request: pytest.FixtureRequest, database_url: str) -> Iterator[type[Story]]:
    """The story, to be told on each engine in each release."""
    with speaking_at(database_url, request.param) as house:
        admin = house.account(is_admin=True)
        told_there = {"house": house, "release": RELEASES[request.param], "admin": admin}
        yield type("StoryThere", (Story,), told_there)


def test_any_story_goes_as_told(story: type[Story]) -> None:
    """Whatever is done in whatever order: nothing outlives its end, leaks to another, or comes back revoked."""
    given = hypothesis.settings()
    # Without shrinking: each step is a request, and a story to the point would take minutes to find.
    settings = hypothesis.settings(
        max_examples=max(8, given.max_examples // 50),
        stateful_step_count=50,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        deadline=None,
    )
    run_state_machine_as_test(story, settings=settings)
