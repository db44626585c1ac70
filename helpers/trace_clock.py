"""VizTracer's clock and `time.perf_counter_ns`, made to agree.

Both count from the same moment (CLOCK_MONOTONIC on Linux), but VizTracer's ticks at a rate that it measures once,
in a tenth of a second, when it is imported (its modules/quicktime.c). It drifts: 0.05 to 0.7 us a second were
seen, so in a notebook open for an hour it can be milliseconds off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from viztracer import VizTracer, get_tracer

NOTE = "perf_counter"  # the name under which a trace's viztracer_metadata has its points


def clock_point(tracer: VizTracer) -> tuple[float, int]:
    """This moment on VizTracer's clock (microseconds) and on perf_counter (ns), right to about 0.2 us."""
    tries = [(time.perf_counter_ns(), tracer.getts(), time.perf_counter_ns()) for _ in range(20)]
    before, stamp, after = min(tries, key=lambda t: t[2] - t[0])
    return stamp, (before + after) // 2


def clock_points(trace: dict[str, Any]) -> list[tuple[float, int]]:
    """The moments that the trace noted; for a trace of this process without any, the present moment."""
    noted = trace.get("viztracer_metadata", {}).get(NOTE)
    if noted:
        return [(float(stamp), int(ns)) for stamp, ns in noted]
    tracer = get_tracer()
    ours = any(event.get("pid") == os.getpid() for event in trace["traceEvents"][:1])
    return [clock_point(tracer)] if ours and tracer is not None else []


def to_perf_counter(trace: dict[str, Any]) -> Callable[[float], int]:
    """A function from the trace's `ts` (microseconds) to perf_counter nanoseconds.

    Without noted moments, as in a file from the command line, the two are taken to be equal: a program that ran
    a few seconds had no time to drift.
    """
    points = clock_points(trace) or [(0.0, 0)]
    (ts0, ns0), (ts1, ns1) = points[0], points[-1]
    rate = (ns1 - ns0) / (ts1 - ts0) if ts1 > ts0 else 1000.0
    return lambda ts: ns0 + round((ts - ts0) * rate)
