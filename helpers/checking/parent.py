"""The kernel's side of a forked check: hear what it says, say what it can't, and end it."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from helpers import exercise_kit as kit
from helpers.checking.file import ExerciseFile
from helpers.checking.judge import Message, learners_of
from helpers.checking.where import Spot

PATIENCE = 0.97  # of the limit, for a child that can't even say where it hangs
# A child that is heard of every TICK is slow, as on a busy computer, and gets more time to say where it hangs.
SILENCE, GRACE = 3.0, 5.0  # seconds
DUMP = 1.0  # seconds for faulthandler to write where the threads stand


class Parent:
    """The kernel's side of a forked check."""

    def __init__(self, exercise: ExerciseFile, fn: Any, folder: Path) -> None:
        self.exercise, self.fn, self.folder = exercise, fn, folder
        self.pid = 0  # while there is no child
        self.status: int | None = None  # as os.waitpid gives it

    def listen(self, read: int) -> list[Message]:
        """The child's messages to its end or its limit, and what is to be said if it did not come to its end."""
        messages: list[Message] = []
        buffer, clock, poll, limit = b"", kit.Clock(), select.poll(), self.exercise.limit
        poll.register(read, select.POLLIN)
        heard, gone = 0.0, False
        while (now := clock.read()) < limit * PATIENCE or now < min(heard + SILENCE, limit + GRACE):
            if poll.poll(kit.TICK * 1000):
                chunk = os.read(read, 1 << 16)
                if not chunk:
                    break
                heard = now
                *lines, buffer = (buffer + chunk).split(b"\n")
                messages += [json.loads(line) for line in lines if line]
                if messages and messages[-1].get("last"):
                    return messages
            elif gone:  # before the pipe was empty, which a process that it started may hold open
                break
            gone = self.gone()
        else:
            return [*messages, self.hung()]
        return [*messages, self.ended()]

    def gone(self) -> bool:
        if self.status is None and self.pid:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def hung(self) -> Message:
        """The child is silent: something holds the GIL, so that its own watch can't run. faulthandler needs no GIL."""
        stands, dump, clock = self.folder / "stands", "", kit.Clock()
        if stands.exists() and not self.gone():
            os.kill(self.pid, signal.SIGUSR1)
            while clock.read() < DUMP and (not dump or dump != stands.read_text(errors="replace")):
                dump = stands.read_text(errors="replace")
                time.sleep(kit.TICK)
        cause = "most likely a call into C code that lets no other thread run"
        says = f"It did not end, and nothing could run beside it: {cause}."
        return {"ok": False, "says": says, "details": [f"a thread stood at {spot}" for spot in self.spots()]}

    def ended(self) -> Message:
        """The child is gone without a last message."""
        clock, spots = kit.Clock(), []
        while not self.gone() and clock.read() < 1:
            time.sleep(0.005)
        if self.status is not None and os.WIFSIGNALED(self.status):
            spots, number = self.spots(), os.WTERMSIG(self.status)
            cause = f"It died of the signal {signal.Signals(number).name}, as after a crash in C code."
        else:
            code = "" if self.status is None else f" (exit code {os.WEXITSTATUS(self.status)})"
            cause = f"os._exit() does that{code}. Return instead."
        says = f"Your code ended the whole process, and the check with it. {cause}"
        return {"ok": False, "says": says, "details": [f"a thread stood at {spot}" for spot in spots]}

    def spots(self) -> list[Spot]:
        """For each thread in what faulthandler wrote its innermost line in the learner's code."""
        learners, found = learners_of(self.exercise, self.fn), []
        stands = self.folder / "stands"
        dump = stands.read_text(errors="replace") if stands.exists() else ""
        for thread in re.split(r"^(?:Current thread|Thread) .*$", dump, flags=re.MULTILINE):
            frames = re.findall(r'^  File "(.+)", line (\d+) in (.+)$', thread, re.MULTILINE)
            inside = itertools.takewhile(lambda frame: frame[0] != learners.judge, frames)
            found += [Spot(f, int(n), name) for f, n, name in inside if learners.owns(f, int(n))][:1]
        return found

    def kill(self) -> None:
        """End the child and all that it has started; whatever happened, none of it is left."""
        if not self.pid:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.status is None:
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
