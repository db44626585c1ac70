"""The picture of the order lab: a column for each way to collect, a row for each task."""

from __future__ import annotations

import time
from collections.abc import Sequence

from matplotlib.axes import Axes

from helpers.labs.panel import WIDTH
from helpers.palette import GRAY, INK, Picture, color, figure, ink_on, plain
from helpers.recording import Recording

INCHES = 4.4


class Run:
    """The tasks run in one way: their recording, and when each result was seen (ns), in that order."""

    def __init__(self, way: str, tasks: int) -> None:
        self.way, self.tasks = way, tasks
        self.recording = Recording()
        self.seen: dict[int, int] = {}

    def see(self, number: int) -> None:
        """The collecting thread has the result of task `number` now."""
        self.seen[number] = time.perf_counter_ns()

    @property
    def origin(self) -> int:
        """The first submit, ns; 0 before it."""
        span = self.recording.span
        return 0 if span is None else span[0]

    @property
    def first(self) -> float:
        """Seconds from the first submit to the first result seen."""
        return (min(self.seen.values()) - self.origin) / 1e9

    @property
    def last(self) -> float:
        return (max(self.seen.values()) - self.origin) / 1e9

    @property
    def unseen(self) -> float:
        """Seconds that results were ready and not seen, summed over the tasks."""
        tasks = self.recording.tasks
        return sum(max(0, at - (tasks[n].finished or at)) for n, at in self.seen.items()) / 1e9


def order_picture(runs: Sequence[Run], length: float, now: int | None = None) -> Picture:
    """Draw `runs` side by side over `length` seconds at least; unfinished tasks are drawn up to `now` (ns)."""
    tasks = runs[0].tasks
    orders = "; ".join(f"{run.way}: results seen in the order {' '.join(map(str, run.seen))}" for run in runs)
    picture = figure(WIDTH, INCHES, alt=f"{tasks} tasks collected in three ways. {orders}.")
    length = max([length] + [run.last * 1.02 for run in runs if run.seen])
    left, gap = 0.66, 0.16
    wide = (WIDTH - left - 0.1 - gap * (len(runs) - 1)) / len(runs)
    for i, run in enumerate(runs):
        place = ((left + i * (wide + gap)) / WIDTH, 1.0 / INCHES, wide / WIDTH, (INCHES - 1.42) / INCHES)
        axes = picture.add_axes(place)
        plain(axes)
        axes.set_xlim(-0.02 * length, 1.24 * length)  # room for the number beside the last sign
        axes.set_ylim(tasks - 0.4, -0.6)
        axes.set_yticks(range(tasks), [f"task {n}" for n in range(tasks)] if i == 0 else [""] * tasks)
        axes.tick_params(labelsize=10)
        axes.set_title(run.way, loc="left", fontsize=10.5, fontweight="bold", color=INK)
        axes.set_xlabel("seconds", fontsize=10, color=INK)
        _rows(axes, run, now)
    _signs(picture)
    return picture


def _rows(axes: Axes, run: Run, now: int | None) -> None:
    """Queued: a thin line. Running: a bar. Ready and not yet seen: hatched. Seen: a diamond with its place."""
    places = {number: place for place, number in enumerate(list(run.seen), start=1)}
    at = lambda stamp: (stamp - run.origin) / 1e9
    for task in run.recording.tasks:
        n, end = task.index, now or task.finished or task.submitted
        start, finished, seen = task.started or end, task.finished or end, run.seen.get(task.index) or end
        axes.plot([at(task.submitted), at(start)], [n, n], color=GRAY, lw=1.2, zorder=1)
        axes.barh(n, at(finished) - at(start), left=at(start), height=0.62, color=color(n), zorder=2)
        if at(finished) - at(start) > (0.06 + 0.05 * len(str(n))) * axes.get_xlim()[1]:  # there is room
            axes.annotate(str(n), (at(start), n), (4, 0), textcoords="offset points", va="center", fontsize=10,
                          fontweight="bold", color=ink_on(color(n)), zorder=3)  # fmt: skip
        if task.finished and seen > finished:
            axes.barh(n, at(seen) - at(finished), left=at(finished), height=0.62, facecolor="white", edgecolor=GRAY,
                      hatch="////", lw=0.6, zorder=2)  # fmt: skip
        if n in places:
            axes.plot(at(seen), n, "D", color=INK, ms=7, mec="white", mew=0.8, zorder=4)
            axes.annotate(_ordinal(places[n]), (at(seen), n), (6, 0), textcoords="offset points", va="center",
                          fontsize=10, fontweight="bold", color=INK, zorder=4,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8})  # fmt: skip


def _ordinal(place: int) -> str:
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }"


def _signs(picture: Picture) -> None:
    """What each sign means, in one line under the columns."""
    axes = picture.add_axes((0, 0, 1, 0.44 / INCHES))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, 0.44)
    axes.plot([0.2, 0.55], [0.22, 0.22], color=GRAY, lw=1.2)
    axes.text(0.63, 0.22, "in the queue", va="center", fontsize=10, color=INK)
    axes.broken_barh([(1.7, 0.3)], (0.13, 0.18), facecolor=color(0))
    axes.text(2.08, 0.22, "runs", va="center", fontsize=10, color=INK)
    axes.broken_barh([(2.65, 0.3)], (0.13, 0.18), facecolor="white", edgecolor=GRAY, hatch="////", lw=0.6)
    axes.text(3.03, 0.22, "result ready, not yet seen", va="center", fontsize=10, color=INK)
    axes.plot([5.15], [0.22], "D", color=INK, ms=7)
    axes.text(5.28, 0.22, "seen by the collecting thread", va="center", fontsize=10, color=INK)
