"""Label six workloads

`trace` is a GIL trace of two or three threads. Write `label(trace)`: it returns "Python", "C", "mixed" or "sleep" for
the kind of work that the threads did. "C" is work that lets the GIL go; "mixed" is one thread of each. The switch
interval differs from trace to trace, so a long hold alone says nothing. `trace.overlap` (0 to 1),
`trace.cpu_over_wall` (cores used), `trace.waits` and `trace.shares` (of each thread, 0 to 1) may help.
"""

from pathlib import Path

from helpers.exercise_kit import shown
from helpers.gil_recording import GilTrace

DATA = Path(__file__).resolve().parents[1] / "data"
KINDS = {"a": "Python", "b": "C", "c": "sleep", "d": "mixed", "e": "Python", "f": "C"}


def label(trace):
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    if trace.overlap > 0.5:
        return "C"
    return "Python" if min(trace.shares) > 0.1 else "mixed"


HINTS = [
    "Sleeping threads overlap fully and use no core. Which number tells them from hashing?",
    "Threads of Python share the core fairly. What becomes of a thread that lets the GIL go for each tiny hash?",
    "`cpu_over_wall` well under 1: sleep. Then `overlap` near 1: C. Of the rest, one share near 0 means mixed.",
]


def check(label):
    for letter, kind in KINDS.items():
        answer = label(GilTrace.load(DATA / f"unknown-{letter}.json"))
        yield answer == kind, f"Trace {letter} is labeled {shown(answer)}."
        if answer != kind:
            return


def wrong_looks_at_the_overlap_alone(trace):
    """says: Trace c is labeled 'C'"""
    return "C" if trace.overlap > 0.5 else "Python"


def wrong_looks_at_the_cores_alone(trace):
    """says: Trace d is labeled 'Python'"""
    return "sleep" if trace.cpu_over_wall < 0.8 else "C" if trace.cpu_over_wall > 1.5 else "Python"


def wrong_looks_at_the_length_of_holds(trace):
    """says: Trace e is labeled 'C'"""
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    if min(trace.shares) < 0.1:
        return "mixed"
    return "Python" if trace.median_hold < 0.01 else "C"


def wrong_takes_every_wait_for_python(trace):
    """says: Trace b is labeled 'Python'"""
    return "Python" if trace.waits else "C"


def wrong_knows_python_and_c_alone(trace):
    """says: Trace c is labeled 'C'"""
    return "Python" if trace.overlap < 0.5 else "C"
