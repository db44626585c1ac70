"""Count without losing

`votes` is a list of functions without arguments; each returns a pair, a name and a number of points. Write
`tally(votes, workers)`: it calls each of them once, `workers` at the same time and never more, and returns a dict with
the sum of the points of each name. How the votes are shared out among the workers is up to you. If a vote raises,
`tally` raises that too.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from exercises.kit import Gate, Inputs, count, interleavings, shown, unlike, watch

LIMIT = 10


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


def _five():
    return "ann", 5


def _vote(name):
    return name, 1


def _votes(given):
    names = ("ann", "bo", "")
    return [lambda n=n, task=task: (names[n % 3], task()) for n, task in enumerate(given.tasks)], given.workers


INPUTS = Inputs(
    _votes,
    values="numbers",
    also={
        "For two votes of 5 points on ann": lambda given: ([lambda: ("ann", 5), lambda: ("ann", 5)], 2),
        "For one vote that stands twice": lambda given: ([_five, _five], 2),
        "For names that are written alike": lambda given: (
            [partial(_vote, name) for name in ("Ann", "ann", " ann", None)],
            2,
        ),
        "With 120 votes of 1 point on ann": lambda given: ([partial(_vote, "ann") for _ in range(120)], 3),
    },
)


class _Points(int):
    """A number whose addition takes a while: it waits for a second thread that adds at the same time.

    So does the next addition, of the sum, in another place: what is added first may be a share of one thread alone.
    """

    def __new__(cls, amount, *meets):
        points = super().__new__(cls, amount)
        points.meets = meets
        return points

    def __radd__(self, other):
        if self.meets and threading.current_thread() is not threading.main_thread():
            self.meets[0]()
        return _Points(int(other) + int(self), *self.meets[1:])

    __add__ = __radd__


def check(tally):
    adding, merging = Gate(2, patience=0.5), Gate(2, patience=0.5)
    voting, called = Gate(4, patience=0.5), []  # never four with three workers

    def vote(name, amount):
        called.append(amount)
        voting.task()
        return name, _Points(amount, adding.task, merging.task) if name == "ann" else amount

    pairs = [("ann", 1), ("ann", 10), ("ann", 100), ("bo", 1000), ("bo", 10000), ("bo", 100000)]
    with watch():
        sums = tally([partial(vote, *pair) for pair in pairs], 3)

    once = sorted(called) == [amount for _, amount in pairs]
    yield once, f"Of 6 votes, {len(set(called))} were called{_again(called)}."
    if not once:
        return
    right = {"ann": 111, "bo": 111000}
    if isinstance(sums, dict) and set(sums) == set(right) and all(isinstance(n, int) for n in sums.values()):
        lost = {name: right[name] - sums[name] for name in right}
        met = ", while two threads were adding points for ann" if adding.met and lost["ann"] > 0 == lost["bo"] else ""
        gone = f"{sum(lost.values()):,} were lost{met}"
        gone = gone if min(lost.values()) >= 0 else f"it returned {shown(dict(sums))}"
        yield not any(lost.values()), f"Of 111 points for ann and 111,000 for bo, {gone}."
    else:
        yield False, f"For votes on ann and bo it returned {shown(sums)}."
        return
    yield voting.most == 3, f"On 3 workers, {count(voting.most, 'vote')} went on at the same time."
    if any(lost.values()) or voting.most != 3:
        return

    # Held until another vote is counted, and only until it is about to be; before each line, or before each write.
    for early, writes in ((False, False), (True, False), (False, True)):
        ways, bad = _tried(tally, early, writes)
        gave = "no point was lost" if bad is None else f"of 1 + 10 + 100 + 1000 points it returned {shown(bad)}"
        yield bad is None, f"Two votes for a new name at the same moment, tried in {count(ways, 'way')}: {gave}."
        if bad is not None:
            return
    kept = not unlike(sums, right)
    yield kept, f"After other calls, the dict of the first one is {'as it was' if kept else shown(sums)}."


def _again(called):
    return f", {len(called) - len(set(called))} of them again" if len(called) > len(set(called)) else ""


def _tried(tally, early, writes):
    """A thread is held before its 1st, 2nd … line (write) after its first vote: how many ways, and a wrong sum."""
    ways = 0
    for hold in interleavings(15, 0.3, writes):
        ways += 1
        sums = tally(_Four(hold, early).votes(), 2)
        if unlike(sums, {"ann": 1111}):
            return ways, sums
    return ways, None


class _Four:
    """Four votes for a new name. The thread that calls the first of them is held before a line that it runs afterwards,
    until the other thread has counted its own first vote (`early`: is about to add it)."""

    def __init__(self, hold, early):
        self.hold, self.early = hold, early
        self.both, self.adding = Gate(2, patience=0.3), Gate(2, patience=0.1)
        self.threads = []
        self._lock = threading.Lock()

    def votes(self):
        return [partial(self.vote, amount) for amount in (1, 10, 100, 1000)]

    def vote(self, amount):
        here = threading.current_thread()
        if here is threading.main_thread():
            return "ann", amount
        with self._lock:
            known = here in self.threads
            self.threads.append(here)
        first = here is self.threads[0]
        if known:
            self.hold.end() if first else self.hold.over.set()
        else:
            self.both.task()
            self.hold.begin() if first else self.hold.turn.wait(0.3)
        return "ann", _Points(amount, self.add) if self.early and not known else amount

    def add(self):
        if threading.current_thread() is not self.threads[0]:
            self.hold.over.set()
        self.adding.task()


def wrong_reads_then_writes(votes, workers):
    """says: were lost, while two threads were adding points for ann"""
    points = {}

    def one(vote):
        name, amount = vote()
        points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_plus_equals_on_a_counter(votes, workers):
    """says: were lost, while two threads were adding points for ann"""
    points = Counter()

    def one(vote):
        name, amount = vote()
        points[name] += amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return dict(points)


def wrong_a_lock_of_its_own_for_each_task(votes, workers):
    """says: were lost, while two threads were adding points for ann"""
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
    """says: were lost, while two threads were adding points for ann"""
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
    """says: Of 111 points for ann and 111,000 for bo, 111,105 were lost"""
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


def wrong_makes_the_lock_where_it_is_missing(votes, workers):
    """says: Two votes for a new name at the same moment, tried in"""
    points, locks = {}, {}

    def one(vote):
        name, amount = vote()
        if name not in locks:
            locks[name] = threading.Lock()
        with locks[name]:
            points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_counts_equal_votes_once(votes, workers):
    """says: For two votes of 5 points on ann, it returned {'ann': 5}, not {'ann': 10}"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pairs = set(pool.map(lambda vote: vote(), votes))
    return {name: sum(amount for other, amount in pairs if other == name) for name, _ in pairs}


def wrong_leaves_out_who_has_no_points(votes, workers):
    """says: For results 0 and 0, it returned {}, not {'ann': 0, 'bo': 0}"""
    points = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for name, amount in pool.map(lambda vote: vote(), votes):
            if amount:
                points[name] = points.get(name, 0) + amount
    return points


def wrong_each_worker_its_share_and_the_last_dict_wins(votes, workers):
    """says: Of 111 points for ann and 111,000 for bo,"""

    def share(part):
        points = {}
        for name, amount in [vote() for vote in part]:
            points[name] = points.get(name, 0) + int(amount)
        return points

    total = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for points in pool.map(share, [votes[n::workers] for n in range(workers)]):
            total |= points
    return total


def wrong_forgets_the_rest_of_the_shares(votes, workers):
    """says: Of 6 votes, 3 were called"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pairs = list(pool.map(lambda vote: vote(), votes[:workers]))
    return {name: sum(amount for other, amount in pairs if other == name) for name, _ in pairs}


def wrong_calls_a_vote_for_each_half_of_its_pair(votes, workers):
    """says: Of 6 votes, 6 were called, 6 of them again"""
    points = Counter()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for name, amount in pool.map(lambda vote: (vote()[0], vote()[1]), votes):
            points[name] += int(amount)
    return dict(points)


def wrong_loses_a_vote_that_fails(votes, workers):
    """says: Where the second of 4 votes raises ValueError, it returned"""
    points, lock = {}, threading.Lock()

    def one(vote):
        name, amount = vote()
        with lock:
            points[name] = points.get(name, 0) + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for vote in votes:
            pool.submit(one, vote)
    return points


def wrong_adds_up_shares_without_a_lock(votes, workers):
    """says: were lost, while two threads were adding points for ann"""
    points = Counter()

    def share(part):
        mine = Counter()
        for vote in part:
            name, amount = vote()
            mine[name] += amount
        for name, amount in mine.items():
            points[name] = points[name] + amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(share, [votes[n::workers] for n in range(workers)]))
    return dict(points)


def wrong_has_eight_workers_at_most(votes, workers):
    """says: With 72 votes and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return tally(votes, min(workers, 8))


def wrong_knows_a_vote_by_its_function(votes, workers):
    """says: For one vote that stands twice, it returned {'ann': 5}, not {'ann': 10}"""
    return tally(list(dict.fromkeys(votes)), workers)


def wrong_tidies_the_names(votes, workers):
    """says: For names that are written alike, it returned {"""
    points = Counter()
    for name, amount in tally(votes, workers).items():
        points[str(name).strip().lower()] += amount
    return dict(points)


def wrong_makes_a_longer_list_of_the_old_one(votes, workers):
    """says: Two votes for a new name at the same moment, tried in"""
    pairs = []

    def one(vote):
        nonlocal pairs
        pair = vote()
        pairs = list(chain(pairs, [pair]))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return {name: sum(amount for other, amount in pairs if other == name) for name, _ in pairs}


def wrong_puts_a_longer_list_in_its_place(votes, workers):
    """says: Two votes for a new name at the same moment, tried in"""
    amounts = {}

    def one(vote):
        name, amount = vote()
        amounts[name] = [*amounts.get(name, []), amount]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return {name: sum(each) for name, each in amounts.items()}


_points = {}


def wrong_returns_the_same_dict_each_time(votes, workers):
    """says: After other calls, the dict of the first one is {'ann': 1111}."""
    _points.clear()
    _points.update(tally(votes, workers))
    return _points


def wrong_counts_a_hundred_votes(votes, workers):
    """says: With 120 votes of 1 point on ann, it returned {'ann': 100}, not {'ann': 120}"""
    return tally(votes[:100], workers)
