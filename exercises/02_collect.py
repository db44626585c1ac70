"""Collect every result, with as many tasks in flight as there are workers

`tasks` is a list of functions without arguments. Write `collect(tasks, workers)`: it runs them with `workers` workers
and returns the list of what they return, in the order of `tasks`. As long as tasks wait for a worker, as many as there
are workers are in flight at the same time, and never more.
"""

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from exercises.kit import Gate, count, shown, watch

LIMIT = 6  # seconds for the whole check


def collect(tasks, workers):
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        return [future.result() for future in futures]


HINTS = [
    "When does `future.result()` return? What does your loop do until then?",
    "Submit all the tasks before you ask for the first result, and keep the Futures in a list.",
    "Two loops: `futures = [pool.submit(task) for task in tasks]`, then `[f.result() for f in futures]`.",
]


def check(collect):
    gate = Gate(4)  # a fourth task never comes to it, unless there are more workers than asked for

    def page(n):
        gate.task()
        time.sleep(0.03)  # decides nothing: so the picture shows each task
        return f"page {n}"

    with watch():
        results = collect([partial(page, n) for n in range(8)], 3)

    yield gate.most == 3, f"Of 8 tasks on 3 workers, {count(gate.most, 'task')} stood in flight together."
    pages = [f"page {n}" for n in range(8)]
    if isinstance(results, list) and sorted(results, key=str) == pages:
        yield results == pages, f"The results came in this order: {', '.join(results)}."
    else:
        yield False, f"For tasks that return 'page 0' to 'page 7' it returned {shown(results)}."
    if gate.most != 3 or results != pages:
        return

    slow, others = Gate(), []

    def slow_first(n):
        if n == 0:
            slow.task()
        elif not slow.gave_up:
            others.append(n)
            if len(others) == 7:
                slow.open()

    with watch():
        collect([partial(slow_first, n) for n in range(8)], 3)
    yield not slow.gave_up, f"While the first task took long, {len(others)} of the 7 others ran on the other workers."


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
    """says: While the first task took long, 2 of the 7 others ran"""
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
