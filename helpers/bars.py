"""Draw a recording into the lanes of its timeline, and the bars of its runs.

Each function that draws returns the keys of the signs that it drew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from helpers import queue_lane, signs
from helpers.lanes import Plan, steps
from helpers.palette import BLUE, INK, VERMILION, color, ink_on, shades


def draw(axes: Axes, plan: Plan, scale: float, inches: float) -> list[str]:
    """Draw everything; `scale` turns seconds into the axis's unit, `inches` is the axis's width."""
    if not plan.lanes:
        return []
    unit = scale / 1e9
    keys = signs.submits(axes, plan, unit)
    for lane in plan.lanes:
        if lane.kind == "queue":
            keys += queue_lane.queue(axes, plan, lane, unit)
        elif lane.kind == "folded":
            table = plan.table
            inside = np.array([w in plan.folded for w in table.workers])[table.ran]
            queue_lane.area(axes, lane, *steps(table.runs()[inside]), unit, "running", BLUE)
    return keys + _runs(axes, plan, unit, inches) + signs.waits(axes, plan, unit) + signs.events(axes, plan, unit)


class _Bars:
    """The runs that have a lane of their own: `which` tasks, and each one's box on the axes."""

    def __init__(self, plan: Plan, unit: float) -> None:
        table = plan.table
        self.which = np.array([i for i in np.flatnonzero(table.ran) if table.workers[i] in plan.lane_of], dtype=int)
        self.spans = table.runs()[np.cumsum(table.ran)[self.which] - 1] * unit
        self.lanes = [plan.lane_of[table.workers[i]] for i in self.which]
        self.top = np.array([lane.top for lane in self.lanes])
        self.bottom = np.array([lane.top + lane.size for lane in self.lanes])
        self.going = np.isnan(table.finished[self.which])
        self.raised = table.outcomes[self.which] == "raised"
        # The share of each run that its thread spent on a CPU.
        self.busy = table.cpu[self.which] / np.maximum(table.finished[self.which] - table.started[self.which], 1)


def _runs(axes: Axes, plan: Plan, unit: float, inches: float) -> list[str]:
    """A bar a run, with its number where there is room; a dark line under it for the time on a CPU."""
    bars, per_inch = _Bars(plan, unit), inches / (axes.get_xlim()[1] - axes.get_xlim()[0])
    if not len(bars.which):
        return []
    keys = _boxes(axes, bars) + _cpu(axes, bars)
    _numbers(axes, bars, per_inch)
    return keys + _crosses(axes, bars, per_inch)


def _corners(spans: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> Any:
    """Corners of boxes, shape (boxes, 4, 2), from their left and right ends, shape (boxes, 2)."""
    left, right = spans.T
    return np.stack([np.stack([x, y], -1) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))], 1)


def _boxes(axes: Axes, bars: _Bars) -> list[str]:
    """The bars themselves; those of runs that go on are pale and dotted."""
    corners, fill = _corners(bars.spans, bars.top, bars.bottom), shades(bars.which)
    many = len(bars.which) > 500  # then the white lines between bars would hide them
    done = ~bars.going
    ended = PolyCollection(
        corners[done],
        facecolors=fill[done],
        zorder=2,
        edgecolors="none" if many else "white",
        linewidths=0.7,
    )
    axes.add_collection(ended, autolim=False)
    if not bars.going.any():
        return []
    pale = fill[bars.going] * [1, 1, 1, 0.35]
    open_ended = PolyCollection(
        corners[bars.going], facecolors=pale, zorder=2, edgecolors=INK, linestyles=":", linewidths=1.2
    )
    axes.add_collection(open_ended, autolim=False)
    return ["still running"]


def _cpu(axes: Axes, bars: _Bars) -> list[str]:
    """A dark line along the foot of a bar, as long as its run was on a CPU."""
    on = np.flatnonzero(bars.busy > 0.02)
    if not 0 < len(on) <= 500:
        return []
    left, right = bars.spans[on].T
    spans = np.column_stack([left, left + bars.busy[on] * (right - left)])
    line = _corners(spans, bars.bottom[on] - 0.05, bars.bottom[on])
    axes.add_collection(PolyCollection(line, facecolors=INK, edgecolors="none", zorder=2.5), autolim=False)
    return ["CPU time, as a length"]


def _numbers(axes: Axes, bars: _Bars, per_inch: float) -> None:
    """Each task's number, in the middle of its bar."""
    room = (bars.spans[:, 1] - bars.spans[:, 0]) * per_inch
    for n in np.flatnonzero(room > 0.12) if len(bars.which) <= 2000 else ():
        i, lane = int(bars.which[n]), bars.lanes[n]
        if lane.size < 0.2 or room[n] < 0.09 * (len(str(i)) + 0.6):
            continue
        axes.text(
            bars.spans[n].mean(),
            lane.middle,
            str(i),
            ha="center",
            va="center",
            fontsize=10 if lane.size > 0.3 else 8,
            fontweight="bold",
            color=INK if bars.going[n] else ink_on(color(i)),
            clip_on=True,
            zorder=3,
        )


def _crosses(axes: Axes, bars: _Bars, per_inch: float) -> list[str]:
    """A cross at the end of each run that raised."""
    bad = bars.raised
    if not bad.any():
        return []
    x, y = bars.spans[bad, 1] - 0.08 / per_inch, (bars.top[bad] + bars.bottom[bad]) / 2
    axes.plot(x, y, "X", color=VERMILION, ms=9, mec="white", mew=0.8, zorder=6, clip_on=False)
    return ["raised"]
