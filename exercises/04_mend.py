"""Mend the sample

The article wants each result reported as soon as its task ends, without waiting for it. Its code registers
no callback, calls `result()` in the loop, and its callback would add itself again and again:

```python
def test_result(future):
    future.add_done_callback(test_result)

for i in range(0, 10):
    future = pool.submit(test, i)
    print(future.result())
```

Write `start_all(pool, work, inputs, report)`. It submits `work(x)` to `pool` for each `x` of the list
`inputs`, one that stands there twice too, and returns the list of their Futures at once, while the tasks
still run. As each task ends, `report(x, outcome)` is called once, without waiting for other tasks:
`outcome` is what `work` returned, or the exception that it raised, whatever it is. A task may also be
cancelled in the queue: then `outcome` is its CancelledError.
"""

import logging
import queue
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from functools import partial

from exercises.kit import Gate, Inputs, Standing, count, shown, until, watch

LIMIT = 8  # seconds for the whole check


def start_all(pool, work, inputs, report):
    def tell(x, future):
        try:
            outcome = future.result()
        except BaseException as error:
            outcome = error
        report(x, outcome)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        future.add_done_callback(partial(tell, x))
        futures.append(future)
    return futures


INPUTS = Inputs(lambda given: (given.pool(), given.fn, given.items, given.note))

HINTS = [
    "Which line of the sample waits? Which line registers a callback, when does it run, and on which Future "
    "should it act instead?",
    "A callback gets the done Future: its `result()` waits no longer, it returns or raises. What raises "
    "in a callback is only logged, so catch it there.",
    "Each callback needs the x of its own task: `functools.partial(tell, x)`, or a `lambda` with `x=x`. "
    "A bare `lambda` looks x up when it runs, after the loop.",
    "In tell(x, future): `try: outcome = future.result()`, `except BaseException as error: outcome = error` "
    "(`sys.exit()` in a task raises SystemExit, which is no Exception), then `report(x, outcome)`.",
]


class _Log(logging.Handler):
    """Keeps the errors that concurrent.futures logs."""

    def __init__(self):
        super().__init__()
        self.errors = []

    def emit(self, record):
        if record.exc_info:
            self.errors.append(record.exc_info[1])


def check(start_all):
    gate, log, reports = Gate(), _Log(), queue.SimpleQueue()
    threads = []
    slow = Gate(patience=2)  # task 10 stands here until the others are reported
    logger = logging.getLogger("concurrent.futures")
    logger.addHandler(log)
    logger.propagate = False

    def work(x):
        threads.append(threading.current_thread().name)
        gate.task()
        if x == 10:
            slow.task()
        if x == 12:
            raise ValueError("no result for 12")
        return f"result {x}"

    inputs = [10, 11, 12, 13, 14, 15]  # four workers: 14 and 15 wait in the queue
    with ThreadPoolExecutor(4, "given") as pool, watch(pool):
        with Standing() as stood:
            stood.thread = threading.get_ident()
            futures = start_all(pool, work, inputs.copy(), lambda x, outcome: reports.put((x, outcome)))
        waited = gate.gave_up
        when = "only when tasks had ended" if waited else "while all tasks still ran"
        when = f"after it had stood still in {stood.calls[0]}()" if stood.calls and not waited else when
        yield not waited and not stood.calls, f"start_all returned {when}."
        if waited or stood.calls:
            return
        fits = isinstance(futures, list) and [isinstance(f, Future) for f in futures] == [True] * 6
        yield fits, f"It returned {'the list of the six Futures' if fits else shown(futures)}."
        if not fits:
            return
        gate.wait_for(4)
        queued = next((x for x in (15, 14, 13, 11, 10) if futures[inputs.index(x)].cancel()), None)
        gate.open()
        early = _reports(reports, 5)
        slow.open()
        seen = early + _reports(reports, 6 - len(early))
    while not reports.empty():
        seen.append(reports.get())

    yield _once_each([x for x, _ in seen], inputs, queued)
    errors = log.errors.copy()
    if not errors and sorted(x for x, _ in seen) == inputs:
        yield from _right(dict(seen), queued)
        yield len(early) == 5, f"While 10 still ran, {len(early)} of the 5 others were reported."
    if not errors and sorted(x for x, _ in seen) == inputs and len(early) == 5:
        own = [name for name in threads if not name.startswith("given")]
        yield not own, f"The tasks ran in {'other threads than those of ' if own else ''}the pool."
        yield from _many(start_all)
        yield from _report_fails(start_all)
    for error in errors[:1]:
        words = f": {error}" if str(error) else ""
        yield False, f"A callback raised {type(error).__name__}{words}. The pool logged that and went on."


def _many(start_all):
    """Of 120 tasks on one worker the second to begin stands still until the first has been reported, or for a while."""
    first, behind, begun, told = Gate(), Gate(patience=1.5), [], []

    def work(x):
        begun.append(x)
        (first if len(begun) == 1 else behind).task()

    def report(x, outcome):
        told.append(x)
        behind.open()

    with ThreadPoolExecutor(1) as pool:
        futures = start_all(pool, work, list(range(120)), report)
        at_once = not first.gave_up
        first.open()
        wait(futures)
    when = "while the first task still ran" if at_once else "only when the first task had ended"
    yield at_once, f"Of 120 inputs, on one worker, start_all returned {when}."
    late = behind.gave_up
    yield not late, f"The first task was reported {'only after' if late else 'before'} the one behind it."
    until(lambda: len(told) >= 120)
    yield sorted(told) == list(range(120)), f"Of 120 tasks, {len(set(told))} were reported, in {len(told)} reports."


def _report_fails(start_all):
    """What becomes of two tasks, and how often report is called for them, if report itself raises."""
    calls = []

    def report(x, outcome):
        calls.append(outcome)
        raise ValueError("report failed")

    hook, threading.excepthook = threading.excepthook, lambda _: None  # an answer may have a thread of its own
    with ThreadPoolExecutor(1) as pool:
        futures = start_all(pool, str, [1, 2], report)
        until(lambda: len(calls) > 1)
    until(lambda: len(calls) > 2, 0.1)
    threading.excepthook = hook
    yield len(calls) == 2, f"report itself raised; for two tasks it was called {count(len(calls), 'time')}."
    error = futures[0].exception()
    yield error is None, f"report itself raised; the Future of its task {'raised' if error else 'did not raise'} that."


def _reports(reports, most):
    """The next reports, up to so many, if they come within a second of each other."""
    seen = []
    while len(seen) < most and until(lambda: not reports.empty(), 1):
        seen.append(reports.get())
    return seen


def _once_each(seen, inputs, queued):
    never = [x for x in inputs if x not in seen]
    often = [x for x in inputs if seen.count(x) > 1]
    kinds = {12: "12, whose task raised,", queued: f"{queued}, whose task was cancelled,"}
    if never == inputs:
        return False, "Nothing was reported."
    if often:
        return False, f"{often[0]} was reported {seen.count(often[0])} times, and {never} never."
    if never:
        return False, f"{kinds.get(never[0], never[0])} was never reported."
    return len(seen) == len(inputs), f"{len(seen)} reports came for {len(inputs)} tasks."


def _right(outcomes, queued):
    for x, outcome in outcomes.items():
        if isinstance(outcome, Future):
            yield False, "report was given a Future. It wants what the Future's result() returns or raises."
            return
        kind = {12: ValueError, queued: CancelledError}.get(x)
        if not (isinstance(outcome, kind) if kind else outcome == f"result {x}"):
            yield False, f"The outcome reported for {x} was {shown(outcome)}."
            return
    yield True, "Each outcome was that of its task: five ends and one cancel."


def wrong_as_published(pool, work, inputs, report):
    """says: start_all returned only when tasks had ended"""

    def test_result(future):
        future.add_done_callback(test_result)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        try:
            report(x, future.result())
        except Exception as error:
            report(x, error)
        futures.append(future)
    return futures


def wrong_registers_itself(pool, work, inputs, report):
    """
    says: Nothing was reported
    says: A callback raised RecursionError
    """

    def test_result(future):
        future.add_done_callback(test_result)

    futures = [pool.submit(work, x) for x in inputs]
    for future in futures:
        future.add_done_callback(test_result)
    return futures


def wrong_calls_the_callback(pool, work, inputs, report):
    """says: start_all returned only when tasks had ended"""

    def tell(x, future):
        report(x, future.exception() or future.result())

    futures = [pool.submit(work, x) for x in inputs]
    for x, future in zip(inputs, futures, strict=True):
        future.add_done_callback(tell(x, future))
    return futures


def wrong_name_of_the_last(pool, work, inputs, report):
    """says: 15 was reported 6 times"""

    def tell(x, future):
        try:
            report(x, future.result())
        except Exception as error:
            report(x, error)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        future.add_done_callback(lambda done: tell(x, done))  # noqa: B023
        futures.append(future)
    return futures


def wrong_reports_success_alone(pool, work, inputs, report):
    """says: 12, whose task raised, was never reported"""

    def tell(x, future):
        if future.cancelled():
            report(x, CancelledError())
        elif future.exception() is None:
            report(x, future.result())

    futures = [pool.submit(work, x) for x in inputs]
    for x, future in zip(inputs, futures, strict=True):
        future.add_done_callback(partial(tell, x))
    return futures


def wrong_forgets_the_cancel(pool, work, inputs, report):
    """
    says: 15, whose task was cancelled, was never reported
    says: A callback raised CancelledError
    """

    def tell(x, future):
        report(x, future.exception() or future.result())

    futures = [pool.submit(work, x) for x in inputs]
    for x, future in zip(inputs, futures, strict=True):
        future.add_done_callback(partial(tell, x))
    return futures


def wrong_reports_the_future(pool, work, inputs, report):
    """says: report was given a Future. It wants"""
    futures = [pool.submit(work, x) for x in inputs]
    for x, future in zip(inputs, futures, strict=True):
        future.add_done_callback(partial(report, x))
    return futures


def wrong_has_a_thread_wait_for_each_in_turn(pool, work, inputs, report):
    """says: While 10 still ran, 0 of the 5 others were reported"""
    futures = [pool.submit(work, x) for x in inputs]

    def report_all():
        for x, future in zip(inputs, futures, strict=True):
            try:
                report(x, future.result())
            except Exception as error:
                report(x, error)

    threading.Thread(target=report_all).start()
    return futures


def wrong_returns_nothing(pool, work, inputs, report):
    """says: It returned None"""

    def tell(x, future):
        try:
            report(x, future.result())
        except (Exception, CancelledError) as error:
            report(x, error)

    for x in inputs:
        pool.submit(work, x).add_done_callback(partial(tell, x))


def wrong_shuts_the_pool(pool, work, inputs, report):
    """says: start_all returned only when tasks had ended"""

    def tell(x, future):
        try:
            report(x, future.result())
        except Exception as error:
            report(x, error)

    with pool:
        futures = [pool.submit(work, x) for x in inputs]
        for x, future in zip(inputs, futures, strict=True):
            future.add_done_callback(partial(tell, x))
    return futures


def wrong_submits_each_input_once(pool, work, inputs, report):
    """says: For inputs that are equal, 1, True and 1.0, it returned 1 value, not 3"""

    def tell(x, future):
        try:
            outcome = future.result()
        except BaseException as error:
            outcome = error
        report(x, outcome)

    futures = {x: pool.submit(work, x) for x in inputs}
    for x, future in futures.items():
        future.add_done_callback(partial(tell, x))
    return list(futures.values())


def wrong_queues_the_report(pool, work, inputs, report):
    """says: The first task was reported only after the one behind it"""

    def tell(x, future):
        try:
            outcome = future.result()
        except BaseException as error:
            outcome = error
        pool.submit(report, x, outcome)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        future.add_done_callback(partial(tell, x))
        futures.append(future)
    return futures


def wrong_reports_exceptions_alone(pool, work, inputs, report):
    """says: Where the second of 3 inputs raises BaseException,"""

    def tell(x, future):
        try:
            outcome = future.result()
        except Exception as error:
            outcome = error
        report(x, outcome)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        future.add_done_callback(partial(tell, x))
        futures.append(future)
    return futures


def wrong_makes_the_errors_again(pool, work, inputs, report):
    """says: was reported, which looks like what was raised and is another object"""

    def again(x, outcome):
        report(x, type(outcome)(*outcome.args) if isinstance(outcome, BaseException) else outcome)

    return start_all(pool, work, inputs, again)


def wrong_reports_what_report_raises(pool, work, inputs, report):
    """says: report itself raised; for two tasks it was called 4 times"""

    def tell(x, future):
        try:
            report(x, future.result())
        except BaseException as error:
            report(x, error)

    futures = []
    for x in inputs:
        future = pool.submit(work, x)
        future.add_done_callback(partial(tell, x))
        futures.append(future)
    return futures


def wrong_waits_a_moment_for_all(pool, work, inputs, report):
    """says: start_all returned after it had stood still in wait()."""
    futures = start_all(pool, work, inputs, report)
    wait(futures, timeout=0.3)
    return futures


def wrong_has_a_pool_of_its_own(pool, work, inputs, report):
    """says: The tasks ran in other threads than those of the pool"""
    return start_all(ThreadPoolExecutor(4), work, inputs, report)


_room = threading.Semaphore(8)


def wrong_has_room_for_eight(pool, work, inputs, report):
    """says: Of 120 inputs, on one worker, start_all returned only when the first task had ended"""
    futures = []
    for x in inputs:
        _room.acquire()
        futures += start_all(pool, work, [x], report)
        futures[-1].add_done_callback(lambda _: _room.release())
    return futures


def wrong_starts_a_hundred(pool, work, inputs, report):
    """says: Of 120 tasks, 100 were reported, in 100 reports"""
    return start_all(pool, work, inputs[:100], report)


def wrong_reports_inside_the_task(pool, work, inputs, report):
    """says: report itself raised; the Future of its task raised that"""

    def run(x):
        try:
            result = work(x)
        except BaseException as error:
            report(x, error)
            raise
        report(x, result)
        return result

    futures = []
    for x in inputs:
        futures.append(pool.submit(run, x))
        futures[-1].add_done_callback(lambda future, x=x: future.cancelled() and report(x, CancelledError()))
    return futures


def wrong_reports_no_more_once_report_raised(pool, work, inputs, report):
    """says: report itself raised; for two tasks it was called 1 time."""
    ended, futures = queue.SimpleQueue(), []

    def run():
        for _ in inputs:
            report(*ended.get())

    futures = start_all(pool, work, inputs, lambda x, outcome: ended.put((x, outcome)))
    threading.Thread(target=run).start()
    return futures


def wrong_takes_the_inputs_out_of_the_list(pool, work, inputs, report):
    """says: With one input, it changed the list that it was given."""
    futures = []
    while inputs:
        futures += start_all(pool, work, [inputs.pop(0)], report)
    return futures
