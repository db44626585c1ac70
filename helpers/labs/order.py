"""The order lab: the same uneven tasks under map, as_completed and wait, and when the main thread sees each result."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait

from matplotlib.axes import Axes

from helpers.drawing.figure import GRAY, INK, Picture, color, figure, ink_on, plain
from helpers.labs.panel import WIDTH, RunPanel, slider
from helpers.recording.data import Recording
from helpers.recording.watcher import watch

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


MIDDLE = 0.4  # seconds that a task takes where all are even
# How far each task is from the middle, in parts of the unevenness. The first is the slowest, and no two tasks end
# within 60 ms of each other at 80 % with 3 or 4 workers, so that the order of their ends is not left to chance.
PLACES = (1.0, -0.7, -0.9, -0.3, 0.1, 0.7, 0.5, -0.1, -0.5, 0.3, -0.6, 0.9)


def use_map(pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int, see: Callable[[int], None]) -> None:
    for number in pool.map(task, range(tasks)):
        see(number)


def use_as_completed(
    pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int, see: Callable[[int], None]
) -> None:
    futures = [pool.submit(task, number) for number in range(tasks)]
    for future in as_completed(futures):
        see(future.result())


def use_wait(pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int, see: Callable[[int], None]) -> None:
    pending = {pool.submit(task, number) for number in range(tasks)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            see(future.result())


WAYS = {"map": use_map, "as_completed": use_as_completed, "wait(FIRST_COMPLETED)": use_wait}


class OrderLab(RunPanel):
    """The panel. Its controls are `tasks`, `workers` and `uneven` (percent); `runs` is the last run of each way."""

    name = "Order lab"
    about = (
        "The same tasks in three pools at once; a thread beside each pool collects the results in its own way. "
        "Choose how uneven the tasks are, press Run, and compare when each result is seen."
    )
    inches, lines = INCHES, 3

    def __init__(self) -> None:
        self.tasks = slider("tasks", 6, 2, len(PLACES))
        self.workers = slider("workers", 3, 1, 8)
        self.uneven = slider("uneven, %", 80, 0, 95, step=5)
        self.runs: list[Run] = []
        super().__init__([self.tasks, self.workers, self.uneven], alt="when each result is seen")

    def run(self) -> str:
        tasks, workers, uneven = self.tasks.value, self.workers.value, self.uneven.value
        seconds = [MIDDLE * (1 + uneven / 100 * place) for place in PLACES[:tasks]]
        length = _makespan(seconds, workers)
        start = threading.Barrier(len(WAYS), timeout=10)
        stopping = self.stopping

        def task(number: int) -> int:
            stopping.wait(seconds[number])
            return number

        def collect(way: str, ran: Run) -> None:
            with ThreadPoolExecutor(workers) as pool, watch(pool) as ran.recording:
                start.wait()
                WAYS[way](pool, task, tasks, ran.see)

        self.runs = [Run(way, tasks) for way in WAYS]
        draw = lambda now: order_picture(self.runs, length, now)
        with ThreadPoolExecutor(len(WAYS), thread_name_prefix="collector") as collectors:
            going = [collectors.submit(collect, ran.way, ran) for ran in self.runs]
            try:
                self.live(lambda: not all(f.done() for f in going), lambda: draw(time.perf_counter_ns()))
            finally:
                if not all(f.done() for f in going):
                    stopping.set()
        for future in going:
            future.result()
        self.progress(sum(len(ran.seen) for ran in self.runs), tasks * len(WAYS), "results seen")
        self.show(draw(None))
        return _summary(self.runs, stopping.is_set())


def _makespan(seconds: list[float], workers: int) -> float:
    """How long tasks of these lengths take when a free worker takes the next."""
    free = [0.0] * workers
    for task in seconds:
        heapq.heapreplace(free, free[0] + task)
    return max(free)


def _summary(runs: list[Run], stopped: bool) -> str:
    parts = ["Stopped: the tasks ended early, so compare no times."] if stopped else []
    for ran in runs:
        parts.append(f"{ran.way.split('(')[0]}: first result seen at {ran.first:.2f} s, last at {ran.last:.2f} s, "
                     f"ready but unseen for {ran.unseen:.2f} s in all.")  # fmt: skip
    return "\n".join(parts)


def order_lab() -> OrderLab:
    """A panel that compares map, as_completed and wait; the value of a cell's last line."""
    return OrderLab()
