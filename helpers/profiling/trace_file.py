"""Trace files in Chrome's JSON format: reading one, and refusing what is not one."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers._common import shown

if TYPE_CHECKING:
    from viztracer import VizTracer


class Summary(NamedTuple):
    """What a trace file holds: its size in bytes, how many slices, on how many threads, and the tracks of holds."""

    size: int
    slices: int
    threads: int
    holders: tuple[str, ...] = ()


def trace_path(path: Any) -> Path:
    """`path` as a Path; it may be a name or anything with a `.path`. TypeError for other things."""
    path = getattr(path, "path", path)
    if not isinstance(path, (str, PathLike)) or isinstance(fspath(path), bytes) or not str(path):
        raise TypeError(f"path must be the name of a trace file, not {shown(path)}")
    return Path(path)


def read_trace(path: Any) -> dict[str, Any]:
    """The trace in `path` (.json or .json.gz) as a dict whose "traceEvents" is a list of dicts.

    FileNotFoundError if there is no such file, ValueError if it is empty or not such a trace; both name `path`.
    """
    file = trace_path(path)
    if not file.is_file():
        raise FileNotFoundError(f"path must name a trace file; there is no file {str(file)!r}")
    raw = file.read_bytes()
    if not raw:
        raise ValueError(f"path must name a trace file; {str(file)!r} is empty")
    try:
        data = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"path must name a trace file in JSON; {str(file)!r} is not: {error}") from error
    # The format allows a bare list of events (Trace Event Format, "JSON Array Format").
    trace = {"traceEvents": data} if isinstance(data, list) else data
    events = trace.get("traceEvents") if isinstance(trace, dict) else None
    if not isinstance(events, list) or not all(isinstance(e, dict) and isinstance(e.get("ph"), str) for e in events):
        raise ValueError(f'path must name a trace file; {str(file)!r} has no list of events in "traceEvents"')
    return trace


def write_json(path: Path, trace: dict[str, Any]) -> None:
    """Write `trace` to `path`, compressed if it ends in .gz, making its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(trace, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(raw, 5) if path.suffix == ".gz" else raw)


def thread_names_in(trace: dict[str, Any]) -> dict[int, str]:
    """Native id -> name, as the trace has them."""
    return {
        event["tid"]: event["args"]["name"]
        for event in trace["traceEvents"]
        if event["ph"] == "M" and event.get("name") == "thread_name"
    }


def summarize(path: Any) -> Summary:
    """Count what is in the file; the errors of `read_trace`."""
    events = read_trace(path)["traceEvents"]
    slices = sum(event["ph"] in ("X", "B", "b") for event in events)
    threads = {event.get("tid") for event in events if event["ph"] in ("X", "B")}
    holders = {str(event.get("name")) for event in events if event.get("cat") == "gil"}
    return Summary(trace_path(path).stat().st_size, slices, len(threads), tuple(sorted(holders)))


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
    # Traces can be read where there is no VizTracer; and where it was never loaded, no trace is of this process.
    viztracer = sys.modules.get("viztracer")
    tracer = viztracer.get_tracer() if viztracer else None
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
