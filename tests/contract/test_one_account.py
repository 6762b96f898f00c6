"""One account behind every dialect: what is done to it in one holds in all, on every node, and at once.

Two servers on one database are two nodes; what is done at one is asked about at the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, cheap_hasher, do
from tests.people import ALICE, somebody
from tests.running import Running, configured, running

from dragoman.client import Person, Refused, SyncClient, Unauthorized
from dragoman.core import accounts, api_keys
from dragoman.core.accounts import Account, Changes
from dragoman.core.work import Origin
from dragoman.dialects import names

DIALECTS = names()
# How each product changes the password of whoever is signed in; Aivo has no call for it.
CHANGES: Mapping[str, Callable[[Any], object]] = {
    "immich": lambda client: client.change_password(password=PASSWORD, new_password=NEW_PASSWORD),
    "portainer": lambda client: client.user_update_password(
        id=client.current_user_inspect().id, password=PASSWORD, new_password=NEW_PASSWORD
    ),
    "elements": lambda client: client.set_my_password(current_password=PASSWORD, password=NEW_PASSWORD),
    "shoko": lambda client: client.api_auth_change_password_post(new_password=NEW_PASSWORD),
}


@dataclass(frozen=True)
class Nodes:
    """Two servers, and an account that is on both."""

    one: Running
    other: Running
    account: Account
    _open: ExitStack

    def client(self, dialect: str, *, at_other: bool = False, **credential: str) -> SyncClient:
        """A dialect's client, of one node or the other."""
        make: Any = import_module(f"dragoman.dialects.{dialect}").Client
        node = self.other if at_other else self.one
        client: SyncClient = self._open.enter_context(make(f"{node.url}/{dialect}", **credential))
        return client

    def holding(self, dialect: str, kind: str, credential: str) -> SyncClient:
        """A dialect's client that was given this for a "token" or an "api_key"."""
        credentials: dict[str, Any] = {kind: credential}
        return self.client(dialect, **credentials)

    def signed_in(self, dialect: str, password: str = PASSWORD, *, at_other: bool = False) -> SyncClient:
        """The account's client, which has just signed in."""
        client = self.client(dialect, at_other=at_other)
        assert client.manners.sign_in
        client.manners.sign_in(client, ALICE, password)
        return client

    def lets_in(self, dialect: str, password: str) -> bool:
        """Whether the other node lets the account in by a password."""
        try:
            self.signed_in(dialect, password, at_other=True)
        except Refused as refused:
            if refused.status not in (401, 422):  # Portainer's word for it
                raise
            return False
        return True

    def answers(self, dialect: str, token: str) -> bool:
        """Whether the other node knows who it is by a token."""
        return is_known(self.client(dialect, at_other=True, token=token))


def whose(client: SyncClient) -> Person:
    """Whom a client speaks for."""
    assert client.manners.whoami
    return client.manners.whoami(client)


def is_known(client: SyncClient) -> bool:
    """Whether the server knows whom a client speaks for."""
    try:
        whose(client)
    except Unauthorized:
        return False
    return True


@pytest.fixture
def nodes(database_url: str) -> Iterator[Nodes]:
    """Two servers on one database, on each engine in turn, with Alice's account."""
    roomy = {"address_free_attempts": 1_000_000}
    settings = configured(database_url, master_key=MASTER_KEY, throttle=roomy)
    with ExitStack() as stack:
        one, other = (stack.enter_context(running(settings, cheap_hasher(), FakeClock())) for _ in range(2))
        account = somebody(one.core, username="alice", display_name="Alice")
        somebody(one.core, "root@example.org", username="root", is_admin=True)
        yield Nodes(one, other, account, stack)


def test_one_account_signs_in_everywhere(nodes: Nodes) -> None:
    """Each dialect says that it is the same one, in its own words."""
    people = {dialect: whose(nodes.signed_in(dialect)) for dialect in DIALECTS}
    assert [dialect for dialect in people if people[dialect].is_admin] == []
    assert {person.id for person in people.values()} <= {str(nodes.account.id), str(nodes.account.number)}
    assert {person.login for person in people.values()} <= {ALICE, "alice"}


@pytest.mark.parametrize("dialect", CHANGES)
def test_a_password_changed_in_one_dialect_is_changed_in_all(nodes: Nodes, dialect: str) -> None:
    """The new one opens every dialect, and the old one none, on the other node, too."""
    assert all(nodes.lets_in(each, PASSWORD) for each in DIALECTS)
    CHANGES[dialect](nodes.signed_in(dialect))
    assert [each for each in DIALECTS if not nodes.lets_in(each, NEW_PASSWORD)] == []
    assert [each for each in DIALECTS if nodes.lets_in(each, PASSWORD)] == []


@pytest.mark.parametrize("dialect", CHANGES)
def test_a_change_that_was_demanded_is_over_where_it_was_made(nodes: Nodes, dialect: str) -> None:
    """Whoever changed the password they had to is asked no more, in Immich alone by its other call (its contract §1.4)."""
    client = nodes.signed_in(dialect)
    do(nodes.one.core, accounts.change, nodes.account.number, Changes(must_change_password=True))
    CHANGES[dialect](client)
    now = do(nodes.one.core, accounts.get, ALICE)
    assert now.must_change_password is (dialect == "immich")


def disable(nodes: Nodes) -> None:
    """By the operator, from the command line."""
    do(nodes.one.core, accounts.disable, nodes.account.number, origin=Origin("cli"))


def delete_at_immich(nodes: Nodes) -> None:
    """By another administrator, in Immich."""
    client: Any = nodes.client("immich")
    client.login(email="root@example.org", password=PASSWORD)
    client.delete_user_admin(id=nodes.account.id)


@pytest.mark.parametrize("gone", [disable, delete_at_immich])
def test_S_08_an_account_that_is_gone_in_one_place_is_gone_in_all(
    nodes: Nodes, gone: Callable[[Nodes], None]
) -> None:
    """From the next request on no token of any dialect answers on the other node, and no password lets anybody in."""
    tokens = {dialect: str(nodes.signed_in(dialect).token) for dialect in DIALECTS}
    assert [each for each in DIALECTS if not nodes.answers(each, tokens[each])] == []
    gone(nodes)
    assert [each for each in DIALECTS if nodes.answers(each, tokens[each])] == []
    assert [each for each in DIALECTS if nodes.lets_in(each, PASSWORD)] == []


def test_a_credential_of_one_dialect_is_refused_by_the_others(nodes: Nodes) -> None:
    """Tokens and API keys are good where they were given, however they are held up elsewhere."""
    held: dict[str, list[str]] = {}
    for dialect in DIALECTS:
        _, key = do(
            nodes.one.core,
            api_keys.issue,
            nodes.account.number,
            dialect,
            name="key",
            permissions=(api_keys.ALL,),
            origin=ORIGIN,
        )
        held[dialect] = [str(nodes.signed_in(dialect).token), key.reveal()]
    wrongly_good = [
        (given, asked, kind)
        for given in DIALECTS
        for asked in DIALECTS
        for kind in ("token", "api_key")
        for credential in held[given]
        if given != asked and is_known(nodes.holding(asked, kind, credential))
    ]
    assert wrongly_good == []
