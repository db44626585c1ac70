"""Count down to "all done"

Write `when_all_done(futures, fn)`. It returns at once, and `fn()` is called exactly once: when every Future
of the list `futures` is done, whether it returned, raised or was cancelled.

Some of them may be done already, all of them may, several may end at the same moment in different threads,
and the list may be empty: then all are done, and `fn()` is called at once.
"""

import logging
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

from exercises.kit import Gate, Inputs, Signal, Standing, count, interleavings, until, watch

LIMIT = 9  # seconds for the whole check


def when_all_done(futures, fn):
    left = len(futures) + 1  # one more than there are: the last line of this function takes it away
    lock = threading.Lock()

    def count_down(future=None):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    count_down()


INPUTS = Inputs(lambda given: (given.futures, given.note), view=lambda result: None)
EQUAL = {"over = left == 0  ->  over = left <= 0": "nobody counts below 0: there are as many callbacks as were counted"}

HINTS = [
    "Every Future calls back exactly once, whatever became of it. What must be counted, and who may call fn?",
    "Set the count before the first callback is added: a Future that is done calls back at once, inside "
    "`add_done_callback`.",
    "Two callbacks may run in two threads. Take one off the count and look whether it was the last under "
    "one lock, and call fn from what you saw there.",
    "For the empty list, begin with `len(futures) + 1` and take the last one off yourself, after the loop.",
]


class _Calls:
    """What fn is: counts its calls. It takes no argument; `given` is set by a call with one."""

    def __init__(self):
        self.count, self.lock, self.called = 0, threading.Lock(), Signal()
        self.given = False

    def __call__(self, *given):
        with self.lock:
            self.count += 1
            self.given = self.given or bool(given)
        self.called.set()

    def soon(self):
        """How often it was called, by a thread of the answer's own too."""
        self.called.wait(0.1)
        return self.count

    def wait(self):
        self.called.wait(2)  # an answer may have a thread of its own that calls
        return self.count


def check(when_all_done):
    for ok, says in _scenes(when_all_done):
        yield ok, says
        if not ok:
            return


def _scenes(when_all_done):
    calls = _Calls()
    with ThreadPoolExecutor(2) as pool, watch(pool), Gate() as gate:
        futures = [pool.submit(gate.task) for _ in range(3)]
        with Standing() as stood:
            stood.thread = threading.get_ident()
            when_all_done(futures, calls)
        waited = gate.gave_up
    when = "only when the tasks had ended" if waited else "while the tasks still ran"
    when = f"after it had stood still in {stood.calls[0]}()" if stood.calls and not waited else when
    yield not waited and not stood.calls, f"It returned {when}."

    calls, futures = _Calls(), [Future(), Future(), Future()]
    when_all_done(futures, calls)
    futures[0].cancel()
    futures[0].set_running_or_notify_cancel()  # as a worker does, for those who wait
    futures[2].set_exception(ValueError("this task failed"))
    early = calls.soon()
    futures[1].set_result("done last")
    called = calls.wait()
    yield early == 0 and called == 1, _once("One was cancelled, one raised, one returned", early, called)
    if calls.given:
        yield False, "fn was called with an argument. It takes none: fn()."
        return

    calls, futures = _Calls(), [Future(), Future(), Future()]
    futures[0].set_result("done before")
    when_all_done(futures, calls)
    futures[2].set_result("the last of the list, not the last to end")
    early = calls.soon()
    futures[1].set_result("done last")
    called = calls.wait()
    case = "One was done before, the last of the list ended second"
    yield early == 0 and called == 1, _once(case, early, called)

    calls, futures = _Calls(), [Future(), Future(), Future()]
    for future in futures:
        future.set_result("done before")
    when_all_done(futures, calls)
    called = calls.wait()
    yield called == 1, _once("All three were done before", 0, called)

    for size in range(1, 5):
        calls, futures = _Calls(), [Future() for _ in range(size)]
        when_all_done(futures, calls)
        for future in futures[1:]:
            future.set_result("done before the first")
        early = calls.soon()
        futures[0].set_result("done last")
        called = calls.wait()
        yield early == 0 and called == 1, _once(f"Of {count(size, 'Future')}, the first ended last", early, called)

    for twice, once in ((0, 1), (1, 0)):  # which of them ends first
        calls, pair = _Calls(), (Future(), Future())
        when_all_done([pair[twice], pair[once], pair[twice]], calls)
        pair[0].set_result("done")
        early = calls.soon()
        pair[1].set_result("done last")
        called = calls.wait()
        until(lambda calls=calls: calls.count > 1, 0.1)
        yield early == 0 and calls.count == 1, _once("One of them stood twice in the list", early, calls.count)

    each, futures = [_Calls() for _ in range(40)], [Future() for _ in range(40)]
    for future, calls in zip(futures, each, strict=True):
        when_all_done([future], calls)
    futures[-1].set_result("done")
    called, early = each[-1].wait(), sum(calls.count for calls in each[:-1])
    yield early == 0 and called == 1, _once("40 calls at a time, the last is done: for it,", early, called)
    for future in futures[:-1]:
        future.set_result("done")
    called = next((called for calls in each if (called := calls.wait()) != 1), 1)
    yield called == 1, _once("40 calls at a time, all are done: for one of them,", 0, called)

    calls = _Calls()
    when_all_done([], calls)
    called = calls.wait()
    yield called == 1, _once("The list was empty", 0, called)

    for words, lists in (("For two lists", 2), ("The same list twice", 1)):
        calls = _Calls()
        each = [[_done(), _done()] for _ in range(lists)]
        for futures in each * (3 - lists):
            when_all_done(futures, calls)
        twice = until(lambda calls=calls: calls.count > 1)
        called = _times(calls.count)
        yield (
            twice and calls.count == 2,
            f"{words}, with the same fn, called one after the other: fn was called {called}.",
        )

    calls, (one, other) = _Calls(), (Future(), Future())
    when_all_done([one], calls)
    when_all_done([other], calls)
    one.set_result("done")
    early = calls.wait()
    other.set_result("done last")
    until(lambda: calls.count > 1)
    called = f"{_times(early)} when the first was done, then {_times(calls.count - early)}"
    yield early == 1 and calls.count == 2, f"For two lists at a time, with the same fn: fn was called {called}."

    inner = _Calls()
    when_all_done([_done()], lambda: when_all_done([_done()], inner))
    called = inner.wait()
    yield called == 1, f"fn itself called when_all_done with another function, which was called {_times(called)}."

    calls = _Calls()

    def fails():
        calls()
        raise ValueError("fn failed")

    future = Future()
    with _silent(), suppress(ValueError):  # a callback's error is only logged
        when_all_done([future], fails)
        future.set_result("done")
        called = calls.wait()
        until(lambda: calls.count > 1, 0.1)
    yield calls.count == 1, _once("fn itself raised", 0, calls.count)

    calls, future = _Calls(), Future()
    with _silent():
        when_all_done([*[_done() for _ in range(500)], future], calls)
        early = calls.soon()
        future.set_result("done last")
        called = calls.wait()
    yield early == 0 and called == 1, _once("500 were done before", early, called)

    for counts, case in (
        (_ended_meanwhile(when_all_done), "One ended while when_all_done began"),
        (_interleaved(when_all_done, False), "Two ended at the same moment"),
        (_interleaved(when_all_done, True), "Two ended at the same moment"),
    ):
        worst = next((called for called in counts if called != 1), 1)
        yield worst == 1, _once(f"{case}, tried in {count(len(counts), 'way')}", 0, worst)
        if worst != 1:
            return

    calls, future = _Calls(), Future()
    when_all_done([future], calls)
    early = until(lambda: calls.count, 1)
    future.set_result("done last")
    called = calls.wait()
    yield early == 0 and called == 1, _once("One ended long after the call", early, called)


def _once(case, early, called):
    if called == 0:
        return f"{case}{'' if case[-1] == ',' else ':'} fn was never called."
    return f"{case}{'' if case[-1] == ',' else ':'} fn was called {'too early' if early else _times(called)}."


def _times(called):
    return {0: "never", 1: "once", 2: "twice"}.get(called, f"{called} times")


def _done():
    future = Future()
    future.set_result("done before")
    return future


@contextmanager
def _silent():
    """Without a log of what callbacks raise, nor of what ends a thread of the answer's."""
    logger, hook = logging.getLogger("concurrent.futures"), threading.excepthook
    logger.disabled, threading.excepthook = True, lambda _: None
    try:
        yield
    finally:
        logger.disabled, threading.excepthook = False, hook


def _ended_meanwhile(when_all_done):
    """How often fn is called if the caller is held before its 1st, 2nd … line, while the last Future ends."""
    counts = []
    for hold in interleavings(patience=0.2):
        calls, future = _Calls(), Future()
        thread = threading.Thread(target=lambda hold=hold, future=future: (hold.turn.wait(2), _other(hold, future)))
        thread.start()
        with hold:
            when_all_done([_done(), future], calls)
        thread.join()
        counts.append(calls.wait())
    return counts


def _interleaved(when_all_done, writes):
    """How often fn is called if one callback is held before its 1st, 2nd … line (write), while the other runs."""
    counts = []
    for hold in interleavings(writes=writes):
        calls, (first, second) = _Calls(), (Future(), Future())
        both = Gate(2)  # no callback of the answer runs before both Futures are done
        first.add_done_callback(both.task)
        second.add_done_callback(both.task)
        second.add_done_callback(lambda _, hold=hold: hold.turn.wait(2))
        when_all_done([first, second], calls)
        threads = [threading.Thread(target=run, args=(hold, end)) for run, end in ((_held, first), (_other, second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts.append(calls.wait())
    return counts


def _held(hold, future):
    with hold:
        future.set_result(None)


def _other(hold, future):
    future.set_result(None)
    hold.over.set()


def wrong_waits_for_them(futures, fn):
    """says: It returned only when the tasks had ended"""
    wait(futures)
    fn()


def wrong_asks_the_last_one(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was called too early"""
    if futures:
        futures[-1].add_done_callback(lambda future: fn())
    else:
        fn()


def wrong_waits_for_success(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was never called"""
    left = len(futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        future.result()
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_counts_while_it_adds(futures, fn):
    """says: One was done before, the last of the list ended second: fn was called too early"""
    left = 0
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        with lock:
            left += 1
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_asks_all_in_each(futures, fn):
    """says: All three were done before: fn was called 3 times"""

    def ask(future):
        if all(future.done() for future in futures):
            fn()

    for future in futures:
        future.add_done_callback(ask)
    if not futures:
        fn()


def wrong_adds_under_the_lock(futures, fn):
    """says: your code waited for something that never came"""
    left = len(futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    with lock:
        for future in futures:
            future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_hands_the_future_on(futures, fn):
    """says: fn was called with an argument"""
    left = len(futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn(future)

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_forgets_the_empty_list(futures, fn):
    """says: The list was empty: fn was never called"""
    left = len(futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)


def wrong_has_no_lock(futures, fn):
    """says: fn was called twice"""
    left = len(futures)

    def count_down(future):
        nonlocal left
        left -= 1
        if left == 0:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_looks_outside_the_lock(futures, fn):
    """says: fn was called twice"""
    left = len(futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
        if left == 0:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_one_too_early(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was called too early"""
    left = max(1, len(futures) - 1)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_counts_different_ones(futures, fn):
    """says: One of them stood twice in the list: fn was called too early"""
    left = len(set(futures)) + 1
    lock = threading.Lock()

    def count_down(future=None):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    count_down()


_left, _left_lock = [0], threading.Lock()


def wrong_one_count_for_all_calls(futures, fn):
    """says: 40 calls at a time, the last is done: for it, fn was never called"""
    with _left_lock:
        _left[0] += len(futures)

    def count_down(future):
        with _left_lock:
            _left[0] -= 1
            over = _left[0] == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    if not futures:
        fn()


def wrong_waits_for_the_first_error_in_a_thread(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was called too early."""
    threading.Thread(target=lambda: (wait(futures, return_when=FIRST_EXCEPTION), fn()), daemon=True).start()


def wrong_asks_the_last_in_a_thread(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was called too early."""
    threading.Thread(target=lambda: ([wait([future]) for future in futures[-1:]], fn()), daemon=True).start()


_called = set()


def wrong_calls_each_function_once(futures, fn):
    """says: For two lists, with the same fn, called one after the other: fn was called once"""

    def call():
        if fn not in _called:
            _called.add(fn)
            fn()

    when_all_done(futures, call)


_seen = set()


def wrong_knows_a_list_that_it_had(futures, fn):
    """says: The same list twice, with the same fn, called one after the other: fn was called once"""
    if not futures or tuple(futures) not in _seen:
        _seen.add(tuple(futures))
        when_all_done(futures, fn)


_one_lock = threading.Lock()


def wrong_calls_under_a_lock_of_all(futures, fn):
    """says: your code waited for something that never came"""
    left = len(futures) + 1

    def count_down(future=None):
        nonlocal left
        with _one_lock:
            left -= 1
            if left == 0:
                fn()

    for future in futures:
        future.add_done_callback(count_down)
    count_down()


def wrong_calls_again_where_fn_raised(futures, fn):
    """says: fn itself raised: fn was called twice"""

    def call():
        try:
            fn()
        except Exception:
            fn()

    when_all_done(futures, call)


def wrong_goes_from_one_to_the_next(futures, fn):
    """says: 500 were done before: fn was never called"""

    def go_on(n):
        if n == len(futures):
            fn()
        else:
            futures[n].add_done_callback(lambda _: go_on(n + 1))

    go_on(0)


def wrong_waits_a_moment_first(futures, fn):
    """says: It returned after it had stood still in wait()."""
    wait(futures, timeout=0.2)
    when_all_done(futures, fn)


def wrong_keeps_a_set_of_those_to_come(futures, fn):
    """says: One of them stood twice in the list: fn was called twice"""
    left, lock = set(futures), threading.Lock()

    def ended(future):
        with lock:
            left.discard(future)
            over = not left
        if over:
            fn()

    for future in futures:
        future.add_done_callback(ended)
    if not futures:
        fn()


def wrong_ends_at_a_cancelled_one(futures, fn):
    """says: One was cancelled, one raised, one returned: fn was called too early"""

    def run():
        for future in futures:
            wait([future])
            if future.cancelled():
                break
        fn()

    threading.Thread(target=run, daemon=True).start()


_waiters = []


def wrong_has_four_threads_that_wait(futures, fn):
    """says: 40 calls at a time, the last is done: for it, fn was never called"""
    if not _waiters:
        _waiters.append(ThreadPoolExecutor(4))
    _waiters[0].submit(lambda: (wait(futures), fn()))


_counts, _counts_lock = {}, threading.Lock()


def wrong_counts_by_function(futures, fn):
    """says: For two lists at a time, with the same fn: fn was called"""
    with _counts_lock:
        _counts[fn] = len(futures) + 1

    def count_down(future=None):
        with _counts_lock:
            _counts[fn] -= 1
            over = _counts[fn] == 0
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    count_down()


def wrong_looks_at_a_hundred(futures, fn):
    """says: 500 were done before: fn was called too early"""
    when_all_done(futures[:100], fn)


def wrong_looks_twice_which_are_done(futures, fn):
    """says: One ended while when_all_done began, tried in"""
    left = sum(not future.done() for future in futures)
    lock = threading.Lock()

    def count_down(future):
        nonlocal left
        with lock:
            left -= 1
            over = left == 0
        if over:
            fn()

    if not left:
        fn()
    for future in futures:
        if not future.done():
            future.add_done_callback(count_down)


def wrong_locks_the_look_alone(futures, fn):
    """says: Two ended at the same moment, tried in"""
    left, called, lock = len(futures) + 1, False, threading.Lock()

    def count_down(future=None):
        nonlocal left, called
        left -= 1
        with lock:
            over = left == 0 and not called
            called = called or over
        if over:
            fn()

    for future in futures:
        future.add_done_callback(count_down)
    count_down()


def wrong_waits_half_a_second_at_most(futures, fn):
    """says: One ended long after the call: fn was called too early"""
    threading.Thread(target=lambda: (wait(futures, timeout=0.5), fn()), daemon=True).start()
