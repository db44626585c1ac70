"""Eight waits in the time of one

`waits` is a list of one or more functions without arguments; each waits a while and returns a value. Write
`one_wait(waits)`: it calls all of them in such a way that they wait at the same time, and returns the list of their
values, in the order of `waits`.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, Inputs, count, hurried, shown, unlike, watch

LIMIT = 8  # seconds for the whole check


def one_wait(waits):
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        futures = [pool.submit(wait) for wait in waits]
        return [future.result() for future in futures]


INPUTS = Inputs(lambda given: (given.tasks,), least=1, raises=False)

HINTS = [
    "How many waits can go on at once in a pool of three workers? How many are there here?",
    "A wait needs a worker to itself: give the pool as many workers as there are waits.",
    "`ThreadPoolExecutor(max_workers=len(waits))`; submit every wait, then ask each Future for its result.",
]


def check(one_wait):
    slow = Gate(patience=1)  # a right answer stays until nobody has come for a second
    with hurried():
        one_wait([lambda: slow.task(1), lambda: 2])
    early = not slow.gave_up
    slow.open()
    yield not early, f"It returned {'while one wait still went on' if early else 'when all waits had ended'}."
    if early:
        return

    for waits in (8, 2, 40):
        gate = Gate(waits)
        with watch():
            values = one_wait([lambda n=n, gate=gate: gate.task(n) for n in range(waits)])

        yield gate.met, f"Of {waits} waits, at most {gate.most} went on at the same time."
        right = not unlike(values, list(range(waits)))
        yield right, f"For waits that give 0 to {waits - 1} it returned {shown(values)}."
        if not gate.met or not right:
            return

    gate, lock, called = Gate(5), threading.Lock(), []

    def wait():
        with lock:
            called.append(len(called) + 1)
            number = called[-1]
        return gate.task(number)

    values = one_wait([wait] * 5)
    yield gate.met, f"Of 5 waits that are one function, at most {gate.most} went on at the same time."
    right = isinstance(values, list) and not unlike(sorted(values, key=str), [1, 2, 3, 4, 5])
    times = f"called {count(len(called), 'time')}, which gave {shown(called)}"
    yield right, f"Of 5 waits that are one function, {times}, it returned {shown(values)}."


def wrong_one_after_the_other(waits):
    """says: at most 1 went on"""
    return [wait() for wait in waits]


def wrong_three_workers(waits):
    """says: at most 3 went on"""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_asks_inside_the_loop(waits):
    """says: at most 1 went on"""
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        return [pool.submit(wait).result() for wait in waits]


def wrong_calls_before_submitting(waits):
    """says: Your code raised TypeError"""
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        futures = [pool.submit(wait()) for wait in waits]
        return [future.result() for future in futures]


def wrong_eight_whatever_comes(waits):
    """says: Of 40 waits, at most 8"""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_gives_futures(waits):
    """says: it returned [<Future"""
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        return [pool.submit(wait) for wait in waits]


def wrong_sixteen_as_a_guess(waits):
    """says: Of 40 waits, at most 16"""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_sleeps_for_a_join(waits):
    """says: It returned while one wait still went on"""
    values = [None] * len(waits)

    def one(n):
        values[n] = waits[n]()

    for n in range(len(waits)):
        threading.Thread(target=one, args=(n,), daemon=True).start()
    time.sleep(0.5)
    return values


def wrong_sorts_the_values(waits):
    """says: With 23 waits, it returned as number 3, 'r10', not 'r2'"""
    with ThreadPoolExecutor(max_workers=len(waits) or 1) as pool:
        return sorted(pool.map(lambda wait: wait(), waits))


def wrong_calls_each_twice(waits):
    """says: Of 5 waits that are one function, called 10 times"""
    with ThreadPoolExecutor(max_workers=len(waits) or 1) as pool:
        list(pool.map(lambda wait: wait(), waits))
        return list(pool.map(lambda wait: wait(), waits))


def wrong_empties_the_list(waits):
    """says: With one wait, it changed the list that it was given"""
    with ThreadPoolExecutor(max_workers=len(waits) or 1) as pool:
        futures = []
        while waits:
            futures.append(pool.submit(waits.pop(0)))
        return [future.result() for future in futures]


def wrong_leaves_none_out(waits):
    """says: For results None, 0, False, '' and [], it returned [0, False, '', []]"""
    with ThreadPoolExecutor(max_workers=len(waits) or 1) as pool:
        return [value for value in pool.map(lambda wait: wait(), waits) if value is not None]


def wrong_gives_up_after_ten_seconds(waits):
    """says: Your code raised TimeoutError"""
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        return [future.result(timeout=10) for future in [pool.submit(wait) for wait in waits]]


def wrong_waits_five_seconds_for_each_thread(waits):
    """says: It returned while one wait still went on"""
    values = [None] * len(waits)

    def one(n):
        values[n] = waits[n]()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(waits))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    return values


def wrong_a_worker_for_each_function(waits):
    """says: Of 5 waits that are one function, at most 1 went on"""
    with ThreadPoolExecutor(max_workers=len(set(waits)) or 1) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_two_share_a_worker(waits):
    """says: Of 2 waits, at most 1 went on"""
    with ThreadPoolExecutor(max_workers=1 if len(waits) == 2 else len(waits)) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_knows_a_wait_by_its_function(waits):
    """says: Of 5 waits that are one function, called 5 times, which gave [1, 2, 3, 4, 5], it returned ["""
    with ThreadPoolExecutor(max_workers=len(waits) or 1) as pool:
        futures = [(wait, pool.submit(wait)) for wait in waits]
        return [dict(futures)[wait].result() for wait in waits]
