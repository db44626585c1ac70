"""The pool lab: a ThreadPoolExecutor of a chosen size at work, its timeline and its queue growing as it runs."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from helpers._common import count
from helpers.drawing.figure import Picture
from helpers.drawing.timeline import queue_depth, timeline
from helpers.labs.panel import WIDTH, RunPanel, choice, slider
from helpers.live.messages import Feed
from helpers.machine import gil_enabled
from helpers.recording.data import Recording
from helpers.recording.watcher import watch
from helpers.tasks import python_task

WAITING, COMPUTING, MIX = KINDS = ("waiting", "computing in Python", "half and half")
FIRST = (6, 2, 100, WAITING)  # the run that the lab opens with: tasks, workers, ms, kind
SLICE = 5  # milliseconds of computing between two looks at Stop


class PoolLab(RunPanel):
    """The panel. Its controls: `tasks`, `workers`, `work` (ms a task) and `kind`. `recording` is the last run."""

    name = "Pool lab"
    about = "Choose how many tasks, how many workers and what a task does, then press Run."

    def __init__(self) -> None:
        self.tasks = slider("tasks", 20, 1, 64)
        self.workers = slider("workers", 4, 1, 16)
        self.work = slider("ms per task", 300, 20, 1000, step=20)
        self.kind = choice("a task is", KINDS)
        self.recording = Recording()
        self._title = ""
        super().__init__([self.tasks, self.workers, self.work, self.kind], alt="the timeline of the pool and its queue",
                         least_height=360)  # fmt: skip

    def run(self) -> str:
        return self._run(self.tasks.value, self.workers.value, self.work.value, self.kind.value)

    def first(self) -> str:
        return "A first run. " + self._run(*FIRST)

    def still(self) -> Picture | None:
        return timeline(self.recording, title=self._title, width=WIDTH) if self.recording.rows else None

    def _run(self, tasks: int, workers: int, work: int, kind: str) -> str:
        self._title = f"{count(tasks, 'task')} on {count(workers, 'worker')}, {work} ms each, {kind}"
        cut, ended = threading.Event(), []  # cut: tasks end now
        python_task(0)  # measures this computer's speed, once

        def task(number: int) -> int:
            if _work(work, kind, cut):
                ended.append(number)
            return number

        rounds = -(-tasks // workers) * work / 1000
        seconds = rounds if kind == WAITING or not gil_enabled() else max(rounds, tasks * _computes(work, kind) / 1000)
        futures: list[Future[int]] = []
        with ThreadPoolExecutor(workers) as pool, watch(pool) as recording:
            self.recording = recording
            with self.following(Feed(recording, self._title, seconds)):
                try:
                    futures += [pool.submit(task, number) for number in range(tasks)]
                    self.until_done(futures)
                finally:
                    for future in reversed(futures):  # after a run that ended this changes nothing
                        future.cancel()
                    cut.set()
                    pool.shutdown()
        self.progress(len(ended), tasks)
        return _summary(self.recording, workers, len(ended), tasks * work / 1000)


def _computes(milliseconds: int, kind: str) -> float:
    """How much of a task's work is computing."""
    return {WAITING: 0, MIX: milliseconds / 2, COMPUTING: milliseconds}[kind]


def _work(milliseconds: int, kind: str, cut: threading.Event) -> bool:
    """One task's work, waiting first; False if it was cut short."""
    left = _computes(milliseconds, kind)
    cut.wait((milliseconds - left) / 1000)
    while left > 0 and not cut.is_set():
        python_task(min(left, SLICE))
        left -= SLICE
    return not cut.is_set()


def _summary(run: Recording, workers: int, ended: int, alone: float) -> str:
    tasks = len(run.tasks)
    deepest = max((int(depth) for depth in queue_depth(run)[1]), default=0)
    waited = max((task.queue_wait or 0.0 for task in run.tasks), default=0.0)
    if ended == tasks:
        parts = [f"{len(run.workers)} of {workers} workers ran {count(tasks, 'task')} in {run.wall:.2f} s; "
                 f"one after another they take about {alone:.2f} s."]  # fmt: skip
    else:
        cancelled = run.count("cancelled")
        parts = [f"Stopped after {run.wall:.2f} s: {count(ended, 'task')} ended, "
                 f"{tasks - ended - cancelled} cut short, {cancelled} cancelled in the queue."]  # fmt: skip
    parts += [f"At most {run.peak_in_flight} in flight, {run.concurrency:.1f} on average.",
              f"Queue: {deepest} deep at its fullest, longest wait {waited:.2f} s."]  # fmt: skip
    return " ".join(parts)


def pool_lab() -> PoolLab:
    """A panel with a thread pool to size and to load; the value of a cell's last line."""
    return PoolLab()
