"""The schedule lab: two threads run a function of the learner's, stepped by hand, line by line; then every order."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as widgets
from matplotlib.patches import Rectangle

from helpers._common import count
from helpers.drawing.figure import BLUE, GRAY, INK, ORANGE, PALE, Picture, ink_on
from helpers.labs.panel import Panel, canvas, row
from helpers.stepping import ENDED, NAMES, WAITS, Run, Stepper, check, every_order

SHADES = dict(zip(NAMES, (BLUE, ORANGE), strict=True))
HIGH, HEAD = 0.36, 0.62  # inches: one step, and what stands above the first
LEFT, WIDE, RIGHT = 0.35, 2.75, 6.1  # inches: the first column, a column, the shared data
MOST = 24  # steps that a picture has room for
LETTERS = 34  # of a line of code in a column
LIMIT = 10.0  # seconds that "Try every order" may take


def schedule_picture(run: Run, standing: dict[str, str] | None = None) -> Picture:
    """Draw `run` from the top down, a step each: in whose column it stands, its line, and the shared data after it.

    `standing` says for each thread what it does now; it is drawn under the steps.
    """
    steps = run.steps[-MOST:]
    inches = HEAD + HIGH * (len(steps) + bool(standing)) + 0.15
    words = "; ".join(f"thread {step.thread} ran {step.text}, then the data was {step.data}" for step in steps)
    picture, axes = canvas(inches, f"Two threads, stepped line by line: {words or 'no line has run'}.")
    axes.invert_yaxis()
    at = {name: LEFT + i * (WIDE + 0.08) for i, name in enumerate(NAMES)}
    for name, x in at.items():
        axes.text(x + WIDE / 2, 0.3, f"thread {name}", ha="center", va="center", fontsize=12, color=INK)
    axes.text(RIGHT, 0.3, "shared data", va="center", fontsize=12, color=INK)
    for i, step in enumerate(steps):
        x, y, shade = at[step.thread], HEAD + HIGH * i, SHADES[step.thread]
        axes.add_patch(_box(x, y, facecolor=shade))
        axes.text(x + 0.1, y + 0.16, _short(step.text), va="center", fontsize=9.5, family="monospace",
                  color=ink_on(shade))  # fmt: skip
        own = ", ".join(f"{name} = {value}" for name, value in step.local.items())
        other = at[NAMES[1]] if step.thread == NAMES[0] else at[NAMES[0]]
        if own:
            axes.text(other + 0.1, y + 0.16, _short(f"{step.thread} has {own}"), va="center", fontsize=9.5, color=GRAY)
        axes.text(RIGHT, y + 0.16, step.data, va="center", fontsize=9.5, color=INK)
        axes.text(LEFT - 0.1, y + 0.16, str(len(run.steps) - len(steps) + i + 1), ha="right", va="center", fontsize=9,
                  color=GRAY)  # fmt: skip
    for name, says in (standing or {}).items():
        y = HEAD + HIGH * len(steps)
        axes.add_patch(_box(at[name], y, facecolor=PALE, edgecolor=SHADES[name], linestyle="--"))
        axes.text(at[name] + 0.1, y + 0.16, _short(says), va="center", fontsize=9.5, color=INK)
    return picture


def _box(x: float, y: float, **style: Any) -> Rectangle:
    return Rectangle((x, y), WIDE, HIGH - 0.05, **style)


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


class ScheduleLab(Panel):
    """The panel. `run` is the run by hand so far; `runs` is what "Try every order" found."""

    name = "Schedule lab"
    about = "Two threads run your function. Choose whose next line runs, and look at the shared data."
    inches, lines = 2.4, 3

    def __init__(self, functions: tuple[Callable[[], Any], ...], data: Any) -> None:
        check(functions, data)
        self.functions, self.data = functions, data
        self.runs: list[Run] = []
        self._stepper: Stepper | None = None
        self._ending = threading.Event()
        self.step_buttons = {name: self.button(f"Run {name} to its next line", partial(self.step, name))
                             for name in NAMES}  # fmt: skip
        self.again_button = self.button("Start again", self.again)
        self.every_button = self.button("Try every order", self.try_every)
        self.found = widgets.Dropdown(description="Show order", disabled=True, layout=widgets.Layout(width="420px"))
        self.found.observe(lambda change: self._replay(), "index")
        rows = [row(*self.step_buttons.values(), self.again_button), row(self.every_button, self.found)]
        super().__init__(rows, alt="Two threads, stepped line by line")
        self.show(schedule_picture(Run(), dict.fromkeys(NAMES, "not begun")))
        self.say("Nothing has run. Predict the data after both threads have run all their lines.")

    @property
    def run(self) -> Run:
        return self._stepper.run if self._stepper else Run()

    def step(self, name: str) -> None:
        """Let thread `name` run one line."""
        stepper = self._begin()
        if name in stepper.ready:
            ran = f"Thread {name} ran: {stepper.text(name)}"
            waits = stepper.step(name) == WAITS
            self._refresh(f"Thread {name} {stepper.says(name)}, and goes on when that is free." if waits else ran)
        else:
            other = NAMES[1] if name == NAMES[0] else NAMES[0]
            waits = stepper.actors[name].state == WAITS
            hint = f" This order can't be had: run {other} first." if waits and other in stepper.ready else ""
            self._refresh(f"Thread {name} {stepper.says(name)}.{hint}")

    def again(self) -> None:
        """End the two threads; the data is what it was at first."""
        self._end()
        self.complain("")
        self.show(schedule_picture(Run(), dict.fromkeys(NAMES, "not begun")))
        self.say("Nothing has run.")
        self._enable()

    def try_every(self) -> None:
        """Run the function in each order of its lines that can be had, and list what came out."""
        self._end()
        self._ending.clear()
        self.complain("")
        self.runs, every = every_order(self.functions, self.data, stop=self._late(LIMIT))
        outcomes = Counter(run.outcome for run in self.runs)
        self.say(_words(self.runs, every, outcomes))
        rare = {outcome: n for n, (outcome, _) in enumerate(outcomes.most_common())}
        listed = sorted(self.runs, key=lambda run: (rare[run.outcome], run.order))
        self.runs = listed
        self.found.options = [f"{run.order} → {run.outcome}" for run in listed]
        self.found.disabled = not listed
        self.found.index = 0 if listed else None
        self._enable()
        self._replay()

    def _late(self, seconds: float) -> Callable[[], bool]:
        end = time.monotonic() + seconds
        return lambda: self._ending.is_set() or time.monotonic() > end

    def release(self) -> None:
        self._ending.set()
        self._end()

    def _replay(self) -> None:
        if self.runs and self.found.index is not None:
            self.show(schedule_picture(self.runs[self.found.index]))

    def _begin(self) -> Stepper:
        if self._stepper is None:
            if self.ending:
                raise RuntimeError("this lab is closed: run its cell again")
            self._stepper = Stepper(self.functions, self.data)
            self._stepper.__enter__()
        return self._stepper

    def _end(self) -> None:
        stepper, self._stepper = self._stepper, None
        if stepper is not None:
            stepper.__exit__()

    def _enable(self) -> None:
        for name, one in self.step_buttons.items():
            one.disabled = self._stepper is not None and self._stepper.actors[name].state == ENDED

    def _refresh(self, words: str) -> None:
        assert self._stepper is not None
        stepper = self._stepper
        standing = {name: stepper.text(name) if name in stepper.ready else stepper.says(name) for name in NAMES}
        self.show(schedule_picture(stepper.run, None if stepper.run.complete else standing))
        end = f" Both have ended: {stepper.run.outcome}." if stepper.run.complete else ""
        end = " Neither can go on: a deadlock. Press Start again." if stepper.run.stuck else end
        self.complain("")
        self.say(words + end)
        self._enable()


def _words(runs: list[Run], every: bool, outcomes: Counter[str]) -> str:
    """What the search found, in two or three lines."""
    head = f"{count(len(runs), 'order')} tried{'' if every else '; there are more'}"
    lengths = {(run.order.count("A"), run.order.count("B")) for run in runs}
    if every and len(lengths) == 1 and all(run.complete for run in runs):
        [(a, b)] = lengths
        thinkable = math.comb(a + b, a)
        head = f"{count(thinkable, 'order')} of {a} + {b} lines, all tried"
        if thinkable > len(runs):
            head = f"Of {thinkable} orders of {a} + {b} lines {len(runs)} can be had; a lock forbids the others"
    ends = [f"{number} of {len(runs)} end with {end}" for end, number in outcomes.most_common()]
    return f"{head}.\n{'; '.join(ends)}."


def schedule_lab(*functions: Callable[[], Any], data: Any) -> ScheduleLab:
    """A panel that steps two threads through `functions`: one for both, or one for each; the last line of a cell.

    A function has no arguments and works on `data`, a dict or a list, which is set back before each order. Locks that
    the functions use by name are respected. TypeError for functions or data that can't be stepped.
    """
    return ScheduleLab(functions, data)
