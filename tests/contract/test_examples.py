"""Every example of the products' own documentation runs against the server, as it is printed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests import examples


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("dialect", examples.STORIES)
def test_every_block_of_the_page_ends_as_it_should(dialect: str) -> None:
    """`make examples` serves as a fresh installation does, and every block of the page is answered."""
    if examples.shared() is None:
        pytest.skip(
            "the seed pages and their tools do not lie beside the project; DRAGOMAN_SHARED names them"
        )
    story = examples.STORIES[dialect]
    blocks = len(story.strangers) + len(story.signed_in)
    command = [sys.executable, examples.__file__, dialect]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode == 2 and ("pip" in done.stderr or "no java" in done.stderr):
        pytest.skip(f"what the tools need cannot be had here: {done.stderr.strip()[-200:]}")
    assert f"{dialect}: {blocks} of {blocks} blocks ended as they should" in done.stdout, (
        done.stdout + done.stderr
    )
    assert done.returncode == 0
