"""Paths: what the log is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from dragoman.routing import Routes
from dragoman.wire import UNSEEN, Api, Endpoint, InPath, Nothing, Operation, Wire


class Opened(Wire):
    kind: Annotated[str, InPath()]
    secret: Annotated[str, InPath(), UNSEEN]


class Numbered(Wire):
    id: Annotated[int, InPath()]


class LinksApi(Api):
    get_link = Endpoint("GET", "/links/{id}", Numbered, Nothing)
    open_link = Endpoint("POST", "/{kind}/open/{secret}", Opened, Nothing)
    show_link = Endpoint("GET", "/open/{kind}/{secret}/page", Opened, Nothing)


@dataclass(frozen=True)
class Served:
    operation: Operation[Any, Any]


ROUTES = Routes([Served(operation) for operation in LinksApi.operations()], folds_case=False)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/links/5", "/links/5"),
        ("/links/open/abc", "/links/open/…"),
        ("/links/open/abc/more", "/links/open/…"),
        ("/links/open/", "/links/open/…"),
        ("/open/links/abc/page", "/open/links/…"),
        ("/open/links/abc", "/open/links/…"),
        ("/open/links", "/open/links"),
        ("/nowhere/abc", "/nowhere/abc"),
        ("/", "/"),
    ],
)
def test_no_secret_of_a_path_is_logged(path: str, shown: str) -> None:
    """A path is logged no further than where a secret stands, whatever the method, and whatever follows."""
    assert ROUTES.loggable(path) == shown
