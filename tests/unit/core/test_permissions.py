"""What accounts may do: their own permissions and their groups', and who gives and takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.fakes import FakeClock, do
from tests.people import ALICE, BOB, calling, calling_by_key, events, everything, rows, somebody
from tests.racing import at_once

from dragoman.core import accounts, groups, permissions
from dragoman.core.accounts import Account
from dragoman.core.audit import audit_log
from dragoman.core.errors import (
    NameRefused,
    NameTaken,
    NotFound,
    PermissionMissing,
    PermissionsExceeded,
    Refusal,
    TooMany,
)
from dragoman.core.groups import Changes, Group
from dragoman.core.permissions import Rights, account_groups, group_members
from dragoman.core.work import Core

VIEW, MANAGE, PLAY = "users:view", "users:manage", "media:access"


def rights(core: Core, account: Account) -> Rights:
    """What an account may do now."""
    return do(core, permissions.of, account)


def give(core: Core, account: Account, *names: str, **named: Any) -> None:
    """Make these an account's own permissions."""
    do(core, permissions.give, account, names, **named)


def a_group(core: Core, name: str = "editors", *permits: str, **named: Any) -> Group:
    """A new group."""
    return do(core, groups.add, name, permits=permits, **named)


def test_what_an_account_may_do_is_its_own_and_its_groups(core: Core) -> None:
    """Effective are an account's own permissions and those of its groups, each once and in order."""
    alice, bob = somebody(core), somebody(core, BOB)
    give(core, alice, VIEW, PLAY)
    editors, viewers = a_group(core, "editors", MANAGE, VIEW), a_group(core, "viewers")
    do(core, permissions.join, alice, [viewers.number, editors.number])
    found = rights(core, alice)
    assert found == Rights(
        own=(
            PLAY,
            VIEW,
        ),
        by_group=(
            MANAGE,
            VIEW,
        ),
        groups=(
            editors.number,
            viewers.number,
        ),
    )
    assert found.effective == [PLAY, MANAGE, VIEW]
    assert do(core, permissions.of_all, [alice, bob]) == {alice.number: found, bob.number: Rights()}


@pytest.mark.parametrize(
    ("one", "other", "covered"),
    [
        (Rights(), Rights(), True),
        (Rights(own=(VIEW,)), Rights(by_group=(VIEW,)), True),
        (
            Rights(own=(VIEW,)),
            Rights(
                own=(
                    VIEW,
                    PLAY,
                )
            ),
            False,
        ),
        (Rights(of_admin=True), Rights(own=(VIEW,)), True),
        (Rights(own=(VIEW,)), Rights(of_admin=True), False),
    ],
)
def test_covering_is_being_allowed_all(one: Rights, other: Rights, covered: bool) -> None:
    """Rights cover others that allow nothing more; an administrator's cover all, and only they cover them."""
    assert one.covers(other) is covered


def test_administrators_may_do_everything(sqlite_core: Core) -> None:
    """An administrator is allowed what nobody gave them; somebody else is not."""
    admin, bob = somebody(sqlite_core, is_admin=True), somebody(sqlite_core, BOB)
    do(sqlite_core, permissions.require, calling(sqlite_core, admin), "anything:at:all")
    with pytest.raises(PermissionMissing):
        do(sqlite_core, permissions.require, calling(sqlite_core, bob), "anything:at:all")


def test_a_key_has_no_more_than_its_owner_and_no_more_than_itself(sqlite_core: Core) -> None:
    """What a caller with a key may do, both the key and its owner may."""
    admin, bob = somebody(sqlite_core, is_admin=True), somebody(sqlite_core, BOB)
    give(sqlite_core, bob, VIEW)
    do(sqlite_core, permissions.require, calling_by_key(sqlite_core, bob, VIEW), VIEW)
    for caller in (calling_by_key(sqlite_core, bob, MANAGE), calling_by_key(sqlite_core, admin, VIEW)):
        with pytest.raises(PermissionMissing):
            do(sqlite_core, permissions.require, caller, MANAGE)
        with pytest.raises(PermissionsExceeded):
            give(sqlite_core, bob, VIEW, MANAGE, by=caller)


def test_giving_replaces_what_was_given(core: Core) -> None:
    """The names that are given are an account's own from then on, and no others; what changed is on record."""
    alice = somebody(core)
    give(core, alice, VIEW, PLAY)
    give(core, alice, MANAGE, VIEW)
    assert rights(core, alice).own == (MANAGE, VIEW)
    give(core, alice, MANAGE, VIEW)
    lines = [r["detail"] for r in rows(core, audit_log) if r["event"] == "permissions changed"]
    assert sorted(lines, key=str) == [
        {"given": [PLAY, VIEW], "taken": []},
        {"given": [MANAGE], "taken": [PLAY]},
    ]


def cases(core: Core) -> dict[str, Callable[[], object]]:
    """Everything that a caller who may only manage users may not do to rights."""
    caller = calling(core, do(core, accounts.get, ALICE))
    bob = do(core, accounts.get, BOB)
    strong, weak = do(core, groups.everyone)
    return {
        "give": lambda: give(core, bob, PLAY, "downloads:view", by=caller),
        "take": lambda: give(core, bob, by=caller),
        "join": lambda: do(core, permissions.join, caller.account, [strong.number], by=caller),
        "leave": lambda: do(core, permissions.join, bob, [], by=caller),
        "a new group": lambda: a_group(core, "new", PLAY, by=caller),
        "a stronger group": lambda: do(
            core, groups.change, weak.number, Changes(permissions=[PLAY]), by=caller
        ),
        "a weaker group": lambda: do(core, groups.change, strong.number, Changes(permissions=[]), by=caller),
        "members": lambda: do(
            core,
            groups.change,
            strong.number,
            Changes(members=[bob.number, caller.account.number]),
            by=caller,
        ),
        "no group": lambda: do(core, groups.remove, strong.number, by=caller),
        "over": lambda: do(core, permissions.require_over, caller, bob),
    }


CASES = (
    "give",
    "take",
    "join",
    "leave",
    "a new group",
    "a stronger group",
    "a weaker group",
    "members",
    "no group",
    "over",
)


@pytest.mark.parametrize("case", CASES)
def test_nobody_gives_or_takes_what_they_may_not_do(sqlite_core: Core, case: str) -> None:
    """Whoever manages users gains no permission by it, and takes none away, by whichever way; nothing is written."""
    alice, bob = somebody(sqlite_core), somebody(sqlite_core, BOB)
    give(sqlite_core, alice, MANAGE, VIEW)
    give(sqlite_core, bob, PLAY)
    strong = a_group(sqlite_core, "strong", "system:admin-access")
    a_group(sqlite_core, "weak", VIEW)
    do(sqlite_core, permissions.join, bob, [strong.number])
    attempts = cases(sqlite_core)
    assert set(attempts) == set(CASES)
    before = everything(sqlite_core)
    with pytest.raises(PermissionsExceeded):
        attempts[case]()
    assert everything(sqlite_core) == before


def test_what_one_may_do_one_may_give(sqlite_core: Core) -> None:
    """A caller gives an account and a group what they may do themselves, and lets others join."""
    alice, bob = somebody(sqlite_core), somebody(sqlite_core, BOB)
    give(sqlite_core, alice, MANAGE, VIEW)
    caller = calling(sqlite_core, alice)
    give(sqlite_core, bob, VIEW, by=caller)
    group = a_group(sqlite_core, "viewers", VIEW, by=caller)
    do(sqlite_core, permissions.join, bob, [group.number], by=caller)
    do(sqlite_core, permissions.require_over, caller, bob)
    do(sqlite_core, permissions.require_over, caller, alice)
    assert rights(sqlite_core, bob) == Rights(own=(VIEW,), by_group=(VIEW,), groups=(group.number,))


def test_a_group_is_changed_as_far_as_is_said(core: Core) -> None:
    """What is not said of a group stays; facts of one product leave another's alone."""
    group = a_group(core, "editors", PLAY, attributes={"other": {"gid": 7}})
    members = [somebody(core).number, somebody(core, BOB).number]
    do(core, groups.change, group.number, Changes(members=members))
    changed = do(core, groups.change, group.number, Changes(name="cutters", attributes={"mine": {"a": 1}}))
    assert (changed.name, changed.permissions) == ("cutters", [PLAY])
    assert changed.attributes == {"other": {"gid": 7}, "mine": {"a": 1}}
    found = do(core, groups.members, [group.number])
    assert [account.number for account in found[group.number]] == members
    do(core, groups.change, group.number, Changes(members=members[1:]))
    assert [row["account_number"] for row in rows(core, group_members)] == members[1:]
    assert do(core, groups.get, group.number) == changed


def test_a_deleted_account_is_no_member(sqlite_core: Core) -> None:
    """Members that were deleted are not shown, and none is let in."""
    alice = somebody(sqlite_core)
    group = a_group(sqlite_core)
    do(sqlite_core, permissions.join, alice, [group.number])
    do(sqlite_core, accounts.delete_softly, alice.number)
    assert do(sqlite_core, groups.members, [group.number]) == {group.number: []}
    do(sqlite_core, groups.change, group.number, Changes(members=[]))
    with pytest.raises(NotFound, match="account"):
        do(sqlite_core, groups.change, group.number, Changes(members=[alice.number]))


def test_a_removed_group_gives_nothing(core: Core) -> None:
    """Once a group is removed its members may no longer do what it let them."""
    alice = somebody(core)
    group = a_group(core, "editors", PLAY)
    do(core, permissions.join, alice, [group.number])
    do(core, groups.remove, group.number)
    assert rights(core, alice) == Rights()
    assert rows(core, group_members) == []
    for gone in (groups.get, groups.remove):
        with pytest.raises(NotFound, match="group"):
            do(core, gone, group.number)


REFUSED: Sequence[tuple[str, type[Refusal], Callable[[Core, Account, Group], object]]] = [
    ("unknown group", NotFound, lambda c, a, _: do(c, permissions.join, a, [99])),
    ("no such group", NotFound, lambda c, _a, _: do(c, groups.change, 99, Changes(name="x"))),
    ("unknown member", NotFound, lambda c, _, g: do(c, groups.change, g.number, Changes(members=[99]))),
    ("name taken", NameTaken, lambda c, _a, _g: a_group(c, "editors")),
    (
        "renamed to one taken",
        NameTaken,
        lambda c, _, g: do(c, groups.change, g.number, Changes(name="other")),
    ),
    ("empty name", NameRefused, lambda c, _a, _g: a_group(c, " ")),
    ("long permission", NameRefused, lambda c, a, _: give(c, a, "p" * 129)),
    ("control character", NameRefused, lambda c, _, g: do(c, groups.change, g.number, Changes(name="a\nb"))),
    ("too many", TooMany, lambda c, a, _: give(c, a, *map(str, range(201)))),
]


@pytest.mark.parametrize(
    ("kind", "attempt"),
    [(kind, attempt) for _, kind, attempt in REFUSED],
    ids=[name for name, _, _ in REFUSED],
)
def test_what_cannot_be_is_refused(
    sqlite_core: Core, kind: type[Refusal], attempt: Callable[[Core, Account, Group], object]
) -> None:
    """A group or member that is not there, a name that is taken or none: refused, and nothing is written."""
    alice = somebody(sqlite_core)
    group = a_group(sqlite_core)
    a_group(sqlite_core, "other")
    before = everything(sqlite_core)
    with pytest.raises(kind):
        attempt(sqlite_core, alice, group)
    assert everything(sqlite_core) == before


def test_there_are_only_so_many_groups(sqlite_core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are bounded."""
    monkeypatch.setattr(groups, "MOST_GROUPS", 1)
    a_group(sqlite_core)
    with pytest.raises(TooMany):
        a_group(sqlite_core, "one more")


def test_one_of_many_gets_a_groups_name(core: Core) -> None:
    """Of eight that make or rename a group to one name at once one succeeds, and the others are told it is taken."""
    numbers = [a_group(core, f"group {n}").number for n in range(4)]

    def renaming(number: int) -> Callable[[], object]:
        return lambda: do(core, groups.change, number, Changes(name="wanted"))

    outcomes = at_once(*[lambda: a_group(core, "wanted")] * 4, *map(renaming, numbers))
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 7
    assert [row["name"] for row in rows(core, account_groups)].count("wanted") == 1


def test_one_given_by_many_is_given_once(core: Core) -> None:
    """Eight who give the same permission and let in to the same group at once all succeed."""
    alice, group = somebody(core), a_group(core)

    def all_of_it() -> None:
        give(core, alice, VIEW)
        do(core, permissions.join, alice, [group.number])

    assert at_once(*[all_of_it] * 8) == [None] * 8
    assert rights(core, alice) == Rights(own=(VIEW,), groups=(group.number,))


def test_changes_of_groups_are_on_record(sqlite_core: Core, clock: FakeClock) -> None:
    """Each change of who may do what is a line of its own, with the caller's name where it is about somebody else."""
    alice, admin = somebody(sqlite_core), somebody(sqlite_core, BOB, is_admin=True)
    caller = calling(sqlite_core, admin)
    group = a_group(sqlite_core, "editors", PLAY, by=caller)
    do(sqlite_core, groups.change, group.number, Changes(members=[alice.number]), by=caller)
    do(sqlite_core, permissions.join, alice, [], by=caller)
    do(sqlite_core, groups.remove, group.number, by=caller)
    ours = [event for event in events(sqlite_core) if event.startswith("group")]
    assert ours == ["group added", "group changed", "group removed", "groups changed", "groups changed"]
    about_alice = [row for row in rows(sqlite_core, audit_log) if row["event"] == "groups changed"]
    assert {(row["account_number"], row["actor_number"]) for row in about_alice} == {
        (alice.number, admin.number)
    }
