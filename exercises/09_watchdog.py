"""A watchdog

`tasks` is a dict from a name to a function without arguments; all of them return, sooner or later. Write
`run_watched(tasks, workers, patience, report)`: it runs them on `workers` workers and returns a dict from the names to
the results.

While it waits, it keeps watch: once a task has been running for more than `patience` seconds, and not before, it calls
`report(name, where)`, once for this task, within a second and while the task still runs. `where` is a text that says
where its worker stands, as `"".join(traceback.format_stack(frame))` makes it of a thread's frame. Time in the queue
does not count.
"""

import re
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, wait

from exercises.kit import Clock, Gate, Inputs, Signal, count, shown, unlike, until, watch

LIMIT = 10


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
        while wait(futures.values(), timeout=0.2).not_done:
            for name, (ident, since) in dict(running).items():
                frame = sys._current_frames().get(ident)
                if frame and name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, "".join(traceback.format_stack(frame)))
    return {name: future.result() for name, future in futures.items()}


EQUAL = {
    "if frame and name not in reported and (time.monotonic() - since > patience):  ->  "
    "if frame and name not in reported and (time.monotonic() - since >= patience):": "no two looks are so exact",
    "while wait(futures.values(), timeout=0.2).not_done:  ->  "
    "while wait(futures.values(), timeout=-0.8).not_done:": "how often it looks is free",
}

HINTS = [
    "A Future does not tell since when it runs, nor in which thread. Only the task's own thread knows both, at its "
    "start. Where could it write them down?",
    "Submit a function of yours that notes `threading.get_ident()` and `time.monotonic()` under the task's name, calls "
    "the task, and takes the note away at the end.",
    "Somebody has to look at the notes again and again while tasks are under way, and only until then: "
    "`wait(futures, timeout=…)` in a loop tells both when to look and when to stop. One look is not enough: a task may "
    "begin after it.",
    "Workers change the notes while you go through them: go through a copy. `sys._current_frames()` has a thread's "
    "frame by its ident, as long as the thread lives; and a set of names keeps you from reporting a task again.",
]

INPUTS = Inputs(
    lambda given: ({f"task {n}": task for n, task in enumerate(given.tasks)}, given.workers, 5, given.note),
    raises=False,
)

_PATIENCE, _LONG = 0.6, 3.2


class _Tasks:
    """Seven tasks on two workers, and what is reported of them.

    `fetch` and `save` stand still from the start, `late` and `last` begin when they are over; each until it is
    reported. `short` ends after half of the patience. A report comes too early if less time than the patience has
    passed since the worker ended its task before; so no delay of the computer can make a right one early.
    """

    def __init__(self):
        self.begun, self.ended, self.reports, self.odd = {}, set(), [], []
        self.most, self._start, self.free = 0, time.monotonic(), {}  # when each worker ended its task before
        self._alone = False
        self.idle = ""  # the task that stood still while the other worker had nothing to do, though tasks were left
        self._told, self._lock = threading.Condition(), threading.Lock()

    def run(self, name, work):
        with self._lock:
            self.begun[name] = self.free.setdefault(threading.current_thread(), self._start)
            self.most = max(self.most, len(self.begun) - len(self.ended))
        try:
            return work()
        finally:
            with self._lock:
                self.ended.add(name)
                self.free[threading.current_thread()] = time.monotonic()

    def stand(self, name):
        """Until `name` is reported, and for a while in which it may be so again; or until one is not reported."""
        clock, after = Clock(), Clock()
        with self._told:
            while after.read() < 0.3 and not self._alone:
                self._told.wait(0.05)
                if all(name != told for told, *_ in self.reports):
                    self._alone, after = clock.read() > _PATIENCE + 1.3, Clock()
        if not self.idle and not until(lambda: len(self.begun) == 7 or len(self.begun) - len(self.ended) > 1):
            self.idle = name

    def report(self, name, where):
        now = time.monotonic()
        if not isinstance(name, str) or name not in ("quick", "fetch", "save", "late", "last", "short", "none"):
            self.odd.append(f"`report` was called with {_first(name)} for a name")
        elif not isinstance(where, str):
            self.odd.append(f"`report` got {shown(where, 40)} for `where`, which is no text")
        else:
            state = "queued" if name not in self.begun else "ended" if name in self.ended else "running"
            early = state == "running" and now - self.begun[name] < _PATIENCE
            with self._told:
                self.reports.append((name, where, "early" if early else state))
                self._told.notify_all()


def _first(name):
    lines = name.strip().splitlines() if isinstance(name, str) else [shown(name, 40)]
    return f"a text of {len(lines)} lines" if len(lines) > 1 else shown(name, 40)


def check(run_watched):
    the = _Tasks()

    def fetch_page():
        connect()
        return read_reply()

    def connect():
        time.sleep(_PATIENCE / 2)

    def read_reply():
        the.stand("fetch")
        return "a reply"

    def take_lock():
        the.stand("save")
        return "a lock"

    def come_late():
        the.stand("late")
        return 0

    def come_last():
        the.stand("last")
        return ""

    works = {
        "quick": lambda: "quick", "fetch": fetch_page, "save": take_lock, "late": come_late, "last": come_last,
        "short": lambda: time.sleep(_PATIENCE / 2), "none": lambda: None,
    }  # fmt: skip
    with watch():
        results = run_watched({n: lambda n=n, w=w: the.run(n, w) for n, w in works.items()}, 2, _PATIENCE, the.report)

    wanted = {
        "quick": "quick",
        "fetch": "a reply",
        "save": "a lock",
        "late": 0,
        "last": "",
        "short": None,
        "none": None,
    }
    came = not unlike(results, wanted)
    yield came, "The seven results came back." if came else f"The results came back as {shown(results, 120)}."
    if not came:
        return
    if the.odd:
        yield False, f"{the.odd[0]}; the names are quick, fetch, save, late, last, short and none."
        return
    yield the.most == 2, f"On 2 workers, {count(the.most, 'task')} went on at the same time."
    yield len(the.free) <= 2, f"On 2 workers, {count(len(the.free), 'thread')} ran the seven tasks."
    if the.most != 2 or len(the.free) > 2:
        return
    for state, words in (("queued", "while still in the queue"), ("early", "before the patience was over")):
        names = sorted({name for name, _, when in the.reports if when == state})
        yield not names, f"Reported {words}: {', '.join(names) or 'none'}."
        if names:
            return
    for name in ("fetch", "save", "late", "last"):
        words = "one of the first" if name in ("fetch", "save") else "begun after others"
        times = sum(name == other and state == "running" for other, _, state in the.reports)
        again = sum(name == other for other, _, _ in the.reports)
        seen = f"{_times(times)} while it did" + (f", and {_times(again - times)} afterwards" if again > times else "")
        yield again == times == 1, f"{name}, {words}, stood still for more than the patience; reported {seen}."
        if again != 1 or times != 1:
            return
    others = sorted({name for name, _, _ in the.reports} & {"quick", "short", "none"})
    yield not others, f"Reported without having run so long: {', '.join(others) or 'none'}."
    if others:
        return
    places = {"fetch": "read_reply", "save": "take_lock", "late": "come_late", "last": "come_last"}
    for name, place in places.items():
        where = next(text for task, text, _ in the.reports if task == name)
        seen = [spot for spot in ("connect", *places.values()) if spot in where]
        ok = seen == [place]
        first = "connect, then in " if name == "fetch" else ""
        names = " and ".join(seen) or "no such place"
        yield ok, f"{name} stood in {first}{place}; the report's `where` names {names}."
        if not ok:
            return
    where = next(text for task, text, _ in the.reports if task == "fetch")
    lacks = "" if "fetch_page" in where else "fetch_page, which called it"
    lacks = lacks if f'File "{check.__code__.co_filename}", line' in where else lacks or "its file and line"
    yield not lacks, f"fetch stood in read_reply; the report's `where` lacks {lacks or 'nothing'}."
    if lacks:
        return
    went = "stood idle" if the.idle else "went on"
    yield not the.idle, f"While {the.idle or 'a task'} stood still, the other worker {went}."
    if not the.idle:
        yield from _copies(run_watched)


def _copies(run_watched):
    """What is seen of one function under twenty names on twenty workers, with a patience of 3.2 s.

    They begin after twenty short ones: who looks twice in a patience comes 1.5 s late. Three have been reported in the
    call before this one.
    """
    start, all_told, together, reported, early = time.monotonic(), Signal(), Gate(20, patience=0.5), set(), []
    before = ["fetch", "save", "late"]
    names = [f"copy {n}" for n in range(17)] + before

    def stand():
        together.task()
        if together.met:
            all_told.wait(_LONG + 1.1)
            all_told.set()

    def report(name, where):
        if time.monotonic() - start < _LONG:
            early.append(name)
        if not all_told.is_set():
            reported.update({name} & set(names))
        if len(reported) == 20:
            all_told.set()

    short = {f"short {n}": lambda: time.sleep(0.1) for n in range(20)}
    run_watched(short | dict.fromkeys(names, stand), 20, _LONG, report)
    yield together.met, f"On 20 workers, {count(together.most, 'task')} went on at the same time."
    if not together.met:
        return
    yield not early, f"Of 20 tasks with a patience of {_LONG} s, {len(early)} were reported before it was over."
    if not early:
        what = f"20 names of one function stood still for more than a patience of {_LONG} s"
        known = [name for name in names if name not in reported] == before
        known = ", all but those that were reported in a call before" if known else ""
        yield len(reported) == 20, f"{what}; reported within a second of that: {len(reported)}{known}."


def _times(number):
    return {0: "never", 1: "once", 2: "twice"}.get(number, "three or more times")


def wrong_says_it_afterwards(tasks, workers, patience, report):
    """says: stood still for more than the patience; reported never while it did, and once afterwards"""
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
    """says: Reported while still in the queue:"""
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
    """says: the report's `where` names no such place"""
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
    """says: fetch stood in connect, then in read_reply; the report's `where` names"""
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
    """says: fetch, one of the first, stood still for more than the patience; reported t"""
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
    """says: save, one of the first, stood still for more than the patience; reported never while it did"""
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


def wrong_reports_after_half_of_the_patience(tasks, workers, patience, report):
    """says: Reported before the patience was over:"""
    return run_watched(tasks, workers, patience / 2, report)


def wrong_looks_once(tasks, workers, patience, report):
    """says: late, begun after others, stood still for more than the patience; reported never while it did"""
    running = {}

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        wait(futures.values(), timeout=1.5 * patience)
        for name, (ident, since) in dict(running).items():
            if time.monotonic() - since > patience:
                report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
    return {name: future.result() for name, future in futures.items()}


def wrong_a_thread_for_each_task(tasks, workers, patience, report):
    """says: On 2 workers, 7 threads ran the seven tasks"""
    room = threading.Semaphore(workers)

    running, results, reported = {}, {}, set()

    def noted(name, task):
        with room:
            running[name] = threading.get_ident(), time.monotonic()
            results[name] = task()
            del running[name]

    threads = [threading.Thread(target=noted, args=pair) for pair in tasks.items()]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.02)
        for name, (ident, since) in dict(running).items():
            frame = sys._current_frames().get(ident)
            if frame and name not in reported and time.monotonic() - since > patience:
                reported.add(name)
                report(name, "".join(traceback.format_stack(frame)))
    return {name: results[name] for name in tasks}


def wrong_swaps_the_arguments(tasks, workers, patience, report):
    """says: `report` was called with a text of"""
    return run_watched(tasks, workers, patience, lambda name, where: report(where, name))


def wrong_hands_over_the_frame(tasks, workers, patience, report):
    """says: `report` got ['"""
    return run_watched(tasks, workers, patience, lambda name, where: report(name, where.splitlines()[1:]))


def wrong_one_worker_more(tasks, workers, patience, report):
    """says: On 2 workers, 3 tasks went on at the same time
    says: On 2 workers, 3 threads ran the seven tasks"""
    return run_watched(tasks, workers + 1, patience, report)


def wrong_leaves_out_results_of_none(tasks, workers, patience, report):
    """says: The results came back as {'quick': 'quick', 'fetch': 'a reply', 'save': 'a lock', 'late': 0, 'last': ''}"""
    results = run_watched(tasks, workers, patience, report)
    return {name: result for name, result in results.items() if result is not None}


def wrong_reports_every_task_at_its_end_too(tasks, workers, patience, report):
    """says: reported once while it did, and once afterwards"""
    told = set()

    def note(name, where):
        told.add(name)
        report(name, where)

    results = run_watched(tasks, workers, patience, note)
    for name in told:
        report(name, "it has ended")
    return results


def wrong_knows_three_slow_tasks(tasks, workers, patience, report):
    """says: last, begun after others, stood still for more than the patience; reported never while it did"""
    told = set()

    def note(name, where):
        if len(told) < max(3, workers):
            told.add(name)
            report(name, where)

    return run_watched(tasks, workers, patience, note)


def wrong_reports_every_task(tasks, workers, patience, report):
    """says: Reported without having run so long: none, quick, short"""
    told = set()

    def note(name, where):
        told.add(name)
        report(name, where)

    results = run_watched(tasks, workers, patience, note)
    for name in tasks.keys() - told:
        report(name, "it has ended")
    return results


def wrong_waits_a_second_whatever_the_patience(tasks, workers, patience, report):
    """says: Of 20 tasks with a patience of 3.2 s, 20 were reported before it was over"""
    return run_watched(tasks, workers, min(patience, 1), report)


def wrong_has_eight_workers_at_most(tasks, workers, patience, report):
    """says: On 20 workers, 8 tasks went on at the same time"""
    return run_watched(tasks, min(workers, 8), patience, report)


def wrong_knows_a_task_by_its_function(tasks, workers, patience, report):
    """says: of one function stood still for more than a patience of 3.2 s; reported within a second of that: 1"""
    told = set()

    def note(name, where):
        if tasks[name] not in told:
            told.add(tasks[name])
            report(name, where)

    return run_watched(tasks, workers, patience, note)


def wrong_goes_in_batches(tasks, workers, patience, report):
    """says: While fetch stood still, the other worker stood idle."""
    names, results, running, told = list(tasks), {}, {}, set()

    def noted(name):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return tasks[name]()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for n in range(0, len(names), workers):
            futures = {name: pool.submit(noted, name) for name in names[n : n + workers]}
            while wait(futures.values(), timeout=0.2).not_done:
                for name, (ident, since) in dict(running).items():
                    if name not in told and time.monotonic() - since > patience:
                        told.add(name)
                        report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
            results |= {name: future.result() for name, future in futures.items()}
    return results


def wrong_remembers_what_it_reported(tasks, workers, patience, report, reported=set()):  # noqa: B006
    """says: reported within a second of that: 17, all but those that were reported in a call before"""
    running = {}

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.1).not_done:
            for name, (ident, since) in dict(running).items():
                if name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
    return {name: future.result() for name, future in futures.items()}


def wrong_tells_what_it_saw_first(tasks, workers, patience, report):
    """says: fetch stood in connect, then in read_reply; the report's `where` names connect."""
    running, stacks, reported = {}, {}, set()

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=0.1).not_done:
            for name, (ident, since) in dict(running).items():
                if frame := sys._current_frames().get(ident):
                    stacks.setdefault(name, "".join(traceback.format_stack(frame)))
                if name in stacks and name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, stacks[name])
    return {name: future.result() for name, future in futures.items()}


def wrong_gives_the_last_frames(tasks, workers, patience, report):
    """says: the report's `where` lacks fetch_page, which called it"""
    return run_watched(tasks, workers, patience, lambda name, where: report(name, "\n".join(where.splitlines()[-6:])))


def wrong_gives_the_names_alone(tasks, workers, patience, report):
    """says: the report's `where` lacks its file and line"""
    return run_watched(tasks, workers, patience, lambda name, where: report(name, str(re.findall(r" in (\w+)", where))))


def wrong_looks_twice_in_a_patience(tasks, workers, patience, report):
    """says: stood still for more than a patience of 3.2 s; reported within a second of that: 0"""
    running, reported = {}, set()

    def noted(name, task):
        running[name] = threading.get_ident(), time.monotonic()
        try:
            return task()
        finally:
            del running[name]

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {name: pool.submit(noted, name, task) for name, task in tasks.items()}
        while wait(futures.values(), timeout=patience / 2).not_done:
            for name, (ident, since) in dict(running).items():
                if name not in reported and time.monotonic() - since > patience:
                    reported.add(name)
                    report(name, "".join(traceback.format_stack(sys._current_frames()[ident])))
    return {name: future.result() for name, future in futures.items()}
