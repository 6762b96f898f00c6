"""What is in force: the configuration, and where it says nothing, what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.building import dialect_models
from dragoman.chosen import in_force
from dragoman.core.dialect_choices import Choice
from dragoman.dialects.immich.server import ImmichSettings
from dragoman.settings import load

PHOTOS = "photos.example.org"


@pytest.mark.parametrize(
    ("said", "choice", "expected"),
    [
        ({}, None, (True, None)),
        ({}, Choice(enabled=False, host=PHOTOS), (False, PHOTOS)),
        ({"enabled": True}, Choice(enabled=False, host=PHOTOS), (True, PHOTOS)),
        ({"host": "x.example.org"}, Choice(enabled=False, host=PHOTOS), (False, "x.example.org")),
    ],
)
def test_the_configuration_wins_where_it_says_something(
    said: Mapping[str, Any], choice: Choice | None, expected: tuple[bool, str | None]
) -> None:
    """What it says explicitly of a dialect, be it the default, stands; the rest is as chosen."""
    told = load(None, {}, overrides={"dialects": {"immich": said}}, dialect_models=dialect_models())
    chosen = {} if choice is None else {"immich": choice}
    own = in_force(told.dialects, chosen, "http://127.0.0.1:8080")["immich"]
    assert (own.enabled, own.host) == expected


def test_a_name_that_the_configuration_came_to_use_is_no_longer_the_chosen_ones() -> None:
    """The server's own name, and one that is configured for another dialect, win over an older choice."""
    models = dialect_models()
    told = load(None, {}, overrides={"dialects": {"shoko": {"host": PHOTOS}}}, dialect_models=models)
    chosen = {
        "immich": Choice(enabled=True, host=PHOTOS),
        "aivo": Choice(enabled=True, host="id.example.org"),
    }
    own = in_force(told.dialects, chosen, "https://id.example.org")
    assert (own["immich"].host, own["aivo"].host, own["shoko"].host) == (None, None, PHOTOS)


def test_a_path_that_the_configuration_came_to_use_is_no_longer_the_chosen_ones() -> None:
    """One that is configured for another dialect, or that another has by default, wins over an older choice."""
    models = dialect_models()
    told = load(None, {}, overrides={"dialects": {"shoko": {"path": "/media"}}}, dialect_models=models)
    chosen = {
        "immich": Choice(enabled=True, path="/media"),
        "aivo": Choice(enabled=True, path="/elements"),
        "shoko": Choice(enabled=True, path="/anime"),
        "portainer": Choice(enabled=True, path="/docker"),
    }
    own = in_force(told.dialects, chosen, "http://127.0.0.1:8080")
    assert {name: own[name].path for name in chosen} == {
        "immich": "/immich",
        "aivo": "/aivo",
        "shoko": "/media",
        "portainer": "/docker",
    }


def test_of_settings_that_were_chosen_what_is_not_valid_any_more_is_left_out() -> None:
    """Another release of the program may not know a setting, or not take a value: the rest is in force all the same."""
    told = load(None, {}, dialect_models=dialect_models())
    settings = {
        "session_idle_days": 0,
        "speaks": "3.2",
        "of_later": True,
        "path": "/x",
        "check_permission": "a",
    }
    own = in_force(
        told.dialects, {"immich": Choice(enabled=True, settings=settings)}, "http://127.0.0.1:8080"
    )
    immich = own["immich"]
    assert isinstance(immich, ImmichSettings)
    assert (immich.session_idle_days, immich.speaks, immich.path) == (90, "3.2", "/immich")
    assert immich.check_permission == "a"
