"""What the releases do differently stands in one table, all of it, and every row of it can be seen over HTTP (§5)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import House
from tests.contract.immich.spoken import speaking

from dragoman import dialects
from dragoman.dialects.immich import behaviour
from dragoman.dialects.immich.behaviour import FACTS, NAMES, VERSION

IMMICH = Path(dialects.__file__).parent / "immich"
# The table: what differs by behaviour; by operation, shape and permission; and by field.
TABLE = {"behaviour.py", "releases.py", "field_rules.py"}
# The lists of names that the table looks permissions up in.
LISTS = {"permissions.py"}
SPELLED = re.compile(r".*(?<!\d)[vV]?(1_134|2_7|3_2)(?!\d).*")
DEVICE = {"user-agent": "immich-android/2.7.5", "devicetype": "Android", "devicemodel": "Pixel 8"}


def spelled(source: str) -> Iterator[str]:
    """Every release that a module names: in a literal, or in a name of its own or another's."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(said)) if said in {*NAMES, *VERSION.since.values()}:
                yield said
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                if SPELLED.fullmatch(name):
                    yield name
            case _:
                pass


@pytest.mark.parametrize(
    "module",
    [str(p.relative_to(IMMICH)) for p in sorted(IMMICH.rglob("*.py")) if p.name not in TABLE | LISTS],
)
def test_only_the_table_names_a_release(module: str) -> None:
    """No other module of the dialect compares a release, or keeps something for one: it asks the table."""
    assert list(spelled((IMMICH / module).read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source", ['if release == "2.7": ...', "Rules(since_2_7=())", "permissions.V3_2", "x = V1_134"]
)
def test_a_release_that_is_named_is_found(source: str) -> None:
    """The law sees a literal, a keyword, an attribute and a name."""
    assert len(list(spelled(source))) == 1


def test_every_fact_is_a_row() -> None:
    """No fact is left out of the table, and no two have one name."""
    facts = [each for each in vars(behaviour).values() if isinstance(each, behaviour.Fact)]
    assert facts == list(FACTS)
    assert len({fact.name for fact in facts}) == len(facts)


@pytest.fixture(scope="module")
def three(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, House]]:
    """A server for each release, all at once."""
    folder = tmp_path_factory.mktemp("three")
    with (
        speaking(NAMES[0], sqlite_template, folder) as first,
        speaking(NAMES[1], sqlite_template, folder) as second,
        speaking(NAMES[2], sqlite_template, folder) as third,
    ):
        yield dict(zip(NAMES, (first, second, third), strict=True))


def validation(house: House) -> Any:
    """How a number for a name is complained of."""
    said = house.ask("PUT", "/users/me", house.person().token, json={"name": 5}).json()
    return said["message"], [issue["code"] for issue in said.get("errors", ())]


def refusal_keys(house: House) -> Any:
    """The body of a 401."""
    return list(house.ask("GET", "/users/me").json())


def unreadable(house: House) -> Any:
    """The answer to what is no JSON."""
    return house.ask("POST", "/auth/login", content=b"{", headers={"content-type": "application/json"})


def correlation_header(house: House) -> Any:
    """The headers that send a caller's id back."""
    sent = {"x-immich-cid": "sent-one", "x-correlation-id": "sent-other"}
    answer = house.ask("GET", "/server/ping", headers=sent)
    return [name for name in sent if answer.headers.get(name) == sent[name]]


def object_required(house: House) -> Any:
    """Whether an array is complained of as a whole, not for the fields that it lacks."""
    said = house.ask("POST", "/auth/login", json=[]).json()
    return [issue["path"] for issue in said.get("errors", ())] == [[]]


def share_slugs(house: House) -> Any:
    """What a slug is told where nobody else is signed in."""
    return house.ask("GET", "/users/me", headers={"x-immich-share-slug": "holidays"}).json()["message"]


def devices_kept(house: House) -> Any:
    """What a session is said to run on that signed in from elsewhere."""
    token = house.person().token
    headers = {**DEVICE, "authorization": f"Bearer {token}"}
    return [session["deviceOS"] for session in house.ask("GET", "/sessions", headers=headers).json()]


def undeletable(house: House) -> Any:
    """Whether an administrator may delete another, and themselves."""
    boss, other = house.person(is_admin=True), house.person(is_admin=True)
    paths = [f"/admin/users/{one.account.id}" for one in (other, boss)]
    return [house.ask("DELETE", path, boss.token, json={}).status_code for path in paths]


SEEN: Mapping[str, Callable[[House], Any]] = {
    "version": lambda house: house.ask("GET", "/server/version").json()["major"],
    "validation": validation,
    "refusal_keys": refusal_keys,
    "unreadable_keys": lambda house: list(unreadable(house).json()),
    "unreadable_is_correlated": lambda house: (
        {"x-immich-cid", "x-correlation-id"} & set(unreadable(house).headers)
    ),
    "correlation_header": correlation_header,
    "object_required": object_required,
    "share_slugs": share_slugs,
    "devices_kept": devices_kept,
    "undeletable": undeletable,
}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_fact_can_be_seen(three: Mapping[str, House], fact: behaviour.Fact[Any]) -> None:
    """Two releases answer alike where the table says the same of both, and otherwise where it does not."""
    seen = {release: SEEN[fact.name](house) for release, house in three.items()}
    for one, other in combinations(NAMES, 2):
        assert (seen[one] == seen[other]) is (fact.of(one) == fact.of(other)), (one, other, seen)
