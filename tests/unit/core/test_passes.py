"""What credentials are good for: of many that are asked for together the same as of each alone."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes import ORIGIN, START, FakeClock, do
from tests.people import BOB, calling, opened, presenting, somebody

from dragoman.core import accounts, api_keys, groups, impersonation, passes, permissions
from dragoman.core.errors import ApiKeyRefused, CredentialRefused, SessionRefused, SharedLinkRefused
from dragoman.core.passes import Pass
from dragoman.core.principals import Named, Presented
from dragoman.core.secrets import Secret
from dragoman.core.work import Core, Origin

LATER = START + timedelta(days=1)


def test_many_together_are_each_good_for_what_they_are_alone(core: Core, clock: FakeClock) -> None:
    """Sessions by secret and by name, keys, what is refused and who acts as somebody: in the order they were shown."""
    alice, bob = somebody(core, is_admin=True), somebody(core, BOB)
    friends = do(core, groups.add, "Friends")
    do(core, permissions.join, bob, [friends.number])
    gone = somebody(core, "gone@example.org")
    session, secret = opened(core, alice)
    _, acting = opened(core, alice)
    do(core, impersonation.start, presenting(core, acting), bob.number, permission="anything")
    _, foreign = opened(core, bob, origin=Origin("elements"))
    _, ended = opened(core, gone)
    do(core, accounts.disable, gone.number)
    _, key = do(core, api_keys.issue, bob.number, "immich", name="key", permissions=["asset.read"])
    shown: list[Presented | Named] = [
        Presented("session", secret),
        Presented("session", Secret("made up")),
        Presented("api_key", key),
        Named(session.id, LATER),
        Presented("session", acting),
        Presented("api_key", secret),
        Presented("shared_link", Secret("a link")),
        Presented("session", foreign),
        Presented("session", ended),
        Named(calling(core, bob).require_session().id, LATER),
        Presented("session", secret),
    ]
    with core.begin(ORIGIN, writes=False) as uow:
        alone = [passes.look_up(uow, [each])[0] for each in shown]
        together = passes.look_up(uow, shown)
    assert [_told(each) for each in together] == [_told(each) for each in alone]
    names = [each.holder.username if isinstance(each, Pass) else type(each) for each in together]
    no, a, b = SessionRefused, alice.username, bob.username
    assert names == [a, no, b, a, b, ApiKeyRefused, SharedLinkRefused, no, no, b, a]
    key_s, acted = together[2], together[4]
    assert isinstance(key_s, Pass)
    assert (key_s.limits, key_s.holder.groups) == (["asset.read"], ("Friends",))
    assert isinstance(acted, Pass)
    assert acted.actor is not None
    assert acted.actor.username == a


def test_nothing_asked_for_is_nothing_found(core: Core) -> None:
    """Of no credentials nothing is read."""
    with core.begin(ORIGIN, writes=False) as uow:
        assert passes.look_up(uow, []) == []


def _told(found: Pass | CredentialRefused) -> object:
    return found if isinstance(found, Pass) else type(found)
