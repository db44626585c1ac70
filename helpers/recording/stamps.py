"""How a row of a recording is filled in: stamps taken where the worker itself calls its Future.

A worker thread says through public methods of `concurrent.futures.Future` when it starts a task
(`set_running_or_notify_cancel`) and when the task has ended (`set_result`, `set_exception`). They are watched, so the
function and its arguments go to the executor untouched. The row of a task is the attribute `_watch_row` of its Future's
Condition: a Future's own attributes may be compared or sent away, its Condition, which has a lock, never is.

A worker may be quicker than the `submit` that makes the row. It then keeps an early row, in another attribute, and
whoever comes second ties both: `submit` sets `_watch_row` and then looks for an early row, the worker makes that and
then looks for `_watch_row`, so one of them sees the other. Neither attribute is set through `__dict__` where speed
counts: CPython keeps the attributes of an object whose dictionary nobody asked for where they are found faster.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any

from helpers._common import attribute
from helpers.recording.data import (
    AGAIN,
    CPU,
    ERROR,
    FINISHED,
    GONE,
    LOST,
    NOTE,
    OUTCOME,
    STARTED,
    UNSEEN,
    WORKER,
    Thread,
    note_error,
    put_error,
)
from helpers.recording.disguise import uncounted, without_this_frame

now, cpu_time = time.perf_counter_ns, time.thread_time_ns
# As they are without us, and without what a class of Futures makes of them: those may do something when they are asked.
done, cancelled, exception = Future.done, Future.cancelled, Future.exception
# Asking for a thread's CPU time is a system call of 0.2 to 1 µs, as dear as all other stamps of a task together.
# So it is asked at most once in this many ns, and a task shorter than that gets none.
CPU_GRAIN = 100_000

NAMES = "_watch_row", "_watch_early"  # of a Future's Condition: its row, and one made before its submit returned


class Here(threading.local):
    """What each thread keeps for itself: [Thread, when its CPU time was last read, what it was then, submits], and the
    submits, runs and the wait that it is in the middle of. To ask for one is dear: the submits are also in the first.
    """

    def __init__(self) -> None:
        me = threading.get_ident()  # current_thread() would make a Thread where there is none
        thread = next((thread for thread in threading.enumerate() if thread.ident == me), None)
        name, self.submits = str(attribute(thread, "name", f"Thread {me}")), list[Any]()
        self.me: list[Any] = [Thread(name, threading.get_native_id()), 0, 0, self.submits]
        self.running: list[Row] = []
        self.waiting = self.in_dask = False
        self.mapping: tuple[Any, ...] = ()
        known[self.me[0].native_id] = self.me


known: dict[int, list[Any]] = {}  # `me` of each thread, by native id
here = Here()


def forget_threads() -> None:
    """Have each thread look up its name and number again: it may have been renamed, or be a fork's."""
    global here
    known.clear()
    here = Here()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_threads)


class Row(list[Any]):
    """A row whose stamps do not all come from a pool of threads: a task of another executor, process or machine, or
    one of which the worker heard before `submit` had returned. `link` is the row that it turned out to be.
    """

    __slots__ = ("ended_by", "eye", "forget", "home", "link", "outermost")

    def __init__(self, label: Any = None, submitted: int | None = None, submitter: Thread | None = None) -> None:
        super().__init__([label, submitted, submitter, None, None, None, None, None, None])
        self.link: list[Any] | None = None
        self.home: Callable[[], tuple[Any, ...] | None] | None = None  # asks for the stamps of a far worker
        self.forget: Callable[[], None] | None = None  # called when the task has ended
        self.ended_by: Thread | None = None
        self.outermost = 0  # id of the Future that the program has got, once it has
        self.eye: Any = None  # a weak reference to a Future of the task

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def keep_an_eye_on(self, future: Any) -> None:
        """Once `future` is gone nobody can end it, and its task is not waited for."""
        self.eye = weakref.ref(future, self._is_gone)

    def _is_gone(self, _: Any) -> None:
        if self[STARTED] is None and self[OUTCOME] is None and self[NOTE] is None:
            self[NOTE] = GONE
            if self.forget is not None:
                self.forget()

    def begin(self, frame: FrameType) -> None:
        """A Future of the task is about to run. `frame` is who says so: only one that also stores results runs tasks
        itself; that of a pool of processes, for one, hands them on.
        """
        if self.home is None and self[STARTED] is None and self[OUTCOME] is None and _runs_tasks(frame.f_code):
            me, self[STARTED] = here.me, now()
            self[WORKER] = me[0]
            me[1], me[2] = self[STARTED], cpu_time()
            _unfinished().append(self)
            self.pass_on()

    def end(self, outcome: str, end: int, error: Any = None, future: Any = None) -> None:
        """A Future of the task has been given a result or an error, or was cancelled; a pool that broke ran nothing."""
        if self[OUTCOME] is not None:
            if future is not None and id(future) == self.outermost:
                self._end_again(outcome, error)
            return
        if error is not None:
            note_error(self, error)
        self.ended_by, far = here.me[0], self.home and self.home()
        if far is not None:
            self[WORKER], self[STARTED], finished, self[CPU], said = far
            self[FINISHED] = end if finished is None else finished
            if said == "returned" and outcome == "raised":
                self[NOTE] = LOST
        else:
            if self[STARTED] is not None:
                self._leave(end)
            if (
                self[STARTED] is None
                and self[NOTE] is None
                and not isinstance(error, BrokenExecutor)
                and outcome != "cancelled"
                and not (outcome == "raised" and self.home)
            ):
                self[NOTE] = UNSEEN
            self[FINISHED] = end
        self[OUTCOME] = outcome  # last: whoever sees it finds the rest filled in
        self.pass_on()
        if self.forget is not None:
            self.forget()

    def _end_again(self, outcome: str, error: Any) -> None:
        """The Future that the program has got ends after the one of the run; perhaps otherwise, which then counts."""
        other = Row()
        if error is not None:
            note_error(other, error)
        if (outcome, other[ERROR:]) != (self[OUTCOME], self[ERROR:]):
            self[NOTE:] = [AGAIN, *other[ERROR:]]
            self[OUTCOME] = outcome

    def _leave(self, end: int) -> None:
        """Keep start and worker only if the thread that began the task ends it, and nothing else in between."""
        running, me = _unfinished(), here.me
        if running and running[-1].is_one_with(self):
            running.pop()
            if end - self[STARTED] > CPU_GRAIN and me[1] <= self[STARTED]:
                self[CPU] = max(0, min(cpu_time() - me[2], end - self[STARTED]))
            return
        mine = next((i for i, row in enumerate(running) if row.is_one_with(self)), None)
        for row in [self] if mine is None else running[mine:]:
            for one in (row, row.last()):
                one[WORKER] = one[STARTED] = None

    def meet(self, row: list[Any]) -> None:
        """This row turned out to be `row`, which may be found out twice, and at the same time."""
        self.link = row
        self.pass_on()

    def is_one_with(self, other: Row) -> bool:
        """Whether both are the same task: submit may tie one of them to its row at any moment of the run."""
        return self is other or self.last() is other.last()

    def last(self) -> list[Any]:
        """The row that this one turned out to be in the end."""
        row: list[Any] = self
        while type(row) is Row and row.link is not None:
            row = row.link
        return row

    def pass_on(self) -> None:
        """Give the row that this one turned out to be what it does not know yet."""
        row = self.link
        if row is not None and row[OUTCOME] is None:
            if len(self) > ERROR and len(row) <= ERROR:
                put_error(row, self[ERROR])
            if isinstance(row, Row) and row.home is not None:
                if self[OUTCOME] is not None:
                    row.end(self[OUTCOME], self[FINISHED])
                return
            for i in (WORKER, STARTED, CPU, FINISHED):
                value = self[i]  # another thread may pass on more at this moment
                if value is not None and row[i] is None:
                    row[i] = value
            if self[NOTE] and len(row) > NOTE:
                row[NOTE] = self[NOTE]
            if self[OUTCOME] is not None:
                row[OUTCOME] = self[OUTCOME]
            if row[OUTCOME] is not None and isinstance(row, Row) and row.forget is not None:
                row.forget()


def _unfinished() -> list[Row]:
    """The runs that this thread is in the middle of, outermost first."""
    running = here.running
    while running and running[-1].last()[OUTCOME] is not None:
        running.pop()
    return running


@functools.lru_cache(64)
def _runs_tasks(code: CodeType) -> bool:
    awaits = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
    return (
        "set_running_or_notify_cancel" in code.co_names
        and "set_result" in code.co_names
        and not (code.co_flags & awaits)
    )


def is_made(future: Any) -> bool:
    """Whether a Future has been initialized, and can be asked."""
    return "_condition" in object.__getattribute__(future, "__dict__")


def early_row(future: Any) -> Any:
    """The row of a Future that had none a moment ago: its submit has not returned, or nobody watches its executor."""
    try:
        own = vars(future._condition)
    except TypeError:  # somebody's own Condition, which has no place for it
        return Row()
    early: Row = own.setdefault("_watch_early", Row())
    row = own.get("_watch_row")
    if row is None:
        return early
    early.meet(row)
    return row


@uncounted
def starting(bare: Callable[[Any], bool], registry: Any) -> Callable[[Any], bool]:
    """Future.set_running_or_notify_cancel, with the start stamped in the row."""

    @functools.wraps(bare)
    def set_running_or_notify_cancel(self: Any) -> bool:
        try:
            if not bare(self):
                return False
        except BaseException as error:
            without_this_frame(error)
            raise
        try:
            row = self._condition._watch_row
        except AttributeError:
            row = None
        if row is None:
            row = early_row(self)
            if getattr(self._condition, "_watch_early", None) is row:
                registry.begun_early(row, sys._getframe(1))
        if type(row) is list:
            me = here.me
            row[WORKER] = me[0]
            row[STARTED] = start = now()
            if start - me[1] > CPU_GRAIN:
                me[2] = cpu_time()
                me[1] = start
        else:
            row.begin(sys._getframe(1))
        return True

    return set_running_or_notify_cancel


@uncounted
def ending(bare: Callable[[Any, Any], None], outcome: str, registry: Any) -> Callable[[Any, Any], None]:
    """Future.set_result or set_exception, with the end stamped in the row before anyone can see it."""
    raised = outcome == "raised"

    @functools.wraps(bare)
    def set_result(self: Any, result: Any) -> None:
        end = now()
        try:
            row = self._condition._watch_row
        except AttributeError:
            row = None
        if row is None and is_made(self) and not done(self):
            row = early_row(self)
        if type(row) is list:
            start = row[STARTED]
            if start is None:
                early = getattr(self._condition, "_watch_early", None)
                if early is not None:
                    early.meet(row)
                    start = row[STARTED]
            if row[OUTCOME] is None:
                row[FINISHED] = end
                if start is not None and end - start > CPU_GRAIN:
                    me, cpu = here.me, cpu_time()
                    row[CPU] = min(cpu - me[2], end - start)
                    me[1], me[2] = end, cpu
                if raised:
                    note_error(row, result)
                row[OUTCOME] = outcome  # last: whoever sees it finds the rest filled in
        elif row is not None and not done(self):
            with suppress(Exception):  # what goes wrong here must not keep the Future from its end
                early = vars(self._condition).get("_watch_early", row)
                if early is not row:
                    early.meet(row)
                row.end(outcome, end, result if raised else None, self)
        try:
            bare(self, result)
        except BaseException as error:
            without_this_frame(error)
            raise
        finally:
            if registry.leaving:
                registry.settle()

    if not raised:
        return set_result
    without = ending(bare, "returned", registry)  # result() of such a Future returns None

    @functools.wraps(bare)
    def set_exception(self: Any, exception: Any) -> None:
        try:
            (set_result if exception is not None else without)(self, exception)
        except BaseException as error:
            without_this_frame(error)
            raise

    return set_exception


@uncounted
def cancelling(bare: Callable[[Any], bool], registry: Any) -> Callable[[Any], bool]:
    """Future.cancel, with the moment stamped in the row."""

    @functools.wraps(bare)
    def cancel(self: Any) -> bool:
        end = now()
        try:
            return bare(self)
        except BaseException as error:  # of a callback
            without_this_frame(error)
            raise
        finally:
            if is_made(self) and cancelled(self):
                end_row(getattr(self._condition, "_watch_row", None) or early_row(self), "cancelled", end, None, self)
                registry.settle()

    return cancel


class Listener:
    """A done-callback of ours, for a Future whose class does not end by the methods of `concurrent.futures.Future`."""

    def __init__(self, row: Any) -> None:
        self.row = row

    def __call__(self, future: Any = None, *_: Any, **__: Any) -> None:
        end = now()
        try:
            if isinstance(future, Future) and done(future):
                ended_otherwise = cancelled(future)
                error = None if ended_otherwise else exception(future)
            else:
                # asyncio takes a call of exception() for a look, and is silent then of an error that nobody asks for.
                read = not hasattr(type(future), "_asyncio_future_blocking")
                ended_otherwise = future.cancelled()
                error = None if ended_otherwise else future.exception() if read else future._exception
            outcome = "cancelled" if ended_otherwise else "raised" if error is not None else "returned"
        except Exception as problem:
            outcome, error = "raised", problem
        end_row(self.row, outcome, end, error, future)


def end_row(row: Any, outcome: str, end: int, error: Any, future: Any) -> None:
    if type(row) is Row:
        row.end(outcome, end, error, future)
    elif row[OUTCOME] is None:
        if error is not None:
            note_error(row, error)
        row[FINISHED], row[OUTCOME] = end, outcome
