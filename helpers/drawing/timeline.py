"""The timeline of a run: who submitted what when, how long it queued, which worker ran it, who waited for it.

A lane is a thread. Each task has one color: its tick where it was submitted, its stripe while it queued, its bar
where it ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from helpers._common import instance, number, shown, whole
from helpers.drawing import artists, layout
from helpers.drawing.figure import GRAY, INK, LINE, PALE, VERMILION, Picture, color, figure, plain
from helpers.recording.data import Recording

MOST_LANES = 40  # more workers than this fold into one lane
UNITS = ((1.0, 1.0, "seconds"), (1e-3, 1e3, "milliseconds"), (0.0, 1e6, "microseconds"))
KEYS_A_ROW = 6

# What each sign means, shown under the picture when it appears in it.
KEYS: dict[str, tuple[Any, ...]] = {
    "submit": tuple(Line2D([], [], color=color(i), marker="|", ls="", ms=9, mew=2) for i in range(3)),
    "blocked": (Patch(facecolor="white", edgecolor=GRAY, hatch="////", lw=0.5),),
    "waiting in the queue": (Line2D([], [], color=color(4), lw=2.5),),
    "tasks in the queue": (Patch(facecolor=artists.DEEP),),
    "raised": (Line2D([], [], color=VERMILION, marker="X", ls="", ms=8),),
    "cancelled": (Line2D([], [], color=INK, marker="x", ls="", ms=7, mew=2),),
    "still running": (Patch(facecolor="white", edgecolor=INK, ls=":", lw=1.2),),
    "callback": (Line2D([], [], color=INK, marker="D", ls="", ms=5),),
    "CPU time, as a length": (Line2D([], [], color=INK, lw=3),),
}


def timeline(
    *runs: Recording,
    title: str | Sequence[str] | None = None,
    width: float = 10.0,
    seconds: float | None = None,
    until: int | None = None,
) -> Picture:
    """Draw one or more recordings, one under the other on one time scale, and return the matplotlib Figure.

    `title`: one text, or a text for each run. `width` in inches. `seconds`: the least length of the time axis, so that
    the picture of a growing run keeps its scale. `until`: draw unfinished tasks up to this moment (ns of
    perf_counter_ns). TypeError or ValueError for other arguments.
    """
    if not runs:
        raise TypeError("run must be a Recording, as `with watch(pool) as run:` gives it; there was none")
    for run in runs:
        instance("run", run, Recording, "a Recording, as `with watch(pool) as run:` gives it")
    titles = _titles(title, len(runs))
    number("width", width, least=4, most=40, unit="inches")
    least = 0.0 if seconds is None else number("seconds", seconds, most=1e6, unit="seconds")
    if until is not None:
        whole("until", until, least=0)
    plans = [layout.Plan(run, until, MOST_LANES) for run in runs]
    length = max([plan.length for plan in plans] + [least]) or 1e-3
    scale, unit = next((scale, unit) for least, scale, unit in UNITS if length >= least)
    heads = [0.62 if text else 0.42 for text in titles]  # inches for the title and the line of numbers under it
    inches = sum(plan.height for plan in plans) + sum(heads) + 1.0
    picture = figure(width, inches, alt=" ".join(plan.sentence(text) for plan, text in zip(plans, titles, strict=True)))
    keys: dict[str, None] = {}
    top = inches
    for plan, text, head in zip(plans, titles, heads, strict=True):
        top -= head + plan.height
        axes = picture.add_axes((1.15 / width, top / inches, 1 - 1.3 / width, plan.height / inches))
        axes.set_xlim(-0.004 * length * scale, 1.02 * length * scale)
        _lay_lanes(axes, plan)
        keys |= dict.fromkeys(artists.draw(axes, plan, scale, width - 1.3))
        axes.set_title(plan.summary(), loc="left", fontsize=10, color=INK)
        if text:
            picture.text(
                1.15 / width, (top + plan.height + 0.30) / inches, text, fontsize=11.5, weight="bold", color=INK
            )
        axes.tick_params(labelbottom=plan is plans[-1], labelsize=10)
        if not plan.lanes:
            axes.tick_params(bottom=False, labelbottom=False)
            axes.spines["bottom"].set_visible(False)
    if any(plan.lanes for plan in plans):
        axes.set_xlabel(f"{unit} since the first submit", fontsize=10, color=INK)
    if keys:
        calls = [key.removeprefix("blocked in ") for key in keys if key.startswith("blocked in ")]
        labels = [key for key in keys if not key.startswith("blocked in ")]
        labels += ["blocked in " + ", ".join(calls)] if calls else []
        signs: Any = [KEYS["blocked" if key.startswith("blocked") else key] for key in labels]
        picture.legend(
            handles=signs,
            labels=labels,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.46 / inches),
            ncols=min(len(labels), KEYS_A_ROW),
            frameon=False,
            fontsize=9.5,
            labelcolor=INK,
            handler_map={tuple: HandlerTuple(ndivide=None, pad=0.2)},
            handlelength=1.8,
            columnspacing=1.6,
            labelspacing=0.25,
            borderaxespad=0.1,
        )
    return picture


def _titles(title: Any, runs: int) -> list[str]:
    texts = [title] * runs if title is None or (runs == 1 and isinstance(title, str)) else title
    if isinstance(texts, str) or not isinstance(texts, Sequence) or len(texts) != runs:
        raise ValueError(f"title must be {'a text' if runs == 1 else f'a list of {runs} texts'}, not {shown(title)}")
    return [text or "" for text in texts]


def _lay_lanes(axes: Axes, plan: layout.Plan) -> None:
    """Lane labels on the left, a band behind the lanes that are not workers, top to bottom."""
    plain(axes)
    axes.set_ylim(plan.height, 0)
    axes.set_yticks([lane.middle for lane in plan.lanes], [lane.label for lane in plan.lanes], fontsize=10)
    for lane in plan.lanes:
        if lane.kind != "worker":
            axes.add_patch(
                Rectangle(
                    (0, lane.top),
                    1,
                    lane.size,
                    transform=axes.get_yaxis_transform(),
                    facecolor=PALE,
                    edgecolor="none",
                    zorder=0.1,
                )
            )
        elif lane.size > 0.15:
            axes.axhline(lane.middle, color=LINE, lw=0.6, zorder=0.2)


def queue_depth(run: Recording) -> tuple[np.ndarray, np.ndarray]:
    """How many tasks waited in the queue: moments (ns) and the depth from each of them on."""
    instance("run", run, Recording, "a Recording, as `with watch(pool) as run:` gives it")
    return layout.steps(layout.Table(run).waits())
