"""What a run of an executor was: its tasks, who waited for them, which callbacks ran. Plain data.

All times are integers in nanoseconds of `time.perf_counter_ns`, the clock the run was stamped with;
all durations that properties give are floats in seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from helpers import recording_file
from helpers.at_once import at_once
from helpers.recorded import FINISHED, STARTED, SUBMITTED, Blocked, Callback, Mark, Task, Thread


class Recording:
    """The record of a run, made by `watch`. It grows while the run lasts and can be read at any moment."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.waits: list[list[Any]] = []  # [thread, start, end or None, row or None, call]
        self.calls: list[tuple[Any, ...]] = []  # (thread, start, end, row, outcome)
        self.marks: list[Mark] = []

    @property
    def tasks(self) -> list[Task]:
        """The tasks in the order of their submits."""
        return [Task(i, row) for i, row in enumerate(list(self.rows))]

    def _mine(self, events: Iterable[Any]) -> Iterator[tuple[Any, int | None]]:
        """Events of this recording's tasks with the task's index: a watch also hears of other watches' tasks."""
        index = {id(row): i for i, row in enumerate(list(self.rows))}
        for event in list(events):
            if event[3] is None or id(event[3]) in index:
                yield event, None if event[3] is None else index[id(event[3])]

    @property
    def blocked(self) -> list[Blocked]:
        """The spans in which a thread waited for a task that had not ended, or in shutdown()."""
        return [Blocked(w[0], w[1], w[2], i, w[4]) for w, i in self._mine(self.waits)]

    @property
    def callbacks(self) -> list[Callback]:
        """The calls of done-callbacks, in the order in which they ended."""
        return [Callback(c[0], c[1], c[2], i, c[4]) for c, i in self._mine(self.calls) if i is not None]

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
            f"{self.wall:.3g} s, concurrency {self.concurrency:.2f}>"
        )

    def save(self, path: str | Path) -> None:
        """Write the recording to `path` as JSON; a run that goes on is saved as it is now."""
        blocked, callbacks = self.blocked, self.callbacks  # first: the tasks that they name are then among the tasks
        recording_file.write(path, self.tasks, blocked, callbacks, self.marks)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote. FileNotFoundError without the file, ValueError for another kind of file."""
        run = cls()
        run.rows, run.waits, run.calls, run.marks = recording_file.read(path)
        return run
