"""What the check of an exercise is written with: `watch`, a `Gate` for tasks, input that is read `once`.

A check decides on what the code did: how many tasks stood in one place together, which thread ran what, in which
order. It never reads a clock.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from exercises.engine.oracle import Given, Inputs, shown, unlike
from helpers import tasks
from helpers._common import count
from helpers.recording import watcher as watching
from helpers.recording.data import Recording
from helpers.tasks import TICK, Clock

__all__ = [
    "TICK", "Clock", "Gate", "Given", "Hold", "Inputs", "Once", "count", "interleavings", "once", "shown",
    "unlike", "watch",
]  # fmt: skip

# What the check under way has made. One check runs at a time.
gates: list[Gate] = []
inputs: list[Once] = []
runs: list[Recording] = []
spared: set[threading.Thread] = set()  # threads that may outlive the check


def begin() -> None:
    """Forget what an earlier check made."""
    gates.clear()
    inputs.clear()
    runs.clear()
    spared.clear()


class Gate(tasks.Gate):
    """helpers' Gate, which here opens by itself: if for `patience` seconds nobody comes, and when the check ends."""

    def __init__(self, size: int | None = None, patience: float = 1.0) -> None:
        super().__init__(size, patience=patience)
        gates.append(self)


class Once:
    """Input that can be read once, as a generator or a file can. `taken` counts the items read so far."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)
        self.taken = 0
        self.again = False  # read from the start once more, after its end
        self._over = False
        inputs.append(self)

    def __iter__(self) -> Iterator[Any]:
        self.again = self.again or self._over
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._items)
        except StopIteration:
            self._over = True
            raise
        self.taken += 1
        return item


def once(items: Iterable[Any]) -> Once:
    """`items` as an iterator: a second `for` over it finds nothing. A failed check says that it was read again."""
    return Once(items)


class watch(watching.watch):
    """`helpers.watch`, of which the last recording is shown when the check fails."""

    def __enter__(self) -> Recording:
        run = super().__enter__()
        runs.append(run)
        return run


class Hold:
    """Holds a thread before the `line`-th line that it runs of the answer's file: what may come between two lines?

    `with hold:` around what the thread does, or `begin()` inside it, for an answer that calls the check. At that line
    `turn` is set, and the thread stands there until `over` is set, or for `patience` seconds, if the others wait for a
    lock that it has. `reached` says whether it came to that line. After its end `turn` is set in any case.
    """

    def __init__(self, answer: Any, line: int, patience: float) -> None:
        code = getattr(answer, "__code__", None) or getattr(type(answer).__call__, "__code__", None)
        self._file = code.co_filename if code else None
        self._left, self._patience = line, patience
        self.reached = self.in_vain = False
        self.turn, self.over = threading.Event(), threading.Event()

    def begin(self) -> None:
        sys.settrace(self._trace)
        frame = sys._getframe(1)
        while frame.f_back:  # the answer's own frames, which have begun already
            frame = frame.f_back
            if frame.f_code.co_filename == self._file:
                frame.f_trace = self._trace

    def end(self) -> None:
        sys.settrace(None)
        self.turn.set()

    def __enter__(self) -> Hold:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self._file:
            return None
        if event == "line" and not self.reached:
            self._left -= 1
            if not self._left:
                self.reached = True
                self.turn.set()
                self.in_vain = not self.over.wait(self._patience)
        return self._trace


def interleavings(answer: Any, most: int = 30, patience: float = 0.3) -> Iterator[Hold]:
    """A Hold before the 1st, 2nd … line of `answer`, until a line is not reached."""
    for line in range(1, most + 1):
        hold = Hold(answer, line, patience)
        yield hold
        if not hold.reached:
            return
        if hold.in_vain:  # a lock: the lines after this one are likely to have it too
            patience = max(patience / 2, 0.05)
