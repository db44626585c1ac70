"""The check under way: whose code it runs, what has been made for it, and what it tells as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from exercises.engine.learner_code import Learners
from helpers.recording.data import Recording

MOST_TASKS = 2_000  # tasks of a recording that are worth a picture


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at; `ok` is None for a remark, which decides nothing."""

    ok: bool | None
    says: str
    details: tuple[str, ...] = ()
    line: int | None = None  # of the exercise file
    stumbled: bool = False  # the check itself raised
    until: int | None = None  # it did not end: when it was given up, as time.perf_counter_ns() has it
    died: bool = False  # its process did not end by itself
    nowhere: bool = False  # it did not end, though no thread was in the learner's code

    @property
    def mark(self) -> str:
        return {True: "✓", False: "✗", None: "•"}[self.ok]


@dataclass(frozen=True)
class Told:
    """What else is told: a text of the `kind` "printed", "doing", "doubt", "broken" (the file is) or "not started"."""

    kind: str
    text: str = ""
    line: int = 1


Message = Finding | Told
Send = Callable[[Message], None]


@dataclass
class Check:
    """What belongs to one check. The kit's tools are made for the one that was begun last."""

    learners: Learners | None = None
    gates: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    runs: list[Recording] = field(default_factory=list)
    spared: set[threading.Thread] = field(default_factory=set)  # threads that may outlive the check
    waits: dict[int, Any] = field(default_factory=dict)  # by native thread id: what the check waits for now
    skipped: float = 0.0  # seconds passed over
    now: ClassVar[Check]

    def begin(self) -> Check:
        Check.now = self
        return self

    @property
    def run(self) -> Recording | None:
        """The last recording."""
        return self.runs[-1] if self.runs else None

    @property
    def shown(self) -> Recording | None:
        """The recording that is worth a picture."""
        return self.run if self.run is not None and 0 < len(self.run.tasks) <= MOST_TASKS else None

    def open_gates(self) -> None:
        for gate in self.gates:
            gate.open()


Check().begin()
