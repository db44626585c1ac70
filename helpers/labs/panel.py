"""The frame that every lab shares: a heading, controls, a picture, and lines of words.

`Panel` alone is for a lab that answers each button at once; `RunPanel` (run_panel.py) is for one that runs a while.
Nothing outlives its lab: running the cell again, `close()`, closing the widget and the end of the kernel all call
`release()`, which must let go of whatever the lab's own threads wait for.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython
from matplotlib.transforms import Bbox

from helpers.labs.controls import TEXT, TippedImage
from helpers.palette import Picture

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

    def __init__(self, body: Sequence[widgets.Widget], alt: str, below: Sequence[widgets.Widget] = ()) -> None:
        """`body`, `below`: what stands above and under the picture. `alt`: the picture in words."""
        self.closed = self.ending = False
        self._clicking = threading.RLock()
        self.inches_now = self.inches
        self.words = self.error = ""
        self.image = TippedImage(tooltip=alt, layout=widgets.Layout(width="100%", max_width="860px", margin="0"))
        self._words, self._error = widgets.HTML(), widgets.HTML()
        heading = f"<b style='font-size: 115%'>{html.escape(self.name)}</b><br>{html.escape(self.about)}"
        words = [widgets.HTML(f"<div style='{TEXT}'>{heading}</div>"), *body, self._error, self._words]
        self.box = widgets.VBox([*words, self.image, *below])
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

    def answer(self, handler: Callable[[], object]) -> Callable[[object], None]:
        """`handler` for `Button.on_click`: an exception in it becomes a sentence in the panel.

        JupyterLab may handle clicks in threads of their own (the kernel's subshells), so one is handled at a time.
        """

        def clicked(_button: object) -> None:
            with self._clicking:
                try:
                    handler()
                except Exception as error:
                    self.complain(f"{type(error).__name__}: {error}")

        return clicked

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

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        text = f"{self.name}. {self.about} (Run this cell in JupyterLab to use it.)"
        view = None if self.closed else self.box._repr_mimebundle_()
        return (view or {}) | {"text/plain": text}


def _release_all(change: dict[str, Any]) -> None:
    if change["new"]:
        for panel in list(_open.values()):
            panel.ending = True
            panel.release()


def _close(widget: widgets.Widget) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()
