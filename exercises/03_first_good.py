"""First good answer

`sources` is a list of one or more functions without arguments: each returns an answer, whatever it is, or raises.
Write `first_good(sources, workers)`: it asks them with `workers` workers and returns the first answer that arrives,
without waiting for the slow ones. Sources that have not been asked by then are cancelled. If every source fails, it
raises the exception of one of them.
"""

import queue
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed, wait
from functools import partial

from exercises.kit import Gate, Inputs, Signal, Standing, count, hurried, settled, shown, unlike, until, watch

LIMIT = 6


def first_good(sources, workers):
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for future in as_completed([pool.submit(source) for source in sources]):
            if future.exception() is None:
                break
        return future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _fails():
    raise OSError("no answer")


def _exits():
    raise SystemExit("no answer")


def _cancelled():
    raise CancelledError


_ANSWERS = {"None": None, "0": 0, "''": "", "[]": [], "a ValueError object": ValueError("an answer")}
INPUTS = Inputs(
    also={
        "With one source": lambda given: ([lambda: "a"], 3),
        **{
            f"Where the one answer, behind a failure, is {words}": lambda given, answer=answer: (
                [_fails, lambda: answer],
                2,
            )
            for words, answer in _ANSWERS.items()
        },
        "Where the first source raises SystemExit": lambda given: ([_exits, lambda: "a"], 1),
        "Where the last of 12 sources is the only good one": lambda given: ([_fails] * 11 + [lambda: "a"], 3),
        "Where the first source itself raises CancelledError": lambda given: ([_cancelled, lambda: "a"], 1),
        "Where all raise CancelledError": lambda given: ([_cancelled, _cancelled], 2),
        "Where all raise SystemExit": lambda given: ([_exits, _exits], 2),
    }
)
EQUAL = {
    "if future.exception() is None:  ->  if not future.exception():": "exceptions count as true",
}

HINTS = [
    "Which of map, as_completed and wait hands you a Future as soon as it is done, whatever its place in the list?",
    "A Future that failed is done too. Look at `future.exception()` and go on to the next one.",
    "The end of `with` waits for every task that runs. What does a pool offer to whoever does not want to wait?",
    "Make the pool without `with`, and end it in a `finally:` with `pool.shutdown(wait=False, cancel_futures=True)`.",
]


def check(first_good):
    asked, going, most, lock, slow = [], set(), 0, threading.Lock(), Gate(patience=2)
    together = Gate(3, patience=0.3)  # a third source never comes, unless there are more workers

    def source(name):
        nonlocal most
        with lock:
            asked.append(name)
            going.add(name)
            most = max(most, len(going))
        try:
            together.task()
            if name == "broken":
                raise OSError("no route to broken")
            return name if name == "good" else slow.task(name)
        finally:
            with lock:
                going.discard(name)

    # One worker is held by the slow source; the other meets the broken one, the good one, a spare one.
    names = ["slow", "broken", "good", *(f"spare {n}" for n in range(20))]
    with watch() as run, Standing() as stood:
        stood.thread = threading.get_ident()
        answer = first_good([lambda name=name: source(name) for name in names], 2)
    early = not slow.gave_up
    slow.open()
    until(lambda: not run.count("queued") + run.count("running"), 1)  # what the answer left in the queue is asked now
    settled(lambda: len(asked), lambda number: number > len(names) // 2, 0.1)  # or by threads of its own

    yield not unlike(answer, "good"), f"Of a slow source, a broken one and a good one, it returned {shown(answer)}."
    if unlike(answer, "good"):
        return
    yield (
        early,
        f"It returned {'while the slow source had not answered' if early else 'only when the slow one had ended'}.",
    )
    if not early:
        return
    if "time.sleep" in stood.calls:
        why = "what comes meanwhile is returned late, and of two answers none is known to be the first"
        yield False, f"While the sources were asked, it slept (time.sleep): {why}."
        return
    yield most == 2, f"With 2 workers, {count(most, 'source')} {'was' if most == 1 else 'were'} asked at the same time."
    if most != 2:
        return
    spare = sum(name.startswith("spare") for name in asked)
    # The free worker asks one more before the answer can be seen, and is held there until the others are cancelled.
    asked_too = f"{spare} of them {'was' if spare == 1 else 'were'} asked"
    yield spare <= 1, f"Behind the good one stand 20 spare sources; {asked_too}."
    if spare > 1:
        return

    late = Gate()  # opens when nobody has come for a second
    with hurried():
        answer = first_good([_fails, lambda: late.task("late")], 2)
    yield not unlike(answer, "late"), f"One source failed, the other took long: it returned {shown(answer)}."
    if unlike(answer, "late"):
        return

    held = Gate(patience=3)
    answer = first_good([lambda: 0, lambda: held.task("late")], 2)
    held.open()
    yield not unlike(answer, 0), f"One source had answered 0, the other nothing yet: it returned {shown(answer)}."
    if unlike(answer, 0):
        return

    errors, tried = {name: OSError(name) for name in "vwxyz"}, []

    def broken(name):
        tried.append(name)
        raise errors[name]

    try:
        answer = first_good([lambda name=name: broken(name) for name in errors], 2)
    except OSError as error:
        answer = error
    own = any(answer is error for error in errors.values())
    if isinstance(answer, OSError):
        gives = "raises one of these" if own else f"raises {shown(answer)}, which none of them raised"
    else:
        gives = f"gives {shown(answer)}"
    yield own, f"When all 5 sources raise an OSError, it {gives}."
    again = len(tried) - len(set(tried))
    yield not again, f"Of 5 sources that failed, {again or 'none'} {'was' if again < 2 else 'were'} asked again."
    if not own or again:
        return

    came, returned = Signal(), Signal()

    def second():
        time.sleep(0.02)  # who looks now and then finds neither at the first look
        came.set()
        return "second"

    def first():  # a while after the second, if nothing is returned by then: who looks late finds both
        came.wait(2)
        returned.wait(0.1)
        return "first"

    answer = first_good([first, second], 2)
    returned.set()
    good = not unlike(answer, "second")
    yield good, f"The second source answered before the first: it returned {shown(answer)}."
    if not good:
        return

    for size, sources in ((1, 2), (3, 3), (36, 40)):
        gate = Gate(size + (size == 1), patience=0.2 if size == 1 else 0.5)  # of one worker's, the first waits a moment
        first_good([partial(gate.task, "any")] * sources, size)
        together = f"{count(gate.most, 'source')} {'was' if gate.most == 1 else 'were'} asked at the same time"
        yield gate.most == size, f"With {count(size, 'worker')}, {together}."
        if gate.most != size:
            return


def wrong_map(sources, workers):
    """says: it returned 'slow'"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for answer in pool.map(lambda source: source(), sources):
            return answer


def wrong_takes_a_failure_for_an_answer(sources, workers):
    """says: Your code raised OSError"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(source) for source in sources]
        future = next(as_completed(futures))
        pool.shutdown(wait=False, cancel_futures=True)
        return future.result()


def wrong_cancels_nothing(sources, workers):
    """says: 20 of them were asked"""
    pool = ThreadPoolExecutor(max_workers=workers)
    for future in as_completed([pool.submit(source) for source in sources]):
        if future.exception() is None:
            pool.shutdown(wait=False)
            return future.result()
    raise future.exception()


def wrong_leaves_the_pool_open(sources, workers):
    """says: 20 of them were asked"""
    pool = ThreadPoolExecutor(max_workers=workers)
    for future in as_completed([pool.submit(source) for source in sources]):
        if future.exception() is None:
            return future.result()
    raise future.exception()


def wrong_asks_all_at_once(sources, workers):
    """says: sources were asked at the same time"""
    pool = ThreadPoolExecutor(max_workers=len(sources))
    futures = [pool.submit(source) for source in sources]
    for future in as_completed(futures):
        if future.exception() is None:
            pool.shutdown(wait=False, cancel_futures=True)
            return future.result()
    return future.result()


def wrong_says_nothing_when_all_fail(sources, workers):
    """says: When all 5 sources raise an OSError, it gives None"""
    pool = ThreadPoolExecutor(max_workers=workers)
    futures = [pool.submit(source) for source in sources]
    for future in as_completed(futures):
        if future.exception() is None:
            pool.shutdown(wait=False, cancel_futures=True)
            return future.result()


def wrong_returns_the_exception(sources, workers):
    """says: it returned OSError('no route to broken')"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(source) for source in sources]
        future = next(as_completed(futures))
        pool.shutdown(wait=False, cancel_futures=True)
        return future.exception() or future.result()


def wrong_waits_at_the_end_of_with(sources, workers):
    """says: It returned only when the slow one had ended"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(source) for source in sources]
        for future in as_completed(futures):
            if future.exception() is None:
                pool.shutdown(wait=False, cancel_futures=True)
                return future.result()
        return future.result()


def wrong_takes_none_for_a_failure(sources, workers):
    """says: Where the one answer, behind a failure, is None"""
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for future in as_completed([pool.submit(source) for source in sources]):
            if future.exception() is None and future.result() is not None:
                return future.result()
        raise future.exception() or LookupError("no answer")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_gives_up_after_ten_seconds(sources, workers):
    """says: One source failed, the other took long: it returned None"""
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for future in as_completed([pool.submit(source) for source in sources], timeout=10):
            if future.exception() is None:
                break
        return future.result()
    except TimeoutError:
        return None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_asks_with_one_worker_more(sources, workers):
    """says: With 2 workers, 3 sources were asked at the same time."""
    return first_good(sources, workers + 1)


def wrong_hopes_for_a_better_answer_than_0(sources, workers):
    """says: One source had answered 0, the other nothing yet: it returned 'late'."""
    pool, answer = ThreadPoolExecutor(max_workers=workers), None
    futures = [pool.submit(source) for source in sources]
    try:
        for future in as_completed(futures):
            if future.exception() is None:
                answer = future.result()
                if answer:
                    return answer
        return answer if any(f.exception() is None for f in futures) else futures[0].result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_has_eight_workers_at_most(sources, workers):
    """says: With 36 workers, 8 sources were asked at the same time"""
    return first_good(sources, min(workers, 8))


def wrong_raises_an_error_of_its_own(sources, workers):
    """says: it raises OSError('no source has answered'), which none of them raised"""
    try:
        return first_good(sources, workers)
    except Exception:
        raise OSError("no source has answered") from None


def wrong_asks_a_second_time(sources, workers):
    """says: Of 5 sources that failed, 5 were asked again"""

    def again(source):
        try:
            return source()
        except Exception:
            return source()

    return first_good([partial(again, source) for source in sources], workers)


def wrong_returns_the_first_of_the_list_that_is_done(sources, workers):
    """says: The second source answered before the first: it returned 'first'"""
    pool = ThreadPoolExecutor(max_workers=workers)
    futures = [pool.submit(source) for source in sources]
    try:
        while True:
            wait(futures, timeout=0.2)
            good = [future for future in futures if future.done() and future.exception() is None]
            if good:
                return good[0].result()
            if all(future.done() for future in futures):
                raise futures[0].exception()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_gives_up_when_each_worker_has_failed(sources, workers):
    """says: Where the last of 12 sources is the only good one, it raised OSError"""
    pool, failures = ThreadPoolExecutor(max_workers=workers), 0
    try:
        for future in as_completed([pool.submit(source) for source in sources]):
            if future.exception() is None:
                break
            failures += 1
            if failures > max(workers, 4):
                break
        return future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_takes_a_cancelled_error_for_a_cancel(sources, workers):
    """says: Where all raise CancelledError, it returned None"""
    pool = ThreadPoolExecutor(max_workers=workers)
    error = None
    try:
        for future in as_completed([pool.submit(source) for source in sources]):
            try:
                return future.result()
            except CancelledError:
                continue
            except BaseException as failure:
                error = failure
        if error:
            raise error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_has_two_workers_at_least(sources, workers):
    """says: With 1 worker, 2 sources were asked at the same time"""
    return first_good(sources, max(workers, 2))


def wrong_leaves_one_source_for_later(sources, workers):
    """says: With 3 workers, 2 sources were asked at the same time"""
    return first_good(sources, min(workers, max(2, len(sources) - 1)))


def wrong_looks_now_and_then(sources, workers):
    """says: While the sources were asked, it slept (time.sleep)"""
    pool = ThreadPoolExecutor(max_workers=workers)
    futures = [pool.submit(source) for source in sources]
    try:
        while True:
            good = [future for future in futures if future.done() and future.exception() is None]
            if good:
                return good[0].result()
            if all(future.done() for future in futures):
                raise futures[0].exception()
            time.sleep(0.01)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def wrong_rests_before_it_returns(sources, workers):
    """says: While the sources were asked, it slept (time.sleep)"""
    answer = first_good(sources, workers)
    time.sleep(0.05)
    return answer


def wrong_a_thread_for_each_source(sources, workers):
    """says: Behind the good one stand 20 spare sources"""
    came, room = queue.Queue(), threading.Semaphore(workers)

    def ask(source):
        with room:
            try:
                came.put((source(), None))
            except BaseException as error:
                came.put((None, error))

    for source in sources:
        threading.Thread(target=ask, args=(source,), daemon=True).start()
    for _ in sources:
        answer, error = came.get()
        if error is None:
            return answer
    raise error


def wrong_empties_the_list(sources, workers):
    """says: With one source, it changed the list that it was given"""
    pool, futures = ThreadPoolExecutor(max_workers=workers), []
    try:
        while sources:
            futures.append(pool.submit(sources.pop(0)))
        for future in as_completed(futures):
            if future.exception() is None:
                break
        return future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
