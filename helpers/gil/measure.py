"""Who ran when: `gil_trace` repeats tiny pieces of work in threads and reads from stamps who had the GIL.

CPython hands the GIL over when another thread has waited for it for the switch interval, 5 ms unless changed
(Python docs, sys.setswitchinterval), or when the running thread lets go of it (C API, "Thread State and the
Global Interpreter Lock").
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any

from helpers._common import function, name_of, number, whole
from helpers.gil.spans import Baseline, TracedThread, Track, read_spans
from helpers.gil.trace import GilTrace
from helpers.machine import gil_enabled, provenance, usable_cpus

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
MOST_OVERHEAD = 0.02  # of the work; after real work, with cold caches, a stamp costs several times as much


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
    quick = gaps[len(gaps) // 10] / 1e9  # on a busy computer most calls of a work that sleeps come back late
    if quick > switch_interval / 5:
        raise ValueError(
            f"work takes {_time(quick)} a call: expected tens of microseconds, and at most"
            f" {_time(switch_interval / 5)}, a fifth of the switch interval; do less in one call"
        )
    if stamp > MOST_OVERHEAD * piece:  # either may have been measured at a bad moment
        stamp_cost.cache_clear()
        stamp = stamp_cost()
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
    """Seconds that one stamp costs, calling an empty function included: the least of some runs, then kept."""
    runs: list[list[int]] = []
    while sum(map(len, runs)) < 1000 or len(runs) < TRIES:
        runs.append(take([lambda: None], 0.002, [1.0])[2][0].stamps)
    return min(median(b - a for a, b in pairwise(stamps)) for stamps in runs if len(stamps) > 1) / 1e9


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


_one_at_a_time = threading.Lock()


def gil_trace(
    work: Callable[[], Any] | Sequence[Callable[[], Any]],
    threads: int = 2,
    seconds: float = 0.15,
    switch_interval: float | None = None,
) -> GilTrace:
    """Repeat `work` in each of `threads` threads for `seconds`, stamping after every call: who ran when.

    `work` is a callable of tens of microseconds (`helpers.python_piece` is one), or a sequence of them, one for
    each thread. It is first measured in one thread alone: ValueError if it is too long or too short.
    `switch_interval` (seconds) holds for this trace alone. TimeoutError if `work` does not come back.
    """
    if isinstance(work, Sequence):
        whole("the number of callables in work", len(work), 1, 32)
        works = [function(f"work[{i}]", one, "helpers.python_piece") for i, one in enumerate(work)]
    else:
        works = [function("work", work, "helpers.python_piece")] * whole("threads", threads, 1, 32)
    seconds = number("seconds", seconds, 0.01, 10, "seconds")
    if switch_interval is not None:
        switch_interval = number("switch_interval", switch_interval, 0.0001, 1, "seconds")
    if not _one_at_a_time.acquire(timeout=3 * LIMIT):
        raise TimeoutError("another gil_trace has been running all the time; one at a time can be right")
    before = sys.getswitchinterval()
    try:
        interval = before if switch_interval is None else switch_interval
        sys.setswitchinterval(interval)
        kinds = {id(one): measure(one, interval) for one in {id(one): one for one in works}.values()}
        baselines = [kinds[id(one)] for one in works]
        thresholds = [baseline.threshold for baseline in baselines]
        start, end, tracks = take(works, seconds, thresholds)
    finally:
        sys.setswitchinterval(before)
        _one_at_a_time.release()
    reading = read_spans(tracks, thresholds, start, end, gil_enabled())
    return GilTrace(
        threads=tuple(
            TracedThread(track.name, track.native_id, name_of(one), track.cpu / 1e9, baseline)
            for track, one, baseline in zip(tracks, works, baselines, strict=True)
        ),
        start=start,
        end=end,
        holds=tuple(reading.holds),
        waits=tuple(reading.waits),
        preempted=tuple(reading.preempted),
        unsure=reading.unsure,
        switch_interval=interval,
        gil=gil_enabled(),
        cores=usable_cpus(),
        machine=provenance(),
        tracks=tuple(tracks),
    )
