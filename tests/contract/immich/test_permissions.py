"""What an API key may do: each operation of each release asks for one permission, and that one will do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.contract.immich.speech import House
from tests.contract.immich.spoken import NAMES, by, message, speaking

from dragoman.core.accounts import Account
from dragoman.dialects.immich.releases import KEY_PERMISSIONS, RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.wire import Access, InPath, Operation, places

ALL = "all"
GUARDED = {
    release: [o for o in ImmichApi.operations() if RELEASES[release].has(o) and o.access is not Access.PUBLIC]
    for release in NAMES
}
CASES = [(release, operation) for release in NAMES for operation in GUARDED[release]]
EVERY = pytest.mark.parametrize(
    ("release", "operation"), CASES, ids=[f"{release}-{operation.name}" for release, operation in CASES]
)


@pytest.fixture(scope="module")
def admins(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[House, Account]]]:
    """A server for each release, and an administrator of each, who may do everything."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("permissions")
        houses = {r: stack.enter_context(speaking(r, sqlite_template, folder)) for r in NAMES}
        yield {r: (house, house.account(is_admin=True)) for r, house in houses.items()}


def called(house: House, operation: Operation[Any, Any], key: str) -> Any:
    """The answer to an operation with a key and nothing in its body, about a thing that is not there."""
    path = operation.path.removeprefix(ImmichApi.base)
    shape: type[BaseModel] = operation.takes
    for place, name in places(shape).values():
        if place is InPath:
            path = path.replace("{" + name + "}", str(uuid.uuid4()))
    return house.ask(operation.method, path, headers=by(key), json={})


@EVERY
def test_K_02_the_decision_is_declared(release: str, operation: Operation[Any, Any]) -> None:
    """No operation with a caller is left undecided: it asks for a permission of its release, or for any key."""
    spoken = RELEASES[release]
    assert operation.name in spoken.key_permissions or operation.permission is not None
    permission = spoken.permission(operation)
    assert permission is None or permission in spoken.permissions


def test_the_table_is_about_operations_that_are_there() -> None:
    """No row is about an operation that nobody serves, or that needs no caller."""
    known = {o.name for o in ImmichApi.operations() if o.access is not Access.PUBLIC}
    assert known >= set(KEY_PERMISSIONS)


@EVERY
def test_K_02_a_key_without_the_permission_is_refused(
    admins: dict[str, tuple[House, Account]], release: str, operation: Operation[Any, Any]
) -> None:
    """A key that has every permission but the one is told which; where any will do, none is missing."""
    house, admin = admins[release]
    permission = RELEASES[release].permission(operation)
    others = [p for p in RELEASES[release].permissions if p not in (permission, ALL)]
    _, key = house.key(admin, *(others if permission else ["tag.asset"]))
    answer = called(house, operation, key)
    if permission is None:
        assert "Missing required permission" not in answer.text
        assert answer.status_code not in (401, 404) or operation.name.endswith("_license")
    else:
        assert message(answer, 403) == f"Missing required permission: {permission}"


@EVERY
def test_a_key_with_exactly_the_permission_may(
    admins: dict[str, tuple[House, Account]], release: str, operation: Operation[Any, Any]
) -> None:
    """One permission is enough for what asks for it, and `all` is enough for everything."""
    house, admin = admins[release]
    permission = RELEASES[release].permission(operation)
    for given in (permission or "tag.asset", ALL):
        _, key = house.key(admin, given)
        answer = called(house, operation, key)
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    ("release", "operation"),
    [(release, operation) for release, operation in CASES if operation.access is Access.ADMIN],
    ids=[f"{release}-{o.name}" for release, o in CASES if o.access is Access.ADMIN],
)
def test_an_admin_s_route_is_an_admin_s(
    admins: dict[str, tuple[House, Account]], release: str, operation: Operation[Any, Any]
) -> None:
    """Whoever is no administrator is told so before any permission is looked at, with a key or a session."""
    house, _ = admins[release]
    person = house.person()
    _, key = house.key(person.account, "tag.asset")
    assert message(called(house, operation, key), 403) == "Forbidden"
    path = operation.path.removeprefix(ImmichApi.base).replace("{id}", str(uuid.uuid4()))
    assert message(house.ask(operation.method, path, person.token, json={}), 403) == "Forbidden"


@pytest.mark.parametrize("release", NAMES)
def test_a_key_of_another_release_is_read_by_todays_names(
    admins: dict[str, tuple[House, Account]], release: str
) -> None:
    """A key made while another release was spoken may what its permissions are called now."""
    house, admin = admins[release]
    for name in ("admin.user.read", "adminUser.read"):
        _, key = house.key(admin, name)
        assert house.ask("GET", "/admin/users", headers=by(key)).status_code == 200
        missing = "admin.user.create" if release == "1.134" else "adminUser.create"
        refused = house.ask("POST", "/admin/users", headers=by(key), json={})
        assert message(refused, 403) == f"Missing required permission: {missing}"
