"""Bound an endless input

Write `work_off(fn, items, workers, at_most, handle)`: it runs `fn(item)` for every item with `workers` workers and
calls `handle(result)` for each result as soon as it is there, in any order. `items` may be endless: never more than
`at_most` tasks are submitted and not yet done. All workers are kept busy.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from helpers.exercise_kit import Meeting, count, watch

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
    "Something must stop the loop before the next submit when `at_most` tasks are under way, and go on when one is done.",
    "A `threading.Semaphore(at_most)`: acquire it before each submit. Who releases it?",
    "A done-callback on each Future releases the semaphore and handles the result.",
]


def check(work_off):
    meeting, lock = Meeting(3), threading.Lock()
    taken, ended, most, handled = 0, 0, 0, []

    def items():
        nonlocal taken, most
        for n in range(60):
            with lock:
                taken += 1
                # The item taken last may wait outside for room.
                most = max(most, taken - 1 - ended)
            yield n

    def square(n):
        nonlocal ended
        meeting.task()
        with lock:
            ended += 1
        return n * n

    with watch() as run:
        work_off(square, items(), 3, 6, handled.append)

    yield most <= 6, f"With at_most=6, up to {count(most, 'task')} were submitted and not done."
    if most > 6:
        return
    right = [n * n for n in range(60)]
    same = sorted(handled, key=repr) == sorted(right, key=repr)
    yield same, f"Of 60 results, {len(set(map(repr, handled)) & set(map(repr, right)))} were handled."
    if not same:
        return
    yield meeting.most == 3, f"On 3 workers, {count(meeting.most, 'task')} went on at the same time."
    if meeting.most == 3:
        yield len(run.workers) <= 3, f"{count(len(run.workers), 'thread')} worked on them."


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
