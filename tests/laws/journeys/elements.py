"""ELEMENTS' clients and people: what the laws must be told of them. Contract sections are of ELEMENTS'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import RootModel
from tests.fakes import NEW_PASSWORD, PASSWORD, START, do
from tests.laws.journey import Answers, Journey, Step
from tests.links import LINK_PASSWORD
from tests.people import somebody, with_tools

from dragoman.core import resets
from dragoman.core.errors import (
    AccessTokenRefused,
    PasswordChangeRequired,
    PasswordLoginDisabled,
    TicketRefused,
)
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

ADMIN = "admin@example.org"
MAILED = "0" * 40
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SHARE = {
    "bundles": [5],
    "expires": "2099-01-01T00:00:00Z",
    "permissions": {"show_tags": True},
    "password": LINK_PASSWORD,
}


class ElementsError(RootModel[dict[str, str | list[str] | dict[str, list[str]]]]):
    """Contract §3: a detail, a reason with one, or what is wrong with each field."""


def log_in(name: str, password: str) -> Step:
    """ELEMENTS' own sign-in."""
    return Step("login", {"username": name, "password": password})


def of_user(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The user that was created, and more."""
    return lambda answers: {"id": answers["create_user"].id, **more}


def of_group(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The group that was created, and more."""
    return lambda answers: {"id": answers["create_group"].id, **more}


def shown(steps: int) -> str:
    """What a device with that key shows so many steps after the tests' clock begins."""
    return code_at(seed_of(Secret(KEY)), step_at(START) + steps)


def of_token(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The API token that was made, and more."""
    return lambda answers: {"id": answers["create_api_token"].id, **more}


def people(core: Core) -> None:
    """An administrator, and somebody who has been mailed a link to set a password by."""
    somebody(core, ADMIN, is_admin=True)
    forgetful = somebody(core, "cleo@example.org")
    # Drawn by dice that always show the same, so that the journey knows what the mail says.
    do(with_tools(core, dice=bytes), resets.start, forgetful)


def of_link(fact: str, **more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The link that was made, by its id or its token, and more."""
    return lambda answers: {fact: getattr(answers["share_media_library_objects"], fact), **more}


JOURNEY = Journey(
    steps=(
        log_in(ADMIN, PASSWORD),
        Step("update_profile", {"full_name": "Ada Admin", "language": "de", "fm_bookmarks": ["/media"]}),
        Step("patch_profile", {"language": None}),
        Step("create_api_token", {"name": "backup"}),
        Step("get_profile", key=lambda answers: str(answers["create_api_token"].token)),
        Step("get_api_token", of_token()),
        Step("update_api_token", of_token(name="nightly backup")),
        Step("patch_api_token", of_token(name="weekly backup")),
        Step("delete_api_token", of_token()),
        Step("create_auth_ticket"),
        Step("check_auth_ticket", lambda answers: {"ticket": answers["create_auth_ticket"].ticket}),
        Step("share_media_library_objects", SHARE),
        Step("get_all_access_tokens", {"shared_bundles": [5], "ordering": "-id", "limit": 10}),
        Step("get_access_token", of_link("id")),
        Step("send_access_token_email_notification", of_link("id", email="friend@example.org")),
        Step("get_access_token_by_value", of_link("token")),
        Step("show_fast_lane", of_link("token")),
        Step("open_fast_lane", of_link("token", password=LINK_PASSWORD)),
        Step("delete_access_token", of_link("id")),
        Step("get_easy_sharing_token_for_bundle", {"id": 5}),
        Step("delete_easy_sharing_token_for_bundle", {"id": 5}),
        Step("get_easy_sharing_token_for_directory", {"id": 5}),
        Step("delete_easy_sharing_token_for_directory", {"id": 5}),
        Step("create_user", {"username": "bob", "permissions": [], "groups": []}),
        Step("set_user_password", of_user(password=NEW_PASSWORD)),
        Step("get_user", of_user()),
        Step("update_user", of_user(username="robert", email="bob@example.org")),
        Step("reset_user_password", of_user()),
        Step("patch_user", of_user(is_enabled=False)),
        Step("patch_user", of_user(is_enabled=True)),
        Step("enable_user_totp", of_user(key=KEY, otp=shown(0))),
        Step("sync_user_totp", of_user(otp=shown(1))),
        Step("disable_user_totp", of_user()),
        Step("start_impersonation", lambda answers: {"user": answers["create_user"].id}),
        Step("stop_impersonation"),
        Step("create_group", lambda answers: {"name": "editors", "members": [answers["create_user"].id]}),
        Step("get_group", of_group()),
        Step("update_group", of_group(name="cutters", permissions=["media:access"], gid=7)),
        Step("patch_group", of_group(members=[])),
        Step("delete_group", of_group()),
        Step("delete_user", of_user()),
        Step("update_parameters", {"language": "en"}),
        Step("generate_password"),
        Step("evaluate_password", {"password": "password1"}),
        Step("reset_password", {"token": MAILED, "password": NEW_PASSWORD}),
        Step("set_my_password", {"current_password": PASSWORD, "password": NEW_PASSWORD}),
        Step("logout"),
    ),
    log_in=log_in,
    error={"": ElementsError},
    # §2.
    examples={
        "AuthLoginEndpointRequest": [
            {"username": "ann", "password": "secret"},
            {"username": "ann", "password": "secret", "otp": "", "new_password": None},
        ],
    },
    # §4: a right password that may not enter.
    statuses={
        PasswordLoginDisabled: 403,
        PasswordChangeRequired: 403,
        # §3, §4: what was held up is in the body or the path, and says of nobody who is calling.
        TicketRefused: 403,
        AccessTokenRefused: 404,
    },
    beforehand=people,
)
