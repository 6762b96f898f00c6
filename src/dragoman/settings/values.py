"""The forms that settings' values take: addresses, networks, URLs, keys.

Each is an annotated type for a model of `sections.py`. It brings a value into its one normal form or raises
ValueError, whose text says what is allowed and never quotes a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from dragoman.core.master_keys import SIZE, MasterKeyWrong, parse
from dragoman.network import Network, host_name, parse_address

_SEGMENT = r"[A-Za-z0-9._~-]+"
_MOUNT_PATH = re.compile(rf"(/(?!\.{{1,2}}(/|$)){_SEGMENT})+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_BIND_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_STANDARD_PORTS = {"http": 80, "https": 443}
_POSTGRESQL = ("postgresql", "postgresql+psycopg")


def split_database_url(url: str) -> tuple[str, str, str]:
    """A database URL as what stands before its password, the password as written, and the rest."""
    scheme, separator, rest = url.partition("://")
    credentials, at, server = rest.rpartition("@")
    user, _, password = credentials.partition(":")
    return f"{scheme}{separator}{user}", password, f"{at}{server}"


def join_database_url(url: str, password: str) -> str:
    """The URL of a PostgreSQL database without a password, with this one."""
    start, _, rest = split_database_url(url)
    scheme, separator, user = start.partition("://")
    return (
        f"{scheme}{separator}{user}:{quote(password, safe='')}{rest if rest.startswith('@') else '@' + rest}"
    )


def _bind_host(host: str) -> str:
    if not _BIND_HOST.fullmatch(host) or (":" in host and parse_address(host) is None):
        raise ValueError("must be an address or host name without port or brackets, such as 0.0.0.0 or ::1")
    return host.lower()


def _base_url(url: str) -> str:
    wanted = "must be an absolute http or https URL of a host alone, such as https://id.example.org"
    # urlsplit drops control characters silently and cannot tell an empty query from none.
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in " ?#@\\"):
        raise ValueError(wanted)
    parts = urlsplit(url)
    scheme, host = parts.scheme, host_name([parts.netloc])
    if scheme not in _STANDARD_PORTS or host is None or parts.path.rstrip("/"):
        raise ValueError(wanted)
    port = "" if parts.port in (None, _STANDARD_PORTS[scheme]) else f":{parts.port}"
    return f"{scheme}://{host}{port}"


def _host_name(host: str) -> str:
    name = host_name([host])
    if name is None or name != host.lower().removesuffix("."):
        raise ValueError("must be a host name without scheme, port or path, such as photos.example.org")
    return name


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("must be the name of a header, such as X-Forwarded-Uri")
    return name.lower()


def _mount_path(path: str) -> str:
    if not _MOUNT_PATH.fullmatch(path):
        raise ValueError("must start with /, not end with one, and be made of letters, digits and . _ ~ -")
    return path


def _authorities(path: str) -> str:
    """The path of a file of certificates."""
    import ssl  # noqa: PLC0415 - only for who has such a file

    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise ValueError("must be the path of a file of certificates in PEM form") from None
    return path


def _networks(given: Any) -> tuple[Network, ...]:
    """A list of networks, or a text with commas or white space between them."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    if isinstance(given, Iterable):
        return tuple(_network(each) for each in given)
    raise ValueError("must be a list of networks, such as 10.0.0.0/8 or fd00::/8")


def _network(given: Any) -> Network:
    try:
        network = ip_network(given if isinstance(given, str) else str(given), strict=True)
    except ValueError as error:
        raise ValueError(f"must be networks, such as 10.0.0.0/8 or fd00::/8: {error}") from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError(f"must be networks; write {network} as the IPv4 network it stands for")
    return network


def _database_url(given: SecretStr) -> SecretStr:
    url = given.get_secret_value()
    scheme, _, rest = url.partition("://")
    if not url.isprintable() or " " in url:
        raise ValueError("must not contain spaces or control characters")
    if scheme == "sqlite":
        if not rest.startswith("/") or len(rest) < 2 or "?" in rest or rest == "/:memory:":
            raise ValueError(
                "must name a file: sqlite:///data/dragoman.db, or sqlite:////var/… for a full path"
            )
        return given
    if scheme not in _POSTGRESQL or "://" not in url:
        raise ValueError("must be sqlite:///PATH or postgresql://USER@HOST/NAME")
    credentials, at, _ = rest.rpartition("@")
    if "#" in rest or (at and re.search(r"[/?@]", credentials)):
        raise ValueError("must have / ? # and @ percent-encoded in its user and password")
    if any("password" in key.lower() for key, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)):
        raise ValueError("must not have a password in its query; use database.password")
    return SecretStr(f"postgresql+psycopg://{rest}")


def _master_key(given: SecretStr) -> SecretStr:
    try:
        parse(given.get_secret_value(), source="")
    except MasterKeyWrong:
        raise ValueError(
            f"must be one or several keys of {SIZE} bytes in base64, separated by commas or spaces; "
            f"`openssl rand -base64 {SIZE}` makes one"
        ) from None
    return given


def _filled(given: SecretStr) -> SecretStr:
    if not given.get_secret_value():
        raise ValueError("must not be empty")
    return given


def _printable(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > 254:
        raise ValueError("must be 1 to 254 characters, none of them a control character")
    return name


def _mailbox(given: str) -> str:
    from email.utils import formataddr, parseaddr  # noqa: PLC0415 - 4 ms of a start, for whoever sends mail

    name, address = parseaddr(_printable(given))
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or not address.isascii() or re.search(r"\s", address):
        raise ValueError("must be an e-mail address, or a name and one: Accounts <accounts@example.org>")
    return formataddr((name, address))


def _endpoint(url: str) -> str:
    """Where traces are sent to, by packages that not everybody has."""
    parts = urlsplit(url)
    if (
        not url.isascii()
        or not url.isprintable()
        or parts.scheme not in _STANDARD_PORTS
        or not parts.hostname
    ):
        raise ValueError("must be an http or https URL, such as http://127.0.0.1:4318/v1/traces")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise ValueError("needs the packages of dragoman[otel]: pip install 'dragoman[otel]'")
    return url


def _origins(given: Any) -> tuple[str, ...]:
    """A list of origins, or a text with commas or white space between them."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    if isinstance(given, Iterable):
        return tuple(_base_url(str(each)) for each in given)
    raise ValueError("must be a list of origins, such as https://id.example.org")


BindHost = Annotated[str, AfterValidator(_bind_host)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
HostName = Annotated[str, AfterValidator(_host_name)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
MountPath = Annotated[str, AfterValidator(_mount_path)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_origins)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
MasterKey = Annotated[SecretStr, AfterValidator(_master_key)]
FilledSecret = Annotated[SecretStr, AfterValidator(_filled)]
Authorities = Annotated[str, AfterValidator(_authorities)]
Printable = Annotated[str, AfterValidator(_printable)]
