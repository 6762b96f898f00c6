"""What a User-Agent names: browser and operating system, as ua-parser (uap-core) knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from dragoman.core.sessions import Device

if TYPE_CHECKING:
    from ua_parser import BasicResolver, Parser

LONGEST = 512  # characters looked at: what a look costs grows with them, to 0.1 s at the longest header


@lru_cache(maxsize=1000)
def device_of(agent: str) -> Device:
    """The browser, or else the first product that is named, and the system; "" for what is not in it."""
    text = agent[:LONGEST]
    if "(" not in text:
        return Device(text.partition("/")[0])  # a platform is named in a comment (RFC 9110 §10.1.5)
    browser, system = parser().parse_user_agent(text), parser().parse_os(text)
    return Device(browser.family if browser else text.partition("/")[0], system.family if system else "")


@cache
def parser() -> Parser:
    """The parser, made when it is first needed. It compiles its 1300 patterns as it comes by them."""
    from ua_parser import Parser  # noqa: PLC0415

    return Parser(resolver())


@cache
def resolver() -> BasicResolver:
    from ua_parser import BasicResolver, load_lazy_builtins  # noqa: PLC0415

    return BasicResolver(load_lazy_builtins())


def warm_up() -> Iterator[None]:
    """Make the parser ready, pattern by pattern: else the first browser waits for a tenth of a second."""
    found = resolver()
    # To be asked makes each compile its pattern.
    matchers: Iterator[Callable[[str], object]] = chain(
        found.user_agent_matchers, found.os_matchers, found.device_matchers
    )
    for matcher in matchers:
        matcher("")
        yield
