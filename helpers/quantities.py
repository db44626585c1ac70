"""Numbers with a unit, as a learner types them and as an answer says them."""

from __future__ import annotations

import math


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
