"""Servers as an operator runs them, each with a stock client that has signed its first administrator up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from urllib.parse import urlsplit

import pytest
from tests.command import serving
from tests.contract.immich.stock.clients import CLIENTS
from tests.contract.immich.stock.households import Household
from tests.stock import driving


def configured(release: str) -> Mapping[str, str]:
    """The environment of a server that speaks a release, at `localhost` alone as at a host name of its own."""
    return {
        "DRAGOMAN_DIALECTS__IMMICH__SPEAKS": release,
        "DRAGOMAN_DIALECTS__IMMICH__HOST": "localhost",
        "DRAGOMAN_SETUP__OPEN": "always",
        # All tests share an address, so that only guesses at one account are slowed down there.
        "DRAGOMAN_THROTTLE__ADDRESS_FREE_ATTEMPTS": "1000000",
    }


@pytest.fixture(scope="session")
def households(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Household]]:
    """A server and a stock client of the same release, by the client; started when first asked for, and kept."""
    with ExitStack() as stack:

        @cache
        def opened(client: str) -> Household:
            release, command = CLIENTS[client]
            folder = tmp_path_factory.mktemp("household")
            process = stack.enter_context(serving(folder, "--port", "0", environ=configured(release)))
            url = f"http://127.0.0.1:{urlsplit(process.root).port}/immich"
            return Household(client, release, url, stack.enter_context(driving(*command(url))))

        yield opened


@pytest.fixture(params=CLIENTS)
def household(request: pytest.FixtureRequest, households: Callable[[str], Household]) -> Household:
    """Each server in turn, with its stock client."""
    return households(request.param)
