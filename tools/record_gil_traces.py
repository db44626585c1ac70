"""Record the GIL traces that lessons show beside their own runs, into notebooks/data.

    python tools/record_gil_traces.py unknown          the six unknown workloads of lesson 06
    python3.13t tools/record_gil_traces.py without     the same work on an interpreter without a GIL

Before the first, `chrt -f 20` (Linux, as root) puts the threads before all other programs, which would show in the
pictures otherwise. The second takes a trace only if the threads got all the cores that they could use: a busy computer
would show other programs rather than the missing GIL. Each file says which Python, on how many cores, and when.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from helpers.gil.measure import gil_trace
from helpers.gil.trace import GilTrace
from helpers.gil.words import describe_trace
from helpers.machine import gil_enabled, usable_cpus
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
TRIES = 500


def save(trace: GilTrace, name: str) -> None:
    trace.save(DATA / f"{name}.json")
    print(f"{name}: {describe_trace(trace)}")


def unknown() -> None:
    """unknown-a.json to unknown-f.json, without the names of the work, which are the answer."""
    for letter, (works, interval) in UNKNOWN.items():
        trace = gil_trace(works, seconds=0.2, switch_interval=interval)
        nameless = tuple(thread._replace(work="unknown") for thread in trace.threads)
        save(replace(trace, threads=nameless), f"unknown-{letter}")


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
    kinds = {"unknown": unknown, "without": without}
    if sys.argv[1:] not in [[kind] for kind in kinds]:
        sys.exit(f"Which traces? One of: {', '.join(kinds)}.")
    kinds[sys.argv[1]]()
