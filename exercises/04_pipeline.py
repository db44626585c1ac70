"""Start stage two as each stage one ends

Pages are fetched in one pool and written in another, as a program does that downloads with many workers and
writes with one. Write `pipeline(fetchers, writers, fetch, write, pages)`:

- it calls `fetch(page)` in the pool `fetchers` for each page of the list `pages`;
- as soon as a page is fetched, whatever the others do, it calls `write(text)` in the pool `writers` with
  what `fetch` returned;
- it waits for all of it and returns a list, in the order of `pages`, of what each `write` returned. Where a
  stage raised an exception, the exception stands in that place.

Both pools stay open: whoever made them shuts them down.
"""

import queue
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from functools import partial

from exercises.kit import Gate, Inputs, count, shown, unlike, until, watch

LIMIT = 6  # seconds for the whole check


def pipeline(fetchers, writers, fetch, write, pages):
    fetched = queue.SimpleQueue()
    for n, page in enumerate(pages):
        fetchers.submit(fetch, page).add_done_callback(lambda future, n=n: fetched.put((n, future)))

    ends = [None] * len(pages)
    for _ in pages:
        n, future = fetched.get()
        ends[n] = writers.submit(write, future.result()) if future.exception() is None else future
    return [future.result() if future.exception() is None else future.exception() for future in ends]


def _written(given, text):
    given.note(text)
    return "wrote", text


def _refuses(text):
    raise BaseException(f"no room for {text}")


INPUTS = Inputs(
    lambda given: (given.pool(3), given.pool(1), given.fn, partial(_written, given), given.items),
    also={"Where a write raises BaseException": lambda given: (given.pool(3), given.pool(1), str, _refuses, ["page"])},
)

EQUAL = {
    "ends[n] = writers.submit(write, future.result()) if future.exception() is None else future  ->  "
    "ends[n] = writers.submit(write, future.result()) if not future.exception() else future": "an exception is true",
    "return [future.result() if future.exception() is None else future.exception() for future in ends]  ->  "
    "return [future.result() if not future.exception() else future.exception() for future in ends]": "the same",
}

HINTS = [
    "Who learns first that a page is fetched? A callback of its Future does. What is the least that it must do?",
    "Let each callback put its page's number and Future into a queue. The main thread takes them out as "
    "they come and submits the writes.",
    "Don't trust that a callback has run because `result()` returned: count what comes out of the queue, "
    "one for each page.",
    "For n, future from the queue: `ends[n] = future if future.exception() else writers.submit(write, "
    "future.result())`. After as many turns as there are pages, collect each end's exception or result.",
]


def _here():
    return threading.current_thread().name.partition("_")[0]


def check(pipeline):
    pages = [f"page {n}" for n in range(6)]
    slow, door = Gate(patience=2), Gate()
    fetched_in, written_in, written, early = set(), set(), [], []
    fetchers, writers = ThreadPoolExecutor(3, "fetchers"), ThreadPoolExecutor(1, "writers")

    def fetch(page):
        fetched_in.add(_here())
        time.sleep(0.02)  # decides nothing: so the picture shows each task
        if page == pages[0]:  # held until the four others that can be written are written
            slow.task()
            writers.submit = submit_late
        if page == pages[3]:
            raise ValueError("page 3 is gone")
        return f"text of {page}"

    def write(text):
        written_in.add(_here())
        written.append(text)
        time.sleep(0.02)
        if not slow.gave_up and text != "text of page 0":
            early.append(text)
        if len(early) == 4:
            slow.open()
        if text == "text of page 4":
            raise OSError("no room for page 4")
        return f"wrote {text}"

    def submit_late(fn, /, *args, **kwargs):
        if _here() == "fetchers":  # in a callback: it comes later than the result that it tells of
            door.task()
        return ThreadPoolExecutor.submit(writers, fn, *args, **kwargs)

    with fetchers, writers:
        with watch() as run:
            answer = pipeline(fetchers, writers, fetch, write, pages)
        shut = [name for name, pool in (("fetchers", fetchers), ("writers", writers)) if _is_shut(pool)]
        again = [text for text in written if written.count(text) > 1]
        seen = [
            (not slow.gave_up, _while_held(len(early), slow.gave_up, run)),
            _ran_in("fetch", "fetchers", fetched_in),
            _ran_in("write", "writers", written_in),
            _results(answer, pages),
            (not again, f"write was called {f'again with {again[0]!r}' if again else 'once for each text'}."),
            (not shut, f"Shut down afterwards: {', '.join(shut) or 'neither pool'}."),
        ]
        yield from seen
        if all(good for good, _ in seen):
            yield from _many(pipeline, fetchers)


def _many(pipeline, fetchers):
    """130 pages on twelve writers. The first page is fetched when all others are written, and then takes a while."""
    writing, written, others = Gate(12, patience=0.5), [], []

    def fetch(page):
        if page == 0:
            until(lambda: len(written) == 129)
            others.append(len(written))
            until(lambda: False, 1)  # passed over if everything waits for this, without a limit
        return page

    def write(text):
        writing.task()
        if text == 0:
            until(lambda: False, 1)
        written.append(text)
        return text

    with ThreadPoolExecutor(12, "writers") as writers:
        answer = pipeline(fetchers, writers, fetch, write, list(range(130)))
    early = others[0] if others else 0
    yield early == 129, f"While page 0 was still being fetched, {early} of 129 other pages were written."
    if early == 129:
        yield writing.met, f"With twelve writers, {count(writing.most, 'write')} went on at the same time."
        what = unlike(answer, list(range(130)))
        yield not what, f"Of 130 pages, the first of which took a while, it returned {what or 'what each write did'}."


def _while_held(early, gave_up, run):
    said = f"While page 0 was still being fetched, {early} of the other pages were written"
    if not gave_up:
        return f"{said}: all that could be."
    first = run.tasks[0].finished if run.tasks else 0
    waits = [b for b in run.blocked if b.end is not None and b.start < first <= b.end]
    waits.sort(key=lambda b: not b.thread.name.startswith("writers"))  # a writer that waits comes first
    at_writer = bool(waits) and waits[0].thread.name.startswith("writers")
    who = "the only writer" if at_writer else "your code" if waits else ""
    return f"{said}, {f'and {who} waited in {waits[0].call}() for page 0' if who else 'of 4 that could be'}."


def _ran_in(stage, pool, threads):
    others = sorted(name if name in ("fetchers", "writers") else "no pool" for name in threads - {pool})
    if others:
        return False, f"{stage} ran outside {pool}: in {', '.join(others)}."
    return True, f"{stage} ran in the pool {pool}."


def _results(answer, pages):
    if not isinstance(answer, list) or len(answer) != len(pages):
        given = f"a list of {len(answer)}" if isinstance(answer, list) else f"a {type(answer).__name__}"
        return False, f"It returned {given} for {len(pages)} pages."
    wanted = [f"wrote text of {page}" for page in pages]
    wanted[3], wanted[4] = repr(ValueError("page 3 is gone")), repr(OSError("no room for page 4"))
    given = [repr(item) if isinstance(item, Exception) else item for item in answer]
    if given == wanted:
        return True, "It returned four texts and two exceptions, in the order of the pages."
    if sorted(map(str, given)) == sorted(wanted):
        return False, f"The results came in another order than the pages: first {answer[0]!r}."
    n = next(n for n in range(len(pages)) if given[n] != wanted[n])
    return False, f"For page {n} it returned {shown(answer[n], 60)}, not {_wanted(wanted[n])}."


def _wanted(text):
    return repr(text) if text.startswith("wrote") else f"the exception {text}"


def _is_shut(pool):
    try:
        pool.submit(int)
    except RuntimeError:
        return True
    return False


def wrong_swaps_the_pools(fetchers, writers, fetch, write, pages):
    """
    says: While page 0 was still being fetched, 0 of the other pages were written
    says: fetch ran outside fetchers: in writers
    says: write ran outside writers: in fetchers
    """
    return pipeline(writers, fetchers, fetch, write, pages)


def wrong_stage_by_stage(fetchers, writers, fetch, write, pages):
    """says: While page 0 was still being fetched, 0 of the other pages were written"""
    first = [fetchers.submit(fetch, page) for page in pages]
    wait(first)
    second = [future if future.exception() else writers.submit(write, future.result()) for future in first]
    return [future.exception() or future.result() for future in second]


def wrong_waits_in_page_order(fetchers, writers, fetch, write, pages):
    """says: 0 of the other pages were written, and your code waited in exception() for page 0"""
    first = [fetchers.submit(fetch, page) for page in pages]
    second = []
    for future in first:
        second.append(future if future.exception() else writers.submit(write, future.result()))
    return [future.exception() or future.result() for future in second]


def wrong_writer_waits(fetchers, writers, fetch, write, pages):
    """says: 0 of the other pages were written, and the only writer waited in result() for page 0"""
    first = [fetchers.submit(fetch, page) for page in pages]
    second = [writers.submit(lambda future=future: write(future.result())) for future in first]
    return [future.exception() or future.result() for future in second]


def wrong_writes_in_the_callback(fetchers, writers, fetch, write, pages):
    """says: write ran outside writers: in fetchers"""
    ends = queue.SimpleQueue()

    def then(n, future):
        try:
            ends.put((n, write(future.result())))
        except Exception as error:
            ends.put((n, error))

    for n, page in enumerate(pages):
        fetchers.submit(fetch, page).add_done_callback(partial(then, n))
    found = dict(ends.get() for _ in pages)
    return [found[n] for n in range(len(pages))]


def wrong_one_task_for_both(fetchers, writers, fetch, write, pages):
    """says: write ran outside writers: in fetchers"""
    futures = [fetchers.submit(lambda page=page: write(fetch(page))) for page in pages]
    return [future.exception() or future.result() for future in futures]


def wrong_trusts_that_callbacks_ran(fetchers, writers, fetch, write, pages):
    """says: Your code raised KeyError"""
    second = {}

    def then(page, future):
        second[page] = future if future.exception() else writers.submit(write, future.result())

    first = [fetchers.submit(fetch, page) for page in pages]
    for page, future in zip(pages, first, strict=True):
        future.add_done_callback(partial(then, page))
    wait(first)
    return [second[page].exception() or second[page].result() for page in pages]


def wrong_loses_a_failed_fetch(fetchers, writers, fetch, write, pages):
    """says: your code waited for something that never came"""
    second = queue.SimpleQueue()

    def then(n, future):
        second.put((n, writers.submit(write, future.result())))

    for n, page in enumerate(pages):
        fetchers.submit(fetch, page).add_done_callback(partial(then, n))
    found = dict(second.get() for _ in pages)
    return [found[n].exception() or found[n].result() for n in range(len(pages))]


def wrong_order_of_completion(fetchers, writers, fetch, write, pages):
    """says: The results came in another order than the pages"""
    second = []
    for future in as_completed([fetchers.submit(fetch, page) for page in pages]):
        second.append(future if future.exception() else writers.submit(write, future.result()))
    return [future.exception() or future.result() for future in second]


def wrong_returns_the_errors_as_text(fetchers, writers, fetch, write, pages):
    """says: For page 3 it returned 'page 3 is gone', not the exception ValueError('page 3 is gone')"""
    first = {fetchers.submit(fetch, page): n for n, page in enumerate(pages)}
    found, second = {}, {}
    for future in as_completed(first):
        if future.exception():
            found[first[future]] = str(future.exception())
        else:
            second[first[future]] = writers.submit(write, future.result())
    for n, future in second.items():
        found[n] = str(future.exception() or future.result())
    return [found[n] for n in range(len(pages))]


def wrong_keeps_successes_alone(fetchers, writers, fetch, write, pages):
    """says: It returned a list of 4 for 6 pages"""
    first = [fetchers.submit(fetch, page) for page in pages]
    second = {}
    for future in as_completed(first):
        if not future.exception():
            second[future] = writers.submit(write, future.result())
    return [second[f].result() for f in first if f in second and not second[f].exception()]


def wrong_shuts_the_pools(fetchers, writers, fetch, write, pages):
    """says: Shut down afterwards: fetchers, writers"""
    second = {}

    def then(page, future):
        second[page] = future if future.exception() else writers.submit(write, future.result())

    with writers, fetchers:
        for page in pages:
            fetchers.submit(fetch, page).add_done_callback(partial(then, page))
    return [second[page].exception() or second[page].result() for page in pages]


def wrong_waits_for_each_write(fetchers, writers, fetch, write, pages):
    """says: With twelve writers, 1 write went on at the same time"""
    fetched = queue.SimpleQueue()
    for n, page in enumerate(pages):
        fetchers.submit(fetch, page).add_done_callback(lambda future, n=n: fetched.put((n, future)))
    ends = [None] * len(pages)
    for _ in pages:
        n, future = fetched.get()
        ends[n] = future if future.exception() else writers.submit(write, future.result())
        wait([ends[n]])
    return [future.exception() or future.result() for future in ends]


def wrong_keeps_ends_by_page(fetchers, writers, fetch, write, pages):
    """says: For pages that are equal, 1, True and 1.0, it returned [('wrote',"""
    fetched, ends = queue.SimpleQueue(), dict.fromkeys(pages)
    for page in pages:
        fetchers.submit(fetch, page).add_done_callback(lambda future, page=page: fetched.put((page, future)))
    for _ in pages:
        page, future = fetched.get()
        ends[page] = future if future.exception() else writers.submit(write, future.result())
    return [future.exception() or future.result() for future in ends.values()]


def wrong_writes_twice(fetchers, writers, fetch, write, pages):
    """says: write was called again with 'text of page"""
    return pipeline(fetchers, writers, fetch, lambda text: (write(text), write(text))[1], pages)


def wrong_lets_some_errors_of_writes_out(fetchers, writers, fetch, write, pages):
    """says: Where a write raises BaseException, it raised BaseException: no room for page"""

    def kept(text):
        try:
            return write(text)
        except Exception as error:
            return error

    ends = pipeline(fetchers, writers, fetch, kept, pages)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, Exception) and "room" in str(end):
            raise end
    return ends


def wrong_makes_the_errors_again(fetchers, writers, fetch, write, pages):
    """says: which looks like what was raised and is another object"""
    ends = pipeline(fetchers, writers, fetch, write, pages)
    return [type(end)(*end.args) if isinstance(end, BaseException) else end for end in ends]


def wrong_takes_a_cancelled_error_for_a_cancel(fetchers, writers, fetch, write, pages):
    """says: Where the second of 3 pages itself raises CancelledError, it returned"""
    ends = pipeline(fetchers, writers, fetch, write, pages)
    return [None if isinstance(end, CancelledError) else end for end in ends]


def wrong_takes_ten_pages_at_a_time(fetchers, writers, fetch, write, pages):
    """says: While page 0 was still being fetched, 9 of 129 other pages were written"""
    ends = []
    for start in range(0, len(pages), 10):
        ends += pipeline(fetchers, writers, fetch, write, pages[start : start + 10])
    return ends


def wrong_fetcher_waits_for_its_write(fetchers, writers, fetch, write, pages):
    """says: With twelve writers, 2 writes went on at the same time"""

    def both(page):
        return writers.submit(write, fetch(page)).result()

    futures = [fetchers.submit(both, page) for page in pages]
    return [future.exception() or future.result() for future in futures]


def wrong_has_room_for_four_writes(fetchers, writers, fetch, write, pages):
    """says: With twelve writers, 4 writes went on at the same time"""
    room = threading.Semaphore(4)

    def with_room(text):
        with room:
            return write(text)

    return pipeline(fetchers, writers, fetch, with_room, pages)


def wrong_tries_a_write_again(fetchers, writers, fetch, write, pages):
    """says: write was called again with 'text of page 4'"""

    def again(text):
        try:
            return write(text)
        except OSError:
            return write(text)

    return pipeline(fetchers, writers, fetch, again, pages)


def wrong_gives_a_fetch_half_a_second(fetchers, writers, fetch, write, pages):
    """says: Of 130 pages, the first of which took a while, it returned as number 1, TimeoutError"""
    fetched, ends = queue.Queue(), [None] * len(pages)
    for n, page in enumerate(pages):
        fetchers.submit(fetch, page).add_done_callback(lambda future, n=n: fetched.put((n, future)))
    with suppress(queue.Empty):
        for _ in pages:
            n, future = fetched.get(timeout=0.5)
            ends[n] = future if future.exception() else writers.submit(write, future.result())
    return [(end.exception() or end.result()) if end else TimeoutError() for end in ends]


def wrong_gives_a_write_half_a_second(fetchers, writers, fetch, write, pages):
    """says: Of 130 pages, the first of which took a while, it returned as number 1, TimeoutError"""

    def end_of(future):
        try:
            return future.result(timeout=0.5)
        except BaseException as error:
            return error

    numbers = {fetchers.submit(fetch, page): n for n, page in enumerate(pages)}
    ends = [None] * len(pages)
    for future in as_completed(numbers):
        ends[numbers[future]] = future if future.exception() else writers.submit(write, future.result())
    return [end_of(future) for future in ends]
