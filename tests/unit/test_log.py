"""The log: what a line looks like, and that no secret is ever in one."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from dragoman.core.secrets import Secret
from dragoman.log import REDACTED, bind_request, configure, get_logger, request_id, tame, unbind

PASSWORD = "correct horse battery staple"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Written:
    """What has been logged since the start of a test."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    @property
    def lines(self) -> list[str]:
        """As a reader's terminal would break it into lines."""
        return self.text.splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of JSON, the objects."""
        return [json.loads(line) for line in self.text.split("\n") if line]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    names = ["", "uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "httpx2", "asyncio"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.level, each.propagate, each.disabled, list(each.handlers)) for each in loggers]
    yield
    for each, level, propagate, disabled, handlers in before:
        each.setLevel(level)
        each.propagate, each.disabled, each.handlers = propagate, disabled, handlers
    unbind()
    structlog.reset_defaults()


def start(format: Literal["auto", "console", "json"] = "json", level: str = "info") -> Written:  # noqa: A002
    """Log into a file from now on."""
    # pytest's own handlers would keep lines that hold a lone surrogate, and pytest-xdist cannot pass those on.
    logging.getLogger().handlers.clear()
    stream = io.StringIO()
    configure(level, format, stream)
    return Written(stream)


def fail(error: Exception) -> None:
    """Raise it, so that there is a traceback."""
    raise error


# --- how a line looks ---------------------------------------------------------------------------------


def test_off_a_terminal_each_line_is_a_json_object() -> None:
    """In a file or a pipe every event is one line of JSON with its UTC time, level, logger and facts."""
    written = start("auto")
    get_logger("dragoman.serving").info("answered", status=201, seconds=0.25, ok=True, user=None)
    (event,) = written.events
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.pop("timestamp"))
    assert event == {
        "level": "info",
        "event": "answered",
        "logger": "dragoman.serving",
        "status": 201,
        "seconds": 0.25,
        "ok": True,
        "user": None,
    }


def test_on_a_terminal_a_line_is_for_people() -> None:
    """A person reads time, level, event and name=value, quoted only where needed."""
    stream = Terminal()
    configure("info", "auto", stream)
    get_logger("dragoman").info("signed in", account=7, dialect="immich", device="My Phone")
    assert re.fullmatch(
        r'\S+Z info     signed in account=7 dialect=immich device="My Phone" logger=dragoman\n',
        stream.getvalue(),
    )


def test_colours_are_for_terminals_alone() -> None:
    """A warning stands out on a terminal; the same lines in a file carry no escape codes."""
    stream = Terminal()
    configure("info", "console", stream)
    get_logger("dragoman").warning("careful")
    assert "\x1b[33mwarning" in stream.getvalue()
    written = start("console")
    get_logger("dragoman").warning("careful")
    assert "warning" in written.text
    assert "\x1b" not in written.text


def test_a_format_that_was_chosen_holds_on_a_terminal_too() -> None:
    """`json` means JSON even where a person may be looking."""
    stream = Terminal()
    configure("info", "json", stream)
    get_logger("dragoman").info("x")
    assert json.loads(stream.getvalue())["event"] == "x"


def test_less_than_the_level_is_left_out() -> None:
    """At level warning there is no info, from us or from libraries."""
    written = start(level="warning")
    get_logger("dragoman").info("quiet")
    logging.getLogger("alembic").info("quiet")
    get_logger("dragoman").warning("loud")
    logging.getLogger("alembic").warning("loud")
    assert [event["event"] for event in written.events] == ["loud", "loud"]


def test_configuring_again_replaces_what_was() -> None:
    """After a second call each event is written once, in the new form, also by loggers already in use."""
    log = get_logger("dragoman")
    first = start("json")
    log.info("one")
    second = start("console")
    log.info("two")
    assert [event["event"] for event in first.events] == ["one"]
    assert len(second.lines) == 1
    assert " two " in second.text


def test_readable_values_are_written_as_people_write_them() -> None:
    """Times, ids, paths and addresses appear in their usual form, other objects by their repr."""
    written = start()
    get_logger("dragoman").info(
        "x",
        at=datetime(2025, 1, 2, tzinfo=UTC),
        account=UUID(int=1),
        file=Path("a/b"),
        address=ip_address("::1"),
        raw=b"caf\xc3\xa9\xff",
        share=float("nan"),
        kinds={"a"},
        pattern=range(3),
    )
    (event,) = written.events
    assert event["at"] == "2025-01-02 00:00:00+00:00"
    assert event["account"] == "00000000-0000-0000-0000-000000000001"
    assert event["file"] == "a/b"
    assert event["address"] == "::1"
    assert event["raw"] == "café\\xff"
    assert event["share"] == "nan"
    assert event["kinds"] == ["a"]
    assert event["pattern"] == "range(0, 3)"


# --- requests -----------------------------------------------------------------------------------------


def test_lines_of_a_request_carry_its_id() -> None:
    """Between bind_request and unbind every line, of libraries and of worker threads too, names the request."""
    written = start()
    log = get_logger("dragoman")
    bind_request(request_id="r-1")
    bind_request(dialect="immich")
    log.info("one")
    logging.getLogger("library").info("two")
    thread = threading.Thread(target=copy_context().run, args=(log.info, "three"))
    thread.start()
    thread.join()
    unbind()
    log.info("four")
    assert [(event.get("request_id"), event.get("dialect")) for event in written.events] == [
        ("r-1", "immich"),
        ("r-1", "immich"),
        ("r-1", "immich"),
        (None, None),
    ]


@pytest.mark.parametrize("incoming", ["a", "3f2c-11", "A.b_C-9", "x" * 128])
def test_a_well_formed_request_id_is_kept(incoming: str) -> None:
    """A proxy's id goes on being the request's id, so that both logs can be joined."""
    assert request_id(incoming) == incoming


@pytest.mark.parametrize("incoming", [None, "", "x" * 129, "a b", "a\n", "é", "a/b", '"', "\uff11"])
def test_any_other_request_id_is_replaced(incoming: str | None) -> None:
    """An absent, long or strange id is replaced by a random one that would itself be accepted."""
    made = request_id(incoming)
    assert made != incoming
    assert len(made) >= 12
    assert request_id(made) == made
    assert request_id(incoming) != made


# --- secrets ------------------------------------------------------------------------------------------


@dataclass
class Credential:
    """A shape with a password in it."""

    email: str
    password: str


class Login(BaseModel, extra="allow"):
    """A wire shape with a password in it, and room for more."""

    email: str
    password: str


@dataclass
class Holder:
    """A dataclass that keeps its secret in the type made for it."""

    value: Secret


SECRETS = [Secret(PASSWORD), SecretStr(PASSWORD), SecretBytes(PASSWORD.encode())]


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: type(secret).__name__)
def test_a_secret_type_shows_nothing_in_any_form(secret: object, format: Literal["json", "console"]) -> None:  # noqa: A002
    """However a Secret or SecretStr gets into a line, what it holds does not."""
    written = start(format)
    log = get_logger("dragoman")
    sentence = f"in a sentence: {secret} {secret!r} {secret!s:>40}"
    log.info(sentence)
    log.info("by position %s %r", secret, secret)
    log.info("by name", fact=secret, nested={"a": [{"b": (secret,)}]}, held=Holder(secret))  # type: ignore[arg-type]
    log.info("in an exception", error=ValueError(secret))
    logging.getLogger("library").warning("standard library %s %r", secret, secret)
    try:
        fail(ValueError(secret))
    except ValueError:
        log.exception("caught")
        logging.getLogger("library").exception("caught")
    assert len(written.lines) >= 7
    assert "by position" in written.text
    assert PASSWORD not in written.text


@pytest.mark.parametrize("format", ["json", "console"])
def test_an_exception_does_not_show_local_variables(format: Literal["json", "console"]) -> None:  # noqa: A002
    """A traceback names files and lines, not the values that variables had there."""

    def log_in(password: str) -> None:
        copied = password.upper()
        raise RuntimeError(f"no database for {len(copied)} letters")

    written = start(format)
    try:
        log_in(PASSWORD)
    except RuntimeError as error:
        get_logger("dragoman").exception("crashed")
        get_logger("dragoman").warning("crashed", exc_info=error)
        logging.getLogger("uvicorn.error").warning("crashed", exc_info=error)
    assert written.text.count("RuntimeError: no database for 28 letters") == 3
    assert written.text.count("in log_in") == 3
    assert PASSWORD not in written.text
    assert PASSWORD.upper() not in written.text


@pytest.mark.parametrize(
    "name",
    [
        "password", "new_password", "newPassword", "passwd", "passphrase", "secret", "client_secret", "token",
        "access_token", "accessToken", "AccessToken", "x-immich-user-token", "authorization", "Authorization",
        "cookie", "Cookie", "set-cookie", "Set-Cookie", "api_key", "apiKey", "APIKey", "apikey", "x-api-key",
        "X-API-KEY", "pin", "pin_code", "pinCode", "pincode", "key", "keys", "digest", "otp", "totp", "totp_seed",
        "jwt", "credentials", "password_hash", "PASSWORD",
    ],
)  # fmt: skip
def test_what_has_a_telling_name_is_redacted(name: str) -> None:
    """A value is redacted for its name, at the top and at any depth, in tables, shapes and lists of pairs."""
    written = start()
    get_logger("dragoman").info(
        "x",
        **{name: PASSWORD},
        nested={"deep": [{name: PASSWORD}, {name.encode(): [PASSWORD]}]},
        headers=[(name.encode(), PASSWORD.encode()), [name, PASSWORD], ("accept", "*/*")],
        number={name: 123456},
    )
    assert PASSWORD not in written.text
    (event,) = written.events
    assert event[name] == REDACTED
    assert event["headers"] == [[name, REDACTED], [name, REDACTED], ["accept", "*/*"]]
    assert event["number"] == {name: REDACTED}


def test_shapes_are_redacted_by_their_fields() -> None:
    """A model or dataclass is written as its fields, so that its password is redacted by name."""
    written = start()
    ask = {"email": "a@b", "password": PASSWORD, "oldPassword": PASSWORD}
    get_logger("dragoman").info("x", a=Login.model_validate(ask), b=[Credential("a@b", PASSWORD)])
    (event,) = written.events
    assert event["a"] == {"email": "a@b", "password": REDACTED, "oldPassword": REDACTED}
    assert event["b"] == [{"email": "a@b", "password": REDACTED}]


def test_what_is_said_about_a_secret_stays() -> None:
    """Whether there is one, how many, which one by its id, and look-alike names are no secrets."""
    facts = {
        "password": True, "pin": False, "token": None, "key_id": "k1", "tokenId": 7, "key_count": 3,
        "monkey": "x", "pinned": "x", "keyboard": "x", "spinning": 1, "session_id": "s1",
    }  # fmt: skip
    written = start()
    get_logger("dragoman").info("x", **facts)
    (event,) = written.events
    assert {name: event[name] for name in facts} == facts


def test_libraries_that_print_statements_or_urls_are_kept_to_warnings() -> None:
    """Even at level debug there are no SQL parameters and no query strings of theirs in the log."""
    written = start(level="debug")
    for name in ("sqlalchemy.engine.Engine", "httpx2", "httpcore2.connection"):
        logging.getLogger(name).info("https://host/?token=%s", PASSWORD)
        logging.getLogger(name).debug(PASSWORD)
    logging.getLogger("sqlalchemy.pool").warning("the pool is small")
    assert [event["event"] for event in written.events] == ["the pool is small"]


def test_uvicorn_speaks_through_us_and_its_access_log_is_off() -> None:
    """uvicorn's own lines come out in our form once; its access lines, with query strings, not at all."""
    before = io.StringIO()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler(before))
        logging.getLogger(name).propagate = False
    written = start()
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": "x"})
    logging.getLogger("uvicorn.access").info('%s - "%s"', "127.0.0.1", f"GET /?token={PASSWORD}")
    (event,) = written.events
    assert (event["event"], event["logger"]) == ("Started server process [7]", "uvicorn.error")
    assert before.getvalue() == ""
    assert not logging.getLogger("uvicorn.access").hasHandlers()


# --- lines cannot be forged ---------------------------------------------------------------------------

NASTY = "x\r\n2025-01-01T00:00:00Z info forged\x1b[2K\x00\x7f\x85\x9b31m\u2028\u202e\ud800"


class Sly:
    """An object whose repr would break the line."""

    def __repr__(self) -> str:
        return NASTY


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_value_cannot_start_a_line_or_move_the_cursor(format: Literal["json", "console"]) -> None:  # noqa: A002
    """Control characters, separators and direction marks come out escaped, wherever they went in."""
    written = start(format)
    log = get_logger("dragoman")
    log.info("x", name=NASTY, nested=[{NASTY: NASTY.encode("utf-8", "surrogatepass")}])
    logging.getLogger("library").warning("%s", NASTY)
    log.info("in a repr", thing=Sly())
    assert len(written.lines) == 3
    assert all(line.isprintable() for line in written.lines)
    assert "\\x1b[2K" in written.text


def test_an_exceptions_message_cannot_pass_for_an_event() -> None:
    """On a terminal every line of an exception is indented, and nothing in it is a control character."""
    written = start("console")
    try:
        fail(ValueError(NASTY))
    except ValueError:
        get_logger("dragoman").exception("crashed")
    first, *others = written.lines
    assert " crashed " in first
    assert any("forged" in line for line in others)
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_value_cannot_add_a_fact() -> None:
    """On a terminal a value with spaces, quotes or = is quoted, so that it cannot look like two."""
    written = start("console")
    get_logger("dragoman").info("x", name='a" admin=true', other="", path="a\\")
    assert r'name="a\" admin=true" other="" path="a\\"' in written.text


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner, inner)),
    )
)
def test_anything_becomes_one_line_of_json(value: Any) -> None:
    """Whatever is logged, the line is plain JSON and holds nothing unprintable."""
    event = tame(None, "info", {"event": "x", "value": value})
    line = json.dumps(event, allow_nan=False)
    assert json.loads(line) == event
    assert line.isascii()
    assert not re.search(r"\\u00[0189][0-9a-f]", line.replace("\\\\", ""))


# --- a log is bounded and does not fail its caller ----------------------------------------------------


def test_a_line_is_bounded() -> None:
    """A huge value, a deep one, a long list and a long exception are cut."""
    deep: list[Any] = []
    deep.append(deep)
    written = start()
    log = get_logger("dragoman")
    log.info(
        "x" * 10**6, a="y" * 10**6, b=b"z" * 10**6, c=[1] * 10**5, d=deep, e=dict.fromkeys(range(10**5), 1)
    )
    log.error("x", exc_info=ValueError("w" * 10**6))
    assert all(len(line) < 25_000 for line in written.lines)
    assert len(written.events) == 2


class Broken:
    """An object that cannot be printed."""

    def __repr__(self) -> str:
        raise RuntimeError(PASSWORD)


def test_an_object_that_cannot_be_printed_does_not_fail_its_caller() -> None:
    """A broken repr costs the value, not the line and not the request."""
    written = start()
    get_logger("dragoman").info("x", thing=Broken())
    (event,) = written.events
    assert event["thing"] == "[Broken without repr]"


def test_a_line_that_cannot_be_written_is_reported_without_its_content() -> None:
    """A line that is lost leaves a line that says so, and not the standard library's dump of its arguments."""
    logging.getLogger().handlers = []  # pytest's own would raise
    written = start()
    logging.getLogger("library").warning("%d", PASSWORD)
    get_logger("dragoman").info("x", number=10**5000)
    assert [event["event"] for event in written.events] == ["log line lost", "log line lost"]
    assert PASSWORD not in written.text


def test_a_stream_that_is_gone_does_not_fail_its_caller() -> None:
    """When standard error is closed the server goes on."""
    stream = io.StringIO()
    configure("info", "json", stream)
    stream.close()
    get_logger("dragoman").info("x")
