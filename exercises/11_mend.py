"""Mend the article

Mend `count_words(fetch, urls, workers, at_most, show)`. `fetch(url)` returns a page's text, or raises OSError when
the server fails; a page that failed is not asked for again. Words are what `text.split()` gives.

- It asks for every page, on one pool of `workers` threads, and keeps all of them busy. They end with the call.
- It may get more addresses than fit into memory: of a page done it keeps no Future and no text, never are more than
  `at_most` pages submitted and not done, and besides them one address at most is taken from `urls`. `at_most` is at
  least `workers`. No address comes twice.
- `show(future)` is called once with the pool's Future of each page, as soon as that page is done, come or failed.
- It returns a tuple of two dicts, `words, failed`: how often each word came in all pages, and by address, for each
  page that failed, the error that `fetch` raised.
"""

import collections
import gc
import re
import threading
import urllib.error
import urllib.request
import weakref
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from functools import partial
from itertools import islice
from unittest.mock import patch
from urllib.parse import urlsplit

from exercises.kit import Gate, Inputs, count, interleavings, settled, shown, submitted, until, watch
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
    return dict(words), failed


HINTS = [
    "Begin with the loop: a `result()` inside it makes every task wait for the one before (lesson 02).",
    "Let each task return its own Counter. One thread adds them up, so nothing is shared (lesson 05).",
    "Keep a dict from Future to address. Once it holds `at_most` Futures, `wait(..., return_when=FIRST_COMPLETED)`, "
    "and take out what is done (lessons 03 and 08).",
    "Ask each Future that is done for its `exception()` and put it into `failed`; the loop goes on.",
    "`show` is a callback as it stands: `future.add_done_callback(show)`, and nothing inside it (lesson 04).",
]

_ERRORS = {"b": TimeoutError("no answer"), "c": ConnectionRefusedError("nobody there")}


def _fetch(url):
    if url in _ERRORS:
        raise _ERRORS[url]
    return "It's THE END. The end"


def _no_disk(url):
    raise OSError("no disk")


def _three(given):
    return _fetch, iter("abc"), 2, 2, lambda _: given.note("shown")


INPUTS = Inputs(
    lambda given: (given.fn, given.once, given.workers, given.workers, lambda _: given.note("shown")),
    values="texts",
    different=True,
    odd=False,  # addresses
    also={
        "Where one fetch times out and one is refused": _three,
        "Where a fetch raises OSError": lambda given: (_no_disk, iter("a"), 1, 1, lambda _: given.note("shown")),
    },
    raises=False,
)

_WORKERS, _AT_MOST, _PAGES = 3, 7, 24
_KEPT = _AT_MOST + _WORKERS  # Futures of pages done, at most, that somebody still has
_MANY = _AT_MOST  # pages that end while the first one takes long: one more than find room beside it
_SOON = _MANY - _WORKERS  # of these, so many have been shown at the least: others may be about to be


class _Text(str):
    """A text of which can be seen whether somebody still has it."""


def _count_elements(counts, words):
    for word in words:
        counts[word] = counts.get(word, 0) + 1


# What counts a list for Counter is in C. In Python, and under the name of the library, a thread can be held in it.
_count_elements.__code__ = _count_elements.__code__.replace(co_filename=collections.__file__)


def _ways():
    """What holds a thread before its 1st, 2nd … line, then before its 1st, 2nd … step, until one is not reached."""
    yield from interleavings(15)
    yield from interleavings(40, 0.15, writes=True, library=collections.__file__)


class _Six:
    """Pages of one word for two workers. The thread that has the first of them is held at some place after its page
    number `n`, until the other thread has counted its own page with that number."""

    def __init__(self, hold, n):
        self.hold, self.n, self.both, self.threads = hold, n, Gate(2, patience=0.3), []
        self._lock = threading.Lock()

    def fetch(self, url):
        here = threading.get_ident()
        with self._lock:
            self.threads.append(here)
            n, first = self.threads.count(here), here == self.threads[0]
        if n == 1:
            self.both.task()
        if n == self.n:
            self.hold.begin() if first else self.hold.turn.wait(0.3)
        elif n == self.n + 1:
            self.hold.end() if first else self.hold.over.set()
        return "word"


def _tried(count_words):
    """How many ways of counting two pages at the same moment were tried, and how many of 6 words were lost in one."""
    ways = 0
    for n in (1, 2):
        for hold in _ways():
            ways += 1
            with patch.object(collections, "_count_elements", _count_elements):
                words, _ = count_words(_Six(hold, n).fetch, iter("abcdef"), 2, 6, lambda _: None)
            if lost := 6 - sum(words.values()):
                return ways, lost
    return ways, 0


@contextmanager
def _pools():
    """The sizes of the pools that are made inside the block, None for one without a size, and their Futures."""
    sizes, futures, bare, submit = [], weakref.WeakSet(), ThreadPoolExecutor.__init__, ThreadPoolExecutor.submit

    def init(self, max_workers=None, *args, **kwargs):
        sizes.append(max_workers)
        bare(self, max_workers, *args, **kwargs)

    def submit_noted(self, fn, /, *args, **kwargs):
        futures.add(future := submit(self, fn, *args, **kwargs))
        return future

    with patch.multiple(ThreadPoolExecutor, __init__=init, submit=submit_noted):
        yield sizes, futures


class _Site:
    """The pages as the learner's program gets them, and what it did with them."""

    def __init__(self, server, of_pools):
        self.urls = [server.page(n) for n in range(_PAGES)]
        self.together, self.back = Gate(_WORKERS, patience=0.5), Gate(_WORKERS, patience=0.5)
        self.calls, self.shown, self.raised, self.run = 0, 0, {}, None
        self.died = None  # what a task raised that no page may raise
        self._of_pools, self.threads = of_pools, set()
        self._futures, self._texts = weakref.WeakSet(), []  # those that were shown and that somebody still has; texts
        self.kept, self.kept_texts = 0, 0
        self.most, self.ahead, self.meanwhile, self.soon = 0, 0, _MANY, _SOON
        self._taken, self._ended, self._held, self._inside, self.peak = 0, 0, 0, 0, 0
        self._lock = threading.Lock()

    def addresses(self):
        for url in self.urls:
            with self._lock:
                self._taken += 1
            self._look()
            yield url

    def _look(self):
        """Count what is under way; a page has ended before an answer can know it. Gives all that was begun so far."""
        with self._lock:
            begun = submitted(self.run)
            self.most = max(self.most, begun - self._ended)
            self.ahead = max(self.ahead, self._taken - self._ended)
            return begun + self._taken

    def show(self, future):
        with self._lock:
            self.calls += 1
            if future in self._of_pools and future.done() and future not in self._futures:
                self._futures.add(future)
                self.shown += 1
                error = None if future.cancelled() else future.exception()
                self.died = self.died or (None if isinstance(error, OSError) else error)

    def _settle(self):
        """Hold the first pages until no more addresses are taken, or too many: a slow start hides no queue."""
        with self._lock:
            self._held += 1
            self._inside += 1
            self.peak = max(self.peak, self._inside)
            if self._held > _WORKERS:
                return
        settled(self._look, lambda seen: seen >= 2 * _PAGES, 0.2)

    def _linger(self, url):
        """Hold the first page until many others have ended, or no more do: who waits for it leaves workers idle."""
        if url == self.urls[0] and self.together.met:
            self.meanwhile = settled(lambda: self._ended, lambda ended: ended >= _MANY, 1)
            if self.meanwhile >= _MANY:
                self.soon = settled(lambda: self.calls, lambda calls: calls >= _SOON, 0.5)

    def _count_kept(self, url):
        if url in self.urls[-_WORKERS:] and max(self._kept()) > _KEPT:
            settled(self._kept, lambda kept: max(kept) <= _KEPT, 0.5)  # who counts may be behind
            gc.collect()
            with self._lock:
                self.kept, self.kept_texts = map(max, self._kept(), (self.kept, self.kept_texts))

    def _kept(self):
        return len(self._futures), sum(text() is not None for text in self._texts)

    def fetch(self, url):
        self.threads.add(threading.current_thread())
        self.together.task()
        self._count_kept(url)
        self._settle()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = _Text(3 * answer.read().decode())
            self.back.task()
            self._linger(url)
        except OSError as error:
            self.raised[url] = error
            raise
        finally:
            with self._lock:
                self._ended += 1
                self._inside -= 1
        self.raised.pop(url, None)
        self._texts.append(weakref.ref(text))
        return text


def check(count_words):
    with slow_server(latency=0.02, error_rate=0.15, seed=19) as server, _pools() as (sizes, of_pools):
        site = _Site(server, of_pools)
        with watch() as site.run:
            returned = count_words(site.fetch, site.addresses(), _WORKERS, _AT_MOST, site.show)
        seen = server.seen()

    good = isinstance(returned, tuple) and len(returned) == 2 and all(isinstance(part, dict) for part in returned)
    if not good:
        yield False, f"It returned {shown(returned)}; a tuple of two dicts is wanted, `words, failed`."
        return
    words, failed = returned
    asked = [url for url in site.urls if urlsplit(url).path in seen.paths]
    came = [url for url in asked if urlsplit(url).path in seen.served]
    right = Counter({"page": 3 * len(came)}) + Counter({url.rpartition("/")[2]: 3 for url in came})
    odd = [n for n in words.values() if not isinstance(n, int)]
    counted = Counter({str(word): n for word, n in words.items() if isinstance(n, int)})
    lost, added = sum((right - counted).values()), sum((counted - right).values())
    misses, again = len(site.raised), len(seen.requests) - len(asked)
    most = site.together.most
    busy = site.meanwhile >= _MANY
    idle = "" if busy else f"; while the first took long, {site.meanwhile} others came, then none"
    yield most == _WORKERS and busy, f"The loop: with 3 workers, at most {count(most, 'page')} at the same time{idle}."
    said = f"The callback: pages done, {len(asked)}; calls of `show`, {site.calls}"
    if site.calls == len(asked) != site.shown:
        said += f", {site.shown} of them with the pool's Future of a page done"
    elif site.calls and site.soon < _SOON:
        said += f"; while the first took long, {site.meanwhile} others were done and {site.soon} of them shown"
    shown_all = site.calls == len(asked) == site.shown
    yield shown_all and site.soon >= _SOON, f"{said}."
    right_errors = [url for url, error in site.raised.items() if failed.get(url) is error]
    told = f"; {len(right_errors)} of them by address, as `fetch` raised it" if len(failed) > len(right_errors) else ""
    noted = len(failed) == len(right_errors) == misses
    yield noted, f"The errors: pages that failed, {misses}; in `failed`, {len(failed)}{told}."
    waited = f"up to {count(site.most, 'page')} submitted and not done, {count(site.ahead, 'address')} taken"
    room = site.most <= _AT_MOST and site.ahead <= _AT_MOST + 1
    waited = waited.replace("addresss", "addresses")
    held = ((site.kept, "Future"), (site.kept_texts, "text"))
    kept = "".join(f"; {count(n, what)} of pages done were kept" for n, what in held if shown_all and n > _KEPT)
    yield room and not kept, f"The queue: with at_most=7, {waited}{kept}."
    size = "without a size" if None in sizes else f"for {count(max(sizes, default=0), 'worker')}"
    pools = "the pool was made" if len(sizes) == 1 else f"{count(len(sizes), 'pool')} were made, the largest"
    pools, size = (pools, size) if sizes else ("no ThreadPoolExecutor was", "made")
    beside = f"; {site.peak} pages were fetched at the same time" if site.peak > _WORKERS else ""
    gc.collect()
    until(lambda: not any(thread.is_alive() for thread in site.threads), 1)
    left = sum(thread.is_alive() for thread in site.threads)
    beside += f"; {count(left, 'thread')} stayed behind" if left else ""
    fits = len(sizes) == 1 and site.peak <= _WORKERS and None not in sizes and sizes[0] <= _WORKERS and not left
    yield fits, f"The size: with workers=3, {pools} {size}{beside}."
    twice = f", and {added} too many were counted" if added else ""
    wrong_way = f"; in `words` is {shown(odd[0], 40)} where a number is wanted" if odd else ""
    good = not lost and not added and not odd
    died = f"; a task raised {type(site.died).__name__}: {site.died}" if site.died and lost else ""
    were = f"{lost} {_were(lost)} lost{twice}{wrong_way}{died}"
    if good and busy and shown_all and noted and room and fits and len(asked) == _PAGES and not again:
        ways, gone = _tried(count_words)
        changed = Counter(words) != right
        good = not gone and not changed
        less = f"; of 6 words of pages counted at once, tried in {count(ways, 'way')}, {gone} {_were(gone)} lost"
        were += less if gone else "; other calls changed the dict of this one" if changed else ""
    yield good, f"The count: of {sum(right.values())} words that came, {were}."
    more = f", {again} of them again" if again else ""
    yield len(asked) == _PAGES and not again, f"The failures: {len(asked)} of {_PAGES} pages were asked for{more}."


def _were(number):
    return "was" if number == 1 else "were"


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
    """says: The callback: pages done, 24; calls of `show`, 24, 0 of them with the pool's Future of a page done."""
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

    def again(url, future):
        show(future)
        if error := future.exception():
            failed[url] = error
        else:
            words.update(future.result().split())

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(partial(again, url))
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


def wrong_one_page_too_many(fetch, urls, workers, at_most, show):
    """says: The queue: with at_most=7, up to 8 pages submitted and not done"""
    return count_words(fetch, urls, workers, at_most + 1, show)


def wrong_takes_addresses_ahead(fetch, urls, workers, at_most, show):
    """says: The queue: with at_most=7, up to 7 pages submitted and not done, 9 addresses taken"""

    def ahead(urls):
        waiting = deque()
        for url in urls:
            waiting.append(url)
            if len(waiting) > 2:
                yield waiting.popleft()
        yield from waiting

    return count_words(fetch, ahead(urls), workers, at_most, show)


def wrong_shows_all_at_the_end(fetch, urls, workers, at_most, show):
    """says: others were done and 0 of them shown."""
    done = []
    returned = count_words(fetch, urls, workers, at_most, done.append)
    for future in done:
        show(future)
    return returned


def wrong_swaps_the_dicts(fetch, urls, workers, at_most, show):
    """
    says: The errors: pages that failed, 4; in `failed`, 21; 0 of them by address, as `fetch` raised it.
    says: The count: of 120 words that came, 120 were lost; in `words` is <HTTPError 50
    """
    words, failed = count_words(fetch, urls, workers, at_most, show)
    return failed, words


def wrong_keeps_texts_of_errors(fetch, urls, workers, at_most, show):
    """says: The errors: pages that failed, 4; in `failed`, 4; 0 of them by address, as `fetch` raised it."""
    words, failed = count_words(fetch, urls, workers, at_most, show)
    return words, {url: str(error) for url, error in failed.items()}


def wrong_numbers_the_failures(fetch, urls, workers, at_most, show):
    """says: The errors: pages that failed, 4; in `failed`, 4; 0 of them by address, as `fetch` raised it."""
    words, failed = count_words(fetch, urls, workers, at_most, show)
    return words, dict(enumerate(failed.values()))


def wrong_every_page_has_an_entry_in_failed(fetch, urls, workers, at_most, show):
    """says: The errors: pages that failed, 4; in `failed`, 24; 4 of them by address, as `fetch` raised it."""
    urls, every = iter(urls), {}

    def noted(url):
        every[url] = None
        return fetch(url)

    words, failed = count_words(noted, urls, workers, at_most, show)
    return words, every | failed


def wrong_one_worker_more(fetch, urls, workers, at_most, show):
    """says: The size: with workers=3, the pool was made for 4 workers; 4 pages were fetched at the same time"""
    return count_words(fetch, urls, workers + 1, at_most, show)


def wrong_a_pool_for_each_batch(fetch, urls, workers, at_most, show):
    """
    says: The loop: with 3 workers, at most 3 pages at the same time; while the first took long, 2 others came
    says: The size: with workers=3, 8 pools were made, the largest for 3 workers
    """
    words, failed, urls = Counter(), {}, iter(urls)
    while batch := list(islice(urls, workers)):
        with ThreadPoolExecutor(workers) as pool:
            futures = {pool.submit(fetch, url): url for url in batch}
            for future in futures:
                future.add_done_callback(show)
        for future, url in futures.items():
            if error := future.exception():
                failed[url] = error
            else:
                words.update(future.result().split())
    return words, failed


def wrong_has_eight_workers_at_most(fetch, urls, workers, at_most, show):
    """says: With 72 urls and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return count_words(fetch, urls, min(workers, 8), at_most, show)


def wrong_takes_words_from_between_signs(fetch, urls, workers, at_most, show):
    """says: Where one fetch times out and one is refused, it returned"""
    return count_words(lambda url: " ".join(re.findall(r"[\w/]+", fetch(url))), urls, workers, at_most, show)


def wrong_lets_a_refused_connection_out(fetch, urls, workers, at_most, show):
    """says: Where one fetch times out and one is refused, it raised ConnectionRefusedError: nobody there"""
    words, failed = count_words(fetch, urls, workers, at_most, show)
    for error in failed.values():
        if isinstance(error, ConnectionError):
            raise error
    return words, failed


def wrong_keeps_every_future(fetch, urls, workers, at_most, show):
    """says: of pages done were kept"""
    words, failed, futures, room = Counter(), {}, {}, threading.Semaphore(at_most)

    def done(future):
        show(future)
        room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            futures[pool.submit(fetch, url)] = url
            list(futures)[-1].add_done_callback(done)
    for future, url in futures.items():
        if error := future.exception():
            failed[url] = error
        else:
            words.update(future.result().split())
    return words, failed


def wrong_knows_errors_of_the_network_alone(fetch, urls, workers, at_most, show):
    """says: Where a fetch raises OSError, it returned (Counter(), {}), not ({}, {'a': OSError('no disk')})"""
    words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

    def task(url):
        try:
            text = fetch(url)
            with lock:
                words.update(text.split())
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_writes_capitals_small(fetch, urls, workers, at_most, show):
    """says: Where one fetch times out and one is refused, it returned"""

    def fetch_small(url):
        return " ".join(w.lower() if w.isupper() and len(w) > 1 else w for w in fetch(url).split())

    return count_words(fetch_small, urls, workers, at_most, show)


def wrong_counts_copies_of_words_in_the_workers(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came"""
    words, failed, room = {}, {}, threading.Semaphore(at_most)

    def task(url):
        try:
            for word in fetch(url).split():
                word = f"{word}"
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


def wrong_adds_up_in_callbacks(fetch, urls, workers, at_most, show):
    """says: The count:"""
    words, failed, room = Counter(), {}, threading.Semaphore(at_most)

    def done(url, future):
        if error := future.exception():
            failed[url] = error
        else:
            words.update(future.result())
        room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            future = pool.submit(lambda url=url: Counter(fetch(url).split()))
            future.add_done_callback(show)
            future.add_done_callback(partial(done, url))
    return words, failed


def wrong_reads_and_writes_under_two_locks(fetch, urls, workers, at_most, show):
    """says: The count:"""
    words, failed, lock, room = Counter(), {}, threading.Lock(), threading.Semaphore(at_most)

    def task(url):
        nonlocal words
        try:
            page = Counter(fetch(url).split())
            with lock:
                total = Counter(words)
            total += page
            with lock:
                words = total
        except OSError as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_makes_threads_of_its_own(fetch, urls, workers, at_most, show):
    """
    says: The callback: pages done, 24; calls of `show`, 24, 0 of them with the pool's Future of a page done.
    says: The size: with workers=3, no ThreadPoolExecutor was made.
    """
    words, failed, line, lock, room = Counter(), {}, deque(), threading.Lock(), threading.Semaphore(at_most)
    waiting = threading.Semaphore(0)

    def work():
        while waiting.acquire() and (job := line.popleft()):
            url, future = job
            try:
                text = fetch(url)
                with lock:
                    words.update(text.split())
                future.set_result(None)
            except OSError as error:
                failed[url] = error
                future.set_exception(error)
            room.release()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for url in urls:
        room.acquire()
        future = Future()
        future.add_done_callback(show)
        line.append((url, future))
        waiting.release()
    line.extend([None] * workers)
    waiting.release(workers)
    for thread in threads:
        thread.join()
    return words, failed


def wrong_shows_futures_of_its_own(fetch, urls, workers, at_most, show):
    """says: The callback: pages done, 24; calls of `show`, 24, 0 of them with the pool's Future of a page done."""

    def show_another(future):
        own = Future()
        own.set_exception(future.exception()) if future.exception() else own.set_result(future.result())
        show(own)

    return count_words(fetch, urls, workers, at_most, show_another)


def wrong_adds_up_in_the_workers(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came"""
    words, failed, room = Counter(), {}, threading.Semaphore(at_most)

    def task(url):
        try:
            words.update(str.split(fetch(url)))
        except OSError as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_adds_counters_in_the_workers(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came"""
    words, failed, room = Counter(), {}, threading.Semaphore(at_most)

    def task(url):
        nonlocal words
        try:
            words += Counter(fetch(url).split())
        except OSError as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_updates_a_dict_in_the_workers(fetch, urls, workers, at_most, show):
    """says: The count: of 120 words that came"""
    words, failed, room = {}, {}, threading.Semaphore(at_most)

    def task(url):
        try:
            for word in fetch(url).split():
                words.update({word: words.get(word, 0) + 1})
        except OSError as error:
            failed[url] = error
        finally:
            room.release()

    with ThreadPoolExecutor(workers) as pool:
        for url in urls:
            room.acquire()
            pool.submit(task, url).add_done_callback(show)
    return words, failed


def wrong_counts_at_the_end(fetch, urls, workers, at_most, show):
    """says: texts of pages done were kept."""
    texts = []

    def fetch_and_keep(url):
        texts.append(fetch(url))
        return ""

    _, failed = count_words(fetch_and_keep, urls, workers, at_most, show)
    return dict(Counter(word for text in texts for word in text.split())), failed


def wrong_keeps_its_pool(fetch, urls, workers, at_most, show, pools={}):  # noqa: B006
    """says: The size: with workers=3, the pool was made for 3 workers; 3 threads stayed behind."""
    words, failed, pending = Counter(), {}, {}
    pool = pools[workers] = pools.get(workers) or ThreadPoolExecutor(workers)

    def collect(left):
        while len(pending) > left:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                url = pending.pop(future)
                if error := future.exception():
                    failed[url] = error
                else:
                    words.update(future.result().split())

    for url in urls:
        future = pool.submit(fetch, url)
        pending[future] = url
        future.add_done_callback(show)
        collect(at_most - 1)
    collect(0)
    return words, failed


def wrong_fills_one_dict(fetch, urls, workers, at_most, show, words={}):  # noqa: B006
    """says: The count: of 120 words that came, 0 were lost; other calls changed the dict of this one."""
    words.clear()
    counted, failed = count_words(fetch, urls, workers, at_most, show)
    words.update(counted)
    return words, failed
