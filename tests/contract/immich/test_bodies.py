"""Whatever body arrives, Immich's own answer leaves: never a 5xx, never a traceback (contract §0.2, §0.4)."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import pytest
from tests.contract.immich.speech import (
    OPERATIONS,
    OTHER_PIN,
    PIN,
    PROTECTED,
    SIGN_UP,
    House,
    assert_empty,
    assert_immich,
    assert_malformed,
    assert_refused,
)
from tests.fakes import NEW_PASSWORD, PASSWORD

TYPE = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
LOGIN_EMPTY = [
    "email should not be empty",
    "email must be an email",
    "password should not be empty",
    "password must be a string",
]
MEBIBYTE = 2**20


def shaped(response: httpx2.Response) -> None:
    """Immich's shape, and nothing of our insides."""
    assert_immich(response)
    for inside in ("Traceback", "dragoman", "pydantic", "sqlalchemy", ".py"):
        assert inside not in response.text


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_is_read_by_its_media_type(houses: House, media: str) -> None:
    """JSON is known by its media type in any case, with the charset that JSON has (§0.4)."""
    body = json.dumps({"email": houses.person().email, "password": PASSWORD}).encode()
    response = houses.call("login", content=body, headers={"content-type": media})
    assert response.status_code == 201


def test_every_operation_takes_a_form(houses: House) -> None:
    """A URL-encoded form is as good as JSON, for every operation with a body (§0.4)."""
    person = houses.person()

    def sent(operation: str, token: str | None = None, **fields: str) -> httpx2.Response:
        return houses.call(operation, token, content=urlencode(fields).encode(), headers=FORM)

    assert sent("login", email=person.email, password=PASSWORD).status_code == 201
    assert_empty(sent("setup_pin_code", person.token, pinCode=PIN), 201)
    assert_empty(sent("unlock_auth_session", person.token, pinCode=PIN), 200)
    assert_empty(sent("change_pin_code", person.token, pinCode=PIN, newPinCode=OTHER_PIN), 200)
    assert_empty(sent("reset_pin_code", person.token, pinCode=OTHER_PIN), 200)
    changed = sent("change_password", person.token, password=PASSWORD, newPassword=NEW_PASSWORD)
    assert changed.status_code == 200
    assert sent("update_my_user", person.token, name="Ada").json()["name"] == "Ada"


def test_sign_up_takes_a_form(own: House) -> None:
    """Even the first administrator may sign up by a form (§0.4)."""
    response = own.call("sign_up_admin", content=urlencode(SIGN_UP).encode(), headers=FORM)
    assert (response.status_code, response.json()["name"]) == (201, "Ada")


@pytest.mark.parametrize(
    ("form", "messages"),
    [
        ("", LOGIN_EMPTY),
        ("email=&password=", LOGIN_EMPTY[:3]),
        ("email=a%40b.c", LOGIN_EMPTY[2:]),
        ("email=a%40b.c&password=x&password=y", ["password must be a string"]),
        ("email=a%40b.c&email=c%40d.e&password=x", ["email must be an email"]),
        ("email[a]=b&password=x", LOGIN_EMPTY[:2]),
        ("&&&=&=x", LOGIN_EMPTY),
        ("%", LOGIN_EMPTY),
    ],
)
def test_form_fields_are_judged_as_json_is(house: House, form: str, messages: list[str]) -> None:
    """A form's fields are strings, or lists where one is repeated, and keep the same rules (§0.4)."""
    assert_refused(house.call("login", content=form.encode(), headers=FORM), 400, messages)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "text/plain; charset=iso-8859-1"},
        {"content-type": "text/json"},
        {"content-type": "application/xml; charset=utf-16"},
        {"content-type": "application/merge-patch+json"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/octet-stream"},
        {"content-type": "nonsense"},
        {"content-type": ";;;"},
        {"content-type": "application/octet-stream", "content-encoding": "gzip"},
    ],
)
@pytest.mark.parametrize("content", [b"", b"{", b'{"email":"a@b.c","password":"x"}', b"\xff\x00"])
def test_other_content_is_as_if_nothing_was_sent(
    house: House, headers: dict[str, str], content: bytes
) -> None:
    """A body of any other type is not even read: it behaves like `{}` (§0.4)."""
    assert_refused(house.call("login", content=content, headers=headers), 400, LOGIN_EMPTY)


@pytest.mark.parametrize("media", ["application/json", "application/x-www-form-urlencoded"])
def test_empty_body_is_an_empty_object(house: House, media: str) -> None:
    """No body behaves like `{}`, whatever type it says it has (§0.4)."""
    assert_refused(house.call("login", content=b"", headers={"content-type": media}), 400, LOGIN_EMPTY)


@pytest.mark.parametrize("charset", ["latin1", "iso-8859-1", "utf-7", "x-unknown", "utf-16", '"shift_jis"'])
@pytest.mark.parametrize("media", ["application/json", "application/x-www-form-urlencoded"])
def test_unknown_charset_is_415(house: House, media: str, charset: str) -> None:
    """A charset that is not UTF-8 is 415 in the shape of a body that cannot be read (§0.2, §11 bad input)."""
    headers = {"content-type": f"{media}; charset={charset}"}
    for token in (None, house.person().token):
        assert_malformed(house.call("change_password", token, content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense", "gzip, identity"])
def test_packed_body_is_415(house: House, encoding: str) -> None:
    """A packed body is 415, however little it holds: what unpacks to gigabytes is never unpacked."""
    packed = gzip.compress(json.dumps({"email": "a@b.c", "password": "x"}).encode())
    response = house.call("login", content=packed, headers={**TYPE, "content-encoding": encoding})
    assert_malformed(response, 415)


def test_identity_is_no_encoding(house: House) -> None:
    """`Content-Encoding: identity` says that nothing was done to the body (RFC 9110 §8.4.1)."""
    headers = {**TYPE, "content-encoding": "Identity"}
    assert_refused(house.call("login", content=b"{}", headers=headers), 400, LOGIN_EMPTY)


@pytest.mark.parametrize("operation", ["login", "change_password", "get_auth_status"])
@pytest.mark.parametrize("media", ["application/json", "text/plain"])
def test_body_beyond_the_limit_is_413(house: House, operation: str, media: str) -> None:
    """A body of more than the limit is 413, signed in or not; one of exactly the limit is read."""
    headers = {"content-type": media}
    for token in (None, house.person().token):
        over = house.call(operation, token, content=b" " * (MEBIBYTE - 1) + b"{}", headers=headers)
        assert_malformed(over, 413)
        assert over.json()["message"] == "request entity too large"
    exactly = house.call("login", content=b" " * (MEBIBYTE - 2) + b"{}", headers=headers)
    assert_refused(exactly, 400, LOGIN_EMPTY)


def test_limit_counts_what_arrives_not_what_was_said(house: House) -> None:
    """A chunked body, which says no length, is cut off at the limit, too."""

    def chunks() -> Any:
        for _ in range(40):
            yield b" " * 65536

    assert_malformed(house.call("login", content=chunks(), headers=TYPE), 413)


def test_length_that_nobody_sends_is_not_waited_for(house: House) -> None:
    """Who announces a body beyond the limit is refused by the announcement alone."""
    address = urlsplit(house.served.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as line:
        head = (
            "POST /immich/api/auth/login HTTP/1.1\r\nhost: localhost\r\n"
            "content-type: application/json\r\ncontent-length: 99999999999\r\n\r\n"
        )
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_client_that_leaves_in_the_middle_is_nobody_s_trouble(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever goes away before their body has arrived leaves no accident behind."""
    address = urlsplit(house.served.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as line:
        head = "POST /immich/api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n"
        line.sendall(head.encode() + b'{"email"')
    for _ in range(3):
        assert house.ask("GET", "/server/ping").status_code == 200
    assert "crashed" not in caplog.text


@pytest.mark.parametrize("fields", [1000, 1001, 100_000])
def test_form_has_at_most_a_thousand_fields(house: House, fields: int) -> None:
    """A form of more fields than anybody needs is 413; one of a thousand is read."""
    form = "&".join(f"{n:x}=" for n in range(fields))
    response = house.call("login", content=form.encode(), headers=FORM)
    if fields > 1000:
        assert_malformed(response, 413)
    else:
        assert_refused(response, 400, LOGIN_EMPTY)


@pytest.mark.parametrize("length", [4097, 100_000, MEBIBYTE // 4])
@pytest.mark.parametrize("operation", ["login", "sign_up_admin", "change_password", "unlock_auth_session"])
def test_huge_strings_are_refused_as_fields(house: House, operation: str, length: int) -> None:
    """A password or PIN of any size within the limit of bodies is a field that breaks a rule."""
    huge = "9" * length
    body = {"email": "a@b.c", "name": "A", "password": huge, "newPassword": huge, "pinCode": huge}
    response = house.call(operation, house.person().token, body)
    assert response.status_code == 400
    assert all("must be" in message for message in response.json()["message"])
    shaped(response)


BOMBS = {
    "arrays": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "in a field": '{"email":' + "[" * 50_000 + "]" * 50_000 + ',"password":"x"}',
    "unclosed": "[" * 500_000,
    "surrogate in the deep": '{"email":' + "[" * 400 + '"\\ud800"' + "]" * 400 + "}",
    "surrogate in the deeper": '{"email":' + "[" * 900 + '"\\ud800"' + "]" * 900 + "}",
    "a long number": '{"email":' + "9" * 100_000 + "}",
    "a long negative number": '{"email":-' + "9" * 100_000 + "}",
    "many digits behind the point": '{"email":0.' + "9" * 100_000 + "}",
    "a large exponent": '{"email":1e999999999}',
    "many keys": "{" + ",".join(f'"k{n}":{n}' for n in range(60_000)) + "}",
    "one key again and again": "{" + ",".join('"email":"a@b.c"' for _ in range(60_000)) + "}",
    "many complaints": '{"email":[' + ",".join("1" for _ in range(400_000)) + "]}",
    "NaN": '{"email":NaN}',
    "Infinity": '{"email":Infinity,"password":-Infinity}',
    "a byte order mark": '\ufeff{"email":"a@b.c"}',
    "prototype": '{"__proto__":{"email":"a@b.c"},"constructor":{"prototype":{}}}',
    "__class__": '{"__class__":"x","model_fields":{},"self":1}',
}


@pytest.mark.parametrize("operation", ["login", "change_password"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_hostile_json_is_a_bad_request(house: House, operation: str, bomb: str) -> None:
    """Depth, size, repetition and what JavaScript or Python read into JSON end as 400 in Immich's shape."""
    response = house.call(
        operation, house.person().token, content=BOMBS[bomb].encode("utf-8", "surrogatepass"), headers=TYPE
    )
    assert response.status_code == 400
    shaped(response)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_malformed(house: House, value: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259 §6), though Python reads them."""
    assert_malformed(house.call("login", content=f'{{"email":{value}}}'.encode(), headers=TYPE))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_is_utf8(house: House, encoding: str) -> None:
    """JSON in another encoding is malformed (RFC 8259 §8.1), though Python guesses it."""
    body = '{"email":"a@b.c","password":"\\ud800"}'.encode(encoding)
    assert_malformed(house.call("login", content=body, headers=TYPE))


# What is no character, and what databases and terminals choke on.
TROUBLE = {
    "NUL": "a\u0000b",
    "NUL alone": "\u0000",
    "lone high surrogate": "a\ud800b",
    "lone low surrogate": "a\udfffb",
    "swapped surrogates": "\udc00\ud800",
    "noncharacter": "a\uffffb",
    "escape sequence": "a\u001b[2Jb",
    "newline": "a\r\nset-cookie: x=y",
    "override": "a\u202eb",
    "beyond the BMP": "a\U0010ffffb",
    "quotes": "a' OR 1=1; --",
    "percent": "%s%n%00",
    "braces": "{0} {permission} {__class__}",
}
FIELDS = {
    "login": {"email": "a@b.c", "password": PASSWORD},
    "sign_up_admin": SIGN_UP,
    "change_password": {"password": PASSWORD, "newPassword": NEW_PASSWORD},
    "setup_pin_code": {"pinCode": PIN},
    "change_pin_code": {"newPinCode": OTHER_PIN, "pinCode": PIN, "password": PASSWORD},
    "reset_pin_code": {"pinCode": PIN, "password": PASSWORD},
    "unlock_auth_session": {"pinCode": PIN, "password": PASSWORD},
    "update_my_user": {"email": "new@example.com", "name": "Ada", "password": PASSWORD, "avatarColor": "red"},
}


def troubled(house: House, operation: str, field: str) -> None:
    """Trouble in one field of an operation, as JSON and as a form, alone and behind what is good."""
    good = FIELDS[operation]
    for trouble in TROUBLE.values():
        person = house.person(must_change_password=True)
        if "pin" in operation or "unlock" in operation:
            house.call("setup_pin_code", person.token, {"pinCode": OTHER_PIN})
        body = {**good, field: good[field] + trouble}
        shaped(house.call(operation, person.token, content=json.dumps(body).encode(), headers=TYPE))
        form = urlencode({name: text.encode("utf-8", "surrogatepass") for name, text in good.items()})
        alone = f"{form}&{field}={quote(trouble.encode('utf-8', 'surrogatepass'))}"
        alone = alone.replace(f"{field}={quote(good[field])}&", "")
        shaped(house.call(operation, person.token, content=alone.encode(), headers=FORM))


@pytest.mark.parametrize(
    ("operation", "field"), [(name, field) for name, body in FIELDS.items() for field in body]
)
def test_trouble_in_a_field_is_a_refusal(house: House, operation: str, field: str) -> None:
    """No text in any field makes us fail: it is refused in Immich's words, or taken (§11 bad input)."""
    troubled(house, operation, field)


@pytest.mark.parametrize(
    ("operation", "field"), [("login", "email"), *[("update_my_user", f) for f in ("email", "name")]]
)
def test_trouble_that_reaches_a_database_is_a_refusal(houses: House, operation: str, field: str) -> None:
    """Nor does any text that is looked up or stored make a database of either kind fail (§11 bad input)."""
    troubled(houses, operation, field)


@pytest.mark.parametrize("field", ["name", "email", "password"])
def test_trouble_in_the_first_sign_up(owns: House, field: str) -> None:
    """A sign-up stores what is text and refuses what is not, and then lets in whom it stored."""
    for trouble in TROUBLE.values():
        asked = {**SIGN_UP, field: trouble + SIGN_UP[field]}
        response = owns.call("sign_up_admin", content=json.dumps(asked).encode(), headers=TYPE)
        shaped(response)
        if response.status_code == 400:
            assert all(message.startswith(field) for message in response.json()["message"])
            continue
        credentials = json.dumps({name: asked[name] for name in ("email", "password")}).encode()
        signed_in = owns.call("login", content=credentials, headers=TYPE)
        assert (signed_in.status_code, signed_in.json()["name"]) == (201, response.json()["name"])
        owns.start_over()
    assert owns.call("sign_up_admin", body=SIGN_UP).status_code == 201


HEADERS = [
    b"\xff\xfe",
    b"caf\xe9",
    b"\xc3\xa9",
    b"x" * 5000,
    b"a\tb",
    b"%00%ff",
    b"'; DROP TABLE accounts; --",
    b"{}",
]


@pytest.mark.parametrize("value", HEADERS)
@pytest.mark.parametrize(
    "name", ["user-agent", "devicemodel", "devicetype", "x-request-id", "accept", "origin"]
)
def test_trouble_in_a_header_does_not_stop_a_login(houses: House, name: str, value: bytes) -> None:
    """What a client says of itself may be any bytes: it is cut and stored as text, and the log-in works."""
    response = houses.log_in(houses.person().email, headers={name: value})
    assert response.status_code == 201


@pytest.mark.parametrize("value", HEADERS)
@pytest.mark.parametrize("operation", PROTECTED)
def test_trouble_in_a_credential_is_401(house: House, operation: str, value: bytes) -> None:
    """A credential of any bytes is one that nobody has."""
    method, path = OPERATIONS[operation]
    sent = [
        ({"authorization": b"Bearer " + value}, ""),
        ({"x-immich-user-token": value}, ""),
        ({"x-immich-session-token": value}, ""),
        ({"cookie": b"immich_access_token=" + value}, ""),
        ({"x-api-key": value}, ""),
        ({}, f"?sessionKey={quote(value)}"),
        ({}, f"?apiKey={quote(value)}&apiKey=again"),
        ({}, "?sessionKey=%&sessionKey=%ff&apiKey=%zz"),
    ]
    for headers, query in sent:
        response = house.ask(method, path + query, headers=headers)
        assert response.status_code == 401
        shaped(response)
