"""Calls of Portainer's client that must type-check, and calls that must not. Nothing here is ever run.

Marks are as in immich_calls.py: a mark on a call that does pass is an error of that checker.
"""

from __future__ import annotations

from typing import assert_type

from dragoman.dialects import portainer
from dragoman.dialects.portainer import PortainerApi
from dragoman.wire import Nothing, Operation


def what_each_operation_gives(client: portainer.Client) -> None:
    """A method takes its ask's fields by name and gives its answer."""
    signed_in = client.authenticate_user(username="admin", password="correct")
    assert_type(signed_in, portainer.AuthAuthenticateResponse)
    assert_type(signed_in.jwt, str)
    assert_type(client.validate_o_auth(code="c0de"), portainer.AuthAuthenticateResponse)
    assert_type(client.logout(), Nothing)
    assert_type(client.current_user_inspect().force_change_password, bool)
    assert_type(client.user_list().root, list[portainer.PortainerListedUser])
    made = client.user_generate_api_key(id=1, description="backup", password="correct")
    assert_type(made.raw_api_key, str)
    assert_type(made.api_key.digest, str | None)
    assert_type(client.user_remove_api_key(id=1, key_id=made.api_key.id), Nothing)
    assert_type(client.token, str | None)


def what_may_be_left_out(client: portainer.Client) -> None:
    """Fields with a default are optional, alone or together."""
    assert_type(client.user_update(id=1), portainer.PortainerUser)
    theme = portainer.UsersThemePayload(color="dark")
    assert_type(client.user_update(id=1, role=2, use_cache=True, theme=theme), portainer.PortainerUser)
    assert_type(client.user_create(username="bob", role=2), portainer.PortainerUser)


async def what_is_awaited(client: portainer.AsyncClient) -> None:
    """The asynchronous client takes the same and gives it when awaited."""
    assert_type(await client.system_status(), portainer.SystemStatus)
    assert_type(await client.endpoint_list(), portainer.Things)
    client.logout()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]


async def how_clients_are_used() -> None:
    """A token or a key, and each client a context manager of its own kind."""
    with portainer.Client("http://127.0.0.1:9000", token="t") as client:
        assert_type(client, portainer.Client)
    async with portainer.AsyncClient("http://127.0.0.1:9000", api_key="k") as awaited:
        assert_type(awaited, portainer.AsyncClient)
    portainer.Client("http://127.0.0.1:9000", jwt="t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def what_an_operation_is() -> None:
    """On the contract and on the classes of clients, the same name is the operation."""
    assert_type(
        PortainerApi.authenticate_user,
        Operation[portainer.AuthAuthenticatePayload, portainer.AuthAuthenticateResponse],
    )
    assert_type(portainer.Client.logout, Operation[Nothing, Nothing])


def what_is_refused(client: portainer.Client) -> None:
    """Wrong names, wrong types, missing and superfluous arguments."""
    client.authenticate_user(username="admin")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.authenticate_user("admin", "x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.user_inspect(id="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.user_create(username="bob", role="admin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.user_remove_api_key(id=1, keyID=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.motd().title.hex()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    client.token = "mine"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
