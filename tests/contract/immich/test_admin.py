"""`/admin/users`: who may, what it makes of an account, and what it refuses (contract §4.1, §8)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.contract.immich.speech import PIN, SESSION_ONLY, House, Person, assert_says
from tests.contract.immich.spoken import by, message
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.people import makers

from dragoman.core import accounts

USERS = "/admin/users"
NOT_THERE = "6f1c5a52-7f0e-4d5b-9f3a-1b2c3d4e5f60"


@pytest.fixture
def admin(spoken: tuple[str, House]) -> Person:
    """An administrator, signed in."""
    return spoken[1].person(is_admin=True)


def asked(**facts: Any) -> dict[str, Any]:
    """The body that makes an account nobody has yet."""
    return {"email": f"{uuid.uuid4()}@example.com", "password": PASSWORD, "name": "New", **facts}


def one(person: Person) -> str:
    """The path of an account."""
    return f"{USERS}/{person.account.id}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USERS),
        ("POST", USERS),
        ("GET", f"{USERS}/{NOT_THERE}"),
        ("PUT", f"{USERS}/{NOT_THERE}"),
        ("DELETE", f"{USERS}/{NOT_THERE}"),
        ("POST", f"{USERS}/{NOT_THERE}/restore"),
        ("GET", f"{USERS}/{NOT_THERE}/statistics"),
        ("GET", f"{USERS}/{NOT_THERE}/preferences"),
        ("PUT", f"{USERS}/{NOT_THERE}/preferences"),
    ],
)
def test_only_administrators_are_let_in(spoken: tuple[str, House], method: str, path: str) -> None:
    """401 without a caller, and 403 for everybody else before permission and body are looked at (§0.5)."""
    _, house = spoken
    person = house.person()
    _, key = house.key(person.account, "tag.read")
    assert message(house.ask(method, path, json={"email": 1}), 401) == "Authentication required"
    assert message(house.ask(method, path, person.token, json={"email": 1}), 403) == "Forbidden"
    assert message(house.ask(method, path, headers=by(key), json={}), 403) == "Forbidden"


def test_a_made_account_signs_in_and_must_change_its_password(
    spoken: tuple[str, House], admin: Person
) -> None:
    """201 with the user; who was made so signs in with the given password, and is asked for another (§4.1)."""
    _, house = spoken
    body = asked(storageLabel=None, quotaSizeInBytes=1024, avatarColor="amber")
    made = house.ask("POST", USERS, admin.token, json=body)
    said = made.json()
    assert made.status_code == 201
    assert (said["email"], said["name"], said["avatarColor"]) == (body["email"], "New", "amber")
    assert (said["quotaSizeInBytes"], said["storageLabel"]) == (1024, None)
    assert (said["isAdmin"], said["shouldChangePassword"], said["status"]) == (False, True, "active")
    signed_in = house.log_in(body["email"])
    assert (signed_in.status_code, signed_in.json()["shouldChangePassword"]) == (201, True)
    relaxed = house.ask("POST", USERS, admin.token, json=asked(shouldChangePassword=False))
    assert relaxed.json()["shouldChangePassword"] is False


def test_an_account_made_here_is_everybodys(house: House) -> None:
    """What is made through Immich is the one account that every dialect signs in to; who made it is on record."""
    admin = house.person(is_admin=True)
    made = house.ask("POST", USERS, admin.token, json=asked(email="Grace.Hopper@example.com")).json()
    account = do(house.core, accounts.find_by_name, "grace.hopper")
    assert account is not None
    assert (str(account.id), account.email) == (made["id"], "grace.hopper@example.com")
    assert makers(house.core)[account.number] == (admin.account.number, "session")


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"password": ""}, "password is required"), ({"email": "ADMIN@example.com"}, "User exists")],
)
def test_an_account_is_refused_in_the_products_words(
    spoken: tuple[str, House], admin: Person, facts: dict[str, str], said: str
) -> None:
    """Without a password, and with somebody's e-mail address: 400, and nobody is made."""
    _, house = spoken
    before = len(house.ask("GET", USERS, admin.token).json())
    assert message(house.ask("POST", USERS, admin.token, json=asked(**facts)), 400) == said
    assert len(house.ask("GET", USERS, admin.token).json()) == before


def test_the_password_policy_is_the_servers(spoken: tuple[str, House], admin: Person) -> None:
    """A common password is refused in the release's shape of validation, and nothing beside it is changed."""
    release, house = spoken
    person = house.person()
    for response in (
        house.ask("POST", USERS, admin.token, json=asked(password="password1")),
        house.ask("PUT", one(person), admin.token, json={"password": "password1", "name": "Other"}),
    ):
        complaint = "password must not be one of the most common passwords"
        if release == "3.2":
            assert message(response, 400) == "Validation failed"
            assert [issue["message"] for issue in response.json()["errors"]] == [complaint]
        else:
            assert message(response, 400) == [complaint]
    assert house.ask("GET", "/users/me", person.token).json()["name"] == "Somebody"


def test_a_storage_label_is_cleaned_and_somebodys_own(spoken: tuple[str, House], admin: Person) -> None:
    """Dots and what no file system takes are left out; another account's label, a deleted one's too, is 400."""
    _, house = spoken
    label = uuid.uuid4().hex
    made = house.ask("POST", USERS, admin.token, json=asked(storageLabel=f"../{label}")).json()
    assert made["storageLabel"] == label
    taken = "Storage label already in use by another account"
    assert message(house.ask("POST", USERS, admin.token, json=asked(storageLabel=label)), 400) == taken
    person = house.person()
    assert message(house.ask("PUT", one(person), admin.token, json={"storageLabel": label}), 400) == taken
    own = house.ask("PUT", f"{USERS}/{made['id']}", admin.token, json={"storageLabel": label})
    assert own.json()["storageLabel"] == label
    house.ask("DELETE", f"{USERS}/{made['id']}", admin.token, json={})
    assert message(house.ask("PUT", one(person), admin.token, json={"storageLabel": label}), 400) == taken
    none = house.ask("PUT", one(person), admin.token, json={"storageLabel": ""})
    assert none.json()["storageLabel"] is None


def test_lists_have_the_deleted_when_asked(spoken: tuple[str, House], admin: Person) -> None:
    """The list has who is not deleted, with `withDeleted` everybody, and with `id` the one."""
    _, house = spoken
    person = house.person()
    do(house.core, accounts.delete_softly, person.number)
    mine = str(person.account.id)

    def listed(**query: str) -> set[str]:
        return {user["id"] for user in house.ask("GET", USERS, admin.token, params=query).json()}

    assert str(admin.account.id) in listed()
    assert mine not in listed()
    assert {mine, str(admin.account.id)} <= listed(withDeleted="true")
    assert listed(withDeleted="true", id=mine.upper()) == {mine}
    assert listed(withDeleted="false", id=mine) == set()


def test_everybody_sees_who_is_there(spoken: tuple[str, House]) -> None:
    """`/users` has whoever is not deleted, in six fields; so has `/users/{id}`, which does not find the deleted."""
    _, house = spoken
    person, other = house.person(), house.person()
    fields = ["id", "email", "name", "profileImagePath", "avatarColor", "profileChangedAt"]
    found = {user["id"]: user for user in house.ask("GET", "/users", person.token).json()}
    theirs = str(other.account.id)
    assert list(found[theirs]) == fields
    assert house.ask("GET", f"/users/{theirs}", person.token).json() == found[theirs]
    do(house.core, accounts.delete_softly, other.number)
    assert theirs not in {user["id"] for user in house.ask("GET", "/users", person.token).json()}
    assert message(house.ask("GET", f"/users/{theirs}", person.token), 400) == "User not found"


def test_an_update_changes_what_is_given(spoken: tuple[str, House], admin: Person) -> None:
    """Given fields change and the others stay; null takes a quota away; a taken e-mail address is 400."""
    _, house = spoken
    person = house.person()
    body = {"name": "Ann", "quotaSizeInBytes": 7, "avatarColor": "pink", "shouldChangePassword": True}
    said = house.ask("PUT", one(person), admin.token, json=body).json()
    assert {name: said[name] for name in body} == body
    assert said["email"] == person.email
    cleared = house.ask("PUT", one(person), admin.token, json={"quotaSizeInBytes": None}).json()
    assert (cleared["quotaSizeInBytes"], cleared["avatarColor"]) == (None, "pink")
    email = f"{uuid.uuid4()}@example.com"
    moved = house.ask("PUT", one(person), admin.token, json={"email": email.upper()})
    assert moved.json()["email"] == email
    assert house.log_in(email).status_code == 201
    taken = house.ask("PUT", one(person), admin.token, json={"email": "admin@example.com"})
    assert message(taken, 400) == "Email already in use by another account"


def test_a_reset_password_ends_the_sessions(spoken: tuple[str, House], admin: Person) -> None:
    """A password that an administrator gives signs its owner out everywhere, but not the administrator."""
    _, house = spoken
    person = house.person()
    body = {"password": NEW_PASSWORD, "shouldChangePassword": True}
    assert house.ask("PUT", one(person), admin.token, json=body).status_code == 200
    assert house.ask("GET", "/users/me", person.token).status_code == 401
    assert house.log_in(person.email).status_code == 401
    assert house.log_in(person.email, NEW_PASSWORD).status_code == 201
    assert house.ask("PUT", one(admin), admin.token, json={"password": NEW_PASSWORD}).status_code == 200
    assert house.ask("GET", "/users/me", admin.token).status_code == 200


def test_a_pin_is_put_and_taken_without_a_proof(spoken: tuple[str, House], admin: Person) -> None:
    """An administrator sets anybody's PIN and takes it away, by null or "", and no session is locked (§2.2)."""
    _, house = spoken
    person = house.person()
    for pin in (PIN, "654321"):
        assert house.ask("PUT", one(person), admin.token, json={"pinCode": pin}).status_code == 200
        unlocked = house.ask("POST", "/auth/session/unlock", person.token, json={"pinCode": pin})
        assert unlocked.status_code < 300
    for nothing in (None, ""):
        house.ask("PUT", one(person), admin.token, json={"pinCode": PIN})
        assert house.status(person.token)["pinCode"] is True
        house.ask("PUT", one(person), admin.token, json={"pinCode": nothing})
        assert house.status(person.token)["pinCode"] is False
    assert house.status(person.token)["isElevated"] is True


def test_later_releases_make_administrators(spoken: tuple[str, House], admin: Person) -> None:
    """Since 2.7 an account is made an administrator, with a PIN, and changed to one; 1.134 passes it over."""
    release, house = spoken
    made = house.ask("POST", USERS, admin.token, json=asked(isAdmin=True, pinCode=PIN)).json()
    assert made["isAdmin"] is (release != "1.134")
    token = house.log_in(made["email"]).json()["accessToken"]
    assert house.status(token)["pinCode"] is (release != "1.134")
    person = house.person()
    raised = house.ask("PUT", one(person), admin.token, json={"isAdmin": True})
    assert raised.json()["isAdmin"] is (release != "1.134")
    own = house.ask("PUT", one(admin), admin.token, json={"isAdmin": False})
    if release == "1.134":
        assert own.json()["isAdmin"] is True
    else:
        assert message(own, 400) == "Admin status can only be changed by another admin"
        assert house.ask("PUT", one(admin), admin.token, json={"isAdmin": True}).status_code == 200


def test_deleted_accounts_come_back(spoken: tuple[str, House], admin: Person) -> None:
    """Deleting marks the user and turns it away, restoring undoes both; GET alone sees the deleted (§4.1)."""
    _, house = spoken
    person = house.person()
    gone = house.ask("DELETE", one(person), admin.token, json={})
    assert (gone.status_code, gone.json()["status"]) == (200, "deleted")
    assert gone.json()["deletedAt"] is not None
    assert house.log_in(person.email).status_code == 401
    assert house.ask("GET", one(person), admin.token).json()["status"] == "deleted"
    for method in ("PUT", "DELETE"):
        assert message(house.ask(method, one(person), admin.token, json={}), 400) == "User not found"
    back = house.ask("POST", f"{one(person)}/restore", admin.token)
    assert (back.status_code, back.json()["status"], back.json()["deletedAt"]) == (200, "active", None)
    assert house.log_in(person.email).status_code == 201


def test_force_deletes_for_good(spoken: tuple[str, House], admin: Person) -> None:
    """With `force` the answer says `removing`, and nothing is left of the account; its e-mail is free again."""
    _, house = spoken
    person = house.person()
    gone = house.ask("DELETE", one(person), admin.token, json={"force": True})
    assert (gone.status_code, gone.json()["status"]) == (200, "removing")
    assert message(house.ask("POST", f"{one(person)}/restore", admin.token), 400) == "User not found"
    assert house.ask("POST", USERS, admin.token, json=asked(email=person.email)).status_code == 201


def test_whom_nobody_deletes(spoken: tuple[str, House], admin: Person) -> None:
    """1.134 deletes no administrator; later releases only refuse one's own account."""
    release, house = spoken
    other = house.person(is_admin=True)
    mine = house.ask("DELETE", one(admin), admin.token, json={"force": True})
    theirs = house.ask("DELETE", one(other), admin.token, json={})
    if release == "1.134":
        assert message(mine, 403) == message(theirs, 403) == "Cannot delete admin user"
    else:
        assert message(mine, 403) == "Cannot delete your own account"
        assert theirs.json()["status"] == "deleted"
    assert house.ask("GET", "/users/me", admin.token).status_code == 200


def test_an_id_is_a_uuid_of_somebody(spoken: tuple[str, House], admin: Person) -> None:
    """What is no UUID breaks a rule, and one of nobody is not found: 400 both."""
    release, house = spoken
    assert message(house.ask("GET", f"{USERS}/{NOT_THERE}", admin.token), 400) == "User not found"
    broken = message(house.ask("GET", f"{USERS}/123", admin.token), 400)
    assert broken == ("Validation failed" if release == "3.2" else ["id must be a UUID"])


@pytest.mark.parametrize(
    "body",
    [
        {"password": NEW_PASSWORD},
        {"email": "elsewhere@example.com"},
        {"pinCode": PIN},
        {"pinCode": None},
        {"isAdmin": True},
    ],
    ids=str,
)
def test_an_administrators_key_takes_nobody_over(
    spoken: tuple[str, House], admin: Person, body: dict[str, Any]
) -> None:
    """A key, even one that may do all, sets nobody's password, e-mail, PIN or rights: 400, and nothing changes."""
    release, house = spoken
    person = house.person()
    _, key = house.key(admin.account, "all")
    response = house.ask("PUT", one(person), headers=by(key), json=body)
    if release == "1.134" and "isAdmin" in body:
        assert response.json()["isAdmin"] is False
    else:
        assert message(response, 400) == SESSION_ONLY
    assert house.log_in(person.email).status_code == 201
    assert house.status(person.token)["pinCode"] is False
    assert house.ask("PUT", one(person), headers=by(key), json={"name": "Ann"}).json()["name"] == "Ann"


def test_a_key_makes_accounts_but_no_administrators(spoken: tuple[str, House], admin: Person) -> None:
    """With its permission a key makes ordinary accounts; to make an administrator, or a PIN, takes a session."""
    release, house = spoken
    permission = "admin.user.create" if release == "1.134" else "adminUser.create"
    _, key = house.key(admin.account, permission)
    assert house.ask("POST", USERS, headers=by(key), json=asked()).status_code == 201
    lacking = house.ask("GET", USERS, headers=by(key))
    needed = permission.replace("create", "read")
    assert message(lacking, 403) == f"Missing required permission: {needed}"
    if release != "1.134":
        for facts in ({"isAdmin": True}, {"pinCode": PIN}):
            refused = house.ask("POST", USERS, headers=by(key), json=asked(**facts))
            assert message(refused, 400) == SESSION_ONLY


def test_an_administrator_sees_somebodys_sessions(spoken: tuple[str, House], admin: Person) -> None:
    """Since 2.7: the user's own list, last seen first, with no session of the caller's in it (§1)."""
    release, house = spoken
    person = house.person()
    later = house.token(person.account)
    answer = house.ask("GET", f"{one(person)}/sessions", admin.token)
    if release == "1.134":
        path = f"/api/admin/users/{person.account.id}/sessions"
        assert message(answer, 404) == f"Cannot GET {path}"
        return
    own = house.ask("GET", "/sessions", later).json()
    assert (answer.status_code, answer.json()) == (200, [each | {"current": False} for each in own])
    assert len(own) == 2
    mine = house.ask("GET", f"{one(admin)}/sessions", admin.token).json()
    assert [each["current"] for each in mine] == [True]


def test_sessions_are_of_somebody(spoken: tuple[str, House], admin: Person) -> None:
    """A deleted user's are listed, though they open nothing; nobody is not found, and only administrators ask."""
    release, house = spoken
    if release == "1.134":
        return
    person, stranger = house.person(), house.person()
    do(house.core, accounts.delete_softly, person.number)
    gone = house.ask("GET", f"{one(person)}/sessions", admin.token)
    assert (gone.status_code, len(gone.json())) == (200, 1)
    assert message(house.ask("GET", "/sessions", person.token), 401) == "Invalid user token"
    assert message(house.ask("GET", f"{USERS}/{NOT_THERE}/sessions", admin.token), 400) == "User not found"
    assert message(house.ask("GET", f"{one(person)}/sessions", stranger.token), 403) == "Forbidden"


def test_nobody_has_stored_anything(spoken: tuple[str, House], admin: Person) -> None:
    """A user's statistics are zeros, whatever they are narrowed to; filters are judged, and nobody is not found."""
    release, house = spoken
    for query in ("", "?isFavorite=true", "?visibility=archive&isTrashed=false"):
        answer = house.ask("GET", f"{one(admin)}/statistics{query}", admin.token)
        assert_says(answer, 200, {"images": 0, "videos": 0, "total": 0})
    wrong = house.ask("GET", f"{one(admin)}/statistics?isTrashed=maybe", admin.token)
    broken = "Validation failed" if release == "3.2" else ["isTrashed must be a boolean value"]
    assert message(wrong, 400) == broken
    assert message(house.ask("GET", f"{USERS}/{NOT_THERE}/statistics", admin.token), 400) == "User not found"
