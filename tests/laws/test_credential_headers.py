"""Of which headers a dialect says that they hold up credentials: a check recognises requests by these alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from tests.laws.travel import DIALECTS, manners_of

from dragoman.core.errors import Refusal
from dragoman.envelope import Envelope, Headers, Query
from dragoman.serving import Dialect

QUERIES = (b"", b"key=&slug=s", b"sessionKey=a", b"apiKey=a", b"apikey=a", b"token=a", b"x-api-key=a")


class Watched(Headers):
    """Headers that know which of them were asked for."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_no_other_header_is_looked_at_for_a_credential(dialect: Dialect) -> None:
    """Whatever is shown where, what `present` looks at are exactly the headers that the dialect names."""
    manners = manners_of(dialect)
    shown = [manners.credentials("a", None), manners.credentials(None, "a"), {}]
    shown += [{name: "a"} for name in dialect.credential_headers]
    asked: set[str] = set()
    for held in shown:
        for query in QUERIES:
            raw = [(name.lower().encode(), value.encode()) for name, value in held.items()]
            envelope = Envelope({"type": "http", "method": "GET", "headers": raw, "query_string": b""})
            envelope.query = Query(query)
            envelope.headers = watched = Watched(raw)
            with suppress(Refusal):
                dialect.present(envelope)
            asked |= watched.asked
    assert asked == set(dialect.credential_headers)
