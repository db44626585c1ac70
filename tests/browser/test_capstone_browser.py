"""The capstone's index of what is believed: a link of it arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser
BELIEVED, HEADING = "the callback has run", "Don't wait for it with result()"
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


def test_a_link_of_the_index_arrives_at_its_section(page: Any, lab: Any, open_notebook: Callable[..., None]) -> None:
    open_notebook(page, lab, "notebooks/11-mend-the-article.ipynb")
    link = page.locator("tr", has=page.get_by_text(re.compile(BELIEVED))).get_by_role("link").first
    # JupyterLab opens a notebook at its top; in one that is open it goes to the heading.
    link.click()
    page.wait_for_function(HAS_HEADING, arg=HEADING)
    page.evaluate(BACK)
    link.click()
    page.wait_for_function(IN_VIEW, arg=HEADING)
