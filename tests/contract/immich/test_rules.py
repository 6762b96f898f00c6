"""What each release of Immich asks of a field, against what the products' own libraries answered (§1, §5.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import pytest
from pydantic import BaseModel, ValidationError, create_model, model_validator
from pydantic_core.core_schema import ValidationInfo
from tests.fakes import ORIGIN

from dragoman.asks import read_ask
from dragoman.dialects.immich import errors, permissions, zod
from dragoman.dialects.immich.choices import AVATAR_COLORS
from dragoman.dialects.immich.field_rules import GROUP
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.rules import (
    IS_ARRAY,
    IS_BOOLEAN,
    IS_DATE,
    IS_EMAIL,
    IS_INT,
    IS_NUMBER,
    IS_PIN,
    IS_POSITIVE,
    IS_STRING,
    IS_UUID,
    NOT_ABSURD,
    NOT_EMPTY,
    NOT_UNSAFE,
    Rules,
    at_least,
    blank_as_null,
    completed,
    each,
    holding,
    no_less_than,
    one_of,
    storage_label,
    whole,
)
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.zod import UNDEFINED
from dragoman.exchange import Exchange, Malformed
from dragoman.wire import InPath, places

ORACLES = Path(__file__).parent / "oracles"
ZOD: Mapping[str, Any] = json.loads((ORACLES / "zod.json").read_text("utf-8"))
LISTS: Mapping[str, Any] = json.loads((ORACLES / "class_validator.json").read_text("utf-8"))

COLORS = AVATAR_COLORS
VISIBILITIES = ("archive", "timeline", "hidden", "locked")
DIRECTIONS = ("shared-by", "shared-with")
PERMISSIONS = {"1.134": permissions.V1_134, "2.7": permissions.V2_7, "3.2": permissions.V3_2}
SAFE = 2**53 - 1
A_USER = "2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"

OPTIONAL: Any = None
REQUIRED: Any = ...

SOME_PERMISSIONS = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since={"2.7": (holding(1), each(one_of(*permissions.V2_7)))},
    zod=zod.array(zod.enum(permissions.V3_2), minimum=1),
)
ALL_PERMISSIONS = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since={"2.7": (holding(1), NOT_EMPTY, each(one_of(*permissions.V2_7)))},
    zod=zod.array(zod.enum(permissions.V3_2), minimum=1),
)
A_COLOR = Rules(one_of(*COLORS), zod=zod.enum(COLORS), nullable=True)
A_PIN = Rules(IS_STRING, NOT_EMPTY, IS_PIN, zod=zod.pin())
AN_EMAIL = Rules(IS_EMAIL, lower=True, zod=zod.email())
A_STRING = Rules(IS_STRING, zod=zod.string())
FLAG = Rules(IS_BOOLEAN, zod=zod.boolean())
FLAG_OF_QUERY = Rules(IS_BOOLEAN, zod=zod.query_boolean())
A_UUID = Rules(IS_UUID, zod=zod.uuid())
A_VISIBILITY = Rules(one_of(*VISIBILITIES), zod=zod.enum(VISIBILITIES))
A_DIRECTION = Rules(
    one_of(*DIRECTIONS), since={"2.7": (NOT_EMPTY, one_of(*DIRECTIONS))}, zod=zod.enum(DIRECTIONS)
)
A_COUNT = Rules(IS_POSITIVE, IS_INT, NOT_UNSAFE, zod=zod.integer(1), after=whole)
A_QUOTA = Rules(
    no_less_than(0),
    IS_NUMBER,
    NOT_UNSAFE,
    since={"2.7": (no_less_than(0), IS_INT, NOT_UNSAFE)},
    zod=zod.integer(0),
    nullable=True,
    after=whole,
)
ADMINS_PIN = Rules(IS_PIN, zod=zod.pin(), nullable=True, before=blank_as_null)
A_LABEL = Rules(zod=zod.string(), nullable=True, after=storage_label)
A_PASSWORD = Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string())
NEW_PASSWORD = Rules(at_least(8), NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string(minimum=8))
SOME_UUIDS = Rules(each(IS_UUID), NOT_EMPTY, IS_ARRAY, zod=zod.array(zod.uuid()))

# The fields that the oracle knows, as a shape of ours would have them.
FIELDS: Mapping[str, tuple[Any, Rules, Any]] = {
    "email": (str, AN_EMAIL, REQUIRED),
    "password": (str, A_PASSWORD, REQUIRED),
    "newPassword": (str, NEW_PASSWORD, REQUIRED),
    "pinCode": (str, A_PIN, REQUIRED),
    "pinCode_optional": (str | None, A_PIN, OPTIONAL),
    "pinCode_admin": (str | None, ADMINS_PIN, OPTIONAL),
    "string_optional": (str | None, A_STRING, OPTIONAL),
    "uuid": (str, A_UUID, REQUIRED),
    "enum_color": (str, Rules(one_of(*COLORS), zod=zod.enum(COLORS)), REQUIRED),
    "enum_color_nullish": (str | None, A_COLOR, OPTIONAL),
    "permissions": (list[str], ALL_PERMISSIONS, REQUIRED),
    "permissions_optional": (list[str] | None, SOME_PERMISSIONS, OPTIONAL),
    "boolean": (bool, FLAG, REQUIRED),
    "boolean_optional": (bool | None, FLAG, OPTIONAL),
    "int_min1_optional": (int | None, A_COUNT, OPTIONAL),
    "int_min0_nullish": (int | None, A_QUOTA, OPTIONAL),
    "storageLabel": (str | None, A_LABEL, OPTIONAL),
    "uuid_array": (list[str], SOME_UUIDS, REQUIRED),
    "query_bool": (bool | None, FLAG_OF_QUERY, OPTIONAL),
    "query_uuid": (str | None, A_UUID, OPTIONAL),
    "query_enum": (str | None, A_VISIBILITY, OPTIONAL),
    "query_enum_required": (str, A_DIRECTION, REQUIRED),
    "query_string": (str | None, A_STRING, OPTIONAL),
}


def shape_of(**fields: tuple[Any, Rules, Any]) -> type[BaseModel]:
    """A shape with these fields."""
    made: Any = {name: (Annotated[kind, rules], default) for name, (kind, rules, default) in fields.items()}
    return create_model("Shape", **made)


def exchange(release: str, query: bytes = b"") -> Exchange:
    """A request to a server that speaks this release."""
    scope = {"type": "http", "method": "POST", "headers": [], "query_string": query}
    return Exchange(scope, "/api/x", "", "localhost", ORIGIN, secure=False, release=RELEASES[release])


def judged(shape: type[BaseModel], values: Any, release: str) -> Any:
    """What a shape makes of values in a release: the fields it read, or the error body."""
    try:
        read = shape.model_validate(values, context={"release": release})
    except ValidationError as problem:
        return json.loads(errors.invalid(exchange(release), shape, problem).body)
    return read.model_dump(exclude_unset=True)


def spelled(said: Any, release: str) -> Any:
    """What the oracle says, with the names of permissions that it leaves out; the order of keys counts."""
    names = PERMISSIONS[release]
    text = json.dumps(said, ensure_ascii=False)
    text = text.replace('"values": "{permissions}"', f'"values": {json.dumps(names)}')
    shown = "|".join(f'\\"{name}\\"' for name in names) if release == "3.2" else ", ".join(names)
    return json.loads(text.replace("{permissions}", shown))


def ordered(body: Any) -> str:
    """JSON that differs where only the order of keys does."""
    return json.dumps(body, ensure_ascii=False)


def bad_fields() -> Iterator[Any]:
    """Every bad value of every field, with zod's issues."""
    for name, said in ZOD["fields"].items():
        for group in said["bad"]:
            for given in group["given"]:
                yield pytest.param(name, given, group["errors"], id=f"{name}-{json.dumps(given)}")


@pytest.mark.parametrize(("name", "given", "issues"), list(bad_fields()))
def test_3_2_complains_in_zods_issues(name: str, given: Any, issues: Any) -> None:
    """Of a bad value, 3.2 says what zod says of it, to the key (§5.2)."""
    body = judged(shape_of(f=FIELDS[name]), {"f": given}, "3.2")
    assert ordered(body) == ordered({"message": "Validation failed", "errors": spelled(issues, "3.2")})


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [(name, given, read) for name, said in ZOD["fields"].items() for given, read in said["good"]],
)
def test_3_2_takes_what_zod_takes(name: str, given: Any, read: Any) -> None:
    """A value that zod takes is taken, and read as zod reads it (§5.2)."""
    assert judged(shape_of(f=FIELDS[name]), {"f": given}, "3.2") == {"f": read}


@pytest.mark.parametrize("name", FIELDS)
def test_3_2_misses_what_zod_misses(name: str) -> None:
    """A field that is not there is `undefined`, and bad exactly if it is required (§5.2)."""
    body = judged(shape_of(f=FIELDS[name]), {}, "3.2")
    issues = ZOD["fields"][name]["missing"].get("errors")
    wanted = {"message": "Validation failed", "errors": spelled(issues, "3.2")} if issues else {}
    assert ordered(body) == ordered(wanted)


@pytest.mark.parametrize("name", FIELDS)
def test_3_2_says_nothing_that_is_not_listed(name: str) -> None:
    """Every message of zod about a field is one of those that its rules list, what was received aside.

    The length of what is of another type is complained of, too, and is not worth a line.
    """
    listed = FIELDS[name][1].words("3.2")
    for group in ZOD["fields"][name]["bad"]:
        first, *others = spelled(group["errors"], "3.2")
        for issue in [first] if first["code"] == "invalid_type" else [first, *others]:
            assert issue["message"].split(", received")[0] in listed


def test_every_field_of_the_oracle_is_held_against_it() -> None:
    """No field that the oracle knows is left out."""
    assert FIELDS.keys() == ZOD["fields"].keys()


class Group(BaseModel):
    """Fields that stand together within another shape."""

    enabled: Annotated[bool | None, FLAG] = None


class Grouped(BaseModel):
    """A shape with such a group."""

    folders: Annotated[Group | None, GROUP] = None


class Renaming(BaseModel):
    """A shape whose name the first release needs, and the others do not."""

    name: Annotated[str | None, Rules(NOT_EMPTY, IS_STRING, zod=zod.string(), required=("1.134",))] = None

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, values: Any, info: ValidationInfo) -> Any:
        return completed(cls, values, info)


NAME_GONE = ["name should not be empty", "name must be a string"]
NO_GROUP = ["nested property folders must be either object or array"]
NO_FLAG = ["folders.enabled must be a boolean value"]
NO_UUIDS = ["each value in f must be a UUID", "f should not be empty", "f must be an array"]
NO_NUMBER = "f must be a number conforming to the specified constraints"
SMALL, NO_INTEGER = "f must not be less than 0", "f must be an integer number"
UNSAFE = f"f must not be greater than {SAFE}"


def said_of(name: str, given: Any, release: str) -> Any:
    """The messages about a field with this value, or what was read."""
    said = judged(shape_of(f=FIELDS[name]), {"f": given}, release)
    return said.get("message", said)


@pytest.mark.parametrize("release", ["1.134", "2.7"])
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("uuid_array", None, NO_UUIDS),
        ("uuid_array", "x", [NO_UUIDS[0], NO_UUIDS[2]]),
        ("uuid_array", ["x"], NO_UUIDS[:1]),
        ("uuid_array", [], {"f": []}),
        ("uuid", "2D7F8C1A-2C1B-4C1B-8C1B-2D7F8C1A2C1B", {"f": "2D7F8C1A-2C1B-4C1B-8C1B-2D7F8C1A2C1B"}),
        ("uuid", "2d7f8c1a-2c1b-1c1b-8c1b-2d7f8c1a2c1b", ["f must be a UUID"]),
        ("boolean", "true", {"f": True}),
        ("boolean", "false", {"f": False}),
        ("boolean", "True", ["f must be a boolean value"]),
        ("boolean", 1, ["f must be a boolean value"]),
        ("int_min1_optional", 60.0, {"f": 60}),
        ("int_min1_optional", 1.5, [NO_INTEGER]),
        ("int_min1_optional", -1.5, ["f must be a positive number", NO_INTEGER]),
        ("int_min1_optional", True, ["f must be a positive number", NO_INTEGER]),
        ("int_min0_nullish", 0, {"f": 0}),
        ("int_min0_nullish", None, {"f": None}),
        ("int_min0_nullish", -1, [SMALL]),
        ("storageLabel", 5, {"f": ""}),
        ("storageLabel", None, {"f": None}),
        ("storageLabel", "../a.b/c", {"f": "abc"}),
        ("pinCode_admin", "", {"f": None}),
        ("pinCode_admin", None, {"f": None}),
        ("pinCode_admin", "12", ["f must be a 6-digit numeric string"]),
        ("email", "A@B", {"f": "a@b"}),
        ("permissions", ["all"], {"f": ["all"]}),
        ("permissions", [], ["f must contain at least 1 elements"]),
        ("permissions", "all", ["f must contain at least 1 elements"]),
    ],
)
def test_lists_of_sentences(name: str, given: Any, said: Any, release: str) -> None:
    """Before 3.0 every rule that a value breaks is named, in the product's order (§1, X)."""
    assert said_of(name, given, release) == said


@pytest.mark.parametrize(
    ("name", "given", "first", "second"),
    [
        ("int_min0_nullish", 1.5, {"f": 1}, [NO_INTEGER]),
        ("int_min0_nullish", "5", [SMALL, NO_NUMBER], [SMALL, NO_INTEGER]),
        ("query_enum_required", "", 1, 2),
        ("permissions", None, 2, 3),
        ("permissions", ["adminUser.read"], 1, {"f": ["adminUser.read"]}),
        ("permissions", ["admin.user.read"], {"f": ["admin.user.read"]}, 1),
    ],
)
def test_2_7_has_rules_of_its_own(name: str, given: Any, first: Any, second: Any) -> None:
    """Where 2.7's rules are others than 1.134's, each release keeps to its own (X)."""
    for release, wanted in (("1.134", first), ("2.7", second)):
        said = said_of(name, given, release)
        assert (len(said) if isinstance(wanted, int) else said) == wanted


@pytest.mark.parametrize("release", ["1.134", "2.7"])
@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (None, NO_GROUP),
        ("x", NO_GROUP),
        (5, NO_GROUP),
        ({"enabled": "x"}, NO_FLAG),
        ({"enabled": None}, NO_FLAG),
    ],
)
def test_groups_are_named_before_their_fields(folders: Any, said: list[str], release: str) -> None:
    """A message about a field of a group begins with the group's name (X)."""
    assert judged(Grouped, {"folders": folders}, release)["message"] == said


@pytest.mark.parametrize("release", ["1.134", "2.7"])
def test_an_array_is_a_group_without_fields(release: str) -> None:
    """Before 3.0 an array passes for a group: it changes nothing (X)."""
    assert judged(Grouped, {"folders": []}, release) == {"folders": {}}


def test_fields_of_a_group_have_a_longer_path() -> None:
    """In 3.2 the path of an issue leads through the group (X)."""
    body = judged(Grouped, {"folders": {"enabled": "x"}}, "3.2")
    assert body["errors"][0]["path"] == ["folders", "enabled"]


def test_a_field_can_be_required_in_one_release() -> None:
    """A field that only 1.134 requires is missed there, may be absent elsewhere, and is never null (X)."""
    assert judged(Renaming, {}, "1.134")["message"] == NAME_GONE
    assert judged(Renaming, {}, "2.7") == {}
    assert judged(Renaming, {}, "3.2") == {}
    assert judged(Renaming, {"name": None}, "2.7")["message"] == NAME_GONE
    assert judged(Renaming, {"name": "x"}, "1.134") == {"name": "x"}


@pytest.mark.parametrize("release", PERMISSIONS)
def test_absurd_values_are_refused_in_every_release(release: str) -> None:
    """What is too long to be hashed, or too large for JavaScript, is refused whatever the release: our rule."""
    long = judged(shape_of(f=FIELDS["password"]), {"f": "a" * 4097}, release)
    large = judged(shape_of(f=FIELDS["int_min1_optional"]), {"f": 2**63}, release)
    if release == "3.2":
        assert ordered(long["errors"]) == ordered([zod.below(["f"], zod.too_big("string", 4096))])
        assert large["errors"][0]["maximum"] == SAFE
    else:
        assert long["message"] == ["f must be shorter than or equal to 4096 characters"]
        assert large["message"] == [UNSAFE]


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        (2**53 - 1, []),
        (-(2**60), ["too_small", "too_small"]),
        (1e300, ["too_big"]),
        (float("inf"), ["invalid_type"]),
        (60.0, []),
    ],
)
def test_numbers_beyond_javascripts_integers(value: Any, codes: list[str]) -> None:
    """zod tells integers that JavaScript cannot count with, and infinity, from the others (X: zod 4.3.6)."""
    assert [issue["code"] for issue in zod.integer(1)(value)] == codes


def test_issues_of_an_array_are_bounded() -> None:
    """A small body cannot ask for an answer of megabytes: of many bad items only the first are spoken of."""
    assert len(zod.array(zod.enum(permissions.V3_2))([0] * 10_000)) == zod.MOST_ISSUES


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ü@x.y", True),
        ("माया@उदाहरण.भारत", True),
        ("a@" + "b" * 63, True),
        ("a@" + "b" * 64, False),
        ("a@b-", False),
        ("a@-b", False),
        ("a@b..c", False),
        ("a@b.", False),
        ("a@b@c", False),
        ("@b", False),
        ("a", False),
        ("a,b@c", False),
    ],
)
def test_email_addresses_of_3_2(text: str, good: bool) -> None:
    """3.2 takes the letters, marks and digits of every script, and labels as DNS has them (§5.2)."""
    assert (not zod.email()(text)) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2024", True),
        ("2024-01", True),
        ("202401", False),
        ("20240102", True),
        ("2024-01-02T", True),
        ("2024-01-02T10", True),
        ("2022-02-12T00:00:00.000Z", True),
        ("2022-02-12T00:00:00+01:00", True),
        ("2022-02-12 00:00", True),
        ("20240102T101010Z", True),
        ("2024-01-02T24:00", True),
        ("2024-W01-1", True),
        ("2024-366", True),
        ("2024-367", False),
        ("2024-13-01", False),
        ("2024-1-1", False),
        ("2024T10", False),
        ("٢٠٢٤", False),
        ("x", False),
        (None, False),
        (2024, False),
    ],
)
def test_dates_before_3_0(text: Any, good: bool) -> None:
    """A date is ISO 8601 in any of its spellings (X: validator.js)."""
    assert IS_DATE.holds(text) is good


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("a/b\\c", "abc"),
        ("con", ""),
        ("COM1", ""),
        ("console", "console"),
        ("a:*?<>|b", "ab"),
        ("a\x00\x1f\x7f\x85b", "a\x7fb"),
        ("ü" * 200, "ü" * 127),
        ("a  ", "a"),
    ],
)
def test_storage_labels_name_a_folder(given: str, label: str) -> None:
    """What no file system takes is left out of a storage label, and it is at most 255 bytes long (X)."""
    assert storage_label(given) == label


OPERATIONS = {
    operation.takes.__name__.lower().removesuffix("dto"): operation for operation in ImmichApi.operations()
}
# Where we read less than the product: no label is null, bytes are whole, an array has no fields.
READ_AS: Mapping[tuple[str, str], Any] = {
    ("storageLabel", "null"): None,
    ("quotaSizeInBytes", "1.5"): 1,
    ("emailNotifications", "[]"): {},
}


def shape_in(case: Any) -> str:
    """The name of the shape that a case is about, as `OPERATIONS` has it."""
    name = str(case["dto"]).lower().removesuffix("dto")
    return {"getalbums": "albumsearch"}.get(name, name)


def asked(case: Any, release: str) -> Any:
    """What the server makes of a body or a query in a release: the fields it read, or the error body."""
    operation, given = OPERATIONS[shape_in(case)], case["given"]
    shape: type[BaseModel] = operation.takes
    in_query = case["in"] == "query"
    request = exchange(release, urlencode(given).encode() if in_query else b"")
    request.operation = operation
    body = {} if in_query else UNDEFINED if given == "(no body)" else given
    path = {name: A_USER for place, name in places(shape).values() if place is InPath}
    try:
        body = body if isinstance(body, dict) else errors.not_an_object(request, body)
        read = read_ask(shape, request, body, path, RELEASES[release])
    except ValidationError as problem:
        return json.loads(errors.invalid(request, shape, problem).body)
    except Malformed as malformed:
        return json.loads(errors.malformed(request, malformed).body)
    return read.model_dump(by_alias=True, exclude_unset=True, exclude=set(path))


def ours(case: Any) -> Any:
    """What the product read, as we read it, without what it makes up."""
    read, given = case["value"], case["given"]
    return {name: READ_AS.get((name, json.dumps(given[name])), read[name]) for name in read if name in given}


def cases() -> Iterator[Any]:
    """Every case of both oracles about a shape of ours, with the release and what it said."""
    for case in LISTS["cases"]:
        for release in case["releases"]:
            yield case, release, {"message": case["message"]} if "message" in case else None
    for case in ZOD["dtos"]:
        said = {"message": "Validation failed", "errors": case["errors"]} if "errors" in case else None
        yield case, "3.2", said


SERVED = [
    pytest.param(case, release, said, id=f"{number}-{release}-{case['dto']}")
    for number, (case, release, said) in enumerate(cases())
    if shape_in(case) in OPERATIONS
]


def test_no_shape_of_the_oracles_is_left_out() -> None:
    """Every body and query that the oracles know is one of ours; the other two are held as fields above."""
    unknown = {case["dto"] for case, _, _ in cases() if shape_in(case) not in OPERATIONS}
    assert unknown == {"UUIDParamDto", "(each uuid)"}


@pytest.mark.parametrize(("case", "release", "said"), SERVED)
def test_asks_are_judged_as_the_release_judges_them(case: Any, release: str, said: Any) -> None:
    """Whole bodies and queries get the release's very complaints, in its order, or are read as it reads them."""
    found = asked(case, release)
    if said is None:
        assert found == ours(case)
    else:
        assert ordered({key: found.get(key) for key in said}) == ordered(spelled(said, release))
