"""Eight waits in the time of one

`waits` is a list of one or more functions without arguments; each waits a while and returns a value. Write
`one_wait(waits)`: it calls all of them in such a way that they wait at the same time, and returns the list of their
values, in the order of `waits`.
"""

from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, Inputs, shown, watch


def one_wait(waits):
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        futures = [pool.submit(wait) for wait in waits]
        return [future.result() for future in futures]


INPUTS = Inputs(lambda given: (given.tasks,), least=1)

HINTS = [
    "How many waits can go on at once in a pool of three workers? How many are there here?",
    "A wait needs a worker to itself: give the pool as many workers as there are waits.",
    "`ThreadPoolExecutor(max_workers=len(waits))`; submit every wait, then ask each Future for its result.",
]


def check(one_wait):
    for waits in (8, 13):
        gate = Gate(waits)
        with watch():
            values = one_wait([lambda n=n, gate=gate: gate.task(n) for n in range(waits)])

        yield gate.met, f"Of {waits} waits, at most {gate.most} went on at the same time."
        yield values == list(range(waits)), f"For waits that give 0 to {waits - 1} it returned {shown(values)}."
        if not gate.met or values != list(range(waits)):
            return


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
    """says: Of 13 waits, at most 8"""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda wait: wait(), waits))


def wrong_gives_futures(waits):
    """says: it returned [<Future"""
    with ThreadPoolExecutor(max_workers=len(waits)) as pool:
        return [pool.submit(wait) for wait in waits]
