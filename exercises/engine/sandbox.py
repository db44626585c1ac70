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
import logging
import multiprocessing
import os
import pickle
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from exercises.engine.check import Check, Finding, Message, Send, Told
from exercises.engine.judge import died, judge, learners_of, line_of_check
from exercises.engine.learner_code import Activity, Learners, Spot, activity, report
from exercises.engine.problem import ExerciseFile
from exercises.engine.rest import Look, pass_over
from helpers.machine import gil_enabled
from helpers.recording.data import Recording
from helpers.tasks import TICK, Clock

SHARE = 0.85  # of the limit is for the check; the rest is for finding out where it hangs
PATIENCE = 0.97  # of the limit, for a child that can't even say where it hangs
# A child that is heard of every TICK is slow, as on a busy computer, and gets more time to say where it hangs.
SILENCE, GRACE = 3.0, 5.0  # seconds
DUMP = 1.0  # seconds for faulthandler to write where the threads stand
KEPT = 10_000  # characters of what is printed


class NoFork(Exception):
    """The system gives no process: there is no memory for it, or there are too many."""


class Parent:
    """The kernel's side of a forked check."""

    def __init__(self, exercise: ExerciseFile, fn: Any, folder: Path) -> None:
        self.exercise, self.fn, self.stands = exercise, fn, folder / "stands"
        self.pipe, self.far_end = multiprocessing.Pipe(duplex=False)
        child = Child(exercise, fn, self.far_end, folder)
        self.process = multiprocessing.get_context("fork").Process(target=child.live, args=(self.pipe,))

    def start(self) -> None:
        """NoFork where no process can be had."""
        with warnings.catch_warnings(), _interrupts_later():
            # From Python 3.12 on a fork beside other threads warns: they may hold locks that the child needs. This
            # child needs none of the kernel's: its output is its own, and it ends without cleaning up after the kernel.
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                self.process.start()
            except OSError as error:
                raise NoFork from error
            finally:
                self.far_end.close()
        with suppress(OSError):  # the child does so too: whoever is first
            os.setpgid(self.process.pid or 0, self.process.pid or 0)

    def listen(self) -> list[Message]:
        """The child's messages to its end or its limit, and what is to be said if it did not come to its end."""
        messages: list[Message] = []
        clock, limit, heard, gone = Clock(), self.exercise.limit, 0.0, False
        while (now := clock.read()) < limit * PATIENCE or now < min(heard + SILENCE, limit + GRACE):
            if self.pipe.poll(TICK):
                try:
                    message = self.pipe.recv()
                except (EOFError, OSError, pickle.UnpicklingError):  # what it has closed or cut short tells no more
                    break
                heard = now
                if message == "end":
                    return messages
                messages += [message] if message else []
            elif gone:  # before the pipe was empty, which a process that it started may hold open
                break
            gone = self.gone()
        else:
            return [*messages, self.hung()]
        return [*messages, self.ended()]

    def gone(self) -> bool:
        return self.process.exitcode is not None

    def hung(self) -> Finding:
        """The child is silent: something holds the GIL, so that its own watch can't run. faulthandler needs no GIL."""
        dump, clock = "", Clock()
        if self.stands.exists() and not self.gone():
            os.kill(self.process.pid or 0, signal.SIGUSR1)
            while clock.read() < DUMP and (not dump or dump != self.stands.read_text(errors="replace")):
                dump = self.stands.read_text(errors="replace")
                time.sleep(TICK)
        cause, spots = "most likely a call into C code that lets no other thread run", self.spots()
        says = f"It did not end, and nothing could run beside it: {cause}."
        return Finding(False, says, spots, died=True, nowhere=not spots)

    def ended(self) -> Finding:
        """The child is gone without a last message."""
        self.process.join(1)
        code = self.process.exitcode
        spots: tuple[str, ...] = ()
        if code is not None and code < 0:
            spots = self.spots()
            cause = f"It died of the signal {signal.Signals(-code).name}, as after a crash in C code."
        else:
            cause = f"os._exit() does that{'' if code is None else f' (exit code {code})'}. Return instead."
        return Finding(False, f"Your code ended the whole process, and the check with it. {cause}", spots, died=True)

    def spots(self) -> tuple[str, ...]:
        """For each thread in what faulthandler wrote its innermost line in the learner's code."""
        learners, found = learners_of(self.exercise, self.fn), []
        bottom = (learners.bottom.co_filename, learners.bottom.co_name)
        dump = self.stands.read_text(errors="replace") if self.stands.exists() else ""
        for thread in re.split(r"^(?:Current thread|Thread) .*$", dump, flags=re.MULTILINE):
            frames = re.findall(r'^  File "(.+)", line (\d+) in (.+)$', thread, re.MULTILINE)
            inside = itertools.takewhile(lambda frame: (frame[0], frame[2]) != bottom, frames)
            found += [Spot(f, int(n), name) for f, n, name in inside if learners.owns(f, int(n))][:1]
        return tuple(f"a thread stood at {spot}" for spot in found)

    def kill(self) -> None:
        """End the child and all that it has started; whatever happened, none of it is left."""
        self.pipe.close()
        if self.process.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.join()
            while not self.gone():  # another thread that starts a process has waited for it, and is noting so
                time.sleep(TICK / 10)
            self.process.close()


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


def run_forked(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
    """What the check of `exercise` says of `fn`, and the run to be shown. NoFork where no process can be had.

    Without a GIL, any object that another thread of the kernel changes at the moment of the fork stays locked in the
    child for good (measured on 3.14: 3 of 200 forks beside two busy threads). A child that was stuck in no line of the
    learner's is given a second try there.
    """
    messages, run = _forked(exercise, fn)
    if not gil_enabled() and any(isinstance(message, Finding) and message.nowhere for message in messages):
        messages, run = _forked(exercise, fn)
    return messages, run


def _forked(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
    with tempfile.TemporaryDirectory(prefix="exercise-") as name:
        parent = Parent(exercise, fn, Path(name))
        try:
            parent.start()
            messages = parent.listen()
        finally:
            parent.kill()
        saved = Path(name) / "run"
        return messages, pickle.loads(saved.read_bytes()) if saved.exists() else None


class Child:
    """What the threads of the child share: the pipe home, and who is first to end the process."""

    def __init__(self, exercise: ExerciseFile, fn: Any, pipe: Connection[Any, Any], folder: Path) -> None:
        self.exercise, self.fn, self.pipe, self.folder = exercise, fn, pipe, folder
        self.learners, self.kernel = learners_of(exercise, fn), os.getpid()
        self.sending = threading.Lock()
        self.ending = threading.Lock()

    def send(self, message: Message | str) -> None:
        try:
            with self.sending:
                self.pipe.send(message)
        except OSError:  # the kernel is gone, and nobody will kill what hangs here; or the learner closed the pipe
            os._exit(1)

    def live(self, far_end: Connection[Any, Any]) -> None:
        """Judge, send the last message and end. `_watch` does so at the limit if this thread can't."""
        try:
            far_end.close()
            self._leave_the_kernel()
            threading.Thread(target=self._watch, name="limit", daemon=True).start()
            with printed(self.send):
                judge(self.exercise, self.fn, self.send)
                self._end()
        finally:
            os._exit(70)  # never return into the kernel's code

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
        threading.excepthook = lambda args: self.send(died(args, self.learners))
        if sys.platform == "darwin":
            os.environ["no_proxy"] = "*"  # asking macOS for its proxies kills a forked process (Python docs, os.fork)
        renew_pools(getattr(self.fn, "__globals__", {}))

    def _watch(self) -> None:
        clock, limit, half, look = Clock(), self.exercise.limit * SHARE, None, Look()
        while (seconds := clock.read()) < limit:
            if os.getppid() != self.kernel:  # it is gone
                os._exit(1)
            if look.rests(Check.now) and not pass_over(Check.now, look.waits):
                self._end(stuck(self.exercise, self.learners, None, activity(), {threading.get_ident()}))
            if half is None and seconds > limit / 2:
                half = activity()
            time.sleep(TICK)
            self.send("")  # a sign of life
        self._end(stuck(self.exercise, self.learners, limit, half or {}, {threading.get_ident()}))

    def _end(self, *last: Message) -> None:
        with self.ending:
            if Check.now.shown is not None:
                (self.folder / "run").write_bytes(pickle.dumps(Check.now.shown))
            for message in (*last, "end"):
                self.send(message)
            os._exit(0)


def stuck(
    exercise: ExerciseFile, learners: Learners, seconds: float | None, half: Activity, spared: set[int]
) -> Finding:
    """The finding for a check that has used up its time, or, for None, of which it is proven that it never ends."""
    says, details, inside = report(learners, Check.now.run, seconds, half, spared)
    stacks = [list(traceback.walk_stack(frame))[::-1] for frame in sys._current_frames().values()]
    lines = [line for line in (line_of_check(exercise, stack) for stack in stacks) if line]
    line = lines[0] if lines else None
    return Finding(False, says, details, line, until=time.perf_counter_ns(), nowhere=not inside)


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


class Printed(io.TextIOBase):
    """Takes the place of sys.stdout and sys.stderr, and hands on what is written, up to KEPT characters."""

    def __init__(self, send: Send) -> None:
        self._send, self._left = send, KEPT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0 and text:
            self._send(Told("printed", text[: self._left]))
            self._left -= len(text)
        return len(text)


@contextmanager
def printed(send: Send) -> Iterator[None]:
    """Send what is printed in the block."""
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


def run_in_thread(exercise: ExerciseFile, fn: Any) -> tuple[list[Message], Recording | None]:
    """What the check of `exercise` says of `fn`, and the run to be shown."""
    messages: list[Message] = []
    over, learners = threading.Event(), learners_of(exercise, fn)

    def send(message: Message) -> None:
        if not over.is_set():
            messages.append(message)

    before, hook = set(threading.enumerate()), threading.excepthook
    # A daemon's threads are daemons too: at its end the kernel does not wait for those that hang.
    thread = threading.Thread(target=judge, args=(exercise, fn, send), name="check", daemon=True)
    clock, limit, half = Clock(), exercise.limit * SHARE, None
    try:
        with printed(send):
            threading.excepthook = lambda args: send(died(args, learners))
            thread.start()
            while thread.is_alive() and (seconds := clock.read()) < limit:
                if half is None and seconds > limit / 2:
                    half = activity()
                thread.join(TICK)
        if thread.is_alive():
            spared = {t.ident for t in before if t.ident is not None}
            send(stuck(exercise, learners, limit, half or {}, spared))
            send(Finding(None, _let_go(before)))
    finally:
        over.set()
        threading.excepthook = hook
    return messages, Check.now.shown


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
