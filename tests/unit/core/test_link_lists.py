"""Lists of links: whose, which, in what order, and how many at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.fakes import ORIGIN, START, FakeClock, do
from tests.links import BUNDLE, FOLDER, made
from tests.people import sealing, somebody

from dragoman.core import access_tokens, link_lists
from dragoman.core.access_tokens import OneTimeAccessToken
from dragoman.core.errors import NotFound
from dragoman.core.link_lists import Filters
from dragoman.core.lists import Order
from dragoman.core.principals import Principal
from dragoman.core.work import Core

MANY = 100_000
TIMES = 20
FILL = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
        INSERT INTO access_tokens (dialect, digest, sealed, account_number, creator_number, url, permissions,
            is_limited, views_left, requires_sign_in, created_at)
        SELECT 'immich', randomblob(32), randomblob(77), :first + i % :people, :first + i % :people,
            '/media/shared/' || hex(randomblob(20)), '{"show_tags": true}', 1, 3, 0, :now FROM n
        """,
    "postgresql": """
        INSERT INTO access_tokens (dialect, digest, sealed, account_number, creator_number, url, permissions,
            is_limited, views_left, requires_sign_in, created_at)
        SELECT 'immich', sha256(i::text::bytea), sha256(i::text::bytea), :first + i % :people,
            :first + i % :people, '/media/shared/' || md5(i::text) || i, '{"show_tags": true}', true, 3, false,
            :now FROM generate_series(1, :rows) AS i
        """,
}


@pytest.fixture(name="core")
def sealing_core(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


def listed(core: Core, visible_to: int | None = None, **asked: Any) -> list[int]:
    """The ids of a list, in its order."""
    return [link.id for link in page(core, visible_to, **asked)]


def page(core: Core, visible_to: int | None = None, **asked: Any) -> Sequence[OneTimeAccessToken]:
    """A list, read in a reading unit."""
    with core.begin(ORIGIN, writes=False) as uow:
        return link_lists.page(uow, visible_to=visible_to, **asked)


def test_everybody_has_a_list_of_their_own(core: Core, alice: Principal, bob: Principal) -> None:
    """A list has the links that somebody made or is shown as, once each, or all, the newest first."""
    mine, _ = made(core, alice)
    both, _ = made(core, alice, account_number=bob.account.number)
    theirs, _ = made(core, bob)
    assert listed(core, alice.account.number) == [both.id, mine.id]
    assert listed(core, bob.account.number) == [theirs.id, both.id]
    assert listed(core) == [theirs.id, both.id, mine.id]
    assert page(core, alice.account.number) == [both, mine]
    with core.begin(replace(ORIGIN, dialect="strict"), writes=False) as uow:
        assert link_lists.page(uow, visible_to=None) == []


def test_the_links_of_all_dialects_are_listed_and_revoked_by_their_people(
    core: Core, alice: Principal, bob: Principal
) -> None:
    """On the pages one sees what one made and what is opened as oneself, whatever the product, and ends it."""
    elsewhere = replace(ORIGIN, dialect="elements")
    mine, _ = made(core, alice)
    with core.begin(elsewhere, writes=True) as uow:
        new = access_tokens.NewAccessToken(alice.account.number, "/media/shared")
        as_me = access_tokens.issue(uow, new, by=bob)
    theirs, _ = made(core, bob)
    number = alice.account.number
    assert [link.id for link in do(core, link_lists.newest, number, limit=9)] == [as_me.id, mine.id]
    assert [link.id for link in do(core, link_lists.newest, number, limit=1)] == [as_me.id]
    assert [link.id for link in do(core, link_lists.newest, number, limit=9, after=as_me.id)] == [mine.id]
    do(core, access_tokens.revoke_own, as_me.id, by=alice)
    with pytest.raises(NotFound):
        do(core, access_tokens.revoke_own, theirs.id, by=alice)
    assert listed(core) == [theirs.id, mine.id]


def test_filters_hold_together(core: Core, alice: Principal, bob: Principal) -> None:
    """Each filter leaves out what it does not match, and all of them must match; of several objects any does."""
    seventh = replace(BUNDLE, id=7)
    a = made(core, alice, shared=(BUNDLE,))[0].id
    b = made(core, alice, shared=(seventh, FOLDER), account_number=bob.account.number)[0].id
    c = made(core, bob, shared=(FOLDER,))[0].id
    one, two = alice.account.number, bob.account.number
    for filters, expected in (
        (Filters(), [c, b, a]),
        (Filters(bundles=[5]), [a]),
        (Filters(bundles=[5, 7]), [b, a]),
        (Filters(bundles=[]), []),
        (Filters(bundles=[10**30]), []),
        (Filters(directories=[5]), [c, b]),
        (Filters(directories=[7]), []),
        (Filters(bundles=[7], directories=[5]), [b]),
        (Filters(account_number=two), [c, b]),
        (Filters(account_number=10**30), []),
        (Filters(creator_number=one), [b, a]),
        (Filters(creator_number=one, account_number=two), [b]),
    ):
        assert listed(core, filters=filters) == expected, filters
    assert listed(core, two, filters=Filters(creator_number=one)) == [b]


def test_orders_are_one_after_the_other(core: Core, alice: Principal, clock: FakeClock) -> None:
    """A list is ordered by the first, within it by the next, and last by newness; what never expires is last."""
    day = timedelta(days=1)
    a = made(core, alice, views=1, expires_at=START + 2 * day)[0].id
    b = made(core, alice, views=2)[0].id
    clock.forward(minutes=1)
    c = made(core, alice, views=1, expires_at=START + day)[0].id
    for orders, expected in (
        ([Order("id")], [a, b, c]),
        ([Order("views_left")], [c, a, b]),
        ([Order("views_left"), Order("id")], [a, c, b]),
        ([Order("views_left", descending=True), Order("created_at")], [b, a, c]),
        ([Order("created_at", descending=True)], [c, b, a]),
        ([Order("expires_at")], [c, a, b]),
        ([Order("expires_at", descending=True)], [b, a, c]),
        ([Order("id", descending=True), Order("id")], [c, b, a]),
    ):
        assert listed(core, orders=orders) == expected, orders


def test_no_order_tells_a_secret() -> None:
    """There is no order by a digest, a seal or a hash: it would tell what it is, question by question."""
    assert not {"digest", "sealed", "password"} & link_lists.ORDERS.keys()


def test_pages_follow_each_other(core: Core, alice: Principal) -> None:
    """Pages of two go through all links once; beyond the last one there is nothing."""
    ids = [made(core, alice)[0].id for _ in range(5)][::-1]
    pages = [listed(core, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert pages == [ids[:2], ids[2:4], ids[4:], []]
    assert listed(core, offset=3) == ids[3:]
    assert listed(core, limit=0) == []
    assert listed(core, limit=10**30, offset=10**30) == []


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_last_of_many_pages_is_as_quick_as_the_first(core: Core) -> None:
    """Among 100 000 links the last page costs 20 ms more than the first at most; an owner's list reads its own."""
    people = [somebody(core, f"user{n}@example.org", password=None).number for n in range(100)]
    now: Any = START if not core.database.is_sqlite else int(START.timestamp() * 1e6)
    filled = {"rows": MANY, "first": people[0], "people": len(people), "now": now}
    with core.database.writing() as db:
        db.execute(text(FILL[db.dialect.name]), filled)
    look_after(core)

    first, last = cost(core, None, 0), cost(core, None, MANY - 100)
    assert last - first <= 20
    plan = plan_of_own_list(core, people[7])
    assert not [
        line
        for line in plan
        if re.search("SCAN access_tokens|Seq Scan on access_tokens|ix_access_tokens_dialect_id", line)
    ]
    assert [line for line in plan if "(account_number" in line]
    assert [line for line in plan if "(creator_number" in line]


def cost(core: Core, visible_to: int | None, offset: int) -> float:
    """Milliseconds of processor time that a page of 100 takes: what else the machine does meanwhile is not ours."""
    backends = []
    if not core.database.is_sqlite:
        with core.database.reading() as db:
            pids = db.exec_driver_sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            backends = [Path(f"/proc/{pid}/schedstat") for pid in pids.scalars()]

    def spent() -> float:
        return time.thread_time() * 1e3 + sum(int(each.read_text().split()[0]) for each in backends) / 1e6

    began = spent()
    for _ in range(TIMES):
        found = page(core, visible_to, orders=[Order("id", descending=True)], limit=100, offset=offset)
        assert len(found) == 100
    return (spent() - began) / TIMES


def look_after(core: Core) -> None:
    """Take statistics of the table, and on PostgreSQL note what all see, as it does by itself within a minute."""
    if core.database.is_sqlite:
        with core.database.writing() as db:
            db.exec_driver_sql("ANALYZE access_tokens")
    else:
        with core.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.exec_driver_sql("CHECKPOINT")  # what is not on disk yet is not noted
            db.exec_driver_sql("VACUUM (ANALYZE) access_tokens")


def plan_of_own_list(core: Core, number: int) -> list[str]:
    """How the database reads an owner's list, line by line."""
    seen: list[tuple[str, Any]] = []

    def executed(_db: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(core.database.engine, "before_cursor_execute", executed)
    page(core, number, limit=100)
    event.remove(core.database.engine, "before_cursor_execute", executed)
    statement, parameters = seen[-1]
    explain = "EXPLAIN QUERY PLAN " if core.database.is_sqlite else "EXPLAIN "
    with core.database.reading() as db:
        return [str(row) for row in db.exec_driver_sql(explain + statement, parameters)]
