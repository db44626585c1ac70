"""How things are called in a sentence: a number of them, a function."""

from __future__ import annotations

from typing import Any


def count(number: int, thing: str) -> str:
    """`count(1, "task")` is "1 task", `count(4, "task")` "4 tasks"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def name_of(fn: Any) -> str:
    """The name of a function, also of a partial's; of what has none, its class's."""
    return getattr(getattr(fn, "func", fn), "__name__", None) or type(fn).__name__
