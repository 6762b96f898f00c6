"""Signing in through another provider: who gets which account, what is linked, and what a failure leaves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes import ELSEWHERE, ORIGIN, do
from tests.people import ALICE, calling, events, everything, presenting, rows, somebody, with_tools
from tests.providers import ADDRESSES, CODE, OPENID, Provider, answered, claims_of

from dragoman.core import accounts, upstream
from dragoman.core.audit import audit_log
from dragoman.core.errors import LastWayIn, NoAccount, NotFound, Throttled, UpstreamFailed
from dragoman.core.login import SignedIn
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, sessions
from dragoman.core.throttle import throttles
from dragoman.core.upstream import LinkedIdentity, UpstreamProvider, linked_identities
from dragoman.core.web import WebAnswer
from dragoman.core.work import Core, Origin, UnitOfWork

MAKES = UpstreamProvider(ADDRESSES, auto_create=True, attributes={"portainer": {"defaultTeam": 3}})
BY_NAME = UpstreamProvider(ADDRESSES, link="username")
BY_EMAIL = UpstreamProvider(ADDRESSES, link="verified_email")
NEVER = UpstreamProvider(ADDRESSES)


def sign_in(
    core: Core,
    policy: UpstreamProvider = MAKES,
    claims: dict[str, Any] | None = None,
    *,
    code: str = CODE,
    origin: Origin = ORIGIN,
    provider: Provider | None = None,
) -> SignedIn:
    """Sign in through a provider that says this of somebody; as Carol unless told otherwise."""
    provider = provider or Provider(claims or claims_of())
    told = with_tools(core, web=provider)
    device = Device("Firefox")
    return upstream.sign_in_upstream(
        told, origin, policy, Secret(code), device, then=lambda _, signed_in: signed_in
    )


def links(core: Core) -> list[tuple[str, int]]:
    """Who is linked to which account."""
    return [(row["subject"], row["account_number"]) for row in rows(core, linked_identities)]


# --- somebody new ---------------------------------------------------------------------------------------


def test_who_comes_for_the_first_time_is_given_an_account(core: Core) -> None:
    """By the provider's name in lower case, without a password or any right, with what the dialect keeps of it."""
    somebody(core)
    signed_in = sign_in(core, claims=claims_of("Carol"))
    account = signed_in.account
    assert (account.username, account.display_name, account.email) == ("carol", "Carol", None)
    assert (account.is_admin, account.has_password, account.must_change_password) == (False, False, False)
    assert account.attributes == {"portainer": {"defaultTeam": 3}}
    assert presenting(core, signed_in.secret).account.number == account.number
    assert signed_in.session.device == "Firefox"


def test_who_comes_again_is_known_by_their_subject(core: Core) -> None:
    """Whatever they are called by then, here or there: the account is the same, and there is one link."""
    somebody(core)
    first = sign_in(core, claims=claims_of("carol")).account
    do(core, accounts.change, first.number, accounts.Changes(username="caroline"))
    again = sign_in(core, NEVER, {"sub": "id-of-carol", "preferred_username": "someone-else"}).account
    assert again.number == first.number
    assert links(core) == [("id-of-carol", first.number)]


def test_a_subject_means_nothing_at_another_issuer(core: Core) -> None:
    """Somebody is known by issuer and subject together."""
    somebody(core)
    sign_in(core)
    elsewhere = replace(MAKES, addresses=OPENID, auto_create=False)
    with pytest.raises(NoAccount):
        sign_in(core, elsewhere)


def test_nobody_is_given_an_account_unless_the_policy_says_so(core: Core) -> None:
    """Without it, who finds no account has none; nothing is written but that it was refused."""
    somebody(core)
    before = everything(core)
    with pytest.raises(NoAccount):
        sign_in(core, NEVER)
    after = everything(core)
    assert {table for table in after if after[table] != before[table]} == {"audit_log", "throttles"}
    assert "upstream sign-in refused" in events(core)


def test_nobody_comes_before_the_first_administrator(core: Core) -> None:
    """A stranger is not given the first account of an installation, whose set-up would be over then."""
    with pytest.raises(NoAccount):
        sign_in(core)
    assert rows(core, accounts.accounts) == []


@pytest.mark.parametrize("name", ["alice@example.org", "ALICE", "alice"])
def test_nobody_is_given_a_name_that_is_somebodys(sqlite_core: Core, name: str) -> None:
    """And no twin by another name: that would be mistaken for its owner."""
    somebody(sqlite_core)
    with pytest.raises(NoAccount):
        sign_in(sqlite_core, claims=claims_of(name))
    assert len(rows(sqlite_core, accounts.accounts)) == 1


@pytest.mark.parametrize("name", ["x" * 257, "a\x07b", " "])
def test_what_cannot_be_a_name_here_is_no_usable_one(sqlite_core: Core, name: str) -> None:
    """A provider's name that no account can have is the provider's failure."""
    somebody(sqlite_core)
    with pytest.raises(UpstreamFailed):
        sign_in(sqlite_core, claims=claims_of(name))


# --- somebody who has an account ------------------------------------------------------------------------


def test_by_name_an_account_is_linked_whatever_the_case(core: Core) -> None:
    """Where the policy trusts the provider's names, they are usernames here."""
    account = somebody(core, None, username="Carol")
    assert sign_in(core, BY_NAME, claims_of("cArOL")).account.number == account.number
    assert links(core) == [("id-of-cArOL", account.number)]
    assert "identity linked" in events(core)


VERIFIED = {"email": ALICE.upper(), "email_verified": True}
UNVERIFIED = {"email": ALICE, "email_verified": False}


@pytest.mark.parametrize(
    ("policy", "name", "more"),
    [
        (BY_EMAIL, "anything", VERIFIED),
        (BY_NAME, "alice@example.org", VERIFIED),
        (BY_NAME, "ALICE", UNVERIFIED),
    ],
    ids=["by e-mail", "by a name that is one", "by name"],
)
def test_an_account_is_linked_as_the_policy_says(
    sqlite_core: Core, policy: UpstreamProvider, name: str, more: dict[str, Any]
) -> None:
    """By the username, or by an e-mail address that the provider has verified."""
    account = somebody(sqlite_core)
    assert sign_in(sqlite_core, policy, claims_of(name, **more)).account.number == account.number


@pytest.mark.parametrize(
    ("policy", "name", "more"),
    [
        (NEVER, "alice", VERIFIED),
        (MAKES, "alice", VERIFIED),
        (BY_EMAIL, "alice", UNVERIFIED),
        (BY_EMAIL, "alice", {}),
        (BY_EMAIL, "alice@example.org", {"email_verified": True}),
        (BY_NAME, "alice@example.org", UNVERIFIED),
        (BY_NAME, "alice@example.org", {"email": "other@example.org", "email_verified": True}),
        (BY_NAME, "somebody", VERIFIED),
    ],
    ids=[
        "never",
        "only made",
        "unverified e-mail",
        "no e-mail",
        "an e-mail that is not said",
        "a name that is an unverified e-mail",
        "a name that is another's e-mail",
        "another name",
    ],
)
def test_an_account_is_not_linked_otherwise(
    sqlite_core: Core, policy: UpstreamProvider, name: str, more: dict[str, Any]
) -> None:
    """Never by an e-mail address that the provider has not verified, and not by what the policy does not name."""
    somebody(sqlite_core)
    with pytest.raises(NoAccount):
        sign_in(sqlite_core, policy, claims_of(name, **more))
    assert links(sqlite_core) == []


def test_a_name_that_changed_hands_at_the_provider_opens_nothing(core: Core) -> None:
    """An account that somebody there has is not given to another who is called the same later."""
    somebody(core, None, username="carol")
    sign_in(core, BY_NAME)
    with pytest.raises(NoAccount):
        sign_in(core, BY_NAME, {"sub": "somebody new", "preferred_username": "carol"})


@pytest.mark.parametrize("gone", [accounts.disable, accounts.delete_softly])
@pytest.mark.parametrize("linked", [True, False])
def test_an_account_that_may_not_sign_in_is_not_entered(core: Core, gone: Any, linked: bool) -> None:
    """Disabled or deleted: neither by a link nor by a new one, and no other account is made instead."""
    account = somebody(core, None, username="carol")
    policy = replace(BY_NAME, auto_create=True)
    if linked:
        sign_in(core, policy)
    do(core, gone, account.number)
    with pytest.raises(NoAccount):
        sign_in(core, policy)
    assert len(rows(core, accounts.accounts)) == 1


def test_an_account_that_is_disabled_while_the_provider_is_asked_is_not_entered(core: Core) -> None:
    """What the provider takes its time for may be overtaken."""
    account = somebody(core, None, username="carol")

    def disabling() -> None:
        do(core, accounts.disable, account.number)

    with pytest.raises(NoAccount):
        sign_in(core, BY_NAME, provider=Provider(meanwhile=disabling))
    assert rows(core, sessions) == []


def test_no_connection_is_held_while_the_provider_is_asked(core: Core) -> None:
    """A slow provider keeps nobody from the database: all of its connections are free, and writing is."""
    somebody(core)
    free: list[int] = []

    def meanwhile() -> None:
        free.append(core.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        do(core, accounts.change, 1, accounts.Changes(display_name="Al"))

    sign_in(core, provider=Provider(meanwhile=meanwhile))
    assert free == [0]


# --- races ----------------------------------------------------------------------------------------------


def at_once(core: Core, policy: UpstreamProvider, everybody: Sequence[dict[str, Any]]) -> list[int | None]:
    """The accounts that sign-ins at the same moment get; None for a refusal."""
    together, found = threading.Barrier(len(everybody)), dict[int, int | None]()

    def run(place: int, claims: dict[str, Any]) -> None:
        provider = Provider(claims, meanwhile=together.wait)
        try:
            found[place] = sign_in(core, policy, provider=provider).account.number
        except NoAccount:
            found[place] = None

    threads = [threading.Thread(target=run, args=each) for each in enumerate(everybody)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(everybody))]


def test_somebody_who_comes_twice_at_once_is_one(core: Core) -> None:
    """Eight first sign-ins of one person make one account and one link, and all are let in."""
    somebody(core)
    numbers = at_once(core, MAKES, [claims_of()] * 8)
    assert len(set(numbers)) == 1
    assert len(rows(core, accounts.accounts)) == 2
    assert links(core) == [("id-of-carol", numbers[0])]


@pytest.mark.parametrize("policy", [MAKES, BY_NAME], ids=["made", "linked"])
def test_of_many_who_claim_one_name_at_once_one_has_it(core: Core, policy: UpstreamProvider) -> None:
    """The database decides who was first; the others have no account."""
    somebody(core)
    if policy is BY_NAME:
        somebody(core, None, username="carol")
    everybody = [{"sub": str(each), "preferred_username": "carol"} for each in range(6)]
    numbers = at_once(core, policy, everybody)
    assert len([number for number in numbers if number is not None]) == 1
    assert len(links(core)) == 1


# --- what a failure leaves ------------------------------------------------------------------------------


def test_a_failure_is_on_record_with_its_reason_and_without_the_code(core: Core) -> None:
    """The operator reads why; the code, the tokens and our secret are in no row."""
    with pytest.raises(UpstreamFailed):
        sign_in(core, code="a-wrong-code")
    (line,) = rows(core, audit_log)
    assert (line["event"], line["account_number"]) == ("upstream sign-in failed", None)
    assert line["detail"] == {"why": "the token endpoint answers 400 invalid_grant"}
    assert "a-wrong-code" not in repr(everything(core))


@pytest.mark.parametrize(
    "answers",
    [
        {"/token": answered({"error": "a\x00b\ud800"}, 400)},
        {"/me": answered({"sub": "a\x00", "preferred_username": "carol"})},
        {"/me": answered({"sub": "a", "preferred_username": "car\x00ol\ud800"})},
    ],
    ids=["in an error", "in a subject", "in a name"],
)
def test_what_no_database_takes_is_a_failure_and_no_accident(
    core: Core, answers: dict[str, WebAnswer]
) -> None:
    """Whatever characters a provider sends, it has failed, and that is on record."""
    somebody(core)
    with pytest.raises(UpstreamFailed):
        sign_in(core, provider=Provider(answers=answers))
    assert "upstream sign-in failed" in events(core)


def test_codes_are_not_guessed_without_end(core: Core) -> None:
    """An address has so many failures as with passwords; then nothing is asked. A success gives its attempt back."""
    somebody(core)
    free = core.rules.throttle.address_free
    sign_in(core)
    for _ in range(free + 1):
        with pytest.raises(UpstreamFailed):
            sign_in(core, code="guess")
    provider = Provider()
    with pytest.raises(Throttled):
        sign_in(core, provider=provider)
    assert provider.heard == []
    assert sign_in(core, origin=ELSEWHERE).account.username == "carol"
    (counted, _) = rows(core, throttles)
    assert counted["failures"] == free + 1


def test_what_the_dialect_refuses_afterwards_undoes_the_sign_in(core: Core) -> None:
    """No account, no link and no session stays of a sign-in whose token could not be made; only the attempt."""
    somebody(core)
    before = everything(core)

    def then(_uow: UnitOfWork, _signed_in: SignedIn) -> None:
        raise NoAccount

    with pytest.raises(NoAccount):
        upstream.sign_in_upstream(
            with_tools(core, web=Provider()), ORIGIN, MAKES, Secret(CODE), Device(), then=then
        )
    after = everything(core)
    assert {table for table in after if after[table] != before[table]} == {"throttles"}


def test_whoever_was_linked_by_another_hand_meanwhile_is_let_in_by_that_link(core: Core) -> None:
    """Somebody whose name changes between two sign-ins at once is one person, with one account."""
    somebody(core)
    meanwhile = [claims_of("carol"), {**claims_of("carol"), "preferred_username": "caroline"}]
    numbers = at_once(core, MAKES, meanwhile)
    assert len(set(numbers)) == 1
    assert len(rows(core, accounts.accounts)) == 2


def test_tools_without_a_way_out_ask_nobody(core: Core) -> None:
    """A core that was given no web vouches for nobody, and says so on record."""
    with pytest.raises(UpstreamFailed, match="there is no way out"):
        upstream.sign_in_upstream(
            core, ORIGIN, MAKES, Secret(CODE), Device(), then=lambda _, signed_in: signed_in
        )


# --- looking at links -----------------------------------------------------------------------------------


def test_links_are_shown_and_go_with_their_account(core: Core) -> None:
    """Whom providers know somebody as is listed, and forgotten when the account is purged."""
    somebody(core)
    account = sign_in(core).account
    found = do(core, upstream.identities_of, account.number)
    linked_at = rows(core, linked_identities)[0]["linked_at"]
    assert found == [LinkedIdentity(ADDRESSES.token_uri, "id-of-carol", account.number, linked_at)]
    do(core, accounts.purge, account.number)
    assert links(core) == []


def test_an_account_that_is_unlinked_is_found_anew_or_not_at_all(core: Core) -> None:
    """Who is known there by another subject since may have it; that it was unlinked is on record."""
    account = somebody(core, None, username="carol")
    sign_in(core, BY_NAME)
    assert do(core, upstream.unlink, account.number) == 1
    assert "identities unlinked" in events(core)
    with pytest.raises(NoAccount):
        sign_in(core, NEVER)
    again = sign_in(core, BY_NAME, {"sub": "new", "preferred_username": "carol"})
    assert again.account.number == account.number


def test_one_identity_is_unlinked_while_another_way_in_is_left(core: Core) -> None:
    """Of two providers one may go; the last one stays for whoever has neither password nor passkey."""
    somebody(core)
    carol = sign_in(core).account
    caller = calling(core, carol)
    [known] = do(core, upstream.identities_of, carol.number)
    with pytest.raises(LastWayIn):
        do(core, upstream.unlink_one, caller, known.issuer, known.subject)
    with core.begin(ORIGIN, writes=True) as uow:
        another = {"issuer": "https://b.example", "subject": "c", "account_number": carol.number}
        uow.db.execute(linked_identities.insert().values(**another, linked_at=uow.now))
    do(core, upstream.unlink_one, caller, known.issuer, known.subject)
    assert links(core) == [("c", carol.number)]
    assert "identity unlinked" in events(core)
    with pytest.raises(NotFound):
        do(core, upstream.unlink_one, caller, known.issuer, known.subject)
    with pytest.raises(LastWayIn):
        do(core, upstream.unlink_one, caller, "https://b.example", "c")
