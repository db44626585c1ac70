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

from helpers._common import instance, number, shown, whole
from helpers.drawing import artists, layout
from helpers.drawing.figure import INK, LINE, PALE, Picture, figure, plain
from helpers.recording.data import Recording

MOST_LANES = 40  # more workers than this fold into one lane
UNITS = ((0.1, 1.0, "seconds"), (1e-4, 1e3, "milliseconds"), (0.0, 1e6, "microseconds"))
KEYS_A_ROW = 6


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
    signs: list[artists.Sign] = []
    top = inches
    for plan, text, head in zip(plans, titles, heads, strict=True):
        top -= head + plan.height
        axes = picture.add_axes((1.15 / width, top / inches, 1 - 1.3 / width, plan.height / inches))
        axes.set_xlim(-0.004 * length * scale, 1.02 * length * scale)
        _lay_lanes(axes, plan)
        signs += artists.draw(axes, plan, scale, width - 1.3)
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
    if signs:
        _explain(picture, signs, 0.46 / inches)
    return picture


def _explain(picture: Picture, signs: list[artists.Sign], bottom: float) -> None:
    """The legend, each kind of mark once."""
    kinds: dict[str, list[artists.Sign]] = {}
    for sign in signs:
        kinds.setdefault(sign.words, []).append(sign)
    picture.legend(
        handles=[of[0].look for of in kinds.values()],
        labels=[f"{words} {', '.join(dict.fromkeys(sign.of for sign in of))}".strip() for words, of in kinds.items()],
        loc="upper center",
        bbox_to_anchor=(0.5, bottom),
        ncols=min(len(kinds), KEYS_A_ROW),
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.2)},
        handlelength=1.8,
        columnspacing=1.6,
        labelspacing=0.25,
        borderaxespad=0.1,
    )


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
            axes.axhspan(lane.top, lane.top + lane.size, facecolor=PALE, edgecolor="none", zorder=0.1)
        elif lane.size > 0.15:
            axes.axhline(lane.middle, color=LINE, lw=0.6, zorder=0.2)


def queue_depth(run: Recording) -> tuple[np.ndarray, np.ndarray]:
    """How many tasks waited in the queue: moments (ns) and the depth from each of them on."""
    instance("run", run, Recording, "a Recording, as `with watch(pool) as run:` gives it")
    return layout.steps(layout.Table(run).waits())
