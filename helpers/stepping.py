"""Two threads run a function each, a line at a time and in an order of your choice: what can come between two lines?

`Stepper` holds each thread before a line of the functions' own file (`sys.settrace`) until `step` lets it run to its
next one. Locks are respected: a thread that finds one taken waits, and says so. `every_order` tries all orders. What is
seen here can happen; more can, as a thread may also be interrupted inside a line.
"""

from __future__ import annotations

import copy
import inspect
import linecache
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FrameType, FunctionType
from typing import Any

from helpers._common import instance, shown, whole

NAMES = "AB"
LOCKS: dict[type, Callable[[], Any]] = {type(make()): make for make in (threading.Lock, threading.RLock)}
PATIENCE = 1.0  # seconds for a line to end; a thread that takes longer is said to wait
LONGEST = 60  # lines of one run
READY, RUNS, WAITS, ENDED = "ready", "runs", "waits", "ended"


@dataclass(frozen=True)
class Step:
    """Thread `thread` ("A" or "B") ran its line `line`, whose text is `text`; then its own variables and the shared
    data were `local` and `data`."""

    thread: str
    line: int
    text: str
    local: dict[str, str]
    data: str


@dataclass
class Run:
    """The steps of one run, in the order in which they ended, and how it ended. `data` is the shared data then."""

    steps: list[Step] = field(default_factory=list)
    data: str = ""
    stuck: bool = False  # every thread that has not ended waits for a lock
    errors: dict[str, str] = field(default_factory=dict)  # thread -> what it raised
    complete: bool = False  # no thread has lines left

    @property
    def order(self) -> str:
        """The threads of the steps, such as "ABAB"."""
        return "".join(step.thread for step in self.steps)

    @property
    def outcome(self) -> str:
        """How it ended, in a few words."""
        raised = "; ".join(f"{name} raised {error}" for name, error in self.errors.items())
        return "deadlock" if self.stuck else raised or (self.data if self.complete else "unfinished")


class _Stop(BaseException):
    """Ends a held thread."""


class _Actor:
    """One thread: what it does now, and the line before which it stands."""

    def __init__(self, name: str, fn: FunctionType) -> None:
        self.name, self.fn = name, fn
        self.state, self.go = RUNS, False
        self.line = 0
        self.local: dict[str, str] = {}
        self.lock: _Lock | None = None  # what it waits for, if that is known
        self.thread: threading.Thread | None = None


class _Lock:
    """Stands in for a lock, so that a thread that must wait for it says so. It has a free lock of the same kind, so
    that a thread that is ended while it holds it does no harm."""

    def __init__(self, name: str, lock: Any, stepper: Stepper) -> None:
        self.name, self._lock, self._stepper = name, LOCKS[type(lock)](), stepper
        self.held = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        waits = not self._lock.acquire(False)
        if waits and not (blocking and self._stepper.wait_for(self, self._lock, timeout)):
            return False
        self.held += 1
        return True

    def release(self) -> None:
        self.held -= 1
        try:
            self._lock.release()
        except BaseException:
            self.held += 1
            raise

    def locked(self) -> bool:
        return self.held > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Stepper:
    """Threads A and B, held before the first line of `functions` (one for both, or two). Use it in a `with` block.

    `data` is a dict or a list that they share: it is set back to what it was at the end.
    """

    def __init__(self, functions: Sequence[Callable[[], Any]], data: Any, patience: float = PATIENCE) -> None:
        pair = check(functions, data)
        self.actors = {name: _Actor(name, fn) for name, fn in zip(NAMES, pair, strict=True)}
        self.run, self.ending = Run(), False
        self._data, self._before, self._patience = data, copy.deepcopy(data), patience
        self._files = {fn.__code__.co_filename for fn in pair}
        self._changed = threading.Condition()
        self._put_back: list[Callable[[], None]] = []

    def __enter__(self) -> Stepper:
        self._stand_in()
        for actor in self.actors.values():
            actor.thread = threading.Thread(target=self._work, args=[actor], name=f"thread {actor.name}", daemon=True)
            actor.thread.start()
        with self._changed:
            self._changed.wait_for(lambda: all(one.state != RUNS for one in self.actors.values()), self._patience)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self.ending = True
            self._changed.notify_all()
        for actor in self.actors.values():
            if actor.thread is not None and actor.thread is not threading.current_thread():
                actor.thread.join(5)
        while self._put_back:
            self._put_back.pop()()
        if isinstance(self._data, dict):
            self._data.clear()
            self._data.update(self._before)
        else:
            self._data[:] = self._before

    def step(self, name: str) -> str:
        """Let thread `name` run its line; returns what it does then. ValueError if it can't run now."""
        actor = self.actors[name]
        with self._changed:
            if actor.state != READY:
                raise ValueError(f"thread {name} {self.says(name)}")
            before = {one: (one.state, one.line) for one in self.actors.values()}
            actor.state, actor.go = RUNS, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: actor.state != RUNS, self._patience)
            if actor.state == RUNS:
                actor.state = WAITS
            # Who waited for a lock that is free now takes it, and comes to its next line.
            self._changed.wait_for(lambda: not any(one.lock and not one.lock.held for one in self.actors.values()),
                                   self._patience)  # fmt: skip
            self._changed.wait_for(lambda: all(one.state != RUNS for one in self.actors.values()), self._patience)
            for one in sorted(before, key=lambda one: one is not actor):
                state, line = before[one]
                if one.state in (READY, ENDED) and (one is actor or state == WAITS):
                    self._note(one, line)
            self._look()
        return actor.state

    def says(self, name: str) -> str:
        """What thread `name` does, to follow its name."""
        actor = self.actors[name]
        if actor.state == WAITS:
            what = f"the lock `{actor.lock.name}`" if actor.lock else "something"
            return f"waits in line {actor.line} for {what}"
        if actor.state == ENDED:
            return f"raised {self.run.errors[name]}" if name in self.run.errors else "has ended"
        return f"stands before line {actor.line}: {self.text(name)}"

    def text(self, name: str) -> str:
        """The line before which thread `name` stands."""
        actor = self.actors[name]
        return linecache.getline(actor.fn.__code__.co_filename, actor.line).strip()

    @property
    def ready(self) -> list[str]:
        """The threads that can run a line now."""
        return [name for name, actor in self.actors.items() if actor.state == READY]

    def wait_for(self, stand_in: _Lock, lock: Any, timeout: float) -> bool:
        """A thread waits for `lock`; False when `timeout` has passed."""
        actor = next((one for one in self.actors.values() if one.thread is threading.current_thread()), None)
        if actor is None:
            return bool(lock.acquire(True, timeout))
        self._set(actor, WAITS, stand_in)
        end = time.monotonic() + timeout if timeout >= 0 else None
        while not (got := lock.acquire(timeout=0.02)) and (end is None or time.monotonic() < end):
            if self.ending:
                raise _Stop
        self._set(actor, RUNS, None)
        return bool(got)

    def _set(self, actor: _Actor, state: str, lock: _Lock | None = None) -> None:
        with self._changed:
            actor.state, actor.lock = state, lock
            self._changed.notify_all()

    def _note(self, actor: _Actor, line: int) -> None:
        text = linecache.getline(actor.fn.__code__.co_filename, line).strip()
        self.run.steps.append(Step(actor.name, line, text, dict(actor.local), shown(self._data)))

    def _look(self) -> None:
        states = [one.state for one in self.actors.values()]
        self.run.data, self.run.complete = shown(self._data), states == [ENDED] * len(states)
        waiting = [one for one in self.actors.values() if one.state == WAITS]
        self.run.stuck = bool(waiting) and all(one.lock for one in waiting) and not {READY, RUNS} & set(states)

    def _work(self, actor: _Actor) -> None:
        sys.settrace(lambda frame, event, _: self._trace(actor, frame, event))
        try:
            actor.fn()
        except _Stop:
            pass
        except BaseException as error:
            self.run.errors[actor.name] = f"{type(error).__name__}: {error}".removesuffix(": ")
        finally:
            sys.settrace(None)
            self._set(actor, ENDED)

    def _trace(self, actor: _Actor, frame: FrameType, event: str) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        if event in ("line", "return") and frame.f_code is actor.fn.__code__:
            names = frame.f_code.co_varnames + frame.f_code.co_cellvars
            actor.local = {name: shown(frame.f_locals[name], 24) for name in names if name in frame.f_locals}
        if event == "line":
            with self._changed:
                actor.line, actor.state, actor.lock = frame.f_lineno, READY, None
                self._changed.notify_all()
                self._changed.wait_for(lambda: actor.go or self.ending)
                actor.go = False
                if self.ending:
                    raise _Stop
        return lambda frame, event, _: self._trace(actor, frame, event)

    def _stand_in(self) -> None:
        """Put a `_Lock` in the place of each lock that the functions name."""
        made: dict[int, _Lock] = {}

        def stand_in(name: str, lock: Any) -> _Lock:
            return made.setdefault(id(lock), _Lock(name, lock, self))

        for fn in (actor.fn for actor in self.actors.values()):
            for name in set(_names(fn.__code__)):
                if isinstance(lock := fn.__globals__.get(name), tuple(LOCKS)):
                    fn.__globals__[name] = stand_in(name, lock)
                    self._put_back.append(partial(fn.__globals__.update, {name: lock}))
            for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
                if isinstance(lock := cell.cell_contents, tuple(LOCKS)):
                    cell.cell_contents = stand_in(name, lock)
                    self._put_back.append(partial(setattr, cell, "cell_contents", lock))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def check(functions: Sequence[Callable[[], Any]], data: Any) -> list[FunctionType]:
    """The functions of the two threads; TypeError or ValueError, naming the argument, for what can't be stepped."""
    if len(functions) not in (1, 2):
        raise TypeError(f"functions must be one for both threads or one for each, not {len(functions)}")
    for fn in functions:
        kind = "a function without arguments, defined with `def`"
        if not isinstance(fn, FunctionType):
            raise TypeError(f"fn must be {kind}, not {shown(fn)}")
        if inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
            raise TypeError(f"fn must be {kind}; {fn.__name__} is async or a generator, so calling it runs no line")
        if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
               for p in inspect.signature(fn).parameters.values()):  # fmt: skip
            raise TypeError(f"fn must be {kind}; {fn.__name__} takes {inspect.signature(fn)}")
    instance("data", data, (dict, list), "a dict or a list that the functions share")
    try:
        copy.deepcopy(data)
    except Exception as error:
        raise TypeError(f"data must hold what can be copied, for each order starts anew: {error}") from None
    return [functions[0], functions[-1]]  # type: ignore[list-item]


def every_order(
    functions: Sequence[Callable[[], Any]], data: Any, most: int = 200, stop: Callable[[], bool] = lambda: False
) -> tuple[list[Run], bool]:
    """A run for each order of the lines of two threads that can be had, and whether these are all.

    At most `most` runs, of at most 60 lines each. When `stop()` says True the search ends early.
    """
    whole("most", most, least=1)
    found: dict[str, Run] = {}
    todo, tried, cut = [""], 0, False
    while todo and tried < most and not stop():
        choices, tried = todo.pop(), tried + 1
        with Stepper(functions, data) as stepper:
            taken = ""
            while (ready := stepper.ready) and len(taken) < LONGEST and not stop():
                name = choices[len(taken)] if len(taken) < len(choices) else ready[0]
                if name not in ready:
                    break
                if len(taken) >= len(choices):
                    todo += [taken + other for other in ready[1:]]
                stepper.step(name)
                taken += name
            cut = cut or bool(stepper.ready)
            found.setdefault(stepper.run.order + "!" * stepper.run.stuck, stepper.run)
    return sorted(found.values(), key=lambda run: run.order), not todo and not cut
