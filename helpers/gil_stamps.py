"""Stamps inside the work: threads repeat a tiny piece of it and note the time after every one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any

from helpers.gil_thread import Baseline, Track

try:
    from resource import RUSAGE_THREAD, getrusage
except ImportError:  # Linux alone counts a thread's context switches

    def _switches() -> tuple[int, int]:
        return 0, 0
else:

    def _switches() -> tuple[int, int]:
        usage = getrusage(RUSAGE_THREAD)
        return usage.ru_nvcsw, usage.ru_nivcsw


LIMIT = 10.0  # seconds that threads may need beyond the time asked for
HEAD_START = 5_000_000  # ns: all threads are out of the barrier before the first one computes
LOOK = 1_000_000  # ns between two looks at a thread's context switches
SHORTEST = 200_000  # ns: a gap shorter than this is noise of the computer
TRIES = 3  # at a baseline: a busy computer can keep a thread from running all the while
MOST_OVERHEAD = 0.01  # of the work; after real work, with cold caches, a stamp costs several times as much


def take(
    works: Sequence[Callable[[], Any]], seconds: float, thresholds: Sequence[float]
) -> tuple[int, int, list[Track]]:
    """Run each of `works` in a thread of its own for `seconds`; start, end (perf_counter_ns) and the tracks.

    The threads start together. If one does not end within `LIMIT` more it is left behind, a daemon, and
    TimeoutError raised. An exception in the work is raised here.
    """
    tracks = [Track(f"thread {i}") for i in range(len(works))]
    begun: list[int] = []
    together = threading.Barrier(len(works), lambda: begun.append(time.perf_counter_ns() + HEAD_START))

    def run(work: Callable[[], Any], track: Track, threshold: int) -> None:
        track.native_id = threading.get_native_id()
        try:
            together.wait(LIMIT)
            time.sleep(max(0, begun[0] - time.perf_counter_ns()) / 1e9)
            cpu = time.thread_time_ns()
            first = begun[0] if len(works) > 1 else time.perf_counter_ns()
            _repeat(work, first + round(seconds * 1e9), threshold, track)
            track.cpu = time.thread_time_ns() - cpu
        except BaseException as error:
            track.error = error

    threads = [
        threading.Thread(target=run, name=track.name, args=(work, track, round(threshold * 1e9)), daemon=True)
        for work, track, threshold in zip(works, tracks, thresholds, strict=True)
    ]
    try:
        for thread in threads:
            thread.start()
        last = time.monotonic() + seconds + LIMIT
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))
    finally:
        together.abort()
    for track in tracks:
        if track.error:
            raise track.error
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(f"work did not return in {seconds + LIMIT:g} s; expected tens of microseconds")
    return begun[0], begun[0] + round(seconds * 1e9), tracks


def _repeat(work: Callable[[], Any], end: int, threshold: int, track: Track) -> None:
    clock, stamp, looks = time.perf_counter_ns, track.stamps.append, track.looks.append
    now = clock()
    stamp(now)
    looks((now, *_switches()))
    due = now + LOOK
    while now < end:
        work()
        last, now = now, clock()
        stamp(now)
        if now - last > threshold or now > due:
            looks((now, *_switches()))
            due = now + LOOK


def measure(work: Callable[[], Any], switch_interval: float, seconds: float = 0.03) -> Baseline:
    """One thread alone with `work`. ValueError if a piece is too long or too short for stamps to tell."""
    for _ in range(TRIES):
        track = take([work], seconds, [seconds])[2][0]
        gaps = sorted(b - a for a, b in pairwise(track.stamps))
        if median(gaps) / 1e9 <= switch_interval / 5:
            break
    piece, longest, stamp = median(gaps) / 1e9, gaps[-1] / 1e9, stamp_cost()
    if piece > switch_interval / 5:
        raise ValueError(
            f"work takes {_time(piece)} a call: expected tens of microseconds, and at most"
            f" {_time(switch_interval / 5)}, a fifth of the switch interval; do less in one call"
        )
    if stamp > MOST_OVERHEAD * piece:
        raise ValueError(
            f"work takes {_time(piece)} a call: expected tens of microseconds, and at least"
            f" {_time(stamp / MOST_OVERHEAD)}, because a stamp costs {_time(stamp)}; do more in one call"
        )
    threshold = min(max(SHORTEST / 1e9, 4 * piece), switch_interval / 2)
    lost = sum(gap for gap in gaps if gap > threshold * 1e9) / sum(gaps)
    busy = track.cpu / 1e9 / len(gaps) / piece
    return Baseline(piece, longest, stamp, threshold, lost, min(busy, 1.0))


@cache
def stamp_cost() -> float:
    """Seconds that one stamp costs, calling an empty function included; measured once."""
    stamps: list[int] = []
    while len(stamps) < 1000:
        stamps += take([lambda: None], 0.005, [1.0])[2][0].stamps
    return median(b - a for a, b in pairwise(stamps)) / 1e9


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
