"""The timeline in the browser: its lanes and colors, the words of its cursor, keys, zoom, themes, two views."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from live_page import DARK, LIGHT, open_live, plain
from playwright.sync_api import expect

from helpers.drawing.figure import COLORS
from helpers.drawing.layout import Plan
from helpers.drawing.timeline import MOST_LANES, timeline
from helpers.gil.spans import Baseline, Span, TracedThread
from helpers.gil.trace import GilTrace
from helpers.live.messages import Feed, GilFeed
from helpers.recording.data import ERROR, NOTE, Recording, Thread

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
MAIN = Thread("MainThread", 1)
SECOND = 1_000_000_000


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without JupyterLab."""
    page = browser.contexts[0].new_page()
    page.set_viewport_size({"width": 1000, "height": 900})
    yield page
    page.close()


def worker(number: int) -> Thread:
    return Thread(f"ThreadPoolExecutor-0_{number}", 100 + number)


def written(*rows: tuple[float, float | None, float | None, int | None, str | None]) -> Recording:
    """A recording of tasks (submitted, started, finished, worker, outcome); times in seconds."""
    run = Recording()
    ns = lambda t: None if t is None else int(t * SECOND) + 5 * SECOND
    for i, (submitted, started, finished, number, outcome) in enumerate(rows):
        who = None if number is None else worker(number)
        run.rows.append([f"load{i}", ns(submitted), MAIN, who, ns(started), ns(finished), None, outcome])
    return run


def eventful() -> Recording:
    """Two workers; 2 raises, 5 is cancelled, main is blocked in two calls, a worker runs a callback."""
    run = written(
        (0.00, 0.00, 0.30, 0, "returned"),
        (0.01, 0.01, 0.20, 1, "returned"),
        (0.02, 0.22, 0.50, 1, "raised"),
        (0.03, 0.30, 0.60, 0, "returned"),
        (0.04, 0.50, 0.90, 1, "returned"),
        (0.05, None, 0.40, None, "cancelled"),
    )
    at = lambda t: int(t * SECOND) + 5 * SECOND
    run.waits.append([MAIN, at(0.10), at(0.30), run.rows[0], "result"])
    run.waits.append([MAIN, at(0.42), at(0.50), run.rows[2], "exception"])
    run.waits.append([MAIN, at(0.70), at(0.95), None, "shutdown"])
    run.calls.append((worker(1), at(0.20), at(0.22), run.rows[1], "returned"))
    run.rows[2].extend([None] * (ERROR - len(run.rows[2])) + ["ValueError: no such row"])
    return run


def everything(run: Recording, title: str = "") -> list[dict[str, Any]]:
    return [Feed(run, title).news(True, sys.maxsize)]


def expected(run: Recording, t: float) -> str:
    """What the recording says of moment `t` (seconds), in the words that the picture uses."""
    tasks, origin = run.tasks, run.tasks[0].submitted
    at = lambda stamp: None if stamp is None else (stamp - origin) / SECOND
    during = lambda start, end: start is not None and start <= t and (end is None or t < end)
    said = []
    for number in (0, 1):
        does = [
            f"runs {x.index}" for x in tasks if x.worker == worker(number) and during(at(x.started), at(x.finished))
        ]
        does += [f"runs a callback of {c.task}" for c in run.callbacks
                 if c.thread == worker(number) and during(at(c.start), at(c.end))]  # fmt: skip
        said.append(f"worker {number} {' and '.join(does) or 'is idle'}")
    waiting = [x for x in tasks if during(at(x.submitted), at(x.started if x.started is not None else x.finished))]
    queue = "nothing waits in the queue"
    if waiting:
        since = f"{min(at(x.submitted) for x in waiting):.2f} s"
        names = ", ".join(str(x.index) for x in waiting)
        queue = f"{names} waits in the queue, since {since}"
        if len(waiting) > 1:
            queue = f"{names} wait in the queue, longest since {since}"
    main = "main is not blocked"
    for b in run.blocked:
        if during(at(b.start), at(b.end)):
            main = f"main is blocked in {b.call}()" + ("" if b.task is None else f" of {b.task}")
    ended = [x.outcome for x in tasks if x.finished is not None and at(x.finished) <= t]
    counts = [f"{ended.count(how)} {how}" for how in ("returned", "raised", "cancelled") if how in ended]
    if counts:
        n, how = counts[0].split()
        counts[0] = f"{n} task{'' if n == '1' else 's'} {how}"
    return "; ".join([f"at {t:.2f} s: {', '.join(said)}", queue, main,
                      f"so far {', '.join(counts)}" if counts else "no task has ended yet"])  # fmt: skip


@pytest.mark.parametrize("moment", [0.05, 0.21, 0.35, 0.45, 0.80])
def test_the_words_of_a_moment_are_what_the_recording_says(page: Any, moment: float) -> None:
    run = eventful()
    root = open_live(page, everything(run))
    page.evaluate("(t) => view.place(t)", moment * SECOND)
    expect(root.locator(".words")).to_have_text(expected(run, moment))


def test_a_worker_that_is_blocked_says_in_what(page: Any) -> None:
    run = written((0.0, 0.0, 0.5, 0, "returned"), (0.1, 0.2, 0.4, 1, "returned"))
    run.waits.append([worker(0), int(5.1 * SECOND), int(5.4 * SECOND), run.rows[1], "result"])
    root = open_live(page, everything(run))
    page.evaluate("view.place(150e6)")
    expect(root.locator(".words")).to_contain_text("worker 0 runs 0 and is blocked in result() of 1, worker 1 is idle")


def steady(tasks: int, workers: int, prefix: str = "ThreadPoolExecutor-0") -> Recording:
    """`tasks` submitted at once to `workers`, each of 0.1 s."""
    run = Recording()
    for i in range(tasks):
        start = 5 * SECOND + i // workers * SECOND // 10
        who = Thread(f"{prefix}_{i % workers}", 100 + i % workers)
        run.rows.append(
            [f"load{i}", 5 * SECOND + i, MAIN, who, start + i, start + SECOND // 10, SECOND // 20, "returned"]
        )
    return run


def going() -> Recording:
    """Two tasks run, three wait; a thread beside main submits as well."""
    run = written((0.0, 0.0, 0.2, 0, "returned"), (0.0, 0.1, None, 1, None), (0.1, 0.2, None, 0, None),
                  (0.15, None, None, None, None), (0.2, None, None, None, None))  # fmt: skip
    run.rows[2][2] = run.rows[3][2] = Thread("feeder", 77)
    run.waits.append([Thread("feeder", 77), 5 * SECOND + 10, None, run.rows[1], "result"])
    return run


RECORDINGS = {
    "failures, a cancel, a callback": eventful,
    "going on": going,
    "one task": lambda: written((0.0, 0.1, 0.3, 0, "returned")),
    "nothing": Recording,
    "stripes": lambda: steady(14, 2),
    "an area": lambda: steady(40, 3),
    "13 workers": lambda: steady(26, 13),
    "30 workers": lambda: steady(60, 30),
    "own names": lambda: steady(8, 4, "fetch"),
    "cancelled alone": lambda: written((0.0, 0.0, 0.4, 0, "returned"), *[(0.01 * n, None, 0.3, None, "cancelled")
                                                                       for n in range(1, 6)]),
}  # fmt: skip
LANES = """() => view.allLanes().map((lane) => [lane.kind, lane.label])"""
# The colors of points of the picture: (number of the lane, ns, how far down the lane, 0 to 1).
POINTS = """(points) => points.map(([n, ns, part]) => {
    const lane = view.allLanes()[n];
    view.lanes.scrollTop = lane.top - 50;
    view.frame(0);
    const x = Math.round(view.x(ns) * view.ratio);
    const y = Math.round((lane.top + part * lane.size - view.lanes.scrollTop) * view.ratio);
    return [...view.ctx.getImageData(x, y, 1, 1).data].slice(0, 3);
})"""


@pytest.mark.parametrize("name", RECORDINGS)
def test_still_and_live_agree_on_lanes_and_colors(page: Any, name: str) -> None:
    run = RECORDINGS[name]()
    end = run.span[1] if run.span else 0
    head = Feed(run).news(True, sys.maxsize)
    open_live(page, [head], theme=LIGHT)
    page.evaluate("view.cursor = NaN; view.frame(0)")
    plan = Plan(run, None, MOST_LANES)
    assert page.evaluate(LANES) == [[lane.kind, lane.label] for lane in plan.lanes]
    points, shades = [], []
    for task in run.tasks:
        if task.started is not None and (task.finished or end) > task.started:
            lane = plan.lane_of[task.worker]
            spot = task.started + 0.43 * ((task.finished or end) - task.started)  # beside the lines of the grid
            points.append((plan.lanes.index(lane), spot - plan.table.origin, 0.12))
            shades.append(COLORS[task.index % len(COLORS)])
    still = timeline(run)
    axes, per = still.axes[0], {"seconds": 1e9, "milliseconds": 1e6, "microseconds": 1e3}
    unit = per[axes.get_xlabel().split()[0]] if points else 1e9
    still.set_dpi(200)
    still.savefig(file := io.BytesIO(), format="rgba", dpi=200)
    width = int(still.get_size_inches()[0] * 200)
    image = np.frombuffer(file.getvalue(), np.uint8).reshape(-1, width, 4)
    seen = page.evaluate(POINTS, points)
    page.evaluate("view.showWhole()")
    for (n, ns, part), shade, live in zip(points, shades, seen, strict=True):
        lane = plan.lanes[n]
        x, y = axes.transData.transform((ns / unit, lane.top + part * lane.size))
        drawn = image[round(len(image) - y), round(x), :3]
        assert np.abs(drawn.astype(int) - live).max() <= 8, f"{name}, at {ns}: still {drawn}, live {live}"
        if not any(task.outcome == "running" for task in run.tasks):
            assert tuple(live) == tuple(bytes.fromhex(shade[1:]))


def test_a_running_bar_grows_between_two_messages(page: Any) -> None:
    run = written((0.0, 0.0, None, 0, None))
    feed = Feed(run, seconds=10)
    head = feed.news(False)
    head["now"] = SECOND
    root = open_live(page, [head])
    grown = "() => view.stores[0].present()"
    first = page.evaluate(grown)
    page.wait_for_timeout(300)
    later = page.evaluate(grown)
    assert later - first >= 0.25 * SECOND
    assert page.evaluate("view.frames") > 3
    run.rows[0][5], run.rows[0][7] = 5 * SECOND + SECOND // 2, "returned"  # it had ended before; the bar is put right
    page.evaluate("(heads) => say(heads)", plain([feed.news(True) | {"now": 2 * SECOND}]))
    assert page.evaluate("view.stores[0].finished[0]") == SECOND / 2
    expect(root.locator(".words")).to_contain_text("at 0.20 s: worker 0 runs 0")  # within what the run took, not 10 s
    page.evaluate("view.place(view.length())")
    expect(root.locator(".words")).to_contain_text("at 0.50 s: worker 0 is idle")


@pytest.mark.parametrize(
    ("host", "cores", "least"),
    [("localhost", 1, 105), ("127.0.0.1", 1, 105), ("localhost", 2, 45), ("hub.example.org", 1, 45)],
)
def test_a_live_picture_leaves_the_cores_to_the_run(page: Any, host: str, cores: int, least: int) -> None:
    page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(f"http://{host}/")
    feed = Feed(written((0.0, 0.0, None, 0, None)), seconds=10)
    open_live(page, [feed.news(False)], cores=cores)
    gaps = page.evaluate("""() => new Promise((done) => {
        const frame = view.frame.bind(view), gaps = [];
        let last = NaN;
        view.frame = (time) => { // its own reading of the clock: one here may come later, by what the system likes
            gaps.push(view.next - last);
            last = view.next;
            frame(time);
            if (gaps.length > 8) { view.frame = frame; done(gaps.slice(1)); }
        };
    })""")
    assert min(gaps) >= least - 3  # the timer of a page may be a little early
    page.evaluate("(heads) => say(heads)", plain([feed.news(True)]))
    assert page.evaluate("view.pause()") == 0  # a finished one moves as smoothly as the page can


def test_without_news_the_picture_stands_still_and_says_so(page: Any) -> None:
    feed = Feed(written((0.0, 0.0, None, 0, None)))
    words = open_live(page, [feed.news(False) | {"now": SECOND}]).locator(".words")
    expect(words).to_contain_text(re.compile(r"^at \d\.\d\d s: worker 0 runs 0"))
    expect(words).to_contain_text(re.compile(r"^No news from the kernel since 1\.00 s: .*at 2\.5\d s: worker 0 runs 0"))
    page.wait_for_function("() => !view.asked")  # the last frames put the axis in place
    stopped = page.evaluate("[view.stores[0].present(), view.frames]")
    page.wait_for_timeout(200)
    assert page.evaluate("[view.stores[0].present(), view.frames]") == stopped
    page.evaluate("(heads) => say(heads)", plain([feed.news(False) | {"now": 3 * SECOND}]))
    expect(words).to_contain_text(re.compile(r"^at 3\.\d\d s: worker 0 runs 0"))
    page.evaluate("(heads) => say(heads)", plain([feed.news(True) | {"now": 3 * SECOND}]))
    expect(words).not_to_contain_text("No news")


def test_who_missed_a_message_asks_for_all(page: Any) -> None:
    run = steady(4, 2)
    feed = Feed(run)
    open_live(page, [feed.news(False)])
    assert page.evaluate("asked") == [{"kind": "have", "have": [[feed.epoch, 1]]}]
    run.rows.extend(steady(6, 2).rows[4:])
    feed.news(False)
    page.evaluate("(heads) => say(heads)", plain([feed.news(False)]))
    assert page.evaluate("asked.length") == 2
    feed.restart()
    page.evaluate("(heads) => say(heads)", plain([feed.news(True)]))
    assert page.evaluate("[asked.length, view.stores[0].count]") == [2, 6]


def test_everything_by_keyboard(page: Any) -> None:
    root = open_live(page, everything(eventful()))
    stage, words = root.get_by_role("slider", name="time cursor"), root.locator(".words")
    stage.focus()
    page.keyboard.press("Home")
    expect(words).to_contain_text("at 0.00 s: ")
    expect(stage).to_have_attribute("aria-valuetext", "0.00 s")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(words).to_contain_text("at 0.02 s: ")
    page.keyboard.press("End")
    expect(words).to_contain_text("4 tasks returned, 1 raised, 1 cancelled")
    page.evaluate("view.place(250e6)")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(words).to_contain_text(
        "queue: 3 tasks in the queue; 3: load3, 0.27 s in the queue; 4: load4, 0.46 s in the queue; 5: load5, 0.35 s"
    )
    page.evaluate("view.place(450e6)")
    expect(words).to_contain_text("queue: task 4: load4; waited 0.46 s in the queue, ran 0.40 s on worker 1")
    page.evaluate("view.place(250e6)")
    page.keyboard.press("ArrowDown")
    expect(root.locator(".tip")).to_contain_text("task 0: load0")
    expect(root.locator(".words")).to_contain_text(
        "worker 0: task 0: load0; waited 0 µs in the queue, ran 0.30 s on worker 0"
    )
    whole = page.evaluate("view.until - view.from")
    page.keyboard.press("+")
    assert page.evaluate("view.until - view.from") == pytest.approx(whole / 1.5, rel=0.02)
    before = page.evaluate("view.from")
    page.keyboard.press("d")
    assert page.evaluate("view.from") > before
    page.keyboard.press("0")
    assert page.evaluate("view.whole")
    page.keyboard.press("Escape")
    expect(root.locator(".tip")).to_be_hidden()
    for name in ("Play", "zoom out", "zoom in", "Show all"):
        button = root.get_by_role("button", name=name)
        button.focus()
        expect(button).to_be_focused()


def test_mouse_and_wheel(page: Any) -> None:
    root = open_live(page, everything(eventful()))
    box = root.locator(".stage").bounding_box()
    spot = lambda ns, lane: (box["x"] + page.evaluate("(t) => view.x(t)", ns), box["y"] + page.evaluate(
        "(n) => view.allLanes()[n].middle", lane))  # fmt: skip
    page.mouse.click(*spot(210e6, 3))
    expect(root.locator(".words")).to_contain_text("at 0.21 s: ")
    page.mouse.move(*spot(100e6, 2))
    expect(root.locator(".tip")).to_contain_text("task 0: load0")
    page.mouse.move(*spot(360e6, 3))
    expect(root.locator(".tip")).to_contain_text("raised ValueError: no such row")
    page.mouse.move(*spot(210e6, 3))
    expect(root.locator(".tip")).to_contain_text("callback of 1: returned after 20 ms")
    page.mouse.move(*spot(450e6, 0))
    expect(root.locator(".tip")).to_contain_text("blocked in exception() of 2 for 80 ms")
    page.mouse.move(*spot(210e6, 3))
    page.mouse.down()
    page.mouse.move(*spot(450e6, 3), steps=4)
    page.mouse.up()
    expect(root.locator(".words")).to_contain_text("at 0.45 s: ")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("() => !view.whole")
    page.mouse.dblclick(*spot(450e6, 3))
    page.wait_for_function("() => view.whole")


def test_a_task_that_ran_unseen_is_not_drawn_as_queued(page: Any) -> None:
    run = written((0.0, 0.0, 0.1, 0, "returned"), (0.0, None, 0.1, None, "returned"))
    run.rows[1].extend([None] * (NOTE - len(run.rows[1])) + ["ran where watch can't see"])
    open_live(page, everything(run))
    assert page.evaluate("[view.stores[0].depths().most, view.stores[0].queuedAt(5e7).length]") == [0, 0]
    assert "1 ran unseen" in page.evaluate("view.stores[0].summaryLine()") and "1 ran unseen" in timeline(run).alt


def test_the_cursor_hides_no_number(page: Any) -> None:
    open_live(page, everything(written((0.0, 0.0, 0.4, 0, "returned"), (0.0, 0.0, 0.1, 1, "returned"))))
    drawn = page.evaluate("""(moments) => moments.map((ns) => {
        const bare = view.ctx.fillText.bind(view.ctx), seen = {};
        view.ctx.fillText = (words, x, y) => { seen[words] ??= x; bare(words, x, y); };
        view.cursor = ns;
        view.frame(0);
        view.ctx.fillText = bare;
        return [seen[0], view.x(ns)];
    })""", [100e6, 200e6])  # fmt: skip
    assert drawn[0][0] == pytest.approx(drawn[1][1], abs=1)  # in the middle of its bar
    assert drawn[1][0] - drawn[1][1] >= 8


def test_it_plays_and_stops_at_the_end(page: Any) -> None:
    root = open_live(page, everything(eventful()))
    page.evaluate("view.place(0)")
    root.get_by_label("speed").select_option("1/4×")
    root.get_by_role("button", name="Play").click()
    page.wait_for_function("() => view.cursor > 200e6")
    expect(root.locator(".words")).to_have_attribute("aria-live", "off")
    root.get_by_label("speed").select_option("1×")
    expect(root.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_function("() => !view.playing")
    assert page.evaluate("view.cursor >= 0.99 * view.length()")
    expect(root.locator(".words")).to_have_attribute("aria-live", "polite")


def test_it_takes_the_theme_of_the_page(page: Any) -> None:
    open_live(page, everything(eventful()), theme=DARK)
    corner = "() => [...view.ctx.getImageData(2, 2, 1, 1).data].slice(0, 3)"
    assert page.evaluate(corner) == [0x11] * 3
    page.evaluate(
        "(theme) => { for (const [n, v] of Object.entries(theme)) document.body.style.setProperty(n, v); }", LIGHT
    )
    page.wait_for_function(f"() => ({corner})()[0] === 255")


def test_two_views_have_a_cursor_each_and_close_alone(page: Any) -> None:
    open_live(page, everything(eventful()), views=2)
    roots = page.locator(".pool-timeline")
    page.evaluate("document.querySelectorAll('.pool-timeline')[1].timeline.place(500e6)")
    page.evaluate("view.place(100e6)")
    expect(roots.nth(0).locator(".words")).to_contain_text("at 0.10 s: ")
    expect(roots.nth(1).locator(".words")).to_contain_text("at 0.50 s: ")
    page.evaluate("closers[1]()")
    frames = page.evaluate("view.frames")
    page.evaluate("view.place(200e6)")
    expect(roots.nth(0).locator(".words")).to_contain_text("at 0.20 s: ")
    assert page.evaluate("[view.shared.views.size, view.frames]")[0] == 1
    assert page.evaluate("view.frames") > frames


def test_many_lanes_scroll(page: Any) -> None:
    root = open_live(page, everything(steady(128, 64)))
    lanes = root.locator(".lanes")
    assert page.evaluate("view.bottom > view.high + 300")
    assert lanes.bounding_box()["height"] <= 470
    root.locator(".stage").focus()
    for _ in range(66):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("view.lanes.scrollTop") > 300


def test_a_gil_trace_says_who_holds_who_waits_and_since_when(page: Any) -> None:
    baseline = Baseline(20e-6, 30e-6, 1e-6, 200e-6, 0.0, 1.0)
    threads = tuple(TracedThread(name, n, "python_piece", 0.01, baseline) for n, name in enumerate("AB"))
    span = lambda thread, start, end: Span(thread, int(start * 1e6), int(end * 1e6))
    trace = GilTrace(
        threads, 0, 20_000_000, (span(0, 0, 5), span(1, 5, 10), span(0, 10, 15)), (span(1, 0, 5), span(0, 5, 10)),
        (span(1, 12, 14),), 0, 0.005, True, 2, {"python": "3.13", "date": "today"},
    )  # fmt: skip
    root = open_live(page, [GilFeed(trace, "two").news(True)])
    said = {3: "A holds the GIL since 0.0 ms; B waits for the GIL since 0.0 ms",
            7: "A waits for the GIL since 5.0 ms; B holds the GIL since 5.0 ms",
            13: "A holds the GIL since 10.0 ms; B is set aside by the system since 12.0 ms",
            18: "A does not run; B does not run"}  # fmt: skip
    for moment, words in said.items():
        page.evaluate("(t) => view.place(t)", moment * 1e6)
        expect(root.locator(".words")).to_have_text(f"at {moment}.0 ms: {words}")
    assert page.evaluate(POINTS, [(0, 3e6, 0.3), (1, 7e6, 0.3)]) == [[0, 0x72, 0xB2], [0xE6, 0x9F, 0]]
