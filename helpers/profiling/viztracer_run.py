"""VizTracer runs with every pool thread under its own name, and on the clock of the course's recordings.

VizTracer asks for a thread's name when it sees the thread's first event. From Python 3.12 on that is before
`threading` knows the thread, so pool workers are called Dummy-1, Dummy-2. `thread_names` learns the names a
moment later. All three ways of tracing can use it:

    record_viztracer(main)                                         in code
    viztracer --plugins helpers.profiling.viztracer_run -- prog.py              on the command line
    %%viztracer  with  `with thread_names() as names:`  inside     then mend_thread_names(file, names)
"""

from __future__ import annotations

import builtins
import gc
import linecache
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import thread as pool_module
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from viztracer import VizTracer, get_tracer
from viztracer.vizplugin import VizPluginBase

from helpers._common import function, instance, shown
from helpers.profiling.trace_file import (
    NOTE,
    clock_point,
    clock_points,
    read_trace,
    thread_names_in,
    trace_path,
    write_json,
)


@contextmanager
def thread_names() -> Iterator[dict[int, str]]:
    """Inside the block: learn the name of every thread, also of those that come and go. Gives native id -> name."""
    names: dict[int, str] = {}
    before = threading.getprofile()

    # A new thread calls this once, when threading has registered it: the earliest moment its name is known.
    def note(frame: Any, event: Any, arg: Any) -> None:
        names[threading.get_native_id()] = threading.current_thread().name
        sys.setprofile(before)
        if before is not None:
            before(frame, event, arg)  # up to 3.11 this is VizTracer, which must not miss a thread

    _add_living(names)
    threading.setprofile(note)
    try:
        yield names
    finally:
        if threading.getprofile() is note:
            threading.setprofile(before)  # type: ignore[arg-type]
        _add_living(names)


def _add_living(names: dict[int, str]) -> None:
    for thread in threading.enumerate():
        # threading makes a Dummy for a thread that asks for itself before it is registered or after it was.
        if thread.native_id is not None and not thread.name.startswith("Dummy-"):
            names[thread.native_id] = thread.name


def pool_workers() -> list[str]:
    """The names of the pool workers that are alive now, without those of an event loop, which nobody asked for."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = []
    for ident, frame in sys._current_frames().items():
        at: Any = frame
        while at is not None and not (at.f_code.co_name == "_worker" and at.f_code.co_filename == pool_module.__file__):
            at = at.f_back
        if at is not None:
            found.append(names.get(ident, str(ident)))
    return sorted(name for name in found if not name.startswith("asyncio_"))


@dataclass(frozen=True)
class VizTrace:
    """A saved VizTracer run: the file, what the function returned, the traced threads (native id -> name)."""

    path: Path
    result: Any
    threads: dict[int, str]


def record_viztracer(fn: Callable[[], Any], path: Any = "viztracer_report/trace.json", **options: Any) -> VizTrace:
    """Call `fn()` under VizTracer, save the trace to `path` (.json or .json.gz), and give a VizTrace.

    `options` go to `VizTracer(...)`, for example min_duration=50 (microseconds) or ignore_c_function=True. What
    `fn` raises is raised here, after the trace is saved. Make the pool inside `fn`: up to Python 3.11 VizTracer
    does not see threads that are older than the trace (a warning names such workers). RuntimeError if another
    VizTracer runs; a trace that outgrew `tracer_entries` gives a warning, its oldest events are lost.
    """
    function("fn", fn, "a function without arguments")
    file = trace_path(path)
    if not file.name.endswith((".json", ".json.gz")):
        raise ValueError(f"path must end in .json or .json.gz, not {shown(str(path))}")
    unknown = set(options) - (set(signature(VizTracer).parameters) - {"output_file"})
    if unknown:
        raise TypeError(f"options must be VizTracer's (path stands for output_file), not {', '.join(sorted(unknown))}")
    before = get_tracer()
    if before is not None and before.enable:
        raise RuntimeError("VizTracer already records this process; stop that trace first")
    unseen = pool_workers() if sys.version_info < (3, 12) else []
    if unseen:
        warnings.warn(
            f"not in the trace: {', '.join(unseen)}. Up to Python 3.11 VizTracer does not see a pool that was "
            "made before the trace; make the pool inside the traced function.",
            stacklevel=2,
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    plugins = [ThreadNames(), *options.pop("plugins", [])]
    options = {"verbose": 0, **options, "output_file": str(file.absolute())}
    hook = threading.getprofile()
    _drop_old_tracers(hook)
    tracer = VizTracer(plugins=plugins, **options)
    try:
        tracer.start()
        result = fn()
    finally:
        tracer.stop()
        tracer.save()
        tracer.terminate()
        data = tracer.data
        # VizTracer leaves itself behind, with every event it saw, and up to 3.11 its hook for new threads.
        builtins.__dict__.pop("__viz_tracer__", None)
        del tracer, plugins
        _drop_old_tracers(hook)
        if before is not None:
            before.register_global()
    if data["viztracer_metadata"].get("overflow"):
        warnings.warn(
            "the trace outgrew VizTracer's buffer, its oldest events are lost; "
            "pass a larger tracer_entries or a min_duration",
            stacklevel=2,
        )
    return VizTrace(file, result, thread_names_in(data))


def _drop_old_tracers(hook: Any) -> None:
    """A tracer is a cycle of references. Up to 3.11 the end of one takes away the hook by which new threads are seen:
    in the middle of another trace, the threads after it were missing.
    """
    threading.setprofile(hook)
    gc.collect()
    threading.setprofile(hook)


def mend_thread_names(path: Any, names: Mapping[int, str]) -> dict[int, str]:
    """Write `names` (native id -> name) into the trace at `path`; gives all of its threads' names.

    For a trace of this very process it also notes how VizTracer's clock stands to perf_counter.
    The errors of a missing or malformed file are FileNotFoundError and ValueError.
    """
    instance("names", names, Mapping, "a mapping of native thread ids to names")
    trace = read_trace(path)
    _mend(trace, names)
    points = clock_points(trace)
    if points:
        trace.setdefault("viztracer_metadata", {})[NOTE] = points
    write_json(trace_path(path), trace)
    return thread_names_in(trace)


def _mend(trace: dict[str, Any], names: Mapping[int, str]) -> None:
    for event in trace["traceEvents"]:
        if event["ph"] == "M" and event.get("name") == "thread_name" and event["tid"] in names:
            event["args"]["name"] = names[event["tid"]]


class ThreadNames(VizPluginBase):
    """The plugin for VizTracer: names the threads, and notes the clock in viztracer_metadata["perf_counter"]."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.names: dict[int, str] = {}
        self.clock: list[tuple[float, int]] = []

    def support_version(self) -> str:
        return "1.0.0"

    def message(self, m_type: str, payload: dict) -> dict:
        when = payload.get("when")
        tracer = get_tracer()
        if when == "pre-start":
            self.names = self.stack.enter_context(thread_names())
        if when == "post-stop":
            self.stack.close()
        if when in ("pre-start", "post-stop") and tracer is not None:
            self.clock.append(clock_point(tracer))
        if when == "pre-save":
            return {"action": "handle_data", "handler": self.handle}
        return super().message(m_type, payload)

    def handle(self, data: dict[str, Any]) -> None:
        _mend(data, self.names)
        data["file_info"] = {"files": _cell_sources(data), "functions": {}}
        data["viztracer_metadata"][NOTE] = self.clock


def _cell_sources(data: dict[str, Any]) -> dict[str, list[Any]]:
    """The traced notebook cells: VizTracer, which looks for files, does not find their source; linecache has it."""
    names = {event["name"] for event in data["traceEvents"] if event["ph"] == "X"}
    files = {match[1] for match in (re.match(r".*\((.*):\d+\)", name) for name in names) if match}
    cells = {file: linecache.getlines(file) for file in files if not os.path.exists(file)}
    return {file: ["".join(lines), len(lines)] for file, lines in cells.items() if lines}


def get_vizplugin(_: str) -> ThreadNames:
    """How VizTracer's command line finds the plugin (VizTracer documentation, "Customize with plugins")."""
    return ThreadNames()
