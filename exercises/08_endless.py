"""Bound an endless input

Write `work_off(fn, items, workers, at_most, handle)`: it runs `fn(item)` for every item with `workers` workers and
calls `handle(result)` once for each result as soon as it is there, in any order and from any thread. It returns when
all results are handled. `items` may be endless: no result is kept, never more than `at_most` tasks are submitted and
not yet done, and besides them one item at most is taken. All workers are kept busy: while one item takes long, the
other workers go on.

If `fn` raises, whatever it raises, `work_off` takes no more items, lets the tasks under way end, and raises that too.
"""

import gc
import itertools
import threading
import weakref
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from itertools import islice
from queue import Queue

from exercises.kit import TICK, Gate, Inputs, count, settled, shown, submitted, until, watch

LIMIT = 9


def work_off(fn, items, workers, at_most, handle):
    room, errors = threading.Semaphore(at_most), []

    def one(item):
        try:
            handle(fn(item))
        except BaseException as error:
            errors.append(error)
        finally:
            room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            if errors:
                break
            pool.submit(one, item)
    if errors:
        raise errors[0]


EQUAL = {"raise errors[0]  ->  raise errors[-1]": "any of the errors will do"}


HINTS = [
    "When `at_most` tasks are under way, something must stop the loop before the next submit, until one is done.",
    "A `threading.Semaphore(at_most)` counts the room that is left: acquire it before each submit. Who releases it? "
    "Does it come to that if `fn` raises?",
    "Let the worker do all of it: a function of yours calls `fn`, hands the result to `handle`, keeps an error where "
    "the loop sees it, and releases the semaphore in any case.",
]


def _ends_early(item):
    raise StopIteration(item)


def _exits(item):
    raise SystemExit(item)


INPUTS = Inputs(
    lambda given: (given.fn, given.once, given.workers, given.workers, given.note),
    also={
        "With a list of 3 items": lambda given: (str, ["a", "b", "c"], 2, 2, given.note),
        "Where fn raises StopIteration": lambda given: (_ends_early, iter("a"), 2, 2, given.note),
        "Where fn raises SystemExit": lambda given: (_exits, iter("a"), 2, 2, given.note),
    },
)

_WORKERS, _AT_MOST, _ITEMS, _LONG = 3, 7, 60, 1200  # no multiple of the workers


class _Flow:
    """Sixty items, what became of them, and how many were under way."""

    def __init__(self):
        self.taken = self.ended = self.most = self.ahead = self.before = 0
        self.handled, self.threads, self.run = [], set(), None
        self.together = Gate(_WORKERS + 1, patience=0.4)
        self.slow, self.last = Gate(patience=2), Gate(patience=0.3)
        self._lock = threading.Lock()

    def items(self):
        for n in range(_ITEMS):
            with self._lock:
                self.taken += 1
            self._look()
            yield n
        self._look()

    def _look(self):
        with self._lock:
            self.most = max(self.most, submitted(self.run) - self.ended)
            self.ahead = max(self.ahead, self.taken - self.ended)
            return self.most, self.ahead

    def square(self, n):
        with self._lock:
            self.threads.add(threading.current_thread())
        self.together.task()
        if n < _WORKERS:
            self._settle()
        if n == 0:  # held until all others are handled
            self.slow.task()
        if n == _ITEMS - 1:  # who returns now has left a task behind
            self.last.task()
        with self._lock:
            self.ended += 1
        return n * n if n != 7 else None

    def _settle(self):
        """Hold the first tasks until no more are submitted or taken: so it is seen how many find room."""
        settled(self._look, lambda seen: seen[0] > _AT_MOST or seen[1] > _AT_MOST + 1, 0.3)

    def handle(self, result):
        with self._lock:
            self.handled.append(result)
            if not self.slow.gave_up:
                self.before = len(self.handled)
        if self.before == _ITEMS - 1:
            self.slow.open()


def check(work_off):
    flow = _Flow()
    with watch() as flow.run:
        work_off(flow.square, flow.items(), _WORKERS, _AT_MOST, flow.handle)
        at_return, left = list(flow.handled), flow.ended
        flow.last.open()

    fits = flow.most <= _AT_MOST
    yield fits, f"With at_most=7, up to {count(flow.most, 'task')} were submitted and not done."
    if fits:
        yield flow.ahead <= _AT_MOST + 1, f"With at_most=7, up to {count(flow.ahead, 'item')} were taken and not done."
    if not fits or flow.ahead > _AT_MOST + 1:
        return
    right = [n * n if n != 7 else None for n in range(_ITEMS)]
    wrong = _handled(at_return, right)
    gone = f"; it returned when {left} of the tasks had ended" if left < flow.taken else ""
    yield not wrong, f"Of 60 results, {wrong or 'each was handled once'}{gone if wrong else ''}."
    if wrong:
        return
    most = flow.together.most
    yield most == _WORKERS, f"On 3 workers, {count(most, 'task')} went on at the same time."
    if most != _WORKERS:
        return
    yield len(flow.threads) <= _WORKERS, f"{count(len(flow.threads), 'thread')} worked on them."
    if len(flow.threads) > _WORKERS:
        return
    then = ", then none" if flow.slow.gave_up else " as they came"
    yield not flow.slow.gave_up, f"While the first item took long, {flow.before} other results were handled{then}."
    if flow.slow.gave_up:
        return
    for more, *numbers in ((_no_spare, 3), (_no_spare, 1), (_in_step,), (_stops,), (_goes_on,)):
        good, said = more(work_off, *numbers)
        yield good, said
        if not good:
            return


def _handled(handled, right):
    """What is wrong with the results that were handled; None if nothing is."""
    odd = [result for result in handled if result is not None and type(result) is not int]
    if odd:
        return f"handle got {shown(odd[0], 40)}"
    missing = [result for result in right if result not in handled]
    twice = [result for result in right if handled.count(result) > 1]
    if missing:
        return f"{len(right) - len(missing)} were handled; {missing[0]!r}, for one, was not"
    if twice:
        return f"{len(twice)} were handled more than once; {twice[0]!r}, for one, {handled.count(twice[0])} times"
    return None


class _OneByOne:
    """Items for one thread at a time; `both` says that two of them took one together."""

    def __init__(self, items):
        self._items, self._inside, self.both = iter(items), threading.Lock(), False

    def __iter__(self):
        return self

    def __next__(self):
        if not self._inside.acquire(blocking=False):
            self.both = True
            raise ValueError("two threads take items at the same time")
        try:
            until(lambda: self.both, TICK)  # long enough for another to come
            return next(self._items)
        finally:
            self._inside.release()


class _Result:
    """A result that says when nobody keeps it any longer."""

    kept = 0

    def __init__(self):
        _Result.kept += 1
        weakref.finalize(self, self._gone)

    @staticmethod
    def _gone():
        _Result.kept -= 1


def _no_spare(work_off, workers):
    """Whether there is a bound where each worker may have one task and no more may wait, and a sentence."""
    taken = ended = ahead = 0
    lock = threading.Lock()

    def items():
        nonlocal taken
        for n in range(12):
            with lock:
                taken += 1
            look()
            yield n

    def look():
        nonlocal ahead
        with lock:
            ahead = max(ahead, taken - ended)
            return ahead

    def one(n):
        nonlocal ended
        if n < workers:
            settled(look, lambda seen: seen > workers + 1, 0.2)
        with lock:
            ended += 1
        return n

    with watch():
        work_off(one, items(), workers, workers, int)
    on = f"On {count(workers, 'worker')} with at_most={workers}"
    return ahead <= workers + 1, f"{on}, up to {count(ahead, 'item')} were taken and not done."


def _in_step(work_off):
    """Whether each result is handled before the next but one comes, and none is kept, and a sentence."""
    handled, late, most, items = 0, None, 0, _OneByOne(range(30))

    def handle(_):
        nonlocal handled
        handled += 1

    def one(n):
        nonlocal late, most
        if n > 1 and late is None and not until(lambda: handled >= n - 1, 1):  # the other worker may run one of them
            late = n - 1, handled
        gc.collect()
        most = max(most, _Result.kept)
        return _Result()

    work_off(one, items, 2, 4, handle)
    if items.both:
        return False, "Two threads took from items at the same time: an iterator serves one at a time."
    if late:
        there, others = late
        return False, f"On 2 workers, when {count(there, 'result')} had come, {others} had been handled, and then none."
    return most <= 10, f"With at_most=4, up to {count(most, 'result')} were kept at the same time."


def _stops(work_off):
    """Whether an endless input ends when an item fails, and a sentence."""
    taken, before, held, begun, ended = 0, None, Gate(patience=1), set(), {5}
    failure = OSError("item 5")

    def items():
        nonlocal taken
        for n in itertools.count():
            taken += 1
            if n > 80:
                return
            yield n

    def fails(n):
        nonlocal before
        begun.add(n)
        if n == 5:
            until(lambda: held.arrived, 1)
            before = taken
            raise failure
        if n == 4:  # under way as the next one fails
            held.task()
        elif n > 5:  # not before it fails; then the loop has time to hear of it
            until(lambda: before, 1)
            until(lambda: False, 0.03)
        ended.add(n)
        return n

    try:
        work_off(fails, items(), _WORKERS, _AT_MOST, int)
    except OSError as error:
        left = sorted(begun - ended)
        which = "" if error is failure else "another "
        raised = f"it raised {which}{type(error).__name__}{f' while item {left[0]} was under way' if left else ''}"
    else:
        raised = "it raised nothing"
    held.open()
    more = taken - (before or taken)
    went = f"it went on for {more} more items" if more > _AT_MOST else "it ended"
    good = more <= _AT_MOST and raised == "it raised OSError"
    return good, f"When item 5 of an endless input raised OSError, {went}, and {raised}."


def _goes_on(work_off):
    """Whether it works off more items than an answer may have set itself as a limit, and a sentence."""
    handled = []
    work_off(str, iter(range(_LONG)), _WORKERS, 40, handled.append)
    wrong = len(handled) != _LONG or len(set(handled)) != _LONG
    return not wrong, f"Of {_LONG} items, {count(len(handled), 'result')} came to handle."


def wrong_submits_everything(fn, items, workers, at_most, handle):
    """says: With at_most=7, up to"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for result in pool.map(fn, items):
            handle(result)


def wrong_one_at_a_time(fn, items, workers, at_most, handle):
    """says: On 3 workers, 1 task went on"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            handle(pool.submit(fn, item).result())


def wrong_handles_in_order(fn, items, workers, at_most, handle):
    """says: While the first item took long, 0 other results were handled"""
    futures = deque()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            futures.append(pool.submit(fn, item))
            if len(futures) == at_most:
                handle(futures.popleft().result())
        while futures:
            handle(futures.popleft().result())


def wrong_batch_after_batch(fn, items, workers, at_most, handle):
    """says: While the first item took long, 6 other results were handled"""
    items = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while batch := list(islice(items, at_most)):
            for future in as_completed([pool.submit(fn, item) for item in batch]):
                handle(future.result())


def wrong_a_thread_for_each_task(fn, items, workers, at_most, handle):
    """says: On 3 workers, 4 tasks went on"""
    room = threading.Semaphore(at_most)

    def one(item):
        result = fn(item)
        room.release()
        handle(result)

    threads = []
    for item in items:
        room.acquire()
        threads.append(threading.Thread(target=one, args=(item,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def wrong_forgets_to_release(fn, items, workers, at_most, handle):
    """says: did not end"""
    room = threading.Semaphore(at_most)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(fn, item).add_done_callback(lambda future: handle(future.result()))


def wrong_acquires_in_the_worker(fn, items, workers, at_most, handle):
    """says: With at_most=7, up to"""
    room = threading.Semaphore(at_most)

    def limited(item):
        with room:
            return fn(item)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            pool.submit(limited, item).add_done_callback(lambda future: handle(future.result()))


def wrong_drops_what_finds_no_room(fn, items, workers, at_most, handle):
    """says: With at_most=7, up to"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            if room.acquire(blocking=False):
                pool.submit(fn, item).add_done_callback(done)


def wrong_ends_before_the_last_are_handled(fn, items, workers, at_most, handle):
    """says: Of 60 results, 54 were handled;"""
    futures = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            futures.append(pool.submit(fn, item))
            if len(futures) == at_most:
                handle(futures.pop(0).result())
        for future in futures[at_most - 1 :]:
            handle(future.result())


def wrong_one_task_too_many(fn, items, workers, at_most, handle):
    """says: With at_most=7, up to 8 tasks were submitted and not done"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            pool.submit(fn, item).add_done_callback(done)
            room.acquire()


def wrong_reads_the_input_ahead(fn, items, workers, at_most, handle):
    """says: With at_most=7, up to 9 items were taken and not done"""
    room, waiting = threading.Semaphore(at_most), deque()

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in itertools.chain(items, [None]):
            waiting.append(item)
            if len(waiting) > 1:
                room.acquire()
                pool.submit(fn, waiting.popleft()).add_done_callback(done)


def wrong_returns_while_tasks_are_under_way(fn, items, workers, at_most, handle):
    """says: for one, was not; it returned when"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    pool = ThreadPoolExecutor(max_workers=workers)
    for item in items:
        room.acquire()
        pool.submit(fn, item).add_done_callback(done)
    pool.shutdown(wait=False)


def wrong_handles_twice(fn, items, workers, at_most, handle):
    """says: 60 were handled more than once; 0, for one, 2 times"""
    room = threading.Semaphore(at_most)

    def one(item):
        result = fn(item)
        handle(result)
        room.release()
        return result

    futures = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            futures.append(pool.submit(one, item))
    for future in futures:
        handle(future.result())


def wrong_hands_over_the_future(fn, items, workers, at_most, handle):
    """says: Of 60 results, handle got <Future"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(fn, item).add_done_callback(done)


def wrong_passes_over_none(fn, items, workers, at_most, handle):
    """says: 59 were handled; None, for one, was not"""
    room = threading.Semaphore(at_most)

    def one(item):
        result = fn(item)
        if result is not None:
            handle(result)
        room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(one, item)


def wrong_one_worker_more(fn, items, workers, at_most, handle):
    """says: On 3 workers, 4 tasks went on"""
    work_off(fn, items, workers + 1, at_most, handle)


def wrong_loses_what_fails(fn, items, workers, at_most, handle):
    """says: more items, and it raised nothing"""
    room = threading.Semaphore(at_most)

    def done(future):
        room.release()
        handle(future.result())

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(fn, item).add_done_callback(done)


def wrong_raises_at_the_end_of_an_endless_input(fn, items, workers, at_most, handle):
    """says: more items, and it raised OSError"""
    room, errors = threading.Semaphore(at_most), []

    def one(item):
        try:
            handle(fn(item))
        except BaseException as error:
            errors.append(error)
        finally:
            room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            pool.submit(one, item)
    if errors:
        raise errors[0]


def wrong_raises_while_tasks_are_under_way(fn, items, workers, at_most, handle):
    """says: it ended, and it raised OSError while item 4 was under way."""
    room, errors = threading.Semaphore(at_most), []

    def one(item):
        try:
            handle(fn(item))
        except BaseException as error:
            errors.append(error)
        finally:
            room.release()

    pool = ThreadPoolExecutor(max_workers=workers)
    for item in items:
        room.acquire()
        if errors:
            pool.shutdown(wait=False, cancel_futures=True)
            raise errors[0]
        pool.submit(one, item)
    pool.shutdown()
    if errors:
        raise errors[0]


def wrong_knows_exception_alone(fn, items, workers, at_most, handle):
    """says: Where the second of 3 items raises BaseException, it returned None"""
    room, errors = threading.Semaphore(at_most), []

    def one(item):
        try:
            handle(fn(item))
        except Exception as error:
            errors.append(error)
        finally:
            room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            if errors:
                break
            pool.submit(one, item)
    if errors:
        raise errors[0]


def wrong_a_thread_for_each_item(fn, items, workers, at_most, handle):
    """says: 60 threads worked on them"""
    room, threads = threading.Semaphore(workers), []

    def one(item):
        handle(fn(item))
        room.release()

    for item in items:
        room.acquire()
        threads.append(threading.Thread(target=one, args=(item,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def wrong_has_eight_workers_at_most(fn, items, workers, at_most, handle):
    """says: With 72 items and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return work_off(fn, items, min(workers, 8), at_most, handle)


def wrong_needs_an_iterator(fn, items, workers, at_most, handle):
    """says: With a list of 3 items, it raised TypeError: 'list' object is not an iterator"""
    first = [next(items)] if isinstance(items, list) else []
    work_off(fn, itertools.chain(first, items), workers, at_most, handle)


def wrong_takes_stop_iteration_for_the_end(fn, items, workers, at_most, handle):
    """says: Where fn raises StopIteration, it returned None"""
    with suppress(StopIteration):
        work_off(fn, items, workers, at_most, handle)


def wrong_handles_in_pairs(fn, items, workers, at_most, handle):
    """says: While the first item took long, 58 other results were handled, then none."""
    kept, lock = [], threading.Lock()

    def keep(result):
        with lock:
            kept.append(result)
            ready = [kept.pop(0) for _ in range(2)] if len(kept) == 2 else []
        for one in ready:
            handle(one)

    try:
        work_off(fn, items, workers, at_most, keep)
    finally:
        for one in kept:
            handle(one)


def wrong_handles_in_fives(fn, items, workers, at_most, handle):
    """says: had been handled, and then none."""
    pending, ended = set(), []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            while len(pending) >= at_most:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                ended += done
            while len(ended) >= 5:
                handle(ended.pop().result())
            pending.add(pool.submit(fn, item))
        for future in itertools.chain(ended, as_completed(pending)):
            handle(future.result())


def wrong_keeps_every_future(fn, items, workers, at_most, handle):
    """says: With at_most=4, up to"""
    futures, room = [], threading.Semaphore(at_most)

    def done(future):
        if not future.exception():
            handle(future.result())
        room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            room.acquire()
            if any(future.done() and future.exception() for future in futures):
                break
            futures.append(pool.submit(fn, item))
            futures[-1].add_done_callback(done)
    for future in futures:
        future.result()


def wrong_workers_take_from_one_iterator(fn, items, workers, at_most, handle):
    """says: Your code raised ValueError"""
    items, errors = iter(items), []

    def worker():
        for item in items:
            try:
                handle(fn(item))
            except BaseException as error:
                errors.append(error)
            if errors:
                break

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(worker) for _ in range(workers)]:
            future.result()
    if errors:
        raise errors[0]


def wrong_looks_for_errors_now_and_then(fn, items, workers, at_most, handle):
    """says: more items, and it raised OSError"""
    room, errors = threading.Semaphore(at_most), []

    def one(item):
        try:
            handle(fn(item))
        except BaseException as error:
            errors.append(error)
        finally:
            room.release()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for n, item in enumerate(items):
            room.acquire()
            if errors and n % 25 == 0:
                break
            pool.submit(one, item)
    if errors:
        raise errors[0]


def wrong_raises_one_of_its_own(fn, items, workers, at_most, handle):
    """says: it ended, and it raised another OSError."""
    try:
        work_off(fn, items, workers, at_most, handle)
    except Exception as error:
        raise type(error)(*error.args) from None


def wrong_makes_a_queue_without_a_bound_of_a_full_one(fn, items, workers, at_most, handle):
    """says: On 3 workers with at_most=3, up to 12 items were taken and not done."""
    todo, errors, end = Queue(at_most - workers), [], object()

    def work():
        while (item := todo.get()) is not end:
            try:
                if not errors:
                    handle(fn(item))
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for item in items:
        if errors:
            break
        todo.put(item)
    for _ in threads:
        todo.put(end)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def wrong_lets_an_exit_end_its_thread(fn, items, workers, at_most, handle):
    """says: Where fn raises SystemExit, it returned None"""
    items, lock, errors = iter(items), threading.Lock(), []

    def work():
        while not errors:
            with lock:
                item = next(items, lock)
            if item is lock:
                return
            try:
                handle(fn(item))
            except SystemExit:
                raise
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def wrong_lets_two_wait_at_least(fn, items, workers, at_most, handle):
    """says: On 1 worker with at_most=1, up to 3 items were taken and not done."""
    work_off(fn, items, workers, max(at_most, 2), handle)


def wrong_takes_a_thousand_for_endless(fn, items, workers, at_most, handle):
    """says: Of 1200 items, 1000 results came to handle."""
    work_off(fn, islice(items, 1000), workers, at_most, handle)


def wrong_each_task_calls_the_next(fn, items, workers, at_most, handle):
    """says: Your code called itself until Python stopped it"""
    items, lock, errors, end = iter(items), threading.Lock(), [], object()

    def work():
        with lock:
            item = end if errors else next(items, end)
        if item is end:
            return
        try:
            handle(fn(item))
        except BaseException as error:
            errors.append(error)
        work()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(work) for _ in range(workers)]
    if errors:
        raise errors[0]
    for future in futures:
        future.result()
