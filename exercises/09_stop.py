"""Stop within a second, and lose nothing

`tasks` is a list of functions without arguments, `stop` a `threading.Event` that somebody else may set: a Ctrl-C
handler, a button, a task. Write `run_until(stop, tasks, workers)`: it runs the tasks on `workers` workers. Once
`stop` is set, it begins no other task (within a second at the latest), lets those under way end, and returns. If
`stop` is never set, it runs them all.

It returns a tuple of two dicts, `results, errors`, both by a task's index in the list: what each task returned, and
for each task that raised its exception, whatever it raised. A task that was not begun is in neither.
"""

import copy
import itertools
import queue
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

from exercises.kit import Gate, Inputs, count, shown, unlike, watch

LIMIT = 10


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


def _ends_early():
    raise StopIteration("no more")


def _three(given):
    return threading.Event(), [_ends_early, int, int], 1


INPUTS = Inputs(
    lambda given: (threading.Event(), given.tasks, given.workers),
    also={"Where the first of 3 tasks raises StopIteration": _three},
)


class _Broken(BaseException):
    """An exception that `except Exception` does not catch."""


class _Array:
    """A result whose `==` gives no True or False, as an array's."""

    def __eq__(self, other):
        return self

    def __bool__(self):
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = object.__hash__

    def __repr__(self):
        return "array"


def check(run_until):
    gate, begun, threads = Gate(3, patience=0.5), [], set()
    ends = [
        "skipped",
        IndexError("1 fails"),
        None,
        TimeoutError("3 was slow"),
        SystemExit("4 ends"),
        ...,
        CancelledError("6 gave up"),
        "cancelled",
    ]

    def task(i):
        begun.append(i)
        threads.add(threading.current_thread())
        gate.task()
        if isinstance(ends[i], BaseException):
            raise ends[i]
        return ends[i]

    with watch():
        given = run_until(stop := threading.Event(), [lambda i=i: task(i) for i in range(8)], 2)
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
    yield good, f"Tasks 0, 2, 5 and 7 returned 'skipped', None, ... and 'cancelled'; it gave {shown(given[0])}."
    if not good:
        return
    same = not unlike(given[1], failed)
    yield same, f"Tasks 1, 3, 4 and 6 raised; `errors` was {shown(dict(sorted(given[1].items(), key=repr)), 120)}."
    if not same:
        return
    yield not stop.is_set(), f"Nobody set `stop`; afterwards it was {'' if stop.is_set() else 'not '}set."
    if stop.is_set():
        return
    turns, _ = run_until(stop, [itertools.count(5).__next__] * 3, 1)
    good = sorted(turns) == [0, 1, 2] and sorted(turns.values()) == [5, 6, 7]
    yield good, f"One function three times, which returns 5, then 6, then 7: it gave {shown(turns)}."
    if not good:
        return
    for found in _rare(run_until):
        yield found
        if not found[0]:
            return
    ended = True
    for good, saw in _stopped(run_until):
        yield good, saw
        ended = ended and good
    if ended:
        yield _at_once(run_until)


def _shape(given):
    """Why `given` is not two dicts; None if it is."""
    pair = isinstance(given, tuple) and len(given) == 2 and all(isinstance(part, dict) for part in given)
    return None if pair else f"It returned {shown(given, 120)}; a tuple of two dicts is wanted, `results, errors`."


def _again(begun):
    return f", {len(begun) - len(set(begun))} of them again" if len(begun) > len(set(begun)) else ""


def _rare(run_until):
    """Results that a mark may be taken for, a worker that calls itself, and a `stop` that is set already."""
    ends, depths = [_Array(), NotImplemented, *range(10)], []

    def task(i):
        frame, depth = sys._getframe(), 0
        while frame := frame.f_back:
            depth += 1
        depths.append(depth)
        return ends[i]

    results, errors = run_until(threading.Event(), [lambda i=i: task(i) for i in range(12)], 1)
    good = not errors and all(i in results and results[i] is ends[i] for i in range(12))
    came = f"it gave {shown({i: results[i] for i in sorted(results)[:2]})}, and {count(len(errors), 'error')}"
    yield good, f"Where task 0 returns an array, and task 1 NotImplemented, {came}."
    deep = sum(a < b for a, b in itertools.pairwise(depths)) >= 11
    each = "each began inside the one before: Python allows about 1,000" if deep else "none began inside another"
    yield not deep, f"Of 12 tasks on one worker, {each}."
    (stop := threading.Event()).set()
    run_until(stop, [int] * 3, 1)  # some may begin: up to a second is theirs
    yield stop.is_set(), f"`stop`, set before the call, was {'still' if stop.is_set() else 'no longer'} set."


def _stopped(run_until):
    """What became of 30 tasks on ten workers when the first begun and nine later ones set `stop`."""
    ends = {
        1: queue.Empty("fails before the stop"),
        2: CancelledError("gives up before the stop"),
        3: None,
        12: KeyError("fails after the stop"),
        13: CancelledError("gives up after the stop"),
        14: SystemExit("fails after the stop"),
        15: None,
    }
    stop, together, held, lock = threading.Event(), Gate(10, patience=1.2), Gate(patience=1.2), threading.Lock()
    begun, late = [], []

    def task(i):
        with lock:
            n = len(begun)
            begun.append(i)
            if stop.is_set():
                late.append(i)
        if n == 0 or n >= 10:
            together.task()
            time.sleep(0.3)  # by now all are submitted, and who looks at what has ended has seen it
            stop.set()
            held.task()
        end = ends.get(n, f"result {i}")
        if isinstance(end, BaseException):
            raise end
        return end

    with watch():
        given = run_until(stop, [lambda i=i: task(i) for i in range(30)], 10)
        under_way = not held.gave_up and held.arrived > 0
    yield not under_way, f"When it returned, {'tasks were still under way' if under_way else 'no task was under way'}."
    if under_way:
        return
    beside = together.most - 1
    yield beside == 9, f"While one task took long, {beside} others went on beside it; 10 workers have room for 9."
    if beside != 9:
        return
    yield not late, f"Begun later than a second after the stop: {count(len(late), 'task')}."
    if late:
        return
    yield stop.is_set(), f"After the stop, `stop` was {'still' if stop.is_set() else 'no longer'} set."
    if (bad := _shape(given)) is not None:
        yield False, bad
        return
    outcome = {i: ends.get(n, f"result {i}") for n, i in enumerate(begun)}
    raised = {i: end for i, end in outcome.items() if isinstance(end, BaseException)}
    wanted = {i: end for i, end in outcome.items() if i not in raised}
    lost, more = sorted(wanted.keys() - given[0]), sorted(given[0].keys() - wanted, key=repr)
    what = f"Of 30 tasks, {len(wanted)} returned, 6 of them after the stop; `results` lacks {lost or 'none'} of these"
    yield not unlike(given[0], wanted), f"{what}, and has {more or 'none'} besides."
    lost, more = sorted(raised.keys() - given[1]), sorted(given[1].keys() - raised, key=repr)
    what = f"{len(raised)} raised, 3 of them after the stop; `errors` lacks {lost or 'none'} of these"
    yield not lost and not more, f"{what}, and has {more or 'none'} besides."
    if not lost and not more:
        other = [i for i, error in raised.items() if given[1][i] is not error]
        yield not other, f"Exceptions in `errors` that are not the very ones raised: {len(other)}."


def _at_once(run_until):
    """Whether the stop is heard though it comes just after the call, and one thread is waited for; and a sentence."""
    stop, held, late = threading.Event(), Gate(patience=1.2), []

    def task():
        late.extend([None] * stop.is_set())
        stop.set()
        held.task()

    run_until(stop, [task] * 4, 1)
    under_way = held.arrived > 0 and not held.gave_up
    seen = "it was under way when the call returned" if under_way else "later than a second after that, "
    seen += "" if under_way else f"{count(len(late), 'task')} began"
    return not under_way and not late, f"On 1 worker the first task set `stop` at once: {seen}."


def wrong_never_looks(stop, tasks, workers):
    """says: Begun later than a second after the stop: 11 tasks"""
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
    """says: Your code raised IndexError: 1 fails"""
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
    """says: `results` lacks none of these, and has [19, 20, 21,"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(lambda task=task: None if stop.is_set() else task()) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_skipped_tasks_have_an_error(stop, tasks, workers):
    """says: `errors` lacks none of these, and has [19, 20, 21,"""

    def unless_stopped(task):
        if stop.is_set():
            raise CancelledError
        return task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_a_result_of_none_has_no_entry(stop, tasks, workers):
    """says: it gave {0: 'skipped', 5: Ellipsis, 7: 'cancelled'}"""
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
    """says: It returned {0: 'skipped', 2: None, 5: Ellipsis, 7: 'cancelled'}; a tuple of two dicts is wanted"""
    return run_until(stop, tasks, workers)[0]


def wrong_keeps_texts_of_errors(stop, tasks, workers):
    """says: `errors` was {1: '1 fails'"""
    results, errors = run_until(stop, tasks, workers)
    return results, {i: str(error) for i, error in errors.items()}


def wrong_knows_exception_alone(stop, tasks, workers):
    """says: `errors` was {1: IndexError('1 fails'), 3: TimeoutError('3 was slow'), 6: CancelledError('6 gave up')}"""
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


def wrong_marks_with_a_text(stop, tasks, workers):
    """says: Tasks 0, 2, 5 and 7 returned 'skipped', None, ... and 'cancelled'; it gave {2: None"""
    results, errors = run_until(stop, tasks, workers)
    return {i: result for i, result in results.items() if result != "skipped"}, errors


def wrong_has_eight_workers_at_most(stop, tasks, workers):
    """says: While one task took long, 7 others went on beside it"""
    return run_until(stop, tasks, min(workers, 8))


def wrong_goes_in_batches(stop, tasks, workers):
    """says: While one task took long, 0 others went on beside it"""
    futures = []
    with ThreadPoolExecutor(workers) as pool:
        while len(futures) < len(tasks) and not stop.is_set():
            futures += [pool.submit(task) for task in tasks[len(futures) :][:workers]]
            wait(futures)
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_sets_the_stop_itself(stop, tasks, workers):
    """says: Nobody set `stop`; afterwards it was set"""
    given = run_until(stop, tasks, workers)
    stop.set()
    return given


def wrong_finds_a_task_by_its_function(stop, tasks, workers):
    """says: One function three times, which returns 5, then 6, then 7: it gave {0: 7}"""
    results, errors = run_until(stop, tasks, workers)
    return {tasks.index(tasks[i]): result for i, result in results.items()}, errors


def wrong_loses_errors_after_the_stop(stop, tasks, workers):
    """says: 5 raised, 3 of them after the stop; `errors` lacks ["""
    results, errors = run_until(stop, tasks, workers)
    return results, {} if stop.is_set() else errors


def wrong_looks_as_it_submits(stop, tasks, workers):
    """says: Begun later than a second after the stop: 11 tasks"""
    futures = []
    with ThreadPoolExecutor(workers) as pool:
        for task in tasks:
            if stop.is_set():
                break
            futures.append(pool.submit(task))
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    return {i: future.result() for i, future in enumerate(futures) if i not in errors}, errors


def wrong_takes_an_index_error_for_the_end(stop, tasks, workers):
    """says: `errors` was {3: TimeoutError('3 was slow'), 4: SystemExit"""
    left, results, errors = list(enumerate(tasks))[::-1], {}, {}

    def work():
        while not stop.is_set():
            try:
                i, task = left.pop()
                results[i] = task()
            except IndexError:
                return
            except BaseException as error:
                errors[i] = error

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for _ in range(workers):
            pool.submit(work)
    return results, errors


def wrong_takes_stop_iteration_for_the_end(stop, tasks, workers):
    """says: Where the first of 3 tasks raises StopIteration, it returned"""
    left, results, errors, lock = iter(enumerate(tasks)), {}, {}, threading.Lock()

    def work():
        while not stop.is_set():
            try:
                with lock:
                    i, task = next(left)
                results[i] = task()
            except StopIteration:
                return
            except BaseException as error:
                errors[i] = error

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for _ in range(workers):
            pool.submit(work)
    return results, errors


def wrong_takes_none_for_not_begun_after_the_stop(stop, tasks, workers):
    """says: `results` lacks [3,"""
    results, errors = run_until(stop, tasks, workers)
    return {i: result for i, result in results.items() if result is not None or not stop.is_set()}, errors


def wrong_takes_a_cancelled_error_for_not_begun_after_the_stop(stop, tasks, workers):
    """says: `errors` lacks [2,"""

    def unless_stopped(task):
        if stop.is_set():
            raise CancelledError
        return task()

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    results = {i: future.result() for i, future in enumerate(futures) if i not in errors}
    if stop.is_set():
        errors = {i: error for i, error in errors.items() if not isinstance(error, CancelledError)}
    return results, errors


def wrong_lets_an_exit_pass(stop, tasks, workers):
    """says: `errors` was {1: IndexError('1 fails'), 3: TimeoutError('3 was slow'), 6: CancelledError('6 gave up')}"""
    results, errors = {}, {}

    def one(i):
        try:
            if not stop.is_set():
                results[i] = tasks[i]()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            errors[i] = error

    with ThreadPoolExecutor(workers) as pool:
        for i in range(len(tasks)):
            pool.submit(one, i)
    return results, errors


def wrong_clears_the_stop(stop, tasks, workers):
    """says: `stop`, set before the call, was no longer set"""
    stop.clear()
    return run_until(stop, tasks, workers)


def wrong_refuses_a_stop_that_is_set(stop, tasks, workers):
    """says: Your code raised RuntimeError: stop is set already"""
    if stop.is_set():
        raise RuntimeError("stop is set already")
    return run_until(stop, tasks, workers)


def wrong_compares_results_with_its_mark(stop, tasks, workers):
    """says: Your code raised ValueError: the truth value of an array is ambiguous"""
    skipped = object()
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(lambda task=task: skipped if stop.is_set() else task()) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    results = {i: future.result() for i, future in enumerate(futures) if i not in errors}
    return {i: result for i, result in results.items() if result != skipped}, errors


def wrong_marks_with_not_implemented(stop, tasks, workers):
    """says: Where task 0 returns an array, and task 1 NotImplemented, it gave {0: array, 2: 0}, and 0 errors"""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(lambda task=task: NotImplemented if stop.is_set() else task()) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    results = {i: future.result() for i, future in enumerate(futures) if i not in errors}
    return {i: result for i, result in results.items() if result is not NotImplemented}, errors


def wrong_each_task_calls_the_next(stop, tasks, workers):
    """says: Of 12 tasks on one worker, each began inside the one before"""
    results, errors, left = {}, {}, list(enumerate(tasks))[::-1]

    def work():
        if stop.is_set() or not left:
            return
        i, task = left.pop()
        try:
            results[i] = task()
        except BaseException as error:
            errors[i] = error
        work()

    with ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            pool.submit(work)
    return results, errors


def wrong_keeps_copies_of_errors(stop, tasks, workers):
    """says: Exceptions in `errors` that are not the very ones raised: 5"""
    results, errors = run_until(stop, tasks, workers)
    return results, {i: copy.copy(error) for i, error in errors.items()}


def wrong_marks_with_a_text_of_its_own(stop, tasks, workers):
    """says: For results that stand in your code, it returned ("""
    results, errors = run_until(stop, tasks, workers)
    return {i: result for i, result in results.items() if not isinstance(result, str) or result != "not begun"}, errors


def wrong_marks_with_an_exception(stop, tasks, workers):
    """says: Where the second of 3 tasks raises InterruptedError, which your code names, it returned ("""

    def unless_stopped(task):
        if stop.is_set():
            raise InterruptedError("stopped")
        return task()

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(unless_stopped, task) for task in tasks]
    errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
    results = {i: future.result() for i, future in enumerate(futures) if i not in errors}
    return results, {i: error for i, error in errors.items() if not isinstance(error, InterruptedError)}


def wrong_looks_every_one_and_a_half_seconds(stop, tasks, workers):
    """says: On 1 worker the first task set `stop` at once: later than a second after that, 3 tasks began."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        while wait(futures, timeout=1.45).not_done:
            if stop.is_set():
                pool.shutdown(wait=False, cancel_futures=True)
                break
    ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
    errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
    return {i: future.result() for i, future in ended.items() if i not in errors}, errors


def wrong_waits_a_second_for_a_single_worker(stop, tasks, workers):
    """says: On 1 worker the first task set `stop` at once: it was under way when the call returned."""
    left, results, errors = list(enumerate(tasks))[::-1], {}, {}

    def work():
        while not stop.is_set() and left:
            i, task = left.pop()
            try:
                results[i] = task()
            except BaseException as error:
                errors[i] = error

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(1 if workers == 1 else None)
    return results, errors
