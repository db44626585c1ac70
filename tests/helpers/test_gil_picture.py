"""Pictures of GIL traces show what the trace holds, fit their page, and say it in words."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.collections import LineCollection

from helpers.drawing import gil
from helpers.drawing.figure import Picture
from helpers.drawing.gil import gil_histogram, gil_picture
from helpers.gil.measure import Baseline
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace, TracedThread
from helpers.gil.words import describe_trace, explain, headline, notes, percent, span

MS = 1_000_000
QUIET = Baseline(piece=30e-6, longest=60e-6, stamp=2e-7, threshold=2e-4, lost=0.0, busy=1.0)


def spans(*rows):
    return tuple(Span(thread, round(a * MS), round(b * MS)) for thread, a, b in rows)


def make(holds=(), waits=(), preempted=(), threads=2, **other):
    """A trace of 20 ms, turns of 5 ms unless said otherwise."""
    holds = holds or ((0, 0, 5), (1, 5.1, 10), (0, 10.1, 15), (1, 15.1, 20))
    settings = {"unsure": 0, "switch_interval": 0.005, "gil": True, "cores": 2, "baseline": QUIET, "cpu": 0.01} | other
    baseline, cpu = settings.pop("baseline"), settings.pop("cpu")
    return GilTrace(
        threads=tuple(TracedThread(f"thread {i}", 100 + i, "python_piece", cpu, baseline) for i in range(threads)),
        start=0, end=20 * MS, holds=spans(*holds), waits=spans(*waits), preempted=spans(*preempted),
        machine={"python": "3.13.5", "implementation": "CPython", "platform": "Linux x86_64", "date": "2026-01-31"},
        recorded=True,
        **settings)  # fmt: skip


TURNS = make(waits=((1, 0, 5.1), (0, 5, 10.1), (1, 10, 15.1), (0, 15, 20)))
SIDE_BY_SIDE = make(holds=((0, 0, 20), (1, 0, 20)), cpu=0.02)
EVERYTHING = make(
    holds=((0, 0, 5), (1, 5.1, 10), (0, 10.1, 15)), waits=((1, 0, 5.1), (0, 5, 10.1)), preempted=((1, 10, 20),),
    unsure=2, cores=1, baseline=QUIET._replace(lost=0.3))  # fmt: skip
BUSY = make(preempted=((0, 1, 4),), baseline=QUIET._replace(lost=0.3))


def test_a_hand_over_is_a_change_of_the_thread_that_holds():
    assert (TURNS.handoffs, BUSY.handoffs) == (3, 3)
    assert make(holds=((0, 0, 5), (0, 6, 8), (1, 9, 20))).handoffs == 1


def texts(picture):
    return [text.get_text() for text in (*picture.texts, *(t for axes in picture.axes for t in axes.texts)) if text]


def rules(picture, color):
    """The horizontal lines of a color: (lane, from ms, to ms)."""
    return [
        (path.vertices[0][1], path.vertices[0][0], path.vertices[1][0])
        for axes in picture.axes
        for lines in axes.collections
        if isinstance(lines, LineCollection) and tuple(lines.get_color()[0]) == pytest.approx(color, abs=0.01)
        for path in lines.get_paths()
    ]


INK, GRAY = (0.133, 0.133, 0.133, 1), (0.541, 0.541, 0.541, 1)


def test_waits_are_thin_lines_in_their_thread_s_lane():
    assert rules(gil_picture(TURNS), INK) == [(1, 0, 5.1), (0, 5, 10.1), (1, 10, 15.1), (0, 15, 20)]
    assert rules(gil_picture(TURNS), GRAY) == []


def test_time_set_aside_looks_different():
    picture = gil_picture(BUSY)
    assert rules(picture, GRAY) == [(0, 1, 4)]
    assert rules(picture, INK) == []


def test_hand_overs_are_pairs_of_a_hold_that_ends_and_a_wait_that_ends():
    pairs = [(a.thread, b.thread, b.start / MS) for a, b in gil.handovers(TURNS)]
    assert pairs == [(0, 1, 5.1), (1, 0, 10.1), (0, 1, 15.1)]
    assert gil.handovers(SIDE_BY_SIDE) == gil.handovers(BUSY) == []
    late = make(holds=((0, 0, 5), (1, 5.3, 10)), waits=((1, 0, 5.3),))
    assert gil.handovers(late) == [], "the GIL went to somebody else in between"


@pytest.mark.parametrize(
    "trace, keys",
    [
        (TURNS, ["runs", "waits for the GIL", "hands the GIL over"]),
        (SIDE_BY_SIDE, ["runs"]),
        (BUSY, ["runs", "set aside by the system", "none of them ran"]),
        (make(baseline=QUIET._replace(busy=0.1)), ["asleep inside its work"]),
    ],
)
def test_the_key_names_the_signs_that_are_there(trace, keys):
    (legend,) = gil_picture(trace).legends
    assert [text.get_text() for text in legend.get_texts()] == keys


def test_the_title_says_overlap_and_hold_and_each_lane_its_share():
    said = texts(gil_picture(TURNS, "turns"))
    assert "turns: two running at once 0% of the time, median hold 4.9 ms" in said
    assert "switch interval 5 ms, Python 3.13.5 with the GIL, 2 cores, recorded 2026-01-31" in said
    assert [text for text in said if text.startswith("ran ")] == ["ran 49%", "ran 49%"]
    assert any("One thread alone, for comparison: 30 µs a piece, 0% of the time" in text for text in said)


def test_a_long_title_has_a_line_of_its_own():
    said = texts(gil_picture(TURNS, "two threads that take turns", width=8))
    assert "two threads that take turns:\ntwo running at once 0% of the time, median hold 4.9 ms" in said


def test_several_traces_share_one_time_scale():
    picture = gil_picture([TURNS, SIDE_BY_SIDE], ["Python", "hashing"])
    assert [axes.get_xlim() for axes in picture.axes] == [(0, 20), (0, 20)]
    assert picture.alt.startswith("Python: 2 threads of python_piece")
    assert "hashing: 2 threads of python_piece" in picture.alt


@pytest.mark.parametrize("width", [7.5, 8.5, 11, 16])
@pytest.mark.parametrize("trace", [TURNS, EVERYTHING, SIDE_BY_SIDE, make(threads=12)])
def test_every_word_is_on_the_page(trace, width):
    picture = gil_picture(trace, "a title of some length", width=width)
    assert isinstance(picture, Picture)
    picture.draw_without_rendering()
    page = picture.bbox
    for text in [*picture.texts, *picture.axes[0].texts, *picture.axes[0].get_yticklabels(), *picture.legends]:
        box = text.get_window_extent()
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside or not text.get_visible() or box.width == 0, (text, box)


def test_the_histogram_counts_whole_holds():
    picture = gil_histogram(TURNS, "turns")
    (axes,) = picture.axes
    assert [round(bar.get_height()) for bar in axes.patches if bar.get_height()] == [2]
    (bar,) = [bar for bar in axes.patches if bar.get_height()]
    assert bar.get_x() == pytest.approx(4) and bar.get_width() == pytest.approx(0.94)
    assert "turns: 2 whole holds, median 4.9 ms" in texts(picture)
    cut = len(TURNS.holds) - 2
    assert cut and axes.get_xlabel() == f"length of a hold, milliseconds; without {cut} cut by the trace's ends"
    assert picture.alt == f"2 whole holds, median 4.9 ms; without {cut} cut by the trace's ends; switch interval 5 ms."
    assert axes.lines[0].get_xdata()[0] == 5
    one_stamp = gil_histogram(make(holds=((0, 0, 5), (1, 5, 5), (0, 6, 10), (1, 11, 20))))
    assert "1 whole hold, median 4.0 ms" in texts(one_stamp)
    assert one_stamp.axes[0].get_xlabel().endswith("; without 2 cut by the trace's ends and 1 too short to measure")
    assert gil_histogram(make(holds=((0, 1, 6),))).axes[0].get_xlabel() == "length of a hold, milliseconds"
    assert "No hold ended inside the trace" in texts(gil_histogram(SIDE_BY_SIDE))


def test_a_picture_shows_itself_once_with_its_words():
    data, about = InteractiveShell.instance().display_formatter.format(gil_picture(TURNS))
    assert set(data) == {"image/png", "text/plain"}
    assert about["image/png"]["alt"] == describe_trace(TURNS)


def test_a_trace_in_one_sentence():
    assert describe_trace(TURNS) == (
        "2 threads of python_piece (switch interval 5 ms, Python 3.13.5 with the GIL, 2 cores, recorded 2026-01-31): "
        "two running at once 0% of the time, median hold 4.9 ms, median wait for the GIL 5.1 ms, "
        "1.00 s of CPU time a second."
    )
    assert headline(make(threads=1)).startswith("one thread alone, running 49%")
    assert "two or more asleep at once" in headline(make(threads=3, baseline=QUIET._replace(busy=0.1)))


@pytest.mark.parametrize(
    "trace, words",
    [
        (TURNS, r"it waited 1\.0 ms for the GIL, 5\.1 ms at a time"),
        (SIDE_BY_SIDE, r"side by side: this work lets the GIL go\. All together used 2\.00 cores"),
        (make(holds=((0, 0, 20), (1, 0, 20)), gil=False), "side by side: there is no GIL"),
        (BUSY, "not for the GIL"),
        (make(threads=1), "nobody to wait for"),
        (make(baseline=QUIET._replace(busy=0.1)), "sleeping thread has let the GIL go"),
    ],
)
def test_what_it_means(trace, words):
    assert re.search(words, explain(trace))


@pytest.mark.parametrize(
    "trace, said",
    [
        (TURNS, []),
        (BUSY, ["Busy computer: none of these threads ran for 15%", "set threads aside, 3.0 ms in all"]),
        (make(cores=1), ["One core"]),
        (make(waits=((0, 5, 10),), unsure=1), ["drawn out 1 of 1 waits"]),
    ],
)
def test_it_says_what_it_cannot_tell(trace, said):
    found = notes(trace)
    assert len(found) == len(said)
    assert all(part in note for part, note in zip(said, found, strict=True))


@pytest.mark.parametrize(
    "value, text", [(0, "0%"), (0.0004, "0%"), (0.006, "0.6%"), (0.5, "50%"), (0.996, "99.6%"), (1, "100%")]
)
def test_percent(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    "value, text", [(3e-5, "30 µs"), (2.4e-4, "0.24 ms"), (0.0051, "5.1 ms"), (0.15, "150 ms"), (1.5, "1.50 s")]
)
def test_span(value, text):
    assert span(value) == text


@pytest.mark.parametrize(
    "call, error, name",
    [
        (lambda: gil_picture(3), TypeError, "traces"),
        (lambda: gil_picture([]), TypeError, "traces"),
        (lambda: gil_picture([TURNS, 3]), TypeError, "traces"),
        (lambda: gil_picture([TURNS], ["a", "b"]), ValueError, "titles"),
        (lambda: gil_picture(TURNS, width=1), ValueError, "width"),
        (lambda: gil_histogram([TURNS]), TypeError, "trace"),
        (lambda: gil_histogram(TURNS, width="8"), TypeError, "width"),
    ],
)
def test_a_bad_argument_is_named(call, error, name):
    with pytest.raises(error, match=name):
        call()
