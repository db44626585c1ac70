"""When everything rests: each thread waits for another one, without a limit, so that what is awaited can't come.

A check often waits to see that nothing more comes: a fourth worker, a second call. Where that is proven already, its
time is not waited for but passed over, and a deadlock is told at once. Where the system says nothing of its threads, or
one of them computes, sleeps, reads, or waits with a timeout, all waits last as long as they are meant to.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from exercises.engine.check import Check
from exercises.engine.learner_code import read_now
from helpers import tasks
from helpers.tasks import TICK, Clock

# Linux's /proc/…/syscall: the call's number, then its arguments. man futex: which say how it waits, and how long.
FUTEX = {"x86_64": b"202", "aarch64": b"98"}.get(platform.machine(), b"none")
WAITS, PRIVATE, COMMAND = (0, 9), 0x80, 0x7F  # a private one is woken by threads of its own process alone


class Wait:
    """A wait of a check for something that comes at any moment or never: `with Wait(2) as wait: while not wait.over()`.

    It is over after so many seconds that this process was awake for. Where everything rests they are passed over: the
    wait that would be over first is over now, and the others are as much nearer to their end.
    """

    def __init__(self, seconds: float) -> None:
        self.check, self.clock = Check.now, Clock()
        self._until = self.check.skipped + seconds

    def left(self) -> float:
        return self._until - self.check.skipped - self.clock.seconds

    def over(self) -> bool:
        self.clock.read()
        return self.left() <= 0

    def __enter__(self) -> Wait:
        self.check.waits[threading.get_native_id()] = self
        return self

    def __exit__(self, *_: object) -> None:
        del self.check.waits[threading.get_native_id()]


class Signal(threading.Event):
    """An Event whose timeout counts the seconds that this process was awake for: a busy computer gets more time."""

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            return super().wait()
        with Wait(timeout) as wait:
            while not super().wait(TICK):
                if wait.over():
                    return self.is_set()
        return True


class Look:
    """Looks at this process's threads again and again; the one that looks is left out."""

    def __init__(self) -> None:
        self._before: object = None
        self.waits: dict[int, Wait] = {}  # of the check, by thread, as they were at the last look

    def rests(self, check: Check) -> bool:
        """Whether everything rests: at two looks on end each thread was seen asleep, and none woke up meanwhile."""
        self.waits = check.waits.copy()
        before, self._before = self._before, _asleep(self.waits)
        return before is not None and before == self._before


def pass_over(check: Check, seen: dict[int, Wait]) -> bool:
    """Pass over the time up to the end of the first of the waits that were `seen` at rest; False if there was none.

    If one of them is over since that look, things go on, and nothing is passed over.
    """
    if seen and check.waits == seen:
        check.skipped += max(0.0, min(wait.left() for wait in seen.values()))
    return bool(seen)


def _asleep(waits: dict[int, Wait]) -> object:
    """How each thread sleeps; None if one can go on by itself. A wait of the check is asleep, and may look up."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        me, found = threading.get_native_id(), []
        for thread in map(int, os.listdir("/proc/self/task")):
            if thread == me:
                continue
            call = read_now(f"/proc/self/task/{thread}/syscall").split()
            if call[0] == b"running" or (thread not in waits and not _waits_for_a_thread(call)):
                return None
            wakes = read_now(f"/proc/self/task/{thread}/status").partition(b"\nvoluntary_ctxt_switches:")[2]
            found.append((thread, waits.get(thread) or (call, wakes)))
        return sorted(found, key=lambda item: item[0])
    except OSError:  # there is no such file, or that thread has ended
        return None


def _waits_for_a_thread(call: list[bytes]) -> bool:
    if call[0] != FUTEX or len(call) < 5:
        return False
    operation, timeout = int(call[2], 16), int(call[4], 16)
    return operation & COMMAND in WAITS and bool(operation & PRIVATE) and timeout == 0


class Gate(tasks.Gate):
    """helpers' Gate, which here opens by itself: if for `patience` seconds nobody comes, and when the check ends."""

    def __init__(self, size: int | None = None, patience: float = 1.0) -> None:
        super().__init__(size, patience=patience)
        Check.now.gates.append(self)

    @contextmanager
    def _waiting(self, seconds: float) -> Iterator[Callable[[], bool]]:
        with Wait(seconds) as wait:
            yield wait.over


def until(true: Callable[[], Any], seconds: float = 2.0) -> bool:
    """Wait until `true()`, or for so many seconds that this process was awake for; what it says at last."""
    with Wait(seconds) as wait:
        while not true() and not wait.over():
            time.sleep(0.005)
    return bool(true())


def settled(number: Callable[[], Any], enough: Callable[[Any], Any], seconds: float) -> Any:
    """Wait until `enough(number())`, or until that has been the same for so many seconds; return it."""
    while True:
        seen = number()
        if enough(seen) or not until(lambda seen=seen: number() != seen, seconds):  # type: ignore[misc]
            return seen
