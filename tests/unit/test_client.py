"""Immich's clients, both of them, against a running server: every operation, each success and a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.running import Running
from tests.speaking import KINDS, Opener, Speaker, opening

from dragoman.core import api_keys
from dragoman.dialects import immich
from dragoman.dialects.immich import ImmichApi
from dragoman.dialects.immich.wire import ApiEndpoint, MemoriesResponse
from dragoman.releases import shapes_within

ALICE = "alice@example.org"
PIN, NEW_PIN = "314159", "271828"
SIGN_UP = {"name": "Alice", "email": ALICE, "password": PASSWORD}
LOGIN = {"email": ALICE, "password": PASSWORD}
NO_HOST = "nothing is served here"
NOBODY = "Authentication required"


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of each kind in turn, and closes them."""
    with opening(immich, request.param) as open_client:
        yield open_client


@pytest.fixture
def settled(sqlite_server: Running) -> str:
    """Immich's base URL at a server whose administrator is Alice."""
    with immich.Client(sqlite_server.immich) as client:
        client.sign_up_admin(**SIGN_UP)
    return sqlite_server.immich


@pytest.fixture
def alice(settled: str, opener: Opener) -> Speaker:
    """Alice, signed in."""
    client = opener(settled)
    client.do("login", **LOGIN)
    return client


@pytest.fixture
def key(settled: str, sqlite_server: Running) -> str:
    """An API key of the administrator's."""
    _, secret = do(sqlite_server.core, api_keys.issue, 1, "immich", name="key", permissions=(api_keys.ALL,))
    return str(secret.reveal())


@dataclass(frozen=True)
class Story:
    """One operation: what Alice does before, her call, a fact of the answer; a call that is refused, and how.

    A refused call is made by Alice too; if `stranger`, by a client that is not signed in; if `elsewhere`, to
    a path where nothing is served.
    """

    gives: str = ""
    fact: Any = None
    call: dict[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, dict[str, Any]], ...] = ()
    refused: dict[str, Any] = field(default_factory=dict)
    stranger: bool = False
    elsewhere: bool = False
    status: int = 401
    message: str = NOBODY


BOB = {"email": "bob@example.org", "password": PASSWORD, "name": "Bob"}
HAS_PIN = (("setup_pin_code", {"pin_code": PIN}),)
PIN_RULE = "must be a 6-digit numeric string"
UNSIGNED: dict[str, Any] = {"stranger": True}
NOWHERE: dict[str, Any] = {"elsewhere": True, "status": 404, "message": NO_HOST}
STORIES = {
    "login": Story(
        "user_email",
        ALICE,
        LOGIN,
        refused={"email": ALICE, "password": "wrong"},
        message="Incorrect email or password",
    ),
    "sign_up_admin": Story(refused=SIGN_UP, status=400, message="The server already has an admin"),
    "validate_access_token": Story("auth_status", True, **UNSIGNED),
    "change_password": Story(
        "email",
        ALICE,
        {"password": PASSWORD, "new_password": NEW_PASSWORD},
        refused={"password": "wrong", "new_password": NEW_PASSWORD},
        status=400,
        message="Wrong password",
    ),
    "logout": Story("redirect_uri", "/auth/login?autoLaunch=0", **UNSIGNED),
    "get_auth_status": Story("is_elevated", False, **UNSIGNED),
    "setup_pin_code": Story(
        call={"pin_code": PIN}, refused={"pin_code": "12"}, status=400, message=f"pinCode {PIN_RULE}"
    ),
    "change_pin_code": Story(
        call={"new_pin_code": NEW_PIN, "pin_code": PIN},
        before=HAS_PIN,
        refused={"new_pin_code": "2", "pin_code": "1", "password": ""},
        status=400,
        message=f"newPinCode {PIN_RULE}; pinCode {PIN_RULE}; password should not be empty",
    ),
    "reset_pin_code": Story(
        call={"password": PASSWORD},
        before=HAS_PIN,
        status=400,
        message="Either password or pinCode is required",
    ),
    "unlock_auth_session": Story(
        call={"pin_code": PIN},
        before=HAS_PIN,
        refused={"pin_code": NEW_PIN},
        status=400,
        message="Wrong PIN code",
    ),
    "lock_auth_session": Story(**UNSIGNED),
    "get_well_known": Story("api", ApiEndpoint(endpoint="/immich/api"), **NOWHERE),
    "ping_server": Story("res", "pong", **NOWHERE),
    "get_server_version": Story("minor", 134, **NOWHERE),
    "get_server_features": Story("password_login", True, **NOWHERE),
    "get_server_config": Story("is_initialized", True, **NOWHERE),
    "get_about_info": Story("version", "v1.134.0", **UNSIGNED),
    "get_my_user": Story("email", ALICE, **UNSIGNED),
    "update_my_user": Story(
        "avatar_color",
        "blue",
        {"name": "Alice B.", "avatar_color": "blue"},
        refused={"avatar_color": "beige"},
        status=400,
        message="avatarColor must be one of the following values: "
        "primary, pink, red, yellow, blue, green, purple, orange, gray, amber",
    ),
    "get_my_preferences": Story("memories", MemoriesResponse(enabled=True), **UNSIGNED),
    "create_api_key": Story(
        call={"permissions": ["all"]},
        refused={"permissions": []},
        status=400,
        message="permissions must contain at least 1 elements",
    ),
    "get_api_keys": Story("root", [], **UNSIGNED),
    "create_session": Story("device_type", "TV", {"device_type": "TV"}, **UNSIGNED),
    "get_sessions": Story(**UNSIGNED),
    "delete_all_sessions": Story(**UNSIGNED),
    "get_theme": Story("custom_css", "", **NOWHERE),
    "get_storage": Story("disk_size", "0 B", **UNSIGNED),
    "get_supported_media_types": Story("sidecar", [".xmp"], **NOWHERE),
    "get_server_statistics": Story("photos", 0, **UNSIGNED),
    "get_version_check": Story("checked_at", None, **UNSIGNED),
    "get_version_history": Story("root", [], **NOWHERE),
    "get_admin_onboarding": Story("is_onboarded", True, **UNSIGNED),
    "update_admin_onboarding": Story(
        call={"is_onboarded": False},
        refused={"is_onboarded": "maybe"},
        status=400,
        message="isOnboarded must be a boolean value",
    ),
    "get_reverse_geocoding_state": Story("last_update", None, **UNSIGNED),
    "get_version_check_state": Story("checked_at", None, **UNSIGNED),
    "get_all_albums": Story("root", [], **UNSIGNED),
    "get_album_statistics": Story("owned", 0, **UNSIGNED),
    "get_asset_statistics": Story("total", 0, **UNSIGNED),
    "get_all_libraries": Story("root", [], **UNSIGNED),
    "get_map_markers": Story("root", [], **UNSIGNED),
    "search_memories": Story("root", [], **UNSIGNED),
    "get_notifications": Story("root", [], **UNSIGNED),
    "get_partners": Story(
        "root", [], {"direction": "shared-by"}, refused={"direction": "shared-with"}, **UNSIGNED
    ),
    "get_all_people": Story("total", 0, **UNSIGNED),
    "search_assets": Story(call={"page": 1}, **UNSIGNED),
    "get_all_shared_links": Story("root", [], **UNSIGNED),
    "search_stacks": Story("root", [], **UNSIGNED),
    "get_sync_ack": Story("root", [], **UNSIGNED),
    "get_all_tags": Story("root", [], **UNSIGNED),
    "get_time_buckets": Story("root", [], **UNSIGNED),
    "update_my_preferences": Story(
        "memories",
        MemoriesResponse(enabled=False),
        {"memories": immich.MemoriesUpdate(enabled=False)},
        **UNSIGNED,
    ),
    "search_users": Story(**UNSIGNED),
    "search_users_admin": Story(refused={"id": "123"}, status=400, message="id must be a UUID"),
    "create_user_admin": Story(
        "email", BOB["email"], BOB, refused={**BOB, "email": ALICE}, status=400, message="User exists"
    ),
}
# What is about one thing, by its id, has stories of its own below; what came later, or is never granted, has
# them in test_client_releases.py.
ELSEWHERE = {
    *("get_apk_links", "get_my_api_key"),
    *("get_user_onboarding", "set_user_onboarding", "delete_user_onboarding"),
    *("get_user_license", "set_user_license", "delete_user_license"),
    *("get_server_license", "set_server_license", "delete_server_license"),
}
OPERATIONS = {o.name: o for o in ImmichApi.operations() if "{" not in o.path and o.name not in ELSEWHERE}


def test_every_operation_has_a_story() -> None:
    """No operation of the contract is left out of what follows."""
    assert STORIES.keys() == OPERATIONS.keys()


def test_the_first_sign_up_is_answered(opener: Opener, sqlite_server: Running) -> None:
    """Signing up gives the administrator, and signs nobody in."""
    client = opener(sqlite_server.immich)
    admin = client.do("sign_up_admin", **SIGN_UP)
    assert isinstance(admin, immich.UserAdminResponseDto)
    assert (admin.email, admin.is_admin, admin.storage_label) == (ALICE, True, "admin")
    assert client.client.token is None


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_refused_and_answered(
    name: str, alice: Speaker, opener: Opener, sqlite_server: Running
) -> None:
    """Every operation, called by name, is refused in the server's own words, or gives what its contract promises."""
    story = STORIES[name]
    caller = alice
    if story.stranger or story.elsewhere:
        caller = opener(f"{sqlite_server.url}/nowhere" if story.elsewhere else sqlite_server.immich)
    for operation, named in story.before:
        alice.do(operation, **named)
    with pytest.raises(immich.Refused) as caught:
        caller.do(name, **story.refused)
    assert_refused(caught.value, story)
    if name != "sign_up_admin":  # which only the first caller is granted: above
        answer = alice.do(name, **story.call)
        assert type(answer) is OPERATIONS[name].gives
        assert getattr(answer, story.gives, None) == story.fact


def test_a_key_is_named_by_its_id(alice: Speaker) -> None:
    """A key that Alice makes is found, renamed and revoked by its id, and then not found."""
    made = alice.do("create_api_key", permissions=["tag.read"])
    assert isinstance(made, immich.APIKeyCreateResponseDto)
    key = made.api_key.id
    assert alice.do("update_api_key", id=key, name="new").name == "new"
    assert alice.do("get_api_key", id=key).name == "new"
    assert isinstance(alice.do("delete_api_key", id=key), immich.Nothing)
    with pytest.raises(immich.Refused, match="API Key not found"):
        alice.do("get_api_key", id=key)


def test_a_session_is_named_by_its_id(alice: Speaker) -> None:
    """A session that Alice opens is locked and ended by its id, and then not found."""
    opened = alice.do("create_session", device_type="TV", duration=60)
    assert isinstance(opened, immich.SessionCreateResponseDto)
    assert opened.expires_at is not None
    assert isinstance(alice.do("lock_session", id=opened.id), immich.Nothing)
    assert isinstance(alice.do("delete_session", id=opened.id), immich.Nothing)
    with pytest.raises(immich.Refused, match=r"Not found or no authDevice\.delete access"):
        alice.do("delete_session", id=opened.id)


def assert_refused(refused: immich.Refused, story: Story) -> None:
    """A refusal has the status and the words of its story, and the server's name for the request."""
    assert (refused.status, refused.message) == (story.status, story.message)
    assert str(refused) == f"{story.status} {story.message}"
    assert isinstance(refused, immich.Unauthorized) is (story.status == 401)
    assert refused.request_id
    if not story.elsewhere:
        assert refused.body["statusCode"] == story.status
        assert refused.body["correlationId"] == refused.request_id


def test_every_sentence_of_a_refusal_is_kept(alice: Speaker) -> None:
    """A list of messages stays a list, and is one line besides."""
    with pytest.raises(immich.Refused) as caught:
        alice.do("login", email="nobody", password="")
    assert caught.value.messages == ("email must be an email", "password should not be empty")
    assert caught.value.body["message"] == list(caught.value.messages)


def test_the_server_judges(opener: Opener, settled: str) -> None:
    """Values of the wrong type, and text that is no Unicode, reach the server, which says no in its own words."""
    client = opener(settled)
    with pytest.raises(immich.Refused) as caught:
        client.do("login", email=1, password=["x"])
    assert caught.value.messages == ("email must be an email", "password must be a string")
    with pytest.raises(immich.Refused):
        client.do("login", email=ALICE, password="\ud800")
    with pytest.raises(TypeError, match="password is missing"):
        client.do("login", email=ALICE)
    with pytest.raises(TypeError, match="no newPassword"):
        client.do("change_password", password="x", newPassword="y")


def test_a_token_is_kept_at_sign_in_and_forgotten_at_sign_out(
    alice: Speaker, opener: Opener, settled: str
) -> None:
    """Login keeps the token, with which a later client goes on; logout forgets it and ends it for both."""
    token = alice.client.token
    later = opener(settled, token=token)
    assert later.do("get_my_user").email == ALICE
    alice.do("logout")
    assert alice.client.token is None
    with pytest.raises(immich.Unauthorized, match="401 Authentication required"):
        alice.do("get_my_user")
    with pytest.raises(immich.Unauthorized, match="401 Invalid user token"):
        later.do("get_my_user")
    # A refusal teaches nothing: what was given is still what is sent.
    assert later.client.token == token


def test_an_api_key_speaks_until_a_sign_in_and_after_a_sign_out(
    key: str, opener: Opener, settled: str
) -> None:
    """A client with a key is its owner; a session of its own comes first while it lasts."""
    client = opener(settled, api_key=key)
    assert client.do("get_my_user").email == ALICE
    assert client.do("get_auth_status").expires_at is None
    with pytest.raises(immich.Refused, match="session token"):
        client.do("lock_auth_session")
    client.do("login", **LOGIN)
    client.do("lock_auth_session")
    client.do("logout")
    with pytest.raises(immich.Refused, match="session token"):
        client.do("lock_auth_session")


@pytest.mark.parametrize("ending", ["/immich", "/immich/", "/immich/api", "/immich/api/"])
def test_the_base_url_is_given_with_or_without_the_products_base(
    ending: str, opener: Opener, sqlite_server: Running
) -> None:
    """`…/api` may stand in the base URL or not: what is below it is found, and what is beside it."""
    client = opener(sqlite_server.url + ending)
    assert client.do("ping_server").res == "pong"
    assert client.do("get_well_known").api.endpoint == "/immich/api"


def test_sign_ins_through_one_http_client_stay_apart(settled: str) -> None:
    """The cookies of a sign-in speak for nobody, though two clients share the same httpx2 client."""
    with httpx2.Client() as http:
        with immich.Client(settled, http=http) as first:
            first.login(**LOGIN)
            assert first.get_my_user().email == ALICE
        with pytest.raises(immich.Unauthorized):
            immich.Client(settled, http=http).get_my_user()


def test_who_brings_an_http_client_closes_it(settled: str) -> None:
    """A client that was given its httpx2 client leaves it open; one of its own goes with it."""

    async def use() -> None:
        async with httpx2.AsyncClient() as http:
            async with immich.AsyncClient(settled, http=http) as client:
                await client.ping_server()
            assert not http.is_closed
            await client.ping_server()

    asyncio.run(use())
    with httpx2.Client() as http:
        with immich.Client(settled, http=http) as client:
            client.ping_server()
        assert not http.is_closed
    with immich.Client(settled) as own:
        own.ping_server()
    with pytest.raises(RuntimeError):
        own.ping_server()


def test_threads_share_a_client(settled: str) -> None:
    """Threads may call one client at once: each has its own answer."""
    with immich.Client(settled) as client, ThreadPoolExecutor(8) as threads:
        client.login(**LOGIN)
        calls = [client.get_my_user, client.get_server_version, client.get_auth_status] * 8
        answers = [threads.submit(call) for call in calls]
        given: list[type[BaseModel]] = [type(answer.result()) for answer in answers]
    assert (
        given
        == [
            immich.UserAdminResponseDto,
            immich.ServerVersionResponseDto,
            immich.AuthStatusResponseDto,
        ]
        * 8
    )


def test_tasks_share_a_client(settled: str) -> None:
    """The tasks of a loop may call one client at once, as a context manager that closes it."""

    async def use() -> list[str]:
        async with immich.AsyncClient(settled) as client:
            await client.login(**LOGIN)
            users = await asyncio.gather(*(client.get_my_user() for _ in range(8)))
        with pytest.raises(RuntimeError):
            await client.ping_server()
        return [user.email for user in users]

    assert asyncio.run(use()) == [ALICE] * 8


def test_the_package_exports_what_its_users_name() -> None:
    """`__all__` has the clients, the errors, the shape of every ask and answer, and what asks are made of."""
    exported = set(immich.__all__)
    used: list[type[BaseModel]] = [s for o in ImmichApi.operations() for s in (o.takes, o.gives)]
    groups = {inner.__name__ for o in ImmichApi.operations() for inner in shapes_within(o.takes)}
    shapes = {shape.__name__ for shape in used} | groups
    errors = {"ClientError", *(error.__name__ for error in descendants(immich.ClientError))}
    assert shapes | errors | {"Client", "AsyncClient", "ImmichApi", "AvatarColor"} == exported
    assert all(hasattr(immich, name) for name in exported)


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Every class below one."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_a_client_sends_a_release_what_it_has(opener: Opener, settled: str) -> None:
    """Told the release, a client leaves out the fields that it lacks, deep ones too; untold, it sends them."""
    client = opener(settled, release="1.134")
    client.do("login", **LOGIN)
    bob = client.do("create_user_admin", **BOB, is_admin=True, pin_code=PIN)
    assert not bob.is_admin
    memories = client.do("update_my_preferences", memories=immich.MemoriesUpdate(enabled=False, duration=9))
    assert memories.memories == MemoriesResponse(enabled=False)
    assert memories.albums is None
    assert bob.cluster_group_id is None


def test_what_a_release_lacks_is_not_asked(opener: Opener) -> None:
    """An operation that the release does not have fails before anything is sent, and says which it was."""
    for release, operation in (("1.134", "get_user_onboarding"), ("1.134", "delete_user_onboarding")):
        client = opener("http://127.0.0.1:9", release=release)
        with pytest.raises(immich.NotInRelease, match=f"release {release} has no {operation}") as caught:
            client.do(operation)
        assert (caught.value.operation, caught.value.release) == (operation, release)
    with pytest.raises(immich.Unreachable):
        opener("http://127.0.0.1:9", release="2.7").do("get_user_onboarding")
    with pytest.raises(ValueError, match=r"release 9\.9 is not known; these are: 1\.134, 2\.7, 3\.2"):
        opener("http://127.0.0.1:9", release="9.9")
