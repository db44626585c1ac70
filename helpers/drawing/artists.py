"""What a timeline draws into its lanes: runs, waits in the queue, blocked threads, callbacks and marks.

Each kind of mark is drawn and given its entry in the legend from one style, by the function that draws it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from helpers.drawing.figure import BLUE, DPI, GRAY, INK, VERMILION, beside, color, ink_on, shades
from helpers.drawing.layout import MOST_STRIPES, Lane, Plan, steps

MOST_TICKS = 200  # above it submits are one color: no eye can tell them apart
MOST_WAITS = 400
DEEP = "#9DB4C0"
RAISED: dict[str, Any] = {"color": VERMILION, "marker": "X", "ms": 8, "mec": "white", "mew": 0.7, "zorder": 6}
CANCELLED: dict[str, Any] = {"color": INK, "marker": "x", "ms": 6, "mew": 1.8, "zorder": 6}
BLOCKED: dict[str, Any] = {"edgecolor": GRAY, "hatch": "////", "lw": 0.6}


class Sign(NamedTuple):
    """A legend entry: what a mark means, artists that look like it, and which of its kind it is, such as "result()"."""

    words: str
    look: tuple[Any, ...]
    of: str = ""


def _line(words: str, **style: Any) -> Sign:
    return Sign(words, (Line2D([], [], **style),))


def _markers(axes: Axes, x: Any, y: Any, words: str, **style: Any) -> list[Sign]:
    """Markers at `x`, `y`, and what they mean; nothing where there are none."""
    if not len(x):
        return []
    style = {"ls": "", **style}
    axes.plot(x, y, clip_on=False, **style)
    return [_line(words, **style)]


def submits(axes: Axes, plan: Plan, unit: float) -> list[Sign]:
    """A tick a submit, on the lane of the thread that submitted."""
    table = plan.table
    few = table.size <= MOST_TICKS
    some = range(table.size) if few else np.unique(np.linspace(0, table.size - 1, 4000).astype(int))
    which = [i for i in some if table.submitters[i] in plan.lane_of]
    lines = []
    for i in which:
        x, lane = table.submitted[i] * unit, plan.lane_of[table.submitters[i]]
        lines.append([(x, lane.top + 0.02), (x, lane.top + lane.size - 0.02)])
    inks: Any = shades(np.array(which, dtype=int)) if few else GRAY
    axes.add_collection(LineCollection(lines, colors=inks, linewidths=2 if few else 0.8, zorder=4), autolim=False)
    look: dict[str, Any] = {"marker": "|", "ls": "", "ms": 9, "mew": 2}
    return [Sign("submit", tuple(Line2D([], [], color=color(i), **look) for i in range(3)))] if lines else []


def waits(axes: Axes, plan: Plan, unit: float) -> list[Sign]:
    """Hatched spans in which a thread was blocked; on a worker's own bar, the hatch lies over it."""
    origin, last = plan.table.origin, plan.table.end
    spans = [b for b in plan.blocked if b.thread in plan.lane_of]
    spans.sort(key=lambda b: (b.end or origin + last) - b.start)
    for span in spans[-MOST_WAITS:]:  # the longest
        lane = plan.lane_of[span.thread]
        left = (span.start - origin) * unit
        right = last * unit if span.end is None else (span.end - origin) * unit
        fill = "none" if lane.kind == "worker" else "white"
        axes.broken_barh(
            [(left, right - left)], (lane.top + 0.08, lane.size - 0.16), zorder=2.2, facecolor=fill, **BLOCKED
        )
    look = (Patch(facecolor="white", **BLOCKED),)
    return [Sign("blocked in", look, call) for call in dict.fromkeys(f"{span.call}()" for span in spans)]


def events(axes: Axes, plan: Plan, unit: float) -> list[Sign]:
    """Callbacks as diamonds with a line as long as they took, marks as flags, each on the lane of its thread."""
    origin = plan.table.origin
    calls = [c for c in plan.callbacks if c.thread in plan.lane_of]
    x = np.array([[c.start - origin, c.end - origin] for c in calls]).reshape(-1, 2) * unit
    y = np.array([plan.lane_of[c.thread].middle for c in calls])
    lines = [[(left, h), (right, h)] for (left, right), h in zip(x, y, strict=True)]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=3, capstyle="butt", zorder=5), autolim=False)
    signs = _markers(axes, x[:, 0], y, "callback", color=INK, marker="D", ms=5.5, mec="white", mew=0.6, zorder=5.1)
    flags: list[tuple[float, Lane, list[str]]] = []
    for mark in sorted(plan.run.marks, key=lambda mark: mark.time):
        lane = plan.lane_of.get(mark.thread, plan.lanes[-1])  # the last is that of the folded workers
        at = max(0.0, (mark.time - origin) * unit)  # one before the first submit stands at the edge
        axes.plot([at, at], [lane.top, lane.top + lane.size], color=INK, lw=1.2, zorder=4)
        if flags and flags[-1][1] is lane and at - flags[-1][0] < 0.03 * axes.get_xlim()[1]:
            flags[-1][2].append(mark.text)
        else:
            flags.append((at, lane, [mark.text]))
    for at, lane, words in flags:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
        text = ", ".join(dict.fromkeys(words))  # beats that are close need no more room than one
        beside(axes, at, lane.top + 0.04, text, fontsize=9, va="top", color=INK, zorder=5, bbox=box)
    return signs


def queue(axes: Axes, plan: Plan, lane: Lane, unit: float) -> list[Sign]:
    """A stripe a task while it waits, or, where the queue is deep, its depth as an area."""
    table, waits = plan.table, plan.table.waits()
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
        signs = [_line("waiting in the queue", color=color(4), lw=2.6)]
    else:
        y = np.full(len(waits), lane.top + lane.size - 0.06)
        area(axes, lane, *steps(waits), unit, "waiting", DEEP)
        signs = [Sign("tasks in the queue", (Patch(facecolor=DEEP),))]
    gone = table.outcomes == "cancelled"
    signs += _markers(axes, waits[gone, 1] * unit, y[gone], "cancelled", **CANCELLED)
    failed = (table.outcomes == "raised") & ~table.ran  # a broken pool fails what it never ran
    return signs + _markers(axes, waits[failed, 1] * unit, y[failed], "raised", **RAISED)


def area(axes: Axes, lane: Lane, times: np.ndarray, depth: np.ndarray, unit: float, word: str, shade: str) -> None:
    """A number over time as an area that stands on the lane's floor, its peak named."""
    if not len(times):
        return
    peak, floor = max(int(depth.max()), 1), lane.top + lane.size
    height = floor - depth * (lane.size - 0.2) / peak
    axes.fill_between(times * unit, floor, height, step="post", color=shade, lw=0, zorder=1.5)
    at = times[int(np.argmax(depth))] * unit
    beside(axes, at, floor - lane.size + 0.18, f"{peak} {word}", va="bottom", fontsize=9, color=INK, zorder=3)


def draw(axes: Axes, plan: Plan, scale: float, inches: float) -> list[Sign]:
    """Draw everything, say what it means; `scale` turns seconds into the axis's unit, `inches` is the axis's width."""
    if not plan.lanes:
        return []
    unit = scale / 1e9
    signs = submits(axes, plan, unit)
    for lane in plan.lanes:
        if lane.kind == "queue":
            signs += queue(axes, plan, lane, unit)
        elif lane.kind == "folded":
            table = plan.table
            inside = np.array([w in plan.folded for w in table.workers])[table.ran]
            area(axes, lane, *steps(table.runs()[inside]), unit, "running", BLUE)
    return signs + _runs(axes, plan, unit, inches) + waits(axes, plan, unit) + events(axes, plan, unit)


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


def _runs(axes: Axes, plan: Plan, unit: float, inches: float) -> list[Sign]:
    """A bar a run, with its number where there is room; a dark line under it for the time on a CPU."""
    bars, per_inch = _Bars(plan, unit), inches / (axes.get_xlim()[1] - axes.get_xlim()[0])
    if not len(bars.which):
        return []
    signs = _boxes(axes, bars, per_inch) + _cpu(axes, bars)
    _numbers(axes, bars, per_inch)
    return signs + _crosses(axes, bars, per_inch)


def _corners(spans: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> Any:
    """Corners of boxes, shape (boxes, 4, 2), from their left and right ends, shape (boxes, 2)."""
    left, right = spans.T
    return np.stack([np.stack([x, y], -1) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))], 1)


def _boxes(axes: Axes, bars: _Bars, per_inch: float) -> list[Sign]:
    """The bars themselves; those of runs that go on are pale and dotted. Of many in one pixel, the first is drawn."""
    spans, fill = bars.spans, shades(bars.which)
    many = len(bars.which) > 500  # then the white lines between bars would hide them
    done, going = ~bars.going, bars.going
    if many:
        pixel = 1 / (DPI * per_inch)
        first = np.unique(np.round(bars.top * 1e3) * 1e6 + np.floor(spans[:, 0] / pixel), return_index=True)[1]
        seen = spans[:, 1] - spans[:, 0] > pixel
        seen[first] = True
        done &= seen
        spans = np.column_stack([spans[:, 0], np.maximum(spans[:, 1], spans[:, 0] + pixel)])
    corners = _corners(spans, bars.top, bars.bottom)
    ended = PolyCollection(
        corners[done],
        facecolors=fill[done],
        zorder=2,
        edgecolors="none" if many else "white",
        linewidths=0.7,
    )
    axes.add_collection(ended, autolim=False)
    dotted: dict[str, Any] = {"edgecolor": INK, "linestyle": ":", "linewidth": 1.2}
    pale = PolyCollection(corners[going], facecolors=fill[going] * [1, 1, 1, 0.35], zorder=2, **dotted)
    axes.add_collection(pale, autolim=False)
    return [Sign("still running", (Patch(facecolor="white", **dotted),))] if going.any() else []


def _cpu(axes: Axes, bars: _Bars) -> list[Sign]:
    """A dark line along the foot of a bar, as long as its run was on a CPU."""
    on = np.flatnonzero(bars.busy > 0.02)
    if not 0 < len(on) <= 500:
        return []
    left, right = bars.spans[on].T
    spans = np.column_stack([left, left + bars.busy[on] * (right - left)])
    line = _corners(spans, bars.bottom[on] - 0.05, bars.bottom[on])
    axes.add_collection(PolyCollection(line, facecolors=INK, edgecolors="none", zorder=2.5), autolim=False)
    return [_line("CPU time, as a length", color=INK, lw=3)]


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


def _crosses(axes: Axes, bars: _Bars, per_inch: float) -> list[Sign]:
    """A cross at the end of each run that raised."""
    bad = bars.raised
    x, y = bars.spans[bad, 1] - 0.08 / per_inch, (bars.top[bad] + bars.bottom[bad]) / 2
    return _markers(axes, x, y, "raised", **RAISED)
