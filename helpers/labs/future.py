"""The Future lab: one real Future of a real pool, driven by hand, and what each of its methods answers now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from helpers.drawing.figure import BLUE, GRAY, INK, Picture
from helpers.labs.panel import TEXT, Panel, canvas, holding, row, table

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


INCHES = 2.5
HIGH = 0.5
# Each state's box: left, middle, width, in inches.
BOXES = {
    "PENDING": (0.75, 1.95, 1.25),
    "RUNNING": (3.45, 1.95, 1.25),
    "FINISHED": (6.15, 1.95, 1.25),
    "CANCELLED": (2.3, 0.7, 1.45),
    "CANCELLED_AND_NOTIFIED": (4.64, 0.7, 2.86),
}


def state_picture(state: str | None) -> Picture:
    """Draw the states that concurrent.futures names, `state` lit; None: no Future yet."""
    now = "no Future yet" if state is None else f"the Future is {state}"
    picture, axes = canvas(INCHES, f"The five states of a Future and the ways between them; {now}.")
    for name in BOXES:
        _box(axes, name, name == state)
    _arrow(axes, (0.1, 1.95), (0.71, 1.95), "submit", (0.38, 2.08))
    _arrow(axes, (2.0, 1.95), (3.41, 1.95), "a worker takes it", (2.71, 2.08))
    _arrow(axes, (4.7, 1.95), (6.11, 1.95), "returns or raises", (5.41, 2.08))
    _arrow(axes, (1.38, 1.67), (2.26, 0.7), "cancel()", (1.78, 1.02), bend="angle,angleA=90,angleB=0,rad=6")
    _arrow(axes, (3.75, 0.7), (4.6, 0.7), "a worker\nmeets it", (4.16, 0.78))
    return picture


def _box(axes: Axes, name: str, lit: bool) -> None:
    left, middle, width = BOXES[name]
    axes.add_patch(FancyBboxPatch((left, middle - HIGH / 2), width, HIGH, boxstyle="round,pad=0,rounding_size=0.12",
                                  facecolor=BLUE if lit else "white", edgecolor=INK if lit else GRAY,
                                  lw=2.5 if lit else 1.2))  # fmt: skip
    axes.text(left + width / 2, middle, name, ha="center", va="center", fontsize=12 if len(name) < 12 else 11.5,
              fontweight="bold" if lit else "normal", color="white" if lit else INK)  # fmt: skip
    if lit:
        axes.text(left + 0.06, middle - HIGH / 2 - 0.06, "▲ now", ha="left", va="top", fontsize=11,
                  fontweight="bold", color=INK)  # fmt: skip


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str, at: tuple[float, float],
    bend: str = "arc3"
) -> None:  # fmt: skip
    style = {"arrowstyle": "-|>,head_width=0.25,head_length=0.5", "color": INK, "lw": 1.2, "connectionstyle": bend,
             "shrinkA": 0, "shrinkB": 0}  # fmt: skip
    axes.annotate("", end, start, arrowprops=style)
    axes.text(*at, text, ha="center", va="bottom", fontsize=10.5, color=INK)


NONE_YET = [Answer(call, "–", "") for call in METHODS]
SOON = 10.0  # seconds within which a free worker takes its next task


class FutureLab(Panel):
    """The panel. `future` is the learner's Future, None before the first Submit."""

    name = "Future lab"
    about = "Drive one Future by hand. Before each button, predict which state lights up and which answers change."
    inches = INCHES

    def __init__(self) -> None:
        self.future: Future[Any] | None = None
        self._pool = ThreadPoolExecutor(1)
        self._taken, self._start, self._end = threading.Event(), threading.Event(), threading.Event()
        self._fails = False
        self._before: dict[str, str] = {}
        self._table = widgets.HTML()
        made = partial(self.button, width="110px")
        self.submit_button = made("Submit", self.submit, "Submit a task to a pool whose only worker is busy")
        self.start_button = made("Start", self.start, "Let the worker take the task from the queue")
        self.finish_button = made("Finish", lambda: self.finish(False), "Let the task return 42")
        self.fail_button = made("Fail", lambda: self.finish(True), "Let the task raise ValueError")
        self.cancel_button = made("Cancel", self.cancel, "Call future.cancel()")
        buttons = row(self.submit_button, self.start_button, self.finish_button, self.fail_button, self.cancel_button)
        super().__init__([buttons], alt="The states of a Future", below=[self._table])
        self._refresh("No Future yet. Press Submit.")

    def submit(self) -> None:
        """Submit a task behind another one that keeps the pool's only worker busy."""
        self._let_go()
        self._taken, self._start, self._end = threading.Event(), threading.Event(), threading.Event()
        limit = holding()
        busy, taken, start, end = threading.Event(), self._taken, self._start, self._end

        def hold() -> None:
            busy.set()
            start.wait(limit)

        def task() -> int:
            taken.set()
            end.wait(limit)
            if self._fails:
                raise ValueError("disk full")
            return 42

        self._pool.submit(hold)
        if not busy.wait(SOON):
            raise TimeoutError(f"the worker took no task within {SOON:g} s")
        self.future = self._pool.submit(task)
        self._before = {}
        self._refresh("future = pool.submit(task): it is in the queue, the only worker is busy.")

    def start(self) -> None:
        """Free the worker and wait until it has met the task."""
        future = self._held()
        cancelled = future.cancelled()
        self._start.set()
        if not (wait([future], timeout=SOON).done if cancelled else self._taken.wait(SOON)):
            raise TimeoutError(f"the worker took no task within {SOON:g} s")
        if cancelled:
            self._refresh("The worker met it and skipped it. wait() and as_completed() see it as done now.")
        else:
            self._refresh("The worker took the task and runs it.")

    def finish(self, fails: bool) -> None:
        """Let the task return, or raise, and wait until its Future says so."""
        self._fails = fails
        self._end.set()
        if not wait([self._held()], timeout=SOON).done:
            raise TimeoutError(f"the task did not end within {SOON:g} s")
        self._refresh("The task raised ValueError; the Future keeps it." if fails else "The task returned 42.")

    def cancel(self) -> None:
        """Call cancel() on the learner's Future."""
        self._refresh(f"future.cancel() returned {self._held().cancel()}.")

    def release(self) -> None:
        self._let_go()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        super().close()
        self._pool.shutdown(wait=True)

    def _held(self) -> Future[Any]:
        if self.future is None:
            raise RuntimeError("there is no Future yet: press Submit first")
        return self.future

    def _let_go(self) -> None:
        self._start.set()
        self._end.set()

    def _refresh(self, words: str) -> None:
        """Show the state and the answers as they are now."""
        state = None if self.future is None else state_of(self.future)
        self.show(state_picture(state))
        self.submit_button.disabled = state in (PENDING, RUNNING, CANCELLED)
        self.start_button.disabled = state not in (PENDING, CANCELLED)
        self.finish_button.disabled = self.fail_button.disabled = state != RUNNING
        self.cancel_button.disabled = state is None
        now = NONE_YET if self.future is None else answers(self.future)
        self._table.value = _table(now, self._before)
        self._before = {one.call: one.answer for one in now if self.future is not None}
        self.complain("")
        self.say(words)


def _table(now: list[Answer], before: dict[str, str]) -> str:
    """The answers as an HTML table; one that changed since `before` says so."""
    rows = []
    for call, answer, why in now:
        changed = before and before.get(call) != answer
        rows.append((call, answer + (" ←" if changed else ""), why))
    note = ("← changed by the last button. cancel() and add_done_callback() are asked of a twin in the same state, "
            "so that your Future stays as it is.")  # fmt: skip
    shown = table(("method", "answers now", "because"), rows, tall=8)
    return f"{shown}<div style='{TEXT}'><small>{note}</small></div>"


def future_lab() -> FutureLab:
    """A panel with one Future to drive by hand; the value of a cell's last line."""
    return FutureLab()
