"""Compare what an answer gives with what the file's own solution gives, on inputs that a person would forget.

The file says how they are handed over, in a line: `INPUTS = Inputs(lambda given: (given.tasks, given.workers))`.
"""

from __future__ import annotations

import builtins
import inspect
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from exercises.engine.alike import Alike, error_words, remade, unlike
from exercises.engine.rest import Signal
from helpers._common import shown
from helpers.tasks import TICK, Clock, Gate

WORKERS = 3
CROWD = 36  # workers: more than ThreadPoolExecutor() starts by itself, and than most computers have cores
READ = 6  # results of an endless input that are read
ENDLESS = 1_000  # its items: an answer that takes all of them is refused, and does not hang
LATE = 2.0  # seconds that a report may come after the call has returned
OWN, ERRORS = 30, 6  # values and errors that an answer's code names: the most that are tried
PATIENCE = 1.0  # seconds that a slow input waits for the item before to be worked on
SECOND = 2 * TICK  # seconds that one worker's first task stands still: does a second one come?


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


class Given:
    """What INPUTS makes an answer's arguments of. Everything in it is new for each call.

    `tasks`: a list of functions without arguments. `items`, `once`, `slow`: what `fn(item)` is called with, as a list,
    as an iterator, and as one that gives an item when the one before is being worked on. `futures`: Futures with the
    same outcomes, the last of them still to come. `workers`: a number; `pool(size)`: a pool of the caller's; `note`: a
    function whose calls are compared too, in any order.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.used: set[str] = set()
        self.called = [0] * len(case.results)
        self.notes: list[Any] = []
        self.starved = False  # a slow input had to go on before the item before was worked on
        self._pools: list[Executor] = []
        self._threads: list[threading.Thread] = []
        self._lock, self._worked = threading.Lock(), [Signal() for _ in case.results]
        # The first of a crowd meet, then the others; one worker's first task waits for a second; a gate of 1 is open.
        size, patience = (case.workers, PATIENCE) if case.crowd else (1 + (case.workers == 1), SECOND)
        self._meet = [Gate(size, patience=patience) for _ in range(1 + (len(case.results) > CROWD))]
        self._items = case.items if case.items is not None else tuple(f"item {n}" for n in range(len(case.results)))

    def _task(self, n: int) -> Any:
        with self._lock:
            if self.case.twice and self.called[n]:
                n = len(self.called) - 1
            self.called[n] += 1
            late = sum(self.called) > CROWD and len(self._meet) > 1
        self._worked[n].set()
        self._meet[late].task()
        result = self.case.results[n]
        if isinstance(result, Raises):
            raise result.error or CancelledError
        return result

    @property
    def together(self) -> int:
        """How many went on together, at the beginning and later."""
        return min(gate.most for gate in self._meet)

    @property
    def met_at_first(self) -> int:
        return self._meet[0].most

    @property
    def workers(self) -> int:
        self.used.add("workers")
        return self.case.workers

    @property
    def tasks(self) -> list[Callable[[], Any]]:
        self.used.add("tasks")
        each: list[Callable[[], Any]] = [partial(self._task, n) for n in range(len(self.called))]
        return each[:1] * len(each) if self.case.twice else each

    @property
    def items(self) -> list[Any]:
        self.used.add("items")
        return list(self._items)

    @property
    def once(self) -> Iterator[Any]:
        self.used.add("items")
        return iter(self._items)

    @property
    def slow(self) -> Iterator[Any]:
        self.used.add("items")
        return self._slowly()

    def _slowly(self) -> Iterator[Any]:
        for item, worked in zip(self._items, self._worked, strict=True):
            yield item
            self.starved = self.starved or not worked.wait(PATIENCE)

    def fn(self, item: Any) -> Any:
        with self._lock:  # the very object, or else one that is equal
            same = [n for n, known in enumerate(self._items) if known is item]
            same = same or [n for n, known in enumerate(self._items) if known == item]
            n = next((n for n in same if not self.called[n]), same[0] if same else None)
        if n is None:
            raise ValueError(f"fn was called with {item!r}, which is none of the items")
        return self._task(n)

    @property
    def futures(self) -> list[Future[Any]]:
        self.used.add("futures")
        made: list[Future[Any]] = [Future() for _ in self.case.results]
        for future, result in zip(made, self.case.results, strict=True):
            self._threads.append(threading.Timer(0.02 if future is made[-1] else 0, _end, (future, result)))
            self._threads[-1].start()
        for thread in self._threads[:-1]:
            thread.join()
        return made

    def pool(self, size: int = WORKERS) -> ThreadPoolExecutor:
        self._pools.append(pool := ThreadPoolExecutor(size))
        return pool

    def note(self, *args: Any) -> None:
        with self._lock:
            self.notes.append(args)

    def close(self) -> None:
        """End what was made."""
        for thread in self._threads:
            thread.join()
        for pool in self._pools:
            pool.shutdown()


def _end(future: Future[Any], result: Any) -> None:
    if not isinstance(result, Raises):
        future.set_result(result)
    elif result.error is not None:
        future.set_exception(result.error)
    else:
        future.cancel()
        future.set_running_or_notify_cancel()  # as a worker does, for those who wait


@dataclass
class Outcome:
    """What came of one call."""

    raised: BaseException | None = None
    value: Any = None
    verb: str = "returned"
    changed: bool = False


def _outcome(fn: Any, inputs: Inputs, given: Given, args: tuple[Any, ...]) -> Outcome:
    got, lists = Outcome(), [arg for arg in args if isinstance(arg, list)]
    lists += [inner for outer in lists for inner in outer if isinstance(inner, list)]
    before = [list(map(id, one)) for one in lists]
    try:
        got.value = fn(*args)
        if hasattr(got.value, "__next__"):
            results, got.value, got.verb = got.value, [], "gave"
            got.value += itertools.islice(results, READ if "endless" in given.case.words else None)
            getattr(results, "close", int)()
        got.value = inputs.view(got.value)
    except BaseException as error:
        got.raised = error
    given.close()
    got.changed = [list(map(id, one)) for one in lists] != before
    return got


def compared(solution: Any, answer: Any, inputs: Inputs) -> Iterator[tuple[str, str | None, BaseException | None]]:
    """The words for each input before the answer is called with it; at last what is wrong, and what was raised."""
    names = list(inspect.signature(solution).parameters)
    todo: list[tuple[Case, Any]] = [(case, inputs.call) for case in inputs.cases(Own.of(answer))] if inputs.call else []
    todo += [(Case(words, ()), make) for words, make in inputs.also.items()]
    for case, call in todo:
        ours, theirs = Given(case), Given(case)
        args = call(ours)
        named = zip(names, args, strict=False)
        listed = [name for name, arg in named if isinstance(arg, list) or hasattr(arg, "__next__")]
        if (call is inputs.call and len(case.results) < inputs.least) or (case.needs and case.needs not in ours.used):
            ours.close()
            continue
        things = (listed or ["items"])[0]
        words = case.words.format(things=things, thing=things.removesuffix("s"))
        right = _outcome(solution, inputs, ours, args)
        yield words, None, None
        got = _outcome(answer, inputs, theirs, call(theirs))
        clock = Clock()  # an answer may have a thread of its own that reports
        while not got.raised and len(theirs.notes) < len(ours.notes) and clock.read() < LATE:
            time.sleep(TICK)
        if wrong := _difference(got, right, theirs, ours, inputs.calls and "endless" not in words):
            yield words, wrong, got.raised
            return


def _difference(got: Outcome, right: Outcome, theirs: Given, ours: Given, calls: bool) -> str | None:
    """What was seen of the answer and not of the solution, as the rest of a sentence."""
    ends = f"{'given' if right.verb == 'gave' else 'returned'} {shown(right.value)}"
    wanted = f"where it should have {ends if right.raised is None else 'raised ' + error_words(right.raised)}"
    if got.raised is not None and unlike(got.raised, right.raised):
        return f"it raised {error_words(got.raised)}, {wanted}"
    if got.raised is None and (right.raised is not None or got.verb != right.verb):
        return f"it {got.verb} {shown(got.value)}{', one by one' if got.verb == 'gave' else ''}, {wanted}"
    if (got.raised is None or got.verb == "gave") and (what := unlike(got.value, right.value)):
        return f"it {got.verb} {what}" + (f", before it raised {error_words(got.raised)}" if got.raised else "")
    own = [result.error for result in ours.case.results if isinstance(result, Raises) and result.error]
    if error := remade(got.raised, right.raised, own):
        return f"it raised {error_words(error)}, which looks like what was raised and is another object"
    if got.raised is None and (error := remade(got.value, right.value, own)):
        return f"it {got.verb} {shown(error)}, which looks like what was raised and is another object"
    for n, (times, wanted_times) in enumerate(zip(theirs.called, ours.called, strict=True)) if calls else ():
        most = max(wanted_times, 1) if got.raised else wanted_times
        if times > most or (times < most and not got.raised):  # after an error, some may be left out
            return f"number {n + 1} of them was called {_times(times)}, not {_times(most)}"
    if got.raised is not None:
        return None
    if got.changed and not right.changed:
        return "it changed the list that it was given"
    left = list(theirs.notes)
    for note in ours.notes:
        found = next((n for n, other in enumerate(left) if not unlike(other, note)), None)
        if found is not None and (error := remade(left[found], note, own)):
            return f"{shown(error)} was reported, which looks like what was raised and is another object"
        if found is None:
            if not note:
                return "it never called back"
            return f"{shown(note)} was never reported" + (f", but {shown(left[0])} was" if left else "")
        del left[found]
    if left and not left[0]:
        return f"it called back {'once too often' if ours.notes else 'for nothing'}"
    if left:
        return f"{shown(left[0])} was reported {'besides' if ours.notes else 'for nothing'}"
    if theirs.case.crowd and theirs.together < ours.together:
        after = f"after the first {ours.together}, " if theirs.met_at_first >= ours.together else ""
        return f"{after}at most {theirs.together} of them went on together, where it should have been {ours.together}"
    if theirs.case.workers == 1 and theirs.together > ours.together:
        return f"{theirs.together} of them went on together, where it should have been {ours.together}"
    if theirs.starved and not ours.starved:
        return "it took an item from a slow input before it began to work on the one before"
    return None


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
