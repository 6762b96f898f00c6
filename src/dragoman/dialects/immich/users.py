"""Handlers of `/users`, and how an account looks to Immich (contract §3, §4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dragoman.core import accounts, password_change
from dragoman.core.accounts import Account, Changes
from dragoman.dialects.immich.credentials import secret
from dragoman.dialects.immich.wire import (
    AVATAR_COLORS,
    AvatarColor,
    DownloadResponse,
    EmailNotificationsResponse,
    FoldersResponse,
    ImmichApi,
    MemoriesResponse,
    PeopleResponse,
    PurchaseResponse,
    RatingsResponse,
    SharedLinksResponse,
    TagsResponse,
    UserAdminResponseDto,
    UserPreferencesResponseDto,
    UserUpdateMeDto,
)
from dragoman.serving import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork


AT_A_TIME = 500  # accounts


def email_of(account: Account) -> str:
    """Immich demands an e-mail address; an account without one shows its username's."""
    return account.email or f"{account.username}@local"


def avatar_color(account: Account) -> AvatarColor:
    """The chosen colour, else the one that the e-mail address adds up to (§3)."""
    chosen: AvatarColor | None = account.attributes.get("immich", {}).get("avatarColor")
    return chosen or AVATAR_COLORS[sum(map(ord, email_of(account))) % len(AVATAR_COLORS)]


def user_admin(account: Account) -> UserAdminResponseDto:
    own = account.attributes.get("immich", {})
    return UserAdminResponseDto(
        id=str(account.id),
        email=email_of(account),
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
    )


def everybody(uow: UnitOfWork, *, deleted: bool = False) -> Iterator[Account]:
    """Every account, in the order of their numbers. Immich's lists have no pages."""
    after = 0
    while page := accounts.page(uow, after=after, limit=AT_A_TIME, deleted=deleted):
        yield from page
        after = page[-1].number


def get_my_user(_uow: UnitOfWork, call: Call, _ask: Nothing) -> UserAdminResponseDto:
    return user_admin(call.caller.account)


def update_my_user(core: Core, call: Call, ask: UserUpdateMeDto) -> UserAdminResponseDto:
    given = ask.model_fields_set
    own = {"immich": {"avatarColor": ask.avatar_color}} if "avatar_color" in given else {}
    changes = Changes(email=ask.email, display_name=ask.name, attributes=own)
    changed = password_change.change_own_account(
        core, call.origin, call.caller, changes, password=secret(ask.password)
    )
    return user_admin(changed)


def get_my_preferences(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> UserPreferencesResponseDto:
    """Immich's defaults (§4.1): nobody keeps photos here, but apps will not start without preferences."""
    return UserPreferencesResponseDto(
        folders=FoldersResponse(enabled=False, sidebar_web=False),
        memories=MemoriesResponse(enabled=True),
        people=PeopleResponse(enabled=True, sidebar_web=False),
        ratings=RatingsResponse(enabled=False),
        shared_links=SharedLinksResponse(enabled=True, sidebar_web=False),
        tags=TagsResponse(enabled=False, sidebar_web=False),
        email_notifications=EmailNotificationsResponse(enabled=True, album_invite=True, album_update=True),
        download=DownloadResponse(archive_size=4 * 2**30, include_embedded_videos=False),
        purchase=PurchaseResponse(
            show_support_badge=True,
            hide_buy_button_until=datetime(2022, 2, 12, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        ),
    )


BOUND = (
    serve(ImmichApi.get_my_user, get_my_user),
    serve_hashing(ImmichApi.update_my_user, update_my_user),
    serve(ImmichApi.get_my_preferences, get_my_preferences),
)
