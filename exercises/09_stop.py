"""Stop within a second, and lose nothing

`tasks` is a list of functions without arguments, `stop` a `threading.Event` that somebody else may set: a Ctrl-C
handler, a button, a task. Write `run_until(stop, tasks, workers)`: it runs the tasks on `workers` workers. Once
`stop` is set, it begins no other task (within a second at the latest), lets those under way end, and returns. If
`stop` is never set, it runs them all.

It returns two dicts, `results, errors`, both by a task's index in the list: what each task returned, and for each task
that raised its exception, whatever it raised. A task that was not begun is in neither.
"""

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

from exercises.kit import Gate, Inputs, count, shown, unlike, watch

LIMIT = 6


def run_until(stop, tasks, workers):
    skipped = object()

    def unless_stopped(task):
        return skipped if stop.is_set() else task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    ended = {i: (future.exception(), future) for i, future in enumerate(futures)}
    errors = {i: error for i, (error, _) in ended.items() if error is not None}
    results = {i: future.result() for i, (error, future) in ended.items() if error is None}
    return {i: result for i, result in results.items() if result is not skipped}, errors


_TRUE = "an exception counts as true"
EQUAL = {
    "errors = {i: error for i, (error, _) in ended.items() if error is not None}  ->  "
    "errors = {i: error for i, (error, _) in ended.items() if error}": _TRUE,
    "results = {i: future.result() for i, (error, future) in ended.items() if error is None}  ->  "
    "results = {i: future.result() for i, (error, future) in ended.items() if not error}": _TRUE,
}

HINTS = [
    "Who can see that `stop` is set at the right moment? The main thread would have to look again and again; a worker "
    "passes by before each task.",
    "Submit a function of yours that looks at `stop` and then either calls the task or does not. The queue then "
    "drains by itself, and leaving the `with` waits for the tasks under way.",
    "A task may return None, and it may raise anything. How do you tell a task that was not begun from one that "
    "returned None? What does `future.exception()` give for one that was cancelled?",
]

INPUTS = Inputs(lambda given: (threading.Event(), given.tasks, given.workers))


class _Broken(BaseException):
    """An exception that `except Exception` does not catch."""


def check(run_until):
    gate, begun, threads = Gate(3, patience=0.5), [], set()
    ends = [
        "a",
        ValueError("1 fails"),
        None,
        TimeoutError("3 was slow"),
        _Broken("4 fails"),
        0,
        CancelledError("6 gave up"),
        "c",
    ]

    def task(i):
        begun.append(i)
        threads.add(threading.current_thread())
        gate.task()
        if isinstance(ends[i], BaseException):
            raise ends[i]
        return ends[i]

    with watch():
        given = run_until(threading.Event(), [lambda i=i: task(i) for i in range(8)], 2)
    if (bad := _shape(given)) is not None:
        yield False, bad
        return
    once = sorted(begun) == list(range(8))
    yield once, f"With no stop at all, {len(set(begun))} of 8 tasks were begun{_again(begun)}."
    if not once:
        return
    yield gate.most == 2, f"On 2 workers, {count(gate.most, 'task')} went on at the same time."
    yield len(threads) <= 2, f"On 2 workers, {count(len(threads), 'thread')} ran the 8 tasks."
    if gate.most != 2 or len(threads) > 2:
        return
    failed = {i: end for i, end in enumerate(ends) if isinstance(end, BaseException)}
    returned = {i: end for i, end in enumerate(ends) if i not in failed}
    good = not unlike(given[0], returned)
    yield good, f"Tasks 0, 2, 5 and 7 returned 'a', None, 0 and 'c'; it gave {shown(given[0])}."
    if good:
        same = not unlike(given[1], failed)
        yield same, f"Tasks 1, 3, 4 and 6 raised; `errors` was {shown(dict(sorted(given[1].items(), key=repr)), 120)}."
        if same:
            yield from _stopped(run_until)


def _shape(given):
    """Why `given` is not two dicts; None if it is."""
    pair = isinstance(given, tuple) and len(given) == 2 and all(isinstance(part, dict) for part in given)
    return None if pair else f"It returned {shown(given, 120)}; two dicts are wanted, `results, errors`."


def _again(begun):
    return f", {len(begun) - len(set(begun))} of them again" if len(begun) > len(set(begun)) else ""


def _stopped(run_until):
    """What became of tasks 0 to 7 when the third and the fourth of them set `stop`."""
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
        given = run_until(stop, [lambda i=i: task(i) for i in range(8)], 2)
        under_way = not held.gave_up and held.arrived > 0
    yield not under_way, f"When it returned, {'tasks were still under way' if under_way else 'no task was under way'}."
    if under_way:
        return
    yield not late, f"Begun later than a second after the stop: {count(len(late), 'task')}."
    if late:
        return
    if (bad := _shape(given)) is not None:
        yield False, bad
        return
    wanted = {i: f"result {i}" for i in (0, 2, 3)}
    what = "Tasks 0, 2 and 3 returned, 2 and 3 after the stop; it gave"
    yield not unlike(given[0], wanted), f"{what} {shown(given[0], 120)}."
    errors = {i: type(error).__name__ for i, error in given[1].items()}
    yield errors == {1: "ValueError"}, f"Task 1 alone raised, and 4 to 7 were not begun; in `errors` are {errors}."


def wrong_never_looks(stop, tasks, workers):
    """says: Begun later than a second after the stop: 4 tasks"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_waits_for_the_stop(stop, tasks, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        stop.wait()
        pool.shutdown(cancel_futures=True)
    ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
    errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
    return {i: future.result() for i, future in ended.items() if i not in errors}, errors


def wrong_drops_what_is_under_way(stop, tasks, workers):
    """says: When it returned, tasks were still under way"""
    pool = ThreadPoolExecutor(max_workers=workers)
    futures = [pool.submit(task) for task in tasks]
    while not stop.is_set() and not all(future.done() for future in futures):
        time.sleep(0.01)
    pool.shutdown(wait=False, cancel_futures=True)
    ended = {i: future for i, future in enumerate(futures) if future.done() and not future.cancelled()}
    errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
    return {i: future.result() for i, future in ended.items() if i not in errors}, errors


def wrong_asks_the_cancelled(stop, tasks, workers):
    """says: Your code raised CancelledError"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while not stop.is_set() and not all(future.done() for future in futures):
            time.sleep(0.01)
        pool.shutdown(cancel_futures=True)
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_waits_for_the_cancelled(stop, tasks, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while not stop.is_set() and not all(future.done() for future in futures):
            time.sleep(0.01)
        pool.shutdown(wait=False, cancel_futures=True)
        wait(futures)
    ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
    errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
    return {i: future.result() for i, future in ended.items() if i not in errors}, errors


def wrong_one_failure_loses_all(stop, tasks, workers):
    """says: Your code raised ValueError: 1 fails"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    return {i: future.result() for i, future in enumerate(futures) if future.result() is not None}, {}


def wrong_gives_up_at_the_first_error(stop, tasks, workers):
    """says: With no stop at all, 4 of 8 tasks were begun"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = []
        for i, task in enumerate(tasks):
            futures.append(pool.submit(task))
            if len(futures) == workers:
                wait(futures)
                errors |= {i - 1 + n: f.exception() for n, f in enumerate(futures) if f.exception() is not None}
                if len(errors) > 1 or stop.is_set():
                    break
                futures = []
    return results, errors


def wrong_one_after_the_other(stop, tasks, workers):
    """says: On 2 workers, 1 task went on"""
    results, errors = {}, {}
    for i, task in enumerate(tasks):
        if stop.is_set():
            break
        try:
            results[i] = task()
        except BaseException as error:
            errors[i] = error
    return results, errors


def wrong_skipped_tasks_have_a_result(stop, tasks, workers):
    """says: it gave {0: 'result 0', 2: 'result 2', 3: 'result 3', 4: None"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_skipped_tasks_have_an_error(stop, tasks, workers):
    """says: in `errors` are {1: 'ValueError', 4: 'CancelledError'"""

    def unless_stopped(task):
        if stop.is_set():
            raise CancelledError
        return task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_a_result_of_none_has_no_entry(stop, tasks, workers):
    """says: it gave {0: 'a', 5: 0, 7: 'c'}"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    ended = {i: future.result() for i, future in enumerate(futures) if i not in errors}
    return {i: result for i, result in ended.items() if result is not None}, errors


def wrong_loses_every_error(stop, tasks, workers):
    """says: Tasks 1, 3, 4 and 6 raised; `errors` was {}"""
    results, _ = run_until(stop, tasks, workers)
    return results, {}


def wrong_returns_the_results_alone(stop, tasks, workers):
    """says: It returned {0: 'a', 2: None, 5: 0, 7: 'c'}; two dicts are wanted"""
    return run_until(stop, tasks, workers)[0]


def wrong_keeps_texts_of_errors(stop, tasks, workers):
    """says: `errors` was {1: '1 fails'"""
    results, errors = run_until(stop, tasks, workers)
    return results, {i: str(error) for i, error in errors.items()}


def wrong_knows_exception_alone(stop, tasks, workers):
    """says: `errors` was {1: ValueError('1 fails'), 3: TimeoutError('3 was slow'), 6: CancelledError('6 gave up')}"""
    results, errors = {}, {}

    def one(i, task):
        try:
            if not stop.is_set():
                results[i] = task()
        except Exception as error:
            errors[i] = error

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for i, task in enumerate(tasks):
            pool.submit(one, i, task)
    return results, errors


def wrong_takes_a_timeout_for_not_yet(stop, tasks, workers):
    """says: did not end"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        for i, future in enumerate(futures):
            while i not in results and i not in errors and not future.cancelled():
                try:
                    results[i] = future.result(timeout=0.05)
                except TimeoutError:
                    time.sleep(0.01)
                    if stop.is_set():
                        pool.shutdown(wait=False, cancel_futures=True)
                except BaseException as error:
                    errors[i] = error
    return results, errors


def wrong_one_worker_more(stop, tasks, workers):
    """
    says: On 2 workers, 3 tasks went on
    says: On 2 workers, 3 threads ran the 8 tasks
    """
    return run_until(stop, tasks, workers + 1)


def wrong_a_thread_for_each_task(stop, tasks, workers):
    """says: On 2 workers, 8 threads ran the 8 tasks"""
    results, errors, room = {}, {}, threading.Semaphore(workers)

    def one(i, task):
        with room:
            try:
                if not stop.is_set():
                    results[i] = task()
            except BaseException as error:
                errors[i] = error

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, errors


def wrong_runs_what_is_left_once_more(stop, tasks, workers):
    """says: With no stop at all, 8 of 8 tasks were begun, 4 of them again"""
    results, errors = run_until(stop, tasks, workers)
    again, errors = run_until(stop, [tasks[i] for i in errors], workers)
    return results | again, errors


def wrong_takes_a_cancelled_error_for_not_begun(stop, tasks, workers):
    """says: Tasks 1, 3, 4 and 6 raised"""
    results, errors = {}, {}
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while not stop.wait(0.01) and not all(future.done() for future in futures):
            pass
        if stop.is_set():
            for future in futures:
                future.cancel()
    for i, future in enumerate(futures):
        try:
            results[i] = future.result()
        except CancelledError:
            pass
        except BaseException as error:
            errors[i] = error
    return results, errors
