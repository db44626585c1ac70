"""Work for the experiments: waiting, computing in Python, computing in C, failing, and standing at a gate.

`io_task`, `python_task`, `hash_task` and `compress_task` return their `value`, or the amount asked for when
none is given, so that a result tells which task it came from. The `_piece` functions do some tens of
microseconds of the same kinds of work; `gil_trace` repeats them.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn

from helpers._common import number, whole

BLOCK = bytes(1 << 20)
TEXT = random.Random(7).randbytes(1 << 16).translate(bytes(b"etaoin shrdluETA"[i % 16] for i in range(256)))
_calibrating = threading.Lock()


def count(units: float) -> int:
    """XOR `units` numbers, in Python bytecode."""
    total = 0
    for i in range(int(units)):
        total ^= i
    return total


def digest(units: float) -> None:
    """SHA-256 over `units` bytes, a block at a time."""
    sha, view = hashlib.sha256(), memoryview(BLOCK)
    for start in range(0, int(units), len(view)):
        sha.update(view[: max(2048, min(len(view), int(units) - start))])


def compressor() -> Any:
    """A small compressor: the usual one's 256 KiB are mapped afresh by the system at every call."""
    return zlib.compressobj(6, zlib.DEFLATED, -12, 4)


def compress(units: float) -> None:
    """zlib over `units` bytes, a block at a time."""
    squeeze, view = compressor(), memoryview(TEXT)
    for start in range(0, int(units), len(view)):
        squeeze.compress(view[: min(len(view), int(units) - start)])
    squeeze.flush()


def units(kind: Callable[[float], Any], milliseconds: float) -> float:
    """How much of `kind` costs `milliseconds` of CPU time on this computer."""
    with _calibrating:
        return _per_millisecond(kind) * milliseconds


def spend(milliseconds: float, kind: Callable[[float], Any], value: Any) -> Any:
    """Do as much of `kind` as costs `milliseconds`, then return `value`; TypeError or ValueError for another amount."""
    kind(units(kind, number("milliseconds", milliseconds, unit="milliseconds")))
    return milliseconds if value is None else value


@cache
def _per_millisecond(kind: Callable[[float], Any]) -> float:
    """Units of `kind` in one millisecond of this thread's CPU time, not of wall time; measured once."""
    units, cost = 1000.0, 0.0
    while cost < 2.0:
        units *= 2
        cost = _milliseconds(kind, units)
    return units / min(cost, *(_milliseconds(kind, units) for _ in range(4)))


def _milliseconds(kind: Callable[[float], Any], units: float) -> float:
    start = time.thread_time_ns()
    kind(units)
    return (time.thread_time_ns() - start) / 1e6


def small_block() -> bytes:
    """As many bytes as SHA-256 does in tens of microseconds: a processor without instructions for it is eight times
    slower. The least of many short runs counts, since one alone must go undisturbed.
    """
    some, clock = BLOCK[: 8 << 10], time.perf_counter
    costs = []
    for _ in range(40):
        start = clock()
        hashlib.sha256(some)
        costs.append(clock() - start)
    return BLOCK[: max(4 << 10, min(88 << 10, int(len(some) * 8e-5 / max(min(costs), 1e-9))))]


_SMALL_BLOCK, _SMALL_TEXT = small_block(), TEXT[:5600]


def io_task(seconds: float, value: Any = None) -> Any:
    """Wait for `seconds` as a task on a network or a disk would: asleep, without the GIL."""
    time.sleep(number("seconds", seconds, unit="seconds"))
    return seconds if value is None else value


def python_task(milliseconds: float, value: Any = None) -> Any:
    """Compute in Python bytecode for about `milliseconds` of CPU time, holding the GIL."""
    return spend(milliseconds, count, value)


def hash_task(milliseconds: float, value: Any = None) -> Any:
    """Compute SHA-256 in C for about `milliseconds` of CPU time.

    hashlib lets the GIL go for more than 2,047 bytes at a time (Python docs, hashlib); these are 1 MiB.
    """
    return spend(milliseconds, digest, value)


def compress_task(milliseconds: float, value: Any = None) -> Any:
    """Compress text with zlib, in C, for about `milliseconds` of CPU time; zlib lets the GIL go meanwhile."""
    return spend(milliseconds, compress, value)


def fail_task(message: str = "this task fails") -> NoReturn:
    """Raise ValueError(`message`)."""
    raise ValueError(message)


def python_piece() -> None:
    """Tens of microseconds of Python bytecode."""
    count(2200)


def hash_piece() -> None:
    """Tens of microseconds of SHA-256 in C, without the GIL."""
    hashlib.sha256(_SMALL_BLOCK)


def compress_piece() -> None:
    """Tens of microseconds of zlib in C, without the GIL."""
    compressor().compress(_SMALL_TEXT)


def sleep_piece() -> None:
    """A sleep of about 0.1 ms, without the GIL: half of it asked for, half the system's own delay."""
    time.sleep(5e-5)


TICK = 0.05  # seconds between two looks at a clock


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


class Gate:
    """Holds tasks still, so that an experiment can look at them: `pool.submit(gate.task, "a")`.

    It opens when `size` tasks stand at it together, at `open()`, and at the end of its `with` block, and stays open. A
    task that waits more than `limit` seconds raises TimeoutError; not so with `patience`: if nobody comes for so many
    seconds, the gate opens, and `gave_up` is True. `arrived` counts those who came, `most` those who stood together.
    """

    def __init__(self, size: int | None = None, *, limit: float = 10.0, patience: float | None = None) -> None:
        self._size = None if size is None else whole("size", size, least=1)
        self._limit = number("limit", limit, least=0.001, most=600, unit="seconds")
        self._patience = patience if patience is None else number("patience", patience, TICK, 5, "seconds")
        self._changed = threading.Condition()
        self._open = self.gave_up = False
        self._standing = self.arrived = self.most = 0

    @property
    def met(self) -> bool:
        """Whether `size` tasks have stood here together."""
        return self._size is not None and self.most >= self._size

    def task(self, value: Any = None) -> Any:
        """Stand at the gate until it opens, then return `value`."""
        with self._changed:
            self.arrived += 1
            if not self._open:
                self._standing += 1
                self.most = max(self.most, self._standing)
                self._open = self.met
                self._changed.notify_all()
                try:
                    self._stand()
                finally:
                    self._standing -= 1
        return value

    def _stand(self) -> None:
        if self._patience is None:
            if not self._changed.wait_for(lambda: self._open, self._limit):
                raise TimeoutError(f"nobody opened the gate within {self._limit:g} s")
            return
        while not self._open:
            seen = self.arrived
            with self._waiting(self._patience) as over:
                while not self._open and seen == self.arrived:
                    self._changed.wait(TICK)
                    if over() and seen == self.arrived and not self._open:
                        self._open = self.gave_up = True
                        self._changed.notify_all()

    @contextmanager
    def _waiting(self, seconds: float) -> Iterator[Callable[[], bool]]:
        """A wait for one more task: whether it has lasted for so many seconds."""
        clock = Clock()
        yield lambda: clock.read() >= seconds

    def wait_for(self, tasks: int, timeout: float | None = None) -> None:
        """Return once `tasks` tasks stand at the gate; TimeoutError after `timeout` seconds (or `limit`)."""
        tasks = whole("tasks", tasks, least=0)
        limit = self._limit if timeout is None else number("timeout", timeout, unit="seconds")
        with self._changed:
            if not self._changed.wait_for(lambda: self._standing >= tasks, limit):
                raise TimeoutError(
                    f"{self._standing} of {tasks} tasks stood at the gate after {limit:g} s"
                    f" ({self.arrived} had arrived, the gate is {'open' if self._open else 'closed'})"
                )

    def open(self) -> None:
        """Let every task through, those that come later too."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
