"""Find the slow consumer

`trace` is a trace that VizTracer wrote, as a dict. Write `slow_consumer(trace)`: it returns the name of the thread
whose calls of `work` have the longest mean duration. `trace["traceEvents"]` is a list of events, which are dicts, in
any order. One with "ph" "X" is a call: its "name" is the function's name, a space and where it stands, as in
"work (lifo_queue.py:20)"; "tid" is its thread, "dur" its microseconds. One whose "name" is "thread_name" gives the name
of the thread "tid" in event["args"]["name"].
"""

from collections import defaultdict
from functools import partial
from random import Random
from statistics import median

from exercises.kit import Inputs, shown, unlike

LIMIT = 3


def slow_consumer(trace):
    names, took = {}, defaultdict(list)
    for event in trace["traceEvents"]:
        if event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


HINTS = [
    "Which events are calls of `work`, and of nothing else whose name begins alike? Take those out first.",
    "A thread that did more calls has a larger sum. What has to be kept for each thread, so that a mean can be had?",
    "The events know threads by number alone. Where do the names stand, and when have you seen all of them?",
]


def _call(name, tid, dur, place="lifo_queue.py:20"):
    return {"ph": "X", "pid": 1, "tid": tid, "name": f"{name} ({place})", "ts": 0.0, "dur": dur}


def _named(tid, name):
    return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}


def _trace_of_three():
    """Thread 11 is slow; 12 has the longest single call and the most time in all; 13 waits in consume and get.

    The first call of 11, and its quickest, is no longer than the others'; 13 has the longest median. What is no call
    stands at the slow thread: as calls of 0 µs it would make it a quick one.
    """
    events = [_named(13, "queue_1"), _named(12, "queue_0"), _named(11, "queue_2")]
    events += [{"ph": "M", "pid": 1, "tid": 11, "name": "process_name", "args": {"name": "MainProcess"}}]
    events += [_call("work", 12, 100.0) for _ in range(40)] + [_call("work", 12, 3000.0)]
    events += [_call("work", 11, dur) for dur in (100.0, 900.0, 1300.0, 900.0, 1300.0)]
    events += [_call("work", 13, dur) for dur in (1000.0, 120.0, 1000.0)]
    events += [_call("consume", 13, 90_000.0), _call("Queue.get", 13, 40_000.0), _call("workshop", 13, 80_000.0)]
    events += [_call("rework", 12, 70_000.0), _call("Pool.work", 12, 60_000.0), _call("Work", 12, 80_000.0)]
    events += [{"ph": kind, "pid": 1, "tid": 11, "name": "work done", "ts": 0.0, "dur": 0.0} for kind in "iiCC"]
    return events


def _trace_of_two():
    """The names come last; one thread has a single call, one call takes no time, one thread never calls `work`.

    The numbers of the threads are those of other traces: what was kept of those is in the way.
    """
    events = [_call("work", 11, 0.0), _call("work", 11, 500.0), _call("work", 13, 260.0), _call("main", 6, 9000.0)]
    return [*events, _named(6, "MainThread"), _named(11, "late"), _named(13, "early")]


def _trace_of_no_time(given):
    return ({"traceEvents": [_named(5, "only"), _call("work", 5, 0.0), _call("work", 5, 0.0)]},)


def _trace_by_chance(seed, given):
    chance = Random(seed)
    threads = {
        chance.randrange(100, 10_000): f"thread {n}" if n else "MainThread" for n in range(chance.randint(2, 12))
    }
    place = f"{chance.choice(['a', 'b'])}.py:{seed}"
    apart = 0.001 if seed % 4 else 1
    long = (lambda: 1000 * chance.random() ** 3) if seed % 2 else (lambda: 100 + apart * chance.random())
    events = [_named(tid, name) for tid, name in threads.items()]
    for tid in threads:
        events += [_call("work", tid, long(), place) for _ in range(chance.randint(1, 9))]
        events += [_call(chance.choice(["worker", "Queue.get"]), tid, 9000 * chance.random())]
    chance.shuffle(events)
    return ({"traceEvents": events},)


INPUTS = Inputs(
    also={
        "For two calls of 0 µs on one thread": _trace_of_no_time,
        **{f"For trace {n} of many with other numbers": partial(_trace_by_chance, n) for n in range(20)},
    }
)


def check(slow_consumer):
    trace = {"traceEvents": _trace_of_three()}
    answer = slow_consumer(trace)
    means = "The means are 171 µs on queue_0, 707 µs on queue_1, 900 µs on queue_2"
    good = not unlike(answer, "queue_2")
    yield good, f"{means}; the answer was {shown(answer)}."
    if good:
        same = not unlike(trace, {"traceEvents": _trace_of_three()})
        yield same, f"Afterwards the trace was {'as' if same else 'no longer as'} before."
        answer = slow_consumer({"traceEvents": _trace_of_two()})
        means = "The means are 260 µs on early, 250 µs on late, with no call on MainThread; the names come last"
        yield not unlike(answer, "early"), f"{means}; the answer was {shown(answer)}."


def wrong_sums_up(trace):
    """says: the answer was 'queue_0'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(float)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]] += event["dur"]
    return names[max(took, key=took.get)]


def wrong_longest_single_call(trace):
    """says: the answer was 'queue_0'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    calls = [e for e in trace["traceEvents"] if e["ph"] == "X" and e["name"].startswith("work ")]
    return names[max(calls, key=lambda call: call["dur"])["tid"]]


def wrong_first_call_of_each(trace):
    """says: the answer was 'queue_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took.setdefault(event["tid"], event["dur"])
    return names[max(took, key=took.get)]


def wrong_takes_the_median(trace):
    """says: the answer was 'queue_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: median(took[tid]))]


def wrong_reads_the_name_off_the_picture(trace):
    """says: the answer was 'queue_1'"""
    return "queue_1"


def wrong_counts_every_function(trace):
    """says: the answer was 'queue_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_returns_the_tid(trace):
    """says: the answer was 11"""
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))


def wrong_looks_for_the_bare_name(trace):
    """says: Your code raised ValueError"""
    calls = [e for e in trace["traceEvents"] if e["name"] == "work"]
    return max(calls, key=lambda call: call["dur"])["tid"]


def wrong_takes_every_name_that_begins_so(trace):
    """says: the answer was 'queue_1'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work"):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_finds_work_anywhere_in_the_name(trace):
    """says: the answer was 'queue_0'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and "work (" in event["name"]:
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_leaves_out_calls_that_took_no_time(trace):
    """says: the names come last; the answer was 'late'"""
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work ") and event["dur"]:
            took[event["tid"]].append(event["dur"])
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_knows_the_names_before_the_calls(trace):
    """says: Your code raised KeyError"""
    names, took = {}, defaultdict(list)
    for event in trace["traceEvents"]:
        if event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X" and event["name"].startswith("work "):
            took[names[event["tid"]]].append(event["dur"])
    return max(took, key=lambda name: sum(took[name]) / len(took[name]))


def wrong_divides_by_no_calls(trace):
    """says: Your code raised ZeroDivisionError"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = {tid: [] for tid in names}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_knows_three_threads(trace):
    """says: of many with other numbers, it"""
    tids = sorted({e["tid"] for e in trace["traceEvents"] if e["ph"] == "X" and e["name"].startswith("work ")})[:3]
    return slow_consumer({"traceEvents": [e for e in trace["traceEvents"] if e["tid"] in tids]})


def wrong_knows_the_place(trace):
    """says: of many with other numbers"""
    events = [e for e in trace["traceEvents"] if e["ph"] != "X" or e["name"] == "work (lifo_queue.py:20)"]
    return slow_consumer({"traceEvents": events})


def wrong_rounds_the_durations(trace):
    """says: of many with other numbers"""
    events = [e | {"dur": e["dur"] // 1} if e["ph"] == "X" else e for e in trace["traceEvents"]]
    return slow_consumer({"traceEvents": events})


def wrong_takes_what_is_no_call_for_a_quick_one(trace):
    """says: the answer was 'queue_1'"""
    events = [e | {"ph": "X", "dur": e.get("dur", 0)} for e in trace["traceEvents"] if e["name"] != "thread_name"]
    names = [e for e in trace["traceEvents"] if e["name"] == "thread_name"]
    return slow_consumer({"traceEvents": names + events})


def wrong_begins_with_a_mean_of_zero(trace):
    """says: For two calls of 0 µs on one thread, it returned None of type NoneType, not 'only'"""
    best, slowest = 0, None
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    for tid, name in names.items():
        calls = [e for e in trace["traceEvents"] if e["ph"] == "X" and e["name"].startswith("work ")]
        took = [e["dur"] for e in calls if e["tid"] == tid]
        if took and sum(took) / len(took) > best:
            best, slowest = sum(took) / len(took), name
    return slowest


def wrong_rounds_to_tenths(trace):
    """says: of many with other numbers"""
    events = [e | {"dur": round(e["dur"], 1)} if e["ph"] == "X" else e for e in trace["traceEvents"]]
    return slow_consumer({"traceEvents": events})


_took = defaultdict(list)


def wrong_keeps_the_calls_of_the_trace_before(trace):
    """says: the names come last; the answer was 'late'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            _took[event["tid"]].append(event["dur"])
    return names[max((t for t in _took if t in names), key=lambda tid: sum(_took[tid]) / len(_took[tid]))]


def wrong_takes_the_process_name_for_a_threads(trace):
    """says: the answer was 'MainProcess'"""
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


def wrong_takes_the_calls_out_of_the_trace(trace):
    """says: Afterwards the trace was no longer as before."""
    answer = slow_consumer(trace)
    trace["traceEvents"] = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    return answer


def wrong_knows_a_call_by_its_duration(trace):
    """says: the answer was 'queue_1'"""
    return slow_consumer({"traceEvents": [e | {"ph": "X"} if "dur" in e else e for e in trace["traceEvents"]]})


def wrong_takes_capitals_for_the_same(trace):
    """says: the answer was 'queue_0'"""
    return slow_consumer({"traceEvents": [e | {"name": e["name"].lower()} for e in trace["traceEvents"]]})
