"""Notebook 7, which some have in JupyterLab's place: a replay and a lab work there as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from test_labs_browser import WATCH_FRAMES, button, cell_of, panel_of, press, set_slider, wait_for_frames
from test_replay_browser import RUN

pytestmark = [pytest.mark.browser, pytest.mark.own_page]  # JupyterLab stays open in the other
expect.set_options(timeout=60_000)


def test_a_replay_and_a_lab_in_notebook_7(page: Any, scratch: Callable[..., Path]) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    scratch([RUN, cell_of("pool")], within="notebooks")
    assert page.evaluate("() => window.jupyterapp.name") == "Jupyter Notebook"

    outputs = page.locator(".jp-OutputArea-output")
    replayed = outputs.filter(has=page.locator(".pool-timeline")).first
    stage, words = replayed.get_by_role("slider", name="time cursor"), replayed.locator(".words")
    expect(words).to_have_text(re.compile(r"at 0\.\d+ s: worker 0 runs \d, worker 1 runs \d; .*; main is blocked in "))
    stage.press("Home")
    expect(words).to_contain_text("at 0.000 s: ")
    before = words.inner_text()
    for _ in range(4):
        stage.press("ArrowRight")
    stage.press("a")  # adds a cell, were it not ours
    expect(words).not_to_contain_text("at 0.000 s: ")
    assert words.inner_text() != before
    expect(page.locator(".jp-CodeCell")).to_have_count(2)

    panel = panel_of(page, "Pool lab")
    expect(panel.get_by_role("status")).to_contain_text("A first run. ")
    expect(panel.locator(".words")).to_contain_text(re.compile(r"^at 0\.\d+ s: worker 0 "))
    set_slider(panel, 0, "End")
    set_slider(panel, 1, "Home", "ArrowRight", "ArrowLeft")
    expect(panel.locator(".widget-readout").nth(1)).to_have_text("1")
    panel.evaluate(WATCH_FRAMES)
    button(panel, "Run").press("Enter")
    wait_for_frames(page, "all.filter(f => f.running && f.tasks === 64).length >= 5")
    going = "() => { const [s] = document.querySelectorAll('.pool-timeline')[1].timeline.stores; return s.present(); }"
    assert page.evaluate(going) < page.evaluate(f"() => new Promise(d => setTimeout(() => d(({going})()), 200))")
    press(panel, "Stop")
    expect(panel.get_by_role("status")).to_contain_text("Stopped after")
    expect(button(panel, "Run")).to_be_enabled()
    assert panel.get_by_role("alert").count() == 0
    count = page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt")
    before = count.inner_text()
    stage = panel.get_by_role("slider", name="time cursor")
    stage.press("Shift+Enter")  # the next cell, as from everywhere
    expect(count).not_to_have_text(before)
    # Notebook's own script may have an error of its own as it starts.
    assert [error for error in errors if "/static/notebook/notebook_core" not in error.splitlines()[1]] == []
