"""Predict, run, compare, as a reader does: with and without a guess, with the keyboard, and in a saved notebook."""

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
HOW_LONG = "Eight waits of 0.2 s on three workers: how long?"
WHO = "Which thread runs a callback that is added late?"
CELLS = [
    f'from helpers import predict, recap\n\nlong = predict("{HOW_LONG}", unit="s")',
    f'who = predict("{WHO}", choices=["the worker", "the thread that adds it"])',
    'long.reveal(0.61, why="Three rounds.")',
    'who.reveal("the thread that adds it")',
    "recap()",
]
SAVE = """() => {
    window.saved = false;
    window.jupyterapp.commands.execute('docmanager:save').finally(() => { window.saved = true; });
}"""


def test_predict_then_reveal(
    page: Any,
    scratch: Callable[[list[str]], Path],
    wait_idle: Callable[..., None],
) -> None:
    file = scratch(CELLS)
    cells = page.locator(".jp-CodeCell")

    def output(number: int) -> Any:
        return cells.nth(number).locator(".jp-OutputArea")

    def run(number: int) -> None:
        cells.nth(number).locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
        wait_idle(page)

    expect(output(0)).to_contain_text(f"Predict. {HOW_LONG}")
    expect(output(2)).to_have_text(re.compile(r"^\s*What happened: 0\.61 s\s*Three rounds\.\s*$"))
    expect(output(4)).to_contain_text("2 questions, no guess made.")

    # Guess after Run All, with the keyboard, and run the cells of the answers again.
    guess = output(0).get_by_label("Your guess (s):")
    guess.focus()
    page.keyboard.type("soon")
    page.keyboard.press("Enter")
    expect(output(0).get_by_role("status")).to_have_text("'soon' is not a number. Write it like 0.6 or 120.")
    guess.fill("0.6")
    page.keyboard.press("Enter")
    expect(output(0).get_by_role("status")).to_have_text("Noted: 0.6 s")
    choice = output(1).get_by_label("the worker", exact=True)
    choice.focus()
    page.keyboard.press("Space")
    expect(output(1).get_by_role("status")).to_have_text("Noted: the worker")

    run(0)  # asking again keeps the guess
    expect(output(0).get_by_label("Your guess (s):")).to_have_value("0.6")
    expect(output(0).get_by_role("status")).to_have_text("Noted: 0.6 s")
    for number in (2, 3, 4):
        run(number)
    expect(output(2)).to_contain_text("✓ The guess held: 2 % too low (right within 25 %).")
    expect(output(3)).to_contain_text("✗ The guess was off.")
    expect(output(4)).to_contain_text("1 of 2 guesses held.")

    page.evaluate(SAVE)
    page.wait_for_function("() => window.saved")
    saved = nbformat.read(file, as_version=4).cells
    assert saved[0].outputs[0].data["text/plain"] == f"Predict. {HOW_LONG}\n  your guess: ____ s"
    assert saved[1].outputs[0].data["text/plain"] == f"Predict. {WHO}\n  ( ) the worker\n  ( ) the thread that adds it"
    assert saved[4].outputs[0].data["text/plain"].startswith("1 of 2 guesses held.\n✓ held: ")
