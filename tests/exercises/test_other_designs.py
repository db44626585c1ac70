"""Right answers of other designs than the file's own pass: what counts is what they do."""

import asyncio
import contextvars
import queue
import random
import sys
import threading
import time
import traceback
import zlib
from collections import Counter, defaultdict, deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from functools import partial
from itertools import pairwise
from statistics import fmean

import numpy as np
import pytest

from exercises import exercise

RIGHT = []


def right(answer):
    """Collect an answer; the exercise is the class it stands in."""
    RIGHT.append(answer)
    return answer


class OneWait:
    """00-one-wait"""

    @right
    def one_waits_on_the_callers_thread(waits):
        with ThreadPoolExecutor(len(waits)) as pool:
            futures = [pool.submit(wait) for wait in waits[1:]]
            return [waits[0](), *(future.result() for future in futures)]

    @right
    def asks_again_and_again(waits):
        values = [None] * len(waits)

        def one(n):
            values[n] = waits[n]()

        threads = [threading.Thread(target=one, args=(n,)) for n in range(len(waits))]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(0.01)
            time.sleep(0.01)
        return values


class OwnPool:
    """01-own-pool"""

    class looks_for_tasks_now_and_then(Executor):
        def __init__(self, max_workers):
            self._queue, self._lock, self._open = queue.Queue(), threading.Lock(), True
            self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(max_workers)]
            for thread in self._threads:
                thread.start()

        def _work(self):
            while True:
                try:
                    task = self._queue.get(timeout=0.02)
                except queue.Empty:
                    with self._lock:
                        if not self._open and self._queue.empty():
                            return
                else:
                    ended(*task)

        def submit(self, fn, /, *args, **kwargs):
            with self._lock:
                if not self._open:
                    raise RuntimeError("it is shut")
                self._queue.put((future := Future(), fn, args, kwargs))
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            with self._lock:
                self._open = False
            for thread in self._threads if wait else ():
                thread.join()

    class has_threads_while_there_are_tasks(Executor):
        def __init__(self, max_workers):
            self._most, self._tasks, self._threads = max_workers, deque(), set()
            self._lock, self._open = threading.Lock(), True

        def _work(self):
            while True:
                with self._lock:
                    if not self._tasks:
                        self._threads.remove(threading.current_thread())
                        return
                    task = self._tasks.popleft()
                ended(*task)

        def submit(self, fn, /, *args, **kwargs):
            with self._lock:
                if not self._open:
                    raise RuntimeError("it is shut")
                self._tasks.append((future := Future(), fn, args, kwargs))
                if len(self._threads) < self._most:
                    self._threads.add(thread := threading.Thread(target=self._work))
                    thread.start()
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            with self._lock:
                self._open, threads = False, list(self._threads)
            for thread in threads if wait else ():
                thread.join()

    RIGHT.extend([looks_for_tasks_now_and_then, has_threads_while_there_are_tasks])


def ended(future, fn, args, kwargs):
    """Run a task, if it is not cancelled, as a worker does."""
    if future.set_running_or_notify_cancel():
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)


class Count:
    """01-count-workers"""

    @right
    def the_last_begins_first(tasks, max_workers):
        def ran_in(task):
            task()
            return threading.current_thread()

        with ThreadPoolExecutor(max_workers) as pool:
            return len({future.result() for future in [pool.submit(ran_in, task) for task in reversed(tasks)]})


class Collect:
    """02-collect"""

    @right
    def the_last_begins_first(tasks, workers):
        with ThreadPoolExecutor(workers) as pool:
            return [future.result() for future in [pool.submit(task) for task in tasks[::-1]]][::-1]


class SortOut:
    """03-sort-out"""

    @right
    def the_last_begins_first(fn, items, workers):
        results, errors = {}, {}
        with ThreadPoolExecutor(workers) as pool:
            for item, future in {item: pool.submit(fn, item) for item in list(items)[::-1]}.items():
                try:
                    results[item] = future.result()
                except BaseException as error:
                    errors[item] = error
        return results, errors

    @right
    def in_an_event_loop(fn, items, workers):
        results, errors = {}, {}

        async def one(pool, item):
            try:
                results[item] = await asyncio.get_running_loop().run_in_executor(pool, fn, item)
            except BaseException as error:
                errors[item] = error

        async def run():
            with ThreadPoolExecutor(workers) as pool:
                await asyncio.gather(*[one(pool, item) for item in items])

        asyncio.run(run())
        return results, errors


class FirstGood:
    """03-first-good"""

    @right
    def waits_for_whichever_is_first(sources, workers):
        pool = ThreadPoolExecutor(workers)
        left = [pool.submit(source) for source in sources]
        try:
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in done:
                    if future.exception() is None:
                        return future.result()
            raise future.exception()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    @right
    def submits_one_when_one_has_failed(sources, workers):
        pool, later = ThreadPoolExecutor(workers), deque(sources)
        left = {pool.submit(later.popleft()) for _ in sources[:workers]}
        try:
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in done:
                    if future.exception() is None:
                        return future.result()
                left |= {pool.submit(later.popleft()) for _ in list(later)[: len(done)]}
            raise future.exception()
        finally:
            pool.shutdown(wait=False)

    @right
    def is_told_by_callbacks(sources, workers):
        pool, first, lock, left = ThreadPoolExecutor(workers), Future(), threading.Lock(), len(sources)

        def ended(future):
            nonlocal left
            with lock:
                left -= 1
                if future.cancelled() or first.done():
                    return
                if future.exception() is None:
                    first.set_result(future.result())
                elif not left:
                    first.set_exception(future.exception())

        for source in sources:
            pool.submit(source).add_done_callback(ended)
        try:
            return first.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class BoundedMap:
    """03-bounded-map"""

    @right
    def calls_take_as_long_as_they_like(fn, items, workers, ahead):
        def one(item):
            time.sleep(random.random() / 100)
            return fn(item)

        items, window = iter(items), deque()
        with ThreadPoolExecutor(workers) as pool:
            for item in items:
                window.append(pool.submit(one, item))
                if len(window) == ahead:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()


class AllDone:
    """04-all-done"""

    @right
    def a_thread_of_its_own_waits(futures, fn):
        def run():
            wait(futures)
            fn()

        threading.Thread(target=run, daemon=True).start()

    @right
    def returns_how_many_there_are(futures, fn):
        AllDone.asks_all_each_time(futures, fn)
        return len(futures)

    @right
    def asks_all_each_time(futures, fn):
        lock, called = threading.Lock(), False

        def look(future=None):
            nonlocal called
            with lock:
                over = not called and all(future.done() for future in futures)
                called = called or over
            if over:
                fn()

        for future in futures:
            future.add_done_callback(look)
        look()

    @right
    def a_thread_that_looks_again_and_again(futures, fn):
        def run():
            while not all(future.done() for future in futures):
                time.sleep(0.01)
            fn()

        threading.Thread(target=run, daemon=True).start()


class MendTheSample:
    """04-mend"""

    @right
    def a_thread_that_reports(pool, work, inputs, report):
        ended, futures = queue.SimpleQueue(), [pool.submit(work, x) for x in inputs]
        for x, future in zip(inputs, futures, strict=True):
            future.add_done_callback(lambda future, x=x: ended.put((x, future)))

        def run():
            for _ in futures:
                x, future = ended.get()
                try:
                    outcome = future.result()
                except BaseException as error:
                    outcome = error
                with suppress(Exception):  # of report's
                    report(x, outcome)

        threading.Thread(target=run).start()
        return futures

    @right
    def a_thread_for_each_report(pool, work, inputs, report):
        def tell(x, future):
            try:
                outcome = future.result()
            except BaseException as error:
                outcome = error
            report(x, outcome)

        futures = [pool.submit(work, x) for x in inputs]
        for x, future in zip(inputs, futures, strict=True):
            threading.Thread(target=tell, args=(x, future)).start()
        return futures

    @right
    def submits_the_last_first(pool, work, inputs, report):
        def tell(x, future):
            try:
                outcome = future.result()
            except BaseException as error:
                outcome = error
            report(x, outcome)

        futures = [pool.submit(work, x) for x in inputs[::-1]][::-1]
        for x, future in zip(inputs, futures, strict=True):
            future.add_done_callback(partial(tell, x))
        return futures


class Pipeline:
    """04-pipeline"""

    @right
    def as_they_are_completed(fetchers, writers, fetch, write, pages):
        numbers = {fetchers.submit(fetch, page): n for n, page in enumerate(pages)}
        ends = [None] * len(pages)
        for future in as_completed(numbers):
            ends[numbers[future]] = future if future.exception() else writers.submit(write, future.result())
        return [future.exception() or future.result() for future in ends]

    @right
    def the_callbacks_submit(fetchers, writers, fetch, write, pages):
        ends, ended = [None] * len(pages), threading.Semaphore(0)

        def wrote(n, future):
            ends[n] = future.exception() or future.result()
            ended.release()

        def fetched(n, future):
            if future.exception():
                wrote(n, future)
            else:
                writers.submit(write, future.result()).add_done_callback(partial(wrote, n))

        for n, page in enumerate(pages):
            fetchers.submit(fetch, page).add_done_callback(partial(fetched, n))
        for _ in pages:
            ended.acquire()
        return ends

    @right
    def a_thread_for_each_page(fetchers, writers, fetch, write, pages):
        ends = [None] * len(pages)

        def run(n, page):
            try:
                ends[n] = writers.submit(write, fetchers.submit(fetch, page).result()).result()
            except BaseException as error:
                ends[n] = error

        threads = [threading.Thread(target=run, args=(n, page)) for n, page in enumerate(pages)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ends

    @right
    def in_an_event_loop(fetchers, writers, fetch, write, pages):
        async def one(page):
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(writers, write, await loop.run_in_executor(fetchers, fetch, page))
            except BaseException as error:
                return error

        async def run():
            return list(await asyncio.gather(*map(one, pages)))

        return asyncio.run(run())


class Settle:
    """02-failures"""

    @right
    def asks_for_each_result(futures):
        pairs = []
        for future in futures:
            try:
                pairs.append(("returned", future.result()))
            except BaseException as error:  # a task may raise CancelledError itself
                pairs.append(("cancelled", None) if future.cancelled() else ("raised", error))
        return pairs


class StopTask:
    """02-stop"""

    @right
    def takes_its_time_between_two_steps(pool, step):
        told = threading.Event()

        def run():
            steps = 0
            while not told.wait(0.001):
                step()
                steps += 1
            return steps

        return pool.submit(run), told.set


class Carry:
    """05-carry"""

    @right
    def by_a_lambda(pool, fn, *args):
        context = contextvars.copy_context()
        return pool.submit(lambda: context.run(fn, *args))

    @right
    def by_a_future_of_its_own(pool, fn, *args):
        future, context = Future(), contextvars.copy_context()

        def run():
            try:
                future.set_result(context.run(fn, *args))
            except BaseException as error:
                future.set_exception(error)

        pool.submit(run)
        return future

    @right
    def sets_the_values_in_an_empty_context(pool, fn, *args):
        values = list(contextvars.copy_context().items())

        def run():
            for variable, value in values:
                variable.set(value)
            return fn(*args)

        return pool.submit(contextvars.Context().run, run)


class Prices:
    """05-prices"""

    @right
    def two_pools(orders, workers):
        with ThreadPoolExecutor(workers) as parts, ThreadPoolExecutor(workers) as pool:

            def one(order):
                return sum(future.result() for future in [parts.submit(part) for part in order])

            return list(pool.map(one, orders))

    @right
    def one_order_after_the_other(orders, workers):
        with ThreadPoolExecutor(workers) as pool:
            return [sum(pool.map(lambda part: part(), order)) for order in orders]

    @right
    def an_order_is_a_task(orders, workers):
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda order: sum(part() for part in order), orders))

    @right
    def a_semaphore_around_each_part(orders, workers):
        room = threading.Semaphore(workers)

        def fetch(part):
            with room:
                return part()

        with ThreadPoolExecutor(sum(map(len, orders)) + len(orders) + 1) as pool:

            def one(order):
                return sum(future.result() for future in [pool.submit(fetch, part) for part in order])

            return list(pool.map(one, orders))

    @right
    def shares_under_one_lock(orders, workers):
        totals, lock = Counter(), threading.Lock()

        def share(parts):
            mine = Counter()
            for n, part in parts:
                mine[n] += part()
            with lock:
                for n, price in mine.items():
                    totals[n] += price

        parts = [(n, part) for n, order in enumerate(orders) for part in order]
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(share, [parts[n::workers] for n in range(workers)]))
        return [totals[n] for n in range(len(orders))]

    @right
    def a_lock_for_each_order(orders, workers):
        totals, locks = [0] * len(orders), [threading.Lock() for _ in orders]

        def one(n, part):
            price = part()
            with locks[n]:
                totals[n] += price

        with ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(one, n, part) for n, order in enumerate(orders) for part in order]:
                future.result()
        return totals


class Tally:
    """05-tally"""

    @right
    def a_lock_for_each_name(votes, workers):
        points, locks, making = {}, {}, threading.Lock()

        def one(vote):
            name, amount = vote()
            with making:
                lock = locks.setdefault(name, threading.Lock())
            with lock:
                points[name] = points.get(name, 0) + amount

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, votes))
        return points

    @right
    def one_thread_adds(votes, workers):
        pairs, points = queue.SimpleQueue(), {}

        def add():
            for name, amount in iter(pairs.get, None):
                points[name] = points.get(name, 0) + amount

        adder = threading.Thread(target=add)
        adder.start()
        try:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda vote: pairs.put(vote()), votes))
        finally:
            pairs.put(None)
            adder.join()
        return points

    @right
    def adds_up_in_the_main_thread(votes, workers):
        points = Counter()
        with ThreadPoolExecutor(workers) as pool:
            for name, amount in pool.map(lambda vote: vote(), votes):
                points[name] += amount
        return points

    @right
    def each_worker_a_contiguous_share(votes, workers):
        def share(part):
            points = {}
            for vote in part:
                name, amount = vote()
                points[name] = points.get(name, 0) + amount
            return points

        size = -(-len(votes) // workers) or 1
        total = {}
        with ThreadPoolExecutor(workers) as pool:
            for points in pool.map(share, [votes[i : i + size] for i in range(0, len(votes), size)]):
                for name, amount in points.items():
                    total[name] = total.get(name, 0) + amount
        return total

    @right
    def each_worker_every_nth(votes, workers):
        def share(part):
            return [vote() for vote in part]

        points = {}
        with ThreadPoolExecutor(workers) as pool:
            for pairs in list(pool.map(share, [votes[n::workers] for n in range(workers)])):
                for name, amount in pairs:
                    points[name] = points.get(name, 0) + amount
        return points

    @right
    def threads_and_a_queue(votes, workers):
        todo, points, errors, lock = queue.SimpleQueue(), defaultdict(int), [], threading.Lock()
        for vote in votes:
            todo.put(vote)

        def work():
            while True:
                try:
                    vote = todo.get_nowait()
                except queue.Empty:
                    return
                try:
                    name, amount = vote()
                except BaseException as error:
                    errors.append(error)
                else:
                    with lock:
                        points[name] += amount

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return dict(points)

    @right
    class OfAnObject:
        """A class whose instance is called."""

        def __call__(self, votes, workers):
            self.points, self.lock = {}, threading.Lock()
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(self.one, votes))
            return self.points

        def one(self, vote):
            name, amount = vote()
            with self.lock:
                self.points[name] = self.points.get(name, 0) + amount


class IntoC:
    """06-into-c"""

    @right
    def in_large_slices(block):
        total = 1
        for start in range(0, len(block), 100_000):
            total = zlib.adler32(block[start : start + 100_000], total)
        return total

    @right
    def by_its_partial(block, start=1):
        return zlib.adler32(memoryview(block), start) & 0xFFFFFFFF

    @right
    def in_a_worker(block):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(zlib.adler32, block).result()

    @right
    def in_a_thread_of_its_own(block):
        sums = []
        thread = threading.Thread(target=lambda: sums.append(zlib.adler32(block)))
        thread.start()
        thread.join()
        return sums[0]

    @right
    def in_numpy(block):
        low, high = 1, 0
        for start in range(0, len(block), 1 << 20):
            sums = np.cumsum(np.frombuffer(block[start : start + (1 << 20)], np.uint8).astype(np.int64))
            high = (high + low * len(sums) + int((sums % 65521).sum())) % 65521
            low = (low + int(sums[-1])) % 65521
        return high << 16 | low


class Label:
    """06-label"""

    @right
    def who_sleeps_when_alone(trace):
        if len(trace.asleep) == len(trace.threads):
            return "sleep"
        return "C" if trace.overlap > 0.5 else "mixed" if max(trace.shares) > 0.8 else "Python"

    @right
    def overlap_first(trace):
        if trace.overlap > 0.9:
            return "C" if trace.cpu_over_wall > 0.9 else "sleep"
        return "mixed" if min(trace.shares) < 0.15 else "Python"


class SlowConsumer:
    """07-slow-consumer"""

    @right
    def with_fmean(trace):
        events = trace["traceEvents"]
        took, names = defaultdict(list), {}
        for event in events:
            if event["ph"] == "X" and event["name"].split(" ")[0] == "work":
                took[event["tid"]].append(event["dur"])
            if event["name"] == "thread_name":
                names[event["tid"]] = event["args"]["name"]
        return max((fmean(durations), names[tid]) for tid, durations in took.items())[1]


class ThreeAnswers:
    """07-three-answers"""

    @right
    def in_one_pass(trace):
        names, ran, longest, holds = {}, Counter(), 0, []
        for event in trace["traceEvents"]:
            args = event.get("args") or {}
            if event["name"] == "thread_name":
                names[event["tid"]] = args["name"]
            elif event["ph"] == "X" and "task" in args:
                ran[event["tid"]] += event["dur"]
                longest = max(longest, args["queue wait (ms)"])
            elif event["ph"] == "b" and event.get("cat") == "gil":
                holds.append(event)
        holds.sort(key=lambda event: event["ts"])
        turns = sum(a["name"] != b["name"] for a, b in pairwise(holds))
        return {"busiest": names[ran.most_common(1)[0][0]], "longest wait": longest, "hand-offs": turns}


class Endless:
    """08-endless"""

    @right
    def looks_now_and_then(fn, items, workers, at_most, handle):
        pending = set()

        def take(left):
            while len(pending) > left:
                time.sleep(0.01)
                for future in [future for future in pending if future.done()]:
                    pending.remove(future)
                    handle(future.result())

        with ThreadPoolExecutor(workers) as pool:
            for item in items:
                take(at_most - 1)
                pending.add(pool.submit(fn, item))
            take(0)

    @right
    def a_pool_of_its_own_that_waits_in_submit(fn, items, workers, at_most, handle):
        room, errors = threading.BoundedSemaphore(at_most), []

        class Pool(ThreadPoolExecutor):
            def submit(self, fn, /, *args, **kwargs):
                room.acquire()
                future = super().submit(fn, *args, **kwargs)
                future.add_done_callback(lambda _: room.release())
                return future

        def one(item):
            try:
                handle(fn(item))
            except BaseException as error:
                errors.append(error)

        with Pool(workers) as pool:
            for item in items:
                if errors:
                    break
                pool.submit(one, item)
        if errors:
            raise errors[0]

    @right
    def waits_for_the_first(fn, items, workers, at_most, handle):
        pending = set()

        def take(left):
            nonlocal pending
            while len(pending) > left:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    handle(future.result())

        with ThreadPoolExecutor(workers) as pool:
            for item in items:
                take(at_most - 1)
                pending.add(pool.submit(fn, item))
            take(0)

    @right
    def workers_share_the_iterator(fn, items, workers, at_most, handle):
        items, lock, errors = iter(items), threading.Lock(), []

        def work():
            while not errors:
                with lock:
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                try:
                    handle(fn(item))
                except BaseException as error:
                    errors.append(error)

        with ThreadPoolExecutor(workers) as pool:
            for _ in range(workers):
                pool.submit(work)
        if errors:
            raise errors[0]

    @right
    def by_callbacks(fn, items, workers, at_most, handle):
        room, failed = threading.Semaphore(at_most), []

        def done(future):
            error = future.exception()
            if error is None:
                handle(future.result())
            else:
                failed.append(error)
            room.release()

        with ThreadPoolExecutor(workers) as pool:
            for item in items:
                room.acquire()
                if failed:
                    break
                pool.submit(fn, item).add_done_callback(done)
        for error in failed:
            raise error


class Forty:
    """08-forty"""

    @right
    def round_by_round(fetch, urls, workers):
        tries, pages, left = 0, {}, list(urls)
        with ThreadPoolExecutor(workers) as pool:
            while left:
                tries += 1
                futures = {url: pool.submit(fetch, url) for url in left}
                left = []
                for url, future in futures.items():
                    try:
                        pages[url] = future.result()
                    except OSError:
                        if tries == 6:
                            raise
                        left.append(url)
                time.sleep(0.01 * bool(left))
        return pages

    @right
    def by_recursion(fetch, urls, workers):
        def get(url, left=5):
            try:
                return fetch(url)
            except OSError:
                if not left:
                    raise
            time.sleep(random.uniform(0, 0.2 / 2**left))
            return get(url, left - 1)

        with ThreadPoolExecutor(workers) as pool:
            futures = {pool.submit(get, url): url for url in urls}
            return {futures[future]: future.result() for future in as_completed(futures)}

    @right
    def rests_for_tenths_of_a_second(fetch, urls, workers):
        def get(url):
            for tries in range(1, 6):
                try:
                    return fetch(url)
                except OSError:
                    threading.Semaphore(0).acquire(timeout=0.1 * tries * random.uniform(0.8, 1.2))
            return fetch(url)

        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(urls, pool.map(get, urls), strict=True))

    @right
    def waits_for_a_lock(fetch, urls, workers):
        def get(url):
            taken = threading.Lock()
            for tries in range(5):
                with taken:
                    try:
                        return fetch(url)
                    except OSError:
                        taken.acquire(timeout=random.uniform(0, 0.01 * 2**tries))
            return fetch(url)

        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(urls, pool.map(get, urls), strict=True))

    @right
    def waits_a_quarter_longer_each_time_while_main_looks(fetch, urls, workers):
        def get(url):
            for tries in range(5):
                try:
                    return fetch(url)
                except OSError:
                    time.sleep(random.uniform(0, 0.1 * (1 + tries / 4)))
            return fetch(url)

        with ThreadPoolExecutor(workers) as pool:
            futures = {url: pool.submit(get, url) for url in urls}
            while not all(future.done() for future in futures.values()):
                time.sleep(0.002)
        return {url: future.result() for url, future in futures.items()}

    @right
    def a_timer_for_each_retry(fetch, urls, workers):
        pages = {url: Future() for url in urls}

        def get(url, tries):
            try:
                pages[url].set_result(fetch(url))
            except OSError as error:
                if tries == 6:
                    pages[url].set_exception(error)
                else:
                    rest = random.uniform(0, 0.01 * 2**tries)
                    threading.Timer(rest, lambda: pool.submit(get, url, tries + 1)).start()
            except BaseException as error:
                pages[url].set_exception(error)

        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                pool.submit(get, url, 1)
            wait(pages.values())
        return {url: page.result() for url, page in pages.items()}


class Rate:
    """08-rate"""

    @right
    def naps(pool, calls, per_second, clock, sleep):
        futures, last = [], float("-inf")
        for call in calls:
            while (left := last + 1 / per_second - clock()) > 0:
                sleep(left)
            last = clock()
            futures.append(pool.submit(call))
        return futures

    @right
    def never_below_nothing(pool, calls, per_second, clock, sleep):
        futures, earliest = [], clock()
        for call in calls:
            sleep(max(0, earliest - clock()))
            futures.append(pool.submit(call))
            earliest = clock() + 1 / per_second
        return futures

    @right
    def a_millisecond_at_a_time(pool, calls, per_second, clock, sleep):
        futures, earliest = [], float("-inf")
        for call in calls:
            while (now := clock()) < earliest:
                sleep(min(0.001, earliest - now))
            futures.append(pool.submit(call))
            earliest = now + 1 / per_second
        return futures


class Stop:
    """09-stop"""

    @right
    def looks_almost_once_in_a_second(stop, tasks, workers):
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(task) for task in tasks]
            while wait(futures, timeout=0.9).not_done:
                if stop.is_set():
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
        ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
        errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
        return {i: future.result() for i, future in ended.items() if i not in errors}, errors

    @right
    def an_exception_of_its_own(stop, tasks, workers):
        class NotBegun(Exception):
            pass

        def unless_stopped(task):
            if stop.is_set():
                raise NotBegun
            return task()

        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(unless_stopped, task) for task in tasks]
        errors = {i: future.exception() for i, future in enumerate(futures) if future.exception() is not None}
        results = {i: future.result() for i, future in enumerate(futures) if i not in errors}
        return results, {i: error for i, error in errors.items() if not isinstance(error, NotBegun)}

    @right
    def looks_every_now_and_then(stop, tasks, workers):
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(task) for task in tasks]
            while wait(futures, timeout=0.05).not_done:
                if stop.is_set():
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
        ended = {i: future for i, future in enumerate(futures) if not future.cancelled()}
        errors = {i: future.exception() for i, future in ended.items() if future.exception() is not None}
        return {i: future.result() for i, future in ended.items() if i not in errors}, errors

    @right
    def the_tasks_note_their_ends(stop, tasks, workers):
        results, errors = {}, {}

        def one(i, task):
            if stop.is_set():
                return
            try:
                results[i] = task()
            except BaseException as error:
                errors[i] = error

        with ThreadPoolExecutor(workers) as pool:
            for pair in enumerate(tasks):
                pool.submit(one, *pair)
        return results, errors

    @right
    def workers_share_the_list(stop, tasks, workers):
        left, results, errors = list(enumerate(tasks))[::-1], {}, {}

        def work():
            while not stop.is_set():
                try:
                    i, task = left.pop()
                except IndexError:
                    return
                future = Future()
                try:
                    future.set_result(task())
                except (CancelledError, BaseException) as error:
                    errors[i] = error
                else:
                    results[i] = future.result()

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results, errors

    @right
    def the_last_comes_first(stop, tasks, workers):
        left, results, errors = list(enumerate(tasks)), {}, {}

        def work():
            while not stop.is_set():
                try:
                    i, task = left.pop()
                except IndexError:
                    return
                try:
                    results[i] = task()
                except BaseException as error:
                    errors[i] = error

        with ThreadPoolExecutor(workers) as pool:
            for _ in range(workers):
                pool.submit(work)
        return results, errors


class Watchdog:
    """09-watchdog"""

    @right
    def a_timer_for_each_task(tasks, workers, patience, report):
        def noted(name, task):
            ident = threading.get_ident()

            def late():
                report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))

            timer = threading.Timer(patience, late)
            timer.start()
            try:
                return task()
            finally:
                timer.cancel()

        with ThreadPoolExecutor(workers) as pool:
            futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        return {name: future.result() for name, future in futures.items()}

    @right
    def a_thread_that_watches(tasks, workers, patience, report):
        notes, over, told = {}, threading.Event(), set()

        def noted(name, task):
            notes[threading.get_ident()] = name, time.perf_counter()
            try:
                return task()
            finally:
                notes.pop(threading.get_ident())

        def look():
            while not over.wait(patience / 10):
                frames = sys._current_frames()
                for ident, (name, since) in list(notes.items()):
                    if time.perf_counter() - since > patience and name not in told and ident in frames:
                        told.add(name)
                        report(name, "".join(traceback.format_stack(frames[ident])))

        dog = threading.Thread(target=look)
        dog.start()
        with ThreadPoolExecutor(workers) as pool:
            results = dict(zip(tasks, pool.map(noted, tasks, tasks.values()), strict=True))
        over.set()
        dog.join()
        return results

    @right
    def looks_not_much_more_than_once_in_a_second(tasks, workers, patience, report):
        notes = {}

        def noted(name, task):
            notes[name] = threading.get_ident(), time.monotonic()
            try:
                return task()
            finally:
                del notes[name]

        with ThreadPoolExecutor(workers) as pool:
            futures, told = {name: pool.submit(noted, name, task) for name, task in tasks.items()}, []
            while wait(futures.values(), timeout=0.75).not_done:
                for name, (ident, since) in notes.copy().items():
                    if name not in told and time.monotonic() > since + patience:
                        told.append(name)
                        report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
        return {name: future.result() for name, future in futures.items()}


class Choose:
    """10-choose"""

    @right
    def compares_times(waits, keeps_gil, gil, megabytes, travels):
        side_by_side = waits or not (keeps_gil and gil)
        return "threads" if side_by_side or not travels or 5 * megabytes >= 100 else "processes"

    @right
    def takes_half_for_clearly_less(waits, keeps_gil, gil, megabytes, travels):
        return "processes" if not waits and keeps_gil and gil and travels and 5 * megabytes < 50 else "threads"


class Swap:
    """10-swap"""

    @right
    def submits_each(executor, fn, items):
        return [future.result() for future in [executor.submit(fn, item) for item in items]]

    @right
    def sorts_what_is_completed(executor, fn, items):
        futures = {executor.submit(fn, item): n for n, item in enumerate(items)}
        results = {}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
        return [results[n] for n in range(len(futures))]

    @right
    def looks_again_and_again(executor, fn, items):
        futures = [executor.submit(fn, item) for item in items]
        for future in futures:
            while not future.done():
                with suppress(TimeoutError):
                    future.exception(timeout=0.02)
        return [future.result() for future in futures]

    @right
    def takes_them_from_a_queue(executor, fn, items):
        line, number = queue.SimpleQueue(), 0
        for number, item in enumerate(items, 1):
            executor.submit(fn, item).add_done_callback(lambda future, n=number: line.put((n, future)))
        return [future.result() for _, future in sorted(line.get() for _ in range(number))]


class Mend:
    """11-mend"""

    @right
    def a_semaphore_and_a_lock(fetch, urls, workers, at_most, show):
        words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

        def task(url):
            try:
                text = fetch(url)
                with lock:
                    words.update(text.split())
            except OSError as error:
                failed[url] = error
            finally:
                room.release()

        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                room.acquire()
                pool.submit(task, url).add_done_callback(show)
        return words, failed

    @right
    def one_thread_adds_up(fetch, urls, workers, at_most, show):
        words, failed, room, done = Counter(), {}, threading.BoundedSemaphore(at_most), queue.Queue()

        def add():
            while (item := done.get()) is not None:
                url, future = item
                try:
                    words.update(future.result().split())
                except OSError as error:
                    failed[url] = error

        def note(url, future):
            done.put((url, future))
            room.release()

        adder = threading.Thread(target=add)
        adder.start()
        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                room.acquire()
                future = pool.submit(fetch, url)
                future.add_done_callback(show)
                future.add_done_callback(partial(note, url))
        done.put(None)
        adder.join()
        return words, failed

    @right
    def shows_what_it_takes_out(fetch, urls, workers, at_most, show):
        words, failed, pending = {}, {}, {}

        def collect(left):
            while len(pending) > left:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    url = pending.pop(future)
                    show(future)
                    try:
                        for word in future.result().split():
                            words[word] = words.get(word, 0) + 1
                    except OSError as error:
                        failed[url] = error

        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                collect(at_most - 1)
                pending[pool.submit(fetch, url)] = url
            collect(0)
        return words, failed

    @right
    def interns_words(fetch, urls, workers, at_most, show):
        words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

        def task(url):
            try:
                page = Counter(map(sys.intern, fetch(url).split()))
                with lock:
                    words.update(page)
            except OSError as error:
                failed[url] = error
            finally:
                room.release()

        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                room.acquire()
                pool.submit(task, url).add_done_callback(show)
        return words, failed

    @right
    def a_counter_for_each_thread(fetch, urls, workers, at_most, show):
        own, counters, failed, room = threading.local(), [], {}, threading.Semaphore(at_most)

        def task(url):
            if not hasattr(own, "words"):
                own.words = Counter()
                counters.append(own.words)
            try:
                own.words.update(fetch(url).split())
            except OSError as error:
                failed[url] = error
            finally:
                room.release()

        with ThreadPoolExecutor(workers) as pool:
            for url in urls:
                room.acquire()
                pool.submit(task, url).add_done_callback(show)
        return sum(counters, Counter()), failed


class Report:
    """11-report"""

    @right
    def counts_at_each_moment(run):
        def waiting(task, moment):
            left = task.started if task.started is not None else task.finished
            return task.submitted <= moment and (left is None or left > moment)

        def running(task, moment):
            began = task.started is not None and task.started <= moment
            return began and (task.finished is None or task.finished > moment)

        moments = [m for t in run.tasks for m in (t.submitted, t.started, t.finished) if m is not None]
        return {
            "tasks": len(run.tasks),
            "failed": sum(task.outcome == "raised" for task in run.tasks),
            "workers": len({task.worker for task in run.tasks} - {None}),
            "peak": max((sum(running(t, m) for t in run.tasks) for m in moments), default=0),
            "queue": max((sum(waiting(t, m) for t in run.tasks) for m in moments), default=0),
        }

    @right
    def adds_up_with_numpy(run):
        came = [task.submitted for task in run.tasks]
        left = [task.finished if task.started is None else task.started for task in run.tasks]
        left = [moment for moment in left if moment is not None]
        steps = np.repeat([1, -1], [len(came), len(left)])
        depth = steps[np.lexsort((steps, came + left))].cumsum().max(initial=0)
        tasks, failed, workers = len(run.tasks), run.count("raised"), len(run.workers)
        return {
            "tasks": float(tasks), "failed": failed, "workers": workers, "peak": run.peak_in_flight, "queue": depth
        }  # fmt: skip


class BesideTheLoop:
    """12-beside-the-loop"""

    @right
    async def a_semaphore_and_a_large_pool(fetch, urls, at_most):
        loop, room = asyncio.get_running_loop(), asyncio.Semaphore(at_most)

        async def one(url):
            async with room:
                return await loop.run_in_executor(pool, fetch, url)

        with ThreadPoolExecutor(100) as pool:
            return await asyncio.gather(*map(one, urls), return_exceptions=True)

    @right
    async def a_plain_pool_beside_the_loop(fetch, urls, at_most):
        def all_of_them():
            with ThreadPoolExecutor(at_most) as pool:
                futures = [pool.submit(fetch, url) for url in urls]
                return [future.exception() or future.result() for future in futures]

        return await asyncio.to_thread(all_of_them)

    @right
    async def futures_of_a_pool_wrapped(fetch, urls, at_most):
        pages = []
        with ThreadPoolExecutor(at_most) as pool:
            for future in [asyncio.wrap_future(pool.submit(fetch, url)) for url in urls]:
                try:
                    pages.append(await future)
                except Exception as error:
                    pages.append(error)
        return pages

    @right
    async def workers_of_the_loop_take_turns(fetch, urls, at_most):
        pages, left = [None] * len(urls), iter(enumerate(urls))

        async def worker(pool):
            for n, url in left:
                try:
                    pages[n] = await asyncio.get_running_loop().run_in_executor(pool, fetch, url)
                except Exception as error:
                    pages[n] = error

        with ThreadPoolExecutor(at_most) as pool:
            await asyncio.gather(*(worker(pool) for _ in range(at_most)))
        return pages

    @right
    async def waits_for_a_while_again_and_again(fetch, urls, at_most):
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(at_most) as pool:
            calls = [loop.run_in_executor(pool, fetch, url) for url in urls]
            left = calls
            while left:
                _, left = await asyncio.wait(left, timeout=0.1)
        return [call.exception() or call.result() for call in calls]

    @right
    async def a_thread_for_each(fetch, urls, at_most):
        loop, room = asyncio.get_running_loop(), asyncio.Semaphore(at_most)

        async def one(url):
            def run():
                try:
                    page = fetch(url)
                except Exception as error:
                    page = error
                loop.call_soon_threadsafe(came.set_result, page)

            async with room:
                came = loop.create_future()
                threading.Thread(target=run).start()
                return await came

        return await asyncio.gather(*map(one, urls))


class Stream:
    """12-stream"""

    @right
    async def a_queue_of_threads_awaited_in_threads(crawl):
        line, end = queue.Queue(), object()

        def run():
            try:
                crawl(line.put)
            finally:
                line.put(end)

        with ThreadPoolExecutor(2) as pool:
            loop = asyncio.get_running_loop()
            call = loop.run_in_executor(pool, run)
            while (item := await loop.run_in_executor(pool, line.get)) is not end:
                yield item
            await call

    @right
    async def each_item_waits_for_its_reader(crawl):
        loop, line, end = asyncio.get_running_loop(), asyncio.Queue(1), object()

        def emit(item):
            asyncio.run_coroutine_threadsafe(line.put(item), loop).result()

        def run():
            try:
                crawl(emit)
            finally:
                emit(end)

        call = asyncio.create_task(asyncio.to_thread(run))
        while (item := await line.get()) is not end:
            yield item
        await call

    @right
    async def a_deque_and_an_event(crawl):
        loop, line, news = asyncio.get_running_loop(), deque(), asyncio.Event()

        def emit(item):
            line.append(item)
            loop.call_soon_threadsafe(news.set)

        call = loop.run_in_executor(None, crawl, emit)
        call.add_done_callback(lambda _: news.set())
        while line or not call.done():
            while line:
                yield line.popleft()
            if not call.done():
                await news.wait()
                news.clear()
        await call

    @right
    async def waits_for_a_while_again_and_again(crawl):
        loop, line, end = asyncio.get_running_loop(), asyncio.Queue(), object()
        call = loop.run_in_executor(None, crawl, lambda item: loop.call_soon_threadsafe(line.put_nowait, item))
        call.add_done_callback(lambda _: line.put_nowait(end))
        item = None
        while item is not end:
            try:
                item = await asyncio.wait_for(line.get(), 0.2)
            except TimeoutError:
                continue
            if item is not end:
                yield item
        await call

    @right
    async def room_for_ten(crawl):
        loop, line, end, room = asyncio.get_running_loop(), asyncio.Queue(), object(), threading.Semaphore(10)

        def emit(item):
            room.acquire()
            loop.call_soon_threadsafe(line.put_nowait, item)

        call = loop.run_in_executor(None, crawl, emit)
        call.add_done_callback(lambda _: line.put_nowait(end))
        while (item := await line.get()) is not end:
            room.release()
            yield item
        await call

    @right
    async def a_plain_thread_and_pairs(crawl):
        loop, line = asyncio.get_running_loop(), asyncio.Queue()

        def put(kind, thing=None):
            loop.call_soon_threadsafe(line.put_nowait, (kind, thing))

        def run():
            try:
                crawl(partial(put, "item"))
            except BaseException as error:
                put("error", error)
            else:
                put("end")

        threading.Thread(target=run).start()
        while True:
            kind, thing = await line.get()
            if kind == "end":
                return
            if kind == "error":
                raise thing
            yield thing


def names(answer):
    kind, _, name = answer.__qualname__.partition(".")
    return globals()[kind].__doc__.strip(), name


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: " ".join(names(answer)))
def test_a_right_answer_passes(answer):
    made = isinstance(answer, type) and not issubclass(answer, Executor)
    verdict = exercise(names(answer)[0]).check(answer() if made else answer)
    assert verdict.passed, repr(verdict)
    assert [finding for finding in verdict.findings if finding.ok is None] == []


def test_an_answer_may_be_a_partial():
    verdict = exercise("05-tally").check(partial(Tally.each_worker_a_contiguous_share))
    assert verdict.passed, repr(verdict)


class Yes(list):
    """A list that says that it equals everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


STRANGE = {
    "array": lambda result: np.array(result if isinstance(result, list) else [result], dtype=object),
    "yes": lambda result: Yes(),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize(
    "name", ["05-prices", "05-tally", "08-forty", "09-stop", "09-watchdog", "10-swap", "11-report"]
)
def test_a_result_that_says_itself_what_it_equals_is_refused_and_not_the_check(name, kind):
    asked = exercise(name)
    verdict = asked.check(lambda *args: STRANGE[kind](asked.file.solution(*args)))
    refused = [finding for finding in verdict.findings if finding.ok is False]
    assert refused and not any(finding.stumbled for finding in refused), repr(verdict)
    assert "returned" in refused[0].says or "gave" in refused[0].says or "came back" in refused[0].says
