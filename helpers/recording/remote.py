"""Tasks that run in another process, interpreter or machine: their stamps travel home with the result."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from helpers.recording.data import CPU, FINISHED, OUTCOME, STARTED, WORKER, Thread

# Clocks of two processes count from the same moment on one machine. Further apart than this, they do not.
SAME_CLOCK = 50_000_000

# The bare methods: those that stand in for them while a watch is open would record what is done here.
_add_done_callback, _exception, _result = Future.add_done_callback, Future.exception, Future.result


def ended_without_run(future: Any, row: list[Any]) -> None:
    """Say in `row` how a Future ended whose task never ran: cancelled, or failed by a pool that broke."""
    if row[OUTCOME] is None and future.done() and row[OUTCOME] is None:  # asked again: a task says it before it is done
        outcome = "cancelled" if future.cancelled() else "raised" if _exception(future) else None
        if outcome is not None:
            row[FINISHED], row[OUTCOME] = time.perf_counter_ns(), outcome


def _clock() -> int:
    """What to add to perf_counter_ns for the time of day, ns: tells whether two clocks count from one moment."""
    return time.time_ns() - time.perf_counter_ns()


class Home:
    """Where the stamps of a task belong: its row, or nothing once it was pickled. Goes with the task as an argument."""

    __slots__ = ("row", "run")

    def __init__(self, run: Callable[..., Any] | None = None, row: list[Any] | None = None) -> None:
        self.run, self.row = run, row

    def __reduce__(self) -> tuple[Any, ...]:
        return Home, ()


class Stamps:
    """What a far worker says of one task."""

    def __init__(self, start: int, end: int, cpu: int) -> None:
        self.start, self.end, self.cpu = start, end, cpu
        self.clock, self.pid, self.native_id = _clock(), os.getpid(), threading.get_native_id()
        self.process, self.thread = multiprocessing.current_process().name, threading.current_thread().name

    def fill(self, row: list[Any], outcome: str) -> None:
        """Write the stamps into `row`, on this process's clock."""
        shift = self.clock - _clock()
        shift = shift if abs(shift) > SAME_CLOCK else 0
        row[WORKER] = self._worker()
        row[STARTED], row[FINISHED], row[CPU] = self.start + shift, self.end + shift, self.cpu
        row[OUTCOME] = outcome

    def _worker(self) -> Thread:
        if self.pid == os.getpid():  # an interpreter in a thread of this process, which has the better name
            names = {t.native_id: t.name for t in threading.enumerate()}
            return Thread(names.get(self.native_id, self.thread), self.native_id)
        name = self.process if self.process != "MainProcess" else self.thread
        return Thread(name, self.native_id)


def run_away(home: Home, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `fn`; far from home its stamps go there with the value, or on the exception.

    `fn` stays an argument and the value an item of a tuple, so that the executor sends each in the way that it has for
    it: interpreters take some objects that pickle refuses.
    """
    if home.run is not None:
        return home.run(home.row, fn, *args, **kwargs)
    cpu, start = time.thread_time_ns(), time.perf_counter_ns()
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:
        end = time.perf_counter_ns()
        if hasattr(error, "__dict__"):  # pickle carries an exception's attributes
            error.__dict__["watched_stamps"] = Stamps(start, end, time.thread_time_ns() - cpu)
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        raise
    end = time.perf_counter_ns()
    return Stamps(start, end, time.thread_time_ns() - cpu), value


class AwayFuture(Future):  # type: ignore[type-arg]
    """The executor's own Future, that unpacks stamps when a far result arrives. It says that it is a Future."""

    watched: list[Any]

    def set_result(self, result: Any) -> None:
        Future.set_result(self, self._unpack(result))

    def set_exception(self, exception: BaseException | None) -> None:
        if exception is not None:
            self._unpack_error(exception)
        Future.set_exception(self, exception)

    def result(self, timeout: float | None = None) -> Any:
        return self._unpack(Future.result(self, timeout))

    def _unpack(self, result: Any) -> Any:
        if type(result) is not tuple or len(result) != 2 or type(result[0]) is not Stamps:
            return result
        stamps, value = result
        if self.watched[OUTCOME] is None:
            stamps.fill(self.watched, "returned")
        return value

    def _unpack_error(self, error: BaseException) -> None:
        stamps = getattr(error, "__dict__", {}).pop("watched_stamps", None)
        if stamps is not None:
            stamps.fill(self.watched, "raised")


AwayFuture.__name__ = AwayFuture.__qualname__ = "Future"
AwayFuture.__module__ = Future.__module__


def adopt(future: Any, row: list[Any]) -> None:
    """Make an AwayFuture of a Future that its executor has just returned. Its result may come at any moment meanwhile,
    from another thread: in the class there must be a row, and what a bare method was storing is unpacked by a callback.
    """
    future.watched = row
    future.__class__ = AwayFuture
    _add_done_callback(future, _arrived)


def _arrived(future: Any) -> None:
    error = None if future.cancelled() else _exception(future)
    if error is not None:
        future._unpack_error(error)
    elif not future.cancelled():
        future._unpack(_result(future))
    ended_without_run(future, future.watched)
