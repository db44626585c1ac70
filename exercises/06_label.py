"""Label six workloads

`trace` is a GIL trace of two or three threads. Write `label(trace)`: it returns "Python", "C", "mixed" or "sleep" for
the kind of work that the threads did. "Python" keeps the GIL while it computes; "C" lets it go in each piece of work;
"mixed" is one thread of each. The switch interval differs from trace to trace, so a long hold alone says nothing.
`trace.overlap` (0 to 1), `trace.cpu_over_wall` (cores used), `trace.waits` and `trace.shares` (of each thread, 0 to 1)
may help. The rule is tried on other traces of the same work too, such as half of one, one at another pace, or one with
the threads in another order.
"""

from dataclasses import replace
from pathlib import Path

from exercises.kit import shown, unlike
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace

DATA = Path(__file__).resolve().parents[1] / "notebooks" / "data"
KINDS = {"a": "Python", "b": "C", "c": "sleep", "d": "mixed", "e": "Python", "f": "C"}


def label(trace):
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    if trace.overlap > 0.5:
        return "C"
    return "Python" if min(trace.shares) > 0.1 else "mixed"


EQUAL = {
    "if trace.cpu_over_wall < 0.8:  ->  if trace.cpu_over_wall <= 0.8:": "nothing measured is exactly that",
    "if trace.overlap > 0.5:  ->  if trace.overlap >= 0.5:": "nothing measured is exactly that",
    "return 'Python' if min(trace.shares) > 0.1 else 'mixed'  ->  "
    "return 'Python' if min(trace.shares) >= 0.1 else 'mixed'": "nothing measured is exactly that",
}

HINTS = [
    "Sleeping threads overlap fully and use no core. Which number tells them from hashing?",
    "Threads of Python share the core fairly. What becomes of a thread that lets the GIL go for each tiny hash?",
    "`cpu_over_wall` well under 1: sleep. Then `overlap` near 1: C. Of the rest, one share near 0 means mixed.",
]


def check(label):
    traces = {letter: GilTrace.load(DATA / f"unknown-{letter}.json") for letter in KINDS}
    for letter, kind in KINDS.items():
        answer = label(traces[letter])
        yield not unlike(answer, kind), f"Trace {letter} is labeled {shown(answer)}."
        if unlike(answer, kind):
            return
    paces = ((20, "twenty times as slow"), (0.05, "twenty times as fast"))
    paced = [(letter, pace, label(_paced(traces[letter], factor))) for letter in KINDS for factor, pace in paces]
    changed = [f"Trace {letter}, all of it {pace}, is labeled {shown(answer)}; the work is the same."
               for letter, pace, answer in paced if unlike(answer, KINDS[letter])]  # fmt: skip
    kept = "All of it twenty times as slow or as fast, each trace keeps its label."
    yield not changed, changed[0] if changed else kept
    if changed:
        return
    for words, other, letters in OTHERS:
        labels = {letter: label(other(traces[letter])) for letter in letters}
        changed = [f"Trace {letter}, {words}, is labeled {shown(answer)}; the work is the same."
                   for letter, answer in labels.items() if unlike(answer, KINDS[letter])]  # fmt: skip
        yield not changed, changed[0] if changed else f"Each trace keeps its label: {words}."
        if changed:
            return


def _turned(trace):
    """`trace` with its last thread first."""
    last = len(trace.threads) - 1

    def moved(spans):
        return tuple(Span(last - span.thread, span.start, span.end) for span in spans)

    return replace(
        trace,
        threads=trace.threads[::-1],
        holds=moved(trace.holds),
        waits=moved(trace.waits),
        preempted=moved(trace.preempted),
    )


def _numbered(trace):
    """`trace` with threads that the system has given other numbers."""
    return replace(trace, threads=tuple(thread._replace(native_id=thread.native_id + 777) for thread in trace.threads))


def _half(trace):
    """The first half of `trace`."""
    middle = (trace.start + trace.end) // 2

    def cut(spans):
        return tuple(Span(span.thread, span.start, min(span.end, middle)) for span in spans if span.start < middle)

    return replace(
        trace,
        threads=tuple(thread._replace(cpu=thread.cpu / 2) for thread in trace.threads),
        end=middle,
        holds=cut(trace.holds),
        waits=cut(trace.waits),
        preempted=cut(trace.preempted),
    )


def _set_aside(trace):
    """`trace` with two moments, 1% of it, in which the system let none of its threads run."""
    moment = (trace.end - trace.start) // 200
    starts = [trace.start + share * moment for share in (61, 137)]
    gaps = (Span(thread, at, at + moment) for at in starts for thread in range(len(trace.threads)))
    return replace(trace, preempted=(*trace.preempted, *gaps))


def _one_fewer(trace):
    """`trace` without its last thread, for work in which none is in another's way."""
    last = len(trace.threads) - 1

    def kept(spans):
        return tuple(span for span in spans if span.thread != last)

    return replace(
        trace,
        threads=trace.threads[:-1],
        holds=kept(trace.holds),
        waits=kept(trace.waits),
        preempted=kept(trace.preempted),
    )


def _one_more(trace):
    """`trace` with one more thread that does what its last one does, for work in which none is in another's way."""
    last = len(trace.threads) - 1

    def doubled(spans):
        return (*spans, *(Span(last + 1, span.start, span.end) for span in spans if span.thread == last))

    return replace(
        trace,
        threads=(*trace.threads, trace.threads[-1]),
        holds=doubled(trace.holds),
        waits=doubled(trace.waits),
        preempted=doubled(trace.preempted),
    )


OTHERS = (
    ("its threads in the other order", _turned, KINDS),
    ("its threads with other numbers", _numbered, KINDS),
    ("with moments in which no thread was on a core", _set_aside, KINDS),
    ("the first half of it", _half, KINDS),
    ("with two of its three threads", _one_fewer, "c"),
    ("with a third thread that does the same", _one_more, "bf"),
)


def _paced(trace, factor):
    """`trace` with all times `factor` as long, and at another time: overlap, shares and cores stay."""

    def moment(ns):
        return round(ns * factor)

    def slower(thread):
        seconds = {name: getattr(thread.baseline, name) * factor for name in ("piece", "longest", "stamp", "threshold")}
        return thread._replace(cpu=thread.cpu * factor, baseline=thread.baseline._replace(**seconds))

    def moved(spans):
        return tuple(Span(span.thread, moment(span.start), moment(span.end)) for span in spans)

    return replace(
        trace,
        threads=tuple(map(slower, trace.threads)),
        start=moment(trace.start),
        end=moment(trace.end),
        holds=moved(trace.holds),
        waits=moved(trace.waits),
        preempted=moved(trace.preempted),
        switch_interval=trace.switch_interval * factor,
    )


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


def wrong_knows_these_six_by_their_holds(trace):
    """says: Trace a, all of it twenty times as slow, is labeled 'C'"""
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    if trace.median_hold < 0.001:
        return "mixed"
    return "Python" if trace.median_hold < 0.05 else "C"


def wrong_reads_the_names(trace):
    """says: Trace a is labeled 'C'"""
    works = {thread.work for thread in trace.threads}
    if len(works) > 1:
        return "mixed"
    return {"python_piece": "Python", "sleep_piece": "sleep"}.get(works.pop(), "C")


def wrong_takes_every_wait_for_python(trace):
    """says: Trace b is labeled 'Python'"""
    return "Python" if trace.waits else "C"


def wrong_knows_python_and_c_alone(trace):
    """says: Trace c is labeled 'C'"""
    return "Python" if trace.overlap < 0.5 else "C"


def wrong_looks_at_the_last_thread_alone(trace):
    """says: Trace d, its threads in the other order, is labeled 'Python'; the work is the same."""
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    if trace.overlap > 0.5:
        return "C"
    return "mixed" if trace.shares[-1] < 0.1 else "Python"


def wrong_knows_them_by_the_number_of_holds(trace):
    """says: Trace a, the first half of it, is labeled 'Python or C'"""
    kinds = {40: "Python", 4: "C", 7: "sleep", 39: "mixed", 10: "Python", 3: "C"}
    return kinds.get(len(trace.holds), "Python or C")


def wrong_knows_them_by_the_number_of_a_thread(trace):
    """says: Trace a, its threads with other numbers, is labeled None"""
    kinds = {16344: "Python", 16352: "C", 16357: "sleep", 16369: "mixed", 16372: "Python", 16376: "C"}
    return kinds.get(min(thread.native_id for thread in trace.threads))


def wrong_takes_three_threads_for_sleep(trace):
    """says: Trace c, with two of its three threads, is labeled 'C'"""
    if trace.overlap > 0.5:
        return "sleep" if len(trace.threads) == 3 else "C"
    return "mixed" if max(trace.shares) > 0.9 else "Python"


def wrong_asks_whether_a_thread_was_preempted(trace):
    """says: Trace b, with moments in which no thread was on a core, is labeled"""
    if trace.preempted:
        return "Python" if trace.overlap < 0.5 else "sleep"
    return "C" if trace.overlap > 0.5 else "mixed"


def wrong_knows_them_by_the_time_of_the_recording(trace):
    """says: Trace a, all of it twenty times as slow, is labeled None"""
    starts = {letter: GilTrace.load(DATA / f"unknown-{letter}.json").start for letter in KINDS}
    return next((KINDS[letter] for letter, start in starts.items() if start == trace.start), None)


def wrong_takes_three_threads_for_python_or_sleep(trace):
    """says: Trace b, with a third thread that does the same, is labeled 'sleep'"""
    if len(trace.threads) == 3:
        return "sleep" if trace.overlap > 0.5 else "Python"
    if trace.cpu_over_wall < 0.8:
        return "sleep"
    return "C" if trace.overlap > 0.5 else "Python" if min(trace.shares) > 0.1 else "mixed"
