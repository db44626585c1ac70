"""Compare what an answer gives with what the file's own solution gives, on each of the inputs (inputs.py)."""

from __future__ import annotations

import inspect
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from exercises.engine.alike import error_words, remade, unlike
from exercises.engine.inputs import CROWD, WORKERS, Case, Inputs, Own, Raises
from exercises.engine.rest import Signal
from helpers._common import shown
from helpers.tasks import TICK, Clock, Gate

READ = 6  # results of an endless input that are read
LATE = 2.0  # seconds that a report may come after the call has returned
PATIENCE = 1.0  # seconds that a slow input waits for the item before to be worked on
SECOND = 2 * TICK  # seconds that one worker's first task stands still: does a second one come?


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
