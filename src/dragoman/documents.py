"""Where a dialect's OpenAPI document is read: as JSON, as YAML, and as a page for people."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dragoman.exchange import JSON, Exchange, Spoken

if TYPE_CHECKING:
    from dragoman.serving import DialectApp

DOCUMENT = "/openapi.json"
PAGE = "/docs"


def find(served: DialectApp, exchange: Exchange, base_url: str | None) -> Spoken | None:
    """The document or the page if that is what was asked for, else None."""
    path = exchange.path
    own = path in served.dialect.document_paths
    if exchange.method not in ("GET", "HEAD") or not (own or path in (DOCUMENT, PAGE)):
        return None
    root = base_url if exchange.mount else None
    return _spoken(
        served, exchange.mount, root, PAGE if path == PAGE else "yaml" if path.endswith(".yaml") else "json"
    )


@lru_cache(maxsize=64)
def _spoken(served: DialectApp, mount: str, base_url: str | None, form: str) -> Spoken:
    from dragoman import openapi  # noqa: PLC0415 - with what pydantic describes shapes by, when somebody reads

    described = openapi.document(served.dialect.api, mount=mount, base_url=base_url, release=served.release)
    if form == PAGE:
        from dragoman import reference  # noqa: PLC0415 - Jinja2 only when somebody reads

        return reference.page(served.dialect.product, described, mount + DOCUMENT)
    if form == "yaml":
        return Spoken(200, as_yaml(described), "text/yaml; charset=utf-8")
    return Spoken(200, json.dumps(described, ensure_ascii=False, indent=2).encode(), JSON)


def as_yaml(described: dict[str, Any]) -> bytes:
    """A document as YAML."""
    import yaml  # noqa: PLC0415 - only when somebody asks for it

    return bytes(yaml.safe_dump(described, sort_keys=False, allow_unicode=True, encoding="utf-8"))
