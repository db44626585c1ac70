"""Collect every result, with as many tasks in flight as there are workers

`tasks` is a list of functions without arguments. Write `collect(tasks, workers)`: it runs them with `workers` workers
and returns the list of what they return, in the order of `tasks`. As long as tasks wait for a worker, as many as there
are workers are in flight at the same time, and never more.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from exercises.kit import Inputs, Window, hurried, shown, watch

LIMIT = 6  # seconds for the whole check


def collect(tasks, workers):
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        return [future.result() for future in futures]


INPUTS = Inputs(lambda given: (given.tasks, given.workers), raises=False)

HINTS = [
    "When does `future.result()` return? What does your loop do until then?",
    "Submit all the tasks before you ask for the first result, and keep the Futures in a list.",
    "Two loops: `futures = [pool.submit(task) for task in tasks]`, then `[f.result() for f in futures]`.",
]


def check(collect):
    window = Window(3, 13)  # four tasks for each worker, and one more

    def page(n):
        window.task(n)
        time.sleep(0.02)  # decides nothing: so the picture shows each task
        return f"page {n}"

    with watch(), hurried():
        results = collect([partial(page, n) for n in range(13)], 3)
    window.returned()
    for ok, says in window.findings():
        yield ok, says
        if not ok:
            return

    pages = [f"page {n}" for n in range(13)]
    if isinstance(results, list) and sorted(results, key=str) == sorted(pages):
        yield results == pages, f"The results came in this order: {', '.join(results)}."
    else:
        yield False, f"For tasks that return 'page 0' to 'page 12' it returned {shown(results)}."


def wrong_asks_inside_the_loop(tasks, workers):
    """says: 1 task stood in flight"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [pool.submit(task).result() for task in tasks]


def wrong_ignores_the_number(tasks, workers):
    """says: 4 tasks stood in flight"""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda task: task(), tasks))


def wrong_has_four_workers(tasks, workers):
    """says: 4 tasks stood in flight"""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda task: task(), tasks))


def wrong_as_they_end(tasks, workers):
    """says: The results came in this order"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        first, *others = [pool.submit(task) for task in tasks]
        return [future.result() for future in [*as_completed(others), first]]


def wrong_gives_futures(tasks, workers):
    """says: it returned [<Future"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [pool.submit(task) for task in tasks]


def wrong_gives_nothing(tasks, workers):
    """says: it returned None"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()


def wrong_in_batches(tasks, workers):
    """says: While the first took long, 2 of the 12 others ran"""
    results = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for start in range(0, len(tasks), workers):
            futures = [pool.submit(task) for task in tasks[start : start + workers]]
            results += [future.result() for future in futures]
    return results


def wrong_opens_a_pool_for_each(tasks, workers):
    """says: 1 task stood in flight"""
    futures = []
    for task in tasks:
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures.append(pool.submit(task))
    return [future.result() for future in futures]


def wrong_submits_when_asked(tasks, workers):
    """says: 1 task stood in flight"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = (pool.submit(task) for task in tasks)
        return [future.result() for future in futures]


def wrong_leaves_none_out(tasks, workers):
    """says: For results None, 0, False, '' and [], it returned"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [result for result in pool.map(lambda task: task(), tasks) if result is not None]


def wrong_fails_on_an_empty_list(tasks, workers):
    """says: With no tasks, it raised ValueError: max_workers must be greater than 0"""
    with ThreadPoolExecutor(max_workers=min(workers, len(tasks))) as pool:
        return list(pool.map(lambda task: task(), tasks))


def wrong_runs_each_twice(tasks, workers):
    """says: each was to run once; there were 26 calls of 13 different tasks"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(lambda task: task(), tasks))
        return list(pool.map(lambda task: task(), tasks))


def wrong_a_pool_for_each_batch(tasks, workers):
    """says: While the first took long, 2 of the 12 others ran"""
    results = []
    for start in range(0, len(tasks), workers):
        with ThreadPoolExecutor(max_workers=workers) as pool:
            results += pool.map(lambda task: task(), tasks[start : start + workers])
    return results


def wrong_a_thread_for_each_task(tasks, workers):
    """says: They ran in 13 threads; 3 workers are enough for all"""
    room, results = threading.Semaphore(workers), [None] * len(tasks)

    def one(n):
        with room:
            results[n] = tasks[n]()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def wrong_has_eight_workers_at_most(tasks, workers):
    """says: With 72 tasks and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return collect(tasks, min(workers, 8))


def wrong_knows_a_task_by_its_function(tasks, workers):
    """says: For twice the same task, it returned ['a'], not ['a', 'a']"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {task: pool.submit(task) for task in tasks}
        return [future.result() for future in futures.values()]


def wrong_has_two_workers_at_least(tasks, workers):
    """says: With 4 tasks and 1 worker, 2 of them went on together, where it should have been 1"""
    return collect(tasks, max(workers, 2))


def wrong_needs_no_more_workers_than_half_the_tasks(tasks, workers):
    """says: With 3 tasks and 3 workers, at most 1 of them went on together, where it should have been 3"""
    return collect(tasks, max(1, min(workers, len(tasks) // 2)))


def wrong_in_batches_of_three_for_each_worker(tasks, workers):
    """says: While the first took long, 8 of the 12 others ran"""
    results = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for start in range(0, len(tasks), 3 * workers):
            results += pool.map(lambda task: task(), tasks[start : start + 3 * workers])
    return results


def wrong_gives_up_after_ten_seconds(tasks, workers):
    """says: Your code raised TimeoutError"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [future.result(timeout=10) for future in [pool.submit(task) for task in tasks]]
