"""A server of a release, and people who use it by one stock client alone."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import PHRASES, SIGN_UP
from tests.fakes import PASSWORD
from tests.stock import Driver, Refused

# The products' own documents, as facts: of each operation what it answers, of each shape its fields, "r" if required.
DOCUMENTED: Any = json.loads((Path(__file__).parents[1] / "oracles" / "releases.json").read_text("utf-8"))
# The exceptions of the clients that have one for each status; the SDK has one for all.
KINDS = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "NotFoundException",
}
# What is good nowhere, but well-formed: an id, and a licence.
NOBODYS = str(uuid.UUID(int=7, version=4))
LICENCE = {"licenseKey": "IMCL" + "-0000" * 8, "activationKey": "none"}


class Caller:
    """Whoever holds up a credential: the operations are methods, by their names in the product's document."""

    def __init__(self, release: str, driver: Driver, **by: str) -> None:
        self.release, self.by = release, by
        self._driver = driver

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """An operation; what it answers has been held against the release's document."""

        def call(**arguments: Any) -> Any:
            answer = self._driver.call(operation, self.by, arguments)
            holds_what_is_documented(self.release, operation, answer)
            return answer

        return call


def holds_what_is_documented(release: str, operation: str, answer: Any) -> None:
    """An answer has every field that the release's document requires, and none that it does not name."""
    documented = DOCUMENTED["operations"][in_snake_case(operation)]["releases"][release]["response"]
    model = DOCUMENTED["models"][release].get((documented or "").removeprefix("List[").removesuffix("]"))
    if documented is None:
        assert answer is None
    elif model is not None:
        required = {field for field, marks in model.items() if "r" in marks}
        for item in answer if documented.startswith("List[") else [answer]:
            assert required <= item.keys() <= model.keys(), (operation, item)


def in_snake_case(operation: str) -> str:
    """An operation's name as Python's clients have it, and this server."""
    return re.sub("(?=[A-Z])", "_", operation).lower()


@dataclass(frozen=True)
class Person:
    """An ordinary account of the test's own, signed in."""

    id: str
    email: str
    token: str
    me: Caller


class Household:
    """A server that speaks a release, whose first administrator has signed up and in by a stock client."""

    def __init__(self, client: str, release: str, url: str, driver: Driver) -> None:
        self.client, self.release, self.url = client, release, url
        self._driver = driver
        self._names = itertools.count(1)
        self.anyone = self.holding()
        self.signed_up = self.anyone.signUpAdmin(signUpDto=SIGN_UP)
        self.admin = self.holding(token=self.log_in(SIGN_UP["email"])["accessToken"])

    def holding(self, **by: str) -> Caller:
        """Whoever holds up a `token`, a `key`, or both."""
        return Caller(self.release, self._driver, **by)

    def log_in(self, email: str, password: str = PASSWORD) -> Any:
        """The answer to a sign-in."""
        return self.anyone.login(loginCredentialDto={"email": email, "password": password})

    def person(self) -> Person:
        """A new account, made by the administrator, and signed in."""
        email = f"person-{next(self._names)}@example.com"
        new = {"email": email, "name": "Somebody", "password": PASSWORD}
        made = self.admin.createUserAdmin(userAdminCreateDto=new)
        token = self.log_in(email)["accessToken"]
        return Person(made["id"], email, token, self.holding(token=token))

    @cached_property
    def limited(self) -> Caller:
        """Whoever holds up an administrator's key that is good for next to nothing."""
        return self.key_of(self.admin, "activity.read")

    @cached_property
    def somebody(self) -> Caller:
        """An ordinary user, for whatever changes nothing."""
        return self.person().me

    def key_of(self, caller: Caller, *permissions: str) -> Caller:
        """Whoever holds up a new API key of the caller's, with these permissions, or all."""
        asked = {"name": "key", "permissions": permissions or ["all"]}
        return self.holding(key=caller.createApiKey(apiKeyCreateDto=asked)["secret"])

    @property
    def is_typed(self) -> bool:
        """Whether the client looks at what it is given and told; the SDK leaves that to the compiler."""
        return self.client.startswith("immichpy")

    @contextmanager
    def refused(self, status: int, message: str | list[str], **beside: Any) -> Iterator[None]:
        """The client raises its own exception for this status, and that carries the release's error body.

        `beside` is what stands there beside the message, where that is not as usual; None for what does not.
        """
        with pytest.raises(Refused) as raised:
            yield
        refusal = raised.value
        assert (refusal.status, refusal.said["message"]) == (status, message)
        assert refusal.kind == (KINDS[status] if self.is_typed else "HttpError")
        assert refusal.correlation
        usual = {"error": PHRASES[status], "statusCode": status, "correlationId": refusal.correlation}
        # Contract §0.2 and §0.3: since 3.0 the usual is nothing.
        wanted = {"message": message} | ({} if self.release == "3.2" else usual) | beside
        assert refusal.said == {name: value for name, value in wanted.items() if value is not None}
