"""Calls of ELEMENTS' client that must type-check, and calls that must not. Nothing here is ever run.

Marks are as in immich_calls.py: a mark on a call that does pass is an error of that checker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from dragoman.dialects import elements
from dragoman.dialects.elements import ElementsApi
from dragoman.wire import Nothing, Operation


def what_each_operation_gives(client: elements.Client) -> None:
    """A method takes its ask's fields by name and gives its answer."""
    signed_in = client.login(username="ann", password="correct")
    assert_type(signed_in.user, elements.ElementsUserDetail)
    assert_type(signed_in.session_key, str)
    ticket = client.create_auth_ticket()
    assert_type(client.check_auth_ticket(ticket=ticket.ticket), elements.ElementsUserDetail)
    assert_type(client.get_all_access_tokens().root, list[elements.OneTimeAccessToken])
    assert_type(client.get_access_token(id=1).expires, datetime | None)
    assert_type(client.delete_access_token(id=1), Nothing)
    assert_type(client.get_parameters().media_max_link_views, int | None)
    assert_type(client.token, str | None)


def what_may_be_left_out(client: elements.Client) -> None:
    """Fields with a default are optional, alone or together."""
    assert_type(client.send_access_token_email_notification(id=1), Nothing)
    assert_type(client.patch_user(id=1, is_enabled=False), elements.ElementsUserDetail)
    link = client.share_media_library_objects(
        bundles=[5],
        expires=datetime.now(UTC),
        permissions=elements.MediaRootPermissionAccessOptions(allow_read=True),
        require_login=True,
    )
    assert_type(link, elements.OneTimeAccessToken)


def what_pages_by_itself(client: elements.Client) -> None:
    """An iterator gives what the list has, and takes what it takes."""
    for user in client.each(client.get_all_users, ordering="username", limit=10):
        assert_type(user, elements.ElementsUser)


async def what_is_awaited(client: elements.AsyncClient) -> None:
    """The asynchronous client takes the same and gives it when awaited."""
    assert_type(await client.get_system_info(), elements.SystemInfoEndpointResponse)
    async for link in client.each(client.get_all_access_tokens, user=1):
        assert_type(link, elements.OneTimeAccessToken)
    client.logout()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]


def what_an_operation_is() -> None:
    """On the contract and on the classes of clients, the same name is the operation."""
    assert_type(
        ElementsApi.login,
        Operation[elements.AuthLoginEndpointRequest, elements.AuthLoginEndpointResponse],
    )
    assert_type(elements.Client.logout, Operation[Nothing, Nothing])


def what_is_refused(client: elements.Client) -> None:
    """Wrong names, wrong types, missing and superfluous arguments."""
    client.login(username="ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.login("ann", "x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_user(id="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.start_impersonation(user_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_profile().id.hex()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
