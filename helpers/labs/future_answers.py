"""What state a Future is in, and what each of its methods answers in it, without waiting and without changing it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

PENDING, RUNNING, FINISHED = "PENDING", "RUNNING", "FINISHED"
CANCELLED, NOTIFIED = "CANCELLED", "CANCELLED_AND_NOTIFIED"
METHODS = ("cancel()", "cancelled()", "running()", "done()", "result(timeout=0)", "exception(timeout=0)",
           "add_done_callback(fn)")  # fmt: skip
# Why cancel(), then result() and exception(), then add_done_callback() answer as they do.
WHY = {
    PENDING: ("in the queue: no worker will run it", "not done, and it does not wait", "fn is kept until it is done"),
    RUNNING: ("running work goes on", "not done, and it does not wait", "fn is kept until it is done"),
    FINISHED: ("too late, it has ended", "kept: the same every time", "done: whoever adds fn runs it"),
    CANCELLED: ("it was cancelled before", "there will be no result", "done: whoever adds fn runs it"),
}
WHY[NOTIFIED] = WHY[CANCELLED]


class Answer(NamedTuple):
    """A method's call, its answer now, and why."""

    call: str
    answer: str
    why: str


def state_of(future: Future[Any]) -> str:
    """The state's name in concurrent.futures, asked with public calls alone."""
    if future.cancelled():
        # wait() counts a cancelled Future as done only when a worker has met it in the queue.
        return NOTIFIED if wait([future], timeout=0).done else CANCELLED
    return FINISHED if future.done() else RUNNING if future.running() else PENDING


def twin_of(future: Future[Any]) -> Future[Any]:
    """Another Future in the same state, to ask what would change the first."""
    twin: Future[Any] = Future()
    state = state_of(future)
    if state in (CANCELLED, NOTIFIED):
        twin.cancel()
    if state in (RUNNING, FINISHED, NOTIFIED):
        twin.set_running_or_notify_cancel()
    if state == FINISHED:
        error = future.exception(timeout=0)
        twin.set_result(future.result(timeout=0)) if error is None else twin.set_exception(error)
    return twin


def answers(future: Future[Any]) -> list[Answer]:
    """The answers of the seven methods in the present state of `future`."""
    called: list[object] = []
    adding = lambda: twin_of(future).add_done_callback(called.append)
    cancel, result, callback = WHY[state_of(future)]
    added = _answer(adding) + (", fn ran at once" if called else "")
    done = "and stays done" if future.done() else ""
    said = (_answer(twin_of(future).cancel), _answer(future.cancelled), _answer(future.running), _answer(future.done),
            _answer(lambda: future.result(timeout=0)), _answer(lambda: future.exception(timeout=0)), added)  # fmt: skip
    return list(map(Answer, METHODS, said, (cancel, "", "", done, result, result, callback)))


def _answer(call: Callable[[], Any]) -> str:
    """What `call` returns or raises, in words."""
    try:
        return repr(call())
    except Exception as error:
        return "raises " + (repr(error) if str(error) else type(error).__name__)
