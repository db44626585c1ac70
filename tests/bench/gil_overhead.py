"""What stamping costs: the same pieces of work with stamps and without, turn and turn about, in CPU time.

python tests/bench/gil_overhead.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from helpers.gil.measure import Track, _repeat
from helpers.machine import describe
from helpers.tasks import compress_piece, hash_piece, python_piece

WANTED = 0.03
ROUNDS, ROUND = 80, 10_000_000  # ns


def cost(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds of a piece without stamps, and what stamps add to it, in shares of it.

    The median over neighbours, 10 ms with stamps and as many pieces without: other programs disturb both alike.
    """
    bare: list[float] = []
    stamped: list[float] = []
    while len(bare) < ROUNDS:
        track, start = Track("bench"), time.thread_time_ns()
        _repeat(work, time.perf_counter_ns() + ROUND, 200_000, track)
        middle, pieces = time.thread_time_ns(), len(track.stamps) - 1
        for _ in range(pieces):
            work()
        if pieces > 50:  # it was on a core most of the round
            stamped.append((middle - start) / pieces / 1e9)
            bare.append((time.thread_time_ns() - middle) / pieces / 1e9)
    return median(bare), median(s / b - 1 for s, b in zip(stamped, bare, strict=True))


def main() -> None:
    """Print the table and the largest overhead."""
    print(f"{describe()}\n\n{'piece':<18}{'alone':>10}{'overhead':>10}")
    worst = 0.0
    for work in (python_piece, hash_piece, compress_piece):
        bare, added = cost(work)
        worst = max(worst, added)
        print(f"{work.__name__:<18}{bare * 1e6:>7.2f} µs{added:>+10.2%}")
    print(f"\nlargest overhead {worst:.2%}; wanted: {WANTED:.0%} at most")


if __name__ == "__main__":
    main()
