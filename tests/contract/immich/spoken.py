"""Servers that speak one release of Immich each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contract.immich.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import configured, running

from dragoman.dialects.immich.behaviour import NAMES

__all__ = ["LATER", "NAMES", "by", "complaints", "message", "speaking", "speaking_at", "succeeded"]

LATER = NAMES[1:]


@contextmanager
def speaking(release: str, template: Path, folder: Path) -> Iterator[House]:
    """A server on SQLite with an administrator that speaks a release, while the body runs."""
    file = folder / f"{release}.db"
    shutil.copy(template, file)
    with speaking_at(f"sqlite:///{file}", release) as house:
        yield house


@contextmanager
def speaking_at(url: str, release: str) -> Iterator[House]:
    """A server on this database with an administrator that speaks a release, while the body runs."""
    settings = configured(url, **ROOMY, dialects={"immich": {"speaks": release}})
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(email="admin@example.com", display_name="Ada", is_admin=True)
        yield house


def by(key: str) -> dict[str, str]:
    """The header that a key is held up in."""
    return {"x-api-key": key}


def message(response: Any, status: int) -> Any:
    """What a refusal says, whatever shape its release gives it."""
    assert response.status_code == status, response.text
    return response.json()["message"]


def succeeded(response: Any, *statuses: int) -> Any:
    """The body of an answer with one of these statuses."""
    assert response.status_code in statuses, response.text
    return response.json() if response.content else None


def complaints(response: Any) -> list[str]:
    """What a refusal says of the fields: sentences that name them, or since 3.0 each path and what is wrong there."""
    said = message(response, 400)
    if said != "Validation failed":
        return list(said)
    return [f"{'.'.join(map(str, issue['path']))}: {issue['message']}" for issue in response.json()["errors"]]
