"""What stands in for `submit` while a watch is open: it keeps a row a task, and hands on what it was given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial, wraps
from inspect import getattr_static, unwrap
from types import FunctionType, MethodType
from typing import Any

from helpers._common import attribute
from helpers.recording import stamps
from helpers.recording.data import ENDLESS, NOTE, OUTCOME, SHARED, STARTED, SUBMITTED, SUBMITTER, WORKER
from helpers.recording.disguise import stands_for, uncounted, without_this_frame
from helpers.recording.registry import MISSING, Opened, Submit, label_of, owner_of, registry, unwrapped
from helpers.recording.remote import run_away
from helpers.recording.stamps import Listener, Row, done, is_made, now

SUBMITS = 3  # where they are in what a thread keeps
RENAMED = "tasks have the labels of another watch that was open at the same time"
NO_METHODS = staticmethod | classmethod | type  # what takes no executor
Sender = Callable[[Callable[..., Any], Submit, tuple[Any, ...], dict[str, Any]], Any]


def home_of(bare: Any) -> str:
    """The module that a function comes from, as it stands there; "" for what someone has put around one."""
    return bare.__module__ if type(bare) is FunctionType and not hasattr(bare, "__wrapped__") else ""


def by_class(executor: Any) -> bool:
    """Whether `submit` and `shutdown` are methods of its class, which then is replaced in place of the executor's own:
    copies of it, and what looks at its attributes, see nothing of ours.
    """
    cls = type(executor)
    if not issubclass(cls, Executor) or cls.__module__.partition(".")[0] == "distributed":  # see own_map
        return False
    for name in ("submit", "shutdown"):
        method, function = getattr(executor, name), vars(owner_of(cls, name))[name]
        if name in vars(executor) or isinstance(function, NO_METHODS):
            return False
        its = type(method) is MethodType and method.__self__ is executor and method.__func__ is function
        if not its and (type(function) is FunctionType or cls.__getattribute__ is not object.__getattribute__):
            return False
    return True


def plain(executor: Any) -> bool:
    """Whether tasks submitted to it, which is watched by its class, are run by threads that the standard library
    starts, and by its code alone.
    """
    # To ask concurrent.futures for the class would load it, here in the middle of replacing what classes have.
    pool = getattr(sys.modules.get("concurrent.futures.interpreter"), "InterpreterPoolExecutor", ThreadPoolExecutor)
    if type(executor) is not ThreadPoolExecutor and type(executor) is not pool:
        return False
    return home_of(registry.before(type(executor), "submit")) == "concurrent.futures.thread"


@uncounted
def own_submit(executor: Any, was: Any) -> Callable[..., Any]:
    """The `submit` of one executor that is watched."""
    bare = executor.submit if was is MISSING else was

    @stands_for(bare)
    def submit(*args: Any, **kwargs: Any) -> Any:
        try:
            watchers = registry.watching(executor)
            return record(executor, bare, watchers, args, kwargs, False) if watchers else bare(*args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return submit


@uncounted
def threads_submit(bare: Callable[..., Any]) -> Callable[..., Any]:
    """ThreadPoolExecutor.submit: its workers stamp a plain list."""

    @wraps(bare)
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        me, (rows, only), row = stamps.here.me, registry.quick or (None, None), None
        try:
            if rows is None or me[SUBMITS] or (only is not self and only is not None):
                watchers = registry.watching_class(self, submit)
                if watchers or me[SUBMITS] or registry.waiting:
                    return record(self, partial(bare, self), watchers, (fn, *args), kwargs, True)
                return bare(self, fn, *args, **kwargs)
            name = fn.__name__ if type(fn) is FunctionType else label_of(fn, args, kwargs)
            row = [name, now(), me[0], None, None, None, None, None]
            rows.append(row)
            if kwargs:
                future = bare(self, fn, *args, **kwargs)
            elif args:
                future = bare(self, fn, *args)
            else:
                future = bare(self, fn)
        except BaseException as error:
            if rows is not None and row is not None:
                remove(rows, row)
            without_this_frame(error)
            raise
        try:
            condition = future._condition
            condition._watch_row = row
            early = condition._watch_early
        except AttributeError:
            early = None
        if early is not None:
            early.meet(row)
        return future

    return submit


@uncounted
def class_submit(bare: Any) -> Callable[..., Any]:
    """The `submit` of a class. A task of an executor that nobody watches may still be one that was handed on."""
    home = home_of(bare)
    if home == "concurrent.futures.thread":
        return threads_submit(bare)
    final = home == "concurrent.futures.process"
    sender = to_processes if final else to_dask if home == "distributed.client" else None

    @stands_for(bare)
    def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            watchers = registry.watching_class(self, submit)
            call = partial(bare, self) if home else bare.__get__(self, type(self)) if hasattr(bare, "__get__") else bare
            if watchers or stamps.here.submits or registry.waiting:
                return record(self, call, watchers, args, kwargs, final, sender)
            return call(*args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise

    return submit


@uncounted
def record(
    executor: Any,
    submit: Callable[..., Any],
    watchers: tuple[Opened, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    final: bool,
    sender: Sender | None = None,
) -> Any:
    """Call `submit`, and keep one row for the task, however many submits it takes to reach a worker.

    `final` says that this submit is the standard library's own: nothing hands the task on behind it.
    """
    here, time = stamps.here, now()
    try:
        # A class may take fn by its name, as Executor.submit does not.
        task = args if args or "fn" not in kwargs else (kwargs["fn"],)
        named = kwargs if task is args else {name: kwargs[name] for name in kwargs if name != "fn"}
        if not task:
            return submit(**kwargs)
        call, by = unwrapped(task[0], task[1:], named), _origin(submit)
        around = here.submits[-1] if here.submits else None
        outer = around if around is not None and not around.taken and around.same(call) else None
        if outer is not None:
            registry.take_over(outer)
        elif registry.waiting:
            outer = registry.take(executor, by, call)
        if outer is None and around is None and not watchers:
            return submit(*args, **kwargs)
    except BaseException as error:
        without_this_frame(error)
        raise
    if outer is None:
        row, fresh = Row(_label(watchers, task, named), time, here.me[0]), watchers
    else:
        row, fresh = outer.row, tuple(o for o in watchers if o not in outer.watchers)
    under_way = Submit(executor, by, row, call, fresh if outer is None else outer.watchers + fresh)
    held_back = outer is None and around is not None  # by name another task: the Future will tell
    if not held_back:
        keep(fresh, row)
    under_way.taken = final
    if not final:
        registry.expect(under_way)
    here.submits.append(under_way)
    sender = sender if args else None
    try:
        future = submit(*args, **kwargs) if sender is None else sender(submit, under_way, args, kwargs)
    except BaseException as error:
        if not held_back and row.eye is None:  # a submit inside it may have made the task, and it has a Future
            discard(fresh, row)
        for inner, _, its_watchers in under_way.inner:
            keep(its_watchers, inner)
        registry.take_over(under_way)
        without_this_frame(error)
        if sender is not None:
            without_this_frame(error)  # nor that of the sender
        raise
    finally:
        under_way.returned = True
        here.submits.pop()
    told = sender is to_dask and bool(under_way.watchers)  # by Dask's scheduler; a callback would be one more task
    merged = None if told else tie(future, row, [inner for inner, its, _ in under_way.inner if its is future])
    if outer is None:
        row.outermost = id(future)
        if row[OUTCOME] is not None and type(future) is Future and future.done():  # a moment ago
            Listener(row)(future)
    if not under_way.taken and not _tells(future):
        row[NOTE] = ENDLESS
    for inner, _, its_watchers in under_way.inner:
        if inner is not merged:
            keep(its_watchers, inner)
    if held_back and around is not None:
        around.inner.append((row, future, watchers))
    return future


def _origin(submit: Any) -> Any:
    """The function behind a bound `submit`, without what others have put around it."""
    fn = submit.func if type(submit) is partial else submit
    return unwrap(getattr(fn, "__func__", fn))


@uncounted
def to_processes(submit: Callable[..., Any], under_way: Submit, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """ProcessPoolExecutor.submit of a task that writes its stamps; where there is no disk for them, of the bare one."""
    try:
        home, under_way.row.home = registry.mailbox.expect()
    except OSError:
        return submit(*args, **kwargs)
    return submit(run_away, home, *args, **kwargs)


@uncounted
def to_dask(submit: Callable[..., Any], under_way: Submit, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Client.submit, of which the scheduler will tell when and where the task ran."""
    watchers = under_way.watchers[:1]
    listening = [opened for opened in watchers if opened.dask.listen(under_way.executor)]
    future = submit(*args, **kwargs)
    for opened in listening:
        opened.dask.add(future, under_way.row)
    return future


@uncounted
def dask_map(bare: Any) -> Callable[..., Any]:
    """Client.map, which gives a Future an item and calls no `submit`."""

    @wraps(bare)
    def map(self: Any, func: Any, *iterables: Any, **kwargs: Any) -> Any:
        here, time = stamps.here, now()
        watchers = tuple(dict.fromkeys(registry.everywhere + tuple(here.mapping)))
        try:
            if not watchers or here.in_dask:
                return bare(self, func, *iterables, **kwargs)
            here.in_dask = True
            try:
                listening = watchers[0].dask.listen(self)
                futures = bare(self, func, *iterables, **kwargs)
            finally:
                here.in_dask = False
        except BaseException as error:
            without_this_frame(error)
            raise
        for future in futures if isinstance(futures, list) else ():
            row = Row(label_of(func, (), {}), time, here.me[0])
            keep(watchers, row)
            if listening:
                watchers[0].dask.add(future, row)
            else:
                tie(future, row)
        return futures

    return map


@uncounted
def own_map(executor: Any, bare: Any) -> Callable[..., Any]:
    """The `map` of one executor that is watched: a map that goes by Dask's Client.map belongs to that watch."""
    call = executor.map if bare is MISSING else bare

    @stands_for(call)
    def map(*args: Any, **kwargs: Any) -> Any:
        mapping = stamps.here.mapping
        stamps.here.mapping = registry.watching(executor)
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            without_this_frame(error)
            raise
        finally:
            stamps.here.mapping = mapping

    return map


def _label(watchers: tuple[Opened, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    for opened in reversed(watchers):
        if opened.label is not None:
            for other in watchers:  # they share the row
                if other.label is not opened.label and RENAMED not in other.run.remarks:
                    other.run.remarks.append(RENAMED)
            try:
                return str(opened.label(*args, **kwargs))
            except Exception as error:
                words = attribute(type(error), "__name__", "an error")
                remark = f"label raised {words}: tasks have their functions' names"
                opened.run.remarks += [] if remark in opened.run.remarks else [remark]
                break
    return label_of(args[0], args[1:], kwargs)


def keep(watchers: tuple[Opened, ...], row: Any) -> None:
    for opened in watchers:
        opened.run.rows.append(row)


def discard(watchers: tuple[Opened, ...], row: Any) -> None:
    for opened in watchers:
        remove(opened.run.rows, row)


def remove(rows: list[Any], row: Any) -> None:
    """A refused submit made no task."""
    rows[:] = [other for other in rows if other is not row]


def _tells(future: Any) -> bool:
    """Whether it has callbacks. Its class says: a proxy that is asked may wait for the result that it stands for."""
    method = getattr_static(type(future), "add_done_callback", None)
    return callable(method) and (method is not vars(Future)["add_done_callback"] or is_made(future))


def _is_one(future: Any) -> bool:
    """Whether it is a Future, and does not only say so, as a mock does."""
    return issubclass(type(future), Future) and is_made(future)


def _listen(future: Any, row: Any) -> None:
    """Have a Future of another class tell of its end; one that can't is no fault of the program's."""
    try:
        future.add_done_callback(Listener(row))
    except Exception:
        if type(row) is Row and row[OUTCOME] is None:
            row[NOTE] = ENDLESS


def tie(future: Any, row: Any, inner: list[Row] | None = None) -> Row | None:
    """Say which row a Future belongs to. Gives the one of the `inner` rows that turned out to be this one."""
    own = attribute(future._condition, "__dict__") if _is_one(future) else None
    if not isinstance(own, dict):
        if _tells(future):
            _listen(future, row)
        return None
    if type(row) is Row:
        row.keep_an_eye_on(future)
    found, early = own.setdefault("_watch_row", row), own.get("_watch_early")
    if found is not row:
        if not any(found is other for other in inner or ()):
            if type(row) is Row:  # an executor that gives one Future twice
                row[NOTE] = SHARED
            _listen(future, row)
            return None
        found.meet(row)
        own["_watch_row"] = row
    elif early is None:
        if row[OUTCOME] is None and done(future):  # before anyone could see it
            Listener(row)(future)
    else:
        if early[OUTCOME] is not None and early[STARTED] is None and early.ended_by is row[SUBMITTER]:
            # Given its result inside submit(), by the thread that called it: that thread ran it.
            early[WORKER], early[STARTED], early[NOTE] = row[SUBMITTER], row[SUBMITTED], None
        early.meet(row)
    if type(row) is Row and any(getattr(type(future), n, None) is not getattr(Future, n) for n in _ENDS):
        _listen(future, row)
    return None if found is row else found


_ENDS = ("set_result", "set_exception", "cancel")
