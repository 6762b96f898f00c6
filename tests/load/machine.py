"""The machine that is measured on: its facts, and whether others were using it meanwhile."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from dragoman.core import argon2_build

MIB = 1024 * 1024
A_TENTH = 0.1  # of a core: more than that used by others, and a sample says little


@dataclass
class Watch:
    """What a stretch of time cost, known when it is over: seconds of processor time.

    `served` is the server's, `ours` that of this process and of its children that ended meanwhile;
    `others` is what everybody else used, in cores.
    """

    served: float = 0.0
    ours: float = 0.0
    others: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether others used less than a tenth of a core."""
        return self.others <= A_TENTH


@contextmanager
def watching(server: psutil.Process | None = None) -> Iterator[Watch]:
    """Watch the body. Processes that it starts must have ended by its end, the server aside."""
    watch = Watch()
    begun, busy, ours = time.perf_counter(), _busy(), _ours()
    served = 0.0 if server is None else spent(server)
    yield watch
    watch.served = 0.0 if server is None else spent(server) - served
    watch.ours = _ours() - ours
    elsewhere = _busy() - busy - watch.served - watch.ours
    watch.others = max(0.0, elsewhere / (time.perf_counter() - begun))


def waits(process: int) -> dict[str, float]:
    """For how many seconds each thread of a process could have gone on and had no processor, as others had them.

    Nothing where nobody says so (Linux does: proc(5), schedstat).
    """
    found = {}
    for told in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with suppress(OSError):
            found[told.parent.name] = int(told.read_text().split()[1]) / 1e9
    return found


def _busy() -> float:
    """Processor time that this machine has ever spent, stolen time included, in seconds."""
    times = psutil.cpu_times()
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))


def _ours() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def spent(process: psutil.Process) -> float:
    """Processor time that it has taken so far, in seconds."""
    used = process.cpu_times()
    return float(used.user + used.system)


def spent_below(parent: int) -> float:
    """Processor time in seconds that a process and those children of it that live have taken so far.

    To the nanosecond, where Linux says so (proc(5), schedstat): a query takes less than a tick of the clock.
    """
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    files = [Path(f"/proc/{process}/schedstat") for process in [str(parent), *children]]
    return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


def resident(process: psutil.Process) -> float:
    """Resident memory in MiB."""
    return float(process.memory_info().rss) / MIB


def facts() -> dict[str, str]:
    """What one must know of the machine to compare figures."""
    argon2 = " ".join(metadata.version(name) for name in ("argon2-cffi", "argon2-cffi-bindings"))
    build = argon2_build.choose().value
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "Argon2": f"argon2-cffi and its bindings {argon2}, {build}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a file of the kernel, line by line
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.machine()
