"""Lesson 08's lab: how many requests a second a pool gets from a slow server, predicted and measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

import ipywidgets as widgets
from matplotlib.patheffects import withStroke

from helpers._common import count
from helpers.drawing.figure import GRAY, INK, Picture, color, figure, plain
from helpers.labs.panel import WIDTH, RunPanel, row, slider, stepped
from helpers.live.messages import Feed
from helpers.processes.slow_http import slow_server
from helpers.recording.watcher import watch

MOST = 64  # workers
PLACES = 32  # requests that the server works on at once
LATENCIES = (0.05, 0.02, 0.1, 0.2)  # seconds; each has its color
INCHES = 4.2  # the picture's height
HALO = withStroke(linewidth=3, foreground="white")


@dataclass
class Pace:
    """One run: what was chosen, and what has been measured so far."""

    workers: int
    latency: float  # seconds
    requests: int
    answers: list[tuple[float, float]] = field(default_factory=list)  # sent and answered, perf_counter seconds
    peak: int = 0  # the most requests inside the server at once, by its own report

    @property
    def predicted(self) -> float:
        """Requests a second, by Little's law."""
        return min(self.workers, PLACES) / self.latency

    @property
    def measured(self) -> float:
        """Answers a second, from the first request to the last answer; 0.0 before the first answer."""
        answers = list(self.answers)
        if not answers:
            return 0.0
        return len(answers) / (max(end for _, end in answers) - min(start for start, _ in answers))

    @property
    def took(self) -> float:
        """Seconds that an answer took, on average; 0.0 before the first."""
        answers = list(self.answers)
        return sum(end - start for start, end in answers) / len(answers) if answers else 0.0

    @property
    def enough(self) -> bool:
        """Whether it measured something: it is complete, or each worker has had two answers on average."""
        return len(self.answers) >= min(self.requests, 2 * self.workers)


class Client:
    """Fetches over one kept-alive connection a thread, as HTTP clients do."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.mine = threading.local()
        self.connections: list[HTTPConnection] = []

    def fetch(self, url: str) -> None:
        parts = urlsplit(url)
        if not hasattr(self.mine, "connection"):
            self.mine.connection = HTTPConnection(parts.netloc, timeout=30)
            self.connections.append(self.mine.connection)
        start = time.perf_counter()
        self.mine.connection.request("GET", parts.path)
        answer = self.mine.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
        self.pace.answers.append((start, time.perf_counter()))

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


def pacing_picture(runs: Sequence[Pace], latency: float) -> Picture:
    """Requests a second over workers: Little's line for each latency in use, a dot for each of `runs`."""
    picture = figure(WIDTH, INCHES)
    axes = picture.add_axes((0.09, 0.14, 0.89, 0.78))
    plain(axes)
    lines = sorted({latency, *(run.latency for run in runs)})
    top = 1.16 * max([PLACES / min(lines), *(run.measured for run in runs)])
    axes.set(xlim=(0, MOST + 1), ylim=(0, top), xticks=[1, *range(8, MOST + 1, 8)])
    axes.grid(axis="y", color="#EEEEEE")
    for seconds in lines:
        ink = color(LATENCIES.index(seconds))
        most = PLACES / seconds
        axes.plot([0, PLACES, MOST + 1], [0, most, most], color=ink, lw=1.6)
        text = f"predicted for {seconds * 1000:.0f} ms: {most:,.0f}/s at most"
        axes.text(54, most + top * 0.03, text, ha="right", va="bottom", fontsize=10, color=INK, path_effects=[HALO])
    axes.axvline(PLACES, color=GRAY, lw=0.8, ls=(0, (2, 3)))
    axes.text(PLACES + 0.5, top * 0.02, f"the server works on {PLACES} at once", fontsize=9.5, color=INK)
    for run in runs:
        axes.plot(run.workers, run.measured, "o", ms=8, color=color(LATENCIES.index(run.latency)), mec=INK, mew=0.8)
    labeled: list[Pace] = []
    for run in reversed(runs):  # where dots are close, the latest has the label
        if not any(abs(run.workers - o.workers) < 6 and abs(run.measured - o.measured) < top * 0.07 for o in labeled):
            labeled.append(run)
            left = run.workers > MOST - 8
            axes.annotate(f"{run.measured:,.0f}/s", (run.workers, run.measured), (-10 if left else 10, 0),
                          textcoords="offset points", ha="right" if left else "left", va="center", fontsize=10,
                          fontweight="bold", color=INK, path_effects=[HALO])  # fmt: skip
    axes.set_title("A dot is a run, a line is Little's law: throughput = workers / latency", loc="left",
                   fontsize=11, fontweight="bold", color=INK)  # fmt: skip
    axes.set_xlabel("workers in the pool", fontsize=10, color=INK)
    axes.set_ylabel("requests a second", fontsize=10, color=INK)
    dots = ", ".join(f"{run.workers} workers {run.measured:.0f}/s" for run in runs) or "none yet"
    picture.alt = f"Requests a second over workers. The line rises to {PLACES} workers, then is flat. Runs: {dots}."
    return picture


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
        super().__init__([*controls, row(self.prediction)], alt="requests a second over workers",
                         least_height=200, most_height=330)  # fmt: skip
        place = self.box.children.index(self.timeline)
        self.box.children = (*self.box.children[:place], self.image, *self.box.children[place:])
        self._predict()
        self.show(pacing_picture([], self.latency.value))

    def run(self) -> str:
        return self._run(Pace(self.workers.value, self.latency.value, self.requests.value))

    def first(self) -> str:
        return "A first run. " + self._run(Pace(8, 0.05, 64))

    def still(self) -> Picture | None:
        return pacing_picture(self.runs, self.latency.value)

    def _run(self, pace: Pace) -> str:
        client = Client(pace)
        title = f"{pace.requests} requests on {count(pace.workers, 'worker')}"
        with slow_server(latency=pace.latency, slots=PLACES) as server:
            try:
                pool = ThreadPoolExecutor(pace.workers, thread_name_prefix="fetch")
                with pool, watch(pool) as recording, self.following(Feed(recording, title)):
                    futures = [pool.submit(client.fetch, server.page(n)) for n in range(pace.requests)]
                    self.until_done(futures, "answers")
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
