"""What stands in for methods of Future and Executor while they are watched: each does what the bare one does.

`watch` puts them in place, and says here which recordings are open.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial, wraps
from typing import Any

from helpers.recorded import FINISHED, OUTCOME
from helpers.recording import Recording
from helpers.remote import ended_without_run
from helpers.stamps import ended_early, now, stamping, this_thread, without_this_frame

open_runs: tuple[Recording, ...] = ()  # whose block is open now
everywhere: tuple[tuple[Recording, Any], ...] = ()  # those of watch() without an executor, with their label


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
        for run in open_runs:
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
        row, runs = getattr(self, "watched", None), open_runs

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
        for run, label in everywhere:
            call = stamping(call, run, near(self), label)
        return call(*args, **kwargs)

    return submit
