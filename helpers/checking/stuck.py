"""Say what a check that did not end was doing: which threads ran, which waited, where, and for what."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from helpers import exercise_kit as kit
from helpers.checking.where import Learners, Spot
from helpers.recording import Recording

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
            _read(f"{folder}/stat").rpartition(b")")[2].split()
        )  # man proc_pid_stat: fields 14 and 15, after the name
        switches = _read(f"{folder}/status").partition(b"\nvoluntary_ctxt_switches:")[2].split()
        return int(times[11]) + int(times[12]), int(switches[0])
    except OSError:  # the thread has ended meanwhile
        return 0, 0


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def report(learners: Learners, check: Learners, limit: float, before: Activity, spared: set[int]) -> dict[str, Any]:
    """The finding for a check that has used up its `limit`, in seconds.

    `learners` tells the learner's lines, `check` those of the check. `before` is the `activity` of half a limit ago;
    `spared` are idents of threads that are no part of the run.
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
    says = f"It did not end within {limit:.2g} s: {_why(spots, busy, bool(now))}."
    details = []
    for ident, spot in sorted(spots.items(), key=lambda item: (item[0] != main.ident, threads[item[0]].name)):
        does = "ran on" if ident in busy else "waited" if now else "stood"
        details.append(f"{_named(threads[ident].name)} {does} at {spot}")
    line = next((spot.line for spot in check.threads().values()), None)
    return {"ok": False, "says": says, "details": details + (waits(kit.runs[-1]) if kit.runs else []), "line": line}


def _why(spots: dict[int, Spot], busy: list[int], known: bool) -> str:
    if not spots:
        return "no thread stood in your code any more, yet something that it began had not ended"
    if not known:
        return "this is where your code stood"
    if busy:
        return "your code still ran, an endless loop or a task that never ends"
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
            lines.append(f"{who} waited in {blocked.call}() for the pool's tasks to end")
        else:
            task = tasks[blocked.task]
            still = "which was still in the queue" if task.outcome == "queued" else f"which was {task.outcome}"
            lines.append(f"{who} waited in {blocked.call}() for task {task.index} ({task.label}), {still}")
    return lines
