"""Recordings and GIL traces as events of Chrome's trace format (Google, "Trace Event Format").

Of the format we write: X (a slice), b and e (the two ends of an asynchronous slice, here a wait in the queue),
C (a counter), i (an instant), M (names).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from helpers.at_once import at_once
from helpers.gil_recording import GilTrace
from helpers.recorded import Task, Thread
from helpers.recording import Recording

Event = dict[str, Any]


def recording_events(run: Recording, group: int, title: str) -> Iterator[Event]:
    """A track a thread (its tasks, what it was blocked on, callbacks), the queue, and two counters."""
    tasks, blocked, callbacks = run.tasks, run.blocked, run.callbacks
    end = max((stamp for task in tasks for stamp in (task.submitted, task.started, task.finished) if stamp), default=0)
    threads = [*run.workers, *(b.thread for b in blocked), *(c.thread for c in callbacks)]
    yield from _names(group, title, [*threads, *(mark.thread for mark in run.marks)])
    for task in tasks:
        if task.started is not None and task.worker is not None:
            yield _slice(group, task.worker.native_id, task.label, task.started, task.finished or end, **_facts(task))
        yield from _queued(group, task, end)
    for wait in blocked:
        what = "" if wait.task is None else f" of task {wait.task}"
        yield _slice(group, wait.thread.native_id, f"blocked in {wait.call}(){what}", wait.start, wait.end or end)
    for call in callbacks:
        yield _slice(
            group, call.thread.native_id, f"callback of task {call.task}", call.start, call.end, outcome=call.outcome
        )
    for mark in run.marks:
        place = {"pid": group, "tid": mark.thread.native_id}
        yield {"ph": "i", "s": "t", **place, "name": mark.text, "ts": mark.time / 1e3}
    left = [task.started if task.started is not None else task.finished for task in tasks]
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


def _queued(group: int, task: Task, end: int) -> Iterator[Event]:
    left = task.started if task.started is not None else task.finished
    facts = {"task": task.index, "label": task.label}
    yield from _span(group, "queue", "in the queue", task.index, task.submitted, end if left is None else left, **facts)


def _span(group: int, kind: str, name: str, number: int, start: int, end: int, **facts: Any) -> Iterator[Event]:
    both = {"cat": kind, "name": name, "pid": group, "tid": 0, "id2": {"local": hex(number)}}
    yield {**both, "ph": "b", "ts": start / 1e3, "args": facts}
    yield {**both, "ph": "e", "ts": max(start, end) / 1e3}


def _counter(group: int, name: str, ups: list[int], downs: list[int | None]) -> Iterator[Event]:
    for moment, count in at_once(ups, downs):
        yield {"ph": "C", "pid": group, "tid": 0, "name": "tasks", "ts": moment / 1e3, "args": {name: count}}
