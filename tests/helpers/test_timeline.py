"""The timeline is a function of a recording: its lanes, bars, signs and words are looked up in the figure."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.text import Text

from helpers.drawing.timeline import queue_depth, timeline
from helpers.recording.data import Mark, Recording, Thread
from helpers.recording.watcher import watch
from helpers.tasks import Gate, fail_task

MS = 1_000_000
MAIN = Thread("MainThread", 1)


def run_of(tasks, workers, name="ThreadPoolExecutor-4_", length=10):
    """`tasks` submitted at once to `workers`, each `length` ms long, in turn."""
    run = Recording()
    for i in range(tasks):
        start = i // workers * length * MS
        worker = Thread(f"{name}{i % workers}", 10 + i % workers)
        run.rows.append([f"t{i}", 0, MAIN, worker, start, start + length * MS, 5 * MS, "returned"])
    return run


def lane_labels(figure, panel=0):
    return [label.get_text() for label in figure.axes[panel].get_yticklabels()]


def texts(figure, panel=0):
    return [text.get_text() for text in figure.axes[panel].texts]


def keys(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def bars(figure, panel=0):
    """Number of boxes drawn as runs."""
    return sum(
        len(c.get_paths()) for c in figure.axes[panel].collections if isinstance(c, PolyCollection) and c.zorder == 2
    )


def test_lanes_bars_and_numbers():
    figure = timeline(run_of(8, 3), title="Eight")
    assert lane_labels(figure) == ["main", "queue", "worker 0", "worker 1", "worker 2"]
    assert bars(figure) == 8
    assert [t for t in texts(figure) if t.isdigit()] == list("01234567")
    assert keys(figure) == ["submit", "waiting in the queue", "CPU time, as a length"]
    assert [text.get_text() for text in figure.texts] == ["Eight"]
    assert figure.axes[0].get_title(loc="left") == "30 ms  ·  3 workers used  ·  2.7 tasks at once on average"
    assert figure.alt.startswith("Timeline of Eight: 8 tasks; 30 ms")
    assert "at most 3 in flight and 5 in the queue" in figure.alt


def test_several_runs_share_one_scale():
    figure = timeline(run_of(8, 1), run_of(8, 4), title=["slow", "fast"])
    assert len(figure.axes) == 2
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[0].get_xlim()[1] > 80
    assert figure.axes[1].get_xlabel() == "milliseconds since the first submit"


def test_each_outcome_has_its_sign():
    with ThreadPoolExecutor(2, thread_name_prefix="w") as pool, watch(pool) as run, Gate() as gate:
        failed = pool.submit(fail_task)
        failed.add_done_callback(lambda f: None)
        while not failed.done():  # not a wait of main's that is drawn
            time.sleep(0.001)
        futures = [pool.submit(gate.task) for _ in range(4)]
        gate.wait_for(2)
        futures[-1].cancel()
        with pytest.raises(TimeoutError):
            futures[0].result(0.05)
        run.mark("look")
        figure = timeline(run)
        gate.open()
    # How long the task that raised computed depends on the computer.
    assert set(keys(figure)) - {"CPU time, as a length"} == {
        "submit", "raised", "cancelled", "still running", "callback", "waiting in the queue", "blocked in result()",
    }  # fmt: skip
    assert "look" in [text.strip() for text in texts(figure)]
    assert figure.axes[0].get_title(loc="left").endswith("1 raised  ·  1 cancelled  ·  2 running  ·  1 queued")
    done = timeline(run)
    assert "still running" not in keys(done) and bars(done) == 4


def test_a_callback_is_as_long_as_it_took():
    run = run_of(1, 1)
    [row] = run.rows
    run.calls.append((run.workers[0], 20 * MS, 60 * MS, row, "returned"))
    axes = timeline(run).axes[0]
    spans = [
        (float(line[0, 0]), float(line[1, 0]))
        for drawn in axes.collections if isinstance(drawn, LineCollection)
        for line in drawn.get_segments() if line[0, 1] == line[1, 1]
    ]  # fmt: skip
    [diamond] = [line for line in axes.lines if line.get_marker() == "D"]
    start = diamond.get_xdata()[0]
    assert [span for span in spans if span == pytest.approx((start, start + 40))]


@pytest.mark.parametrize("text", ["$", "a $5 and $6", "$\\frac{", "線程 스레드 线程"])
def test_text_is_text(text, recwarn):
    run = run_of(1, 1, name=text)
    run.marks.append(Mark(run.workers[0], 5 * MS, text))
    picture = timeline(run, title=text)
    assert picture.png().startswith(b"\x89PNG")
    shown = [found for found in picture.findobj(Text) if found.get_text().strip() == text]
    assert len(shown) >= 2 and not any(found.get_parse_math() for found in shown)
    assert not recwarn.list


def test_a_thousand_tasks_give_way():
    figure = timeline(run_of(1000, 8))
    assert lane_labels(figure) == ["main", "queue", *(f"worker {i}" for i in range(8))]
    assert bars(figure) == 1000
    assert not [text for text in texts(figure) if text.isdigit()], "no number fits into a bar of a few pixels"
    assert " 992 waiting" in texts(figure)
    assert figure.get_figheight() < 8


def test_more_than_forty_workers_fold():
    run = run_of(200, 100)
    run.marks.append(Mark(run.workers[-1], 5 * MS, "of a folded one"))
    figure = timeline(run)
    labels = lane_labels(figure)
    assert len(labels) == 2 + 30 + 1 and labels[-1] == "70 more"
    assert {" 70 running", " of a folded one"} <= set(texts(figure))
    assert timeline(run_of(80, 40)).axes[0].get_yticklabels()[-1].get_text() == "worker 39"


def test_numbers_stay_inside_their_bars():
    figure = timeline(run_of(60, 2, length=1), width=6)
    figure.draw_without_rendering()
    pixel = figure.axes[0].transData.transform([(0, 0), (1, 0)])
    for text in (t for t in figure.axes[0].texts if t.get_text().isdigit()):
        assert text.get_window_extent().width < pixel[1][0] - pixel[0][0]


def test_nothing_is_cut_off():
    run = run_of(40, 3, name="a-very-long-prefix-for-a-thread_")
    run.marks += [Mark(MAIN, 139 * MS, "a mark at the end"), Mark(MAIN, 140 * MS, "and one more")]
    for i, row in enumerate(run.rows):
        row[1] = (100 + i) * MS if i > 10 else 0  # the queue is deepest near the right edge
    run.rows += [["t", 0, MAIN, None, None, None, None, None], ["t", 0, MAIN, None, None, 9 * MS, None, "cancelled"]]
    figure = timeline(run, title="T" * 60)
    figure.draw_without_rendering()
    box, axes = figure.bbox, figure.axes[0]
    ticks = [t for t in axes.get_xticklabels() if 0 <= t.get_position()[0] <= axes.get_xlim()[1]]
    shown = [
        *axes.get_yticklabels(),
        *ticks,
        *axes.texts,
        *figure.texts,
        *figure.legends[0].get_texts(),
        axes._left_title,
    ]
    for text in shown:
        extent = text.get_window_extent()
        assert box.x0 <= extent.x0 and extent.x1 <= box.x1, text.get_text()
        assert box.y0 <= extent.y0 and extent.y1 <= box.y1, text.get_text()
    assert "a mark at the end, and one more " in texts(figure)
    assert lane_labels(figure)[-1] == "a-ver…hread_2"


def test_marks_that_are_close_and_say_the_same_are_named_once():
    run = run_of(40, 3)
    run.marks += [Mark(MAIN, moment * MS, text) for moment, text in ((50, "beat"), (51, "beat"), (51, "end"))]
    figure = timeline(run)
    assert [text.strip() for text in texts(figure) if "beat" in text] == ["beat, end"]
    assert sum(len(set(line.get_xdata())) == 1 for line in figure.axes[0].lines) == 3, "a line for each mark"


def test_a_mark_before_the_first_submit_stands_at_the_edge():
    run = run_of(2, 1)
    run.marks.append(Mark(MAIN, run.rows[0][1] - 50 * MS, "early"))
    figure = timeline(run)
    [text] = [text for text in figure.axes[0].texts if "early" in text.get_text()]
    assert text.get_position()[0] >= 0 and figure.axes[0].get_xlim()[0] <= 0


def test_names_of_two_pools_and_of_namesakes():
    run = run_of(2, 2, name="fetch_")
    run.rows[1][3] = Thread("fetch_0", 77)
    assert lane_labels(timeline(run))[-2:] == ["fetch_0 (10)", "fetch_0 (77)"]
    two = run_of(2, 2)
    two.rows[1][3] = Thread("ThreadPoolExecutor-5_0", 77)
    assert lane_labels(timeline(two))[-2:] == ["pool 4 no. 0", "pool 5 no. 0"]


def test_names_of_interpreters():
    run = run_of(2, 2, name="InterpreterPoolExecutor-1_")
    assert lane_labels(timeline(run))[-2:] == ["interpreter 0", "interpreter 1"]
    run.rows[1][3] = Thread("ThreadPoolExecutor-0_0", 77)
    assert lane_labels(timeline(run))[-2:] == ["pool 1 no. 0", "pool 0 no. 0"]


def test_nothing_to_draw_is_said():
    figure = timeline(Recording(), title="none")
    assert figure.axes[0].get_title(loc="left") == "no task was submitted" and figure.png()[:4] == b"\x89PNG"


def test_tasks_that_only_waited():
    run = Recording()
    run.rows.append(["t", 0, MAIN, None, None, None, None, None])
    assert "1 queued" in timeline(run, until=5 * MS).alt


def test_a_task_that_failed_in_the_queue_has_its_sign():
    run = run_of(2, 2)
    run.rows.append(["t", 0, MAIN, None, None, 9 * MS, None, "raised"])
    assert "raised" in keys(timeline(run)) and "1 raised" in timeline(run).alt


def test_the_task_submitted_last_waits_too():
    run = run_of(2, 2)
    run.rows += [["t", time * MS, MAIN, None, None, None, None, None] for time in (5, 9, 10)]
    assert "3 queued" in timeline(run).alt and "3 in the queue" in timeline(run).alt


def test_a_scale_can_be_kept():
    assert timeline(run_of(2, 2), seconds=3).axes[0].get_xlim()[1] > 3
    assert timeline(run_of(2, 2), until=500 * MS).axes[0].get_xlim()[1] > 0.5


def test_stripes_do_not_lie_on_each_other():
    figure = timeline(run_of(8, 2))
    stripes = next(
        c for c in figure.axes[0].collections if isinstance(c, LineCollection) and c.get_linewidth()[0] == 2.6
    )
    spans = [(y, a, b) for (a, y), (b, _) in stripes.get_segments() if b > a]
    assert len(spans) == 6
    assert all(p[0] != q[0] or p[2] <= q[1] or q[2] <= p[1] for p in spans for q in spans if p is not q)


def test_queue_depth():
    times, depth = queue_depth(run_of(4, 2))
    assert list(depth) == [1, 2, 1, 0], "two tasks start as they are submitted and never wait"
    assert list(times) == [0, 0, 10 * MS, 10 * MS]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), {}), "run must be a Recording"),
        (((3,), {}), "run must be a Recording"),
        (((Recording(),), {"title": 4}), "title must be a text"),
        (((Recording(), Recording()), {"title": "one"}), "title must be a list of 2 texts"),
        (((Recording(),), {"width": "wide"}), "width must be a number of inches"),
        (((Recording(),), {"width": 1}), "width must be a number of inches from 4 to 40"),
        (((Recording(),), {"seconds": -1}), "seconds must be"),
        (((Recording(),), {"until": 1.5}), "until must be a whole number"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        timeline(*arguments[0], **arguments[1])
