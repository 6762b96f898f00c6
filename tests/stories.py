"""Stories for the tests: machines that take steps in any order, each time on a fresh SQLite with a clock to set."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import cast

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from tests.fakes import FakeClock, cheap_hasher, rules
from tests.people import sealing

from dragoman.core.database import Database
from dragoman.core.work import Core, Tools


class Story(RuleBasedStateMachine):
    """A core of its own, which can seal, for a machine's steps to work on."""

    def __init__(self, template: Path, file: Path) -> None:
        super().__init__()
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()
        shutil.copy(template, file)
        self.clock = FakeClock()
        self.database = Database(f"sqlite:///{file}", connections=2)
        self.core = sealing(Core(self.database, Tools(cheap_hasher(), clock=self.clock), rules()))

    def teardown(self) -> None:
        """Give the database back."""
        self.database.dispose()


def tell(story: type[Story], template: Path, folder: Path, *, steps: int) -> None:
    """Tell a story over and over, of so many steps at most, until one goes wrong or there were enough."""
    machine = partial(story, template, folder / "story.db")
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", machine), settings=settings(stateful_step_count=steps)
    )
