"""Break the deadlock

`orders` is a list of orders; an order is a list of functions without arguments, each of which fetches the price of one
part. Write `prices(orders, workers)`: it returns the list of the orders' sums, with at most `workers` prices being
fetched at the same time, and at least two. The first attempt submitted each order to the pool, and inside it each part
to the same pool: it hangs. There are two ways out, at least. Pass with one, then write the other.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, count, shown, watch

LIMIT = 6


def prices(orders, workers):
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
        return [sum(future.result() for future in order) for order in futures]


HINTS = [
    "A worker that waits in `result()` can't run the task that it waits for. Which thread may wait?",
    "One way: submit every part from the main thread, and no order at all. The main thread adds up.",
    "Another: a pool for the orders and a second pool for the parts, so that no worker waits for its own pool.",
]


def check(prices):
    gate, begun = Gate(3), Gate(4, patience=0.5)  # never three parts with two workers
    going = most = 0
    lock = threading.Lock()

    def part(price):
        nonlocal going, most
        with lock:
            going += 1
            most = max(most, going)
        gate.task()
        time.sleep(0.01)  # decides nothing for a right answer: a pool that grew too large shows it here
        with lock:
            going -= 1
        return price

    class Order(list):
        """An order that is read by a worker: it waits for all orders that can be under way to be so."""

        def __iter__(self):
            if threading.current_thread() is not threading.main_thread():
                begun.task()
            return super().__iter__()

    orders = [Order(lambda p=p: part(p) for p in (n, 10 * n, 100 * n)) for n in (1, 2, 3, 4)]
    with watch():
        sums = prices(orders, 2)

    yield sums == [111, 222, 333, 444], f"For orders of 111, 222, 333 and 444 it returned {shown(sums)}."
    if sums == [111, 222, 333, 444]:
        fetched = f"{count(most, 'price')} {'was' if most == 1 else 'were'}"
        yield most == 2, f"With 2 workers, {fetched} fetched at the same time."


def wrong_nested_submit(orders, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=workers) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(part) for part in order])

        return list(pool.map(one, orders))


def wrong_gives_up_waiting(orders, workers):
    """says: it returned [0"""
    with ThreadPoolExecutor(max_workers=workers) as pool:

        def one(order):
            total = 0
            for future in [pool.submit(part) for part in order]:
                try:
                    total += future.result(timeout=0.05)
                except TimeoutError:
                    future.cancel()
            return total

        return list(pool.map(one, orders))


def wrong_a_bigger_pool(orders, workers):
    """says: prices were fetched at the same time"""
    with ThreadPoolExecutor(max_workers=10 * workers) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(part) for part in order])

        return list(pool.map(one, orders))


def wrong_twice_the_workers(orders, workers):
    """says: did not end"""
    with ThreadPoolExecutor(max_workers=2 * workers) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(part) for part in order])

        return list(pool.map(one, orders))


def wrong_a_worker_more_for_each_order(orders, workers):
    """says: prices were fetched at the same time"""
    with ThreadPoolExecutor(max_workers=workers + len(orders)) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(part) for part in order])

        return list(pool.map(one, orders))


def wrong_one_after_the_other(orders, workers):
    """says: With 2 workers, 1 price was fetched"""
    return [sum(part() for part in order) for order in orders]


def wrong_a_pool_for_each_order(orders, workers):
    """says: prices were fetched at the same time"""

    def one(order):
        with ThreadPoolExecutor(max_workers=workers) as parts:
            return sum(parts.map(lambda part: part(), order))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(one, orders))
