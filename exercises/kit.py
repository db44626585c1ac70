"""What the check of an exercise is written with: `watch`, a `Gate` for tasks, input that is read `once`.

A check decides on what the code did: how many tasks stood in one place together, which thread ran what, in which
order. It never reads a clock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from exercises.engine.alike import unlike
from exercises.engine.check import Check
from exercises.engine.inputs import Inputs
from exercises.engine.interference import Addend, Hold, LoopClock, added, hurried, interleavings
from exercises.engine.oracle import Given
from exercises.engine.rest import Gate, Signal, settled, until
from helpers._common import count, shown
from helpers.recording import watcher as watching
from helpers.recording.data import Recording
from helpers.recording.registry import registry
from helpers.tasks import TICK, Clock

__all__ = [
    "TICK", "Addend", "Clock", "Gate", "Given", "Hold", "Inputs", "LoopClock", "Once", "Signal", "Standing", "Window",
    "added", "count", "hurried", "interleavings", "once", "settled", "shown", "submitted", "unlike", "until", "watch",
]  # fmt: skip


class Once:
    """Input that can be read once, as a generator or a file can. `taken` counts the items read so far."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)
        self.taken = 0
        self.again = False  # read from the start once more, after its end
        self._over = False
        Check.now.inputs.append(self)

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
        Check.now.runs.append(run)
        return run


_WAITING = ("threading", "queue", "concurrent.futures", "helpers.recording", "exercises.engine")


class Standing:
    """`with Standing() as stood:` notes in `stood.calls` which calls let the thread `stood.thread` stand still.

    They are time.sleep and what waits at a Condition: Future.result, wait, Event.wait, Queue.get. A lock is none, and
    neither is a join: leaving a pool whose work is done takes no time.
    """

    def __init__(self) -> None:
        self.thread: int | None = None
        self.calls: list[str] = []
        self._sleep, self._wait = time.sleep, threading.Condition.wait

    def __enter__(self) -> Standing:
        self._sleep, self._wait = bare_sleep, bare_wait = time.sleep, threading.Condition.wait

        def sleep(seconds: float) -> None:
            self._note(seconds, "time.sleep")
            bare_sleep(seconds)

        def wait(condition: threading.Condition, timeout: float | None = None) -> bool:
            self._note(timeout, "wait")
            return bare_wait(condition, timeout)

        time.sleep, threading.Condition.wait = sleep, wait  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep, threading.Condition.wait = self._sleep, self._wait  # type: ignore[method-assign]

    def _note(self, seconds: float | None, name: str) -> None:
        if threading.get_ident() != self.thread or seconds == 0:
            return
        frame: FrameType | None = sys._getframe(2)
        while frame and (module := frame.f_globals.get("__name__", "")).startswith(_WAITING):
            if not module.startswith(("helpers", "exercises")):
                name = frame.f_code.co_name
            if name == "start":  # a thread that begins says so at once
                return
            frame = frame.f_back
        self.calls.append(name)


def submitted(run: Recording) -> int:
    """How many tasks of a recording an executor has: not those that its class, an answer's own, still holds back."""
    return len(run.tasks) - registry.at_the_door(run)


class Window:
    """`tasks` tasks, twice `size` or more, that show whether exactly `size` workers run them, and the same to the end.

    `window.task(n, value)` is the n-th from 0, called once. The first to come stands still until all others have ended:
    whoever waits for a batch waits in vain. `returned()` tells that the answer is back; `findings()` what was seen.
    """

    def __init__(self, size: int, tasks: int, patience: float = 1.0) -> None:
        self.size, self.tasks = size, tasks
        self.first, self.later = Gate(size + 1, patience), Gate(size, patience)  # each opens for one too many
        self.slow = Gate(patience=min(5, 3 * patience))
        self.last = Gate(patience=2 * TICK)  # the answer returns while the last task stands here, or waits for it
        self.called: list[int] = []
        self.ended = self.ended_early = self.beside = 0
        self.threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def task(self, n: int, value: Any = None) -> Any:
        with self._lock:
            self.called.append(n)
            self.threads.add(threading.current_thread())
            slow = len(self.called) == 1 < self.size
        self.first.task()
        if slow:
            self.slow.task()
            self.beside = self.ended
            if not self.slow.gave_up:
                self.last.task()
        elif self.first.arrived > self.size:
            self.later.task()
        with self._lock:
            self.ended += 1
            if self.ended == self.tasks - 1:
                self.slow.open()
        return value

    def returned(self) -> None:
        self.ended_early = self.ended
        self.slow.open()
        self.last.open()

    def findings(self, things: str = "task") -> Iterator[tuple[bool, str]]:
        """Pairs for the check, up to the first that is False."""
        on = f"Of {count(self.tasks, things)} on {count(self.size, 'worker')}"
        together = min(self.size, self.tasks)
        others = self.tasks - 1
        again = "" if self.slow.gave_up else f", at most {self.later.most} at the same time"
        once = sorted(self.called) == list(range(self.tasks))
        twice = f"{count(len(self.called), 'call')} of {count(len(set(self.called)), 'different ' + things)}"
        full = self.size == 1 or (not self.slow.gave_up and self.later.most == self.size - 1)
        early = self.tasks - self.ended_early
        they = "it" if self.first.most == 1 else "they"
        alone = f"; no other came while {they} stood still" if self.first.most < together else ""
        yield self.first.most == together, f"{on}, {count(self.first.most, things)} stood in flight together{alone}."
        if self.first.most != together:
            return
        if not once:
            yield False, f"{on}, each was to run once; there were {twice}."
            return
        if self.size > 1:
            yield full, f"While the first took long, {self.beside} of the {others} others ran{again}."
        if full and len(self.threads) > self.size:
            yield False, f"They ran in {len(self.threads)} threads; {count(self.size, 'worker')} are enough for all."
        elif full and early:
            yield False, f"It returned while {count(early, things)} had not ended."
