"""Count without losing

`votes` is a list of functions without arguments; each returns a pair, a name and a number of points. Write
`tally(votes, workers)`: it calls all of them, `workers` at a time, and returns a dict with the sum of the points of
each name.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from exercises.kit import Gate, count, interleavings, shown, watch

LIMIT = 8


def tally(votes, workers):
    points = {}
    lock = threading.Lock()

    def one(vote):
        name, amount = vote()
        with lock:
            points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(one, vote) for vote in votes]:
            future.result()
    return points


HINTS = [
    "Between reading the old sum and writing the new one, another thread can do the same. What is lost then?",
    "Let one thread at a time do both: a `threading.Lock` around reading and writing, not around the call of the vote.",
    "Or share nothing: let the tasks return their pairs, and add them up in the main thread.",
]


def check(tally):
    adding, voting = Gate(2), Gate(4)  # never four with three workers

    class Points(int):
        """A number whose addition takes a while: it waits for a second thread that adds at the same time."""

        def __radd__(self, other):
            if threading.current_thread() is not threading.main_thread():
                adding.task()
            return int(other) + int(self)

        __add__ = __radd__

    def vote(name, amount):
        voting.task()
        return name, Points(amount) if name == "ann" else amount

    pairs = [("ann", 1), ("ann", 10), ("ann", 100), ("bo", 1000), ("bo", 10000), ("bo", 100000)]
    with watch():
        sums = tally([lambda pair=pair: vote(*pair) for pair in pairs], 3)

    yield voting.arrived == 6, f"Of 6 votes, {voting.arrived} were called."
    if voting.arrived != 6:
        return
    if isinstance(sums, dict) and set(sums) == {"ann", "bo"} and all(isinstance(n, int) for n in sums.values()):
        right = {"ann": 111, "bo": 111000}
        lost = sum(right.values()) - sum(sums.values())
        if lost < 0 or (lost == 0 and sums != right):
            yield False, f"For votes on ann and bo, of 111 and 111,000 points, it returned {shown(dict(sums))}."
            return
        met = "two threads added to the same sum at the same time, and " if adding.met and lost else ""
        gone = "none were" if not lost else "1 was" if lost == 1 else f"{lost:,} were"
        yield not lost, f"Of 111,111 points, {met}{gone} lost."
    else:
        yield False, f"For votes on ann and bo it returned {shown(sums)}."
        return
    yield voting.most == 3, f"On 3 workers, {count(voting.most, 'vote')} went on at the same time."
    if lost or voting.most != 3:
        return

    tries = _interleaved(tally)
    bad = next((sums for sums in tries if sums != {"ann": 111}), None)
    gave = "no point was lost" if bad is None else f"of 1 + 10 + 100 points it returned {shown(bad)}"
    yield bad is None, f"Two votes for a new name at the same moment, tried in {count(len(tries), 'way')}: {gave}."


def _interleaved(tally):
    """What it returns if the thread of one vote is held before its 1st, 2nd … line, while others are counted."""
    tries = []
    for hold in interleavings(tally, 15, 0.5):
        both = Gate(2)
        tries.append(tally([partial(vote, hold, both) for vote in (_held, _other, _last)], 2))
    return tries


def _held(hold, both):
    """Its thread is held before a line that it runs afterwards, until the second vote is counted, the third called."""
    both.task()
    if threading.current_thread() is not threading.main_thread():
        hold.begin()
    return "ann", 1


def _other(hold, both):
    both.task()
    hold.turn.wait(0.5)
    return "ann", 10


def _last(hold, both):
    hold.end()
    hold.over.set()
    return "ann", 100


def wrong_reads_then_writes(votes, workers):
    """says: two threads added to the same sum"""
    points = {}

    def one(vote):
        name, amount = vote()
        points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_plus_equals_on_a_counter(votes, workers):
    """says: two threads added to the same sum"""
    points = Counter()

    def one(vote):
        name, amount = vote()
        points[name] += amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return dict(points)


def wrong_a_lock_of_its_own_for_each_task(votes, workers):
    """says: two threads added to the same sum"""
    points = {}

    def one(vote):
        name, amount = vote()
        with threading.Lock():
            points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_lock_around_the_vote(votes, workers):
    """says: On 3 workers, 1 vote went on"""
    points = {}
    lock = threading.Lock()

    def one(vote):
        with lock:
            name, amount = vote()
            points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_has_as_many_workers_as_votes(votes, workers):
    """says: On 3 workers, 4 votes went on"""
    points = Counter()
    with ThreadPoolExecutor(max_workers=len(votes)) as pool:
        for name, amount in pool.map(lambda vote: vote(), votes):
            points[name] += amount
    return dict(points)


def wrong_locks_each_step_alone(votes, workers):
    """says: two threads added to the same sum"""
    points = {}
    lock = threading.Lock()

    def one(vote):
        name, amount = vote()
        with lock:
            seen = points.get(name, 0)
        total = seen + amount
        with lock:
            points[name] = total

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_looks_outside_the_lock(votes, workers):
    """says: Two votes for a new name at the same moment, tried in"""
    points = {}
    lock = threading.Lock()

    def one(vote):
        name, amount = vote()
        if name not in points:
            points[name] = 0
        with lock:
            points[name] += amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_counts_votes_not_points(votes, workers):
    """says: 111,105 were lost"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pairs = list(pool.map(lambda vote: vote(), votes))
    return dict(Counter(name for name, _ in pairs))


def wrong_counts_the_first_vote_twice(votes, workers):
    """says: it returned {'ann': 112, 'bo': 112000}"""
    points = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for name, amount in pool.map(lambda vote: vote(), votes):
            points[name] = int(points.get(name, amount) + amount)
    return points


def wrong_returns_the_pairs(votes, workers):
    """says: For votes on ann and bo it returned ["""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(lambda vote: vote(), votes))


def wrong_one_after_the_other(votes, workers):
    """says: On 3 workers, 1 vote went on"""
    points = {}
    for vote in votes:
        name, amount = vote()
        points[name] = points.get(name, 0) + amount
    return points
