"""Lesson 12's lab: slow calls made beside an event loop in four ways, and for how long the loop was silent."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import ipywidgets as widgets

from helpers._common import at_once, count
from helpers.drawing.figure import Picture
from helpers.drawing.timeline import timeline
from helpers.labs.panel import LOOK, TEXT, WIDTH, RunPanel, choice, slider
from helpers.live.messages import Feed
from helpers.processes.slow_http import slow_server
from helpers.recording.data import Recording
from helpers.recording.watcher import watch

MOST = 40  # calls
BEAT = 0.05  # seconds between two beats of the loop's heart
LATENCY = 0.2  # seconds that the server takes for a page: four beats
ON_LOOP, TO_THREAD, OWN_POOL, ROOM = WAYS = ("in the loop", "to_thread", "a pool of k", "to_thread, a room of k")
CODE = {
    ON_LOOP: "fetch(url)",
    TO_THREAD: "await asyncio.to_thread(fetch, url)",
    OWN_POOL: "await loop.run_in_executor(ThreadPoolExecutor(k), fetch, url)",
    ROOM: "async with asyncio.Semaphore(k): await asyncio.to_thread(fetch, url)",
}
_NAMES = {TO_THREAD: "asyncio", OWN_POOL: "pool", ROOM: "asyncio"}  # of the threads; the loop's own pool has this one
FIRST = (2, ON_LOOP, 4)  # the run that the lab opens with: calls, way, k


class OnTheSpot(Executor):
    """Runs each task in submit(), on the caller's thread, as a plain call does; so that it has a bar in the picture."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class LoopLab(RunPanel):
    """The panel. Its controls: `calls`, `way` and `k`, the size of the pool or room. `recording` is the last run."""

    name = "Event loop lab"
    about = (
        f"A loop's heart beats every {BEAT * 1000:.0f} ms. Beside it, pages are fetched that take {LATENCY:g} s each. "
        "Choose how many, and how they are called. Guess the longest silence, and press Run."
    )

    def __init__(self) -> None:
        self.calls = slider("calls", 8, 1, MOST)
        self.way = choice("called", WAYS)
        self.k = slider("k", 4, 1, MOST)
        self.code = widgets.HTML(layout=widgets.Layout(width="100%"))
        self.recording = Recording()
        self._title = ""
        controls = [self.calls, self.k, self.way, self.code]
        super().__init__(controls, alt="the loop's heart and the workers beside it", least_height=150)
        self.way.observe(self._chosen, "value")
        self._chosen()

    def run(self) -> str:
        return self._run(self.calls.value, self.way.value, self.k.value)

    def first(self) -> str:
        return "A first run. " + self._run(*FIRST)

    def still(self) -> Picture | None:
        return timeline(self.recording, title=self._title, width=WIDTH) if self.recording.rows else None

    def _chosen(self, _change: object = None) -> None:
        self.k.disabled = self.way.value not in (OWN_POOL, ROOM)
        self.code.value = f"<div style='{TEXT}'>Each call is <code>{CODE[self.way.value]}</code></div>"

    def _run(self, calls: int, way: str, k: int) -> str:
        how = way.replace(" k", f" {k}")
        self._title = f"{count(calls, 'call')}, {how}"
        answered: list[bytes] = []

        def fetch(url: str) -> None:
            with urllib.request.urlopen(url, timeout=30) as answer:
                answered.append(answer.read())

        pool = OnTheSpot() if way == ON_LOOP else ThreadPoolExecutor(k if way == OWN_POOL else None, _NAMES[way])
        with slow_server(latency=LATENCY) as server, pool, ThreadPoolExecutor(1, "loop") as alone, ExitStack() as stack:
            self.recording = recording = stack.enter_context(watch(pool))
            with self.following(Feed(recording, self._title)):
                urls = [server.page(n) for n in range(calls)]
                looping = alone.submit(asyncio.run, self._beside(stack, pool, way, k, fetch, urls))
                while wait([looping], timeout=LOOK).not_done:  # at Stop too: the loop sees it at its next beat
                    self.progress(len(answered), calls, "answers")
        self.progress(len(answered), calls, "answers")
        looping.result()
        return _summary(recording, how, len(answered), calls)

    async def _beside(
        self, watching: ExitStack, pool: Executor, way: str, k: int, fetch: Callable[[str], None], urls: list[str]
    ) -> None:
        """The calls and the heart, on the loop of this thread. `watching` ends with it: what asyncio.run() does to end
        the pool is not what the picture is about.
        """
        loop, stopping = asyncio.get_running_loop(), self.stopping
        room = asyncio.Semaphore(k if way == ROOM else MOST)  # MOST: there is room for all
        if isinstance(pool, ThreadPoolExecutor):
            loop.set_default_executor(pool)  # the one that is watched, of the size that the loop's own has

        async def call(url: str) -> None:
            async with room:
                if stopping.is_set():
                    return
                if way == ON_LOOP:
                    pool.submit(fetch, url).result()
                elif way == OWN_POOL:
                    await loop.run_in_executor(pool, fetch, url)
                else:
                    await asyncio.to_thread(fetch, url)

        async def beat() -> None:
            while True:
                self.recording.mark("♥")
                for task in tasks if stopping.is_set() else ():
                    task.cancel()
                await asyncio.sleep(BEAT)

        with watching:
            heart = asyncio.create_task(beat())
            tasks = [asyncio.create_task(call(url)) for url in urls]
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0 if stopping.is_set() else 2 * BEAT)  # the next beats, to be seen after a silence
            heart.cancel()
        for end in ends:
            if isinstance(end, Exception):  # a task that Stop cancelled ends with a BaseException
                raise end


def silence(recording: Recording) -> float:
    """Seconds of the longest time between two beats."""
    beats = [mark.time for mark in recording.marks]
    return max((after - before for before, after in pairwise(beats)), default=0) / 1e9


def _summary(run: Recording, how: str, answered: int, calls: int) -> str:
    stopped = "" if answered == calls else f"Stopped after {answered} of {count(calls, 'call')}. "
    tasks = run.tasks
    threads = len(set(run.workers) - {mark.thread for mark in run.marks})
    handed = max((n for _, n in at_once((t.submitted for t in tasks), (t.finished for t in tasks))), default=0)
    return (
        f"{stopped}{count(calls, 'call')}, {how}: {run.wall:.2f} s. "
        f"The loop's longest silence: {silence(run) * 1000:.0f} ms; a beat is due every {BEAT * 1000:.0f} ms.\n"
        f"Threads beside the loop's own: {threads}. Calls handed over and not done: at most {handed}; "
        f"under way: at most {run.peak_in_flight}."
    )


def loop_lab() -> LoopLab:
    """A panel that makes slow calls beside an event loop; the value of a cell's last line."""
    return LoopLab()
