"""Our own client of Shoko: what it keeps, what it says, and what it makes of each kind of no."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.shoko.speech import House
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.speaking import KINDS, Opener, opening

from dragoman.dialects import shoko
from dragoman.dialects.shoko import Client


@pytest.fixture(params=KINDS)
def open_client(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of either kind."""
    with opening(shoko, request.param) as opener:
        yield opener


def test_a_key_is_kept_until_it_ends(house: House, open_client: Opener) -> None:
    """A sign-in's key is used from then on, a new password forgets it; a key that was kept is as good."""
    account = house.account()
    speaker = open_client(house.url)
    key = speaker.do("api_auth_post", user=account.username, pass_=PASSWORD, device="script").apikey
    assert speaker.client.token == key
    assert speaker.do("user_current_get").username == account.username
    for named in ({"token": key}, {"api_key": key}):
        assert open_client(f"{house.url}/api/v3/", **named).do("api_ping_get").response == "pong"
    assert [user.device for user in speaker.do("api_auth_get").root] == ["script"]
    speaker.do("api_auth_change_password_post", new_password=NEW_PASSWORD)
    assert speaker.client.token is None
    with pytest.raises(shoko.Unauthorized, match="Unauthorized"):
        speaker.do("user_current_get")


def test_every_kind_of_no_is_a_sentence(house: House, open_client: Opener) -> None:
    """Of validation each field's, of a problem its title or detail, of plain text the text."""
    speaker = open_client(house.url)
    with pytest.raises(shoko.Refused) as refused:
        speaker.do("api_auth_post", user=" ", pass_="x", device="")
    assert refused.value.messages == ("user: Username is required", "device: Device is required")
    with pytest.raises(shoko.Unauthorized) as refused:
        speaker.do("api_auth_post", user="nobody", pass_="x", device="d")
    assert refused.value.messages == ("Unauthorized",)
    with pytest.raises(shoko.Refused) as refused:
        speaker.do("api_auth_delete", key_or_device="nobody's")
    said = ("Could not find apikey or device name to delete",)
    assert (refused.value.status, refused.value.messages, refused.value.body) == (400, said, None)


def test_a_device_is_deleted_by_name(house: House, open_client: Opener) -> None:
    """The key says whose device is meant."""
    account = house.account()
    kodi = house.key(account, "kodi")
    speaker = open_client(house.url, token=house.key(account))
    speaker.do("api_auth_delete", key_or_device="Kodi")
    assert not house.is_good(kodi)
    speaker.do("api_auth_delete", apikey=kodi)


def test_the_key_is_in_no_print_out() -> None:
    """Neither the client's nor an answer's."""
    assert "a-key" not in repr(shoko.AuthKey(apikey="a-key"))
    with Client("http://127.0.0.1:9", api_key="a-key") as client:
        assert "a-key" not in repr(client)
