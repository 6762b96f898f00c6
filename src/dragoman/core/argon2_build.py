"""Which build of Argon2 hashes here: the one made for this machine's processor if there is one, else the wheel's.

The wheel is compiled for every processor of its kind, without AVX2, and takes twice as long for a hash. A build
that uses AVX2 (`make serve` makes one where there is a compiler) lies in a folder beside: it would end the process
on a processor without, so it is imported only where the kernel says that there is AVX2, and used only if it then
computes what RFC 9106 says it must.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types import ModuleType

BINDINGS = "_argon2_cffi_bindings"
FOLDER = Path(sys.prefix) / "argon2-avx2"
PROCESSOR = Path("/proc/cpuinfo")

# RFC 9106 §5.3: 32 KiB, 3 passes, 4 lanes; password, salt, key and associated data are so many times one byte.
ARGON2ID = 2
VERSION = 0x13
TOLD = {"pwd": b"\1" * 32, "salt": b"\2" * 16, "secret": b"\3" * 8, "ad": b"\4" * 12}
COSTS = {"m_cost": 32, "t_cost": 3, "lanes": 4, "threads": 1, "version": VERSION}
TAG = bytes.fromhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")


class Build(Enum):
    """A build of Argon2, as people are told of it."""

    FAST = "built for this processor (AVX2)"
    COULD_BE_FAST = "built for every processor, though this one has AVX2: half as fast as it could be"
    PORTABLE = "built for every processor"


@cache
def choose() -> Build:
    """Choose the build for this process: before argon2 is imported, by whoever imports it."""
    if BINDINGS not in sys.modules and FOLDER.is_dir() and has_avx2():
        with _first_on_the_path(FOLDER):
            try:
                is_good = computes_the_vector(import_module(BINDINGS))
            except ImportError:
                is_good = False
        if not is_good:
            for name in [name for name in sys.modules if name.partition(".")[0] == BINDINGS]:
                del sys.modules[name]
    bindings: Any = import_module(BINDINGS)
    if Path(bindings.__file__).is_relative_to(FOLDER):
        return Build.FAST
    return Build.COULD_BE_FAST if has_avx2() else Build.PORTABLE


def has_avx2() -> bool:
    """Whether Linux says that every processor has AVX2. Other systems are not asked."""
    try:
        lines = PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return bool(flags) and all("avx2" in each for each in flags)


def computes_the_vector(bindings: ModuleType) -> bool:
    """Whether Argon2id comes out of these bindings as RFC 9106 §5.3 says."""
    ffi, lib = cast("Any", bindings).ffi, cast("Any", bindings).lib
    given = {name: ffi.from_buffer("uint8_t[]", bytearray(value)) for name, value in TOLD.items()}
    lengths = {f"{name}len": len(value) for name, value in TOLD.items()}
    out = ffi.new("uint8_t[]", len(TAG))
    facts = {**given, **lengths, **COSTS, "out": out, "outlen": len(TAG)}
    return lib.argon2_ctx(ffi.new("argon2_context *", facts), ARGON2ID) == 0 and bytes(out) == TAG


@contextmanager
def _first_on_the_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
