"""Count the workers that worked

A pool of 20 may well run 3 tasks on 3 workers, or 100 tasks on one. Write `count_workers(tasks, max_workers)`: it runs
each of `tasks`, functions without arguments, once on a `ThreadPoolExecutor` of at most `max_workers` workers, and
returns how many different workers ran at least one task. As many tasks as the pool allows are in flight together.
"""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from exercises.kit import Gate, Inputs, Window, count, hurried, shown, unlike, watch

LIMIT = 10  # seconds for the whole check


def count_workers(tasks, max_workers):
    def ran_in(task):
        task()
        return threading.current_thread().name

    with ThreadPoolExecutor(max_workers) as pool:
        futures = [pool.submit(ran_in, task) for task in tasks]
        return len({future.result() for future in futures})


INPUTS = Inputs(also={"With no tasks": lambda given: ([], 3), "With one worker": lambda given: ([int, str, list], 1)})

HINTS = [
    "Inside a task, `threading.current_thread()` tells which thread runs it. The task itself does not tell you.",
    "Submit a function of your own that calls the task and then returns `threading.current_thread().name`.",
    "Submit all tasks first. Then put the name that each Future holds into a set, and return the length of the set.",
]


def check(count_workers):
    for tasks, max_workers in ((3, 20), (6, 2), (5, 1), (40, 36)):
        together = min(tasks, max_workers)
        # One more than may run together never comes, unless there are more workers than asked for.
        caller, gate, ran = threading.current_thread(), Gate(min(tasks, max_workers + 1)), []

        def task(n, gate=gate, ran=ran):
            ran.append((n, threading.current_thread()))  # a thread itself, not its ident: idents are used again
            return gate.task("one value for all")

        with watch():
            answer = count_workers([partial(task, n) for n in range(tasks)], max_workers)

        threads, pool = {thread for _, thread in ran}, f"{count(tasks, 'task')}, max_workers={max_workers}"
        used, once = len(threads), sorted(n for n, _ in ran) == list(range(tasks))
        if caller in threads:
            yield False, f"{pool}: tasks ran in your own thread, {caller.name}. Submit a function, not what it returns."
        elif not once:
            each = f"{count(len(ran), 'run')} of {count(len({n for n, _ in ran}), 'different task')}"
            yield False, f"{pool}: {each}, where each was to run once."
        elif used > max_workers:
            yield False, f"{pool}: {used} threads ran tasks, more than the pool was to have."
        elif gate.most < together:
            most = "no two tasks were ever" if gate.most < 2 else f"at most {gate.most} tasks were"
            yield False, f"{pool}: {most} in flight together. Does something wait inside the loop?"
        elif not unlike(answer, used):
            yield True, f"{pool}: {count(used, 'worker')} ran them, and you counted {answer}."
            continue
        else:
            said = _reading(answer, used, tasks, max_workers)
            yield False, f"{pool}: {count(used, 'worker')} ran them, and you returned {said}."
        return

    window = Window(3, 13)
    with watch(), hurried():
        count_workers([partial(window.task, n) for n in range(13)], 3)
    window.returned()
    for ok, says in window.findings():
        yield ok, says
        if not ok:
            return

    # Tasks that take no time: a worker that was started for one may find that another has run it.
    for _ in range(40):
        ran = []
        answer = count_workers([lambda ran=ran: ran.append(threading.current_thread())] * 20, 20)
        if unlike(answer, len(set(ran))) or len(ran) != 20:
            break
    says = f"20 tasks that take no time, max_workers=20: {count(len(set(ran)), 'worker')} ran them"
    if len(ran) != 20:
        yield (
            False,
            f"20 tasks that are one and the same function: {count(len(ran), 'run')}, where each was to run once.",
        )
        return
    yield not unlike(answer, len(set(ran))), f"{says}, and you counted {shown(answer)}."


def _reading(answer, used, tasks, max_workers):
    """The wrong `answer`, and what it may have counted instead."""
    if isinstance(answer, bool) or not isinstance(answer, int):
        return f"{shown(answer)}, not a number"
    if answer < used:
        return f"{answer}, which leaves some out. Ask inside the task for its thread, and count when all have ended"
    meaning = {max_workers: "the most that the pool may have", tasks: "the number of tasks"}
    return f"{answer}, {meaning.get(answer, 'which counts other threads too')}"


def wrong_returns_the_cap(tasks, max_workers):
    """says: you returned 20, the most that the pool may have"""
    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(task)
    return max_workers


def wrong_counts_futures(tasks, max_workers):
    """says: you returned 6, the number of tasks"""
    with ThreadPoolExecutor(max_workers) as pool:
        return len({pool.submit(task) for task in tasks})


def wrong_counts_all_threads(tasks, max_workers):
    """says: which counts other threads too"""
    with ThreadPoolExecutor(max_workers) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
        return threading.active_count()


def wrong_one_at_a_time(tasks, max_workers):
    """says: no two tasks were ever in flight together"""
    names = set()
    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(task).result()
            names.add(pool.submit(lambda: threading.current_thread().name).result())
    return len(names)


def wrong_asks_outside_the_tasks(tasks, max_workers):
    """says: you returned 1, which leaves some out"""
    with ThreadPoolExecutor(max_workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        return len({threading.current_thread().name for future in futures if not future.exception()})


def wrong_ignores_the_cap(tasks, max_workers):
    """says: threads ran tasks, more than the pool was to have"""

    def ran_in(task):
        task()
        return threading.current_thread().name

    with ThreadPoolExecutor() as pool:
        return len(set(pool.map(ran_in, tasks)))


def wrong_calls_before_it_submits(tasks, max_workers):
    """says: tasks ran in your own thread"""
    with ThreadPoolExecutor(max_workers) as pool:
        return len({pool.submit(task()) for task in tasks})


def wrong_asks_after_the_task(tasks, max_workers):
    """says: 6 runs of 3 different tasks, where each was to run once"""
    names = set()
    with ThreadPoolExecutor(max_workers) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
        for future in [pool.submit(lambda task=task: (task(), threading.current_thread().name)) for task in tasks]:
            names.add(future.result()[1])
    return len(names)


def wrong_counts_before_they_end(tasks, max_workers):
    """says: which leaves some out. Ask inside the task for its thread, and count when all have ended"""
    names = set()

    def noted(task):
        task()
        time.sleep(0.05)  # or it would be luck how many are missing
        names.add(threading.current_thread().name)

    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(noted, task)
        return len(names)


def wrong_looks_the_task_up_late(tasks, max_workers):
    """says: where each was to run once"""
    names = set()
    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(lambda: (task(), names.add(threading.current_thread().name)))  # noqa: B023
    return len(names)


def wrong_a_thread_for_each(tasks, max_workers):
    """says: 6 threads ran tasks, more than the pool was to have"""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(threads)


def wrong_gives_the_names(tasks, max_workers):
    """says: not a number"""
    with ThreadPoolExecutor(max_workers) as pool:
        futures = [pool.submit(lambda task=task: (task(), threading.current_thread().name)[1]) for task in tasks]
        return {future.result() for future in futures}


def wrong_calculates(tasks, max_workers):
    """says: 20 tasks that take no time, max_workers=20"""
    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(task)
    return min(len(tasks), max_workers)


def wrong_counts_started_threads(tasks, max_workers):
    """says: 20 tasks that take no time, max_workers=20"""
    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(task)
        return len(pool._threads)


def wrong_counts_the_most_in_flight(tasks, max_workers):
    """says: 20 tasks that take no time, max_workers=20"""
    lock, going, most = threading.Lock(), 0, 0

    def noted(task):
        nonlocal going, most
        with lock:
            going += 1
            most = max(most, going)
        task()
        with lock:
            going -= 1

    with ThreadPoolExecutor(max_workers) as pool:
        for task in tasks:
            pool.submit(noted, task)
    return most


def wrong_in_batches(tasks, max_workers):
    """says: While the first took long, 2 of the 12 others ran"""

    def ran_in(task):
        task()
        return threading.current_thread().name

    names = set()
    with ThreadPoolExecutor(max_workers) as pool:
        for start in range(0, len(tasks), max_workers):
            names.update(pool.map(ran_in, tasks[start : start + max_workers]))
    return len(names)


def wrong_runs_a_function_once(tasks, max_workers):
    """says: 20 tasks that are one and the same function: 1 run, where each was to run once."""
    return count_workers(list(dict.fromkeys(tasks)), max_workers)


def wrong_has_eight_workers_at_most(tasks, max_workers):
    """says: 40 tasks, max_workers=36: at most 8 tasks were in flight together"""
    return count_workers(tasks, min(max_workers, 8))


def wrong_in_batches_of_three_for_each_worker(tasks, max_workers):
    """says: While the first took long, 8 of the 12 others ran"""

    def ran_in(task):
        task()
        return threading.current_thread().name

    names = set()
    with ThreadPoolExecutor(max_workers) as pool:
        for start in range(0, len(tasks), 3 * max_workers):
            names.update(pool.map(ran_in, tasks[start : start + 3 * max_workers]))
    return len(names)


def wrong_takes_what_a_task_returns(tasks, max_workers):
    """says: you returned 1, which leaves some out"""

    def ran_in(task):
        return task() or threading.current_thread().name

    with ThreadPoolExecutor(max_workers) as pool:
        return len(set(pool.map(ran_in, tasks)))


def wrong_empties_the_list(tasks, max_workers):
    """says: With one worker, it changed the list that it was given"""
    with ThreadPoolExecutor(max_workers) as pool:
        futures = []
        while tasks:
            futures.append(pool.submit(lambda task: (task(), threading.current_thread())[1], tasks.pop()))
        return len({future.result() for future in futures})


def wrong_returns_when_all_have_begun(tasks, max_workers):
    """says: It returned while"""
    began = queue.Queue()
    pool = ThreadPoolExecutor(max_workers)
    for task in tasks:
        pool.submit(lambda task=task: (began.put(threading.current_thread()), task()))
    pool.shutdown(wait=False)
    return len({began.get() for _ in tasks})


def wrong_gives_up_after_ten_seconds(tasks, max_workers):
    """says: Your code raised TimeoutError"""

    def ran_in(task):
        task()
        return threading.current_thread().name

    with ThreadPoolExecutor(max_workers) as pool:
        return len({future.result(10) for future in [pool.submit(ran_in, task) for task in tasks]})
