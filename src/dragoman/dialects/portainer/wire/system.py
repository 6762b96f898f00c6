"""What the server says of itself, and the environments and stacks it does not manage: contract §3, §7."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from dragoman.dialects.portainer.wire.fields import Answered, Payload
from dragoman.wire import OMITTED, Access, Array, Endpoint, Nothing


class SystemStatus(Answered):
    version: str
    instance_id: Annotated[str, Field(alias="InstanceID")]


class BuildBuildInfo(Answered):
    """`env` is for administrators alone."""

    build_number: str
    image_tag: str
    nodejs_version: str
    yarn_version: str
    webpack_version: str
    go_version: str
    git_commit: str
    env: Annotated[list[str] | None, OMITTED] = None


class SystemVersionResponse(Answered):
    update_available: bool
    latest_version: str
    server_version: str
    server_edition: str
    database_version: str
    build: BuildBuildInfo


class SystemSystemInfoResponse(Payload):
    platform: str
    edge_agents: int
    agents: int


class SystemNodesCountResponse(Payload):
    nodes: int


class MotdMotdResponse(Answered):
    """The message of the day. There is none; a real Portainer's has a hash of it in base64."""

    title: str
    message: str
    content_layout: dict[str, str] | None = None
    style: str
    hash: str | None = None


class Things(Array[dict[str, Any]]):
    """A bare array of JSON objects, which are the product's to describe."""


class SystemApi:
    """`/system`, `/status`, `/motd`, `/endpoints` and `/stacks`."""

    status_inspect = Endpoint("GET", "/api/status", Nothing, SystemStatus, access=Access.PUBLIC, tag="status")
    system_status = Endpoint(
        "GET", "/api/system/status", Nothing, SystemStatus, access=Access.PUBLIC, tag="system"
    )
    system_version = Endpoint("GET", "/api/system/version", Nothing, SystemVersionResponse, tag="system")
    system_info = Endpoint("GET", "/api/system/info", Nothing, SystemSystemInfoResponse, tag="system")
    system_nodes_count = Endpoint("GET", "/api/system/nodes", Nothing, SystemNodesCountResponse, tag="system")
    motd = Endpoint("GET", "/api/motd", Nothing, MotdMotdResponse, tag="motd")
    endpoint_list = Endpoint("GET", "/api/endpoints", Nothing, Things, tag="endpoints")
    stack_list = Endpoint("GET", "/api/stacks", Nothing, Things, tag="stacks")
