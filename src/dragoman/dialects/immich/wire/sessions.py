"""`/sessions`: contract §2.7, §3 and §4.1."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel, WithJsonSchema

from dragoman.dialects.immich import zod
from dragoman.dialects.immich.rules import (
    IS_BOOLEAN,
    IS_INT,
    IS_POSITIVE,
    IS_STRING,
    IS_UUID,
    NOT_ABSURD,
    Rules,
    no_more_than,
)
from dragoman.dialects.immich.wire.fields import A_STRING, ImmichWire, MaybeMoment, Moment
from dragoman.wire import OMITTED, Endpoint, InPath, Later, Nothing, Work

Id = Annotated[str, InPath(), Rules(IS_UUID, zod=zod.uuid())]
MaybeText = Annotated[str | None, Rules(IS_STRING, NOT_ABSURD, zod=zod.string()), A_STRING, OMITTED]
# Ours: a session that would outlive the calendar is refused, not cut.
A_CENTURY = 100 * 365 * 24 * 3600
MaybeSeconds = Annotated[
    int | None,
    Rules(IS_POSITIVE, IS_INT, no_more_than(A_CENTURY), zod=zod.integer(1)),
    WithJsonSchema({"type": "number", "minimum": 1}),
    OMITTED,
]


class OfSession(ImmichWire):
    """An ask about one session, by the path."""

    id: Id


class SessionCreateDto(ImmichWire):
    """`duration` in seconds."""

    duration: MaybeSeconds = None
    device_type: MaybeText = None
    device_os: Annotated[MaybeText, Field(alias="deviceOS")] = None


class SessionUpdateDto(ImmichWire):
    id: Id
    is_pending_sync_reset: Annotated[
        bool | None,
        Rules(IS_BOOLEAN, zod=zod.boolean()),
        WithJsonSchema({"type": "boolean"}),
        OMITTED,
    ] = None


class SessionResponseDto(ImmichWire):
    id: str
    created_at: Moment
    updated_at: Moment
    expires_at: MaybeMoment = None
    current: bool
    app_version: Annotated[str | None, Later(nullable=True)] = None
    device_os: Annotated[str, Field(alias="deviceOS")]
    device_type: str
    is_pending_sync_reset: Annotated[bool | None, Later()] = None


class SessionCreateResponseDto(SessionResponseDto):
    """The only answer that shows the session's token."""

    token: str


class SessionResponses(RootModel[list[SessionResponseDto]]):
    """A bare array, the last seen first."""


class SessionsApi:
    """An account's sessions."""

    create_session = Endpoint(
        "POST",
        "/api/sessions",
        SessionCreateDto,
        SessionCreateResponseDto,
        status=201,
        work=Work.WRITES,
        tag="Sessions",
    )
    get_sessions = Endpoint("GET", "/api/sessions", Nothing, SessionResponses, tag="Sessions")
    delete_all_sessions = Endpoint(
        "DELETE", "/api/sessions", Nothing, Nothing, status=204, work=Work.WRITES, tag="Sessions"
    )
    update_session = Endpoint(
        "PUT", "/api/sessions/{id}", SessionUpdateDto, SessionResponseDto, work=Work.WRITES, tag="Sessions"
    )
    delete_session = Endpoint(
        "DELETE", "/api/sessions/{id}", OfSession, Nothing, status=204, work=Work.WRITES, tag="Sessions"
    )
    lock_session = Endpoint(
        "POST", "/api/sessions/{id}/lock", OfSession, Nothing, status=204, work=Work.WRITES, tag="Sessions"
    )
