"""Watch executors at work: `with watch(pool) as run:` records every task that is submitted inside the block.

It replaces public methods alone: `submit` and `shutdown` of the executor (of every executor class for `watch()`), and
`result`, `exception`, `cancel`, `set_exception`, `add_done_callback` of Future. At the end of the block they are put
back; tasks that still run then are stamped to their end. `Executor.map` calls `submit`, so it is seen too
(concurrent/futures/_base.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from helpers import stand_ins
from helpers.checks import function, instance, shown
from helpers.recording import Recording
from helpers.stamps import stamping

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
    if stand_ins.open_runs:
        for call in ("result", "exception"):
            _replace(Future, call, partial(stand_ins.blocking, call))
        _replace(Future, "cancel", stand_ins.cancel)
        _replace(Future, "set_exception", stand_ins.set_exception)
        _replace(Future, "add_done_callback", stand_ins.add_done_callback)
    if stand_ins.everywhere:
        for cls in set(_executor_classes()):
            _replace(cls, "submit", stand_ins.submit)
            _replace(cls, "shutdown", stand_ins.shutdown)
    for cls, name in list(_bare):
        if not stand_ins.open_runs or (not stand_ins.everywhere and cls is not Future):
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
            stand_ins.open_runs += (run,)
            replaced = {}
            if self.executor is None:
                stand_ins.everywhere += ((run, self.label),)
            else:
                replaced = {name: vars(self.executor).get(name) for name in ("submit", "shutdown")}
                bare = self.executor.shutdown
                self.executor.submit = stamping(self.executor.submit, run, stand_ins.near(self.executor), self.label)  # type: ignore[method-assign]
                self.executor.shutdown = partial(
                    stand_ins.shutdown(lambda _, *args, **kwargs: bare(*args, **kwargs)), self.executor
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
            stand_ins.open_runs = tuple(other for other in stand_ins.open_runs if other is not run)
            stand_ins.everywhere = tuple(pair for pair in stand_ins.everywhere if pair[0] is not run)
            _refresh()
