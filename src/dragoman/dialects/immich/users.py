"""Handlers of `/users`, and how an account looks to Immich (contract §3, §4.1)."""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import TYPE_CHECKING

from dragoman.core import account_lists, accounts, password_change
from dragoman.core.accounts import Account, Changes
from dragoman.core.errors import NotFound
from dragoman.dialects.immich.choices import AVATAR_COLORS, AvatarColor
from dragoman.dialects.immich.credentials import secret
from dragoman.dialects.immich.wire import (
    ImmichApi,
    OfUser,
    OnboardingDto,
    OnboardingResponseDto,
    UserAdminResponseDto,
    UserResponseDto,
    UserResponses,
    UserUpdateMeDto,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork


def avatar_color(account: Account) -> AvatarColor:
    """The chosen colour, else the one that the e-mail address adds up to (§3)."""
    chosen: AvatarColor | None = account.attributes.get("immich", {}).get("avatarColor")
    return chosen or AVATAR_COLORS[sum(map(ord, account.address)) % len(AVATAR_COLORS)]


def is_onboarded(account: Account) -> bool:
    """Whether the account's owner has been shown around."""
    return bool(account.attributes.get("immich", {}).get("isOnboarded", False))


def cluster_group(account: Account) -> str:
    """3.2 groups people who share faces. Everybody here is a group of one: always the same, of version 4."""
    return str(uuid.UUID(bytes=sha256(b"immich cluster group" + account.id.bytes).digest()[:16], version=4))


def user(account: Account) -> UserResponseDto:
    return UserResponseDto(
        id=str(account.id),
        email=account.address,
        name=account.display_name,
        profile_image_path="",
        avatar_color=avatar_color(account),
        profile_changed_at=account.created_at,
    )


def user_admin(account: Account) -> UserAdminResponseDto:
    own = account.attributes.get("immich", {})
    return UserAdminResponseDto(
        id=str(account.id),
        email=account.address,
        name=account.display_name,
        profile_image_path="",
        avatar_color=avatar_color(account),
        profile_changed_at=account.created_at,
        storage_label=own.get("storageLabel"),
        should_change_password=account.must_change_password,
        is_admin=account.is_admin,
        created_at=account.created_at,
        updated_at=account.updated_at,
        deleted_at=account.deleted_at,
        oauth_id="",
        quota_size_in_bytes=own.get("quotaSizeInBytes"),
        quota_usage_in_bytes=0,
        status="active" if account.deleted_at is None else "deleted",
        license=None,
        cluster_group_id=cluster_group(account),
    )


def get_account(uow: UnitOfWork, user_id: str, *, deleted: bool = False) -> Account:
    """The account with this id, which a shape has found to be a UUID. Refuses `NotFound`."""
    found = accounts.find_by_id(uow, uuid.UUID(user_id))
    if found is None or (found.deleted_at is not None and not deleted):
        raise NotFound("account")
    return found


def search_users(uow: UnitOfWork, _call: Call, _ask: Nothing) -> UserResponses:
    """`server/config` says `publicUsers`: whoever is signed in may see who else is there."""
    return UserResponses([user(account) for account in account_lists.everybody(uow)])


def get_user(uow: UnitOfWork, _call: Call, ask: OfUser) -> UserResponseDto:
    return user(get_account(uow, ask.id))


def get_my_user(_uow: UnitOfWork, call: Call, _ask: Nothing) -> UserAdminResponseDto:
    return user_admin(call.caller.account)


def update_my_user(core: Core, call: Call, ask: UserUpdateMeDto) -> UserAdminResponseDto:
    given = ask.model_fields_set
    own = {"immich": {"avatarColor": ask.avatar_color}} if "avatar_color" in given else {}
    # 3.2 takes an empty password and an empty name for none.
    changes = Changes(email=ask.email, display_name=ask.name or None, attributes=own)
    changed = password_change.change_own_account(
        core, call.origin, call.caller, changes, password=secret(ask.password or None)
    )
    return user_admin(changed)


def get_user_onboarding(_uow: UnitOfWork, call: Call, _ask: Nothing) -> OnboardingResponseDto:
    return OnboardingResponseDto(is_onboarded=is_onboarded(call.caller.account))


def set_user_onboarding(uow: UnitOfWork, call: Call, ask: OnboardingDto) -> OnboardingResponseDto:
    _note_onboarding(uow, call, onboarded=ask.is_onboarded)
    return OnboardingResponseDto(is_onboarded=ask.is_onboarded)


def delete_user_onboarding(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    _note_onboarding(uow, call, onboarded=False)
    return Nothing()


def _note_onboarding(uow: UnitOfWork, call: Call, *, onboarded: bool) -> None:
    caller = call.caller
    changes = Changes(attributes={"immich": {"isOnboarded": onboarded}})
    accounts.change(uow, caller.account.number, changes, by=caller)


BOUND = (
    serve(ImmichApi.search_users, search_users),
    serve(ImmichApi.get_my_user, get_my_user),
    serve_hashing(ImmichApi.update_my_user, update_my_user),
    serve(ImmichApi.get_user_onboarding, get_user_onboarding),
    serve(ImmichApi.set_user_onboarding, set_user_onboarding),
    serve(ImmichApi.delete_user_onboarding, delete_user_onboarding),
    serve(ImmichApi.get_user, get_user),
)
