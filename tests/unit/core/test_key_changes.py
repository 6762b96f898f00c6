"""API keys that keys make and change: never to more than the one that asks has."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes import FakeClock, do
from tests.people import BOB, calling, calling_by_key, events, presenting, rows, somebody
from tests.racing import after_statements, at_once, is_write

from dragoman.core import api_keys
from dragoman.core.accounts import Account
from dragoman.core.api_keys import ApiKey
from dragoman.core.audit import audit_log
from dragoman.core.errors import ApiKeyRefused, NameRefused, NotFound, PermissionsExceeded, TooMany
from dragoman.core.principals import Principal
from dragoman.core.secrets import KeyForm, Secret
from dragoman.core.work import Core


@pytest.fixture
def alice(core: Core) -> Account:
    """Somebody with keys."""
    return somebody(core)


def issued(core: Core, owner: Account, *permissions: str, **named: Any) -> tuple[ApiKey, Secret]:
    """A new key with these permissions."""
    return do(core, api_keys.issue, owner.number, "immich", name="key", permissions=permissions, **named)


def changed(core: Core, key: ApiKey, **changes: Any) -> ApiKey:
    """A key as it is after a change."""
    return do(core, api_keys.change, key.account_number, key.dialect, key.id, **changes)


def rotated(core: Core, key: ApiKey, **named: Any) -> tuple[ApiKey, Secret]:
    """A key and its new secret."""
    return do(core, api_keys.rotate, key.account_number, key.dialect, key.id, **named)


def answers(core: Core, secret: Secret) -> bool:
    """Whether a secret is a key's."""
    try:
        presenting(core, secret, "api_key")
    except ApiKeyRefused:
        return False
    return True


# --- whose it is ----------------------------------------------------------------------------------------


def test_a_key_is_found_by_its_owner_alone(core: Core, alice: Account) -> None:
    """A key is found, changed, rotated and revoked by account, dialect and id together, or not at all."""
    bob = somebody(core, BOB)
    key, secret = issued(core, alice, "all")
    assert do(core, api_keys.get_owned, alice.number, "immich", key.id) == key
    wrong = [
        (bob.number, "immich", key.id),
        (alice.number, "strict", key.id),
        (alice.number, "immich", uuid.uuid4()),
    ]
    uses: list[Callable[..., object]] = [api_keys.get_owned, api_keys.change, api_keys.rotate]
    for owner, dialect, key_id in wrong:
        for use in uses:
            with pytest.raises(NotFound):
                do(core, use, owner, dialect, key_id)
        with pytest.raises(NotFound):
            do(core, api_keys.revoke, key_id, owner=owner, dialect=dialect)
    assert do(core, api_keys.get_owned, alice.number, "immich", key.id) == key
    assert answers(core, secret)
    do(core, api_keys.revoke, key.id, owner=alice.number, dialect="immich")
    assert not answers(core, secret)


# --- changing -------------------------------------------------------------------------------------------


def test_a_key_is_renamed_and_narrowed(core: Core, alice: Account, clock: FakeClock) -> None:
    """What is given of a change is changed, from now on, and dated; the rest and the secret stay."""
    key, secret = issued(core, alice, "a", "b")
    clock.forward(minutes=1)
    assert changed(core, key, name="Backup") == replace(key, name="Backup", updated_at=clock.now)
    clock.forward(minutes=1)
    narrow = changed(core, key, permissions=["b", "b"])
    assert narrow == replace(key, name="Backup", permissions=["b"], updated_at=clock.now)
    caller = presenting(core, secret, "api_key").api_key
    assert caller == narrow
    assert not caller.allows("a")
    assert events(core) == ["account added", "key changed", "key changed", "key issued"]


def test_a_refused_change_changes_nothing(core: Core, alice: Account) -> None:
    """A name that cannot be one leaves a key as it was, its permissions too."""
    key, _ = issued(core, alice, "a")
    with pytest.raises(NameRefused):
        changed(core, key, name="a\nb", permissions=["b"])
    assert do(core, api_keys.get_owned, alice.number, "immich", key.id) == key


# --- rotating -------------------------------------------------------------------------------------------


def test_a_rotated_key_has_a_new_secret_alone(core: Core, alice: Account, clock: FakeClock) -> None:
    """Rotating kills the secret there was at once and leaves the rest: name, permissions, expiry, id."""
    key, before = issued(core, alice, "a", expires_at=clock.now + timedelta(days=1))
    clock.forward(minutes=1)
    after, secret = rotated(core, key, form=KeyForm("k_"))
    assert not answers(core, before)
    assert presenting(core, secret, "api_key").api_key == after
    assert after == replace(key, hint=secret.reveal()[:6], updated_at=clock.now)
    assert secret.reveal().startswith("k_")
    assert secret.reveal() not in str(rows(core, api_keys.api_keys))
    assert events(core)[-1] == "key rotated"


def test_of_many_secrets_at_once_one_is_good(core: Core, alice: Account) -> None:
    """However many rotate a key at one time, one secret opens it afterwards."""
    key, before = issued(core, alice, "all")
    outcomes = at_once(*[lambda: rotated(core, key)] * 8)
    secrets = [outcome[1] for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(secrets) == 8
    assert [answers(core, secret) for secret in secrets].count(True) == 1
    assert not answers(core, before)


def test_a_secret_that_was_spent_rotates_nothing(core: Core, alice: Account) -> None:
    """Who holds the old secret of a key cannot rotate it back into their hands."""
    key, before = issued(core, alice, "all")
    caller = presenting(core, before, "api_key")
    do(core, api_keys.revoke, key.id)
    other, _ = issued(core, alice, "a")
    with pytest.raises(ApiKeyRefused):
        rotated(core, other, by=caller)


# --- no more than one has -------------------------------------------------------------------------------


def giving(core: Core, owner: Account, by: Principal | None, permissions: list[str]) -> list[object]:
    """What comes of giving permissions in each of the ways there are."""
    target, _ = issued(core, owner, "x")
    powerful, _ = issued(core, owner, *permissions)
    ways: list[Callable[[], object]] = [
        lambda: issued(core, owner, *permissions, by=by),
        lambda: changed(core, target, permissions=permissions, by=by),
        lambda: rotated(core, powerful, by=by),
    ]
    outcomes: list[object] = []
    for way in ways:
        try:
            way()
            outcomes.append(None)
        except PermissionsExceeded:
            outcomes.append(PermissionsExceeded)
    return outcomes


@pytest.mark.parametrize(
    ("has", "gives", "may"),
    [
        (["a", "b"], ["a"], True),
        (["a", "b"], ["b", "a"], True),
        (["a", "b"], ["a", "c"], False),
        (["a", "b"], ["all"], False),
        (["all"], ["all"], True),
        (["all"], ["c"], True),
    ],
)
def test_a_key_gives_no_more_than_it_has(
    core: Core, alice: Account, has: list[str], gives: list[str], may: bool
) -> None:
    """A caller with a key issues, changes and rotates keys only within what that key has; a session any."""
    refused = None if may else PermissionsExceeded
    assert giving(core, alice, calling_by_key(core, alice, *has), gives) == [refused] * 3
    assert giving(core, alice, calling(core, alice), gives) == [None] * 3


def test_a_key_may_narrow_itself_and_not_widen(core: Core, alice: Account) -> None:
    """A key that changes itself may give up what it has, and then has it no more to take back."""
    caller = calling_by_key(core, alice, "a", "b")
    assert caller.api_key is not None
    changed(core, caller.api_key, permissions=["a"], by=caller)
    # Though it was identified before, when it had both.
    with pytest.raises(PermissionsExceeded):
        changed(core, caller.api_key, permissions=["a", "b"], by=_later(core, caller))
    assert do(core, api_keys.get_owned, alice.number, "immich", caller.api_key.id).permissions == ["a"]


def _later(core: Core, caller: Principal) -> Principal:
    """The caller as identified a moment before the key was changed."""
    assert caller.api_key is not None
    earlier = caller.api_key.updated_at - timedelta(seconds=1)
    return replace(caller, api_key=replace(caller.api_key, updated_at=earlier))


def test_a_key_may_be_named_by_any(core: Core, alice: Account) -> None:
    """A key's name is no power: a caller with a lesser key may change it."""
    powerful, _ = issued(core, alice, "all")
    caller = calling_by_key(core, alice, "a")
    assert changed(core, powerful, name="Other", by=caller).permissions == ["all"]


def test_permissions_are_compared_in_the_words_they_were_read_in(core: Core, alice: Account) -> None:
    """A caller whose key is shown with other names for its permissions gives by those, and by its own."""
    caller = calling_by_key(core, alice, "old.name")
    assert caller.api_key is not None
    translated = replace(caller, api_key=replace(caller.api_key, permissions=("newName",)))
    for name in ("newName", "old.name"):
        issued(core, alice, name, by=translated)
    with pytest.raises(PermissionsExceeded):
        issued(core, alice, "another", by=translated)


def test_who_gave_is_on_record(core: Core, alice: Account) -> None:
    """The record of a key says through what it was issued, changed, rotated and revoked."""
    caller = calling_by_key(core, alice)
    key, _ = issued(core, alice, "a", by=caller)
    changed(core, key, name="b", by=caller)
    rotated(core, key, by=caller)
    do(core, api_keys.revoke, key.id, by=caller)
    about = [row for row in rows(core, audit_log) if (row["detail"] or {}).get("key") == str(key.id)]
    assert {row["event"] for row in about} == {"key issued", "key changed", "key rotated", "key revoked"}
    assert {row["via"] for row in about} == {caller.via}


# --- how many -------------------------------------------------------------------------------------------


def test_keys_are_bounded(core: Core, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account has so many keys in a dialect and no more, though several are issued at once."""
    monkeypatch.setattr(api_keys, "MOST", 5)
    outcomes = at_once(*[lambda: issued(core, alice, "all")] * 8)
    assert [type(outcome) for outcome in outcomes].count(TooMany) == 3
    assert len(rows(core, api_keys.api_keys)) == 5
    bob = somebody(core, BOB)
    issued(core, bob, "all")
    do(core, api_keys.issue, alice.number, "strict", name="key", permissions=["all"])
    key = do(core, api_keys.owned, alice.number, "immich")[0]
    do(core, api_keys.revoke, key.id)
    issued(core, alice, "all")


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
@pytest.mark.parametrize("use", [changed, rotated])
def test_a_key_that_is_revoked_meanwhile_is_not_found(
    core: Core, alice: Account, use: Callable[[Core, ApiKey], object]
) -> None:
    """A key that goes between being looked at and being written is not there; nothing is on record of it.

    On SQLite nobody can write between the two.
    """
    key, _ = issued(core, alice, "all")
    revoked: list[str] = []

    def revoke(statement: str) -> None:
        if "FROM api_keys" in statement and not is_write(statement) and not revoked:
            revoked.append(statement)
            do(core, api_keys.revoke, key.id)

    with after_statements(core, revoke), pytest.raises(NotFound):
        use(core, key)
    assert events(core) == ["account added", "key issued", "key revoked"]
