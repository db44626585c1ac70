"""Fetch beside the loop

`fetch(url)` is a function that blocks until the page is there. Write `async def fetch_all(fetch, urls, at_most)`: it
calls `fetch` for each of the list `urls` in threads, `at_most` at the same time and never more, and returns the list
of results in the order of `urls`. Where a call raised an exception, the list has that exception in its place. The
event loop is free all the while. `at_most` may be larger than the loop's own pool.
"""

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from exercises.kit import Gate, count, shown, until, watch

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

HINTS = [
    "Which pool runs the calls? The loop's own has `min(32, cpus + 4)` workers, whatever `at_most` says.",
    "`loop.run_in_executor(pool, fetch, url)` gives something to await; `asyncio.gather` awaits many, in order.",
    "`gather(*calls, return_exceptions=True)` puts an exception where the result would be. Leaving `with pool` waits: "
    "it is harmless once all calls have ended.",
]


class _Server:
    """Pages that come once the loop has beaten twice meanwhile, or after a while if it does not."""

    def __init__(self, together):
        self.together, self.beats, self.blocked, self.calls = together, 0, 0, []
        self._lock = threading.Lock()

    async def beat(self):
        while True:
            self.beats += 1
            await asyncio.sleep(0.005)

    def fetch(self, url):
        with self._lock:
            self.calls.append(url)
        before = self.beats
        self.together.task()
        if not self.blocked and not until(lambda: self.beats > before + 1, 0.5):
            self.blocked += 1
        if url == "bad":
            raise OSError("no such page")
        return f"page {url}"


def _run(fetch_all, urls, at_most, together):
    server = _Server(together)

    async def main():
        heart = asyncio.create_task(server.beat())
        await asyncio.sleep(0.01)
        try:
            answer = fetch_all(server.fetch, urls, at_most)
            return await answer if inspect.isawaitable(answer) else answer
        finally:
            heart.cancel()

    with ThreadPoolExecutor(1) as pool:
        return server, pool.submit(asyncio.run, main()).result()


def check(fetch_all):
    urls = ["a", "b", "c", "d", "e", "f", "g"]
    with watch():
        server, results = _run(fetch_all, urls, 3, together := Gate(4, patience=0.5))
    stood = "stood still" if server.blocked else "went on"
    yield not server.blocked, f"The loop {stood} while a page was fetched."
    if server.blocked:
        return
    yield sorted(server.calls) == urls, f"For 7 addresses, fetch was called {count(len(server.calls), 'time')}."
    yield together.most == 3, f"With at_most=3, at most {count(together.most, 'page')} at the same time."
    if together.most != 3:
        return
    wanted = [f"page {url}" for url in urls]
    yield results == wanted, f"The results came as {shown(results)}."
    if results != wanted:
        return
    _, results = _run(fetch_all, ["bad", "a"], 2, Gate(2, patience=0.5))
    fits = isinstance(results, list) and len(results) == 2 and isinstance(results[0], OSError)
    yield fits and results[1] == "page a", f"When the first of two calls failed, it returned {shown(results)}."
    _, results = _run(fetch_all, [], 2, Gate(1, patience=0.5))
    yield results == [], f"For no address it returned {shown(results)}."
    _run(fetch_all, [str(n) for n in range(40)], 40, together := Gate(40, patience=1))
    yield together.most == 40, f"With at_most=40, at most {count(together.most, 'page')} at the same time."


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
    """says: With at_most=3, at most 4 pages at the same time."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, fetch, url) for url in urls))


async def wrong_takes_the_loops_pool(fetch, urls, at_most):
    """says: With at_most=40, at most"""
    room = asyncio.Semaphore(at_most)

    async def one(url):
        async with room:
            return await asyncio.to_thread(fetch, url)

    return await asyncio.gather(*map(one, urls), return_exceptions=True)


async def wrong_lets_an_error_out(fetch, urls, at_most):
    """says: Your code raised OSError: no such page"""
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
