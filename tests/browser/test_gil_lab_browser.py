"""The GIL lab as a reader of lesson 06 drives it: Run, and both pictures appear, with the lab's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
LAB = ".jp-OutputArea-output:has-text('GIL lab')"


def test_a_run_draws_the_trace_and_its_holds(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch(["from helpers import gil_lab\n\ngil_lab()"])

    panel = page.locator(LAB)
    run, words = panel.get_by_role("button", name="Run"), panel.locator(".words")
    words.filter(has_text="at ").wait_for()  # its first run
    before = panel.locator(".pool-timeline").evaluate("root => root.timeline.epochs")
    panel.locator(".widget-slider .noUi-handle").first.press("ArrowRight")
    run.click()
    page.wait_for_function(
        "before => document.querySelector('.pool-timeline').timeline.epochs !== before", arg=before, timeout=60_000
    )
    page.wait_for_function("() => document.querySelector('img.widget-image').naturalWidth > 100")
    stage = panel.get_by_role("slider", name="time cursor")
    stage.press("Home")
    words.filter(has_text=re.compile(r"^at 0\.0+ m?s: ")).wait_for()
    assert words.inner_text().count("; ") == 2, "a part for each of three threads"
    panel.get_by_text("All together used").first.wait_for()
    panel.locator("button:not([disabled])", has_text="Run").first.wait_for()
    assert panel.locator("[role=alert]").count() == 0
