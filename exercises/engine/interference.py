"""How a check comes between the steps of an answer: it holds a thread before a line, and bends the time it sees."""

from __future__ import annotations

import asyncio
import dis
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from exercises.engine.alike import unlike
from exercises.engine.check import Check
from exercises.engine.rest import Gate, Signal, until
from helpers._common import shown
from helpers.tasks import TICK


def _owns() -> Callable[[str, int], bool]:
    """Which lines are the answer's."""
    learners = Check.now.learners
    return learners.owns if learners else lambda file, _: file != __file__


class Hold:
    """Holds a thread before the `line`-th line that it runs of the answer: what may come between two lines?

    `with hold:` around what the thread does, or `begin()` inside it, for an answer that calls the check. At that line
    `turn` is set, and the thread stands there until `over` is set, or for `patience` seconds, if the others wait for a
    lock that it has. `reached` says whether it came to that line. After its end `turn` is set in any case. With
    `writes`, what counts are not lines but the writes to what threads can share: a line may read before it writes. With
    a `library`, a module's file, the writes in there count too, and so do the answer's calls and operators.
    """

    def __init__(self, line: int, patience: float = 0.3, writes: bool = False, library: str = "") -> None:
        owns = _owns()
        self._is_theirs = lambda file, line: file != "<string>" and owns(file, line)  # a namedtuple's methods
        self._left, self._patience, self._writes, self._library = line, patience, writes, library
        self.reached = self.in_vain = False
        self.turn, self.over = Signal(), Signal()

    def begin(self) -> None:
        frame = sys._getframe(1)
        while frame.f_back:  # the answer's own frames, which have begun already
            frame = frame.f_back
            if self._is_theirs(frame.f_code.co_filename, frame.f_lineno):
                frame.f_trace, frame.f_trace_opcodes = self._trace, self._writes
        sys.settrace(self._trace)

    def end(self) -> None:
        sys.settrace(None)
        self.turn.set()

    def __enter__(self) -> Hold:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        theirs = self._is_theirs(frame.f_code.co_filename, frame.f_lineno)
        if not theirs and frame.f_code.co_filename != self._library:
            return None
        frame.f_trace_opcodes = self._writes
        steps = _WRITES | _CALLS if theirs and self._library else _WRITES
        if not self.reached and (event == "opcode" and _next(frame) in steps if self._writes else event == "line"):
            self._left -= 1
            if not self._left:
                self.reached = True
                self.turn.set()
                self.in_vain = not self.over.wait(self._patience)
        return self._trace


def _next(frame: FrameType) -> str:
    """The name of the frame's next step."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


_WRITES = {"STORE_SUBSCR", "STORE_ATTR", "STORE_DEREF", "STORE_GLOBAL"}  # to what is no local variable
_CALLS = {"CALL", "CALL_KW", "CALL_FUNCTION_EX", "BINARY_OP"}


def interleavings(most: int = 30, patience: float = 0.3, writes: bool = False, library: str = "") -> Iterator[Hold]:
    """A Hold before the 1st, 2nd … line (write) that a thread runs of the answer, until one is not reached."""
    for line in range(1, most + 1):
        hold = Hold(line, patience, writes, library)
        yield hold
        if not hold.reached:
            return
        if hold.in_vain:  # a lock: the lines after this one are likely to have it too
            patience = max(patience / 2, 3 * TICK)


class Addend(int):
    """A number whose addition in a thread of the answer's takes a while: it calls the first of `meets`.

    The next addition, of the sum, calls the next: what is added first may be a share of one thread alone.
    """

    def __new__(cls, amount: int, *meets: Callable[[], Any]) -> Addend:
        addend = super().__new__(cls, amount)
        addend.meets = meets
        return addend

    meets: tuple[Callable[[], Any], ...]

    def __radd__(self, other: Any) -> Addend:
        if self.meets and threading.current_thread() is not threading.main_thread():
            self.meets[0]()
        return Addend(int(other) + int(self), *self.meets[1:])

    __add__ = __radd__


def added(call: Callable[[list[Callable[[], int]]], Any], right: Any) -> tuple[int, str | None]:
    """Whether two threads that add at the same moment lose something: in how many ways that was tried, and what `call`
    gave that is unlike `right`, as a message shows it, or None.

    `call` gets four tasks that return 1, 10, 100 and 1000, for two workers. One is held until the other has counted a
    task, and only until it is about to; before each line, or before each write.
    """
    ways = 0
    for early, writes in ((False, False), (True, False), (False, True)):
        for hold in interleavings(15, 0.3, writes):
            ways += 1
            result = call(_Four(hold, early).tasks())
            if unlike(result, right):
                return ways, shown(result)
    return ways, None


class _Four:
    """The thread that calls the first of four tasks is held before a line that it runs afterwards, until the other
    thread has counted its own first one (`early`: is about to add it)."""

    def __init__(self, hold: Hold, early: bool) -> None:
        self.hold, self.early = hold, early
        self.both, self.adding = Gate(2, patience=0.3), Gate(2, patience=0.1)
        self.threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def tasks(self) -> list[Callable[[], int]]:
        return [partial(self._task, amount) for amount in (1, 10, 100, 1000)]

    def _task(self, amount: int) -> int:
        here = threading.current_thread()
        if here is threading.main_thread():
            return amount
        with self._lock:
            known = here in self.threads
            self.threads.append(here)
        first = here is self.threads[0]
        if known:
            self.hold.end() if first else self.hold.over.set()
        else:
            self.both.task()
            self.hold.begin() if first else self.hold.turn.wait(0.3)
        return Addend(amount, self._add) if self.early and not known else amount

    def _add(self) -> None:
        if threading.current_thread() is not self.threads[0]:
            self.hold.over.set()
        self.adding.task()


class LoopClock:
    """The clock of an event loop, made in its thread. It stands still: no sleep there ends, so that who looks again
    and again goes on no more.

    For other threads: `leap()` lets an hour pass at once, `go()` lets the clock run on, `free()` says whether the loop
    comes to what it is asked, `busy()` what it does where nothing happens.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._bare, self._at, self._ahead = loop, loop.time, loop.time(), 0.0
        self._turns, self.stands, self._thread = 0, True, threading.get_ident()
        loop.time = self._time  # type: ignore[method-assign]

    def _time(self) -> float:
        self._turns += 1
        return self._at if self.stands else self._bare() + self._ahead

    def leap(self) -> None:
        self._at += 3600
        all(self.free(0.5) for _ in range(5))  # what it wakes has gone on after some rounds

    def go(self) -> None:
        self._ahead, self.stands = self._at - self._bare(), False
        self.free(0.5)

    def busy(self, seconds: float = 0.1, turns: int = 200) -> str:
        """ "" for a loop that waits for events as it should; else what it does instead, in words."""
        before, stood = self._turns, []

        def look() -> bool:
            stood.append(Check.now.learners and Check.now.learners.threads().get(self._thread))
            return self._turns > before + turns

        if until(look, seconds):
            return f"the loop went round {self._turns - before} times: it is not free"
        spots = [spot for spot in stood if spot]
        return f"the loop's thread stood at {spots[-1]}" if len(spots) > 0.8 * len(stood) else ""

    def free(self, seconds: float) -> bool:
        asked = Signal()
        with suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(asked.set)
            return asked.wait(seconds)
        return True


FAST = 100  # times as fast as for the others
_PYTHONS = ("threading", "queue", "concurrent.futures", "asyncio", "helpers.recording")


@contextmanager
def hurried() -> Iterator[None]:
    """For the answer, time goes a hundred times as fast: who gives up after ten seconds does so after 0.1 s.

    Its sleeps and timeouts, but for those of a lock and of an event loop, are as much shorter, and what it reads of a
    clock is as much later. All others keep their time. A thread of the answer must end in this block, or it may wait
    long for a time that it has noted here.
    """
    owns = _owns()

    def theirs() -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame and frame.f_globals.get("__name__", "").startswith(_PYTHONS):
            frame = frame.f_back
        return frame is None or owns(frame.f_code.co_filename, frame.f_lineno)  # a Timer has no frame of anybody's

    def fast(clock: Callable[[], float]) -> Callable[[], float]:
        start = clock()
        return lambda: start + (clock() - start) * (FAST if theirs() else 1)

    def short(wait: Callable[..., Any]) -> Callable[..., Any]:
        def waits(*args: Any, **named: Any) -> Any:
            if theirs():
                args = tuple(arg / FAST if isinstance(arg, int | float) else arg for arg in args)
                named = {name: arg and arg / FAST for name, arg in named.items()}
            return wait(*args, **named)

        return waits

    class ShortQueue(queue.SimpleQueue):  # type: ignore[type-arg]
        get = short(queue.SimpleQueue.get)

    clocks = ((time, "monotonic"), (time, "perf_counter"), (time, "time"), (threading, "_time"), (queue, "time"))
    waits = ((time, "sleep"), (threading.Condition, "wait"), (threading.Thread, "join"))
    bent: list[tuple[Any, str, Any]] = [(place, name, fast(getattr(place, name))) for place, name in clocks]
    bent += [(place, name, short(getattr(place, name))) for place, name in waits]
    bent += [(queue, "SimpleQueue", ShortQueue)]
    bare = [(place, name, getattr(place, name)) for place, name, _ in bent]
    for place, name, call in bent:
        setattr(place, name, call)
    try:
        yield
    finally:
        for place, name, call in bare:
            setattr(place, name, call)
