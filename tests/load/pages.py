"""`make pages`: what each page costs the server, and its database, on a house that is full of everything.

    python tests/load/pages.py [--accounts 100000] [--engine sqlite|postgresql] [--times 20]

Each account has two sessions, a key, a link, an app password and ten lines in the audit log. Milliseconds are of
processor time, of the server and of PostgreSQL: what others do to the machine meanwhile is not in them.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Run as a file, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import text
from tests.conftest import MASTER_KEY
from tests.load import machine, served
from tests.load.served import PASSWORD, Served
from tests.postgres import fresh_postgres, postgres_server
from tests.visiting import browsing

from dragoman.core.database import Database

WARM = 6  # PostgreSQL's driver prepares what it has seen five times
LONGEST = 15.0  # milliseconds that the account's own page may take
STRANGERS = "/sign-in"  # who is signed in is led on
TOLD = {"DRAGOMAN_MASTER_KEY": MASTER_KEY}

# What the two engines say differently. `{n}` counts the rows from 0.
WORDS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "made": "WITH RECURSIVE made(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM made WHERE n < :rows - 1)",
        "id": "lower(hex(randomblob(16)))",
        "in_order": "printf('%012x', 1700000000000 + n) || lower(hex(randomblob(10)))",
        "digest": "randomblob(32)",
        "before": "(strftime('%s') * 1000000 - n * {step})",
        "later": "(strftime('%s') * 1000000 + 2592000000000 - n * 1000000)",
    },
    "postgresql": {
        "made": "WITH made(n) AS (SELECT generate_series(0, :rows - 1))",
        "id": "gen_random_uuid()",
        "in_order": "(lpad(to_hex(1700000000000 + n), 12, '0') || left(md5(n::text), 20))::uuid",
        "digest": "sha256(gen_random_uuid()::text::bytea)",
        "before": "(now() - n * ({step} * interval '1 microsecond'))",
        "later": "(now() + interval '30 days' - n * interval '1 second')",
    },
}
GIVEN = "trim(substr('Ada    Bert   Cleo   Dora   Emil   Fay    Gus    Hanna  Ivo    June   ', n % 10 * 7 + 1, 7))"
FAMILY = "trim(substr('Rivera Okafor Lind   Meyer  Nowak  Sato   Haddad ', n % 7 * 7 + 1, 7))"
CALLED = f"{GIVEN} || ' ' || {FAMILY} || ' ' || n"
DIALECT = "trim(substr('immich   shoko    elements portainer', n % 4 * 9 + 1, 9))"
EVENT = "trim(substr('signed in         sign-in refused   signed out        password changed  ', n % 4 * 18 + 1, 18))"
BY = "CASE WHEN n % 100 = 0 THEN :admin END"
OWNED, OWN = "id, digest, account_number, dialect", "{id}, {digest}, :first + n % :accounts"
# By table: how many rows there are of each account, the columns, and what is in them.
FILL: Sequence[tuple[str, int, str, str]] = (
    (
        "accounts",
        1,
        "number, id, username, email, display_name, created_at, updated_at, password, attributes",
        f":first + n, {{id}}, lower({GIVEN}) || n, 'user' || n || '@pages.test', {CALLED}, {{before}}, {{before}}, 'x', '{{{{}}}}'",
    ),
    ("account_names", 1, "folded, account_number, kind", f"lower({GIVEN}) || n, :first + n, 'username'"),
    ("account_names", 1, "folded, account_number, kind", "'user' || n || '@pages.test', :first + n, 'email'"),
    (
        "name_beginnings",
        1,
        "folded, account_number",
        f"lower({CALLED}), :first + n",
    ),
    ("name_beginnings", 1, "folded, account_number", f"lower({FAMILY} || ' ' || n), :first + n"),
    (
        "sessions",
        2,
        f"{OWNED}, epoch, device, os, address, agent, created_at, seen_at, idle_until, attributes",
        f"{OWN}, {DIALECT}, 0, 'Chrome', 'Linux', '192.0.2.7', 'pages', {{before}}, {{before}}, {{later}}, '{{{{}}}}'",
    ),
    (
        "api_keys",
        1,
        f"{OWNED}, name, hint, permissions, created_at, updated_at",
        f"{OWN}, {DIALECT}, 'backup', 'abc', '[\"all\"]', {{before}}, {{before}}",
    ),
    (
        "access_tokens",
        1,
        f"{OWNED.removeprefix('id, ')}, creator_number, sealed, url, permissions, is_limited, views_left, requires_sign_in, created_at",
        "{digest}, :first + n % :accounts, 'elements', :first + n % :accounts, {digest}, '/', '[]', false, 0, false, {before}",
    ),
    (
        "app_passwords",
        1,
        f"{OWNED}, name, created_at",
        f"{OWN}, {DIALECT}, 'phone', {{before}}",
    ),
    (
        "outbox",
        1,
        "id, kind, account_number, recipient, state, posted_at, until, attempts, finished_at",
        "{in_order}, 'notice', :first + n % :accounts, 'somebody@pages.test', 'delivered', {before}, {later}, 1, {before}",
    ),
    (
        "audit_log",
        10,
        "id, at, event, account_number, actor_number, via, dialect, address, agent, request_id",
        f"{{in_order}}, {{before}}, {EVENT}, :first + n % :accounts, {BY}, '', {DIALECT}, '192.0.2.7', 'pages', ''",
    ),
)


@dataclass(frozen=True)
class Cost:
    """What a page costs, in milliseconds of processor time: the server's and the database's. `weight` in bytes."""

    server: float
    database: float
    weight: int

    @property
    def both(self) -> float:
        """Together."""
        return self.server + self.database


def fill(url: str, accounts: int) -> int:
    """Add so many accounts with all that they hold; the number of one in the middle."""
    database = Database(url, connections=1, in_haste=False)
    words = WORDS["sqlite" if database.is_sqlite else "postgresql"]
    with database.writing() as db:
        admin = db.scalar(text("UPDATE accounts SET is_admin = true WHERE number = 1 RETURNING number"))
        first = db.scalar(text("SELECT max(number) + 1 FROM accounts"))
        for table, each, columns, values in FILL:
            rows = accounts * each
            told = {**words, "before": words["before"].format(step=2_000_000_000_000 // rows)}

            made = f"{told['made']} INSERT INTO {table} ({columns}) SELECT {values.format(**told)} FROM made"  # noqa: S608
            if database.is_sqlite:
                made = (
                    f"INSERT INTO {table} ({columns}) {told['made']} SELECT {values.format(**told)} FROM made"  # noqa: S608
                )
            named = {"rows": rows, "first": first, "accounts": accounts, "admin": admin}
            db.execute(text(made), {name: named[name] for name in named if f":{name}" in made})
    with database.writing() as db:
        if not database.is_sqlite:
            db.execute(text("ANALYZE"))  # as PostgreSQL does by itself within a minute
    database.dispose()
    return int(first or 0) + accounts // 2


def paths(somebody: int) -> Mapping[str, str]:
    """The pages by what they are asked for."""
    audit, sessions, keys, links = ("/admin/audit", "/admin/sessions", "/admin/keys", "/admin/links")
    return {
        "sign-in": STRANGERS,
        "account": "/account",
        "own sessions": "/account/sessions",
        "accounts": "/admin/accounts",
        "accounts, further on": f"/admin/accounts?after={somebody}",
        "accounts by username": "/admin/accounts?q=ada",
        "accounts by username, further on": f"/admin/accounts?q=ada&after={somebody // 10 * 10}",
        "accounts by e-mail": "/admin/accounts?q=user5",
        "accounts by display name": "/admin/accounts?q=Cleo+Rivera",
        "accounts, nobody": "/admin/accounts?q=nobody",
        "one account": f"/admin/accounts/{somebody}",
        "sessions": sessions,
        "sessions of an app": f"{sessions}?dialect=portainer",
        "sessions of an app, none": f"{sessions}?dialect=aivo",
        "sessions of an account": f"{sessions}?account={somebody}",
        "keys": keys,
        "keys of an app": f"{keys}?dialect=portainer",
        "keys of an app, none": f"{keys}?dialect=aivo",
        "keys of an account": f"{keys}?account={somebody}",
        "links": links,
        "links of an app, none": f"{links}?dialect=aivo",
        "links of an account": f"{links}?account={somebody}",
        "outbox": "/admin/outbox",
        "audit": audit,
        "audit of an account": f"{audit}?account={somebody}",
        "audit of an administrator": f"{audit}?account=1",
        "audit of an app": f"{audit}?dialect=portainer",
        "audit of an app, none": f"{audit}?dialect=aivo",
        "audit by event": f"{audit}?event=sign-in+refused",
        "audit by event, few": f"{audit}?event=account",
        "audit by event, none": f"{audit}?event=nothing",
        "audit by event and app": f"{audit}?event=sign-in+refused&dialect=shoko",
        "audit by event and app, none": f"{audit}?event=sign-in+refused&dialect=immich",
        "audit since": f"{audit}?since=2026-01-01&event=nothing",
        "overview": "/admin?period=month",
        "products": "/admin/dialects",
        "signing keys": "/admin/signing-keys",
    }


def cost(server: Served, cookie: str, path: str, times: int, database: int | None) -> Cost:
    """What a page costs on the average. `database` is the process of PostgreSQL, if it is that."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    weight = 0

    def ask() -> int:
        line.request("GET", path, headers={} if path == STRANGERS else {"cookie": cookie})
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} is answered with {answer.status}")
        return len(body)

    for _ in range(WARM):
        ask()
    begun = machine.spent_below(database) if database else 0.0
    with machine.watching(server.process) as watch:
        for _ in range(times):
            weight = ask()
    line.close()
    spent = machine.spent_below(database) - begun if database else 0.0
    return Cost(watch.served * 1000 / times, spent * 1000 / times, weight)


@contextmanager
def full_house(engine: str, accounts: int, folder: Path) -> Iterator[tuple[Served, str, int]]:
    """A server on a full database, the cookie of its administrator, and the number of somebody."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/dragoman.db"
        if engine == "postgresql":
            url = stack.enter_context(fresh_postgres())
        prepared = served.prepare(url, 4, TOLD)
        somebody = fill(url, accounts)
        serving = served.serving(url, folder / "server.log", first="/healthz", told=TOLD)
        server = stack.enter_context(serving)
        with browsing(f"http://127.0.0.1:{server.port}") as browser:
            browser.sign_in(prepared.emails[0], PASSWORD)
            cookie = "; ".join(f"{each.name}={each.value}" for each in browser.client.cookies.jar)
        yield server, cookie, somebody


def measure(engine: str, accounts: int, times: int, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Each page's name and its cost."""
    with full_house(engine, accounts, folder) as (server, cookie, somebody):
        database = postgres_server().pid if engine == "postgresql" else None
        for name, path in paths(somebody).items():
            yield name, cost(server, cookie, path, times, database)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, print; 1 if the account's own page costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--engine", choices=list(WORDS), action="append")
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for")
    parser.add_argument("--folder", type=Path, help="where the database is made, and removed again")
    told = parser.parse_args(arguments)
    missed = 0
    for engine in told.engine or list(WORDS):
        print(f"{engine}, {told.accounts:,} accounts{'server':>24}{'database':>10}   ms of processor time")
        with tempfile.TemporaryDirectory(prefix="dragoman-pages-", dir=told.folder) as folder:
            for name, found in measure(engine, told.accounts, told.times, Path(folder)):
                verdict = ""
                if name == "account":
                    verdict = f"(at most {LONGEST:g}) {'reached' if found.both <= LONGEST else 'missed'}"
                    missed |= found.both > LONGEST
                print(f"{name:<40}{found.server:>10.1f}{found.database:>10.1f}   {verdict}", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
