"""Lists of accounts: which, in what order, and how many at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from tests.fakes import ORIGIN, START, do
from tests.people import somebody

from dragoman.core import account_lists, accounts
from dragoman.core.account_lists import ORDERS
from dragoman.core.accounts import Account, Changes
from dragoman.core.lists import Order
from dragoman.core.work import Core

MANY = 100_000
ROW = """
    INSERT INTO accounts (id, username, display_name, password_version, created_at, updated_at, attributes)
    SELECT {id}, 'user ' || {random}, 'Name ' || {random}, 1, :now, :now, '{{}}' FROM {numbers}
    """
FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"  # noqa: S608
    + ROW.format(id="lower(hex(randomblob(16)))", random="hex(randomblob(16))", numbers="n"),
    "postgresql": ROW.format(
        id="gen_random_uuid()", random="md5(i::text)", numbers="generate_series(1, :rows) AS i"
    ),
}


def page(core: Core, **asked: Any) -> Sequence[Account]:
    """A list, read in a reading unit."""
    with core.begin(ORIGIN, writes=False) as uow:
        return account_lists.listed(uow, **asked)


def listed(core: Core, **asked: Any) -> list[str]:
    """The usernames of a list, in its order."""
    return [account.username for account in page(core, **asked)]


def quickest(core: Core, **asked: Any) -> float:
    """How many milliseconds a list takes, the quickest time of ten."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        assert page(core, **asked)
        times.append(time.perf_counter() - began)
    return min(times) * 1000


@pytest.fixture
def people(core: Core) -> Sequence[Account]:
    """Four people."""
    facts: tuple[dict[str, Any], ...] = (
        {"username": "dora", "display_name": "Ann", "email": "Zoe@example.org"},
        {"username": "carl"},
        {"username": "berta", "display_name": "Ann", "email": "b@example.org"},
        {"username": "änne", "display_name": "Ängström 100%"},
    )
    return [somebody(core, fact.pop("email", None), password=None, **fact) for fact in facts]


def test_accounts_come_page_by_page(core: Core, people: Sequence[Account]) -> None:
    """A page holds so many accounts after a number, in their order; deleted ones only when asked for."""
    one, two, three, four = people
    do(core, accounts.delete_softly, two.number)
    assert page(core, limit=2) == [one, three]
    assert page(core, after=three.number) == [four]
    assert [account.number for account in page(core, deleted=True)] == [each.number for each in people]
    assert page(core, after=four.number) == []
    with core.begin(ORIGIN, writes=False) as uow:
        assert list(account_lists.everybody(uow)) == [one, three, four]


def test_orders_are_one_after_the_other(core: Core, people: Sequence[Account]) -> None:
    """A list is ordered by the first, within it by the next, and last by number; what is not there comes first."""
    do(core, accounts.disable, people[2].number)
    for orders, expected in (
        ([], "dora carl berta änne"),
        ([Order("number", descending=True)], "änne berta carl dora"),
        ([Order("username")], "berta carl dora änne"),
        ([Order("username", descending=True)], "änne dora carl berta"),
        ([Order("display_name")], "dora berta carl änne"),
        ([Order("display_name", descending=True), Order("username")], "änne carl berta dora"),
        ([Order("own_name"), Order("username")], "carl berta dora änne"),
        ([Order("own_name", descending=True)], "änne dora berta carl"),
        ([Order("email")], "carl änne dora berta"),
        ([Order("email", descending=True), Order("number", descending=True)], "berta dora änne carl"),
        ([Order("is_active"), Order("username")], "berta carl dora änne"),
        ([Order("signed_in_at")], "dora carl berta änne"),
    ):
        assert listed(core, orders=orders) == expected.split(), orders
        assert listed(core, orders=orders, offset=1, limit=2) == expected.split()[1:3], orders


def test_a_search_by_beginnings_finds_names_and_addresses(core: Core, people: Sequence[Account]) -> None:
    """Usernames, addresses and words of display names that begin so, in whatever case, deleted accounts' too, once."""
    do(core, accounts.delete_softly, people[1].number)
    with core.begin(ORIGIN, writes=False) as uow:
        for begins, expected in (
            ("D", "dora"),
            ("zoe@EX", "dora"),
            ("ÄN", "änne"),
            ("b", "berta"),  # by her address, and by her username
            ("c", "carl"),
            ("ann", "dora berta"),  # by what they are called
            ("ÄNG", "änne"),
            ("ängström  1", "änne"),
            ("100%", "änne"),
            ("%", ""),
            ("nn", ""),
            ("\0", ""),
        ):
            found = account_lists.beginning(uow, begins, limit=9)
            assert [each.username for each in found] == expected.split(), begins
        assert account_lists.beginning(uow, "b", after=people[2].number, limit=9) == []


def test_a_search_goes_on_in_the_order_of_names(core: Core) -> None:
    """A page begins after the last account of the one before, whatever order they were made in."""
    for name in ("m3", "m1", "m2", "n"):
        somebody(core, f"{name}@example.org", password=None)
    with core.begin(ORIGIN, writes=False) as uow:
        first = account_lists.beginning(uow, "m", limit=2)
        rest = account_lists.beginning(uow, "m", after=first[-1].number, limit=2)
    assert [each.username for each in (*first, *rest)] == ["m1", "m2", "m3"]


def test_people_are_found_by_each_word_of_their_name(core: Core) -> None:
    """A search goes on among people of one name, and finds nobody by a name that they had before."""
    people = [
        somebody(core, f"{n}@example.org", password=None, username=f"u{n}", display_name=name)
        for n, name in enumerate(("Cleo de la Cruz", "Dora Cruz", "Emil Cruz"))
    ]
    do(core, accounts.change, people[1].number, Changes(display_name="Dora Lind"))
    with core.begin(ORIGIN, writes=False) as uow:
        found = [
            [each.username for each in account_lists.beginning(uow, begins, limit=9)]
            for begins in ("cruz", "de la C", "dora c", "LIND", "cleo")
        ]
        rest = account_lists.beginning(uow, "cruz", after=people[0].number, limit=9)
    assert found == [["u0", "u2"], ["u0"], [], ["u1"], ["u0"]]
    assert [each.username for each in rest] == ["u2"]


def test_a_search_finds_parts_of_names(core: Core, people: Sequence[Account]) -> None:
    """Part of a username, an address or a display name, in whatever case; what means more to SQL is text."""
    for search, expected in (
        ("ar", "carl"),
        ("ANN", "dora berta"),
        ("zoe@", "dora"),
        ("example.org", "dora berta"),
        ("ÄNNE", "änne"),
        ("Ängs", "änne"),
        ("100%", "änne"),
        ("%", "änne"),
        ("_", ""),
        ("nobody", ""),
        ("a\x00b", ""),
        ("x" * 5000, ""),
    ):
        assert listed(core, search=search) == expected.split(), search
    assert listed(core, search="ann", orders=[Order("username")], limit=1) == ["berta"]
    do(core, accounts.delete_softly, people[0].number)
    assert listed(core, search="zoe") == []
    assert listed(core, search="zoe", deleted=True) == ["dora"]


def test_a_username_is_found_as_it_is_written(core: Core, people: Sequence[Account]) -> None:
    """All of it, in its own case."""
    assert page(core, username="carl") == [people[1]]
    for name in ("Carl", "car", "", "a\x00b"):
        assert page(core, username=name) == [], name


def test_no_order_tells_a_secret() -> None:
    """There is no order by a hash or by what a product keeps: it would tell what it is, question by question."""
    assert not {"password", "attributes"} & ORDERS.keys()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_page_of_many_is_quick(core: Core) -> None:
    """Among 100 000 accounts the first page by username, either way, is read in an index: 20 ms; so is one username."""
    now: Any = START if not core.database.is_sqlite else int(START.timestamp() * 1e6)
    with core.database.writing() as db:
        db.execute(text(FILL[db.dialect.name]), {"rows": MANY, "now": now})
        if db.dialect.name == "postgresql":
            db.execute(text("ANALYZE accounts"))
    (last,) = page(core, offset=MANY - 1)
    lists: tuple[dict[str, Any], ...] = (
        {"orders": [Order("username")], "limit": 100},
        {"orders": [Order("display_name", descending=True)], "limit": 100},
        {"after": MANY // 2, "limit": 100},
        {"username": last.username},
    )
    for asked in lists:
        assert quickest(core, **asked) <= 20, asked
