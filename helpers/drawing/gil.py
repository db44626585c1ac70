"""Pictures of GIL traces: who ran when, and how long the holds were."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from helpers._common import count, instance, number, shown
from helpers.drawing.figure import BLUE, GRAY, INK, LINE, PALE, VERMILION, Picture, color, figure, ink_on, plain
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace
from helpers.gil.words import describe_trace, headline, noise, notes, origin, percent, span

BAR = 0.62  # of the lane's height
MOST_ARROWS = 8  # an inch
ARROW = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
DOTS = (0, (0.6, 1.1))
RUNS, ASLEEP, WAITS = "runs", "asleep inside its work", "waits for the GIL"
GIVES, ASIDE, NOBODY = "hands the GIL over", "set aside by the system", "none of them ran"
HAS, OUTSIDE = "has the GIL", "runs, or is ready to, without the GIL"
KEYS: dict[str, Any] = {
    RUNS: Patch(facecolor=BLUE),
    HAS: Patch(facecolor=BLUE),
    OUTSIDE: Patch(facecolor="white", edgecolor=BLUE, hatch="////"),
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
        free = [(x(s.start), x(s.end) - x(s.start)) for s in trace.outside if s.thread == index]
        axes.broken_barh(
            free, (index - BAR / 2, BAR), facecolor="white", edgecolor=ink, lw=0.8, hatch="////", zorder=2.5
        )
        for left, length in [] if asleep else bars:
            cut = left <= 0 or left + length >= trace.seconds * 1e3
            texts = [] if cut else [span(length / 1e3), f"{length:.1f}"]
            fits = [text for text in texts if 0.075 * len(text) < length / an_inch]
            axes.text(left + length / 2, index, fits[0] if fits else "", ha="center", va="center", zorder=5, fontsize=9,
                      color=ink_on(ink), path_effects=[withStroke(linewidth=2.5, foreground=ink)])  # fmt: skip
        cpu = trace.threads[index].cpu / trace.seconds
        word = "GIL" if trace.sampling and trace.gil else "ran"
        axes.annotate(f"asleep, {percent(cpu)}\non a core" if asleep else f"{word} {percent(share)}",
                      (1, index), (8, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                      va="center", fontsize=9 if asleep else 11, color=INK)  # fmt: skip
    thin, dotted = {"colors": INK, "linewidths": 1.1}, {"colors": GRAY, "linewidths": 3, "linestyles": [DOTS]}
    for name, spans, lines in ((WAITS, trace.waits, thin), (ASIDE, trace.preempted, dotted)):
        seen = [s for s in spans if x(s.end) - x(s.start) > 0.01 * an_inch]
        rules: Any = [[(x(s.start), s.thread), (x(s.end), s.thread)] for s in seen]
        for s in seen if name is ASIDE else []:
            if any(h.thread == s.thread and h.start <= s.start and s.end <= h.end for h in trace.holds):
                axes.barh(s.thread, x(s.end) - x(s.start), BAR, x(s.start), color="white", alpha=0.6, zorder=3.5)
        axes.add_collection(LineCollection(rules, zorder=2 if name is WAITS else 4, **lines))
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
        RUNS: len(trace.asleep) < len(trace.threads) and not (trace.sampling and trace.gil),
        HAS: trace.sampling and trace.gil,
        OUTSIDE: trace.outside,
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


LANE, HEAD, LEFT, RIGHT = 0.46, 0.78, 1.2, 1.05  # inches
SOFT = "#555555"


def gil_picture(
    traces: GilTrace | Sequence[GilTrace], titles: str | Sequence[str] | None = None, width: float = 11.0
) -> Picture:
    """Draw who ran when, one lane a thread; several traces one under the other on one time scale.

    `titles`: a text, or one for each trace. `width` in inches. TypeError or ValueError for other arguments.
    """
    several = [traces] if isinstance(traces, GilTrace) else traces
    if not isinstance(several, Sequence) or not several:
        raise TypeError(f"traces must be a GilTrace or a list of them, not {shown(traces)}")
    for trace in several:
        instance("traces", trace, GilTrace, "a GilTrace or a list of them")
    titles = [titles] if isinstance(titles, str) else titles or [""] * len(several)
    if len(titles) != len(several):
        raise ValueError(f"titles must be {len(several)} texts, one for each trace, not {shown(titles)}")
    width = number("width", width, 7.5, 40, "inches")
    caption = _caption(several, titles, width)
    heads = [_heading(trace, title, width) for trace, title in zip(several, titles, strict=True)]
    keys = [name for name in KEYS if any(name in signs(trace) for trace in several)]
    columns = _columns(keys, width)
    below = 0.62 + 0.2 * -(-len(keys) // columns) + 0.17 * len(caption)
    tops = [HEAD + 0.24 * head.count("\n") for head in heads]
    height = below + sum(top + LANE * len(trace.threads) for top, trace in zip(tops, several, strict=True))
    picture = figure(width, height, " ".join(map(_titled, titles, map(describe_trace, several))))
    longest = max(trace.seconds for trace in several) * 1e3
    floor = height
    for trace, head, top in zip(several, heads, tops, strict=True):
        size = LANE * len(trace.threads)
        floor -= top + size
        axes = picture.add_axes((LEFT / width, floor / height, 1 - (LEFT + RIGHT) / width, size / height))
        axes.set_xlim(0, longest)
        axes.set_ylim(len(trace.threads) - 0.5, -0.5)
        plain(axes)
        axes.text(
            0, 1 + 0.31 / size, head, transform=axes.transAxes, fontsize=_points(width), fontweight="bold", color=INK
        )
        axes.text(0, 1 + 0.11 / size, origin(trace), transform=axes.transAxes, fontsize=10, color=SOFT)
        draw_lanes(axes, trace, width - LEFT - RIGHT)
        axes.tick_params(labelbottom=trace is several[-1], labelsize=10.5)
    axes.set_xlabel("milliseconds", fontsize=10.5, color=INK)
    picture.legend([KEYS[name] for name in keys], keys, loc="lower left", ncols=columns, frameon=False, fontsize=10,
                   bbox_to_anchor=(LEFT / width, (0.12 + 0.17 * len(caption)) / height), borderaxespad=0,
                   borderpad=0, handlelength=2.2, columnspacing=1.8, labelcolor=INK)  # fmt: skip
    picture.text(LEFT / width, 0.08 / height, "\n".join(caption), fontsize=8.5, color=SOFT, va="bottom")
    return picture


def gil_histogram(trace: GilTrace, title: str = "", width: float = 8.0) -> Picture:
    """How long the holds were: a bar is a fifth of the switch interval, or more where holds are far longer.

    Holds cut by the trace's ends, and those of one stamp alone, are left out; the picture says how many. TypeError or
    ValueError for other arguments.
    """
    instance("trace", trace, GilTrace, "a GilTrace")
    width = number("width", width, 4, 40, "inches")
    holds = [hold.length * 1e3 for hold in trace.whole_holds]
    interval = trace.switch_interval * 1e3
    most = max([*holds, 2 * interval])
    step = interval / 5 * max(1, round(most / interval / 8))
    edges = np.arange(0, most + 2 * step, step)
    counts, _ = np.histogram(holds, edges)
    whole = f"{count(len(holds), 'whole hold')}, median {span(trace.median_hold)}"
    heading = whole if holds else "No hold ended inside the trace"
    cut = sum(hold.start <= trace.start or hold.end >= trace.end for hold in trace.holds)
    short = len(trace.holds) - len(holds) - cut
    left_out = [
        f"{many} {why}" for many, why in ((cut, "cut by the trace's ends"), (short, "too short to measure")) if many
    ]
    without = f"; without {' and '.join(left_out)}" if left_out else ""
    picture = figure(width, 3.4, f"{heading}{without}; switch interval {interval:g} ms.")
    axes = picture.add_axes((0.7 / width, 0.62 / 3.4, 1 - 0.95 / width, (3.4 - 1.25) / 3.4))
    axes.bar(edges[:-1], counts, step * 0.94, align="edge", color=BLUE)
    for left, many in zip(edges.tolist(), counts.tolist(), strict=False):
        if many:
            axes.text(left + step / 2, many, f"{many}", ha="center", va="bottom", fontsize=10, color=INK)
    if trace.gil:
        axes.axvline(interval, color=VERMILION, lw=1.6, ls="--")
        axes.annotate(
            f"switch interval\n{interval:g} ms",
            (interval, 1),
            (-6, -2),
            ha="right",
            va="top",
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            color=VERMILION,
            fontsize=10.5,
        )
    plain(axes, grid=False)
    axes.set(xlim=(0, edges[-1]), ylim=(0, max([*counts, 1]) * 1.15), yticks=[])
    axes.set_xlabel(f"length of a hold, milliseconds{without}", fontsize=10.5, color=INK)
    picture.text(0.7 / width, 1 - 0.28 / 3.4, _titled(title, heading), fontsize=12.5, fontweight="bold", color=INK)
    picture.text(0.7 / width, 1 - 0.5 / 3.4, origin(trace), fontsize=10, color=SOFT)
    return picture


def _titled(title: str, words: str) -> str:
    return f"{title}: {words}" if title else words


def _heading(trace: GilTrace, title: str, width: float) -> str:
    """The title and the headline, on more lines where one is too narrow."""
    head, letters = headline(trace), int((width - LEFT) * 119 / _points(width))
    lines = textwrap.wrap(f"{title}: {head}" if title else head[0].upper() + head[1:], letters)
    if title and len(lines) > 1:
        lines = [f"{title}:", *textwrap.wrap(head, letters)]
    return "\n".join(lines)


def _points(width: float) -> float:
    """The size of the headline's letters."""
    return 12.5 if width > 9 else 11.5


def _columns(names: Sequence[str], width: float) -> int:
    """In how many columns the key fits; matplotlib fills one after the other."""
    inches = [0.67 + 0.09 * len(name) for name in names]
    fits = lambda n: sum(max(column) for column in np.array_split(inches, n)) < width - LEFT
    return next((n for n in range(len(names), 1, -1) if fits(n)), 1)


def _caption(traces: Sequence[GilTrace], titles: Sequence[str], width: float) -> list[str]:
    """The noise, then what each trace can't tell, as lines that fit."""
    sentences = [noise(*traces)]
    for trace, title in zip(traces, titles, strict=True):
        known = " ".join(notes(trace))
        sentences += [_titled(title, known)] if known else []
    letters = int((width - LEFT - 0.2) * 16)
    return [line for sentence in dict.fromkeys(sentences) for line in textwrap.wrap(sentence, letters)]
