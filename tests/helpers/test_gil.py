"""Stamps become holds, waits and gaps of the system; live traces say what the interpreter does."""

import json
import runpy
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from helpers.gil import measure
from helpers.gil.measure import Track, gil_trace
from helpers.gil.spans import Span, nobody, overlap, read_spans, without
from helpers.gil.trace import GilTrace
from helpers.machine import gil_enabled
from helpers.tasks import hash_piece, python_piece, sleep_piece

MS = 1_000_000
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "notebooks" / "data"
needs_gil = pytest.mark.skipif(not gil_enabled(), reason="this interpreter has no GIL")


def track(*runs, looks=()):
    """A thread that stamped every 0.05 ms in each of `runs` (ms, ms), and once more after the end of the trace.

    `looks` are (ms, voluntary, involuntary switches).
    """
    stamps = [t for a, b in runs for t in range(round(a * MS), round(b * MS) + 1, MS // 20)] + [25 * MS]
    return Track("t", stamps=stamps, looks=[(round(at * MS), slept, pushed) for at, slept, pushed in looks])


def read(*tracks, gil=True, end=20):
    reading = read_spans(tracks, [0.0002] * len(tracks), 0, end * MS, gil)
    ms = [[(s.thread, s.start / MS, s.end / MS) for s in spans] for spans in reading[:3]]
    return (*ms, reading.unsure)


def test_two_threads_that_take_turns_wait_for_each_other():
    holds, waits, preempted, _ = read(track((0, 5), (10, 15)), track((5.1, 9.9), (15.1, 21)))
    assert holds == [(0, 0, 5), (1, 5.1, 9.9), (0, 10, 15), (1, 15.1, 20)]
    assert waits == [(1, 0, 5.1), (0, 5, 10), (1, 9.9, 15.1), (0, 15, 20)]
    assert preempted == []


def test_a_gap_in_which_nobody_ran_is_the_systems_and_part_of_the_hold():
    holds, waits, preempted, _ = read(track((0, 5), (9, 20.5)), track((22, 23)))
    assert holds == [(0, 0, 20)]
    assert preempted == [(0, 5, 9)], "inside the hold"
    assert waits == [(1, 0, 20)]


def test_without_a_gil_nobody_waits_for_it():
    holds, waits, preempted, _ = read(track((0, 5), (10, 20.5)), track((5.1, 9.9)), gil=False)
    assert waits == []
    assert preempted == [(1, 0, 5.1), (0, 5, 10), (1, 9.9, 20)]
    assert holds == [(0, 0, 5), (1, 5.1, 9.9), (0, 10, 20)]


def test_a_thread_that_never_slept_was_not_waiting():
    other = track((5.1, 9.9), (15, 21), looks=[(5.1, 1, 0)])
    pushed = track((0, 5), (10, 15), looks=[(0, 1, 0), (4, 1, 0), (10, 1, 3)])
    slept = track((0, 5), (10, 15), looks=[(0, 1, 0), (4, 1, 0), (10, 2, 0)])
    both = track((0, 5), (10, 15), looks=[(0, 1, 0), (4, 1, 0), (10, 2, 1)])
    gap = (0, 5, 10)
    for own, waited, unsure in ((pushed, False, 0), (slept, True, 0), (both, True, 1)):
        _, waits, preempted, doubtful = read(own, other)
        assert (gap in waits, gap in preempted, doubtful) == (waited, not waited, unsure)


def test_where_switches_are_not_counted_every_wait_is_in_doubt():
    _, waits, _, unsure = read(track((0, 5), (10, 20.5)), track((5.1, 9.9)))
    assert unsure == len(waits) == 3


def test_a_single_stamp_between_gaps_is_a_hold_without_length():
    holds, waits, _, _ = read(track((0, 20.5)), track((5, 5), (10, 10)))
    assert holds == [(0, 0, 20), (1, 5, 5), (1, 10, 10)]
    assert waits == [(1, 0, 5), (1, 5, 10), (1, 10, 20)]


def test_a_thread_that_never_got_in_waits_all_the_time():
    holds, waits, _, _ = read(track((0, 20.5)), track((23, 24)))
    assert holds == [(0, 0, 20)]
    assert waits == [(1, 0, 20)]


def test_a_gap_in_which_two_others_ran_side_by_side_was_for_want_of_cores():
    busy = track((0, 20.5)), track((0, 20.5))
    _, waits, preempted, _ = read(track((0, 5), (10, 20.5)), *busy)
    assert (waits, preempted) == ([], [(0, 5, 10)])
    _, waits, preempted, _ = read(track((0, 5), (10, 20.5)), busy[0], track((0, 6), (9.5, 20.5)))
    assert (0, 5, 10) in waits and preempted == []


def test_when_nobody_ran():
    ran = [Span(1, 6, 8), Span(0, 2, 4), Span(1, 3, 5)]
    assert nobody(ran, 0, 10) == [(0, 2), (5, 6), (8, 10)]
    assert nobody([Span(0, 0, 10)], 0, 10) == []
    assert nobody([], 0, 10) == [(0, 10)]


@pytest.mark.parametrize(
    "spans, share",
    [
        ([], 0),
        ([(0, 0, 4)], 0),
        ([(0, 0, 4), (1, 4, 8)], 0),
        ([(0, 0, 4), (1, 2, 6)], 1 / 3),
        ([(0, 0, 4), (1, 0, 4)], 1),
    ],
)
def test_overlap_is_a_share_of_the_time_in_which_anyone_ran(spans, share):
    assert overlap([Span(*span) for span in spans]) == pytest.approx(share)


def test_holes_are_cut_out_of_spans_of_the_same_thread_only():
    spans, holes = [Span(0, 0, 10), Span(1, 0, 10)], [Span(0, 6, 8), Span(0, 2, 3), Span(0, 20, 30)]
    assert without(spans, holes) == [Span(0, 0, 2), Span(0, 3, 6), Span(0, 8, 10), Span(1, 0, 10)]


@needs_gil
@pytest.mark.parametrize("threads", [2, 3])
def test_pure_python_never_runs_twice_at_once(threads):
    trace = gil_trace(python_piece, threads, seconds=0.1)
    assert trace.overlap < 0.01
    assert trace.waits and trace.median_wait > 0
    assert not trace.asleep
    assert trace.cpu_over_wall < 1.2
    assert trace.gil
    assert trace.waited_over_ran > 0.8 * (threads - 1), "one runs, the others wait"


def test_the_switch_interval_holds_inside_the_work_and_not_after():
    seen = set()

    def look():
        seen.add(sys.getswitchinterval())
        python_piece()

    before = sys.getswitchinterval()
    assert gil_trace(look, seconds=0.02, switch_interval=0.03).switch_interval == 0.03
    assert seen == {0.03} and sys.getswitchinterval() == before
    assert gil_trace(look, seconds=0.02).switch_interval == before


@pytest.mark.skipif(gil_enabled(), reason="this interpreter has a GIL")
def test_without_a_gil_there_are_no_waits_live():
    trace = gil_trace(python_piece, 3, 0.1)
    assert not trace.gil and not trace.waits


def test_sleepers_are_known_by_their_cpu_time_and_sleep_side_by_side():
    trace = gil_trace(sleep_piece, 2, 0.1)
    assert trace.asleep == [0, 1]
    assert trace.overlap > 0


def test_every_thread_can_have_work_of_its_own():
    trace = gil_trace([python_piece, partial(time.sleep, 5e-5)], seconds=0.05)
    assert [thread.work for thread in trace.threads] == ["python_piece", "sleep"]
    assert trace.asleep == [1]


def test_times_are_in_order_inside_the_trace():
    trace = gil_trace(hash_piece, 3, 0.05)
    assert trace.seconds == pytest.approx(0.05)
    for spans in (trace.holds, trace.waits, trace.preempted, trace.running):
        assert all(trace.start <= s.start <= s.end <= trace.end for s in spans)
        for thread in range(3):
            own = sorted(s for s in spans if s.thread == thread)
            assert all(a.end <= b.start for a, b in pairwise(own))
    assert all(0 <= share <= 1 for share in trace.shares)
    covered = sum(s.length for spans in (trace.running, trace.waits, trace.preempted) for s in spans)
    assert covered == pytest.approx(3 * 0.05), "each moment of each thread is a hold, a wait or the system's"


def test_a_trace_outlives_the_disk(tmp_path):
    trace = gil_trace(python_piece, 2, 0.05)
    trace.save(tmp_path / "trace.json")
    again = GilTrace.load(tmp_path / "trace.json")
    assert again == trace and again.tracks == ()
    assert (again.overlap, again.shares, repr(again)) == (trace.overlap, trace.shares, repr(trace))
    saved = json.loads((tmp_path / "trace.json").read_text())
    assert set(saved["machine"]) == {"python", "implementation", "platform", "date"}
    assert saved["gil"] is gil_enabled() and saved["cores"] >= 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "timeline 1"}', '{"format": "gil trace 1", "start": 0}'])
def test_another_file_is_refused_by_name(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json is not a trace"):
        GilTrace.load(path)


def test_a_piece_too_short_or_too_long_is_refused_before_the_trace():
    with pytest.raises(ValueError, match=r"work takes .* at least .* do more in one call"):
        gil_trace(lambda: None)
    with pytest.raises(ValueError, match=r"work takes .* at most 1 ms, a fifth .* do less in one call"):
        gil_trace(partial(time.sleep, 0.002))


def test_a_sleep_that_a_busy_computer_makes_late_is_no_long_piece(monkeypatch):
    late = [round(0.1 * MS)] * 3 + [2 * MS] * 12
    stamps = [sum(late[:i]) for i in range(len(late))]
    monkeypatch.setattr(measure, "take", lambda *_: (0, 0, [Track("t", stamps=stamps, cpu=MS)]))
    assert measure.measure(sleep_piece, 0.005).piece == 0.002
    stamps[:] = [2 * MS * i for i in range(15)]
    with pytest.raises(ValueError, match=r"work takes 2.* ms a call"):
        measure.measure(sleep_piece, 0.005)


def test_a_stamp_is_cheap_beside_the_ready_made_pieces():
    for piece in (python_piece, hash_piece, sleep_piece):
        baseline = measure.measure(piece, 0.005)
        assert baseline.stamp < 0.01 * baseline.piece
        assert baseline.piece <= baseline.longest
        assert baseline.threshold == pytest.approx(max(2e-4, min(4 * baseline.piece, 0.0025)))


def test_a_stamp_measured_at_a_bad_moment_refuses_no_work(monkeypatch):
    slow = measure.Track("thread 0", stamps=list(range(0, 1_000_000_000, 1_000_000)))
    measure.stamp_cost.cache_clear()
    with monkeypatch.context() as bad_moment:
        bad_moment.setattr(measure, "take", lambda *_: (0, 0, [slow]))
        assert measure.stamp_cost() == pytest.approx(1e-3)  # more than any piece takes
    assert measure.measure(hash_piece, 0.005).stamp < 1e-3


@pytest.mark.parametrize(
    "arguments, error, name",
    [
        ({"work": 3}, TypeError, "work"),
        ({"work": []}, ValueError, "work"),
        ({"work": [python_piece, None]}, TypeError, r"work\[1\]"),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": 2.0}, TypeError, "threads"),
        ({"seconds": 0}, ValueError, "seconds"),
        ({"seconds": 11}, ValueError, "seconds"),
        ({"switch_interval": 0}, ValueError, "switch_interval"),
        ({"switch_interval": "5 ms"}, TypeError, "switch_interval"),
    ],
)
def test_a_bad_argument_is_named_before_anything_starts(monkeypatch, arguments, error, name):
    monkeypatch.setattr("helpers.gil.measure.take", None)
    monkeypatch.setattr("helpers.gil.measure.measure", None)
    with pytest.raises(error, match=name):
        gil_trace(**{"work": python_piece, **arguments})


def fails_later():
    calls.append(1)
    if len(calls) > 20:
        raise OSError("disk gone")
    python_piece()


calls: list[int] = []


@pytest.mark.parametrize("work, error", [(fails_later, OSError), (lambda: 1 / 0, ZeroDivisionError)])
def test_an_error_in_the_work_is_raised_here_and_the_switch_interval_restored(work, error):
    calls.clear()
    before = sys.getswitchinterval()
    with pytest.raises(error):
        gil_trace(work, switch_interval=0.1)
    assert sys.getswitchinterval() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("thread ")]


def test_work_that_never_comes_back_is_left_behind(monkeypatch):
    monkeypatch.setattr(measure, "LIMIT", 0.2)
    measure.stamp_cost()
    before = sys.getswitchinterval()
    stuck = threading.Event()
    with pytest.raises(TimeoutError, match="work did not return"):
        gil_trace(partial(stuck.wait, 30), seconds=0.05, switch_interval=0.1)
    assert sys.getswitchinterval() == before
    left = [thread for thread in threading.enumerate() if thread.name.startswith("thread ")]
    assert len(left) == 1 and left[0].daemon
    stuck.set()
    left[0].join(10)
    assert not left[0].is_alive()


def test_a_thread_that_cannot_start_leaves_no_other_behind(monkeypatch):
    start = threading.Thread.start

    def fail_second(self):
        if self.name == "thread 1":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", fail_second)
    monkeypatch.setattr(measure, "LIMIT", 300)
    with pytest.raises(RuntimeError, match="can't start"):
        gil_trace(python_piece, 3)
    for thread in threading.enumerate():
        if thread.name.startswith("thread "):
            thread.join(10)
            assert not thread.is_alive()


def test_traces_taken_at_once_come_one_after_the_other():
    traces = []
    threads = [threading.Thread(target=lambda: traces.append(gil_trace(python_piece, 2, 0.03))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    traces.sort(key=lambda trace: trace.start)
    assert len(traces) == 3
    assert all(a.end <= b.start for a, b in pairwise(traces))


@pytest.mark.parametrize("path", sorted(DATA.glob("free-threaded-*.json")), ids=lambda path: path.stem)
def test_recordings_made_elsewhere_show_threads_side_by_side(path):
    trace = GilTrace.load(path)
    assert not trace.gil and not trace.waits
    assert trace.cores == 2 and trace.machine["python"].startswith("3.14")
    assert trace.overlap > 0.9 and trace.cpu_over_wall > 1.9
    assert set(trace.machine) == {"python", "implementation", "platform", "date"}


def test_there_is_a_recording_of_each_program_of_lesson_six():
    programs = runpy.run_path(str(ROOT / "tools" / "record.py"))["WITHOUT"]
    assert {path.stem for path in DATA.glob("free-threaded-*.json")} == set(programs)
    for path in DATA.glob("free-threaded-*.json"):
        work, threads = programs[path.stem]
        assert [thread.work for thread in GilTrace.load(path).threads] == [work.__name__] * threads
