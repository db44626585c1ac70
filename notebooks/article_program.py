"""A program in the style of the article: it fetches pages and counts their words. Seven faults are in it."""

from concurrent.futures import ThreadPoolExecutor


def count_words(fetch, urls, workers, at_most, show):
    words, failed = {}, {}

    def task(url):
        for word in fetch(url).split():
            words[word] = words.get(word, 0) + 1

    def task_done(future):
        show(future)
        future.add_done_callback(task_done)

    # create the pool; its size is the number of CPU cores
    with ThreadPoolExecutor() as pool:
        # create a queue of tasks
        task_queue = list(urls)
        try:
            # submit the tasks to the pool
            for url in task_queue:
                future = pool.submit(task, url)
                future.result()
        except OSError:
            pass  # the server fails now and then
        # wait for all tasks to end
        pool.shutdown(wait=True)
    return words, failed
