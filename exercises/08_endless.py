"""Bound an endless input

Write `work_off(fn, items, workers, at_most, handle)`: it runs `fn(item)` for every item with `workers` workers and
calls `handle(result)` for each result as soon as it is there, in any order and from any thread. `items` may be
endless: never more than `at_most` tasks are submitted and not yet done. All workers are kept busy: while one item
takes long, the other workers go on.
"""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

from exercises.kit import Gate, count, watch

LIMIT = 8


def work_off(fn, items, workers, at_most, handle):
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(fn, item).add_done_callback(done)


HINTS = [
    "When `at_most` tasks are under way, something must stop the loop before the next submit, until one is done.",
    "A `threading.Semaphore(at_most)`: acquire it before each submit. Who releases it?",
    "A done-callback on each Future releases the semaphore and handles the result.",
]


def check(work_off):
    gate, slow, lock = Gate(3), Gate(patience=2), threading.Lock()
    flood = Gate(patience=0.3)  # holds the first tasks, so that nobody can work off too many as they come
    taken, ended, most, before, handled, threads = 0, 0, 0, 0, [], set()

    def items():
        nonlocal taken, most
        for n in range(60):
            with lock:
                taken += 1
                # The item taken last may wait outside for room.
                most = max(most, taken - 1 - ended)
            if most > 6:
                flood.open()
            yield n

    def square(n):
        nonlocal ended
        threads.add(threading.current_thread())
        gate.task()
        if n < 3:
            flood.task()
        if n == 0:  # held until 20 others are handled
            slow.task()
        with lock:
            ended += 1
        return n * n

    def handle(result):
        nonlocal before
        with lock:
            handled.append(result)
            if len(handled) <= 20 and not slow.gave_up:
                before = len(handled)
        if before == 20:
            slow.open()

    with watch():
        work_off(square, items(), 3, 6, handle)

    yield most <= 6, f"With at_most=6, up to {count(most, 'task')} were submitted and not done."
    if most > 6:
        return
    right = [n * n for n in range(60)]
    same = sorted(handled, key=repr) == sorted(right, key=repr)
    yield same, f"Of 60 results, {len(set(map(repr, handled)) & set(map(repr, right)))} were handled."
    if not same:
        return
    yield gate.most == 3, f"On 3 workers, {count(gate.most, 'task')} went on at the same time."
    if gate.most != 3:
        return
    yield len(threads) <= 3, f"{count(len(threads), 'thread')} worked on them."
    then = ", then none" if slow.gave_up else " as they came"
    yield not slow.gave_up, f"While the first item took long, {before} other results were handled{then}."


def wrong_submits_everything(fn, items, workers, at_most, handle):
    """says: With at_most=6, up to"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for result in pool.map(fn, items):
            handle(result)


def wrong_one_at_a_time(fn, items, workers, at_most, handle):
    """says: On 3 workers, 1 task went on"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            handle(pool.submit(fn, item).result())


def wrong_handles_in_order(fn, items, workers, at_most, handle):
    """says: While the first item took long, 0 other results were handled"""
    futures = deque()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            futures.append(pool.submit(fn, item))
            if len(futures) == at_most:
                handle(futures.popleft().result())
        while futures:
            handle(futures.popleft().result())


def wrong_batch_after_batch(fn, items, workers, at_most, handle):
    """says: While the first item took long, 5 other results were handled"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while batch := list(islice(items, at_most)):
            for future in as_completed([pool.submit(fn, item) for item in batch]):
                handle(future.result())


def wrong_a_thread_for_each_task(fn, items, workers, at_most, handle):
    """says: 60 threads worked on them"""
    room = threading.Semaphore(at_most)

    def one(item):
        result = fn(item)
        room.release()
        handle(result)

    threads = []
    for item in items:
        room.acquire()
        threads.append(threading.Thread(target=one, args=(item,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def wrong_forgets_to_release(fn, items, workers, at_most, handle):
    """says: did not end"""
    room = threading.Semaphore(at_most)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(fn, item).add_done_callback(lambda future: handle(future.result()))


def wrong_acquires_in_the_worker(fn, items, workers, at_most, handle):
    """says: With at_most=6, up to"""
    room = threading.Semaphore(at_most)

    def limited(item):
        with room:
            return fn(item)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            pool.submit(limited, item).add_done_callback(lambda future: handle(future.result()))


def wrong_drops_what_finds_no_room(fn, items, workers, at_most, handle):
    """says: With at_most=6, up to"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            if room.acquire(blocking=False):
                pool.submit(fn, item).add_done_callback(done)


def wrong_ends_before_the_last_are_handled(fn, items, workers, at_most, handle):
    """says: Of 60 results, 55 were handled"""
    futures = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            futures.append(pool.submit(fn, item))
            if len(futures) == at_most:
                handle(futures.pop(0).result())
        for future in futures[at_most - 1 :]:
            handle(future.result())
