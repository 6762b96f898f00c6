"""The audit log on the pages: filtered, in pages, and kept as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes import ORIGIN, do
from tests.people import ALICE, BOB, rows
from tests.running import Running
from tests.visiting import Browser

from dragoman.core import accounts, audit
from dragoman.core.audit import audit_log
from dragoman.web.admin import audit as page_of

PATH = "/admin/audit"


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Alice's browser."""
    browser.sign_in()
    return browser


def test_lines_are_found_by_account_event_product_and_day(house: Running, admin: Browser) -> None:
    """Each filter alone leaves what it names; one that names nothing says so."""
    number = do(house.core, accounts.get, BOB).number
    do(house.core, audit.record, "tested", account=number, of="something")
    house.clock.forward(days=2)
    admin.sign_in()
    later = f"{house.clock.now:%Y-%m-%d}"
    for query, expected in (
        ("", True),
        (f"account={BOB}", True),
        (f"account={ALICE}", False),
        ("event=test", True),
        ("event=sign-in", False),
        ("dialect=immich", True),
        ("dialect=portainer", False),
        (f"since={house.clock.now - timedelta(days=2):%Y-%m-%d}", True),
        (f"since={later}", False),
    ):
        page = admin.go(f"{PATH}?{query}")
        assert (query, page.status_code, "of: something" in page.text) == (query, 200, expected)
    for query, problem in (("account=nobody", "Nobody is called"), ("since=x", "is no date")):
        page = admin.go(f"{PATH}?{query}")
        assert (page.status_code, problem in page.text) == (422, True)


def test_the_log_goes_on_page_by_page(house: Running, admin: Browser) -> None:
    """Each line is on one page, though all have the same instant."""
    for n in range(60):
        do(house.core, audit.record, f"tested {n:02}")
    seen = re.findall(r"<td>tested (\d\d)</td>", admin.go(f"{PATH}?event=tested").text)
    assert admin.page is not None
    [further] = re.findall(r'<a href="([^"]+)" rel="next"', admin.page.text)
    seen += re.findall(r"<td>tested (\d\d)</td>", admin.go(further.replace("&amp;", "&")).text)
    assert sorted(seen) == [f"{n:02}" for n in range(60)]
    assert admin.go(f"{PATH}?after=x").status_code == 404


def test_the_log_is_kept_as_a_file(house: Running, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """All lines that were asked for, in both kinds of file, however many parts that takes; and it is on record."""
    monkeypatch.setattr(page_of, "AT_A_TIME", 7)
    for n in range(20):
        do(house.core, audit.record, "tested", n=n)
    answer = admin.client.get(f"{PATH}.jsonl?event=tested")
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert sorted(line["detail"]["n"] for line in told) == list(range(20))
    assert 'filename="dragoman-audit-' in answer.headers["content-disposition"]
    table = list(csv.DictReader(io.StringIO(admin.client.get(f"{PATH}.csv?event=tested").text)))
    assert [line["id"] for line in table] == [line["id"] for line in told]
    assert sum(row["event"] == "audit log exported" for row in rows(house.core, audit_log)) == 2
    assert admin.client.get(f"{PATH}.exe").status_code == 404


@pytest.mark.parametrize("agent", ["=cmd()", "+1", "-1", "@x", "\t=1"])
def test_no_spreadsheet_finds_a_formula_in_the_file(house: Running, admin: Browser, agent: str) -> None:
    """What a stranger said of themselves, and could be a formula, is text: the file is opened by administrators."""
    do(house.core, audit.record, "tested", origin=replace(ORIGIN, agent=agent))
    [line] = csv.DictReader(io.StringIO(admin.client.get(f"{PATH}.csv?event=tested").text))
    assert line["agent"] == f"'{agent}"
    [told] = admin.client.get(f"{PATH}.jsonl?event=tested").text.splitlines()
    assert json.loads(told)["agent"] == agent


def test_what_strangers_say_is_text_on_the_page(house: Running, admin: Browser) -> None:
    """Nothing in a line becomes a tag."""
    do(house.core, audit.record, "tested", of="<script>alert(1)</script>")
    assert "<script>alert" not in admin.go(PATH).text
