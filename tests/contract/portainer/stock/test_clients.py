"""Stock clients, unmodified, against the server: every operation that they have of ours, and its refusals (§3, §6)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.command import serving
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.stock import Driver, Refused, driving, in_python

NOBODY: dict[str, str] = {}
REFUSED = ("Invalid credentials", "Unauthorized")
NO_TOKEN = ("A valid authorization token is missing", "Unauthorized")
GONE = {"ApiKeyAuth": "ptr_gone"}
BAD_TOKEN = ("Invalid JWT token", "Unauthorized")
TWO = "api key and auth header are not allowed at the same time"


class Server:
    """A server as an operator runs it, with Portainer at the root of a host name, and clients to drive."""

    def __init__(self, base: str, stack: ExitStack) -> None:
        self.base = base
        self._stack = stack
        self._drivers: dict[str, Driver] = {}

    def by(self, client: str) -> Driver:
        """A client, in a process that is started when it is first wanted."""
        if client not in self._drivers:
            command, variables = in_python(
                "portainer", "tests.contract.portainer.stock.drive", client, self.base
            )
            self._drivers[client] = self._stack.enter_context(driving(command, variables))
        return self._drivers[client]

    def sdk(self, operation: str, by: dict[str, str], **arguments: Any) -> Any:
        """A call of the generated client."""
        return self.by("sdk").call(operation, by, arguments)

    def token(self, name: str = "admin", password: str = PASSWORD) -> dict[str, str]:
        """What the generated client is configured with after a sign-in: the bare token, without a scheme."""
        body = {"username": name, "password": password}
        return {"jwt": self.sdk("AuthApi.authenticate_user", NOBODY, body=body)["jwt"]}

    def refused(self, status: int, message: str, details: str, call: Callable[[], Any]) -> None:
        """The generated client raises its own exception, which carries Portainer's body."""
        with pytest.raises(Refused) as raised:
            call()
        assert raised.value.status == status
        assert raised.value.said == {"message": message, "details": details}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose first administrator has been made by the generated client."""
    folder: Path = tmp_path_factory.mktemp("portainer")
    told = {
        "DRAGOMAN_DIALECTS__PORTAINER__HOST": "localhost",
        "DRAGOMAN_SETUP__OPEN": "always",
        "DRAGOMAN_THROTTLE__ADDRESS_FREE_ATTEMPTS": "1000000",
    }
    with ExitStack() as stack:
        process = stack.enter_context(serving(folder, "--port", "0", environ=told))
        made = Server(f"http://localhost:{urlsplit(process.root).port}/api", stack)
        body = {"username": "admin", "password": PASSWORD}
        assert made.sdk("UsersApi.user_admin_init", NOBODY, body=body)["Username"] == "admin"
        yield made


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """An API key of the administrator's."""
    body = {"description": "stock", "password": PASSWORD}
    made = server.sdk("UsersApi.user_generate_api_key", server.token(), id=1, body=body)
    return str(made["rawAPIKey"])


# --- the generated client, of ptctools 0.2.3 ------------------------------------------------------------


def test_the_sdk_signs_in(server: Server) -> None:
    """A token, and a refusal that is an exception with Portainer's body; 422, never 401 (§1.1)."""
    assert server.token()["jwt"].count(".") == 2
    for name, password in (("admin", "wrong-horse-7"), ("nobody", PASSWORD)):
        server.refused(422, *REFUSED, partial(server.token, name, password))
    server.refused(400, "Invalid request payload", "Invalid username", lambda: server.token(""))


@pytest.mark.parametrize("scheme", ["jwt", "ApiKeyAuth", "Bearer"])
def test_the_sdk_signs_out(server: Server, key: str, scheme: str) -> None:
    """204 with either header, and exactly the 403 of §1.1 with both, as the page prints it."""
    token = server.token()["jwt"]
    shown = {"jwt": {"jwt": token}, "ApiKeyAuth": {"ApiKeyAuth": key}, "Bearer": {"jwt": f"Bearer {token}"}}
    assert server.sdk("AuthApi.logout", shown[scheme]) is None
    both = {"jwt": token, "ApiKeyAuth": key}
    details = TWO[0].upper() + TWO[1:]
    server.refused(403, TWO, details, lambda: server.sdk("AuthApi.logout", both))


def test_the_sdk_finds_no_provider(server: Server) -> None:
    """While nobody signs in through one, the third operation of the page is refused (§1.3)."""
    off = "OAuth authentication is not enabled"
    body = {"code": "c0de"}
    server.refused(403, off, off, lambda: server.sdk("AuthApi.validate_o_auth", NOBODY, body=body))


def test_the_sdk_reads_what_surrounds_a_sign_in(server: Server, key: str) -> None:
    """Each neighbour is read by a model of the client's, by a token and by a key; without one it is refused."""
    assert server.sdk("StatusApi.status_inspect", NOBODY)["Version"] == "2.33.6"
    assert server.sdk("SystemApi.system_status", NOBODY)["Version"] == "2.33.6"
    assert server.sdk("SettingsApi.settings_public", NOBODY)["RequiredPasswordLength"] == 12
    assert server.sdk("UsersApi.user_admin_check", NOBODY) is None
    reading = {
        "SystemApi.system_version": ("ServerEdition", "CE"),
        "SystemApi.system_info": ("platform", "Docker Standalone"),
        "SystemApi.system_nodes_count": ("nodes", 1),
        "MotdApi.m_otd": ("Title", ""),
        "SettingsApi.settings_inspect": ("AuthenticationMethod", 1),
        "UsersApi.current_user_inspect": ("Username", "admin"),
    }
    for shown in (server.token(), {"ApiKeyAuth": key}):
        for operation, (name, value) in reading.items():
            assert server.sdk(operation, shown)[name] == value, operation
        assert server.sdk("EndpointsApi.endpoint_list", shown, limit=1, exclude_snapshots=True) == []
        assert server.sdk("StacksApi.stack_list", shown) == []
    for operation in (*reading, "EndpointsApi.endpoint_list", "StacksApi.stack_list"):
        server.refused(401, *NO_TOKEN, partial(server.sdk, operation, NOBODY))
        server.refused(401, *BAD_TOKEN, partial(server.sdk, operation, GONE))


def test_the_sdk_administers_users(server: Server) -> None:
    """Made, listed, read, changed and deleted, with each refusal as an exception (§2.8, §3)."""
    admin = server.token()
    new = {"username": "carol", "password": PASSWORD, "role": 2}
    carol = server.sdk("UsersApi.user_create", admin, body=new)
    assert (carol["Username"], carol["Role"]) == ("carol", 2)
    listed = server.sdk("UsersApi.user_list", admin)
    assert [one["Username"] for one in listed] == ["admin", "carol"]
    mine = server.token("carol")
    assert server.sdk("UsersApi.user_inspect", mine, id=carol["Id"])["Username"] == "carol"
    assert server.sdk("UsersApi.user_memberships_inspect", mine, id=carol["Id"]) == []
    denied = ("Permission denied inspect user", "Access denied to resource")
    server.refused(403, *denied, lambda: server.sdk("UsersApi.user_inspect", mine, id=1))
    not_admin = ("Access denied", "Unauthorized")
    server.refused(403, *not_admin, lambda: server.sdk("UsersApi.user_list", mine))
    taken = ("Another user with the same username already exists", "User already exists")
    server.refused(409, *taken, lambda: server.sdk("UsersApi.user_create", admin, body=new))
    whole = {"username": "", "password": "", "newPassword": "", "useCache": True, "role": 1}
    changed = server.sdk("UsersApi.user_update", admin, id=carol["Id"], body=whole)
    assert (changed["Role"], changed["UseCache"]) == (1, True)
    passwords = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    path = {"id": carol["Id"], "body": passwords}
    assert server.sdk("UsersApi.user_update_password", server.token("carol"), **path) is None
    wrong = (
        "Current password doesn't match",
        "Current password does not match the password provided. Please try again",
    )
    again = server.token("carol", NEW_PASSWORD)
    server.refused(403, *wrong, lambda: server.sdk("UsersApi.user_update_password", again, **path))
    assert server.sdk("UsersApi.user_delete", admin, id=carol["Id"]) is None
    server.refused(401, *BAD_TOKEN, lambda: server.sdk("UsersApi.current_user_inspect", again))


def test_the_sdk_handles_api_keys(server: Server, key: str) -> None:
    """Made, listed and removed; a key makes none (§2.3)."""
    admin = server.token()
    body = {"description": "sdk", "password": PASSWORD}
    made = server.sdk("UsersApi.user_generate_api_key", admin, id=1, body=body)
    assert len(base64.b64decode(made["rawAPIKey"].removeprefix("ptr_"))) == 32
    listed = server.sdk("UsersApi.user_get_api_keys", admin, id=1)
    assert [one["description"] for one in listed] == ["stock", "sdk"]
    by_key = {"ApiKeyAuth": key}
    no_body: dict[str, Any] = {"description": "", "password": ""}
    empty = ("Invalid request payload", "Invalid description: cannot be empty")
    server.refused(
        400, *empty, lambda: server.sdk("UsersApi.user_generate_api_key", admin, id=1, body=no_body)
    )
    number = made["apiKey"]["id"]
    assert server.sdk("UsersApi.user_remove_api_key", by_key, id=1, key_id=number) is None
    gone = ("API Key not found", "Object not found inside the database")
    server.refused(
        404, *gone, lambda: server.sdk("UsersApi.user_remove_api_key", by_key, id=1, key_id=number)
    )


# --- the others -----------------------------------------------------------------------------------------


def test_portainer_py_signs_in(server: Server) -> None:
    """It takes the version apart, signs in by `Username` and `Password`, and takes 200 alone for a yes (§3)."""
    right = {"name": "admin", "password": PASSWORD}
    call = server.by("portainer-py").call
    assert call("version", NOBODY, {}) == "Portainer_1_18"
    assert call("login", right, {}).count(".") == 2
    with pytest.raises(Refused) as refused:
        call("login", {**right, "password": "wrong-horse-7"}, {})
    assert refused.value.said == "'err'"
    # By its token it lists environments and stacks, and looks for one that is not there.
    assert call("endpoints", right, {}) == []
    assert call("get_stacks", right, {}) == []
    with pytest.raises(Refused, match="PortainerError None: 404 page not found"):
        call("get_stack", right, {"stack_id": 7})


def test_py_portainer_api_signs_in(server: Server) -> None:
    """It signs in, finds no environments, and reads message and details of a refusal (§3)."""
    right = {"name": "admin", "password": PASSWORD}
    call = server.by("py-portainer-api").call
    assert call("login", right, {}) is True
    assert call("get_endpoints", right, {"limit": 1}) == []
    with pytest.raises(Refused) as refused:
        call("login", {**right, "password": "wrong-horse-7"}, {})
    assert refused.value.status == 422
    assert (refused.value.said["message"], refused.value.said["details"]) == REFUSED


def test_pyportainer_reads_by_its_key(server: Server, key: str) -> None:
    """Home Assistant's library reads version, instance and lists by a key; a bad one is an error of its own (§3)."""
    by = {"key": key}
    call = server.by("pyportainer").call
    status = call("portainer_system_status", by, {})
    assert status["version"] == "2.33.6"
    assert status["instance_id"]
    version = call("portainer_system_version", by, {})
    assert (version["server_version"], version["update_available"]) == ("2.33.6", False)
    assert call("get_endpoints", by, {}) == []
    assert call("get_stacks", by, {}) == []
    with pytest.raises(Refused, match="PortainerAuthenticationError"):
        call("get_endpoints", {"key": "ptr_gone"}, {})
    with pytest.raises(Refused, match="PortainerNotFoundError"):
        call("get_containers", by, {"endpoint_id": 1})
