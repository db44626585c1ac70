"""Carry the request id

Write `submit_here(pool, fn, *args)`: like `pool.submit(fn, *args)` it returns a Future at once, which gets what `fn`
returns or raises. But `fn` sees the context variables as they are where `submit_here` is called, all of them. What `fn`
sets in them is seen by nobody else.
"""

import contextvars
import copy
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from exercises.kit import Gate, Standing, count, settled, shown, watch

LIMIT = 6


def submit_here(pool, fn, *args):
    return pool.submit(contextvars.copy_context().run, fn, *args)


HINTS = [
    "A worker has a context of its own, made with the thread. What would have to travel with the task?",
    "The module `contextvars` copies the context of the thread that asks for it. Which thread has to ask, and when?",
    "A context can run a function inside itself; its documentation names the method. Which of the two functions does "
    "the pool then get, yours or the context's?",
]


class _Left(BaseException):
    """An exception that `except Exception` does not catch."""


def check(submit_here):
    request = contextvars.ContextVar("request", default="none")
    more = contextvars.ContextVar("more", default="default")  # three requests set it
    user = contextvars.ContextVar("user", default="nobody")  # no caller sets it
    gate, after = Gate(2), Gate(2)
    threads, got = [], {}

    calls, page = [], ["a list"]

    def work(*args):
        name = request.get()
        calls.append(name)
        got[name] = args, more.get(), user.get()
        threads.append(threading.current_thread())
        gate.task()
        for variable in (request, more, user):
            variable.set(f"left behind by {name}")
        return name

    ends = {"a _Left": _Left("returned"), "0": 0, "KeyError": KeyError("no such page"), "left": _Left("raised")}
    ends["RuntimeError"] = RuntimeError("no such page")
    ended_so = []

    def end(kind):
        ended_so.append(kind)
        if kind in ("a _Left", "0"):
            return ends[kind]
        raise ends[kind]

    def plain():
        after.task()
        return request.get(), more.get(), user.get()

    asked = [("r1", 0, ("R1", page)), ("r2", None, ("R2", None, "")), ("r3", page, ())]
    with _ready(ThreadPoolExecutor(2, "given")) as pool, watch():
        futures = []
        for name, value, args in asked:
            request.set(name)
            more.set(value)
            futures.append(submit_here(pool, work, *args))
        ended = gate.gave_up  # two workers meet there, unless a call waits for its task
        waits = not all(isinstance(future, Future) for future in futures)
        kinds = ", ".join(type(future).__name__ for future in futures)
        yield not waits, f"For three calls it gave: {kinds}."
        if waits:
            return
        still = len(wait(futures, timeout=2).not_done)
        if still:
            when = " when their tasks had ended" if len(threads) == 3 else f"; {len(threads)} of the 3 tasks had begun"
            yield False, f"{still} of the 3 Futures had neither a result nor an exception{when}."
            return
        errors = [future.exception() for future in futures if future.exception() is not None]
        if errors:
            yield False, f"{len(errors)} of 3 tasks raised {type(errors[0]).__name__}: {str(errors[0]).split(':')[0]}."
            return
        seen = [future.result() for future in futures]
        left = [future.result() for future in [pool.submit(plain), pool.submit(plain)]]

    same = seen == [name for name, _, _ in asked]
    yield same, f"Tasks of the requests r1, r2, r3 saw {', '.join(map(str, seen))}."
    in_pool, where = _place(threads)
    yield in_pool, where
    if in_pool:
        yield not ended, f"submit_here returned {'only when its task had ended' if ended else 'while its task ran'}."
    yield request.get() == "r3", f"Afterwards the caller's own variable is {shown(request.get())}."
    if not same or not in_pool or ended:
        return
    for name, value, args in asked:
        given, other, unset = got[name]
        yield given == args, f"For the arguments {args} fn was called with {given}."
        yield other == value, f"A variable set to {value!r} by {name} was {shown(other)} in its task."
        yield unset == "nobody", f"A variable that {name} did not set was {shown(unset)} in its task."
        if got[name] != (args, value, "nobody"):
            return
    for what, is_it in (("argument of fn", got["r1"][0][1] is page), ("value of a variable", got["r3"][1] is page)):
        yield is_it, f"A list that was the {what} was {'the same' if is_it else 'another'} list in the task."
        if not is_it:
            return
    yield len(calls) == 3, f"For 3 calls, fn ran {count(len(calls), 'time')}."
    if len(calls) != 3:
        return
    found = [value for values in left for value in values if value not in ("none", "default", "nobody")]
    what = f"found {shown(found[0])} there" if found else "found nothing of it there"
    yield not found, f"A task submitted to the same workers later, by pool.submit, {what}."
    if found:
        return

    saw, met = _of_two_alike(submit_here, request)
    yield saw == "r3 and r3", f"Two calls, with nothing set between them and fn of both running: they saw {saw}."
    if saw != "r3 and r3":
        return
    when = "while that of the first did" if met else "only when that of the first had ended"
    yield met, f"Of two calls on two workers, the fn of the second ran {when}."
    if not met:
        return
    for start, where in ((ThreadPoolExecutor.submit, "a worker"), (submit_here, "the fn of another call")):
        saw = _from_a_worker(start, submit_here, request)
        yield saw == "a worker's", f'Called in {where}, which has set a variable to "a worker\'s": fn saw {shown(saw)}.'
        if saw != "a worker's":
            return

    def set_both():
        for variable in (request, user):
            variable.set("the worker's own")

    with watch(), ThreadPoolExecutor(1, "given", set_both) as pool:
        saw_both = []
        did, what = _outcome(submit_here(pool, lambda: saw_both.extend((request.get(), user.get()))))
    good = did == "returned" and saw_both == ["r3", "nobody"]
    saw = f"saw {' and '.join(map(repr, saw_both))}" if did == "returned" else f"raised {shown(what)}"
    where = "where the caller has set the one and not the other, and the worker both,"
    yield good, f"Of two variables, {where} a task {saw}."
    if not good:
        return

    with watch(), ThreadPoolExecutor(1, "given") as pool:
        for kind, wanted in (
            ("a _Left", "returned"),
            ("0", "returned"),
            ("KeyError", "raised"),
            ("RuntimeError", "raised"),
            ("left", "raised"),
        ):
            does, what = _outcome(submit_here(pool, end, kind))
            meant = kind if "eft" not in kind else "an exception outside Exception"
            good = does == wanted and what is ends[kind]
            other = ", another object" if does == wanted and not good and repr(what) == repr(ends[kind]) else ""
            yield good, f"Of a task that {wanted} {meant}, the Future {does} {shown(what, 40)}{other}."
            if not good:
                return
            if ended_so.count(kind) > 1:
                yield False, f"Of a task that {wanted} {meant}, fn ran {count(ended_so.count(kind), 'time')}."
                return
    yield from _busy(submit_here, request)


def _busy(submit_here, variable):
    """130 calls while the only worker is busy, each with a value of its own."""
    futures = []
    with watch(), ThreadPoolExecutor(1, "given") as pool, Standing() as stood:
        busy = pool.submit(lambda: settled(lambda: len(futures), lambda calls: calls == 130 or stood.calls, 0.5))
        stood.thread = threading.get_ident()
        while len(futures) < 130 and not busy.done() and not stood.calls:
            variable.set(len(futures))
            future = submit_here(pool, variable.get)
            if not busy.done():
                futures.append(future)
        stood.thread = None
        free = busy.result() != 130 and not stood.calls
    waited = f", when {len(futures)} tasks waited for a worker" if len(futures) > 1 else ""
    at_once = not free and not stood.calls
    when = "while no worker was free" if at_once else "only when a worker was free for its task"
    when = f"after it had stood still in {stood.calls[0]}()" if stood.calls else when
    yield at_once, f"It returned {when}{'' if at_once else waited}."
    if not at_once:
        return
    saw = [future.result() for future in futures]
    n = next((n for n in range(130) if saw[n] != n), None)
    what = "each saw its own" if n is None else f"number {n + 1} saw {shown(saw[n])}, not {n}"
    yield n is None, f"Of 130 tasks for which a variable was set to 0, 1, 2 and so on, {what}."


def _of_two_alike(submit_here, variable):
    """What fn of two calls saw while both ran, or what one raised, and whether both did run."""
    both = Gate(2)

    def see():
        both.task()
        return variable.get()

    with watch(), _ready(ThreadPoolExecutor(2, "given")) as pool:
        futures = [submit_here(pool, see), submit_here(pool, see)]
        ends = [_outcome(future) for future in futures]
    return " and ".join(shown(what, 60) if how == "raised" else str(what) for how, what in ends), both.met


def _from_a_worker(start, submit_here, variable):
    """What fn sees of a variable where a task that `start` puts into another pool sets it and calls submit_here."""

    def inside():
        variable.set("a worker's")
        return submit_here(pool, variable.get)

    with watch(), ThreadPoolExecutor(1, "given") as pool, ThreadPoolExecutor(1, "other") as other:
        return start(other, inside).result().result()


def _ready(pool):
    """The pool with its two workers. Without a GIL, one that starts later has the variables that are set by then."""
    both = Gate(2)
    wait([pool.submit(both.task) for _ in range(2)])
    return pool


def _outcome(future):
    error = future.exception()
    return ("returned", future.result()) if error is None else ("raised", error)


def _place(threads):
    """Whether `threads` are workers of the pool that was given, and a sentence that says so."""
    if any(thread is threading.main_thread() for thread in threads):
        return False, "The tasks ran in the thread that submitted them."
    given = all(thread.name.startswith("given_") for thread in threads)
    return given, f"The tasks ran in {'workers of the pool' if given else 'other threads than those of the pool'}."


def wrong_plain_submit(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw none, none, left behind by none."""
    return pool.submit(fn, *args)


def wrong_copies_in_the_worker(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw none, none, none."""
    return pool.submit(lambda: contextvars.copy_context().run(fn, *args))


def wrong_sets_them_in_the_worker(pool, fn, *args):
    """says: A variable that r3 did not set was 'left behind by"""
    caller = contextvars.copy_context()

    def run():
        for variable, value in caller.items():
            variable.set(value)
        return fn(*args)

    return pool.submit(run)


_first = []


def wrong_one_context_for_all(pool, fn, *args):
    """says: raised RuntimeError: cannot enter context"""
    if not _first:
        _first.append(contextvars.copy_context())
    return pool.submit(_first[0].run, fn, *args)


def wrong_runs_here(pool, fn, *args):
    """
    says: The tasks ran in the thread that submitted them
    says: the caller's own variable is 'left behind by r3'
    """
    future = Future()
    future.set_result(fn(*args))
    return future


def wrong_has_a_pool_of_its_own(pool, fn, *args):
    """says: The tasks ran in other threads than those of the pool"""
    with ThreadPoolExecutor(1) as own:
        return own.submit(contextvars.copy_context().run, fn, *args)


def wrong_waits_until_it_is_done(pool, fn, *args):
    """says: submit_here returned only when its task had ended"""
    future = pool.submit(contextvars.copy_context().run, fn, *args)
    future.exception()
    return future


def wrong_puts_them_back_afterwards(pool, fn, *args):
    """says: A variable that r3 did not set was 'left behind by"""
    caller = contextvars.copy_context()

    def run():
        tokens = [(variable, variable.set(value)) for variable, value in caller.items()]
        try:
            return fn(*args)
        finally:
            for variable, token in tokens:
                variable.reset(token)

    return pool.submit(run)


def wrong_waits_for_the_result(pool, fn, *args):
    """says: For three calls it gave: str, str, str"""
    return pool.submit(contextvars.copy_context().run, fn, *args).result()


def wrong_submits_the_call(pool, fn, *args):
    """
    says: the caller's own variable is 'left behind by r3'
    says: The tasks ran in the thread that submitted them
    """
    return pool.submit(lambda result: result, fn(*args))


def wrong_hands_on_the_first_argument(pool, fn, *args):
    """says: For the arguments ('R1', ['a list']) fn was called with ('R1',)."""
    return pool.submit(contextvars.copy_context().run, fn, *args[:1])


def wrong_hands_on_what_is_true(pool, fn, *args):
    """says: For the arguments ('R2', None, '') fn was called with ('R2',)."""
    return pool.submit(contextvars.copy_context().run, fn, *filter(None, args))


def wrong_carries_what_is_true(pool, fn, *args):
    """says: A variable set to 0 by r1 was 'default' in its task"""
    values = [(variable, value) for variable, value in contextvars.copy_context().items() if value]

    def run():
        for variable, value in values:
            variable.set(value)
        return fn(*args)

    return pool.submit(contextvars.Context().run, run)


def wrong_carries_what_is_not_none(pool, fn, *args):
    """says: A variable set to None by r2 was 'default' in its task"""
    values = [(variable, value) for variable, value in contextvars.copy_context().items() if value is not None]

    def run():
        for variable, value in values:
            variable.set(value)
        return fn(*args)

    return pool.submit(contextvars.Context().run, run)


_copied = []


def wrong_copies_at_the_first_call(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw r1, r1, r1."""
    if not _copied:
        _copied.append(contextvars.copy_context())
    return pool.submit(_copied[0].copy().run, fn, *args)


def wrong_passes_over_errors(pool, fn, *args):
    """says: Of a task that raised KeyError, the Future returned None"""
    context = contextvars.copy_context()

    def run():
        try:
            return context.run(fn, *args)
        except Exception:
            return None

    return pool.submit(run)


def wrong_returns_the_error(pool, fn, *args):
    """says: Of a task that raised an exception outside Exception, the Future returned _Left('raised')"""
    context = contextvars.copy_context()

    def run():
        try:
            return context.run(fn, *args)
        except Exception:
            raise
        except BaseException as error:
            return error

    return pool.submit(run)


def wrong_raises_what_was_returned(pool, fn, *args):
    """says: Of a task that returned an exception outside Exception, the Future raised"""
    future, context = Future(), contextvars.copy_context()

    def run():
        try:
            result = context.run(fn, *args)
        except BaseException as error:
            result = error
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)

    pool.submit(run)
    return future


def wrong_leaves_the_callers_values_in_the_worker(pool, fn, *args):
    """says: A task submitted to the same workers later, by pool.submit, found"""
    caller = contextvars.copy_context()

    def run():
        for variable, value in caller.items():
            variable.set(value)
        return contextvars.copy_context().run(fn, *args)

    return pool.submit(run)


def wrong_gives_a_future_that_nobody_ends(pool, fn, *args):
    """says: 3 of the 3 Futures had neither a result nor an exception"""
    pool.submit(contextvars.copy_context().run, fn, *args)
    return Future()


_copies = {}


def wrong_keeps_a_context_for_each_function(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw r1, r1, r1."""
    context = _copies.setdefault(fn, contextvars.copy_context())
    return pool.submit(context.copy().run, fn, *args)


def wrong_lets_a_workers_own_value_stand(pool, fn, *args):
    """says: a task saw "the worker's own" and "the worker's own"."""
    caller = contextvars.copy_context()

    def run():
        here = contextvars.copy_context()
        for variable, value in caller.items():
            if variable not in here:
                here.run(variable.set, value)
        return here.run(fn, *args)

    return pool.submit(run)


def wrong_leaves_what_the_caller_has_not_set(pool, fn, *args):
    """says: a task saw 'r3' and "the worker's own"."""
    caller = contextvars.copy_context()

    def run():
        here = contextvars.copy_context()
        for variable, value in caller.items():
            here.run(variable.set, value)
        return here.run(fn, *args)

    return pool.submit(run)


def wrong_runs_it_twice(pool, fn, *args):
    """says: For 3 calls, fn ran 6 times."""
    context = contextvars.copy_context()
    return pool.submit(lambda: (context.copy().run(fn, *args), context.run(fn, *args))[1])


def wrong_loses_what_counts_as_false(pool, fn, *args):
    """says: Of a task that returned 0, the Future returned None."""
    context = contextvars.copy_context()
    return pool.submit(lambda: context.run(fn, *args) or None)


def wrong_raises_one_of_its_own(pool, fn, *args):
    """says: Of a task that raised KeyError, the Future raised KeyError('no such page'), another object."""
    context = contextvars.copy_context()

    def run():
        try:
            return context.run(fn, *args)
        except Exception as error:
            raise type(error)(*error.args) from error

    return pool.submit(run)


def wrong_waits_for_a_worker(pool, fn, *args):
    """says: It returned after it had stood still in time.sleep()"""
    future = submit_here(pool, fn, *args)
    while not (future.running() or future.done()):
        time.sleep(0.001)
    return future


_latest = [None, None]


def wrong_takes_the_same_copy_while_nothing_has_changed(pool, fn, *args):
    """says: with nothing set between them and fn of both running: they saw"""
    now = dict(contextvars.copy_context().items())
    if _latest[0] != now:
        _latest[:] = [now, contextvars.copy_context()]
    return pool.submit(_latest[1].run, fn, *args)


def wrong_carries_from_the_main_thread_alone(pool, fn, *args):
    """says: Called in a worker, which has set a variable to "a worker's": fn saw 'none'."""
    if threading.current_thread() is not threading.main_thread():
        return pool.submit(fn, *args)
    return submit_here(pool, fn, *args)


def wrong_copies_the_values_too(pool, fn, *args):
    """says: A list that was the value of a variable was another list in the task."""
    values = [(v, copy.deepcopy(x) if isinstance(x, list) else x) for v, x in contextvars.copy_context().items()]

    def run():
        for variable, value in values:
            variable.set(value)
        return fn(*args)

    return pool.submit(contextvars.Context().run, run)


def wrong_copies_the_arguments(pool, fn, *args):
    """says: A list that was the argument of fn was another list in the task."""
    return submit_here(pool, fn, *copy.deepcopy(args))


def wrong_tries_again_with_another_copy(pool, fn, *args):
    """says: Of a task that raised RuntimeError, fn ran 2 times."""
    context = contextvars.copy_context()

    def run():
        try:
            return context.run(fn, *args)
        except RuntimeError:
            return context.copy().run(fn, *args)

    return pool.submit(run)


_room = threading.Semaphore(8)


def wrong_has_room_for_eight(pool, fn, *args):
    """says: It returned after it had stood still in acquire(), when 8 tasks waited for a worker."""
    _room.acquire()
    future = submit_here(pool, fn, *args)
    future.add_done_callback(lambda _: _room.release())
    return future


_more_room = threading.Semaphore(64)


def wrong_has_room_for_64(pool, fn, *args):
    """says: It returned after it had stood still in acquire(), when 64 tasks waited for a worker."""
    _more_room.acquire()
    future = submit_here(pool, fn, *args)
    future.add_done_callback(lambda _: _more_room.release())
    return future


def wrong_waits_a_moment_for_its_task(pool, fn, *args):
    """says: It returned after it had stood still in wait()."""
    future = submit_here(pool, fn, *args)
    wait([future], timeout=0.1)
    return future


_one_at_a_time = threading.Lock()


def wrong_runs_one_at_a_time(pool, fn, *args):
    """says: Of two calls on two workers, the fn of the second ran only when that of the first had ended"""
    context = contextvars.copy_context()

    def run():
        with _one_at_a_time:
            return context.run(fn, *args)

    return pool.submit(run)


_outermost = contextvars.ContextVar("outermost")


def wrong_keeps_the_outermost_context(pool, fn, *args):
    """says: Called in the fn of another call, which has set a variable to "a worker's": fn saw 'r3'."""
    here = contextvars.copy_context()
    context = here.get(_outermost, here)

    def run():
        _outermost.set(context)
        return fn(*args)

    return pool.submit(context.copy().run, run)


_now = []


def wrong_looks_up_the_copy_when_it_runs(pool, fn, *args):
    """says: saw"""
    _now[:] = [contextvars.copy_context()]
    return pool.submit(lambda: _now[0].copy().run(fn, *args))
