"""Watch executors at work: `with watch(pool) as run:` records every task that is submitted inside the block.

It replaces public methods alone: `submit` and `shutdown` of the executor (of every executor class for `watch()`), and
`result`, `exception`, `cancel`, `set_exception`, `add_done_callback` of Future. At the end of the block they are put
back; tasks that still run then are stamped to their end. `Executor.map` calls `submit`, so it is seen too
(concurrent/futures/_base.py).
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial, wraps
from typing import Any

from helpers._common import function, instance, shown
from helpers.recording.data import FINISHED, OUTCOME, Recording
from helpers.recording.remote import ended_without_run
from helpers.recording.stamps import ended_early, now, stamping, this_thread, without_this_frame


class _Registry:
    """The recordings whose block is open now; `everywhere` those of watch() without an executor, with their label."""

    open_runs: tuple[Recording, ...] = ()
    everywhere: tuple[tuple[Recording, Any], ...] = ()


registry = _Registry()


def near(executor: Executor) -> bool:
    """Whether its workers are threads of this interpreter."""
    interpreters = getattr(concurrent.futures, "InterpreterPoolExecutor", ())
    return isinstance(executor, ThreadPoolExecutor) and not isinstance(executor, interpreters)


def blocking(call: str, bare: Callable[..., Any]) -> Callable[..., Any]:
    """Future.result or Future.exception, with the wait for an unfinished task recorded in every open recording."""

    @wraps(bare)
    def method(self: Any, timeout: float | None = None) -> Any:
        try:
            try:
                row = self.watched
            except AttributeError:
                return bare(self, timeout)
            if row[OUTCOME]:
                return bare(self, timeout)
            with _waiting(row, call):
                return bare(self, timeout)
        except BaseException as error:
            without_this_frame(error)
            raise

    return method


def shutdown(bare: Callable[..., None]) -> Callable[..., None]:
    @wraps(bare)
    def shutdown(self: Any, *args: Any, **kwargs: Any) -> None:
        with _waiting(None, "shutdown"):
            bare(self, *args, **kwargs)

    return shutdown


class _waiting:
    """Records in every open recording that the calling thread waits in `call`."""

    def __init__(self, row: list[Any] | None, call: str) -> None:
        self.wait = [this_thread(), now(), None, row, call]

    def __enter__(self) -> None:
        for run in registry.open_runs:
            run.waits.append(self.wait)

    def __exit__(self, *_: object) -> None:
        self.wait[2] = now()


def cancel(bare: Callable[[Any], bool]) -> Callable[..., bool]:
    @wraps(bare)
    def cancel(self: Any) -> bool:
        row, time = getattr(self, "watched", None), now()
        if row is None:
            ended_early()
        cancelled = bare(self)
        row = getattr(self, "watched", None)  # its submit may have returned meanwhile
        if cancelled and row is not None and row[OUTCOME] is None:
            row[FINISHED], row[OUTCOME] = time, "cancelled"
        return cancelled

    return cancel


def set_exception(bare: Callable[[Any, Any], None]) -> Callable[..., None]:
    @wraps(bare)
    def set_exception(self: Any, exception: Any) -> None:
        row = getattr(self, "watched", None)
        if row is None:
            ended_early()
        elif row[OUTCOME] is None:  # a broken pool fails tasks that never ran
            row[FINISHED], row[OUTCOME] = now(), "raised"
        bare(self, exception)
        if row is None and hasattr(self, "watched"):  # its submit has returned meanwhile
            ended_without_run(self, self.watched)

    return set_exception


def add_done_callback(bare: Callable[[Any, Any], None]) -> Callable[..., None]:
    @wraps(bare)
    def add_done_callback(self: Any, fn: Any) -> None:
        row, runs = getattr(self, "watched", None), registry.open_runs

        def stamped_callback(future: Any) -> None:
            start, outcome = now(), "raised"
            try:
                fn(future)
                outcome = "returned"
            except BaseException as error:
                without_this_frame(error)
                raise
            finally:
                for run in runs:
                    run.calls.append((this_thread(), start, now(), row, outcome))

        bare(self, fn if row is None else stamped_callback)

    return add_done_callback


def submit(bare: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(bare)
    def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        call: Callable[..., Any] = partial(bare, self)
        for run, label in registry.everywhere:
            call = stamping(call, run, near(self), label)
        return call(*args, **kwargs)

    return submit


_lock = threading.RLock()
_bare: dict[tuple[type, str], Any] = {}  # the class attributes that are replaced now


def _executor_classes(cls: type = Executor) -> Iterator[type]:
    yield cls
    children: list[type] = cls.__subclasses__()
    for child in children:
        yield from _executor_classes(child)


def _replace(cls: type, name: str, make: Callable[[Any], Any]) -> None:
    if name in vars(cls) and (cls, name) not in _bare:
        _bare[cls, name] = vars(cls)[name]
        setattr(cls, name, make(vars(cls)[name]))


def _refresh() -> None:
    """Replace what the open recordings need, put back the rest. Holds the lock."""
    if registry.open_runs:
        for call in ("result", "exception"):
            _replace(Future, call, partial(blocking, call))
        _replace(Future, "cancel", cancel)
        _replace(Future, "set_exception", set_exception)
        _replace(Future, "add_done_callback", add_done_callback)
    if registry.everywhere:
        for cls in set(_executor_classes()):
            _replace(cls, "submit", submit)
            _replace(cls, "shutdown", shutdown)
    for cls, name in list(_bare):
        if not registry.open_runs or (not registry.everywhere and cls is not Future):
            setattr(cls, name, _bare.pop((cls, name)))


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
        self.executor = None if executor is None else instance("executor", executor, Executor, expected)
        self.label = None if label is None else function("label", label, "lambda fn, *args: str(args)")
        self._open: list[tuple[Recording, dict[str, Any]]] = []

    def __enter__(self) -> Recording:
        run = Recording()
        with _lock:
            registry.open_runs += (run,)
            replaced = {}
            if self.executor is None:
                registry.everywhere += ((run, self.label),)
            else:
                replaced = {name: vars(self.executor).get(name) for name in ("submit", "shutdown")}
                bare = self.executor.shutdown
                self.executor.submit = stamping(self.executor.submit, run, near(self.executor), self.label)  # type: ignore[method-assign]
                self.executor.shutdown = partial(
                    shutdown(lambda _, *args, **kwargs: bare(*args, **kwargs)), self.executor
                )  # type: ignore[method-assign]
            self._open.append((run, replaced))
            _refresh()
        return run

    def __exit__(self, *_: object) -> None:
        with _lock:
            run, replaced = self._open.pop()
            for name, before in replaced.items():
                if before is None:
                    delattr(self.executor, name)
                else:
                    setattr(self.executor, name, before)
            registry.open_runs = tuple(other for other in registry.open_runs if other is not run)
            registry.everywhere = tuple(pair for pair in registry.everywhere if pair[0] is not run)
            _refresh()
