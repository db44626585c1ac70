"""Stop work that runs

`cancel()` can't stop a task that a worker has begun. Write `start(pool, step)` so that it can be stopped
all the same.

It submits one task to `pool`; the task calls `step()` again and again until it is told to stop. `start`
waits for nothing and returns two things: the task's Future, and a function `stop()`. Calling `stop()` tells
this one task to stop and returns at once; a second call changes nothing. The step under way is finished,
no other is begun, and the Future's result is the number of steps. A task told to stop before a worker has
begun it does no step at all.
"""

import math
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from exercises.kit import Gate, Signal, count, hurried, submitted, until, watch

LIMIT = 10  # seconds for the whole check


def start(pool, step):
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


HINTS = [
    "The task must look somewhere, before each step, whether it was told to stop. Where can both threads see the news?",
    "A threading.Event is made for it: the task asks `is_set()`, `stop` calls `set()`. Each task needs "
    "an Event of its own.",
    "Define `work()` inside `start`: `while not told.is_set():` call step and count; return the count. "
    "Then return `pool.submit(work), told.set`.",
]

MOST = 50  # steps after stop(): then the check ends the task by an exception


class _Steps:
    """Steps that the check can count, hold and end."""

    def __init__(self):
        self.begun = self.done = 0
        self.quick = False  # no rest between two steps
        self.last = None  # the number of the step that raises
        self.hold = None  # a Gate where the next step stands whose number is prime: it ends no second, no tenth step
        self.standing, self.moved = Signal(), Signal()
        self._checks = threading.current_thread()

    def step(self):
        if threading.current_thread() is self._checks:
            raise RuntimeError("start() itself called step(); only the task in the pool may")
        self.begun += 1
        if self.last is not None and self.begun >= self.last:
            raise RuntimeError("the check ended this task")
        hold = self.hold
        if hold is not None and all(self.begun % n for n in range(2, math.isqrt(self.begun) + 1)):
            self.standing.set()
            hold.task()
        if not self.quick:
            time.sleep(0.001)
        self.done += 1
        if self.done % 3 == 0:
            self.moved.set()
        return (None, 0, self.done)[self.done % 3]  # which is nobody's business

    def end(self, after=0):
        """Let no more than `after` further steps be done."""
        self.last = self.begun + after

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def check(start):
    with ThreadPoolExecutor(2) as pool, watch(pool) as run, _Steps() as one, _Steps() as two:
        answer = start(pool, one.step)
        fits = isinstance(answer, tuple | list) and len(answer) == 2
        fits = fits and isinstance(answer[0], Future) and callable(answer[1])
        yield fits, f"start returned {'a Future and a function' if fits else _a(answer)}."
        if not fits:
            return
        future, stop = answer
        try:
            pool.submit(int).cancel()
            shut = False
        except RuntimeError:
            shut = True
        yield not shut, f"The pool {'took no more tasks: start shut it down' if shut else 'stays open for others'}."
        if shut:
            return
        other, stop_other = start(pool, two.step)
        going = [_moves(future, one), _moves(other, two)]
        yield all(going), _running(going, future, one)
        if not all(going):
            return

        going_on = _goes_on(future, one)
        yield going_on is None, going_on or "Nobody said stop, and it went on for as long as that."
        if going_on:
            return

        one.standing.clear()
        one.hold = Gate(patience=0.8)
        one.standing.wait(2)
        stop()
        waited = one.hold.gave_up
        yield not waited, _stopped(waited)
        if waited:
            return
        begun = one.begun
        one.end(after=MOST)
        again, early = _again(stop), future.done()
        one.hold.open()
        if again:
            yield False, f"stop() was called a second time, and {again}."
            return
        if early:
            yield False, "After stop() the Future had a result while the last step was still under way."
            return
        until(future.done)
        more = one.begun - begun
        steps = f"{MOST} or more" if more >= MOST else more
        yield (
            more == 0,
            f"After stop() was called twice the task began {steps} other {'step' if more == 1 else 'steps'}.",
        )
        if more:
            return
        right, what = _result(future, one)
        yield right, what
        if not right:
            return
        if late := _again(stop):
            yield False, f"stop() was called once more when the task had ended, and {late}."
            return

        only = submitted(run)
        yield only == 3, f"For two calls of start the pool got {count(only - 1, 'task')}."
        if only != 3:
            return
        alone = _moves(other, two)
        ended = "no other task" if alone else "the other task too: each needs news of its own"
        yield alone, f"stop() ended {ended}."
        stop_other()
        two.end(after=MOST)
        if not alone:
            return

    with ThreadPoolExecutor(2) as pool, _Steps() as same:
        step = same.step
        (first, stop_first), (second, stop_second) = start(pool, step), start(pool, step)
        stop_first()
        until(first.done)
        alone = _moves(second, same)
        stop_second()
        same.end(after=MOST)
        yield alone, f"Two tasks have the same step function; stop() ended {'one' if alone else 'both'} of them."
        if not alone:
            return

    with ThreadPoolExecutor(1) as pool, Gate(patience=0.4) as busy, _Steps() as none:
        pool.submit(busy.task)
        future, stop = start(pool, none.step)
        waited = busy.gave_up
        none.end(after=MOST)
        stop()
        if waited:
            yield False, "While the only worker was busy, start() waited: it returned only when the worker was free."
            return
        busy.open()
        until(future.done)
        yield none.begun == 0, f"Told to stop before it had begun, a task did {count(none.begun, 'step')}."
        if not none.begun and future.done() and not future.cancelled():
            error = future.exception()
            result = f"raised {error!r}" if error else f"gave {future.result()!r}"
            yield result == "gave 0", f"Told to stop before it had begun, it {result}."


def _again(stop):
    """What goes wrong in another call of `stop`, which may block: None, or the rest of a sentence."""
    ends = []

    def call():
        try:
            stop()
            ends.append(None)
        except Exception as error:
            ends.append(f"raised {error!r}")

    threading.Thread(target=call, daemon=True).start()
    until(lambda: ends)
    return ends[0] if ends else "did not return"


MANY, LONG = 12_000, 0.5  # steps, and seconds that one of them takes: for the answer they are fifty


def _goes_on(future, steps):
    """Why the task ended though nobody had said stop; None if it has not."""
    steps.quick = True
    until(lambda: steps.done >= MANY or future.done())
    steps.quick = False
    if steps.done < MANY and future.done():  # else it takes its time between two steps
        return f"Nobody said stop, and it ended after {count(steps.done, 'step')}."
    done = steps.done
    steps.hold = Gate(patience=LONG)  # opens by itself
    with hurried():
        goes_on = until(lambda: steps.standing.is_set() and steps.done >= done + 50, 4)
    steps.hold = None
    by_itself = f"it ended by itself, after {count(steps.done, 'step')} or some seconds"
    return None if goes_on else f"Nobody said stop, and {by_itself if future.done() else 'it stood still'}."


def _moves(future, steps):
    """Whether the task does some more steps, or else ends."""
    steps.moved.clear()
    future.add_done_callback(lambda _: steps.moved.set())
    return steps.moved.wait(2) and not future.done()


def _running(going, future, steps):
    if all(going):
        return "Two tasks ran side by side, step after step."
    if not future.done():
        return f"It did {count(steps.done, 'step')} in two seconds or more. One step is to follow the other at once."
    error = None if future.cancelled() else future.exception()
    return f"The task ended by itself after {count(steps.done, 'step')}{f', with {error!r}' if error else ''}."


def _stopped(waited):
    return f"stop() {'waited for the step under way' if waited else 'returned while a step was under way'}."


def _result(future, steps):
    if not future.done():
        return False, "After the last step the task did not end."
    if future.cancelled():
        return False, "The Future gave no result: it was cancelled."
    if future.exception():
        return False, f"The Future gave no result: {future.exception()!r}."
    return future.result() == steps.done, f"The result was {future.result()} after {count(steps.done, 'step')}."


def _a(value):
    if value is None:
        return "nothing (None)"
    kinds = [type(item).__name__ for item in value] if isinstance(value, tuple | list) else []
    return f"a {type(value).__name__}{f' of {kinds}' if kinds else ''}, and not a Future and a function"


def wrong_looks_once(pool, step):
    """says: The task ended by itself after 1 step"""
    told = threading.Event()

    def work():
        if not told.is_set():
            step()
        return 1

    return pool.submit(work), told.set


def wrong_stop_is_cancel(pool, step):
    """says: the task began 50 or more other steps"""

    def work():
        steps = 0
        while True:
            step()
            steps += 1

    future = pool.submit(work)
    return future, future.cancel


def wrong_flag_stays_local(pool, step):
    """says: the task began 50 or more other steps"""
    told = False

    def work():
        steps = 0
        while not told:
            step()
            steps += 1
        return steps

    def stop():
        told = True  # noqa: F841  a new local name: work() never sees it

    return pool.submit(work), stop


def wrong_one_event_for_all(pool, step, told=threading.Event()):  # noqa: B008
    """says: stop() ended the other task too"""

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_works_in_start(pool, step):
    """says: start() itself called step()"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work()), told.set


def wrong_looks_after_the_step(pool, step):
    """says: Told to stop before it had begun, a task did 1 step"""
    told = threading.Event()

    def work():
        steps = 0
        while True:
            step()
            steps += 1
            if told.is_set():
                return steps

    return pool.submit(work), told.set


def wrong_stop_waits(pool, step):
    """says: stop() waited for the step under way"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    future = pool.submit(work)

    def stop():
        told.set()
        return future.result()

    return future, stop


def wrong_forgets_the_number(pool, step):
    """says: The result was None"""
    told = threading.Event()

    def work():
        while not told.is_set():
            step()

    return pool.submit(work), told.set


def wrong_returns_the_future_alone(pool, step):
    """says: start returned a Future, and not a Future and a function"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work)


def wrong_a_thousand_steps_at_most(pool, step):
    """says: Nobody said stop, and it ended after 1000 steps"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set() and steps < 1000:
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_a_second_at_most(pool, step):
    """says: Nobody said stop, and it ended by itself, after"""
    told = threading.Event()

    def work():
        steps, end = 0, time.monotonic() + 1
        while not told.is_set() and (time.monotonic() < end or steps < 12_001):
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_shuts_the_pool(pool, step):
    """says: The pool took no more tasks"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future, told.set


def wrong_adds_what_a_step_returns(pool, step):
    """says: The result was"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            steps += step() or 1
        return steps

    return pool.submit(work), told.set


def wrong_ends_where_a_step_says_so(pool, step):
    """says: ended"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            steps += 1
            if step():
                break
        return steps

    return pool.submit(work), told.set


def wrong_gives_nothing_for_no_steps(pool, step):
    """says: Told to stop before it had begun, it gave None."""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps or None

    return pool.submit(work), told.set


_news = {}


def wrong_one_event_for_each_step_function(pool, step):
    """says: Two tasks have the same step function; stop() ended both of them"""
    told = _news.setdefault(step, threading.Event())

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_stop_waits_for_a_second(pool, step):
    """says: stop() waited for the step under way"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    future = pool.submit(work)

    def stop():
        told.set()
        wait([future], timeout=1)

    return future, stop


def wrong_waits_for_the_begin(pool, step):
    """says: While the only worker was busy, start() waited"""
    told, begun = threading.Event(), threading.Event()

    def work():
        begun.set()
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    future = pool.submit(work)
    begun.wait()
    return future, told.set


def wrong_stop_is_a_switch(pool, step):
    """says: After stop() was called twice the task began 50 or more other steps"""
    told = False

    def work():
        steps = 0
        while not told:
            step()
            steps += 1
        return steps

    def stop():
        nonlocal told
        told = not told

    return pool.submit(work), stop


def wrong_stop_has_room_for_one_call(pool, step):
    """says: stop() was called a second time, and did not return"""
    told = queue.Queue(1)

    def work():
        steps = 0
        while told.empty():
            step()
            steps += 1
        return steps

    return pool.submit(work), lambda: told.put(True)


def wrong_submits_each_step(pool, step):
    """says: For two calls of start the pool got"""
    told, result = threading.Event(), Future()

    def one(steps):
        if told.is_set():
            result.set_result(steps)
        else:
            step()
            pool.submit(one, steps + 1)

    pool.submit(one, 0)
    return result, told.set


def wrong_ten_seconds_at_most(pool, step):
    """says: Nobody said stop, and it ended by itself, after"""
    told = threading.Event()

    def work():
        steps, end = 0, time.monotonic() + 10
        while not told.is_set() and time.monotonic() < end:
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_looks_before_every_second_step(pool, step):
    """says: After stop() was called twice the task began 1 other step"""
    told = threading.Event()

    def work():
        steps = 0
        while steps % 2 or not told.is_set():
            step()
            steps += 1
        return steps

    return pool.submit(work), told.set


def wrong_ends_where_a_step_returns_none(pool, step):
    """says: ended"""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            steps += 1
            if step() is None:
                break
        return steps

    return pool.submit(work), told.set


def wrong_stop_is_for_running_tasks(pool, step):
    """says: stop() was called once more when the task had ended, and raised RuntimeError("""
    told = threading.Event()

    def work():
        steps = 0
        while not told.is_set():
            step()
            steps += 1
        return steps

    future = pool.submit(work)

    def stop():
        if future.done():
            raise RuntimeError("it has ended")
        told.set()

    return future, stop


def wrong_stop_sets_the_result(pool, step):
    """says: After stop() the Future had a result while the last step was still under way"""
    told, result, steps = threading.Event(), Future(), 0

    def work():
        nonlocal steps
        while not told.is_set():
            steps += 1
            step()

    def stop():
        told.set()
        if not result.done():
            result.set_result(steps)

    pool.submit(work)
    return result, stop
