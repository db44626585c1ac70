"""What the kernel tells the browser about a recording: what is new since the last message, as columns of numbers.

A message has a head (JSON) and three buffers: rows of tasks, waits, callbacks. `timeline.js` unpacks them. Times are
ns since the first submit, NaN where there is none. Reading takes no lock: a row is filled in by its worker, and its
outcome comes last.
"""

from __future__ import annotations

import itertools
import math
import time
from array import array
from collections.abc import Sequence
from typing import Any

from helpers.drawing.layout import order
from helpers.gil.trace import GilTrace
from helpers.gil.words import headline, origin
from helpers.recording.data import (
    CPU,
    ERROR,
    FINISHED,
    LABEL,
    OUTCOME,
    STARTED,
    SUBMITTED,
    SUBMITTER,
    WORKER,
    Recording,
    Thread,
    unseen,
)

OUTCOMES = {None: 0, "returned": 1, "raised": 2, "cancelled": 3}
UNSEEN = 4  # added to the outcome of a task that ran where watch can't see
MOST_ROWS = 10_000  # in a message: a longer one would hold up those behind it
LOOK = 500  # queued tasks that are looked at for each message, besides all that run
_epochs = itertools.count(1)


def pack(*columns: tuple[str, Sequence[Any]]) -> bytes:
    """Columns one after the other, each an array of its type code."""
    return b"".join(array(code, values).tobytes() for code, values in columns)


class Feed:
    """Turns a recording, which may grow, into messages. One thread at a time may call it.

    `title` stands above the picture; `seconds` is how long the run is expected to last, if that is known.
    """

    def __init__(self, run: Recording, title: str = "", seconds: float = 0.0) -> None:
        self.run, self.title, self.seconds = run, title, seconds
        self.restart()

    def restart(self) -> None:
        """Say everything again, from the next message on."""
        self.epoch, self.seq = next(_epochs), 0
        self._base: int | None = None
        self._known = 0  # rows that the browser has seen
        self._last: list[Any] | None = None
        self._going: dict[int, None] = {}  # those of them that run, and those that wait in the queue
        self._queued: dict[int, None] = {}
        self._turn = 0
        self._index: dict[int, int] = {}  # id of a row -> its index
        self._threads: dict[Thread, int] = {}
        self._askers: tuple[dict[Thread, None], ...] = ({}, {}, {}, {})  # by submits, waits, marks, callbacks
        self._workers: dict[Thread, None] = {}
        self._labels: dict[str, int] = {}
        self._calls_in: dict[str, int] = {}
        self._waits = self._calls = self._marks = 0
        self._open_waits: list[int] = []
        self._in_lanes: tuple[int, ...] = ()  # how many workers and others the last lanes were made of

    def news(self, ended: bool, most: int = MOST_ROWS) -> dict[str, Any]:
        """The next message. `ended`: after this one nothing will come, if it is complete. `most` new rows are in it."""
        run = self.run
        waits, calls, marks = len(run.waits), len(run.calls), len(run.marks)  # first: then their rows are known
        if self._known and (len(run.rows) < self._known or run.rows[self._known - 1] is not self._last):
            self.restart()  # a submit was refused, and its row taken away
        self.seq += 1
        if self._base is None:
            self._base = run.rows[0][SUBMITTED] if run.rows else time.perf_counter_ns()
        known_labels, known_calls = len(self._labels), len(self._calls_in)
        head: dict[str, Any] = {"kind": "run", "epoch": self.epoch, "seq": self.seq}
        head["rows"], head["rows_n"], head["errors"] = self._rows(ended, most)
        head["waits"], head["waits_n"] = self._blocked(waits, ended)
        head["calls"], head["calls_n"] = self._callbacks(calls)
        head["marks"] = self._flags(marks)
        known = (len(self._workers), *map(len, self._askers))
        if known != self._in_lanes or self.seq == 1:
            self._in_lanes, head["lanes"] = known, self._order()
        if len(self._labels) > known_labels:
            head["labels"] = list(itertools.islice(self._labels, known_labels, None))
        if len(self._calls_in) > known_calls:
            head["calls_in"] = list(self._calls_in)
        if self.seq == 1:
            head["title"], head["seconds"] = self.title, self.seconds
        head["now"], head["ended"] = time.perf_counter_ns() - self._base, ended and self.complete
        return head

    @property
    def complete(self) -> bool:
        """Whether the browser has heard of every row."""
        return self._known >= len(self.run.rows)

    def _moment(self, stamp: int | None) -> float:
        return math.nan if stamp is None else stamp - (self._base or 0)

    def _thread(self, thread: Thread | None) -> int:
        return -1 if thread is None else self._threads.setdefault(thread, len(self._threads))

    def _rows(self, everything: bool, most: int) -> tuple[bytes, int, dict[int, str]]:
        rows = self.run.rows
        changed = self._changed(rows, everything)
        fresh = range(self._known, min(len(rows), self._known + most))
        which = [*changed, *fresh]
        if not which:
            return b"", 0, {}
        some = [rows[i] for i in which]
        # The outcome is read first: who sees it finds the rest filled in. The start before the worker, for that reason.
        outcomes = [row[OUTCOME] for row in some]
        started = [row[STARTED] for row in some]
        base, labels, thread = self._base or 0, self._labels, self._thread
        nan = math.nan
        for i, outcome, start in zip(which, outcomes, started, strict=True):
            if outcome is None:
                (self._queued if start is None else self._going)[i] = None
            if start is not None or outcome is not None:
                self._queued.pop(i, None)
            if outcome is not None:
                self._going.pop(i, None)
        ended = lambda column: [
            nan if outcome is None or row[column] is None else row[column]
            for row, outcome in zip(some, outcomes, strict=True)
        ]
        packed = pack(
            ("d", [row[SUBMITTED] - base for row in some]),
            ("d", [nan if start is None else start - base for start in started]),
            ("d", [finish - base for finish in ended(FINISHED)]),
            ("f", ended(CPU)),
            ("i", which),
            ("i", [labels.setdefault(row[LABEL], len(labels)) for row in some]),
            ("h", [-1 if start is None else thread(row[WORKER]) for row, start in zip(some, started, strict=True)]),
            ("h", [thread(row[SUBMITTER]) for row in some]),
            ("B", [OUTCOMES[out] + UNSEEN * unseen(row) for row, out in zip(some, outcomes, strict=True)]),
        )
        self._askers[0].update(dict.fromkeys(row[SUBMITTER] for row in some))
        workers = (row[WORKER] for row, start in zip(some, started, strict=True) if start is not None)
        self._workers.update(dict.fromkeys(workers))
        for i in fresh:
            self._index[id(rows[i])] = i
        if len(fresh):
            self._known, self._last = fresh[-1] + 1, rows[fresh[-1]]
        raised = [(i, row) for i, row in zip(which, some, strict=True) if len(row) > ERROR and row[OUTCOME]]
        return packed, len(which), {i: row[ERROR] for i, row in raised}

    def _changed(self, rows: list[list[Any]], everything: bool) -> list[int]:
        """Rows sent before that say more now. Of those in the queue, the first, and others in turn."""
        queued = list(self._queued)
        if not everything and len(queued) > 2 * LOOK:
            self._turn = (self._turn + LOOK) % len(queued)
            queued = list(dict.fromkeys(queued[:LOOK] + queued[self._turn : self._turn + LOOK]))
        ended = [i for i in self._going if rows[i][OUTCOME]]
        return ended + [i for i in queued if rows[i][STARTED] is not None or rows[i][OUTCOME]]

    def _blocked(self, many: int, everything: bool) -> tuple[bytes, int]:
        waits = self.run.waits
        which = [i for i in self._open_waits if waits[i][2] is not None]
        still = [i for i in self._open_waits if waits[i][2] is None]
        fresh = [i for i in range(self._waits, many) if waits[i][3] is None or id(waits[i][3]) in self._index]
        copies = [(i, list(waits[i])) for i in [*which, *fresh]]
        self._open_waits = [*still, *(i for i, wait in copies if wait[2] is None)]
        self._waits = many
        for _, wait in copies:
            self._askers[1].setdefault(wait[0])
        return pack(
            ("d", [self._moment(wait[1]) for _, wait in copies]),
            ("d", [self._moment(wait[2]) for _, wait in copies]),
            ("i", [i for i, _ in copies]),
            ("i", [-1 if wait[3] is None else self._index[id(wait[3])] for _, wait in copies]),
            ("h", [self._thread(wait[0]) for _, wait in copies]),
            ("h", [self._calls_in.setdefault(wait[4], len(self._calls_in)) for _, wait in copies]),
        ), len(copies)

    def _callbacks(self, many: int) -> tuple[bytes, int]:
        calls = [call for call in self.run.calls[self._calls : many] if id(call[3]) in self._index]
        self._calls = many
        for call in calls:
            self._askers[3].setdefault(call[0])
        return pack(
            ("d", [self._moment(call[1]) for call in calls]),
            ("d", [self._moment(call[2]) for call in calls]),
            ("i", [self._index[id(call[3])] for call in calls]),
            ("h", [self._thread(call[0]) for call in calls]),
            ("B", [OUTCOMES[call[4]] for call in calls]),
        ), len(calls)

    def _flags(self, many: int) -> list[Any]:
        marks = self.run.marks[self._marks : many]
        self._marks = many
        for mark in marks:
            self._askers[2].setdefault(mark.thread)
        return [[self._thread(mark.thread), self._moment(mark.time), mark.text] for mark in marks]

    def _order(self) -> list[Any]:
        """The lanes from top to bottom, as the still picture orders and names them; the browser adds the queue."""
        askers, workers = order(itertools.chain(*self._askers), self._workers)
        return [
            [kind, label, self._thread(thread)]
            for kind, lanes in (("asker", askers), ("worker", workers))
            for thread, label in lanes.items()
        ]


class GilFeed:
    """Turns a GIL trace into its one message."""

    complete = True

    def __init__(self, trace: GilTrace, title: str = "") -> None:
        self.trace, self.title = trace, title
        self.restart()

    def restart(self) -> None:
        self.epoch, self.seq = next(_epochs), 0

    def news(self, ended: bool, most: int = 0) -> dict[str, Any]:
        trace, self.seq = self.trace, self.seq + 1
        head: dict[str, Any] = {"kind": "gil", "epoch": self.epoch, "seq": self.seq, "ended": True}
        head |= {"now": trace.end - trace.start, "title": self.title, "gil": trace.gil}
        head["threads"] = [
            {"name": thread.name, "work": thread.work, "asleep": i in trace.asleep, "share": trace.shares[i]}
            for i, thread in enumerate(trace.threads)
        ]
        head["nobody"] = [[a - trace.start, b - trace.start] for a, b in trace.nobody]
        head["summary"] = f"{headline(trace)}  ·  {origin(trace)}"
        for name, spans in (("rows", trace.holds), ("waits", trace.waits), ("calls", trace.preempted)):
            head[f"{name}_n"] = len(spans)
            head[name] = pack(
                ("d", [span.start - trace.start for span in spans]),
                ("d", [span.end - trace.start for span in spans]),
                ("h", [span.thread for span in spans]),
            )
        return head
