"""Predict, then see: a question with a place for a guess, and later what happened beside it.

    guess = predict("Eight waits of 0.2 s on three workers: how long?", unit="s")
    ...
    guess.reveal(run.wall, why="Three rounds of 0.2 s: 3 + 3 + 2 tasks.")
    ...
    recap()

A guess is kept (`helpers.memory`). Nothing needs one: without a guess `reveal` shows what happened.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from helpers import memory
from helpers._common import count, instance, number, one_of, shown


def read(text: str, unit: str) -> float | None:
    """The number in `text`, with or without the unit; None if nothing was typed, ValueError for anything else."""
    text = text.strip()
    if unit:
        text = text.removesuffix(unit).strip()
    if not text:
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def written(value: float, unit: str) -> str:
    """0.6 s, 1 thread, 1,200 pages."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if value == 1 and len(unit) > 3:
        unit = unit.removesuffix("s")  # one thread of "threads"
    return f"{text} {unit}".rstrip()


def distance(guess: float, actual: float, unit: str) -> str:
    """How far `guess` is from `actual`, in words."""
    if math.isclose(guess, actual, rel_tol=0.005):
        return "exact" if guess == actual else "less than 1 % away"
    way = "high" if guess > actual else "low"
    if guess <= 0 or actual <= 0:
        return f"{written(abs(guess - actual), unit)} too {way}"
    ratio = max(guess / actual, actual / guess)
    return f"{100 * abs(guess / actual - 1):.0f} % too {way}" if ratio < 2 else f"{ratio:.2g} times too {way}"


_asked: dict[str, Prediction] = {}


class Prediction:
    """A question, the guess (None until one is made) and, after `reveal`, the fact. Made by `predict`."""

    def __init__(self, question: str, unit: str, choices: tuple[str, ...]) -> None:
        self.question, self.unit, self.choices = question, unit, choices
        self.guess: float | str | None = None
        self.actual: float | str | None = None
        self._within = 0.0
        self._noted = widgets.HTML()
        wide = {"style": {"description_width": "initial"}, "layout": widgets.Layout(width="max-content")}
        if choices:
            self.answer: Any = widgets.RadioButtons(options=choices, value=None, description="Your guess:", **wide)
        else:
            self.answer = widgets.Text(placeholder="a number, then Enter", continuous_update=False,
                                       description=f"Your guess{f' ({unit})' if unit else ''}:", **wide)  # fmt: skip
        self._restore()
        self.answer.observe(self._note, "value")
        ask = widgets.HTML(f"<div style='line-height: 1.4'><b>Predict.</b> {html.escape(question)}</div>")
        self._panel = widgets.VBox([ask, widgets.HBox([self.answer, self._noted])])

    def _restore(self) -> None:
        """The guess of an earlier kernel, where it still is an answer to this question."""
        facts = memory.recall()["guesses"].get(self.question, {})
        guess = facts.get("guess") if facts.get("unit") == self.unit else None
        if isinstance(guess, str) and guess in self.choices:
            self.guess = self.answer.value = guess
        elif not self.choices and isinstance(guess, float):
            self.guess, self.answer.value = guess, f"{guess:g}"

    @property
    def held(self) -> bool | None:
        """Whether the guess was right; None without a guess or before `reveal`."""
        if self.guess is None or self.actual is None:
            return None
        if isinstance(self.guess, str) or isinstance(self.actual, str):
            return self.guess == self.actual
        return abs(self.guess - self.actual) <= (self._within + 1e-9) * abs(self.actual)  # 1.1 for 1.0 is within 0.1

    def reveal(self, actual: float | str, why: str = "", within: float = 0.25) -> None:
        """Show the guess, what happened (`actual`), and `why` in a line.

        A guessed number is right within the fraction `within` of the fact: 0.25 is 25 %, 0 is exactly. Raises
        TypeError or ValueError for an `actual` that can't answer the question.
        """
        if self.choices:
            instance("actual", actual, str, f"one of the choices {', '.join(map(repr, self.choices))}")
            one_of("actual", actual, self.choices)
        else:
            finite = isinstance(actual, Real) and not isinstance(actual, bool) and math.isfinite(actual)
            if not finite:
                kind = ValueError if isinstance(actual, Real) and not isinstance(actual, bool) else TypeError
                raise kind(f"actual must be a finite number, as the question asks for one, not {shown(actual)}")
            actual = float(actual)
        instance("why", why, str, "a line of text")
        self._within = number("within", within, most=10)
        self.actual = actual
        if self.guess is not None:
            memory.keep("guesses", self.question, guess=self.guess, unit=self.unit, held=self.held)
        lines = [("What happened", self._text(actual))]
        if self.guess is not None:
            lines = [("Your guess", self._text(self.guess)), *lines, (self._verdict(), "")]
        if why:
            lines.append((why, ""))
        _show(lines)

    def _verdict(self) -> str:
        """Whether the guess held, and by how much it was off, with a sign in front that needs no color."""
        mark = "✓ The guess held" if self.held else "✗ The guess was off"
        if not isinstance(self.guess, float) or not isinstance(self.actual, float):
            return f"{mark}."
        right = f"right within {100 * self._within:.3g} %" if self._within else "right if exact"
        return f"{mark}: {distance(self.guess, self.actual, self.unit)} ({right})."

    def _text(self, value: float | str) -> str:
        return value if isinstance(value, str) else written(value, self.unit)

    def _note(self, change: dict[str, Any]) -> None:
        text = change["new"]
        try:
            self.guess = text if self.choices else read(text or "", self.unit)
            said = "" if self.guess is None else f"Noted: {self._text(self.guess)}"
            memory.keep("guesses", self.question, guess=self.guess, unit=self.unit, held=None)
        except ValueError:
            self.guess = None
            said = f"{text!r} is not a number. Write it like 0.6 or 120."
        self._noted.value = f"<span role='status' style='margin-left: 1em'>{html.escape(said)}</span>"

    def _show_panel(self) -> None:
        form = [f"  ( ) {choice}" for choice in self.choices] or [f"  your guess: ____ {self.unit}".rstrip()]
        text = "\n".join([f"Predict. {self.question}", *form])
        display((self._panel._repr_mimebundle_() or {}) | {"text/plain": text}, raw=True)

    def __repr__(self) -> str:
        return f"<Prediction: {self.question}>"


def predict(question: str, unit: str = "", choices: Sequence[str] | None = None) -> Prediction:
    """Ask for a guess, a number (in `unit`) or one of `choices`, and show the panel that takes it.

    Asked again in the same words, the guess made before is kept. TypeError or ValueError, naming the argument, for an
    empty question or choices that are not at least two different texts.
    """
    instance("question", question, str, "a text that asks something")
    if not question.strip():
        raise ValueError("question must be a text that asks something; it is empty")
    instance("unit", unit, str, 'a text such as "s"')
    options: tuple[str, ...] = ()
    if choices is not None:
        expected = "a list of two or more different texts"
        listed = isinstance(choices, Sequence) and not isinstance(choices, str)
        if not listed or not all(isinstance(option, str) for option in choices):
            raise TypeError(f"choices must be {expected}, not {shown(choices)}")
        options = tuple(choices)
        if len(options) < 2 or len(set(options)) < len(options) or not all(map(str.strip, options)):
            raise ValueError(f"choices must be {expected}, not {shown(choices)}")
        if unit:
            raise ValueError("unit must be left out where choices are given: it belongs to a number")
    before = _asked.get(question)
    if before is None or (before.unit, before.choices) != (unit, options):
        before = _asked[question] = Prediction(question, unit, options)
    before._show_panel()
    return before


def recap() -> None:
    """Show how many guesses held, and each revealed question with its guess."""
    revealed = [one for one in _asked.values() if one.actual is not None]
    guessed = [one for one in revealed if one.guess is not None]
    held = sum(one.held is True for one in guessed)
    asked = f"{count(len(revealed), 'question')}, no guess made"
    head = f"{held} of {len(guessed)} guess{'es' * (len(guessed) != 1)} held" if guessed else asked
    lines = [(head + ".", "")]
    for one in revealed:
        if one.guess is None or one.actual is None:
            lines.append(("– no guess", one.question))
        else:
            facts = f"guessed {one._text(one.guess)}, it was {one._text(one.actual)}"
            lines.append(("✓ held" if one.held else "✗ was off", f"{one.question} ({facts})"))
    _show(lines)


def _show(lines: Sequence[tuple[str, str]]) -> None:
    """Lines of a word and what it says, as HTML and as text for where no HTML is shown."""
    text = "\n".join(f"{word}: {said}" if said else word for word, said in lines)
    parts = (f"<b>{html.escape(word)}</b>: {html.escape(said)}" if said else html.escape(word) for word, said in lines)
    style = "border-left: 4px solid #8A8A8A; padding: 2px 0 2px 12px; line-height: 1.6"
    display({"text/plain": text, "text/html": f"<div style='{style}'>{'<br>'.join(parts)}</div>"}, raw=True)
