"""Draw a recording into the lanes of its timeline. Each function returns the keys of the signs that it drew."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba

from helpers.lanes import MOST_STRIPES, Lane, Plan, steps
from helpers.palette import COLORS, GRAY, INK, VERMILION, color, ink_on

QUEUE, BAD = "#9DB4C0", VERMILION
MOST_TICKS = 200  # above it submits are one color: no eye can tell them apart
SHADES = np.array([to_rgba(c) for c in COLORS])


def draw(axes: Axes, plan: Plan, scale: float, inches: float) -> list[str]:
    """Draw everything; `scale` turns seconds into the axis's unit, `inches` is the axis's width."""
    if not plan.lanes:
        return []
    unit = scale / 1e9
    keys = _submits(axes, plan, unit)
    for lane in plan.lanes:
        if lane.kind == "queue":
            keys += _queue(axes, plan, lane, unit)
        elif lane.kind == "folded":
            table = plan.table
            inside = np.array([w in plan.folded for w in table.workers])[table.ran]
            _area(axes, lane, *steps(table.runs()[inside]), unit, "running", COLORS[0])
    return keys + _runs(axes, plan, unit, inches) + _waits(axes, plan, unit) + _events(axes, plan, unit)


def _boxes(spans: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> Any:
    """Corners of boxes, shape (boxes, 4, 2), from their left and right ends, shape (boxes, 2)."""
    left, right = spans.T
    return np.stack([np.stack([x, y], -1) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))], 1)


def _runs(axes: Axes, plan: Plan, unit: float, inches: float) -> list[str]:
    """A bar a run, with its number where there is room; a dark line under it for the time on a CPU."""
    table, keys = plan.table, list[str]()
    lane_of = {lane.thread: lane for lane in plan.lanes if lane.kind == "worker"}
    which = np.array([i for i in np.flatnonzero(table.ran) if table.workers[i] in lane_of], dtype=int)
    if not len(which):
        return keys
    spans = table.runs()[np.cumsum(table.ran)[which] - 1] * unit
    lanes = [lane_of[table.workers[i]] for i in which]
    top, bottom = (np.array([y(lane) for lane in lanes]) for y in (lambda b: b.top, lambda b: b.top + b.size))
    going = np.isnan(table.finished[which])
    shades = SHADES[which % len(SHADES)]
    many = len(which) > 500  # then the white lines between bars would hide them
    done = ~going
    axes.add_collection(
        PolyCollection(
            _boxes(spans[done], top[done], bottom[done]),
            facecolors=shades[done],
            zorder=2,
            edgecolors="none" if many else "white",
            linewidths=0.7,
        ),
        autolim=False,
    )
    if going.any():
        pale = shades[going] * [1, 1, 1, 0.35]
        axes.add_collection(
            PolyCollection(
                _boxes(spans[going], top[going], bottom[going]),
                facecolors=pale,
                zorder=2,
                edgecolors=INK,
                linestyles=":",
                linewidths=1.2,
            ),
            autolim=False,
        )
        keys.append("still running")
    share = table.cpu[which] / np.maximum(table.finished[which] - table.started[which], 1)
    busy = np.flatnonzero(share > 0.02)
    if 0 < len(busy) <= 500:
        right = spans[busy, 0] + share[busy] * (spans[busy, 1] - spans[busy, 0])
        line = _boxes(np.column_stack([spans[busy, 0], right]), bottom[busy] - 0.05, bottom[busy])
        axes.add_collection(PolyCollection(line, facecolors=INK, edgecolors="none", zorder=2.5), autolim=False)
        keys.append("on a CPU")
    per_inch = inches / (axes.get_xlim()[1] - axes.get_xlim()[0])
    room = (spans[:, 1] - spans[:, 0]) * per_inch
    bad = table.outcomes[which] == "raised"
    for n in np.flatnonzero(room > 0.12) if len(which) <= 2000 else ():
        i, middle = int(which[n]), spans[n].mean()
        if lanes[n].size < 0.2 or room[n] < 0.09 * (len(str(i)) + 0.6):
            continue
        ink = INK if going[n] else ink_on(color(i))
        axes.text(
            middle,
            lanes[n].middle,
            str(i),
            ha="center",
            va="center",
            fontsize=10 if lanes[n].size > 0.3 else 8,
            fontweight="bold",
            color=ink,
            clip_on=True,
            zorder=3,
        )
    if bad.any():
        middle = (top[bad] + bottom[bad]) / 2
        axes.plot(
            spans[bad, 1] - 0.08 / per_inch, middle, "X", color=BAD, ms=9, mec="white", mew=0.8, zorder=6, clip_on=False
        )
        keys.append("raised")
    return keys


def _queue(axes: Axes, plan: Plan, lane: Lane, unit: float) -> list[str]:
    """A stripe a task while it waits, or, where the queue is deep, its depth as an area."""
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
        axes.add_collection(
            LineCollection(
                lines, colors=SHADES[np.arange(len(lines)) % len(SHADES)], linewidths=2.6, capstyle="butt", zorder=2
            ),
            autolim=False,
        )
        keys.append("waiting in the queue")
    else:
        y = np.full(len(waits), lane.top + lane.size - 0.06)
        _area(axes, lane, *steps(waits), unit, "waiting", QUEUE)
        keys.append("tasks in the queue")
    gone = table.outcomes == "cancelled"
    if gone.any():
        axes.plot(waits[gone, 1] * unit, y[gone], "x", color=INK, ms=6, mew=1.8, zorder=6, clip_on=False)
        keys.append("cancelled")
    failed = (table.outcomes == "raised") & ~table.ran  # a broken pool fails what it never ran
    if failed.any():
        axes.plot(
            waits[failed, 1] * unit, y[failed], "X", color=BAD, ms=7, mec="white", mew=0.6, zorder=6, clip_on=False
        )
        keys.append("raised")
    return keys


def _area(axes: Axes, lane: Lane, times: np.ndarray, depth: np.ndarray, unit: float, word: str, shade: str) -> None:
    """A number over time as an area that stands on the lane's floor, its peak named."""
    if not len(times):
        return
    peak, floor = max(int(depth.max()), 1), lane.top + lane.size
    height = floor - depth * (lane.size - 0.2) / peak
    axes.fill_between(times * unit, floor, height, step="post", color=shade, lw=0, zorder=1.5)
    at = times[int(depth.argmax())] * unit
    _beside(axes, at, floor - lane.size + 0.18, f"{peak} {word}", va="bottom", fontsize=9, color=INK, zorder=3)


def _beside(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """`text` to the right of `x`, or to its left where it would run out of the picture."""
    left = x < 0.7 * axes.get_xlim()[1]
    axes.text(x, y, f" {text}" if left else f"{text} ", ha="left" if left else "right", **style)


def _submits(axes: Axes, plan: Plan, unit: float) -> list[str]:
    table = plan.table
    if not table.size:
        return []
    lane_of = {lane.thread: lane for lane in plan.lanes if lane.kind in ("asker", "worker")}
    few = table.size <= MOST_TICKS
    some = range(table.size) if few else np.unique(np.linspace(0, table.size - 1, 4000).astype(int))
    which = [i for i in some if table.submitters[i] in lane_of]
    lines = [
        [
            (table.submitted[i] * unit, lane_of[table.submitters[i]].top + 0.02),
            (table.submitted[i] * unit, lane_of[table.submitters[i]].top + lane_of[table.submitters[i]].size - 0.02),
        ]
        for i in which
    ]
    shades: Any = SHADES[np.array(which, dtype=int) % len(SHADES)] if few else GRAY
    axes.add_collection(LineCollection(lines, colors=shades, linewidths=2 if few else 0.8, zorder=4), autolim=False)
    return ["submit"] if lines else []


def _waits(axes: Axes, plan: Plan, unit: float) -> list[str]:
    """Hatched spans in which a thread was blocked; on a worker's own bar, the hatch lies over it."""
    lane_of = {lane.thread: lane for lane in plan.lanes}
    spans = [b for b in plan.blocked if b.thread in lane_of]
    spans.sort(key=lambda b: (b.end or plan.table.origin + plan.table.end) - b.start)
    for span in spans[-400:]:  # the longest
        lane = lane_of[span.thread]
        left = (span.start - plan.table.origin) * unit
        right = plan.table.end * unit if span.end is None else (span.end - plan.table.origin) * unit
        worker = lane.kind == "worker"
        axes.broken_barh(
            [(left, right - left)],
            (lane.top + 0.08, lane.size - 0.16),
            zorder=2.2,
            facecolor="none" if worker else "white",
            edgecolor=GRAY,
            hatch="////",
            lw=0.6,
        )
    return list(dict.fromkeys(f"blocked in {span.call}()" for span in spans))


def _events(axes: Axes, plan: Plan, unit: float) -> list[str]:
    """Callbacks as diamonds, marks as flags, each on the lane of its thread."""
    lane_of = {lane.thread: lane for lane in plan.lanes}
    calls = [c for c in plan.callbacks if c.thread in lane_of]
    x = [((c.start + c.end) / 2 - plan.table.origin) * unit for c in calls]
    y = [lane_of[c.thread].top + lane_of[c.thread].size for c in calls]
    axes.plot(x, y, "D", color=INK, ms=5, mec="white", mew=0.6, zorder=5, clip_on=False)
    flags: list[tuple[float, Lane, list[str]]] = []
    for mark in sorted(plan.run.marks, key=lambda mark: mark.time):
        lane, at = lane_of[mark.thread], (mark.time - plan.table.origin) * unit
        axes.plot([at, at], [lane.top, lane.top + lane.size], color=INK, lw=1.2, zorder=4)
        if flags and flags[-1][1] is lane and at - flags[-1][0] < 0.03 * axes.get_xlim()[1]:
            flags[-1][2].append(mark.text)
        else:
            flags.append((at, lane, [mark.text]))
    for at, lane, words in flags:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
        _beside(axes, at, lane.top + 0.04, ", ".join(words), fontsize=9, va="top", color=INK, zorder=5, bbox=box)
    return ["callback"] if calls else []
