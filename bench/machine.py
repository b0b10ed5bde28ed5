"""What the numbers were measured on, and how time and CPU time are taken."""

import os
import platform
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

import tallybook


def described() -> dict[str, str]:
    """Return hardware and versions."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    cpu = next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line), "unknown"
    )
    return {
        "cpu": f"{os.cpu_count()} × {cpu}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": platform.platform(terse=True),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "tallybook": tallybook.__version__,
        "python": platform.python_version(),
    }


class Cost(NamedTuple):
    """Seconds by the clock and of CPU."""

    wall: float
    cpu: float


class Servers:
    """Other processes that work for us, with all that they start."""

    def __init__(self, *pids: int) -> None:
        """Name the first of each."""
        self._first = [psutil.Process(pid) for pid in pids]

    def cpu(self) -> float:
        """Return the seconds of CPU they have used, those that have ended too."""
        return sum(map(_used, self._first))


def _used(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        ended = used.user + used.system + used.children_user + used.children_system
        return float(ended + sum(map(_used, process.children())))
    return 0.0


def best(work: Callable[[], object], times: int = 7, servers: Servers | None = None) -> Cost:
    """Return the least of several runs: other work on the machine only ever adds."""
    costs = [cost(work, servers) for _ in range(times)]
    return Cost(min(c.wall for c in costs), min(c.cpu for c in costs))


def cost(work: Callable[[], object], servers: Servers | None = None) -> Cost:
    """Run once and take the time and the CPU time of this process, all threads, and of servers."""
    before, began = _cpu(servers), time.perf_counter()
    work()
    return Cost(time.perf_counter() - began, _cpu(servers) - before)


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _cpu(servers: Servers | None) -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + (servers.cpu() if servers else 0)
