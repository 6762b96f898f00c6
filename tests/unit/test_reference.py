"""The page at `<mount>/docs`: a dialect's document, readable and harmless."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

from dragoman import openapi
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.exchange import Spoken
from dragoman.reference import page

HOSTILE = "\"'></style></dd><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>"
VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Element:
    """A tag of the page; `text` is that of everything within."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self) -> Iterator[Element]:
        """This element and all within it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.all()

    def by_id(self, name: str) -> Element:
        """The element with this anchor."""
        return next(each for each in self.all() if each.attributes.get("id") == name)


class Tree(HTMLParser):
    """Reads a page as a browser would, as far as these tests ask; refuses tags that are not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost one."""
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text of all that are open."""
        for element in self._open:
            element.text += data


def read(spoken: Spoken) -> Element:
    """The elements of a page."""
    return Tree(spoken.body.decode()).root


def words(element: Element) -> str:
    """The text of an element as it reads."""
    return " ".join(element.text.split())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document that Immich's dialect publishes."""
    return openapi.document(ImmichApi, mount="/immich", release=RELEASES["1.134"])


@pytest.fixture(scope="module")
def immich(document: dict[str, Any]) -> Spoken:
    """The page of that document."""
    return page("Immich", document, "/immich/openapi.json")


def test_it_is_a_page_of_html(immich: Spoken) -> None:
    """The page is well-formed HTML in UTF-8 that says whose it is."""
    assert (immich.status, immich.media) == (200, "text/html; charset=utf-8")
    assert immich.body.startswith(b"<!DOCTYPE html>")
    assert words(next(each for each in read(immich).all() if each.tag == "h1")) == "Immich 1.134.0"


def test_every_operation_is_described(immich: Spoken, document: dict[str, Any]) -> None:
    """Every operation of the document has its name, method, full address and success on the page."""
    tree = read(immich)
    for path, item in document["paths"].items():
        root = item.get("servers", document["servers"])[0]["url"].rstrip("/")
        for method in item.keys() - {"servers"}:
            name = item[method]["operationId"]
            text = words(tree.by_id(f"operation-{name}"))
            assert text.startswith(f"{name} {method.upper()} {root}{path} ")
            assert all(status in text for status in item[method]["responses"])


def test_every_shape_is_described(immich: Spoken, document: dict[str, Any]) -> None:
    """Every schema of the document, and every property of it, is on the page."""
    tree = read(immich)
    for name, schema in document["components"]["schemas"].items():
        found = [words(each) for each in tree.by_id(f"schema-{name}").all() if each.tag == "dt"]
        required = schema.get("required", [])
        assert found == [
            f"{each} required" if each in required else each for each in schema.get("properties", ())
        ]


def test_every_link_arrives(immich: Spoken) -> None:
    """Each link leads to something on this page or to the document; no two things share an anchor."""
    elements = list(read(immich).all())
    anchors = [each.attributes["id"] for each in elements if "id" in each.attributes]
    assert len(anchors) == len(set(anchors))
    targets = {each.attributes["href"] for each in elements if "href" in each.attributes}
    assert targets - {f"#{anchor}" for anchor in anchors} == {"/immich/openapi.json"}


def test_it_says_who_may_call(immich: Spoken) -> None:
    """A public operation is anyone's, a protected one is for those signed in, and how is said at the top."""
    tree = read(immich)
    assert " Anyone " in words(tree.by_id("operation-login"))
    assert " Signed in " in words(tree.by_id("operation-logout"))
    top = words(tree.by_id("top"))
    assert "Authorization: Bearer or cookie immich_access_token or header x-api-key" in top


def test_credentials_of_one_operation_are_spelled_out() -> None:
    """Where an operation takes other credentials than the rest, it says which; two at once are joined."""
    schemes = {
        "one": {"type": "apiKey", "in": "header", "name": "x-one"},
        "two": {"type": "http", "scheme": "basic"},
    }
    operation = {
        "operationId": "both",
        "responses": {"200": {"description": ""}},
        "security": [{"one": [], "two": []}],
    }
    described = {
        "info": {"version": "1"},
        "paths": {"/x": {"get": operation}},
        "components": {"securitySchemes": schemes},
    }
    text = words(read(page("X", described, "/openapi.json")).by_id("operation-both"))
    assert "Signed in header x-one and Authorization: Basic" in text


def test_what_a_field_must_be_is_in_words() -> None:
    """Type, bounds, choices, null and text of a field are printed beside its name."""
    fields: dict[str, tuple[dict[str, Any], str]] = {
        "short": ({"type": "string", "minLength": 8, "maxLength": 64}, "string · at least 8 characters · at most 64 characters"),
        "when": ({"type": "string", "format": "date-time", "nullable": True}, "string (date-time) · may be null"),
        "colour": ({"type": "string", "enum": ["red", "green"]}, "string · one of red, green"),
        "pin": ({"type": "string", "pattern": "^[0-9]{6}$"}, "string · matches ^[0-9]{6}$"),
        "count": ({"type": "integer", "minimum": 1, "maximum": 9, "description": "How many"}, "integer · at least 1 · at most 9 · How many"),
        "them": ({"type": "array", "items": {"$ref": "#/components/schemas/Other"}, "minItems": 1}, "list of Other · at least 1 of them"),
        "maybe": ({"allOf": [{"$ref": "#/components/schemas/Other"}], "nullable": True}, "Other · may be null"),
        "either": ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "string or integer"),
        "bag": ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        "free": ({}, "anything"),
    }  # fmt: skip
    schema = {"type": "object", "properties": {name: each for name, (each, _) in fields.items()}}
    operation = {
        "operationId": "ask",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}},
        "responses": {"204": {"description": ""}},
    }
    other = {"type": "string", "enum": ["a"]}
    described = {
        "info": {"version": "1"},
        "paths": {"/x/{id}": {"put": operation}},
        "components": {"schemas": {"Ask": schema, "Other": other}},
    }
    tree = read(page("X", described, "/openapi.json"))
    asked = [words(each) for each in tree.by_id("operation-ask").all() if each.tag == "dd"]
    assert asked == ["string · in the path", *(said for _, said in fields.values())]
    assert words(tree.by_id("schema-Other")) == "Other string · one of a"


@pytest.mark.parametrize("product", ["Immich", HOSTILE])
def test_a_hostile_name_is_only_a_name(product: str) -> None:
    """Markup in any text of the document, its keys included, is printed and never parsed."""
    ref = {"$ref": f"#/components/schemas/{HOSTILE}"}
    body = {"content": {HOSTILE: {"schema": ref}}}
    operation = {
        "operationId": HOSTILE,
        "tags": [HOSTILE],
        "security": [{HOSTILE: []}, {"other": []}],
        "parameters": [{"name": HOSTILE, "in": HOSTILE, "schema": {"type": HOSTILE, "format": HOSTILE}}],
        "requestBody": body,
        "responses": {HOSTILE: {"description": HOSTILE, **body}},
    }
    field_of_it = {"type": HOSTILE, "enum": [HOSTILE], "pattern": HOSTILE, "description": HOSTILE}
    described = {
        "info": {"version": HOSTILE, "title": HOSTILE},
        "servers": [{"url": HOSTILE}],
        "paths": {f"/{HOSTILE}": {"get": operation}},
        "components": {
            "schemas": {HOSTILE: {"required": [HOSTILE], "properties": {HOSTILE: field_of_it}}},
            "securitySchemes": {HOSTILE: {"type": "apiKey", "in": HOSTILE, "name": HOSTILE}},
        },
    }
    spoken = page(product, described, f"/docs?{HOSTILE}")
    elements = list(read(spoken).all())
    assert {each.tag for each in elements}.isdisjoint({"script", "img", "iframe", "object", "form", "base"})
    assert len([each for each in elements if each.tag == "style"]) == 1
    assert not any(name.startswith("on") for each in elements for name in each.attributes)
    assert HOSTILE in read(spoken).text


def test_the_browser_is_told_to_load_nothing(immich: Spoken) -> None:
    """The policy allows one thing, the style sheet on the page, by the hash of exactly what is there."""
    style = re.findall(rb"<style>(.*?)</style>", immich.body, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0]).digest()).decode()
    assert dict(immich.headers)["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_nothing_comes_from_elsewhere(immich: Spoken) -> None:
    """The page is whole as it arrives: no script, no style attribute, no image, no font, no other address."""
    elements = list(read(immich).all())
    assert {each.tag for each in elements}.isdisjoint({"script", "img", "link", "iframe", "object", "svg"})
    assert not {"src", "style", "srcset", "action"} & {name for each in elements for name in each.attributes}
    assert not re.search(r"url\(|@import|https?:|//[a-z]", immich.body.decode())
