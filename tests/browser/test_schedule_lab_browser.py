"""The schedule lab in lesson 05, driven by its buttons: an update lost by hand, every order, and one of them shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from test_labs_browser import cells_of_lesson, panel_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)


def test_an_update_is_lost_by_hand_and_every_order_is_tried(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch(cells_of_lesson("05", "schedule"))
    panel = panel_of(page, "Schedule lab")
    status, image = panel.get_by_role("status"), panel.locator("img")

    def press(name: str) -> None:
        panel.get_by_role("button", name=re.compile(name)).click()

    press("Start again")
    expect(status).to_have_text("Nothing has run.")
    for name in "ABA":
        press(f"Run {name} to its next line")
        expect(status).to_contain_text(f"Thread {name} ran: ")
    press("Run B to its next line")
    expect(status).to_contain_text("Both have ended: {'balance': 1}.")
    expect(image).to_have_attribute("title", re.compile(r"thread A ran .* thread B ran shared"))
    expect(panel.get_by_role("button", name=re.compile("Run A"))).to_be_disabled()

    press("Try every order")
    expect(status).to_contain_text("6 orders of 2 + 2 lines, all tried.")
    expect(status).to_contain_text("4 of 6 end with {'balance': 1}; 2 of 6 end with {'balance': 2}.")
    panel.get_by_role("combobox").select_option(label="BBAA → {'balance': 2}")
    expect(image).to_have_attribute("title", re.compile(r"then the data was \{'balance': 2\}\.$"))
    assert panel.get_by_role("alert").count() == 0
