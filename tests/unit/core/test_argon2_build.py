"""Which build of Argon2 hashes: the one for this processor where it runs and is right, else the wheel's."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.core.argon2_build import BINDINGS, computes_the_vector

WITH_AVX2 = "processor : 0\nflags : fpu sse2 avx2\nprocessor : 1\nflags : fpu sse2 avx2\n"
ONE_WITHOUT = "processor : 0\nflags : fpu sse2 avx2\nprocessor : 1\nflags : fpu sse2\n"
HASHING = """
import sys
from pathlib import Path
from dragoman.core import argon2_build
from dragoman.core.passwords import Hasher
argon2_build.FOLDER, argon2_build.PROCESSOR = map(Path, sys.argv[1:])
hasher = Hasher(memory_kib=8, passes=1)
assert hasher.verify(hasher.hash("a phrase"), "a phrase")
print(argon2_build.choose().name, sys.modules[argon2_build.BINDINGS].__file__)
"""
# A build of which nothing but the result is wrong, as a compiler's mistake would have it.
WRONG = """
from types import SimpleNamespace
from {module} import ffi, lib as right
def argon2_ctx(context, kind):
    context.t_cost += 1
    return right.argon2_ctx(context, kind)
lib = SimpleNamespace(argon2_ctx=argon2_ctx)
"""


@pytest.fixture
def installed() -> Path:
    """The package of bindings that every installation has."""
    return Path(str(importlib.import_module(BINDINGS).__file__)).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the build for this processor is looked for."""
    return tmp_path / "argon2-avx2"


def chosen(folder: Path, flags: str) -> tuple[str, bool]:
    """What a new process chooses where the processor has these flags, and whether it then hashes by what is there."""
    processor = folder.parent / "cpuinfo"
    processor.write_text(flags)
    said = [sys.executable, "-c", HASHING, str(folder), str(processor)]
    build, file = subprocess.run(said, capture_output=True, text=True, check=True).stdout.split()
    return build, Path(file).is_relative_to(folder)


def test_the_build_for_this_processor_is_used(folder: Path, installed: Path) -> None:
    """A build that lies beside, on processors that all have AVX2, is what hashes."""
    shutil.copytree(installed, folder / BINDINGS)
    assert chosen(folder, WITH_AVX2) == ("FAST", True)


def test_a_processor_without_avx2_never_sees_it(folder: Path, installed: Path) -> None:
    """It would end the process on a processor that does not know its instructions, so there it is not even imported."""
    shutil.copytree(installed, folder / BINDINGS)
    assert chosen(folder, ONE_WITHOUT) == ("PORTABLE", False)


def test_a_build_that_computes_something_else_is_not_used(folder: Path, installed: Path) -> None:
    """A build whose Argon2id is not RFC 9106's is set aside, and the wheel hashes."""
    shutil.copytree(installed, folder / BINDINGS / "right")
    (folder / BINDINGS / "__init__.py").write_text(WRONG.format(module=f"{BINDINGS}.right._ffi"))
    assert chosen(folder, WITH_AVX2) == ("COULD_BE_FAST", False)


def test_a_build_that_cannot_be_imported_is_not_used(folder: Path) -> None:
    """What another Python made, or half of a build, is no reason not to start."""
    (folder / BINDINGS).mkdir(parents=True)
    (folder / BINDINGS / "__init__.py").write_text("from ._ffi import ffi, lib")
    assert chosen(folder, WITH_AVX2) == ("COULD_BE_FAST", False)


def test_without_such_a_build_the_wheel_hashes(folder: Path) -> None:
    """Where nobody made one nothing is amiss, whether the processor has AVX2 or is not known."""
    assert chosen(folder, WITH_AVX2) == ("COULD_BE_FAST", False)
    assert chosen(folder, "") == ("PORTABLE", False)


def test_the_wheel_computes_the_vector() -> None:
    """What is asked of a build is what every right Argon2id gives (RFC 9106, section 5.3)."""
    assert computes_the_vector(importlib.import_module(BINDINGS))
