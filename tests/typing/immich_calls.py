"""Calls of Immich's client that must type-check, and calls that must not. Nothing here is ever run.

Each checker has its own mark on a call that must not pass. A mark on a call that does pass is an error of that
checker, so a signature that grows too lax is noticed as soon as one that grows too strict.
"""

# ruff: noqa: B018 - to look at an attribute is the point
from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from dragoman.dialects import immich
from dragoman.dialects.immich import ImmichApi
from dragoman.wire import Nothing, Operation


def what_each_operation_gives(client: immich.Client) -> None:
    """A method takes its ask's fields by name and gives its answer."""
    signed_in = client.login(email="a@example.org", password="correct")
    assert_type(signed_in, immich.LoginResponseDto)
    assert_type(signed_in.access_token, str)
    assert_type(client.logout(), immich.LogoutResponseDto)
    assert_type(client.change_password(password="old", new_password="new"), immich.UserAdminResponseDto)
    assert_type(client.setup_pin_code(pin_code="123456"), Nothing)
    assert_type(client.token, str | None)


def what_may_be_left_out(client: immich.Client) -> None:
    """Fields with a default are optional, alone or together."""
    assert_type(client.reset_pin_code(), Nothing)
    assert_type(client.reset_pin_code(pin_code="123456"), Nothing)
    assert_type(client.change_pin_code(new_pin_code="654321", password=None), Nothing)
    assert_type(client.update_my_user(avatar_color="blue"), immich.UserAdminResponseDto)
    assert_type(client.update_user_admin(id="1", pin_code=None), immich.UserAdminResponseDto)
    memories = immich.MemoriesUpdate(duration=9)
    assert_type(client.update_my_preferences(memories=memories), immich.UserPreferencesResponseDto)


async def what_is_awaited(client: immich.AsyncClient) -> None:
    """The asynchronous client takes the same and gives it when awaited."""
    assert_type(await client.login(email="a@example.org", password="correct"), immich.LoginResponseDto)
    await assert_type(client.get_auth_status(), Coroutine[Any, Any, immich.AuthStatusResponseDto])
    client.logout()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    client.login(email="a@example.org", password="x").access_token  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def how_clients_are_used() -> None:
    """Each client is a context manager of its own kind."""
    with immich.Client("http://127.0.0.1:2283", token="t") as client:
        assert_type(client, immich.Client)
    immich.Client("http://127.0.0.1:2283", release="3.2").get_user_onboarding()
    async with immich.AsyncClient("http://127.0.0.1:2283", api_key="k", timeout=3) as awaited:
        assert_type(awaited, immich.AsyncClient)
    with awaited:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    immich.Client()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    immich.Client("http://127.0.0.1:2283", "token")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def what_an_operation_is() -> None:
    """On the contract and on the classes of clients, the same name is the operation."""
    assert_type(ImmichApi.login, Operation[immich.LoginCredentialDto, immich.LoginResponseDto])
    assert_type(immich.Client.logout, Operation[Nothing, immich.LogoutResponseDto])
    assert_type(immich.AsyncClient.logout, Operation[Nothing, immich.LogoutResponseDto])
    ImmichApi.login(email="a@example.org", password="x")  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    ImmichApi().login  # type: ignore[call-overload]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def what_is_refused(client: immich.Client) -> None:
    """Wrong names, wrong types, missing and superfluous arguments."""
    client.login(email="a@example.org")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.login("a@example.org", "x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.login(email=1, password="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.login(email="a@example.org", password=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.login(email="a", password="x", remember=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.logout(everywhere=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_user()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    immich.Client("http://127.0.0.1:2283", release=3.2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.update_my_user(avatar_color="beige")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # The names are Python's, not the wire's.
    client.setup_pin_code(pinCode="123456")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.sign_in(email="a@example.org")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    client.token = "mine"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    client.get_my_user().mail  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def what_is_kept_of_a_method(client: immich.Client) -> None:
    """A method can be passed on without losing its type."""
    pong: Callable[[], immich.ServerPingResponse] = client.ping_server
    wrong: Callable[[], immich.LogoutResponseDto] = client.ping_server  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    pong()
    wrong()
