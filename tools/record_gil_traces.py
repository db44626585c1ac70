"""Record the GIL traces that lessons show beside their own runs, into notebooks/data.

    python tools/record_gil_traces.py unknown          the six unknown workloads of lesson 06
    python3.15 tools/record_gil_traces.py outside      programs seen from outside, lessons 06 and 07
    python3.14t tools/record_gil_traces.py without     the same work on an interpreter without a GIL

Before the first two, `chrt -f 20` (Linux, as root) puts the threads before all other programs, which would show in the
pictures otherwise. The third takes a trace only if the threads got all the cores that they could use: a busy computer
would show other programs rather than the missing GIL. Each file says which Python, on how many cores, and when.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.gil.measure import gil_trace
from helpers.gil.sampler import gil_profile
from helpers.gil.trace import GilTrace
from helpers.gil.words import describe_trace
from helpers.machine import gil_enabled, usable_cpus
from helpers.profiling.trace_file import read_trace, write_json, write_trace
from helpers.tasks import compress_piece, hash_piece, python_piece, sleep_piece

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
TRIES, LOOKS = 500, 30
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


if __name__ == "__main__":
    kinds = {"unknown": unknown, "outside": outside, "without": without}
    if sys.argv[1:] not in [[kind] for kind in kinds]:
        sys.exit(f"Which traces? One of: {', '.join(kinds)}.")
    kinds[sys.argv[1]]()
