"""Two witnesses of one GIL: `gil_trace`'s stamps inside the work, and Python 3.15's sampler outside of the process.

    python tests/bench/gil_sampler.py

Both look at the same threads for the same time, on the same clock. A quiet computer with two cores is assumed.
"""

from __future__ import annotations

import sys
import tempfile
from bisect import bisect
from pathlib import Path
from statistics import median

from helpers.gil.sampler import gil_profile, sampler_host
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace
from helpers.gil.words import percent, span
from helpers.machine import describe

RATES = (1000, 5000)
SHARES_WITHIN, HOLDS_WITHIN = 0.05, 0.20


def stamped(file: str, threads: int) -> None:
    """The program that is sampled."""
    from helpers import gil_trace, python_piece

    gil_trace(python_piece, threads, seconds=1.5).save(file)


def seen_from_outside(stamps: GilTrace, sampled: GilTrace) -> list[list[Span]]:
    """For each thread of `stamps`, its holds as the sampler saw them, as far as both looked."""
    index = {thread.native_id: number for number, thread in enumerate(sampled.threads)}
    of = [[h for h in sampled.holds if h.thread == index.get(thread.native_id)] for thread in stamps.threads]
    return [
        [Span(h.thread, max(h.start, stamps.start), min(h.end, stamps.end)) for h in own if h.end > stamps.start]
        for own in of
    ]


def compare(rate: int, threads: int, file: str) -> bool:
    """Print a line a thread and one for both; whether the witnesses agree."""
    sampled = gil_profile(stamped, file, threads, rate=rate)
    stamps = GilTrace.load(file)
    outside = seen_from_outside(stamps, sampled)
    assert sampled.sampling is not None
    lost = sampled.sampling.lost / (sampled.sampling.lost + sampled.sampling.samples)
    print(f"\n{rate:,} samples a second, {threads} threads, {percent(lost)} of the samples lost")
    agree = True
    for index, (thread, holds) in enumerate(zip(stamps.threads, outside, strict=True)):
        # Not `shares`: who is set aside by the system keeps the GIL.
        share = sum(hold.length for hold in stamps.holds if hold.thread == index) / stamps.seconds
        theirs = sum(hold.length for hold in holds) / stamps.seconds
        agree &= abs(share - theirs) <= SHARES_WITHIN
        print(f"  {thread.name:<10} share by stamps {percent(share):>6}, by the sampler {percent(theirs):>6}")
    whole = [h for own in outside for h in own if stamps.start < h.start and h.end < stamps.end]
    theirs = median(hold.length for hold in whole)
    agree &= abs(theirs - stamps.median_hold) <= HOLDS_WITHIN * stamps.median_hold
    starts = sorted(hold.start for hold in whole)
    off = [min(abs(h.start - t) for t in starts[max(0, bisect(starts, h.start) - 1) :][:2]) for h in stamps.whole_holds]
    print(f"  median hold {span(stamps.median_hold)} and {span(theirs)}; a hold begins {span(median(off) / 1e9)} apart")
    return agree


def main() -> None:
    """Print both witnesses' tables and the verdict."""
    if sampler_host() is None:
        print("This needs Python 3.15, or a python3.15 on the PATH.")
        return
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(rate, n, str(Path(folder) / "stamps.json")) for rate in RATES for n in (2, 3)]
    print(f"\n{sum(results)} of {len(results)} runs agree; wanted: all, shares within 5 points, holds within 20%")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
