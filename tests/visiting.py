"""A browser without a browser: follows links and sends forms as one would, and keeps cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape

import httpx2
from tests.fakes import PASSWORD
from tests.people import ALICE

FIELD = re.compile(r"<input\b[^>]*>|<select\b.*?</select>|<textarea\b.*?</textarea>", re.DOTALL)
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)


class Browser:
    """Somebody's browser at a server. What it shows is `page`, the last answer that was no redirect."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client
        self.page: httpx2.Response | None = None

    def go(self, path: str) -> httpx2.Response:
        """Ask for a page, and follow where it leads."""
        self.page = self.client.get(path, follow_redirects=True)
        return self.page

    def send(self, action: str, **typed: str | list[str]) -> httpx2.Response:
        """Send the form of this page that goes to `action`, with this typed in, and follow where it leads."""
        form = {**self.form(action), **typed}
        assert self.page is not None
        here = {"origin": str(self.client.base_url).rstrip("/"), "referer": str(self.page.url)}
        headers = {**here, "sec-fetch-site": "same-origin"}
        self.page = self.client.post(action, data=form, headers=headers, follow_redirects=True)
        return self.page

    def form(self, action: str) -> Mapping[str, str]:
        """The fields of the form on this page that goes to `action`, as they stand there."""
        assert self.page is not None
        for attributes, inside in FORM.findall(self.page.text):
            if attribute(attributes, "action") == action:
                fields = [field for field in FIELD.findall(inside) if field.startswith("<input")]
                named = [(attribute(field, "name"), field) for field in fields]
                return {
                    name: attribute(field, "value")
                    for name, field in named
                    if name and (not re.search('type="(checkbox|radio)"', field) or "checked" in field)
                }
        raise AssertionError(f"no form on {self.page.url} goes to {action}")

    def sign_in(self, name: str = ALICE, password: str = PASSWORD, **typed: str) -> httpx2.Response:
        """Sign in at the sign-in page."""
        self.go("/sign-in")
        return self.send("/sign-in", name=name, password=password, **typed)


def attribute(tag: str, name: str) -> str:
    """The value of a tag's attribute; "" if it has none."""
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


@contextmanager
def browsing(url: str, **headers: str) -> Iterator[Browser]:
    """A browser of its own at a server."""
    with httpx2.Client(base_url=url, timeout=30, trust_env=False, headers=headers) as client:
        yield Browser(client)
