"""Handlers of `/admin/users` (contract §4.1, §8): accounts made here are everybody's, whatever the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.core import account_lists, accounts, administration, password_change, setup
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.secrets import Secret
from dragoman.dialects.immich.behaviour import UNDELETABLE, name_of
from dragoman.dialects.immich.credentials import secret
from dragoman.dialects.immich.library import NO_ASSETS
from dragoman.dialects.immich.refusals import (
    AdminAccount,
    LabelTaken,
    OwnAccount,
    OwnRights,
    PasswordMissing,
)
from dragoman.dialects.immich.sessions import listed
from dragoman.dialects.immich.users import get_account, user_admin
from dragoman.dialects.immich.wire import (
    ImmichApi,
    OfUser,
    UserAdminCreateDto,
    UserAdminDeleteDto,
    UserAdminResponseDto,
    UserAdminResponses,
    UserAdminSearchDto,
    UserAdminUpdateDto,
    UserStatsDto,
)
from dragoman.dialects.immich.wire.library import AssetStatsResponseDto
from dragoman.dialects.immich.wire.sessions import SessionResponses
from dragoman.handlers import Call, serve, serve_hashing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

# What of an ask is a fact of the account that means something to Immich alone.
FACTS = ("avatar_color", "storage_label", "quota_size_in_bytes")


def search_users_admin(uow: UnitOfWork, _call: Call, ask: UserAdminSearchDto) -> UserAdminResponses:
    found = account_lists.everybody(uow, deleted=bool(ask.with_deleted))
    wanted = None if ask.id is None else ask.id.lower()
    return UserAdminResponses([user_admin(one) for one in found if wanted in (None, str(one.id))])


def create_user_admin(core: Core, call: Call, ask: UserAdminCreateDto) -> UserAdminResponseDto:
    if ask.is_admin or ask.pin_code is not None:
        # A key with leave to make accounts must not make itself a way to more than it may.
        call.caller.require_session()
    if not ask.password:
        raise PasswordMissing
    facts = facts_in(ask)
    require_free_label(core, call, facts)
    new = NewAccount(
        email=ask.email,
        display_name=ask.name,
        is_admin=bool(ask.is_admin),
        must_change_password=ask.should_change_password is not False,
        attributes={"immich": facts},
    )
    pin = None if ask.pin_code is None else administration.new_pin(core, call.caller, Secret(ask.pin_code))
    password = Secret(ask.password)
    return user_admin(setup.create_account(core, call.origin, new, password, by=call.caller, also=pin))


def get_user_admin(uow: UnitOfWork, _call: Call, ask: OfUser) -> UserAdminResponseDto:
    return user_admin(get_account(uow, ask.id, deleted=True))


def update_user_admin(core: Core, call: Call, ask: UserAdminUpdateDto) -> UserAdminResponseDto:
    gives_pin = "pin_code" in ask.model_fields_set
    if gives_pin:
        call.caller.require_session()
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, ask.id)
    if is_caller(call, account) and ask.is_admin is False:
        raise OwnRights
    facts = facts_in(ask)
    require_free_label(core, call, facts, but=account)
    changes = Changes(
        email=ask.email,
        display_name=ask.name or None,
        is_admin=ask.is_admin,
        must_change_password=ask.should_change_password,
        attributes={"immich": facts} if facts else {},
    )
    password = secret(ask.password or None)
    pin = administration.new_pin(core, call.caller, secret(ask.pin_code)) if gives_pin else None
    changed = password_change.change_account(
        core, call.origin, call.caller, account, changes, password=password, also=pin
    )
    return user_admin(changed)


def delete_user_admin(uow: UnitOfWork, call: Call, ask: UserAdminDeleteDto) -> UserAdminResponseDto:
    """Deleted accounts can be restored; `force` deletes one for good, at once, with all that it owns."""
    account = get_account(uow, ask.id)
    refuse_to_delete(call, account)
    accounts.delete_softly(uow, account.number, by=call.caller)
    deleted = user_admin(get_account(uow, ask.id, deleted=True))
    if ask.force:
        accounts.purge(uow, account.number, by=call.caller)
        return deleted.model_copy(update={"status": "removing"})
    return deleted


def refuse_to_delete(call: Call, account: Account) -> None:
    """Whom the release deletes for nobody, or not for themselves."""
    undeletable = UNDELETABLE.of(name_of(call.exchange.release))
    if undeletable == "oneself" and is_caller(call, account):
        raise OwnAccount
    if undeletable == "administrators" and account.is_admin:
        raise AdminAccount


def restore_user_admin(uow: UnitOfWork, call: Call, ask: OfUser) -> UserAdminResponseDto:
    accounts.restore(uow, get_account(uow, ask.id, deleted=True).number, by=call.caller)
    return user_admin(get_account(uow, ask.id))


def get_user_sessions_admin(uow: UnitOfWork, call: Call, ask: OfUser) -> SessionResponses:
    """A deleted user's, too: they open nothing, until it is restored."""
    return listed(uow, call, get_account(uow, ask.id, deleted=True))


def get_user_statistics_admin(uow: UnitOfWork, _call: Call, ask: UserStatsDto) -> AssetStatsResponseDto:
    get_account(uow, ask.id, deleted=True)
    return NO_ASSETS


def is_caller(call: Call, account: Account) -> bool:
    return account.number == call.caller.account.number


def facts_in(ask: UserAdminCreateDto | UserAdminUpdateDto) -> dict[str, Any]:
    """The account's facts in an ask, by their names on the wire; an empty storage label is none."""
    given = ask.model_dump(by_alias=True, include=set(FACTS) & ask.model_fields_set)
    return {name: None if value == "" else value for name, value in given.items()}


def require_free_label(core: Core, call: Call, facts: dict[str, Any], *, but: Account | None = None) -> None:
    """Refuses `LabelTaken`. Nothing is stored under a label here, so that two set at once may be the same."""
    label = facts.get("storageLabel")
    if label is None:
        return
    with core.begin(call.origin, writes=False) as uow:
        for one in account_lists.everybody(uow, deleted=True):
            is_same = one.attributes.get("immich", {}).get("storageLabel") == label
            if is_same and (but is None or one.number != but.number):
                raise LabelTaken


BOUND = (
    serve(ImmichApi.search_users_admin, search_users_admin),
    serve_hashing(ImmichApi.create_user_admin, create_user_admin),
    serve(ImmichApi.get_user_admin, get_user_admin),
    serve_hashing(ImmichApi.update_user_admin, update_user_admin),
    serve(ImmichApi.delete_user_admin, delete_user_admin),
    serve(ImmichApi.restore_user_admin, restore_user_admin),
    serve(ImmichApi.get_user_sessions_admin, get_user_sessions_admin),
    serve(ImmichApi.get_user_statistics_admin, get_user_statistics_admin),
)
