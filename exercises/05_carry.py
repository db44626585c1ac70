"""Carry the request id

Write `submit_here(pool, fn, *args)`: like `pool.submit(fn, *args)` it returns a Future at once, but `fn` sees the
context variables as they are where `submit_here` is called. What `fn` sets in them is seen by nobody else.
"""

import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from exercises.kit import Gate, shown, watch

LIMIT = 6


def submit_here(pool, fn, *args):
    return pool.submit(contextvars.copy_context().run, fn, *args)


HINTS = [
    "A worker has a context of its own, made with the thread. What would have to travel with the task?",
    "`contextvars.copy_context()` takes a copy of the caller's context. Take it when you submit, one a task.",
    "A context can run a function: `context.run(fn, *args)`. That call is what you submit.",
]


def check(submit_here):
    request = contextvars.ContextVar("request", default="none")
    user = contextvars.ContextVar("user", default="nobody")  # no caller sets it
    gate, after = Gate(2), Gate(2)

    def work(extra):
        gate.task()
        seen = f"{request.get()}+{extra}"
        request.set(f"left behind by {extra}")
        user.set(f"left behind by {extra}")
        return seen, threading.current_thread()

    def plain():
        after.task()
        return request.get(), user.get()

    with watch(), ThreadPoolExecutor(2, "given") as pool:
        futures = []
        for name in ("r1", "r2", "r3"):
            request.set(name)
            futures.append(submit_here(pool, work, name.upper()))
        ended = gate.gave_up  # two workers meet there, unless a call waits for its task
        waits = not all(isinstance(future, Future) for future in futures)
        kinds = ", ".join(type(future).__name__ for future in futures)
        yield not waits, f"For three calls it gave: {kinds}."
        if waits:
            return
        errors = [future.exception() for future in futures if future.exception()]
        if errors:
            yield False, f"{len(errors)} of 3 tasks raised {type(errors[0]).__name__}: {str(errors[0]).split(':')[0]}."
            return
        results = [future.result() for future in futures]
        left = [future.result() for future in [pool.submit(plain), pool.submit(plain)]]

    seen = [text for text, _ in results]
    yield seen == ["r1+R1", "r2+R2", "r3+R3"], f"Tasks of the requests r1, r2, r3 saw {', '.join(seen)}."
    in_pool, where = _place([thread for _, thread in results])
    yield in_pool, where
    if in_pool:
        yield not ended, f"submit_here returned {'only when its task had ended' if ended else 'while its task ran'}."
    yield request.get() == "r3", f"Afterwards the caller's own variable is {shown(request.get())}."
    if seen != ["r1+R1", "r2+R2", "r3+R3"]:
        return
    found = [text for texts in left for text in texts if text.startswith("left behind")]
    what = f"found {shown(found[0])} there" if found else "found nothing of it there"
    yield not found, f"A task submitted to the same workers later, by pool.submit, {what}."


def _place(threads):
    """Whether `threads` are workers of the pool that was given, and a sentence that says so."""
    if any(thread is threading.main_thread() for thread in threads):
        return False, "The tasks ran in the thread that submitted them."
    given = all(thread.name.startswith("given_") for thread in threads)
    return given, f"The tasks ran in {'workers of the pool' if given else 'other threads than those of the pool'}."


def wrong_plain_submit(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw none+R1"""
    return pool.submit(fn, *args)


def wrong_copies_in_the_worker(pool, fn, *args):
    """says: Tasks of the requests r1, r2, r3 saw none+R1"""
    return pool.submit(lambda: contextvars.copy_context().run(fn, *args))


def wrong_sets_them_in_the_worker(pool, fn, *args):
    """says: A task submitted to the same workers later, by pool.submit, found 'left behind by"""
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
    says: the caller's own variable is 'left behind by R3'
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
    """says: A task submitted to the same workers later, by pool.submit, found 'left behind by"""
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
    """says: For three calls it gave: tuple, tuple, tuple"""
    return pool.submit(contextvars.copy_context().run, fn, *args).result()


def wrong_submits_the_call(pool, fn, *args):
    """
    says: the caller's own variable is 'left behind by R3'
    says: The tasks ran in the thread that submitted them
    """
    return pool.submit(lambda result: result, fn(*args))
