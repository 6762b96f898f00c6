"""Handlers of `/users` (contract §5): what people change of themselves, and who manages users of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.core import accounts, password_change, setup
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.errors import NotFound
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.listing import Keys, arranged
from dragoman.dialects.elements.people import ADMIN, OWN, UNSAID, detail, full_name_of, listed, own, profile
from dragoman.dialects.elements.refusals import PasswordFixed, Unfit
from dragoman.dialects.elements.wire import ElementsApi
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
from dragoman.serving import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

SORTED_BY: Keys[Account] = {
    "id": lambda account: account.number,
    "username": lambda account: account.username,
    "display_name": lambda account: account.display_name,
    "full_name": full_name_of,
    "email": lambda account: account.email,
    "is_enabled": lambda account: account.is_active,
    "last_seen": lambda account: account.signed_in_at,
}


def get_account(uow: UnitOfWork, number: int) -> Account:
    """The account with this number. Refuses `NotFound`."""
    found = accounts.find_by_number(uow, number)
    if found is None or found.deleted_at is not None:
        raise NotFound("account")
    return found


def get_profile(_uow: UnitOfWork, call: Call, _ask: Nothing) -> ElementsUserProfile:
    return profile(call.caller.account)


def change_profile(uow: UnitOfWork, call: Call, ask: ElementsUserProfileUpdate) -> ElementsUserProfile:
    caller = call.caller
    changes = changes_in(ask, caller.account)
    return profile(accounts.change(uow, caller.account.number, changes, by=caller))


def set_my_password(core: Core, call: Call, ask: ChangeOwnPasswordRequest) -> Nothing:
    """Ends all sessions of this product but the caller's own."""
    caller = call.caller
    if not own(caller.account)["allow_changing_password"]:
        raise PasswordFixed

    def done(uow: UnitOfWork, number: int) -> None:
        accounts.change(uow, number, Changes(must_change_password=False), by=caller)

    old, new = Secret(ask.current_password), Secret(ask.password)
    password_change.change_password(core, call.origin, caller, old, new, also=done)
    return Nothing()


def get_all_users(uow: UnitOfWork, _call: Call, ask: ListUsers) -> ElementsUsers:
    people = accounts.everybody(uow)
    if ask.username is not None:
        people = (account for account in people if account.username == ask.username)
    return ElementsUsers(listed(arranged(people, ask, SORTED_BY)))


def get_user(uow: UnitOfWork, _call: Call, ask: OfUser) -> ElementsUserDetail:
    return detail(get_account(uow, ask.id))


def create_user(core: Core, call: Call, ask: NewElementsUser) -> ElementsUserDetail:
    """A user without a password: one is set, or mailed, afterwards."""
    require_possible(ask)
    is_admin = ADMIN in (ask.permissions or ())
    if is_admin:
        # A token must not make itself a way to what only a signed-in administrator may.
        call.caller.require_session()
    new = NewAccount(
        email=ask.email or None,
        username=ask.username,
        display_name=ask.full_name or ask.username,
        is_admin=is_admin,
        must_change_password=bool(ask.password_change_required),
        attributes={OWN: facts_in(ask)},
    )

    def also(uow: UnitOfWork, number: int) -> None:
        if ask.is_enabled is False:
            accounts.disable(uow, number, by=call.caller)

    made = setup.create_account(core, call.origin, new, None, also=also)
    with core.begin(call.origin, writes=False) as uow:
        return detail(get_account(uow, made.number))


def change_user(
    core: Core, call: Call, ask: ElementsUserDetailUpdate | ElementsUserDetailPartialUpdate
) -> ElementsUserDetail:
    require_possible(ask)
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, ask.id)

    def also(uow: UnitOfWork, number: int) -> None:
        if ask.is_enabled is not None and ask.is_enabled != account.is_active:
            (accounts.enable if ask.is_enabled else accounts.disable)(uow, number, by=call.caller)

    changes = changes_in(ask, account)
    password_change.change_account(core, call.origin, call.caller, account, changes, also=also)
    with core.begin(call.origin, writes=False) as uow:
        return detail(get_account(uow, ask.id))


def require_possible(ask: UserFields) -> None:
    """Refuses `Unfit` for what could be stored but would not be minded: a promise that nobody keeps."""
    if ask.expiry is not None:
        raise Unfit("expiry", "Accounts do not expire here: disable them.")
    if ask.allow_wan_login is False:
        raise Unfit("allow_wan_login", "No network is told from another here.")
    for group in ask.groups or ():
        raise Unfit("groups", f'Invalid pk "{group}" - object does not exist.')
    for name in ask.permissions or ():
        if name != ADMIN:
            raise Unfit("permissions", f'"{name}" is not a valid choice.')


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
    accounts.purge(uow, get_account(uow, ask.id).number, by=call.caller)
    return Nothing()


def set_user_password(core: Core, call: Call, ask: ChangePasswordRequest) -> Nothing:
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, ask.id)
    password = Secret(ask.password)
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
