"""The OpenAPI document that Immich's dialect publishes: where it is, and that clients come out of it (contract §7)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.immich.speech import NEIGHBOURS, OPERATIONS, PUBLIC, House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.generated import seedcheck
from tests.running import configured, running

AUTHENTICATED: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}, {"api_key": []}]
CREATED = ("login", "sign_up_admin", "setup_pin_code")
# Each operation's body and answer, by their names in Immich.
SHAPES = {
    "login": ("LoginCredentialDto", "LoginResponseDto"),
    "sign_up_admin": ("SignUpDto", "UserAdminResponseDto"),
    "validate_access_token": (None, "ValidateAccessTokenResponseDto"),
    "change_password": ("ChangePasswordDto", "UserAdminResponseDto"),
    "logout": (None, "LogoutResponseDto"),
    "get_auth_status": (None, "AuthStatusResponseDto"),
    "setup_pin_code": ("PinCodeSetupDto", None),
    "change_pin_code": ("PinCodeChangeDto", None),
    "reset_pin_code": ("PinCodeResetDto", None),
    "unlock_auth_session": ("SessionUnlockDto", None),
    "lock_auth_session": (None, None),
}


@pytest.fixture(scope="module")
def document(house: House) -> Any:
    """The document, as the server publishes it."""
    response = house.ask_url("GET", f"{house.served.url}/immich/openapi.json")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    return response.json()


def refs(node: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_document_is_where_the_product_has_it(house: House, document: Any) -> None:
    """The one document is at openapi.json, and as JSON and YAML at Immich's own addresses, without credentials."""
    assert house.ask("GET", "/spec.json").json() == document
    as_yaml = house.ask("GET", "/spec.yaml")
    assert as_yaml.headers["content-type"] == "text/yaml; charset=utf-8"
    assert yaml.safe_load(as_yaml.text) == document


def test_document_says_whose_it_is(document: Any) -> None:
    """Title, description and version are Immich's, the address that of the mount."""
    assert document["openapi"] == "3.0.0"
    info = {"title": "Immich", "description": "Immich API", "version": "1.134.0", "contact": {}}
    assert document["info"] == info
    assert document["servers"] == [{"url": "/immich/api"}]
    assert "security" not in document


def test_document_names_the_credentials(document: Any) -> None:
    """Three schemes in Immich's order, with the stray `in` that its bearer scheme has."""
    schemes = document["components"]["securitySchemes"]
    assert list(schemes) == ["bearer", "cookie", "api_key"]
    assert schemes == {
        "bearer": {"scheme": "Bearer", "bearerFormat": "JWT", "type": "http", "in": "header"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "immich_access_token"},
        "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_document_describes_the_operation(document: Any, name: str) -> None:
    """Name, tag, credentials, body and the one response, without a word that Immich's document has not."""
    method, path = OPERATIONS[name]
    takes, gives = SHAPES[name]
    first, *others = name.split("_")
    described: dict[str, Any] = {
        "operationId": first + "".join(map(str.capitalize, others)),
        "parameters": [],
        "tags": ["Authentication"],
    }
    answer: dict[str, Any] = {"description": ""}
    if gives:
        answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{gives}"}}}
    described["responses"] = {"201" if name in CREATED else "200": answer}
    if takes:
        schema = {"$ref": f"#/components/schemas/{takes}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if name not in PUBLIC:
        described["security"] = AUTHENTICATED
    assert document["paths"][path][method.lower()] == described


def test_document_lists_exactly_what_is_served(house: House, document: Any) -> None:
    """Every operation of the document is served, each under a name of its own, and so are the neighbours."""
    names = []
    for path, item in document["paths"].items():
        root = item.get("servers", document["servers"])[0]["url"].rstrip("/")
        for method in item.keys() - {"servers"}:
            names.append(item[method]["operationId"])
            response = house.ask_url(method.upper(), f"{house.served.url}{root}{path}")
            assert response.status_code in (200, 400, 401), path
    assert len(names) == len(set(names))
    for method, path in (*OPERATIONS.values(), *NEIGHBOURS.values()):
        assert method.lower() in document["paths"][path]


def test_document_stands_by_itself(document: Any) -> None:
    """Every reference leads to a schema of the document, properties and required names in alphabetical order."""
    schemas = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in refs(document)} <= schemas.keys()
    assert list(schemas) == sorted(schemas)
    for schema in schemas.values():
        assert list(schema.get("properties", {})) == sorted(schema.get("properties", {}))
        assert schema.get("required", []) == sorted(schema.get("required", []))


def test_document_allows_no_null_where_null_is_refused(document: Any) -> None:
    """Optional means absent: no field of a body may be null but the colour, which null unsets (§1.8)."""
    schemas = document["components"]["schemas"]
    nullable = {
        (name, field)
        for name in [takes for takes, _ in SHAPES.values() if takes] + ["UserUpdateMeDto"]
        for field, schema in schemas[name]["properties"].items()
        if schema.get("nullable")
    }
    assert nullable == {("UserUpdateMeDto", "avatarColor")}


@pytest.mark.parametrize(
    ("told", "host", "path", "servers"),
    [
        (
            {"server": {"base_url": "https://id.example.org"}},
            "id.example.org",
            "/immich",
            "https://id.example.org/immich/api",
        ),
        ({"dialects": {"immich": {"host": "photos.example.org"}}}, "photos.example.org", "", "/api"),
        ({"dialects": {"immich": {"path": "/old/photos"}}}, "localhost", "/old/photos", "/old/photos/api"),
    ],
)
def test_document_names_the_address_it_is_served_at(
    tmp_path: Path, told: dict[str, Any], host: str, path: str, servers: str
) -> None:
    """Behind a base URL the address is absolute, on a host of its own it is Immich's own, elsewhere the mount's."""
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        for name in ("/openapi.json", "/api/spec.json"):
            response = house.ask_url("GET", f"{served.url}{path}{name}", headers={"host": host})
            assert response.json()["servers"] == [{"url": servers}]


def test_page_for_people_runs_nothing(house: House) -> None:
    """The readable page names every operation, and may neither run nor load anything."""
    response = house.ask_url("GET", f"{house.served.url}/immich/docs")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "script" not in response.headers["content-security-policy"]
    for method, path in OPERATIONS.values():
        assert path in response.text
        assert method in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/api/spec.json", "/api/spec.yaml"])
def test_documents_are_read_alone(house: House, method: str, path: str) -> None:
    """There is nothing to do with a document but read it."""
    assert house.ask_url(method, f"{house.served.url}/immich{path}").status_code == 404


@pytest.mark.slow
def test_document_regenerates_the_page_and_the_published_models(house: House, tmp_path: Path) -> None:
    """Restricted to the page's operations it gives the seed page fact for fact, and the SDK's own models (§7)."""
    printed = seedcheck("immich", house.served.url, "--sdk", str(tmp_path / "sdk"))
    assert "seedcheck immich: 190 of 190 facts equal" in printed
    found = find_spec("immich_python_sdk")
    assert found is not None
    assert found.origin is not None
    published = Path(found.origin).parent
    generated = tmp_path / "sdk/immich_python_sdk"
    compared = [*(generated / "models").glob("[!_]*.py"), generated / "api/authentication_api.py"]
    assert len(compared) == 16
    for file in compared:
        same = published / file.relative_to(generated)
        assert without_title(file) == without_title(same), file.name


def without_title(file: Path) -> list[str]:
    """A generated file's lines, without the sixth, which repeats the document's description."""
    lines = file.read_text().splitlines()
    return lines[:5] + lines[6:]
