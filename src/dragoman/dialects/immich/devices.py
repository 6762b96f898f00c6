"""What an app runs on, as Immich names it: from the User-Agent, and two headers of its own (contract §2.8).

The product asks ua-parser-js; here it is ua-parser (uap-core), whose names are translated. What Immich does
not take for a browser has the kind of its device instead, and scripts, robots and HTTP libraries have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from dragoman.agents import LONGEST, parser
from dragoman.core.sessions import Device

if TYPE_CHECKING:
    from ua_parser.core import Device as Machine

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
# What is called a browser for its platform alone, and apps with it; a browser says its engine, too.
PLATFORMS = frozenset({"Android", "Mobile Safari UI/WKWebView"})
ENGINE = "AppleWebKit/"
SYSTEMS: Mapping[str, str] = {
    "ATV OS X": "iOS",
    "KaiOS": "KAIOS",
    "Mac OS X": "macOS",
    "WatchOS": "watchOS",
    "Web0S": "webOS",
    # Makers, not systems.
    "Panasonic": "",
    "Roku": "",
}
# What kind of device a family is, by what its makers call theirs. The first that is found counts.
KINDS: Mapping[str, re.Pattern[str]] = {
    "wearable": re.compile(r"Watch|\bSM-R\d"),
    "smarttv": re.compile(r"TV|BRAVIA|\bAFT[A-Z]|Roku"),
    "console": re.compile(r"PlayStation|Nintendo"),
    "tablet": re.compile(r"iPad|Tab|Playbook|Nexus (?:7|9|10)\b|Pixel C\b|\bKF[A-Z]{3}|\bSM-[PTX]\d|\bTB-"),
}
# Families that are of no kind, and makers of whom no more is known than that.
KINDLESS = frozenset({"Mac", "iOS-Device", "Quest"})
NOBODY = re.compile(r"Generic|Spider")


def device_of(user_agent: str, headers: Mapping[str, str]) -> Device:
    """The device of a request: browser or kind of device, or else the header `deviceModel`; the same with the OS.

    `headers` are looked up by lower-case names. Yes: the header `deviceType` says the OS.
    """
    agent = user_agent[:LONGEST]
    name, system = seen_in(agent)
    app = APP.search(agent)
    return Device(
        name=name or headers.get("devicemodel", ""),
        os=system or headers.get("devicetype", ""),
        app_version=app[1] if app else None,
    )


@lru_cache(maxsize=1000)
def seen_in(agent: str) -> tuple[str, str]:
    """Browser, or else kind of device, and operating system in a User-Agent; "" for what is not in it."""
    if app := ANDROID_APP.match(agent):
        return "", app[1]
    if "(" not in agent:
        return "", ""  # a platform is named in a comment (RFC 9110 §10.1.5); scripts and libraries have none
    found = parser()
    browser, system = found.parse_user_agent(agent), found.parse_os(agent)
    is_browser = browser and (browser.family not in PLATFORMS or ENGINE in agent)
    name = BROWSERS.get(browser.family) if browser and is_browser else None
    return name or kind_of(found.parse_device(agent)), SYSTEMS.get(
        system.family, system.family
    ) if system else ""


def kind_of(machine: Machine | None) -> str:
    """What a device that is no computer is: "mobile", "tablet", "smarttv", "console", "wearable"; "" if unknown."""
    if machine is None or machine.family in KINDLESS:
        return ""
    kinds = (kind for kind, families in KINDS.items() if families.search(machine.family))
    # A phone is what a maker of phones makes, if it is called nothing else.
    return next(kinds, "" if NOBODY.match(machine.brand or "") else "mobile")
