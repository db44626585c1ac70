"""Where a learner's code stands, without the frames of Python, helpers and checks; and what a check that hangs does."""

from __future__ import annotations

import itertools
import linecache
import os
import re
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import ClassVar, NamedTuple

from helpers.recording.data import Recording

_CELL = re.compile(r"[\\/]ipykernel_\d+[\\/]|^<ipython-input|^<stdin>$|^<string>$")
_PACKAGES = (sys.modules[name] for name in ("helpers", "exercises"))
_OURS = tuple(str(Path(path).resolve()) + os.sep for package in _PACKAGES for path in package.__path__)
_PYTHON = tuple({sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class Spot(NamedTuple):
    """A line of the learner's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        code = linecache.getline(self.file, self.line).strip()
        where = f"{shown_file(self.file)}, line {self.line}"
        where += "" if self.function == "<module>" else f", in {self.function}"
        return f"{where}: `{code}`" if code else where


def is_cell(file: str) -> bool:
    """Whether code of that file name was written in a notebook's cell."""
    return bool(_CELL.search(file))


def shown_file(file: str) -> str:
    """ "cell", or the name of the file without its folder, which differs from machine to machine."""
    return "cell" if is_cell(file) else os.path.basename(file)


def tidy(text: str) -> str:
    """`text`, maybe with tracebacks in it, without the folders of this computer and addresses in its memory."""
    text = re.sub(r'File "([^"\n]+)"', lambda match: f'File "{shown_file(match[1])}"', text)
    return re.sub(r" at 0x[0-9a-fA-F]{6,}", "", text)


class Learners:
    """Tells the learner's lines from all others.

    In the exercise file, which holds the check as well, only the lines in `spans` are the answer's.
    """

    bottom: ClassVar[CodeType]  # of the function that runs a check: below it in a stack is the cell that called check()

    def __init__(self, exercise: Path, spans: Iterable[tuple[int, int]] = ()) -> None:
        self.exercise, self.spans = str(exercise), tuple(spans)

    def owns(self, file: str, line: int) -> bool:
        if file == self.exercise:
            return any(first <= line <= last for first, last in self.spans)
        if _CELL.search(file):
            return True
        return not (file.startswith((*_OURS, "<", *_PYTHON)) or os.path.abspath(file).startswith(_PYTHON))

    def spots(self, frames: Iterable[tuple[FrameType, int]]) -> Iterator[Spot]:
        for frame, line in frames:
            code = frame.f_code
            if self.owns(code.co_filename, line or 0):
                yield Spot(code.co_filename, line, code.co_name)

    def raised_at(self, trace: TracebackType | None) -> list[Spot]:
        """The learner's lines that an exception passed, outermost first."""
        return list(self.spots(traceback.walk_tb(trace)))

    def stands_at(self, frame: FrameType | None) -> Spot | None:
        """The learner's line in which a thread is now, None if it is in none."""
        inside = itertools.takewhile(lambda f: f[0].f_code is not self.bottom, traceback.walk_stack(frame))
        return next(self.spots(inside), None)

    def threads(self) -> dict[int, Spot]:
        """For each thread that is inside the learner's code, by its ident, the line."""
        here = {ident: self.stands_at(frame) for ident, frame in sys._current_frames().items()}
        return {ident: spot for ident, spot in here.items() if spot is not None}


# In half of the limit a thread that waits uses no CPU (Linux counts in steps of 0.01 s) and never wakes up.
STEPS, WAKE_UPS = 3, 3
Activity = dict[int, tuple[int, int]]


def activity() -> Activity:
    """CPU time, in Linux's steps, and wake-ups of each thread so far, by native id; empty on other systems.

    `open` is not used: on a free-threaded 3.13 with all CPUs busy each of its locks costs 40 turns of the scheduler.
    """
    try:
        return {int(thread): _activity(f"/proc/self/task/{thread}") for thread in os.listdir("/proc/self/task")}
    except OSError:
        return {}


def _activity(folder: str) -> tuple[int, int]:
    try:
        times = (
            read_now(f"{folder}/stat").rpartition(b")")[2].split()
        )  # man proc_pid_stat: fields 14 and 15, after the name
        switches = read_now(f"{folder}/status").partition(b"\nvoluntary_ctxt_switches:")[2].split()
        return int(times[11]) + int(times[12]), int(switches[0])
    except OSError:  # the thread has ended meanwhile
        return 0, 0


def read_now(path: str) -> bytes:
    """What is in a file of /proc."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def report(
    learners: Learners, run: Recording | None, limit: float | None, before: Activity, spared: set[int]
) -> tuple[str, tuple[str, ...], bool]:
    """What to say of a check that has used up its `limit`, in seconds (None: it rests), where its threads stand, and
    whether one stands in the learner's code.

    `before` is the `activity` of half a limit ago; `spared` are idents of threads that are no part of the run.
    """
    now = activity()
    threads = {t.ident: t for t in threading.enumerate() if t.ident is not None and t.ident not in spared}
    spots = {ident: spot for ident, spot in learners.threads().items() if ident in threads}
    main = threading.main_thread()

    def ran(ident: int) -> bool:
        # In a fork the main thread keeps the native id that it had before; on Linux its new one is the process's.
        native = os.getpid() if threads[ident] is main and sys.platform == "linux" else threads[ident].native_id or 0
        (cpu, wake_ups), (cpu_before, wake_ups_before) = now.get(native, (0, 0)), before.get(native, (0, 0))
        return cpu - cpu_before > STEPS or wake_ups - wake_ups_before > WAKE_UPS

    busy = [ident for ident in spots if ran(ident)]
    within = "" if limit is None else f" within {limit:.2g} s"
    says = f"It did not end{within}: {_why(spots, busy, bool(now))}."
    details = []
    for ident, spot in sorted(spots.items(), key=lambda item: (item[0] != main.ident, threads[item[0]].name)):
        does = "ran on" if ident in busy else "waited" if now else "stood"
        details.append(f"{_named(threads[ident].name)} {does} at {spot}")
    return says, (*details, *(waits(run) if run else ())), bool(spots)


def _why(spots: dict[int, Spot], busy: list[int], known: bool) -> str:
    if not spots:
        return "no thread stood in your code any more, yet something that it began had not ended"
    if not known:
        return "this is where your code stood"
    if busy:
        return "your code still ran: an endless loop, a task that never ends, or waits that add up"
    if len(spots) == 1:
        return "your code waited for something that never came"
    return "every thread waited for another or for something that never came, a deadlock"


def _named(thread: str) -> str:
    return "the main thread" if thread == "MainThread" else thread


def waits(run: Recording) -> list[str]:
    """Who waited for which task, as the recording has it."""
    tasks, lines = run.tasks, []
    for blocked in run.blocked:
        if blocked.end is not None:
            continue
        inside = next((t for t in tasks if t.outcome == "running" and t.worker == blocked.thread), None)
        who = _named(blocked.thread.name) + (f", running task {inside.index} ({inside.label})," if inside else "")
        if blocked.task is None:
            what = f" for {len(blocked.tasks)} tasks" if blocked.tasks else ""
            what = " for the pool's tasks to end" if blocked.call == "shutdown" else what
            lines.append(f"{who} waited in {blocked.call}(){what}")
        else:
            task = tasks[blocked.task]
            still = "which was still in the queue" if task.outcome == "queued" else f"which was {task.outcome}"
            lines.append(f"{who} waited in {blocked.call}() for task {task.index} ({task.label}), {still}")
    return lines
