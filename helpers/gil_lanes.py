"""The lanes of a GIL picture: bars where a thread ran, thin lines where it waited, dots where it was set aside."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from helpers.gil_recording import GilTrace
from helpers.gil_spans import Span
from helpers.gil_words import percent, span
from helpers.palette import BLUE, GRAY, INK, LINE, PALE, color, ink_on

BAR = 0.62  # of the lane's height
MOST_ARROWS = 8  # an inch
ARROW = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
DOTS = (0, (0.6, 1.1))
RUNS, ASLEEP, WAITS = "runs", "asleep inside its work", "waits for the GIL"
GIVES, ASIDE, NOBODY = "hands the GIL over", "set aside by the system", "none of them ran"
KEYS: dict[str, Any] = {
    RUNS: Patch(facecolor=BLUE),
    ASLEEP: Patch(facecolor="white", edgecolor=BLUE, hatch="...."),
    WAITS: Line2D([], [], color=INK, lw=1.3),
    GIVES: Line2D([], [], color=INK, lw=0, marker="$↓$", ms=9),
    ASIDE: Line2D([], [], color=GRAY, lw=3, ls=DOTS),
    NOBODY: Patch(facecolor=PALE, edgecolor=LINE, lw=0.6),
}


def draw_lanes(axes: Axes, trace: GilTrace, inches: float) -> None:
    """Draw `trace` into `axes`, whose x axis is in milliseconds and `inches` wide."""
    x = lambda moment: (moment - trace.start) / 1e6
    an_inch = (axes.get_xlim()[1] - axes.get_xlim()[0]) / inches
    several = len({thread.work for thread in trace.threads}) > 1
    labels = [f"{t.name}\n{t.work}" if several else t.name for t in trace.threads]
    axes.set_yticks(range(len(labels)), labels, fontsize=9.5 if several else 11)
    for index, share in enumerate(trace.shares):
        asleep = index in trace.asleep
        ink = color(index)
        bars = [(x(s.start), max(x(s.end) - x(s.start), 0.015 * an_inch)) for s in trace.holds if s.thread == index]
        style: dict[str, Any] = (
            {"facecolor": "white", "edgecolor": ink, "hatch": "...."} if asleep else {"facecolor": ink}
        )
        axes.broken_barh(bars, (index - BAR / 2, BAR), linewidth=0.8 if asleep else 0, zorder=3, **style)
        for left, length in [] if asleep else bars:
            cut = left <= 0 or left + length >= trace.seconds * 1e3
            texts = [] if cut else [span(length / 1e3), f"{length:.1f}"]
            fits = [text for text in texts if 0.075 * len(text) < length / an_inch]
            label = axes.text(left + length / 2, index, fits[0] if fits else "", ha="center", va="center", zorder=5,
                              fontsize=9, color=ink_on(ink))  # fmt: skip
            label.set_path_effects([withStroke(linewidth=2.5, foreground=ink)])
        cpu = trace.threads[index].cpu / trace.seconds
        axes.annotate(f"asleep, {percent(cpu)}\non a core" if asleep else f"ran {percent(share)}",
                      (1, index), (8, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                      va="center", fontsize=9 if asleep else 11, color=INK)  # fmt: skip
    thin, dotted = {"colors": INK, "linewidths": 1.1}, {"colors": GRAY, "linewidths": 3, "linestyles": [DOTS]}
    for name, spans, look in ((WAITS, trace.waits, thin), (ASIDE, trace.preempted, dotted)):
        seen = [s for s in spans if x(s.end) - x(s.start) > 0.01 * an_inch]
        rules: Any = [[(x(s.start), s.thread), (x(s.end), s.thread)] for s in seen]
        for s in seen if name is ASIDE else []:
            if any(h.thread == s.thread and h.start <= s.start and s.end <= h.end for h in trace.holds):
                axes.barh(s.thread, x(s.end) - x(s.start), BAR, x(s.start), color="white", alpha=0.6, zorder=3.5)
        axes.add_collection(LineCollection(rules, zorder=2 if name is WAITS else 4, **look))
    for a, b in trace.nobody:
        axes.axvspan(x(a), x(b), color=PALE, zorder=0.1)
    arrows = handovers(trace)
    if len(arrows) <= MOST_ARROWS * inches:
        for giver, taker in arrows:
            down = 1 if taker.thread > giver.thread else -1
            tail = (x(giver.end), giver.thread + down * BAR / 2)
            axes.annotate("", (x(taker.start), taker.thread - down * BAR / 2), tail, arrowprops=ARROW, zorder=6)


def signs(trace: GilTrace) -> set[str]:
    """The KEYS that the picture of `trace` needs."""
    shown = {
        RUNS: len(trace.asleep) < len(trace.threads),
        ASLEEP: trace.asleep,
        WAITS: trace.waits,
        GIVES: handovers(trace),
        ASIDE: trace.preempted,
        NOBODY: trace.nobody,
    }
    return {name for name, there in shown.items() if there}


def handovers(trace: GilTrace) -> list[tuple[Span, Span]]:
    """Pairs of holds: one ends, and the one that waited for the GIL begins within a threshold."""
    ends = {(wait.thread, wait.end) for wait in trace.waits}
    pairs = []
    for taker in trace.holds:
        if (taker.thread, taker.start) in ends:
            before = [h for h in trace.holds if h.thread != taker.thread and h.end <= taker.start]
            giver = max(before, key=lambda hold: hold.end, default=None)
            limit = trace.threads[taker.thread].baseline.threshold
            if giver and taker.start - giver.end < limit * 1e9:
                pairs.append((giver, taker))
    return pairs
