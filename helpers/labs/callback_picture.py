"""What happened in the callback lab, step by step: a lane for each thread, a line from adding to running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from helpers.labs.panel import WIDTH
from helpers.palette import COLORS, GRAY, INK, LINE, Picture, figure, ink_on

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
    picture = figure(WIDTH, INCHES, alt="Callbacks and their threads: " + ("; ".join(runs) or "none has run") + ".")
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, INCHES)
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
