"""Ask a trace three questions

`trace` is what `write_trace` wrote, as a dict. Write `answers(trace)`: it returns a dict with three answers.
"busiest": the name of the thread whose tasks ran longest in all, which is the sum of their "dur". A task is an event
with "ph" "X" and "task" in its "args". "longest wait": the largest "queue wait (ms)" in the args of a task.
"hand-offs": how often a GIL hold is followed by one of another thread; a hold begins with an event that has both "cat"
"gil" and "ph" "b", its "name" tells the thread, and "ts" its time. The events stand in any order, and not every event
has "args" or "cat".
"""

from collections import defaultdict
from functools import partial
from itertools import pairwise
from numbers import Real
from random import Random

from exercises.kit import Inputs, shown, unlike

LIMIT = 3


def answers(trace):
    events = trace["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    tasks = [e for e in events if e["ph"] == "X" and "task" in e.get("args", {})]
    ran = defaultdict(float)
    for task in tasks:
        ran[names[task["tid"]]] += task["dur"]
    holds = sorted((e["ts"], e["name"]) for e in events if e.get("cat") == "gil" and e["ph"] == "b")
    return {
        "busiest": max(ran, key=ran.get),
        "longest wait": max(task["args"]["queue wait (ms)"] for task in tasks),
        "hand-offs": sum(a[1] != b[1] for a, b in pairwise(holds)),
    }


HINTS = [
    "Take the tasks out of the events first; two of the answers come from them.",
    "For the hand-offs: sort the beginnings of the holds by time, then count where the name changes.",
    "`itertools.pairwise(holds)` gives each hold with the next one.",
]


def _named(tid, name):
    return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}


def _task(index, tid, ts, dur, wait, cpu, name="fetch", outcome="returned"):
    args = {"task": index, "outcome": outcome, "queue wait (ms)": wait, "CPU time (ms)": cpu}
    return {"ph": "X", "pid": 1, "tid": tid, "name": name, "ts": ts, "dur": dur, "args": args}


def _span(kind, name, ts, number, **args):
    both = {"cat": kind, "name": name, "pid": 2, "tid": 0, "id2": {"local": hex(number)}}
    return [{**both, "ph": "b", "ts": ts, "args": args}, {**both, "ph": "e", "ts": ts + 5000}]


def _trace_by_chance(seed, given):
    chance = Random(seed)
    threads = {chance.randrange(100, 10_000): f"worker {n}" for n in range(chance.randint(2, 12))}
    tids, most = list(threads), 9000 if seed % 3 else 3  # all within some microseconds, too
    events = [_named(tid, name) for tid, name in threads.items()]
    for n in range(chance.randint(1, 40)):
        times = [most * chance.random() for _ in range(3)]
        what = chance.choice(["fetch", "parse"]), chance.choice(["returned", "raised"])
        events.append(_task(n, chance.choice(tids), *times, chance.random(), *what))
        events += _span("queue", "in the queue", times[0], n, task=n, label=what[0])
        if seed % 5:  # else there is no hold at all
            events += _span("gil", f"GIL {threads[chance.choice(tids)]}", most * chance.random(), n)
        events += _span("wait", f"GIL {threads[chance.choice(tids)]}", most * chance.random(), n)
        events += _span("gil wait", f"wait for the GIL {n % 2}", most * chance.random(), n)
    events.append({"ph": "C", "pid": 1, "tid": tids[0], "name": "waits", "ts": 0, "args": {"queue wait (ms)": 99_000}})
    # No tasks, though they have args, and nearly the same: none says which "task".
    call = {"ph": "X", "pid": 1, "tid": tids[-1], "name": "main (lesson.py:1)", "ts": 0, "dur": 99_000 * len(tids)}
    batch = call | {"name": "batch", "args": {"outcome": "returned", "queue wait (ms)": 99_000}}
    events += [call | {"args": {"return_value": "None"}}, *[batch] * (seed % 2)]
    chance.shuffle(events)
    return ({"traceEvents": [event | {"pid": event["pid"] + seed} for event in events]},)


def _trace_of_no_time(given):
    return ({"traceEvents": [_named(5, "only"), _task(0, 5, 10, 0, 0, 0), _task(1, 5, 20, 0, 0, 0)]},)


INPUTS = Inputs(
    also={
        "For two tasks of 0 µs on one thread": _trace_of_no_time,
        **{f"For trace {n} of many with other numbers": partial(_trace_by_chance, n) for n in range(20)},
    }
)


def check(answers):
    holds = [("GIL b", 15000), ("GIL a", 0), ("GIL a", 5000), ("GIL b", 10000), ("GIL a", 20000), ("GIL a", 25000)]
    events = [event for number, (name, ts) in enumerate(holds) for event in _span("gil", name, ts, number)]
    both = {"cat": "gil", "name": "GIL b", "pid": 2, "tid": 0}
    events += [
        {**both, "ph": "e", "ts": 2500},
        {**both, "ph": "C", "ts": 3000, "args": {"task": 9}},
    ]  # a hold that the start cut; a counter
    for number, ts in ((1, 2000), (2, 17000)):  # as a recording has them: they begin like a hold
        events += _span("queue", "in the queue", ts, number, task=number, label="fetch")
    events += [
        _task(0, 7, 100, 400, 0.0, 0.1),
        _task(1, 8, 200, 900, 3.5, 0.85),
        _task(2, 7, 600, 300, 12.25, 0.1),
        _task(3, 7, 900, 350, 1, 0.1),
        *(_task(4 + i, 10, 100 * i, 50, 0.5, 0.05) for i in range(4)),
    ]
    blocked = {"ph": "X", "pid": 1, "tid": 9, "name": "blocked in result()", "ts": 0, "dur": 99_000, "args": {}}
    # A call that VizTracer noted has no args.
    call = {"ph": "X", "pid": 3, "tid": 9, "name": "main (lesson.py:1)", "cat": "FEE", "ts": 0, "dur": 99_500}
    events += [blocked, call, _named(7, "w_0"), _named(8, "w_1"), _named(9, "MainThread"), _named(10, "w_2")]
    trace = {"traceEvents": events.copy()}
    given = answers(trace)

    if not isinstance(given, dict):
        yield False, f"It returned {shown(given)}, not a dict."
        return
    right = {"busiest": "w_0", "longest wait": 12.25, "hand-offs": 2}
    asked = {
        "busiest": "w_0 ran tasks for 1050 µs, w_1 for 900, w_2 for 200; the busiest, it says, is",
        "longest wait": "The tasks waited 0, 3.5, 12.25, 1 and four times 0.5 ms; the longest wait, it says, is",
        "hand-offs": "In order of time the holds are a, a, b, b, a, a; the number of hand-offs, it says, is",
    }
    for key, sentence in asked.items():
        says = dict.get(given, key)
        good = (isinstance(says, Real) and says == right[key]) or not unlike(says, right[key])
        yield bool(good), f"{sentence} {shown(says)}."
    same = not unlike(trace, {"traceEvents": events})
    yield same, f"Afterwards the trace was {'as' if same else 'no longer as'} before."


def wrong_counts_the_blocked_thread(trace):
    """says: the busiest, it says, is 'MainThread'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    ran = defaultdict(float)
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            ran[names[event["tid"]]] += event["dur"]
    return answers(trace) | {"busiest": max(ran, key=ran.get)}


def wrong_longest_task_is_not_the_busiest(trace):
    """says: the busiest, it says, is 'w_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    tasks = [e for e in trace["traceEvents"] if e["ph"] == "X" and "task" in e.get("args", {})]
    return answers(trace) | {"busiest": names[max(tasks, key=lambda task: task["dur"])["tid"]]}


def wrong_counts_holds(trace):
    """says: the number of hand-offs, it says, is 6"""
    holds = [e for e in trace["traceEvents"] if e.get("cat") == "gil" and e["ph"] == "b"]
    return answers(trace) | {"hand-offs": len(holds)}


def wrong_forgets_to_sort(trace):
    """says: the number of hand-offs, it says, is 3"""
    holds = [e["name"] for e in trace["traceEvents"] if e.get("cat") == "gil" and e["ph"] == "b"]
    return answers(trace) | {"hand-offs": sum(a != b for a, b in pairwise(holds))}


def wrong_busiest_has_the_most_tasks(trace):
    """says: the busiest, it says, is 'w_2'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    done = [names[e["tid"]] for e in trace["traceEvents"] if e["ph"] == "X" and "task" in e.get("args", {})]
    return answers(trace) | {"busiest": max(set(done), key=done.count)}


def wrong_takes_args_for_granted(trace):
    """says: Your code raised KeyError"""
    tasks = [e for e in trace["traceEvents"] if e["ph"] == "X" and "task" in e["args"]]
    return answers(trace) | {"longest wait": max(task["args"]["queue wait (ms)"] for task in tasks)}


def wrong_last_wait(trace):
    """says: the longest wait, it says, is 0.5"""
    tasks = [e for e in trace["traceEvents"] if e["ph"] == "X" and "task" in e.get("args", {})]
    return answers(trace) | {"longest wait": tasks[-1]["args"]["queue wait (ms)"]}


def wrong_returns_a_tuple(trace):
    """says: It returned ('w_0', 12.25, 2), not a dict"""
    return tuple(answers(trace).values())


def wrong_busiest_by_cpu_time(trace):
    """says: the busiest, it says, is 'w_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    ran = defaultdict(float)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and "task" in event.get("args", {}):
            ran[names[event["tid"]]] += event["args"]["CPU time (ms)"]
    return answers(trace) | {"busiest": max(ran, key=ran.get)}


def wrong_takes_every_beginning_for_a_hold(trace):
    """says: the number of hand-offs, it says, is 5"""
    holds = sorted((e["ts"], e["name"]) for e in trace["traceEvents"] if e["ph"] == "b")
    return answers(trace) | {"hand-offs": sum(a[1] != b[1] for a, b in pairwise(holds))}


def wrong_forgets_task_0(trace):
    """says: the busiest, it says, is 'w_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    ran = defaultdict(float)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event.get("args", {}).get("task"):
            ran[names[event["tid"]]] += event["dur"]
    return answers(trace) | {"busiest": max(ran, key=ran.get)}


def wrong_gives_the_busiest_number(trace):
    """says: the busiest, it says, is 7"""
    ran = defaultdict(float)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and "task" in event.get("args", {}):
            ran[event["tid"]] += event["dur"]
    return answers(trace) | {"busiest": max(ran, key=ran.get)}


def wrong_takes_all_that_names_a_task(trace):
    """says: Your code raised KeyError: 'dur'"""
    tasks = [e for e in trace["traceEvents"] if e["ph"] != "b" and "task" in e.get("args", {})]
    return {"busiest": max(tasks, key=lambda task: task["dur"])}


def wrong_knows_two_threads_alone(trace):
    """says: of many with other numbers, it returned"""
    given = answers(trace)
    holds = sorted((e["ts"], e["name"]) for e in trace["traceEvents"] if e.get("cat") == "gil" and e["ph"] == "b")
    first = holds[0][1] if holds else None
    return given | {"hand-offs": sum((a[1] == first) != (b[1] == first) for a, b in pairwise(holds))}


def wrong_looks_at_what_returned_alone(trace):
    """says: of many with other numbers"""
    tasks = [e for e in trace["traceEvents"] if e.get("args", {}).get("outcome", "returned") == "returned"]
    return answers({"traceEvents": tasks})


def wrong_knows_a_hold_by_its_name(trace):
    """says: of many with other numbers"""
    holds = sorted(
        (e["ts"], e["name"]) for e in trace["traceEvents"] if e["ph"] == "b" and e["name"].startswith("GIL ")
    )
    return answers(trace) | {"hand-offs": sum(a[1] != b[1] for a, b in pairwise(holds))}


def wrong_needs_a_hold(trace):
    """says: it raised IndexError: list index out of range"""
    holds = sorted((e["ts"], e["name"]) for e in trace["traceEvents"] if e.get("cat") == "gil" and e["ph"] == "b")
    last, changes = holds[0][1], 0
    for _, name in holds:
        changes += name != last
        last = name
    return answers(trace) | {"hand-offs": changes}


def wrong_takes_every_call_with_args_for_a_task(trace):
    """says: of many with other numbers"""
    events = [e | {"args": {"task": 0, "queue wait (ms)": 0} | e["args"]} if e["ph"] == "X" and e.get("args") else e
              for e in trace["traceEvents"]]  # fmt: skip
    return answers({"traceEvents": events})


def wrong_knows_a_task_by_its_wait(trace):
    """says: of many with other numbers"""
    tasks = [e for e in trace["traceEvents"] if e["ph"] == "X" and "queue wait (ms)" in e.get("args", {})]
    return answers(trace) | {"longest wait": max(task["args"]["queue wait (ms)"] for task in tasks)}


def wrong_looks_for_gil_in_the_cat(trace):
    """says: For trace 0 of many with other numbers, it returned"""
    events = [e | {"cat": "gil"} if "gil" in e.get("cat", "") else e for e in trace["traceEvents"]]
    return answers({"traceEvents": events})


def wrong_takes_what_is_neither_queue_nor_wait_for_a_hold(trace):
    """says: For trace 0 of many with other numbers, it returned"""
    events = [e | {"cat": "gil"} if e.get("cat") not in ("queue", "wait") else e for e in trace["traceEvents"]]
    return answers({"traceEvents": events})


def wrong_begins_with_a_sum_of_zero(trace):
    """says: For two tasks of 0 µs on one thread, it returned {'busiest': None"""
    ran, best, busiest = defaultdict(float), 0, None
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and "task" in event.get("args", {}):
            ran[names[event["tid"]]] += event["dur"]
    for name, took in ran.items():
        if took > best:
            best, busiest = took, name
    return answers(trace) | {"busiest": busiest}


def wrong_sorts_the_trace(trace):
    """says: Afterwards the trace was no longer as before."""
    trace["traceEvents"].sort(key=lambda event: event.get("ts", 0))
    return answers(trace)


def wrong_takes_whole_microseconds(trace):
    """says: of many with other numbers"""
    events = [e | {key: int(e[key]) for key in ("ts", "dur") if key in e} for e in trace["traceEvents"]]
    return answers({"traceEvents": events})


def wrong_knows_two_processes(trace):
    """says: of many with other numbers"""
    return answers({"traceEvents": [e for e in trace["traceEvents"] if e["pid"] < 3 or e["ph"] == "M"]})
