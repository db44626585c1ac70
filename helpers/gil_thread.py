"""What is known of one thread of a GIL trace: its stamps, its work alone, its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


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


class TracedThread(NamedTuple):
    """One thread: its name and native id, the name of its work, its CPU seconds, that work's baseline."""

    name: str
    native_id: int
    work: str
    cpu: float
    baseline: Baseline
