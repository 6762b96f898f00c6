"""Who am I, in every dialect: how a bench signs in there, and the request that it then repeats."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.load.generator import TOKEN
from tests.load.served import PASSWORD

ROTATED = r'"refreshToken":"([^"]+)"'


@dataclass(frozen=True)
class Spoken:
    """A dialect's sign-in, where its answer has the credential, how that is held up, and who one is."""

    sign_in: str
    body: Mapping[str, str]
    credential: str  # a regular expression, for head and body of the answer
    held_up: str  # a header, with the credential at {}
    me: str


DIALECTS: Mapping[str, Spoken] = {
    "immich": Spoken(
        "/immich/api/auth/login",
        {"email": "{}", "password": PASSWORD},
        r'"accessToken":"([^"]+)"',
        "Authorization: Bearer {}",
        "/immich/api/users/me",
    ),
    "shoko": Spoken(
        "/shoko/api/auth",
        {"user": "{}", "pass": PASSWORD, "device": "bench"},
        r'"apikey":"([^"]+)"',
        "apikey: {}",
        "/shoko/api/v3/User/Current",
    ),
    "elements": Spoken(
        "/elements/api/2/auth/login",
        {"username": "{}", "password": PASSWORD},
        r"(?i)set-cookie: ([^=;]*session[^=;]*=[^;]+)",
        "Cookie: {}",
        "/elements/api/2/users/me",
    ),
    "portainer": Spoken(
        "/portainer/api/auth",
        {"Username": "{}", "Password": PASSWORD},
        r'"jwt":"([^"]+)"',
        "Authorization: Bearer {}",
        "/portainer/api/users/me",
    ),
    "aivo": Spoken(
        "/aivo/auth/v1/login",
        {"email": "{}", "password": PASSWORD},
        r'"accessToken":"([^"]+)"',
        "Authorization: Bearer {}",
        "/aivo/auth/v1/me",
    ),
}


def message(port: int, method: str, path: str, *headers: str, body: str = "") -> str:
    """A request as an HTTP message. A `TOKEN` in the body counts as long as the tokens that will stand there."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: bench", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


def signed_in(port: int, dialect: str, name: str, found: str = "") -> str:
    """What a new sign-in of a dialect's gives: its credential, or what else is `found` in the answer."""
    spoken = DIALECTS[dialect]
    body = json.dumps({field: value.replace("{}", name) for field, value in spoken.body.items()})
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("POST", spoken.sign_in, body, {"Content-Type": "application/json", "User-Agent": "bench"})
    answer = line.getresponse()
    said = f"{answer.msg}\n{answer.read().decode()}"
    line.close()
    match = re.search(found or spoken.credential, said)
    if match is None:
        raise RuntimeError(f"{dialect} does not let {name} in: {answer.status} {said}")
    return match[1]


def me(port: int, dialect: str, credential: str) -> str:
    """Who am I, as an HTTP message."""
    spoken = DIALECTS[dialect]
    return message(port, "GET", spoken.me, spoken.held_up.format(credential))


def refreshing(port: int, token: str) -> str:
    """A refresh of Aivo's, as an HTTP message for tokens as long as this one."""
    body = json.dumps({"refreshToken": token})
    return message(port, "POST", "/aivo/auth/v1/refresh", body=body).replace(token, TOKEN)
