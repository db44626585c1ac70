"""Forty pages from a server that fails

`urls` is a list of addresses; `fetch(url)` returns the page's text, or raises OSError when the server fails, as it
does one time in five. Write `fetch_all(fetch, urls, workers)`: it returns a dict of text by address, for all of them,
with `workers` workers. A page that failed is asked for again; a page that came is not.
"""

import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, wait

from exercises.kit import Gate, count, shown, watch
from helpers.processes.slow_http import slow_server

LIMIT = 10


def fetch_all(fetch, urls, workers):
    def until_it_comes(url):
        for tries in range(10):
            try:
                return fetch(url)
            except OSError:
                time.sleep(random.uniform(0, 0.01 * 2**tries))
        raise OSError(f"{url} failed 10 times")

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(urls, pool.map(until_it_comes, urls), strict=True))


HINTS = [
    "Where must the retry be: around the whole run, or around one page?",
    "A function that fetches one page, with a loop and a `try` inside; that is the task.",
    "Between two tries wait a little, at random and longer each time. Give up after a number of tries, so that a page "
    "that never comes can't keep you for ever.",
]


def _get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def check(fetch_all):
    workers = 9  # hardly the size that a pool has by itself
    gate = Gate(workers)

    def fetch(url):
        gate.task()
        return _get(url)

    with slow_server(latency=0.02, error_rate=0.2, seed=8) as server:
        urls = [server.page(n) for n in range(40)]
        with watch():
            pages = fetch_all(fetch, urls, workers)
        seen = server.seen()

    if not isinstance(pages, dict):
        yield False, f"It returned {shown(pages)}; a dict of text by address is wanted."
        return
    lost = [url for url in urls if not isinstance(pages.get(url), str)]
    instead = f"; for {lost[0].removeprefix(server.url)} there was {shown(pages.get(lost[0]), 40)}" if lost else ""
    yield not lost, f"{40 - len(lost)} of 40 pages came back{instead}."
    if lost:
        return
    twice = len(seen.duplicates)
    yield not twice, f"{count(twice, 'page')} that had come already {'was' if twice == 1 else 'were'} fetched again."
    if not twice:
        most = max(gate.most, seen.peak)
        yield most == workers, f"With {workers} workers, at most {count(most, 'page')} at the same time."


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
