"""A house that is lived in, so that every page has something to show: for pictures, and to be judged."""

from __future__ import annotations

import uuid
from typing import Any

from tests.browser.conftest import press
from tests.fakes import PASSWORD, do
from tests.links import FOLDER, made
from tests.people import calling, somebody
from tests.running import Running

from dragoman.core import (
    accounts,
    api_keys,
    app_passwords,
    approvals,
    audit,
    elevation,
    factors,
    recovery_codes,
    rollups,
)
from dragoman.core.accounts import Account
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.passkeys import passkeys
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, open_session
from dragoman.core.upstream import linked_identities
from dragoman.core.work import Origin, UnitOfWork

ADA = "ada@example.org"
LONG = "somebody-whose-address-is-as-long-as-people-ever-make-them@a-department.example.org"
SEED = Secret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
DEVICES = (
    ("immich", Device("Pixel 9", "Android"), "203.0.113.24"),
    ("portainer", Device("Firefox", "Linux"), "192.0.2.40"),
    ("shoko", Device("Living room", "Android TV"), "192.0.2.41"),
)
# How often somebody signed in and was refused, hour by hour.
BUSY = ((4, 0), (7, 1), (2, 0), (0, 3), (5, 0), (9, 1), (6, 0), (3, 0))


def inhabit(house: Running) -> Account:
    """Make Ada, who administers, with devices of several products and something of all that an account may have."""
    core, clock = house.core, house.clock
    ada = somebody(core, ADA, display_name="Ada Lovelace", is_admin=True)
    for (signed_in, refused), (dialect, *_) in zip(BUSY, DEVICES * 3, strict=False):
        clock.forward(minutes=50)
        for event in ["signed in"] * signed_in + ["sign-in refused"] * refused:
            do(core, audit.record, event, account=ada.number, origin=_at(dialect, "192.0.2.40"))
    for dialect, device, address in DEVICES:
        clock.forward(minutes=50)
        do(core, open_session, ada.number, device, origin=_at(dialect, address))
    clock.forward(minutes=20)
    somebody(core, LONG, display_name="Somebody with a name as long as people ever make them", password=None)
    charles = somebody(core, "charles@example.org", display_name="Charles Babbage")
    do(core, accounts.disable, charles.number)
    _give(house, ada)
    rollups.roll_up(core, Origin("sweeper"))
    return ada


def _at(dialect: str, address: str) -> Origin:
    return Origin(dialect, address=address, network=address)


def _give(house: Running, ada: Account) -> None:
    """Keys, codes, an app password, a link, a PIN, a passkey, and an identity elsewhere."""
    core, web = house.core, _at("web", "192.0.2.42")
    for dialect, permissions in (("immich", ("asset.read", "album.read")), ("portainer", (api_keys.ALL,))):
        do(core, api_keys.issue, ada.number, dialect, name="Backups", permissions=permissions, origin=web)
    by = calling(core, ada, origin=_at("elements", "192.0.2.42"))
    do(core, factors.enable, ada, SEED, Secret(code(house)), by=by, origin=web)
    do(core, recovery_codes.make, ada.number, by=by, origin=web)
    do(core, app_passwords.make, "immich", "Tablet", by=by, origin=web)
    made(core, by, views=3, password="open sesame", shared=(FOLDER,))
    elevation.set_pin(core, web, by, Secret("271828"))
    do(core, _keep_what_others_know, ada.number)


def _keep_what_others_know(uow: UnitOfWork, number: int) -> None:
    passkey: dict[str, Any] = {"id": uuid.UUID(int=1), "digest": bytes(32), "credential": b"", "uses": 0}
    known = {"name": "Laptop", "is_backed_up": True, "created_at": uow.now, "account_number": number}
    uow.db.execute(passkeys.insert().values(**passkey, **known))
    identity = {"issuer": "https://login.example.com/realms/a", "subject": "8b1c5f", "linked_at": uow.now}
    uow.db.execute(linked_identities.insert().values(**identity, account_number=number))


def knock(house: Running, ada: Account) -> None:
    """Have a sign-in wait for Ada's word."""
    do(house.core, approvals.ask, ada, Device("iPhone", "iOS"), origin=_at("immich", "198.51.100.9"))


def code(house: Running) -> str:
    """What Ada's phone shows now."""
    return code_at(seed_of(SEED), step_at(house.clock.now))


def enter(house: Running, page: Any) -> None:
    """Sign in as Ada at the page that is open."""
    house.clock.forward(seconds=30)
    press(page, "Sign in", name=ADA, password=PASSWORD)
    press(page, "Sign in", code=code(house))
    page.wait_for_url("**/account")
