"""A pool that fetches from a slow server: its throughput predicted, measured and drawn.

Little's law: requests under way = throughput × time of an answer (J. D. C. Little, "A Proof for the Queuing
Formula L = λW", Operations Research 9, 1961). A pool keeps as many under way as it has workers, so its throughput
is workers / latency, until the server has as many at once as it can work on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from helpers.labs.panel import WIDTH
from helpers.palette import GRAY, INK, Picture, color, figure, plain

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


def pacing_picture(runs: Sequence[Pace], latency: float, going: Pace | None = None) -> Picture:
    """Requests a second over workers: Little's line for each latency in use, a dot for each of `runs`."""
    picture = figure(WIDTH, INCHES)
    axes = picture.add_axes((0.09, 0.14, 0.89, 0.78))
    plain(axes)
    shown = [*runs, *([going] if going else [])]
    lines = sorted({latency, *(run.latency for run in shown)})
    top = 1.16 * max(PLACES / min(lines), *(run.measured for run in shown), 0)
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
    if going:
        axes.plot(going.workers, going.measured or going.predicted, "o", ms=12, mfc="white", mec=INK, mew=1.6)
        _label(axes, going, f"{len(going.answers)} of {going.requests} answers", left=going.workers > MOST / 2)
    labeled = [going] if going else []
    for run in reversed(runs):  # where dots are close, the latest has the label
        if not any(abs(run.workers - o.workers) < 6 and abs(run.measured - o.measured) < top * 0.07 for o in labeled):
            labeled.append(run)
            _label(axes, run, f"{run.measured:,.0f}/s", left=run.workers > MOST - 8)
    axes.set_title("A dot is a run, a line is Little's law: throughput = workers / latency", loc="left",
                   fontsize=11, fontweight="bold", color=INK)  # fmt: skip
    axes.set_xlabel("workers in the pool", fontsize=10, color=INK)
    axes.set_ylabel("requests a second", fontsize=10, color=INK)
    dots = ", ".join(f"{run.workers} workers {run.measured:.0f}/s" for run in runs) or "none yet"
    picture.alt = f"Requests a second over workers. The line rises to {PLACES} workers, then is flat. Runs: {dots}."
    return picture


def _label(axes: Axes, run: Pace, text: str, left: bool) -> None:
    """`text` beside the run's dot, readable on top of a line."""
    label = axes.annotate(text, (run.workers, run.measured or run.predicted), (-10 if left else 10, 0),
                          textcoords="offset points", ha="right" if left else "left", va="center",
                          fontsize=10, fontweight="bold", color=INK)  # fmt: skip
    label.set_path_effects([HALO])
