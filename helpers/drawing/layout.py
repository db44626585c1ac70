"""The lanes of a timeline: which there are, and what goes into each. Lengths down the page are in inches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from helpers._common import count
from helpers.recording.data import (
    CPU,
    FINISHED,
    OUTCOME,
    STARTED,
    SUBMITTED,
    SUBMITTER,
    WORKER,
    Recording,
    Thread,
    unseen,
)

SHORTER = {r"^MainThread$": "main", r"^Dask Worker.*": "dask", r"^(?:Fork|Spawn|ForkServer)Process-": "process "}
MOST_STRIPES = 14  # a deeper queue is drawn as an area


class Lane:
    """A strip of the picture for one thread, for the queue, or for the workers that were folded."""

    def __init__(self, kind: str, label: str, thread: Thread | None, top: float, size: float) -> None:
        self.kind, self.label, self.thread, self.top, self.size = kind, label, thread, top, size
        self.middle = top + size / 2


class Table:
    """A recording's rows as columns, once, so that a hundred thousand tasks draw as fast as bars do."""

    def __init__(self, run: Recording, until: int | None = None) -> None:
        rows = list(run.rows)
        self.size = len(rows)
        self.origin = origin = min((row[SUBMITTED] for row in rows), default=0)
        column = lambda i: np.array([np.nan if row[i] is None else row[i] - origin for row in rows], dtype=float)
        # The run may go on. What is written last is read first, so that no task has an end and no start.
        self.outcomes = np.array([row[OUTCOME] or "" for row in rows], dtype=object)
        self.finished, self.started, self.submitted = (column(i) for i in (FINISHED, STARTED, SUBMITTED))
        self.ran = ~np.isnan(self.started)
        self.cpu = np.array([row[CPU] for row in rows], dtype=float)
        self.workers: list[Any] = [row[WORKER] for row in rows]
        self.submitters: list[Any] = [row[SUBMITTER] for row in rows]
        stamps = np.concatenate([[(until or origin) - origin], self.submitted, self.started, self.finished])
        self.end = float(np.nanmax(stamps)) if rows else 0.0
        # Run where watch can't see: no bar, and no stripe in the queue that would say for how long it waited there.
        self.unseen = np.array([unseen(row) for row in rows], dtype=bool)

    def waits(self) -> np.ndarray:
        """Start and end of each task's time in the queue, shape (tasks, 2), ns since the first submit."""
        # One ns past the end, so that a task submitted at the very end waits too.
        left = np.where(self.ran, self.started, np.where(np.isnan(self.finished), self.end + 1, self.finished))
        left = np.where(self.unseen, self.submitted, left)
        return np.column_stack([self.submitted, np.maximum(left, self.submitted)]) if self.size else np.empty((0, 2))

    def runs(self) -> np.ndarray:
        """Start and end of each run, shape (tasks that ran, 2); a run that goes on ends with the picture."""
        end = np.where(np.isnan(self.finished), self.end, self.finished)
        return np.column_stack([self.started, end])[self.ran] if self.size else np.empty((0, 2))


def steps(spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of `spans` are open: moments and the number from each of them on. An end counts before a start."""
    spans = spans[spans[:, 1] > spans[:, 0]]
    times = np.concatenate([spans[:, 1], spans[:, 0]])
    order = np.argsort(times, kind="stable")
    return times[order], np.cumsum(np.repeat([-1, 1], len(spans))[order])


def names(threads: list[Thread]) -> list[str]:
    """Short labels for threads: a pool's own numbering where the pool gave no names."""
    found = [re.fullmatch(r"(Thread|Interpreter)PoolExecutor-(\d+)_(\d+)", t.name) for t in threads]
    pools = {m[2] for m in found if m}  # both kinds are counted together
    word = {"Thread": "worker", "Interpreter": "interpreter"}
    short = [
        (f"{word[m[1]]} {m[3]}" if len(pools) == 1 else f"pool {m[2]} no. {m[3]}") if m else t.name
        for t, m in zip(threads, found, strict=True)
    ]
    for pattern, words in SHORTER.items():
        short = [re.sub(pattern, words, name) for name in short]
    twice = {name for name in short if short.count(name) > 1}
    short = [f"{name} ({t.native_id})" if name in twice else name for name, t in zip(short, threads, strict=True)]
    return [name if len(name) <= 13 else name[:5] + "…" + name[-7:] for name in short]


def order(others: Iterable[Thread], workers: Iterable[Thread]) -> tuple[dict[Thread, str], dict[Thread, str]]:
    """The lanes from top to bottom, a label for each thread: those that are no workers as they came, then workers."""
    natural = lambda t: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", t.name)]
    ran = sorted(dict.fromkeys(workers), key=natural)
    askers = [t for t in dict.fromkeys(others) if t not in set(ran)]
    return dict(zip(askers, names(askers), strict=True)), dict(zip(ran, names(ran), strict=True))


class Plan:
    """Which lanes a recording needs."""

    def __init__(self, run: Recording, until: int | None, most: int) -> None:
        self.run, self.table = run, Table(run, until)
        self.blocked, self.callbacks = run.blocked, run.callbacks
        others = [*self.table.submitters, *(b.thread for b in self.blocked), *(m.thread for m in run.marks)]
        others += [c.thread for c in self.callbacks]
        askers, ran = order(others, (self.table.workers[i] for i in np.flatnonzero(self.table.ran)))
        workers = list(ran)
        self.workers = len(workers)
        moments = (
            [b.end or b.start for b in self.blocked] + [m.time for m in run.marks] + [c.end for c in self.callbacks]
        )
        self.table.end = max([self.table.end, *(float(moment - self.table.origin) for moment in moments)])
        self.length = self.table.end / 1e9
        waits = self.table.waits()
        self.depth = int(max(steps(waits)[1], default=0))
        longest = (waits[:, 1] - waits[:, 0]).max() if len(waits) else 0
        self.lanes: list[Lane] = []
        size = 0.36 if len(workers) <= 12 else 0.24 if len(workers) <= 24 else 0.17
        for thread, label in askers.items():
            self._add("asker", label, thread, 0.44)
        if longest > 0.01 * self.table.end:
            stripes = self.depth <= MOST_STRIPES
            self._add("queue", "queue", None, 0.12 + 0.062 * self.depth if stripes else 0.9)
        kept = workers if len(workers) <= most else workers[: most - 10]
        for thread in kept:
            self._add("worker", ran[thread], thread, size)
        if len(kept) < len(workers):
            self._add("folded", f"{len(workers) - len(kept)} more", None, 0.9)
        self.lane_of = {lane.thread: lane for lane in self.lanes if lane.thread is not None}
        self.folded = set(workers[len(kept) :])
        self.height = self.lanes[-1].top + self.lanes[-1].size + 0.06 if self.lanes else 0.5

    def _add(self, kind: str, label: str, thread: Thread | None, size: float) -> None:
        top = self.lanes[-1].top + self.lanes[-1].size + 0.07 if self.lanes else 0.03
        self.lanes.append(Lane(kind, label, thread, top, size))

    def summary(self) -> str:
        """What the picture says, in a line."""
        table = self.table
        if not table.size:
            return "no task was submitted"
        spans, going = table.runs(), table.ran & np.isnan(table.finished)
        last = table.end if going.any() else np.nanmax([table.submitted, table.started, table.finished])
        wall = f"{last / 1e9:.2f} s" if last >= 1e8 else f"{last / 1e6:.3g} ms"
        at_once = (spans[:, 1] - spans[:, 0]).sum() / last if last else 0.0
        queued = ~table.ran & np.isnan(table.finished)
        counts = {
            "raised": (table.outcomes == "raised").sum(),
            "cancelled": (table.outcomes == "cancelled").sum(),
            "running": going.sum(),
            "queued": queued.sum(),
            "ran unseen": table.unseen.sum(),
        }
        parts = [wall, f"{count(self.workers, 'worker')} used", f"{at_once:.1f} tasks at once on average"]
        return "  ·  ".join(parts + [f"{many} {kind}" for kind, many in counts.items() if many])

    def sentence(self, title: str) -> str:
        """The picture in words, for those who do not see it."""
        spans = self.table.runs()
        peak = int(max(steps(spans)[1], default=0))
        return (
            f"Timeline{' of ' + title if title else ''}: {self.table.size} tasks; {self.summary()}; "
            f"at most {peak} in flight and {self.depth} in the queue."
        )
