"""Swap executors by one argument

Write `apply_all(executor, fn, items)`: it runs `fn(item)` for every item on `executor`, at the same time where the
executor can, and returns the list of the results, in the order of the items. `items` can be read once. It works with
any executor, whatever its class, also one whose workers are other processes. If `fn` raises, `apply_all` raises that
too. The executor belongs to the caller, who goes on using it.
"""

import pickle
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import suppress

from exercises.kit import Gate, Inputs, count, once, shown, unlike, until, watch

LIMIT = 6


def apply_all(executor, fn, items):
    return list(executor.map(fn, items))


HINTS = [
    "Which methods do all executors share? Use those, and none of a thread pool's own.",
    "What you submit has to travel to the workers. Which functions can be pickled, and which of yours can't?",
    "Let nothing of yours travel: what does the worker need besides `fn` and its item? And who shuts an executor down "
    "that belongs to the caller?",
]

INPUTS = Inputs(lambda given: (given.pool(), given.fn, given.once))


class _Far(Executor):
    """An executor that sends everything through pickle, as one with processes does. It has no workers to be counted."""

    def __init__(self, workers):
        self._pool = ThreadPoolExecutor(workers, "far")

    def submit(self, fn, /, *args, **kwargs):
        return self._pool.submit(_arrive, pickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _arrive(sent):
    fn, args, kwargs = pickle.loads(sent)
    return pickle.loads(pickle.dumps(fn(*args, **kwargs)))


_far = []  # where the tasks that have travelled meet


def _meet(item):
    return _far[-1].task(item)


class _Near:
    """Six tasks; the first waits until four others have ended."""

    def __init__(self):
        self.gate, self.places, self.ended = Gate(4, patience=0.4), [], 0
        self._lock = threading.Lock()

    def task(self, item):
        self.gate.task()
        if item == 0:
            until(lambda: self.ended >= 4, 0.5)
        with self._lock:
            self.places.append(threading.current_thread().name.startswith("callers"))
            self.ended += 1
        return item


def check(apply_all):
    near, numbers = _Near(), list(range(6))
    with watch(), ThreadPoolExecutor(3, "callers") as pool:
        results = apply_all(pool, near.task, once(numbers))
        ran, here, most = len(near.places), sum(near.places), near.gate.most
        if not isinstance(results, list) or ran < 6:
            yield False, f"When {ran} of 6 tasks had ended it returned {shown(results)}; the list of results is wanted."
            return
        yield here == 6, f"Of 6 tasks, {here} ran on the caller's executor, {ran - here} elsewhere."
        if here != 6:
            return
        yield most == 3, f"On 3 threads, {count(most, 'task')} went on at the same time."
        if most != 3:
            return
        good = not unlike(results, numbers)
        yield good, f"For 0 to 5, each given back as it is, it returned {shown(results)}."
        if not good:
            return
        after = _next(pool)
        yield after == 1, f"Afterwards the caller's executor gave {after} for the next task."
        if after != 1:
            return
        with suppress(KeyError):
            apply_all(pool, {}.__getitem__, once(numbers))
        after = _next(pool)
        yield after == 1, f"After tasks that raised, the caller's executor gave {after} for the next task."
        if after != 1:
            return

    with _Far(3) as far:
        _far.append(Gate(4, patience=0.4))
        what = "On an executor that pickles"
        try:
            back = apply_all(far, _meet, [3, 1, 2, 0, 5, 4])
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            yield False, f"{what}: {type(error).__name__}: {str(error).split(' at 0x')[0]}."
            return
        good = not unlike(back, [3, 1, 2, 0, 5, 4])
        yield good, f"{what}, 3, 1, 2, 0, 5, 4, each given back as it is, became {shown(back)}."
        most = _far[-1].most
        if good:
            yield most == 3, f"{what}, with 3 workers, {count(most, 'task')} went on at the same time."


def _next(pool):
    try:
        return pool.submit(abs, -1).result(timeout=2)
    except RuntimeError:
        return "RuntimeError: it had been shut down"


def wrong_shuts_it_down_after_an_error(executor, fn, items):
    """says: After tasks that raised, the caller's executor gave RuntimeError"""
    try:
        return list(executor.map(fn, items))
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise


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
    """says: Of 6 tasks, 0 ran on the caller's executor, 6 elsewhere"""
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(fn, items))


def wrong_asks_inside_the_loop(executor, fn, items):
    """says: On 3 threads, 1 task went on"""
    return [executor.submit(fn, item).result() for item in items]


def wrong_gives_the_iterator(executor, fn, items):
    """says: of 6 tasks had ended it returned <generator"""
    return executor.map(fn, items)


def wrong_runs_them_here(executor, fn, items):
    """says: Of 6 tasks, 0 ran on the caller's executor, 6 elsewhere"""
    return [fn(item) for item in items]


def wrong_one_at_a_time_unless_it_is_a_pool_of_threads(executor, fn, items):
    """says: On an executor that pickles, with 3 workers, 1 task went on"""
    if isinstance(executor, ThreadPoolExecutor):
        return list(executor.map(fn, items))
    return [executor.submit(fn, item).result() for item in items]


def wrong_knows_two_kinds_of_executors(executor, fn, items):
    """says: On an executor that pickles, 3, 1, 2, 0, 5, 4, each given back as it is, became None"""
    if isinstance(executor, (ThreadPoolExecutor, ProcessPoolExecutor)):
        return list(executor.map(fn, items))


def wrong_asks_for_the_number_of_workers(executor, fn, items):
    """says: On an executor that pickles: AttributeError"""
    return list(executor.map(fn, items, chunksize=max(1, 6 // executor._max_workers)))


def wrong_in_the_order_of_completion(executor, fn, items):
    """says: For 0 to 5, each given back as it is, it returned ["""
    return [future.result() for future in as_completed([executor.submit(fn, item) for item in items])]


def wrong_counts_the_items_first(executor, fn, items):
    """says: When 0 of 6 tasks had ended it returned []"""
    return [executor.submit(fn, item).result() for _ in list(items) for item in items]


def wrong_gives_none_for_what_fails(executor, fn, items):
    """says: raises ValueError, it returned"""
    futures = [executor.submit(fn, item) for item in items]
    return [None if future.exception() else future.result() for future in futures]


def wrong_leaves_out_what_is_nothing(executor, fn, items):
    """says: it returned [1, 2, 3, 4, 5]"""
    return [result for result in executor.map(fn, items) if result]


def wrong_fetches_equal_items_once(executor, fn, items):
    """says: For items"""
    items = list(items)
    results = dict(zip(set(items), executor.map(fn, set(items)), strict=True))
    return [results[item] for item in items]
