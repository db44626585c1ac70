"""Forty pages from a server that fails

`urls` is a list of addresses, all different; `fetch(url)` returns the page's text, or raises OSError when the server
fails, as it does one time in five. Write `fetch_all(fetch, urls, workers)`: it returns a dict of text by address, for
all of them, and has `workers` pages fetched at the same time, never more. A page that failed is asked for again; a page
that came is not.

A page gets six tries at most: if the last of them fails too, `fetch_all` raises what it raised, and does not wait
before. Between two tries wait a little, well below a second, at random and longer each time, so that a server in
trouble gets some rest. Any other error than OSError is raised without a second try.
"""

import random
import select
import sys
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from email.message import Message
from statistics import fmean, pvariance
from urllib.error import HTTPError

from exercises.kit import Gate, Inputs, count, settled, shown, unlike, watch
from helpers.processes.slow_http import slow_server

try:
    import resource
except ImportError:  # Windows
    resource = None

LIMIT = 10


def fetch_all(fetch, urls, workers):
    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError:
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


HINTS = [
    "Where must the retry be: around the whole run, or around one page?",
    "A function that fetches one page, with a loop and a `try` inside; that is the task.",
    "The last try differs from the others: what it raises has to come out of the loop as it is. For the rest, "
    "`time.sleep(random.uniform(0, …))` with a limit that doubles.",
]

EQUAL = {
    "return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))  ->  "
    "return dict(zip(urls, pool.map(until_it_comes, urls)))": "map gives one for each",
    "return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))  ->  "
    "return dict(zip(urls, pool.map(until_it_comes, urls), strict=False))": "map gives one for each",
    "time.sleep(random.uniform(0, 0.01 * 2 ** tries))  ->  "
    "time.sleep(random.uniform(0.01 * 2 ** tries, 0))": "the same",
    "time.sleep(random.uniform(0, 0.01 * 2 ** tries))  ->  "
    "time.sleep(random.uniform(0, 0.01 * 3 ** tries))": "it grows",
}

INPUTS = Inputs(lambda given: (given.fn, given.items, given.workers), different=True, odd=False)


def _get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


class _Client:
    """Fetches the pages, and holds the first one back until eight others have come."""

    def __init__(self, first, workers):
        self.together, self.came = Gate(workers + 1, patience=0.5), {}
        self._first, self._lock = first, threading.Lock()

    def fetch(self, url):
        self.together.task()
        text = _get(url)
        if url == self._first:
            settled(lambda: len(self.came), lambda came: came >= 8, 0.5)
        with self._lock:
            self.came[url] = text
        return text


def check(fetch_all):
    workers = 9  # hardly the size that a pool has by itself
    with slow_server(latency=0.02, error_rate=0.2, seed=8) as server:
        urls = [server.page(n) for n in range(40)]
        client = _Client(urls[0], workers)
        with watch():
            pages = fetch_all(client.fetch, urls, workers)
        seen = server.seen()

    if not isinstance(pages, dict):
        yield False, f"It returned {shown(pages)}; a dict of text by address is wanted."
        return
    lost = [url for url in urls if not isinstance(pages.get(url), str)]
    instead = f"; for {lost[0].removeprefix(server.url)} there was {shown(pages.get(lost[0]), 40)}" if lost else ""
    yield not lost, f"{40 - len(lost)} of 40 pages came back{instead}."
    if lost:
        return
    mixed = [url for url in urls if pages[url] != client.came.get(url)]
    texts = f"; {mixed[0].removeprefix(server.url)} has {pages[mixed[0]]!r}" if mixed else ""
    yield not mixed, f"{40 - len(mixed)} of 40 pages stand under their own address{texts}."
    twice = len(seen.duplicates)
    yield not twice, f"{count(twice, 'page')} that had come already {'was' if twice == 1 else 'were'} fetched again."
    most = max(client.together.most, seen.peak)
    if not mixed and not twice:
        yield most == workers, f"With {workers} workers, at most {count(most, 'page')} at the same time."
    if not mixed and not twice and most == workers:
        ended = True
        for good, saw in _ends(fetch_all):
            yield good, saw
            ended = ended and good
        if ended:
            yield _rests(fetch_all)


def _ends(fetch_all):
    """What became of a page that never comes, and of an error that is not the server's."""
    several = [_not_found, PermissionError, TimeoutError, ConnectionRefusedError, FileNotFoundError, OSError]
    space = getattr(fetch_all, "__globals__", {})
    for kinds in ([OSError], several, [ValueError], [RuntimeError], [KeyError]):
        tries, wanted = [], 6 if OSError in kinds else 1

        def fetch(url, kinds=kinds, tries=tries):
            if url != "/gone":
                return url
            naps.tried(url)
            kind = kinds[len(tries) % len(kinds)]
            tries.append(kind(f"try {len(tries) + 1}") if len(tries) < 20 else KeyError("enough"))
            raise tries[-1]

        with _Naps(space, 1, 0.01) as naps:  # not for what it notes: its waits are short
            try:
                what = f"it returned {shown(fetch_all(fetch, ['/here', '/gone'], 2))}"
                raised = None
            except Exception as end:
                raised, what = end, f"it raised {shown(end)}"
        good = len(tries) == wanted and raised is tries[-1]
        same = tries and raised is not tries[-1] and repr(raised) == repr(tries[-1])
        what += ", another object" if same else ""
        raises = f"{kinds[0].__name__} each time" if len(kinds) == 1 else "OSErrors of six kinds"
        yield good, f"A page that raises {raises} was tried {_times(len(tries))}, and {what}."
        if not good:
            return


def _not_found(words):
    return HTTPError("/gone", 404, words, Message(), None)


class _Naps:
    """How long each thread waits after each of its tries: in `time.sleep` or `select`, for a lock or for an Event, a
    Condition or a Semaphore.

    It takes no more than `most`. What a thread waits for while it tries, or for the next item of a queue, is left out.
    A page comes after `fails` tries that failed.
    """

    def __init__(self, space, pages, most, fails=6):
        self.again = Gate(pages)  # they are all to be asked for a second time together
        self.tries, self.longest, self.idle, self.end, self.soon = Counter(), 0, 0, 0, 0
        self.slept = {number: [] for number in range(1, 6)}  # after which try, how long
        self._at, self._switches = {}, {}  # by thread: the page that it asked for last, and how often it had waited
        self._most, self._fails = most, fails
        self._others = set()  # threads that waited and had asked for no page yet
        self._engine = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        self._sleep, self._select, self._lock = time.sleep, select.select, threading.Lock
        self._wait, self._acquire = threading.Condition.wait, threading.Semaphore.acquire
        self._spaces = [vars(time), vars(select), space]  # an answer may have it by `from time import sleep`
        self._short = [
            (self._sleep, lambda seconds: self._sleep(self._nap(seconds))),
            (self._select, lambda *files: self._select(*files[:3], *map(self._nap, files[3:]))),
            (self._lock, lambda: _Lock(self._lock(), self._nap)),
        ]

    def __enter__(self):
        self._put(self._short)

        def wait_shortly(condition, timeout=None):
            caller = sys._getframe(1)
            own = caller.f_code is self._acquire.__code__ or caller.f_globals.get("__name__") == "queue"
            return self._wait(condition, timeout if own else self._nap(timeout))

        def acquire_shortly(semaphore, blocking=True, timeout=None):
            return self._acquire(semaphore, blocking, self._nap(timeout))

        threading.Condition.wait, threading.Semaphore.acquire = wait_shortly, acquire_shortly
        threading.Lock = self._short[2][1]  # by its name alone: threading's own locks are of another
        return self

    def __exit__(self, *_):
        self._put([(new, old) for old, new in self._short])
        threading.Condition.wait, threading.Semaphore.acquire = self._wait, self._acquire
        threading.Lock = self._lock

    def _put(self, pairs):
        for space in self._spaces:
            for old, new in pairs:
                space.update({name: new for name, value in space.items() if value is old})

    def fetch(self, url):
        here = threading.get_ident()
        self.idle += self._at.pop(here, None) == url and self._fails == 6 and _waits() == self._switches[here]
        self.tries[url] += 1
        self.soon += self.tries[url] == 1 and here in self._others
        if self.tries[url] == 2:
            self.again.task()
        try:
            if self.tries[url] <= self._fails:
                raise OSError(f"{url}, try {self.tries[url]}")
            self.tries[url] = 6  # there is no other
            return url
        finally:
            self._at[here], self._switches[here] = url, self._fails < 6 or _waits()

    def tried(self, url):
        self.tries[url] += 1
        self._at[threading.get_ident()] = url

    def _nap(self, seconds):
        """Note a wait that follows a try; how long it is to be."""
        here = threading.get_ident()
        tries = self.tries[self._at.get(here)]
        if not seconds or seconds < 0 or here in self._engine:
            return seconds
        if not tries:  # a thread that looks again and again for what has ended did so before the last try too
            self.end += here not in self._others and max(self.tries.values(), default=0) == 6
            self._others.add(here)
            return seconds
        self.longest, self.end = max(self.longest, seconds), self.end + (tries == 6)
        if tries in self.slept:
            self.slept[tries].append(seconds)
        return min(seconds, self._most)


class _Lock:
    """A lock; a wait for it that has a timeout is noted."""

    def __init__(self, lock, nap):
        self._lock, self._nap = lock, nap

    def acquire(self, blocking=True, timeout=-1):
        return self._lock.acquire(blocking, self._nap(timeout))

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self._lock.release()

    def __getattr__(self, name):
        return getattr(self._lock, name)


def _waits():
    """How often this thread has waited for anything so far; never the same where the system does not say."""
    thread = getattr(resource, "RUSAGE_THREAD", None)
    return object() if thread is None else resource.getrusage(thread).ru_nvcsw


_MANY = 400  # pages, so that chance is no reason


def _rests(fetch_all):
    """Whether it waits between two tries: long enough for the thread to stand, below a second, longer each time."""
    space = getattr(fetch_all, "__globals__", {})
    with _Naps(space, 1, 0.01) as naps, suppress(OSError):
        fetch_all(naps.fetch, ["/gone"], 1)
    if naps.idle == 5:
        return False, "Between the six tries of a page it did not wait at all."
    if naps.end:
        return False, "After the sixth try of a page it waited once more, for nothing."
    if naps.soon:
        return False, "It waited before the first try of a page, for nothing."
    with _Naps(space, 1, 0.01, 0) as naps:
        fetch_all(naps.fetch, ["/here"], 1)
    if naps.end:
        return False, "A page came at its first try, and it waited after that, for nothing."
    urls = [f"/late/{n}" for n in range(_MANY)]
    try:
        with _Naps(space, 60, 0, 5) as naps:
            pages = fetch_all(naps.fetch, urls, 60)
    except OSError as error:
        return False, f"Each of {_MANY} pages came at its sixth try, and it raised {shown(error)}."
    if not naps.again.met:
        return False, f"{_MANY} pages failed; {count(naps.again.most, 'page')} at a time came to a second try."
    if unlike(pages, dict(zip(urls, urls, strict=True))):
        return False, f"Each of {_MANY} pages came at its sixth try; it returned {shown(pages)}."
    if naps.longest > 0.9:
        return False, f"Between two tries it slept for {naps.longest:.2f} s; well below a second is enough."
    return next(_bad_naps(naps.slept), (True, "Between two tries of a page it waited."))


def _bad_naps(slept):
    """What is wrong with how long it slept after each try, or that nothing is. It may wait in another way."""
    full = [number for number, naps in slept.items() if len(naps) == _MANY]
    missing = [number for number, naps in slept.items() if not naps]
    if len(full) >= 2 and len(full) + len(missing) == 5 and missing:
        yield False, f"After try {missing[0]} of a page it did not wait, after try {full[0]} it did."
    if len(full) < 5:
        return
    # Those far apart must be longer; none may be shorter than the one before.
    longer = [(one, other, 3.6) for one, other in ((1, 5), (1, 4), (2, 5), (1, 3), (2, 4), (3, 5))]
    for one, other, sigmas in (*longer, *((one, one + 1, -4) for one in range(1, 5))):
        before, after = fmean(slept[one]), fmean(slept[other])
        by_chance = ((pvariance(slept[one]) + pvariance(slept[other])) / _MANY) ** 0.5
        if after - before <= sigmas * by_chance and (sigmas > 0 or after < before):  # 1 in 6,000 by chance
            means = f"{1000 * before:.2g} ms after try {one}, {1000 * after:.2g} ms after try {other}"
            yield False, f"Between two tries of a page it slept for {means}, on average: not longer."
    if fmean(slept[5]) < 1e-4:
        yield (
            False,
            f"Even after try 5 of a page it slept for {1000 * fmean(slept[5]):.1g} ms on average: that is no rest.",
        )
    for number, naps in slept.items():
        if pvariance(naps) ** 0.5 <= 0.002 * fmean(naps):
            same = "" if len(set(naps)) == 1 else ", or nearly"
            sleep = f"{1000 * naps[0]:.2g} ms each time{same}"
            yield False, f"After try {number} of a page it slept for {sleep}: not at random."
    yield True, "Between two tries of a page it waited, each time a little longer."


def _times(number):
    return {1: "once", 2: "twice", 20: "20 times and more", 21: "20 times and more"}.get(number, f"{number} times")


def wrong_gives_up_at_the_first_error(fetch, urls, workers):
    """says: Your code raised HTTPError"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(fetch, urls), strict=True))


def wrong_skips_what_failed(fetch, urls, workers):
    """says: of 40 pages came back"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {url: pool.submit(fetch, url) for url in urls}
        return {url: future.result() for url, future in futures.items() if not future.exception()}


def wrong_returns_a_list(fetch, urls, workers):
    """says: It returned ['page 0"""
    return list(fetch_all(fetch, urls, workers).values())


def wrong_returns_futures(fetch, urls, workers):
    """says: 0 of 40 pages came back; for page/0 there was <Future"""

    def until_it_comes(url):
        while True:
            try:
                return fetch(url)
            except OSError:
                continue

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return {url: pool.submit(until_it_comes, url) for url in urls}


def wrong_starts_all_over(fetch, urls, workers):
    """says: that had come already were fetched again"""
    pages = {}
    while len(pages) < len(urls):
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures = {url: pool.submit(fetch, url) for url in urls}
        pages |= {url: future.result() for url, future in futures.items() if not future.exception()}
    return pages


def wrong_one_retry_only(fetch, urls, workers):
    """says: Your code raised HTTPError"""

    def twice(url):
        try:
            return fetch(url)
        except OSError:
            return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(twice, urls), strict=True))


def wrong_one_after_the_other(fetch, urls, workers):
    """says: With 9 workers, at most 1 page at the same time"""
    pages = {}
    for url in urls:
        while url not in pages:
            try:
                pages[url] = fetch(url)
            except OSError:
                continue
    return pages


def wrong_chooses_the_size_itself(fetch, urls, workers):
    """says: With 9 workers, at most 4 pages at the same time"""
    return fetch_all(fetch, urls, 4)


def wrong_a_thread_for_each_page(fetch, urls, workers):
    """says: With 9 workers, at most"""

    def again(url):
        while True:
            try:
                return fetch(url)
            except OSError:
                continue

    with ThreadPoolExecutor(max_workers=len(urls)) as pool:
        futures = {url: pool.submit(again, url) for url in urls}
        wait(futures.values())
        return {url: future.result() for url, future in futures.items()}


def wrong_pairs_in_the_order_of_completion(fetch, urls, workers):
    """says: of 40 pages stand under their own address; page/0 has"""

    def until_it_comes(url):
        while True:
            try:
                return fetch(url)
            except OSError:
                continue

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(until_it_comes, url) for url in urls]
        return dict(zip(urls, (future.result() for future in as_completed(futures)), strict=True))


def wrong_tries_for_ever(fetch, urls, workers):
    """says: A page that raises OSError each time was tried 20 times and more"""

    def until_it_comes(url):
        while True:
            try:
                return fetch(url)
            except OSError:
                continue

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_raises_an_error_of_its_own(fetch, urls, workers):
    """says: was tried 6 times, and it raised OSError('/gone failed 6 times')"""

    def until_it_comes(url):
        for _ in range(6):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.001)
        raise OSError(f"{url} failed 6 times")

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_a_page_that_never_comes_has_none(fetch, urls, workers):
    """says: was tried 6 times, and it returned {'/here': '/here', '/gone': None}"""

    def until_it_comes(url):
        for _ in range(6):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.001)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_tries_once_too_often(fetch, urls, workers):
    """says: was tried 7 times"""

    def until_it_comes(url):
        for _ in range(6):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.001)
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_retries_every_error(fetch, urls, workers):
    """says: A page that raises ValueError each time was tried 6 times"""

    def until_it_comes(url):
        for _ in range(5):
            try:
                return fetch(url)
            except Exception:
                time.sleep(0.001)
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_one_worker_more(fetch, urls, workers):
    """says: With 9 workers, at most 10 pages at the same time"""
    return fetch_all(fetch, urls, workers + 1)


def wrong_needs_an_address(fetch, urls, workers):
    """says: With no urls, it raised ValueError"""
    return fetch_all(fetch, urls, min(workers, len(urls)))


def wrong_asks_again_for_an_empty_page(fetch, urls, workers):
    """says: For results None, 0, False, '' and [], number 1 of them was called"""

    def until_it_comes(url):
        for tries in range(5):
            try:
                if text := fetch(url):
                    return text
            except OSError:
                time.sleep(random.uniform(0, 0.001 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_does_not_wait(fetch, urls, workers):
    """says: Between the six tries of a page it did not wait at all."""

    def until_it_comes(url):
        for _ in range(5):
            try:
                return fetch(url)
            except OSError:
                pass
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_as_long_each_time(fetch, urls, workers):
    """says: after try 5, on average: not longer"""

    def until_it_comes(url):
        for _ in range(5):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.005)
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_a_second(fetch, urls, workers):
    """says: Between two tries it slept for 1.0"""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.01 + (tries == 4))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_after_the_last_try(fetch, urls, workers):
    """says: After the sixth try of a page it waited once more, for nothing."""

    def until_it_comes(url):
        for tries in range(6):
            try:
                return fetch(url)
            except OSError as error:
                last = error
                time.sleep(random.uniform(0, 0.001 * 2**tries))
        raise last

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_for_an_event_as_long_each_time(fetch, urls, workers):
    """says: after try 5, on average: not longer"""
    never = threading.Event()

    def until_it_comes(url):
        for _ in range(5):
            try:
                return fetch(url)
            except OSError:
                never.wait(random.uniform(0.004, 0.006))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_asks_again_for_one_after_the_other(fetch, urls, workers):
    """says: 400 pages failed; 1 page at a time came to a second try."""
    pages = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {url: pool.submit(fetch, url) for url in urls}
    for url, future in futures.items():
        for tries in range(6):
            try:
                pages[url] = fetch(url) if tries else future.result()
                break
            except OSError:
                if tries == 5:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**tries))
    return pages


def wrong_waits_without_chance(fetch, urls, workers):
    """says: not at random"""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError:
                time.sleep(0.001 * 2**tries)
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_has_eight_workers_at_most(fetch, urls, workers):
    """says: With 9 workers, at most 8 pages at the same time"""
    return fetch_all(fetch, urls, min(workers, 8))


def wrong_does_not_wait_after_the_first_try(fetch, urls, workers):
    """says: After try 1 of a page it did not wait, after try 2 it did."""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError:
                time.sleep(random.uniform(0, 0.01) * tries)
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_after_every_other_try(fetch, urls, workers):
    """says: After try 2 of a page it did not wait, after try 1 it did."""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError:
                if tries % 2 == 0:
                    time.sleep(random.uniform(0, 0.01 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_asks_again_after_a_runtime_error(fetch, urls, workers):
    """says: A page that raises RuntimeError each time was tried 6 times"""

    def once(url):
        try:
            return fetch(url)
        except RuntimeError as error:
            raise OSError(url) from error

    return fetch_all(once, urls, workers)


def _with_naps(nap):
    """`fetch_all` that calls `nap(tries)` after each of the first five tries that failed, from 0."""

    def answer(fetch, urls, workers):
        def until_it_comes(url):
            for tries in range(5):
                try:
                    return fetch(url)
                except OSError:
                    nap(tries)
            return fetch(url)

        with ThreadPoolExecutor(max_workers=workers) as pool:
            return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))

    return answer


def wrong_waits_no_longer_from_the_second_try_on(fetch, urls, workers):
    """says: ms after try 5, on average: not longer."""
    return _with_naps(lambda tries: time.sleep(random.uniform(0, 0.01 * min(2**tries, 2))))(fetch, urls, workers)


def wrong_waits_longer_before_the_last_try_alone(fetch, urls, workers):
    """says: ms after try 4, on average: not longer."""
    return _with_naps(lambda tries: time.sleep(random.uniform(0, 0.1 if tries == 4 else 0.01)))(fetch, urls, workers)


def wrong_waits_for_a_condition_as_long_each_time(fetch, urls, workers):
    """says: ms after try 5, on average: not longer."""

    def nap(tries):
        never = threading.Condition()
        with never:
            never.wait(0.005)

    return _with_naps(nap)(fetch, urls, workers)


def wrong_waits_for_a_semaphore_as_long_each_time(fetch, urls, workers):
    """says: ms after try 5, on average: not longer."""
    return _with_naps(lambda tries: threading.Semaphore(0).acquire(timeout=0.005))(fetch, urls, workers)


def wrong_leaves_next_to_nothing_to_chance(fetch, urls, workers):
    """says: ms each time, or nearly: not at random."""
    return _with_naps(lambda tries: time.sleep(0.001 * 2**tries + 1e-9 * random.random()))(fetch, urls, workers)


def wrong_waits_for_a_nanosecond(fetch, urls, workers):
    """says: ms on average: that is no rest."""
    return _with_naps(lambda tries: time.sleep(random.uniform(0, 1e-9 * 2**tries)))(fetch, urls, workers)


def wrong_takes_a_404_for_the_last_word(fetch, urls, workers):
    """says: A page that raises OSErrors of six kinds was tried once, and it raised <HTTPError 404: 'try 1'>."""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError as error:
                if isinstance(error, HTTPError) and error.code < 500:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_gives_up_where_it_is_not_let_in(fetch, urls, workers):
    """says: A page that raises OSErrors of six kinds was tried twice, and it raised PermissionError('try 2')."""

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except (ConnectionRefusedError, PermissionError):
                raise
            except OSError:
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_raises_the_same_anew(fetch, urls, workers):
    """says: and it raised OSError('try 6'), another object."""
    try:
        return fetch_all(fetch, urls, workers)
    except OSError as error:
        raise type(error)(*error.args) from None


def wrong_waits_for_a_lock_as_long_each_time(fetch, urls, workers):
    """says: ms after try 5, on average: not longer."""

    def nap(tries):
        taken = threading.Lock()
        with taken:
            taken.acquire(timeout=0.005)

    return _with_naps(nap)(fetch, urls, workers)


def wrong_waits_in_select_as_long_each_time(fetch, urls, workers):
    """says: ms after try 5, on average: not longer."""
    return _with_naps(lambda tries: select.select([], [], [], 0.005))(fetch, urls, workers)


def wrong_waits_no_longer_up_to_the_third_try(fetch, urls, workers):
    """says: ms after try 3, on average: not longer."""
    return _with_naps(lambda tries: time.sleep(random.uniform(0, 0.01 * max(1, tries - 1))))(fetch, urls, workers)


def wrong_has_eighty_tries_for_all_pages(fetch, urls, workers):
    """says: Each of 400 pages came at its sixth try, and it raised OSError("""
    failed = []

    def until_it_comes(url):
        for tries in range(5):
            try:
                return fetch(url)
            except OSError as error:
                failed.append(error)
                if len(failed) > 80:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        return fetch(url)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_has_six_tries_for_each_thread(fetch, urls, workers):
    """says: Each of 400 pages came at its sixth try, and it raised OSError("""
    here = threading.local()

    def until_it_comes(url):
        while True:
            try:
                return fetch(url)
            except OSError:
                here.tries = getattr(here, "tries", 0) + 1
                if here.tries == 6:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**here.tries))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


def wrong_waits_before_it_raises(fetch, urls, workers):
    """says: After the sixth try of a page it waited once more, for nothing."""
    try:
        return fetch_all(fetch, urls, workers)
    except OSError:
        time.sleep(0.05)
        raise


def wrong_waits_before_the_first_try(fetch, urls, workers):
    """says: It waited before the first try of a page, for nothing."""

    def slowly(url):
        time.sleep(random.uniform(0, 0.01))
        return fetch(url)

    return fetch_all(slowly, urls, workers)


def wrong_waits_after_a_page_that_came(fetch, urls, workers):
    """says: A page came at its first try, and it waited after that, for nothing."""

    def slowly(url):
        page = fetch(url)
        time.sleep(random.uniform(0, 0.01))
        return page

    return fetch_all(slowly, urls, workers)


def wrong_loses_what_comes_at_the_last_try(fetch, urls, workers):
    """says: Each of 400 pages came at its sixth try; it returned {}."""
    pages = {}

    def until_it_comes(url):
        for tries in range(5):
            try:
                pages[url] = fetch(url)
                return
            except OSError:
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        last.append(fetch(url))

    last = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(until_it_comes, urls))
    return pages
