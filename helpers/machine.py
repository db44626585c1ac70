"""What this computer is: the CPUs that this process may use, GIL or none, versions, the noise of its clock."""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from helpers._common import number

CGROUP = Path("/sys/fs/cgroup")


def gil_enabled() -> bool:
    """Whether this interpreter runs with a GIL now (sys._is_gil_enabled, Python 3.13; always before)."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return True if ask is None else bool(ask())


def quota(root: Path = CGROUP) -> float | None:
    """CPUs that a container's quota allows (cgroup v2 cpu.max, v1 cpu.cfs_quota_us), None without one."""
    try:
        limit, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if limit in ("max", "-1"):
        return None
    return int(limit) / int(period)


def usable_cpus() -> int:
    """CPUs that this process may use: os.cpu_count(), less what affinity (taskset) and a container's quota forbid."""
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity to ask for
        cpus = os.cpu_count() or 1
    allowed = quota()
    return cpus if allowed is None else max(1, min(cpus, math.ceil(allowed)))


class Machine(NamedTuple):
    """What `describe` found; it shows itself as a short table."""

    python: str
    gil: bool
    usable_cpus: int
    reported_cpus: int
    default_workers: int
    system: str
    jupyterlab: str
    viztracer: str

    def __repr__(self) -> str:
        cores = f"{self.usable_cpus} usable of {self.reported_cpus} that os.cpu_count() reports"
        return "\n".join(
            f"{name:<16}{value}"
            for name, value in (
                ("Python", self.python),
                ("GIL", "on" if self.gil else "off"),
                ("CPUs", cores),
                ("default pool", f"{self.default_workers} workers at most"),
                ("system", self.system),
                ("JupyterLab", self.jupyterlab),
                ("VizTracer", self.viztracer),
            )
        )


def version_of(package: str) -> str | None:
    """The version of an installed package; None where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def default_workers() -> int:
    """What ThreadPoolExecutor() takes as max_workers here: min(32, CPUs + 4); from 3.13 the CPUs of this process."""
    count = getattr(os, "process_cpu_count", os.cpu_count)
    return min(32, (count() or 1) + 4)


def describe() -> Machine:
    """This computer and this Python, without a name or a path of either."""
    return Machine(
        python=platform.python_version(),
        gil=gil_enabled(),
        usable_cpus=usable_cpus(),
        reported_cpus=os.cpu_count() or 1,
        default_workers=default_workers(),
        system=f"{platform.system()} {platform.machine()}",
        jupyterlab=version_of("jupyterlab") or "not installed",
        viztracer=version_of("viztracer") or "not installed",
    )


def provenance() -> dict[str, str]:
    """What a file of measurements says of where and when they were taken."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def gaps(seconds: float = 0.1, longer_than: float = 1e-4) -> list[tuple[float, float]]:
    """Stamp the clock in a loop for `seconds`: the gaps `longer_than` (s) as (when, how long), both in seconds.

    A thread alone that does nothing else should see none. What it sees is other programs and the system: the noise
    that every measurement on this computer carries.
    """
    number("seconds", seconds, least=0.001, most=10, unit="seconds")
    number("longer_than", longer_than, least=1e-6, most=1, unit="seconds")
    start = last = time.perf_counter()
    found = []
    while last - start < seconds:
        now = time.perf_counter()
        if now - last > longer_than:
            found.append((last - start, now - last))
        last = now
    return found
