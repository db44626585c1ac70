"""What a live picture costs, and how smooth it is: JupyterLab in Chromium, between two runs of the bare pool.

    python tests/bench/live_picture.py                  all cores
    taskset -c 0 python tests/bench/live_picture.py     one core: kernel, server and browser share it

The bounds: a computing run of 2 s on 4 workers with the picture open has at least 20 frames a second (one core: 8), no
gap over 150 ms, at least 8 updates a second, and takes at most 1.03 times as long (one core: 1.10; the median of 9);
sending costs at most 2 % of it in CPU time. 100,000 tasks are shown within 2 s and panned at 15 frames a second; a
replay of 1,000 tasks has 30. How far two bare runs differ says how much of a ratio is the computer's.

How long nobody computes in a run, its wall time less the CPU time of its tasks, is a figure with less noise than a
ratio of two runs. It is also taken with nothing sent, and a dot of 9 pixels drawn as often as the picture: the least
that any page costs which moves so often.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
import chromium as found

import conftest as lab_tests

PAIRS = 9
SETUP = """
import json, statistics, time
from concurrent.futures import ThreadPoolExecutor, wait
import psutil
from helpers import python_task, replay, watch
from helpers.live.messages import Feed
from helpers.live.timeline import LiveTimeline

sending = 0.0

class Timed(LiveTimeline):
    def _send_news(self, *args):
        global sending
        start = time.thread_time()
        try:
            return super()._send_news(*args)
        finally:
            sending += time.thread_time() - start

def work(pool):
    wait([pool.submit(python_task, 100) for _ in range(20)])

def bare():
    with ThreadPoolExecutor(4) as pool:
        work(pool)

def idle(run, clock):
    wall = time.perf_counter() - clock
    return 1 - sum(task.cpu for task in run.tasks) / 1e9 / wall

def live():
    with ThreadPoolExecutor(4) as pool, watch(pool) as run:
        picture.follow(Feed(run, seconds=2))
        clock = time.perf_counter()
        work(pool)
        lost = idle(run, clock)
    picture.settle()
    return lost

def unseen():
    with ThreadPoolExecutor(4) as pool, watch(pool) as run:
        clock = time.perf_counter()
        work(pool)
        return idle(run, clock)

def timed(run):
    start, clock = time.time(), time.perf_counter()
    gave = run()
    return start, time.perf_counter() - clock, gave

python_task(0)
picture = Timed(least_height=300)
picture
"""
RUNS = f"""
rows = []
iopub = lambda: sum(t.system_time + t.user_time for t in psutil.Process().threads() if t.id == iopub_id)
import threading
iopub_id = next(t.native_id for t in threading.enumerate() if t.name.startswith("IOPub"))
for n in range({PAIRS}):
    sending, before = 0.0, iopub()
    (_, first, _), (start, middle, lost), (_, last, _) = timed(bare), timed(live), timed(bare)
    rows.append(dict(start=start, live=middle, bare=(first + last) / 2, drift=last / first, sending=sending,
                     iopub=iopub() - before, idle=lost))
    time.sleep(0.3)
print(json.dumps(rows))
"""
UNSEEN = f"print(json.dumps([unseen() for _ in range({PAIRS})]))"
DOT = """() => {
    const canvas = document.createElement('canvas'), pen = canvas.getContext('2d', {alpha: false});
    canvas.width = canvas.height = 100;
    canvas.style = 'position: fixed; left: 0; top: 0; width: 100px; height: 100px; z-index: 99';
    document.body.append(canvas);
    let n = 0;
    window.dot = setInterval(() => { pen.fillStyle = n++ % 2 ? 'red' : 'blue'; pen.fillRect(0, 0, 3, 3); }, 46);
}"""
MANY = """
def recorded(tasks):
    with ThreadPoolExecutor(4) as pool, watch(pool) as run:
        wait([pool.submit(int) for _ in range(tasks)])
    return run
many, thousand = recorded(100_000), recorded(1000)
"""
# Notes when each frame was drawn and each message came, on the clock that the kernel's time.time() reads.
NOTE = """() => {
    const view = [...document.querySelectorAll('.pool-timeline')].at(-1).timeline;
    window.view = view; window.frames = []; window.updates = [];
    for (const [name, list] of [['frame', frames], ['news', updates]]) {
        const bare = view[name].bind(view);
        view[name] = (...given) => { bare(...given); list.push(Date.now() / 1000); };
    }
}"""
# Frames a second while something is done before each frame, for two seconds.
RATE = """(act) => new Promise((done) => {
    const view = [...document.querySelectorAll('.pool-timeline')].at(-1).timeline, start = performance.now();
    const first = view.frames, step = new Function('view', act);
    const tick = () => {
        step(view);
        const gone = performance.now() - start;
        if (gone < 2000) requestAnimationFrame(tick); else done((view.frames - first) / gone * 1000);
    };
    tick();
})"""


def run_cell(page: Any, number: int, limit: float = 300) -> str:
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(100)
    page.wait_for_function(lab_tests.IDLE, timeout=limit * 1000, polling=200)  # else in every frame
    return cell.locator(".jp-OutputArea").inner_text()


def pairs(page: Any) -> None:
    run_cell(page, 0)
    page.wait_for_selector(".pool-timeline")
    page.evaluate(NOTE)
    rows = json.loads(run_cell(page, 1))
    frames, updates = page.evaluate("[frames, updates]")
    rates, gaps, news = [], [], []
    for row in rows:
        inside = lambda moments, row=row: [t for t in moments if row["start"] + 0.1 <= t <= row["start"] + row["live"]]
        seen = inside(frames)
        rates.append(len(seen) / (row["live"] - 0.1))
        gaps.append(max((b - a for a, b in pairwise(seen)), default=9) * 1000)
        news.append(len(inside(updates)) / (row["live"] - 0.1))
    longer = [row["live"] / row["bare"] for row in rows]
    cost = [(row["sending"] + row["iopub"]) / row["live"] for row in rows]
    low, middle, high = statistics.quantiles(longer, n=4)
    least, drift, most = statistics.quantiles([row["drift"] for row in rows], n=4)
    print(f"a run of {statistics.median(r['bare'] for r in rows):.2f} s on 4 workers that compute, {PAIRS} times, each "
          "between two bare ones:")  # fmt: skip
    print(f"  {middle:.3f} × the bare pool (half of them from {low:.3f} to {high:.3f})")
    print(f"  the bare one after it: {drift:.3f} × the one before (half of them from {least:.3f} to {most:.3f})")
    print(f"  {statistics.median(rates):.0f} frames/s (least {min(rates):.0f}), longest gap {max(gaps):.0f} ms, "
          f"median of the longest {statistics.median(gaps):.0f} ms")  # fmt: skip
    print(f"  {statistics.median(news):.1f} updates/s (least {min(news):.1f})")
    print(f"  CPU for sending {statistics.median(cost):.1%} of the run")
    nothing = statistics.median(json.loads(run_cell(page, 5)))
    page.evaluate(DOT)
    dot = statistics.median(json.loads(run_cell(page, 5)))
    page.evaluate("clearInterval(dot)")
    print(f"  nobody computes for {statistics.median(row['idle'] for row in rows):.1%} of it; {nothing:.1%} where the "
          f"page stands still and nothing is sent, {dot:.1%} where it draws a dot 21 times a second")  # fmt: skip


def replays(page: Any) -> None:
    run_cell(page, 2)
    for number, name, act in ((3, "100,000", "view.zoom(1/1.001, 0); view.pan(0.004)"), (4, "1,000", "")):
        page.evaluate("""() => { window.shownAt = 0; new MutationObserver(() => {
            const root = [...document.querySelectorAll('.pool-timeline')].at(-1);
            if (root?.timeline?.frames && !root.seen) { root.seen = true; window.shownAt = Date.now() / 1000; }
        }).observe(document.body, {subtree: true, childList: true}); }""")
        words = run_cell(page, number)
        page.wait_for_function("() => window.shownAt")
        began = float(words.split("began ")[1].split()[0])
        print(f"{name} tasks: shown {page.evaluate('window.shownAt') - began:.2f} s after the cell began")
        if not act:
            page.evaluate("() => { const v = [...document.querySelectorAll('.pool-timeline')].at(-1).timeline;"
                          "v.cursor = 0; v.speed.value = 0.01; v.play(true); }")  # fmt: skip
        else:
            page.evaluate("() => [...document.querySelectorAll('.pool-timeline')].at(-1).timeline.zoom(0.3, 0)")
        print(f"  {'panned' if act else 'played'} at {page.evaluate(RATE, act):.0f} frames/s")


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="live-picture"))
    lab, process = lab_tests.start_lab("/", root)
    show = "import time; print('began', time.time())\nreplay({})"
    cells = [SETUP, RUNS, MANY, show.format("many"), show.format("thousand"), UNSEEN]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text.strip()) for text in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.notebooks / "bench.ipynb")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found.find_chromium(), args=found.FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 1600})
            page.goto(f"{lab.url}lab/tree/notebooks/bench.ipynb?token={lab.token}&reset", timeout=120_000)
            page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=120_000)
            page.wait_for_function(lab_tests.IDLE, timeout=120_000)
            pairs(page)
            replays(page)
            browser.close()
    finally:
        lab_tests.stop_lab(process)


if __name__ == "__main__":
    main()
