"""People for the tests: accounts made as the product makes them, the callers they are, what is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Table, select
from tests.fakes import ORIGIN, PASSWORD, do

from dragoman.core import api_keys, sessions, setup, tables
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.master_keys import MasterKeys
from dragoman.core.passwords import Hasher
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.sealing import Sealer, ensure_data_key
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin

ALICE = "alice@example.org"
BOB = "bob@example.org"

Row = dict[str, Any]


def somebody(
    core: Core,
    email: str | None = ALICE,
    *,
    password: str | None = PASSWORD,
    origin: Origin = ORIGIN,
    **facts: Any,
) -> Account:
    """A new account: Alice's with the usual password, unless told otherwise."""
    secret = None if password is None else Secret(password)
    return setup.create_account(core, origin, NewAccount(email=email, **facts), secret)


def presenting(
    core: Core,
    secret: Secret,
    kind: Literal["session", "api_key", "shared_link"] = "session",
    origin: Origin = ORIGIN,
    *,
    visitors: bool = False,
) -> Principal:
    """Who is calling with this secret, found out in a reading unit."""
    with core.begin(origin, writes=False) as uow:
        return identify(uow, Presented(kind, secret), visitors=visitors)


def opened(
    core: Core, account: Account, *, origin: Origin = ORIGIN, **named: Any
) -> tuple[sessions.Session, Secret]:
    """A session of the account, opened without asking for its password."""
    return do(core, sessions.open_session, account.number, Device(), origin=origin, **named)


def calling(core: Core, account: Account, *, origin: Origin = ORIGIN) -> Principal:
    """The account as a caller, by a new session."""
    return presenting(core, opened(core, account, origin=origin)[1], origin=origin)


def calling_by_key(core: Core, account: Account, *permissions: str) -> Principal:
    """The account as a caller, by a new API key with these permissions, or all."""
    permissions = permissions or (api_keys.ALL,)
    _, secret = do(core, api_keys.issue, account.number, "immich", name="key", permissions=permissions)
    return presenting(core, secret, "api_key")


def rows(core: Core, table: Table) -> list[Row]:
    """Everything in a table, in the order of its primary key."""
    with core.database.reading() as db:
        found = db.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row._mapping) for row in found]


def everything(core: Core) -> dict[str, list[Row]]:
    """Every row of every table, by the table's name."""
    assert tables.MODULES
    return {table.name: rows(core, table) for table in tables.metadata.sorted_tables}


def events(core: Core) -> list[str]:
    """What the audit log says happened, by the alphabet: it does not order what happened at one instant."""
    return sorted(row["event"] for row in rows(core, audit_log))


def makers(core: Core) -> dict[int, tuple[int | None, str]]:
    """Who made each account, and what they held up, as the audit log has it."""
    made = (row for row in rows(core, audit_log) if row["event"] == "account added")
    return {row["account_number"]: (row["actor_number"], row["via"].partition(" ")[0]) for row in made}


def sealing(core: Core) -> Core:
    """The same core, able to seal: with a master key, and a data key made."""
    sealer = Sealer(MasterKeys([bytes(range(32))]))
    ensure_data_key(core, ORIGIN, sealer)
    return with_tools(core, sealer=sealer)


def with_tools(core: Core, **tools: Any) -> Core:
    """The same core with other tools: a hasher that does something meanwhile, dice that are rigged."""
    return Core(core.database, replace(core.tools, **tools), core.rules)


class Meddler(Hasher):
    """A hasher that counts what it verifies, and may do something after each, as somebody else would."""

    def __init__(self, meanwhile: Callable[[], object] = bool) -> None:
        super().__init__(memory_kib=16, passes=1, lanes=1)
        self.verified: list[str] = []
        self._meanwhile = meanwhile

    def verify(self, stored: str, password: str) -> bool:
        """As every hasher, and then what there is to do meanwhile."""
        self.verified.append(stored)
        matches = super().verify(stored, password)
        self._meanwhile()
        return matches
