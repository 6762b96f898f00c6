"""Handlers of `/users` (contract §5): what people change of themselves, and who manages users of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.core import account_lists, accounts, factors, groups, password_change, permissions, setup
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.errors import NotFound
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.listing import orders
from dragoman.dialects.elements.people import (
    OWN,
    UNSAID,
    detail,
    listed,
    own,
    profile,
    to_strangers,
)
from dragoman.dialects.elements.refusals import NoSuchObject, PasswordFixed, Unfit
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.fields import NULL
from dragoman.dialects.elements.wire.users import (
    ChangeOwnPasswordRequest,
    ChangePasswordRequest,
    ElementsUserDetail,
    ElementsUserDetailPartialUpdate,
    ElementsUserDetailUpdate,
    ElementsUserProfile,
    ElementsUserProfileUpdate,
    ElementsUsers,
    ListUsers,
    NewElementsUser,
    OfUser,
    UserFields,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, UnitOfWork

# What a list can be ordered by, as ELEMENTS calls it.
ORDERS: Mapping[str, str] = {
    "id": "number",
    "username": "username",
    "display_name": "display_name",
    "full_name": "own_name",
    "email": "email",
    "is_enabled": "is_active",
    "last_seen": "signed_in_at",
}


def get_account(uow: UnitOfWork, number: int) -> Account:
    """The account with this number. Refuses `NotFound`."""
    found = accounts.find_by_number(uow, number)
    if found is None or found.deleted_at is not None:
        raise NotFound("account")
    return found


def get_profile(uow: UnitOfWork, call: Call, _ask: Nothing) -> ElementsUserProfile:
    shown = profile(uow, call.caller.account)
    return to_strangers(shown) if call.caller.is_visitor else shown


def change_profile(uow: UnitOfWork, call: Call, ask: ElementsUserProfileUpdate) -> ElementsUserProfile:
    caller = call.caller
    changes = changes_in(ask, caller.account)
    return profile(uow, accounts.change(uow, caller.account.number, changes, by=caller))


def set_my_password(core: Core, call: Call, ask: ChangeOwnPasswordRequest) -> Nothing:
    """Ends all sessions of this product but the caller's own."""
    caller = call.caller
    if not own(caller.account)["allow_changing_password"]:
        raise PasswordFixed

    def done(uow: UnitOfWork, number: int) -> None:
        factors.require(uow, number, Secret(ask.current_otp) if ask.current_otp else None)

    old, new = Secret(ask.current_password), Secret(ask.password)
    password_change.change_password(core, call.origin, caller, old, new, also=done)
    return Nothing()


def get_all_users(uow: UnitOfWork, _call: Call, ask: ListUsers) -> ElementsUsers:
    found = account_lists.listed(
        uow,
        username=ask.username,
        orders=list(orders(ask, ORDERS)),
        offset=ask.offset,
        limit=ask.limit,
    )
    return ElementsUsers(listed(uow, found))


def get_user(uow: UnitOfWork, _call: Call, ask: OfUser) -> ElementsUserDetail:
    return detail(uow, get_account(uow, ask.id))


def create_user(core: Core, call: Call, ask: NewElementsUser) -> ElementsUserDetail:
    """A user without a password: one is set, or mailed, afterwards."""
    require_possible(ask)
    is_admin = ADMIN in (ask.permissions or ())
    if is_admin:
        require_over_admins(call)
    new = NewAccount(
        email=ask.email or None,
        username=ask.username,
        display_name=ask.full_name or ask.username,
        is_admin=is_admin,
        must_change_password=bool(ask.password_change_required),
        attributes={OWN: facts_in(ask)},
    )
    made = setup.create_account(core, call.origin, new, None, by=call.caller, also=also(call, ask))
    return found(core, call, made.number)


def change_user(
    core: Core, call: Call, ask: ElementsUserDetailUpdate | ElementsUserDetailPartialUpdate
) -> ElementsUserDetail:
    """Who manages users changes none who may do more, and makes none who does."""
    require_possible(ask)
    account = changeable(core, call, ask.id)
    changes = changes_in(ask, account)
    if changes.is_admin is not None:
        require_over_admins(call)
    password_change.change_account(core, call.origin, call.caller, account, changes, also=also(call, ask))
    return found(core, call, ask.id)


def changeable(core: Core, call: Call, number: int) -> Account:
    """The account with this number, if the caller may do all that it may. Refuses `NotFound`, `PermissionsExceeded`."""
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, number)
        permissions.require_over(uow, call.caller, account)
        return account


def found(core: Core, call: Call, number: int) -> ElementsUserDetail:
    """A user as they are now."""
    with core.begin(call.origin, writes=False) as uow:
        return detail(uow, get_account(uow, number))


def require_over_admins(call: Call) -> None:
    """Administrators are made and unmade by administrators who have signed in.

    A token must not make itself a way to what only they may.
    """
    call.caller.require_admin()
    call.caller.require_session()


def require_possible(ask: UserFields) -> None:
    """Refuses `Unfit` for what could be stored but would not be minded: a promise that nobody keeps."""
    if ask.expiry is not None:
        raise Unfit("expiry", "Accounts do not expire here: disable them.")
    if ask.allow_wan_login is False:
        raise Unfit("allow_wan_login", "No network is told from another here.")


def also(call: Call, ask: UserFields) -> Callable[[UnitOfWork, int], None]:
    """What is written of a user besides the account's own row: whether they are enabled, and what they may do."""

    def write(uow: UnitOfWork, number: int) -> None:
        account, by = get_account(uow, number), call.caller
        if ask.is_enabled is not None and ask.is_enabled != account.is_active:
            (accounts.enable if ask.is_enabled else accounts.disable)(uow, number, by=by)
        if ask.permissions is not None:
            permissions.give(uow, account, set(ask.permissions) - {ADMIN}, by=by)
        if ask.groups is not None:
            join(uow, account, ask.groups, by)

    return write


def join(uow: UnitOfWork, account: Account, numbers: Sequence[int], by: Principal) -> None:
    known = {group.number for group in groups.everyone(uow)}
    for number in numbers:
        if number not in known:
            raise NoSuchObject("groups", number)
    permissions.join(uow, account, numbers, by=by)


def changes_in(ask: UserFields | ElementsUserProfileUpdate, account: Account) -> Changes:
    """What of an account is to change: what is given and is another."""
    given = {name: getattr(ask, name) for name in ask.model_fields_set}
    if not given.get("email", account.email) and account.email is not None:
        raise Unfit("email", NULL)
    username = given.get("username", account.username)
    display_name = (given["full_name"] or username) if "full_name" in given else account.display_name
    is_admin = ADMIN in given["permissions"] if "permissions" in given else account.is_admin
    return Changes(
        email=(given.get("email") or None) if given.get("email") != account.email else None,
        username=username if username != account.username else None,
        display_name=display_name if display_name != account.display_name else None,
        is_admin=is_admin if is_admin != account.is_admin else None,
        must_change_password=given.get("password_change_required"),
        attributes={OWN: facts_in(ask)},
    )


def facts_in(ask: UserFields | ElementsUserProfileUpdate) -> dict[str, Any]:
    """What is given of the facts that are ELEMENTS' own."""
    return {name: getattr(ask, name) for name in UNSAID if name in ask.model_fields_set}


def delete_user(uow: UnitOfWork, call: Call, ask: OfUser) -> Nothing:
    """For good, with all that the user owns in any product: the name is free again."""
    account = get_account(uow, ask.id)
    permissions.require_over(uow, call.caller, account)
    accounts.purge(uow, account.number, by=call.caller)
    return Nothing()


def set_user_password(core: Core, call: Call, ask: ChangePasswordRequest) -> Nothing:
    """Ends all sessions of the user, but for the caller's own."""
    account, password = changeable(core, call, ask.id), Secret(ask.password)
    password_change.change_account(core, call.origin, call.caller, account, Changes(), password=password)
    return Nothing()


BOUND = (
    serve(ElementsApi.get_profile, get_profile),
    serve(ElementsApi.update_profile, change_profile),
    serve(ElementsApi.patch_profile, change_profile),
    serve_hashing(ElementsApi.set_my_password, set_my_password),
    serve(ElementsApi.get_all_users, get_all_users),
    serve_hashing(ElementsApi.create_user, create_user),
    serve(ElementsApi.get_user, get_user),
    serve_hashing(ElementsApi.update_user, change_user),
    serve_hashing(ElementsApi.patch_user, change_user),
    serve(ElementsApi.delete_user, delete_user),
    serve_hashing(ElementsApi.set_user_password, set_user_password),
)
