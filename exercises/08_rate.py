"""Hold a rate

Write `paced(pool, calls, per_second, clock, sleep)`: it submits each of `calls` (functions without arguments) to
`pool`, in order, and returns the list of Futures, without waiting for a task. Two submits are never less than
`1 / per_second` seconds apart, and no more than needed. It reads the time with `clock()` and waits with
`sleep(seconds)`, so that it can be tried without waiting. `calls` is read one at a time and may come slowly: what
comes after a pause is submitted at once, and there is no catching up.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

from exercises.kit import Gate, count, shown, watch

LIMIT = 6


def paced(pool, calls, per_second, clock, sleep):
    futures, earliest = [], None
    for call in calls:
        if earliest is not None and clock() < earliest:
            sleep(earliest - clock())
        earliest = clock() + 1 / per_second
        futures.append(pool.submit(call))
    return futures


HINTS = [
    "Which moment must the next submit wait for? Keep it from one turn of the loop to the next.",
    "Before a submit: if `clock()` is before the earliest moment allowed, `sleep` the rest.",
    "Set the next moment from the clock when you submit, not from a plan made at the start: "
    "`clock() + 1 / per_second`.",
]


class _FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += max(0.0, seconds)


def check(paced):
    time, submitted, gate = _FakeTime(), [], Gate(patience=3)

    class Noting(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            submitted.append(time.now)
            return super().submit(fn, *args, **kwargs)

    def calls():
        for n in range(9):
            if n == 5:
                time.sleep(3)  # the input pauses
            yield lambda n=n: gate.task(n)

    with watch(), Noting(2) as pool, gate:
        futures = paced(pool, calls(), 4, time.clock, time.sleep)
        good = isinstance(futures, list) and len(futures) == 9 and all(isinstance(f, Future) for f in futures)
        what = "a list of 9 Futures" if good else shown(futures, 40)
        yield good, f"For 9 calls it submitted {count(len(submitted), 'task')} and returned {what}."
        if not good:
            return
        when = "only when tasks had ended" if gate.gave_up else "while the tasks still ran"
        yield not gate.gave_up, f"It returned {when}."
        gate.open()
        results = [future.result() for future in futures]
    yield results == list(range(9)), f"The Futures, in order, gave {shown(results)}."
    gaps = [round(after - before, 6) for before, after in pairwise(submitted)]
    close = [gap for gap in gaps if gap < 0.25]
    yield (
        not close,
        f"At 4 a second, {count(len(close), 'submit')} came less than 0.25 s after the one before, by clock().",
    )
    if close:
        return
    slow = [gap for n, gap in enumerate(gaps) if gap > 0.25 and n != 4]
    yield not slow, f"{count(len(slow), 'submit')} came later than needed{f', after {slow[0]} s' if slow else ''}."
    if submitted[0] > 1000:
        yield False, f"The first submit came {submitted[0] - 1000:g} s late: calls was not read one at a time."
    elif not slow:
        yield gaps[4] == 3, f"After a pause of 3 s in calls, the next submit came {gaps[4]:g} s after the one before."


def wrong_does_not_wait(pool, calls, per_second, clock, sleep):
    """says: At 4 a second, 7 submits came less than"""
    return [pool.submit(call) for call in calls]


def wrong_catches_up(pool, calls, per_second, clock, sleep):
    """says: came less than 0.25 s after the one before"""
    start, futures = clock(), []
    for n, call in enumerate(calls):
        sleep(max(0, start + n / per_second - clock()))
        futures.append(pool.submit(call))
    return futures


def wrong_waits_in_the_workers(pool, calls, per_second, clock, sleep):
    """says: came less than 0.25 s after the one before"""

    def later(call, n):
        sleep(0 * n)
        return call()

    return [pool.submit(later, call, n) for n, call in enumerate(calls)]


def wrong_sleeps_the_rate(pool, calls, per_second, clock, sleep):
    """says: came later than needed, after 4.0 s"""
    futures = []
    for call in calls:
        futures.append(pool.submit(call))
        sleep(per_second)
    return futures


def wrong_sleeps_after_each_submit(pool, calls, per_second, clock, sleep):
    """says: After a pause of 3 s in calls, the next submit came 3.25 s after the one before"""
    futures = []
    for call in calls:
        futures.append(pool.submit(call))
        sleep(1 / per_second)
    return futures


def wrong_reads_all_calls_first(pool, calls, per_second, clock, sleep):
    """says: The first submit came 3 s late"""
    futures = []
    for call in list(calls):
        futures.append(pool.submit(call))
        sleep(1 / per_second)
    return futures


def wrong_waits_for_each_task(pool, calls, per_second, clock, sleep):
    """says: It returned only when tasks had ended"""
    futures, earliest = [], clock()
    for call in calls:
        sleep(max(0, earliest - clock()))
        earliest = clock() + 1 / per_second
        futures.append(pool.submit(call))
        futures[-1].result()
    return futures


def wrong_bursts_of_one_second(pool, calls, per_second, clock, sleep):
    """says: came less than 0.25 s after the one before"""
    futures = []
    for n, call in enumerate(calls):
        if n and n % per_second == 0:
            sleep(1)
        futures.append(pool.submit(call))
    return futures


def wrong_returns_nothing(pool, calls, per_second, clock, sleep):
    """says: and returned None"""
    earliest = clock()
    for call in calls:
        sleep(max(0, earliest - clock()))
        earliest = clock() + 1 / per_second
        pool.submit(call)
