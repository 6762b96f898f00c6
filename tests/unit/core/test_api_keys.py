"""API keys: issued once, good for what they carry, revoked by their owner."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, events, presenting, rows, somebody

from dragoman.core import api_keys, sweep
from dragoman.core.api_keys import ApiKey
from dragoman.core.errors import ApiKeyRefused, NameRefused, NotFound
from dragoman.core.secrets import KeyForm, Secret, digest
from dragoman.core.work import Core


def issued(core: Core, number: int = 1, dialect: str = "immich", **named: Any) -> tuple[ApiKey, Secret]:
    """A new key."""
    facts: dict[str, Any] = {"name": "key", "permissions": ["all"], **named}
    return do(core, api_keys.issue, number, dialect, **facts)


def test_a_key_is_its_owners_caller(core: Core, clock: FakeClock) -> None:
    """Whoever holds up a key's secret is its owner, through that key."""
    account = somebody(core)
    key, secret = issued(
        core, name="Backup", permissions=["b", "a", "b"], expires_at=clock.now + timedelta(days=1)
    )
    assert key.permissions == ["a", "b"]
    caller = presenting(core, secret, "api_key")
    assert (caller.account, caller.api_key, caller.session) == (account, key, None)
    assert (key.name, key.created_at, key.updated_at, key.used_at) == ("Backup", clock.now, clock.now, None)


def test_K_01_a_keys_secret_is_not_kept(core: Core) -> None:
    """Of a key its digest is stored, and the first six characters, by which its owner knows it."""
    somebody(core)
    key, secret = issued(core, form=KeyForm("ak_"))
    assert secret.reveal().startswith("ak_")
    (row,) = rows(core, api_keys.api_keys)
    assert row["digest"] == digest(secret)
    assert row["hint"] == key.hint == secret.reveal()[:6]
    assert secret.reveal() not in str(row)


def test_K_04_a_key_ends_when_it_expires(core: Core, clock: FakeClock) -> None:
    """A key is good until the instant at which it expires; without one it is good for ever."""
    somebody(core)
    _, passing = issued(core, expires_at=clock.now + timedelta(days=1))
    _, lasting = issued(core)
    clock.forward(days=1, microseconds=-1)
    presenting(core, passing, "api_key")
    clock.forward(microseconds=1)
    with pytest.raises(ApiKeyRefused):
        presenting(core, passing, "api_key")
    clock.forward(days=3650)
    presenting(core, lasting, "api_key")


def test_a_key_carries_permissions() -> None:
    """A key allows what it carries, or everything if it carries all."""
    key = ApiKey(uuid.UUID(int=1), 1, "immich", "", "", ["asset.read"], *[None] * 4)  # type: ignore[arg-type]
    assert key.allows("asset.read")
    assert not key.allows("asset")
    assert not key.allows("asset.delete")
    every = ApiKey(uuid.UUID(int=1), 1, "immich", "", "", ["all"], *[None] * 4)  # type: ignore[arg-type]
    assert every.allows("asset.delete")


def test_a_keys_name_is_checked(core: Core) -> None:
    """A key's name is shown in lists, so it is held to what holds for names."""
    somebody(core)
    for name in ("", "a\nb", "x" * 257):
        with pytest.raises(NameRefused):
            issued(core, name=name)
    assert rows(core, api_keys.api_keys) == []


def test_a_revoked_key_is_refused(core: Core) -> None:
    """A key that was revoked is gone, and revoking it again finds none."""
    somebody(core)
    key, secret = issued(core)
    do(core, api_keys.revoke, key.id, owner=1)
    with pytest.raises(ApiKeyRefused):
        presenting(core, secret, "api_key")
    with pytest.raises(NotFound):
        do(core, api_keys.revoke, key.id)
    assert events(core) == ["account added", "key issued", "key revoked"]


def test_nobody_revokes_anothers_key(core: Core) -> None:
    """Where an owner is named, somebody else's key is not found; an operator names none."""
    somebody(core)
    bob = somebody(core, BOB)
    key, secret = issued(core)
    with pytest.raises(NotFound):
        do(core, api_keys.revoke, key.id, owner=bob.number)
    presenting(core, secret, "api_key")
    do(core, api_keys.revoke, key.id)


def test_keys_are_listed_newest_first(core: Core, clock: FakeClock) -> None:
    """Keys are listed newest first, an account's or all, in one dialect or in all."""
    somebody(core)
    bob = somebody(core, BOB)
    first, _ = issued(core)
    clock.forward(seconds=1)
    second, _ = issued(core, dialect="strict")
    clock.forward(seconds=1)
    bobs, _ = issued(core, bob.number)
    assert do(core, api_keys.owned) == [bobs, second, first]
    assert do(core, api_keys.owned, 1) == [second, first]
    assert do(core, api_keys.owned, 1, "immich") == [first]
    assert do(core, api_keys.owned, dialect="immich") == [bobs, first]


def test_a_keys_use_is_dated_by_the_minute(core: Core, clock: FakeClock) -> None:
    """When a key was last used is known to the minute, once the batch is written."""
    somebody(core)
    key, secret = issued(core)

    def used_at() -> object:
        sweep.write_last_seen(core, ORIGIN)
        (row,) = rows(core, api_keys.api_keys)
        return row["used_at"]

    presenting(core, secret, "api_key")
    first = clock.now
    assert used_at() == first
    clock.forward(seconds=59)
    presenting(core, secret, "api_key")
    assert used_at() == first
    clock.forward(seconds=1)
    presenting(core, secret, "api_key")
    assert used_at() == clock.now
    assert key.used_at is None


def test_keys_of_all_products_are_listed_in_pages(core: Core, clock: FakeClock) -> None:
    """The newest first, each once also where several were made at one instant, and nobody else's."""
    somebody(core)
    somebody(core, BOB)
    issued(core, 2)
    mine = set()
    for dialect in ("immich", "immich", "portainer", "immich", "elements"):
        mine.add(issued(core, dialect=dialect)[0].id)
        clock.forward(seconds=len(mine) // 3)
    first = do(core, api_keys.page, 1, limit=3)
    rest = do(core, api_keys.page, 1, limit=3, after=first[-1].id)
    found = [*first, *rest]
    assert [key.created_at for key in found] == sorted((key.created_at for key in found), reverse=True)
    assert (len(found), {key.id for key in found}) == (5, mine)
    assert do(core, api_keys.page, 1, limit=3, after=uuid.uuid4()) == first
