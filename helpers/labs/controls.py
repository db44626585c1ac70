"""What labs are put together from: sliders, buttons, rows, tables, an image."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
from traitlets import Unicode

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


def button(text: str, icon: str = "", tooltip: str = "", **kwargs: Any) -> widgets.Button:
    return widgets.Button(description=text, icon=icon, tooltip=tooltip or text, **kwargs)


def row(*children: widgets.Widget) -> widgets.HBox:
    """Widgets side by side; those that find no room go to the next line."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


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
