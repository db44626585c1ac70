"""Work for the experiments: waiting, computing in Python, computing in C, failing, and standing at a gate.

`io_task`, `python_task`, `hash_task` and `compress_task` return their `value`, or the amount asked for when
none is given, so that a result tells which task it came from. The `_piece` functions do some tens of
microseconds of the same kinds of work; `gil_trace` repeats them.
"""

from __future__ import annotations

import hashlib
import threading
import time
from types import TracebackType
from typing import Any, NoReturn

from helpers import computing
from helpers.checks import number, whole

_SMALL_BLOCK, _SMALL_TEXT = computing.BLOCK[: 88 << 10], computing.TEXT[:5600]


def io_task(seconds: float, value: Any = None) -> Any:
    """Wait for `seconds` as a task on a network or a disk would: asleep, without the GIL."""
    time.sleep(number("seconds", seconds, unit="seconds"))
    return seconds if value is None else value


def python_task(milliseconds: float, value: Any = None) -> Any:
    """Compute in Python bytecode for about `milliseconds` of CPU time, holding the GIL."""
    computing.spend(milliseconds, computing.count)
    return milliseconds if value is None else value


def hash_task(milliseconds: float, value: Any = None) -> Any:
    """Compute SHA-256 in C for about `milliseconds` of CPU time.

    hashlib lets the GIL go for more than 2,047 bytes at a time (Python docs, hashlib); these are 1 MiB.
    """
    computing.spend(milliseconds, computing.digest)
    return milliseconds if value is None else value


def compress_task(milliseconds: float, value: Any = None) -> Any:
    """Compress text with zlib, in C, for about `milliseconds` of CPU time; zlib lets the GIL go meanwhile."""
    computing.spend(milliseconds, computing.compress)
    return milliseconds if value is None else value


def fail_task(message: str = "this task fails") -> NoReturn:
    """Raise ValueError(`message`)."""
    raise ValueError(message)


def python_piece() -> None:
    """Tens of microseconds of Python bytecode."""
    computing.count(2200)


def hash_piece() -> None:
    """Tens of microseconds of SHA-256 in C, without the GIL."""
    hashlib.sha256(_SMALL_BLOCK)


def compress_piece() -> None:
    """Tens of microseconds of zlib in C, without the GIL."""
    computing.compressor().compress(_SMALL_TEXT)


def sleep_piece() -> None:
    """A sleep of about 0.1 ms, without the GIL: half of it asked for, half the system's own delay."""
    time.sleep(5e-5)


class Gate:
    """Holds tasks still, so that an experiment can look at them: `pool.submit(gate.task, "a")`.

    Leaving the `with` block opens the gate. A task that waits more than `limit` seconds raises TimeoutError.
    """

    def __init__(self, limit: float = 10.0) -> None:
        self._limit = number("limit", limit, least=0.001, most=600, unit="seconds")
        self._changed = threading.Condition()
        self._open = False
        self._arrived = 0
        self._standing = 0

    @property
    def arrived(self) -> int:
        """How many tasks have reached the gate so far."""
        return self._arrived

    def task(self, value: Any = None) -> Any:
        """Stand at the gate until it opens, then return `value`."""
        with self._changed:
            self._arrived += 1
            self._standing += 1
            self._changed.notify_all()
            opened = self._changed.wait_for(lambda: self._open, self._limit)
            self._standing -= 1
        if not opened:
            raise TimeoutError(f"nobody opened the gate within {self._limit:g} s")
        return value

    def wait_for(self, tasks: int, timeout: float | None = None) -> None:
        """Return once `tasks` tasks stand at the gate; TimeoutError after `timeout` seconds (or `limit`)."""
        tasks = whole("tasks", tasks, least=0)
        limit = self._limit if timeout is None else number("timeout", timeout, unit="seconds")
        with self._changed:
            if not self._changed.wait_for(lambda: self._standing >= tasks, limit):
                raise TimeoutError(
                    f"{self._standing} of {tasks} tasks stood at the gate after {limit:g} s"
                    f" ({self._arrived} had arrived, the gate is {'open' if self._open else 'closed'})"
                )

    def open(self) -> None:
        """Let every task through, those that come later too."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
