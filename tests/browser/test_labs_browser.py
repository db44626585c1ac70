"""The labs as a reader drives them, in lesson 01 and on a scratch notebook: sliders, Run, Stop, pictures, words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
PROJECT = Path(__file__).resolve().parents[2]
LABS = ["pool", "order", "future", "callback", "loop"]
# Keeps the address of every picture that the panel shows, with whether Stop could be pressed at that moment.
WATCH_PICTURES = """panel => {
    const image = panel.querySelector('img.widget-image');
    const stop = [...panel.querySelectorAll('button')].find(b => b.innerText.trim() === 'Stop');
    window.pictures = [{src: image.src, running: false, height: image.offsetHeight}];
    new MutationObserver(() => {
        const running = stop && !stop.disabled;
        if (image.src !== window.pictures.at(-1).src)
            window.pictures.push({src: image.src, running, height: image.offsetHeight});
    }).observe(image, {attributes: true, attributeFilter: ['src']});
}"""
# The elements of a panel whose text is cut off or that are wider than the page.
CUT_OFF = """panel => [...panel.querySelectorAll('button, .widget-label, .widget-html-content, .widget-hbox, img')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right
                 > panel.getBoundingClientRect().right + 1)
    .map(e => `${e.tagName}.${e.className}: ${e.innerText}`)"""
# Notes of each frame of the panel's timeline whether the run goes on, how many tasks it shows, and the panel's height.
WATCH_FRAMES = """panel => {
    const view = panel.querySelector('.pool-timeline').timeline, bare = view.frame.bind(view);
    window.frames = [];
    view.frame = (time) => {
        bare(time);
        window.frames.push({running: view.live, tasks: view.stores.reduce((n, s) => n + s.count, 0),
                            epochs: view.epochs, height: view.stage.offsetHeight});
    };
}"""


def cell_of(name: str) -> str:
    return f"from helpers import {name}_lab\n\n{name}_lab()"


def cells_of_lesson(number: str, name: str) -> list[str]:
    """A lesson's first cell, and the one that makes the lab; all of its cells run in tests/notebooks."""
    [path] = (PROJECT / "notebooks").glob(f"{number}-*.ipynb")
    first, *others = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    return [first, next(source for source in others if f"{name}_lab(" in source)]


def panel_of(page: Any, title: str) -> Any:
    panel = page.locator(".jp-OutputArea-output", has_text=re.compile(rf"^\s*{title}")).filter(
        has=page.locator("img, .pool-timeline")
    )
    expect(panel).to_be_visible()  # the text that stands here until the widget is drawn would be waited for in vain
    panel.evaluate("panel => panel.scrollIntoView({block: 'nearest'})")
    return panel


def button(panel: Any, name: str) -> Any:
    return panel.get_by_role("button", name=re.compile(rf"{name}$"))  # an icon counts as a letter before the name


def press(panel: Any, name: str) -> None:
    button(panel, name).click()


def set_slider(panel: Any, number: int, *keys: str) -> None:
    for key in keys:
        panel.locator(".widget-slider").nth(number).locator(".noUi-handle").press(key)


def run_cell(page: Any, number: int, wait_idle: Callable[..., None]) -> None:
    page.locator(".jp-CodeCell").nth(number).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    wait_idle(page)


def frames(page: Any) -> list[dict[str, Any]]:
    return page.evaluate("() => window.frames")


def wait_for_frames(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => {{ const all = window.frames; return {condition}; }}")


def pictures(page: Any) -> list[dict[str, Any]]:
    return page.evaluate("() => window.pictures")


def wait_for_pictures(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => {{ const all = window.pictures; return {condition}; }}")


def test_the_lab_of_lesson_01_draws_while_it_runs_and_after(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch(cells_of_lesson("01", "pool"))
    panel = panel_of(page, "Pool lab")
    words = panel.locator(".words")
    expect(words).to_contain_text(re.compile(r"^at 0\.\d+ s: worker 0 "))  # its first run
    set_slider(panel, 0, "End")
    expect(panel.locator(".widget-readout").nth(0)).to_have_text("64")
    panel.evaluate(WATCH_FRAMES)

    press(panel, "Run")
    wait_for_frames(page, "all.filter(f => f.running).length >= 20")
    expect(panel.get_by_role("status")).to_contain_text(re.compile(r"of 4 workers ran 64 tasks in \d+\.\d\d s"))
    expect(panel).to_contain_text("64 of 64 tasks done")
    wait_for_frames(page, "!all.at(-1).running && all.at(-1).tasks === 64")
    expect(words).to_contain_text("wait in the queue")
    shown = [one for one in frames(page) if one["tasks"] == 64]
    assert len({one["height"] for one in shown}) == 1, "the page jumps"
    assert panel.get_by_role("alert").count() == 0


def test_the_pool_lab_stops_and_leaves_the_kernel_free(
    page: Any, scratch: Callable[[list[str]], Path], wait_idle: Callable[..., None]
) -> None:
    names = "import threading\nsorted(t.name for t in threading.enumerate() if 'ool' in t.name or 'live' in t.name)"
    scratch([cell_of("pool"), names])
    panel = panel_of(page, "Pool lab")
    set_slider(panel, 0, "End")
    set_slider(panel, 1, "Home")
    panel.evaluate(WATCH_FRAMES)
    press(panel, "Run")
    wait_for_frames(page, "all.filter(f => f.running).length >= 2")
    expect(button(panel, "Run")).to_be_disabled()

    run_cell(page, 1, wait_idle)
    output = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
    expect(output).to_have_text(re.compile(r"\['Pool lab', 'ThreadPoolExecutor-\d+_0', 'live timeline'\]"))

    press(panel, "Stop")
    expect(panel.get_by_role("status")).to_contain_text("Stopped after")
    expect(button(panel, "Run")).to_be_enabled()
    run_cell(page, 1, wait_idle)
    expect(output).to_have_text("[]")

    button(panel, "Run").press("Enter")
    expect(button(panel, "Stop")).to_be_enabled()
    run_cell(page, 0, wait_idle)  # the cell again, during a run: a new panel, and nothing of the old one
    panel = panel_of(page, "Pool lab")
    expect(panel).to_have_count(1)
    expect(panel.locator(".widget-readout").nth(0)).to_have_text("20")
    run_cell(page, 1, wait_idle)
    expect(output).to_have_text("[]")


def test_the_order_lab_compares_three_ways(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch([cell_of("order")])
    panel = panel_of(page, "Order lab")
    set_slider(panel, 0, "End")
    set_slider(panel, 1, "Home", "ArrowRight")
    panel.evaluate(WATCH_FRAMES)
    press(panel, "Run")
    wait_for_frames(page, "all.filter(f => f.running).length >= 10")
    for way in ("map", "as_completed", "wait"):
        expect(panel.get_by_role("status")).to_contain_text(f"{way}: first result seen at ")
    expect(panel).to_contain_text("36 of 36 results seen")
    wait_for_frames(page, "!all.at(-1).running && all.at(-1).tasks === 36")
    for way in ("map", "as_completed", "wait(FIRST_COMPLETED)"):
        expect(panel.locator(".words")).to_contain_text(f"{way}: at ")


def test_the_loop_lab_shows_the_heart_beside_the_calls(
    page: Any, scratch: Callable[[list[str]], Path], wait_idle: Callable[..., None]
) -> None:
    scratch([cell_of("loop"), "print('another', 'cell')"])
    panel = panel_of(page, "Event loop lab")
    status, store = panel.get_by_role("status"), "document.querySelector('.pool-timeline').timeline.stores[0]"
    expect(status).to_contain_text("A first run. 2 calls, in the loop: ")
    assert page.evaluate(f"() => {store}.marks.every((mark) => mark.text === '♥')")
    set_slider(panel, 0, "End")
    panel.get_by_label("a pool of k").check()
    expect(panel).to_contain_text("await loop.run_in_executor(ThreadPoolExecutor(k), fetch, url)")
    set_slider(panel, 1, "Home")  # which the first way has no use for
    panel.evaluate(WATCH_FRAMES)
    press(panel, "Run")
    wait_for_frames(page, "all.filter(f => f.running && f.tasks === 40).length >= 5")
    page.wait_for_function(f"() => {store}.marks.length >= 5")
    expect(button(panel, "Run")).to_be_disabled()
    run_cell(page, 1, wait_idle)  # the kernel is free meanwhile
    press(panel, "Stop")
    expect(status).to_contain_text(re.compile(r"^Stopped after \d+ of 40 calls. 40 calls, a pool of 1: "))
    expect(status).to_contain_text("Threads beside the loop's own: 1. Calls handed over and not done: at most 40; ")
    expect(button(panel, "Run")).to_be_enabled()
    assert panel.get_by_role("alert").count() == 0


def test_a_future_driven_by_hand(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch([cell_of("future")])
    panel = panel_of(page, "Future lab")
    status, image = panel.get_by_role("status"), panel.locator("img")

    def row(method: str) -> Any:
        return panel.get_by_role("row").filter(has_text=method)

    def expect_state(state: str) -> None:
        expect(image).to_have_attribute("title", re.compile(rf"the Future is {state}\.$"))

    expect(button(panel, "Start")).to_be_disabled()
    heights = [panel.bounding_box()["height"]]
    press(panel, "Submit")
    expect_state("PENDING")
    expect(row("result(timeout=0)")).to_contain_text("raises TimeoutError")
    expect(row("cancel()")).to_contain_text("True")
    heights.append(panel.bounding_box()["height"])
    press(panel, "Start")
    expect_state("RUNNING")
    expect(row("running()")).to_contain_text("True ←")
    press(panel, "Cancel")
    expect(status).to_have_text("future.cancel() returned False.")
    press(panel, "Fail")
    expect_state("FINISHED")
    expect(row("exception(timeout=0)")).to_contain_text("ValueError('disk full') ←")
    heights.append(panel.bounding_box()["height"])
    press(panel, "Submit")
    expect_state("PENDING")
    press(panel, "Cancel")
    expect_state("CANCELLED")
    expect(row("result(timeout=0)")).to_contain_text("raises CancelledError")
    press(panel, "Start")
    expect_state("CANCELLED_AND_NOTIFIED")
    press(panel, "Submit")
    press(panel, "Start")
    press(panel, "Finish")
    expect(row("result(timeout=0)")).to_contain_text("42")
    assert max(heights) - min(heights) <= 2, f"the page jumps: {heights}"
    assert panel.get_by_role("alert").count() == 0


def test_who_runs_a_callback(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    scratch([cell_of("callback")])
    panel = panel_of(page, "Callback lab")
    panel.evaluate(WATCH_PICTURES)
    add, status = panel.get_by_role("button", name="Add a callback"), panel.get_by_role("status")
    add.nth(0).click()
    expect(status).to_have_text("Callback a is kept: whoever ends the Future will run it.")
    add.nth(1).click()
    expect(status).to_contain_text("Callback b ran at once, in the thread that added it: ")
    add.nth(2).click()
    expect(status).to_contain_text("Callback c ran at once")
    press(panel, "Let it run")
    expect(status).to_contain_text("ran in worker_0, in this order: a.")
    rows = panel.get_by_role("row")
    expect(rows).to_have_text([
        re.compile("callback.*ran in"), re.compile("b.*finished.*your clicks"),
        re.compile("c.*cancelled.*your clicks"), re.compile("a.*pending.*worker_0.*as the task ended"),
    ])  # fmt: skip
    wait_for_pictures(page, "all.length >= 5")
    press(panel, "Start again")
    expect(status).to_have_text("No callback yet.")
    add.nth(0).click()
    press(panel, "Cancel it")
    expect(status).to_contain_text("cancel() returned True. Its Future's callbacks ran in ")
    assert panel.get_by_role("alert").count() == 0


def test_nothing_is_cut_off_on_a_narrow_page(page: Any, scratch: Callable[[list[str]], Path]) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    scratch([cell_of(name) for name in LABS])
    for title in ("Pool lab", "Order lab", "Future lab", "Callback lab", "Event loop lab"):
        panel = panel_of(page, title)
        still = panel.locator("img:not(.keys img)")
        if still.count():
            expect(still).to_have_attribute("title", re.compile("."))
        else:
            expect(panel.locator(".words")).not_to_be_empty()
        assert panel.evaluate(CUT_OFF) == [], title
