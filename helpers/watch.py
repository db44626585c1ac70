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

from helpers.checks import function, instance, shown
from helpers.recorded import FINISHED, OUTCOME
from helpers.recording import Recording
from helpers.stamps import now, stamping, this_thread, without_this_frame

_lock = threading.RLock()
_all: tuple[Recording, ...] = ()  # recordings whose block is open now
_everywhere: tuple[tuple[Recording, Any], ...] = ()  # those of watch() without an executor, with their label
_bare: dict[tuple[type, str], Any] = {}  # the class attributes that are replaced now


def _near(executor: Executor) -> bool:
    interpreters = getattr(concurrent.futures, "InterpreterPoolExecutor", ())
    return isinstance(executor, ThreadPoolExecutor) and not isinstance(executor, interpreters)


def _blocking(call: str, bare: Callable[..., Any]) -> Callable[..., Any]:
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


def _shutdown(bare: Callable[..., None]) -> Callable[..., None]:
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
        for run in _all:
            run.waits.append(self.wait)

    def __exit__(self, *_: object) -> None:
        self.wait[2] = now()


def _cancel(bare: Callable[[Any], bool]) -> Callable[..., bool]:
    @wraps(bare)
    def cancel(self: Any) -> bool:
        row, time = getattr(self, "watched", None), now()
        cancelled = bare(self)
        if cancelled and row is not None and row[OUTCOME] is None:
            row[FINISHED], row[OUTCOME] = time, "cancelled"
        return cancelled

    return cancel


def _set_exception(bare: Callable[[Any, Any], None]) -> Callable[..., None]:
    @wraps(bare)
    def set_exception(self: Any, exception: Any) -> None:
        row = getattr(self, "watched", None)
        if row is not None and row[OUTCOME] is None:  # a broken pool fails tasks that never ran
            row[FINISHED], row[OUTCOME] = now(), "raised"
        bare(self, exception)

    return set_exception


def _add_done_callback(bare: Callable[[Any, Any], None]) -> Callable[..., None]:
    @wraps(bare)
    def add_done_callback(self: Any, fn: Any) -> None:
        row, runs = getattr(self, "watched", None), _all

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


def _submit(bare: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(bare)
    def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        call: Callable[..., Any] = partial(bare, self)
        for run, label in _everywhere:
            call = stamping(call, (run,), _near(self), label)
        return call(*args, **kwargs)

    return submit


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
    if _all:
        for call in ("result", "exception"):
            _replace(Future, call, partial(_blocking, call))
        for name, make in (
            ("cancel", _cancel),
            ("set_exception", _set_exception),
            ("add_done_callback", _add_done_callback),
        ):
            _replace(Future, name, make)
    if _everywhere:
        for cls in set(_executor_classes()):
            _replace(cls, "submit", _submit)
            _replace(cls, "shutdown", _shutdown)
    for cls, name in list(_bare):
        if not _all or (not _everywhere and cls is not Future):
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
        global _all, _everywhere
        run = Recording()
        with _lock:
            _all += (run,)
            replaced = {}
            if self.executor is None:
                _everywhere += ((run, self.label),)
            else:
                replaced = {name: vars(self.executor).get(name) for name in ("submit", "shutdown")}
                bare = self.executor.shutdown
                self.executor.submit = stamping(self.executor.submit, (run,), _near(self.executor), self.label)  # type: ignore[method-assign]
                self.executor.shutdown = partial(
                    _shutdown(lambda _, *args, **kwargs: bare(*args, **kwargs)), self.executor
                )  # type: ignore[method-assign]
            self._open.append((run, replaced))
            _refresh()
        return run

    def __exit__(self, *_: object) -> None:
        global _all, _everywhere
        with _lock:
            run, replaced = self._open.pop()
            for name, before in replaced.items():
                if before is None:
                    delattr(self.executor, name)
                else:
                    setattr(self.executor, name, before)
            _all = tuple(other for other in _all if other is not run)
            _everywhere = tuple(pair for pair in _everywhere if pair[0] is not run)
            _refresh()
