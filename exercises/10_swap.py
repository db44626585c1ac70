"""Swap executors by one argument

Write `apply_all(executor, fn, items)`: it runs `fn(item)` for every item on `executor`, each as a task of its
own, at the same time where the executor can, and returns the list of the results, in the order of the items. `items`
can be read once. It works with any executor, whatever its class, also one whose workers are other processes. If `fn`
raises, `apply_all` raises that too. The executor belongs to the caller, who goes on using it.
"""

import pickle
import queue
import threading
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from itertools import chain, islice

from exercises.kit import TICK, Inputs, Signal, Window, count, once, settled, shown, unlike, watch

LIMIT = 9


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
        self._pool = ThreadPoolExecutor(workers, "callers")

    def submit(self, fn, /, *args, **kwargs):
        return self._pool.submit(_arrive, pickle.dumps((fn, args, kwargs)))

    def map(self, fn, *iterables, timeout=None, chunksize=1, **more):
        items = list(zip(*iterables, strict=False))
        chunks = [items[n : n + chunksize] for n in range(0, len(items), chunksize)]
        return chain.from_iterable(super().map(partial(_each, fn), chunks, timeout=timeout, **more))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


class _FarPool(ProcessPoolExecutor):
    """The same under the name of ProcessPoolExecutor, which has its own `map`, and a number of workers."""

    def __init__(self, workers):
        self._max_workers, self._far = workers, _Far(workers)

    def submit(self, fn, /, *args, **kwargs):
        return self._far.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._far.shutdown(wait, cancel_futures=cancel_futures)


class _Long(Future):
    """The Future of a task that takes longer than anyone's timeout."""

    def __init__(self, asked):
        super().__init__()
        self._asked = asked

    def result(self, timeout=None):
        try:
            if timeout is None:
                self._asked.set()
            return super().result(timeout and min(timeout, TICK))
        finally:
            self._asked.set()


class _CrowdPool(_FarPool):
    """One with a worker for each of `size` tasks: none of them ends before they all are there, or no more come."""

    def __init__(self, size):
        self._max_workers, self.tasks, self.together = size, 0, 0
        self._line, self._asked, self._worker = queue.SimpleQueue(), Signal(), threading.Thread(target=self._work)
        self._worker.start()

    def submit(self, fn, /, *args, **kwargs):
        self._line.put((future := _Long(self._asked), partial(fn, *args, **kwargs)))
        self.tasks += 1
        return future

    def _work(self):
        settled(lambda: self.tasks, lambda tasks: tasks >= self._max_workers, 0.3)
        self._asked.wait(0.3)
        self.together = self.tasks
        while task := self._line.get():
            future, call = task
            if future.set_running_or_notify_cancel():
                future.set_result(call())

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._line.put(None)
        self._worker.join()


for _class in _FarPool, _CrowdPool:
    _class.__name__ = "ProcessPoolExecutor"  # for those who ask for the name


def _arrive(sent):
    fn, args, kwargs = pickle.loads(sent)
    return pickle.loads(pickle.dumps(fn(*args, **kwargs)))


def _each(fn, chunk):
    return [fn(*item) for item in chunk]


_windows = []  # where the tasks meet, also those that have travelled


def _meet(item):
    return _windows[-1].task(item, item)


def _same(item):
    return item


def _where(item):
    return threading.current_thread().name


_ERRORS = [
    TypeError("not of this kind"), ConnectionResetError("once more"), pickle.PicklingError("no way"),
    BrokenProcessPool("one is dead"), KeyboardInterrupt("enough"), SystemExit("out"),
]  # fmt: skip
_MANY = 1000


def check(apply_all):
    with watch(), ThreadPoolExecutor(3, "callers") as pool:
        for ok, says in _looks(apply_all, pool, 3):
            yield ok, says
            if not ok:
                return
        for fn, items, words in ((_where, [0], "One item"), (lambda item: _where(item), [0, 1], "A lambda")):
            ran = apply_all(pool, fn, once(items))
            where = next((name for name in ran if not name.startswith("callers")), ran[0])
            yield where.startswith("callers"), f"{words}: it ran in the thread {where}."
            if not where.startswith("callers"):
                return
        apply_all(pool, _where, once([]))
        after = _next(pool)
        yield after == 1, f"After no item at all, the caller's executor gave {after} for the next task."
        if after != 1:
            return
        for error in _ERRORS:
            bad = _failing(apply_all, pool, error)
            yield not bad, f"A task raised {type(error).__name__}: {bad or 'apply_all raised that too'}."
            if bad:
                return
    with _Far(20) as far:
        for ok, says in _looks(apply_all, far, 20, where="On an executor that pickles: "):
            yield ok, says
            if not ok:
                return
    # more items than 4 for each worker: what is shared out by their number goes in batches
    for workers, tasks in ((33, 69), (2, 20)):
        with _FarPool(workers) as far:
            for ok, says in _looks(apply_all, far, workers, tasks, 0.3, "On a ProcessPoolExecutor: "):
                yield ok, says
                if not ok:
                    return
    with _CrowdPool(_MANY) as crowd:
        items, late = range(_MANY), ""
        try:
            good = apply_all(crowd, _same, once(items)) == [*items]
        except TimeoutError:
            good, late = False, " Tasks that took long gave TimeoutError."
    together = f"{crowd.tasks} tasks came, {crowd.together} of them stood in flight together"
    fits = good and crowd.tasks == crowd.together == _MANY
    yield fits, f"On a ProcessPoolExecutor with {_MANY} workers, for {_MANY} items, {together}.{late}"


def _failing(apply_all, pool, error):
    """What is wrong where a task raises `error`."""
    called, raised, given = [], None, None

    def fail(_):
        called.append(threading.current_thread().name)
        raise error

    try:
        given = apply_all(pool, fail, once("a"))
    except BaseException as caught:
        raised = caught
    strange = next((name for name in called if not name.startswith("callers")), "")
    after = _next(pool)
    if strange:
        return f"apply_all ran it again in the thread {strange}"
    if len(called) != 1:
        return f"it was called {count(len(called), 'time')}"
    if raised is not error:
        came = f"returned {shown(given)}" if raised is None else f"raised {shown(raised)}, another one"
        return f"apply_all {came}"
    return "" if after == 1 else f"afterwards the caller's executor gave {after} for the next task"


def _looks(apply_all, executor, workers, tasks=0, patience=0.5, where=""):
    """What is seen of it, to the first thing that is wrong."""
    window = Window(workers, tasks or 2 * workers + 3, patience)
    _windows.append(window)
    items = [0, *range(window.tasks - 1, 0, -1)]
    try:
        results = apply_all(executor, _meet, once(items))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        yield False, f"{where}{type(error).__name__}: {str(error).split(' at 0x')[0]}."
        return
    finally:
        window.returned()
    if not isinstance(results, list):
        yield False, f"{where}It returned {shown(results)}; the list of results is wanted."
        return
    strange = sum(not thread.name.startswith("callers") for thread in window.threads)
    yield not strange, f"{where}Tasks ran in {count(strange, 'thread')} outside of the caller's executor."
    for ok, says in () if strange else window.findings():
        yield ok, where + says
        strange = strange or not ok
    if strange:
        return
    good = not unlike(results, items)
    yield good, f"{where}For {shown(items, 30)}, each given back as it is, it returned {shown(results)}."
    if not good:
        return
    after = _next(executor)
    yield after == 1, f"{where}Afterwards the caller's executor gave {after} for the next task."
    if after != 1:
        return
    with suppress(KeyError):
        apply_all(executor, {}.__getitem__, once(items))
    after = _next(executor)
    yield after == 1, f"{where}After tasks that raised, the caller's executor gave {after} for the next task."


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
    """says: On an executor that pickles: Tasks ran in 20 threads outside of the caller's executor"""
    if isinstance(executor, ThreadPoolExecutor):
        return list(executor.map(fn, items))
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(fn, items))


def wrong_asks_inside_the_loop(executor, fn, items):
    """says: Of 9 tasks on 3 workers, 1 task stood in flight together"""
    return [executor.submit(fn, item).result() for item in items]


def wrong_gives_the_iterator(executor, fn, items):
    """says: It returned <generator"""
    return executor.map(fn, items)


def wrong_runs_them_here(executor, fn, items):
    """says: Tasks ran in 1 thread outside of the caller's executor"""
    return [fn(item) for item in items]


def wrong_one_at_a_time_unless_it_is_a_pool_of_threads(executor, fn, items):
    """says: On an executor that pickles: Of 43 tasks on 20 workers, 1 task stood in flight together"""
    if isinstance(executor, ThreadPoolExecutor):
        return list(executor.map(fn, items))
    return [executor.submit(fn, item).result() for item in items]


def wrong_knows_two_kinds_of_executors(executor, fn, items):
    """says: On an executor that pickles: It returned None"""
    if isinstance(executor, (ThreadPoolExecutor, ProcessPoolExecutor)):
        return list(executor.map(fn, items))


def wrong_asks_for_the_number_of_workers(executor, fn, items):
    """says: On an executor that pickles: AttributeError"""
    return list(executor.map(fn, items, chunksize=max(1, 6 // executor._max_workers)))


def wrong_in_the_order_of_completion(executor, fn, items):
    """says: For [0, 8, 7, 6, 5, 4, 3, 2, 1], each given back as it is, it returned ["""
    return [future.result() for future in as_completed([executor.submit(fn, item) for item in items])]


def wrong_counts_the_items_first(executor, fn, items):
    """says: Of 9 tasks on 3 workers, 0 tasks stood in flight together"""
    return [executor.submit(fn, item).result() for _ in list(items) for item in items]


def wrong_gives_none_for_what_fails(executor, fn, items):
    """says: A task raised TypeError: apply_all returned [None]"""
    futures = [executor.submit(fn, item) for item in items]
    return [None if future.exception() else future.result() for future in futures]


def wrong_leaves_out_what_is_nothing(executor, fn, items):
    """says: it returned [8, 7, 6, 5, 4, 3, 2, 1]"""
    return [result for result in executor.map(fn, items) if result]


def wrong_fetches_equal_items_once(executor, fn, items):
    """says: For items"""
    items = list(items)
    results = dict(zip(set(items), executor.map(fn, set(items)), strict=True))
    return [results[item] for item in items]


def wrong_sends_batches(executor, fn, items):
    """says: On an executor that pickles: While the first took long, 41 of the 42 others ran"""
    return list(executor.map(fn, items, chunksize=2))


def wrong_has_six_on_the_way(executor, fn, items):
    """says: On an executor that pickles: Of 43 tasks on 20 workers, 6 tasks stood in flight together"""
    futures = []
    for item in items:
        while sum(not future.done() for future in futures) >= 6:
            wait(futures, return_when=FIRST_COMPLETED, timeout=0.01)
        futures.append(executor.submit(fn, item))
    return [future.result() for future in futures]


def wrong_does_one_item_itself(executor, fn, items):
    """says: One item: it ran in the thread"""
    items = list(items)
    return [fn(item) for item in items] if len(items) == 1 else apply_all(executor, fn, items)


def wrong_does_itself_what_can_not_be_pickled(executor, fn, items):
    """says: A lambda: it ran in the thread"""
    try:
        pickle.dumps(fn)
    except Exception:
        return [fn(item) for item in items]
    return apply_all(executor, fn, items)


def wrong_tries_again(executor, fn, items):
    """says: A task raised TypeError: it was called 2 times"""
    items = list(items)
    futures = [executor.submit(fn, item) for item in items]
    again = (executor.submit(fn, item) if f.exception() else f for item, f in zip(items, futures, strict=True))
    return [future.result() for future in again]


def wrong_sends_batches_to_processes(executor, fn, items):
    """says: On a ProcessPoolExecutor: While the first took long, 67 of the 68 others ran"""
    return list(executor.map(fn, items, chunksize=2 if isinstance(executor, ProcessPoolExecutor) else 1))


def wrong_one_at_a_time_in_processes(executor, fn, items):
    """says: On a ProcessPoolExecutor: Of 69 tasks on 33 workers, 1 task stood in flight together"""
    if isinstance(executor, ProcessPoolExecutor):
        return [executor.submit(fn, item).result() for item in items]
    return list(executor.map(fn, items))


def wrong_four_batches_for_each_worker(executor, fn, items):
    """says: On a ProcessPoolExecutor: While the first took long, 18 of the 19 others ran"""
    items, workers = list(items), getattr(executor, "_max_workers", None)
    return list(executor.map(fn, items, chunksize=max(1, len(items) // (4 * workers)) if workers else 1))


def wrong_has_32_on_the_way(executor, fn, items):
    """says: On a ProcessPoolExecutor: Of 69 tasks on 33 workers, 32 tasks stood in flight together"""
    futures, left = [], set()
    for item in items:
        if len(left) >= 32:
            left = wait(left, return_when=FIRST_COMPLETED).not_done
        futures.append(executor.submit(fn, item))
        left.add(futures[-1])
    return [future.result() for future in futures]


def wrong_takes_a_type_error_for_one_of_pickle(executor, fn, items):
    """says: A task raised TypeError: apply_all ran it again in the thread"""
    items = list(items)
    try:
        return list(executor.map(fn, items))
    except (pickle.PicklingError, AttributeError, TypeError):
        return [fn(item) for item in items]


def wrong_tries_a_connection_again(executor, fn, items):
    """says: A task raised ConnectionResetError: it was called 2 times"""
    items, results = list(items), []
    for item, future in [(item, executor.submit(fn, item)) for item in items]:
        try:
            results.append(future.result())
        except ConnectionError:
            results.append(executor.submit(fn, item).result())
    return results


def wrong_shuts_it_down_after_an_interrupt(executor, fn, items):
    """says: A task raised KeyboardInterrupt: afterwards the caller's executor gave RuntimeError"""
    try:
        return list(executor.map(fn, items))
    except KeyboardInterrupt:
        executor.shutdown(wait=False, cancel_futures=True)
        raise


def wrong_raises_a_copy(executor, fn, items):
    """says: A task raised TypeError: apply_all raised TypeError('not of this kind'), another one"""
    futures = [executor.submit(fn, item) for item in items]
    for future in futures:
        if error := future.exception():
            raise type(error)(*error.args)
    return [future.result() for future in futures]


def wrong_slices_by_a_64th(executor, fn, items):
    """says: with 1000 workers, for 1000 items, 67 tasks came, 67 of them stood in flight together."""
    items = list(items)
    return list(executor.map(fn, items, chunksize=max(1, len(items) // 64)))


def wrong_goes_by_the_hundred(executor, fn, items):
    """says: with 1000 workers, for 1000 items, 1000 tasks came, 100 of them stood in flight together."""
    items, results = iter(items), []
    while batch := list(islice(items, 100)):
        results += executor.map(fn, batch)
    return results


def wrong_waits_a_minute_at_most(executor, fn, items):
    """says: Tasks that took long gave TimeoutError."""
    return [future.result(timeout=60) for future in [executor.submit(fn, item) for item in items]]


def wrong_looks_at_the_name_of_the_class(executor, fn, items):
    """says: On a ProcessPoolExecutor: While the first took long"""
    return list(executor.map(fn, items, chunksize=2 if type(executor).__name__ == "ProcessPoolExecutor" else 1))


def wrong_runs_them_here_when_the_pool_is_broken(executor, fn, items):
    """says: A task raised BrokenProcessPool: apply_all ran it again in the thread"""
    items = list(items)
    try:
        return list(executor.map(fn, items))
    except BrokenProcessPool:
        return [fn(item) for item in items]


def wrong_does_the_second_of_two_itself(executor, fn, items):
    """says: A lambda: it ran in the thread"""
    items = list(items)
    if len(items) != 2:
        return list(executor.map(fn, items))
    return [executor.submit(fn, items[0]).result(), fn(items[1])]


def wrong_shuts_down_what_had_nothing_to_do(executor, fn, items):
    """says: After no item at all, the caller's executor gave RuntimeError"""
    results = list(executor.map(fn, items))
    if not results:
        executor.shutdown()
    return results
