"""What a run of an executor was: its tasks, who waited for them, which callbacks ran. Plain data, and its file.

All times are integers in nanoseconds of `time.perf_counter_ns`, the clock the run was stamped with; all durations
that properties give are floats in seconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from helpers._common import at_once, attribute, count, instance, shown

# The columns of a row, one row a task. A list of eight costs half of what an object with attributes does. Tasks whose
# run could not be seen as that of a thread of this process have a ninth: what is to be known about their stamps; those
# that raised have a tenth: what they raised, in words.
LABEL, SUBMITTED, SUBMITTER, WORKER, STARTED, FINISHED, CPU, OUTCOME, NOTE, ERROR = range(10)


# What a NOTE says.
UNSEEN = "ran where watch can't see: its start is unknown"
LOST = "ran; its result was lost on the way home"
AGAIN = "ran more than once, or ended otherwise than it ran: start and end are of its first run"
SHARED = "its Future is that of an earlier task"
ENDLESS = "submit() gave no Future: its end is unknown"
GONE = "nobody has its Future any longer: its end is unknown"
MOST_WORDS = 80  # of an error's text


def note_error(row: list[Any], error: Any) -> None:
    """Keep what a task raised, for people: its class, and its text where that is no code of the program's own."""
    if len(row) <= ERROR:
        words = attribute(type(error), "__name__", "an error")
        if attribute(type(error), "__str__") is BaseException.__str__:
            args = vars(BaseException)["args"].__get__(error)  # a class may have put its own in front
            words += f": {args[0][:MOST_WORDS]}" if len(args) == 1 and type(args[0]) is str and args[0] else ""
        put_error(row, words)


def put_error(row: list[Any], words: str) -> None:
    row.extend([None] * (ERROR - len(row)))
    row.append(words)


def is_over(row: list[Any]) -> bool:
    """Whether nothing more is expected of a row."""
    return row[OUTCOME] is not None or (len(row) > NOTE and row[NOTE] in (ENDLESS, GONE))


def unseen(row: list[Any]) -> bool:
    """Whether the task of this row ran, or runs, where watch can't see."""
    return row[STARTED] is None and len(row) > NOTE and bool(row[NOTE])


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
    def note(self) -> str:
        """What the recording could not see of this task, or "": "ran; its result was lost on the way home"."""
        return (self._row[NOTE] or "") if len(self._row) > NOTE else ""

    @property
    def error(self) -> str:
        """What the task raised, as in "ValueError: no such row", or ""; the class alone if code makes its text."""
        return (self._row[ERROR] or "") if len(self._row) > ERROR else ""

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
        what = f" {self.error}" if self.error else ""
        return f"<Task {self.index} {self.label}: {self.outcome}{what}{where}{took}>"


class Blocked(NamedTuple):
    """A span in which `thread` waited inside `call`; `end` None: it still waits.

    `call` is "result", "exception", "map" (for the next result of `Executor.map`), "as_completed", "wait", "shutdown",
    or, for the thread that watches, "Event.wait", "Queue.get", "Queue.put", "Queue.join", "Thread.join". `task` is the
    index of the one task that it waited for, None for several or none; `tasks` has all.
    """

    thread: Thread
    start: int
    end: int | None
    task: int | None
    call: str
    tasks: tuple[int, ...] = ()


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


FORMAT = "thread-pool recording 1"
ENDS = ("returned", "raised", "cancelled")


def write(
    path: str | Path,
    tasks: Sequence[Task],
    blocked: Sequence[Blocked],
    callbacks: Sequence[Callback],
    marks: Sequence[Mark],
    notes: Sequence[str] = (),
) -> None:
    """Write all of a recording to `path`."""
    data = {
        "format": FORMAT,
        "tasks": [_columns(task) for task in tasks],
        "blocked": blocked,
        "callbacks": callbacks,
        "marks": marks,
        "notes": list(notes),
    }
    Path(path).write_text(json.dumps(data), encoding="utf-8")


def _columns(task: Task) -> list[Any]:
    outcome = task.outcome  # read first: whoever sees the end of a task finds the rest of it filled in
    facts = [task.label, task.submitted, task.submitter, task.worker, task.started, task.finished, task.cpu]
    more = [task.note or None, task.error] if task.error else [task.note] if task.note else []
    return [*facts, outcome, *more]


def read(path: str | Path) -> tuple[list[Any], list[Any], list[Any], list[Mark], list[str]]:
    """The rows, waits, calls, marks and notes that `write` wrote, as a Recording holds them.

    FileNotFoundError without the file, ValueError for another kind of file.
    """
    instance("path", path, (str, Path), "the name of a file that Recording.save wrote")
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        rows: list[Any] = [_row(*columns) for columns in data["tasks"]]
        waits = [
            [
                Thread(*thread),
                start,
                end,
                None if i is None else rows[i],
                call,
                *(tuple(rows[j] for j in js) for js in some),
            ]
            for thread, start, end, i, call, *some in data["blocked"]  # recordings of before have no `some`
        ]
        calls = [
            (Thread(*thread), start, end, rows[i], outcome) for thread, start, end, i, outcome in data["callbacks"]
        ]
        marks = [Mark(Thread(*thread), time, text) for thread, time, text in data["marks"]]
        return rows, waits, calls, marks, [str(note) for note in data.get("notes", ())]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"path must be a file that Recording.save wrote, not {shown(str(path))}") from error


def _row(
    label: str,
    submitted: int,
    submitter: Any,
    worker: Any,
    started: Any,
    finished: Any,
    cpu: Any,
    outcome: str,
    *more: str | None,
) -> list[Any]:
    end = outcome if outcome in ENDS else None
    return [label, submitted, Thread(*submitter), worker and Thread(*worker), started, finished, cpu, end, *more]


class Recording:
    """The record of a run, made by `watch`. It grows while the run lasts and can be read at any moment."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.waits: list[list[Any]] = []  # [thread, start, end or None, row or None, call, rows]
        self.calls: list[tuple[Any, ...]] = []  # (thread, start, end, row, outcome)
        self.marks: list[Mark] = []
        self.remarks: list[str] = []  # what went on beside the tasks and could not be recorded

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, which may come while the run goes on. Waits and calls first: then their rows are known."""
        waits, calls = [list(wait) for wait in list(self.waits)], list(self.calls)
        return {**vars(self), "waits": waits, "calls": calls, "rows": list(self.rows)}

    @property
    def tasks(self) -> list[Task]:
        """The tasks in the order of their submits."""
        return [Task(i, row) for i, row in enumerate(list(self.rows))]

    @property
    def notes(self) -> list[str]:
        """What this recording could not see, in sentences; empty if it saw everything."""
        notes = [row[NOTE] for row in list(self.rows) if len(row) > NOTE and row[NOTE]]
        return [f"{count(notes.count(note), 'task')}: {note}" for note in dict.fromkeys(notes)] + self.remarks

    def _index(self) -> dict[int, int]:
        """Where each row is: a watch also hears of other watches' tasks."""
        return {id(row): i for i, row in enumerate(list(self.rows))}

    @property
    def blocked(self) -> list[Blocked]:
        """The spans in which a thread waited for tasks that had not ended, in shutdown(), or for something else."""
        index, found = self._index(), []
        for thread, start, end, row, call, *more in list(self.waits):
            rows = more[0] if more else () if row is None else (row,)
            some = tuple(sorted(index[id(row)] for row in rows if id(row) in index))
            if some or not rows:
                found.append(Blocked(thread, start, end, some[0] if len(some) == 1 else None, call, some))
        return found

    @property
    def callbacks(self) -> list[Callback]:
        """The calls of done-callbacks, in the order in which they ended."""
        index = self._index()
        return [Callback(c[0], c[1], c[2], index[id(c[3])], c[4]) for c in list(self.calls) if id(c[3]) in index]

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last moment of the run, ns; None before the first submit."""
        stamps = [s for row in list(self.rows) for s in (row[SUBMITTED], row[STARTED], row[FINISHED]) if s is not None]
        return (min(stamps), max(stamps)) if stamps else None

    @property
    def wall(self) -> float:
        """Seconds from the first submit to the last end of a task (or its start, where it has not ended)."""
        return 0.0 if self.span is None else (self.span[1] - self.span[0]) / 1e9

    @property
    def concurrency(self) -> float:
        """Sum of the run times over `wall`: 1.0 is one at a time, 3.0 three at once on average."""
        return sum(task.run_time or 0.0 for task in self.tasks) / self.wall if self.wall else 0.0

    @property
    def peak_in_flight(self) -> int:
        """The most tasks that were running at one moment. One that ends as another starts counts once."""
        ran = [task for task in self.tasks if task.started is not None]
        counts = at_once((task.started for task in ran), (task.finished for task in ran))
        return max((count for _, count in counts), default=0)

    @property
    def workers(self) -> list[Thread]:
        """The threads that ran tasks, in the order in which they first did."""
        ran = sorted((t.started, t.worker) for t in self.tasks if t.started is not None)
        return list(dict.fromkeys(worker for _, worker in ran))

    @property
    def completion_order(self) -> list[int]:
        """Indices of the tasks that returned or raised, in the order of their ends."""
        return [i for _, i in sorted((t.finished, t.index) for t in self.tasks if t.outcome in ("returned", "raised"))]

    def mark(self, text: str) -> None:
        """Name this moment; the timeline shows `text` on the lane of the calling thread."""
        me = Thread(threading.current_thread().name, threading.get_native_id())
        self.marks.append(Mark(me, time.perf_counter_ns(), str(text)))

    def count(self, outcome: str) -> int:
        """How many tasks are "queued", "running", "returned", "raised" or "cancelled" now."""
        return sum(task.outcome == outcome for task in self.tasks)

    def __repr__(self) -> str:
        kinds = [(self.count(kind), kind) for kind in ("returned", "raised", "cancelled", "running", "queued")]
        ends = ", ".join(f"{n} {kind}" for n, kind in kinds if n) or "no task"
        return (
            f"<Recording: {ends}; {len(self.workers)} workers, peak {self.peak_in_flight} in flight, "
            f"{self.wall:.3g} s, concurrency {self.concurrency:.2f}{''.join('; ' + note for note in self.notes)}>"
        )

    def save(self, path: str | Path) -> None:
        """Write the recording to `path` as JSON; a run that goes on is saved as it is now."""
        blocked, callbacks = self.blocked, self.callbacks  # first: the tasks that they name are then among the tasks
        write(path, self.tasks, blocked, callbacks, self.marks, self.remarks)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote. FileNotFoundError without the file, ValueError for another kind of file."""
        run = cls()
        run.rows, run.waits, run.calls, run.marks, run.remarks = read(path)
        return run
