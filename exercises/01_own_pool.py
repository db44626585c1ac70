"""Write a pool of your own

Write `class Pool(Executor)` in about 30 lines, with a queue, threads and `Future`s:

- `Pool(max_workers)` runs tasks in threads of its own: as many as `max_workers` at a time while tasks wait, never
  more. It may start its threads all at once, or as they are needed, also where two threads submit at the same time.
- `submit(fn, /, *args, **kwargs)` returns a `Future` at once. It gets what `fn` returns or raises.
- Tasks start in the order of their submits. A task that fails takes no worker with it, whatever it raises,
  `sys.exit()` included.
- A Future cancelled in the queue never runs. One whose task runs says `running()` and can't be cancelled.
- `shutdown(wait=True, *, cancel_futures=False)` ends the threads after the last queued task, and with `wait` returns
  only then. A later `submit` raises `RuntimeError`. A second `shutdown` does no harm.

`Executor` gives `with` and `map` in return. The check is one list of behaviors: it is put to `ThreadPoolExecutor`
first, then to your pool. (`cancel_futures` may be ignored.)
"""

import itertools
import queue
import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress

from exercises.kit import Gate, count, hurried, interleavings, shown, unlike, until, watch

LIMIT = 10  # seconds for the whole check


class Pool(Executor):
    def __init__(self, max_workers):
        self._queue = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = True
        self._threads = [threading.Thread(target=self._work) for _ in range(max_workers)]
        for thread in self._threads:
            thread.start()

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._lock:
            for _ in self._threads if self._open else ():
                self._queue.put(None)
            self._open = False
        if wait:
            for thread in self._threads:
                thread.join()


EQUAL = {
    "while (item := self._queue.get()) is not None:  ->  while (item := self._queue.get()):": "a tuple of four is true",
    "def shutdown(self, wait=True, *, cancel_futures=False):  ->  "
    "def shutdown(self, wait=True, *, cancel_futures=True):": "it is ignored",
    "for _ in self._threads if self._open else ():  ->  for _ in self._threads:": "nobody takes another None",
    "raise RuntimeError('cannot schedule new futures after shutdown')  ->  raise RuntimeError()": "the words are free",
    "raise RuntimeError('cannot schedule new futures after shutdown')  ->  "
    "raise RuntimeError('cannot schedule new futures after shutdown?')": "the words are free",
}

HINTS = [
    "`submit` makes a `Future()`, puts it into a `queue.SimpleQueue` together with the call, and returns it. "
    "`get()` of that queue waits until there is something in it.",
    "Each thread loops: get from the queue, call, then `future.set_result(...)` or `future.set_exception(error)`.",
    "`future.set_running_or_notify_cancel()` marks a Future as running. It says False for a cancelled one: skip it.",
    "`shutdown` puts one `None` into the queue for each thread, behind the tasks that wait there. A thread that gets "
    "`None` returns. With `wait`, join each thread. A flag, read and set under a lock, lets `submit` refuse.",
]


def check(Pool):
    if isinstance(Pool, type) and issubclass(Pool, ThreadPoolExecutor):
        yield False, "Pool inherits from ThreadPoolExecutor, so it is the standard pool. Build it on Executor."
        return
    for behavior in BEHAVIORS:
        for held, saw in _seen(behavior, ThreadPoolExecutor):
            assert held, f"ThreadPoolExecutor, the standard, was seen otherwise: {saw}"
        # watch needs a submit that gives Futures
        with nullcontext() if behavior is _hands_over else watch(), hurried():
            for held, saw in _seen(behavior, Pool):
                yield held, saw
                if not held:
                    return
        if behavior is _hands_over and (standard := _standard(Pool)):
            yield False, f"Pool hands its tasks to a {standard}. Give it a queue and threads of its own."
            return


def _standard(kind):
    """The pool of Python's own whose worker runs the tasks, wherever it is kept; None if there is none."""
    found = []

    def task():
        frame = sys._getframe()
        while frame:
            found.append(frame.f_globals.get("__name__"))
            frame = frame.f_back

    with kind(1) as pool:
        pool.submit(task).result()
    names = {"concurrent.futures.thread": "ThreadPoolExecutor", "multiprocessing.pool": "ThreadPool of multiprocessing"}
    return next((names[name] for name in found if name in names), None)


def _seen(behavior, kind):
    """What `behavior` sees of the pools that `kind` makes; at its end they are shut down."""
    pools = []

    def make(max_workers):
        pools.append(kind(max_workers))
        return pools[-1]

    try:
        yield from behavior(make)
    except GeneratorExit:  # the check stops here, and what failed may not let itself be shut down
        threading.Thread(target=lambda: [pool.shutdown() for pool in pools], daemon=True).start()
        raise
    for pool in pools:
        pool.shutdown()


# One list of behaviors. Each yields what it saw of the pools that `make` gives it; it can't tell which kind they are.


def _hands_over(make):
    pool, gate, ran = make(2), Gate(), []

    def task():
        ran.append(threading.current_thread())
        gate.task()

    future = pool.submit(task)
    early = isinstance(future, Future) and not future.done()
    gate.open()
    if not isinstance(future, Future):
        yield False, f"submit returned {shown(future)}, not a Future."
        return
    if threading.current_thread() in ran:
        yield False, "submit ran the task itself, in the thread that called it."
    elif early:
        yield True, "submit returned a Future while the task still ran."
    else:
        yield False, "submit returned only after the task had ended."


def _calls(make):
    pool = make(2)
    try:
        futures = [pool.submit(divmod, 7, 2), pool.submit(dict, fn=1, task=2), pool.submit(KeyError, "a value")]
    except TypeError as error:
        yield False, f"submit(dict, fn=1, task=2) raised TypeError: {error}. The `/` keeps the names before it free."
        return
    if _ended(*futures):
        values = [future.exception() or future.result() for future in futures[:2]]
        yield (
            not unlike(values, [(3, 1), {"fn": 1, "task": 2}]),
            f"divmod(7, 2) gave {shown(values[0])}, dict(fn=1, task=2) gave {shown(values[1])}.",
        )
        fine = futures[2].exception() is None
        yield fine, f"A task returned a KeyError; its Future has {'it as result' if fine else 'it as exception'}."
        mapped = list(pool.map(abs, [-1, 2, -3]))
        yield not unlike(mapped, [1, 2, 3]), f"map(abs, [-1, 2, -3]), built on submit, gave {shown(mapped)}."
    else:
        yield False, "Three tasks were submitted, and a Future never got its result."


def _survives_failures(make):
    def fail(error):
        raise error

    for error in (ValueError("x"), SystemExit(3), KeyboardInterrupt(), BaseException("no Exception")):
        pool, kind = make(1), type(error)
        bad, good = pool.submit(fail, error), pool.submit(abs, -1)
        if not _ended(bad):
            yield False, f"A task raised {kind.__name__}, and its Future never ended: result() would wait for ever."
            return
        fits = bad.exception() is error
        other = ", another object" if not fits and isinstance(bad.exception(), kind) else ""
        yield fits, f"A task raised {kind.__name__}; its Future has {bad.exception()!r}{other}."
        ended = fits and _ended(good)
        went = "ran the next one" if ended else "ran nothing more"
        yield ended, f"After a task that raised {kind.__name__}, the worker {went}."


def _rests(make):
    pool, idle = make(1), Gate(patience=0.2)
    ended = _ended(pool.submit(int))
    idle.task()  # for the answer twenty seconds go by
    ended = ended and _ended(pool.submit(int))
    yield ended, f"After a time without tasks the next one {'ran' if ended else 'never ran: the worker had left'}."


def _keeps_its_size(make):
    pool, gate = make(3), Gate()
    for number in (1, 2, 3):
        pool.submit(gate.task)
        if not until(lambda number=number: gate.most == number):
            yield False, f"Of {number} tasks that were submitted one by one to Pool(3), {gate.most} ran together."
            return
    gate.open()

    before = set(threading.enumerate())
    pool, gate = make(3), Gate(4, patience=0.4)  # a fourth task never comes, unless there are more workers
    futures = [pool.submit(gate.task) for _ in range(12)]
    threads = len(set(threading.enumerate()) - before)
    ended = _ended(*futures)
    if not ended:
        yield False, f"12 tasks on Pool(3): only {gate.arrived} ran."
        return
    yield gate.most == 3, f"12 tasks on Pool(3): at most {gate.most} in flight together."
    if threads >= 12:  # three, and maybe one more that hands out the tasks
        yield False, "12 tasks on Pool(3): each had a thread of its own, where 3 threads are enough for all."
        return
    slow, others = Gate(patience=2), []
    last = [pool.submit(slow.task), *(pool.submit(others.append, n) for n in range(9))]
    beside = _ended(*last[1:])
    slow.open()
    beside = beside and _ended(last[0])
    yield beside, f"While one task took long, {len(others)} of 9 others ran on the other workers."
    if not beside:
        return
    pool, crowd = make(36), Gate(36, patience=0.5)
    ended = _ended(*[pool.submit(crowd.task) for _ in range(40)])
    yield ended and crowd.met, f"40 tasks on Pool(36): at most {crowd.most} in flight together."


def _keeps_the_order(make):
    pool, gate, ran = make(1), Gate(), []
    first = pool.submit(gate.task)
    until(lambda: gate.arrived)
    futures = [first, *(pool.submit(ran.append, number) for number in range(12))]
    gate.open()
    good = _ended(*futures) and ran == list(range(12))
    yield good, f"Tasks 0, 1, 2 and so on up to 11, queued for one worker, ran in this order: {ran}."
    if not good:
        return

    pool, gates, ran = make(2), [Gate(patience=2), Gate(patience=2)], []
    held = [pool.submit(gate.task) for gate in gates]
    until(lambda: gates[0].arrived and gates[1].arrived)
    futures = [pool.submit(ran.append, number) for number in range(200)]
    if gates[0].gave_up or gates[1].gave_up:
        yield False, "200 tasks were submitted while both workers were busy: submit waited for a worker."
        return
    gates[0].open()  # one of two workers runs them all
    good = _ended(*futures) and ran == list(range(200))
    gates[1].open()
    _ended(*held)
    yield good, f"Tasks 0 to 199, queued for two workers of which one is free, ran in this order: {shown(ran)}."


def _submits_in_a_task(make):
    pool, inner = make(1), []

    def outer():
        inner.append(pool.submit(abs, -1))
        return inner[0].done()

    future = pool.submit(outer)
    if not _ended(future):
        yield False, "On one worker a task submitted another one, and submit did not return."
        return
    early = future.exception() or future.result()
    when = "ran it at once, in the middle of the first" if early else "returned at once"
    yield not early, f"On one worker a task submitted another one: submit {when}."
    if not early:
        ended = _ended(*inner)
        yield ended, f"The task that was submitted in a task {'ran afterwards' if ended else 'never ran'}."


def _submits_while_shutdown_waits(make):
    pool, gate, inner, over = make(1), Gate(patience=0.1), [], []

    def outer():
        gate.task()  # opens when shutdown waits for this task
        with suppress(RuntimeError):  # it may be refused, or run
            inner.append(pool.submit(abs, -1))

    pool.submit(outer)
    threading.Thread(target=lambda: over.append(pool.shutdown()), daemon=True).start()
    ended = until(lambda: over) and _ended(*inner)
    case = "A task submitted another one while shutdown() waited for it"
    if not over:
        yield False, f"{case}: neither the submit nor shutdown() returned."
    else:
        yield ended, f"{case}: it was {'refused, or ran' if ended else 'accepted and never ran'}."


def _runs_all_before_it_ends(make):
    pool, gate = make(2), Gate(2, patience=0.3)
    futures = [pool.submit(gate.task) for _ in range(12)]
    pool.shutdown()
    ran = sum(future.done() and not future.cancelled() for future in futures)
    yield ran == 12, f"Of 12 tasks that the pool had at its shutdown(), {ran} had been run when it returned."


def _cancels(make):
    pool, gate, ran = make(1), Gate(), []
    held = pool.submit(gate.task)
    until(lambda: gate.arrived)
    queued, last = pool.submit(ran.append, "cancelled"), pool.submit(ran.append, "last")
    running, ended_it, cancelled = held.running(), held.cancel(), queued.cancel()
    gate.open()
    ended = _ended(last)
    told = not ended or not wait([queued], timeout=2).not_done
    if not running or ended_it or not cancelled:
        said = f"its running() said {running}, cancel() {ended_it}"
        yield False, f"While a task ran, {said}; cancel() of a queued one said {cancelled}."
    elif "cancelled" in ran:
        yield False, "A task that was cancelled in the queue ran."
    else:
        went = "went on" if ended else "stopped there"
        yield ended, f"A task cancelled in the queue was skipped, and the worker {went}."
        how = "ended" if told else "did not end: call set_running_or_notify_cancel() for a cancelled Future too"
        yield told, f"A wait() for the Future that was cancelled {how}."


def _after_a_task(make, call):
    """`call(pool, queued)` while Pool(1)'s worker is held before a line that it runs after a task.

    `queued` is the task behind that one. Gives what it noted of its run, what `call` returned, and whether a task that
    was submitted at last ended.
    """
    for hold in interleavings(patience=0.15):
        pool, gate, ran = make(1), Gate(), []
        pool.submit(lambda gate=gate, hold=hold: (gate.task(), hold.begin()))
        queued = pool.submit(ran.append, "queued")
        gate.open()
        stands = hold.turn.wait(0.3)
        said = call(pool, queued)
        hold.over.set()
        yield ran, said, _ended(pool.submit(int))
        if not stands:
            return


def _cancels_at_any_moment(make):
    case = "A task was cancelled at the moment when a worker took it"
    for ran, said, ended in _after_a_task(make, lambda _, queued: "late" if queued.done() else queued.cancel()):
        if said == "late":
            break
        if not ended or (ran and said):
            yield False, f"{case}: {'cancel() said True, and it ran' if ended else 'the worker ran nothing more'}."
            return
    yield True, f"{case}: it was skipped, or ran."


def _takes_tasks_at_any_moment(make):
    for _, future, ended in _after_a_task(make, lambda pool, _: pool.submit(int)):
        if not ended or not _ended(future):
            yield False, "A task was submitted at the moment when a worker had no other: it never ran."
            return
    yield True, "Tasks submitted while a worker looked for the next one ran."


def _ends_with_its_tasks(make):
    pool, gate, ran, left = make(2), Gate(patience=0.3), [], threading.Event()

    def task():
        ran.append(threading.current_thread())
        gate.task()  # gives up after 0.3 s, or opens when the block has been left
        return left.is_set()

    with pool:
        futures = [pool.submit(task) for _ in range(3)]
        until(lambda: gate.arrived == 2)
    left.set()
    gate.open()
    if not _ended(*futures):
        yield False, f"At the end of `with`, 2 tasks ran and 1 was queued; {len(ran)} of the 3 ran to their end."
        return
    waited = not any(future.result() for future in futures)
    yield waited, f"The end of `with` {'waited' if waited else 'did not wait'} for the three tasks in the pool."
    try:
        pool.submit(abs, -1)
        yield False, "submit after shutdown was accepted."
    except RuntimeError:
        yield True, "submit after shutdown raised RuntimeError."
    pool.shutdown()
    until(lambda: not any(thread.is_alive() for thread in ran))
    left = sum(thread.is_alive() for thread in set(ran))
    yield not left, f"After a second shutdown {count(left, 'thread') if left else 'no thread'} of the pool still ran."


def _leaves_without_waiting(make):
    pool, gate = make(1), Gate()
    held, queued = pool.submit(gate.task), pool.submit(abs, -2)
    try:
        pool.shutdown(wait=False, cancel_futures=False)
    except TypeError as error:
        yield False, f"shutdown(wait=False, cancel_futures=False) raised TypeError: {error}."
        return
    early = not held.done()
    gate.open()
    yield early, f"shutdown(wait=False) returned {'while' if early else 'after'} a task ran."
    ended = _ended(held, queued)
    yield ended, f"The task that was queued at that moment {'still' if ended else 'never'} ran."

    pool, gate = make(1), Gate(patience=0.3)
    held = pool.submit(gate.task)
    pool.shutdown()
    late = held.done()
    gate.open()
    yield late, f"shutdown() returned {'after' if late else 'while'} a task ran."

    pool, gate = make(1), Gate(patience=0.3)
    held = pool.submit(gate.task)
    pool.shutdown(wait=False)
    pool.shutdown()
    late = held.done()
    gate.open()
    yield late, f"shutdown() after shutdown(wait=False) returned {'after' if late else 'while'} a task ran."


def _two_at_once(held, other):
    """Call `held()` in a thread that is held before a line of the pool's, and `other()` in a second one meanwhile."""

    def in_turn(hold):
        hold.turn.wait(2)
        other()
        hold.over.set()

    for hold in interleavings(16, patience=0.15):
        threads = [threading.Thread(target=_traced, args=(hold, held)), threading.Thread(target=in_turn, args=(hold,))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield


def _traced(hold, call):
    with hold:
        call()


def _two_submit(make):
    pool, gate, futures = make(1), Gate(2, patience=0.1), []

    def submit():
        futures.append(pool.submit(gate.task))

    for _ in _two_at_once(submit, submit):
        if not _ended(*futures) or gate.met:
            what = "2 tasks in flight together" if gate.met else f"{sum(f.done() for f in futures)} of 2 tasks ended"
            yield False, f"Two threads submitted to Pool(1) at the same moment: {what}."
            return
        pool, gate, futures = make(1), Gate(2, patience=0.1), []
    yield True, "Two threads submitted to Pool(1) at the same moment: 1 task in flight at a time."


def _submits_while_it_is_shut(make):
    pool, futures = make(1), []

    def submit():
        with suppress(RuntimeError):  # it may be refused, or run
            futures.append(pool.submit(int))

    def shut():
        pool.shutdown(wait=False)

    for held, other in ((submit, shut), (shut, submit)):
        for _ in _two_at_once(held, other):
            if not _ended(*futures):
                yield False, "A task was submitted while another thread called shutdown: it was accepted and never ran."
                return
            pool, futures = make(1), []
    yield True, "Tasks submitted while another thread called shutdown were refused, or ran."


BEHAVIORS = [
    _hands_over,
    _calls,
    _survives_failures,
    _rests,
    _keeps_its_size,
    _two_submit,
    _keeps_the_order,
    _submits_in_a_task,
    _cancels,
    _cancels_at_any_moment,
    _takes_tasks_at_any_moment,
    _ends_with_its_tasks,
    _leaves_without_waiting,
    _submits_while_it_is_shut,
    _submits_while_shutdown_waits,
    _runs_all_before_it_ends,
]


def _ended(*futures):
    """Whether all `futures` come to an end."""
    return until(lambda: all(future.done() for future in futures))


class wrong_is_the_standard_pool(ThreadPoolExecutor):
    """says: Pool inherits from ThreadPoolExecutor"""


class wrong_hands_over_to_the_standard_pool(Executor):
    """says: Pool hands its tasks to a ThreadPoolExecutor"""

    def __init__(self, max_workers):
        self._pool = ThreadPoolExecutor(max_workers)

    def submit(self, fn, /, *args, **kwargs):
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(wait)


class wrong_forgets_to_return_the_future(Pool):
    """says: submit returned None, not a Future"""

    def submit(self, fn, /, *args, **kwargs):
        super().submit(fn, *args, **kwargs)


class wrong_runs_the_task_in_submit(Pool):
    """says: in the thread that called it"""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class wrong_forgets_the_arguments_by_name(Pool):
    """says: dict(fn=1, task=2) gave {"""

    def submit(self, fn, /, *args, **kwargs):
        return super().submit(fn, *args)


class wrong_lets_a_failure_end_the_worker(Pool):
    """says: its Future never ended"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args, **kwargs))


class wrong_puts_the_error_in_as_result(Pool):
    """says: its Future has None"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except Exception as error:
                    future.set_result(error)


class wrong_starts_a_thread_for_each_task(Executor):
    """says: at most 4 in flight together"""

    def __init__(self, max_workers):
        self._threads = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self._threads.append(threading.Thread(target=self._run, args=(future, fn, args, kwargs)))
        self._threads[-1].start()
        return future

    def _run(self, future, fn, args, kwargs):
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    def shutdown(self, wait=True, *, cancel_futures=False):
        for thread in self._threads:
            thread.join()


class wrong_has_one_worker(Pool):
    """says: Of 2 tasks that were submitted one by one to Pool(3), 1 ran together"""

    def __init__(self, max_workers):
        super().__init__(1)


class wrong_has_eight_workers_at_most(Pool):
    """says: 40 tasks on Pool(36): at most 8 in flight together"""

    def __init__(self, max_workers):
        super().__init__(min(max_workers, 8))


class wrong_takes_the_newest_first(Pool):
    """says: ran in this order: [11, 10, 9, 8,"""

    def __init__(self, max_workers):
        self._queue, self._lock, self._open = queue.LifoQueue(), threading.Lock(), True
        self._threads = [threading.Thread(target=self._work) for _ in range(max_workers)]
        for thread in self._threads:
            thread.start()


class wrong_never_says_running(Pool):
    """says: While a task ran, its running() said False"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)


class wrong_runs_what_was_cancelled(Pool):
    """says: A task that was cancelled in the queue ran"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            future.set_running_or_notify_cancel()
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)


class wrong_drops_the_queue(Pool):
    """says: 2 of the 3 ran to their end"""

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._lock:
            self._open = False
            with suppress(queue.Empty):  # a worker may take the last one first
                while True:
                    self._queue.get_nowait()
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()


class wrong_does_not_wait(Pool):
    """says: The end of `with` did not wait"""

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=False)


class wrong_takes_tasks_after_shutdown(Pool):
    """says: submit after shutdown was accepted"""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self._queue.put((future, fn, args, kwargs))
        return future


class wrong_leaves_its_threads(Pool):
    """says: After a second shutdown 2 threads of the pool still ran"""

    def __init__(self, max_workers):
        self._queue, self._lock, self._open = queue.Queue(), threading.Lock(), True
        for _ in range(max_workers):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while True:
            future, fn, args, kwargs = self._queue.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)
            self._queue.task_done()

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._open = False
        if wait:
            self._queue.join()


class wrong_puts_one_none_for_all(Pool):
    """says: It did not end"""

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._open = False
        self._queue.put(None)
        for thread in self._threads:
            thread.join()


class wrong_has_one_worker_more(Pool):
    """says: 12 tasks on Pool(3): at most 4 in flight together"""

    def __init__(self, max_workers):
        super().__init__(max_workers + 1)


class wrong_lets_sys_exit_end_a_worker(Pool):
    """says: A task raised SystemExit, and its Future never ended"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except Exception as error:
                    future.set_exception(error)


class wrong_knows_exception_and_sys_exit_alone(Pool):
    """says: A task raised KeyboardInterrupt, and its Future never ended"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except (Exception, SystemExit) as error:
                    future.set_exception(error)


class wrong_takes_a_returned_error_for_a_failure(Pool):
    """says: A task returned a KeyError; its Future has it as exception."""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    result = error
                (future.set_exception if isinstance(result, BaseException) else future.set_result)(result)


class wrong_has_a_parameter_named_fn(Pool):
    """says: submit(dict, fn=1, task=2) raised TypeError:"""

    def submit(self, fn, *args, **kwargs):
        return super().submit(fn, *args, **kwargs)


class wrong_starts_too_many_for_two_submitters(Pool):
    """says: Two threads submitted to Pool(1) at the same moment: 2 tasks in flight together"""

    def __init__(self, max_workers):
        super().__init__(0)
        self._most = max_workers

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work)
            self._threads.append(thread)
            thread.start()
        return future


class wrong_submits_without_the_lock(Pool):
    """says: A task was submitted while another thread called shutdown: it was accepted and never ran"""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        if not self._open:
            raise RuntimeError("cannot schedule new futures after shutdown")
        self._queue.put((future, fn, args, kwargs))
        return future


class wrong_shutdown_does_not_wait_by_itself(Pool):
    """says: shutdown() returned while a task ran"""

    def shutdown(self, wait=False, *, cancel_futures=False):
        super().shutdown(wait)


class wrong_waits_in_the_first_shutdown_alone(Pool):
    """says: shutdown() after shutdown(wait=False) returned while a task ran."""

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=wait and self._open, cancel_futures=cancel_futures)


class _ByText(queue.PriorityQueue):
    def __init__(self):
        super().__init__()
        self.numbers = itertools.count()

    def put(self, item):
        number = next(self.numbers)
        super().put(("~" if item is None else str(number), number, item))

    def get(self):
        return super().get()[-1]


class wrong_sorts_by_a_text(Pool):
    """says: ran in this order: ["""

    def __init__(self, max_workers):
        self._queue, self._lock, self._open = _ByText(), threading.Lock(), True
        self._threads = [threading.Thread(target=self._work) for _ in range(max_workers)]
        for thread in self._threads:
            thread.start()


def wrong_gives_the_standard_pool(max_workers):
    """says: Pool hands its tasks to a ThreadPoolExecutor"""
    return ThreadPoolExecutor(max_workers)


class wrong_hides_the_standard_pool_in_a_list(Executor):
    """says: Pool hands its tasks to a ThreadPoolExecutor"""

    def __init__(self, max_workers):
        self._pools = [ThreadPoolExecutor(max_workers)]

    def submit(self, fn, /, *args, **kwargs):
        return self._pools[0].submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pools[0].shutdown(wait)


class wrong_makes_the_error_again(Pool):
    """says: A task raised ValueError; its Future has ValueError('x'), another object"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(type(error)(*error.args))
                else:
                    future.set_result(result)


class wrong_has_room_for_a_hundred(Pool):
    """says: 200 tasks were submitted while both workers were busy: submit waited for a worker"""

    def __init__(self, max_workers):
        self._queue, self._lock, self._open = queue.Queue(100), threading.Lock(), True
        self._threads = [threading.Thread(target=self._work) for _ in range(max_workers)]
        for thread in self._threads:
            thread.start()


class wrong_waits_in_a_worker(Pool):
    """says: On one worker a task submitted another one, and submit did not return"""

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        if threading.current_thread() in self._threads:
            future.exception()
        return future


class wrong_runs_a_workers_task_at_once(Pool):
    """says: submit ran it at once, in the middle of the first"""

    def submit(self, fn, /, *args, **kwargs):
        if threading.current_thread() not in self._threads:
            return super().submit(fn, *args, **kwargs)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class wrong_joins_under_the_lock(Pool):
    """says: while shutdown() waited for it: neither the submit nor shutdown() returned"""

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._lock:
            for _ in self._threads if self._open else ():
                self._queue.put(None)
            self._open = False
            for thread in self._threads if wait else ():
                thread.join()


class wrong_closes_after_it_has_waited(Pool):
    """says: while shutdown() waited for it: it was accepted and never ran"""

    _told = False

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._lock:
            if self._open and not self._told:
                self._told = True
                for _ in self._threads:
                    self._queue.put(None)
            self._open = self._open and wait
        for thread in self._threads if wait else ():
            thread.join()
        self._open = False


class wrong_looks_for_a_cancel_and_then_begins(Pool):
    """says: A task was cancelled at the moment when a worker took it: the worker ran nothing more"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if future.cancelled():
                future.set_running_or_notify_cancel()
                continue
            future.set_running_or_notify_cancel()
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)


class wrong_tells_nobody_of_a_cancel(Pool):
    """says: A wait() for the Future that was cancelled did not end"""

    def _work(self):
        while (item := self._queue.get()) is not None:
            future, fn, args, kwargs = item
            if not future.cancelled() and future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)


class wrong_lets_idle_workers_leave(Pool):
    """says: After a time without tasks the next one never ran"""

    def _work(self):
        with suppress(queue.Empty):
            while (item := self._queue.get(timeout=10)) is not None:
                future, fn, args, kwargs = item
                if future.set_running_or_notify_cancel():
                    try:
                        result = fn(*args, **kwargs)
                    except BaseException as error:
                        future.set_exception(error)
                    else:
                        future.set_result(result)


class wrong_leaves_without_the_lock(Pool):
    """says: A task was submitted at the moment when a worker had no other: it never ran"""

    def __init__(self, max_workers):
        super().__init__(0)
        self._most = max_workers

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.put((future, fn, args, kwargs))
            if len(self._threads) < self._most:
                self._threads.append(threading.Thread(target=self._work))
                self._threads[-1].start()
        return future

    def _work(self):
        with suppress(queue.Empty):
            while (item := self._queue.get(timeout=10)) is not None:
                future, fn, args, kwargs = item
                if future.set_running_or_notify_cancel():
                    try:
                        result = fn(*args, **kwargs)
                    except BaseException as error:
                        future.set_exception(error)
                    else:
                        future.set_result(result)
        with self._lock:
            self._threads.remove(threading.current_thread())


class wrong_joins_for_five_seconds(Pool):
    """says: The end of `with` did not wait"""

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=False)
        for thread in self._threads if wait else ():
            thread.join(5)


class wrong_has_a_thread_for_each_task(Executor):
    """says: 12 tasks on Pool(3): each had a thread of its own"""

    def __init__(self, max_workers):
        self._room, self._lock, self._open, self._threads = threading.Semaphore(max_workers), threading.Lock(), True, []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._threads.append(threading.Thread(target=self._run, args=(future, fn, args, kwargs)))
            self._threads[-1].start()
        return future

    def _run(self, future, fn, args, kwargs):
        with self._room:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._lock:
            self._open = False
        for thread in self._threads if wait else ():
            thread.join()


class wrong_starts_a_worker_when_two_tasks_wait(Pool):
    """says: Of 2 tasks that were submitted one by one to Pool(3), 1 ran together"""

    def __init__(self, max_workers):
        super().__init__(0)
        self._most = max_workers

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.put((future, fn, args, kwargs))
            if not self._threads or (self._queue.qsize() > 1 and len(self._threads) < self._most):
                self._threads.append(threading.Thread(target=self._work))
                self._threads[-1].start()
        return future


class wrong_knows_no_cancel_futures(Pool):
    """says: shutdown(wait=False, cancel_futures=False) raised TypeError"""

    def shutdown(self, wait=True):
        super().shutdown(wait)
