"""Run a check where nothing can hang: in a fork of this process, or in a thread where the system has no fork.

The fork is a copy that has the learner's function as it is. It prints nothing here and has none of the kernel's
threads; at its limit it is killed with all its threads and processes, whatever they are stuck in. A thread that hangs
can be left alone, not stopped.
"""

from __future__ import annotations

import builtins
import concurrent.futures.thread
import faulthandler
import gc
import io
import itertools
import json
import logging
import os
import pickle
import re
import select
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from exercises.engine.check import Check
from exercises.engine.judge import Message, check_of, died, judge, learners_of
from exercises.engine.learner_code import Activity, Spot, activity, report
from exercises.engine.problem import ExerciseFile
from helpers.recording.data import Recording
from helpers.tasks import TICK, Clock

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
        buffer, clock, poll, limit = b"", Clock(), select.poll(), self.exercise.limit
        poll.register(read, select.POLLIN)
        heard, gone = 0.0, False
        while (now := clock.read()) < limit * PATIENCE or now < min(heard + SILENCE, limit + GRACE):
            if poll.poll(TICK * 1000):
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
        stands, dump, clock = self.folder / "stands", "", Clock()
        if stands.exists() and not self.gone():
            os.kill(self.pid, signal.SIGUSR1)
            while clock.read() < DUMP and (not dump or dump != stands.read_text(errors="replace")):
                dump = stands.read_text(errors="replace")
                time.sleep(TICK)
        cause = "most likely a call into C code that lets no other thread run"
        says = f"It did not end, and nothing could run beside it: {cause}."
        return {"ok": False, "says": says, "details": [f"a thread stood at {spot}" for spot in self.spots()]}

    def ended(self) -> Message:
        """The child is gone without a last message."""
        clock, spots = Clock(), []
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


KEPT = 10_000  # characters


class Printed(io.TextIOBase):
    """Takes the place of sys.stdout and sys.stderr, and hands on what is written, up to KEPT characters."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send, self._left = send, KEPT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0 and text:
            self._send({"printed": text[: self._left]})
            self._left -= len(text)
        return len(text)


@contextmanager
def printed(send: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Send what is printed in the block as {"printed": text}."""
    streams, stream = (sys.stdout, sys.stderr), Printed(send)
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in streams
    ]
    kept = [handler.setStream(stream) for handler in handlers]
    sys.stdout = sys.stderr = stream
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for handler, before in zip(handlers, kept, strict=True):
            handler.setStream(before)


SHARE = 0.85  # of the limit is for the check; the rest is for finding out where it hangs
MOST_TASKS = 2_000  # tasks of a recording that are worth a picture


def shown() -> Recording | None:
    """The recording of the check under way that is worth a picture."""
    run = Check.now.run
    return run if run is not None and 0 < len(run.tasks) <= MOST_TASKS else None


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
        clock, limit, half = Clock(), self.exercise.limit * SHARE, None
        while (seconds := clock.read()) < limit:
            if os.getppid() != self.kernel:  # it is gone
                os._exit(1)
            if half is None and seconds > limit / 2:
                half = activity()
            time.sleep(TICK)
            self._send_line(b"")  # a sign of life
        stuck = report(
            self.learners, check_of(self.exercise), Check.now.run, seconds, half or {}, {threading.get_ident()}
        )
        self._end({**stuck, "until": time.perf_counter_ns()})

    def _end(self, message: Message) -> NoReturn:
        with self.ending:
            if (run := shown()) is not None:
                (self.folder / "run").write_bytes(pickle.dumps(run))
            self.send({**message, "last": True})
            os._exit(0)


def _nobody(*_: object) -> str:
    raise RuntimeError("a check has nobody to ask, so input() can't be used in it")


def _spare() -> None:
    Check.now.spared.add(threading.current_thread())


def renew_pools(space: dict[str, Any]) -> None:
    """Give the pools of earlier cells, whose threads a fork does not have, new ones to work with."""
    for pool in list(space.values()):
        if isinstance(pool, ThreadPoolExecutor) and not getattr(pool, "_shutdown", False):
            new = ThreadPoolExecutor(getattr(pool, "_max_workers", None), initializer=_spare)
            pool.submit = lambda *a, new=new, **k: new.submit(*a, **k)  # type: ignore[method-assign]
            pool.shutdown = lambda *a, new=new, **k: new.shutdown(*a, **k)  # type: ignore[method-assign]


class NoFork(Exception):
    """The system gives no process: there is no memory for it, or there are too many."""


def run_forked(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
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
        saved = parent.folder / "run"
        return messages, pickle.loads(saved.read_bytes()) if saved.exists() else None


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


def run_in_thread(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
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
                    **report(learners, check_of(exercise), Check.now.run, exercise.limit * SHARE, half, spared),
                    "until": time.perf_counter_ns(),
                }
            )
            send({"remark": _let_go(before)})
    finally:
        over.set()
        threading.excepthook = hook
    return messages, shown()


def _wait(thread: threading.Thread, limit: float) -> Activity:
    """Wait for `thread` up to `limit` seconds; the activity of all threads at half of it."""
    clock, half = Clock(), None
    while thread.is_alive() and (seconds := clock.read()) < limit:
        if half is None and seconds > limit / 2:
            half = activity()
        thread.join(TICK)
    return half or {}


def _let_go(before: set[threading.Thread]) -> str:
    """Free what waits for the check, keep the kernel from waiting for the rest, and say what is left."""
    Check.now.open_gates()
    time.sleep(2 * TICK)
    left = [t for t in threading.enumerate() if t not in before]
    for thread in left:
        # At its end Python joins every pool's threads, daemons or not, and would never get to an end.
        concurrent.futures.thread._threads_queues.pop(thread, None)  # type: ignore[attr-defined]
    some = "1 thread" if len(left) == 1 else f"{len(left)} threads"
    return f"{some} of it could not be stopped and may slow down this kernel; restart it when you have mended the code."
