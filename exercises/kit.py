"""What the check of an exercise is written with: `watch`, a `Meeting` for tasks, and input that is read `once`.

A check decides on what the code did: how many tasks stood in one place together, which thread ran what, in which
order. It never reads a clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from helpers._common import count, number, shown, whole
from helpers.recording import watcher as watching
from helpers.recording.data import Recording

__all__ = ["Clock", "Meeting", "Once", "count", "once", "shown", "watch"]

TICK = 0.05

# What the check under way has made. One check runs at a time.
meetings: list[Meeting] = []
inputs: list[Once] = []
runs: list[Recording] = []
spared: set[threading.Thread] = set()  # threads that may outlive the check


def begin() -> None:
    """Forget what an earlier check made."""
    meetings.clear()
    inputs.clear()
    runs.clear()
    spared.clear()


class Clock:
    """Seconds that this process was awake for: a computer that stands still for a minute adds 0.1 s."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last = time.monotonic()

    def read(self) -> float:
        now = time.monotonic()
        self.seconds += min(now - self._last, 2 * TICK)
        self._last = now
        return self.seconds


class Meeting:
    """A place where tasks meet: `pool.submit(meeting.task, "a")` waits there, then returns "a".

    It opens when `size` tasks stand in it together, or at `open()`. If for `patience` seconds nobody comes, it opens
    too, and `gave_up` is True. Once open it stays so. `most` is the largest number that stood there together.
    """

    def __init__(self, size: int | None = None, patience: float = 1.0) -> None:
        self._size = None if size is None else whole("size", size, least=1)
        self._patience = number("patience", patience, least=TICK, most=5, unit="seconds")
        self._changed = threading.Condition()
        self._open = self.gave_up = False
        self._standing = self.arrived = self.most = 0
        meetings.append(self)

    @property
    def met(self) -> bool:
        """Whether `size` tasks have stood here together."""
        return self._size is not None and self.most >= self._size

    def task(self, value: Any = None) -> Any:
        """Stand here until the meeting opens, then return `value`."""
        with self._changed:
            self.arrived += 1
            if not self._open:
                self._standing += 1
                self.most = max(self.most, self._standing)
                self._open = self.met
                self._changed.notify_all()
                self._wait()
                self._standing -= 1
        return value

    def _wait(self) -> None:
        seen, clock = self.arrived, Clock()
        while not self._open:
            self._changed.wait(TICK)
            if seen != self.arrived:
                seen, clock = self.arrived, Clock()
            if clock.read() >= self._patience and not self._open:
                self._open = self.gave_up = True
                self._changed.notify_all()

    def open(self) -> None:
        """Let every task through, those that come later too."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def __enter__(self) -> Meeting:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()


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
