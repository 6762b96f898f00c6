"""Handlers of `/groups` (contract §5): who views users reads them, who manages users writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.core import accounts, groups
from dragoman.core.errors import NotFound
from dragoman.core.groups import Changes, Group
from dragoman.dialects.elements.listing import Keys, arranged
from dragoman.dialects.elements.people import OWN, listed
from dragoman.dialects.elements.refusals import NoSuchObject
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.fields import Listed
from dragoman.dialects.elements.wire.groups import (
    ElementsGroup,
    ElementsGroupDetail,
    ElementsGroupDetailPartialUpdate,
    ElementsGroupDetailUpdate,
    ElementsGroups,
    GroupFields,
    MemberPreview,
    NewElementsGroup,
    OfGroup,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork

PREVIEWED = 5
# What a group's own facts are as long as nobody has said otherwise.
UNSAID = {"unix_groupname": None, "gid": None}
SORTED_BY: Keys[Group] = {"id": lambda group: group.number, "name": lambda group: group.name}


def facts_of(group: Group, members: Sequence[Account]) -> dict[str, Any]:
    """What lists and details have in common."""
    return {
        **UNSAID,
        **group.attributes.get(OWN, {}),
        "id": group.number,
        "name": group.name,
        "permissions": list(group.permissions),
        "effective_permissions": list(group.permissions),
        "members_preview": [
            MemberPreview(id=member.number, avatar=None, email=member.email) for member in members[:PREVIEWED]
        ],
        "ldap": None,
        "ldap_dn": None,
        "ldap_guid": None,
    }


def detail(uow: UnitOfWork, group: Group) -> ElementsGroupDetail:
    members = groups.members(uow, [group.number])[group.number]
    return ElementsGroupDetail(**facts_of(group, members), members=listed(uow, members))


def get_all_groups(uow: UnitOfWork, _call: Call, ask: Listed) -> ElementsGroups:
    found = arranged(groups.everyone(uow), ask, SORTED_BY)
    members = groups.members(uow, [group.number for group in found])
    return ElementsGroups(
        [
            ElementsGroup(
                **facts_of(group, members[group.number]), members=[m.number for m in members[group.number]]
            )
            for group in found
        ]
    )


def get_group(uow: UnitOfWork, _call: Call, ask: OfGroup) -> ElementsGroupDetail:
    return detail(uow, groups.get(uow, ask.id))


def create_group(uow: UnitOfWork, call: Call, ask: NewElementsGroup) -> ElementsGroupDetail:
    made = groups.add(
        uow,
        ask.name,
        permits=ask.permissions or (),
        attributes={OWN: own_facts_in(ask)},
        by=call.caller,
    )
    return detail(uow, changed(uow, call, made.number, Changes(members=ask.members)))


def change_group(
    uow: UnitOfWork, call: Call, ask: ElementsGroupDetailUpdate | ElementsGroupDetailPartialUpdate
) -> ElementsGroupDetail:
    changes = Changes(
        name=ask.name,
        permissions=ask.permissions,
        members=ask.members,
        attributes={OWN: own_facts_in(ask)},
    )
    return detail(uow, changed(uow, call, groups.get(uow, ask.id).number, changes))


def changed(uow: UnitOfWork, call: Call, number: int, changes: Changes) -> Group:
    """A group after these changes. A member that there is not is the ask's mistake."""
    try:
        return groups.change(uow, number, changes, by=call.caller)
    except NotFound:
        raise NoSuchObject("members", first_missing(uow, changes.members or ())) from None


def first_missing(uow: UnitOfWork, members: Iterable[int]) -> int:
    """The first of these numbers that is no user's; there is one."""
    found = ((number, accounts.find_by_number(uow, number)) for number in members)
    return next(number for number, account in found if account is None or account.deleted_at is not None)


def own_facts_in(ask: GroupFields) -> dict[str, Any]:
    """What is given of the facts that are ELEMENTS' own."""
    return {name: getattr(ask, name) for name in UNSAID if name in ask.model_fields_set}


def delete_group(uow: UnitOfWork, call: Call, ask: OfGroup) -> Nothing:
    groups.remove(uow, ask.id, by=call.caller)
    return Nothing()


BOUND = (
    serve(ElementsApi.get_all_groups, get_all_groups),
    serve(ElementsApi.create_group, create_group),
    serve(ElementsApi.get_group, get_group),
    serve(ElementsApi.update_group, change_group),
    serve(ElementsApi.patch_group, change_group),
    serve(ElementsApi.delete_group, delete_group),
)
