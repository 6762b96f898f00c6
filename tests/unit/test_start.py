"""A start is as quick, and a process as small, as what it leaves until somebody needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.running import configured

from dragoman.building import make_core

# What is imported with the first page, figure, document, migration, trace, mail, hash or line of help; and, of
# SQLAlchemy, the part for PostgreSQL, which SQLite's servers never need.
LATER = {
    "alembic",
    "argon2",
    "cryptography",
    "dragoman.openapi",
    "dragoman.reference",
    "dragoman.web.account",
    "httpx2",
    "jinja2",
    "joserfc",
    "mako",
    "opentelemetry",
    "prometheus_client",
    "psycopg",
    "pygments",
    "rich",
    "smtplib",
    "sqlalchemy.dialects.postgresql",
    "ua_parser",
    "yaml",
}
PROGRAM = """
import json, sys
import dragoman.cli, dragoman.cli.server
from dragoman import app, building, settings
from dragoman.wire import Array, Wire

def below(shape):
    return {shape}.union(*map(below, shape.__subclasses__()))

told = {"database": {"url": sys.argv[1]}}
environment = {"DRAGOMAN_MASTER_KEY": sys.argv[2]}
models = building.dialect_models()
app.build(settings.load(None, environment, overrides=told, dialect_models=models)).close()
made = [shape.__name__ for shape in below(Wire) | below(Array) if shape.__pydantic_complete__]
print(json.dumps({"modules": sorted(sys.modules), "made": made, "shapes": len(below(Wire))}))
"""


@pytest.fixture(scope="module")
def started(another_sqlite: Callable[[], str]) -> dict[str, Any]:
    """What a process holds that has started on a database on which it was started before."""
    url = another_sqlite()
    make_core(configured(url, master_key=MASTER_KEY)).database.dispose()
    command = [sys.executable, "-c", PROGRAM, url, MASTER_KEY]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    held: dict[str, Any] = json.loads(ran.stdout)
    return held


def test_what_few_requests_need_is_imported_by_the_first_of_them(started: dict[str, Any]) -> None:
    """A start holds nothing of pages, metrics, traces, documents, migrations, mail or the other database engine."""
    assert set(started["modules"]) & LATER == set()


def test_shapes_are_made_ready_by_the_first_request_that_has_them(started: dict[str, Any]) -> None:
    """Of all that five products say, a start makes ready no more than a few answers that never change."""
    assert started["shapes"] > 200
    assert len(started["made"]) < 15
