"""Immich, served: which credential a request holds up, and a handler for each operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from dragoman.core import accounts, elevation, login, password_change, sessions, setup
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.principals import Presented
from dragoman.core.rules import Lifetime
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.dialects.immich import errors
from dragoman.dialects.immich.permissions import PERMISSIONS
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import (
    AVATAR_COLORS,
    ApiEndpoint,
    AuthStatusResponseDto,
    AvatarColor,
    ChangePasswordDto,
    DownloadResponse,
    EmailNotificationsResponse,
    FoldersResponse,
    ImmichApi,
    LoginCredentialDto,
    LoginResponseDto,
    LogoutResponseDto,
    MemoriesResponse,
    PeopleResponse,
    PinCodeChangeDto,
    PinCodeResetDto,
    PinCodeSetupDto,
    PurchaseResponse,
    RatingsResponse,
    ServerAboutResponseDto,
    ServerConfigDto,
    ServerFeaturesDto,
    ServerPingResponse,
    ServerVersionResponseDto,
    SessionUnlockDto,
    SharedLinksResponse,
    SignUpDto,
    TagsResponse,
    UserAdminResponseDto,
    UserPreferencesResponseDto,
    UserUpdateMeDto,
    ValidateAccessTokenResponseDto,
    WellKnownImmich,
)
from dragoman.exchange import Exchange, Malformed, parse_form, parse_json
from dragoman.serving import Call, Dialect, Reply, serve, serve_hashing, serve_plain
from dragoman.settings import DialectSettings
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

COOKIE_SECONDS = 400 * 24 * 3600
TOKEN_COOKIE = "immich_access_token"
COOKIES = (TOKEN_COOKIE, "immich_auth_type", "immich_is_authenticated")
APP = re.compile(r"immich[-_](?:android|ios|unknown)[/_]([0-9][\w.+-]*)", re.IGNORECASE)


class ImmichSettings(DialectSettings):
    """`[dialects.immich]`."""

    speaks: Literal["1.134"] = Field("1.134", description="The release whose wire language is spoken.")
    session_idle_days: int = Field(90, ge=1, le=3650, description="Days after which an unused session ends.")


def present(exchange: Exchange) -> Presented | None:
    """The first credential that is not empty; the ones after it are not looked at (contract §0.5)."""
    headers, query = exchange.headers, exchange.query
    if link := headers.get("x-immich-share-key") or query.get("key"):
        return Presented("shared_link", Secret(link))
    session = (
        headers.get("x-immich-user-token")
        or headers.get("x-immich-session-token")
        or query.get("sessionKey")
        or bearer(headers.get("authorization", ""))
        or exchange.cookies.get(TOKEN_COOKIE)
    )
    if session:
        return Presented("session", Secret(session))
    key = headers.get("x-api-key") or query.get("apiKey")
    return Presented("api_key", Secret(key)) if key else None


def bearer(header: str) -> str:
    """The token of a bearer header, split at single blanks; other schemes are ignored."""
    scheme, _, rest = header.partition(" ")
    return rest.partition(" ")[0] if scheme.lower() == "bearer" else ""


def decode(exchange: Exchange, raw: bytes) -> Any:
    """JSON objects and forms; an array has no fields; anything else is as if nothing was sent (§0.4)."""
    media, _, parameters = exchange.headers.get("content-type", "").partition(";")
    read = READERS.get(media.strip().lower())
    if read is None:
        return {}
    if exchange.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("unsupported content encoding", 415)
    charset = re.search(r'charset\s*=\s*"?([\w.:-]+)', parameters, re.IGNORECASE)
    if charset and charset.group(1).lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise Malformed(f'unsupported charset "{charset.group(1).upper()}"', 415)
    return read(raw) if raw else {}


def read_json(raw: bytes) -> Any:
    """The fields of a JSON object; an array has none. `Malformed` for anything else."""
    value = parse_json(raw)
    if not isinstance(value, dict | list):
        raise Malformed("only an object or an array is accepted")
    return value if isinstance(value, dict) else {}


READERS: Mapping[str, Callable[[bytes], Any]] = {
    "application/json": read_json,
    "application/x-www-form-urlencoded": parse_form,
}


def device_of(exchange: Exchange) -> Device:
    """What the app says it runs on: the header `deviceModel` feeds the type, `deviceType` the OS (§2.8)."""
    agent = exchange.headers.get("user-agent", "")
    app = APP.search(agent)
    return Device(
        name=exchange.headers.get("devicemodel", ""),
        os=exchange.headers.get("devicetype", ""),
        app_version=app.group(1) if app else None,
    )


def cookies(exchange: Exchange, token: Secret, now: datetime) -> list[tuple[str, str]]:
    """The three cookies of a sign-in, attribute for attribute (§0.6)."""
    expires = (now + timedelta(seconds=COOKIE_SECONDS)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    secure = "; Secure" if exchange.secure else ""
    lasting = f"; Max-Age={COOKIE_SECONDS}; Path=/; Expires={expires}"
    values = (quote(token.reveal(), safe=""), "password", "true")
    return [
        (
            "set-cookie",
            f"{name}={value}{lasting}{'' if value == 'true' else '; HttpOnly'}{secure}; SameSite=Lax",
        )
        for name, value in zip(COOKIES, values, strict=True)
    ]


CLEARED = tuple(("set-cookie", f"{name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT") for name in COOKIES)


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


def secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)


def log_in(core: Core, call: Call, ask: LoginCredentialDto) -> Reply[LoginResponseDto]:
    signed_in = login.log_in(core, call.origin, ask.email, Secret(ask.password), device_of(call.exchange))
    account = signed_in.account
    answer = LoginResponseDto(
        access_token=signed_in.secret.reveal(),
        user_id=str(account.id),
        user_email=email_of(account),
        name=account.display_name,
        is_admin=account.is_admin,
        profile_image_path="",
        should_change_password=account.must_change_password,
    )
    return Reply(answer, cookies(call.exchange, signed_in.secret, signed_in.session.created_at))


def sign_up_admin(core: Core, call: Call, ask: SignUpDto) -> UserAdminResponseDto:
    new = NewAccount(
        email=ask.email,
        display_name=ask.name,
        is_admin=True,
        must_change_password=True,
        attributes={"immich": {"storageLabel": "admin"}},
    )
    open_to_caller = call.exchange.setup_open
    return user_admin(
        setup.create_first_admin(core, call.origin, new, Secret(ask.password), open_to_caller=open_to_caller)
    )


def validate_access_token(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> ValidateAccessTokenResponseDto:
    return ValidateAccessTokenResponseDto(auth_status=True)


def change_password(core: Core, call: Call, ask: ChangePasswordDto) -> UserAdminResponseDto:
    old, new = Secret(ask.password), Secret(ask.new_password)
    return user_admin(password_change.change_password(core, call.origin, call.caller, old, new))


def logout(uow: UnitOfWork, call: Call, _ask: Nothing) -> Reply[LogoutResponseDto]:
    if call.caller.session is not None:
        sessions.end(uow, call.caller.session)
    return Reply(LogoutResponseDto(successful=True, redirect_uri="/auth/login?autoLaunch=0"), CLEARED)


def get_auth_status(uow: UnitOfWork, call: Call, _ask: Nothing) -> AuthStatusResponseDto:
    account, session = call.caller.account, call.caller.session
    until = session.elevated_until if session else None
    return AuthStatusResponseDto(
        pin_code=elevation.has_pin(uow, account.number),
        password=account.has_password,
        is_elevated=until is not None and until > uow.now,
        expires_at=session.expires_at if session else None,
        pin_expires_at=until,
    )


def setup_pin_code(core: Core, call: Call, ask: PinCodeSetupDto) -> Nothing:
    elevation.set_pin(core, call.origin, call.caller, Secret(ask.pin_code))
    return Nothing()


def change_pin_code(core: Core, call: Call, ask: PinCodeChangeDto) -> Nothing:
    password, pin = secret(ask.password), secret(ask.pin_code)
    elevation.change_pin(core, call.origin, call.caller, Secret(ask.new_pin_code), password=password, pin=pin)
    return Nothing()


def reset_pin_code(core: Core, call: Call, ask: PinCodeResetDto) -> Nothing:
    elevation.reset_pin(
        core, call.origin, call.caller, password=secret(ask.password), pin=secret(ask.pin_code)
    )
    return Nothing()


def unlock_auth_session(core: Core, call: Call, ask: SessionUnlockDto) -> Nothing:
    elevation.unlock(core, call.origin, call.caller, secret(ask.pin_code))
    return Nothing()


def lock_auth_session(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    elevation.lock(uow, call.caller)
    return Nothing()


def get_well_known(_: None, call: Call, _ask: Nothing) -> WellKnownImmich:
    return WellKnownImmich(api=ApiEndpoint(endpoint=f"{call.exchange.mount}/api"))


def ping_server(_: None, _call: Call, _ask: Nothing) -> ServerPingResponse:
    return ServerPingResponse(res="pong")


def get_server_version(_: None, _call: Call, _ask: Nothing) -> ServerVersionResponseDto:
    return ServerVersionResponseDto(major=1, minor=134, patch=0)


def get_server_features(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerFeaturesDto:
    return ServerFeaturesDto(
        smart_search=False,
        duplicate_detection=False,
        config_file=False,
        facial_recognition=False,
        map=False,
        trash=False,
        reverse_geocoding=False,
        import_faces=False,
        oauth=False,
        oauth_auto_launch=False,
        password_login=uow.rules.password_login,
        sidecar=False,
        search=False,
        email=False,
    )


def get_server_config(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerConfigDto:
    return ServerConfigDto(
        oauth_button_text="Login with OAuth",
        login_page_message="",
        trash_days=30,
        user_delete_delay=7,
        is_initialized=accounts.has_admin(uow),
        # The set-up of a photo library is not ours to ask for: apps go straight on to sign-in.
        is_onboarded=True,
        external_domain="",
        public_users=True,
        map_dark_style_url="https://tiles.immich.cloud/v1/style/dark.json",
        map_light_style_url="https://tiles.immich.cloud/v1/style/light.json",
    )


def get_about_info(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerAboutResponseDto:
    return ServerAboutResponseDto(
        version="v1.134.0",
        version_url="https://github.com/immich-app/immich/releases/tag/v1.134.0",
        licensed=False,
    )


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


def lifetime(settings: ImmichSettings) -> Lifetime:
    """Sessions do not end but by idling; "last seen" moves by the hour (§2.7)."""
    return Lifetime(idle=timedelta(days=settings.session_idle_days), seen_every=timedelta(hours=1))


def correlation(exchange: Exchange) -> Sequence[tuple[str, str]]:
    return (("x-immich-cid", errors.correlation_id(exchange)),)


dialect = Dialect(
    name="immich",
    product="Immich",
    api=ImmichApi,
    bound=(
        serve_hashing(ImmichApi.login, log_in),
        serve_hashing(ImmichApi.sign_up_admin, sign_up_admin),
        serve(ImmichApi.validate_access_token, validate_access_token),
        serve_hashing(ImmichApi.change_password, change_password),
        serve(ImmichApi.logout, logout),
        serve(ImmichApi.get_auth_status, get_auth_status),
        serve_hashing(ImmichApi.setup_pin_code, setup_pin_code),
        serve_hashing(ImmichApi.change_pin_code, change_pin_code),
        serve_hashing(ImmichApi.reset_pin_code, reset_pin_code),
        serve_hashing(ImmichApi.unlock_auth_session, unlock_auth_session),
        serve(ImmichApi.lock_auth_session, lock_auth_session),
        serve_plain(ImmichApi.get_well_known, get_well_known),
        serve_plain(ImmichApi.ping_server, ping_server),
        serve_plain(ImmichApi.get_server_version, get_server_version),
        serve(ImmichApi.get_server_features, get_server_features),
        serve(ImmichApi.get_server_config, get_server_config),
        serve(ImmichApi.get_about_info, get_about_info),
        serve(ImmichApi.get_my_user, get_my_user),
        serve_hashing(ImmichApi.update_my_user, update_my_user),
        serve(ImmichApi.get_my_preferences, get_my_preferences),
    ),
    present=present,
    decode=decode,
    errors=errors,
    settings=ImmichSettings,
    lifetime=lifetime,
    permissions=PERMISSIONS,
    headers=correlation,
    release=lambda settings: RELEASES[settings.speaks],
    folds_case=True,
    body_first=True,
    at_origin=("/.well-known/immich",),
    document_paths=("/api/spec.json", "/api/spec.yaml"),
    # Three dots are no password that the policy accepts: nobody gets one by pasting.
    first_admin=(ImmichApi.sign_up_admin, {"email": "you@example.com", "name": "You", "password": "..."}),
)
