"""The check under way: whose code it runs, and what has been made for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

from exercises.engine.learner_code import Learners
from helpers.recording.data import Recording


@dataclass
class Check:
    """What belongs to one check. The kit's tools are made for the one that was begun last."""

    learners: Learners | None = None
    gates: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    runs: list[Recording] = field(default_factory=list)
    spared: set[threading.Thread] = field(default_factory=set)  # threads that may outlive the check
    now: ClassVar[Check]

    def begin(self) -> Check:
        Check.now = self
        return self

    @property
    def run(self) -> Recording | None:
        """The recording to be shown."""
        return self.runs[-1] if self.runs else None

    def open_gates(self) -> None:
        for gate in self.gates:
            gate.open()


Check().begin()
