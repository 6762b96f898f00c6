"""The command line: every verb, what it prints, and the code it ends with."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha512
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
import typer.main
from sqlalchemy import insert, update
from tests.command import CHEAP, PROGRAM, Command, Ended, typing
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.people import ALICE, BOB, presenting, rows

from dragoman.building import dialect_models, make_core
from dragoman.cli import app
from dragoman.cli.printing import safe
from dragoman.core import accounts, audit, elevation, factors, login, sessions, upstream
from dragoman.core.database import Database
from dragoman.core.errors import CredentialRefused, Throttled, WrongCredentials
from dragoman.core.master_keys import parse
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.migrations import HEAD
from dragoman.openapi import document
from dragoman.settings import load

HERE = Origin("immich", address="192.0.2.7", network="192.0.2.7")


@pytest.fixture
def alice(command: Command) -> dict[str, Any]:
    """An administrator, as `account add --json` shows her."""
    words = ("account", "add", "--admin", "--email", ALICE, "--name", "Alice", "--password-stdin", "--json")
    added: dict[str, Any] = ok(command(*words, stdin=PASSWORD)).json
    return added


@pytest.fixture
def core(command: Command) -> Iterator[Core]:
    """The core on the same database, as a server beside the command line has it."""
    url = f"sqlite:///{command.folder}/data/dragoman.db"
    told = {"database": {"url": url}, "throttle": {"free_attempts": 1, "lock_after": 1}}
    made = make_core(load(None, command.environ, overrides=told, dialect_models=dialect_models()))
    yield made
    made.database.dispose()


def ok(ended: Ended) -> Ended:
    """What ended well."""
    assert ended.code == 0, ended.err
    return ended


def sign_in(core: Core, name: str = ALICE, password: str = PASSWORD) -> Secret:
    """The secret of a new session."""
    return login.log_in(core, HERE, name, Secret(password), Device()).secret


def lets_in(core: Core, name: str = ALICE, password: str = PASSWORD) -> bool:
    """Whether this name and password open a session."""
    try:
        sign_in(core, name, password)
    except WrongCredentials:
        return False
    return True


def answers(core: Core, secret: Secret, kind: Literal["session", "api_key"] = "session") -> bool:
    """Whether a credential is good."""
    try:
        presenting(core, secret, kind)
    except CredentialRefused:
        return False
    return True


# --- the frame ----------------------------------------------------------------------------------------


def commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb in a group, by its full name."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, f"{above}{name} ")
        else:
            yield f"{above}{name}", each


VERBS = dict(commands(typer.main.get_command(app)))
SERVER_VERBS = sorted(set(VERBS) - {"version", "login", "health"})


def test_the_verbs_are_these() -> None:
    """There are exactly the verbs that the documentation names."""
    assert set(VERBS) == {
        "serve",
        "diff",
        *(
            f"account {verb}"
            for verb in (
                "add",
                "invite",
                "list",
                "show",
                "edit",
                "disable",
                "enable",
                "unlock",
                "unlink",
                "password",
                "delete",
                "restore",
                "reset",
                "drop-factor",
                "ask-factor",
            )
        ),
        *(f"key {verb}" for verb in ("issue", "list", "revoke")),
        *(f"outbox {verb}" for verb in ("list", "show", "retry")),
        *(f"secrets {verb}" for verb in ("rewrap", "rotate")),
        *(f"signing-key {verb}" for verb in ("list", "rotate")),
        *(f"session {verb}" for verb in ("list", "revoke")),
        "audit",
        "backup",
        "restore",
        "db copy",
        "health",
        "login",
        *(f"config {verb}" for verb in ("show", "check")),
        "openapi",
        "migrate",
        "version",
    }


def test_help_lists_the_verbs_and_what_the_codes_mean(command: Command) -> None:
    """`--help` names every verb or its group, and each exit code with its meaning."""
    shown = ok(command("--help")).out
    assert {verb.partition(" ")[0] for verb in VERBS} <= set(re.findall(r"^  ([\w-]+)", shown, re.MULTILINE))
    assert re.findall(r"^ {4}(\d)  \w+", shown, re.MULTILINE) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(command: Command, verb: str) -> None:
    """Each verb has help that begins with a sentence, and each of its options and arguments a word of its own."""
    shown = ok(command(*verb.split(), "--help")).out
    assert re.fullmatch(r"  [A-Z].+\.", shown.split("\n\n")[1], re.DOTALL)
    assert all(getattr(parameter, "help", None) for parameter in VERBS[verb].params)


def test_help_answers_at_once() -> None:
    """`dragoman --help` takes less than 600 ms, twice what it may take on a machine that does nothing else."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([str(PROGRAM), "--help"], check=True, capture_output=True)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.6


def test_the_outline_of_the_verbs_imports_nothing_heavy() -> None:
    """Importing the command line imports none of the server's packages, and neither Rich nor pydantic."""
    program = "import dragoman.cli, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    imported = set(ran.stdout.split())
    assert "typer" in imported
    assert not imported & (server_packages() | {"rich", "pydantic", "httpx2"})


def server_packages() -> set[str]:
    """The top-level modules that only the extra `server` brings."""
    lines = distribution("dragoman").requires or []
    names = [re.split(r"[^\w.-]", line)[0] for line in lines if re.search(r"extra == .server.", line)]
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    owners = packages_distributions().items()
    return {module for module, of in owners if {re.sub(r"[-_.]+", "-", each).lower() for each in of} & normal}


BARE = """
import sys
from importlib.abc import MetaPathFinder

finders = sys.meta_path[:]

class Bare(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            return None
        return next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)

sys.meta_path[:] = [Bare()]
from dragoman.cli import main
for words in {verbs}:
    try:
        main(words)
    except SystemExit as end:
        print(f"{{' '.join(words)}}: {{end.code}}", file=sys.stderr)
"""
LEAST_WORDS = {
    "account ask-factor": ["x", "always"],
    "diff": ["immich", "1.134", "2.7"],
    "key issue": ["immich", "x"],
    "openapi": ["immich"],
    "key revoke": ["0" * 32],
    "outbox show": ["0" * 32],
    "session revoke": ["0" * 32],
    "signing-key rotate": ["aivo"],
}


def test_the_bare_install_says_that_the_server_is_needed(tmp_path: Path) -> None:
    """Without the extra, `version` and `--help` work; each server verb ends with 4 and says what to install."""
    words = [[*verb.split(), *LEAST_WORDS.get(verb, needed(verb))] for verb in SERVER_VERBS]
    packages = server_packages()
    assert {"sqlalchemy", "starlette", "uvicorn"} <= packages
    program = BARE.format(packages=packages, verbs=[["version"], ["--help"], *words])
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("Dragoman 0.1.0, client only\n")
    ended = dict(line.rsplit(": ", 1) for line in ran.stderr.splitlines() if re.search(r": \d$", line))
    assert ended.pop("version") == ended.pop("--help") == "0"
    assert ended == {" ".join(each): "4" for each in words}
    assert ran.stderr.count("pip install 'dragoman[server]'") == len(SERVER_VERBS)
    assert "Traceback" not in ran.stderr


def needed(verb: str) -> list[str]:
    """The fewest words after a verb that its outline accepts."""
    named = [] if verb != "account add" else ["--email", "a@example.org", "--no-password"]
    edited = ["--admin"] if verb == "account edit" else []
    return [*(["x"] * sum(each.required for each in VERBS[verb].params)), *named, *edited]


def test_no_option_takes_a_secret() -> None:
    """No option or argument takes a password, key or token as its value: they would show in the list of processes."""
    taking = {
        (verb, option)
        for verb, each in VERBS.items()
        for parameter in each.params
        if not getattr(parameter, "is_flag", False)
        for option in parameter.opts
        if re.search("pass|secret|token|pin|master", option)
    }
    files = {(verb, "--password-file") for verb in ("account add", "account password", "login")}
    files |= {(verb, "--passphrase-file") for verb in ("backup", "restore")}
    files |= {("db copy", f"--{end}-password-file") for end in ("from", "to")}
    assert taking == {*files, ("account add", "--password-hash-file")}
    read = {option for parameter in VERBS["account add"].params for option in parameter.opts}
    assert {"--password-stdin", "--password-file"} <= read
    assert "--password" not in read


@pytest.mark.parametrize("verb", sorted({*SERVER_VERBS} - {"diff", "db copy"}))
def test_every_server_verb_names_its_installation(verb: str) -> None:
    """Each verb of the server takes --config, but for those that compare releases, and copy from one to another.

    Each that opens the database takes --database.
    """
    options = {option for parameter in VERBS[verb].params for option in parameter.opts}
    assert "--config" in options
    assert ("--database" in options) == (verb != "openapi")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.split()[-1] in ("list", "show", "version")])
def test_every_listing_speaks_json(verb: str) -> None:
    """Whatever lists or shows has --json."""
    assert "--json" in {option for parameter in VERBS[verb].params for option in parameter.opts}


def test_python_m_is_the_same_program() -> None:
    """`python -m dragoman` is the command, by a name of its own in its help."""
    ran = subprocess.run(
        [sys.executable, "-m", "dragoman", "account", "--help"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("Usage: python -m dragoman account")


def test_version_says_what_is_installed(command: Command) -> None:
    """`version` prints the version and whether the server is there, `--json` the same for programs."""
    assert ok(command("version")).out == "Dragoman 0.1.0, client and server\n"
    assert ok(command("version", "--json")).json == {
        "version": "0.1.0",
        "python": sys.version.split()[0],
        "server": True,
    }


# --- account add --------------------------------------------------------------------------------------


def test_an_account_is_added_and_signs_in(command: Command, core: Core) -> None:
    """`account add` makes an account, says which and where, and its password opens a session."""
    ended = command("account", "add", "--admin", "--email", ALICE, "--password-stdin", stdin=PASSWORD + "\n")
    assert ok(ended).out == "Added account 1 (alice@example.org) to sqlite:///data/dragoman.db.\n"
    assert presenting(core, sign_in(core)).account.is_admin


def test_every_fact_that_was_asked_for_is_kept(command: Command) -> None:
    """The e-mail address, username, name and both flags of `account add` are what `account show` shows."""
    facts = ("--email", BOB, "--username", "bobby", "--name", "Bob B.", "--admin", "--must-change-password")
    ok(command("account", "add", *facts, "--password-stdin", stdin=PASSWORD))
    shown = ok(command("account", "show", "bobby", "--json")).json
    kept = ("email", "username", "name", "admin", "must_change_password", "has_password")
    assert [shown[name] for name in kept] == [BOB, "bobby", "Bob B.", True, True, True]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_gives_the_password_less_one_newline(command: Command, core: Core, ending: str) -> None:
    """A password file is the password, blanks and all, whether or not an editor put a newline at its end."""
    (command.folder / "secret").write_bytes(f" {PASSWORD} {ending}".encode())
    ok(command("account", "add", "--email", ALICE, "--password-file", "secret"))
    assert lets_in(core, password=f" {PASSWORD} ")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"p\xffq", "is not UTF-8 text"),
        (b"x" * 70_000, "too long"),
    ],
)
def test_an_unfit_password_file_is_refused(command: Command, content: bytes | None, why: str) -> None:
    """A file that is absent, empty, no text or far too long ends with 2 and a reason, and makes no account."""
    if content is not None:
        (command.folder / "secret").write_bytes(content)
    ended = command("account", "add", "--email", ALICE, "--password-file", "secret")
    assert ended.code == 2
    assert why in ended.err
    assert len(ended.err) < 200
    assert ok(command("account", "list", "--json")).json == []


def test_a_password_is_asked_for_twice_and_not_shown(tmp_path: Path, command: Command, core: Core) -> None:
    """On a terminal the password is asked for until it is typed twice alike, and no keystroke is echoed."""
    typed = [
        ("Password: ", PASSWORD),
        ("Once more: ", "a-slip"),
        ("Password: ", PASSWORD),
        ("Once more: ", PASSWORD),
    ]
    transcript = typing(tmp_path, ["account", "add", "--email", ALICE], typed, until="Added account 1")
    assert "do not match" in transcript
    assert PASSWORD not in transcript
    assert "a-slip" not in transcript
    assert lets_in(core)


def test_without_a_terminal_nobody_is_asked(command: Command) -> None:
    """A script that forgets to say where the password is ends with 2 and is told the options, not left waiting."""
    ended = command("account", "add", "--email", ALICE)
    assert ended.code == 2
    assert "--password-file" in ended.err
    assert "--password-stdin" in ended.err


def test_a_refused_password_is_refused_reason_by_reason(command: Command) -> None:
    """A password against the policy ends with 1; each reason has a line, the password none, and nobody is added."""
    ended = command("account", "add", "--email", "monkey@example.org", "--password-stdin", stdin="monkey")
    assert ended.code == 1
    first, *reasons = ended.err.splitlines()
    assert first == "dragoman: the password is refused:"
    assert len(reasons) == 3
    assert all(reason.startswith("  ") for reason in reasons)
    assert "monkey" not in ended.out + ended.err
    assert ok(command("account", "list", "--json")).json == []


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--email", "ALICE@example.org"], 1, "email is taken"),
        (["--username", "Alice"], 1, "username is taken"),
        (["--email", "nobody"], 1, "the email must be an e-mail address"),
        (["--username", "x", "--name", "a\x07b"], 1, "the display name must not contain control characters"),
        ([], 2, "needs --email or --username"),
        (["--username", "x", "--no-password"], 2, "exclude each other"),
        (["--username", "x", "--password-file", "f"], 2, "exclude each other"),
        (["--username", "x", "--password-hash-file", "f"], 2, "exclude each other"),
    ],
)
def test_what_cannot_be_added_is_refused(
    command: Command, alice: object, words: list[str], code: int, why: str
) -> None:
    """A name that is taken or none at all, and options that contradict each other, add nothing and say why."""
    ended = command("account", "add", *words, "--password-stdin", stdin=NEW_PASSWORD)
    assert (ended.code, ended.out) == (code, "")
    assert why in ended.err
    assert len(ok(command("account", "list", "--json")).json) == 1


@pytest.mark.parametrize(
    ("hashed", "password"),
    [(sha512(PASSWORD.encode()).hexdigest(), PASSWORD), ("", "")],
    ids=["sha512", "blank"],
)
def test_P_06_an_account_brings_its_hash_along(
    command: Command, core: Core, hashed: str, password: str
) -> None:
    """`--password-hash-file` takes over what another product stored; a blank password alone lets nobody in."""
    (command.folder / "hash").write_text(f"{hashed}\n")
    ok(command("account", "add", "--email", ALICE, "--password-hash-file", "hash"))
    assert ok(command("account", "show", ALICE, "--json")).json["has_password"] is True
    assert lets_in(core, password=password) is bool(password)


def test_an_unknown_hash_is_refused(command: Command) -> None:
    """What is no hash makes no account, and is not repeated."""
    (command.folder / "hash").write_text("my-password")
    ended = command("account", "add", "--email", ALICE, "--password-hash-file", "hash")
    assert (ended.code, ended.err) == (1, "dragoman: the hash is none of Argon2, bcrypt or SHA-512\n")
    assert ok(command("account", "list", "--json")).json == []


def test_an_account_without_a_password(command: Command, core: Core) -> None:
    """`--no-password` adds an account that nobody signs in to, and asks for nothing."""
    ok(command("account", "add", "--username", "robot", "--no-password"))
    assert ok(command("account", "show", "robot", "--json")).json["has_password"] is False
    assert not lets_in(core, "robot", "")


# --- account list and show ----------------------------------------------------------------------------


def add_robots(command: Command, *names: str) -> None:
    """Accounts without passwords, by their usernames."""
    for name in names:
        ok(command("account", "add", "--username", name, "--no-password"))


def test_accounts_are_listed_by_their_numbers(command: Command, alice: object) -> None:
    """`account list` has a line for each account, in order; off a terminal no line is folded or cut."""
    long = "robot-" + "x" * 200
    add_robots(command, long)
    head, first, second = ok(command("account", "list")).out.splitlines()
    assert head.split("  ")[0] == "Number"
    assert first.split()[:3] == ["1", "alice", ALICE]
    assert "administrator" in first
    assert second.split()[:2] == ["2", long]


def test_a_listing_goes_on_where_the_last_one_ended(command: Command) -> None:
    """`--limit` bounds a listing, which then says how to go on, and `--after` does."""
    add_robots(command, "a", "b", "c")
    page = command("account", "list", "--limit", "2")
    assert "--after 2" in ok(page).err
    rest = ok(command("account", "list", "--limit", "2", "--after", "2", "--json"))
    assert [account["username"] for account in rest.json] == ["c"]
    assert rest.err == ""


def test_deleted_accounts_are_listed_on_request(command: Command) -> None:
    """A deleted account is not in `account list`, and is with --deleted."""
    add_robots(command, "a", "b")
    ok(command("account", "delete", "a", "--yes"))
    listed = [
        [each["username"] for each in ok(command("account", "list", "--json", *more)).json]
        for more in ([], ["--deleted"])
    ]
    assert listed == [["b"], ["a", "b"]]


@pytest.mark.parametrize("by", ["email", "username", "number", "id"])
def test_an_account_answers_to_all_its_names(command: Command, alice: dict[str, Any], by: str) -> None:
    """NAME is an e-mail address or username in any case, a number or a UUID."""
    name = str(alice[by])
    for spelled in (name, name.upper()):
        assert ok(command("account", "show", spelled, "--json")).json["number"] == 1


def test_nobody_is_shown_for_an_unknown_name(command: Command) -> None:
    """A name that nobody has ends with 1."""
    ended = command("account", "show", "nobody")
    assert (ended.code, ended.out, ended.err) == (1, "", "dragoman: no such account\n")


def test_show_counts_what_hangs_on_an_account(command: Command, core: Core, alice: object) -> None:
    """`account show` tells the sessions, the keys and whether there is a PIN, in words and in JSON."""
    before = ok(command("account", "show", ALICE, "--json")).json
    assert [before[fact] for fact in ("sessions", "keys", "pin", "failed_attempts")] == [0, 0, False, 0]
    sign_in(core)
    elevation.set_pin(core, HERE, presenting(core, sign_in(core)), Secret("123456"))
    ok(command("key", "issue", "immich", ALICE))
    after = ok(command("account", "show", ALICE, "--json")).json
    assert [after[fact] for fact in ("sessions", "keys", "pin")] == [2, 1, True]
    lines = dict(
        re.split(r"  +", line, maxsplit=1) for line in ok(command("account", "show", ALICE)).out.splitlines()
    )
    assert (lines["Sessions"], lines["API keys"], lines["PIN"], lines["State"]) == (
        "2",
        "1",
        "set",
        "administrator",
    )


def test_a_second_factor_is_shown_and_dropped(command: Command, core: Core, alice: object) -> None:
    """`account show` tells whether codes are asked for, and `account drop-factor` lets in who lost the device."""
    seed, caller = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), presenting(core, sign_in(core))
    with core.begin(HERE, writes=True) as uow:
        shown = Secret(factors.code_at(factors.seed_of(seed), factors.step_at(uow.now)))
        factors.enable(uow, caller.account, seed, shown, by=caller)
    assert ok(command("account", "show", ALICE, "--json")).json["second_factor"] is True
    assert "enabled" in ok(command("account", "show", ALICE)).out
    dropped = ok(command("account", "drop-factor", ALICE))
    assert dropped.out == f"No codes are asked of account 1 ({ALICE}) any more.\n"
    assert lets_in(core)
    again = command("account", "drop-factor", ALICE)
    assert (again.code, again.err) == (1, "dragoman: the account has no second factor\n")


def test_R_06_a_locked_account_is_shown_and_unlocked(command: Command, core: Core, alice: object) -> None:
    """`account show` tells that guessing has locked an account, and `account unlock` lets its owner in again."""
    assert not lets_in(core, password="a guess")
    with pytest.raises(Throttled):
        sign_in(core)
    shown = ok(command("account", "show", ALICE, "--json")).json
    assert (shown["locked"], shown["failed_attempts"]) == (True, 1)
    assert shown["throttled_until"] is not None
    assert "locked after 1 failed attempts" in ok(command("account", "show", ALICE)).out
    ok(command("account", "unlock", ALICE))
    assert lets_in(core)
    assert ok(command("account", "show", ALICE, "--json")).json["locked"] is False


def test_links_to_other_providers_are_shown_and_undone(command: Command, core: Core, alice: object) -> None:
    """`account show` tells whom providers know somebody as, and `account unlink` forgets it."""
    row = {"issuer": "https://p.test", "subject": "a1", "account_number": 1, "linked_at": core.tools.clock()}
    with core.database.writing() as db:
        db.execute(insert(upstream.linked_identities).values(**row))
    assert "a1 at https://p.test" in ok(command("account", "show", ALICE)).out
    shown = ok(command("account", "show", ALICE, "--json")).json
    assert shown["identities"] == [{"issuer": "https://p.test", "subject": "a1"}]
    assert ok(command("account", "unlink", ALICE)).out == f"Unlinked account 1 ({ALICE}) from 1 identity.\n"
    assert ok(command("account", "show", ALICE, "--json")).json["identities"] == []
    assert command("account", "unlink", ALICE).out == f"Unlinked account 1 ({ALICE}) from 0 identities.\n"


def test_no_control_character_of_a_name_reaches_the_terminal(
    command: Command, alice: object, core: Core
) -> None:
    """An escape sequence that got into a name is shown as text, in tables, sentences and JSON alike."""
    evil = "Eve\x1b[2J\x07\x7f\x9b\u202e]0;"
    with core.database.writing() as db:
        db.execute(update(accounts.accounts).values(display_name=evil, email=evil, username=evil))
    for words in (["list"], ["list", "--json"], ["show", "1"], ["show", "1", "--json"], ["disable", "1"]):
        shown = ok(command("account", *words)).out
        assert "Eve" in shown
        assert not re.search(r"[^\n\x20-\x7e]", shown)
    answered = command("account", "show", "\x1b[2Jx")
    assert "\x1b" not in answered.out + answered.err
    assert safe(evil) == r"Eve\x1b[2J\x07\x7f\x9b\u202e]0;"
    assert safe("Zoë [b]Müller[/b]") == "Zoë [b]Müller[/b]"


# --- account edit, disable, delete, password ----------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--email", "new@example.org"], "email", "new@example.org"),
        (["--username", "newname"], "username", "newname"),
        (["--name", "New"], "name", "New"),
        (["--no-admin"], "admin", False),
        (["--must-change-password"], "must_change_password", True),
    ],
)
def test_edit_changes_what_it_names_alone(
    command: Command, alice: dict[str, Any], words: list[str], field: str, value: object
) -> None:
    """Each option of `account edit` changes its own fact and leaves the others."""
    ok(command("account", "edit", ALICE, *words))
    shown = ok(command("account", "show", "1", "--json")).json
    assert alice[field] != value
    assert {name: shown[name] for name in alice if name != "updated_at"} == {
        **{name: alice[name] for name in alice if name != "updated_at"},
        field: value,
    }


def test_edit_can_take_back_what_it_gave(command: Command, alice: object) -> None:
    """Both flags of `account edit` go both ways."""
    ok(command("account", "edit", ALICE, "--no-admin", "--must-change-password"))
    ok(command("account", "edit", ALICE, "--admin", "--no-must-change-password"))
    shown = ok(command("account", "show", ALICE, "--json")).json
    assert (shown["admin"], shown["must_change_password"]) == (True, False)


def test_edit_refuses_what_cannot_be(command: Command, alice: object) -> None:
    """`account edit` ends with 2 when there is nothing to change, with 1 when the name is somebody else's."""
    add_robots(command, "robot")
    assert command("account", "edit", ALICE).code == 2
    ended = command("account", "edit", ALICE, "--username", "ROBOT")
    assert (ended.code, ended.err) == (1, "dragoman: username is taken\n")


def test_a_disabled_account_lets_nobody_in_until_it_is_enabled(
    command: Command, core: Core, alice: object
) -> None:
    """`account disable` stops sessions and sign-ins at once; `account enable` undoes it."""
    secret = sign_in(core)
    ok(command("account", "disable", ALICE))
    assert not answers(core, secret)
    assert "disabled" in ok(command("account", "list")).out
    ok(command("account", "enable", ALICE))
    assert answers(core, secret)


def test_a_deletion_can_be_undone_and_a_purge_cannot(command: Command, core: Core, alice: object) -> None:
    """`account delete` keeps the account for `account restore`; with --purge nothing is left to restore."""
    secret = sign_in(core)
    ok(command("account", "delete", ALICE, "--yes"))
    assert not answers(core, secret)
    ok(command("account", "restore", ALICE))
    assert answers(core, secret)
    assert ok(command("account", "delete", ALICE, "--purge", "--yes")).out.endswith("for good.\n")
    assert command("account", "restore", "1").code == 1
    assert rows(core, sessions.sessions) == []


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1)])
def test_a_deletion_is_confirmed_on_a_terminal(
    command: Command, alice: object, typed: str, code: int, left: int
) -> None:
    """A person is asked before an account is deleted, and anything but yes deletes nothing."""
    ended = command("account", "delete", ALICE, answering=typed)
    assert ended.code == code
    assert f"Delete account 1 ({ALICE})?" in ended.err + ended.out
    assert len(ok(command("account", "list", "--json")).json) == left


def test_a_deletion_without_a_terminal_needs_a_yes(command: Command, alice: object) -> None:
    """A script deletes nothing unless it says --yes."""
    ended = command("account", "delete", ALICE, stdin="y\n")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert len(ok(command("account", "list", "--json")).json) == 1


@pytest.mark.parametrize("keep", [False, True])
def test_a_new_password_ends_the_sessions_unless_told_to_keep_them(
    command: Command, core: Core, alice: object, *, keep: bool
) -> None:
    """`account password` replaces the password and signs everybody out, but for --keep-sessions."""
    secret = sign_in(core)
    more = ["--keep-sessions"] if keep else []
    ok(command("account", "password", ALICE, "--password-stdin", *more, stdin=NEW_PASSWORD))
    assert ok(command("account", "show", ALICE, "--json")).json["sessions"] == (1 if keep else 0)
    assert lets_in(core, password=NEW_PASSWORD)
    if keep:
        assert answers(core, secret)
    assert not lets_in(core, password=PASSWORD)


def test_a_new_password_may_be_one_to_change(command: Command, core: Core, alice: object) -> None:
    """With --must-change the next sign-in is told to choose another password; a refused one changes nothing."""
    assert command("account", "password", ALICE, "--password-stdin", stdin="short").code == 1
    assert lets_in(core)
    (command.folder / "secret").write_text(NEW_PASSWORD)
    ok(command("account", "password", ALICE, "--password-file", "secret", "--must-change"))
    assert presenting(core, sign_in(core, password=NEW_PASSWORD)).account.must_change_password


def test_every_change_is_on_record(command: Command, core: Core) -> None:
    """Whatever the command line writes is in the audit log, as the command line's and by which user."""
    add = ("account", "add", "--email", ALICE, "--password-stdin")
    ok(command(*add, stdin=PASSWORD))
    ok(command("account", "edit", ALICE, "--admin"))
    for verb in ("disable", "enable", "unlock"):
        ok(command("account", verb, ALICE))
    sign_in(core)
    ok(command("account", "password", ALICE, "--password-stdin", stdin=NEW_PASSWORD))
    key = ok(command("key", "issue", "immich", ALICE, "--json")).json["id"]
    ok(command("key", "revoke", key))
    ok(command("account", "delete", ALICE, "--yes"))
    ok(command("account", "restore", ALICE))
    ok(command("account", "delete", ALICE, "--purge", "--yes"))
    lines = [row for row in rows(core, audit.audit_log) if row["dialect"] not in ("start", "immich")]
    assert [line["event"] for line in sorted(lines, key=lambda line: line["at"])] == [
        "account added",
        "account changed",
        "account disabled",
        "account enabled",
        "account unlocked",
        *sorted(["password changed", "sessions ended"], key=[line["event"] for line in lines].index),
        "key issued",
        "key revoked",
        "account deleted",
        "account restored",
        "account purged",
    ]
    assert {line["dialect"] for line in lines} == {"cli"}
    assert {line["account_number"] for line in lines} == {1}
    assert all(re.fullmatch(r"dragoman 0\.1\.0, user \S+", line["agent"]) for line in lines)


def test_R_06_the_verbs_work_on_each_engine(tmp_path: Path, database_url: str) -> None:
    """An account is added, found, unlocked, given a key and purged on SQLite and on PostgreSQL alike."""
    command = Command(tmp_path, {**CHEAP, "DRAGOMAN_MASTER_KEY": MASTER_KEY})
    at = ("--database", database_url)
    ok(command("account", "add", "--email", ALICE, "--password-stdin", *at, stdin=PASSWORD))
    ok(command("key", "issue", "immich", ALICE, *at))
    shown = ok(command("account", "show", "1", "--json", *at)).json
    assert [shown[fact] for fact in ("email", "keys", "failed_attempts", "locked")] == [ALICE, 1, 0, False]
    ok(command("account", "unlock", ALICE, *at))
    ok(command("account", "delete", ALICE, "--purge", "--yes", *at))
    assert ok(command("account", "list", "--deleted", "--json", *at)).json == []
    assert ok(command("key", "list", "--json", *at)).json == []


def test_data_keys_are_wrapped_under_a_new_master_key(tmp_path: Path, database_url: str) -> None:
    """With a new key first in the list `secrets rewrap` makes the old one needless; again, there is nothing to do."""
    new = base64.b64encode(b"n" * 32).decode()
    at = ("--database", database_url)

    def run(keys: str, *words: str) -> Ended:
        return Command(tmp_path, {**CHEAP, "DRAGOMAN_MASTER_KEY": keys})(*words, *at)

    ok(run(MASTER_KEY, "account", "list"))
    assert run(new, "account", "list").code == 3
    wrapped = ok(run(f"{new},{MASTER_KEY}", "secrets", "rewrap"))
    first = parse(new, source="").first.id
    assert wrapped.out == f"Wrapped 1 data key under the master key {first}.\n"
    assert "Restart" in wrapped.err
    ok(run(new, "account", "list"))
    assert run(MASTER_KEY, "account", "list").code == 3
    again = ok(run(new, "secrets", "rewrap"))
    assert again.out == f"All data keys are wrapped under the master key {first} already.\n"


def test_the_data_key_is_rotated_and_what_it_sealed_is_sealed_anew(command: Command, alice: object) -> None:
    """`secrets rotate` seals by a new key what the old one sealed; --resume makes none, and finds nothing left."""
    ok(command("signing-key", "rotate", "aivo"))
    rotated = ok(command("secrets", "rotate"))
    assert re.fullmatch(
        r"The data key [0-9a-f]{16} seals from now on\.\nSealed [1-9][0-9]* values? anew\.\n", rotated.out
    )
    assert "--resume" in rotated.err
    assert ok(command("secrets", "rotate", "--resume")).out == "Sealed 0 values anew.\n"
    assert "values sealed anew" in ok(command("audit")).out


# --- keys ---------------------------------------------------------------------------------------------


def test_no_key_is_issued_for_a_product_that_knows_none(command: Command, alice: object) -> None:
    """`key issue shoko` says that there is no such thing, and issues nothing."""
    ended = command("key", "issue", "shoko", ALICE)
    assert (ended.code, "Shoko has no API keys" in ended.err) == (2, True)
    assert ok(command("key", "list", "--json")).json == []


def test_a_key_is_shown_once_and_works(command: Command, core: Core, alice: object) -> None:
    """`key issue` prints the secret alone on standard output; it opens the account, and no listing shows it."""
    ended = ok(command("key", "issue", "immich", ALICE, "--name", "backup"))
    secret = ended.out.removesuffix("\n")
    assert re.fullmatch(r"[0-9A-Za-z]{40}", secret)
    assert secret not in ended.err
    principal = presenting(core, Secret(secret), "api_key")
    assert principal.account.number == 1
    assert principal.api_key is not None
    assert (principal.api_key.name, list(principal.api_key.permissions)) == ("backup", ["all"])
    listings = [
        command("key", "list"),
        command("key", "list", "--json"),
        command("account", "show", ALICE, "--json"),
    ]
    assert not any(secret in ok(listing).out + listing.err for listing in listings)


def test_a_key_looks_as_its_product_makes_them(command: Command, alice: object) -> None:
    """Portainer's keys begin with `ptr_`, and a listing shows three characters more."""
    secret = ok(command("key", "issue", "portainer", ALICE)).out.strip()
    assert re.fullmatch(r"ptr_[A-Za-z0-9+/]{43}=", secret)
    assert f"{secret[:7]}..." in ok(command("key", "list")).out


def test_a_key_for_programs(command: Command, core: Core, alice: object) -> None:
    """With --json the secret is a field beside the key's facts: its permissions and when it ends."""
    words = ("--permission", "apiKey.read", "--permission", "apiKey.create", "--expires-days", "30", "--json")
    issued = ok(command("key", "issue", "immich", ALICE, *words)).json
    assert answers(core, Secret(issued["secret"]), "api_key")
    listed = ok(command("key", "list", "--json")).json
    assert listed == [{name: value for name, value in issued.items() if name != "secret"}]
    assert listed[0]["permissions"] == ["apiKey.create", "apiKey.read"]
    assert listed[0]["dialect"] == "immich"
    days = time.time() + 30 * 86400
    ends = time.mktime(time.strptime(listed[0]["expires_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert abs(ends - days) < 60


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["immich", ALICE, "--permission", "apiKey.reed"],
            "no permission apiKey.reed; did you mean apiKey.read?",
        ),
        (["imich", ALICE], "there is no dialect imich; there are: "),
        (["immich", ALICE, "--expires-days", "0"], "--expires-days"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(
    command: Command, alice: object, words: list[str], why: str
) -> None:
    """An unknown dialect, permission or end is wrong usage, and says what would be right."""
    ended = command("key", "issue", *words)
    assert ended.code == 2
    assert why in ended.err
    assert ok(command("key", "list", "--json")).json == []


def test_a_key_of_a_disabled_account_comes_with_a_warning(command: Command, alice: object) -> None:
    """A key may be issued ahead for an account that is disabled; it says that it will not answer yet."""
    ok(command("account", "disable", ALICE))
    assert "will not answer" in ok(command("key", "issue", "immich", ALICE)).err


def test_keys_are_listed_by_account_and_dialect(command: Command, alice: object) -> None:
    """`key list` lists all keys, or those of one account or dialect."""
    add_robots(command, "robot")
    for name in (ALICE, "robot"):
        ok(command("key", "issue", "immich", name, "--name", f"of {name}"))
    assert {key["account"] for key in ok(command("key", "list", "--json")).json} == {1, 2}
    mine = ok(command("key", "list", "--account", "robot", "--dialect", "immich", "--json")).json
    assert [key["name"] for key in mine] == ["of robot"]
    assert len(ok(command("key", "list")).out.splitlines()) == 3
    assert command("key", "list", "--account", "nobody").code == 1
    assert command("key", "list", "--dialect", "nothing").code == 2


def test_a_revoked_key_answers_no_more(command: Command, core: Core, alice: object) -> None:
    """`key revoke` ends a key at once; one that is not there ends with 1, what is no id with 2."""
    issued = ok(command("key", "issue", "immich", ALICE, "--json")).json
    ok(command("key", "revoke", issued["id"]))
    assert not answers(core, Secret(issued["secret"]), "api_key")
    again = command("key", "revoke", issued["id"])
    assert (again.code, again.err) == (1, "dragoman: no such API key\n")
    assert command("key", "revoke", "mine").code == 2


# --- documents, schema, settings ----------------------------------------------------------------------


def test_openapi_prints_the_document_that_is_served(command: Command) -> None:
    """`openapi` prints what the server publishes by the same settings: path, base URL and release."""
    command.environ |= {
        "DRAGOMAN_DIALECTS__IMMICH__PATH": "/photos",
        "DRAGOMAN_SERVER__BASE_URL": "https://id.example.org",
    }
    expected = document(
        ImmichApi, mount="/photos", base_url="https://id.example.org", release=RELEASES["1.134"]
    )
    assert ok(command("openapi", "immich")).json == json.loads(json.dumps(expected))


def test_openapi_can_be_printed_for_another_place(command: Command) -> None:
    """`--mount` and `--base-url` are stronger than the settings, and / is no prefix at all."""
    printed = ok(command("openapi", "immich", "--mount", "/", "--base-url", "https://p.example.org/")).json
    assert printed["servers"] == [{"url": "https://p.example.org/api"}]
    assert command("openapi", "immich", "--mount", "photos").code == 2
    assert command("openapi", "nothing").code == 2


def test_openapi_in_yaml_says_the_same(command: Command) -> None:
    """`--yaml` is the same document."""
    import yaml

    assert (
        yaml.safe_load(ok(command("openapi", "immich", "--yaml")).out)
        == ok(command("openapi", "immich")).json
    )


def test_openapi_needs_no_database(tmp_path: Path) -> None:
    """`openapi` and `config` leave the disk as it is."""
    command = Command(tmp_path)
    for words in (["openapi", "immich"], ["config", "show"], ["config", "check"]):
        ok(command(*words))
    assert list(tmp_path.iterdir()) == []


def test_migrate_says_what_it_applied(tmp_path: Path) -> None:
    """`migrate` brings an empty database up to date and names each revision; then there is nothing to do."""
    command = Command(tmp_path)
    first = ok(command("migrate", "--database", "sqlite:///new.db")).out.splitlines()
    second = ok(command("migrate", "--database", "sqlite:///new.db")).out.splitlines()
    assert first[0] == "Applied 0001."
    assert first[-2:] == [f"Applied {HEAD}.", second[0]]
    assert second == [f"The schema of sqlite:///new.db is at {HEAD}, the newest."]
    assert (tmp_path / "new.db").exists()


def test_config_show_tells_each_value_and_its_source(command: Command) -> None:
    """`config show` has a line for each setting, with where it was given: option, variable, file and line."""
    (command.folder / "own.toml").write_text("[server]\nport = 9000\n")
    command.environ["DRAGOMAN_LOG__LEVEL"] = "debug"
    shown = ok(command("config", "show", "--config", "own.toml", "--database", "sqlite:///x.db")).out
    found = {
        cells[0]: cells[1:] for line in shown.splitlines() if len(cells := re.split(r"  +", line.strip())) > 2
    }
    assert found["server.port"] == ["9000", "own.toml:2"]
    assert found["log.level"] == ["debug", "DRAGOMAN_LOG__LEVEL"]
    assert found["database.url"] == ["sqlite:///x.db", "command line"]
    assert found["dialects.immich.speaks"] == ["1.134", "default"]


def test_config_show_for_programs(command: Command) -> None:
    """With --json the settings are nested as in the file, with numbers as numbers."""
    shown = ok(command("config", "show", "--json")).json
    assert shown["server"]["port"] == 8080
    assert shown["dialects"]["immich"]["path"] == "/immich"


def test_config_show_hides_secrets(command: Command) -> None:
    """No secret of the configuration is printed, however it is shown."""
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    command.environ |= {
        "DRAGOMAN_MASTER_KEY": key,
        "DRAGOMAN_DATABASE__URL": "postgresql://me:hidden1@db.example.org/d",
        "DRAGOMAN_FIRST_ADMIN__EMAIL": ALICE,
        "DRAGOMAN_FIRST_ADMIN__PASSWORD": "hidden2",
    }
    for words in (["show"], ["show", "--json"]):
        shown = ok(command("config", *words)).out
        assert ALICE in shown
        assert "db.example.org" in shown
        assert not re.search(f"hidden|{key}", shown)


def test_config_check_says_what_is_wrong(command: Command) -> None:
    """`config check` names the file that is right; else it ends with 2 and every problem has a line."""
    (command.folder / "dragoman.toml").write_text("[server]\nport = 9000\n")
    assert ok(command("config", "check")).out == "OK (dragoman.toml)\n"
    (command.folder / "dragoman.toml").write_text("[server]\nport = 'x'\nprot = 1\n")
    ended = command("config", "check")
    assert (ended.code, ended.out) == (2, "")
    assert "server.port (dragoman.toml:2)" in ended.err
    assert "server.prot (dragoman.toml:3)" in ended.err


# --- what keeps a verb from working -------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["account list", "migrate", "config show"])
def test_wrong_settings_end_with_2_and_their_name(command: Command, verb: str) -> None:
    """A verb with wrong settings ends with 2 and says which setting, where, and what is allowed."""
    command.environ["DRAGOMAN_SERVER__PORT"] = "99999"
    ended = command(*verb.split())
    assert ended.code == 2
    assert "server.port (DRAGOMAN_SERVER__PORT): must be a whole number from 0 to 65535" in ended.err


def test_a_password_among_arguments_is_refused(command: Command) -> None:
    """A database URL with a password is no argument; it is refused without being repeated."""
    for url in ("postgresql://me:hidden1@127.0.0.1:1/d", "postgresql://127.0.0.1:1/d?password=hidden1"):
        ended = command("account", "list", "--database", url)
        assert ended.code == 2
        assert "DRAGOMAN_DATABASE__PASSWORD_FILE" in ended.err
        assert "hidden1" not in ended.err


def not_a_database(folder: Path) -> str:
    """The URL of a file that holds something else."""
    (folder / "notes.db").write_text("These are notes, and no database at all. " * 100)
    return "sqlite:///notes.db"


def a_newer_schema(folder: Path) -> str:
    """The URL of a database made by a version to come."""
    database = Database(f"sqlite:///{folder}/data/dragoman.db")
    with database.writing() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999', oldest_program = '9999'")
    database.dispose()
    return "sqlite:///data/dragoman.db"


def without_its_master_key(folder: Path) -> str:
    """The URL of a database whose master key is gone."""
    ok(Command(folder)("account", "list"))
    (folder / "data" / "master.key").unlink()
    return "sqlite:///data/dragoman.db"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (not_a_database, "the database cannot be used: file is not a database"),
        (a_newer_schema, "run the newer version"),
        (without_its_master_key, "master.key is missing"),
        (lambda _: "postgresql://127.0.0.1:1/d", "the database does not answer"),
        (lambda _: "sqlite:////dev/null/x.db", "cannot be opened"),
    ],
)
def test_an_unfit_database_ends_with_3_and_one_sentence(command: Command, made: Any, why: str) -> None:
    """What cannot be opened ends with 3, one line that says why, and no traceback."""
    ended = command("account", "list", "--database", made(command.folder))
    assert (ended.code, ended.out) == (3, "")
    assert why in ended.err
    assert ended.err.startswith("dragoman: ")
    assert len(ended.err.splitlines()) == 1


def test_a_defect_is_not_dressed_up(command: Command, core: Core, alice: object) -> None:
    """What is no known failure keeps its traceback: it is ours to mend, not the operator's."""
    with core.database.writing() as db:
        db.exec_driver_sql("UPDATE accounts SET attributes = '{'")
    with pytest.raises(json.JSONDecodeError):
        command("account", "show", ALICE)
