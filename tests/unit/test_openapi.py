"""The document of a contract: what operations are described with stands in it, and nothing is made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from dragoman.openapi import document
from dragoman.wire import Access, Api, Described, Endpoint, InQuery, Nothing, WholeBody, Wire


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


class Poster(Wire):
    where: str
    colour: str = "red"
    area: int


class Note(Wire):
    board: Annotated[str | None, InQuery()] = None
    text: Annotated[str, WholeBody()] = ""


class Refused(Wire):
    why: str


class OfficeApi(Api):
    base = "/office"
    by_alphabet = False
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {"badge": {"type": "apiKey", "in": "header"}}

    hang = Endpoint(
        "POST",
        "/hang",
        Poster,
        Poster,
        access=Access.WELCOME,
        also=("/office/hang",),
        described=Described(
            responses={200: "Hung", 409: "Full"},
            refusals={409: Refused},
            refusal_media=("text/json", "application/json"),
            body_media=("text/json", "application/json"),
            body_required=False,
            shown=False,
        ),
    )
    scribble = Endpoint("POST", "/scribble", Note, Nothing)
    wipe = Endpoint("DELETE", "/office/board", Note, Nothing, described=Described(body_media=()))


def test_an_operation_stands_below_the_base_by_whichever_path_leads_there() -> None:
    """One that has a path there is documented by it, one that has none at the root."""
    paths = document(OfficeApi, mount="/m")["paths"]
    assert list(paths) == ["/hang", "/scribble", "/board"]
    assert paths["/scribble"]["servers"] == [{"url": "/m"}]
    assert "servers" not in paths["/hang"]


def test_bodies_and_answers_are_documented_as_the_product_does() -> None:
    """Media types in order, a body that may be left out or is not spoken of, an answer that is not shown."""
    paths = document(OfficeApi)["paths"]
    hang = paths["/hang"]["post"]
    assert "required" not in hang["requestBody"]
    assert list(hang["requestBody"]["content"]) == ["text/json", "application/json"]
    assert hang["responses"]["200"] == {"description": "Hung"}
    refused = {"schema": {"$ref": "#/components/schemas/Refused"}}
    assert hang["responses"]["409"]["content"] == {"text/json": refused, "application/json": refused}
    assert hang["security"] == [{"badge": []}, {}]
    assert "requestBody" not in paths["/board"]["delete"]


def test_a_bare_body_is_documented_as_what_it_is() -> None:
    """Its schema stands in its place; the parameters beside it are parameters."""
    scribble = document(OfficeApi)["paths"]["/scribble"]["post"]
    assert scribble["requestBody"]["content"] == {"application/json": {"schema": {"type": "string"}}}
    assert [parameter["name"] for parameter in scribble["parameters"]] == ["board"]


def test_fields_are_in_the_products_order() -> None:
    """As the shape has them, or by the alphabet: properties and required names alike."""
    poster = document(OfficeApi)["components"]["schemas"]["Poster"]
    assert (list(poster["properties"]), poster["required"]) == (
        ["where", "colour", "area"],
        ["where", "area"],
    )

    class SortedApi(OfficeApi):
        by_alphabet = True

    poster = document(SortedApi)["components"]["schemas"]["Poster"]
    assert (list(poster["properties"]), poster["required"]) == (
        ["area", "colour", "where"],
        ["area", "where"],
    )
