"""VizTracer's boxes beside the holds: each in its thread's lane, on one clock, with both overlaps as numbers."""

import pytest
from matplotlib.collections import PolyCollection

from helpers.drawing.slices import boxes_and_holds, boxes_picture
from helpers.gil.measure import Baseline
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace, TracedThread

MS = 1_000_000
START = 7_000 * MS
QUIET = Baseline(piece=30e-6, longest=60e-6, stamp=2e-7, threshold=2e-4, lost=0.0, busy=1.0)
HOLDS = ((0, 0, 5), (1, 5, 10), (0, 10, 20))


def trace(holds=HOLDS, preempted=()):
    spans = lambda rows: tuple(Span(thread, START + a * MS, START + b * MS) for thread, a, b in rows)
    return GilTrace(
        threads=tuple(TracedThread(f"thread {i}", 100 + i, "python_piece", 0.01, QUIET) for i in range(2)),
        start=START, end=START + 20 * MS, holds=spans(holds), waits=(), preempted=spans(preempted), unsure=0,
        switch_interval=0.005, gil=True, cores=2,
        machine={"python": "3.13.5", "implementation": "CPython", "platform": "Linux", "date": "2026-01-31"},
    )  # fmt: skip


def call(thread, start, end):
    """A box from `start` to `end` ms after the trace's start."""
    return {"ph": "X", "tid": 100 + thread, "ts": (START / MS + start) * 1e3, "dur": (end - start) * 1e3}


def bars(picture):
    """(left, right, middle) of every bar, in ms and lanes."""
    boxes = [path.get_extents() for c in picture.axes[0].collections if isinstance(c, PolyCollection)
             for path in c.get_paths()]  # fmt: skip
    return [(round(b.x0, 3), round(b.x1, 3), (b.y0 + b.y1) / 2) for b in boxes]


def texts(picture):
    return [text.get_text() for text in picture.axes[0].texts]


def test_boxes_lie_above_the_holds_of_their_thread():
    picture = boxes_and_holds([call(0, 0, 12), call(1, 4, 20)], trace())
    upper = {(left, right, round(y)) for left, right, y in bars(picture) if y % 1 > 0.5}
    lower = {(left, right, round(y)) for left, right, y in bars(picture) if y % 1 < 0.5}
    assert upper == {(0, 12, 0), (4, 20, 1)}
    assert lower == {(0, 5, 0), (10, 20, 0), (5, 10, 1)}


def test_it_says_how_much_overlaps_by_the_boxes_and_by_the_stamps():
    picture = boxes_and_holds([call(0, 0, 12), call(1, 2, 20)], trace())
    assert "Two boxes at once 50% of the time, two running 0%" in texts(picture)
    assert picture.alt.startswith("two boxes at once 50% of the time, two running 0%.")


def test_a_box_says_how_long_the_call_was():
    said = texts(boxes_and_holds([call(0, 0, 12), call(1, 4, 4.1)], trace()))
    assert "one call, 12.0 ms" in said and {"5.0", "10.0"} <= set(said)
    assert not any(text.startswith("0.1") for text in said)  # no room


def test_what_the_system_set_aside_is_pale():
    plain, with_gap = (boxes_and_holds([call(0, 0, 12)], trace(preempted=gap)) for gap in ((), ((0, 12, 15),)))
    assert [bar for bar in bars(with_gap) if bar not in bars(plain)] == [(12, 15, pytest.approx(0.22))]


def test_a_busy_computer_is_named_below():
    quiet, busy = (boxes_and_holds([call(0, 0, 20)], trace(holds)) for holds in (HOLDS, ((0, 0, 5), (1, 16, 20))))
    known = "Busy computer: none of these threads ran for 55% of the time, and one alone lost 0%."
    assert known in busy.alt and known in texts(busy)
    assert "Busy" not in quiet.alt + " ".join(texts(quiet))
    assert busy.get_figheight() > quiet.get_figheight()


def test_other_threads_and_other_times_are_left_out():
    calls = [call(0, -5, 3), call(1, 18, 40), call(0, -9, -2), call(1, 21, 30), call(7, 1, 2)]
    assert {(left, right) for left, right, y in bars(boxes_and_holds(calls, trace())) if y % 1 > 0.5} == {
        (0, 3), (18, 20)
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments, error, name",
    [
        (([call(0, 0, 1)], "trace"), TypeError, "trace"),
        (([call(0, 0, 1)], trace(), 3), ValueError, "width"),
        ((["python_piece"], trace()), TypeError, "calls"),
        ((5, trace()), TypeError, "calls"),
        (([call(7, 0, 1)], trace()), ValueError, "calls"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, name):
    with pytest.raises(error, match=f"^{name} must"):
        boxes_and_holds(*arguments)


def test_boxes_alone_lie_in_the_lane_of_their_thread():
    picture = boxes_picture([call(1, 4, 20), call(0, 2, 12), call(0, 14, 15)], {100: "left", 101: "right", 7: "other"})
    assert sorted(bars(picture)) == [(0, 10, 0), (2, 18, 1), (12, 13, 0)]
    assert [label.get_text() for label in picture.axes[0].get_yticklabels()] == ["left", "right"]
    assert picture.alt == "3 boxes, two or more at once 50% of the time."


@pytest.mark.parametrize(
    "arguments, error, name",
    [
        (([], {}), ValueError, "calls"),
        ((["crunch"], {}), TypeError, "calls"),
        (([call(0, 0, 1)], {}), ValueError, "names"),
        (([call(0, 0, 1)], [100]), TypeError, "names"),
        (([call(0, 0, 1)], {100: "a"}, 0), ValueError, "width"),
    ],
)
def test_a_bad_argument_for_boxes_alone_is_named(arguments, error, name):
    with pytest.raises(error, match=f"^{name} must"):
        boxes_picture(*arguments)
