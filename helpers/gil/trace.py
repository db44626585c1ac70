"""A trace of who ran when, as plain data that can be saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from helpers._common import shown
from helpers.gil import spans
from helpers.gil.spans import Baseline, Sampling, Span, TracedThread, Track

FORMAT = "gil trace 1"
SPANS = ("holds", "waits", "preempted")
PLAIN = ("machine", "unsure", "gil", "cores", "switch_interval", "start")


@dataclass(frozen=True, repr=False)
class GilTrace:
    """Who ran when, between `start` and `end` (perf_counter_ns).

    `holds`: stretches of a thread that no other one interrupted. `waits`: gaps in which this one waited for
    the GIL and another ran; `unsure` of them, the system may have drawn out. `preempted`: gaps that were the
    system's doing: no other thread of ours ran, or this one never went to sleep, or there is no GIL. Those
    inside a hold are part of it. `gil_profile` sees holds and waits from outside (`sampling` says how), and
    `outside`: stretches in which a thread ran without the GIL. `recorded`: whether the trace was loaded.
    """

    threads: tuple[TracedThread, ...]
    start: int
    end: int
    holds: tuple[Span, ...]
    waits: tuple[Span, ...]
    preempted: tuple[Span, ...]
    unsure: int
    switch_interval: float
    gil: bool
    cores: int
    machine: dict[str, str]
    tracks: tuple[Track, ...] = field(default=(), compare=False)  # raw stamps; they are not saved
    outside: tuple[Span, ...] = ()
    sampling: Sampling | None = None
    recorded: bool = field(default=False, compare=False)

    @property
    def seconds(self) -> float:
        """How long the trace is."""
        return (self.end - self.start) / 1e9

    @cached_property
    def running(self) -> list[Span]:
        """The holds, less the time in which the system had set the thread aside."""
        return spans.without(self.holds, self.preempted)

    @cached_property
    def nobody(self) -> list[tuple[int, int]]:
        """When (ns) none of the threads ran for longer than a hand-over takes."""
        limit = max(thread.baseline.threshold for thread in self.threads) * 1e9
        ran = [*self.running, *self.outside]
        return [(a, b) for a, b in spans.nobody(ran, self.start, self.end) if b - a > limit]

    @cached_property
    def shares(self) -> list[float]:
        """Each thread's share of the time in which it ran, 0 to 1."""
        return [
            sum(span.length for span in self.running if span.thread == index) / self.seconds
            for index in range(len(self.threads))
        ]

    @cached_property
    def overlap(self) -> float:
        """Of the time in which any thread ran: the share in which two or more did, 0 to 1.

        Threads that sleep inside their work do not run, and count only if all of them sleep.
        """
        idle = self.asleep if len(self.asleep) < len(self.threads) else []
        return spans.overlap(span for span in self.running if span.thread not in idle)

    @cached_property
    def longest_overlap(self) -> float:
        """Seconds; the longest stretch in which two threads held at once."""
        longest, last = 0, None
        for hold in sorted(self.holds, key=lambda hold: hold.start):
            if last is not None and hold.thread != last.thread:
                longest = max(longest, min(hold.end, last.end) - hold.start)
            if last is None or hold.end > last.end:
                last = hold
        return longest / 1e9

    @property
    def median_hold(self) -> float:
        """Seconds. Holds that the trace's ends cut are left out if there are others."""
        return median(hold.length for hold in self.whole_holds or self.holds) if self.holds else 0.0

    @property
    def median_wait(self) -> float:
        """Seconds; 0 if nobody waited."""
        return median(wait.length for wait in self._uncut(self.waits) or self.waits) if self.waits else 0.0

    @property
    def waited_over_ran(self) -> float:
        """Seconds that the threads waited for the GIL for each second that they ran; n - 1 if n share it."""
        ran = sum(span.length for span in self.running)
        return sum(wait.length for wait in self.waits) / ran if ran else 0.0

    @property
    def handoffs(self) -> int:
        """How often a hold of one thread was followed by one of another."""
        order = [hold.thread for hold in self.holds]
        return sum(a != b for a, b in pairwise(order))

    @property
    def cpu_over_wall(self) -> float:
        """CPU seconds of all threads for one second of the clock: about 1 means one core's worth of work."""
        return sum(thread.cpu for thread in self.threads) / self.seconds

    @property
    def asleep(self) -> list[int]:
        """Threads whose pieces mostly wait, for a timer or a socket: alone, less than half of the time on a core."""
        return [i for i, thread in enumerate(self.threads) if thread.baseline.busy < 0.5]

    @property
    def whole_holds(self) -> list[Span]:
        """The holds of more than one piece that neither end of the trace cut."""
        return self._uncut(self.holds)

    def _uncut(self, spans: Sequence[Span]) -> list[Span]:
        return [span for span in spans if self.start < span.start < span.end < self.end]

    def __repr__(self) -> str:
        return (
            f"<GilTrace: {len(self.threads)} threads, {self.seconds * 1e3:.0f} ms, "
            f"overlap {self.overlap:.1%}, median hold {self.median_hold * 1e3:.1f} ms, "
            f"{len(self.waits)} waits, {len(self.preempted)} preempted>"
        )

    def save(self, path: str | Path) -> None:
        """Write the trace, and where and when it was taken, as JSON. Times in it are ns from its start."""
        start = self.start
        from_start = lambda spans: [(thread, a - start, b - start) for thread, a, b in spans]
        data = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in PLAIN},
            "length": self.end - start,
            "threads": [{**thread._asdict(), "baseline": thread.baseline._asdict()} for thread in self.threads],
            **{name: from_start(getattr(self, name)) for name in SPANS},
        }
        if self.sampling:
            data |= {"outside": from_start(self.outside), "sampling": self.sampling._asdict()}
        Path(path).write_text(json.dumps(data) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> GilTrace:
        """Read what `save` wrote; ValueError naming the file if it is anything else."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            if data["format"] != FORMAT:
                raise ValueError(f"its format is {shown(data['format'])}")
            start, sampling = data["start"], data.get("sampling")
            facts: dict[str, Any] = {
                **{name: data[name] for name in PLAIN},
                "end": start + data["length"],
                "threads": tuple(_thread(**thread) for thread in data["threads"]),
                "sampling": Sampling(**sampling | {"notes": tuple(sampling["notes"])}) if sampling else None,
            }
            for name in (*SPANS, "outside"):
                found = data[name] if name in SPANS else data.get(name, ())
                facts[name] = tuple(Span(thread, start + a, start + b) for thread, a, b in found)
            return cls(**facts, recorded=True)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a trace that GilTrace.save wrote: {error!r}") from error


def _thread(baseline: dict[str, float], **facts: Any) -> TracedThread:
    return TracedThread(**facts, baseline=Baseline(*(baseline[name] for name in Baseline._fields)))
