"""What watching costs: a pool bare, watched, under VizTracer and under yappi, side by side in one run.

    python tests/bench/recording_cost.py

The bounds: a no-op task at most 1.25 times the bare pool (1.15 is the aim), a 1 ms task at most 1.01 times, a
recording under 400 bytes a task, 100,000 tasks drawn in at most 1.5 times the time of a bare `broken_barh`.
Rounds of all variants alternate, and each ratio is that of two neighbors, so that a busy minute hits both alike. They
run on one core: on two, half of the rounds of a no-op lay between 0.8 and 1.6, on one between 1.15 and 1.21.
"""

import contextlib
import gc
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any

from helpers.drawing.figure import COLORS, figure
from helpers.drawing.timeline import timeline
from helpers.recording.watcher import watch

WORKERS = 4


def noop() -> None:
    pass


def a_millisecond() -> None:
    end = time.thread_time_ns() + 1_000_000
    while time.thread_time_ns() < end:
        pass


@contextlib.contextmanager
def viztracer(pool: Any) -> Any:
    from viztracer import VizTracer

    tracer = VizTracer(verbose=0, tracer_entries=2_000_000)
    tracer.start()
    try:
        yield
    finally:
        tracer.stop()
        tracer.clear()


@contextlib.contextmanager
def yappi(pool: Any) -> Any:
    import yappi

    yappi.start()
    try:
        yield
    finally:
        yappi.stop()
        yappi.clear_stats()


def seconds(look: Callable[[Any], AbstractContextManager[Any]], task: Callable[[], None], tasks: int) -> float:
    """CPU seconds of this process for `tasks` tasks submitted and collected."""
    gc.collect()
    with ThreadPoolExecutor(WORKERS) as pool, look(pool):
        start = time.process_time()
        futures = [pool.submit(task) for _ in range(tasks)]
        for future in futures:
            future.result()
        return time.process_time() - start


def compare(task: Callable[[], None], tasks: int, rounds: int, looks: dict[str, Any]) -> None:
    bare, ratios = [], {name: list[float]() for name in looks}
    for _ in range(rounds):
        for name, look in looks.items():
            before = seconds(contextlib.nullcontext, task, tasks)
            looked = seconds(look, task, tasks)
            after = seconds(contextlib.nullcontext, task, tasks)
            bare += [before, after]
            ratios[name].append(2 * looked / (before + after))
    each = statistics.median(bare) / tasks * 1e6
    print(f"{task.__name__}, {tasks} tasks, {WORKERS} workers: bare {each:.1f} µs a task")
    for name, found in ratios.items():
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"  {name:<10} {middle:6.3f} × bare   (half of the rounds from {low:.3f} to {high:.3f})")


def memory(tasks: int) -> None:
    with ThreadPoolExecutor(WORKERS) as pool, watch(pool) as run:
        tracemalloc.start()
        wait([pool.submit(noop) for _ in range(tasks)])
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    print(f"memory: {used / tasks:.0f} bytes a task ({len(run.tasks)} tasks)")


def drawing(tasks: int, rounds: int) -> None:
    with ThreadPoolExecutor(WORKERS) as pool, watch(pool) as run:
        wait([pool.submit(noop) for _ in range(tasks)])
    origin = run.tasks[0].submitted
    bars = [((task.started - origin) / 1e9, (task.finished - task.started) / 1e9) for task in run.tasks]
    ratios = []
    for _ in range(rounds):
        start = time.process_time()
        timeline(run).png()
        middle = time.process_time()
        picture = figure(10, 3)
        picture.add_subplot().broken_barh(bars, (0, 1), facecolors=COLORS)
        picture.png()
        ratios.append((middle - start) / (time.process_time() - middle))
    print(f"drawing {tasks} tasks: {statistics.median(ratios):.2f} × a bare broken_barh of as many bars")


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    compare(noop, 2000, 40, {"watch": watch, "VizTracer": viztracer, "yappi": yappi})
    compare(a_millisecond, 100, 10, {"watch": watch})
    memory(20_000)
    drawing(100_000, 3)
