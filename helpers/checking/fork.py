"""Run a check in a fork of this process: a copy that has the learner's function as it is, and can be killed whole.

Nothing that the check does reaches the kernel. The copy prints nothing here and has none of the kernel's threads; at
its limit it is killed with all its threads and processes, whatever they are stuck in.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from helpers.checking.child import Child
from helpers.checking.file import ExerciseFile
from helpers.checking.judge import Message
from helpers.checking.parent import Parent
from helpers.recording import Recording


class NoFork(Exception):
    """The system gives no process: there is no memory for it, or there are too many."""


def run(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
    """What the check of `exercise` says of `fn`, and the run to be shown. NoFork where no process can be had."""
    with tempfile.TemporaryDirectory(prefix="exercise-") as name:
        read, write = os.pipe()
        parent = Parent(exercise, fn, Path(name))
        try:
            with _interrupts_later():
                try:
                    _fork(parent, read, write)
                finally:
                    os.close(write)
            messages = parent.listen(read)
        finally:
            os.close(read)
            parent.kill()
        saved = parent.folder / "run.json"
        return messages, Recording.load(saved) if saved.exists() else None


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold an interrupt back until the block's end: in the middle of a fork it would leave the child unknown."""
    before, came = signal.getsignal(signal.SIGINT), []
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


def _fork(parent: Parent, read: int, write: int) -> None:
    """Start the child, which never comes back from here. NoFork where no process can be had."""
    kernel = os.getpid()
    with warnings.catch_warnings():
        # From Python 3.12 on a fork beside other threads warns: they may hold locks that the child needs. This child
        # needs none of the kernel's: its output is its own, and it ends without cleaning up after the kernel.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            parent.pid = os.fork()
        except OSError as error:
            raise NoFork from error
    if parent.pid == 0:
        try:
            os.close(read)
            Child(parent.exercise, parent.fn, write, parent.folder, kernel).live()
        finally:
            os._exit(70)  # never return into the kernel's code
    with suppress(OSError):  # the child does so too: whoever is first
        os.setpgid(parent.pid, parent.pid)
