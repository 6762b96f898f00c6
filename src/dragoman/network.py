"""What we believe of where a request came from: the client's address, its scheme, the host it asked for.

And of where one may go: which addresses are public.

Everything here is a pure function of what the connection and its headers say, and of the networks that
settings name as trusted. uvicorn runs with `proxy_headers=False`, so this is the only place that reads
X-Forwarded-For and X-Forwarded-Proto.

Addresses go in and come out as text; the canonical form is Python's own, with an IPv4 address mapped into
IPv6 written as IPv4 and a zone (`%eth0`) left off. `UNKNOWN` stands for a peer without an address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
# Headers by which a proxy says that it is one.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
LONGEST_NAME = 253  # RFC 1035 §2.3.4, without the final dot
LONGEST_HOST = LONGEST_NAME + len(".:65535")

_HOP = re.compile(r"(?P<bare>[^\[\]]+)|\[(?P<bracketed>[^\[\]]+)\](?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_IPV4_AND_PORT = re.compile(r"(?P<address>[0-9.]+):(?P<port>[0-9]{1,5})", re.ASCII)
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{0,5}))?", re.ASCII)
_GLOBAL_UNICAST, _SIX_TO_FOUR = IPv6Network("2000::/3"), IPv6Network("2002::/16")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)


@lru_cache(maxsize=1024)
def parse_address(text: str | None) -> Address | None:
    """An IPv4 or IPv6 address in its canonical form, or None for anything else (a socket's path, a name)."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # Through int, because a zone makes two spellings of one address unequal.
    return address.ipv4_mapped or IPv6Address(int(address))


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether the peer is one of our own proxies. One without an address (a Unix socket) never is."""
    address = parse_address(peer)
    return address is not None and _within(address, trusted)


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address a request came from, as far as our own proxies vouch for it.

    `peer` is the other end of the connection, `forwarded_for` every X-Forwarded-For header in the order
    received. Each proxy appends the address that spoke to it, so the walk starts at the right and goes on
    while the last address is one of ours; whatever stands further left was written by a stranger. A hop
    that is no address ends the walk: the last good one is the answer. `UNKNOWN` if the peer has none.
    """
    last = parse_address(peer)
    if last is None:
        return UNKNOWN
    hops = ",".join(forwarded_for).split(",") if forwarded_for else ()
    for hop in reversed(hops):
        if not _within(last, trusted):
            break
        nearer_the_client = _hop(hop.strip(" \t"))
        if nearer_the_client is None:
            break
        last = nearer_the_client
    return str(last)


def is_secure(
    scheme: str, peer: str | None, forwarded_proto: Sequence[str], trusted: Sequence[Network]
) -> bool:
    """Whether the client speaks TLS: to our nearest proxy if one says so, else to us.

    Of several X-Forwarded-Proto values only the last counts, the one that the trusted peer wrote itself.
    """
    if forwarded_proto and is_trusted(peer, trusted):
        scheme = forwarded_proto[-1].rpartition(",")[2].strip(" \t")
    return scheme.lower() in ("https", "wss")


def host_name(values: Sequence[bytes | str]) -> str | None:
    """The host that a request asks for, from all its Host headers (RFC 9110 §7.2, RFC 3986 §3.2.2).

    Lower-cased, without port and final dot; an IPv6 literal keeps its brackets and is written in canonical
    form. None if the header is absent, repeated or malformed, all of which the caller answers with 400.
    """
    if len(values) != 1 or len(values[0]) > LONGEST_HOST:
        return None
    return _named(values[0] if isinstance(values[0], str) else values[0].decode("latin-1"))


@lru_cache(maxsize=1024)
def _named(text: str) -> str | None:
    match = _HOST.fullmatch(text.lower()) if text.isascii() else None
    if match is None or int(match["port"] or 0) > 65535:
        return None
    name = match["name"]
    if name.startswith("["):
        return _ipv6_literal(name)
    name = name.removesuffix(".")
    if len(name) > LONGEST_NAME or not all(map(_LABEL.fullmatch, name.split("."))):
        return None
    return name


@lru_cache(maxsize=1024)
def is_loopback_host(host: str) -> bool:
    """Whether a `host_name` can only mean this machine: localhost, 127.0.0.0/8 or [::1], as such."""
    if host == "localhost":
        return True
    try:
        return IPv4Address(host).is_loopback
    except ValueError:
        return host == "[::1]"


def is_public(address: Address) -> bool:
    """Whether an address is a host of the public internet: global unicast (IANA's special-purpose registries).

    Of IPv6 only what is really that, and not IPv4 in disguise (6to4), which leads anywhere.
    """
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


@lru_cache(maxsize=1024)
def address_bucket(address: str) -> str:
    """Who shares a throttle: an IPv4 address alone, an IPv6 address with its /64 (what one line is given).

    Anything that is no address is its own bucket.
    """
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, 64), strict=False) if isinstance(parsed, IPv6Address) else parsed)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _hop(text: str) -> Address | None:
    """One entry of X-Forwarded-For; some proxies add a port, and brackets around IPv6."""
    match = _HOP.fullmatch(text)
    if match is None or int(match["port"] or 0) > 65535:
        return None
    if match["bracketed"] is not None:
        address = parse_address(match["bracketed"])
        return address if ":" in match["bracketed"] else None
    with_port = _IPV4_AND_PORT.fullmatch(text)
    if with_port is None:
        return parse_address(text)
    return parse_address(with_port["address"]) if int(with_port["port"]) <= 65535 else None


def _ipv6_literal(bracketed: str) -> str | None:
    try:
        return f"[{IPv6Address(bracketed[1:-1])}]"
    except ValueError:
        return None
