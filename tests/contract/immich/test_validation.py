"""What Immich says of a body whose fields are wrong: every message, in its order (contract §1)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.immich.speech import PIN, House, assert_refused, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

EMAIL_GONE = ["email should not be empty", "email must be an email"]
EMAIL_BAD = ["email must be an email"]
PASSWORD_GONE = ["password should not be empty", "password must be a string"]
PASSWORD_EMPTY = ["password should not be empty"]
PASSWORD_NO_STRING = ["password must be a string"]
NAME_GONE = ["name should not be empty", "name must be a string"]
NEW_SHORT = "newPassword must be longer than or equal to 8 characters"
NEW_EMPTY = "newPassword should not be empty"
NEW_NO_STRING = "newPassword must be a string"

# Neither a string nor missing.
THINGS: list[Any] = [123456, 0, 1.5, True, False, [], ["text"], {}, {"a": 1}]
PIN_SHAPES = ["12345", "1234567", "A12345", "123456\n", "\n123456", " 123456", "123456 ", "12 456", "-12345"]
# Digits to Unicode, and to `\d` in many a language: full-width, Arabic-Indic, Devanagari, circled.
OTHER_DIGITS = ["\uff11\uff12\uff13\uff14\uff15\uff16", "١٢٣٤٥٦", "12345\uff16", "१२३४५६", "①②③④⑤⑥", "12345²"]


def pin_complaints(field: str, value: Any) -> list[str]:
    """What is said of a PIN field's bad value, by the table of contract §1.7."""
    match value:
        case None:
            said = ["must be a string", "should not be empty", "must be a 6-digit numeric string"]
        case "":
            said = ["should not be empty", "must be a 6-digit numeric string"]
        case str():
            said = ["must be a 6-digit numeric string"]
        case _:
            said = ["must be a string", "must be a 6-digit numeric string"]
    return [f"{field} {each}" for each in said]


BAD_PINS = [None, "", *PIN_SHAPES, *OTHER_DIGITS, *THINGS]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, EMAIL_GONE + PASSWORD_GONE),
        (None, EMAIL_GONE + PASSWORD_GONE),
        ({"name": "admin"}, EMAIL_GONE + PASSWORD_GONE),
        ({"email": None, "password": PASSWORD}, EMAIL_GONE),
        ({"email": "", "password": PASSWORD}, EMAIL_GONE),
        ({"password": PASSWORD}, EMAIL_GONE),
        ({"email": "a@b.c", "password": None}, PASSWORD_GONE),
        ({"email": "a@b.c"}, PASSWORD_GONE),
        ({"email": "a@b.c", "password": ""}, PASSWORD_EMPTY),
        ({"password": 5, "email": "no address"}, EMAIL_BAD + PASSWORD_NO_STRING),
        ({"Email": "a@b.c", "PASSWORD": PASSWORD}, EMAIL_GONE + PASSWORD_GONE),
        *[({"email": thing, "password": PASSWORD}, EMAIL_BAD) for thing in THINGS],
        *[({"email": "a@b.c", "password": thing}, PASSWORD_NO_STRING) for thing in THINGS],
    ],
)
def test_login_complains_in_order(house: House, body: Any, messages: list[str]) -> None:
    """A log-in body lists all that is wrong with the e-mail address, then with the password (§1.1)."""
    assert_refused(house.call("login", body=body), 400, messages)


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, NAME_GONE + EMAIL_GONE + PASSWORD_GONE),
        (None, NAME_GONE + EMAIL_GONE + PASSWORD_GONE),
        ({"email": "a@b.c", "password": PASSWORD}, NAME_GONE),
        ({"name": None, "email": "a@b.c", "password": PASSWORD}, NAME_GONE),
        ({"name": "", "email": "a@b.c", "password": PASSWORD}, ["name should not be empty"]),
        ({"name": "A", "password": PASSWORD}, EMAIL_GONE),
        ({"name": "A", "email": "immich", "password": PASSWORD}, EMAIL_BAD),
        ({"name": "A", "email": "a@b.c"}, PASSWORD_GONE),
        ({"name": "A", "email": "a@b.c", "password": ""}, PASSWORD_EMPTY),
        ({"password": 1, "email": 2, "name": 3}, ["name must be a string", *EMAIL_BAD, *PASSWORD_NO_STRING]),
        *[
            ({"name": thing, "email": "a@b.c", "password": PASSWORD}, ["name must be a string"])
            for thing in THINGS
        ],
    ],
)
def test_sign_up_complains_in_order(house: House, body: Any, messages: list[str]) -> None:
    """A sign-up body lists all that is wrong with the name, the e-mail address, the password (§1.2)."""
    assert_refused(house.call("sign_up_admin", body=body), 400, messages)


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, [*PASSWORD_GONE, NEW_SHORT, NEW_EMPTY, NEW_NO_STRING]),
        (None, [*PASSWORD_GONE, NEW_SHORT, NEW_EMPTY, NEW_NO_STRING]),
        ({"password": PASSWORD}, [NEW_SHORT, NEW_EMPTY, NEW_NO_STRING]),
        ({"password": PASSWORD, "newPassword": None}, [NEW_SHORT, NEW_EMPTY, NEW_NO_STRING]),
        ({"password": PASSWORD, "newPassword": "short"}, [NEW_SHORT]),
        ({"password": PASSWORD, "newPassword": ""}, [NEW_SHORT, NEW_EMPTY]),
        ({"password": "", "newPassword": "correct-horse"}, PASSWORD_EMPTY),
        ({"newPassword": "correct-horse"}, PASSWORD_GONE),
        ({"newPassword": "7 chars", "password": 7}, [*PASSWORD_NO_STRING, NEW_SHORT]),
        # Three of these are six UTF-16 units.
        ({"password": PASSWORD, "newPassword": "\U0001f600" * 3}, [NEW_SHORT]),
        *[({"password": PASSWORD, "newPassword": thing}, [NEW_SHORT, NEW_NO_STRING]) for thing in THINGS],
        *[({"password": thing, "newPassword": "correct-horse"}, PASSWORD_NO_STRING) for thing in THINGS],
    ],
)
def test_change_password_complains_in_order(house: House, body: Any, messages: list[str]) -> None:
    """A change of password lists all that is wrong with the old one, then with the new one (§1.4)."""
    assert_refused(house.call("change_password", house.person().token, body), 400, messages)


@pytest.mark.parametrize("value", BAD_PINS)
def test_pin_is_six_ascii_digits(house: House, value: Any) -> None:
    """A PIN is a string of six ASCII digits; whatever else it is, is named in Immich's words (§1.7)."""
    refused = house.call("setup_pin_code", house.person().token, {"pinCode": value})
    assert_refused(refused, 400, pin_complaints("pinCode", value))


@pytest.mark.parametrize("body", [None, {}, {"pin": PIN}, {"pincode": PIN}])
def test_pin_is_required(house: House, body: Any) -> None:
    """A PIN that is not there is judged as null is (§1.7)."""
    refused = house.call("setup_pin_code", house.person().token, body)
    assert_refused(refused, 400, pin_complaints("pinCode", None))


@pytest.mark.parametrize("value", BAD_PINS)
def test_new_pin_is_six_ascii_digits(house: House, value: Any) -> None:
    """The new PIN of a change keeps the PIN's rules, and is required (§1.8)."""
    token = house.person().token
    refused = house.call("change_pin_code", token, {"newPinCode": value, "password": PASSWORD})
    assert_refused(refused, 400, pin_complaints("newPinCode", value))
    if value is None:
        assert_refused(house.call("change_pin_code", token), 400, pin_complaints("newPinCode", None))


@pytest.mark.parametrize("operation", ["change_pin_code", "reset_pin_code", "unlock_auth_session"])
@pytest.mark.parametrize("value", BAD_PINS)
def test_optional_pin_is_absent_or_good(house: House, operation: str, value: Any) -> None:
    """A PIN that need not be given keeps the rules if it is, and null is not absent (§1.8-§1.10)."""
    body = {"newPinCode": PIN, "pinCode": value}
    refused = house.call(operation, house.person().token, body)
    assert_refused(refused, 400, pin_complaints("pinCode", value))


@pytest.mark.parametrize("operation", ["change_pin_code", "reset_pin_code", "unlock_auth_session"])
@pytest.mark.parametrize(
    ("value", "messages"),
    [(None, PASSWORD_GONE), ("", PASSWORD_EMPTY), *[(thing, PASSWORD_NO_STRING) for thing in THINGS]],
)
def test_optional_password_is_absent_or_good(
    house: House, operation: str, value: Any, messages: list[str]
) -> None:
    """A password that need not be given is a string with something in it if it is (§1.8-§1.10)."""
    body = {"newPinCode": PIN, "password": value}
    assert_refused(house.call(operation, house.person().token, body), 400, messages)


def test_change_of_pin_complains_in_order(house: House) -> None:
    """The new PIN comes first, then the old one, then the password, however they were sent (§1.8)."""
    body = {"pinCode": "1", "password": "", "newPinCode": "2"}
    messages = [
        "newPinCode must be a 6-digit numeric string",
        "pinCode must be a 6-digit numeric string",
        "password should not be empty",
    ]
    assert_refused(house.call("change_pin_code", house.person().token, body), 400, messages)


@pytest.mark.parametrize("operation", ["reset_pin_code", "unlock_auth_session"])
def test_pin_comes_before_password(house: House, operation: str) -> None:
    """Of two optional fields that are both wrong the PIN is named first (§1.9, §1.10)."""
    body = {"password": None, "pinCode": None}
    messages = pin_complaints("pinCode", None) + PASSWORD_GONE
    assert_refused(house.call(operation, house.person().token, body), 400, messages)


ACCEPTED = [
    "admin@local",
    "a@localhost",
    "a+b@x.y",
    "a_b.c@x-y.z",
    '"a b"@x.y',
    "é@x.y",
    "用户@例子.广告",
    "ADMIN@LOCAL",
    "a!#$%&'*+/=?^_`{|}~-@x.y",
    f"{'a' * 64}@x.y",
    f"a@{'b' * 63}.c",
    "a@1.b",
    "a@xn--bcher-kva.example",
]
REJECTED = [
    " a@x.y",
    "a@x.y ",
    "a@x.y\n",
    "\ta@x.y",
    "a@127.0.0.1",
    "a@[127.0.0.1]",
    "a..b@x.y",
    ".a@x.y",
    "a.@x.y",
    "a@x_y.z",
    "a@-x.y",
    "a@x-.y",
    "a@x..y",
    "a@x.y.",
    "a@.y",
    "a@x.1",
    "a b@x.y",
    "a@b@x.y",
    "a@",
    "@x.y",
    "@",
    "a",
    "Ada <a@x.y>",
    "a@x.y, b@x.y",
    "a(comment)@x.y",
    "a@x y",
    '"a"b"@x.y',
    f"{'a' * 65}@x.y",
    f"{'é' * 33}@x.y",
    f"a@{'b' * 64}.c",
    f"a@{'.'.join(['b' * 63] * 4)}",
    "a\u0000@x.y",
    "a@x.y\u0000",
]


@pytest.mark.parametrize("email", ACCEPTED)
def test_email_is_accepted(house: House, email: str) -> None:
    """What counts as an e-mail address gets past the rules to the log-in, which knows nobody of it (§1.1)."""
    assert_refused(house.log_in(email), 401, "Incorrect email or password")


@pytest.mark.parametrize("email", REJECTED)
@pytest.mark.parametrize("operation", ["login", "sign_up_admin"])
def test_email_is_rejected(house: House, operation: str, email: str) -> None:
    """What is no e-mail address is said to be none, and nothing is trimmed to make it one (§1.1, §1.2)."""
    body = {"email": email, "name": "Ada", "password": PASSWORD}
    assert_refused(house.call(operation, body=body), 400, EMAIL_BAD)


@pytest.mark.parametrize("new", ["\U0001f600" * 4, "ünïcödé!"])
def test_new_password_is_measured_in_utf16(tmp_path: Any, new: str) -> None:
    """Under the product's own floor eight UTF-16 units will do, if four letters make them or eight (§1.4)."""
    configuration = configured(f"sqlite:///{tmp_path}/dragoman.db", passwords={"policy": "legacy"})
    with running(configuration, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        person = house.person()
        changed = house.call("change_password", person.token, {"password": PASSWORD, "newPassword": new})
        assert changed.status_code == 200
        assert house.log_in(person.email, new).status_code == 201


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("password", "must not be one of the most common passwords"),
        ("Password1!", "must not be one of the most common passwords"),
        ("somebody", "must not be your name or e-mail address"),
        ("dragoman-1", "must not be the name of the service"),
        ("\U0001f600" * 4, "must be longer than or equal to 8 characters"),
        ("eight or more\u0000", "must be a string of valid characters"),
        ("x" * 4097, "must be shorter than or equal to 4096 characters"),
        ("ü" * 4096, "must be shorter than or equal to 4096 bytes"),
    ],
)
def test_policy_speaks_in_the_shape_of_validation(house: House, new: str, said: str) -> None:
    """A new password that our policy refuses is refused as a field that breaks a rule, and stays unused."""
    person = house.person()
    refused = house.call("change_password", person.token, {"password": PASSWORD, "newPassword": new})
    assert_refused(refused, 400, [f"newPassword {said}"])
    assert house.log_in(person.email).status_code == 201


@pytest.mark.parametrize("operation", ["login", "change_password", "change_pin_code", "reset_pin_code"])
def test_P_05_absurdly_long_password_is_refused_unhashed(house: House, operation: str) -> None:
    """A password of more than 4096 bytes is refused as a field, wherever one is to be proved."""
    person = house.person()
    house.call("setup_pin_code", person.token, {"pinCode": PIN})
    body = {"email": "a@b.c", "password": "ü" * 4096, "newPassword": "correct-horse-9", "newPinCode": PIN}
    refused = house.call(operation, person.token, body)
    assert_refused(refused, 400, ["password must be shorter than or equal to 4096 bytes"])
