"""Trace files in Chrome's JSON format: reading one, and writing recordings, GIL traces and VizTracer runs into one.

What is written is on one clock, for Perfetto. A group of tracks is a "process" to the format; our groups get the
numbers 1, 2, ... and VizTracer's keep their process ids. A thread has its native id in every group, so that the same
worker can be found in all of them.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers._common import at_once, shown
from helpers.gil.trace import GilTrace
from helpers.recording.data import Recording, Task, Thread

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


Event = dict[str, Any]


def recording_events(run: Recording, group: int, title: str) -> Iterator[Event]:
    """A track a thread (its tasks, what it was blocked on, callbacks), the queue, and two counters."""
    tasks, blocked, callbacks = run.tasks, run.blocked, run.callbacks
    end = max((stamp for task in tasks for stamp in (task.submitted, task.started, task.finished) if stamp), default=0)
    threads = [*run.workers, *(b.thread for b in blocked), *(c.thread for c in callbacks)]
    yield from _names(group, title, [*threads, *(mark.thread for mark in run.marks)])
    left = [task.started if task.started is not None else task.finished for task in tasks]
    for task, until in zip(tasks, left, strict=True):
        if task.started is not None and task.worker is not None:
            yield _slice(group, task.worker.native_id, task.label, task.started, task.finished or end, **_facts(task))
        over, facts = end if until is None else until, {"task": task.index, "label": task.label}
        yield from _span(group, "queue", "in the queue", task.index, task.submitted, over, **facts)
    for wait in blocked:
        several = f" for {len(wait.tasks)} tasks" if wait.tasks else ""
        what = several if wait.task is None else f" of task {wait.task}"
        yield _slice(group, wait.thread.native_id, f"blocked in {wait.call}(){what}", wait.start, wait.end or end)
    for call in callbacks:
        yield _slice(
            group, call.thread.native_id, f"callback of task {call.task}", call.start, call.end, outcome=call.outcome
        )
    for mark in run.marks:
        place = {"pid": group, "tid": mark.thread.native_id}
        yield {"ph": "i", "s": "t", **place, "name": mark.text, "ts": mark.time / 1e3}
    ran = [task for task in tasks if task.started is not None]
    yield from _counter(group, "in the queue", [task.submitted for task in tasks], left)
    yield from _counter(group, "in flight", [task.started for task in ran], [task.finished for task in ran])


def gil_events(gil: GilTrace, group: int, title: str) -> Iterator[Event]:
    """A track a thread with its holds, named by the thread. `show_trace` pins tracks named so to the top.

    Holds are asynchronous slices: those get a track for each name, and Perfetto can pin it alone.
    """
    yield from _names(group, title, [])
    word = "GIL" if gil.gil else "Run"
    for number, (index, start, end) in enumerate(gil.holds):
        thread = gil.threads[index]
        yield from _span(group, "gil", f"{word} {thread.name} {thread.native_id}", number, start, end)


def _names(group: int, title: str, threads: Iterable[Thread]) -> Iterator[Event]:
    yield {"ph": "M", "pid": group, "tid": 0, "name": "process_name", "args": {"name": title}}
    for thread in dict.fromkeys(threads):
        yield {
            "ph": "M", "pid": group, "tid": thread.native_id, "name": "thread_name", "args": {"name": thread.name},
        }  # fmt: skip


def _slice(group: int, tid: int, name: str, start: int, end: int, **facts: Any) -> Event:
    length = max(0, end - start) / 1e3
    return {"ph": "X", "pid": group, "tid": tid, "name": name, "ts": start / 1e3, "dur": length, "args": facts}


def _facts(task: Task) -> dict[str, Any]:
    cpu = None if task.cpu is None else task.cpu / 1e6
    wait = None if task.queue_wait is None else task.queue_wait * 1e3
    facts = {"task": task.index, "outcome": task.outcome, "queue wait (ms)": wait, "CPU time (ms)": cpu}
    return {name: value for name, value in facts.items() if value is not None}


def _span(group: int, kind: str, name: str, number: int, start: int, end: int, **facts: Any) -> Iterator[Event]:
    both = {"cat": kind, "name": name, "pid": group, "tid": 0, "id2": {"local": hex(number)}}
    yield {**both, "ph": "b", "ts": start / 1e3, "args": facts}
    yield {**both, "ph": "e", "ts": max(start, end) / 1e3}


def _counter(group: int, name: str, ups: list[int], downs: list[int | None]) -> Iterator[Event]:
    for moment, count in at_once(ups, downs):
        yield {"ph": "C", "pid": group, "tid": 0, "name": "tasks", "ts": moment / 1e3, "args": {name: count}}


def write_trace(path: Any, *parts: Any) -> Path:
    """Write one trace file to `path` (.json or .json.gz) with all `parts` on the clock perf_counter; gives its Path.

    A part is a Recording, a GilTrace, a VizTracer file or what `record_viztracer` gave. They must stem from this
    computer since it was started: another one's clock has another zero. TypeError for other parts; the errors of
    a missing or malformed file are FileNotFoundError and ValueError.
    """
    file = trace_path(path)
    if not parts:
        raise ValueError("parts must be at least one Recording, GilTrace or VizTracer file")
    for number, part in enumerate(parts, 1):
        if not isinstance(part, (Recording, GilTrace, str, Path)) and not hasattr(part, "path"):
            raise TypeError(f"parts must be Recordings, GilTraces or VizTracer files; part {number} is {shown(part)}")
    traces = [_viztracer_trace(part) for part in parts if not isinstance(part, (Recording, GilTrace))]
    runs = [part for part in parts if isinstance(part, Recording)]
    gils = [part for part in parts if isinstance(part, GilTrace)]

    taken = {event.get("pid") for trace in traces for event in trace["traceEvents"]}
    groups = (number for number in range(1, len(taken) + len(parts) + 2) if number not in taken)
    names = {thread.native_id: thread.name for run in runs for thread in run.workers}
    names |= {thread.native_id: thread.name for gil in gils for thread in gil.threads}

    events: list[Event] = []
    for number, run in enumerate(runs, 1):
        title = "Tasks" if len(runs) == 1 else f"Tasks of recording {number}"
        events += recording_events(run, next(groups), title)
    for number, gil in enumerate(gils, 1):
        title = "Who has the GIL" if gil.gil else "Who runs (no GIL)"
        events += gil_events(gil, next(groups), title if len(gils) == 1 else f"{title} {number}")
    merged: dict[str, Any] = {"traceEvents": events}
    for trace in traces:
        events += viztracer_events(trace, names)
        for key in ("files", "functions"):
            known = merged.setdefault("file_info", {"files": {}, "functions": {}})
            known[key] |= trace.get("file_info", {}).get(key, {})
    # The points say that ts is perf_counter, so that a file of ours can be a part of another one.
    merged["viztracer_metadata"] = {NOTE: [(0.0, 0)]}
    write_json(file, merged)
    return file


def _viztracer_trace(part: Any) -> dict[str, Any]:
    trace = read_trace(part)
    if "viztracer_metadata" not in trace:
        raise ValueError(f"parts must be VizTracer files; {str(trace_path(part))!r} is another program's")
    return trace


def viztracer_events(trace: dict[str, Any], names: dict[int, str]) -> Iterator[Event]:
    """The trace's events on our clock; threads that VizTracer calls Dummy-N get their name from `names`."""
    clock = to_perf_counter(trace)
    for event in trace["traceEvents"]:
        if event["ph"] == "M" and event.get("name") == "process_name":
            yield {**event, "args": {"name": f"VizTracer, {event['args']['name']}"}}
        elif event["ph"] == "M" and event.get("name") == "thread_name":
            name = event["args"]["name"]
            known = names.get(event["tid"], name) if name.startswith("Dummy-") else name
            yield {**event, "args": {"name": known}}
        elif "ts" not in event:
            yield event
        else:
            start = clock(event["ts"])
            moved = {**event, "ts": start / 1e3}
            if "dur" in event:
                # The end, not the length, is what is rounded: a slice must not outlast the one around it.
                moved["dur"] = (clock(event["ts"] + event["dur"]) - start) / 1e3
            yield moved
