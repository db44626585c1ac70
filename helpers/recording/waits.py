"""Who waited for what: calls that block a thread, recorded in every open recording while they do."""

from __future__ import annotations

import concurrent.futures
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import wraps
from types import FrameType
from typing import Any

from helpers._common import attribute
from helpers.recording import stamps
from helpers.recording.data import OUTCOME, Recording
from helpers.recording.disguise import uncounted, without_this_frame
from helpers.recording.stamps import Row, done, now

Runs = Callable[[], Iterable[Recording]]
_COLLECTORS = {concurrent.futures.as_completed.__code__: "as_completed", concurrent.futures.wait.__code__: "wait"}


class Waiting:
    """Records that the calling thread waits in `call`, in `runs`; a wait inside another one is part of it."""

    def __init__(self, runs: Iterable[Recording], call: str, rows: tuple[Any, ...]) -> None:
        self.runs = () if stamps.here.waiting else runs
        one = rows[0] if len(rows) == 1 else None
        self.wait = [stamps.here.me[0], 0, None, one, call, *([rows] if len(rows) > 1 else [])]

    def __enter__(self) -> None:
        self.outermost, stamps.here.waiting = not stamps.here.waiting, True
        self.wait[1] = now()
        for run in self.runs:
            run.waits.append(self.wait)

    def __exit__(self, *_: object) -> None:
        self.wait[2] = now()
        if self.outermost:
            stamps.here.waiting = False


def at_once(timeout: Any) -> bool:
    """Whether a call with this timeout looks, and waits for nothing."""
    return isinstance(timeout, int | float) and timeout <= 0


def row_of(future: Any) -> Any:
    """The row of a Future that is being recorded, or None."""
    row = attribute(attribute(future, "_condition"), "_watch_row") if isinstance(future, Future) else None
    return row.link or row if type(row) is Row else row


@uncounted
def on_future(bare: Callable[..., Any], call: str, runs: Runs) -> Callable[..., Any]:
    """Future.result or Future.exception, with the wait for an unfinished task recorded."""

    @wraps(bare)
    def method(self: Any, timeout: float | None = None) -> Any:
        try:
            try:
                row = self._condition._watch_row
            except AttributeError:
                row = None
            if row is None or (row[OUTCOME] and type(row) is list) or done(self) or at_once(timeout):
                return bare(self, timeout)
            asked_by = sys._getframe(1).f_globals.get("__name__")
            name = "map" if asked_by == "concurrent.futures._base" else call  # the iterator that Executor.map gives
            with Waiting(runs(), name, (row_of(self),)):
                return bare(self, timeout)
        except BaseException as error:
            without_this_frame(error)
            raise

    return method


@uncounted
def on_event(bare: Callable[..., bool], runs: Runs, mine: Runs) -> Callable[..., bool]:
    """Event.wait: as_completed and wait stand in one, which tells for which Futures; so may the thread that watches."""

    @wraps(bare)
    def wait(self: Any, timeout: float | None = None) -> bool:
        try:
            frame = sys._getframe(1)
            call = _COLLECTORS.get(frame.f_code)
            if call is not None:
                rows = tuple(_unfinished(frame))
                with Waiting(runs() if rows and not at_once(timeout) else (), call, rows):
                    return bare(self, timeout)
            open_runs = () if frame.f_globals.get("__name__") == "threading" else mine()
            if not open_runs or threading.Event.is_set(self) or at_once(timeout):
                return bare(self, timeout)
            with Waiting(open_runs, "Event.wait", ()):
                return bare(self, timeout)
        except BaseException as error:
            without_this_frame(error)
            raise

    return wait


def _unfinished(frame: FrameType) -> Iterator[Any]:
    """Rows of the Futures, the argument `fs` of as_completed and wait, that have not ended."""
    for future in tuple(frame.f_locals.get("fs", ())):
        row = row_of(future)
        if row is not None and (row[OUTCOME] is None or (type(row) is Row and not done(future))):
            yield row


@uncounted
def on_call(bare: Callable[..., Any], call: str, blocks: Callable[..., bool], mine: Runs) -> Callable[..., Any]:
    """A method that may block, with the wait of a thread that watches recorded where `blocks` says so.

    `blocks` takes the method's own arguments.
    """

    @wraps(bare)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            open_runs = mine()
            try:
                waits = bool(open_runs) and blocks(self, *args, **kwargs)
            except Exception:  # arguments that the method refuses
                waits = False
            if not waits:
                return bare(self, *args, **kwargs)
            with Waiting(open_runs, call, ()):
                return bare(self, *args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return method


_alive = threading.Thread.is_alive  # a class may have one of its own, which is not asked
# The methods of the standard library in which a program waits for something else than a Future.
PLAIN: tuple[tuple[type, str, str, Callable[..., bool]], ...] = (
    (queue.Queue, "get", "Queue.get",
     lambda self, block=True, timeout=None: block and not at_once(timeout) and queue.Queue.empty(self)),
    (queue.Queue, "put", "Queue.put",
     lambda self, item, block=True, timeout=None: block and not at_once(timeout) and queue.Queue.full(self)),
    (queue.Queue, "join", "Queue.join", lambda self: self.unfinished_tasks > 0),
    (threading.Thread, "join", "Thread.join", lambda self, timeout=None: not at_once(timeout) and _alive(self)),
)  # fmt: skip
