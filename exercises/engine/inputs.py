"""What answers are tried with: inputs that a person would forget, and what stands in the answer's own code.

An exercise file says which of them fit, in a line: `INPUTS = Inputs(lambda given: (given.tasks, given.workers))`.
"""

from __future__ import annotations

import builtins
import dis
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from exercises.engine.alike import Alike

if TYPE_CHECKING:
    from exercises.engine.oracle import Given

WORKERS = 3
CROWD = 36  # workers: more than ThreadPoolExecutor() starts by itself, and than most computers have cores
ENDLESS = 1_000  # its items: an answer that takes all of them is refused, and does not hang
OWN, ERRORS = 30, 6  # values and errors that an answer's code names: the most that are tried


@dataclass(frozen=True)
class Raises:
    error: BaseException | None  # None for a Future that is cancelled


@dataclass(frozen=True)
class Case:
    """One input: what its tasks return, or Raises, their items, and the argument without which it is void."""

    words: str
    results: tuple[Any, ...]
    items: tuple[Any, ...] | None = None
    workers: int = WORKERS
    needs: str = ""
    crowd: bool = False  # tasks stand still until one for each worker is there
    twice: bool = False  # the tasks are one and the same


VALUES: dict[str, dict[str, tuple[Any, ...]]] = {
    "anything": {
        "For results None, 0, False, '' and []": (None, 0, False, "", []),
        "For results Ellipsis, 'end', 'done', 'skipped' and -1": (..., "end", "done", "skipped", -1),
        "For results that are equal, 1, True and 1.0": (1, True, 1.0),
        "For three times the same result": ("same",) * 3,
        "For results that are equal objects": (Alike(1), Alike(2), Alike(3)),
        "For results NaN, a list and a tuple": (math.nan, ["a", "b"], ("a", "b")),
        "For a result that is an exception, returned and not raised": ("a", KeyError("a value"), "c"),
    },
    "numbers": {
        "For results 0 and 0": (0, 0),
        "For negative results and 2**80": (-5, 2**80, -(2**80), 3),
        "For results 0.5, NaN and 0.25": (0.5, math.nan, 0.25),
    },
    "texts": {"For results '', '' and 'c'": ("", "", "c"), "For three times 'A  a\\tb\\n'": ("A  a\tb\n",) * 3},
}
ITEMS: dict[str, tuple[Any, ...]] = {
    "For the {things} None, 0, '', 'end' and ()": (None, 0, "", "end", ()),
    "For the {things} NaN and (1, 2)": (math.nan, (1, 2)),
    "For {things} that are equal, 1, True and 1.0": (1, True, 1.0),
    "For {things} that are equal objects": (Alike(1), Alike(2), Alike(3)),
    "For {things} one of which comes twice": ("same", "other", "same"),
}


@dataclass(frozen=True, eq=False)
class Inputs:
    """What `INPUTS` of an exercise file is: `call(given)` makes the arguments of one call.

    `least`: the fewest items that the task allows. `values`: what tasks return, "anything", "numbers" or "texts".
    `different`: the items all differ; `odd`: they may be anything, as None is. `raises`: tasks may raise, `beyond`:
    also what is no Exception. `endless`: the result is an iterator over an input without end. `calls`: each task runs
    exactly as often as the solution runs it. `crowd`: each of many workers has its task. `view(result)` is what is
    compared of a result. `also`: more inputs: by the words for them, functions like `call`.
    """

    call: Callable[[Given], tuple[Any, ...]] | None = None
    least: int = 0
    values: str = "anything"
    different: bool = False
    odd: bool = True
    raises: bool = True
    beyond: bool = True
    endless: bool = False
    calls: bool = True
    crowd: bool = True
    view: Callable[[Any], Any] = field(default=lambda result: result)
    also: Mapping[str, Callable[[Given], tuple[Any, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values not in VALUES:
            raise ValueError(f"values must be one of {', '.join(VALUES)}, not {self.values!r}")

    def cases(self, own: Own | None = None) -> Iterator[Case]:
        """Every input of this kind; {things} and {thing} in the words are for the argument's name.

        `own`: what an answer's code names, which tasks then return and raise.
        """
        some: tuple[Any, ...] = (11, 12, 13, 14, 15) if self.values == "numbers" else tuple("abcde")
        yield Case("With no {things}", ())
        yield Case("With one {thing}", some[:1])
        many = tuple(range(2 * CROWD)) if self.values == "numbers" else tuple(f"r{n}" for n in range(2 * CROWD))
        yield Case("With 23 {things}", many[:23])
        yield Case("With 2 {things} and 7 workers", some[:2], workers=7, needs="workers")
        yield Case("With 4 {things} and 1 worker", some[:4], workers=1, needs="workers")
        if not self.different:
            yield Case("For twice the same {thing}", some[:1] * 2, needs="tasks", twice=True)
        yield from (Case(words, results) for words, results in VALUES[self.values].items())
        for words, items in list(ITEMS.items())[: 2 if self.different else None] if self.odd else ():
            alike = ([other is item for other in items].index(True) for item in items)
            yield Case(words, tuple(some[n] for n in alike), items, needs="items")
        if self.raises:
            error = Raises(ValueError("the second fails"))
            yield Case("Where the second of 4 {things} raises ValueError", (some[0], error, *some[2:4]))
            late = Raises(TimeoutError("no 1"))
            yield Case("Where both {things} raise TimeoutError", (late, late))
            yield Case("Where all of 12 {things} raise LookupError", (Raises(LookupError("none there")),) * 12)
            if self.beyond:
                exits = (some[0], Raises(BaseException("no Exception")), some[2])
                yield Case("Where the second of 3 {things} raises BaseException", exits)
                itself = (some[0], Raises(CancelledError("by itself")), some[2])
                yield Case("Where the second of 3 {things} itself raises CancelledError", itself)
            yield Case("Where the first of 3 {things} is cancelled", (Raises(None), *some[:2]), needs="futures")
        if self.crowd:
            words = f"With {len(many)} {{things}} and {CROWD} workers"
            yield Case(words, many, workers=CROWD, needs="workers", crowd=True)
            yield Case("With 3 {things} and 3 workers", some[:3], workers=3, needs="workers", crowd=True)
        if own and own.values and self.values == "anything":
            yield Case("For results that stand in your code", own.values)
        if own and own.values and self.odd:
            yield Case("For {things} that stand in your code", many[: len(own.values)], own.values, needs="items")
        for own_error in own.errors if own and self.raises else ():
            words = f"Where the second of 3 {{things}} raises {type(own_error).__name__}, which your code names"
            yield Case(words, (some[0], Raises(own_error), some[2]))
        if self.endless:
            yield Case("With an endless input", tuple(range(ENDLESS)), needs="items")


@dataclass(frozen=True)
class Own:
    """The texts and numbers in an answer's code, all different, and the builtin exceptions it names, with these texts.

    A task may return or raise them too: whoever marks something with one is wrong about that task.
    """

    values: tuple[Any, ...]
    errors: tuple[Exception, ...]

    @classmethod
    def of(cls, answer: Any) -> Own:
        while isinstance(answer, partial):
            answer = answer.func
        space = answer.__globals__ if isinstance(answer, FunctionType) else {}
        todo, codes, values, kinds = [answer], set(), [], []
        while todo:
            one = todo.pop()
            if isinstance(one, FunctionType) and one.__globals__ is space:
                one = one.__code__
            if isinstance(one, CodeType) and one not in codes:
                codes.add(one)
                # From Python 3.14 on, 0 to 255 are no constants of the code, but stand in its steps.
                todo += [step.arg for step in dis.get_instructions(one) if step.opname == "LOAD_SMALL_INT"]
                todo += [*one.co_consts, *(space.get(name, vars(builtins).get(name)) for name in one.co_names)]
            elif type(one) in (str, int, float):
                values.append(one)
            elif isinstance(one, type) and issubclass(one, Exception) and one in vars(builtins).values():
                kinds.append(one)
        values, errors = list(dict.fromkeys(values))[:OWN], []
        texts = "", *(one for one in values if isinstance(one, str))
        for text, kind in itertools.product(texts, dict.fromkeys(kinds)):
            if kind not in (StopIteration, NotImplementedError):  # they mean something else on their way
                with suppress(TypeError):  # some need more than a text
                    errors.append(kind(text))
        return cls(tuple(values), tuple(errors[:ERRORS]))
