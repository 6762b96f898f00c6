"""The document of a contract: what operations are described with stands in it, and nothing is made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dragoman.openapi import document
from dragoman.wire import Access, Api, Described, Endpoint, Nothing, Wire


class Ticket(Wire):
    seat: str


class TheatreApi(Api):
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "badge": {"type": "apiKey", "in": "header", "name": "x-badge"},
        "hat": {"type": "http"},
    }

    enter = Endpoint(
        "POST",
        "/enter",
        Ticket,
        Ticket,
        access=Access.PUBLIC,
        described=Described(
            summary="Enter",
            description="By the main door.",
            responses={422: "No seat", 200: "Seated", 400: "No ticket"},
            body="The ticket",
            body_name="body",
        ),
    )
    leave = Endpoint(
        "POST",
        "/leave",
        Nothing,
        Nothing,
        access=Access.PUBLIC,
        status=204,
        described=Described(responses={204: "Gone"}, secured_by=("badge",)),
    )
    whisper = Endpoint("GET", "/whisper", Nothing, Ticket)


def described(path: str, method: str) -> Any:
    """What the document says of an operation."""
    return document(TheatreApi)["paths"][path][method]


def test_texts_stand_where_a_generator_looks_for_them() -> None:
    """Summary, description, the body's text and name, and each status with its text, in the document's order."""
    enter = described("/enter", "post")
    assert (enter["summary"], enter["description"]) == ("Enter", "By the main door.")
    assert enter["requestBody"]["description"] == "The ticket"
    assert enter["x-codegen-request-body-name"] == "body"
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}}
    assert list(enter["responses"].items()) == [
        ("422", {"description": "No seat"}),
        ("200", {"description": "Seated", "content": answer}),
        ("400", {"description": "No ticket"}),
    ]
    assert "security" not in enter


def test_credentials_may_be_documented_otherwise_than_asked_for() -> None:
    """An operation that is secured in its product's document alone says so, and that it can do without; all others by who may call them."""
    leave = described("/leave", "post")
    assert leave["security"] == [{"badge": []}, {}]
    assert leave["responses"] == {"204": {"description": "Gone"}}
    assert described("/whisper", "get")["security"] == [{"badge": []}, {"hat": []}]


def test_nothing_is_said_of_what_is_not_described() -> None:
    """Without a description there is no text, and no status but that of success."""
    whisper = described("/whisper", "get")
    assert whisper.keys() == {"operationId", "parameters", "responses", "tags", "security"}
    assert list(whisper["responses"]) == ["200"]
    assert whisper["responses"]["200"]["description"] == ""
