"""The frame of a lab that runs something for a while: Run, Stop, progress, and a thread of the lab's own.

A click returns at once and the kernel stays free, so other cells and panels work meanwhile. A lab is a subclass:

    class PoolLab(RunPanel):
        name, about = "Pool lab", "Choose a pool and its work, then press Run."
        def __init__(self):
            self.workers = slider("workers", 4, 1, 16)
            super().__init__([self.workers], alt="the timeline of a run")
        def run(self):                      # in the lab's thread; what it returns is the summary
            workers, stopping = self.workers.value, self.stopping
            ...self.progress(3, 40), self.live(going, draw), self.show(picture)...
            return "40 tasks on 4 workers took 2.0 s."

Tests drive it without a browser: `lab.workers.value = 2; lab.run_once(timeout=30)`, or `lab.run_button.click()`
and `lab.wait(30)`; then `lab.words`, `lab.error`, `lab.image.value`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from helpers.checks import number
from helpers.labs.controls import button, row
from helpers.labs.panel import WIDTH, Panel
from helpers.palette import INK, Picture, figure

CLOSING = 10.0  # seconds that close() gives a run to end


class RunPanel(Panel):
    """The frame of a lab that runs something for a while. A subclass defines `run`."""

    def __init__(self, controls: Sequence[widgets.Widget], alt: str) -> None:
        self.stopping = threading.Event()  # set: the run is to end soon. Each run has one of its own
        self.running = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        narrow = widgets.Layout(width="100px")
        self.run_button = button("Run", "play", "Start a run", button_style="primary", layout=narrow)
        self.stop_button = button("Stop", "stop", "End the run early", disabled=True, layout=narrow)
        self._bar = widgets.IntProgress(layout=widgets.Layout(width="150px"))
        self._count = widgets.Label()
        self.run_button.on_click(self.answer(self.start))
        self.stop_button.on_click(lambda _: self.stop())
        super().__init__([row(*controls), row(self.run_button, self.stop_button, self._bar, self._count)], alt)
        blank = figure(WIDTH, self.inches, alt=alt)
        blank.text(0.5, 0.5, f"Press Run to see {alt}", ha="center", va="center", fontsize=13, color=INK)
        self.show(blank)

    def run(self) -> str:
        """One run, in the lab's thread, ended soon after `stopping` is set; returns the summary in words."""
        raise NotImplementedError

    def progress(self, done: int, of: int, what: str = "tasks done") -> None:
        """Show that `done` of `of` are done."""
        self._bar.max, self._bar.value, self._count.value = max(of, 1), done, f"{done} of {of} {what}"

    def live(self, going: Callable[[], bool], draw: Callable[[], Picture], rest: float = 0.5, dpi: int = 90) -> None:
        """Draw again and again while `going()` and no Stop, at most 8 times a second.

        After a picture that took t seconds it rests at least `rest` * t: drawing holds the GIL, which tasks may need.
        """
        pause = 0.05
        while going() and not self.stopping.wait(pause):
            start = time.perf_counter()
            self.show(draw(), dpi)
            took = time.perf_counter() - start
            pause = max(0.125 - took, rest * took)

    def start(self) -> bool:
        """Begin a run and return at once; False, and nothing happens, while one goes on."""
        with self._lock:
            if self.ending or self.running:
                return False
            self.stopping = threading.Event()
            self.inches_now = self.inches
            self.complain("")
            self.say("Running.")
            self._thread = threading.Thread(target=self._work, name=self.name)
            self._thread.start()  # it ends with the lock, so never before the next two lines
            self.running = self.run_button.disabled = True
            self.stop_button.disabled = False
        return True

    def stop(self) -> None:
        """Ask the run to end; returns at once."""
        with self._lock:
            if self.running:
                self.say("Stopping.")
                self.stopping.set()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait for the run's end, at most `timeout` seconds; True if no run goes on."""
        number("timeout", timeout, unit="seconds")
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def run_once(self, timeout: float = 60.0) -> str:
        """Run to the end and return the summary; TimeoutError, and the run is stopped, after `timeout` seconds."""
        number("timeout", timeout, unit="seconds")
        self.start()
        if not self.wait(timeout):
            self.stop()
            raise TimeoutError(f"the run of the {self.name} went on after {timeout:g} s")
        return self.words

    def release(self) -> None:
        self.stopping.set()

    def close(self) -> None:
        self.ending = True
        self.release()
        self.wait(CLOSING)
        super().close()

    def _work(self) -> None:
        words = wrong = ""
        try:
            words = self.run()
        except BaseException as error:  # a sys.exit() in the lab's thread too is to be seen
            wrong = f"The run ended with {type(error).__name__}: {error}"
        with self._lock:
            self.say(words)
            self.complain(wrong)
            self.running = self.run_button.disabled = False
            self.stop_button.disabled = True
