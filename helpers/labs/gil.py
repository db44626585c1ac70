"""The GIL lab: threads, switch interval and kind of work, and who ran when."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from helpers.drawing.figure import Picture
from helpers.drawing.gil import gil_histogram, gil_picture
from helpers.gil.measure import gil_trace
from helpers.gil.trace import GilTrace
from helpers.gil.words import explain, headline
from helpers.labs.panel import WIDTH, RunPanel, TippedImage, choice, slider, stepped
from helpers.live.messages import GilFeed
from helpers.tasks import compress_piece, hash_piece, python_piece, sleep_piece

# The works of the threads, in turn.
KINDS: dict[str, tuple[Callable[[], None], ...]] = {
    "pure Python": (python_piece,),
    "hashing in C": (hash_piece,),
    "compressing in C": (compress_piece,),
    "sleeping": (sleep_piece,),
    "Python and hashing": (python_piece, hash_piece),
}
INTERVALS = (1, 2, 5, 10, 20, 50)  # ms
MOST_THREADS = 8


class GilLab(RunPanel):
    """The panel. Its controls are `threads`, `interval` (ms) and `kind`; `trace` is the last run's GilTrace."""

    name = "GIL lab"
    about = (
        "Choose threads, a switch interval and a kind of work. Guess how long a thread runs at a stretch, press Run."
    )

    def __init__(self) -> None:
        self.threads = slider("threads", 2, 1, MOST_THREADS)
        self.interval = stepped("switch interval", [(f"{ms} ms", ms) for ms in INTERVALS], 5)
        self.kind = choice("work", list(KINDS))
        self.trace: GilTrace | None = None
        self._title = ""
        self.histogram = TippedImage(layout=widgets.Layout(width="100%", max_width="900px", display="none"))
        controls = [self.threads, self.interval, self.kind]
        super().__init__(controls, alt="who ran when", below=[self.histogram], least_height=200)

    def still(self) -> Picture | None:
        return None if self.trace is None else gil_picture(self.trace, self._title, width=WIDTH)

    def run(self) -> str:
        threads, interval, pieces = self.threads.value, self.interval.value / 1000, KINDS[self.kind.value]
        self.progress(0, 1, "traces taken")
        works = [pieces[i % len(pieces)] for i in range(threads)]
        trace = gil_trace(works, seconds=max(0.2, 4 * threads * interval), switch_interval=interval)
        self.progress(1, 1, "traces taken")
        holds = gil_histogram(trace, width=WIDTH)
        self.trace = trace
        self._title = self.kind.value
        self.timeline.show(GilFeed(trace, self._title))  # afterwards: stamping must not be disturbed
        self.histogram.value, self.histogram.tooltip = holds.png(), holds.alt
        self.histogram.layout.display = None
        text = headline(trace)
        return f"{text[0].upper()}{text[1:]}.\n{explain(trace)}"


def gil_lab() -> GilLab:
    """A panel that traces who ran when; the value of a cell's last line."""
    return GilLab()
