"""What every lab is made of: controls, a panel that holds a picture and words, and one that runs something."""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from traitlets import Unicode

from helpers._common import number
from helpers.drawing.figure import Picture, figure
from helpers.live.messages import Feed
from helpers.live.timeline import LiveTimeline

TEXT = "line-height: 1.4"  # widgets set text 28 pixels apart


def slider(name: str, value: int, least: int, most: int, step: int = 1) -> widgets.IntSlider:
    """A slider over whole numbers, as wide as the others."""
    return widgets.IntSlider(value, least, most, step, description=name, continuous_update=False,
                             style={"description_width": "115px"}, layout=widgets.Layout(width="290px"))  # fmt: skip


def stepped(name: str, options: Sequence[tuple[str, float]], value: float) -> widgets.SelectionSlider:
    """A slider over the values of `options`, pairs of a text and a value."""
    return widgets.SelectionSlider(
        options=options,
        value=value,
        description=name,
        continuous_update=False,
        style={"description_width": "120px"},
        layout=widgets.Layout(width="370px"),
    )


def choice(name: str, options: Sequence[str]) -> widgets.RadioButtons:
    """Radio buttons in a row, the first one chosen."""
    return widgets.RadioButtons(options=list(options), description=name, orientation="horizontal",
                                style={"description_width": "initial"}, layout={"width": "max-content"})  # fmt: skip


def row(*children: widgets.Widget) -> widgets.HBox:
    """Widgets side by side; those that find no room go to the next line."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def canvas(height: float, alt: str) -> tuple[Picture, Axes]:
    """An empty picture as wide as a panel, and axes that cover it, in inches."""
    picture = figure(WIDTH, height, alt)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    return picture, axes


class TippedImage(widgets.Image):
    """An Image that may have a tooltip: in ipywidgets 8.1 the page draws none without a `description` (PR 3921)."""

    description = Unicode("").tag(sync=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], tall: int) -> str:
    """Texts as an HTML table that takes the room of `tall` rows, so that nothing under it moves; empty without rows."""
    cell = f"style='text-align: left; padding: 2px 16px 2px 0; {TEXT}; font-size: 13px'"
    line = lambda tag, texts: "".join(f"<{tag} {cell}>{html.escape(text)}</{tag}>" for text in texts)
    lines = [line("th", head), *(line("td", row) for row in rows)] if rows else []
    body = "".join(f"<tr>{cells}</tr>" for cells in lines)
    return f"<div style='min-height: {23 * tall}px'><table>{body}</table></div>"


WIDTH = 7.6  # inches: text of 10 points stays readable where the page leaves the panel 600 pixels
_open: dict[Any, Panel] = {}  # the lab that each cell shows


def holding() -> float:
    """Seconds that a lab may hold a worker at most.

    A kernel tells its labs when it ends, a plain program does not: at its end Python waits for every worker of a pool.
    """
    return 3600.0 if get_ipython() else 60.0


class Panel:
    """A lab's frame. `name` is its heading; `about` says in a sentence what to do, also where no widget renders."""

    name, about = "Lab", ""
    inches = 4.0  # the least height of the picture, and below it the lines kept for words: the page must not jump
    lines = 2

    def __init__(
        self,
        body: Sequence[widgets.Widget],
        alt: str,
        below: Sequence[widgets.Widget] = (),
        live: LiveTimeline | None = None,
    ) -> None:
        """`body`, `below`: what stands above and under the picture, `alt`: it in words, `live`: one in its place."""
        self.closed = self.ending = False
        self._clicking = threading.RLock()
        self.inches_now = self.inches
        self.words = self.error = ""
        self.image = TippedImage(tooltip=alt, layout=widgets.Layout(width="100%", max_width="860px", margin="0"))
        self._words, self._error = widgets.HTML(), widgets.HTML()
        heading = f"<b style='font-size: 115%'>{html.escape(self.name)}</b><br>{html.escape(self.about)}"
        words = [widgets.HTML(f"<div style='{TEXT}'>{heading}</div>"), *body, self._error, self._words]
        self.box = widgets.VBox([*words, live or self.image, *below])
        self.box.observe(lambda change: None if change["new"] else self.close(), "comm")
        shell = get_ipython()
        cell = shell.get_parent().get("metadata", {}).get("cellId") if hasattr(shell, "get_parent") else None
        if shell is not None:
            shell.observe(_release_all, "exit_now")  # the kernel is asked to end, before it joins its threads
        before = _open.get((type(self), cell))
        if before is not None:
            before.close()
        _open[type(self), cell] = self

    def say(self, words: str) -> None:
        """Show `words`, a line or more, above the picture, in place of what stood there."""
        self.words = words
        said = html.escape(words).replace("\n", "<br>")
        self._words.value = f"<div role='status' style='{TEXT}; min-height: {1.4 * self.lines}em'>{said}</div>"

    def complain(self, words: str) -> None:
        """Show `words` as an error; with an empty text the error goes."""
        self.error = words
        self._error.value = f"<div role='alert' style='{TEXT}'><b>{html.escape(words)}</b></div>" if words else ""

    def show(self, picture: Picture, dpi: int = 144) -> None:
        """Put `picture` in the panel, on a page at least `inches` high and never lower than the one before."""
        if self.ending:
            return
        width, height = picture.get_size_inches()
        self.inches_now = max(self.inches_now, height)
        page = Bbox([[0, height - self.inches_now], [width, height]])
        picture.savefig = partial(picture.savefig, bbox_inches=page)  # type: ignore[method-assign]
        self.image.value = picture.png(dpi)
        if picture.alt:
            self.image.tooltip = picture.alt

    def button(
        self, text: str, handler: Callable[[], object], tooltip: str = "", width: str = "auto", **look: Any
    ) -> widgets.Button:
        """A button that calls `handler`: an exception in it becomes a sentence in the panel.

        JupyterLab may handle clicks in threads of their own (the kernel's subshells), so one is handled at a time.
        """

        def clicked(_button: object) -> None:
            with self._clicking:
                try:
                    handler()
                except Exception as error:
                    self.complain(f"{type(error).__name__}: {error}")

        made = widgets.Button(description=text, tooltip=tooltip or text, layout=widgets.Layout(width=width), **look)
        made.on_click(clicked)
        return made

    def release(self) -> None:
        """Let go of whatever the lab's threads wait for; may be called from any thread, more than once."""

    def close(self) -> None:
        """End what goes on and take the panel off the page."""
        if self.closed:
            return
        self.closed = self.ending = True
        self.release()
        for key, panel in list(_open.items()):
            if panel is self:
                del _open[key]
        _close(self.box)
        self.image.close()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        text = f"{self.name}. {self.about} (Run this cell in JupyterLab to use it.)"
        view = None if self.closed else self.box._repr_mimebundle_()
        bundle = (view or {}) | {"text/plain": text}
        still = self.still()
        if still is None:
            return bundle, {}
        png, look = still._repr_png_()
        return bundle | {"image/png": base64.b64encode(png).decode()}, {"image/png": look}

    def still(self) -> Picture | None:
        """What is saved with the notebook, and shown where no widget can be."""
        return None


def _release_all(change: dict[str, Any]) -> None:
    if change["new"]:
        for panel in list(_open.values()):
            panel.ending = True
            panel.release()


def _close(widget: widgets.Widget) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


CLOSING = 10.0  # seconds that close() gives a run to end
FIRST = 5.0  # seconds that the first run may hold up the cell; it goes on after that
LOOK = 0.1  # seconds between two looks at what is done


class RunPanel(Panel):
    """The frame of a lab that runs something for a while. A subclass defines `run`, and `first`, which runs something
    small when the lab is opened. `timeline` is the picture that grows while the run lasts.
    """

    def __init__(
        self, controls: Sequence[widgets.Widget], alt: str, below: Sequence[widgets.Widget] = (), **heights: float
    ) -> None:
        self.stopping = threading.Event()  # set: the run is to end soon. Each run has one of its own
        self.running = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        made = partial(self.button, width="100px")
        self.run_button = made("Run", self.start, "Start a run", icon="play", button_style="primary")
        self.stop_button = made("Stop", self.stop, "End the run early", icon="stop", disabled=True)
        self._bar = widgets.IntProgress(layout=widgets.Layout(width="150px"))
        self._count = widgets.Label()
        self.timeline = LiveTimeline((), **heights)
        body = [row(*controls), row(self.run_button, self.stop_button, self._bar, self._count)]
        super().__init__(body, alt, below, self.timeline)

    def run(self) -> str:
        """One run, in the lab's thread, ended soon after `stopping` is set; returns the summary in words."""
        raise NotImplementedError

    def first(self) -> str:
        """A small run, of a second at most, so that whoever opens the lab has something to look at."""
        return self.run()

    def progress(self, done: int, of: int, what: str = "tasks done") -> None:
        """Show that `done` of `of` are done."""
        self._bar.max, self._bar.value, self._count.value = max(of, 1), done, f"{done} of {of} {what}"

    @contextmanager
    def following(self, *feeds: Feed) -> Iterator[None]:
        """The picture follows these runs to the end of the block."""
        self.timeline.follow(*feeds)
        try:
            yield
        finally:
            self.timeline.settle()

    def until_done(self, futures: Collection[Future[Any]], what: str = "tasks done") -> None:
        """Show progress until all `futures` are done, or Stop."""
        while not self.stopping.is_set():
            done = sum(future.done() for future in futures)
            self.progress(done, len(futures), what)
            if done == len(futures) or self.stopping.wait(LOOK):
                break

    def start(self, first: bool = False) -> bool:
        """Begin a run and return at once; False, and nothing happens, while one goes on."""
        with self._lock:
            if self.ending or self.running:
                return False
            self.stopping = threading.Event()
            self.inches_now = self.inches
            self.complain("")
            self.say("Running.")
            self._thread = threading.Thread(target=self._work, args=(first,), name=self.name)
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

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if self._thread is None and self.start(first=True):
            self.wait(FIRST)
        return super()._repr_mimebundle_()

    def _work(self, first: bool) -> None:
        words = wrong = ""
        try:
            words = self.first() if first else self.run()
        except BaseException as error:  # a sys.exit() in the lab's thread too is to be seen
            wrong = f"The run ended with {type(error).__name__}: {error}"
        with self._lock:
            self.say(words)
            self.complain(wrong)
            self.running = self.run_button.disabled = False
            self.stop_button.disabled = True
