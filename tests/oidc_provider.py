"""A real OpenID provider, not written here (`oidc-provider` on Node.js), and somebody who signs in at it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2
from tests.command import variables
from tests.stock import NODE, PACKAGES, installed

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
REDIRECT_URI = "https://portainer.example.org/"
MOST_STEPS = 12


@dataclass(frozen=True)
class OidcProvider:
    """A provider at `issuer`, which sends people back to `REDIRECT_URI`."""

    issuer: str

    @staticmethod
    def secret_of(client_id: str) -> str:
        """What a client proves that it is itself with."""
        return f"secret of {client_id}, with a colon: and a plus+"

    def sign_in(self, name: str, client_id: str) -> str:
        """The code of somebody who signs in for a client."""
        asked = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile email",
        }
        return self.sent_back(name, f"{self.issuer}/auth?{urlencode(asked)}")["code"]

    def sent_back(self, name: str, login_uri: str) -> dict[str, str]:
        """What somebody's browser is sent back with, once they have signed in and agreed."""
        with httpx2.Client(timeout=10, trust_env=False) as browser:
            answer = browser.get(login_uri)
            for _ in range(MOST_STEPS):
                if answer.is_redirect:
                    to = urljoin(str(answer.url), answer.headers["location"])
                    if to.startswith(REDIRECT_URI):
                        return dict(parse_qsl(urlsplit(to).query))
                    answer = browser.get(to)
                else:
                    prompt = "login" if 'value="login"' in answer.text else "consent"
                    form = {"prompt": prompt, "login": name, "password": "any"}
                    answer = browser.post(str(answer.url), data=form)
        raise RuntimeError(f"{name} was not sent back: {answer.status_code} {answer.text[:500]}")


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A provider in a process of its own, until the body is done."""
    installed("npm")
    with subprocess.Popen(
        [str(NODE), str(SCRIPT), str(PACKAGES), REDIRECT_URI],
        env=variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        yield OidcProvider(process.stdout.readline().strip())
