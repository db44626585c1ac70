"""All watches of this process: which blocks are open, what stands in for what, and which tasks may be handed on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from functools import partial
from types import BuiltinMethodType, FrameType, FunctionType, MethodType
from typing import Any

from helpers._common import attribute, name_of
from helpers.recording import stamps
from helpers.recording.data import STARTED, WORKER, Recording, is_over
from helpers.recording.remote import DaskRuns, Mailbox
from helpers.recording.stamps import Row

MISSING = object()
Call = tuple[Any, tuple[Any, ...], dict[str, Any]]  # a function and its arguments
Patch = tuple[Any, str, Callable[[Any], Any]]  # owner, name, and what makes ours from the attribute that was there


class Opened:
    """A block of `watch` that is open: its recording, executor (None for all) and label, and the thread it is in."""

    def __init__(self, executor: Executor | None, label: Any) -> None:
        self.run, self.executor, self.label = Recording(), executor, label
        self.in_class = False  # whether its executor is watched through its class, and has nothing of ours
        self.plain = False  # whether it is, besides, the standard library's own pool of threads
        self.thread = threading.get_ident()
        self.pid = os.getpid()
        self.unfinished: list[Any] = []  # rows, once the block is closed
        self.early: list[Row] = []  # begun in a pool of threads before a submit of ours told of them
        self.dask = DaskRuns()


class Submit:
    """A call of `submit` that is under way, or whose task no worker has taken over yet."""

    def __init__(self, executor: Any, by: Any, row: Row, call: Call, watchers: tuple[Opened, ...]) -> None:
        self.executor, self.by, self.row, self.call = executor, by, row, call
        self.watchers = watchers
        self.thread = threading.get_ident()
        self.taken = self.returned = False
        self.inner: list[tuple[Row, Any, tuple[Opened, ...]]] = []  # submits made inside it, of other functions

    def is_of(self, thing: Any) -> bool:
        """Whether `thing` is its executor or its Future."""
        if not issubclass(type(thing), Future):
            return thing is self.executor
        return getattr(vars(thing).get("_condition"), "_watch_row", None) is self.row

    def same(self, call: Call) -> bool:
        """Whether `call` is of the same function with the same arguments, object by object."""
        (fn, args, kwargs), (other, others, named) = self.call, call
        return (
            _same(fn, other)
            and len(args) == len(others)
            and all(map(_same, args, others))
            and all(name in named and kwargs[name] is named[name] for name in kwargs)  # it may add its own
        )


def _same(a: Any, b: Any) -> bool:
    """One object, or one method of one object: each look at `o.method` makes a new one."""
    if a is b:
        return True
    if type(a) is not type(b) or type(a) not in (MethodType, BuiltinMethodType):  # they may have a __getattr__
        return False
    if a.__self__ is not b.__self__:
        return False
    return a.__func__ is b.__func__ if type(a) is MethodType else a.__name__ == b.__name__


def unwrapped(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The call that a task makes in the end: through `partial` and `Context.run`, also one in the other."""
    while True:
        if type(fn) is partial:
            fn, args, kwargs = fn.func, fn.args + args, {**fn.keywords, **kwargs}
        elif args and type(fn) is BuiltinMethodType and type(fn.__self__) is Context and fn.__name__ == "run":
            fn, args = args[0], args[1:]
        else:
            return fn, args, kwargs


def label_of(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The name of the function that a task calls in the end; of a chunk of ProcessPoolExecutor.map, with its length."""
    fn, args, kwargs = unwrapped(fn, args, kwargs)
    name = attribute(fn, "__name__")
    module = attribute(fn, "__module__")
    if name == "_process_chunk" and len(args) == 2 and isinstance(module, str) and "process" in module:
        items = len(args[1]) if hasattr(args[1], "__len__") else 1
        return name_of(unwrapped(args[0], (), {})[0]) + (f" × {items}" if items > 1 else "")
    return name if isinstance(name, str) else name_of(fn)


def _hands_on(submit: Submit) -> bool:
    """Whether this thread is in code that knows of the task: has its function and its executor or its Future at hand,
    in variables or one step from there, or is a method of the executor. Two executors may be given equal calls by two
    threads.
    """
    frame: FrameType | None = sys._getframe(1)
    while submit.returned and frame is not None:
        ours = frame.f_globals.get("__name__", "").startswith("helpers.recording")
        if not ours and frame.f_code.co_name != "<module>":  # a program has everything at hand
            names = dict(frame.f_locals)
            things = [thing for value in names.values() for thing in (value, *_near(value))]
            knows = names.get("self") is submit.executor or any(_same(thing, submit.call[0]) for thing in things)
            if knows and any(submit.is_of(thing) for thing in things):
                return True
        frame = frame.f_back
    return not submit.returned


def _near(value: Any) -> tuple[Any, ...]:
    """What a tuple or somebody's object holds, without asking it."""
    if type(value) is tuple:
        return value
    try:
        return tuple(object.__getattribute__(value, "__dict__").values())
    except Exception:
        return ()


def owner_of(cls: type, name: str) -> type:
    """The class, this one or a parent, from which instances of `cls` have an attribute."""
    return next(owner for owner in cls.__mro__ if name in vars(owner))


def put(owner: Any, name: str, value: Any) -> None:
    """Set an attribute, or take it away if it is to be MISSING; a `__setattr__` of somebody's own is not told."""
    if not isinstance(owner, type):
        if value is MISSING:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = value  # never MISSING: another thread may call what is there
        return
    try:
        type.__delattr__(owner, name) if value is MISSING else type.__setattr__(owner, name, value)
    except TypeError:  # of a metaclass in C, which must be told
        delattr(owner, name) if value is MISSING else setattr(owner, name, value)


class Registry:
    """All watches of this process: which blocks are open, what was replaced, and what is still expected."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.open: tuple[Opened, ...] = ()
        self.everywhere: tuple[Opened, ...] = ()
        self.left: list[Opened] = []  # closed, with tasks that have not ended
        # Rows and executor (None for all) of the one open watch, if no task waits to be handed on.
        self.quick: tuple[list[Any], Any] | None = None
        self.leaving = False  # whether there are such
        self.patches: dict[tuple[int, str], tuple[Any, str, Any, Any]] = {}  # owner, name, before, ours
        self.waiting: dict[int, list[Submit]] = {}  # by id of the function: tasks that an executor may hand on
        self.mailbox = Mailbox()
        self.wanted: Callable[[], Iterator[Patch]] = lambda: iter(())

    def __reduce__(self) -> str:
        return "registry"  # a class that is sent to another process by value takes ours with it: there it is that one's

    def runs(self) -> list[Recording]:
        return [opened.run for opened in self.open]

    def mine(self) -> list[Recording]:
        """Recordings of blocks that are open in the calling thread, unless it stands in a wait or in a submit."""
        me = threading.get_ident()
        if stamps.here.waiting or stamps.here.submits:
            return []
        return [opened.run for opened in self.open if opened.thread == me and opened.pid == os.getpid()]

    def watching(self, executor: Any) -> tuple[Opened, ...]:
        return tuple(o for o in self.open if o.executor is None or o.executor is executor)

    def unheard(self, opened: Opened) -> list[Row]:
        """Tasks that its executor's threads began, and of which no submit has told."""
        rows = [row for row in opened.early if row.link is None]
        if opened.executor is None or not rows:  # somebody's own executor may call something else `_threads`
            return rows
        threads = {thread.native_id for thread in list(attribute(opened.executor, "_threads", ()))}
        return [row for row in rows if row[WORKER] is not None and row[WORKER].native_id in threads]

    def watching_class(self, executor: Any, submit: Any = None) -> tuple[Opened, ...]:
        """Those whose tasks the class of `executor` tells of. Where one executor is watched, a call of its parent
        class's `submit` is a part of its own, and no task.
        """
        mine = submit is None or self._is_own(type(executor), submit)
        return tuple(o for o in self.open if o.executor is None or (o.in_class and mine and o.executor is executor))

    def _is_own(self, cls: type, submit: Any) -> bool:
        """Whether `submit`, one of ours, is what a class gives its instances, or was before someone put more around."""
        owner = owner_of(cls, "submit")
        patch = self.patches.get((id(owner), "submit"))
        return vars(owner)["submit"] is submit or (patch is not None and patch[3] is submit)

    def expect(self, submit: Submit) -> None:
        """Remember that this task may be handed on to another executor, until it ends or someone takes it."""
        key = id(submit.call[0])
        with self.lock:
            self.waiting.setdefault(key, []).append(submit)
            self.quick = None
        submit.row.forget = partial(self.forget, key, submit)

    def forget(self, key: int, submit: Submit) -> None:
        submit.row.forget = None
        with self.lock:
            kept = [other for other in self.waiting.get(key, ()) if other is not submit]
            if kept:
                self.waiting[key] = kept
            else:
                self.waiting.pop(key, None)
            self.be_quick()

    def be_quick(self) -> None:
        one = self.open[0] if len(self.open) == 1 and not self.waiting else None
        plain = one is not None and one.label is None and (one.executor is None or one.plain)
        self.quick = (one.run.rows, one.executor) if one is not None and plain else None

    def at_the_door(self, run: Recording) -> int:
        """How many tasks of `run` stand in a `submit` of somebody's own, which has not handed them on yet."""
        with self.lock:
            waiting = [submit for others in self.waiting.values() for submit in others]
        return sum(not s.returned and any(o.run is run for o in s.watchers) for s in waiting)

    def begun_early(self, row: Row, frame: FrameType) -> None:
        """A task begins of which no submit has told yet; one may never do."""
        if frame.f_globals.get("__name__") == "concurrent.futures.thread":
            with self.lock:
                for opened in self.open:
                    if opened.executor is None or isinstance(opened.executor, ThreadPoolExecutor):
                        opened.early.append(row)
                        if len(opened.early) % 1000 == 0:  # nearly all are of pools that nobody watches
                            opened.early = self.unheard(opened)

    def take_over(self, submit: Submit) -> None:
        """Its task is on its way: nobody else can be handed it."""
        submit.taken = True
        if submit.row.forget is not None:
            submit.row.forget()

    def take(self, executor: Any, by: Any, call: Any) -> Submit | None:
        """The task that an executor hands on now: submitted to it with this very function and these arguments, and
        begun nowhere. It may hand on to its own parent class, to an executor that it keeps, or from a thread of its;
        what comes to the same executor by the same `submit` again is another task, an equal one.
        """
        with self.lock:
            for others in list(self.waiting.values()):
                for submit in list(others):
                    if (
                        not submit.taken
                        and submit.row[STARTED] is None
                        and submit.same(call)
                        and (
                            submit.executor is executor
                            or (submit.thread != threading.get_ident() and _hands_on(submit))
                            or any(kept is executor for kept in getattr(submit.executor, "__dict__", {}).values())
                        )
                        and not (submit.executor is executor and submit.by is by)
                        and submit not in stamps.here.submits
                    ):
                        self.take_over(submit)
                        return submit
        return None

    def settle(self) -> None:
        """After the end of a task: put everything back once the last task of closed blocks has ended."""
        if self.leaving:
            with self.lock:
                for opened in self.left:
                    while opened.unfinished and is_over(opened.unfinished[-1]):
                        opened.unfinished.pop()
                self.left = [opened for opened in self.left if opened.unfinished]
                if not self.left:
                    self.refresh()

    def refresh(self) -> None:
        """Replace what the open blocks need, put back the rest. Holds the lock."""
        self.everywhere = tuple(opened for opened in self.open if opened.executor is None)
        self.leaving = bool(self.left)
        wanted = {(id(owner), name): (owner, name, make) for owner, name, make in self.wanted()}
        for key in [key for key in self.patches if key not in wanted]:
            owner, name, before, ours = self.patches.pop(key)
            if vars(owner).get(name) is not ours:
                continue  # someone has wrapped it since: it stays, and passes everything on
            with suppress(Exception):  # one that lets nothing be taken away keeps ours, which passes everything on
                put(owner, name, before)
            if type(before) is FunctionType:  # what the program has set on it meanwhile
                vars(before).update((key, value) for key, value in vars(ours).items() if key != "__wrapped__")
        for key, (owner, name, make) in wanted.items():
            if key not in self.patches:
                before = vars(owner).get(name, MISSING)
                ours = make(before)
                self.patches[key] = owner, name, before, ours
                try:
                    put(owner, name, ours)
                except Exception:
                    del self.patches[key]
                    if not isinstance(owner, type):  # of classes that let nothing be set, one pool's watch needs none
                        raise
        if not wanted:
            self.waiting.clear()
            self.mailbox.close()
        self.be_quick()

    def patched(self, cls: type, name: str) -> bool:
        return (id(owner_of(cls, name)), name) in self.patches

    def before(self, cls: type, name: str) -> Any:
        """The attribute of a class as it is without us."""
        owner = owner_of(cls, name)
        patch = self.patches.get((id(owner), name))
        return patch[2] if patch is not None and vars(owner)[name] is patch[3] else vars(owner)[name]


registry = Registry()
if hasattr(os, "register_at_fork"):  # a lock that another thread held would never open in the child
    os.register_at_fork(after_in_child=lambda: setattr(registry, "lock", threading.RLock()))
