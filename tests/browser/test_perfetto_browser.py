"""Perfetto in JupyterLab shows the named threads, offline, under any base URL, and to nobody else."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from helpers.gil.measure import gil_trace
from helpers.profiling.perfetto import TraceServer
from helpers.profiling.trace_file import write_trace
from helpers.profiling.viztracer_run import record_viztracer
from helpers.recording.watcher import watch
from helpers.tasks import python_piece

pytestmark = pytest.mark.browser

QUERY = """async (sql) => {
    const rows = [];
    const answer = await app.trace.engine.query(sql);
    for (const row = answer.iter({}); row.valid(); row.next())
        rows.push(answer.columns().map((name) => row.get(name)).map((v) => typeof v === 'bigint' ? Number(v) : v));
    return rows;
}"""
STATUS = "(address) => fetch(address, {cache: 'no-store'}).then((answer) => answer.status)"
# Perfetto's page "Info and stats" and the warning in its top bar count the same rows.
WARNINGS = "select name, value from stats where severity != 'info' and value > 0"


def loaded(frame: Any) -> Any:
    frame.wait_for_function("() => window.app?.trace?.workspace.flatTracks.length > 0", timeout=60_000)
    return frame


def frames(page: Any, count: int) -> list[Any]:
    """The Perfetto frames in the page's order, each with its trace loaded."""
    page.wait_for_function(f"() => document.querySelectorAll('iframe[src*=\"/proxy/\"]').length === {count}")
    return [loaded(element.content_frame()) for element in page.query_selector_all("iframe[src*='/proxy/']")]


def pinned(frame: Any) -> list[str]:
    """The tracks that stay at the top, from above."""
    return frame.evaluate("() => app.trace.workspace.pinnedTracks.map((track) => track.name)")


def test_lesson_07_shows_its_threads_and_what_they_held_as_long_as_its_kernel_lives(
    page: Any, lab: Any, open_notebook: Any, run_all: Any
) -> None:
    answered: set[str | None] = set()
    page.on("response", lambda answer: answered.add(urlsplit(answer.url).hostname))
    lesson = "notebooks/07-profile-with-viztracer.ipynb"
    open_notebook(page, lab, lesson)
    run_all(page)
    queue, both = frames(page, 2)
    for number in range(3):
        queue.wait_for_selector(f"text=/^queue_{number} \\d+$/")
        both.wait_for_selector(f"text=/^queue_{number} \\d+$/")
        both.wait_for_selector(f"text=/^(GIL|Run) queue_{number} \\d+$/")
    assert pinned(queue) == []
    both.wait_for_function("() => app.trace.workspace.pinnedTracks.length >= 8")
    names = [re.sub(" [0-9]+$", "", name) for name in pinned(both)]
    assert [name.removeprefix("GIL ").removeprefix("Run ") for name in dict.fromkeys(names)] == 2 * [
        "MainThread", "queue_0", "queue_1", "queue_2"
    ]  # fmt: skip
    for frame in (queue, both):
        assert frame.evaluate("() => app.sidebar.visible") is False
        assert frame.locator(".pf-modal-dialog, .pf-cookie-consent").count() == 0
        assert frame.evaluate(QUERY, WARNINGS) == []
    # Its details pane can show the source of a slice's function.
    queue.wait_for_function("() => Object.keys(app.trace.traceInfo.vizTracerSourceStorage.functions)"
                            ".some((name) => name.startsWith('consume '))")  # fmt: skip
    assert answered <= {"127.0.0.1", None, ""}  # data: and blob: addresses have no host

    page_itself = queue.url.partition("#")[0]
    assert page.evaluate(STATUS, page_itself) == 200
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    assert page.evaluate(STATUS, page_itself) != 200
    page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
    open_notebook(page, lab, lesson)
    page.locator("text=Run this cell again").nth(1).wait_for()
    assert page.query_selector_all("iframe[src*='/proxy/']") == []
    assert page.locator("text=vizviewer viztracer_report/lifo.json").count() == 1


@pytest.fixture(scope="module")
def serving() -> Iterator[TraceServer]:
    own = TraceServer()
    yield own
    own.close()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of all kinds of parts."""
    from concurrent.futures import ThreadPoolExecutor

    folder = tmp_path_factory.mktemp("traces")

    def main() -> Any:
        with ThreadPoolExecutor(2, thread_name_prefix="worker") as pool, watch(pool) as run:
            futures = [pool.submit(sorted, range(100)) for _ in range(20)]
            futures[0].add_done_callback(lambda future: None)
            run.mark("all submitted")
        return run, gil_trace(python_piece, threads=2, seconds=0.05)

    trace = record_viztracer(main, folder / "viztracer.json", min_duration=5)
    return write_trace(folder / "everything.json", trace, *trace.result)


def open_directly(page: Any, serving: TraceServer, path: Path) -> Any:
    address = f"http://127.0.0.1:{serving.port}/{serving.secret}/"
    page.goto(f"{address}#!/?url={address}{serving.add(path)}&hideSidebar=true")
    return loaded(page)


@pytest.mark.own_page
def test_perfetto_reads_all_parts_without_a_warning(page: Any, serving: TraceServer, everything: Path) -> None:
    open_directly(page, serving, everything)
    assert page.evaluate(QUERY, WARNINGS) == []
    written = json.loads(everything.read_text())["traceEvents"]
    slices = sum(event["ph"] in ("X", "B", "b") for event in written) + sum(event["ph"] == "i" for event in written)
    assert page.evaluate(QUERY, "select count() from slice") == [[slices]]  # none was dropped
    holds = "select count() from slice s join process_track t on s.track_id = t.id where s.name glob 'GIL *'"
    assert page.evaluate(QUERY, holds) == [[sum(e["ph"] == "b" and e["cat"] == "gil" for e in written)]]
    counters = {name for (name,) in page.evaluate(QUERY, "select distinct name from counter_track")}
    assert counters == {"tasks in the queue", "tasks in flight"}
    processes = {name for (name,) in page.evaluate(QUERY, "select name from process where name is not null")}
    assert {"Tasks", "VizTracer, MainProcess"} < processes


@pytest.mark.own_page
def test_the_warnings_are_seen_where_there_are_some(page: Any, serving: TraceServer, tmp_path: Path) -> None:
    lone_end = {"ph": "E", "pid": 1, "tid": 1, "ts": 5}
    slices = [{"ph": "X", "pid": 1, "tid": 1, "name": "f", "ts": ts, "dur": 10} for ts in (1, 6)]
    (tmp_path / "bad.json").write_text(json.dumps({"traceEvents": [lone_end, *slices]}))
    open_directly(page, serving, tmp_path / "bad.json")
    assert page.evaluate(QUERY, WARNINGS) != []


@pytest.mark.own_page
def test_a_page_of_another_origin_gets_nothing(page: Any, serving: TraceServer, everything: Path) -> None:
    trace = f"http://127.0.0.1:{serving.port}/{serving.secret}/{serving.add(everything)}"
    home = f"http://127.0.0.1:{serving.port}/{serving.secret}/"
    body = f"""<title>evil</title><iframe src="{home}"></iframe><script src="{trace}"></script><img src="{trace}">
        <link rel="stylesheet" href="{trace}"><script>
        window.got = Promise.all(["cors", "no-cors"].map((mode) =>
            fetch({json.dumps(trace)}, {{mode}}).then((answer) => answer.text(), (error) => "")));
        </script>"""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    answers: list[tuple[int, bool]] = []
    page.on("response", lambda a: answers.append((a.status, a.url == home)) if serving.secret in a.url else None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as evil:
        thread = threading.Thread(target=evil.serve_forever)
        thread.start()
        try:
            page.goto(f"http://127.0.0.1:{evil.server_address[1]}/")
            assert page.evaluate("() => window.got") == ["", ""]
        finally:
            evil.shutdown()
            thread.join(10)
    assert len(answers) >= 5 and {status for status, _ in answers} == {403}
    assert any(framed for _, framed in answers)
