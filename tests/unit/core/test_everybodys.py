"""What administrators see of everybody's: sessions and API keys in pages, and mail that is given up."""

from __future__ import annotations

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, calling, events, opened, somebody

from dragoman.core import api_keys, outbox, session_lists
from dragoman.core.errors import NotFound
from dragoman.core.mail import Letter
from dragoman.core.work import Core, Origin


def test_sessions_of_all_are_read_in_pages(core: Core, clock: FakeClock) -> None:
    """Those that idle out last come first; a page begins after the last of the one before; and by whom and where."""
    alice, bob = somebody(core), somebody(core, BOB)
    ids = []
    for account, dialect in ((alice, "immich"), (bob, "immich"), (alice, "portainer")):
        ids.append(opened(core, account, origin=Origin(dialect))[0].id)
        clock.forward(minutes=1)
    with core.begin(ORIGIN, writes=False) as uow:
        found = [each.id for each in session_lists.page(uow, dialect="immich", limit=9)]
        assert found == [ids[1], ids[0]]
        assert [each.id for each in session_lists.page(uow, account_number=bob.number, limit=9)] == [ids[1]]
        assert len(session_lists.page(uow, limit=2)) == 2
        assert [each.id for each in session_lists.page(uow, dialect="immich", after=ids[1], limit=9)] == [
            ids[0]
        ]


def test_sessions_of_somebody_are_read_in_the_order_in_which_they_were_seen(
    core: Core, clock: FakeClock
) -> None:
    """The last seen first, however soon it idles out; a page begins after the last of the one before."""
    alice, ids = somebody(core), []
    for dialect in ("immich", "portainer", "immich"):
        ids.append(opened(core, alice, origin=Origin(dialect))[0].id)
        clock.forward(minutes=1)
    with core.begin(ORIGIN, writes=False) as uow:
        first = session_lists.page(uow, account_number=alice.number, limit=2)
        rest = session_lists.page(uow, account_number=alice.number, after=first[-1].id, limit=2)
    assert [each.id for each in (*first, *rest)] == ids[::-1]


def test_keys_of_all_are_read_in_pages(core: Core) -> None:
    """By the numbers of their owners; each key is on one page."""
    for account in (somebody(core), somebody(core, BOB)):
        for name in ("one", "two"):
            do(core, api_keys.issue, account.number, "immich", name=name, permissions=["all"])
    with core.begin(ORIGIN, writes=False) as uow:
        first = api_keys.page_of_all(uow, limit=3)
        rest = api_keys.page_of_all(uow, after=first[-1].id, limit=3)
        assert [key.account_number for key in (*first, *rest)] == [1, 1, 2, 2]
        assert len({key.id for key in (*first, *rest)}) == 4
        assert len(api_keys.page_of_all(uow, account_number=2, dialect="immich", limit=3)) == 2
        assert api_keys.page_of_all(uow, dialect="portainer", limit=3) == []


def test_mail_is_given_up_once(sealed: Core) -> None:
    """Who gives it up is on record; what does not wait cannot be given up."""
    admin = calling(sealed, somebody(sealed, BOB))
    mail = do(sealed, outbox.post, Letter("s", "t", "h"), to=BOB, kind="tested", of=admin.account.number)
    do(sealed, outbox.give_up, mail, by=admin)
    assert [(each.state, each.due_at) for each in do(sealed, outbox.listed)] == [("withdrawn", None)]
    assert "mail given up" in events(sealed)
    with pytest.raises(NotFound):
        do(sealed, outbox.give_up, mail, by=admin)
    assert do(sealed, outbox.listed, before=mail) == []
    assert do(sealed, outbox.counted, "waiting", "withdrawn") == {"withdrawn": 1}
