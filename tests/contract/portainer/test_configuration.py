"""`[dialects.portainer]`: what can be set, and what is refused at start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dragoman import settings
from dragoman.dialects.portainer.configuration import PortainerSettings
from dragoman.settings import SettingsError

ORIGINS = "DRAGOMAN_DIALECTS__PORTAINER__TRUSTED_ORIGINS"


def read(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Any:
    """Portainer's settings from a file and the environment."""
    models = {"portainer": PortainerSettings}
    return settings.load(file, environ or {}, dialect_models=models).dialects["portainer"]


@pytest.fixture(autouse=True)
def _no_file_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_holds_unless_something_is_said() -> None:
    """Internal passwords of twelve bytes, sessions of eight hours, no other origins, no provider (§2.1, §2.8, §2.9)."""
    own = read()
    assert (own.authentication_method, own.method, own.session_hours) == ("internal", 1, 8)
    assert (own.required_password_length, own.trusted_origins, own.oauth.client_id) == (12, (), "")


@pytest.mark.parametrize("between", [",", " ", ", ", "\n"])
def test_origins_are_listed_in_a_variable(between: str) -> None:
    """Commas or blanks between them; each is brought into its one normal form."""
    own = read({ORIGINS: f"https://DASH.example.org/{between}http://10.0.0.7:8080"})
    assert own.trusted_origins == ("https://dash.example.org", "http://10.0.0.7:8080")


def test_origins_are_listed_in_the_file(tmp_path: Path) -> None:
    """As a list, as TOML has them."""
    file = tmp_path / "here.toml"
    file.write_text('[dialects.portainer]\ntrusted_origins = ["https://dash.example.org:443"]')
    assert read(file=file).trusted_origins == ("https://dash.example.org",)


@pytest.mark.parametrize(
    "origin", ["dash.example.org", "https://", "ftp://a.example", "https://a.example/path", "*"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """A host name alone, a path or a wild card is not taken for an origin."""
    with pytest.raises(SettingsError, match="trusted_origins"):
        read({ORIGINS: origin})


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    """A number is neither a list nor a text of origins."""
    file = tmp_path / "here.toml"
    file.write_text("[dialects.portainer]\ntrusted_origins = 7")
    with pytest.raises(SettingsError, match="must be a list of origins"):
        read(file=file)


def test_the_providers_secret_is_not_shown() -> None:
    """What is printed of the settings has stars for it."""
    own = read({"DRAGOMAN_DIALECTS__PORTAINER__OAUTH__CLIENT_SECRET": "hunter2-of-the-provider"})
    assert own.oauth.client_secret.get_secret_value() == "hunter2-of-the-provider"
    assert "hunter2" not in repr(own)
