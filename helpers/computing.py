"""Computing by the amount: three kinds of it, and how much of each this computer does in a millisecond."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from helpers.checks import number

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


def spend(milliseconds: float, kind: Callable[[float], Any]) -> None:
    """Do as much of `kind` as costs `milliseconds`; TypeError or ValueError for another amount."""
    kind(units(kind, number("milliseconds", milliseconds, unit="milliseconds")))


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
