"""A bounded map

Write a generator `bounded_map(fn, items, workers, ahead)`: it gives `fn(item)` for every item, in the order of
`items`, and runs `fn` with `workers` workers. `items` may be endless: at any moment, at most `ahead` items are taken
whose results have not been given yet. `ahead` is at least `workers`. Do not use `buffersize`.
"""

import itertools
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from exercises.kit import Gate, Inputs, count, hurried, shown, unlike, watch

LIMIT = 6


def bounded_map(fn, items, workers, ahead):
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.popleft().result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


INPUTS = Inputs(lambda given: (given.fn, given.once, given.workers, given.workers + 2), endless=True)

HINTS = [
    "Keep a window of Futures: what goes into it at the start, and when does the next one go in?",
    "A `deque`: submit the first `ahead` items, then give the oldest result and submit one more, in turn.",
    "`window.popleft().result()` gives the oldest; `itertools.islice(items, 1)` takes one item, or none at the end.",
]


def check(bounded_map):
    for ahead in (5, 3):  # more than there are workers, and as many
        for ok, says in _seen(bounded_map, ahead):
            yield ok, says
            if not ok:
                return

    def fails(x):
        raise LookupError(x)

    taken = []
    with suppress(LookupError):
        next(iter(bounded_map(fails, (taken.append(n) for n in range(1000)), 3, 5)), None)
    yield len(taken) <= 5, f"With ahead=5 and a first item that fails, {count(len(taken), 'item')} were taken."
    if len(taken) > 5:
        return

    slow = Gate()  # opens when nobody has come for a second
    with hurried():
        values = list(bounded_map(slow.task, "a", 3, 5))
    yield not unlike(values, ["a"]), f"For one item that takes long it gave {shown(values)}."


def _seen(bounded_map, ahead):
    gate = Gate(4)  # a fourth task never comes to it, unless there are more workers than asked for
    taken, values, most, threads = [], [], 0, set()

    def double(x):
        threads.add(threading.current_thread())
        gate.task()
        return 2 * x

    def items(size):
        nonlocal most
        for item in range(size):
            taken.append(item)
            most = max(most, len(taken) - len(values))  # those given are in `values` by now
            yield item

    with watch():
        for value in bounded_map(double, items(40), 3, ahead):
            values.append(value)

    fits = most <= ahead
    yield fits, f"With ahead={ahead}, up to {count(most, 'item')} were taken whose results had not been given."
    if not fits:
        return
    right = [2 * x for x in range(40)]
    if values != right and sorted(values, key=str) == sorted(right, key=str):
        yield False, f"The results came in another order: {shown(values)}."
        return
    good = not unlike(values, right)
    yield good, f"For 0 to 39 doubled it gave {count(len(values), 'result')}: {shown(values)}."
    if good:
        yield gate.most == 3, f"On 3 workers, {count(gate.most, 'task')} went on at the same time."
        if gate.most == 3 < len(threads):
            yield False, f"They ran in {len(threads)} threads; 3 workers are enough for all."


def wrong_plain_map(fn, items, workers, ahead):
    """says: With ahead=5, up to 40 items were taken"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield from pool.map(fn, items)


def wrong_chunks_lose_the_last(fn, items, workers, ahead):
    """says: it gave 36 results"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while len(window) == ahead:
            yield window.popleft().result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_one_at_a_time(fn, items, workers, ahead):
    """says: On 3 workers, 1 task went on"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            yield pool.submit(fn, item).result()


def wrong_as_many_workers_as_items_ahead(fn, items, workers, ahead):
    """says: On 3 workers, 4 tasks went on"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=ahead) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.popleft().result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_takes_one_too_many(fn, items, workers, ahead):
    """says: With ahead=5, up to 6 items were taken"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))
            yield window.popleft().result()


def wrong_gives_futures(fn, items, workers, ahead):
    """says: it gave 40 results: [<Future"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.popleft()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_newest_first(fn, items, workers, ahead):
    """says: The results came in another order"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.pop().result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_none_is_the_end(fn, items, workers, ahead):
    """says: For the items None, 0, '', 'end' and (), it gave []"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque()
        while True:
            while len(window) < ahead and (item := next(items, None)) is not None:
                window.append(pool.submit(fn, item))
            if not window:
                return
            yield window.popleft().result()


def wrong_equal_items_share_a_result(fn, items, workers, ahead):
    """says: For items that are equal, 1, True and 1.0"""
    items, known = iter(items), {}

    def once(item):
        if item not in known:
            known[item] = fn(item)
        return known[item]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(once, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.popleft().result()
            window.extend(pool.submit(once, item) for item in itertools.islice(items, 1))


def wrong_swallows_failures(fn, items, workers, ahead):
    """says: Where the second of 4 items raises ValueError, it gave ['a', None"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            future = window.popleft()
            yield None if future.exception() else future.result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_takes_one_more_to_look_for_the_end(fn, items, workers, ahead):
    """says: With ahead=5, up to 6 items were taken"""
    items, end = iter(items), object()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window, after = deque(), next(items, end)
        while after is not end or window:
            while after is not end and len(window) < ahead:
                window.append(pool.submit(fn, after))
                after = next(items, end)
            yield window.popleft().result()


def wrong_has_eight_workers_at_most(fn, items, workers, ahead):
    """says: With 72 items and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return bounded_map(fn, items, min(workers, 8), ahead)


def wrong_has_two_workers_at_least(fn, items, workers, ahead):
    """says: With 4 items and 1 worker, 2 of them went on together, where it should have been 1"""
    return bounded_map(fn, items, max(workers, 2), ahead)


def wrong_does_not_look_at_ahead(fn, items, workers, ahead):
    """says: With ahead=3, up to 5 items were taken"""
    return bounded_map(fn, items, workers, workers + 2)


def wrong_gives_up_after_ten_seconds(fn, items, workers, ahead):
    """says: For one item that takes long it gave [None]"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            future = window.popleft()
            wait([future], timeout=10)
            yield future.result() if future.done() else None
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


def wrong_a_thread_for_each_item(fn, items, workers, ahead):
    """says: They ran in 40 threads; 3 workers are enough for all"""
    items, room, window = iter(items), threading.Semaphore(workers), deque()

    def one(item, future):
        with room:
            try:
                future.set_result(fn(item))
            except BaseException as error:
                future.set_exception(error)

    def take(most):
        for item in itertools.islice(items, most):
            window.append(Future())
            threading.Thread(target=one, args=(item, window[-1])).start()

    take(ahead)
    while window:
        yield window.popleft().result()
        take(1)


def wrong_takes_the_rest_after_a_failure(fn, items, workers, ahead):
    """says: With ahead=5 and a first item that fails, 1000 items were taken"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        try:
            while window:
                yield window.popleft().result()
                window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))
        except Exception:
            for _ in items:
                pass
            raise
