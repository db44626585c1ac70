"""What the slow server saw: plain data, and what follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from helpers.at_once import at_once
from helpers.checks import number


class Request(NamedTuple):
    """One request as the server saw it; times in ns on the clock of `time.perf_counter_ns`.

    `attempt` counts the requests for this path, from 1; None where the server refused (404, 405, 429).
    `status` is None while the request is being answered, and where the client left before its answer.
    """

    path: str
    attempt: int | None
    arrived: int
    answered: int | None
    status: int | None


@dataclass(frozen=True, repr=False)
class Seen:
    """What the server saw: `requests`, in order of arrival, and what follows from them."""

    requests: tuple[Request, ...]

    @property
    def peak(self) -> int:
        """The most requests that were inside the server at one moment; refused ones don't count."""
        inside = [r for r in self.requests if r.attempt is not None]
        counts = at_once((r.arrived for r in inside), (r.answered for r in inside))
        return max((count for _, count in counts), default=0)

    @property
    def statuses(self) -> Counter[int | None]:
        """How many requests got each status: `Counter({200: 40, 503: 6})`."""
        return Counter(r.status for r in self.requests)

    @property
    def paths(self) -> Counter[str]:
        """How many requests each path got, whatever the answer."""
        return Counter(r.path for r in self.requests)

    @property
    def served(self) -> Counter[str]:
        """How many times each path was answered with 200."""
        return Counter(r.path for r in self.requests if r.status == 200)

    @property
    def duplicates(self) -> dict[str, int]:
        """The paths answered with 200 more than once, and how often. A retry after an error is none."""
        return {path: times for path, times in self.served.items() if times > 1}

    def busiest(self, seconds: float) -> int:
        """The most requests that arrived within any span of `seconds`, refused ones too."""
        span = number("seconds", seconds) * 1e9
        arrived = [r.arrived for r in self.requests]
        first = most = 0
        for last, moment in enumerate(arrived):
            while moment - arrived[first] >= span and first < last:
                first += 1
            most = max(most, last - first + 1)
        return most

    def __repr__(self) -> str:
        kinds = ", ".join(f"{n} × {status or 'unanswered'}" for status, n in self.statuses.most_common())
        return (
            f"Seen({len(self.requests)} requests for {len(self.paths)} paths: {kinds or 'none'};"
            f" at most {self.peak} at once; {len(self.duplicates)} fetched twice)"
        )
