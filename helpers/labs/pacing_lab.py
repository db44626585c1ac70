"""Lesson 08's lab: how many requests a second a pool gets from a slow server, predicted and measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import ipywidgets as widgets

from helpers.labs.controls import row, slider, stepped
from helpers.labs.pacing import INCHES, LATENCIES, MOST, PLACES, Client, Pace, pacing_picture
from helpers.labs.run_panel import RunPanel
from helpers.slow_server import slow_server
from helpers.wording import count

REDRAW = 0.5  # seconds: drawing holds the GIL, which the workers need too


class PacingLab(RunPanel):
    """The lab; `runs` are the finished ones, in order."""

    name = "Pacing lab"
    about = "Choose a pool and a latency. Read the prediction, press Run, and compare. Each run adds a dot."
    inches = INCHES

    def __init__(self) -> None:
        self.runs: list[Pace] = []
        self.workers = slider("workers", 8, 1, MOST)
        self.requests = slider("requests", 256, 64, 1024, 64)
        latencies = [(f"{seconds * 1000:.0f} ms", seconds) for seconds in sorted(LATENCIES)]
        self.latency = stepped("latency", latencies, 0.05)
        self.prediction = widgets.HTML()
        controls = [self.workers, self.latency, self.requests]
        for control in controls:
            control.observe(self._predict, "value")
        super().__init__([*controls, row(self.prediction)], alt="requests a second over workers")
        self._predict()
        self.show(pacing_picture([], self.latency.value))

    def run(self) -> str:
        pace = Pace(self.workers.value, self.latency.value, self.requests.value)
        client = Client(pace)
        self.progress(0, pace.requests, "answers")
        self.show(pacing_picture(self.runs, pace.latency, pace), dpi=100)
        with slow_server(latency=pace.latency, slots=PLACES) as server:
            try:
                with ThreadPoolExecutor(pace.workers, thread_name_prefix="fetch") as pool:
                    futures = [pool.submit(client.fetch, server.page(n)) for n in range(pace.requests)]
                    self._follow(pace, futures)
                    pool.shutdown(cancel_futures=True)
            finally:
                client.close()
            pace.peak = server.seen().peak
        for future in futures:
            if not future.cancelled():
                future.result()
        self.progress(len(pace.answers), pace.requests, "answers")
        if pace.enough:
            self.runs.append(pace)
        self.show(pacing_picture(self.runs, pace.latency))
        return _summary(pace)

    def _follow(self, pace: Pace, futures: Sequence[Future[None]]) -> None:
        """Show how far the run is, until it ends or is to stop."""
        drawn = time.perf_counter()
        pending = set(futures)
        while pending and not self.stopping.is_set():
            pending = wait(pending, timeout=0.1).not_done
            self.progress(len(pace.answers), pace.requests, "answers")
            if time.perf_counter() - drawn > REDRAW:
                self.show(pacing_picture(self.runs, pace.latency, pace), dpi=100)
                drawn = time.perf_counter()

    def _predict(self, _change: object = None) -> None:
        pace = Pace(self.workers.value, self.latency.value, self.requests.value)
        under_way = count(pace.workers, "worker") if pace.workers <= PLACES else f"the server's {PLACES} places"
        self.prediction.value = (
            f"Predicted: {under_way} / {pace.latency:g} s = <b>{pace.predicted:,.0f} requests/s</b>, "
            f"so {pace.requests} requests take {pace.requests / pace.predicted:.1f} s."
        )


def _summary(pace: Pace) -> str:
    done = len(pace.answers)
    if not done:
        return "Stopped before the first answer."
    stopped = "" if done == pace.requests else f"Stopped after {done} of {pace.requests} requests. "
    share = 100 * pace.measured / pace.predicted
    words = (
        f"{stopped}{count(pace.workers, 'worker')}, {pace.latency * 1000:.0f} ms: "
        f"predicted {pace.predicted:,.0f} requests/s, measured {pace.measured:,.0f} ({share:.0f} %). "
        f"An answer took {pace.took * 1000:.0f} ms, and "
        f"{pace.measured:,.0f}/s × {pace.took * 1000:.0f} ms = {pace.measured * pace.took:.1f} under way at once; "
        f"the server saw at most {pace.peak}."
    )
    if pace.workers > PLACES:
        waited = max(0.0, pace.took - pace.latency) * 1000
        words += f" It works on {PLACES} at once, so an answer waited {waited:.0f} ms in its line."
    return words


def pacing_lab() -> PacingLab:
    """The pacing lab, to be a cell's last value: sliders for workers, latency and requests, Run, Stop, a picture."""
    return PacingLab()
