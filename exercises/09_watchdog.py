"""A watchdog

`tasks` is a dict from a name to a function without arguments; all of them return, sooner or later. Write
`run_watched(tasks, workers, patience, report)`: it runs them on `workers` workers and returns a dict from the names to
the results.

While it waits, it keeps watch: once a task has been running for more than `patience` seconds, it calls
`report(name, where)`, once for this task. `where` is a text that says where its worker stands, as
`"".join(traceback.format_stack(frame))` makes it of a thread's frame. Time in the queue does not count.
"""

import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, wait

from exercises.kit import Gate, shown, watch

LIMIT = 6


def run_watched(tasks, workers, patience, report):
    running, reported = {}, set()

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=patience / 4).not_done:
            for name, (ident, since) in dict(running).items():
                frame = sys._current_frames().get(ident)
                if frame and name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, "".join(traceback.format_stack(frame)))
    return {name: future.result() for name, future in futures.items()}


HINTS = [
    "A Future does not tell since when it runs, nor in which thread. Only the task's own thread knows both, at its "
    "start. Where could it write them down?",
    "Submit a function of yours that notes `threading.get_ident()` and `time.monotonic()` under the task's name, calls "
    "the task, and removes the note at the end.",
    "The main thread does `wait(futures, timeout=…)` in a loop and looks through the notes. "
    "`sys._current_frames()[ident]` is the frame of a thread; keep a set of the names that you have reported.",
]


def check(run_watched):
    held = Gate(patience=1.5)
    begun, ended, reports = set(), set(), []

    def read_reply():
        return held.task("a reply")

    def take_lock():
        return held.task("a lock")

    def task(name, work):
        begun.add(name)
        try:
            return work()
        finally:
            ended.add(name)

    def report(name, where):
        state = "queued" if name not in begun else "ended" if name in ended else "running"
        reports.append((name, str(where), state))

    works = {"quick": lambda: "quick", "fetch": read_reply, "save": take_lock, "late": lambda: "late"}
    with watch():
        results = run_watched({n: lambda n=n, w=w: task(n, w) for n, w in works.items()}, 2, 0.2, report)

    wanted = {"quick": "quick", "fetch": "a reply", "save": "a lock", "late": "late"}
    came = results == wanted
    yield came, "The four results came back." if came else f"The results came back as {shown(results)}."
    running = sorted({name for name, _, state in reports if state == "running"} & {"fetch", "save"})
    said = " and ".join(running) if running else "none"
    yield len(running) == 2, f"fetch and save stood still; reported while they did: {said}."
    queued = sorted({name for name, _, state in reports if state == "queued"})
    yield not queued, f"Reported while still in the queue: {', '.join(queued) or 'none'}."
    most = max([sum(name == other for other, _, _ in reports) for name, _, _ in reports], default=0)
    times = {1: "once", 2: "twice"}.get(most, "three or more times")
    if len(running) == 2 and not queued:
        yield most == 1, f"A task that stood still was reported {times}."
        for name, place, other in (("fetch", "read_reply", "take_lock"), ("save", "take_lock", "read_reply")):
            where = next(text for task, text, _ in reports if task == name)
            ok = place in where and other not in where
            seen = [spot for spot in (place, other) if spot in where]
            yield ok, f"{name} stood in {place}; the report's `where` names {' and '.join(seen) or 'neither place'}."


def wrong_says_it_afterwards(tasks, workers, patience, report):
    """says: reported while they did: none"""
    running, took = {}, {}

    def noted(name, task):
        since = time.monotonic()
        running[name] = "".join(traceback.format_stack())
        try:
            return task()
        finally:
            took[name] = time.monotonic() - since

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
    for name, seconds in took.items():
        if seconds > patience:
            report(name, running[name])
    return {name: future.result() for name, future in futures.items()}


def wrong_counts_from_the_submit(tasks, workers, patience, report):
    """says: Reported while still in the queue: late"""
    start, threads, reported = time.monotonic(), {}, set()

    def noted(name, task):
        threads[name] = threading.get_ident()
        return task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.05).not_done:
            for name, future in futures.items():
                if not future.done() and name not in reported and time.monotonic() - start > patience:
                    reported.add(name)
                    frame = sys._current_frames().get(threads.get(name))
                    report(name, "".join(traceback.format_stack(frame)))
    return {name: future.result() for name, future in futures.items()}


def wrong_reports_its_own_stack(tasks, workers, patience, report):
    """
    says: fetch stood in read_reply; the report's `where` names neither place
    says: save stood in take_lock; the report's `where` names neither place
    """
    running, reported = {}, set()

    def noted(name, task):
        running[name] = time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.05).not_done:
            for name, since in dict(running).items():
                if name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, "".join(traceback.format_stack()))
    return {name: future.result() for name, future in futures.items()}


def wrong_reports_all_threads(tasks, workers, patience, report):
    """
    says: fetch stood in read_reply; the report's `where` names read_reply and take_lock
    says: save stood in take_lock; the report's `where` names take_lock and read_reply
    """
    running, reported = {}, set()

    def noted(name, task):
        running[name] = time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.05).not_done:
            for name, since in dict(running).items():
                if name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    frames = sys._current_frames().values()
                    report(name, "".join(line for frame in frames for line in traceback.format_stack(frame)))
    return {name: future.result() for name, future in futures.items()}


def wrong_repeats_itself(tasks, workers, patience, report):
    """says: was reported three or more times"""
    running = {}

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.05).not_done:
            for name, (ident, since) in dict(running).items():
                if time.monotonic() - since > patience:
                    report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
    return {name: future.result() for name, future in futures.items()}


def wrong_gives_the_task_up(tasks, workers, patience, report):
    """says: The results came back as {'quick': 'quick', 'fetch': None"""
    threads, results = {}, {}

    def noted(name, task):
        threads[name] = threading.get_ident()
        return task()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        for name, future in futures.items():
            try:
                results[name] = future.result(timeout=patience)
            except TimeoutError:
                results[name] = None
                if future.running():
                    frame = sys._current_frames()[threads[name]]
                    report(name, "".join(traceback.format_stack(frame)))
    return results


def wrong_stops_at_the_first(tasks, workers, patience, report):
    """says: reported while they did: fetch."""
    running = {}

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.05).not_done:
            slow = [name for name, (_, since) in dict(running).items() if time.monotonic() - since > patience]
            if slow:
                name = min(slow)
                report(name, "".join(traceback.format_stack(sys._current_frames()[running[name][0]])))
                break
    return {name: future.result() for name, future in futures.items()}
