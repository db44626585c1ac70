"""Record the traces that lesson 06 shows beside its own run, on an interpreter without a GIL.

    PYTHONPATH=. python3.13t tools/record_without_gil.py notebooks/data

Each file says which Python, on how many cores, and when. A busy computer would show other programs rather than
the missing GIL, so a trace counts only if the threads got all the cores that they could use. Where there are more
threads than cores, which of them share one is the system's choice.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from helpers.gil import gil_trace
from helpers.gil_words import describe_trace
from helpers.machine import gil_enabled, usable_cpus
from helpers.tasks import hash_piece, python_piece

RECORDINGS = {
    "free-threaded-python-2": (python_piece, 2),
    "free-threaded-python-3": (python_piece, 3),
    "free-threaded-hash-2": (hash_piece, 2),
}
TRIES = 500


def main(folder: Path) -> None:
    """Write one file for each of RECORDINGS into `folder`."""
    if gil_enabled():
        sys.exit("This interpreter has a GIL: use a free-threaded build.")
    for name, (work, threads) in RECORDINGS.items():
        for _ in range(TRIES):
            trace = gil_trace(work, threads)
            wanted = min(threads, usable_cpus())
            if trace.cpu_over_wall > 0.98 * wanted and sum(trace.shares) > 0.98 * wanted:
                break
            time.sleep(0.5)
        else:
            sys.exit(f"{name}: the computer was busy at each of {TRIES} tries.")
        trace.save(folder / f"{name}.json")
        print(f"{name}: {describe_trace(trace)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
