"""The threads of a GIL trace and their spans: from the stamps of each thread to who held the GIL when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from helpers._common import at_once


@dataclass
class Track:
    """What one thread noted: `stamps` (perf_counter_ns), `looks` (time, voluntary, involuntary switches)."""

    name: str
    native_id: int = 0
    stamps: list[int] = field(default_factory=list)
    looks: list[tuple[int, int, int]] = field(default_factory=list)
    cpu: int = 0
    error: BaseException | None = None


class Baseline(NamedTuple):
    """One thread alone with the same work. Seconds, but for `lost` and `busy`.

    `piece` is the median of one call, `longest` the longest; `stamp` is what a stamp costs; `threshold` the gap
    from which a thread counts as not running; `lost` the share of time in such gaps although no other thread of
    ours was there: the noise of this computer; `busy` how much of a call is spent on a core, 0 to 1.
    """

    piece: float
    longest: float
    stamp: float
    threshold: float
    lost: float
    busy: float


class Sampling(NamedTuple):
    """How a trace was seen from outside: `rate` samples a second were asked for, `samples` came, `lost` did not.

    `longest` is the longest time (s) without a sample; `notes` are what a reader must know, a sentence each.
    """

    rate: int
    samples: int
    lost: int
    longest: float
    notes: tuple[str, ...] = ()


class TracedThread(NamedTuple):
    """One thread: its name and native id, the name of its work, its CPU seconds, that work's baseline.

    Of a thread that was seen from outside, `work` is the program, `cpu` counts the time in which it was ready for a
    core too, and the baseline has no more than a threshold: two samples.
    """

    name: str
    native_id: int
    work: str
    cpu: float
    baseline: Baseline


class Span(NamedTuple):
    """A stretch of one thread: `thread` is its index, `start` and `end` are perf_counter_ns."""

    thread: int
    start: int
    end: int

    @property
    def length(self) -> float:
        """Seconds."""
        return (self.end - self.start) / 1e9


class Reading(NamedTuple):
    """What the stamps say, each list in order of time; `unsure`: how many waits may be the system's in part."""

    holds: list[Span]
    waits: list[Span]
    preempted: list[Span]
    unsure: int


def read_spans(tracks: Sequence[Track], thresholds: Sequence[float], start: int, end: int, gil: bool) -> Reading:
    """Holds, waits and preempted gaps between `start` and `end` (ns).

    A gap longer than its thread's threshold (seconds) is a wait for the GIL if there is a GIL, another thread
    of ours stamped inside the gap, the system's own count does not say that this one never went to sleep, and
    two others did not run side by side for half of the gap: then cores were short, not the GIL.
    """
    reading = Reading([], [], [], 0)
    unsure = 0
    counted = any(voluntary for track in tracks for _, voluntary, _ in track.looks)
    gaps = [_gaps(track, start, end, threshold * 1e9) for track, threshold in zip(tracks, thresholds, strict=True)]
    ran = [run for index, own in enumerate(gaps) for run in _between(index, own, start, end)]
    for index, track in enumerate(tracks):
        stamps = [other.stamps for other in tracks if other is not track]
        others = [run for run in ran if run.thread != index]
        begin = start
        for a, b in gaps[index]:
            another_ran = any(bisect_left(own, b) > bisect_right(own, a) for own in stamps)
            slept, pushed = _switches(track, b) if counted else (1, 1)
            waited = gil and another_ran and slept > 0 and _doubled(others, a, min(b, end)) < 0.5
            unsure += waited and pushed > 0
            (reading.waits if waited else reading.preempted).append(Span(index, a, min(b, end)))
            if another_ran or not gil or a == start:
                if a > start:
                    reading.holds.append(Span(index, begin, a))
                begin = b
        if begin < end:
            reading.holds.append(Span(index, begin, end))
    for spans in reading[:3]:
        spans.sort(key=lambda span: span.start)
    return reading._replace(unsure=unsure)


def _gaps(track: Track, start: int, end: int, threshold: float) -> list[tuple[int, int]]:
    """Pairs of stamps of a thread with more than `threshold` (ns) between them; the first may be `start`."""
    return [(a, b) for a, b in pairwise([start, *track.stamps]) if a < end and b - a > threshold]


def _between(index: int, gaps: Sequence[tuple[int, int]], start: int, end: int) -> list[Span]:
    """Where a thread ran: between its gaps."""
    edges = [start, *(edge for gap in gaps for edge in gap), end]
    return [Span(index, a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _doubled(spans: Sequence[Span], start: int, end: int) -> float:
    """The share of the time from `start` to `end` in which two or more of `spans` ran."""
    inside = [(max(a, start), min(b, end)) for _, a, b in spans if a < end and b > start]
    return _at_least(2, inside) / (end - start)


def _switches(track: Track, gap_end: int) -> tuple[int, int]:
    """How often the thread went to sleep, and how often the system pushed it off its core, in the gap.

    A thread that waits for the GIL sleeps: a voluntary switch. One that the system preempts makes an
    involuntary one (getrusage(2), ru_nvcsw and ru_nivcsw). Before the first look, sleep is assumed.
    """
    at = bisect_left(track.looks, (gap_end,))
    if not 0 < at < len(track.looks):
        return 1, 0
    before, after = track.looks[at - 1 : at + 1]
    return after[1] - before[1], after[2] - before[2]


def without(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """`spans` less the parts that `holes` of the same thread cover."""
    left: list[Span] = []
    holes = sorted(holes, key=lambda hole: hole.start)
    for span in spans:
        begin = span.start
        for hole in holes:
            if hole.thread == span.thread and hole.start < span.end and hole.end > begin:
                left.append(Span(span.thread, begin, hole.start))
                begin = hole.end
        left.append(Span(span.thread, begin, max(begin, span.end)))
    return [span for span in left if span.end > span.start]


def nobody(spans: Iterable[Span], start: int, end: int) -> list[tuple[int, int]]:
    """When, between `start` and `end`, none of `spans` ran."""
    gaps, free = [], start
    for _, a, b in sorted(spans, key=lambda span: span.start):
        if a > free:
            gaps.append((free, a))
        free = max(free, b)
    return [*gaps, (free, end)] if free < end else gaps


def overlap(spans: Iterable[Span]) -> float:
    """Of the time in which at least one of `spans` ran: the share in which two or more did, 0 to 1."""
    parts = [(start, end) for _, start, end in spans]
    return _at_least(2, parts) / (_at_least(1, parts) or 1)


def _at_least(many: int, parts: Sequence[tuple[int, int]]) -> int:
    """How long (ns) `many` or more of `parts` lasted at once."""
    counts = at_once((start for start, _ in parts), (end for _, end in parts))
    return sum(later - moment for (moment, count), (later, _) in pairwise(counts) if count >= many)
