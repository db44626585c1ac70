"""What a recording is made of: threads, tasks, the waits for them, callbacks, marks. Plain data."""

from __future__ import annotations

from typing import Any, NamedTuple

# The columns of a row, one row a task. A list of eight costs half of what an object with attributes does.
LABEL, SUBMITTED, SUBMITTER, WORKER, STARTED, FINISHED, CPU, OUTCOME = range(8)


class Thread(NamedTuple):
    """A thread as the operating system knows it: Python's name for it and its native id."""

    name: str
    native_id: int


class Task:
    """One task of a recording: a view of its row, so it shows the task's state at the moment you ask."""

    __slots__ = ("_row", "index")

    def __init__(self, index: int, row: list[Any]) -> None:
        self.index = index
        self._row = row

    label = property(lambda self: self._row[LABEL], doc="The function's name, or what `label=` made of the call.")
    submitted = property(lambda self: self._row[SUBMITTED], doc="When submit() was called, ns.")
    submitter = property(lambda self: self._row[SUBMITTER], doc="The Thread that called submit().")
    worker = property(lambda self: self._row[WORKER], doc="The Thread that ran the task, None before it starts.")
    started = property(lambda self: self._row[STARTED], doc="When the worker called the function, ns, or None.")
    finished = property(lambda self: self._row[FINISHED], doc="When it returned, raised or was cancelled, ns, or None.")
    cpu = property(
        lambda self: self._row[CPU], doc="CPU time of the worker's thread, ns, right to 0.1 ms; None if shorter."
    )

    @property
    def outcome(self) -> str:
        """ "queued", "running", "returned", "raised" or "cancelled"."""
        return self._row[OUTCOME] or ("queued" if self._row[STARTED] is None else "running")

    @property
    def queue_wait(self) -> float | None:
        """Seconds from submit() to the start of the run (or to the cancel); None while queued."""
        end = self.started if self.started is not None else self.finished
        return None if end is None else max(0, end - self.submitted) / 1e9

    @property
    def run_time(self) -> float | None:
        """Seconds from start to end of the run, the wait for the GIL included; None before the end."""
        return None if self.started is None or self.finished is None else (self.finished - self.started) / 1e9

    def __repr__(self) -> str:
        took = "" if self.run_time is None else f", ran {self.run_time:.3g} s"
        where = "" if self.worker is None else f" on {self.worker.name}"
        return f"<Task {self.index} {self.label}: {self.outcome}{where}{took}>"


class Blocked(NamedTuple):
    """A span in which `thread` waited inside `call` ("result", "exception", "shutdown"); `end` None: it still waits.

    `task` is the index of the task it waited for, None for shutdown.
    """

    thread: Thread
    start: int
    end: int | None
    task: int | None
    call: str


class Callback(NamedTuple):
    """One call of a done-callback: which thread ran it, when, for which task, and "returned" or "raised"."""

    thread: Thread
    start: int
    end: int
    task: int
    outcome: str


class Mark(NamedTuple):
    """A moment that the program named with `Recording.mark`."""

    thread: Thread
    time: int
    text: str
