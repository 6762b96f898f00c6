"""The audit log: what a line says, that it is written once, and that it says no secret."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from tests.fakes import ELSEWHERE, NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, events, presenting, rows

from dragoman.core import (
    accounts,
    api_keys,
    audit,
    elevation,
    login,
    password_change,
    session_ends,
    setup,
)
from dragoman.core.accounts import Changes, NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.errors import NotFound, Refusal
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin


def test_a_line_says_who_what_when_and_from_where(core: Core, clock: FakeClock) -> None:
    """Each line has its instant and its request's origin, cut to what there is room for."""
    origin = replace(ELSEWHERE, agent="a" * 300, address="b" * 70, request_id="c" * 200)
    with core.begin(origin, writes=True) as uow:
        uow.db.execute(audit.line(uow, "tested", account=7, actor=8, via="cli", count=1, of="nothing"))
    (line,) = rows(core, audit_log)
    assert line.pop("id").version == 7
    assert line == {
        "at": clock.now,
        "event": "tested",
        "account_number": 7,
        "actor_number": 8,
        "acting_as": None,
        "via": "cli",
        "dialect": ELSEWHERE.dialect,
        "address": "b" * 64,
        "agent": "a" * 256,
        "request_id": "c" * 128,
        "detail": {"count": 1, "of": "nothing"},
    }


def test_a_line_without_facts_has_no_detail(core: Core) -> None:
    """Where there is nothing more to say, nothing is stored."""
    do(core, audit.record, "tested")
    (line,) = rows(core, audit_log)
    assert line["detail"] is None
    assert line["account_number"] is None


def test_a_line_written_twice_is_one(core: Core) -> None:
    """A line that is evidence may be written again, when nobody knows whether it was: it stays one line."""
    with core.begin(ORIGIN, writes=True) as uow:
        line = audit.line(uow, "tested")
        uow.db.execute(line)
        uow.db.execute(line)
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(line)
    assert events(core) == ["tested"]


def test_ids_sort_by_their_instant(core: Core, clock: FakeClock) -> None:
    """The ids of lines are UUIDs of version 7 (RFC 9562 §5.7), so they sort by when they were made."""
    made: list[uuid.UUID] = []
    for _ in range(20):
        with core.begin(ORIGIN, writes=False) as uow:
            made.append(uow.new_ordered_id())
        clock.forward(seconds=0.001)
    assert made == sorted(made)
    assert {(each.version, each.variant) for each in made} == {(7, uuid.RFC_4122)}
    assert made[0].int >> 80 == int((clock.now.timestamp() - 0.02) * 1000)


def test_the_newest_lines_come_first(core: Core, clock: FakeClock) -> None:
    """The log is read from its end, of one account or of all, and not further than asked."""
    for n in range(5):
        do(core, audit.record, f"event {n}", account=n % 2)
        clock.forward(seconds=1)
    assert [row.event for row in do(core, audit.recent, limit=3)] == ["event 4", "event 3", "event 2"]
    assert [row.event for row in do(core, audit.recent, audit.Filters(account=1))] == ["event 3", "event 1"]


def test_every_deed_is_on_record_and_no_secret_is(core: Core) -> None:
    """From set-up to purge everything that was done or refused has its line, and no line tells a secret."""
    admin = setup.create_first_admin(
        core, ORIGIN, NewAccount(email=ALICE), Secret(PASSWORD), open_to_caller=True
    )
    signed_in = login.log_in(core, ORIGIN, ALICE, Secret(PASSWORD), Device())
    caller = presenting(core, signed_in.secret)

    def refused(use_case: object, *arguments: object, **named: object) -> None:
        with pytest.raises(Refusal):
            use_case(core, ORIGIN, *arguments, **named)  # type: ignore[operator]

    refused(login.log_in, ALICE, Secret("wrong-horse-7"), Device())
    refused(password_change.change_password, caller, Secret("wrong-horse-7"), Secret(NEW_PASSWORD))
    elevation.set_pin(core, ORIGIN, caller, Secret("135790"))
    refused(elevation.unlock, caller, Secret("097531"))
    elevation.unlock(core, ORIGIN, caller, Secret("135790"))
    elevation.change_pin(core, ORIGIN, caller, Secret("246802"), password=None, pin=Secret("135790"))
    elevation.reset_pin(core, ORIGIN, caller, password=Secret(PASSWORD), pin=None)
    password_change.change_password(
        core, ORIGIN, caller, Secret(PASSWORD), Secret(NEW_PASSWORD), sign_out_others=True
    )
    key, key_secret = do(core, api_keys.issue, admin.number, "immich", name="key", permissions=["all"])
    do(core, api_keys.revoke, key.id)
    do(core, accounts.change, admin.number, Changes(email="new@example.org"))
    login.log_in(core, ORIGIN, "new@example.org", Secret(NEW_PASSWORD), Device())
    do(core, session_ends.end, signed_in.session)
    do(core, session_ends.end_all, admin.number)
    do(core, accounts.disable, admin.number)
    do(core, accounts.enable, admin.number)
    do(core, accounts.delete_softly, admin.number)
    do(core, accounts.restore, admin.number)
    do(core, accounts.purge, admin.number)
    expected = """account added,signed in,sign-in refused,wrong password,PIN set,wrong PIN,session unlocked,
PIN changed,PIN removed,password changed,key issued,key revoked,account changed,signed in,signed out,
sessions ended,account disabled,account enabled,account deleted,account restored,account purged"""
    assert events(core) == sorted(expected.replace("\n", "").split(","))
    said = str(rows(core, audit_log))
    secrets = [PASSWORD, NEW_PASSWORD, "135790", "246802", "097531", "wrong-horse-7", "argon2"]
    for secret in [*secrets, signed_in.secret.reveal(), key_secret.reveal()]:
        assert secret not in said


def test_recent_lines_are_read_in_pages(core: Core, clock: FakeClock) -> None:
    """The newest first, each page older than the last line of the one before, by whom, through what and what."""
    for n in range(5):
        do(core, audit.record, f"tested {n}", account=n)
        if n != 2:
            clock.forward(seconds=1)
    with core.begin(ORIGIN, writes=False) as uow:
        first = audit.recent(uow, limit=2)
        rest = audit.recent(uow, before=first[-1].id)
        # The page ends between two lines of one instant, whose order is by chance.
        assert first[0].account_number == 4
        assert {line.account_number for line in (*first, *rest[:1])} == {4, 3, 2}
        assert [line.account_number for line in rest[1:]] == [1, 0]
        asked = audit.Filters(account=1, event="tested", dialect=ORIGIN.dialect, since=first[0].at)
        assert audit.recent(uow, asked) == []
        assert [line.event for line in audit.recent(uow, replace(asked, since=None))] == ["tested 1"]
        with pytest.raises(NotFound):
            audit.recent(uow, before=uuid.uuid4())


def test_what_concerns_an_account_is_not_what_it_does(core: Core) -> None:
    """Lines about an account are found without those of what it did to others, and by whole names of events."""
    do(core, audit.record, "deed", account=1)
    do(core, audit.record, "deeds", account=1)
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(audit.line(uow, "deed", account=2, actor=1))
        assert [line.account_number for line in audit.recent(uow, audit.Filters(concerning=1))] == [1, 1]
        asked = audit.Filters(concerning=1, events=["deed", "none"])
        assert [line.event for line in audit.recent(uow, asked)] == ["deed"]


def test_lines_of_some_events_are_found_wherever_they_are(core: Core, clock: FakeClock) -> None:
    """By how an event begins, in whatever case, by whole names, by dialect: the newest first, whichever it is of."""
    told = (("immich", "PIN set"), ("web", "pin removed"), ("immich", "signed in"), ("web", "PIN set"))
    for dialect, event in told:
        do(core, audit.record, event, account=1, origin=Origin(dialect))
        clock.forward(seconds=1)
    for filters, expected in (
        (audit.Filters(event="pin"), [3, 1, 0]),
        (audit.Filters(events=["PIN set"]), [3, 0]),
        (audit.Filters(dialect="immich"), [2, 0]),
        (audit.Filters(dialect="immich", event="PIN"), [0]),
        (audit.Filters(dialect="shoko"), []),
        (audit.Filters(account=1, event="s"), [2]),
        (audit.Filters(event="%"), []),
    ):
        found = do(core, audit.recent, filters, limit=9)
        assert [(line.dialect, line.event) for line in found] == [told[n] for n in expected], filters
        assert len(do(core, audit.recent, filters, limit=1)) == min(1, len(expected))
