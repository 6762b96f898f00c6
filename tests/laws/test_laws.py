"""The laws for every dialect (docs/architecture.md). A new dialect inherits them before it has a test of its own."""

from __future__ import annotations

import base64
import builtins
import inspect
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from importlib import import_module
from types import NoneType
from typing import Any, get_args, get_origin

import httpx2
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel, ValidationError
from sqlalchemy import delete, event
from tests.fakes import NEW_PASSWORD, PASSWORD, START, FakeClock, do
from tests.generated import seedcheck
from tests.houses import connected
from tests.laws.journey import USUAL, Step
from tests.laws.travel import (
    DIALECTS,
    SPOKEN,
    Traveller,
    credential_of,
    error_of,
    exchange_of,
    has_keys,
    journey_of,
    key_of,
    manners_of,
    operations_of,
    reads_by_itself,
    release_of,
    releases_of,
    serving_instead,
    session_of,
    told_to_speak,
    travelling,
)
from tests.people import Meddler, calling, rows, somebody
from tests.racing import after_statements, is_write
from tests.running import Running
from tests.speaking import KINDS, opening

from dragoman import courier, sweeper
from dragoman.client import Refused, TryLater
from dragoman.core import accounts, errors, factors, tables
from dragoman.core.audit import audit_log
from dragoman.core.errors import Reason, Refusal, Throttled, Unavailable
from dragoman.core.passwords import Hasher
from dragoman.core.secrets import Secret
from dragoman.core.throttle import throttles
from dragoman.core.work import Core
from dragoman.dialects.immich.server import dialect as immich
from dragoman.exchange import Spoken
from dragoman.handlers import Bound, serve_plain
from dragoman.releases import dumped
from dragoman.serving import Dialect, DialectApp
from dragoman.wire import Access, Api, Endpoint, InPath, Nothing, Operation, Work, asked, places

NAME = "someone@example.org"
WRONG = "wrong-horse-7-battery"

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
each_release = pytest.mark.parametrize(("dialect", "release"), SPOKEN)


Travel = Callable[..., AbstractContextManager[Traveller]]


@pytest.fixture(autouse=True)
def _nobody_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing writes but what a law looks at: mail is not handed over meanwhile, and what was seen is not written."""
    monkeypatch.setattr(courier, "EVERY", timedelta(hours=1))
    monkeypatch.setattr(sweeper, "SEEN_EVERY", timedelta(hours=1))


@pytest.fixture
def travel(sqlite_url: str, hasher: Hasher, clock: FakeClock) -> Travel:
    """Begins a journey through a dialect at an empty installation, in a release, with settings."""
    return partial(travelling, sqlite_url, hasher, clock)


@pytest.fixture
def traveller(dialect: Dialect, travel: Travel) -> Iterator[Traveller]:
    """A client of the dialect at an empty installation."""
    with travel(dialect) as made:
        yield made


def fits(dialect: Dialect, said: httpx2.Response | Spoken, release: str = "") -> None:
    """Refuse a body that is no refusal's JSON in this dialect, nor what the product says otherwise."""
    if isinstance(said, Spoken):
        status, media, body = said.status, said.media, said.body
    else:
        status, media, body = said.status_code, said.headers.get("content-type"), said.content
    journey = journey_of(dialect)
    if status in journey.silent and (body, media) == (b"", None):
        return
    if "text/plain" in (media or ""):
        assert body.decode() == journey.texts[status]
        return
    assert "json" in (media or "")
    error_of(dialect, release or releases_of(dialect)[0]).model_validate_json(body)


# --- the table ------------------------------------------------------------------------------------------


@each_dialect
def test_the_laws_are_told_of_every_dialect(dialect: Dialect) -> None:
    """Every dialect has a journey that calls each of its operations, or the laws would pass it by."""
    journey = journey_of(dialect)
    told = {step.operation for step in journey.steps}
    untold = [o.name for o in dialect.api.operations() if o.name not in told and not reads_by_itself(o)]
    assert untold == [], f"tests/laws/journeys/{dialect.name}.py has no step for these operations"
    assert told <= {o.name for o in dialect.api.operations()}


def test_a_dialect_without_a_journey_is_found() -> None:
    """A dialect that nobody has told the laws of fails them, and they say what to add."""
    with pytest.raises(
        pytest.fail.Exception, match=r"kavita has no journey: write tests/laws/journeys/kavita"
    ):
        journey_of(replace(immich, name="kavita"))


# --- law 1: every operation is served -------------------------------------------------------------------


@each_release
def test_every_operation_is_served(dialect: Dialect, release: str, sqlite_server: Running) -> None:
    """Each operation's path and method lead to its own handler, and to no other's."""
    served = dialect_app(dialect, told_to_speak(dialect, release), sqlite_server)
    operations = operations_of(dialect, release)
    assert operations
    for operation in operations:
        path = operation.path.replace("{", "").replace("}", "")
        methods, _ = served._routes.find(path)
        assert methods[operation.method].operation is operation


def dialect_app(dialect: Dialect, own: Any, server: Running) -> DialectApp:
    """A dialect, served by the lanes and the core of a running server."""
    return DialectApp(dialect, server.core, own, lanes=server.app._lanes, max_body=1024)


class MadeUpApi(Api):
    """A product that nobody makes."""

    one = Endpoint("GET", "/one", Nothing, Nothing, access=Access.PUBLIC, work=Work.NOTHING)
    two = Endpoint("GET", "/two", Nothing, Nothing, access=Access.PUBLIC, work=Work.NOTHING)


class OtherApi(Api):
    """Another."""

    three = Endpoint("GET", "/three", Nothing, Nothing, access=Access.PUBLIC, work=Work.WRITES)


def answer_nothing(_: None, _call: object, _ask: Nothing) -> Nothing:
    """A handler for all of them."""
    return Nothing()


ONE, TWO = serve_plain(MadeUpApi.one, answer_nothing), serve_plain(MadeUpApi.two, answer_nothing)
THREE = Bound(OtherApi.three, answer_nothing)


@pytest.mark.parametrize(
    ("bound", "missing"), [([ONE], "two"), ([], "one"), ([ONE, TWO, THREE], "three"), ([ONE, TWO], None)]
)
def test_an_operation_that_nobody_serves_fails_at_start(
    sqlite_server: Running, bound: list[Bound], missing: str | None
) -> None:
    """A dialect starts only when exactly the operations of its contract have handlers; else it says which."""
    made_up = replace(immich, name="made-up", api=MadeUpApi, bound=bound)
    own = immich.settings(path="/made-up")
    if missing is None:
        dialect_app(made_up, own, sqlite_server)
    else:
        with pytest.raises(TypeError, match=f"made-up.*{missing}"):
            dialect_app(made_up, own, sqlite_server)


def test_a_handler_is_bound_for_the_work_it_does() -> None:
    """A handler that writes cannot be bound as one that needs no storage."""
    with pytest.raises(TypeError, match="three writes"):
        serve_plain(OtherApi.three, answer_nothing)


# --- law 2: every refusal has a rendering ---------------------------------------------------------------


def kinds(of: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Every refusal that the core knows, the tree from its root."""
    yield of
    for below in of.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds(below)


SECRET_WHY = "why-it-is-so-is-for-the-operator"
FACTS: Mapping[str, Any] = {
    "permission": "asset.read",
    "reasons": [Reason("too_short", "Use at least 8 characters", 8), Reason("too_common", "It is common")],
    "limit": 4096,
    "field": "email",
    "thing": "account",
    "retry_after": timedelta(seconds=90),
    "why": SECRET_WHY,
}


def made(kind: type[Refusal]) -> Refusal:
    """A refusal of a kind, with facts of the kind that it carries."""
    parameters = inspect.signature(kind.__init__).parameters
    facts = {name: FACTS[name] for name in parameters if name in FACTS}
    if kind is errors.NameRefused:
        facts["why"] = "must not be empty"
    try:
        return kind(**facts)
    except TypeError:
        pytest.fail(
            f"the laws cannot make a {kind.__name__}: add its facts to FACTS in tests/laws/test_laws.py"
        )


@each_release
@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_rendering(dialect: Dialect, release: str, kind: type[Refusal]) -> None:
    """Whatever the core refuses, for whichever operation, is said in the dialect's shape with a status that fits."""
    for operation in (None, *operations_of(dialect, release)):
        wanted = journey_of(dialect).status(kind, operation.name if operation else "")
        spoken = dialect.errors.refused(exchange_of(dialect, release, operation), made(kind))
        fits(dialect, spoken, release)
        assert SECRET_WHY not in spoken.body.decode()
        if wanted is None:
            assert 400 <= spoken.status < 500
            assert spoken.status not in USUAL.values()
        else:
            assert spoken.status == wanted


def test_the_tree_is_walked_to_its_leaves() -> None:
    """The laws know every refusal of the core, including those that carry facts."""
    found = set(kinds())
    in_module = {c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, Refusal)}
    assert found == in_module
    assert len(found) > 20


@each_dialect
def test_who_is_to_come_back_is_told_when(traveller: Traveller, dialect: Dialect) -> None:
    """Delayed guesses and a database that is away (503) are answered with Retry-After, in the dialect's shape."""
    traveller.take(traveller.journey.steps[0])
    answers = [traveller.ask(traveller.journey.log_in(NAME, WRONG)) for _ in range(12)]
    delayed = traveller.journey.status(Throttled)
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 11 + [delayed]
    assert int(answers[-1].headers["retry-after"]) >= 1
    fits(dialect, answers[-1])

    def away(_: str) -> None:
        raise Unavailable(retry_after=timedelta(seconds=1.5), why=SECRET_WHY)

    with after_statements(traveller.server.core, away):
        answer = traveller.ask(traveller.journey.log_in(NAME, PASSWORD))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert SECRET_WHY not in answer.text
    fits(dialect, answer)


# --- law 3: unknown account and wrong password look alike -----------------------------------------------


def guarded(core: Core, number: int) -> None:
    """An account has a second factor from now on."""
    account = do(core, accounts.get, str(number))
    seed = base64.b32encode(bytes(20)).decode()
    code = factors.code_at(bytes(20), factors.step_at(core.tools.clock()))
    do(core, factors.enable, account, Secret(seed), Secret(code), by=calling(core, account))


FATES: Mapping[str, Callable[[Core, int], object]] = {
    "known": lambda _core, _number: None,
    "disabled": lambda core, number: do(core, accounts.disable, number),
    "deleted": lambda core, number: do(core, accounts.delete_softly, number),
    "purged": lambda core, number: do(core, accounts.purge, number),
    "guarded": guarded,
}
LIKE_A_CODE = f"{WRONG}123456"
LIKE_AN_APP_PASSWORD = "-".join(["abcd"] * 7)


@each_dialect
def test_T_02_unknown_account_and_wrong_password_look_alike(
    dialect: Dialect, sqlite_url: str, clock: FakeClock
) -> None:
    """Nobody learns from a refused sign-in who has an account: status, headers, body and hashes are the same."""
    meddler = Meddler()
    heard: dict[str, Any] = {}
    with travelling(sqlite_url, meddler, clock, dialect) as traveller:
        people = {fate: somebody(traveller.server.core, f"{fate}@example.org") for fate in FATES}
        bare = somebody(traveller.server.core, "bare@example.org", password=None)
        for fate, person in people.items():
            FATES[fate](traveller.server.core, person.number)
        assert traveller.ask(traveller.journey.log_in("known@example.org", PASSWORD)).status_code < 300
        for name, password in [
            ("known", WRONG),
            ("unknown", WRONG),
            ("unknown", PASSWORD),
            ("disabled", PASSWORD),
            ("deleted", PASSWORD),
            ("purged", PASSWORD),
            *((name, WRONG) for name in ("guarded", "unknown")),
            *((name, LIKE_A_CODE) for name in ("guarded", "known", "unknown")),
            *((name, LIKE_AN_APP_PASSWORD) for name in ("guarded", "known", "unknown")),
            (bare.username, PASSWORD),
        ]:
            meddler.verified.clear()
            step = traveller.journey.log_in(f"{name}@example.org", password)
            answer = traveller.ask(step, **{"x-request-id": "the-same-for-all"})
            headers = {name: value for name, value in answer.headers.items() if name != "date"}
            heard[f"{name} {password}"] = (answer.status_code, answer.content, headers, len(meddler.verified))
    assert set(map(str, heard.values())) == {str(heard[f"known {WRONG}"])}
    assert heard[f"known {WRONG}"][3] == 1


# --- law 4: a protected operation turns away what is no good --------------------------------------------


@each_dialect
def test_protected_operations_turn_away_what_is_no_good(
    dialect: Dialect, traveller: Traveller, clock: FakeClock
) -> None:
    """Without a credential, and with one that is garbled, foreign, expired or its owner's no more, nobody comes in."""
    core, show = traveller.server.core, traveller.manners.credentials
    account, gone = somebody(core, is_admin=True), somebody(core, "gone@example.org", is_admin=True)
    good = credential_of(core, account, dialect)
    key = key_of(core, account, dialect.name).reveal()
    refused: dict[str, Mapping[str, str]] = {
        "nothing": {},
        "another": show("x" * len(good), None),
        "garbled": show(good[:-1] + ("0" if good[-1] != "0" else "1"), None),
        "too short": show(good[:-1], None),
        "too long": show(good + "x", None),
        "endless": show("x" * 8000, None),
        "foreign": show(session_of(core, account, "other"), None),
        "of one who is gone": show(credential_of(core, gone, dialect), None),
    }
    if not traveller.journey.any_case:
        refused["in other letters"] = show(good.swapcase(), None)
    if has_keys(dialect):
        refused |= {
            "another key": show(None, "x" * len(key)),
            "a foreign key": show(None, key_of(core, account, "other").reveal()),
            "a key that expired": show(None, key_of(core, account, dialect.name, expires_at=START).reveal()),
            "the key of one who is gone": show(None, key_of(core, gone, dialect.name).reveal()),
            "a session for a key": show(None, good),
            "a key for a session": show(key, None),
        }
    do(core, accounts.delete_softly, gone.number)
    protected = [o for o in traveller.operations.values() if not o.access.is_open]
    assert protected
    for operation in protected:
        for how, headers in refused.items():
            answer = traveller.send(operation, headers, {})
            assert answer.status_code == 401, f"{operation.name} let in {how}"
            fits(dialect, answer)
        # And the same request with a good one is not turned away, or the above would prove nothing.
        fresh = credential_of(core, account, dialect)
        assert traveller.send(operation, show(fresh, None), {}).status_code != 401, operation.name
    clock.forward(days=4000)
    for operation in protected:
        assert traveller.send(operation, show(good, None), {}).status_code == 401, operation.name


@each_dialect
def test_administrators_operations_are_theirs(dialect: Dialect, traveller: Traveller) -> None:
    """What is for administrators answers nobody else; what is public answers whatever is held up."""
    core = traveller.server.core
    good = credential_of(core, somebody(core), dialect)
    show = traveller.manners.credentials
    for operation in traveller.operations.values():
        if operation.access is Access.ADMIN:
            assert traveller.send(operation, show(good, None), {}).status_code == 403, operation.name
        if operation.access.is_open:
            answers = [traveller.send(operation, headers, {}) for headers in ({}, show("garbled", None))]
            assert len({answer.status_code for answer in answers}) == 1, operation.name


# --- law 5: no secret appears ---------------------------------------------------------------------------


@each_release
def test_S_01_no_secret_is_logged_or_stored(
    dialect: Dialect,
    release: str,
    travel: Travel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After a journey, refusals and an accident no password, PIN, token or key is in the log or in any file."""
    debug = {"log": {"level": "debug", "format": "json"}}
    with travel(dialect, release, **debug) as traveller:
        for step in traveller.steps():
            traveller.take(step)
        for password in (WRONG, "x" * 5000):
            traveller.ask(traveller.journey.log_in(NAME, password))
        core = traveller.server.core
        account = somebody(core, NAME, password=NEW_PASSWORD)
        keys = [
            key_of(core, account, dialect.name).reveal(),
            credential_of(core, account, dialect),
        ]
        traveller.secrets.update(keys)
        for operation in traveller.operations.values():
            traveller.send(operation, traveller.manners.credentials(None, keys[0]), {})

        def crash(_: str) -> None:
            raise RuntimeError("an accident")

        with after_statements(core, crash):
            assert traveller.ask(traveller.journey.log_in(NAME, NEW_PASSWORD)).status_code == 500
        folder = core.database.file.parent
        stored = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        logged = capsys.readouterr().err
    logged += capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    # What may be seen is seen, so what may not would be.
    assert {"answered", "crashed"} <= {line["event"] for line in lines}
    assert NAME.encode() in b"".join(stored.values())
    assert any(name.endswith("-wal") for name in stored)
    secrets = {secret for secret in traveller.secrets if len(secret) > 4}
    assert {PASSWORD, WRONG, *keys} <= secrets
    for secret in secrets:
        assert secret not in logged
        assert [name for name, content in stored.items() if secret.encode() in content] == []


@each_dialect
def test_K_06_no_secret_is_logged_wherever_a_request_holds_it(
    dialect: Dialect, travel: Travel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every operation is asked with a secret wherever one may stand; the log tells of each request, and of no secret."""
    marks = {place: f"{place}-recognisable-secret" for place in ("header", "cookie", "query", "body", "path")}
    headers = {
        "Authorization": f"Bearer {marks['header']}",
        "X-API-Key": marks["header"],
        "Cookie": "; ".join(
            f"{name}={marks['cookie']}" for name in ("token", "sessionid", "portainer_api_key")
        ),
        **dict.fromkeys(dialect_headers(dialect), marks["header"]),
    }
    query = "&".join(
        f"{name}={marks['query']}" for name in ("apiKey", "apikey", "key", "token", "code", "slug")
    )
    asked: list[str] = []
    with travel(dialect, log={"level": "debug", "format": "json"}) as traveller:
        for operation in traveller.operations.values():
            path, body = with_secrets(operation, marks["path"], marks["body"])
            # As it is, and as it is mistyped.
            for variant in (path, f"{path}/", path.replace("/", "//"), path.upper(), f"/x{path}"):
                traveller.request(operation.method, f"{variant}?{query}", headers, body)
                asked.append(variant)
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    assert len([line for line in lines if line["event"] == "answered"]) == len(asked)
    assert [line for line in lines if any(mark in json.dumps(line).lower() for mark in marks.values())] == []


def dialect_headers(dialect: Dialect) -> set[str]:
    """The headers in which a dialect's own client shows who it is."""
    return set(manners_of(dialect).credentials("token", None)) | set(
        manners_of(dialect).credentials(None, "key")
    )


def with_secrets(operation: Operation[Any, Any], in_path: str, in_body: str) -> tuple[str, Any]:
    """An operation's path and body with a secret in each of their fields that may hold one."""
    shape: type[BaseModel] = operation.takes
    path, body = operation.path, {}
    for name, (place, wire_name) in places(shape).items():
        if place is InPath:
            secret = not shape.model_fields[name].repr
            path = path.replace("{" + wire_name + "}", in_path if secret else "7")
        elif place is None:
            body[wire_name] = in_body
    return path, body


# --- law 6: shapes survive a round trip -----------------------------------------------------------------


TEXT, NUMBERS = st.text(max_size=10), st.integers(-(2**53), 2**53)
ZONES = st.sampled_from([timezone(timedelta(minutes=minutes)) for minutes in (0, 345, -210)])
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    bool: st.booleans(),
    int: NUMBERS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    NoneType: st.none(),
    datetime: st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=ZONES),  # noqa: DTZ001
    Any: st.one_of(st.none(), st.booleans(), NUMBERS, TEXT, st.lists(NUMBERS), st.dictionaries(TEXT, TEXT)),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a type, as pydantic reads it."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    if hasattr(annotation, "__value__"):
        return values_of(annotation.__value__)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return answers_of(annotation)
    arguments = get_args(annotation)
    match get_origin(annotation):
        case typing.Union | types.UnionType:
            return st.one_of([values_of(each) for each in arguments])
        case typing.Literal:
            return st.sampled_from(arguments)
        case builtins.dict:
            return st.dictionaries(*map(values_of, arguments), max_size=3)
        case builtins.list | builtins.tuple:
            return st.lists(values_of(arguments[0]), max_size=3)
    # What is left is a type with something to say beside it: `Annotated[str, UNSEEN]`.
    return values_of(arguments[0])


def answers_of(shape: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Answers of a shape."""
    if issubclass(shape, RootModel):
        return values_of(shape.model_fields["root"].annotation).map(shape)
    fields = {name: values_of(info.annotation) for name, info in shape.model_fields.items()}
    return st.fixed_dictionaries(fields).map(partial(accepted, shape))


def accepted(shape: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """A shape with these values. One that is asked for, too, takes not all of them: then others are tried."""
    try:
        return shape(**values)
    except ValidationError:
        reject()


@cache
def built_once(shape: Any) -> st.SearchStrategy[Any]:
    """`answers_of`, since making a strategy takes longer than drawing from it."""
    return answers_of(shape)


@each_release
@settings(max_examples=50)
@given(st.data())
def test_answers_survive_a_round_trip(dialect: Dialect, release: str, data: st.DataObject) -> None:
    """Whatever an answer holds, what is printed of it is read and printed again the same, by any release."""
    shapes = sorted({o.gives for o in operations_of(dialect, release)}, key=lambda shape: shape.__name__)
    shape = data.draw(st.sampled_from(shapes))
    answer = data.draw(built_once(shape))
    spoken = release_of(dialect, release)
    text = dumped(spoken, answer)
    assert dumped(spoken, shape.model_validate_json(text)) == text


@each_dialect
def test_asks_survive_a_round_trip(dialect: Dialect, traveller: Traveller) -> None:
    """What a client sends of an ask is read back as that ask, at every step of the journey."""
    seen = 0
    for step in traveller.steps():
        operation = traveller.operations[step.operation]
        ask: BaseModel = asked(operation.takes, **step.told(traveller.answers))
        written = ask.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
        read = operation.takes.model_validate(written, context={"release": releases_of(dialect)[0]})
        assert operation.sent(read) == operation.sent(ask)
        seen += bool(written)
        traveller.take(step)
    assert seen


@each_release
def test_documented_examples_are_accepted(dialect: Dialect, release: str) -> None:
    """Every ask that the product documents is one that the shape takes, and means what it says."""
    takes = {operation.takes.__name__: operation.takes for operation in operations_of(dialect, release)}
    examples = journey_of(dialect).examples
    assert examples.keys() & takes.keys()
    for name, written in examples.items():
        for example in written if name in takes else ():
            read = takes[name].model_validate(example, context={"release": release})
            assert read.model_dump(by_alias=True, exclude_unset=True) == example


# --- law 7: unknown paths, wrong methods and crashes ----------------------------------------------------

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@each_release
def test_what_is_not_there_is_said_in_the_dialects_shape(
    dialect: Dialect, release: str, travel: Travel
) -> None:
    """Unknown paths and wrong methods are 404 or 405 in the product's own words, never a framework's."""
    with travel(dialect, release) as traveller:
        served = {(o.method, o.path) for o in traveller.operations.values()}
        paths = {path for _, path in served if "{" not in path}
        unknown = [
            (m, p) for m in METHODS for p in ("/nope", f"{dialect.api.base}/nope", dialect.api.base or "/x/y")
        ]
        wrong = [(m, p) for p in paths for m in METHODS if (m, p) not in served]
        for method, path in [*unknown, *wrong]:
            answer = traveller.request(method, path, {})
            assert answer.status_code in (404, 405), f"{method} {path}"
            fits(dialect, answer, release)


@each_release
def test_what_cannot_be_read_is_said_in_the_dialects_shape(
    dialect: Dialect, release: str, travel: Travel
) -> None:
    """A body that is no JSON, none that is taken, or longer than any, is 4xx in the product's own words."""
    with travel(dialect, release) as traveller:
        account = somebody(traveller.server.core, is_admin=True)
        for operation in traveller.operations.values():
            token = credential_of(traveller.server.core, account, dialect)
            headers = {**traveller.manners.credentials(token, None), "content-type": "application/json"}
            url = f"{traveller.server.url}/{dialect.name}{operation.path}"
            for body in (b"{", b'{"a": NaN}', b"\xff", b"[" * 5000, b" " * (2 << 20)):
                answer = traveller.line.request(operation.method, url, headers=headers, content=body)
                assert answer.status_code < 500, f"{operation.name} {body[:10]!r}"
                if answer.status_code >= 400:
                    fits(dialect, answer, release)


CONFIDENCE = "hunter2-of-the-operator"


@each_release
def test_a_crash_is_said_in_the_dialects_shape(
    dialect: Dialect,
    release: str,
    travel: Travel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An accident of ours is 500 in the product's shape: no traceback, nothing of what went wrong, a line in the log."""

    def crash(_with: object, _call: object, _ask: object) -> BaseModel:
        raise RuntimeError(CONFIDENCE)

    changed = serving_instead(monkeypatch, dialect, crash)
    with travel(changed, release) as traveller:
        account = somebody(traveller.server.core, is_admin=True)
        token = credential_of(traveller.server.core, account, dialect)
        works = set()
        served = traveller.operations
        plain = [step for step in traveller.journey.steps if step.stands_alone and step.operation in served]
        # Also what the journey asks with a key alone: here it is asked with a session.
        reading = [Step(name) for name, each in served.items() if reads_by_itself(each)]
        for step in [*plain, *reading]:
            operation = served[step.operation]
            traveller.token = token
            answer = traveller.ask(step)
            assert answer.status_code == 500, operation.name
            fits(dialect, answer, release)
            assert CONFIDENCE not in answer.text
            assert "Traceback" not in answer.text
            assert CONFIDENCE not in str(answer.headers)
            works.add(operation.work)
        assert works == {operation.work for operation in served.values()}
    assert CONFIDENCE in capsys.readouterr().err


# --- law 8: both clients understand every answer --------------------------------------------------------


@each_release
@pytest.mark.parametrize("kind", KINDS)
def test_both_clients_understand_every_answer(
    dialect: Dialect, release: str, kind: str, travel: Travel
) -> None:
    """The dialect's own client, at once or awaited, makes the whole journey and reads each answer as its shape."""
    module = import_module(f"dragoman.dialects.{dialect.name}")
    with (
        travel(dialect, release) as traveller,
        opening(module, kind) as open_client,
    ):
        url = f"{traveller.server.url}/{dialect.name}"
        speaker = open_client(url)
        visited = set()
        for step in traveller.steps():
            visited.add(step.operation)
            key = None if step.key is None else step.key(traveller.answers)
            voice = speaker if key is None else open_client(url, api_key=key)
            arguments = step.told(traveller.answers)
            if step.refused is not None:
                with pytest.raises(Refused) as refused:
                    voice.do(step.operation, **arguments)
                assert refused.value.status == step.refused
                continue
            answer = voice.do(step.operation, **arguments)
            assert type(answer) is traveller.operations[step.operation].gives
            traveller.answers[step.operation] = answer
            traveller.token = speaker.client.token
        assert visited == set(traveller.operations)


@each_release
@pytest.mark.parametrize("kind", KINDS)
def test_both_clients_understand_every_refusal(
    dialect: Dialect,
    release: str,
    kind: str,
    travel: Travel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every refusal reaches the caller as one exception with its status, its sentences, and when to come back."""
    module = import_module(f"dragoman.dialects.{dialect.name}")
    refusals: list[Refusal] = []

    def refuse(_with: object, _call: object, _ask: object) -> BaseModel:
        raise refusals[-1]

    step = journey_of(dialect).log_in(NAME, PASSWORD)
    changed = serving_instead(monkeypatch, dialect, refuse, step.operation)
    with (
        travel(changed, release) as traveller,
        opening(module, kind) as open_client,
    ):
        operation = traveller.operations[step.operation]
        speaker = open_client(f"{traveller.server.url}/{dialect.name}")
        for refusal_kind in kinds():
            refusals.append(made(refusal_kind))
            spoken = dialect.errors.refused(exchange_of(dialect, release, operation), refusals[-1])
            with pytest.raises(Refused) as refused:
                speaker.do(step.operation, **step.told({}))
            assert refused.value.status == spoken.status
            assert all(refused.value.messages)
            assert isinstance(refused.value.body, dict)
            assert refused.value.request_id
            if isinstance(refusals[-1], Throttled | Unavailable):
                assert isinstance(refused.value, TryLater)
                assert refused.value.retry_after == 90


# --- law 9: the document regenerates the seed page ------------------------------------------------------


@pytest.mark.slow
@each_dialect
def test_the_document_regenerates_the_seed_page(dialect: Dialect, traveller: Traveller) -> None:
    """Restricted to the page's operations, the published document gives the product's page fact for fact."""
    assert "facts equal" in seedcheck(dialect.name, traveller.server.url)


# --- law 10: a refusal leaves only its evidence ---------------------------------------------------------


class Interrupted(Refusal):
    """A refusal that no dialect has heard of."""


class Interruption:
    """Refuses after the n-th write of what follows, once; and knows whether a unit had been committed before."""

    def __init__(self, after: int) -> None:
        self._left = after
        self.happened = False
        self.is_in_first_unit = True

    def __call__(self, statement: str) -> None:
        """A statement was executed."""
        if self.happened or not is_write(statement):
            return
        self._left -= 1
        if self._left == 0:
            self.happened = True
            raise Interrupted

    def committed(self, _connection: object) -> None:
        """A unit was committed."""
        if not self.happened:
            self.is_in_first_unit = False


def dump(core: Core) -> dict[str, Any]:
    """Every row of every table."""
    return {table.name: rows(core, table) for table in tables.metadata.sorted_tables}


@each_dialect
def test_a_refusal_after_any_write_leaves_only_its_evidence(dialect: Dialect, server: Running) -> None:
    """Refused after each write of each operation in turn, a request leaves nothing but its evidence behind.

    That is lines added to the audit log, and the attempt that was reserved: what hashes counts an attempt
    in a unit of its own before it verifies, so once that is committed the throttle may differ, but not when
    that very unit is refused. The answer is the dialect's own for a refusal, and the next try succeeds.
    """
    interrupted: dict[str, int] = {}
    journey_of(dialect).beforehand(server.core)
    with connected() as line:
        traveller = Traveller(server, dialect, line)
        for step in traveller.steps():
            operation = traveller.operations[step.operation]
            for nth in range(1, 100):
                before = dump(server.core)
                answer, interruption = ask_interrupted(traveller, step, nth)
                if not interruption.happened:
                    traveller.understand(step, answer)
                    break
                interrupted[step.operation] = interrupted.get(step.operation, 0) + 1
                expected = dialect.errors.refused(exchange_of(dialect, "", operation), Interrupted())
                assert (answer.status_code, answer.content) == (expected.status, expected.body)
                check_only_evidence(before, dump(server.core), interruption, operation)
                with server.core.database.writing() as db:  # or so many attempts would be taken for guesses
                    db.execute(delete(throttles))
    writing = {
        n for n, o in traveller.operations.items() if o.work in (Work.WRITES, Work.HASHES, Work.CALLS_OUT)
    }
    succeeding = {step.operation for step in traveller.journey.steps if step.refused is None}
    assert writing & succeeding <= interrupted.keys() <= writing, (
        "every operation that may write was refused after a write"
    )


def ask_interrupted(traveller: Traveller, step: Step, nth: int) -> tuple[Any, Interruption]:
    """Take a step that is refused after its n-th write, if it has as many."""
    interruption, engine = Interruption(nth), traveller.server.core.database.engine
    event.listen(engine, "commit", interruption.committed)
    try:
        with after_statements(traveller.server.core, interruption):
            return traveller.ask(step, **{"x-request-id": "a-request"}), interruption
    finally:
        event.remove(engine, "commit", interruption.committed)


def check_only_evidence(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    interruption: Interruption,
    operation: Operation[Any, Any],
) -> None:
    """Fail unless the difference is evidence."""
    where = f"{operation.name}, {interruption.__dict__}"
    changed = {table for table in after if after[table] != before[table]}
    may_change = {audit_log.name}
    if operation.work in (Work.HASHES, Work.CALLS_OUT) and not interruption.is_in_first_unit:
        may_change.add("throttles")
    assert changed <= may_change, where
    assert all(line in after[audit_log.name] for line in before[audit_log.name]), where
