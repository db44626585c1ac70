"""Watch executors at work: `with watch(pool) as run:` records every task that is submitted inside the block.

It replaces public methods alone, and puts them back at the end of the block: `submit` and `shutdown` of executors, the
methods of Future by which a worker says that a task starts and ends and a program asks for it, and those in which a
program waits. `Executor.map` calls `submit`, so it is seen too (concurrent/futures/_base.py). Tasks that still run at
the end of the block are stamped to their end, and the wait for them in the shutdown of their pool is recorded.

The executor gets the caller's own function and arguments, and the caller the executor's own Future, value or exception.
The one exception: `ProcessPoolExecutor.submit` itself is handed a function that writes stamps in the worker.
"""

from __future__ import annotations

import multiprocessing.pool
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import partial, wraps
from types import FunctionType
from typing import Any

from helpers._common import attribute, count, function, instance, shown
from helpers.recording import stamps, submits, waits
from helpers.recording.data import OUTCOME, SUBMITTER, WORKER, Mark, Recording, Thread, is_over
from helpers.recording.disguise import stands_for, uncounted, without_this_frame
from helpers.recording.registry import MISSING, Opened, Patch, owner_of, registry
from helpers.recording.remote import dask_client
from helpers.recording.stamps import Listener, now

POOLS = "multiprocessing's pools, and joblib's threads on them, are no Executors: their tasks are not recorded"
UNHEARD = "not recorded: submitted before the block, or by a `submit` that the program looked up before it"
POOL_METHODS = ("apply", "apply_async", "imap", "imap_unordered", "map", "map_async", "starmap", "starmap_async")


def wanted() -> Iterator[Patch]:
    """All that is to be replaced now."""
    if not registry.open and not registry.left:
        return
    for name in stamps.NAMES:  # what is there is found faster
        yield threading.Condition, name, lambda _: None
    yield Future, "set_running_or_notify_cancel", lambda bare: stamps.starting(bare, registry)
    yield Future, "set_result", lambda bare: stamps.ending(bare, "returned", registry)
    yield Future, "set_exception", lambda bare: stamps.ending(bare, "raised", registry)
    yield Future, "cancel", lambda bare: stamps.cancelling(bare, registry)
    yield threading.Thread, "name", renaming
    for opened in registry.open + tuple(registry.left):
        if opened.in_class:
            yield owner_of(type(opened.executor), "shutdown"), "shutdown", class_shutdown
        elif opened.executor is not None:
            yield opened.executor, "shutdown", partial(own_shutdown, opened.executor)
    if not registry.open:
        return
    for call in ("result", "exception"):
        yield Future, call, partial(waits.on_future, call=call, runs=registry.runs)
    yield Future, "add_done_callback", add_done_callback
    yield threading.Event, "wait", partial(waits.on_event, runs=registry.runs, mine=registry.mine)
    for cls, name, call, blocks in waits.PLAIN:
        yield cls, name, partial(waits.on_call, call=call, blocks=blocks, mine=registry.mine)
    for cls in set(executor_classes()):
        yield from methods_of(cls)
    yield Executor, "__init_subclass__", init_subclass
    client = dask_client()
    if client is not None:
        yield client, "submit", submits.class_submit
        yield client, "map", submits.dask_map
    for opened in registry.open:
        if opened.executor is None:
            for name in POOL_METHODS:
                yield multiprocessing.pool.Pool, name, noting_pools
        elif not opened.in_class:
            yield opened.executor, "submit", partial(submits.own_submit, opened.executor)
            if client is not None and attribute(opened.executor, "map") is not None:
                yield opened.executor, "map", partial(submits.own_map, opened.executor)


registry.wanted = wanted


def executor_classes(cls: type = Executor) -> Iterator[type]:
    yield cls
    children: list[type] = type.__subclasses__(cls)
    for child in children:
        yield from executor_classes(child)


def methods_of(cls: type) -> Iterator[Patch]:
    """What is replaced in each class of executors."""
    if not isinstance(vars(cls).get("submit", cls), submits.NO_METHODS):
        yield cls, "submit", submits.class_submit
    if "shutdown" in vars(cls):
        yield cls, "shutdown", class_shutdown


@uncounted
def init_subclass(bare: Any) -> Any:
    """Executor.__init_subclass__: a class that is defined or imported inside the block is watched as well."""

    def __init_subclass__(cls: Any, **kwargs: Any) -> None:
        try:
            super(Executor, cls).__init_subclass__(**kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise
        with registry.lock:
            registry.refresh()

    return classmethod(__init_subclass__)


@uncounted
def class_shutdown(bare: Any) -> Callable[..., Any]:
    @stands_for(bare)
    def shutdown(self: Any, *args: Any, **kwargs: Any) -> Any:
        runs = [opened.run for opened in registry.watching_class(self)]
        runs += [opened.run for opened in registry.left if opened.in_class and opened.executor is self]
        try:
            with waits.Waiting(runs, "shutdown", ()):
                return bare.__get__(self, type(self))(*args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return shutdown


@uncounted
def own_shutdown(executor: Any, was: Any) -> Callable[..., Any]:
    """The `shutdown` of one executor that is watched, or was and has tasks that have not ended."""
    bare = executor.shutdown if was is MISSING else was

    @stands_for(bare)
    def shutdown(*args: Any, **kwargs: Any) -> Any:
        runs = [opened.run for opened in registry.watching(executor)]
        runs += [opened.run for opened in registry.left if opened.executor is executor]
        try:
            with waits.Waiting(runs, "shutdown", ()):
                return bare(*args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return shutdown


@uncounted
def add_done_callback(bare: Callable[[Any, Any], None]) -> Callable[..., None]:
    """Future.add_done_callback: when each callback of a recorded task ran, and in which thread."""

    @wraps(bare)
    def add_done_callback(self: Any, fn: Any) -> None:
        row, runs = waits.row_of(self), registry.runs()

        def stamped_callback(future: Any) -> None:
            start, outcome = now(), "raised"
            if row[OUTCOME] is None and future.cancelled():  # by a cancel() that has not returned
                stamps.end_row(row, "cancelled", start, None, future)
            try:
                fn(future)
                outcome = "returned"
            except BaseException as error:
                without_this_frame(error)
                raise
            finally:
                for run in runs:
                    run.calls.append((stamps.here.me[0], start, now(), row, outcome))

        try:
            # One of ours comes from a watch that has ended, but stayed, as someone has put something around it.
            ours = type(fn) is FunctionType and fn.__code__ is stamped_callback.__code__
            bare(self, fn if row is None or type(fn) is Listener or ours else stamped_callback)
        except BaseException as error:  # of a callback that comes late
            without_this_frame(error)
            raise

    return add_done_callback


@uncounted
def noting_pools(bare: Any) -> Callable[..., Any]:
    """A method of multiprocessing's pools: that it was called is said in the recordings of all executors."""

    @wraps(bare)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        for opened in registry.everywhere:
            if POOLS not in opened.run.remarks:
                opened.run.remarks.append(POOLS)
        try:
            return bare(self, *args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return method


@uncounted
def renaming(bare: Any) -> property:
    """Thread.name: a thread that gets a new name has it in all of the recording, so that it stays one thread."""

    def rename(self: threading.Thread, name: str) -> None:
        try:
            bare.fset(self, name)
        except BaseException as error:
            without_this_frame(error)
            raise
        me = stamps.known.get(self.native_id or 0)
        if me is not None:
            old, me[0] = me[0], Thread(str(attribute(self, "name", name)), me[0].native_id)
            for opened in registry.open + tuple(registry.left):
                _rename(opened.run, old, me[0])

    return property(bare.fget, rename, bare.fdel, bare.__doc__)


def _rename(run: Recording, old: Thread, new: Thread) -> None:
    for row in list(run.rows):
        for i in (SUBMITTER, WORKER):
            if row[i] == old:
                row[i] = new
    for wait in list(run.waits):
        if wait[0] == old:
            wait[0] = new
    for i, call in enumerate(list(run.calls)):
        if call[0] == old:
            run.calls[i] = (new, *call[1:])
    for i, mark in enumerate(list(run.marks)):
        if mark.thread == old:
            run.marks[i] = Mark(new, mark.time, mark.text)


class watch:
    """Record the tasks of `executor`, any concurrent.futures.Executor, or of all executors if none is given.

    `with watch(pool) as run:` gives a `Recording` that can be read while it grows. `label(fn, *args, **kwargs)`, called
    at each submit, may name the tasks. TypeError for something that is not an Executor.
    """

    def __init__(self, executor: Executor | None = None, *, label: Callable[..., str] | None = None) -> None:
        expected = "an executor such as ThreadPoolExecutor(4), or left out to watch all"
        if isinstance(executor, type):
            raise TypeError(
                f"executor must be {expected}, not the class {shown(executor.__name__)}: make a pool of it first"
            )
        if isinstance(executor, multiprocessing.pool.Pool):
            raise TypeError(f"executor must be {expected}, not {shown(executor)}: multiprocessing's pools are none")
        if isinstance(executor, dask_client() or ()):
            raise TypeError(f"executor must be {expected}, not {shown(executor)}: take its get_executor()")
        self.executor = None if executor is None else instance("executor", executor, Executor, expected)
        self.label = None if label is None else function("label", label, "lambda fn, *args: str(args)")
        self._open: list[Opened] = []

    def __enter__(self) -> Recording:
        opened = Opened(self.executor, self.label)
        with registry.lock:
            if not registry.open and not registry.left:
                stamps.forget_threads()
                Future()._condition._watch_row = None  # type: ignore[attr-defined]  # CPython keeps room for one more name: for this
            opened.in_class = self.executor is not None and submits.by_class(self.executor)
            opened.plain = opened.in_class and submits.plain(self.executor)
            registry.open += (opened,)
            try:
                registry.refresh()
                if opened.in_class and not registry.patched(type(self.executor), "submit"):
                    opened.in_class = opened.plain = False
                    registry.refresh()
            except BaseException:
                registry.open = registry.open[:-1]
                registry.refresh()
                raise
            self._open.append(opened)
        return opened.run

    def __exit__(self, *_: object) -> None:
        opened = self._open.pop()
        opened.dask.fill(lambda future, row: future.add_done_callback(Listener(row)))
        with registry.lock:
            registry.open = tuple(other for other in registry.open if other is not opened)
            opened.unfinished = [row for row in opened.run.rows if not is_over(row)]
            for row in opened.run.rows:
                if type(row) is stamps.Row and row.forget is not None and is_over(row):
                    row.forget()
            unheard = len(registry.unheard(opened))
            if unheard:
                opened.run.remarks.append(f"{count(unheard, 'task')} {UNHEARD}")
            if opened.unfinished:
                registry.left.append(opened)
            registry.refresh()
