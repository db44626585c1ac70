"""Record the program of lesson 10 on threads, processes and interpreters, into notebooks/data.

    python3.14 tools/record_executors.py

One count of steps goes to all workers, so each run does the same work. A try is taken if the processes' and the
interpreters' tasks had a core all the time: a busy computer would show other programs. Each file says which Python,
on how many cores, and when. `chrt -f 20` before it (Linux, as root) keeps other programs away.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import platform
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from helpers.machine import gil_enabled, usable_cpus
from helpers.recording.data import Recording
from helpers.recording.watcher import watch
from helpers.tasks import count, units

DATA = Path(__file__).resolve().parents[1] / "notebooks" / "data"
TRIES = 20


def record(make: Callable[[], Executor], steps: int) -> Recording:
    with watch() as run, make() as pool:
        [future.result() for future in [pool.submit(count, steps) for _ in range(8)]]
    return run


def on_cpu(run: Recording) -> float:
    """The share of its time that a task spent on a CPU, over all tasks."""
    return sum(task.cpu for task in run.tasks) / 1e9 / sum(task.run_time or 0 for task in run.tasks)


def save(run: Recording, kind: str, machine: dict[str, object]) -> None:
    path = DATA / f"executors-{kind}.json"
    run.save(path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"machine": machine}), encoding="utf-8")
    print(f"{kind}: {run.wall:.2f} s, {on_cpu(run):.0%} of the tasks' time on a CPU")


def main() -> None:
    if sys.version_info < (3, 14) or not gil_enabled() or usable_cpus() < 2:
        sys.exit("This takes Python 3.14 or later with a GIL, and two cores.")
    spawn = multiprocessing.get_context("spawn")
    kinds: dict[str, Callable[[], Executor]] = {
        "threads": partial(ThreadPoolExecutor, 2),
        "processes": partial(ProcessPoolExecutor, 2, mp_context=spawn),
        "interpreters": partial(concurrent.futures.InterpreterPoolExecutor, 2),  # type: ignore[attr-defined]
    }
    steps = round(units(count, 100))
    for _ in range(TRIES):
        runs = {kind: record(make, steps) for kind, make in kinds.items()}
        if min(on_cpu(runs["processes"]), on_cpu(runs["interpreters"])) > 0.97:
            break
    else:
        sys.exit(f"The computer was busy at each of {TRIES} tries.")
    machine = {
        "python": platform.python_version(),
        "cores": usable_cpus(),
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
        "steps": steps,
    }
    for kind, run in runs.items():
        save(run, kind, machine)


if __name__ == "__main__":
    main()
