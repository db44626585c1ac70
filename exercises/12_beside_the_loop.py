"""Fetch beside the loop

`fetch(url)` is this lesson's function: it blocks until the slow server has answered, and raises OSError where there is
no such page. Write `async def fetch_all(fetch, urls, at_most)`: it calls `fetch` for each of the list `urls` in
threads, `at_most` at the same time and never more, and returns the list of results in the order of `urls`. Where a
call raised an exception, the list has that exception in its place (never StopIteration, which asyncio refuses).
The event loop is free all the while. Nothing sleeps between looks or gives up: what comes next happens when a page is
there. `at_most` may be larger than the loop's own pool, which stays as it is. No thread stays behind.

To try yours: `with slow_server() as server: print(in_a_loop(fetch_all(fetch, [server.page(0), server.page(1)], 2)))`
"""

import asyncio
import gc
import inspect
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

from exercises.kit import Gate, Inputs, LoopClock, Standing, count, settled, shown, until, watch
from helpers.processes.slow_http import slow_server

LIMIT = 10


async def fetch_all(fetch, urls, at_most):
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(max_workers=at_most)
    try:
        calls = [loop.run_in_executor(pool, fetch, url) for url in urls]
        return await asyncio.gather(*calls, return_exceptions=True)
    finally:
        pool.shutdown(wait=False)


EQUAL = {
    "try: / calls = [loop.run_in_executor(pool, fetch, url) for url in urls] / "
    "return await asyncio.gather(*calls, return_exceptions=True) …  ->  "
    "calls = [loop.run_in_executor(pool, fetch, url) for url in urls] / "
    "return await asyncio.gather(*calls, return_exceptions=True) / pool.shutdown(wait=False)": "gather raises nothing",
    "pool.shutdown(wait=False)  ->  pass": "the threads of a pool that is garbage end",
    "pool.shutdown(wait=False)  ->  pool": "the threads of a pool that is garbage end",
    "pool.shutdown(wait=False)  ->  pool.shutdown()": "all calls have ended by then",
    "pool.shutdown(wait=False)  ->  pool.shutdown(wait=True)": "all calls have ended by then",
}


def _in_a_loop(answer):
    """What comes of it where it is awaited, in a loop of its own."""

    async def main():
        return await answer

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


INPUTS = Inputs(lambda given: (given.fn, given.items, given.workers), beyond=False, view=_in_a_loop)

HINTS = [
    "Which pool runs the calls? The loop's own has `min(32, cpus + 4)` workers, whatever `at_most` says.",
    "`loop.run_in_executor(pool, fetch, url)` gives something to await; `asyncio.gather` awaits many, in order.",
    "`gather(*calls, return_exceptions=True)` puts an exception where the result would be. Leaving `with pool` waits: "
    "it is harmless once all calls have ended.",
]


class _Client:
    """Fetches from the slow server. A page comes once the loop has answered after it, or late if it does not.

    The first of them waits until `others` came; then an hour passes. The address "refused" is refused.
    """

    def __init__(self, together, others):
        self.others, self.stood = others, []
        self.together, self.blocked, self.calls, self.came = together, 0, [], {}
        self.beside = 0  # pages that came while the first was held
        self.busy = ""  # what the loop did meanwhile, after the others
        self.ended, self.late, self.own, self.threads = 0, False, "", set()
        self.clock = None
        self._lock = threading.Lock()

    def fetch(self, url):
        with self._lock:
            self.calls.append(url)
            self.threads.add(threading.current_thread())
            first = len(self.calls) == 1
        self.together.task()
        if url != "refused":
            with urllib.request.urlopen(url, timeout=5) as answer:
                page = answer.read()
        if first and self.others:
            self.beside = settled(lambda: len(self.came), lambda came: came >= self.others, 0.5)
            self.busy = self.clock.busy()
            self.clock.leap()
        if url != "refused":
            self.came[url] = page
        if not self.blocked and not self.clock.free(0.5):
            self.blocked += 1
        with self._lock:
            self.ended += 1
        if url == "refused":
            raise ConnectionRefusedError("nobody there")
        return self.came[url]


def _run(fetch_all, urls, at_most, together, others=0, calls=1):
    """What its client saw, and what was returned; of several `calls` at once a list."""
    client = _Client(together, others)

    async def one():
        answer = fetch_all(client.fetch, list(urls), at_most)
        return await answer if inspect.isawaitable(answer) else answer

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="own"))
        client.clock = LoopClock(loop)
        with Standing() as stood:
            stood.thread, client.stood = threading.get_ident(), stood.calls
            try:
                returned = await asyncio.gather(*(one() for _ in range(calls)))
            finally:
                stood.thread = None
        client.own = await asyncio.to_thread(lambda: threading.current_thread().name)
        return returned if calls > 1 else returned[0]

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, main())
        settled(lambda: (client.ended, len(client.calls), running.done()), lambda _: running.done(), 1)
        client.late = not running.done()
        client.clock.go()
        return client, running.result()


def _free(client):
    """Whether the loop was free all the while, in a sentence."""
    if client.blocked:
        return False, "The loop stood still while a page was fetched."
    if client.stood:
        return False, f"The loop stood still: its thread waited in {client.stood[0]}()."
    return True, "The loop went on while a page was fetched."


def check(fetch_all):
    with slow_server(latency=0.02) as server:
        urls = [server.page(n, latency=0.06 if n == 0 else None) for n in range(7)]  # the first comes late
        with watch():
            client, results = _run(fetch_all, urls, 3, together := Gate(4, patience=0.5), others=6)
        seen = server.seen()
        yield (free := _free(client))
        if not free[0]:
            return
        right = sorted(client.calls) == urls
        yield right, f"For 7 addresses, the server was asked {count(len(seen.requests), 'time')}."
        if not right:
            return
        most = max(together.most, seen.peak)
        yield most == 3, f"With at_most=3, at most {count(most, 'page')} at the same time."
        if most != 3:
            return
        if client.late:
            yield False, "It went on when time had passed, not when a page had come: does it sleep between looks?"
            return
        yield client.beside == 6, f"While the first page took long, {client.beside} of the 6 others came."
        if client.beside != 6:
            return
        if client.busy:
            yield False, f"While it waited for a page, {client.busy}."
            return
        right = results == [client.came.get(url) for url in urls]
        yield right, f"The first page took an hour by the loop's clock. The results came as {shown(results)}."
        if not right:
            return
        own = client.own.startswith("own")
        yield own, f"Afterwards the loop's own pool was {'the same' if own else 'another'}."
        if not own:
            return
        gone = [server.url + "gone", server.page(1, latency=0.1)]
        client, results = _run(fetch_all, gone, 2, Gate(2, patience=0.5))
        fits = isinstance(results, list) and len(results) == 2 and isinstance(results[0], OSError)
        fits = fits and results[1] == client.came.get(gone[1])
        free, says = _free(client)
        says = f"it returned {shown(results)}." if free or not fits else says
        yield fits and free, f"When the first of two pages was not there: {says}"
        if not fits or not free:
            return
        client, _ = _run(fetch_all, ["refused"], 1, Gate(1))
        free, says = _free(client)
        asked = f"The only address, which was refused, was asked for {count(len(client.calls), 'time')}."
        yield free and len(client.calls) == 1, asked if free else f"With one address and at_most=1: {says}"
        if not free or len(client.calls) != 1:
            return
        _run(fetch_all, [server.page(n) for n in range(70)], 70, together := Gate(70, patience=1))
        yield together.most == 70, f"With at_most=70, at most {count(together.most, 'page')} at the same time."
        if together.most != 70:
            return
        client, _ = _run(fetch_all, urls[1:5], 2, together := Gate(4, patience=0.5), calls=2)
        yield together.most == 4, f"Of two calls at once with at_most=2, {count(together.most, 'page')} in all."
        gc.collect()
        until(lambda: not any(thread.is_alive() for thread in client.threads), 1)
        left = sum(thread.is_alive() for thread in client.threads)
        yield not left, f"When it had returned, {count(left, 'thread')} of its own stayed behind."


async def wrong_blocks_the_loop(fetch, urls, at_most):
    """says: The loop stood still while a page was fetched."""
    return [fetch(url) for url in urls]


async def wrong_waits_on_the_loop(fetch, urls, at_most):
    """says: The loop stood still while a page was fetched."""
    with ThreadPoolExecutor(at_most) as pool:
        return list(pool.map(fetch, urls))


async def wrong_one_after_the_other(fetch, urls, at_most):
    """says: With at_most=3, at most 1 page at the same time."""
    return [await asyncio.to_thread(fetch, url) for url in urls]


async def wrong_bounds_nothing(fetch, urls, at_most):
    """says: With at_most=3, at most"""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, fetch, url) for url in urls))


async def wrong_takes_the_loops_pool(fetch, urls, at_most):
    """says: With at_most=70, at most"""
    room = asyncio.Semaphore(at_most)

    async def one(url):
        async with room:
            return await asyncio.to_thread(fetch, url)

    return await asyncio.gather(*map(one, urls), return_exceptions=True)


async def wrong_lets_an_error_out(fetch, urls, at_most):
    """says: Your code raised HTTPError"""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(at_most) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, fetch, url) for url in urls))


async def wrong_sorts_by_arrival(fetch, urls, at_most):
    """says: The results came as"""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(at_most) as pool:
        calls = [loop.run_in_executor(pool, fetch, url) for url in urls]
        done = [await call for call in asyncio.as_completed(calls)]
    return sorted(done, reverse=True)


def wrong_is_no_coroutine(fetch, urls, at_most):
    """says: The loop stood still while a page was fetched."""
    with ThreadPoolExecutor(at_most) as pool:
        return [future.result() for future in as_completed([pool.submit(fetch, url) for url in urls])]


async def wrong_asks_twice(fetch, urls, at_most):
    """says: For 7 addresses, the server was asked 8 times."""
    await asyncio.to_thread(fetch, urls[0])  # is it there?
    return await fetch_all(fetch, urls, at_most)


async def wrong_returns_the_error_as_text(fetch, urls, at_most):
    """says: When the first of two pages was not there: it returned ['HTTP Error 404: Not Found', b'page 1"""
    ends = await fetch_all(fetch, urls, at_most)
    return [str(end) if isinstance(end, OSError) else end for end in ends]


async def wrong_needs_an_address(fetch, urls, at_most):
    """says: With no urls, it raised ValueError"""
    return await fetch_all(fetch, urls, min(at_most, len(urls)))


async def wrong_asks_once_for_what_is_equal(fetch, urls, at_most):
    """says: For urls that are equal, 1, True and 1.0"""
    different = list(dict.fromkeys(urls))
    pages = dict(zip(different, await fetch_all(fetch, different, at_most), strict=True))
    return [pages[url] for url in urls]


async def wrong_has_eight_workers_at_most(fetch, urls, at_most):
    """says: With at_most=70, at most 8 pages at the same time"""
    return await fetch_all(fetch, urls, min(at_most, 8))


async def wrong_goes_in_batches(fetch, urls, at_most):
    """says: While the first page took long, 2 of the 6 others came."""
    loop, results = asyncio.get_running_loop(), []
    with ThreadPoolExecutor(at_most) as pool:
        for n in range(0, len(urls), at_most):
            calls = [loop.run_in_executor(pool, fetch, url) for url in urls[n : n + at_most]]
            results += await asyncio.gather(*calls, return_exceptions=True)
    return results


async def wrong_sleeps_between_looks(fetch, urls, at_most):
    """says: The loop stood still: its thread waited in time.sleep()."""
    pool = ThreadPoolExecutor(at_most)
    futures = [pool.submit(fetch, url) for url in urls]
    while not all(future.done() for future in futures):
        time.sleep(0.02)
        await asyncio.sleep(0)
    pool.shutdown()
    return [future.exception() or future.result() for future in futures]


async def wrong_waits_a_little_again_and_again(fetch, urls, at_most):
    """says: The loop stood still: its thread waited in wait()."""
    pool = ThreadPoolExecutor(at_most)
    futures = [pool.submit(fetch, url) for url in urls]
    while wait(futures, timeout=0.02).not_done:
        await asyncio.sleep(0)
    pool.shutdown()
    return [future.exception() or future.result() for future in futures]


async def wrong_fetches_a_single_page_itself(fetch, urls, at_most):
    """says: With one address and at_most=1: The loop stood still while a page was fetched."""
    if len(urls) > 1:
        return await fetch_all(fetch, urls, at_most)
    try:
        return [fetch(url) for url in urls]
    except Exception as error:
        return [error]


async def wrong_asks_again_where_it_was_refused(fetch, urls, at_most):
    """says: The only address, which was refused, was asked for 2 times."""

    def fetch_again(url):
        try:
            return fetch(url)
        except ConnectionError:
            return fetch(url)

    return await fetch_all(fetch_again, urls, at_most)


async def wrong_sleeps_until_there_is_room(fetch, urls, at_most):
    """says: It went on when time had passed, not when a page had come: does it sleep between looks?"""
    loop, calls = asyncio.get_running_loop(), []
    with ThreadPoolExecutor(at_most) as pool:
        for url in urls:
            while sum(not call.done() for call in calls) == at_most:
                await asyncio.sleep(0.01)
            calls.append(loop.run_in_executor(pool, fetch, url))
        return await asyncio.gather(*calls, return_exceptions=True)


async def wrong_sleeps_until_all_have_come(fetch, urls, at_most):
    """says: It went on when time had passed, not when a page had come: does it sleep between looks?"""
    with ThreadPoolExecutor(at_most) as pool:
        futures = [pool.submit(fetch, url) for url in urls]
        while not all(future.done() for future in futures):
            await asyncio.sleep(0.3)
    return [future.exception() or future.result() for future in futures]


async def wrong_goes_round_and_round(fetch, urls, at_most):
    """says: times: it is not free."""
    with ThreadPoolExecutor(at_most) as pool:
        futures = [pool.submit(fetch, url) for url in urls]
        while not all(future.done() for future in futures):
            await asyncio.sleep(0)
    return [future.exception() or future.result() for future in futures]


async def wrong_waits_a_minute_at_most(fetch, urls, at_most):
    """says: The first page took an hour by the loop's clock. The results came as [TimeoutError()"""
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(at_most)
    calls = [asyncio.wait_for(loop.run_in_executor(pool, fetch, url), 60) for url in urls]
    return await asyncio.gather(*calls, return_exceptions=True)


async def wrong_gives_the_loop_another_pool(fetch, urls, at_most):
    """says: Afterwards the loop's own pool was another."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(at_most))
    return await asyncio.gather(*(asyncio.to_thread(fetch, url) for url in urls), return_exceptions=True)


async def wrong_leaves_the_pool_at_an_error(fetch, urls, at_most):
    """says: When the first of two pages was not there: The loop stood still while a page was fetched."""
    loop = asyncio.get_running_loop()
    try:
        with ThreadPoolExecutor(at_most) as pool:
            calls = [loop.run_in_executor(pool, fetch, url) for url in urls]
            return await asyncio.gather(*calls)
    except Exception:
        return await asyncio.gather(*calls, return_exceptions=True)


async def wrong_two_calls_share_the_room(fetch, urls, at_most, rooms={}):  # noqa: B006
    """says: Of two calls at once with at_most=2, 2 pages in all."""
    room = rooms.setdefault(at_most, threading.Semaphore(at_most))

    def fetch_in_room(url):
        with room:
            return fetch(url)

    return await fetch_all(fetch_in_room, urls, 70)


async def wrong_keeps_its_pools(fetch, urls, at_most, pools={}):  # noqa: B006
    """says: When it had returned, 4 threads of its own stayed behind."""
    pool = pools[id(urls)] = ThreadPoolExecutor(at_most)
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*(loop.run_in_executor(pool, fetch, url) for url in urls), return_exceptions=True)


async def wrong_joins_a_little_again_and_again(fetch, urls, at_most):
    """says: While it waited for a page, the loop's thread stood at"""
    ends, room = {}, threading.Semaphore(at_most)

    def one(n, url):
        with room:
            try:
                ends[n] = fetch(url)
            except Exception as error:
                ends[n] = error

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(urls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.02)
            await asyncio.sleep(0)
    return [ends[n] for n in range(len(urls))]
