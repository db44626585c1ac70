"""What a reader does to a kernel while a picture is open: restart it, close the notebook's tab and open it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import expect
from test_labs_browser import button, cell_of, panel_of, press, set_slider
from test_replay_browser import RUN

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
# A kernel that has to be killed, because a thread holds it up, leaves no file behind.
KERNEL = """import atexit, os, pathlib
atexit.register(pathlib.Path("ended").touch)
os.getpid()"""
THREADS = "import threading\nsorted(t.name for t in threading.enumerate() if 'ool' in t.name or 'live' in t.name)"
OPEN = "(path) => { window.jupyterapp.commands.execute('docmanager:open', {path}); }"
ONE = re.compile(r"at \d+\.\d+ s: worker 0 runs \d+; ")  # the words about a pool of one worker
A_SECOND_ON = """() => {
    const view = [...document.querySelectorAll('.pool-timeline')].at(-1).timeline;
    return view.growing() && view.stores[0].present() > 1e9;
}"""
AT_REST = """() => new Promise(done => {
    const drawn = () => [...document.querySelectorAll('.pool-timeline')].map(root => root.timeline.frames).join();
    const before = drawn();
    setTimeout(() => done(drawn() === before), 300);
})"""


@pytest.fixture
def errors(page: Any) -> list[str]:
    """What the page's scripts throw."""
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(error.stack or str(error)))
    return thrown


@pytest.fixture
def file(page: Any, errors: list[str], scratch: Callable[[list[str]], Path]) -> Path:
    """A notebook with a replay and a lab whose long run goes on, seen by the page."""
    file = scratch([KERNEL, RUN, cell_of("pool"), THREADS])
    begin(panel_of(page, "Pool lab"))
    return file


def begin(panel: Any) -> None:
    """Start a run of a minute on one worker."""
    expect(button(panel, "Run")).to_be_enabled()
    set_slider(panel, 0, "End")
    set_slider(panel, 1, "Home")
    set_slider(panel, 2, "End")
    press(panel, "Run")
    panel.page.wait_for_function(A_SECOND_ON)
    expect(panel.locator(".words")).to_contain_text(ONE)


def output(page: Any, number: int) -> Any:
    return page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output")


def run_cell(page: Any, number: int, wait_idle: Callable[..., None]) -> None:
    page.locator(".jp-CodeCell").nth(number).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    wait_idle(page)


def stops(panel: Any) -> None:
    """Stop ends the run, another could begin, and the picture is as long as the run was."""
    press(panel, "Stop")
    expect(panel.get_by_role("status")).to_contain_text("Stopped after")
    expect(button(panel, "Run")).to_be_enabled()
    expect(panel.locator(".words")).to_contain_text(ONE)
    assert panel.get_by_role("alert").count() == 0


def close_the_tab_and_open_it_again(page: Any, file: Path, wait_idle: Callable[..., None]) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("() => { window.jupyterapp.commands.execute('application:close'); }")
    expect(page.locator(".jp-NotebookPanel")).to_have_count(0)
    page.evaluate(OPEN, f"notebooks/{file.name}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    wait_idle(page)


def restart_the_kernel(page: Any, wait_idle: Callable[..., None]) -> None:
    kernel = psutil.Process(int(output(page, 0).inner_text()))
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:restart-kernel'); }")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    kernel.wait(60)
    wait_idle(page)


def test_a_tab_closed_during_a_run_and_a_restart_under_open_pictures(
    page: Any, file: Path, errors: list[str], run_all: Callable[..., None], wait_idle: Callable[..., None]
) -> None:
    close_the_tab_and_open_it_again(page, file, wait_idle)
    panel = panel_of(page, "Pool lab")
    expect(panel.locator(".words")).to_contain_text(ONE)
    page.wait_for_function(A_SECOND_ON)
    stops(panel)
    run_cell(page, 3, wait_idle)
    expect(output(page, 3)).to_have_text("[]")
    begin(panel)

    restart_the_kernel(page, wait_idle)
    assert (file.parent / "ended").exists(), "the kernel did not end by itself"
    words = page.locator(".pool-timeline .words")
    expect(words.nth(1)).to_contain_text("No news from the kernel since ")
    page.wait_for_function(AT_REST)
    stage = page.locator(".pool-timeline .stage").first
    stage.press("Home")  # what is known can still be asked
    expect(words.first).to_contain_text("at 0.000 s: ")

    run_all(page)
    expect(output(page, 3)).to_have_text("[]")
    expect(words).to_have_count(2)
    expect(words.first).to_contain_text(re.compile(r"^at 0\.\d+ s: worker 0 runs \d"))
    begin(panel_of(page, "Pool lab"))
    stops(panel_of(page, "Pool lab"))
    assert errors == []
