"""Count without losing

`votes` is a list of functions without arguments; each returns a pair, a name and a number of points. Write
`tally(votes, workers)`: it calls each of them once, `workers` at the same time and never more, and returns a dict with
the sum of the points of each name. How the votes are shared out among the workers is up to you. If a vote raises,
`tally` raises that too.
"""

import itertools
import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from exercises.kit import Addend, Gate, Inputs, added, count, shown, unlike, watch

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
        "With 500 votes of 1 point on ann": lambda given: ([partial(_vote, "ann") for _ in range(500)], 3),
    },
)


def check(tally):
    adding, merging = Gate(2, patience=0.5), Gate(2, patience=0.5)
    voting, called = Gate(4, patience=0.5), []  # never four with three workers

    def vote(name, amount):
        called.append(amount)
        voting.task()
        return name, Addend(amount, adding.task, merging.task) if name == "ann" else amount

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

    good, says = _all_together(tally)
    yield good, says
    if not good:
        return
    ways, bad = added(lambda tasks: tally([lambda task=task: ("ann", task()) for task in tasks], 2), {"ann": 1111})
    gave = "no point was lost" if bad is None else f"of 1 + 10 + 100 + 1000 points it returned {bad}"
    yield bad is None, f"Two votes for a new name at the same moment, tried in {count(ways, 'way')}: {gave}."
    if bad is not None:
        return
    kept = not unlike(sums, right)
    yield kept, f"After other calls, the dict of the first one is {'as it was' if kept else shown(sums)}."
    if not kept:
        return
    turn = itertools.count(1)
    votes = [partial(lambda _: ("ann", next(turn)), n) for n in range(3)]
    given = [tally(list(votes), 2) for _ in range(2)]
    anew = not unlike(given, [{"ann": 6}, {"ann": 15}])
    returned = " and ".join(map(shown, given))
    gives = "1, 2 and 3 points, and 4, 5 and 6 when they are called anew"
    yield anew, f"For votes that give {gives}, it returned {returned}."


def _all_together(tally):
    """All votes are for one name, and each adds when the others may."""
    voting, adding, merging = Gate(24, patience=0.5), Gate(2, patience=0.3), Gate(2, patience=0.3)

    def vote(amount):
        voting.task()
        return "".join(("a", "nn")), Addend(amount, adding.task, merging.task)

    sums = tally([partial(vote, n) for n in range(24)], 24)
    good = not unlike(sums, {"ann": 276})
    met = ", while two threads were adding points for ann" if adding.met or merging.met else ""
    gave = "no point was lost" if good else f"of 0 + 1 + 2 and so on up to 23 points it returned {shown(sums)}{met}"
    return good, f"24 votes on 24 workers: {gave}."


def _again(called):
    return f", {len(called) - len(set(called))} of them again" if len(called) > len(set(called)) else ""


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
    """says: With 500 votes of 1 point on ann, it returned {'ann': 100}, not {'ann': 500}"""
    return tally(votes[:100], workers)


def wrong_takes_a_lock_by_the_place_of_a_vote(votes, workers):
    """says: 24 votes on 24 workers: of 0 + 1 + 2 and so on up to 23 points it returned"""
    points, locks = Counter(), [threading.Lock() for _ in range(len(votes) // 4 + 1)]

    def one(n, vote):
        name, amount = vote()
        with locks[n // 4]:
            points[name] += amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, range(len(votes)), votes))
    return dict(points)


def wrong_takes_a_lock_by_the_object_that_a_name_is(votes, workers):
    """says: 24 votes on 24 workers: of 0 + 1 + 2 and so on up to 23 points it returned"""
    points, locks = Counter(), defaultdict(threading.Lock)

    def one(vote):
        name, amount = vote()
        with locks[id(name)]:
            points[name] += amount

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return dict(points)


def wrong_takes_the_votes_out_of_the_list(votes, workers):
    """says: With one vote, it changed the list that it was given."""
    taken = []
    while votes:
        taken.append(votes.pop())
    return tally(taken, workers)


_pairs = {}


def wrong_remembers_what_a_vote_returned(votes, workers):
    """says: and 4, 5 and 6 when they are called anew, it returned"""

    def known(vote):
        if vote not in _pairs:
            _pairs[vote] = vote()
        return _pairs[vote]

    points = Counter()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for name, amount in pool.map(known, votes):
            points[name] += amount
    return dict(points)


def wrong_takes_a_key_error_of_a_vote_for_its_own(votes, workers):
    """says: Where the second of 3 votes raises KeyError, which your code names, it returned"""
    points, lock = {}, threading.Lock()

    def one(vote):
        try:
            name, amount = vote()
            with lock:
                points[name] = points.get(name, 0) + amount
        except KeyError:
            pass

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(one, votes))
    return points


def wrong_raises_one_of_its_own(votes, workers):
    """says: it raised ValueError: the second fails, which looks like what was raised and is another object"""
    try:
        return tally(votes, workers)
    except Exception as error:
        raise type(error)(*error.args) from None
