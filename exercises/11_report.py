"""Report a run

Write `report(run)`: it takes a Recording and returns a dict with five numbers: "tasks", "failed" (tasks that raised),
"workers" (threads that ran a task), "peak" (the most tasks that ran at one moment) and "queue" (the most tasks that
were in the queue at one moment, between `submitted` and `started`; one that was cancelled left the queue at
`finished`; one that has not begun yet is still there). What ends or leaves at a moment is gone at that moment. A run
without tasks has five zeros.
"""

from copy import deepcopy
from functools import partial
from numbers import Real
from random import Random

from exercises.kit import Inputs, shown
from helpers.recording.data import Recording, Thread


def report(run):
    steps = []
    for task in run.tasks:
        left = task.started if task.started is not None else task.finished
        steps.append((task.submitted, 1))
        if left is not None:
            steps.append((left, -1))
    deepest = now = 0
    for _, step in sorted(steps):
        now += step
        deepest = max(deepest, now)
    return {
        "tasks": len(run.tasks),
        "failed": run.count("raised"),
        "workers": len(run.workers),
        "peak": run.peak_in_flight,
        "queue": deepest,
    }


EQUAL = {"deepest = max(deepest, now)  ->  deepest = max(now, deepest)": "the same number"}


HINTS = [
    "Four of the five numbers are a property or a method of the Recording: `run.workers`, `run.count(...)`.",
    "For the queue: a task adds 1 when it is submitted and takes 1 away when it starts. In which order?",
    "Make a list of (moment, +1) and (moment, -1), sort it, add up, and keep the largest sum.",
]


def _run(*tasks, unit=1_000_000):
    """A recording of `(submitted, started or None, finished, worker, outcome)`; times in ms, or as `unit` has it."""
    run = Recording()
    for n, (submitted, started, finished, worker, outcome) in enumerate(tasks):
        at = [None if time is None else time * unit for time in (submitted, started, finished)]
        thread = None if started is None else Thread(f"pool_{worker % 3}", 100 + worker)
        run.rows.append([f"task {n % 4}", at[0], Thread("MainThread", 99), thread, at[1], at[2], 0, outcome])
    return run


def _run_by_chance(seed, given):
    """Tasks as a pool runs them, some cancelled in the queue; two of its workers may have the same name."""
    chance, tasks, waiting, running = Random(seed), [], [], []
    for moment in sorted(chance.sample(range(3000), 60)):
        does = chance.choice(("submit", "submit", "start", "end", "cancel"))
        if does == "submit":
            waiting.append([moment, None, None, 0, None])
            tasks.append(waiting[-1])
        elif does == "start" and waiting and len(running) < 4:
            worker = chance.choice([n for n in range(6) if n not in {task[3] for task in running}])
            task = waiting.pop(0)
            task[1], task[3] = moment, worker
            running.append(task)
        elif does == "end" and running:
            task = running.pop(chance.randrange(len(running)))
            task[2], task[4] = moment, chance.choice(("returned", "raised"))
        elif does == "cancel" and waiting:
            task = waiting.pop(chance.randrange(len(waiting)))
            task[2], task[4] = moment, "cancelled"
    return (_run(*tasks),)


def _plain(given):
    """What is compared of a result: any kind of number will do, as NumPy's."""
    if not isinstance(given, dict):
        return given
    numbers = {key: int(n) if isinstance(n, Real) and n == int(n) else n for key, n in given.items()}
    return {key: given[key] if isinstance(given[key], bool) else n for key, n in numbers.items()}


INPUTS = Inputs(
    also={f"In run {n} of many with other tasks": partial(_run_by_chance, n) for n in range(20)}, view=_plain
)

_RUNS = {
    "nine tasks on three workers, two of which fail": _run(
        (0, 3, 40, 0, "returned"), (1, 4, 50, 1, "returned"), (2, 5, 60, 2, "raised"),
        (6, 41, 70, 0, "returned"), (7, 51, 80, 1, "returned"), (8, 61, 90, 2, "raised"),
        (9, 71, 100, 0, "returned"), (10, 81, 110, 1, "returned"), (82, 91, 120, 2, "returned"),
    ),
    "a run with two cancelled tasks": _run(
        (0, 1, 40, 0, "returned"), (2, None, 20, 0, "cancelled"), (3, None, 21, 0, "cancelled"),
        (22, 41, 50, 0, "returned"), (42, 51, 60, 0, "returned"),
    ),
    "three tasks one by one, on three workers": _run(
        (0, 1, 10, 0, "returned"), (11, 12, 20, 1, "returned"), (21, 22, 30, 2, "returned"),
    ),
    "three tasks at once, then a long one alone": _run(
        (0, 1, 10, 0, "returned"), (0, 1, 10, 1, "returned"), (0, 1, 10, 2, "returned"),
        (12, 13, 90, 0, "returned"),
    ),
    "a run without tasks": _run(),
    "a run that has not ended": _run(
        (0, 0, 10, 0, "returned"), (2, 11, None, 0, None), (3, 3, None, 1, None),
        (4, None, None, 0, None), (5, None, None, 0, None),
    ),
    "a run where each task begins at the moment at which the one before ends": _run(
        (0, 0, 10, 0, "returned"), (10, 10, 20, 0, "returned"), (20, 20, 30, 0, "returned"),
    ),
    "a run where tasks come at the moment at which others leave the queue": _run(
        (0, 5, 10, 0, "returned"), (5, 10, 20, 0, "returned"), (10, None, 12, 0, "cancelled"),
        (12, 20, 30, 0, "returned"),
    ),
    "a run of some nanoseconds": _run(
        (0, 3, 9, 0, "returned"), (1, 9, 12, 0, "returned"), (2, 12, 14, 0, "returned"), unit=1,
    ),
}  # fmt: skip
_RIGHT = [(9, 2, 3, 3, 5), (5, 0, 1, 1, 2), (3, 0, 3, 1, 1), (4, 0, 3, 3, 3), (0, 0, 0, 0, 0), (5, 0, 2, 2, 3)]
_RIGHT += [(3, 0, 1, 1, 0), (4, 0, 1, 1, 1), (3, 0, 1, 1, 3)]
_NAMES = ("tasks", "failed", "workers", "peak", "queue")


def check(report):
    before = []
    for (what, run), right in zip(_RUNS.items(), _RIGHT, strict=True):
        rows = deepcopy(run.rows)
        given = report(run)
        good = isinstance(given, dict) and set(given) == set(_NAMES)
        if not good:
            yield False, f"It returned {shown(given)}; a dict with {', '.join(_NAMES)} is wanted."
            return
        wrong = [
            f'"{name}" is {shown(given[name])} (right: {number})'
            for name, number in zip(_NAMES, right, strict=True)
            if not isinstance(given[name], Real) or given[name] != number
        ]
        changed = "the Recording" if run.rows != rows else ""
        changed = changed or ("the dict that it had returned before" if before and before[0] != before[1] else "")
        wrong += [f"it changed {changed}"] if changed else []
        yield not wrong, f"In {what}: {', '.join(wrong) or 'all five numbers are right'}."
        if wrong:
            return
        before = [given, dict(given)]


def wrong_counts_all_that_waited(run):
    """says: In nine tasks on three workers, two of which fail: "queue" is 9 (right: 5)."""
    return {
        "tasks": len(run.tasks),
        "failed": run.count("raised"),
        "workers": len(run.workers),
        "peak": run.peak_in_flight,
        "queue": sum(task.queue_wait is not None and task.queue_wait >= 0 for task in run.tasks),
    }


def wrong_asks_after_the_run(run):
    """says: "queue" is 0 (right:"""
    return {
        "tasks": len(run.tasks),
        "failed": run.count("raised"),
        "workers": len(run.workers),
        "peak": run.peak_in_flight,
        "queue": run.count("queued"),
    }


def wrong_counts_the_cancelled_as_failed(run):
    """says: In a run with two cancelled tasks: "failed" is 2 (right: 0)."""
    steps = sorted(
        [(t.submitted, 1) for t in run.tasks]
        + [(t.finished if t.started is None else t.started, -1) for t in run.tasks]
    )
    sums = [sum(step for _, step in steps[: n + 1]) for n in range(len(steps))]
    return {
        "tasks": len(run.tasks),
        "failed": len(run.tasks) - run.count("returned"),
        "workers": len(run.workers),
        "peak": run.peak_in_flight,
        "queue": max(sums, default=0),
    }


def wrong_leaves_out_the_cancelled(run):
    """says: In a run with two cancelled tasks: "queue" is 1 (right: 2)."""
    ran = [task for task in run.tasks if task.started is not None]
    steps = sorted([(task.submitted, 1) for task in ran] + [(task.started, -1) for task in ran])
    sums = [sum(step for _, step in steps[: n + 1]) for n in range(len(steps))]
    return report(run) | {"queue": max(sums, default=0)}


def wrong_keeps_the_cancelled_in_the_queue(run):
    """says: In a run with two cancelled tasks: "queue" is 3 (right: 2)."""
    steps = [(task.submitted, 1) for task in run.tasks]
    steps += [(task.started, -1) for task in run.tasks if task.started is not None]
    sums = [sum(step for _, step in sorted(steps)[: n + 1]) for n in range(len(steps))]
    return report(run) | {"queue": max(sums, default=0)}


def wrong_fails_without_tasks(run):
    """says: Your code raised ValueError"""
    steps = sorted(
        [(t.submitted, 1) for t in run.tasks]
        + [(t.finished if t.started is None else t.started, -1) for t in run.tasks]
    )
    return {
        "tasks": len(run.tasks),
        "failed": run.count("raised"),
        "workers": len(run.workers),
        "peak": run.peak_in_flight,
        "queue": max(sum(step for _, step in steps[: n + 1]) for n in range(len(steps))),
    }


def wrong_takes_the_pool_for_the_peak(run):
    """says: In three tasks one by one, on three workers: "peak" is 3 (right: 1)."""
    steps = sorted(
        [(t.submitted, 1) for t in run.tasks]
        + [(t.finished if t.started is None else t.started, -1) for t in run.tasks]
    )
    sums = [sum(step for _, step in steps[: n + 1]) for n in range(len(steps))]
    return {
        "tasks": len(run.tasks),
        "failed": run.count("raised"),
        "workers": len(run.workers),
        "peak": len(run.workers),
        "queue": max(sums, default=0),
    }


def wrong_returns_a_text(run):
    """says: It returned '"""
    return f"{len(run.tasks)} tasks on {len(run.workers)} workers"


def wrong_rounds_the_average_for_the_peak(run):
    """says: In three tasks at once, then a long one alone: "peak" is 1 (right: 3)."""
    return report(run) | {"peak": round(run.concurrency)}


def wrong_takes_the_peak_for_the_workers(run):
    """says: In three tasks one by one, on three workers: "workers" is 1 (right: 3)."""
    return report(run) | {"workers": run.peak_in_flight}


def wrong_forgets_who_is_still_in_the_queue(run):
    """says: In a run that has not ended: "queue" is 1 (right: 3)."""
    left = [task for task in run.tasks if task.started is not None or task.finished is not None]
    steps = [(task.submitted, 1) for task in left]
    steps += [(task.started if task.started is not None else task.finished, -1) for task in left]
    sums = [sum(step for _, step in sorted(steps)[: n + 1]) for n in range(len(steps))]
    return report(run) | {"queue": max(sums, default=0)}


def wrong_counts_what_ended(run):
    """says: In a run that has not ended: "tasks" is 1 (right: 5)."""
    return report(run) | {"tasks": len([task for task in run.tasks if task.finished is not None])}


def wrong_counts_names_of_workers(run):
    """says: of many with other tasks, it returned"""
    return report(run) | {"workers": len({worker.name for worker in run.workers})}


def wrong_lets_tasks_come_before_others_leave(run):
    """says: at the moment at which the one before ends: "queue" is 1 (right: 0)."""
    steps = []
    for task in run.tasks:
        left = task.started if task.started is not None else task.finished
        steps.append((task.submitted, "came", 1))
        if left is not None:
            steps.append((left, "left", -1))
    sums = [sum(step for *_, step in sorted(steps)[: n + 1]) for n in range(len(steps))]
    return report(run) | {"queue": max(sums, default=0)}


def wrong_counts_who_ends_as_running(run):
    """says: at the moment at which the one before ends: "peak" is 2 (right: 1)."""
    ran = [task for task in run.tasks if task.started is not None]

    def running(moment):
        return sum(t.started <= moment and (t.finished is None or t.finished >= moment) for t in ran)

    return report(run) | {"peak": max((running(task.started) for task in ran), default=0)}


def wrong_counts_in_milliseconds(run):
    """says: In a run of some nanoseconds: "queue" is 0 (right: 3)."""
    steps = []
    for task in run.tasks:
        left = task.started if task.started is not None else task.finished
        steps.append((task.submitted // 1_000_000, 1))
        if left is not None:
            steps.append((left // 1_000_000, -1))
    sums = [sum(step for _, step in sorted(steps)[: n + 1]) for n in range(len(steps))]
    return report(run) | {"queue": max(sums, default=0)}


def wrong_counts_functions(run):
    """says: In nine tasks on three workers, two of which fail: "tasks" is 4 (right: 9)."""
    return report(run) | {"tasks": len({task.label for task in run.tasks})}


def wrong_sorts_the_callers_rows(run):
    """says: In a run with two cancelled tasks: it changed the Recording."""
    run.rows.sort(key=lambda row: (row[5] is None, row[5]))
    return report(run)


def wrong_fills_one_dict(run, numbers={}):  # noqa: B006
    """says: In a run with two cancelled tasks: it changed the dict that it had returned before."""
    numbers.update(report(run))
    return numbers
