"""How many of some spans of time are open at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def at_once(starts: Iterable[int | None], ends: Iterable[int | None]) -> Iterator[tuple[int, int]]:
    """Each moment at which a span starts or ends, and how many are open from it on; None is no moment.

    One that ends as another starts counts once.
    """
    steps = [(start, 1) for start in starts if start is not None] + [(end, -1) for end in ends if end is not None]
    count = 0
    for moment, step in sorted(steps):
        count += step
        yield moment, count
