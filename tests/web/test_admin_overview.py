"""The overview: what happened, drawn from what was counted; and whether all is well."""

from __future__ import annotations

import re

from tests.fakes import START, do
from tests.people import ALICE, BOB
from tests.running import Running, ask
from tests.visiting import Browser

from dragoman.core import audit, rollups
from dragoman.core.work import Origin
from dragoman.web.admin.overview import PERIODS
from dragoman.web.charts import Bucket, drawn

PATH = "/admin"


def test_what_happened_is_drawn_for_each_product(house: Running, browser: Browser) -> None:
    """Sign-ins and refusals of Immich and of the pages, and how many sessions there are; others see nothing."""
    for name, password in ((ALICE, "wrong"), (BOB, "wrong")):
        ask(house, "POST", "/auth/login", json={"email": name, "password": password})
    browser.sign_in()
    assert "Nothing was counted yet" in browser.go(PATH).text
    rollups.roll_up(house.core, Origin("sweeper"))
    page = browser.go(PATH).text
    assert re.search(r"<h2>Immich</h2>\s*<span[^>]*>0 sign-ins · 2 refused · 0 sessions now", page)
    assert re.search(r"<h2>These pages</h2>\s*<span[^>]*>1 sign-ins · 0 refused · 1 sessions now", page)
    assert 'aria-label="1 sign-ins, 2 refused"' in page
    assert "<script>" not in page
    browser.client.cookies.clear()
    browser.sign_in(BOB)
    assert browser.go(PATH).status_code == 403


def test_each_period_has_what_falls_into_it(house: Running, browser: Browser) -> None:
    """What happened ten days ago is in the month's bars alone, twenty hours ago in all; the first hour counts, too."""
    do(house.core, audit.record, "sign-in refused")
    house.clock.forward(days=10)
    do(house.core, audit.record, "sign-in refused")
    house.clock.forward(hours=23)
    rollups.roll_up(house.core, Origin("sweeper"))
    browser.sign_in()
    for period, refused in (("day", 1), ("week", 1), ("month", 2), ("century", 1)):
        page = browser.go(f"{PATH}?period={period}").text
        assert (period, f'sign-ins, {refused} refused"' in page) == (period, True)
    assert {each.bars * each.hours for each in PERIODS.values()} == {24, 7 * 24, 30 * 24}


def test_bars_fill_the_box_and_stand_on_each_other() -> None:
    """The highest bar is as high as the box, the others in proportion; nothing at all is drawn as nothing."""
    now = START
    chart = drawn([Bucket(now, 3, 1), Bucket(now, 0, 2), Bucket(now, 0)])
    assert [(bar.good_top, bar.bad_top) for bar in chart.bars] == [(35.0, 0.0), (140.0, 70.0), (140.0, 140.0)]
    assert [bar.x + bar.width <= 240 * place for place, bar in enumerate(chart.bars, 1)] == [True] * 3
    assert (chart.most, chart.good, chart.bad) == (4, 3, 3)
    assert drawn([]).bars == []
