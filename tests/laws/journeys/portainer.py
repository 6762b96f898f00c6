"""Portainer's clients and people: what the laws must be told of them. Contract sections are of Portainer's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes import NEW_PASSWORD, PASSWORD, START, do
from tests.laws.journey import Answers, Error, Journey, Step

from dragoman import csrf
from dragoman.core import sessions
from dragoman.core.accounts import Account
from dragoman.core.errors import (
    NoAccount,
    SessionRequired,
    SetupClosed,
    SignInRefused,
    Throttled,
    UpstreamFailed,
    UpstreamOff,
)
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin, UnitOfWork
from dragoman.dialects.portainer import tokens
from dragoman.dialects.portainer.configuration import PortainerSettings
from dragoman.dialects.portainer.gate import CSRF_COOKIE

ADMIN = "admin@example.org"
SETTINGS = PortainerSettings(path="/portainer")


class PortainerError(Error):
    """Contract §0."""

    message: str
    details: str


def log_in(name: str, password: str) -> Step:
    """Portainer's own sign-in."""
    return Step("authenticate_user", {"username": name, "password": password})


def token_of(core: Core, account: Account) -> str:
    """The token of a new session, opened without a sign-in."""

    def opened(uow: UnitOfWork) -> str:
        session, _ = sessions.open_session(uow, account.number, Device())
        return tokens.signed(uow, SETTINGS, account, session, must_change=False).reveal()

    return do(core, opened, origin=Origin("portainer"))


def by_cookie(answers: Answers) -> Mapping[str, str]:
    """What a browser sends that signed in, if it did, and then read a page (§2.4)."""
    jwt: str = answers["authenticate_user"].jwt if "authenticate_user" in answers else "of-nobody"
    token, key = os.urandom(csrf.TOKEN), csrf.key_for(jwt)
    known = csrf.signed(token, key, CSRF_COOKIE, START)
    cookie = f"portainer_api_key={jwt}; {CSRF_COOKIE}={known}"
    return {"cookie": cookie, "x-csrf-token": csrf.masked(token, os.urandom)}


def of_user(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The user that an administrator created last, and more."""
    return lambda answers: {"id": answers["user_create"].id, **more}


def of_admin(**more: Any) -> Callable[[Answers], Mapping[str, Any]]:
    """The administrator, and more."""
    return lambda answers: {"id": answers["user_admin_init"].id, **more}


JOURNEY = Journey(
    steps=(
        Step("user_admin_init", {"username": ADMIN, "password": PASSWORD}),
        log_in(ADMIN, PASSWORD),
        Step("validate_o_auth", {"code": "c0de-of-a-provider"}, refused=403),
        Step("user_create", {"username": "bob", "password": PASSWORD, "role": 2}),
        Step("user_inspect", of_user()),
        Step(
            "user_update",
            of_user(username="robert", new_password=NEW_PASSWORD, use_cache=True, theme={"color": "dark"}),
        ),
        Step("user_update", of_user(role=1)),
        Step("user_update", of_user(role=2)),
        Step("user_update_password", of_user(password=NEW_PASSWORD, new_password=PASSWORD)),
        Step("user_memberships_inspect", of_user()),
        Step("user_get_api_keys", of_user()),
        Step("user_generate_api_key", of_admin(description="Backup", password=PASSWORD)),
        Step("current_user_inspect", key=lambda answers: str(answers["user_generate_api_key"].raw_api_key)),
        Step("user_get_api_keys", of_admin()),
        Step(
            "user_remove_api_key",
            lambda answers: {
                "id": answers["user_admin_init"].id,
                "key_id": answers["user_generate_api_key"].api_key.id,
            },
        ),
        Step("user_delete", of_user()),
        Step("logout", headers=by_cookie),
    ),
    log_in=log_in,
    error={"": PortainerError},
    examples={
        "AuthAuthenticatePayload": [{"username": "admin", "password": "mypassword"}],
        "AuthOauthPayload": [{"code": "9d4b4a3c"}],
        "UsersAdminInitPayload": [{"username": "admin", "password": "admin-password"}],
    },
    # §1.1, §1.3, §2.5, §2.8.
    statuses={SignInRefused: 422, UpstreamFailed: 500, UpstreamOff: 403, NoAccount: 403, Throttled: 403},
    statuses_of={
        ("user_generate_api_key", SessionRequired): 401,
        ("user_admin_init", SetupClosed): 303,
    },
    silent=(405,),
    texts={404: "404 page not found\n"},
    credential=token_of,
)
