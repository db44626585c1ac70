"""What every room uses: checks of arguments, how things are called in a sentence, and how many spans are open at once.

A bad argument is named, with what was expected, before anything starts.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from types import FunctionType
from typing import Any


def shown(value: Any, limit: int = 60) -> str:
    """`value` as a message shows it: its repr, whatever that does, cut to `limit` characters."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<a {type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """`value` as an int between `least` and `most`; TypeError or ValueError naming `name` otherwise."""
    span = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {span}, not {shown(value)}")
    count = int(value)
    if count < least or (most is not None and count > most):
        raise ValueError(f"{name} must be {span}, not {shown(value)}")
    return count


def number(name: str, value: Any, least: float = 0.0, most: float = math.inf, unit: str = "") -> float:
    """`value` as a finite float between `least` and `most`; TypeError or ValueError naming `name` otherwise."""
    unit = f" of {unit}" if unit else ""
    span = f"a number{unit}, {least:g} or more" if math.isinf(most) else f"a number{unit} from {least:g} to {most:g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {span}, not {shown(value)}")
    amount = float(value)
    if not math.isfinite(amount) or not least <= amount <= most:
        raise ValueError(f"{name} must be {span}, not {shown(value)}")
    return amount


def function(name: str, value: Any, example: str = "") -> Any:
    """`value` if it can be called; TypeError naming `name` otherwise."""
    if not callable(value):
        hint = f", for example {example}" if example else ""
        raise TypeError(f"{name} must be something that can be called{hint}, not {shown(value)}")
    return value


def instance(name: str, value: Any, kind: type | tuple[type, ...], expected: str) -> Any:
    """`value` if it is of `kind`; TypeError saying that `name` must be `expected` otherwise."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {expected}, not {shown(value)}")
    return value


def one_of(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """`value` if it is one of `choices`; ValueError naming `name` and the choices otherwise."""
    if not any(value is choice or value == choice for choice in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {shown(value)}")
    return value


def count(number: int, thing: str) -> str:
    """`count(1, "task")` is "1 task", `count(4, "task")` "4 tasks"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def name_of(fn: Any) -> str:
    """The name of a function, also of a partial's; of what has none, its class's."""
    name = attribute(attribute(fn, "func", fn), "__name__")
    return name if name and isinstance(name, str) else type(fn).__name__


def attribute(thing: Any, name: str, default: Any = None) -> Any:
    """An attribute of somebody's object, whose properties may raise what they like. A `__getattr__` of its own is not
    asked: it may do something, as a proxy does that first makes what it stands for.
    """
    try:
        cls = type(thing)
        own = hasattr(cls, "__getattr__") or type(cls.__getattribute__) is FunctionType
        return object.__getattribute__(thing, name) if own else getattr(thing, name)
    except Exception:
        return default


def source_of(program: Any) -> str:
    """The text of a function that is to run in another process; ValueError if it can't be found."""
    try:
        source = textwrap.dedent(inspect.getsource(program))
        # What was typed with `python -c` is kept under a name that code from exec() has too.
        if program.__name__ not in [attribute(node, "name") for node in ast.parse(source).body]:
            raise OSError
    except (OSError, SyntaxError, ValueError):
        raise ValueError(f"program must be a function whose source can be found, not {shown(program)}") from None
    return source


def at_once(starts: Iterable[int | None], ends: Iterable[int | None]) -> Iterator[tuple[int, int]]:
    """Each moment at which a span starts or ends, and how many are open from it on; None is no moment.

    One that ends as another starts counts once.
    """
    steps = [(start, 1) for start in starts if start is not None] + [(end, -1) for end in ends if end is not None]
    count = 0
    for moment, step in sorted(steps):
        count += step
        yield moment, count
