"""Recordings, GIL traces and VizTracer runs as one Chrome-trace JSON file on one clock, for Perfetto.

A group of tracks is a "process" to the format; our groups get the numbers 1, 2, ... and VizTracer's keep their
process ids. A thread has its native id in every group, so that the same worker can be found in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.checks import shown
from helpers.gil_recording import GilTrace
from helpers.recording import Recording
from helpers.trace_clock import NOTE, to_perf_counter
from helpers.trace_events import Event, gil_events, recording_events
from helpers.trace_files import read_trace, trace_path, write_json


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
