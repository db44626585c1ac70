"""VizTracer's boxes beside what the stamps say of the same threads: a box lasts from call to return, waits included."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from helpers._common import instance, number, shown
from helpers.drawing.figure import INK, LINE, Picture, color, figure, ink_on, plain
from helpers.gil.spans import Span, overlap
from helpers.gil.trace import GilTrace
from helpers.gil.words import notes, origin, percent, span

LANE, HEAD, FOOT, LEFT, RIGHT, LINE_OF_TEXT = 0.72, 0.78, 0.62, 1.2, 1.05, 0.17  # inches
BAR, APART = 0.3, 0.37  # of a lane


def boxes_and_holds(calls: Iterable[dict[str, Any]], trace: GilTrace, width: float = 11.0) -> Picture:
    """Draw for each thread of `trace` its `calls` as boxes, and below them the holds that the stamps found.

    `calls` are events "X" of a file that `write_trace` wrote: `tid` a native id, `ts` and `dur` µs of perf_counter.
    Those of other threads and other times are left out. A busy computer is named below. `width` in inches. TypeError
    for other things, ValueError if no call is left.
    """
    instance("trace", trace, GilTrace, "a GilTrace")
    width = number("width", width, 7.5, 40, "inches")
    boxes = _boxes(calls, trace)
    size = LANE * len(trace.threads)
    known = notes(trace)
    caption = textwrap.wrap(" ".join(known), int((width - LEFT) * 16))
    foot = FOOT + LINE_OF_TEXT * len(caption)
    height = HEAD + size + foot
    alike = "two" if len(trace.threads) == 2 else "two or more"
    heading = f"{alike} boxes at once {percent(overlap(boxes))} of the time, {alike} running {percent(trace.overlap)}"
    picture = figure(width, height, " ".join([f"{heading}. {origin(trace)}.", *known]))
    axes = picture.add_axes((LEFT / width, foot / height, 1 - (LEFT + RIGHT) / width, size / height))
    plain(axes)
    axes.set(xlim=(0, trace.seconds * 1e3), ylim=(len(trace.threads) - 0.5, -0.5))
    axes.set_yticks(range(len(trace.threads)), [thread.name for thread in trace.threads], fontsize=11)
    axes.set_xlabel("milliseconds", fontsize=10.5, color=INK)
    x = lambda moment: (moment - trace.start) / 1e6
    inch = trace.seconds * 1e3 / (width - LEFT - RIGHT)
    for index in range(len(trace.threads)):
        ink = color(index)
        drawn = [(x(b.start), (b.end - b.start) / 1e6) for b in boxes if b.thread == index]
        axes.broken_barh(drawn, (index - APART, BAR), facecolor=ink, alpha=0.3, edgecolor=ink, linewidth=0.5)
        for left, length in drawn:
            text = f"one call, {span(length / 1e3)}"
            if length / inch > 0.085 * len(text) or length / inch > 0.075 * len(text := f"{length:.1f}"):
                axes.text(left + length / 2, index - APART + BAR / 2, text, ha="center", va="center", fontsize=9,
                          color=INK)  # fmt: skip
        held = [(x(h.start), (h.end - h.start) / 1e6) for h in trace.holds if h.thread == index]
        axes.broken_barh(held, (index + APART - BAR, BAR), facecolor=ink)
        # A hold may have gaps in which the system ran another program: pale, as in gil_picture.
        aside = [(x(p.start), (p.end - p.start) / 1e6) for p in trace.preempted if p.thread == index]
        axes.broken_barh(aside, (index + APART - BAR, BAR), facecolor="white", alpha=0.6)
        for left, length in held:
            if length / inch > 0.35:
                axes.text(left + length / 2, index + APART - BAR / 2, f"{length:.1f}", ha="center", va="center",
                          fontsize=9, color=ink_on(ink))  # fmt: skip
        for side, words in ((-APART + BAR / 2, "VizTracer"), (APART - BAR / 2, "stamps")):
            axes.annotate(words, (1, index + side), (8, 0), xycoords=axes.get_yaxis_transform(),
                          textcoords="offset points", va="center", fontsize=8.5, color=INK)  # fmt: skip
        if index:
            axes.axhline(index - 0.5, color=LINE, lw=0.8)
    axes.text(0, 1 + 0.31 / size, heading[0].upper() + heading[1:], transform=axes.transAxes,
              fontsize=12.5 if width > 9 else 11.5, fontweight="bold", color=INK)  # fmt: skip
    axes.text(0, 1 + 0.11 / size, origin(trace), transform=axes.transAxes, fontsize=10, color="#555555")
    axes.text(0, -FOOT / size, "\n".join(caption), transform=axes.transAxes, va="top", fontsize=8.5, color="#555555")
    return picture


def boxes_picture(calls: Iterable[dict[str, Any]], names: Mapping[int, str], width: float = 11.0) -> Picture:
    """Draw `calls` as VizTracer does: a box from call to return, a lane for each of their threads.

    `calls` are events "X" with `tid`, and `ts` and `dur` in µs; `names` has a name for each tid, as `threads` of what
    `record_viztracer` gave. TypeError for other things, ValueError without a call or a name.
    """
    instance("names", names, Mapping, "names by native thread id")
    width = number("width", width, 7.5, 40, "inches")
    try:
        boxes = [Span(call["tid"], call["ts"], call["ts"] + call["dur"]) for call in calls]
    except (TypeError, KeyError) as error:
        raise TypeError(f"calls must be events with tid, ts and dur, not {shown(calls)}") from error
    if not boxes:
        raise ValueError("calls must have at least one event")
    threads = sorted({box.thread for box in boxes})
    if unnamed := [thread for thread in threads if thread not in names]:
        raise ValueError(f"names must have the threads of all calls; there is none for {unnamed[0]}")
    zero, size = min(box.start for box in boxes), 2 * BAR * len(threads)
    height = 0.2 + size + FOOT
    picture = figure(width, height, f"{len(boxes)} boxes, two or more at once {percent(overlap(boxes))} of the time.")
    axes = picture.add_axes((LEFT / width, FOOT / height, 1 - (LEFT + RIGHT) / width, size / height))
    plain(axes)
    for row, thread in enumerate(threads):
        bars = [((b.start - zero) / 1e3, (b.end - b.start) / 1e3) for b in boxes if b.thread == thread]
        axes.broken_barh(bars, (row - 0.4, 0.8), facecolor=color(row), edgecolor="white")
    axes.set_yticks(range(len(threads)), [names[thread] for thread in threads], fontsize=11)
    axes.set_ylim(len(threads) - 0.5, -0.5)
    axes.set_xlabel("milliseconds", fontsize=10.5, color=INK)
    return picture


def _boxes(calls: Iterable[dict[str, Any]], trace: GilTrace) -> list[Span]:
    threads = {thread.native_id: index for index, thread in enumerate(trace.threads)}
    boxes = []
    try:
        for call in calls:
            start, end = call["ts"] * 1e3, (call["ts"] + call["dur"]) * 1e3
            if call["tid"] in threads and start < trace.end and end > trace.start:
                boxes.append(Span(threads[call["tid"]], round(max(start, trace.start)), round(min(end, trace.end))))
    except (TypeError, KeyError) as error:
        raise TypeError(f"calls must be events with tid, ts and dur, not {shown(calls)}") from error
    if not boxes:
        raise ValueError("calls must have some of the trace's threads and time; write both into one file first")
    return boxes
