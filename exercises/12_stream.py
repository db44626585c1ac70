"""Stream from a thread

`crawl(emit)` is a function that blocks, as a library may have it: it fetches one page of the slow server after another,
calls `emit(item)` for each, any objects, and returns. Write the asynchronous generator `async def stream(crawl)`: it
runs `crawl` once, in a thread, and yields each item as soon as it is emitted, in order, while the event loop stays
free. Nothing sleeps between looks or gives up, and no item is lost, however many lie in line. It ends when `crawl` has
returned. If `crawl` raised an exception (never StopIteration, which asyncio refuses), `stream` raises it after the last
item.
"""

import asyncio
import copy
import inspect
import queue
import threading
import time
import urllib.request
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from exercises.kit import TICK, Gate, Inputs, LoopClock, Signal, Standing, count, settled, shown, until
from helpers.processes.slow_http import slow_server

LIMIT = 8


async def stream(crawl):
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()

    def emit(item):
        loop.call_soon_threadsafe(line.put_nowait, item)

    call = loop.run_in_executor(None, crawl, emit)
    call.add_done_callback(lambda _: line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item
    await call


def _crawled(given):
    """A crawl over the inputs that people forget, of which each is one item."""

    def crawl(emit):
        for item in given.items:
            emit(given.fn(item))

    return (crawl,)


def _yielded(stream):
    """All its items, or what it raises."""

    async def main():
        return [item async for item in stream]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


INPUTS = Inputs(_crawled, beyond=False, view=_yielded)

HINTS = [
    "An `asyncio.Queue` lies between the two. But it belongs to the loop: a thread must not touch it.",
    "In `emit`: `loop.call_soon_threadsafe(line.put_nowait, item)`. `run_in_executor` starts `crawl` meanwhile.",
    "The end needs a mark that no item can be: `end = object()`, put by a done-callback of the call. After it, "
    "`await` the call, which raises what `crawl` raised.",
]


def _get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode().strip()


def _collect(stream, crawl, seen=lambda: None):
    """What comes: the items, the errors after them, and how often a thread touched the loop as only its own may.

    `seen` is called at each item.
    """
    items, errors, touched, idle = [], [], [], threading.Event()

    def when_the_loop_waits(emit):
        idle.wait(0.5)
        crawl(emit)

    async def main():
        loop, mine = asyncio.get_running_loop(), threading.get_ident()
        bare = loop.call_soon

        def call_soon(fn, *args, context=None):
            if threading.get_ident() == mine:
                return bare(fn, *args, context=context)
            touched.append(fn)
            return loop.call_soon_threadsafe(fn, *args, context=context)

        loop.call_soon = call_soon  # what a Queue or an Event calls to wake who waits
        loop.call_later(0.02, idle.set)
        try:
            async for item in stream(when_the_loop_waits):
                items.append(item)
                seen()
        except Exception as error:
            errors.append(error)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()
    return items, errors, touched


def _first(stream):
    """What a first call returns; where that is awaited, what comes of it."""
    answer = stream(lambda emit: None)
    if not inspect.isawaitable(answer):
        return answer

    async def main():
        return await answer

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


def check(stream):
    answer = _first(stream)
    fits = hasattr(answer, "__aiter__")
    yield fits, f"stream returned {'something for async for' if fits else shown(answer)}."
    if not fits:
        return
    with slow_server(latency=0.02) as server:
        yield from _looks(stream, server)


def _stands_still(stream, urls):
    """What is seen of it where the loop's clock stands still, and leaps an hour after each page."""
    read, busy, late, clocks = [], [], [], []
    crawled = Signal()

    def crawl(emit):
        try:
            for n, url in enumerate(urls):
                emit(_get(url))
                if not until(lambda n=n: len(read) > n, 1):
                    clocks[0].go()
                    slept = until(lambda n=n: len(read) > n, 0.5)
                    how = "when time had passed: does stream sleep between looks?" if slept else "after crawl went on."
                    late.append(f"The {('first', 'second', 'third')[n]} page came only {how}")
                    return
                if "the end" in read:
                    return
                busy.append(clocks[0].busy())
                clocks[0].leap()
        finally:
            crawled.set()

    async def main():
        clocks.append(LoopClock(asyncio.get_running_loop()))
        async for item in stream(crawl):
            read.append(item)
        read.append("the end")

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, main())
        if crawled.wait(LIMIT) and not until(running.done, 1):
            late.append("The end came only when time had passed: does stream sleep between looks?")
            clocks[0].go()
        running.result()
    yield not late, late[0] if late else "Each page came before crawl went on."
    if late:
        return
    right = [item.startswith("page") for item in read] == [True] * len(urls) + [False]
    yield right, f"An hour passed by the loop's clock after each of {len(urls)} pages. There came {shown(read)}."
    if doing := next(filter(None, busy), ""):
        yield False, f"While crawl took long, {doing}."


_MANY = 5000


def _looks(stream, server):
    """What is seen of it, to the first thing that is wrong."""
    pages, calls = [], []

    def crawl_three(emit):
        calls.append(None)
        for url in (server.page(1), server.url + "gone", server.page(2)):
            try:
                pages.append(_get(url))
            except OSError:
                pages.append(None)
            emit(pages[-1])

    items, errors, touched = _collect(stream, crawl_three)
    times = count(len(touched), "time")
    yield not touched, f"emit touched the loop from its thread, past call_soon_threadsafe, {times}."
    if touched:
        return
    yield len(calls) == 1, f"crawl was called {count(len(calls), 'time')}."
    if len(calls) != 1:
        return
    came = f"{shown(items)}{f', then {shown(errors[0])}' if errors else ''}"
    right = items == pages and not errors
    yield right, f"Of {shown(pages)} there came {came}."
    if not right:
        return

    for ok, says in _stands_still(stream, [server.page(n) for n in (3, 4, 5)]):
        yield ok, says
        if not ok:
            return

    beats = []

    def watch_the_loop(emit):
        for n in range(3):  # whoever waits for an item on the loop does by now
            before = len(beats)
            emit((n, until(lambda before=before: len(beats) > before + 2, 0.5)))
            _get(server.page(6))

    async def beating():
        async def heart():
            while True:
                beats.append(None)
                await asyncio.sleep(0.005)

        task = asyncio.create_task(heart())
        stood.thread = threading.get_ident()
        try:
            return [item async for item in stream(watch_the_loop)]
        finally:
            stood.thread = None
            task.cancel()

    with ThreadPoolExecutor(1) as pool, Standing() as stood:
        free = pool.submit(asyncio.run, beating()).result() == [(n, True) for n in range(3)]
    if free and stood.calls:
        yield False, f"The loop stood still: its thread waited in {stood.calls[0]}()."
        return
    yield free, f"The loop {'went on' if free else 'stood still'} while crawl ran."
    if not free:
        return

    def flood(emit):
        for thing in things:
            emitted.append(thing)
            emit(thing)

    things, emitted, held = [object() for _ in range(_MANY)], [], []

    def hold():
        if not held:
            held.append(settled(lambda: len(emitted), lambda number: number == _MANY, 0.2))

    # The reader takes its time over the first: whoever lets crawl go on meanwhile has to keep all others.
    items, errors, _ = _collect(stream, flood, hold)
    came = f"{count(len(items), 'item')}{f', then {shown(errors[0])}' if errors else ''}"
    came += ", in another order or not the same objects" if len(items) == _MANY and items != things else ""
    right = items == things and not errors
    yield right, f"When crawl emitted {_MANY} items at once, there came {came}."
    if not right:
        return

    raised = Signal()

    def fail(emit):
        emit(_get(server.page(6)))
        emit("and one more")
        raised.set()
        raise OSError("no page 7")

    # The reader has the first in hand until crawl has raised: what is still in line comes before the error.
    items, errors, _ = _collect(stream, fail, lambda: raised.wait(0.3) and until(lambda: False, TICK))
    what = f"{shown(items)}, then {shown(errors[0]) if errors else 'no error'}"
    right = items == ["page 6", "and one more"] and len(errors) == 1 and isinstance(errors[0], OSError)
    yield right, f"When crawl raised after two items, there came {what}."
    if not right:
        return

    both, emitted, ends = Gate(2, patience=0.5), [], []

    def crawl_beside(name, emit):
        both.task()
        if name == "a":  # whose reader waits meanwhile, and takes what is not for it if it can
            until(lambda: len(emitted) == 10, 1)
        for n in range(10):
            until(lambda: False, 0.01 if name == "b" else 0)
            emitted.append(n)
            emit(f"{name}{n}")

    async def two():
        async def one(name):
            return [item async for item in stream(partial(crawl_beside, name))]

        ends.extend(await asyncio.gather(one("a"), one("b")))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, two()).result()
    right = ends == [[f"{name}{n}" for n in range(10)] for name in "ab"]
    yield right, f"Of two streams at once, with a0 to a9 and b0 to b9, there came {shown(ends, 120)}."


async def wrong_collects_first(crawl):
    """says: The first page came only after crawl went on."""
    items = []
    await asyncio.to_thread(crawl, items.append)
    for item in items:
        yield item


async def wrong_touches_the_queue(crawl):
    """says: emit touched the loop from its thread"""
    line, end = asyncio.Queue(), object()
    call = asyncio.get_running_loop().run_in_executor(None, crawl, line.put_nowait)
    call.add_done_callback(lambda _: line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item
    await call


async def wrong_ends_at_none(crawl):
    """says: Of ['page 1', None, 'page 2'] there came ['page 1']."""
    loop, line = asyncio.get_running_loop(), asyncio.Queue()
    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda _: line.put_nowait(None))
    while (item := await line.get()) is not None:
        yield item
    await call


async def wrong_loses_the_error(crawl):
    """says: there came ['page 6', 'and one more'], then no error."""
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()
    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda call: call.exception() or line.put_nowait(end))
    call.add_done_callback(lambda call: call.exception() and line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item


async def wrong_blocks_the_loop(crawl):
    """says: While crawl took long, the loop's thread stood at"""
    line, end = queue.Queue(), object()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(crawl, line.put)
        call.add_done_callback(lambda _: line.put(end))
        while (item := line.get()) is not end:
            yield item
        call.result()


async def wrong_crawls_twice(crawl):
    """says: crawl was called 2 times."""
    await asyncio.to_thread(crawl, id)  # does it work?
    async for item in stream(crawl):
        yield item


async def wrong_returns_a_list(crawl):
    """says: stream returned []."""
    return [item async for item in stream(crawl)]


async def wrong_yields_what_is_new(crawl):
    """says: For results None, 0, False, '' and [], it returned [None, 0, '', []], not"""
    seen = []
    async for item in stream(crawl):
        if item not in seen:
            seen.append(item)
            yield item


async def wrong_raises_an_item_that_is_an_exception(crawl):
    """says: For a result that is an exception, returned and not raised"""
    async for item in stream(crawl):
        if isinstance(item, Exception):
            raise item
        yield item


async def wrong_has_no_room(crawl):
    """says: When crawl emitted 5000 items at once, there came"""
    loop, line, end = asyncio.get_running_loop(), deque(maxlen=100), object()
    call, news = None, asyncio.Event()

    def put(item):
        line.append(item)
        news.set()

    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(put, item))
    call.add_done_callback(lambda _: put(end))
    while True:
        await news.wait()
        news.clear()
        while line:
            if (item := line.popleft()) is end:
                await call
                return
            yield item


async def wrong_ends_where_the_call_has_ended(crawl):
    """says: When crawl emitted 5000 items at once, there came"""
    loop, line = asyncio.get_running_loop(), asyncio.Queue()
    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    while not call.done():
        getting = asyncio.ensure_future(line.get())
        await asyncio.wait([call, getting], return_when=asyncio.FIRST_COMPLETED)
        if getting.done():
            yield getting.result()
        else:
            getting.cancel()
    await call


async def wrong_ends_at_a_word(crawl):
    """says: For results Ellipsis, 'end', 'done', 'skipped' and -1, it returned [Ellipsis], not"""
    async for item in stream(crawl):
        if item == "end":
            return
        yield item


async def wrong_blocks_the_loop_after_the_first_item(crawl):
    """says: While crawl took long, the loop's thread stood at"""
    line, end, loop, begun = queue.Queue(), object(), asyncio.get_running_loop(), asyncio.Event()

    def emit(item):
        line.put(item)
        loop.call_soon_threadsafe(begun.set)

    def run():
        try:
            crawl(emit)
        finally:
            line.put(end)
            loop.call_soon_threadsafe(begun.set)

    call = loop.run_in_executor(None, run)
    await begun.wait()
    while (item := line.get()) is not end:
        yield item
    await call


async def wrong_leaves_out_what_comes_twice_running(crawl):
    """says: For three times the same result, it returned ['same'], not ['same', 'same', 'same']"""
    last = object()
    async for item in stream(crawl):
        if item is not last:
            yield item
        last = item


async def wrong_waits_a_little_again_and_again(crawl):
    """says: While crawl took long, the loop's thread stood at"""
    line = queue.Queue()
    call = asyncio.get_running_loop().run_in_executor(None, crawl, line.put)
    while not (call.done() and line.empty()):
        try:
            yield line.get(timeout=0.02)
        except queue.Empty:
            await asyncio.sleep(0)
    await call


async def wrong_sleeps_at_the_end(crawl):
    """says: The loop stood still: its thread waited in time.sleep()."""
    async for item in stream(crawl):
        yield item
    time.sleep(0.1)  # crawl may not have returned


async def wrong_one_queue_for_all_streams(crawl, line=queue.Queue(), end=object()):  # noqa: B008
    """says: Of two streams at once, with a0 to a9 and b0 to b9, there came"""

    def run():
        try:
            crawl(line.put)
        finally:
            line.put(end)

    call = asyncio.create_task(asyncio.to_thread(run))
    while (item := await asyncio.to_thread(line.get)) is not end:
        yield item
    await call


async def wrong_sleeps_between_looks(crawl):
    """says: The first page came only when time had passed: does stream sleep between looks?"""
    line = deque()
    call = asyncio.get_running_loop().run_in_executor(None, crawl, line.append)
    while line or not call.done():
        while line:
            yield line.popleft()
        await asyncio.sleep(0.01)
    await call


async def wrong_sleeps_before_it_ends(crawl):
    """says: The end came only when time had passed: does stream sleep between looks?"""
    async for item in stream(crawl):
        yield item
    await asyncio.sleep(0.3)  # crawl may not have returned


async def wrong_goes_round_and_round(crawl):
    """says: times: it is not free."""
    line = deque()
    call = asyncio.get_running_loop().run_in_executor(None, crawl, line.append)
    while line or not call.done():
        while line:
            yield line.popleft()
        await asyncio.sleep(0)
    await call


async def wrong_is_one_behind_after_the_first(crawl):
    """says: The second page came only after crawl went on."""
    items, end, last = stream(crawl), object(), []
    if (first := await anext(items, end)) is not end:
        yield first
    async for item in items:
        if last:
            yield last.pop()
        last.append(item)
    for item in last:
        yield item


async def wrong_waits_a_minute_at_most(crawl):
    """says: An hour passed by the loop's clock after each of 3 pages. There came ['page 3', 'the end']."""
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()
    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda _: line.put_nowait(end))
    with suppress(TimeoutError):
        while (item := await asyncio.wait_for(line.get(), 60)) is not end:
            yield item
        await call


async def wrong_has_room_for_2000(crawl):
    """says: When crawl emitted 5000 items at once, there came"""
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(2000), object()

    async def run():
        try:
            await loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
        finally:
            await line.put(end)

    call = asyncio.create_task(run())
    while (item := await line.get()) is not end:
        yield item
    await call


async def wrong_yields_copies(crawl):
    """says: there came 5000 items, in another order or not the same objects."""
    async for item in stream(crawl):
        yield copy.copy(item)


async def wrong_waits_on_the_loop_for_the_first(crawl):
    """says: The loop stood still while crawl ran."""
    begun = threading.Event()

    def run(emit):
        try:
            crawl(lambda item: begun.set() or emit(item))
        finally:
            begun.set()

    items = stream(run)
    first = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    begun.wait()
    with suppress(StopAsyncIteration):
        yield await first
    async for item in items:
        yield item


async def wrong_drops_what_is_in_line_at_an_error(crawl):
    """says: When crawl raised after two items, there came ["""
    loop, line, call = asyncio.get_running_loop(), asyncio.Queue(), None
    call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda _: line.put_nowait(call))
    while (item := await line.get()) is not call:
        if call.done() and call.exception():
            break
        yield item
    await call


async def wrong_waits_a_little_for_a_lock(crawl):
    """says: While crawl took long, the loop's thread stood at"""
    line, end, news = deque(), object(), threading.Lock()
    news.acquire()

    def emit(item):
        line.append(item)
        if news.locked():
            news.release()

    call = asyncio.get_running_loop().run_in_executor(None, crawl, emit)
    call.add_done_callback(lambda _: emit(end))
    while True:
        news.acquire(timeout=0.02)
        while line:
            if (item := line.popleft()) is end:
                await call
                return
            yield item
        await asyncio.sleep(0)
