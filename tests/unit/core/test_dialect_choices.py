"""Which dialects are served, as chosen on the pages: on both engines."""

from __future__ import annotations

import pytest
from tests.fakes import do
from tests.people import calling, events, somebody

from dragoman.core import dialect_choices
from dragoman.core.dialect_choices import Choice
from dragoman.core.errors import AdminOnly, NameTaken
from dragoman.core.work import Core

PHOTOS = "photos.example.org"


def test_C_04_the_last_choice_holds_and_is_on_record(core: Core) -> None:
    """A dialect that nobody chose anything for is not there; a later choice replaces an earlier one; both are audited."""
    by = calling(core, somebody(core, is_admin=True))
    assert do(core, dialect_choices.chosen) == {}
    for choice in (Choice(enabled=True, host=PHOTOS), Choice(enabled=False, settings={"speaks": "3.2"})):
        do(core, dialect_choices.choose, "immich", choice, taken=(), by=by)
        assert do(core, dialect_choices.chosen) == {"immich": choice}
    assert events(core).count("dialect chosen") == 2


def test_a_host_name_is_one_dialects(core: Core) -> None:
    """A name that another was given, or that is somebody else's whatever was chosen, is refused; one's own is not."""
    by, choice = calling(core, somebody(core, is_admin=True)), Choice(enabled=True, host=PHOTOS)
    do(core, dialect_choices.choose, "immich", choice, taken=(), by=by)
    do(core, dialect_choices.choose, "immich", choice, taken=(), by=by)
    for taken in ((), (PHOTOS,)):
        with pytest.raises(NameTaken):
            do(core, dialect_choices.choose, "shoko", choice, taken=taken, by=by)
    assert do(core, dialect_choices.chosen) == {"immich": choice}


def test_a_path_is_one_dialects(core: Core) -> None:
    """A path that another was given, or that is somebody else's whatever was chosen, is refused as one."""
    by, choice = calling(core, somebody(core, is_admin=True)), Choice(enabled=True, path="/photos")
    do(core, dialect_choices.choose, "immich", choice, taken=(), by=by)
    for taken in ((), ("/photos",)):
        with pytest.raises(NameTaken) as refused:
            do(core, dialect_choices.choose, "shoko", choice, taken=taken, by=by)
        assert refused.value.field == "path"
    assert do(core, dialect_choices.chosen) == {"immich": choice}


def test_only_administrators_choose(core: Core) -> None:
    """Nobody else changes what is served."""
    by = calling(core, somebody(core))
    with pytest.raises(AdminOnly):
        do(core, dialect_choices.choose, "immich", Choice(enabled=False, host=None), taken=(), by=by)
