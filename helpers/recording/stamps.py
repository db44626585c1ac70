"""Stamps around each task: what `watch` hands to an executor in place of the learner's function."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from helpers._common import name_of
from helpers.recording.data import CPU, FINISHED, OUTCOME, STARTED, WORKER, Recording, Thread
from helpers.recording.remote import Home, adopt, ended_without_run, run_away

now, cpu_time = time.perf_counter_ns, time.thread_time_ns
# Asking for a thread's CPU time is a system call of 0.2 to 1 µs, as dear as all other stamps of a task together.
# So it is asked at most once in this many ns, and a task shorter than that gets none.
CPU_GRAIN = 100_000

# Whether a Future was ever cancelled or failed that had no row: its submit may not have returned yet. To ask each one
# whether it is done would cost as much as to stamp its task.
some_ended_early = False


class _Here(threading.local):
    """Each thread's own [Thread, when its CPU time was last read, what it was then]."""

    def __init__(self) -> None:
        self.me: list[Any] = [Thread(threading.current_thread().name, threading.get_native_id()), 0, 0]


_here = _Here()


def ended_early() -> None:
    """Have each submit look, from now on, whether its Future has ended before it got its row."""
    global some_ended_early
    some_ended_early = True


def this_thread() -> Thread:
    """The calling thread, as recordings name it."""
    return _here.me[0]


def run_stamped(row: list[Any], fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `fn` and fill in `row`; the value, or the exception and its traceback, are as without it."""
    me = _here.me
    row[WORKER] = me[0]
    row[STARTED] = start = now()
    if start - me[1] > CPU_GRAIN:
        me[2] = cpu_time()
        me[1] = start
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:
        _end(row, start, now(), "raised", me)
        without_this_frame(error)
        raise
    end = now()
    if end - start > CPU_GRAIN:
        _end(row, start, end, "returned", me)
    else:
        row[FINISHED] = end
        row[OUTCOME] = "returned"
    return value


def _end(row: list[Any], start: int, end: int, outcome: str, me: list[Any]) -> None:
    if end - start > CPU_GRAIN:
        cpu = cpu_time()
        row[CPU] = min(cpu - me[2], end - start)
        me[1], me[2] = end, cpu
    row[FINISHED] = end
    row[OUTCOME] = outcome  # last: whoever sees it finds the rest filled in


def without_this_frame(error: BaseException) -> None:
    """Take the frame that caught `error` off its traceback; a bare `raise` after it does not add it again."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def stamping(submit: Callable[..., Any], run: Recording, near: bool, label: Any = None) -> Callable[..., Any]:
    """A `submit` that does what `submit` does and keeps a row a task in `run`.

    `near` says that the workers are threads of this interpreter, so that they can fill in the row themselves.
    """
    keep = run.rows.append

    def stamped_submit(fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        wrapped = fn is run_stamped or fn is run_away
        if wrapped:  # by another watch: share its row
            row = args[0] if fn is run_stamped else args[0].row
            if any(other is row for other in run.rows[-50:]):  # a subclass's submit that calls its parent's
                return submit(fn, *args, **kwargs)
        else:
            if label is not None:
                name = str(label(fn, *args, **kwargs))
            else:
                try:
                    name = fn.__name__
                except AttributeError:
                    name = name_of(fn)
            row = [name, now(), _here.me[0], None, None, None, None, None]
        keep(row)
        try:
            if wrapped:
                future: Any = submit(fn, *args, **kwargs)
            elif near:
                future = submit(run_stamped, row, fn, *args, **kwargs)
            else:
                future = submit(run_away, Home(run_stamped, row), fn, *args, **kwargs)
        except BaseException as error:
            run.rows[:] = [other for other in run.rows if other is not row]  # a refused submit made no task
            without_this_frame(error)
            raise
        if near or type(future) is not Future:
            try:  # noqa: SIM105 - suppress() would cost a tenth of all that watching costs
                future.watched = row
            except AttributeError:  # a submit of the learner's own may return anything, None too
                pass
            if some_ended_early and isinstance(future, Future):
                ended_without_run(future, row)
        elif not wrapped:
            adopt(future, row)
        return future

    return stamped_submit
