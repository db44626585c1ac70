"""An exercise as a learner meets it: not started, a wrong answer, a hint, passed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
CELLS = [
    "from exercises import exercise\n\n\ndef one_wait(waits):\n    raise NotImplementedError",
    'exercise("00-one-wait").check(one_wait)',
    'exercise("00-one-wait").hint()',
]
ANSWER = """import concurrent.futures


def one_wait(waits):
    with concurrent.futures.ThreadPoolExecutor({workers}) as pool:
        return list(pool.map(lambda wait: wait(), waits))
"""


def test_from_not_started_to_passed(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch(CELLS)
    cells = page.locator(".jp-CodeCell")
    verdict = cells.nth(1).locator(".jp-OutputArea-output").last
    verdict.get_by_text("00-one-wait: not started").wait_for()

    def answer(code: str) -> None:
        """Write `code` over the first cell, run it and the check."""
        cells.first.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")

    answer(ANSWER.format(workers=1))
    verdict.get_by_text("Of 8 waits, at most 1 went on at the same time.").wait_for()
    assert "✗" in verdict.inner_text()
    assert verdict.locator("img").get_attribute("alt").startswith("Timeline of What your code did: 8 tasks; ")
    page.keyboard.press("Shift+Enter")
    cells.nth(2).get_by_text("How many waits can go on at once").first.wait_for()

    answer(ANSWER.format(workers="len(waits)"))
    verdict.get_by_text("00-one-wait: passed").wait_for()
    assert "✗" not in verdict.inner_text() and verdict.locator("img").count() == 0
