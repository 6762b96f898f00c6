"""What an app runs on, as Immich names it: from the User-Agent, and two headers of its own (contract §2.8).

The product asks ua-parser-js; here it is ua-parser (uap-core), whose names are translated. What Immich does
not take for a browser (scripts, robots, HTTP libraries) has none here either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from dragoman.core.sessions import Device

if TYPE_CHECKING:
    from ua_parser import BasicResolver, Parser

LONGEST = 512  # characters looked at: what a look costs grows with them, to 0.1 s at the longest header
APP = re.compile(r"immich[-_](?:android|ios|unknown)[/_]([0-9][\w.+-]*)", re.IGNORECASE)
# The apps' own: no comment with a platform, so only the name says it, and it is told as it is spelt.
ANDROID_APP = re.compile(r"(?:Immich_(?=Android_)|immich-(?=android/))(android)", re.IGNORECASE)

BROWSERS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "Chrome",
            "Chromium",
            "Edge",
            "Epiphany",
            "Firefox",
            "IE",
            "Mobile Safari",
            "Opera",
            "Safari",
            "Samsung Internet",
            "Vivaldi",
        )
    },
    "Chrome Mobile": "Mobile Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chrome Mobile iOS": "Mobile Chrome",
    "Edge Mobile": "Edge",
    "Amazon Silk": "Silk",
    "Android": "Android Browser",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Electron": "Chrome",
    "Firefox Mobile": "Mobile Firefox",
    "Firefox iOS": "Mobile Firefox",
    "HeadlessChrome": "Chrome Headless",
    "Mobile Safari UI/WKWebView": "WebKit",
    "Opera Mobile": "Opera",
    "UC Browser": "UCBrowser",
    "Yandex Browser": "Yandex",
}
SYSTEMS: Mapping[str, str] = {"Mac OS X": "macOS", "Web0S": "webOS"}


def device_of(user_agent: str, headers: Mapping[str, str]) -> Device:
    """The device of a request: the browser's name, or else the header `deviceModel`; the same with the OS.

    `headers` are looked up by lower-case names. Yes: the header `deviceType` says the OS.
    """
    agent = user_agent[:LONGEST]
    browser, system = seen_in(agent)
    app = APP.search(agent)
    return Device(
        name=browser or headers.get("devicemodel", ""),
        os=system or headers.get("devicetype", ""),
        app_version=app[1] if app else None,
    )


@lru_cache(maxsize=1000)
def seen_in(agent: str) -> tuple[str, str]:
    """Browser and operating system in a User-Agent, "" for what is not in it."""
    if app := ANDROID_APP.match(agent):
        return "", app[1]
    if "(" not in agent:
        return "", ""  # a platform is named in a comment (RFC 9110 §10.1.5); scripts and libraries have none
    found = parser()
    browser, system = found.parse_user_agent(agent), found.parse_os(agent)
    name = BROWSERS.get(browser.family, "") if browser else ""
    return name, SYSTEMS.get(system.family, system.family) if system else ""


@cache
def parser() -> Parser:
    """The parser, made when it is first needed. It compiles its 600 patterns as it comes by them."""
    from ua_parser import Parser  # noqa: PLC0415

    return Parser(resolver())


@cache
def resolver() -> BasicResolver:
    from ua_parser import BasicResolver, load_lazy_builtins  # noqa: PLC0415

    browsers, systems, _ = load_lazy_builtins()
    return BasicResolver((browsers, systems, []))


def warm_up() -> Iterator[None]:
    """Make the parser ready, pattern by pattern: else the first browser waits for a tenth of a second."""
    found = resolver()
    # To be asked makes each compile its pattern.
    for browser in found.user_agent_matchers:
        browser("")
        yield
    for system in found.os_matchers:
        system("")
        yield
