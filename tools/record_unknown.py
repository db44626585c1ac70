"""Record the six unknown workloads of lesson 06.

    PYTHONPATH=. chrt -f 20 python tools/record_unknown.py notebooks/data

`chrt -f` (Linux, as root) puts the threads before all other programs, which would show in the pictures otherwise.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from helpers.gil import gil_trace
from helpers.gil_recording import GilTrace
from helpers.gil_words import describe_trace
from helpers.tasks import compress_piece, hash_piece, python_piece, sleep_piece

UNKNOWN = {
    "a": ([python_piece] * 2, 0.005),
    "b": ([hash_piece] * 2, 0.005),
    "c": ([sleep_piece] * 3, 0.005),
    "d": ([python_piece, hash_piece], 0.005),
    "e": ([python_piece] * 3, 0.02),
    "f": ([compress_piece] * 2, 0.02),
}


def without_names(trace: GilTrace) -> GilTrace:
    """`trace` without the names of its work: a picture would tell them, and they are the answer."""
    return replace(trace, threads=tuple(thread._replace(work="unknown") for thread in trace.threads))


def main(folder: Path) -> None:
    """Write unknown-a.json to unknown-f.json into `folder`."""
    for letter, (works, interval) in UNKNOWN.items():
        trace = gil_trace(works, seconds=0.2, switch_interval=interval)
        without_names(trace).save(folder / f"unknown-{letter}.json")
        print(f"{letter}: {describe_trace(trace)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
