"""The timeline under fingers: one drags the cursor or scrolls the page, two zoom. Chromium makes the touches itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from live_page import open_live
from playwright.sync_api import expect
from test_live_browser import eventful, everything, steady

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
Points = list[tuple[float, float]]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a screen that is touched."""
    touched = browser.contexts[1:] or [browser.new_context(viewport={"width": 1000, "height": 700}, has_touch=True)]
    page = touched[0].new_page()
    yield page
    page.close()


class Fingers:
    """One or two fingers on the picture; a place is (ns, number of the lane)."""

    def __init__(self, page: Any) -> None:
        self.page, self.devtools = page, page.context.new_cdp_session(page)

    def place(self, ns: float, lane: int) -> tuple[float, float]:
        return tuple(self.page.evaluate("""([ns, lane]) => {
            const box = view.stage.getBoundingClientRect();
            return [box.left + view.x(ns), box.top + view.allLanes()[lane].middle];
        }""", [ns, lane]))  # fmt: skip

    def touch(self, kind: str, points: Points) -> None:
        named = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        self.devtools.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": named})

    def move(self, start: Points, end: Points, steps: int = 10) -> None:
        """Fingers come down one after the other at `start`, go to `end` and are lifted."""
        for n in range(len(start)):
            self.touch("Start", start[: n + 1])
        for step in range(1, steps + 1):
            part = step / steps
            self.touch("Move", [
                (a + part * (c - a), b + part * (d - b)) for (a, b), (c, d) in zip(start, end, strict=True)
            ])  # fmt: skip
        self.touch("End", [])


@pytest.fixture
def fingers(page: Any) -> Fingers:
    open_live(page, everything(eventful()))
    page.evaluate("document.body.style.minHeight = '3000px'; view.place(620e6)")
    return Fingers(page)


def test_one_finger_drags_the_cursor(page: Any, fingers: Fingers) -> None:
    (x, y), (end, _) = fingers.place(100e6, 2), fingers.place(550e6, 2)
    fingers.move([(x, y)], [(end, y + 5)])
    expect(page.locator(".words")).to_contain_text("at 0.55 s: ")
    assert page.evaluate("[view.whole, scrollY]") == [True, 0]


def test_one_finger_drags_where_the_lanes_scroll(page: Any) -> None:
    open_live(page, everything(steady(128, 64)))
    page.evaluate("""() => {
        window.seen = [];
        for (const name of ['pointerdown', 'pointercancel', 'pointerup', 'pointerleave'])
            view.stage.addEventListener(name, (event) => seen.push(event.type + ' ' + event.pointerType));
    }""")
    fingers = Fingers(page)
    fingers.move([fingers.place(20e6, 12)], [fingers.place(150e6, 12)])
    expect(page.locator(".words")).to_contain_text("at 0.150 s: ")
    assert page.evaluate("seen") == ["pointerdown touch", "pointerup touch", "pointerleave touch"]


def test_a_tap_names_the_task_and_the_name_stays(page: Any, fingers: Fingers) -> None:
    page.touchscreen.tap(*fingers.place(100e6, 2))
    expect(page.locator(".tip")).to_be_visible()
    expect(page.locator(".tip")).to_contain_text("task 0: load0")
    expect(page.locator(".words")).to_contain_text("at 0.10 s: ")
    page.touchscreen.tap(*fingers.place(930e6, 3))
    expect(page.locator(".tip")).to_be_hidden()


def test_two_fingers_zoom_and_leave_the_cursor(page: Any, fingers: Fingers) -> None:
    start = [fingers.place(200e6, 2), fingers.place(400e6, 2)]
    end = [fingers.place(100e6, 2), fingers.place(500e6, 2)]
    fingers.move(start, end)
    at = "([x]) => view.at(x - view.stage.getBoundingClientRect().left)"
    assert not page.evaluate("view.whole")
    # What was under a finger is still there.
    assert page.evaluate(at, end[0]) == pytest.approx(200e6, abs=5e6)
    assert page.evaluate(at, end[1]) == pytest.approx(400e6, abs=5e6)
    assert page.evaluate("view.cursor") == 620e6
    zoomed = page.evaluate("view.until - view.from")
    fingers.move(end, start)
    assert page.evaluate("view.until - view.from") > 1.5 * zoomed


def test_a_swipe_up_scrolls_the_page_and_leaves_the_cursor(page: Any, fingers: Fingers) -> None:
    x, y = fingers.place(700e6, 3)
    fingers.move([(x, y)], [(x + 3, y - 120)], steps=20)
    page.wait_for_function("() => scrollY > 50")
    assert page.evaluate("view.cursor") == 620e6
    assert page.evaluate("view.fingers.size") == 0
