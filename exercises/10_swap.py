"""Swap executors by one argument

Write `apply_all(executor, fn, items)`: it runs `fn(item)` for every item on `executor`, at the same time where the
executor can, and returns the results in order. It works with any executor, also one whose workers are other processes.
The executor belongs to the caller, who goes on using it.
"""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, count, shown, watch

LIMIT = 6


def apply_all(executor, fn, items):
    return list(executor.map(fn, items))


HINTS = [
    "Which methods do all executors share? Use those, and none of a thread pool's own.",
    "A lambda or a function inside your function can't be pickled, so it can't travel to another process.",
    "`executor.map(fn, items)`, or `executor.submit(fn, item)` for each; `fn` itself travels.",
]


class _Far(ThreadPoolExecutor):
    """An executor that sends everything through pickle, as one with processes does."""

    def submit(self, fn, /, *args, **kwargs):
        sent = pickle.dumps((fn, args, kwargs))
        return super().submit(_arrive, sent)


def _arrive(sent):
    fn, args, kwargs = pickle.loads(sent)
    return pickle.loads(pickle.dumps(fn(*args, **kwargs)))


def check(apply_all):
    gate, ran_here = Gate(3), []

    def task(item):
        ran_here.append(threading.current_thread().name.startswith("callers"))
        return gate.task(item)

    with watch(), ThreadPoolExecutor(3, "callers") as pool:
        results = apply_all(pool, task, range(6))
        yield gate.most == 3, f"On 3 threads, {count(gate.most, 'task')} went on at the same time."
        if gate.most != 3:
            return
        yield results == list(range(6)), f"For 0 to 5, each given back as it is, it returned {shown(results)}."
        if results != list(range(6)):
            return
        yield sum(ran_here) == 6, f"Of 6 tasks, {sum(ran_here)} ran on the caller's executor."
        if sum(ran_here) != 6:
            return
        try:
            after = pool.submit(abs, -1).result(timeout=2)
        except RuntimeError:
            after = "RuntimeError: it had been shut down"
        yield after == 1, f"Afterwards the caller's executor gave {after} for the next task."
        if after != 1:
            return

    with _Far(3) as far:
        try:
            squares = apply_all(far, abs, [-3, -1, -2])
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            squares = f"{type(error).__name__}: {str(error).split(' at 0x')[0]}"
    yield squares == [3, 1, 2], f"On an executor that pickles, the absolute values of -3, -1, -2 are {shown(squares)}."


def wrong_sends_a_lambda(executor, fn, items):
    """says: On an executor that pickles"""
    return [f.result() for f in [executor.submit(lambda item=item: fn(item)) for item in items]]


def wrong_collects_in_a_list_of_its_own(executor, fn, items):
    """says: On an executor that pickles"""
    results = {}

    def keep(n, item):
        results[n] = fn(item)

    for future in [executor.submit(keep, n, item) for n, item in enumerate(items)]:
        future.result()
    return [results[n] for n in sorted(results)]


def wrong_shuts_the_callers_executor_down(executor, fn, items):
    """says: Afterwards the caller's executor gave RuntimeError"""
    with executor:
        return list(executor.map(fn, items))


def wrong_makes_a_pool_of_its_own(executor, fn, items):
    """says: Of 6 tasks, 0 ran on the caller's executor"""
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(fn, items))


def wrong_asks_inside_the_loop(executor, fn, items):
    """says: On 3 threads, 1 task went on"""
    return [executor.submit(fn, item).result() for item in items]


def wrong_gives_the_iterator(executor, fn, items):
    """says: it returned <generator"""
    return executor.map(fn, items)


def wrong_runs_them_here(executor, fn, items):
    """says: On 3 threads, 1 task went on"""
    return [fn(item) for item in items]
