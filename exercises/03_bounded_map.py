"""A bounded map

Write a generator `bounded_map(fn, items, workers, ahead)`: it gives `fn(item)` for every item, in the order of
`items`, and runs `fn` with `workers` workers. `items` may be endless: at any moment, at most `ahead` items are taken
whose results have not been given yet. `ahead` is at least `workers`. Do not use `buffersize`.
"""

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, count, shown, watch

LIMIT = 6


def bounded_map(fn, items, workers, ahead):
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        window = deque(pool.submit(fn, item) for item in itertools.islice(items, ahead))
        while window:
            yield window.popleft().result()
            window.extend(pool.submit(fn, item) for item in itertools.islice(items, 1))


HINTS = [
    "Keep a window of Futures: what goes into it at the start, and when does the next one go in?",
    "A `deque`: submit the first `ahead` items, then give the oldest result and submit one more, in turn.",
    "`window.popleft().result()` gives the oldest; `itertools.islice(items, 1)` takes one item, or none at the end.",
]


def check(bounded_map):
    gate = Gate(4)  # a fourth task never comes to it, unless there are more workers than asked for
    taken, values, most = [], [], 0

    def double(x):
        gate.task()
        return 2 * x

    def items(size):
        for item in range(size):
            taken.append(item)
            yield item

    with watch():
        for value in bounded_map(double, items(40), 3, 5):
            # This value had not been given yet when the items were taken: it is one of the five.
            most = max(most, len(taken) - len(values))
            values.append(value)

    yield most <= 5, f"With ahead=5, up to {count(most, 'item')} were taken whose results had not been given."
    if most > 5:
        return
    right = [2 * x for x in range(40)]
    if values != right and sorted(values, key=str) == sorted(right, key=str):
        yield False, f"The results came in another order: {shown(values)}."
        return
    yield values == right, f"For 0 to 39 doubled it gave {count(len(values), 'result')}: {shown(values)}."
    if values != right:
        return
    yield gate.most == 3, f"On 3 workers, {count(gate.most, 'task')} went on at the same time."
    if gate.most != 3:
        return

    short = list(bounded_map(double, items(2), 3, 5))
    yield short == [0, 2], f"For an input shorter than `ahead`, 0 and 1, it gave {shown(short)}."


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
