"""What a lesson uses, under one roof. Each name is loaded on first use, so that `import helpers` costs nothing.

Work for experiments:
    Gate              holds tasks still until it opens
    io_task           waits, as on a network
    python_task       computes in Python, with the GIL
    hash_task         computes in C, without the GIL
    compress_task     compresses in C, without the GIL
    fail_task         raises ValueError
    python_piece      tens of microseconds of Python, for `gil_trace`
    hash_piece        the same in C, without the GIL
    compress_piece    zlib, without the GIL
    sleep_piece       a short sleep
The record of a run:
    watch             records every task of an executor in a `with` block
    Recording         what `watch` gives: tasks, waits, callbacks; can be saved and loaded
Pictures:
    timeline          draws a recording: who ran what when
    replay            plays a recording or a GIL trace back: what everyone did at a moment
    queue_depth       draws how many tasks waited
    gil_picture       draws who held the GIL when
    gil_histogram     draws how long the holds were
    boxes_picture     draws VizTracer's boxes above the holds
    boxes_and_holds   both, from a trace's file
The GIL:
    gil_trace         measures who holds the GIL, by stamps inside the work
    gil_profile       looks at the GIL of a whole program from outside (Python 3.15)
    GilTrace          what both give; can be saved and loaded
    Span              a span of time of one thread
    overlap           how long two lists of spans overlap
VizTracer and Perfetto:
    record_viztracer  runs a function under VizTracer
    mend_thread_names gives a trace's threads their names
    read_trace        reads a trace's file
    write_trace       writes recordings and GIL traces into a trace's file
    show_trace        opens a trace in Perfetto, inside the notebook
Programs beside the notebook:
    slow_server       a slow HTTP server on this computer
    run_isolated      runs a program in a process of its own, and records it
Labs:
    pool_lab          workers, tasks and kinds of work on sliders
    future_lab        a Future driven by hand
    order_lab         map, as_completed and wait side by side
    callback_lab      who runs a callback
    schedule_lab      two threads stepped line by line, then every order
    gil_lab           threads, interval and work: the GIL's picture
    pacing_lab        workers and latency: throughput
    loop_lab          slow calls beside an event loop, and its silence
Guessing first:
    predict           asks for a guess, and holds it against what came
    recap             a lesson's guesses beside what was measured
This computer:
    describe          cores, Python, GIL
    gaps              how often other programs interrupt one thread
    usable_cpus       the cores that this process may use
    gil_enabled       whether this interpreter has its GIL on

`help(helpers.NAME)` tells more of each. The rooms behind: `tasks`, `recording`, `gil`, `drawing`, `live`,
`profiling`, `processes`, `labs`. Data runs one way: tasks, recording, picture.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_ROOMS = {
    "tasks": "Gate io_task python_task hash_task compress_task fail_task "
    "python_piece hash_piece compress_piece sleep_piece",
    "recording.watcher": "watch",
    "recording.data": "Recording",
    "drawing.timeline": "timeline queue_depth",
    "live.timeline": "replay",
    "drawing.gil": "gil_picture gil_histogram",
    "drawing.slices": "boxes_picture boxes_and_holds",
    "gil.measure": "gil_trace",
    "gil.sampler": "gil_profile",
    "gil.trace": "GilTrace",
    "gil.spans": "Span overlap",
    "profiling.viztracer_run": "record_viztracer mend_thread_names",
    "profiling.trace_file": "read_trace write_trace",
    "profiling.perfetto": "show_trace",
    "processes.slow_http": "slow_server",
    "processes.isolated": "run_isolated",
    "labs.pool": "pool_lab",
    "labs.future": "future_lab",
    "labs.order": "order_lab",
    "labs.callback": "callback_lab",
    "labs.schedule": "schedule_lab",
    "labs.gil": "gil_lab",
    "labs.pacing": "pacing_lab",
    "labs.loop": "loop_lab",
    "predictions": "predict recap",
    "machine": "describe gaps usable_cpus gil_enabled",
}
_ROOM = {name: room for room, names in _ROOMS.items() for name in names.split()}
__all__ = list(_ROOM)


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_ROOM[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if "IPython" in sys.modules:
    importlib.import_module("helpers.processes.interrupts").take_care()
