"""Collect results and failures

Some tasks fail, some are cancelled, and one failure must not cost you the other results. Write
`settle(futures)`. It waits for every Future of the list `futures` and returns a list with one pair for
each, in the same order:

- `("returned", value)` where the task returned a value, whatever the value is;
- `("raised", exception)` where it raised an exception, whatever the exception is;
- `("cancelled", None)` where it was cancelled, before the call or while you wait for it.
"""

import copy
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed

from exercises.kit import Gate, Inputs, count, hurried, shown, watch

LIMIT = 9  # seconds for the whole check


def settle(futures):
    pairs = []
    for future in futures:
        try:
            error = future.exception()
        except CancelledError:
            pairs.append(("cancelled", None))
        else:
            pairs.append(("raised", error) if error is not None else ("returned", future.result()))
    return pairs


def _twice(given):
    future = Future()
    future.set_result(7)
    return ([future, future],)


INPUTS = Inputs(lambda given: (given.futures,), also={"With one Future that stands twice in the list": _twice})

_PAIR = "pairs.append(('raised', error) if error{} else ('returned', future.result()))"
EQUAL = {
    "except CancelledError:  ->  except BaseException:": "exception() raises nothing else without a timeout",
    f"{_PAIR.format(' is not None')}  ->  {_PAIR.format('')}": "result() itself asks whether the error is true",
}

HINTS = [
    "Three things can become of a Future, and `result()` shows two of them as exceptions. How do you tell"
    " the three apart?",
    "`exception()` waits, and returns the error or None. On a cancelled Future it raises CancelledError. What "
    "`cancelled()` says may be out of date by the next line.",
    "`sys.exit()` in a task raises SystemExit, which is no Exception: `except Exception` lets it through to you.",
    "For each future: `try: error = future.exception()`, `except CancelledError:` append `('cancelled', "
    "None)`, `else:` append one of the two other pairs; ask `error is not None`.",
]

_VALUE_ERROR, _EXIT, _RETURNED = ValueError("no such page"), SystemExit(3), KeyError("a value, not a failure")


def _raise(error):
    raise error


def check(settle):
    slow = Gate()  # opens when nobody has come for a second: the first task is the last to end
    with ThreadPoolExecutor(2) as pool, watch(pool), Gate() as gate:
        futures = [pool.submit(slow.task, "slow"), pool.submit(gate.task, "page")]
        futures += [pool.submit(_raise, _VALUE_ERROR), pool.submit(str, "never"), pool.submit(lambda: None)]
        futures += [pool.submit(lambda: _RETURNED), pool.submit(_raise, _EXIT), pool.submit(str, "last")]
        futures[3].cancel()
        gate.open()
        try:
            with hurried():
                pairs = settle(futures)
        except SystemExit:
            yield False, "The SystemExit of a task came out of settle(): it ends the program there."
            return

    fits = isinstance(pairs, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)
    fits = fits and len(pairs) == len(_TASKS)
    yield fits, f"For {len(_TASKS)} Futures it returned {_listed(pairs)}."
    if not fits:
        return
    wanted = [("returned", "slow"), ("returned", "page"), ("raised", _VALUE_ERROR), ("cancelled", None)]
    wanted += [("returned", None), ("returned", _RETURNED), ("raised", _EXIT), ("returned", "last")]
    given, right = list(map(repr, pairs)), list(map(repr, wanted))
    if given != right and sorted(given) == sorted(right):
        yield False, f"The pairs came in another order than the Futures, first {pairs[0]}."
        return
    for n, what in enumerate(_TASKS):
        yield _same(pairs[n], wanted[n]), f"For {what} it gave {shown(pairs[n])}{_another(pairs[n], wanted[n])}."
    if not all(map(_same, pairs, wanted)):
        return

    try:
        pairs = settle([_CancelledMeanwhile()])
    except CancelledError:
        yield False, "A task was cancelled while settle() waited for it, and its CancelledError came out of settle()."
    else:
        yield pairs == [("cancelled", None)], f"For a task cancelled in the meantime it gave {shown(pairs)}."


class _CancelledMeanwhile(Future):
    """A Future that another thread cancels when somebody waits for it, or after a second."""

    def __init__(self):
        super().__init__()
        self.waited_for = Gate()
        threading.Thread(target=self._end).start()

    def _end(self):
        self.waited_for.task()
        self.cancel()
        self.set_running_or_notify_cancel()  # as a worker does, for those who wait

    def result(self, timeout=None):
        self.waited_for.open()
        return super().result(timeout)

    def exception(self, timeout=None):
        self.waited_for.open()
        return super().exception(timeout)


_TASKS = (
    "a slow task", "a task that returns 'page'", "a task that raises ValueError", "a cancelled task",
    "a task that returns None", "a task that returns a KeyError object", "a task that calls sys.exit(3)",
    "the last task",
)  # fmt: skip


def _listed(pairs):
    fits = isinstance(pairs, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)
    return f"a list of {count(len(pairs), 'pair')}" if fits else f"{shown(pairs)}, not a list of tuples of two"


def _same(given, wanted):
    if wanted[0] == "returned":
        return given == wanted
    return given[0] == wanted[0] and given[1] is wanted[1]


def _another(given, wanted):
    alike = not _same(given, wanted) and given[0] == wanted[0] and repr(given[1]) == repr(wanted[1])
    return f", which looks like what the task {wanted[0]} and is another object" if alike else ""


def wrong_stops_at_the_first_failure(futures):
    """says: Your code raised ValueError: no such page"""
    return [("cancelled", None) if f.cancelled() else ("returned", f.result()) for f in futures]


def wrong_asks_a_cancelled_one(futures):
    """says: Your code raised CancelledError"""
    pairs = []
    for future in futures:
        error = future.exception()
        pairs.append(("raised", error) if error is not None else ("returned", future.result()))
    return pairs


def wrong_catches_exception_alone(futures):
    """says: The SystemExit of a task came out of settle()"""
    pairs = []
    for future in futures:
        try:
            pairs.append(("returned", future.result()))
        except CancelledError:
            pairs.append(("cancelled", None))
        except Exception as error:
            pairs.append(("raised", error))
    return pairs


def wrong_asks_cancelled_before_it_waits(futures):
    """says: cancelled while settle() waited for it, and its CancelledError came out"""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(("cancelled", None))
        elif (error := future.exception()) is not None:
            pairs.append(("raised", error))
        else:
            pairs.append(("returned", future.result()))
    return pairs


def wrong_calls_a_cancel_a_failure(futures):
    """says: For a cancelled task it gave ('raised', CancelledError())"""
    pairs = []
    for future in futures:
        try:
            pairs.append(("returned", future.result()))
        except BaseException as error:
            pairs.append(("raised", error))
    return pairs


def wrong_takes_none_for_a_failure(futures):
    """says: For a task that returns None it gave ('raised', None)"""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(("cancelled", None))
            continue
        error = future.exception()
        value = None if error else future.result()
        pairs.append(("returned", value) if value else ("raised", error))
    return pairs


def wrong_takes_an_exception_object_for_a_failure(futures):
    """says: For a task that returns a KeyError object it gave ('raised', KeyError("""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(("cancelled", None))
            continue
        answer = future.exception() or future.result()
        pairs.append(("raised", answer) if isinstance(answer, BaseException) else ("returned", answer))
    return pairs


def wrong_order_of_completion(futures):
    """says: The pairs came in another order than the Futures"""
    pairs = []
    for future in as_completed(futures):
        if future.cancelled():
            pairs.append(("cancelled", None))
        else:
            error = future.exception()
            pairs.append(("raised", error) if error is not None else ("returned", future.result()))
    return pairs


def wrong_gives_lists_for_pairs(futures):
    """says: not a list of tuples of two"""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(["cancelled", None])
        else:
            error = future.exception()
            pairs.append(["raised", error] if error is not None else ["returned", future.result()])
    return pairs


def wrong_skips_what_is_not_done(futures):
    """says: For 8 Futures it returned a list of"""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(("cancelled", None))
        elif future.done():
            error = future.exception()
            pairs.append(("raised", error) if error is not None else ("returned", future.result()))
    return pairs


def wrong_leaves_a_late_cancel_out(futures):
    """says: For a task cancelled in the meantime it gave []"""
    pairs = []
    for future in futures:
        if future.cancelled():
            pairs.append(("cancelled", None))
            continue
        try:
            error = future.exception()
        except CancelledError:
            continue
        pairs.append(("raised", error) if error is not None else ("returned", future.result()))
    return pairs


def wrong_knows_a_future_once(futures):
    """says: With one Future that stands twice in the list, it returned [('returned', 7)], not"""
    return list({future: settle([future])[0] for future in futures}.values())


def wrong_makes_the_error_again(futures):
    """says: which looks like what the task raised and is another object"""
    return [(how, type(what)(*what.args)) if how == "raised" else (how, what) for how, what in settle(futures)]


def wrong_takes_a_cancelled_error_for_a_cancel(futures):
    """says: Where the second of 3 futures itself raises CancelledError, it returned"""
    pairs = []
    for future in futures:
        try:
            pairs.append(("returned", future.result()))
        except CancelledError:
            pairs.append(("cancelled", None))
        except BaseException as error:
            pairs.append(("raised", error))
    return pairs


def wrong_copies_what_was_returned(futures):
    """says: which looks like what the task returned and is another object"""
    return [(how, copy.copy(what) if how == "returned" else what) for how, what in settle(futures)]


def wrong_gives_up_after_ten_seconds(futures):
    """says: For a slow task it gave ('raised', TimeoutError())"""
    pairs = []
    for future in futures:
        try:
            pairs.append(("returned", future.result(timeout=10)))
        except BaseException as error:
            pairs.append(("cancelled", None) if future.cancelled() else ("raised", error))
    return pairs
