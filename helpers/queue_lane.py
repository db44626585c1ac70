"""The lanes that show no single thread: the queue of a timeline, and a number of things over time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from helpers.lanes import MOST_STRIPES, Lane, Plan, steps
from helpers.palette import INK, VERMILION, beside, shades

DEEP = "#9DB4C0"


def queue(axes: Axes, plan: Plan, lane: Lane, unit: float) -> list[str]:
    """A stripe a task while it waits, or, where the queue is deep, its depth as an area; the keys of its signs."""
    table, waits = plan.table, plan.table.waits()
    keys = []
    if plan.depth <= MOST_STRIPES:
        free: list[float] = []  # when each row of stripes is free again
        rows = []
        for start, end in waits:
            row = next((r for r, until in enumerate(free) if until <= start), len(free))
            free[row : row + 1] = [end]
            rows.append(row)
        y = lane.top + 0.06 + (np.array(rows) + 0.5) * (lane.size - 0.12) / max(len(free), plan.depth, 1)
        lines = [[(a * unit, h), (b * unit, h)] for (a, b), h in zip(waits, y, strict=True)]
        stripes = LineCollection(lines, colors=shades(np.arange(len(lines))), linewidths=2.6, capstyle="butt", zorder=2)
        axes.add_collection(stripes, autolim=False)
        keys.append("waiting in the queue")
    else:
        y = np.full(len(waits), lane.top + lane.size - 0.06)
        area(axes, lane, *steps(waits), unit, "waiting", DEEP)
        keys.append("tasks in the queue")
    gone = table.outcomes == "cancelled"
    if gone.any():
        axes.plot(waits[gone, 1] * unit, y[gone], "x", color=INK, ms=6, mew=1.8, zorder=6, clip_on=False)
        keys.append("cancelled")
    failed = (table.outcomes == "raised") & ~table.ran  # a broken pool fails what it never ran
    if failed.any():
        x = waits[failed, 1] * unit
        axes.plot(x, y[failed], "X", color=VERMILION, ms=7, mec="white", mew=0.6, zorder=6, clip_on=False)
        keys.append("raised")
    return keys


def area(axes: Axes, lane: Lane, times: np.ndarray, depth: np.ndarray, unit: float, word: str, shade: str) -> None:
    """A number over time as an area that stands on the lane's floor, its peak named."""
    if not len(times):
        return
    peak, floor = max(int(depth.max()), 1), lane.top + lane.size
    height = floor - depth * (lane.size - 0.2) / peak
    axes.fill_between(times * unit, floor, height, step="post", color=shade, lw=0, zorder=1.5)
    at = times[int(np.argmax(depth))] * unit
    beside(axes, at, floor - lane.size + 0.18, f"{peak} {word}", va="bottom", fontsize=9, color=INK, zorder=3)
