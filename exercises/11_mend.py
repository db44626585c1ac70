"""Mend the article

Mend `count_words(fetch, urls, workers, at_most, show)`. `fetch(url)` returns a page's text, or raises OSError when
the server fails; a page that failed is not asked for again. Words are what `text.split()` gives.

- It asks for every page, on one pool of `workers` threads, and keeps all of them busy.
- It may get more addresses than fit into memory: never are more than `at_most` of them taken from `urls` whose pages
  are not done. `at_most` is at least `workers`.
- `show(future)` is called once with the Future of each page that is done, come or failed.
- It returns two dicts: how often each word came in all pages, and for each page that failed its error, by address.
"""

import threading
import urllib.request
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from itertools import islice
from urllib.parse import urlsplit

from exercises.kit import Clock, Gate, count, shown, watch
from helpers.processes.slow_http import slow_server

LIMIT = 10


def count_words(fetch, urls, workers, at_most, show):
    words, failed, pending = Counter(), {}, {}

    def words_of(url):
        return Counter(fetch(url).split())

    def collect(left):
        while len(pending) > left:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                url = pending.pop(future)
                if error := future.exception():
                    failed[url] = error
                else:
                    words.update(future.result())

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            future = pool.submit(words_of, url)
            pending[future] = url
            future.add_done_callback(show)
            collect(at_most - 1)
        collect(0)
    return words, failed


HINTS = [
    "Begin with the loop: a `result()` inside it makes every task wait for the one before (lesson 02).",
    "Let each task return its own Counter. One thread adds them up, so nothing is shared (lesson 05).",
    "Keep a dict from Future to address. Once it holds `at_most` Futures, `wait(..., return_when=FIRST_COMPLETED)`, "
    "and take out what is done (lessons 03 and 08).",
    "Ask each Future that is done for its `exception()` and put it into `failed`; the loop goes on.",
    "`show` is a callback as it stands: `future.add_done_callback(show)`, and nothing inside it (lesson 04).",
]

_WORKERS, _AT_MOST, _PAGES = 3, 7, 24
_MANY = _AT_MOST  # pages that end while the first one takes long: one more than find room beside it


class _Turns:
    """Lets another thread go first, for as long as another one comes: it forces what is rare otherwise."""

    def __init__(self):
        self._home = threading.get_ident()
        self._changed, self._steps, self._patience = threading.Condition(), 0, 12

    def take(self):
        if threading.get_ident() == self._home:
            return
        with self._changed:
            self._steps += 1
            mine = self._steps
            self._changed.notify_all()
            if self._patience and not self._changed.wait_for(lambda: self._steps > mine, 0.05):
                self._patience -= 1


class _Word(str):
    """A word that lets another thread go first whenever a dict looks it up."""

    def __hash__(self):
        self.turns.take()
        return super().__hash__()

    def __eq__(self, other):
        self.turns.take()
        return super().__eq__(other)


class _Text(str):
    def split(self, *args):
        words = [_Word(word) for word in super().split(*args)]
        for word in words:
            word.turns = self.turns
        return words


@contextmanager
def _sizes():
    """The sizes of the pools that are made inside the block; None for one without a size."""
    sizes, bare = [], ThreadPoolExecutor.__init__

    def init(self, max_workers=None, *args, **kwargs):
        sizes.append(max_workers)
        bare(self, max_workers, *args, **kwargs)

    ThreadPoolExecutor.__init__ = init
    try:
        yield sizes
    finally:
        ThreadPoolExecutor.__init__ = bare


def _follow(number, enough, patience):
    """Wait until `number()` is `enough`, or has stood still for `patience` seconds; return it."""
    seen, clock = number(), Clock()
    while seen < enough and clock.read() < patience:
        threading.Event().wait(0.01)
        if seen != number():
            seen, clock = number(), Clock()
    return seen


class _Site:
    """The pages as the learner's program gets them, and what it did with them."""

    def __init__(self, server):
        self.urls = [server.page(n) for n in range(_PAGES)]
        self.together, self.back = Gate(_WORKERS), Gate(_WORKERS)
        self.calls, self.shown, self.most, self.meanwhile = 0, set(), 0, _MANY
        self._taken, self._ended, self._held = 0, 0, 0
        self._lock, self._turns = threading.Lock(), _Turns()

    def addresses(self):
        for url in self.urls:
            with self._lock:
                self._taken += 1
                # The one taken last may wait outside for room.
                self.most = max(self.most, self._taken - 1 - self._ended)
            yield url

    def show(self, future):
        with self._lock:
            self.calls += 1
            if isinstance(future, Future) and future.done():
                self.shown.add(future)

    def _settle(self):
        """Hold the first pages until no more addresses are taken, or too many: a slow start hides no queue."""
        with self._lock:
            self._held += 1
            if self._held > _WORKERS:
                return
        _follow(lambda: self._taken, _AT_MOST + 2, 0.2)

    def _linger(self, url):
        """Hold the first page until many others have ended, or no more do: who waits for it leaves workers idle."""
        if url == self.urls[0] and self.together.met:
            self.meanwhile = _follow(lambda: self._ended, _MANY, 1)

    def fetch(self, url):
        self.together.task()
        self._settle()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = _Text(3 * answer.read().decode())
            self.back.task()
            self._linger(url)
        finally:
            with self._lock:
                self._ended += 1
        text.turns = self._turns
        return text


def check(count_words):
    with slow_server(latency=0.02, error_rate=0.15, seed=19) as server, _sizes() as sizes:
        site = _Site(server)
        with watch():
            returned = count_words(site.fetch, site.addresses(), _WORKERS, _AT_MOST, site.show)
        seen = server.seen()

    good = isinstance(returned, tuple) and len(returned) == 2 and all(isinstance(part, dict) for part in returned)
    if not good:
        yield False, f"It returned {shown(returned)}; two dicts are wanted, `words, failed`."
        return
    words, failed = returned
    asked = [url for url in site.urls if urlsplit(url).path in seen.paths]
    came = [url for url in asked if urlsplit(url).path in seen.served]
    right = Counter({"page": 3 * len(came)}) + Counter({url.rpartition("/")[2]: 3 for url in came})
    counted = Counter({str(word): n for word, n in words.items()})
    lost, added = sum((right - counted).values()), sum((counted - right).values())
    reported = sum(isinstance(failed.get(url), OSError) for url in asked)
    misses, again = len(asked) - len(came), len(seen.requests) - len(asked)
    most = site.together.most
    busy = site.meanwhile >= _MANY
    idle = "" if busy else f"; while the first took long, {site.meanwhile} others came, then none"
    yield most == _WORKERS and busy, f"The loop: with 3 workers, at most {count(most, 'page')} at the same time{idle}."
    said = f"The callback: pages done, {len(asked)}; calls of `show`, {site.calls}"
    if site.calls == len(asked) != len(site.shown):
        said += f", {len(site.shown)} of them with the Future of a page that is done"
    yield site.calls == len(asked) == len(site.shown), f"{said}."
    yield reported == misses, f"The errors: pages that failed, {misses}; in `failed`, {reported}."
    waited = count(site.most, "page")
    yield site.most <= _AT_MOST, f"The queue: with at_most=7, up to {waited} not done when it took the next address."
    size = "without a size" if None in sizes else f"for {count(max(sizes, default=0), 'worker')}"
    fits = seen.peak <= _WORKERS and all(size is not None and size <= _WORKERS for size in sizes)
    yield fits, f"The size: with workers=3, the pool was made {size}."
    twice = f", and {added} too many were counted" if added else ""
    yield not lost and not added, f"The count: of {sum(right.values())} words that came, {lost} were lost{twice}."
    more = f", {again} of them again" if again else ""
    yield len(asked) == _PAGES and not again, f"The failures: {len(asked)} of {_PAGES} pages were asked for{more}."


def wrong_returns_one_dict(fetch, urls, workers, at_most, show):
    """says: It returned {'page'"""
    with ThreadPoolExecutor(workers) as pool:
        pool.submit(fetch, next(iter(urls))).add_done_callback(show)
    return {"page": 1}


def wrong_waits_in_the_loop(fetch, urls, workers, at_most, show):
    """says: The loop: with 3 workers, at most 1 page at"""
    words, failed = Counter(), {}
    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            future = pool.submit(fetch, url)
            future.add_done_callback(show)
            try:
                words.update(future.result().split())
            except OSError as error:
                failed[url] = error
    return words, failed


def wrong_batch_after_batch(fetch, urls, workers, at_most, show):
    """says: 3 pages at the same time; while the first took long, 6 others came, then none"""
    words, failed, urls = Counter(), {}, iter(urls)
    with ThreadPoolExecutor(workers) as pool:
        while batch := list(islice(urls, at_most)):
            futures = {pool.submit(fetch, url): url for url in batch}
            for future in as_completed(futures):
                show(future)
                try:
                    words.update(future.result().split())
                except OSError as error:
                    failed[futures[future]] = error
    return words, failed


def wrong_takes_them_in_order(fetch, urls, workers, at_most, show):
    """says: 3 pages at the same time; while the first took long, 6 others came, then none"""
    words, failed, pending = Counter(), {}, deque()

    def take():
        url, future = pending.popleft()
        try:
            words.update(future.result().split())
        except OSError as error:
            failed[url] = error

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            if len(pending) == at_most:
                take()
            pending.append((url, pool.submit(fetch, url)))
            pending[-1][1].add_done_callback(show)
        while pending:
            take()
    return words, failed


def wrong_shows_nothing(fetch, urls, workers, at_most, show):
    """says: The callback: pages done, 24; calls of `show`, 0."""
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

    def task_done(future):
        show(future)

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url)
    return words, failed


def wrong_registers_the_callback_in_itself(fetch, urls, workers, at_most, show):
    """says: The callback: pages done, 24; calls of `show`,"""
    words, failed, pending = Counter(), {}, {}

    def task_done(future):
        show(future)
        future.add_done_callback(task_done)

    def collect(left):
        while len(pending) > left:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                url = pending.pop(future)
                if future.exception():
                    failed[url] = future.exception()
                else:
                    words.update(future.result().split())

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            future = pool.submit(fetch, url)
            pending[future] = url
            future.add_done_callback(task_done)
            collect(at_most - 1)
        collect(0)
    return words, failed


def wrong_passes_over_errors(fetch, urls, workers, at_most, show):
    """says: The errors: pages that failed, 4; in `failed`, 0."""
    words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

    def task(url):
        try:
            text = fetch(url)
        finally:
            room.release()
        with lock:
            words.update(text.split())

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_submits_everything(fetch, urls, workers, at_most, show):
    """says: The queue: with at_most=7,"""
    words, failed = Counter(), {}
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(fetch, url): url for url in urls}
        for future in futures:
            future.add_done_callback(show)
    for future, url in futures.items():
        try:
            words.update(future.result().split())
        except OSError as error:
            failed[url] = error
    return words, failed


def wrong_leaves_the_size_out(fetch, urls, workers, at_most, show):
    """says: The size: with workers=3, the pool was made without a size"""
    words, failed, pending = Counter(), {}, {}

    def take_out(futures):
        for future in futures:
            url = pending.pop(future)
            if future.exception():
                failed[url] = future.exception()
            else:
                words.update(future.result().split())

    with ThreadPoolExecutor() as pool:
        for url in urls:
            if len(pending) == at_most:
                take_out(wait(pending, return_when=FIRST_COMPLETED).done)
            future = pool.submit(fetch, url)
            pending[future] = url
            future.add_done_callback(show)
    take_out(list(pending))
    return words, failed


def wrong_takes_at_most_for_the_size(fetch, urls, workers, at_most, show):
    """says: The size: with workers=3, the pool was made for 7 workers"""
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

    with ThreadPoolExecutor(at_most) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_counts_in_the_workers(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came"""
    words, failed, room = {}, {}, threading.Semaphore(at_most)

    def task(url):
        try:
            for word in fetch(url).split():
                words[word] = words.get(word, 0) + 1
        except OSError as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_ends_at_the_first_failure(fetch, urls, workers, at_most, show):
    """says: The failures:"""
    words, failed, pending = Counter(), {}, {}

    def take_out(futures):
        for future in futures:
            url = pending.pop(future)
            try:
                words.update(future.result().split())
            except OSError as error:
                failed[url] = error

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            future = pool.submit(fetch, url)
            pending[future] = url
            future.add_done_callback(show)
            if len(pending) == at_most:
                take_out(wait(pending, return_when=FIRST_COMPLETED).done)
            if failed:
                break
    take_out(list(pending))
    return words, failed


def wrong_shows_at_the_submit(fetch, urls, workers, at_most, show):
    """says: The callback: pages done, 24; calls of `show`, 24, 0 of them with the Future of a page that is done."""
    words, failed, pending = Counter(), {}, {}

    def take_out(futures):
        for future in futures:
            url = pending.pop(future)
            try:
                words.update(future.result().split())
            except OSError as error:
                failed[url] = error

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            future = pool.submit(fetch, url)
            pending[future] = url
            show(future)
            if len(pending) == at_most:
                take_out(wait(pending, return_when=FIRST_COMPLETED).done)
    take_out(list(pending))
    return words, failed


def wrong_counts_twice(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came, 0 were lost, and 120 too many were counted."""
    words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

    def task(url):
        try:
            text = fetch(url)
            with lock:
                words.update(text.split())
            return text
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        futures = {}
        for url in urls:
            room.acquire()
            futures[pool.submit(task, url)] = url
    for future, url in futures.items():
        show(future)
        try:
            words.update(future.result().split())
        except OSError as error:
            failed[url] = error
    return words, failed


def wrong_asks_again(fetch, urls, workers, at_most, show):
    """says: The failures: 24 of 24 pages were asked for, 4 of them again."""
    words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

    def task(url):
        try:
            try:
                text = fetch(url)
            except OSError:
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
