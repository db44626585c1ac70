"""The Future lab: one real Future of a real pool, driven by hand, and what each of its methods answers now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import ipywidgets as widgets

from helpers.labs.controls import TEXT, button, row, table
from helpers.labs.future_answers import CANCELLED, METHODS, PENDING, RUNNING, Answer, answers, state_of
from helpers.labs.future_picture import INCHES, state_picture
from helpers.labs.panel import Panel, holding

NONE_YET = [Answer(call, "–", "") for call in METHODS]
SOON = 10.0  # seconds within which a free worker takes its next task


class FutureLab(Panel):
    """The panel. `future` is the learner's Future, None before the first Submit."""

    name = "Future lab"
    about = "Drive one Future by hand. Before each button, predict which state lights up and which answers change."
    inches = INCHES

    def __init__(self) -> None:
        self.future: Future[Any] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._taken, self._start, self._end = threading.Event(), threading.Event(), threading.Event()
        self._fails = False
        self._before: dict[str, str] = {}
        self._table = widgets.HTML()
        self.submit_button = self._button("Submit", "Submit a task to a pool whose only worker is busy", self.submit)
        self.start_button = self._button("Start", "Let the worker take the task from the queue", self.start)
        self.finish_button = self._button("Finish", "Let the task return 42", lambda: self.finish(False))
        self.fail_button = self._button("Fail", "Let the task raise ValueError", lambda: self.finish(True))
        self.cancel_button = self._button("Cancel", "Call future.cancel()", self.cancel)
        buttons = row(self.submit_button, self.start_button, self.finish_button, self.fail_button, self.cancel_button)
        super().__init__([buttons], alt="The states of a Future", below=[self._table])
        self._refresh("No Future yet. Press Submit.")

    def submit(self) -> None:
        """Submit a task behind another one that keeps the pool's only worker busy."""
        self._let_go()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1)
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
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        super().close()
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _button(self, text: str, tooltip: str, handler: Callable[[], None]) -> widgets.Button:
        made = button(text, tooltip=tooltip, layout=widgets.Layout(width="110px"))
        made.on_click(self.answer(handler))
        return made

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
