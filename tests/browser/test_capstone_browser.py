"""The capstone as a reader meets it: a verdict on the article's program and on a mended one, and links that arrive."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exercises.engine.problem import solution_source
from exercises.learner import exercise

pytestmark = pytest.mark.browser
LINKS = {
    "the callback has run": "Don't wait for it with result()",
    "a worker's print goes to its own cell": "Find a worker's print",
    "in the submit loop": "Time the article's loop",
}
HAS_HEADING = """heading => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) h2')]
    .some(one => one.innerText.startsWith(heading))"""
BACK = """() => {
    const { shell } = window.jupyterapp;
    shell.activateById([...shell.widgets('main')].find(one => one.title.label.startsWith('11')).id);
}"""
IN_VIEW = """heading => {
    const found = [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) h2')]
        .find(one => one.innerText.startsWith(heading));
    if (!found) return false;
    const {top, bottom} = found.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
}"""


def test_the_check_speaks_of_each_fault(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    start = "import article_program\nfrom exercises import exercise\n\n"
    cells = [
        start + 'exercise("11-mend").check(article_program.count_words)',
        solution_source(exercise("11-mend").file) + '\n\n\nexercise("11-mend").check(count_words)',
    ]
    scratch(cells)

    broken, mended = (page.locator(".jp-CodeCell").nth(n).locator(".jp-OutputArea") for n in range(2))
    assert "11-mend: not yet" in broken.inner_text()
    assert [broken.get_by_text(mark, exact=True).count() for mark in "✗✓"] == [6, 1]
    assert "raised" in (broken.locator("img").get_attribute("alt") or "")
    assert "11-mend: passed" in mended.inner_text()
    assert [mended.get_by_text(mark, exact=True).count() for mark in "✗✓"] == [0, 8]
    assert mended.locator("img").count() == 0


def test_a_link_of_the_index_arrives_at_its_section(
    page: Any, lab_server: Callable[..., Any], open_notebook: Callable[..., None]
) -> None:
    open_notebook(page, lab_server(), "notebooks/11-mend-the-article.ipynb")
    for believed, heading in LINKS.items():
        link = page.locator("tr", has=page.get_by_text(re.compile(re.escape(believed)))).get_by_role("link").first
        # JupyterLab opens a notebook at its top; in one that is open it goes to the heading.
        link.click()
        page.wait_for_function(HAS_HEADING, arg=heading)
        page.evaluate(BACK)
        link.click()
        page.wait_for_function(IN_VIEW, arg=heading)
        page.evaluate(BACK)
