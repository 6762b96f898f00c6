"""Calls of Aivo's client that must type-check, and calls that must not. Nothing here is ever run."""

# ruff: noqa: B018 - to look at an attribute is the point
from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, assert_type

from dragoman.dialects import aivo
from dragoman.dialects.aivo import AivoApi
from dragoman.wire import Nothing, Operation


def what_each_operation_gives(client: aivo.Client) -> None:
    """A method takes its ask's fields by name and gives its answer."""
    signed_in = client.login(email="a@example.org", password="correct")
    assert_type(signed_in, aivo.AuthResponse)
    assert_type(signed_in.expires_in, int)
    assert_type(signed_in.user.role, aivo.Role)
    assert_type(client.refresh_token(refresh_token="x"), aivo.AuthResponse)
    assert_type(client.get_current_user().avatar, str | None)
    assert_type(client.get_key_set().keys, list[dict[str, Any]])
    assert_type(client.logout(), Nothing)
    assert_type(client.kept_refresh_token, str | None)


async def what_is_awaited(client: aivo.AsyncClient) -> None:
    """The asynchronous client takes the same and gives it when awaited."""
    assert_type(await client.get_current_user(), aivo.User)
    await assert_type(client.logout(), Coroutine[Any, Any, Nothing])


def how_clients_are_made() -> None:
    """With the tokens of an earlier sign-in, or without."""
    assert_type(aivo.Client("http://127.0.0.1:8080", token="t", refresh_token="r"), aivo.Client)
    aivo.AsyncClient("http://127.0.0.1:8080", refresh_token=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def what_an_operation_is() -> None:
    """On the contract the same name is the operation."""
    assert_type(AivoApi.refresh_token, Operation[aivo.RefreshTokenRequest, aivo.AuthResponse])


def what_is_refused(client: aivo.Client) -> None:
    """Wrong names, wrong types and missing arguments."""
    client.login(username="a", password="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.refresh_token()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.refresh_token(refreshToken="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.logout(refresh_token="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_current_user().first  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
