"""Record what lessons show where a reader's own run can't be had, into notebooks/data, and the README's picture.

    python tools/record.py unknown          the six unknown workloads of lesson 06
    python3.15 tools/record.py outside      programs seen from outside, lessons 06 and 07
    python3.14t tools/record.py without     the same work on an interpreter without a GIL
    python3.14 tools/record.py executors    the program of lesson 10 on threads, processes and interpreters
    python tools/record.py article          the article's program, mended, against the server of lesson 11
    python tools/record.py picture          docs/timeline.png, from two real runs of the same eight waits

`chrt -f 20` in front of all but the third (Linux, as root) puts their threads before all other programs, which would
show in the pictures otherwise. A try of the third is taken if the threads got all the cores that they could use, one of
the fourth if the processes' and the interpreters' tasks had a core all the time: a busy computer would show other
programs. Of the fourth, one count of steps goes to all workers: each run does the same work. Each file says which
Python, on how many cores, and when.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from helpers.drawing.timeline import timeline
from helpers.gil.measure import gil_trace
from helpers.gil.sampler import gil_profile
from helpers.gil.trace import GilTrace
from helpers.gil.words import describe_trace
from helpers.machine import gil_enabled, provenance, usable_cpus
from helpers.processes.slow_http import slow_server
from helpers.profiling.trace_file import read_trace, write_json, write_trace
from helpers.recording.data import Recording
from helpers.recording.watcher import watch
from helpers.tasks import compress_piece, count, hash_piece, io_task, python_piece, sleep_piece, units

DATA = Path(__file__).resolve().parents[1] / "notebooks" / "data"
UNKNOWN = {
    "a": ([python_piece] * 2, 0.005),
    "b": ([hash_piece] * 2, 0.005),
    "c": ([sleep_piece] * 3, 0.005),
    "d": ([python_piece, hash_piece], 0.005),
    "e": ([python_piece] * 3, 0.02),
    "f": ([compress_piece] * 2, 0.02),
}
WITHOUT = {
    "free-threaded-python-2": (python_piece, 2),
    "free-threaded-python-3": (python_piece, 3),
    "free-threaded-hash-2": (hash_piece, 2),
}
TRIES, LOOKS, RUNS = 500, 30, 20  # at most, while the computer is busy
PATH = re.compile(r"\((?:<frozen )?/?[^()]*/([^/()]+:\d+)\)")  # of this computer, in VizTracer's names of calls


def three_workers() -> None:
    """The program that lesson 06 looks at."""
    from concurrent.futures import ThreadPoolExecutor

    from helpers import python_task

    with ThreadPoolExecutor(3, "worker") as pool:
        for _ in range(3):
            pool.submit(python_task, 60)


def save(trace: GilTrace, name: str) -> None:
    trace.save(DATA / f"{name}.json")
    print(f"{name}: {describe_trace(trace)}")


def unknown() -> None:
    """unknown-a.json to unknown-f.json, without the names of the work, which are the answer."""
    for letter, (works, interval) in UNKNOWN.items():
        trace = gil_trace(works, seconds=0.2, switch_interval=interval)
        nameless = tuple(thread._replace(work="unknown") for thread in trace.threads)
        save(replace(trace, threads=nameless), f"unknown-{letter}")


def outside() -> None:
    """three-workers.json, lifo-queue.json, and lifo-queue-traced.json.gz with VizTracer's slices above the holds."""
    save(seen(three_workers), "three-workers")
    os.chdir(DATA.parent)
    save(seen("lifo_queue.py"), "lifo-queue")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "slices.json"
        plugin = "helpers.profiling.viztracer_run"
        held = seen("viztracer", "--plugins", plugin, "-o", str(file), "--quiet", "lifo_queue.py")
        trace = read_trace(file)
        for event in trace["traceEvents"]:
            event["name"] = PATH.sub(r"(\1)", event["name"])
        del trace["file_info"]
        write_json(file, trace)
        both = write_trace(DATA / "lifo-queue-traced.json.gz", file, held)
        write_json(both, read_trace(both) | {"otherData": {**held.machine, "cores": held.cores}})


def seen(*program: Any) -> GilTrace:
    """`gil_profile` of a run in which the sampler was never kept waiting for long."""
    for _ in range(LOOKS):
        trace = gil_profile(*program)
        if trace.sampling and trace.sampling.longest <= 0.008:
            return trace
    sys.exit(f"{program[0]}: the computer was busy at each of {LOOKS} tries.")


def without() -> None:
    """One file for each of WITHOUT. Which of more threads than cores share one is the system's choice."""
    if gil_enabled():
        sys.exit("This interpreter has a GIL: use a free-threaded build.")
    for name, (work, threads) in WITHOUT.items():
        for _ in range(TRIES):
            trace = gil_trace(work, threads)
            wanted = min(threads, usable_cpus())
            if trace.cpu_over_wall > 0.98 * wanted and sum(trace.shares) > 0.98 * wanted:
                break
            time.sleep(0.5)
        else:
            sys.exit(f"{name}: the computer was busy at each of {TRIES} tries.")
        save(trace, name)


def record(make: Callable[[], Executor], steps: int) -> Recording:
    with watch() as run, make() as pool:
        [future.result() for future in [pool.submit(count, steps) for _ in range(8)]]
    return run


def on_cpu(run: Recording) -> float:
    """The share of its time that a task spent on a CPU, over all tasks."""
    return sum(task.cpu for task in run.tasks) / 1e9 / sum(task.run_time or 0 for task in run.tasks)


def save_run(run: Recording, name: str, **more: object) -> None:
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
    save_run(run, "article-mended")


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
    for _ in range(RUNS):
        runs = {kind: record(make, steps) for kind, make in kinds.items()}
        if min(on_cpu(runs["processes"]), on_cpu(runs["interpreters"])) > 0.97:
            break
    else:
        sys.exit(f"The computer was busy at each of {RUNS} tries.")
    for kind, run in runs.items():
        save_run(run, f"executors-{kind}", steps=steps)


def picture() -> None:
    with ThreadPoolExecutor(max_workers=3) as pool, watch(pool) as inside:
        for _ in range(8):
            pool.submit(io_task, 0.2).result()
    with ThreadPoolExecutor(max_workers=3) as pool, watch(pool) as after:
        for future in [pool.submit(io_task, 0.2) for _ in range(8)]:
            future.result()
    titles = ["result() inside the loop", "submit all, then collect"]
    (DATA.parents[1] / "docs" / "timeline.png").write_bytes(timeline(inside, after, title=titles).png())


if __name__ == "__main__":
    kinds = {one.__name__: one for one in (unknown, outside, without, executors, article, picture)}
    if sys.argv[1:] not in [[kind] for kind in kinds]:
        sys.exit(f"Record what? One of: {', '.join(kinds)}.")
    kinds[sys.argv[1]]()
