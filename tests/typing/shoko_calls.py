"""Calls of Shoko's client that must type-check, and calls that must not. Nothing here is ever run."""

from __future__ import annotations

from typing import assert_type

from dragoman.dialects import shoko
from dragoman.wire import Nothing


def what_each_operation_gives(client: shoko.Client) -> None:
    """A method takes its ask's fields by name and gives its answer."""
    signed_in = client.api_auth_post(user="me", pass_="correct", device="tv")
    assert_type(signed_in, shoko.AuthKey)
    assert_type(signed_in.apikey, str)
    assert_type(client.api_auth_change_password_post(new_password="new"), Nothing)
    assert_type(client.user_current_change_password_post(password="new"), Nothing)
    assert_type(client.api_auth_delete(), Nothing)
    assert_type(client.api_auth_delete(key_or_device="tv"), Nothing)
    assert_type(client.api_auth_get().root, list[shoko.AuthUserDevice])


async def what_is_awaited(client: shoko.AsyncClient) -> None:
    """The asynchronous client takes the same and gives it when awaited."""
    assert_type(await client.init_status_get(), shoko.ServerStatus)
    assert_type((await client.user_current_get()).is_admin, bool)


def what_is_refused(client: shoko.Client) -> None:
    """Wrong names, wrong types, missing and superfluous arguments."""
    client.api_auth_post(user="me", device="tv")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.api_auth_post(user="me", pass_=None, device="tv")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.api_auth_change_password_post("new")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.user_current_get(id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
