"""The laws of the check that gateways ask, for every dialect. A new dialect inherits them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from tests.conftest import ENGINES
from tests.fakes import FakeClock, do
from tests.laws.gateways import IDENTITY, Gateway, gateway, identity
from tests.laws.travel import DIALECTS, Traveller, exchange_of, has_keys, key_of, manners_of, travelling

from dragoman import check, courier, passing, sweeper
from dragoman.core import accounts, api_keys, session_ends
from dragoman.core.accounts import Account
from dragoman.core.errors import NotSignedIn, Refusal, SessionRefused
from dragoman.core.passwords import Hasher
from dragoman.core.work import Core, Origin
from dragoman.serving import Dialect

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)


@pytest.fixture(scope="module", params=ENGINES)
def gate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: object
) -> Iterator[Gateway]:
    """Two nodes on each engine, which all of these laws share."""
    template = request.getfixturevalue("sqlite_template")
    with gateway(request.param, tmp_path_factory.mktemp("gate"), template) as made:
        yield made


@each_dialect
def test_a_good_credential_passes_and_tells_whose_it_is(gate: Gateway, dialect: Dialect) -> None:
    """Whoever is signed in passes without a body, known or not, and all there is to tell is told."""
    account = gate.somebody(is_admin=True)
    shown = gate.shown(account, dialect)
    for method in ("GET", "HEAD", "GET"):
        answer = gate.ask(dialect, shown, method=method)
        assert (answer.status_code, answer.content) == (204, b"")
        assert identity(answer) == {
            "account": str(account.id),
            "number": str(account.number),
            "admin": "true",
            "actor": "",
            "name": account.username,
            "email": account.email,
            "groups": "",
        }
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers["x-request-id"]) >= 16


@each_dialect
def test_a_credential_that_is_no_good_is_refused_in_the_dialects_own_words(
    gate: Gateway, dialect: Dialect
) -> None:
    """To nothing shown, and to something garbled, the check says what the dialect says, to the byte."""
    served = gate.here.app._board.mounted.by_path[f"/{dialect.name}"].app
    garbled = {k.lower(): v for k, v in manners_of(dialect).credentials("garbled", None).items()}
    refusals: list[tuple[dict[str, str], Refusal]] = [({}, NotSignedIn()), (garbled, SessionRefused())]
    for shown, refusal in [*refusals, refusals[1]]:
        exchange = exchange_of(dialect, request_id="the-same-for-both")
        exchange.headers.update(shown)
        own = served.refused(exchange, refusal)
        answer = gate.ask(dialect, {**shown, "x-request-id": "the-same-for-both"})
        assert (answer.status_code, answer.content) == (401, own.body) == (own.status, answer.content)
        assert answer.headers["content-type"] == own.media
        assert dict(own.headers).items() <= dict(answer.headers).items()


@each_dialect
def test_what_is_of_another_dialect_is_refused(gate: Gateway, dialect: Dialect) -> None:
    """A credential of one dialect opens no other."""
    account = gate.somebody()
    foreign = [gate.shown(account, other) for other in DIALECTS if other is not dialect]
    assert [gate.passes(dialect, shown) for shown in foreign] == [False] * len(foreign)


def sign_out(core: Core, account: Account, dialect: Dialect) -> None:
    """End the account's sessions in one dialect."""
    do(core, session_ends.end_all, account.number, dialects=[dialect.name], origin=Origin(dialect.name))


def disable(core: Core, account: Account, _dialect: Dialect) -> None:
    """Disable the account."""
    do(core, accounts.disable, account.number)


def delete(core: Core, account: Account, _dialect: Dialect) -> None:
    """Delete the account."""
    do(core, accounts.delete_softly, account.number)


@each_dialect
@pytest.mark.parametrize("end", [sign_out, disable, delete], ids=lambda end: end.__name__)
def test_S_06_what_is_revoked_is_refused_at_once_here_and_within_a_second_elsewhere(
    gate: Gateway, dialect: Dialect, end: Callable[[Core, Account, Dialect], None]
) -> None:
    """The node that revokes forgets what it knew; another may believe it for a second and no longer."""
    account, other = gate.somebody(), gate.somebody()
    shown, others = gate.shown(account, dialect), gate.shown(other, dialect)
    gate.clock.forward(seconds=1)  # nothing that was read before
    assert all(
        gate.passes(dialect, each, node) for each in (shown, others) for node in (gate.here, gate.there)
    )
    end(gate.core, account, dialect)
    assert not gate.passes(dialect, shown)
    assert gate.passes(dialect, shown, gate.there)
    gate.clock.forward(seconds=0.999)
    assert gate.passes(dialect, others)
    gate.clock.forward(seconds=0.001)
    assert not gate.passes(dialect, shown, gate.there)
    assert gate.passes(dialect, others, gate.there)


@each_dialect
def test_what_has_expired_is_refused_at_that_instant(gate: Gateway, dialect: Dialect) -> None:
    """What is known of a credential is believed no longer than the credential is good, be that less than a second."""
    shown = gate.shown(gate.somebody(), dialect)
    own = gate.here.app._board.mounted.by_path[f"/{dialect.name}"].app
    lifetime = dialect.lifetime(own.settings)
    signing = None if dialect.signing is None else dialect.signing(own.settings)
    lasts = lifetime.idle if signing is None else min(lifetime.idle, signing.lifetime)
    gate.clock.forward(seconds=lasts.total_seconds() - 0.25)
    assert gate.passes(dialect, shown)
    gate.clock.forward(seconds=0.25)
    assert not gate.passes(dialect, shown)


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if has_keys(d)], ids=lambda d: d.name)
def test_K_04_keys_pass_until_they_are_revoked(gate: Gateway, dialect: Dialect) -> None:
    """An unrestricted key passes as its owner, and no longer once it is rotated or revoked."""
    account = gate.somebody()
    for revoke in (api_keys.rotate, api_keys.revoke):
        secret = key_of(gate.core, account, dialect.name, form=dialect.key_form).reveal()
        shown = manners_of(dialect).credentials(None, secret)
        assert identity(gate.ask(dialect, shown))["account"] == str(account.id)
        key = next(k for k in do(gate.core, api_keys.owned, account.number) if secret.startswith(k.hint))
        if revoke is api_keys.rotate:
            do(gate.core, api_keys.rotate, account.number, dialect.name, key.id)
        else:
            do(gate.core, api_keys.revoke, key.id)
        assert not gate.passes(dialect, shown)


@each_dialect
def test_no_operation_is_served_where_the_check_is(dialect: Dialect) -> None:
    """The path of the check is none of the product's own."""
    taken = [p for o in dialect.api.operations() for p in (o.path, *o.also)]
    taken += [*dialect.document_paths, *dialect.at_origin]
    assert [p for p in taken if p.lower().rstrip("/") == check.PATH or p.startswith("/{")] == []


@each_dialect
def test_another_method_is_not_allowed(gate: Gateway, dialect: Dialect) -> None:
    """The check is asked by GET and HEAD; it says so in the dialect's words to everything else."""
    answer = gate.ask(dialect, gate.shown(gate.somebody(), dialect), method="POST")
    assert answer.status_code in {404, 405}
    assert "x-dragoman-account" not in answer.headers


# --- whatever this process itself does ------------------------------------------------------------------


@each_dialect
def test_whatever_an_operation_changes_is_known_at_once(
    dialect: Dialect, sqlite_url: str, hasher: Hasher, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each operation of a client's journey the check says what it would say if it knew nothing."""
    monkeypatch.setattr(courier, "EVERY", timedelta(hours=1))
    monkeypatch.setattr(sweeper, "SEEN_EVERY", timedelta(hours=1))
    with travelling(sqlite_url, hasher, clock, dialect) as traveller:
        held: list[dict[str, str]] = []
        for step in traveller.steps():
            traveller.take(step)
            before = [said(traveller, headers) for headers in held]
            known = traveller.server.app._checking.known
            known._good.clear()
            known._refused.clear()
            assert before == [said(traveller, headers) for headers in held], step.operation
            if traveller.token is not None:
                shown = dict(traveller.manners.credentials(traveller.token, None))
                held += [shown] if shown not in held else []
                said(traveller, shown)
        assert held


def said(traveller: Traveller, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """What the check says to somebody."""
    answer = traveller.request("GET", check.PATH, headers)
    return answer.status_code, identity(answer)


def test_all_that_is_told_is_named_in_one_place() -> None:
    """The headers of an identity are those that the documents have gateways copy."""
    assert [name.decode() for name in passing.NAMES] == [f"x-dragoman-{name}" for name in IDENTITY]
