"""The states of a Future as boxes and arrows, the present one lit."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from helpers.labs.panel import WIDTH
from helpers.palette import BLUE, GRAY, INK, Picture, figure

INCHES = 2.5
HIGH = 0.5
# Each state's box: left, middle, width, in inches.
BOXES = {
    "PENDING": (0.75, 1.95, 1.25),
    "RUNNING": (3.45, 1.95, 1.25),
    "FINISHED": (6.15, 1.95, 1.25),
    "CANCELLED": (2.3, 0.7, 1.45),
    "CANCELLED_AND_NOTIFIED": (4.64, 0.7, 2.86),
}


def state_picture(state: str | None) -> Picture:
    """Draw the states that concurrent.futures names, `state` lit; None: no Future yet."""
    now = "no Future yet" if state is None else f"the Future is {state}"
    picture = figure(WIDTH, INCHES, alt=f"The five states of a Future and the ways between them; {now}.")
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, INCHES)
    for name in BOXES:
        _box(axes, name, name == state)
    _arrow(axes, (0.1, 1.95), (0.71, 1.95), "submit", (0.38, 2.08))
    _arrow(axes, (2.0, 1.95), (3.41, 1.95), "a worker takes it", (2.71, 2.08))
    _arrow(axes, (4.7, 1.95), (6.11, 1.95), "returns or raises", (5.41, 2.08))
    _arrow(axes, (1.38, 1.67), (2.26, 0.7), "cancel()", (1.78, 1.02), bend="angle,angleA=90,angleB=0,rad=6")
    _arrow(axes, (3.75, 0.7), (4.6, 0.7), "a worker\nmeets it", (4.16, 0.78))
    return picture


def _box(axes: Axes, name: str, lit: bool) -> None:
    left, middle, width = BOXES[name]
    axes.add_patch(FancyBboxPatch((left, middle - HIGH / 2), width, HIGH, boxstyle="round,pad=0,rounding_size=0.12",
                                  facecolor=BLUE if lit else "white", edgecolor=INK if lit else GRAY,
                                  lw=2.5 if lit else 1.2))  # fmt: skip
    axes.text(left + width / 2, middle, name, ha="center", va="center", fontsize=12 if len(name) < 12 else 11.5,
              fontweight="bold" if lit else "normal", color="white" if lit else INK)  # fmt: skip
    if lit:
        axes.text(left + 0.06, middle - HIGH / 2 - 0.06, "▲ now", ha="left", va="top", fontsize=11,
                  fontweight="bold", color=INK)  # fmt: skip


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str, at: tuple[float, float],
    bend: str = "arc3"
) -> None:  # fmt: skip
    style = {"arrowstyle": "-|>,head_width=0.25,head_length=0.5", "color": INK, "lw": 1.2, "connectionstyle": bend,
             "shrinkA": 0, "shrinkB": 0}  # fmt: skip
    axes.annotate("", end, start, arrowprops=style)
    axes.text(*at, text, ha="center", va="bottom", fontsize=10.5, color=INK)
