"""What is believed of a request's origin (docs/architecture.md, Trust)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.network import (
    UNKNOWN,
    Network,
    address_bucket,
    client_address,
    host_name,
    is_loopback_host,
    is_secure,
    is_trusted,
    parse_address,
)

OURS: Sequence[Network] = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


def _is_ours(text: str) -> bool:
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped is not None or any(address in network for network in OURS)


proxies = st.one_of(
    st.integers(0, 2**24 - 1).map(lambda n: str(IPv4Address((10 << 24) + n))),
    st.integers(0, 2**120 - 1).map(lambda n: str(IPv6Address((0xFD << 120) + n))),
)
strangers = st.ip_addresses().map(str).filter(lambda text: not _is_ours(text))
header_text = st.text(st.characters(max_codepoint=255), max_size=60)


@given(stranger=strangers, headers=st.lists(header_text, max_size=4))
def test_a_stranger_is_never_believed(stranger: str, headers: list[str]) -> None:
    """Whoever connects from outside the trusted networks is the client, whatever its headers claim."""
    assert client_address(stranger, headers, OURS) == stranger


@given(claims=header_text, client=strangers, chain=st.lists(proxies, min_size=1, max_size=6))
def test_what_the_client_wrote_itself_does_not_count(claims: str, client: str, chain: list[str]) -> None:
    """Left of the first untrusted hop stands only what that stranger wrote, so it never moves the answer."""
    *middle, peer = chain
    assert client_address(peer, [", ".join([claims, client, *middle])], OURS) == client


@given(chain=st.lists(proxies, min_size=1, max_size=6))
def test_a_chain_of_our_own_ends_at_its_far_end(chain: list[str]) -> None:
    """If every hop is one of ours, the request came from the one furthest away."""
    *middle, peer = chain
    assert client_address(peer, [",".join(middle)] if middle else [], OURS) == chain[0]


@given(hops=st.lists(st.one_of(proxies, strangers, header_text), min_size=1, max_size=6), data=st.data())
def test_header_lines_are_one_list(hops: list[str], data: st.DataObject) -> None:
    """Several X-Forwarded-For lines say the same as one line that joins them (RFC 9110 §5.3)."""
    cut = data.draw(st.integers(1, len(hops)))
    lines = [", ".join(part) for part in (hops[:cut], hops[cut:]) if part]
    assert client_address(PROXY, lines, OURS) == client_address(PROXY, [", ".join(hops)], OURS)


@given(
    peer=st.one_of(st.none(), proxies, strangers, header_text),
    headers=st.lists(
        st.one_of(header_text, st.lists(st.one_of(proxies, strangers, header_text)).map(",".join))
    ),
)
def test_the_answer_is_an_address_or_unknown(peer: str | None, headers: list[str]) -> None:
    """Whatever arrives, the answer is one canonical address, or UNKNOWN exactly if the peer has none."""
    answer = client_address(peer, headers, OURS)
    if parse_address(peer) is None:
        assert answer == UNKNOWN
    else:
        assert str(ip_address(answer)) == answer


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9", CLIENT),
        ("203.0.113.9:567", CLIENT),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("2001:0DB8::0001", "2001:db8::1"),
        ("::ffff:203.0.113.9", CLIENT),
        ("[::ffff:203.0.113.9]:80", CLIENT),
        ("\t203.0.113.9 ", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_hop_is_read_however_a_proxy_writes_it(hop: str, address: str) -> None:
    """Ports, brackets, spaces, zones and mapped addresses are all ways to write one address."""
    assert client_address(PROXY, [hop], OURS) == address


@pytest.mark.parametrize(
    "hop",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113.9:65536",
        "203.0.113.9:",
        "[203.0.113.9]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]:99999",
        '"[2001:db8::1]"',
        "203.0.113.9/32",
        "\uff12\uff10\uff13.0.113.9",  # digits, but not ASCII
    ],
)
def test_a_malformed_hop_ends_the_walk(hop: str) -> None:
    """A hop that is no address stops the walk at the last good one, not at whatever stands left of it."""
    assert client_address(PROXY, [f"198.51.100.7, {hop}, 10.0.0.2"], OURS) == "10.0.0.2"


def test_without_trusted_networks_no_header_counts() -> None:
    """Where settings name no proxy, a peer on the private network is believed no more than others."""
    assert client_address(PROXY, [CLIENT], []) == PROXY


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/dragoman.sock"])
def test_a_peer_without_an_address_is_unknown_and_not_trusted(peer: str | None) -> None:
    """A Unix socket has no address to check, so it is unknown and its headers are not read."""
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert client_address(peer, [CLIENT], everything) == UNKNOWN
    assert not is_trusted(peer, everything)
    assert not is_secure("http", peer, ["https"], everything)


def test_a_mapped_peer_is_the_ipv4_address_it_maps() -> None:
    """On a dual-stack socket an IPv4 proxy appears as ::ffff:10.0.0.1 and is still trusted."""
    assert client_address("::ffff:10.0.0.1", [CLIENT], OURS) == CLIENT
    assert client_address("::ffff:203.0.113.9", [], OURS) == CLIENT


@pytest.mark.parametrize(
    ("scheme", "peer", "proto", "secure"),
    [
        ("https", CLIENT, [], True),
        ("http", CLIENT, [], False),
        ("http", CLIENT, ["https"], False),
        ("http", PROXY, ["https"], True),
        ("http", PROXY, ["HTTPS "], True),
        ("http", PROXY, [], False),
        ("http", PROXY, ["https, http"], False),
        ("http", PROXY, ["http", "https"], True),
        ("https", PROXY, ["http"], False),
        ("http", PROXY, [""], False),
    ],
)
def test_only_a_trusted_peer_says_that_the_client_uses_tls(
    scheme: str, peer: str, proto: list[str], secure: bool
) -> None:
    """X-Forwarded-Proto counts from a trusted peer alone, and of several values its own, the last."""
    assert is_secure(scheme, peer, proto, OURS) is secure


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"example.org", "example.org"),
        ("Example.ORG:8080", "example.org"),
        ("example.org.", "example.org"),
        ("example.org.:443", "example.org"),
        ("example.org:", "example.org"),
        ("localhost", "localhost"),
        ("my_nas", "my_nas"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[2001:0DB8:0::1]:8080", "[2001:db8::1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        (".".join(["a" * 49] * 5), ".".join(["a" * 49] * 5)),
    ],
)
def test_a_host_is_told_by_its_name_alone(value: bytes | str, name: str) -> None:
    """Case, port and final dot do not make another host; an IPv6 literal keeps its brackets."""
    assert host_name([value]) == name


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b"example.org", b"example.org"],
        [b""],
        [b"."],
        [b"example.org.."],
        [b"a..b"],
        [b".example.org"],
        [b"-a.example"],
        [b"user@example.org"],
        [b"example.org/path"],
        [b"example.org, evil.example"],
        [b" example.org"],
        [b"example.org\n"],
        [b"example.org:80:80"],
        [b"example.org:70000"],
        [b"example.org:8o"],
        [b"%6cocalhost"],
        [b"b\xfccher.example"],
        ["\u212a.example"],  # the Kelvin sign, which lower() would turn into the letter k
        [b"[::1"],
        [b"[::1%eth0]"],
        [b"[127.0.0.1]"],
        [b"::1"],
        [b"a" * 64 + b".example"],
        [".".join(["a" * 50] * 5)],
    ],
)
def test_an_absent_repeated_or_malformed_host_is_none(values: list[bytes | str]) -> None:
    """There must be exactly one well-formed Host header; anything else is answered 400 by the caller."""
    assert host_name(values) is None


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        (CLIENT, CLIENT),
        ("::ffff:203.0.113.9", CLIENT),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_throttling_counts_an_ipv6_line_not_its_addresses(address: str, bucket: str) -> None:
    """One IPv6 line owns 2**64 addresses, so they share a bucket; an IPv4 address is its own."""
    assert address_bucket(address) == bucket


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_a_loopback_host_is_literal(host: str) -> None:
    """These names can only mean the machine itself."""
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.example", "127.0.0.1.example", "127.1", "128.0.0.1", "::1", "[::]", "[::ffff:7f00:1]"],
)
def test_a_name_that_may_mean_another_machine_is_not_loopback(host: str) -> None:
    """What DNS or a resolver's habits could point elsewhere does not count as this machine."""
    assert not is_loopback_host(host)
