"""Hold a rate

Write `paced(pool, calls, per_second, clock, sleep)`: it submits each of `calls` (functions without arguments) to
`pool`, in order, and returns the list of Futures, without waiting for a task. Two submits are never less than
`1 / per_second` seconds apart, and no more than needed. It reads the time with `clock()` and waits with
`sleep(seconds)`, so that it can be tried without waiting. Like `time.sleep`, `sleep` may last longer than asked for,
and refuses a negative number: ask for none. Time goes on between two readings of the clock. `calls` is read one at a
time and may come slowly: what comes after a pause is submitted at once, and there is no catching up.
"""

import math
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice, pairwise

from exercises.kit import Gate, Inputs, count, shown, unlike, watch

LIMIT = 6


def paced(pool, calls, per_second, clock, sleep):
    futures, earliest = [], -math.inf
    for call in calls:
        now = clock()
        if now < earliest:
            sleep(earliest - now)
            now = clock()
        futures.append(pool.submit(call))
        earliest = now + 1 / per_second
    return futures


EQUAL = {"if now < earliest:  ->  if now <= earliest:": "at that very moment it sleeps for 0 s"}


HINTS = [
    "Which moment must the next submit wait for? Keep it from one turn of the loop to the next.",
    "The clock goes on while you look at it. What becomes of `earliest - clock()` if you have asked `clock()` before, "
    "to see whether there is something to wait for?",
    "A sleep may last too long. From which reading of the clock does the next submit's moment follow then: the one "
    "before the sleep, or one after it?",
]

_TICK = 0.0001  # seconds from one reading of the clock to the next
_SLACK = 20 * _TICK  # a submit may come so much later than needed: some readings, or naps of a millisecond


class _FakeTime:
    """A clock that moves a little at each reading, and when somebody sleeps.

    `most` is how often it was read, at most, with no sleep and no submit between.
    """

    def __init__(self, now=0.0, tick=_TICK):
        self.now, self.tick, self.asked, self.late = now, tick, [], 0.0
        self.reads = self.most = 0

    def clock(self):
        self.now += self.tick
        self.reads += 1
        self.most = max(self.most, self.reads)
        return self.now

    def sleep(self, seconds):
        self.reads = 0
        self.asked.append(seconds)
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.now += seconds + self.late
        self.late = 0.0


class _Pool(ThreadPoolExecutor):
    """A pool that notes when its tasks were submitted, and how many calls had been read by then."""

    def __init__(self, time, read):
        super().__init__(2)
        self.time, self.read, self.at, self.ahead = time, read, [], []

    def submit(self, fn, /, *args, **kwargs):
        self.time.reads = 0
        self.at.append(self.time.now)
        self.ahead.append(len(self.read))
        return super().submit(fn, *args, **kwargs)


def _inputs(given):
    time = _FakeTime()
    return given.pool(), iter(given.tasks), 4, time.clock, time.sleep


INPUTS = Inputs(_inputs)


def check(paced):
    time, read, gate = _FakeTime(), [], Gate(patience=1)

    def calls():
        for n in range(9):
            if n == 5:
                time.now += 3  # the input pauses
            if n == 7:
                time.late = 0.1
            read.append(n)
            yield lambda n=n: gate.task(n)

    with watch(), _Pool(time, read) as pool, gate:
        try:
            futures = paced(pool, calls(), 4, time.clock, time.sleep)
        except ValueError:
            if not time.asked or time.asked[-1] >= 0:
                raise
        if any(seconds < 0 for seconds in time.asked):
            yield False, f"It called sleep({min(time.asked):.4f}), a negative number of seconds."
            return
        good = isinstance(futures, list) and len(futures) == 9 and all(isinstance(f, Future) for f in futures)
        what = "a list of 9 Futures" if good else shown(futures, 40)
        yield good, f"For 9 calls it submitted {count(len(pool.at), 'task')} and returned {what}."
        if not good:
            return
        when = "only when tasks had ended" if gate.gave_up else "while the tasks still ran"
        yield not gate.gave_up, f"It returned {when}."
        gate.open()
        errors = [future.exception() for future in futures if future.exception() is not None]
        if errors:
            what = f"{type(errors[0]).__name__}: {errors[0]}"
            yield False, f"{count(len(errors), 'task')} of 9 raised {what:.60}; each call is to be submitted as it is."
            return
        results = [future.result() for future in futures]
    yield not unlike(results, list(range(9))), f"The Futures, in order, gave {shown(results)}."
    if unlike(results, list(range(9))) or gate.gave_up:
        return
    ahead = next(((n, had) for n, had in enumerate(pool.ahead) if had > n + 1), None)
    said = f"; when it submitted number {ahead[0] + 1}, it had read {ahead[1]}" if ahead else ""
    yield ahead is None, f"calls was {'not ' if ahead else ''}read one at a time{said}."
    if ahead is None:
        found = list(_gaps(pool.at))
        if all(ok for ok, _ in found):
            idle = (False, "It never called sleep: it read the clock again and again until the next submit was due.")
            spun = f"Before a submit was due, it read the clock {time.most} times on end: a sleep is to fill that time."
            if time.asked and time.most > 50:
                idle = (False, spun)
            found += _at_the_edge(paced) if sum(time.asked) > 1 and time.most <= 50 else [idle]
        if all(ok for ok, _ in found):
            yield from found
            for rate, calls in ((30, 30), (500, 200), (2.5, 4), (0.02, 4)):
                found = list(_steady(paced, rate, calls))
                if not all(ok for ok, _ in found):
                    break
        yield from found


def _gaps(at):
    """What the moments of nine submits say; there was a pause of 3 s before the sixth, a long sleep before the 8th."""
    gaps = [round(after - before, 6) for before, after in pairwise(at)]
    close = [n for n, gap in enumerate(gaps) if gap < 0.25 - 1e-9]
    after = ", after a sleep that had lasted 0.1 s too long" if close == [7] else ""
    few = f"{count(len(close), 'submit')} came less than 0.25 s after the one before{after}, by clock()"
    yield not close, f"At 4 a second, {few}."
    if close:
        return
    wanted = [0.35 if n in (6, 7) else 0.25 for n in range(8)]
    slow = [n for n, gap in enumerate(gaps) if gap > wanted[n] + _SLACK and n != 4]
    late = f", {gaps[slow[0]]:.4g} s after the one before" if slow else ""
    yield not slow, f"{count(len(slow), 'submit')} came later than needed{late}."
    if at[0] > _SLACK:
        yield False, f"The first submit came {at[0]:.4g} s late: nothing was to be waited for."
    elif not slow:
        good = gaps[4] < 3 + _SLACK
        yield good, f"After a pause of 3 s in calls, the next submit came {gaps[4]:.4g} s after the one before."


def _steady(paced, per_second, calls):
    """So many calls by a clock that is fine and begins at 0; no task ends meanwhile."""
    time, gate = _FakeTime(-1e-6, 1e-6), Gate(patience=1)
    with watch(), _Pool(time, []) as pool, gate:
        paced(pool, (gate.task for _ in range(calls)), per_second, time.clock, time.sleep)
    gaps, needed = [after - before for before, after in pairwise(pool.at)], 1 / per_second
    good = len(gaps) == calls - 1 and min(gaps) > needed - 1e-9 and max(gaps) <= needed + _SLACK
    few = f"{count(len(pool.at), 'submit')} came, from {min(gaps, default=0):.6f} to {max(gaps, default=0):.6f} s apart"
    on = f"At {per_second} a second, by a clock that begins at 0,"
    yield good, f"{on} {few}; {needed:.6f} were needed."
    if good:
        when = "only when some of its tasks had ended" if gate.gave_up else "while they ran"
        yield not gate.gave_up, f"For {calls} calls it returned {when}."
        early, late = pool.at[0], time.now - pool.at[-1]
        more = f"it waited {early:.4g} s before the first submit, and {late:.4g} s after the last"
        yield early < _SLACK and late < _SLACK, f"{on} {more}; none was needed."


def _at_the_edge(paced):
    """Calls that come when the next submit is due within a few readings of the clock; three in ten seconds."""
    time, read = _FakeTime(), []

    def calls():
        for n in range(24):
            if n:
                time.now = max(time.now, pool.at[-1] + 10 / 3 + (n % 12 - 8.5) * _TICK)
            read.append(n)
            yield int

    with _Pool(time, read) as pool:
        try:
            paced(pool, calls(), 0.3, time.clock, time.sleep)
        except ValueError:
            if not time.asked or time.asked[-1] >= 0:
                raise
    slept = time.asked and min(time.asked) < 0
    seen = f"; it called sleep({min(time.asked):.6f}) after {len(time.asked) - 1} others" if slept else ""
    yield not slept, f"Calls that come just when the next submit is due: {len(pool.at)} of 24 were submitted{seen}."
    if slept:
        return
    gaps = [round(after - before, 6) for before, after in pairwise(pool.at)]
    good = len(gaps) == 23 and min(gaps) >= 3.333333 - 1e-6 and max(gaps) <= 3.333333 + _SLACK
    few = f"from {min(gaps, default=0):.4f} to {max(gaps, default=0):.4f} s"
    yield good, f"At 0.3 a second, two submits were {few} apart; 3.3333 were needed."


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
    """says: came later than needed, 4"""
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
    """says: calls was not read one at a time; when it submitted number 1, it had read 9"""
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


def wrong_reads_the_clock_twice(pool, calls, per_second, clock, sleep):
    """says: Calls that come just when the next submit is due"""
    futures, earliest = [], None
    for call in calls:
        if earliest is not None and clock() < earliest:
            sleep(earliest - clock())
        earliest = clock() + 1 / per_second
        futures.append(pool.submit(call))
    return futures


def wrong_plans_on_after_a_long_sleep(pool, calls, per_second, clock, sleep):
    """says: 1 submit came less than 0.25 s after the one before, after a sleep that had lasted 0.1 s too long"""
    futures, earliest = [], None
    for call in calls:
        now = clock()
        if earliest is None or now >= earliest:
            earliest = now
        else:
            sleep(earliest - now)
        futures.append(pool.submit(call))
        earliest += 1 / per_second
    return futures


def wrong_sleeps_whatever_is_left(pool, calls, per_second, clock, sleep):
    """says: It called sleep(-"""
    futures, earliest = [], clock()
    for call in calls:
        sleep(earliest - clock())
        earliest = clock() + 1 / per_second
        futures.append(pool.submit(call))
    return futures


def wrong_waits_before_the_first(pool, calls, per_second, clock, sleep):
    """says: The first submit came 0.2501 s late: nothing was to be waited for."""
    futures, earliest = [], clock() + 1 / per_second
    for call in calls:
        sleep(max(0, earliest - clock()))
        futures.append(pool.submit(call))
        earliest = clock() + 1 / per_second
    return futures


def wrong_calls_them_itself(pool, calls, per_second, clock, sleep):
    """says: For 9 calls it submitted 9 tasks and returned [0, 1,"""
    return [future.result() for future in paced(pool, calls, per_second, clock, sleep)]


def wrong_submits_another_function(pool, calls, per_second, clock, sleep):
    """says: 9 tasks of 9 raised TypeError"""
    return paced(pool, [lambda call=call: call(0, 0) for call in calls], per_second, clock, sleep)


def wrong_rounds_the_gap(pool, calls, per_second, clock, sleep):
    """says: came less than 0.25 s after the one before"""
    futures, earliest = [], clock()
    for call in calls:
        sleep(max(0, earliest - clock()))
        earliest = clock() + 1 // per_second
        futures.append(pool.submit(call))
    return futures


def wrong_turns_in_a_circle(pool, calls, per_second, clock, sleep):
    """says: It never called sleep: it read the clock again and again"""
    futures, earliest = [], -math.inf
    for call in calls:
        while (now := clock()) < earliest:
            pass
        futures.append(pool.submit(call))
        earliest = now + 1 / per_second
    return futures


def wrong_gives_the_last_first(pool, calls, per_second, clock, sleep):
    """says: The Futures, in order, gave [8, 7, 6"""
    return paced(pool, calls, per_second, clock, sleep)[::-1]


def wrong_knows_a_call_by_its_function(pool, calls, per_second, clock, sleep):
    """says: For twice the same call, it returned 1 value, not 2"""
    read = []

    def noted():
        for call in calls:
            read.append(call)
            yield call

    return list(dict(zip(read, paced(pool, noted(), per_second, clock, sleep), strict=True)).values())


def wrong_takes_zero_for_never(pool, calls, per_second, clock, sleep):
    """says: The first submit came 0.2501 s late"""
    futures, last = [], 0
    for call in calls:
        sleep(max(0, last + 1 / per_second - clock()))
        last = clock()
        futures.append(pool.submit(call))
    return futures


def wrong_asks_and_is_refused(pool, calls, per_second, clock, sleep):
    """says: It called sleep(-"""
    futures, earliest = [], clock()
    for call in calls:
        with suppress(ValueError):
            sleep(earliest - clock())
        futures.append(pool.submit(call))
        earliest = clock() + 1 / per_second
    return futures


def wrong_turns_in_a_circle_at_the_end(pool, calls, per_second, clock, sleep):
    """says: times on end: a sleep is to fill that time."""
    futures, earliest = [], -math.inf
    for call in calls:
        now = clock()
        if now < earliest:
            sleep(0.6 * (earliest - now))
        while (now := clock()) < earliest:
            pass
        futures.append(pool.submit(call))
        earliest = now + 1 / per_second
    return futures


def wrong_knows_four_a_second_at_most(pool, calls, per_second, clock, sleep):
    """says: At 30 a second, by a clock that begins at 0, 30 submits came, from 0.25"""
    return paced(pool, calls, min(per_second, 4), clock, sleep)


def wrong_rounds_the_gap_to_four_places(pool, calls, per_second, clock, sleep):
    """says: 30 submits came, from 0.0333"""
    futures, earliest = [], -math.inf
    for call in calls:
        now = clock()
        if now < earliest:
            sleep(earliest - now)
        futures.append(pool.submit(call))
        earliest = clock() + round(1 / per_second, 4)
    return futures


def wrong_takes_a_first_reading_of_zero_for_none(pool, calls, per_second, clock, sleep):
    """says: At 30 a second, by a clock that begins at 0, 30 submits came, from 0.00"""
    futures, last = [], None
    for call in calls:
        left = last + 1 / per_second - clock() if last else 0
        if left > 0:
            sleep(left)
        last = clock()
        futures.append(pool.submit(call))
    return futures


def wrong_lets_nine_tasks_wait_at_most(pool, calls, per_second, clock, sleep):
    """says: For 30 calls it returned only when some of its tasks had ended."""
    futures = []

    def waits():
        for call in calls:
            if len(futures) >= 9:
                futures[-9].exception()
            yield call

    earliest = -math.inf
    for call in waits():
        now = clock()
        if now < earliest:
            sleep(earliest - now)
            now = clock()
        futures.append(pool.submit(call))
        earliest = now + 1 / per_second
    return futures


def wrong_knows_a_hundred_a_second_at_most(pool, calls, per_second, clock, sleep):
    """says: At 500 a second, by a clock that begins at 0, 200 submits came, from 0.01"""
    return paced(pool, calls, min(per_second, 100), clock, sleep)


def wrong_takes_a_hundred_calls(pool, calls, per_second, clock, sleep):
    """says: At 500 a second, by a clock that begins at 0, 100 submits came"""
    return paced(pool, islice(calls, 100), per_second, clock, sleep)


def wrong_knows_whole_numbers_alone(pool, calls, per_second, clock, sleep):
    """says: At 2.5 a second, by a clock that begins at 0, 4 submits came, from 0.5"""
    return paced(pool, calls, int(per_second) or per_second, clock, sleep)


def wrong_waits_ten_seconds_at_most(pool, calls, per_second, clock, sleep):
    """says: At 0.02 a second, by a clock that begins at 0, 4 submits came, from 10"""
    return paced(pool, calls, max(per_second, 0.1), clock, sleep)


def wrong_waits_after_the_last(pool, calls, per_second, clock, sleep):
    """says: s after the last; none was needed."""
    futures = paced(pool, calls, per_second, clock, sleep)
    sleep(1 / per_second)
    return futures


_last = [-math.inf]


def wrong_remembers_the_call_before(pool, calls, per_second, clock, sleep):
    """says: it waited 85"""
    futures = []
    for call in calls:
        now = clock()
        if now < _last[0]:
            sleep(_last[0] - now)
            now = clock()
        futures.append(pool.submit(call))
        _last[0] = now + 1 / per_second
    return futures
