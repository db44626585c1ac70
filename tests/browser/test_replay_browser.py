"""A replay in JupyterLab: it opens with its run, is shown in two views, comes again, and what is saved is the still."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
RUN = """from concurrent.futures import ThreadPoolExecutor
from helpers import io_task, replay, watch

with ThreadPoolExecutor(2) as pool, watch(pool) as run:
    futures = [pool.submit(io_task, 0.1) for _ in range(4)]
    results = [f.result() for f in futures]
shown = replay(run)
shown"""
SAVED = """() => {
    const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
    return cells.map(c => c.outputs?.toJSON() ?? []);
}"""


@pytest.mark.own_page  # loaded anew, it opens its notebook a second time, at some later moment
def test_a_replay_what_is_saved_of_it_and_the_page_loaded_anew(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    threads = "import threading\n[t.name for t in threading.enumerate() if 'live' in t.name]"
    file = scratch([RUN, "shown", threads])

    roots = page.locator(".pool-timeline")
    expect(roots).to_have_count(2)
    for n in range(2):
        expect(roots.nth(n).locator(".words")).to_have_text(
            re.compile(r"at 0\.\d+ s: worker 0 runs \d, worker 1 runs \d; .*; main is blocked in result\(\) of \d; ")
        )
    stage = roots.nth(0).get_by_role("slider", name="time cursor")
    stage.press("d")  # a command of JupyterLab's, were it not ours
    stage.press("d")
    stage.press("Home")
    expect(roots.nth(0).locator(".words")).to_contain_text("at 0.000 s: ")
    expect(roots.nth(1).locator(".words")).not_to_contain_text("at 0.000 s: ")
    expect(page.locator(".jp-CodeCell")).to_have_count(3)
    expect(page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")).to_have_text("[]")

    (output,) = page.evaluate(SAVED)[0]
    assert set(output["data"]) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert output["metadata"]["image/png"]["alt"].startswith("Timeline: 4 tasks; ")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert "widgets" not in json.loads(file.read_text())["metadata"]

    page.reload()
    expect(roots.nth(0).locator(".words")).to_contain_text("worker 0 runs")
