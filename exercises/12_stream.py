"""Stream from a thread

`produce(emit)` is a function that blocks: it calls `emit(item)` for one item after another, any objects, and returns.
Write the asynchronous generator `async def stream(produce)`: it runs `produce` once, in a thread, and yields each item
as soon as it is emitted, in order, while the event loop stays free. It ends when `produce` has returned. If `produce`
raised an exception, `stream` raises it after the last item.
"""

import asyncio
import inspect
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Signal, count, shown

LIMIT = 8


async def stream(produce):
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()

    def emit(item):
        loop.call_soon_threadsafe(line.put_nowait, item)

    call = loop.run_in_executor(None, produce, emit)
    call.add_done_callback(lambda _: line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item
    await call


HINTS = [
    "An `asyncio.Queue` lies between the two. But it belongs to the loop: a thread must not touch it.",
    "In `emit`: `loop.call_soon_threadsafe(line.put_nowait, item)`. `run_in_executor` starts `produce` meanwhile.",
    "The end needs a mark that no item can be: `end = object()`, put by a done-callback of the call. After it, "
    "`await` the call, which raises what `produce` raised.",
]


def _collect(stream, produce):
    """What comes: the items, the errors after them, and how often a thread touched the loop as only its own may."""
    items, errors, touched, idle = [], [], [], threading.Event()

    def when_the_loop_waits(emit):
        idle.wait(0.5)
        produce(emit)

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
    calls = []

    def count_up(emit):
        calls.append(None)
        for item in (None, 0, "", [], "last"):
            emit(item)

    items, errors, touched = _collect(stream, count_up)
    yield (
        not touched,
        f"emit touched the loop from its thread, past call_soon_threadsafe, {count(len(touched), 'time')}.",
    )
    if touched:
        return
    yield len(calls) == 1, f"produce was called {count(len(calls), 'time')}."
    came = f"{shown(items)}{f', then {shown(errors[0])}' if errors else ''}"
    right = items == [None, 0, "", [], "last"] and not errors
    yield right, f"Of None, 0, '', [] and 'last' there came {came}."
    if not right:
        return

    seen, waited = Signal(), []

    def wait_for_the_reader(emit):
        emit("first")
        waited.append(seen.wait(1.0))
        emit("second")

    async def main():
        async for item in stream(wait_for_the_reader):
            if item == "first":
                seen.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()
    when = "before" if waited == [True] else "only after"
    yield waited == [True], f"The first item came {when} produce went on to the second."
    if waited != [True]:
        return

    beats, moved = [], []

    def watch_the_loop(emit):
        before = len(beats)
        moved.append(Signal())
        moved[0].wait(1.0)
        emit(len(beats) > before)

    async def beating():
        async def heart():
            while True:
                beats.append(None)
                if moved and len(beats) > 3:
                    moved[0].set()
                await asyncio.sleep(0.005)

        task = asyncio.create_task(heart())
        try:
            return [item async for item in stream(watch_the_loop)]
        finally:
            task.cancel()

    with ThreadPoolExecutor(1) as pool:
        free = pool.submit(asyncio.run, beating()).result() == [True]
    yield free, f"The loop {'went on' if free else 'stood still'} while produce ran."

    def fail(emit):
        emit("kept")
        raise LookupError("no more")

    items, errors, _ = _collect(stream, fail)
    what = f"{shown(items)}, then {shown(errors[0]) if errors else 'no error'}"
    yield (
        items == ["kept"] and len(errors) == 1 and isinstance(errors[0], LookupError),
        f"When produce raised after one item, there came {what}.",
    )


async def wrong_collects_first(produce):
    """says: The first item came only after produce went on to the second."""
    items = []
    await asyncio.to_thread(produce, items.append)
    for item in items:
        yield item


async def wrong_touches_the_queue(produce):
    """says: emit touched the loop from its thread"""
    line, end = asyncio.Queue(), object()
    call = asyncio.get_running_loop().run_in_executor(None, produce, line.put_nowait)
    call.add_done_callback(lambda _: line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item
    await call


async def wrong_ends_at_none(produce):
    """says: Of None, 0, '', [] and 'last' there came []."""
    loop, line = asyncio.get_running_loop(), asyncio.Queue()
    call = loop.run_in_executor(None, produce, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda _: line.put_nowait(None))
    while (item := await line.get()) is not None:
        yield item
    await call


async def wrong_loses_the_error(produce):
    """says: there came ['kept'], then no error."""
    loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()
    call = loop.run_in_executor(None, produce, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
    call.add_done_callback(lambda call: call.exception() or line.put_nowait(end))
    call.add_done_callback(lambda call: call.exception() and line.put_nowait(end))
    while (item := await line.get()) is not end:
        yield item


async def wrong_blocks_the_loop(produce):
    """says: The loop stood still while produce ran."""
    line, end = queue.Queue(), object()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(produce, line.put)
        call.add_done_callback(lambda _: line.put(end))
        while (item := line.get()) is not end:
            yield item
        call.result()
