"""Run a check in a thread of this process: for systems without fork. What hangs can be left alone, not stopped."""

from __future__ import annotations

import concurrent.futures.thread
import threading
import time
from typing import Any

from helpers import exercise_kit as kit
from helpers.checking.child import MOST_TASKS, SHARE
from helpers.checking.file import ExerciseFile
from helpers.checking.judge import Message, check_of, died, judge, learners_of
from helpers.checking.output import printed
from helpers.checking.stuck import Activity, activity, report
from helpers.recording import Recording


def run(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
    """What the check of `exercise` says of `fn`, and the run to be shown."""
    messages: list[Message] = []
    over = threading.Event()

    def send(message: Message) -> None:
        if not over.is_set():
            messages.append(message)

    learners = learners_of(exercise, fn)
    before = set(threading.enumerate())
    hook = threading.excepthook
    # A daemon's threads are daemons too: at its end the kernel does not wait for those that hang.
    thread = threading.Thread(target=judge, args=(exercise, fn, send), name="check", daemon=True)
    try:
        with printed(send):
            threading.excepthook = lambda args: send({"remark": died(args, learners)})
            thread.start()
            half = _wait(thread, exercise.limit * SHARE)
        if thread.is_alive():
            spared = {t.ident for t in before if t.ident is not None}
            send(
                {
                    **report(learners, check_of(exercise), exercise.limit * SHARE, half, spared),
                    "until": time.perf_counter_ns(),
                }
            )
            send({"remark": _let_go(before)})
    finally:
        over.set()
        threading.excepthook = hook
    shown = kit.runs[-1] if kit.runs and 0 < len(kit.runs[-1].tasks) <= MOST_TASKS else None
    return messages, shown


def _wait(thread: threading.Thread, limit: float) -> Activity:
    """Wait for `thread` up to `limit` seconds; the activity of all threads at half of it."""
    clock, half = kit.Clock(), None
    while thread.is_alive() and (seconds := clock.read()) < limit:
        if half is None and seconds > limit / 2:
            half = activity()
        thread.join(kit.TICK)
    return half or {}


def _let_go(before: set[threading.Thread]) -> str:
    """Free what waits for the check, keep the kernel from waiting for the rest, and say what is left."""
    for meeting in kit.meetings:
        meeting.open()
    time.sleep(2 * kit.TICK)
    left = [t for t in threading.enumerate() if t not in before]
    for thread in left:
        # At its end Python joins every pool's threads, daemons or not, and would never get to an end.
        concurrent.futures.thread._threads_queues.pop(thread, None)  # type: ignore[attr-defined]
    some = "1 thread" if len(left) == 1 else f"{len(left)} threads"
    return f"{some} of it could not be stopped and may slow down this kernel; restart it when you have mended the code."
