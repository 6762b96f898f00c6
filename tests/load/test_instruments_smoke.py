"""The instruments that take long, at a tiny size: that they run, say what they should, and clean up."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import cheap_hasher, rules
from tests.load import checks, pages, scale, soak
from tests.load.soak import Sample, judged
from tests.people import presenting, rows
from tests.postgres import postgres_server

from dragoman.core.accounts import accounts
from dragoman.core.database import Database
from dragoman.core.names import account_names
from dragoman.core.secrets import Secret
from dragoman.core.sessions import sessions
from dragoman.core.work import Core, Tools


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine, where it can be started."""
    if request.param == "postgresql":
        postgres_server()
    return str(request.param)


@pytest.mark.slow
def test_scale_compares_a_small_database_with_a_large_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of request has a cost on either database and a verdict, and the databases are removed."""
    sizes = ["--few", "100", "--accounts", "300", "--each", "2"]
    missed = scale.main([*sizes, "--seconds", "0.3", "--rounds", "1", "--folder", str(tmp_path)])
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in said[2:]] == list(scale.CONNECTIONS)
    assert sum(line.endswith("missed") for line in said) == missed
    assert list(tmp_path.iterdir()) == []


def test_either_engine_is_filled(database_url: str) -> None:
    """A filled database has as many accounts and sessions as were asked for, and each session is somebody's."""
    filled = scale.fill(database_url, accounts=70, each=2, tell=lambda _rows: None)
    database = Database(database_url, connections=1)
    core = Core(database, Tools(cheap_hasher()), rules())
    held = {presenting(core, Secret(checks.SECRET.format(n))).account.number for n in range(filled.sessions)}
    assert len(held) == len(rows(core, accounts)) == 70
    assert len(rows(core, sessions)) == filled.sessions + len(filled.prepared.tokens)
    assert len(rows(core, account_names)) == 140
    database.dispose()


@pytest.mark.slow
def test_pages_are_each_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every page of a house that is full has a cost, and what was made for it is removed."""
    pages.main(["--accounts", "60", "--times", "1", "--engine", "sqlite", "--folder", str(tmp_path)])
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in said[1:]] == list(pages.paths(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_soak_notes_what_it_sees(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However short, it loads the server, notes memory, delays and what was not swept, and says what came of it."""
    soak.main(["--engine", engine, "--minutes", "0", "--every", "0.5", "--folder", str(tmp_path)])
    assert "0 refresh tokens overdue at most" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_soak_tells_what_grows_from_what_is_only_warm() -> None:
    """Memory that settles after the first third is no growth; memory and delays that go on growing are told."""
    settled = [Sample(600.0 * n, 100.0 if n else 80.0, 5.0, 0) for n in range(9)]
    assert judged(settled).is_good
    growing = [Sample(600.0 * n, 80.0 + 5 * n, 5.0 + n, 0) for n in range(9)]
    found = judged(growing)
    assert (round(found.slope), round(found.drift, 1), found.is_good) == (30, 2.0, False)
    assert not judged([Sample(0.0, 80.0, 5.0, 7)]).is_good
