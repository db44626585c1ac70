"""Compare what an answer gives with what is right, by type and value, and say how they differ.

What is given is never asked what it is equal to.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from typing import Any

from helpers._common import count, shown


class Alike:
    """Objects that are equal, and not the same."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return f"<equal object {self.number}>"


def error_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error!s:.100}" if str(error) else type(error).__name__


def unlike(given: Any, right: Any) -> str | None:
    """None if they have the same type and value, else `given, not right`. `given` is not asked what it is equal to."""
    told = f"{shown(given)}, not {shown(right)}"
    if isinstance(right, Future) and isinstance(given, Future):
        return unlike(_settled(given), _settled(right))
    if isinstance(right, bool | BaseException | None):
        same = given is right or getattr(given, "args", 0) == getattr(right, "args", 1)
        loops = type(given) is asyncio.CancelledError and type(right) is CancelledError  # asyncio turns it into its own
        return None if (type(given) is type(right) or loops) and same else told
    if not isinstance(given, type(right)) or isinstance(given, bool):
        kind = f"{shown(given, 40)} of type {_kind(given)}, not {shown(right, 40)} of type {_kind(right)}"
        return kind if shown(given) == shown(right) or hasattr(right, "__len__") else told
    if isinstance(right, list | tuple):
        items = list(tuple.__iter__(given) if isinstance(right, tuple) else list.__iter__(given))
        if len(items) != len(right):
            return told if "…" not in told else f"{count(len(items), 'value')}, not {len(right)}: {shown(given)}"
        for n, pair in enumerate(zip(items, right, strict=True)):
            if what := unlike(*pair):
                return told if shown(given) != shown(right) and len(right) < 10 else f"as number {n + 1}, {what}"
        return None
    if isinstance(right, dict):
        pairs = list(dict.items(given))
        found = [next((p for p in pairs if not unlike(p[0], key)), None) for key in right]
        if len(pairs) != len(right) or None in found:
            return told
        whats = (unlike(pair[1], value) for pair, value in zip(found, right.values(), strict=True) if pair)
        what = next(filter(None, whats), None)
        return what and (told if shown(given) != shown(right) else f"as one value {what}")
    if isinstance(right, Alike):
        return None if given.number == right.number else told
    if isinstance(right, float) and math.isnan(right):
        return None if math.isnan(given) else told
    equal: Any = type(right).__eq__
    return None if equal(right, given) is True else told


def remade(given: Any, right: Any, own: Iterable[BaseException]) -> BaseException | None:
    """An exception in `given` that is a copy of the one of `own` in its place in `right`; they are alike otherwise."""
    if isinstance(right, BaseException):  # asyncio makes these two again
        made = type(given) is type(right) not in (CancelledError, TimeoutError) and given is not right
        return given if made and any(right is error for error in own) else None
    if isinstance(right, Future):
        return remade(_settled(given), _settled(right), own)
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(right, list | tuple):
        pairs = zip(given, right, strict=False)
    elif isinstance(right, dict):
        pairs = ((given.get(key), value) for key, value in right.items())
    return next((error for pair in pairs if (error := remade(*pair, own))), None)


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _settled(future: Future[Any]) -> Any:
    try:
        return "returned", future.result(timeout=2)
    except BaseException as error:
        return "raised", error
