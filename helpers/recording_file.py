"""The file of a recording: its tasks, waits, callbacks and marks as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.checks import instance, shown
from helpers.recorded import Blocked, Callback, Mark, Task, Thread

FORMAT = "thread-pool recording 1"
ENDS = ("returned", "raised", "cancelled")


def write(
    path: str | Path,
    tasks: Sequence[Task],
    blocked: Sequence[Blocked],
    callbacks: Sequence[Callback],
    marks: Sequence[Mark],
) -> None:
    """Write all of a recording to `path`."""
    data = {
        "format": FORMAT,
        "tasks": [_columns(task) for task in tasks],
        "blocked": blocked,
        "callbacks": callbacks,
        "marks": marks,
    }
    Path(path).write_text(json.dumps(data), encoding="utf-8")


def _columns(task: Task) -> list[Any]:
    outcome = task.outcome  # read first: whoever sees the end of a task finds the rest of it filled in
    facts = [task.label, task.submitted, task.submitter, task.worker, task.started, task.finished, task.cpu]
    return [*facts, outcome]


def read(path: str | Path) -> tuple[list[list[Any]], list[list[Any]], list[tuple[Any, ...]], list[Mark]]:
    """The rows, waits, calls and marks that `write` wrote, as a Recording holds them.

    FileNotFoundError without the file, ValueError for another kind of file.
    """
    instance("path", path, (str, Path), "the name of a file that Recording.save wrote")
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        rows: list[Any] = [_row(*columns) for columns in data["tasks"]]
        waits = [
            [Thread(*thread), start, end, None if i is None else rows[i], call]
            for thread, start, end, i, call in data["blocked"]
        ]
        calls = [
            (Thread(*thread), start, end, rows[i], outcome) for thread, start, end, i, outcome in data["callbacks"]
        ]
        return rows, waits, calls, [Mark(Thread(*thread), time, text) for thread, time, text in data["marks"]]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"path must be a file that Recording.save wrote, not {shown(str(path))}") from error


def _row(
    label: str, submitted: int, submitter: Any, worker: Any, started: Any, finished: Any, cpu: Any, outcome: str
) -> list[Any]:
    end = outcome if outcome in ENDS else None
    return [label, submitted, Thread(*submitter), worker and Thread(*worker), started, finished, cpu, end]
