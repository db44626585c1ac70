"""The pacing lab as a reader drives it: a slider, Run, a timeline that grows during the run and a dot after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
LAB = ".jp-OutputArea-output:has-text('Pacing lab')"
WATCH_PICTURE = """() => {
    window.pictures = [document.querySelector('img.widget-image').src];
    new MutationObserver(() => {
        const src = document.querySelector('img.widget-image').src;
        if (src !== window.pictures.at(-1)) window.pictures.push(src);
    }).observe(document.querySelector('img.widget-image'), {attributes: true, attributeFilter: ['src']});
}"""


def number_of_pictures(page: Any) -> int:
    return page.evaluate("() => window.pictures.length")


def test_the_picture_changes_during_a_run_and_after(
    page: Any,
    scratch: Callable[[list[str]], Path],
    wait_idle: Callable[..., None],
) -> None:
    scratch(["from helpers import pacing_lab\n\npacing_lab()", "print('another', 'cell')"])

    panel = page.locator(LAB)
    run, stop = panel.get_by_role("button", name="Run"), panel.get_by_role("button", name="Stop")
    status = panel.locator("[role=status]")
    panel.locator("img.widget-image").wait_for()
    page.evaluate(WATCH_PICTURE)

    # One worker and 1,024 requests: a run that is still going when the test presses Stop.
    workers, latency, requests = (panel.locator(".widget-slider").nth(i) for i in range(3))
    workers.locator(".noUi-handle").press("Home")
    requests.locator(".noUi-handle").press("End")
    panel.get_by_text("1 worker / 0.05 s = 20 requests/s, so 1024 requests take 51.2 s").wait_for()
    assert number_of_pictures(page) == 1
    run.click()
    page.wait_for_function(
        "() => document.querySelector('.pool-timeline').timeline.live"
        " && document.querySelector('.pool-timeline').timeline.stores[0].count === 1024"
    )
    assert run.is_disabled() and stop.is_enabled()

    # The kernel is free while the lab runs.
    page.locator(".jp-CodeCell").nth(1).click()
    page.keyboard.press("Shift+Enter")
    wait_idle(page)
    assert stop.is_enabled()

    stop.click()
    status.filter(has_text="Stopped after").wait_for()
    assert "1 worker, 50 ms: predicted 20 requests/s, measured" in status.inner_text()
    after_first = number_of_pictures(page)

    # A whole run: its dot joins the first one's.
    workers.locator(".noUi-handle").press("End")
    latency.locator(".noUi-handle").press("Home")
    panel.get_by_text("the server's 32 places / 0.02 s = 1,600 requests/s").wait_for()
    run.click()
    status.filter(has_text="64 workers, 20 ms: predicted 1,600 requests/s").wait_for()
    panel.get_by_text("1024 of 1024 answers").wait_for()
    page.wait_for_function(f"() => window.pictures.length > {after_first}")
    assert run.is_enabled() and stop.is_disabled()
    assert panel.locator("[role=alert]").count() == 0
