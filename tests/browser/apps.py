"""The other side of what people do on the pages: apps of every product that sign in, and ask who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tests.contract.immich.stock.clients import sdk as immich_sdk
from tests.fakes import PASSWORD
from tests.running import Running
from tests.stock import Driver, Refused, driving, in_python

from dragoman import client
from dragoman.dialects import names

# 401, or Portainer's word for it.
NOES = (401, 422)


@dataclass
class App:
    """An app of somebody's: how it signs in, and how it asks who it is, by the token that it was given."""

    enter: Callable[[str, str], str]
    ask: Callable[[str], object]
    token: str = field(default="", repr=False)

    def lets_in(self, name: str, password: str = PASSWORD) -> bool:
        """Sign in, and keep the token. Whether it did."""
        try:
            self.token = self.enter(name, password)
        except (client.Refused, Refused) as refused:
            if refused.status not in NOES:
                raise
            return False
        return True

    def is_known(self) -> bool:
        """Whether the server knows who holds the token."""
        try:
            self.ask(self.token)
        except (client.Refused, Refused) as refused:
            if refused.status != 401:
                raise
            return False
        return True


def spoken(house: Running, dialect: str) -> App:
    """An app that speaks a dialect as our own client does: two products have nobody who publishes one."""
    make: Any = import_module(f"dragoman.dialects.{dialect}").Client

    def enter(name: str, password: str) -> str:
        with make(f"{house.url}/{dialect}") as line:
            line.manners.sign_in(line, name, password)
            return str(line.token)

    def ask(token: str) -> object:
        with make(f"{house.url}/{dialect}", token=token) as line:
            return line.manners.whoami(line)

    return App(enter, ask)


def immich(driver: Driver) -> App:
    """A program around @immich/sdk, as its makers publish it."""

    def enter(name: str, password: str) -> str:
        given = {"loginCredentialDto": {"email": name, "password": password}}
        return str(driver.call("login", {}, given)["accessToken"])

    return App(enter, lambda token: driver.call("getMyUser", {"token": token}, {}))


def portainer(driver: Driver) -> App:
    """A program around Portainer's generated client, as ptctools carries it."""

    def enter(name: str, password: str) -> str:
        body = {"username": name, "password": password}
        return str(driver.call("AuthApi.authenticate_user", {}, {"body": body})["jwt"])

    return App(enter, lambda token: driver.call("UsersApi.current_user_inspect", {"jwt": token}, {}))


def elements(driver: Driver) -> App:
    """A program around the vendor's elements-sdk."""
    how = {"settings": "readme"}

    def enter(name: str, password: str) -> str:
        body = {"username": name, "password": password}
        return str(driver.call("login", how, {"body": body})["session_key"])

    return App(enter, lambda token: driver.call("generate_password", {**how, "token": token}, {}))


@contextmanager
def apps_of(house: Running) -> Iterator[Mapping[str, App]]:
    """An app of every dialect, and the stock clients of three, each in a process of its own."""
    drivers = "tests.contract.{}.stock.drive"
    commands = {
        "@immich/sdk": (immich, immich_sdk("@immich/sdk-1.135", f"{house.url}/immich")),
        "portainer_client": (
            portainer,
            in_python("portainer", drivers.format("portainer"), "sdk", f"{house.url}/portainer/api"),
        ),
        "elements-sdk": (
            elements,
            in_python("elements-3.6.1", drivers.format("elements"), f"{house.url}/elements"),
        ),
    }
    with ExitStack() as stack:
        stock = {
            name: make(stack.enter_context(driving(*command))) for name, (make, command) in commands.items()
        }
        yield {**{dialect: spoken(house, dialect) for dialect in names()}, **stock}
