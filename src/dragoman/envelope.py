"""What is written on a request's outside: its headers, cookies and query. All that tells who is asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import unquote

from starlette.datastructures import QueryParams

if TYPE_CHECKING:
    from starlette.types import Scope

    from dragoman.releases import Release

D = TypeVar("D")


class Query(QueryParams):
    """The parameters of a query. To look for one that is not there costs a tenth of what it does by an exception."""

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str | D) -> str | D: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        """The value of a parameter, of several the last."""
        return self._dict.get(key, default)


NO_QUERY = Query()


class Headers(dict[str, str]):
    """Headers by their lower-case names; of several with one name the first.

    Read once into a dict, each is found ten times as fast as by looking through all of them.
    """

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        super().__init__([(name.decode("latin-1"), value.decode("latin-1")) for name, value in reversed(raw)])
        self._raw = raw

    def getlist(self, name: str) -> list[str]:
        """Every header with a lower-case name, in the order received."""
        wanted = name.encode("latin-1")
        return (
            [value.decode("latin-1") for each, value in self._raw if each == wanted] if name in self else []
        )


@dataclass
class Envelope:
    """The outside of a request, and which release it is asked in. What was `read` of the same scope is not read again."""

    scope: Scope
    release: Release | None = field(default=None, kw_only=True)
    read: InitVar[Envelope | None] = field(default=None, kw_only=True)

    def __post_init__(self, read: Envelope | None) -> None:
        # Eagerly, and once each. `cached_property` takes a lock, which costs more than either.
        self.headers: Headers = Headers(self.scope["headers"]) if read is None else read.headers
        raw = self.scope["query_string"]
        self.query: Query = read.query if read else Query(raw) if raw else NO_QUERY
        self._cookies: Mapping[str, str] | None = None

    @property
    def peer(self) -> str | None:
        """The other end of the connection; None where that has no address."""
        return self.scope["client"][0] if self.scope.get("client") else None

    @property
    def bearer(self) -> str:
        """The token of a bearer header, up to a blank (RFC 6750 §2.1); "" for none, and for other schemes."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        return rest.partition(" ")[0] if scheme.lower() == "bearer" else ""

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name, as `cookies_of` reads them."""
        if self._cookies is None:
            self._cookies = cookies_of(self.headers.getlist("cookie"))
        return self._cookies


def cookies_of(told: Sequence[str]) -> Mapping[str, str]:
    """Cookies by name, unquoted and percent-decoded. Whatever cannot be read as a cookie is not there.

    Of two with one name the first counts: browsers send the more specific path's first (RFC 6265 §5.4).
    """
    found: dict[str, str] = {}
    for pair in ";".join(told).split(";"):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if equals:
            quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
            found.setdefault(name, unquote(value[1:-1] if quoted else value))
    return found
