"""The contract kit: what an endpoint is on a contract, on a client, and on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from dragoman.releases import ONLY, Release
from dragoman.wire import (
    OMITTED,
    UNSEEN,
    Access,
    Api,
    Endpoint,
    InPath,
    InQuery,
    Nothing,
    Operation,
    WholeBody,
    Wire,
    Work,
    asked,
    camel,
    places,
)


class Camel(Wire):
    model_config = ConfigDict(alias_generator=camel)


class Page(Camel):
    number: int
    page_text: str = ""


class Turn(Camel):
    book_id: Annotated[str, InPath()]
    read_aloud: Annotated[bool | None, InQuery()] = None
    page: Page
    dog_ear: Annotated[str | None, OMITTED] = None
    new_mark: str | None = None


class Shelf(Camel):
    book_id: Annotated[UUID, InPath()]
    since: Annotated[datetime | None, InQuery()] = None


class Note(Camel):
    text: str = ""


class Line(RootModel[str]):
    pass


class Secretive(Camel):
    pass_word: Annotated[str, UNSEEN]
    name: str = ""


class Label(Camel):
    shelf: Annotated[int | None, InQuery()] = None
    text: Annotated[str | None, WholeBody()] = None


class Library(Api):
    turn = Endpoint("PUT", "/books/{bookId}/page", Turn, Page, work=Work.WRITES, permission="book.turn")
    shelf = Endpoint("DELETE", "/books/{bookId}", Shelf, Nothing, status=200)
    hum = Endpoint("POST", "/hum", Line, Line, access=Access.PUBLIC, tag="Songs")
    note = Endpoint("POST", "/note", Note, Nothing)
    close = Endpoint("POST", "/close", Nothing, Nothing)
    label = Endpoint("POST", "/label", Label, Nothing, access=Access.WELCOME, also=("/old/label",))


class Desk:
    """A caller that answers with what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, BaseModel]] = []

    def send(self, operation: Operation[Any, Any], ask: BaseModel) -> Any:
        """Note it."""
        self.sent.append((operation.name, ask))
        return operation.gives


class Reader(Library, Desk):
    pass


PAGE = Page(number=3, page_text="Once")


def test_an_endpoint_is_an_operation_on_the_contract() -> None:
    """On the class every endpoint is an operation that says all there is to know of it."""
    assert [o.name for o in Library.operations()] == ["turn", "shelf", "hum", "note", "close", "label"]
    turn = Library.turn
    assert (turn.method, turn.path, turn.takes, turn.gives) == ("PUT", "/books/{bookId}/page", Turn, Page)
    assert (turn.access, turn.work, turn.permission, turn.tag) == (
        Access.SIGNED_IN,
        Work.WRITES,
        "book.turn",
        None,
    )
    assert (Library.hum.access, Library.hum.tag) == (Access.PUBLIC, "Songs")


def test_an_endpoint_is_a_method_on_a_client() -> None:
    """On an instance it builds the ask from its arguments and has the instance send it."""
    reader = Reader()
    answer: Any = reader.shelf(book_id=UUID(int=1))
    assert answer is Nothing
    assert reader.sent == [("shelf", Shelf(book_id=UUID(int=1)))]


def test_a_method_says_what_it_is() -> None:
    """A method has the operation's name, and `help` shows path, arguments and answer."""
    method: Any = Reader().turn
    assert method.__name__ == "turn"
    assert method.__doc__ == "PUT /books/{bookId}/page (book_id, read_aloud, page, dog_ear, new_mark) -> Page"


def test_a_status_follows_the_release() -> None:
    """A release with a status of its own gets it, every other one the contract's."""
    later = Release("2", "2.0", statuses={"shelf": 204})
    assert later.status(Library.shelf) == 204
    assert ONLY.status(Library.shelf) == 200


def test_fields_stand_where_they_are_marked() -> None:
    """Fields go into the path, the query or the body as marked, all under their names on the wire."""
    sent = Library.turn.sent(Turn(book_id="ab", read_aloud=True, page=PAGE, new_mark="ribbon"))
    assert sent.path == "/books/ab/page"
    assert sent.query == {"readAloud": True}
    assert sent.body == {"page": {"number": 3, "pageText": "Once"}, "newMark": "ribbon"}
    assert places(Turn)["book_id"] == (InPath, "bookId")


def test_only_what_was_given_is_sent() -> None:
    """What was not given is not sent; None is sent as null, but not in a query or for an omitted field."""
    bare = Library.turn.sent(asked(Turn, book_id="ab", page=PAGE))
    assert (bare.query, bare.body) == ({}, {"page": {"number": 3, "pageText": "Once"}})
    null = Library.turn.sent(
        asked(Turn, book_id="ab", page=PAGE, read_aloud=None, dog_ear=None, new_mark=None)
    )
    assert null.query == {}
    assert null.body == {"page": {"number": 3, "pageText": "Once"}, "newMark": None}


def test_no_body_where_a_shape_has_no_field_for_it() -> None:
    """An ask of nothing, or of parameters alone, has no body at all; one whose fields were left out has `{}`."""
    since = datetime(2026, 1, 5, tzinfo=UTC)
    assert Library.close.sent(Nothing()).body is None
    shelf = Library.shelf.sent(Shelf(book_id=UUID(int=1), since=since))
    assert (shelf.body, shelf.query) == (None, {"since": "2026-01-05T00:00:00Z"})
    assert Library.note.sent(asked(Note)).body == {}


def test_a_body_may_be_a_bare_value() -> None:
    """A root model is a body without fields, given by position."""
    assert Library.hum.sent(asked(Line, "la")).body == "la"
    with pytest.raises(TypeError):
        asked(Line)


@given(st.text(st.characters(codec="utf-8")))
def test_a_path_parameter_is_one_segment_of_the_path(text: str) -> None:
    """Whatever a parameter holds stays one segment and reads back the same, or is refused."""
    ask = asked(Turn, book_id=text, page=PAGE)
    if text in ("", ".", ".."):
        with pytest.raises(ValueError, match="bookId"):
            Library.turn.sent(ask)
        return
    _, books, segment, page = Library.turn.sent(ask).path.split("/")
    assert (books, unquote(segment), page) == ("books", text, "page")
    assert not {"?", "#", "\\"} & set(segment)


def test_a_field_may_be_the_whole_body() -> None:
    """A bare value beside parameters: it is sent if it was given, and by itself."""
    assert places(Label) == {"shelf": (InQuery, "shelf"), "text": (WholeBody, "text")}
    sent = Library.label.sent(asked(Label, shelf=3, text="Poems"))
    assert (sent.path, sent.query, sent.body) == ("/label", {"shelf": 3}, "Poems")
    assert Library.label.sent(asked(Label, shelf=3)).body is None


def test_strangers_are_welcome_where_it_is_said() -> None:
    """What is public or welcome is open to them; the rest is not."""
    assert [access for access in Access if access.is_open] == [Access.PUBLIC, Access.WELCOME]
    assert not Library.close.access.is_open


def test_an_ask_is_not_judged() -> None:
    """Wrong values are built and sent as they are: saying no is the server's part."""
    ask: Any = asked(Turn, book_id="ab", page="three", new_mark=7)
    assert Library.turn.sent(ask).body == {"page": "three", "newMark": 7}


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ({}, "book_id is missing; page is missing"),
        ({"book_id": "ab", "page": PAGE, "bookId": "cd"}, "no bookId"),
        ({"page": PAGE, "colour": "red"}, "no colour; book_id is missing"),
    ],
)
def test_names_are_judged(named: dict[str, Any], complaint: str) -> None:
    """A name the shape does not have, or a required one left out, is the caller's own mistake."""
    with pytest.raises(TypeError, match=f"^Turn: {complaint}$"):
        asked(Turn, **named)
    with pytest.raises(TypeError, match="keyword"):
        asked(Page, 3)


@pytest.mark.parametrize("path", ["/books", "/books/{book_id}", "/books/{bookId}/{page}"])
def test_a_path_and_its_parameters_must_agree(path: str) -> None:
    """An endpoint whose braces are not exactly its ask's path parameters cannot be written."""
    with pytest.raises(TypeError, match="bookId"):
        Endpoint("PUT", path, Turn, Page)


def test_a_shape_reads_both_names_and_drops_what_it_does_not_know() -> None:
    """Shapes are made by Python's names, read by the wire's, and pass over fields of later releases."""
    read = Page.model_validate_json('{"number": 3, "pageText": "Once", "footnotes": []}')
    assert read == PAGE
    assert read.model_dump_json() == '{"number":3,"pageText":"Once"}'


def test_a_secret_is_in_no_print_out() -> None:
    """An unseen field is not in the repr, and no validation error quotes what was sent."""
    assert repr(Secretive(pass_word="hunter2", name="ann")) == "Secretive(name='ann')"
    with pytest.raises(ValidationError) as caught:
        Secretive.model_validate({"passWord": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wire"),
    [("change_password", "changePassword"), ("login", "login"), ("quota_size_in_bytes", "quotaSizeInBytes")],
)
def test_camel(name: str, wire: str) -> None:
    """Underscores give way to capitals."""
    assert camel(name) == wire
