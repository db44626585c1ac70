"""The callback lab: a pending, a finished and a cancelled Future. Add a callback: which thread runs it, and when?"""

from __future__ import annotations

import string
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import ipywidgets as widgets

from helpers.drawing.figure import COLORS, GRAY, INK, LINE, Picture, ink_on
from helpers.labs.future import PENDING, state_of
from helpers.labs.panel import WIDTH, Panel, canvas, holding, row, table

INCHES = 2.4
LEFT, STEPS = 1.3, 16
CLICKS, WORKER = "your clicks", "worker_0"
HIGH = {CLICKS: 1.8, WORKER: 0.95}
SHADES = {"pending": COLORS[0], "finished": COLORS[2], "cancelled": COLORS[1]}


class Event(NamedTuple):
    """A callback was "added" to a kind of Future, or "ran"; in which thread (CLICKS or WORKER); when.

    `when` is the Future's state for an adding.
    """

    what: str
    callback: str
    kind: str
    thread: str
    when: str


def callback_picture(events: Sequence[Event]) -> Picture:
    """Draw `events` from left to right, a step each. A ring is an adding, a filled circle a run."""
    runs = [f"{e.callback} on the {e.kind} Future ran in {e.thread} {e.when}" for e in events if e.what == "ran"]
    picture, axes = canvas(INCHES, "Callbacks and their threads: " + ("; ".join(runs) or "none has run") + ".")
    for lane, high in HIGH.items():
        axes.plot([LEFT, WIDTH - 0.2], [high] * 2, color=LINE, lw=14, solid_capstyle="round", zorder=0)
        axes.text(LEFT - 0.2, high, lane, ha="right", va="center", fontsize=11.5, color=INK)
    axes.annotate("", (WIDTH - 0.1, 0.52), (LEFT, 0.52), arrowprops={"arrowstyle": "-|>", "color": GRAY})
    axes.text(LEFT - 0.2, 0.52, "order", ha="right", va="center", fontsize=11.5, color=INK)
    where = {}
    for step, event in enumerate(events):
        x = LEFT + 0.25 + step * (WIDTH - LEFT - 0.5) / STEPS
        y = HIGH[event.thread]
        shade = SHADES[event.kind]
        if event.what == "added":
            where[event.callback] = (x, y)
            axes.plot(x, y, "o", ms=20, mfc="white", mec=shade, mew=2.5, zorder=3)
        else:
            start = where[event.callback]
            bend = 0 if y != start[1] or x - start[0] < 0.6 else -0.5 / (x - start[0])  # as high over any distance
            axes.annotate("", (x, y), start, zorder=2, arrowprops={
                "arrowstyle": "-", "color": shade, "lw": 2, "connectionstyle": f"arc3,rad={bend}"})  # fmt: skip
            axes.plot(x, y, "o", ms=20, mfc=shade, mec=shade, zorder=3)
        ink = INK if event.what == "added" else ink_on(shade)
        axes.text(x, y, event.callback, ha="center", va="center", fontsize=11, fontweight="bold", color=ink, zorder=4)
    axes.plot(LEFT + 0.3, 0.18, "o", ms=11, mfc="white", mec=INK, mew=2)
    axes.text(LEFT + 0.45, 0.18, "added", va="center", fontsize=10.5, color=INK)
    axes.plot(LEFT + 1.3, 0.18, "o", ms=11, color=INK)
    axes.text(LEFT + 1.45, 0.18, "ran", va="center", fontsize=10.5, color=INK)
    for i, (kind, shade) in enumerate(SHADES.items()):
        axes.plot([LEFT + 2.2 + 1.3 * i, LEFT + 2.45 + 1.3 * i], [0.18] * 2, color=shade, lw=4)
        axes.text(LEFT + 2.55 + 1.3 * i, 0.18, kind, va="center", fontsize=10.5, color=INK)
    return picture


MOST = 8  # callbacks that the picture has room for
SOON = 10.0  # seconds within which a free worker takes its next task


class CallbackLab(Panel):
    """The panel. `futures` are the three, made at the first click; `events` is what happened, in order."""

    name = "Callback lab"
    about = "Three Futures. Before you add a callback, predict which thread will run it, and when."
    inches = INCHES

    def __init__(self) -> None:
        self.futures: dict[str, Future[Any]] = {}
        self.events: list[Event] = []
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="worker")
        self._gate = threading.Event()
        self._doing, self._clicker = "", threading.current_thread()  # what the last click does, and its thread
        self._states = {kind: widgets.HTML(layout=widgets.Layout(width="260px")) for kind in SHADES}
        self._log = widgets.HTML()
        self.add_buttons = {kind: self.button("Add a callback", partial(self.add, kind)) for kind in SHADES}
        self.run_button = self.button("Let it run", self.let_run)
        self.cancel_button = self.button("Cancel it", self.cancel)
        self.again_button = self.button("Start again", self.again)
        rows = [row(self._states[kind], self.add_buttons[kind]) for kind in SHADES]
        rows[0].children += (self.run_button, self.cancel_button)
        super().__init__([*rows, row(self.again_button)], alt="Which thread ran each callback", below=[self._log])
        self._refresh("No callback yet.")

    def add(self, kind: str) -> None:
        """Add a callback to the `kind` of Future."""
        self._make()
        name, future, me = self._next(), self.futures[kind], threading.current_thread()
        events = self.events  # after "Start again" an old callback does not write into the new list

        def callback(_future: Future[Any]) -> None:
            runner = threading.current_thread()
            where, when = (CLICKS, self._doing) if runner is self._clicker else (runner.name, "as the task ended")
            events.append(Event("ran", name, kind, where, when))

        events.append(Event("added", name, kind, CLICKS, state_of(future)))
        self._do("inside add_done_callback()")
        future.add_done_callback(callback)
        ran = events[-1].what == "ran"
        at_once = f"ran at once, in the thread that added it: {me.name}"
        self._refresh(f"Callback {name} {at_once if ran else 'is kept: whoever ends the Future will run it'}.")

    def let_run(self) -> None:
        """Free the worker: it runs the pending task, then its callbacks."""
        self._make()
        before = len(self.events)
        self._gate.set()
        # result() of the task itself could return before its callbacks have run; the worker's next task can't.
        self._pool.submit(int).result(timeout=SOON)
        self._refresh(f"The worker ran the pending task. {self._ran(before)}")

    def cancel(self) -> None:
        """Cancel the pending Future, in the thread of the click."""
        self._make()
        self._do("inside cancel()")
        before, answer = len(self.events), self.futures["pending"].cancel()
        self._refresh(f"cancel() returned {answer}. {self._ran(before)}")

    def again(self) -> None:
        """Three new Futures, none with a callback."""
        self._gate.set()
        self.futures, self.events = {}, []
        self._refresh("No callback yet.")

    def release(self) -> None:
        self._gate.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        super().close()
        self._pool.shutdown(wait=True)

    def _make(self) -> None:
        """Make the three Futures, unless they are there."""
        if self.futures:
            return
        finished = self._pool.submit(int)
        finished.result(timeout=SOON)
        self._gate = threading.Event()
        self._pool.submit(self._gate.wait, holding())
        pending, cancelled = self._pool.submit(int), self._pool.submit(int)
        cancelled.cancel()
        self.futures = {"pending": pending, "finished": finished, "cancelled": cancelled}

    def _ran(self, before: int) -> str:
        """Which callbacks ran in the events from number `before` on, and who ran them."""
        names, threads = [e.callback for e in self.events[before:]], {e.thread for e in self.events[before:]}
        who = " and ".join(self._clicker.name if thread == CLICKS else thread for thread in threads)
        return f"Its Future's callbacks ran in {who}, in this order: {', '.join(names)}." if names else ""

    def _do(self, what: str) -> None:
        self._doing, self._clicker = what, threading.current_thread()

    def _next(self) -> str:
        return string.ascii_lowercase[sum(event.what == "added" for event in self.events)]

    def _refresh(self, words: str) -> None:
        """Show the states, the buttons that make sense, and what happened so far."""
        self.show(callback_picture(self.events))
        for kind in SHADES:
            state = f": {state_of(self.futures[kind])}" if self.futures else " Future"
            self._states[kind].value = f"<b>{kind}</b>{state}"
        added = sum(event.what == "added" for event in self.events)
        for one in self.add_buttons.values():
            one.disabled = added >= MOST
        pending = not self.futures or state_of(self.futures["pending"]) == PENDING
        self.run_button.disabled = self.cancel_button.disabled = not pending
        self._log.value = _table(self.events)
        self.complain("")
        self.say(words + (" There is room for no more callbacks: press Start again." if added >= MOST else ""))


def _table(events: list[Event]) -> str:
    """A row for each callback, in the order in which they ran; those that have not run come last."""
    ran, added = ({event.callback: event for event in events if event.what == what} for what in ("ran", "added"))
    rows = []
    for name in ran | added:
        where = (ran[name].thread, ran[name].when) if name in ran else ("not run yet", "")
        rows.append((name, added[name].kind, *where))
    return table(("callback", "Future", "ran in", "when"), rows, tall=9)


def callback_lab() -> CallbackLab:
    """A panel with three Futures to add callbacks to; the value of a cell's last line."""
    return CallbackLab()
