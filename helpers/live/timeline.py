"""The timeline drawn by the browser: live while a run goes on, and played back afterwards.

    replay(run)                                    a finished recording, with a time cursor
    picture = LiveTimeline(); picture.follow(run)  a run that goes on, until picture.settle()

The kernel sends stamps (messages.py) and only what is new, from a thread of its own, up to twenty times a second and
nine times where tasks compute; the browser draws (timeline.js). What is saved with a notebook is the still picture.
"""

from __future__ import annotations

import base64
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from helpers._common import instance, shown
from helpers.drawing.figure import Picture
from helpers.drawing.gil import gil_picture
from helpers.drawing.timeline import timeline
from helpers.gil.trace import GilTrace
from helpers.live.messages import Feed, GilFeed
from helpers.machine import usable_cpus
from helpers.recording.data import Recording

PAUSE = 0.05 if usable_cpus() > 1 else 0.2  # seconds between two messages; each costs the tasks a few ms of one core
# From one message to the next where tasks compute: each look is then a wait for the GIL, and a switch more for them.
TURN = max(PAUSE, 0.11)
QUIET = 2 * PAUSE  # seconds after which a message is sent though nothing is new: it says that the kernel lives
BURST = 4  # full messages at once: a Jupyter server drops what is above 3 MB in 3 s
SMALL = 2000  # rows that are sent again and again until the browser has answered
COLUMNS = ("rows", "waits", "calls")  # of a message, each a buffer
VIEW = "application/vnd.jupyter.widget-view+json"


class LiveTimeline(anywidget.AnyWidget):
    """One picture of one or more recordings, drawn in the browser. `follow` starts to send, `settle` ends it."""

    _esm = Path(__file__).with_name("timeline.js")
    key = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)  # what a browser needs that has not heard any message
    least_height = traitlets.Float(0).tag(sync=True)  # pixels, of the lanes and the axis
    most_height = traitlets.Float(500).tag(sync=True)  # with more lanes than that they scroll
    cores = traitlets.Int().tag(sync=True)  # a browser on the same computer draws less often where there is but one

    def __init__(self, feeds: Sequence[Feed | GilFeed] = (), **heights: float) -> None:
        """`feeds`: what is shown at first. `least_height`, `most_height` in pixels; with more lanes they scroll."""
        self._feeds = feeds
        self._sending = threading.Lock()  # held while a message is made and sent; no task ever waits for it
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._answered = False
        # All of it goes with the widget's opening: a Jupyter server drops messages above a megabyte a second.
        sections = [feed.news(True, sys.maxsize) for feed in feeds]
        super().__init__(key=uuid.uuid4().hex, cores=usable_cpus(), state={"sections": sections}, **heights)
        self.on_msg(self._asked)

    def show(self, *feeds: Feed | GilFeed) -> None:
        """Show what is finished, in place of what was there."""
        self.settle()
        with self._sending:
            self._feeds = feeds
            self._send_news(True, True)
            self._rest()

    def follow(self, *feeds: Feed) -> None:
        """Show runs that go on, from a thread of this widget's, until `settle`."""
        self.settle()
        with self._sending:
            self._feeds = feeds
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._work, args=(self._stop,), name="live timeline", daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """The runs are over: send the rest, and end the thread."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def close(self) -> None:
        self._stop.set()
        super().close()

    def _work(self, stop: threading.Event) -> None:
        due = sent = time.monotonic()
        while not stop.wait(max(due - time.monotonic(), 0)):
            began = time.monotonic()
            with self._sending:
                if self._send_news(False, began - sent >= QUIET):
                    sent = began
            took = time.monotonic() - due
            due += PAUSE if took < PAUSE / 5 else max(TURN, took + PAUSE / 5)
        with self._sending:
            self._send_news(True, True)
            self._rest()

    def _send_news(self, ended: bool, even_nothing: bool) -> bool:
        """One message, unless there is nothing to say; whether it was sent."""
        if not self._answered and all(isinstance(f, Feed) and len(f.run.rows) <= SMALL for f in self._feeds):
            for feed in self._feeds:
                feed.restart()
        heads = [feed.news(ended) for feed in self._feeds]
        new = any(head[name] for head in heads for name in COLUMNS)
        new = new or any(head.get("marks") or "lanes" in head for head in heads)
        if new or even_nothing:
            # An empty buffer is left out: each part of a message is a wait for the GIL more, in the thread that sends.
            buffers = [buffer for head in heads for name in COLUMNS if (buffer := head.pop(name))]
            self.send({"kind": "news", "sections": heads}, buffers)
        else:
            for feed in self._feeds:
                feed.seq -= 1  # not sent
        return new or even_nothing

    def _rest(self) -> None:
        """Send what one message has no room for."""
        sent = 0
        while self.comm is not None and not all(feed.complete for feed in self._feeds):
            self._send_news(True, True)
            sent += 1
            if sent > BURST:
                time.sleep(0.4)

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """The browser says what it has; where that is not all, it gets everything again."""
        self._answered = True
        if not isinstance(content, dict) or content.get("kind") != "have":
            return
        with self._sending:
            if self._thread is None and content["have"] == [[feed.epoch, feed.seq] for feed in self._feeds]:
                return
            for feed in self._feeds:
                feed.restart()
            if self._thread is None:
                self._send_news(True, True)
                self._rest()


class Replay:
    """A finished run to play back; as a cell's value it is a live picture, and the still one where none can be."""

    def __init__(self, feeds: Sequence[Feed | GilFeed], still: Picture) -> None:
        self.still = still
        self.picture = LiveTimeline(feeds)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png, look = self.still._repr_png_()
        view: Any = self.picture._repr_mimebundle_() or {}
        data = view[0] if isinstance(view, tuple) else view
        bundle = {"image/png": base64.b64encode(png).decode(), "text/plain": self.still.alt}
        if VIEW in data:
            bundle[VIEW] = data[VIEW]
        return bundle, {"image/png": look}


def replay(*runs: Recording | GilTrace, title: str | Sequence[str] | None = None) -> Replay:
    """Show one or more finished recordings, or GIL traces, with a time cursor that says who did what at a moment.

    `title`: one text, or a text for each run. TypeError or ValueError for other arguments.
    """
    if not runs:
        raise TypeError("run must be a Recording, as `with watch(pool) as run:` gives it; there was none")
    for run in runs:
        instance(
            "run", run, (Recording, GilTrace), "a Recording, as `with watch(pool) as run:` gives it, or a GilTrace"
        )
    titles = [title] * len(runs) if title is None or (len(runs) == 1 and isinstance(title, str)) else title
    if isinstance(titles, str) or not isinstance(titles, Sequence) or len(titles) != len(runs):
        raise ValueError(f"title must be a text for each of {len(runs)} runs, not {shown(title)}")
    texts = [text or "" for text in titles]
    recordings = [run for run in runs if isinstance(run, Recording)]
    traces = [run for run in runs if isinstance(run, GilTrace)]
    if recordings and traces:
        raise TypeError("run must be recordings alone or GIL traces alone: they have different lanes")
    still = timeline(*recordings, title=texts) if recordings else gil_picture(traces, texts)
    feeds = [Feed(r, t) if isinstance(r, Recording) else GilFeed(r, t) for r, t in zip(runs, texts, strict=True)]
    return Replay(feeds, still)
