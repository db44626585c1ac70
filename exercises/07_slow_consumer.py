"""Find the slow consumer

`trace` is a trace that VizTracer wrote, as a dict. Write `slow_consumer(trace)`: it returns the name of the thread
whose calls of `work` have the longest mean duration. In `trace["traceEvents"]`, an event with "ph" "X" is a call:
"name" begins with the function's name, "tid" is its thread, "dur" its microseconds. An event named "thread_name"
gives a thread's name in event["args"]["name"].
"""

from collections import defaultdict
from statistics import median

from exercises.kit import shown


def slow_consumer(trace):
    names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    took = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"].startswith("work "):
            took[event["tid"]].append(event["dur"])
    return names[max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))]


HINTS = [
    "Collect the durations by thread, of the calls of `work` alone.",
    'A call\'s name looks like "work (lifo_queue.py:20)". Sum alone favors a thread that did more calls: use the mean.',
    "`max(took, key=lambda tid: sum(took[tid]) / len(took[tid]))`, then the thread's name.",
]


def check(slow_consumer):
    def call(name, tid, dur):
        return {"ph": "X", "pid": 1, "tid": tid, "name": f"{name} (lifo_queue.py:20)", "ts": 0.0, "dur": dur}

    def named(tid, name):
        return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}

    # Thread 11 is slow; 12 has the longest single call and the most time in all; 13 waits in consume and get.
    # The first call of 11, and its quickest, is no longer than the others'; 13 has the longest median.
    # The order differs from the tids, and one event is of a kind that the task does not mention.
    events = [named(13, "queue_1"), named(12, "queue_0"), named(11, "queue_2")]
    events += [call("work", 12, 100.0) for _ in range(40)] + [call("work", 12, 3000.0)]
    events += [call("work", 11, dur) for dur in (100.0, 900.0, 1300.0, 900.0, 1300.0)]
    events += [call("work", 13, dur) for dur in (1000.0, 120.0, 1000.0)]
    events += [call("consume", 13, 90_000.0), call("Queue.get", 13, 40_000.0), call("workshop", 13, 80_000.0)]
    events += [{"ph": "i", "pid": 1, "tid": 13, "name": "work done", "ts": 0.0}]
    answer = slow_consumer({"traceEvents": events})
    means = "The means are 171 µs on queue_0, 707 µs on queue_1, 900 µs on queue_2"
    yield answer == "queue_2", f"{means}; the answer was {shown(answer)}."


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
