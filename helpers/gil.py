"""Who ran when: `gil_trace` repeats tiny pieces of work in threads and reads from stamps who had the GIL.

CPython hands the GIL over when another thread has waited for it for the switch interval, 5 ms unless changed
(Python docs, sys.setswitchinterval), or when the running thread lets go of it (C API, "Thread State and the
Global Interpreter Lock").
"""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from helpers.checks import function, number, whole
from helpers.gil_recording import GilTrace
from helpers.gil_spans import read_spans
from helpers.gil_stamps import LIMIT, measure, take
from helpers.gil_thread import TracedThread
from helpers.machine import gil_enabled, usable_cpus
from helpers.wording import name_of

_one_at_a_time = threading.Lock()


def gil_trace(
    work: Callable[[], Any] | Sequence[Callable[[], Any]],
    threads: int = 2,
    seconds: float = 0.15,
    switch_interval: float | None = None,
) -> GilTrace:
    """Repeat `work` in each of `threads` threads for `seconds`, stamping after every call: who ran when.

    `work` is a callable of tens of microseconds (`helpers.tasks` has some), or a sequence of them, one for
    each thread. It is first measured in one thread alone: ValueError if it is too long or too short.
    `switch_interval` (seconds) holds for this trace alone. TimeoutError if `work` does not come back.
    """
    if isinstance(work, Sequence):
        whole("the number of callables in work", len(work), 1, 32)
        works = [function(f"work[{i}]", one, "helpers.tasks.python_piece") for i, one in enumerate(work)]
    else:
        works = [function("work", work, "helpers.tasks.python_piece")] * whole("threads", threads, 1, 32)
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
        machine={
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": f"{platform.system()} {platform.machine()}",
            "date": datetime.now(UTC).date().isoformat(),
        },
        tracks=tuple(tracks),
    )
