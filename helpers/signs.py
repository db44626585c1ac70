"""The signs on the lanes of a timeline: ticks for submits, hatches for waits, diamonds for callbacks, flags for marks.

Each function returns the keys of the signs that it drew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from helpers.lanes import Lane, Plan
from helpers.palette import GRAY, INK, beside, shades

MOST_TICKS = 200  # above it submits are one color: no eye can tell them apart
MOST_WAITS = 400


def submits(axes: Axes, plan: Plan, unit: float) -> list[str]:
    """A tick a submit, on the lane of the thread that submitted."""
    table = plan.table
    if not table.size:
        return []
    few = table.size <= MOST_TICKS
    some = range(table.size) if few else np.unique(np.linspace(0, table.size - 1, 4000).astype(int))
    which = [i for i in some if table.submitters[i] in plan.lane_of]
    lines = []
    for i in which:
        x, lane = table.submitted[i] * unit, plan.lane_of[table.submitters[i]]
        lines.append([(x, lane.top + 0.02), (x, lane.top + lane.size - 0.02)])
    inks: Any = shades(np.array(which, dtype=int)) if few else GRAY
    axes.add_collection(LineCollection(lines, colors=inks, linewidths=2 if few else 0.8, zorder=4), autolim=False)
    return ["submit"] if lines else []


def waits(axes: Axes, plan: Plan, unit: float) -> list[str]:
    """Hatched spans in which a thread was blocked; on a worker's own bar, the hatch lies over it."""
    origin, last = plan.table.origin, plan.table.end
    spans = [b for b in plan.blocked if b.thread in plan.lane_of]
    spans.sort(key=lambda b: (b.end or origin + last) - b.start)
    for span in spans[-MOST_WAITS:]:  # the longest
        lane = plan.lane_of[span.thread]
        left = (span.start - origin) * unit
        right = last * unit if span.end is None else (span.end - origin) * unit
        axes.broken_barh(
            [(left, right - left)],
            (lane.top + 0.08, lane.size - 0.16),
            zorder=2.2,
            facecolor="none" if lane.kind == "worker" else "white",
            edgecolor=GRAY,
            hatch="////",
            lw=0.6,
        )
    return list(dict.fromkeys(f"blocked in {span.call}()" for span in spans))


def events(axes: Axes, plan: Plan, unit: float) -> list[str]:
    """Callbacks as diamonds, marks as flags, each on the lane of its thread."""
    origin = plan.table.origin
    calls = [c for c in plan.callbacks if c.thread in plan.lane_of]
    x = [((c.start + c.end) / 2 - origin) * unit for c in calls]
    y = [plan.lane_of[c.thread].top + plan.lane_of[c.thread].size for c in calls]
    axes.plot(x, y, "D", color=INK, ms=5, mec="white", mew=0.6, zorder=5, clip_on=False)
    flags: list[tuple[float, Lane, list[str]]] = []
    for mark in sorted(plan.run.marks, key=lambda mark: mark.time):
        lane = plan.lane_of.get(mark.thread, plan.lanes[-1])  # the last is that of the folded workers
        at = (mark.time - origin) * unit
        axes.plot([at, at], [lane.top, lane.top + lane.size], color=INK, lw=1.2, zorder=4)
        if flags and flags[-1][1] is lane and at - flags[-1][0] < 0.03 * axes.get_xlim()[1]:
            flags[-1][2].append(mark.text)
        else:
            flags.append((at, lane, [mark.text]))
    for at, lane, words in flags:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
        beside(axes, at, lane.top + 0.04, ", ".join(words), fontsize=9, va="top", color=INK, zorder=5, bbox=box)
    return ["callback"] if calls else []
