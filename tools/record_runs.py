"""Record the runs that lessons show where a reader's own can't be had, into notebooks/data.

    python3.14 tools/record_runs.py executors    the program of lesson 10 on threads, processes and interpreters
    python tools/record_runs.py article          the article's program, mended, against the server of lesson 11

Of the first, one count of steps goes to all workers: each run does the same work. A try is taken if the processes' and
the interpreters' tasks had a core all the time: a busy computer would show other programs. Each file says which Python,
on how many cores, and when. `chrt -f 20` before it (Linux, as root) keeps other programs away.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import multiprocessing
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from helpers.machine import gil_enabled, provenance, usable_cpus
from helpers.processes.slow_http import slow_server
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


def save(run: Recording, name: str, **more: object) -> None:
    """Write the recording with what it was made on, and `more`."""
    path = DATA / f"{name}.json"
    run.save(path)
    machine = {**provenance(), "cores": usable_cpus(), **more}
    data = json.loads(path.read_text(encoding="utf-8")) | {"machine": machine}
    path.write_text(json.dumps(data) + "\n", encoding="utf-8")
    print(f"{name}: {run.wall:.2f} s, {on_cpu(run):.0%} of the tasks' time on a CPU")


def article() -> None:
    mended = importlib.import_module("exercises.11_mend").count_words
    with slow_server(latency=0.05, error_rate=0.15, seed=19) as server, watch() as run:
        mended(fetch, [server.page(n) for n in range(24)], 3, 6, lambda future: None)
    save(run, "article-mended")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def executors() -> None:
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
    for kind, run in runs.items():
        save(run, f"executors-{kind}", steps=steps)


if __name__ == "__main__":
    kinds = {"executors": executors, "article": article}
    if sys.argv[1:] not in [[kind] for kind in kinds]:
        sys.exit(f"Which runs? One of: {', '.join(kinds)}.")
    kinds[sys.argv[1]]()
