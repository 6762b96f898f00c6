"""The product's own tests of its web pages (contract §6, "web e2e"), as the requests that the pages make (§4.3).

| line | tests here |
| --- | --- |
| first visit, register, login, onboarding, /photos | `test_a_first_visit_ends_at_the_photos` |
| admin creates user, … /auth/change-password, … /photos | `test_a_new_user_chooses_a_password_first` |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from tests.contract.immich.speech import SIGN_UP, House
from tests.contract.immich.spoken import message, succeeded
from tests.fakes import NEW_PASSWORD, PASSWORD

LIBRARY = ("/albums", "/partners?direction=shared-with", "/notifications")


@contextmanager
def browser(house: House) -> Iterator[httpx2.Client]:
    """Somebody at Immich's pages: nothing but its cookies says who they are."""
    with httpx2.Client(base_url=house.served.immich, timeout=30, trust_env=False) as line:
        yield line


def opens_photos(page: httpx2.Client, email: str) -> None:
    """What the page of photos asks for is answered, and to whom it should be."""
    assert succeeded(page.get("/users/me"), 200)["email"] == email
    assert succeeded(page.get("/users/me/preferences"), 200)
    for path in LIBRARY:
        assert succeeded(page.get(path), 200) == []


def test_a_first_visit_ends_at_the_photos(fresh: tuple[str, House]) -> None:
    """On a new server: to be registered, to sign in, to be through with the introduction, to see no photos yet."""
    release, house = fresh
    with browser(house) as page:
        assert succeeded(page.get("/server/config"), 200)["isInitialized"] is False
        assert succeeded(page.post("/auth/admin-sign-up", json=SIGN_UP), 201)["isAdmin"] is True
        assert succeeded(page.get("/server/config"), 200)["isInitialized"] is True
        assert not page.cookies
        sign_in = {"email": SIGN_UP["email"], "password": PASSWORD}
        said = succeeded(page.post("/auth/login", json=sign_in), 201)
        assert said["isAdmin"] is True
        done = page.post("/system-metadata/admin-onboarding", json={"isOnboarded": True})
        assert (done.status_code, done.content) == (204, b"")
        assert succeeded(page.get("/server/config"), 200)["isOnboarded"] is True
        if release != "1.134":  # a user's own introduction came with 1.135
            assert said["isOnboarded"] is False
            assert succeeded(page.put("/users/me/onboarding", json={"isOnboarded": True}), 200)
            assert succeeded(page.post("/auth/login", json=sign_in), 201)["isOnboarded"] is True
        opens_photos(page, SIGN_UP["email"])


def test_a_new_user_chooses_a_password_first(spoken: tuple[str, House]) -> None:
    """Whom an administrator gave a password replaces it at the first sign-in, and signs in once more with the new."""
    _, house = spoken
    boss = house.person(is_admin=True)
    sign_in = {"email": f"web-of-{boss.number}@example.com", "password": PASSWORD}
    made = house.ask("POST", "/admin/users", boss.token, json={**sign_in, "name": "Newcomer"})
    assert succeeded(made, 201)["shouldChangePassword"] is True
    with browser(house) as page:
        assert succeeded(page.post("/auth/login", json=sign_in), 201)["shouldChangePassword"] is True
        changed = succeeded(page.put("/users/me", json={"password": NEW_PASSWORD}), 200)
        assert changed["shouldChangePassword"] is False
        assert succeeded(page.post("/auth/logout"), 200)["successful"] is True
        assert not page.cookies
        assert message(page.get("/users/me"), 401) == "Authentication required"
        assert message(page.post("/auth/login", json=sign_in), 401) == "Incorrect email or password"
        again = {**sign_in, "password": NEW_PASSWORD}
        assert succeeded(page.post("/auth/login", json=again), 201)["shouldChangePassword"] is False
        opens_photos(page, sign_in["email"])
