"""The forked side of a check: run it, and before the limit say where it hangs. This process never returns."""

from __future__ import annotations

import builtins
import faulthandler
import gc
import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from helpers import exercise_kit as kit
from helpers.checking.file import ExerciseFile
from helpers.checking.judge import Message, check_of, died, judge, learners_of
from helpers.checking.output import printed
from helpers.checking.stuck import activity, report

SHARE = 0.85  # of the limit is for the check; the rest is for finding out where it hangs
MOST_TASKS = 2_000  # tasks of a recording that are worth a picture


class Child:
    """What the threads of the child share: the pipe home, and who is first to end the process."""

    def __init__(self, exercise: ExerciseFile, fn: Any, write: int, folder: Path, kernel: int) -> None:
        self.exercise, self.fn, self.write, self.folder, self.kernel = exercise, fn, write, folder, kernel
        self.learners = learners_of(exercise, fn)
        self.sending = threading.Lock()
        self.ending = threading.Lock()

    def send(self, message: Message) -> None:
        self._send_line(json.dumps(message).encode())

    def _send_line(self, line: bytes) -> None:
        data = line + b"\n"
        try:
            with self.sending:
                while data:
                    data = data[os.write(self.write, data) :]
        except BrokenPipeError:  # the kernel is gone, and nobody will kill what hangs here
            os._exit(1)

    def live(self) -> NoReturn:
        """Judge, send the last message and end. `_watch` does so at the limit if this thread can't."""
        self._leave_the_kernel()
        threading.Thread(target=self._watch, name="limit", daemon=True).start()
        with printed(self.send):
            judge(self.exercise, self.fn, self.send)
            self._end({"end": True})

    def _leave_the_kernel(self) -> None:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)  # the kernel's event loop listens to the old one
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(60)  # the last resort, should the kernel be killed while something here holds the GIL
        gc.freeze()  # leaves the kernel's objects alone, and the memory pages that both share
        self.stands = open(self.folder / "stands", "w", encoding="utf-8")  # noqa: SIM115 - open to the end
        faulthandler.enable(self.stands)
        faulthandler.register(signal.SIGUSR1, self.stands)
        builtins.input = _nobody
        threading.excepthook = lambda args: self.send({"remark": died(args, self.learners)})
        if sys.platform == "darwin":
            os.environ["no_proxy"] = "*"  # asking macOS for its proxies kills a forked process (Python docs, os.fork)
        renew_pools(getattr(self.fn, "__globals__", {}))

    def _watch(self) -> None:
        clock, limit, half = kit.Clock(), self.exercise.limit * SHARE, None
        while (seconds := clock.read()) < limit:
            if os.getppid() != self.kernel:  # it is gone
                os._exit(1)
            if half is None and seconds > limit / 2:
                half = activity()
            time.sleep(kit.TICK)
            self._send_line(b"")  # a sign of life
        stuck = report(self.learners, check_of(self.exercise), seconds, half or {}, {threading.get_ident()})
        self._end({**stuck, "until": time.perf_counter_ns()})

    def _end(self, message: Message) -> NoReturn:
        with self.ending:
            if kit.runs and 0 < len(kit.runs[-1].tasks) <= MOST_TASKS:
                kit.runs[-1].save(self.folder / "run.json")
            self.send({**message, "last": True})
            os._exit(0)


def _nobody(*_: object) -> str:
    raise RuntimeError("a check has nobody to ask, so input() can't be used in it")


def _spare() -> None:
    kit.spared.add(threading.current_thread())


def renew_pools(space: dict[str, Any]) -> None:
    """Give the pools of earlier cells, whose threads a fork does not have, new ones to work with."""
    for pool in list(space.values()):
        if isinstance(pool, ThreadPoolExecutor) and not getattr(pool, "_shutdown", False):
            new = ThreadPoolExecutor(getattr(pool, "_max_workers", None), initializer=_spare)
            pool.submit = lambda *a, new=new, **k: new.submit(*a, **k)  # type: ignore[method-assign]
            pool.shutdown = lambda *a, new=new, **k: new.shutdown(*a, **k)  # type: ignore[method-assign]
