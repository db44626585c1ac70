"""Break the deadlock

`orders` is a list of orders; an order is a list of functions without arguments, each of which fetches the price of one
part. Write `prices(orders, workers)`: it returns the list of the orders' sums, in the order of `orders`. With many
orders of many parts, `workers` prices are being fetched at the same time, and never more. Who fetches what is up to
you: one order after the other will do, and so will a worker for each order. If a part raises, `prices` raises that too.

The first attempt submitted each order to the pool, and inside it each part to the same pool: it hangs. There are two
ways out, at least. Pass with one, then write the other.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

from exercises.kit import Addend, Gate, Inputs, added, count, settled, shown, unlike, watch

LIMIT = 10


def prices(orders, workers):
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
        return [sum(future.result() for future in order) for order in futures]


HINTS = [
    "A worker that waits in `result()` can't run the task that it waits for. Which thread may wait?",
    "One way: submit every part from the main thread, and no order at all. The main thread adds up.",
    "Another: a pool for the orders and a second pool for the parts, so that no worker waits for its own pool.",
]


def _four():
    return 4


def _gone():
    raise OSError("no such part")


INPUTS = Inputs(
    lambda given: ([[part] for part in given.tasks], given.workers),
    values="numbers",
    crowd=False,  # one order after the other will do, and each of these has one part
    also={
        "With an order that has no parts": lambda given: ([[lambda: 5], [], [lambda: 7, lambda: 8]], 2),
        "With a part that stands twice in an order": lambda given: ([[_four, _four, lambda: 4], [_four]], 2),
        "With an order that stands twice": lambda given: ([[_four]] * 2, 2),
        "Where the first part of an order raises OSError": lambda given: ([[_four], [_gone, _four], [_four]], 2),
    },
)


class _Order(list):
    """An order that is read by a worker: it waits for all orders that can be under way to be so."""

    def __init__(self, parts, begun):
        super().__init__(parts)
        self.begun = begun

    def __iter__(self):
        if threading.current_thread() is not threading.main_thread():
            self.begun.task()
        return super().__iter__()


class _Parts:
    """Eight orders of three parts; the very first part waits until all other orders have their prices.

    The last six parts meet beside it. So at least one order is complete by then, in whatever order parts were asked
    for, and a worker that waited for that order fetches now.
    """

    def __init__(self, workers):
        self.early, self.begun = Gate(workers + 1), Gate(8)
        self.late = Gate(workers, patience=2)  # on a busy computer a worker that is free again comes late
        self.ended = self.most = self._going = 0
        self._lock = threading.Lock()

    def part(self, price):
        with self._lock:
            self._going += 1
            self.most = max(self.most, self._going)
        self.early.task()
        if price == 1:
            settled(lambda: self.ended, lambda ended: ended == 21, 2.5)
        elif self.ended >= 15:
            self.late.task()
        with self._lock:
            self.ended += price not in (1, 10, 100)
            self._going -= 1
        return price

    def orders(self):
        sizes = ((n, 10 * n, 100 * n) for n in range(1, 9))
        return [_Order([lambda p=p: self.part(p) for p in prices], self.begun) for prices in sizes]


def check(prices):
    for workers in (2, 3):
        parts = _Parts(workers)
        with watch():
            sums = prices(parts.orders(), workers)
        right = not unlike(sums, [111 * n for n in range(1, 9)])
        yield right, f"For orders of 111, 222, 333 and so on up to 888 it returned {shown(sums)}."
        most = parts.most
        fetched = f"{count(most, 'price')} {'was' if most == 1 else 'were'}"
        if right:
            yield most == workers, f"With {workers} workers, {fetched} fetched at the same time."
        if not right or most != workers:
            return

    fetching, adding, merging = Gate(24, patience=0.5), Gate(2, patience=0.3), Gate(2, patience=0.3)
    with watch():
        meets = adding.task, merging.task
        sums = prices([[lambda n=n: Addend(fetching.task(n), *meets) for n in range(24)]], 24)
    right = not unlike(sums, [276])
    met = ", while two threads added prices of one order" if (adding.met or merging.met) and not right else ""
    yield right, f"For one order of 0 + 1 + 2 and so on up to 23 it returned {shown(sums)}{met}."
    if not right:
        return
    ways, bad = added(lambda parts: prices([parts], 2), [1111])
    gave = "no price was lost" if bad is None else f"for 1 + 10 + 100 + 1000 it returned {bad}"
    yield bad is None, f"Two parts of an order fetched at the same moment, tried in {count(ways, 'way')}: {gave}."
    if bad is not None:
        return

    begun = Gate(130, patience=0.3)
    sums = prices([_Order([lambda n=n: n + 2, lambda: 1], begun) for n in range(130)], 2)
    right = not unlike(sums, list(range(3, 133)))
    yield right, f"For 130 orders of 3, 4, 5 and so on up to 132 it returned {shown(sums)}."
    if not right:
        return

    crowd = Gate(36, patience=0.5)  # more than the 32 workers that ThreadPoolExecutor() has at most
    sums = prices([[lambda n=n: crowd.task(n) for n in range(36)] for _ in range(36)], 36)
    right = not unlike(sums, [630] * 36)
    most = count(crowd.most, "price")
    yield crowd.met, f"With 36 workers, {most} {'was' if crowd.most == 1 else 'were'} fetched at the same time."
    yield right, f"For 36 orders of 0 + 1 + 2 and so on up to 35 it returned {shown(sums)}."
    if right and crowd.met:
        yield from _errors(prices)


def _errors(prices):
    """What becomes of an error that some would not count as one. A second call of that part would do well."""
    for error in (KeyError("no such part"), ConnectionError("no answer"), SystemExit("the end")):
        calls = []

        def part(error=error, calls=calls):
            calls.append(error)
            if len(calls) == 1:
                raise error
            return 1

        try:
            did, raised = f"returned {shown(prices([[lambda: 1, part], [lambda: 1]], 2))}", None
        except type(error) as end:
            did, raised = f"raised {'that' if end is error else 'another object of that type'}", end
        again = f" and called it {'again' if len(calls) == 2 else 'again and again'}" if len(calls) > 1 else ""
        good = raised is error and not again
        yield good, f"Where a part raised {type(error).__name__}, prices {did}{again}."
        if not good:
            return


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


def wrong_in_the_order_of_completion(orders, workers):
    """says: it returned [222, 333,"""
    with ThreadPoolExecutor(max_workers=workers) as parts, ThreadPoolExecutor(max_workers=workers) as pool:

        def one(order):
            return sum(parts.map(lambda part: part(), order))

        return [future.result() for future in as_completed([pool.submit(one, order) for order in orders])]


def wrong_drops_an_order_without_parts(orders, workers):
    """says: With an order that has no parts, it returned [5, 15], not [5, 0, 15]"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders if order]
        return [sum(future.result() for future in order) for order in futures]


def wrong_needs_a_part(orders, workers):
    """says: With no orders, it raised ValueError"""
    with ThreadPoolExecutor(max_workers=min(workers, sum(map(len, orders)))) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
        return [sum(future.result() for future in order) for order in futures]


def wrong_one_worker_more(orders, workers):
    """says: With 2 workers, 3 prices were fetched"""
    with ThreadPoolExecutor(max_workers=workers + 1) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
        return [sum(future.result() for future in order) for order in futures]


def wrong_two_at_most(orders, workers):
    """says: With 3 workers, 2 prices were fetched"""
    return prices(orders, min(workers, 2))


def wrong_counts_a_failure_as_nothing(orders, workers):
    """says: Where a part raised KeyError, prices returned [1, 1]."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
    return [sum(future.result() for future in order if not future.exception()) for order in futures]


def wrong_gives_an_iterator(orders, workers):
    """says: it returned <map object"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return map(sum, [list(pool.map(lambda part: part(), order)) for order in orders])


def wrong_adds_up_different_prices(orders, workers):
    """says: With a part that stands twice in an order, it returned [4, 4], not [12, 4]"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
        return [sum({future.result() for future in order}) for order in futures]


def wrong_has_eight_workers_at_most(orders, workers):
    """says: With 36 workers, 8 prices were fetched at the same time"""
    return prices(orders, min(workers, 8))


def wrong_knows_an_order_by_its_parts(orders, workers):
    """says: For twice the same order, it returned [11], not [11, 11]"""
    sums = prices(orders, workers)
    return list({tuple(order): price for order, price in zip(orders, sums, strict=True)}.values())


def wrong_raises_for_the_last_part_alone(orders, workers):
    """says: Where the first part of an order raises OSError, it returned [4, 4, 4], where it should"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [[pool.submit(part) for part in order] for order in orders]
    for order in futures:
        if order and order[-1].exception():
            raise order[-1].exception()
    return [sum(future.result() for future in order if not future.exception()) for order in futures]


def wrong_has_room_for_twenty_orders(orders, workers):
    """says: did not end"""
    room = threading.Semaphore(workers)

    def fetch(part):
        with room:
            return part()

    with ThreadPoolExecutor(max_workers=max(25, 10 * workers)) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(fetch, part) for part in order])

        return list(pool.map(one, orders))


def wrong_serves_fifty_orders(orders, workers):
    """says: For 130 orders of 3, 4, 5 and so on up to 132 it returned"""
    return prices(orders[:50], workers)


def wrong_adds_up_without_a_lock(orders, workers):
    """says: , while two threads added prices of one order."""
    totals = {}

    def one(n, part):
        price = part()
        totals[n] = totals.get(n, 0) + price

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(one, n, part) for n, order in enumerate(orders) for part in order]
        for future in futures:
            future.result()
    return [totals.get(n, 0) for n in range(len(orders))]


def wrong_has_32_workers_at_most(orders, workers):
    """says: With 36 workers, 32 prices were fetched at the same time"""
    return prices(orders, min(workers, 32))


def wrong_fetches_25_parts(orders, workers):
    """says: For 36 orders of 0 + 1 + 2 and so on up to 35 it returned [300, 300"""
    return prices([order[:25] for order in orders], workers)


def _guarded(handled, instead):
    """`prices` with each part in a `try`: for an error that is handled, the price is what `instead(part)` gives."""

    def fetch(part):
        try:
            return part()
        except handled:
            return instead(part)

    return lambda orders, workers: prices([[lambda p=p: fetch(p) for p in order] for order in orders], workers)


def wrong_takes_a_missing_part_for_free(orders, workers):
    """says: Where a part raised KeyError, prices returned [1, 1]."""
    return _guarded(KeyError, lambda part: 0)(orders, workers)


def wrong_takes_an_exit_for_free(orders, workers):
    """says: Where a part raised SystemExit, prices returned [1, 1]."""
    return _guarded(SystemExit, lambda part: 0)(orders, workers)


def wrong_tries_again_where_nothing_answers(orders, workers):
    """says: Where a part raised ConnectionError, prices returned [2, 1] and called it again."""
    return _guarded(ConnectionError, lambda part: part())(orders, workers)


def wrong_raises_one_of_its_own(orders, workers):
    """says: Where a part raised KeyError, prices raised another object of that type."""
    try:
        return prices(orders, workers)
    except Exception as error:
        raise type(error)(*error.args) from None


def wrong_has_room_for_a_hundred_orders(orders, workers):
    """says: did not end"""
    room = threading.Semaphore(workers)

    def fetch(part):
        with room:
            return part()

    with ThreadPoolExecutor(max_workers=max(100, 2 * workers)) as pool:

        def one(order):
            return sum(future.result() for future in [pool.submit(fetch, part) for part in order])

        return list(pool.map(one, orders))


def wrong_adds_up_shares_without_a_lock(orders, workers):
    """says: , while two threads added prices of one order."""
    totals = Counter()

    def share(some):
        mine = Counter()
        for n, part in some:
            mine[n] += part()
        for n, price in mine.items():
            totals[n] = totals[n] + price

    parts = [(n, part) for n, order in enumerate(orders) for part in order]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(share, [parts[n::workers] for n in range(workers)]))
    return [totals[n] for n in range(len(orders))]


def wrong_takes_a_lock_by_the_place_of_a_part(orders, workers):
    """says: For one order of 0 + 1 + 2 and so on up to 23 it returned"""
    totals, locks = Counter(), [threading.Lock() for _ in range(200)]

    def one(at, n, part):
        price = part()
        with locks[at // 8]:
            totals[n] += price

    parts = [(n, part) for n, order in enumerate(orders) for part in order]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(one, at, *part) for at, part in enumerate(parts)]:
            future.result()
    return [totals[n] for n in range(len(orders))]


def wrong_looks_outside_the_lock(orders, workers):
    """says: Two parts of an order fetched at the same moment, tried in"""
    totals, lock = {}, threading.Lock()

    def one(n, part):
        price = part()
        if n not in totals:
            totals[n] = 0
        with lock:
            totals[n] += price

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(one, n, part) for n, order in enumerate(orders) for part in order]:
            future.result()
    return [totals.get(n, 0) for n in range(len(orders))]


def wrong_puts_a_longer_list_in_its_place(orders, workers):
    """says: Two parts of an order fetched at the same moment, tried in"""
    fetched = [[] for _ in orders]

    def one(n, part):
        price = part()
        fetched[n] = [*fetched[n], price]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(one, n, part) for n, order in enumerate(orders) for part in order]:
            future.result()
    return [sum(each) for each in fetched]


def wrong_puts_futures_in_place_of_the_parts(orders, workers):
    """says: With one order, it changed the list that it was given."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for order in orders:
            order[:] = [pool.submit(part) for part in order]
        return [sum(future.result() for future in order) for order in orders]


def wrong_knows_an_order_by_its_identity(orders, workers):
    """says: With an order that stands twice, it returned [4], not [4, 4]"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {id(order): [pool.submit(part) for part in order] for order in orders}
        return [sum(future.result() for future in order) for order in futures.values()]
