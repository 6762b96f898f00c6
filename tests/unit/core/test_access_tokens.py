"""One-time access tokens: made, shown to their people, standing for an object, revoked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.links import BUNDLE, FOLDER, made, opened
from tests.people import calling, events, everything, presenting, rows, sealing, somebody
from tests.racing import at_once

from dragoman.core import access_tokens, accounts, link_visits, sweep
from dragoman.core.access_tokens import NewAccessToken, SharedObject
from dragoman.core.errors import AccessTokenRefused, NotFound, SessionRefused, TooMany
from dragoman.core.link_visits import link_visits as visits
from dragoman.core.principals import Principal
from dragoman.core.resealing import reseal
from dragoman.core.sealing import Sealer, rotate_data_key
from dragoman.core.sessions import sessions
from dragoman.core.work import Core

CAROL = "carol@example.org"


@pytest.fixture(name="core")
def sealing_core(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


# --- making and seeing ------------------------------------------------------------------------------------


def test_a_link_is_what_was_asked_for(core: Core, alice: Principal, bob: Principal, clock: FakeClock) -> None:
    """A link has what it was made with; its password only as the fact that there is one."""
    expires = clock.now + timedelta(days=7)
    link, _ = made(
        core,
        alice,
        account_number=bob.account.number,
        url="/media/7",
        shared=(FOLDER, BUNDLE, replace(BUNDLE, id=2, name="x" * 300)),
        permissions={"show_tags": True},
        password="open sesame",
        views=3,
        expires_at=expires,
        requires_sign_in=True,
    )
    assert link == do(core, access_tokens.get, link.id, visible_to=alice.account.number)
    assert (link.account_number, link.creator_number) == (bob.account.number, alice.account.number)
    assert (link.url, link.permissions, link.has_password) == ("/media/7", {"show_tags": True}, True)
    assert (link.is_limited, link.views_left, link.expires_at) == (True, 3, expires)
    assert (link.requires_sign_in, link.created_at, link.standing_kind) == (True, clock.now, None)
    shared = do(core, access_tokens.shared_by, [link.id])[link.id]
    assert sorted(shared, key=lambda each: (each.kind, each.id)) == [
        SharedObject("bundle", 2, "x" * 256),
        BUNDLE,
        FOLDER,
    ]
    assert events(core).count("link made") == 1


def test_a_link_has_no_limits_by_itself(core: Core, alice: Principal) -> None:
    """Without views, password or an end none is set; views left are 0, which nobody counts."""
    link, _ = made(core, alice, shared=())
    assert (link.is_limited, link.views_left, link.expires_at, link.has_password) == (False, 0, None, False)
    assert do(core, access_tokens.shared_by, [link.id]) == {}


def test_what_is_shared_twice_is_shared(core: Core, alice: Principal) -> None:
    """An object named twice is one object."""
    link, _ = made(core, alice, shared=(BUNDLE, BUNDLE))
    assert do(core, access_tokens.shared_by, [link.id])[link.id] == [BUNDLE]


def test_a_link_is_seen_by_its_people(core: Core, alice: Principal, bob: Principal) -> None:
    """Who made a link and who it is opened as see it; others do not, unless they see all."""
    carol = calling(core, somebody(core, CAROL))
    link, _ = made(core, alice, account_number=bob.account.number)
    for number in (alice.account.number, bob.account.number, None):
        assert do(core, access_tokens.get, link.id, visible_to=number) == link
    for link_id, number in (
        (link.id, carol.account.number),
        (link.id + 1, None),
        (10**30, None),
        (-(10**30), None),
    ):
        with pytest.raises(NotFound):
            do(core, access_tokens.get, link_id, visible_to=number)
        with pytest.raises(NotFound):
            do(core, access_tokens.revoke, link_id, visible_to=number, by=carol)
    with pytest.raises(NotFound):
        do(core, access_tokens.get, link.id, visible_to=None, origin=replace(ORIGIN, dialect="strict"))


def test_the_token_is_digested_and_sealed(core: Core, alice: Principal) -> None:
    """A token has 238 bits, and nothing in the database shows it; it opens again after its seal was renewed."""
    link, token = made(core, alice)
    assert len(token.reveal()) == 40
    assert token.reveal() not in repr(everything(core))
    assert token.reveal().encode() not in rows(core, access_tokens.access_tokens)[0]["sealed"]
    sealer = core.tools.sealer
    assert isinstance(sealer, Sealer)
    do(core, rotate_data_key, sealer)
    columns = access_tokens.access_tokens.c
    assert reseal(core, ORIGIN, sealer, columns.sealed) == 1
    again = do(core, access_tokens.get, link.id, visible_to=None)
    assert again.sealed != link.sealed
    assert do(core, access_tokens.token_of, again) == token


def test_a_creator_has_a_bounded_number(
    core: Core, alice: Principal, bob: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody makes so many links and no more, and a link shares so many objects."""
    monkeypatch.setattr(access_tokens, "MOST", 2)
    monkeypatch.setattr(access_tokens, "MOST_SHARED", 2)
    for _ in range(2):
        made(core, alice)
    with pytest.raises(TooMany):
        made(core, alice)
    with pytest.raises(TooMany):
        do(core, access_tokens.standing, BUNDLE, "/", by=alice)
    with pytest.raises(TooMany):
        made(core, bob, shared=[replace(BUNDLE, id=n) for n in range(3)])
    made(core, bob, account_number=alice.account.number)


# --- standing for an object -------------------------------------------------------------------------------


def test_an_object_has_one_standing_link(core: Core, alice: Principal) -> None:
    """Asked for again, the standing link of an object is the same, with the same token and no end."""
    first = do(core, access_tokens.standing, BUNDLE, "/media/bundle/5", by=alice)
    again = do(core, access_tokens.standing, replace(BUNDLE, name="renamed"), "/elsewhere", by=alice)
    assert first == again
    assert (first.standing_kind, first.standing_id, first.expires_at) == ("bundle", 5, None)
    assert do(core, access_tokens.shared_by, [first.id]) == {first.id: [BUNDLE]}


def test_other_objects_and_people_have_other_links(core: Core, alice: Principal, bob: Principal) -> None:
    """A standing link is one object's and one person's: nobody is given the token of another's."""
    links = [
        do(core, access_tokens.standing, BUNDLE, "/", by=alice),
        do(core, access_tokens.standing, FOLDER, "/", by=alice),
        do(core, access_tokens.standing, replace(BUNDLE, id=6), "/", by=alice),
        do(core, access_tokens.standing, BUNDLE, "/", by=bob),
        do(core, access_tokens.standing, BUNDLE, "/", by=alice, origin=replace(ORIGIN, dialect="strict")),
    ]
    assert len({link.id for link in links}) == 5


def test_a_standing_link_is_revoked_by_its_object(core: Core, alice: Principal, bob: Principal) -> None:
    """Ended, a standing link is dead; there may be another then, with another token."""
    first = do(core, access_tokens.standing, BUNDLE, "/", by=alice)
    token = do(core, access_tokens.token_of, first)
    for kind, number, by in (("directory", 5, alice), ("bundle", 5, bob), ("bundle", 10**30, alice)):
        with pytest.raises(NotFound):
            do(core, access_tokens.end_standing, kind, number, by=by)
    do(core, access_tokens.end_standing, "bundle", 5, by=alice)
    with pytest.raises(AccessTokenRefused):
        opened(core, token)
    with pytest.raises(NotFound):
        do(core, access_tokens.end_standing, "bundle", 5, by=alice)
    second = do(core, access_tokens.standing, BUNDLE, "/", by=alice)
    assert do(core, access_tokens.token_of, second) != token


def test_many_who_ask_at_once_are_given_one_link(core: Core, alice: Principal) -> None:
    """Of parallel requests for a standing link each is given the same."""
    given = at_once(*[lambda: do(core, access_tokens.standing, BUNDLE, "/", by=alice).id for _ in range(8)])
    assert len(set(given)) == 1
    assert isinstance(given[0], int)


# --- revoking ---------------------------------------------------------------------------------------------


def test_revoking_ends_what_the_link_opened(core: Core, alice: Principal) -> None:
    """With a link its sessions, visits and references go, and nothing of any other link's."""
    (link, token), (_, other_token) = made(core, alice), made(core, alice)
    gone, stays = opened(core, token), opened(core, other_token)
    do(core, access_tokens.revoke, link.id, visible_to=alice.account.number, by=alice)
    with pytest.raises(SessionRefused):
        presenting(core, gone.secret, visitors=True)
    with pytest.raises(AccessTokenRefused):
        opened(core, token)
    presenting(core, stays.secret, visitors=True)
    assert len(rows(core, visits)) == len(rows(core, access_tokens.shared_objects)) == 1
    assert events(core).count("link revoked") == 1


def test_revoked_while_it_is_opened(core: Core, alice: Principal) -> None:
    """Whichever of the two comes first, no session outlives its link."""
    for _ in range(5):
        link, token = made(core, alice)
        opening = [partial(opened, core, token)] * 4
        at_once(*opening, partial(do, core, access_tokens.revoke, link.id, visible_to=None))
    assert [row for row in rows(core, sessions) if row["access_token_id"] is not None] == []


@pytest.mark.parametrize("whose", ["creator", "account"])
def test_a_link_goes_with_its_people(core: Core, alice: Principal, bob: Principal, whose: str) -> None:
    """A purged account takes the links along that it made and that are opened as it."""
    made(core, alice, account_number=bob.account.number)
    do(core, accounts.purge, (alice if whose == "creator" else bob).account.number)
    assert rows(core, access_tokens.access_tokens) == []


def test_a_link_is_swept_a_month_after_its_end(core: Core, alice: Principal, clock: FakeClock) -> None:
    """What has expired is shown for 30 days more; what never does stays."""
    made(core, alice, expires_at=clock.now + timedelta(days=1))
    kept, _ = made(core, alice)
    clock.forward(days=31, microseconds=-1)
    assert sweep.sweep(core, ORIGIN)["access_tokens"] == 0
    clock.forward(microseconds=1)
    assert sweep.sweep(core, ORIGIN)["access_tokens"] == 1
    assert [row["id"] for row in rows(core, access_tokens.access_tokens)] == [kept.id]


def test_a_number_is_never_given_twice(core: Core, alice: Principal) -> None:
    """The id of a link that was revoked is never another's."""
    first, _ = made(core, alice)
    do(core, access_tokens.revoke, first.id, visible_to=None)
    second, _ = made(core, alice)
    assert second.id > first.id


def test_nothing_new_shows_the_hash(core: Core, alice: Principal) -> None:
    """What is asked of a link and what is read of it show neither its hash nor its seal in a repr."""
    new = NewAccessToken(alice.account.number, "/", password="the hash")
    assert "the hash" not in repr(new)
    link, _ = made(core, alice)
    assert repr(link.sealed) not in repr(link)
    assert "hash" not in vars(link)


def test_visits_of_no_links(core: Core) -> None:
    """Nothing is known of no links."""
    assert do(core, link_visits.visits_of, []) == {}
    assert do(core, access_tokens.shared_by, []) == {}
