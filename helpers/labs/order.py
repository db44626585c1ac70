"""The order lab: the same uneven tasks under map, as_completed and wait, and when the main thread sees each result."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack

from helpers.drawing.figure import Picture
from helpers.drawing.timeline import timeline
from helpers.labs.panel import LOOK, WIDTH, RunPanel, slider
from helpers.live.messages import Feed
from helpers.recording.data import Recording
from helpers.recording.watcher import watch


class Run:
    """The tasks run in one way: their recording, and when each result was seen (ns), in that order."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.recording = Recording()
        self.seen: dict[int, int] = {}

    def see(self, number: int) -> None:
        """The collecting thread has the result of task `number` now."""
        self.seen[number] = time.perf_counter_ns()
        self.recording.mark(f"saw {number}")

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


MIDDLE = 0.4  # seconds that a task takes where all are even
# How far each task is from the middle, in parts of the unevenness. The first is the slowest, and no two tasks end
# within 60 ms of each other at 80 % with 3 or 4 workers, so that the order of their ends is not left to chance.
PLACES = (1.0, -0.7, -0.9, -0.3, 0.1, 0.7, 0.5, -0.1, -0.5, 0.3, -0.6, 0.9)


def use_map(pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int) -> Iterator[int]:
    yield from pool.map(task, range(tasks))


def use_as_completed(pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int) -> Iterator[int]:
    futures = [pool.submit(task, number) for number in range(tasks)]
    for future in as_completed(futures):
        yield future.result()


def use_wait(pool: ThreadPoolExecutor, task: Callable[[int], int], tasks: int) -> Iterator[int]:
    pending = {pool.submit(task, number) for number in range(tasks)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


WAYS = {"map": use_map, "as_completed": use_as_completed, "wait(FIRST_COMPLETED)": use_wait}


class OrderLab(RunPanel):
    """The panel. Its controls are `tasks`, `workers` and `uneven` (percent); `runs` is the last run of each way."""

    name = "Order lab"
    about = (
        "The same tasks in three pools at once; a thread beside each pool collects the results in its own way. "
        "Choose how uneven the tasks are, press Run, and compare when each result is seen."
    )
    lines = 3

    def __init__(self) -> None:
        self.tasks = slider("tasks", 6, 2, len(PLACES))
        self.workers = slider("workers", 3, 1, 8)
        self.uneven = slider("uneven, %", 80, 0, 95, step=5)
        self.runs: list[Run] = []
        super().__init__([self.tasks, self.workers, self.uneven], alt="when each result is seen",
                         least_height=400, most_height=800)  # fmt: skip

    def still(self) -> Picture | None:
        runs = [ran for ran in self.runs if ran.recording.rows]
        ways = [ran.way for ran in runs]
        return timeline(*(ran.recording for ran in runs), title=ways, width=WIDTH) if runs else None

    def run(self) -> str:
        tasks, workers, uneven = self.tasks.value, self.workers.value, self.uneven.value
        seconds = [MIDDLE * (1 + uneven / 100 * place) for place in PLACES[:tasks]]
        length = _makespan(seconds, workers)
        start = threading.Barrier(len(WAYS), timeout=10)
        stopping = self.stopping

        def task(number: int) -> int:
            stopping.wait(seconds[number])
            return number

        def collect(pool: ThreadPoolExecutor, watching: ExitStack, ran: Run) -> None:
            with pool, watching:  # until all is seen: each watch would record the other pools' shutdown as well
                start.wait()
                for number in WAYS[ran.way](pool, task, tasks):
                    ran.see(number)

        runs, pools = [Run(way) for way in WAYS], [ThreadPoolExecutor(workers) for _ in WAYS]
        seen = lambda: self.progress(sum(len(ran.seen) for ran in runs), tasks * len(WAYS), "results seen")
        with ExitStack() as stack:
            watches = [stack.enter_context(ExitStack()) for _ in runs]
            for ran, pool, watching in zip(runs, pools, watches, strict=True):
                ran.recording = watching.enter_context(watch(pool))
            self.runs = runs
            stack.enter_context(self.following(*(Feed(ran.recording, ran.way, length) for ran in runs)))
            with ThreadPoolExecutor(len(WAYS), thread_name_prefix="collector") as collectors:
                going = [collectors.submit(collect, *each) for each in zip(pools, watches, runs, strict=True)]
                while wait(going, timeout=LOOK).not_done and not stopping.is_set():
                    seen()
        for future in going:
            future.result()
        seen()
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
