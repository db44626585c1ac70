"""Stop within a second, and lose nothing

`tasks` is a list of functions without arguments, `stop` a `threading.Event` that somebody else may set: a Ctrl-C
handler, a button, a task. Write `run_until(stop, tasks, workers)`: it runs the tasks on `workers` workers. Once
`stop` is set, it begins no other task (within a second at the latest), lets those under way end, and returns. If
`stop` is never set, it runs them all.

It returns a dict from a task's index in the list to its result, for every task that returned. A task that raised has
no entry and costs no other task its result.
"""

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

from exercises.kit import Gate, count, shown, watch

LIMIT = 6


def run_until(stop, tasks, workers):
    def unless_stopped(task):
        if stop.is_set():
            raise CancelledError
        return task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    return {i: future.result() for i, future in enumerate(futures) if future.exception() is None}


HINTS = [
    "Who can see that `stop` is set at the right moment? The main thread would have to look again and again; a worker "
    "passes by before each task.",
    "Submit a function of yours that looks at `stop` and then either calls the task or does not. The queue then "
    "drains by itself, and leaving the `with` waits for the tasks under way.",
    "`future.exception() is None` tells the tasks that returned from those that raised. Ask it after the `with`. A "
    "cancelled Future raises CancelledError instead: ask `cancelled()` first if you cancel.",
]


def check(run_until):
    stop, together, held = threading.Event(), Gate(2), Gate(patience=1.2)
    begun, late = [], []

    def task(i):
        begun.append(i)
        if stop.is_set():
            late.append(i)
        if i == 1:
            raise ValueError("task 1 fails")
        if i in (2, 3):
            together.task()
            stop.set()
            held.task()
        return f"result {i}"

    with watch():
        kept = run_until(stop, [lambda i=i: task(i) for i in range(8)], 2)

    yield together.most == 2, f"On 2 workers, {count(together.most, 'task')} went on at the same time."
    if together.most != 2:
        return
    yield not late, f"Begun later than a second after the stop: {count(len(late), 'task')}."
    wanted = {i: f"result {i}" for i in (0, 2, 3)}
    what = "Tasks 0, 2 and 3 returned, 2 and 3 after the stop; it gave"
    if not late:
        yield kept == wanted, f"{what} {shown(kept)}."

    with watch():
        kept = run_until(threading.Event(), [lambda i=i: i * i for i in range(5)], 2)
    yield kept == {i: i * i for i in range(5)}, f"Of five squares, with no stop at all, it gave {shown(kept)}."


def wrong_never_looks(stop, tasks, workers):
    """says: Begun later than a second after the stop: 4 tasks"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
    return {i: future.result() for i, future in enumerate(futures) if future.exception() is None}


def wrong_waits_for_the_stop(stop, tasks, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        stop.wait()
        pool.shutdown(cancel_futures=True)
    ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
    return {i: future.result() for i, future in ended.items() if future.exception() is None}


def wrong_drops_what_is_under_way(stop, tasks, workers):
    """says: it gave {0: 'result 0'}"""
    pool = ThreadPoolExecutor(max_workers=workers)
    futures = [pool.submit(task) for task in tasks]
    while not stop.is_set() and not all(future.done() for future in futures):
        time.sleep(0.01)
    pool.shutdown(wait=False, cancel_futures=True)
    ended = {i: future for i, future in enumerate(futures) if future.done() and not future.cancelled()}
    return {i: future.result() for i, future in ended.items() if future.exception() is None}


def wrong_asks_the_cancelled(stop, tasks, workers):
    """says: Your code raised CancelledError"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while not stop.is_set() and not all(future.done() for future in futures):
            time.sleep(0.01)
        pool.shutdown(cancel_futures=True)
    return {i: future.result() for i, future in enumerate(futures) if future.exception() is None}


def wrong_waits_for_the_cancelled(stop, tasks, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while not stop.is_set() and not all(future.done() for future in futures):
            time.sleep(0.01)
        pool.shutdown(wait=False, cancel_futures=True)
        wait(futures)
    ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
    return {i: future.result() for i, future in ended.items() if future.exception() is None}


def wrong_one_failure_loses_all(stop, tasks, workers):
    """says: Your code raised ValueError: task 1 fails"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    return {i: future.result() for i, future in enumerate(futures) if future.result() is not None}


def wrong_one_after_the_other(stop, tasks, workers):
    """says: On 2 workers, 1 task went on"""
    results = {}
    for i, task in enumerate(tasks):
        if stop.is_set():
            break
        try:
            results[i] = task()
        except Exception:
            continue
    return results


def wrong_skipped_tasks_have_a_result(stop, tasks, workers):
    """says: it gave {0: 'result 0', 2: 'result 2', 3: 'result 3', 4: None"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    return {i: future.result() for i, future in enumerate(futures) if future.exception() is None}


def wrong_stops_without_a_stop(stop, tasks, workers):
    """says: Of five squares, with no stop at all, it gave {}"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: task() if not stop.is_set() else 1 / 0) for task in tasks]
    if not stop.is_set():
        return {}
    return {i: future.result() for i, future in enumerate(futures) if future.exception() is None}
