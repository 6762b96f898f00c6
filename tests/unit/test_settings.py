"""The configuration: what is read, what is refused, and what is never shown."""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, ValidationError

from dragoman.core.master_keys import MasterKeys, parse
from dragoman.settings import DialectSettings, Section, Settings, SettingsError, describe, load
from dragoman.settings.sources import lines_of

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.urlsafe_b64encode(b"\xff" * 32).decode()


class OAuth(Section):
    """A section inside a dialect's settings."""

    client_secret: SecretStr | None = None


class ProductSettings(DialectSettings):
    """A dialect with settings of its own."""

    speaks: Literal["1.134", "2.7"] = Field(default="1.134", description="Release spoken")
    oauth: OAuth = Field(default_factory=OAuth)


DIALECTS: Mapping[str, type[DialectSettings]] = {"immich": ProductSettings, "shoko": DialectSettings}


@pytest.fixture(autouse=True)
def _no_file_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(toml: str = "", environ: Mapping[str, str] | None = None, **more: Any) -> Settings:
    """Load a configuration file with this text."""
    path = Path("here.toml")
    path.write_text(dedent(toml), encoding="utf-8")
    return load(path, environ or {}, dialect_models=DIALECTS, **more)


def refused(toml: str = "", environ: Mapping[str, str] | None = None, **more: Any) -> list[str]:
    """Load a configuration that is refused; the problems, a line each."""
    with pytest.raises(SettingsError) as caught:
        read(toml, environ, **more)
    return [str(problem) for problem in caught.value.problems]


# --- what is read -------------------------------------------------------------------------------------


def test_nothing_needs_to_be_configured() -> None:
    """Without file and environment every setting has its default, and every dialect its own path."""
    settings = load(None, {}, dialect_models=DIALECTS)
    assert settings.server.host == "127.0.0.1"
    assert settings.server.port == 8080
    assert settings.database.connection_url == "sqlite:///data/dragoman.db"
    assert settings.master_key is None
    assert settings.first_admin is None
    assert {name: dialect.path for name, dialect in settings.dialects.items()} == {
        "immich": "/immich",
        "shoko": "/shoko",
    }


def test_the_command_line_beats_the_environment_beats_the_file() -> None:
    """Each setting is taken from the strongest source that names it, whatever the others name."""
    settings = read(
        "server = { port = 1, threads = 1, workers = 1 }",
        {"DRAGOMAN_SERVER__PORT": "2", "DRAGOMAN_SERVER__THREADS": "2"},
        overrides={"server": {"port": 3, "workers": None}},
    )
    assert (settings.server.port, settings.server.threads, settings.server.workers) == (3, 2, 1)


def test_the_environment_speaks_every_type() -> None:
    """A variable's text becomes the number, truth, list or word that its setting takes."""
    settings = read(
        environ={
            "DRAGOMAN_SERVER__PORT": "8081",
            "DRAGOMAN_SERVER__HASH_THREADS": "3",
            "DRAGOMAN_SERVER__HASH_WAIT_SECONDS": "0.5",
            "DRAGOMAN_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7 fd00::/8",
            "DRAGOMAN_PASSWORDS__ARGON2__PASSES": "3",
            "DRAGOMAN_DIALECTS__IMMICH__SPEAKS": "2.7",
            "DRAGOMAN_DIALECTS__SHOKO__ENABLED": "false",
        }
    )
    assert settings.server.port == 8081
    assert settings.server.hash_threads == 3
    assert settings.server.hash_wait_seconds == 0.5
    assert settings.server.trusted_proxies == tuple(
        map(ip_network, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"])
    )
    assert settings.passwords.argon2.passes == 3
    immich = settings.dialects["immich"]
    assert isinstance(immich, ProductSettings)
    assert immich.speaks == "2.7"
    assert not settings.dialects["shoko"].enabled


def test_an_empty_variable_is_not_set() -> None:
    """Compose files leave a variable out by making it empty, so an empty one changes nothing."""
    settings = read(
        "server.port = 9",
        {"DRAGOMAN_SERVER__PORT": "", "DRAGOMAN_MASTER_KEY_FILE": "", "DRAGOMAN_CONFIG": ""},
    )
    assert settings.server.port == 9
    assert settings.master_key is None


def test_the_file_is_named_or_found() -> None:
    """The file is the caller's, else the one in DRAGOMAN_CONFIG, else ./dragoman.toml if there is one."""
    Path("dragoman.toml").write_text("server.port = 1", encoding="utf-8")
    Path("named.toml").write_text("server.port = 2", encoding="utf-8")
    Path("flag.toml").write_text("server.port = 3", encoding="utf-8")
    named = {"DRAGOMAN_CONFIG": "named.toml"}
    assert load(None, {}).server.port == 1
    assert load(None, named).server.port == 2
    assert load(Path("flag.toml"), named).server.port == 3


def test_variables_of_others_are_left_alone() -> None:
    """Only variables that start with DRAGOMAN_ are ours."""
    assert read(environ={"PATH": "/bin", "PORT": "1", "dragoman_server__port": "1"}) == read()


@pytest.mark.parametrize(
    ("content", "password"), [("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")]
)
def test_a_secret_may_be_in_a_file(content: str, password: str) -> None:
    """`…_FILE` and `…_file` name a file whose text is the secret, less one newline at its end."""
    Path("secret").write_bytes(content.encode())
    by_variable = read("first_admin.username = 'a'", {"DRAGOMAN_FIRST_ADMIN__PASSWORD_FILE": "secret"})
    by_file = read("first_admin = { username = 'a', password_file = 'secret' }")
    for settings in (by_variable, by_file):
        assert settings.first_admin is not None
        assert settings.first_admin.password.get_secret_value() == password


def test_a_dialects_secret_may_be_in_a_file() -> None:
    """What a dialect's own model declares secret, however deep, gets the same treatment."""
    Path("secret").write_text("s3cret", encoding="utf-8")
    settings = read(environ={"DRAGOMAN_DIALECTS__IMMICH__OAUTH__CLIENT_SECRET_FILE": "secret"})
    immich = settings.dialects["immich"]
    assert isinstance(immich, ProductSettings)
    assert immich.oauth.client_secret == SecretStr("s3cret")


def test_a_stronger_source_overrides_a_secrets_file() -> None:
    """A variable with the secret wins over the file's `password_file`, which is not even opened."""
    settings = read(
        "first_admin = { username = 'a', password_file = 'absent' }",
        {"DRAGOMAN_FIRST_ADMIN__PASSWORD": "from the environment"},
    )
    assert settings.first_admin is not None
    assert settings.first_admin.password.get_secret_value() == "from the environment"


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://id.example.org", "https://id.example.org"),
        ("HTTPS://ID.example.org:443/", "https://id.example.org"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_a_base_url_has_one_form(given: str, normal: str) -> None:
    """Scheme and host are lower-cased, the scheme's own port and a final slash go."""
    assert read(environ={"DRAGOMAN_SERVER__BASE_URL": given}).server.base_url == normal


@pytest.mark.parametrize(
    ("given", "connection", "display"),
    [
        ("sqlite:///d/x.db", "sqlite:///d/x.db", "sqlite:///d/x.db"),
        ("sqlite:////var/lib/x@y.db", "sqlite:////var/lib/x@y.db", "sqlite:////var/lib/x@y.db"),
        ("postgresql://h/d", "postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        (
            "postgresql://u:p%40s@h:5432/d?sslmode=require",
            "postgresql+psycopg://u:p%40s@h:5432/d?sslmode=require",
            "postgresql+psycopg://u:********@h:5432/d?sslmode=require",
        ),
        ("postgresql+psycopg://u:@/d?host=/run/pg", *["postgresql+psycopg://u:@/d?host=/run/pg"] * 2),
    ],
)
def test_a_database_url_is_shown_without_its_password(given: str, connection: str, display: str) -> None:
    """PostgreSQL means psycopg; the URL to connect with keeps its password, the one to show has stars."""
    database = read(environ={"DRAGOMAN_DATABASE__URL": given}).database
    assert database.connection_url == connection
    assert database.display_url == display.replace("u:@", "u@")


@pytest.mark.parametrize(
    ("url", "connection"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u:p%40%2F%3A%20%C3%A9@h/d"),
        ("postgresql://h/d", "postgresql+psycopg://:p%40%2F%3A%20%C3%A9@h/d"),
    ],
)
def test_a_database_password_of_its_own_is_put_into_the_url(url: str, connection: str) -> None:
    """`database.password` takes any character; it is percent-encoded where the URL has its place."""
    database = read(environ={"DRAGOMAN_DATABASE__URL": url, "DRAGOMAN_DATABASE__PASSWORD": "p@/: é"}).database
    assert database.connection_url == connection
    assert "********" in database.display_url
    assert "%40" not in database.display_url


def test_the_first_master_key_seals_and_all_open() -> None:
    """Master keys keep their order; commas, spaces and newlines part them; both base64 alphabets do."""
    given = read(environ={"DRAGOMAN_MASTER_KEY": f" {KEY},\n{OTHER_KEY} "}).master_key
    assert given is not None
    keys = parse(given.get_secret_value(), source="here")
    assert keys.first.material == bytes(range(32))
    other = MasterKeys([b"\xff" * 32]).first
    assert keys.get(other.id).material == other.material


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound here
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example.org", False),
    ],
)
def test_a_server_on_loopback_knows_it(host: str, alone: bool) -> None:
    """Only a loopback address or the name localhost keeps other machines out."""
    assert read(environ={"DRAGOMAN_SERVER__HOST": host}).loopback_only is alone


def test_a_dialects_host_is_a_lower_case_name() -> None:
    """A dialect's host name is compared with what the Host header names, so it has the same form."""
    assert (
        read("dialects.immich.host = 'Photos.Example.org.'").dialects["immich"].host == "photos.example.org"
    )


def test_settings_are_frozen() -> None:
    """Once loaded, a configuration does not change."""
    settings = read()
    with pytest.raises(ValidationError):
        settings.server.port = 1


def test_settings_reach_worker_processes() -> None:
    """A configuration can be handed to another process as it is."""
    settings = read("master_key = '" + KEY + "'")
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes


# --- what is refused ----------------------------------------------------------------------------------


def test_every_problem_is_named_at_once_with_its_place() -> None:
    """Whoever starts the server learns of every mistake in one go: setting, place, value, what is allowed."""
    problems = refused(
        """\
        [server]
        port = "80"
        prot = 1

        [dialects.immich]
        speaks = 1.134
        """,
        {"DRAGOMAN_LOG__LEVEL": "loud", "DRAGOMAN_SERVER__WORKERS": "0"},
        overrides={"server": {"threads": 0}},
    )
    takes = (
        "host, port, workers, base_url, trusted_proxies, max_body_bytes, threads, hash_threads, hash_queue, "
        "hash_wait_seconds, notice_seconds, shutdown_seconds"
    )
    assert problems == [
        f'server.prot (here.toml:3): is not a setting; did you mean "server.port"?; [server] takes: {takes}',
        'dialects.immich.speaks (here.toml:6): must be "1.134" or "2.7", given 1.134',
        'server.port (here.toml:2): must be a whole number from 0 to 65535, given "80"',
        "server.workers (DRAGOMAN_SERVER__WORKERS): must be a whole number from 1 to 64, given 0",
        "server.threads (command line): must be a whole number from 1 to 256, given 0",
        'log.level (DRAGOMAN_LOG__LEVEL): must be "debug", "info", "warning" or "error", given "loud"',
    ]


def test_the_refusal_reads_as_a_list() -> None:
    """The exception's own text is what the operator sees: a headline and a line for each problem."""
    with pytest.raises(SettingsError) as caught:
        load(None, {"DRAGOMAN_SERVER__PORT": "x"})
    assert str(caught.value) == (
        "the configuration is refused:\n"
        '  server.port (DRAGOMAN_SERVER__PORT): must be a whole number from 0 to 65535, given "x"'
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("DRAGOMAN_SERVER__PROT", "did you mean DRAGOMAN_SERVER__PORT?"),
        ("DRAGOMAN_SERVER_PORT", "did you mean DRAGOMAN_SERVER__PORT?"),
        ("DRAGOMAN_server__port", "did you mean DRAGOMAN_SERVER__PORT?"),
        ("DRAGOMAN_SEVER__PORT", "did you mean DRAGOMAN_SERVER__PORT?"),
        ("DRAGOMAN_SERVER__PORT__X", "did you mean DRAGOMAN_SERVER__PORT?"),
        ("DRAGOMAN_MEMORY_KIB", "did you mean DRAGOMAN_PASSWORDS__ARGON2__MEMORY_KIB?"),
        ("DRAGOMAN_MASTERKEY_FILE", "did you mean DRAGOMAN_MASTER_KEY_FILE?"),
        ("DRAGOMAN_SERVER__PORT_FILE", "[server] takes: host, port"),
        ("DRAGOMAN_SERVER", "the top level takes: server, database, master_key, master_key_file"),
        ("DRAGOMAN_DIALECTS__KAVITA__PATH", "is not a dialect; [dialects] takes: immich, shoko"),
        ("DRAGOMAN_", "the top level takes"),
        ("DRAGOMAN_PORT_8080_TCP_ADDR", "Kubernetes sets it"),
        ("DRAGOMAN_SERVICE_HOST", "Kubernetes sets it"),
    ],
)
@pytest.mark.parametrize("value", ["hunter2", ""])
def test_an_unknown_variable_is_refused_with_a_hint(name: str, hint: str, value: str) -> None:
    """A misspelt variable stops the start, even an empty one, and its value, perhaps a secret, is not shown."""
    (problem,) = refused(environ={name: value})
    assert problem.startswith(f"{name} (environment): is not a ")
    assert hint in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("toml", "start"),
    [
        ("prot = 1", "prot (here.toml:1): is not a setting; the top level takes: server,"),
        ("port = 1", 'port (here.toml:1): is not a setting; did you mean "server.port"?'),
        ("\n[sever.x]\ny = 1", 'sever (here.toml:2): is not a setting; did you mean "server"?'),
        ("server = 5", "server (here.toml:1): must be a table, [server]"),
        (
            "[dialects]\nkavita.path = '/k'",
            "dialects.kavita (here.toml:2): is not a dialect; [dialects] takes: immich,",
        ),
        (
            "[dialects.immich]\nspeak = 'x'",
            'dialects.immich.speak (here.toml:2): is not a setting; did you mean "',
        ),
        (
            "[server.port]\nx = 1",
            "server.port (here.toml:1): must be a whole number from 0 to 65535, given {",
        ),
        (
            "passwords.policy_file = 'x'",
            'passwords.policy_file (here.toml:1): is not a setting; did you mean "pass',
        ),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_a_hint(toml: str, start: str) -> None:
    """A name that is no setting stops the start; the line is given, and what may stand there instead."""
    (problem,) = refused(toml)
    assert problem.startswith(start)


def test_without_dialects_none_is_known() -> None:
    """Where no dialect is installed the table takes none, and says so."""
    with pytest.raises(SettingsError, match=r"is not a dialect; \[dialects\] takes: nothing"):
        load(None, {"DRAGOMAN_DIALECTS__IMMICH__PATH": "/x"})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SERVER__PORT", ["-1", "65536", "80.0", "http", "0x50", "9" * 5000]),
        ("SERVER__WORKERS", ["0", "65"]),
        ("SERVER__HOST", ["[::1]", "localhost:80", "1.2.3.4:80", "a b", "http://h", "é"]),
        (
            "SERVER__BASE_URL",
            ["id.example.org", "//id.example.org", "ftp://h", "https://", "https://h/p", "https://h?", "https://h#",
             "https://h:x", "https://h:70000", "https://a b", "https://h\n", "https://bücher.example", "https:/h"],
        ),
        ("SERVER__TRUSTED_PROXIES", ["all", "10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.0/104"]),
        ("SERVER__MAX_BODY_BYTES", ["0", "1MiB"]),
        ("SERVER__HASH_WAIT_SECONDS", ["0", "61", "nan", "inf", "soon"]),
        ("PASSWORDS__POLICY", ["Standard", "none"]),
        ("PASSWORDS__ARGON2__MEMORY_KIB", ["8", "99999999"]),
        ("THROTTLE__LOCK_AFTER", ["0", "101", "9"]),
        ("THROTTLE__LONGEST_DELAY_SECONDS", ["0"]),
        ("SETUP__OPEN", ["yes"]),
        ("LOG__FORMAT", ["xml"]),
        ("FIRST_ADMIN__EMAIL", ["nobody", "@x", "x@", "a\x1b@b"]),
        ("DIALECTS__IMMICH__ENABLED", ["maybe"]),
        ("DIALECTS__IMMICH__PATH", ["immich", "/", "/immich/", "//immich", "/a//b", "/a/../b", "/.", "/a?b", "/a b", "/%41",
                                    "/immich\n"]),
        ("DIALECTS__IMMICH__HOST", ["https://h", "h:80", "h/p", "a..b", "*.example.org"]),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(name: str, values: list[str]) -> None:
    """What a setting does not take stops the start, and the message quotes it with the variable's name."""
    for value in values:
        environ = {f"DRAGOMAN_{name}": value}
        if name.startswith("FIRST_ADMIN"):
            environ["DRAGOMAN_FIRST_ADMIN__PASSWORD"] = "irrelevant"
        (problem,) = refused(environ=environ)
        assert f"({'DRAGOMAN_' + name}): must " in problem, value
        assert ", given " in problem, value
        assert problem.isprintable(), value


@pytest.mark.parametrize(
    "toml",
    [
        "server.port = true",
        "server.port = 80.0",
        "server.workers = '2'",
        "server.hash_wait_seconds = '1'",
        "server.host = 127",
        "server.trusted_proxies = 10",
        "server.trusted_proxies = [10]",
        "server.trusted_proxies = { a = 1 }",
        "dialects.immich.enabled = 1",
        "dialects.immich.enabled = 'true'",
        "dialects.immich.path = ['/x']",
        "log.level = []",
        "first_admin = { password = 5, username = 'a' }",
        "first_admin = { password_file = 5, username = 'a' }",
    ],
)
def test_the_file_does_not_guess_types(toml: str) -> None:
    """TOML has types, so text is no number there, and a number no truth."""
    (problem,) = refused(toml)
    assert "(here.toml:1): must be " in problem


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/d",
        "postgres://u:hunter2@h/d",
        "hunter2",
        "postgresql+asyncpg://u:hunter2@h/d",
        "postgresql:/u:hunter2@h/d",
        "postgresql://u:hun/ter2@h/d",
        "postgresql://u:hun@hunter2@h/d",
        "postgresql://u:hunter2?@h/d",
        "postgresql://u:hunter2#@h/d",
        "postgresql://h/d?password=hunter2",
        "postgresql://h/d?sslpassword=hunter2",
        "postgresql://u:hunter2 @h/d",
        "postgresql://u:hunter2\n@h/d",
        "sqlite://hunter2",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///x?hunter2",
    ],
)
def test_a_wrong_database_url_is_refused_unseen(url: str) -> None:
    """A URL of another database, or one whose password could not be told apart, is refused, never quoted."""
    (problem,) = refused(environ={"DRAGOMAN_DATABASE__URL": url})
    assert problem.startswith("database.url (DRAGOMAN_DATABASE__URL): must ")
    assert "hun" not in problem


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "sqlite:///x"])
def test_a_database_password_must_have_its_one_place(url: str) -> None:
    """A password besides the one in the URL, or for SQLite, is a mistake and not silently dropped."""
    (problem,) = refused(environ={"DRAGOMAN_DATABASE__URL": url, "DRAGOMAN_DATABASE__PASSWORD": "hunter2"})
    assert problem.startswith("database.password (DRAGOMAN_DATABASE__PASSWORD): must not be set")
    assert "hunter2" not in problem


@pytest.mark.parametrize("key", ["hunter2", KEY[:-4], f"{KEY},x", ",", "é", KEY + KEY])
def test_a_wrong_master_key_is_refused_unseen(key: str) -> None:
    """A master key that is not 32 bytes of base64 stops the start and is not quoted."""
    (problem,) = refused(environ={"DRAGOMAN_MASTER_KEY": key})
    assert problem.startswith("master_key (DRAGOMAN_MASTER_KEY): must be one or several keys of 32 bytes")
    assert "given" not in problem
    assert key.strip(",") not in problem or key == ","


@pytest.mark.parametrize(
    ("toml", "environ"),
    [
        ("", {"DRAGOMAN_MASTER_KEY": KEY, "DRAGOMAN_MASTER_KEY_FILE": "key"}),
        (f"master_key = '{KEY}'\nmaster_key_file = 'key'", {}),
    ],
)
def test_a_secret_given_twice_is_refused(toml: str, environ: dict[str, str]) -> None:
    """A secret and its file in one source contradict each other, even if they agree today."""
    Path("key").write_text(KEY, encoding="utf-8")
    (problem,) = refused(toml, environ)
    assert "is given twice" in problem
    assert KEY not in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        (b"x" * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
    ],
)
def test_a_secrets_file_must_hold_a_secret(content: bytes | None, reason: str) -> None:
    """A file that is absent, empty, huge or no text is one problem, named with the variable and the path."""
    if content is not None:
        Path("secret").write_bytes(content)
    problems = refused("first_admin.username = 'a'", {"DRAGOMAN_FIRST_ADMIN__PASSWORD_FILE": "secret"})
    assert problems == [f'first_admin.password (DRAGOMAN_FIRST_ADMIN__PASSWORD_FILE): file "secret" {reason}']


def test_a_secret_that_is_too_short_is_not_shown() -> None:
    """An empty password in the file is refused as empty."""
    assert refused("first_admin = { username = 'a', password = '' }") == [
        "first_admin.password (here.toml:1): must not be empty"
    ]


@pytest.mark.parametrize(
    ("toml", "problems"),
    [
        (
            "name = 'x'",
            [
                "first_admin.username: must be set, or first_admin.email",
                "first_admin.password: is missing; DRAGOMAN_FIRST_ADMIN__PASSWORD sets it",
            ],
        ),
        ("email = 'a@b'", ["first_admin.password: is missing; DRAGOMAN_FIRST_ADMIN__PASSWORD sets it"]),
        ("password = 'x'", ["first_admin.username: must be set, or first_admin.email"]),
    ],
)
def test_a_first_administrator_is_whole_or_absent(toml: str, problems: list[str]) -> None:
    """A first administrator needs a password, and an e-mail address or a username."""
    assert refused(f"[first_admin]\n{toml}") == problems


def test_a_file_of_authorities_holds_certificates(tmp_path: Path) -> None:
    """One that is absent or holds none stops the start, not the first request."""
    wanted = "must be the path of a file of certificates in PEM form"
    (tmp_path / "ca.pem").write_text("not a certificate")
    for path in ("ca.pem", "absent.pem"):
        (problem,) = refused(environ={"DRAGOMAN_OUTGOING__CA_FILE": str(tmp_path / path)})
        assert wanted in problem


def test_workers_share_one_port() -> None:
    """With port 0 every worker would listen somewhere else, so that is refused."""
    (problem,) = refused("server = { port = 0, workers = 2 }")
    assert problem.startswith("server.workers (here.toml:1): must be 1 while server.port is 0")
    assert read("server.port = 0").server.port == 0


def test_throttling_only_gets_stricter() -> None:
    """Delays grow towards the longest, and come before the lock; the other way round is refused."""
    assert refused("[throttle]\nfirst_delay_seconds = 10\nlongest_delay_seconds = 5\nlock_after = 9") == [
        "throttle.longest_delay_seconds (here.toml:3): must not be less than throttle.first_delay_seconds, given 5",
        "throttle.lock_after (here.toml:4): must not be less than throttle.free_attempts, given 9",
    ]
    throttle = read("[throttle]\nfree_attempts = 5\nlongest_delay_seconds = 5\nlock_after = 5").throttle
    assert (throttle.longest_delay_seconds, throttle.lock_after) == (5, 5)


def test_a_wrong_database_url_does_not_blame_its_password() -> None:
    """The password is judged only beside a URL that is right."""
    environ = {"DRAGOMAN_DATABASE__URL": "mysql://h", "DRAGOMAN_DATABASE__PASSWORD": "hunter2"}
    (problem,) = refused(environ=environ)
    assert problem.startswith("database.url ")


@pytest.mark.parametrize(
    ("toml", "name"),
    [
        ("shoko.path = '/immich'", "dialects.shoko.path (here.toml:2)"),
        ("immich.path = '/shoko'", "dialects.shoko.path (here.toml:2)"),
        ("immich.host = 'h'\nshoko.host = 'H'", "dialects.shoko.host (here.toml:3)"),
    ],
)
def test_two_dialects_do_not_share_a_place(toml: str, name: str) -> None:
    """A path or host name leads to one dialect; a default counts like a choice."""
    (problem,) = refused(f"[dialects]\n{toml}")
    assert problem.startswith(f"{name}: must not be that of dialects.immich, given ")


def test_a_dialect_not_served_claims_no_place() -> None:
    """The path of a disabled dialect is free for another."""
    settings = read("[dialects]\nshoko.enabled = false\nimmich.path = '/shoko'")
    assert settings.dialects["immich"].path == "/shoko"


@pytest.mark.parametrize(("text", "place"), [("a = 1\nb = =", "here.toml:2"), ("a = 'x", "here.toml")])
def test_a_file_that_is_no_toml_is_refused_with_its_line(text: str, place: str) -> None:
    """A slip of syntax is a problem like others: its line is named, and the environment is still checked."""
    problems = refused(text, {"DRAGOMAN_LOG__FORMAT": "xml"})
    assert problems[0].startswith(f"config ({place}): is not valid TOML")
    assert problems[1].startswith("log.format")


def test_a_file_that_was_named_must_be_there() -> None:
    """A configuration file that was asked for and cannot be read stops the start, and who named it is said."""
    for path, environ, named_by in (
        (Path("absent.toml"), {}, "command line"),
        (None, {"DRAGOMAN_CONFIG": "absent.toml"}, "DRAGOMAN_CONFIG"),
    ):
        with pytest.raises(SettingsError) as caught:
            load(path, environ)
        assert list(map(str, caught.value.problems)) == [
            f"config ({named_by}): absent.toml cannot be read: No such file or directory"
        ]


def test_lines_are_found_whatever_the_style() -> None:
    """Tables, dotted and quoted keys, inline tables and values of several lines each begin on their line."""
    text = dedent(
        """\
        # a comment
        top = 1
        [server]
        hosts = [
          "a", # [not.a.table]
        ]

        text = '''
        [nor.this]
        x = 1
        '''
        a."b c".d = { e = 1 }
        [ "x" . y ]
        k = 1
        [[list]]
        m = 1
        """
    )
    lines = lines_of(text)
    assert lines == {
        ("top",): 2,
        ("server",): 3,
        ("server", "hosts"): 4,
        ("server", "text"): 8,
        ("server", "a"): 12,
        ("server", "a", "b c"): 12,
        ("server", "a", "b c", "d"): 12,
        ("server", "a", "b c", "d", "e"): 12,
        ("x",): 13,
        ("x", "y"): 13,
        ("x", "y", "k"): 14,
        ("list",): 15,
        ("list", "m"): 16,
    }
    assert lines_of(text.replace("\n", "\r\n")) == lines


@given(st.text(st.sampled_from("[]{}=\"'#\\ \r\nab1.,"), max_size=60))
def test_every_key_of_a_valid_file_has_a_line(text: str) -> None:
    """Whatever tomllib accepts, the line finder finds its way through."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    assert {path[0] for path in lines} == set(tree)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


# --- what is shown ------------------------------------------------------------------------------------

SECRETS = {
    "DRAGOMAN_MASTER_KEY": KEY,
    "DRAGOMAN_DATABASE__URL": "postgresql://dragoman:hunter2@db/dragoman",
    "DRAGOMAN_FIRST_ADMIN__USERNAME": "admin",
    "DRAGOMAN_FIRST_ADMIN__PASSWORD": "hunter2",
    "DRAGOMAN_DIALECTS__IMMICH__OAUTH__CLIENT_SECRET": "hunter2",
}


def test_secrets_are_not_printed() -> None:
    """No way to print a configuration shows a secret in it."""
    settings = read(environ=SECRETS)
    for text in (
        repr(settings),
        str(settings),
        f"{settings}",
        settings.model_dump_json(),
        str(settings.to_public_dict()),
    ):
        assert "hunter2" not in text
        assert KEY not in text


def test_the_public_form_is_the_whole_configuration() -> None:
    """`config show` prints every setting as plain data, with stars for secrets that are set."""
    public = read("server.trusted_proxies = ['10.0.0.0/8']", SECRETS).to_public_dict()
    assert public["server"]["trusted_proxies"] == ["10.0.0.0/8"]
    assert public["master_key"] == "********"
    assert public["database"] == {
        "url": "postgresql+psycopg://dragoman:********@db/dragoman",
        "password": None,
        "wait_seconds": 30,
    }
    assert public["first_admin"]["password"] == "********"
    assert public["dialects"]["immich"] == {
        "enabled": True,
        "path": "/immich",
        "check_permission": None,
        "host": None,
        "speaks": "1.134",
        "oauth": {"client_secret": "********"},
    }


def test_a_quoted_value_does_not_carry_credentials() -> None:
    """A URL with a password in the wrong place is refused without being quoted."""
    (problem,) = refused(environ={"DRAGOMAN_SERVER__BASE_URL": "https://u:hunter2@h"})
    assert "hunter2" not in problem
    assert "not shown" in problem


def test_a_long_value_is_quoted_in_part() -> None:
    """A message stays readable whatever was given."""
    (problem,) = refused(environ={"DRAGOMAN_SERVER__HOST": "x " * 5000})
    assert len(problem) < 300


def test_every_setting_is_described() -> None:
    """The configuration table has a row for each setting, with a text, and its variable is the one read."""
    rows = {row.name: row for row in describe(DIALECTS)}
    assert rows["server.port"].env == "DRAGOMAN_SERVER__PORT"
    assert rows["server.port"].type == "a whole number from 0 to 65535"
    assert rows["server.port"].default == "8080"
    assert rows["server.base_url"].default == ""
    assert rows["database.url"].default == "sqlite:///data/dragoman.db"
    assert rows["dialects.immich.speaks"].type == '"1.134" or "2.7"'
    assert rows["config"].env == "DRAGOMAN_CONFIG"
    assert [row.name for row in rows.values() if not row.text] == ["dialects.immich.oauth.client_secret"]
    assert "dialects.<name>.host" in {row.name for row in describe()}


def test_every_described_variable_is_read() -> None:
    """Each variable of the table, given nonsense, is refused by name: none is only documented."""
    for row in describe(DIALECTS):
        if row.type != "text" and row.name != "dialects.immich.oauth.client_secret":
            value = "" if row.type.startswith("secret") else "nonsense!"
            environ = {f"{row.env}_FILE": "absent"} if row.type == "secret text" else {row.env: value}
            assert any(row.env in problem for problem in refused(environ=environ)), row


def test_importing_reads_nothing_and_costs_little() -> None:
    """Settings load without the server's packages, and the environment is not looked at on import."""
    program = (
        "import sys, dragoman.settings;"
        "print(sorted({'structlog', 'sqlalchemy', 'starlette', 'pydantic_settings', 'rich'} & set(sys.modules)))"
    )
    environ = {**os.environ, "DRAGOMAN_SERVER__PORT": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_hash_that_costs_too_much_is_refused() -> None:
    """Memory times passes is bounded, so that no sign-in takes the machine down."""
    with pytest.raises(SettingsError, match="memory_kib"):
        load(None, {}, overrides={"passwords": {"argon2": {"memory_kib": 1048576, "passes": 5}}})
