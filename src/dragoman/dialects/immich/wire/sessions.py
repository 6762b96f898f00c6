"""`/sessions`: contract §2.7, §3 and §4.1."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.wire.fields import A_STRING, ImmichWire, MaybeFlag, MaybeMoment, Moment
from dragoman.wire import OMITTED, Array, Endpoint, InPath, Later, Nothing, Work

Id = Annotated[str, InPath(), rules.UUID]
MaybeText = Annotated[str | None, rules.TEXT, A_STRING, OMITTED]
MaybeSeconds = Annotated[
    int | None,
    rules.DURATION,
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
    is_pending_sync_reset: MaybeFlag = None


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


class SessionResponses(Array[SessionResponseDto]):
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
