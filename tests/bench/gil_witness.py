"""Shares of time that `gil_trace` gives each thread, beside what another process sees of it in /proc (Linux).

    python tests/bench/gil_witness.py

The witness samples each thread's state (R: runs or is ready to, S: sleeps, as one that waits for the GIL does)
and its time on a core (schedstat), about once in 2 ms, on the same clock as the stamps.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.gil.measure import GilTrace, gil_trace
from helpers.gil.words import percent
from helpers.machine import describe
from helpers.tasks import compress_piece, hash_piece, python_piece

WITHIN = 5  # points, on a quiet machine
SEEN = tuple[int, str, int]  # perf_counter_ns, state, ns on a core


def witness(pid: int) -> None:
    """Print `time thread state ns-on-core` for every thread of `pid` until standard input closes."""
    os.set_blocking(0, False)
    tasks = Path(f"/proc/{pid}/task")
    while sys.stdin.buffer.read() is None:
        for thread in os.listdir(tasks):
            try:
                state = (tasks / thread / "stat").read_bytes().rpartition(b") ")[2][:1].decode()
                on_core = (tasks / thread / "schedstat").read_bytes().split()[0].decode()
            except (OSError, IndexError):
                continue  # it ended meanwhile
            print(time.perf_counter_ns(), thread, state, on_core)
        time.sleep(random.uniform(0.001, 0.003))


@contextmanager
def watched() -> Iterator[dict[int, list[SEEN]]]:
    """What the witness saw of this process inside the block, by native thread id."""
    seen: dict[int, list[SEEN]] = {}
    with tempfile.TemporaryFile("w+") as output:
        command = [sys.executable, __file__, str(os.getpid())]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output) as process:
            time.sleep(0.3)
            try:
                yield seen
            finally:
                process.stdin.close()  # type: ignore[union-attr]
                process.wait(10)
        output.seek(0)
        for line in output:
            when, thread, state, on_core = line.split()
            seen.setdefault(int(thread), []).append((int(when), state, int(on_core)))


def shares(seen: Sequence[SEEN], start: int, end: int) -> tuple[float, float]:
    """Share of the samples in state R, and share of the time on a core, between `start` and `end`."""
    inside = seen[bisect_left(seen, (start,)) : bisect_left(seen, (end,))]
    if len(inside) < 2:
        return 0.0, 0.0
    ready = sum(state == "R" for _, state, _ in inside) / len(inside)
    return ready, (inside[-1][2] - inside[0][2]) / (inside[-1][0] - inside[0][0])


def compare(name: str, work: Callable[[], Any] | Sequence[Callable[[], Any]], threads: int = 2) -> float:
    """Trace and watch `work`, print a line a thread, and return the largest difference to the time on a core."""
    with watched() as seen:
        trace: GilTrace = gil_trace(work, threads, seconds=2.0)
    worst = 0.0
    for thread, share in zip(trace.threads, trace.shares, strict=True):
        ready, on_core = shares(seen.get(thread.native_id, []), trace.start, trace.end)
        worst = max(worst, abs(share - on_core))
        row = [f"{percent(value):>9}" for value in (share, ready, on_core)]
        print(f"{name:<18}{thread.name:<10}{''.join(row)}{(share - on_core) * 100:>+10.1f}")
    return worst


def main() -> None:
    """Print the table and the largest difference."""
    if not Path("/proc/self/schedstat").exists():
        print("This needs Linux: /proc/PID/task/TID/schedstat is not here.")
        return
    print(f"{describe()}\n")
    print(f"{'work':<18}{'thread':<10}{'stamps':>9}{'state R':>9}{'on core':>9}{'off by':>10}")
    rows = (("python", python_piece, 2), ("python", python_piece, 3), ("hash", hash_piece, 2),
            ("compress", compress_piece, 2), ("python + hash", [python_piece, hash_piece], 2))  # fmt: skip
    worst = max(compare(*row) for row in rows)
    print(f"\nlargest difference between stamps and time on a core: {worst * 100:.1f} points; wanted: {WITHIN} at most")


if __name__ == "__main__":
    witness(int(sys.argv[1])) if len(sys.argv) > 1 else main()
