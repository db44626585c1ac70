"""Run the check of an exercise on a learner's function, and tell what happened, in sentences. Never raises.

Whatever happens is sent at once, in small pieces, through `send`: what was seen before a hang is not lost.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from exercises.engine.check import Check, Finding, Message, Send, Told
from exercises.engine.inputs import Inputs
from exercises.engine.learner_code import Learners, Spot
from exercises.engine.oracle import compared
from exercises.engine.problem import ExerciseFile
from exercises.engine.rest import Wait
from helpers.tasks import TICK


def unfit(exercise: ExerciseFile, fn: Any) -> str | None:
    """Why `fn` can't be the answer at all, before anything runs; None if it can."""
    name, wanted = exercise.learners_name, exercise.signature
    kind = type(fn).__name__
    if not callable(fn):
        called = f" Give check the function itself, without calling it: `check({name})`." if fn is not None else ""
        article = "nothing (None)" if fn is None else f"{_article(kind)} {kind}"
        return f"This is not a function but {article}. Write `{wanted}` and `check({name})`.{called}"
    may_be_async = inspect.iscoroutinefunction(exercise.solution) or inspect.isasyncgenfunction(exercise.solution)
    if inspect.iscoroutinefunction(fn) and not may_be_async:
        return f"{name} is an async function: a call runs nothing and gives a coroutine. Write a plain function."
    try:
        theirs = inspect.signature(fn)
    except (TypeError, ValueError):  # some builtins have none
        return None
    ours = inspect.signature(exercise.solution).parameters.values()
    positional = [p for p in ours if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = {p.name: None for p in ours if p.kind is p.KEYWORD_ONLY}
    least = [p for p in positional if p.default is p.empty]
    try:
        theirs.bind(*positional, **named)
        theirs.bind(*least)
    except TypeError:
        called = _listed([*(p.name for p in positional), *named])
        return f"The function takes {_listed(theirs.parameters)}; it is called with {called}. Write `{wanted}`."
    return None


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _listed(names: Any) -> str:
    names = list(names)
    count = {0: "no argument", 1: "1 argument"}.get(len(names), f"{len(names)} arguments")
    return f"{count} ({', '.join(names)})" if names else count


MESSAGE = 300  # characters kept of an exception's message
AGAIN = "The input was read a second time, after its end. It is like a generator: it gives its items once."
FRAMES = 3  # lines shown of the way that an exception took through the learner's code


def learners_of(exercise: ExerciseFile, fn: Any) -> Learners:
    """Which lines are the learner's: for an answer kept in the exercise file, that answer's alone."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return Learners(exercise.path, exercise.lines_of(fn))


def line_of_check(exercise: ExerciseFile, frames: Iterable[tuple[FrameType, int]]) -> int | None:
    """The innermost line of the check in a stack, or None."""
    spots = list(Learners(exercise.path, [exercise.parts.lines["check"]]).spots(frames))
    return next((spot.line for spot in spots[::-1] if spot.file == str(exercise.path)), None)


def judge(exercise: ExerciseFile, fn: Any, send: Send) -> None:
    """Run the check on `fn`; send findings as they come."""
    learners = learners_of(exercise, fn)
    before = set(threading.enumerate())
    check = Check(learners).begin()
    refused = False
    try:
        if reason := unfit(exercise, fn):
            send(Finding(False, reason))
        else:
            for message in _findings(exercise, fn):
                refused = refused or not (isinstance(message, Finding) and message.ok)
                send(message)
            if exercise.inputs is not None and not refused:
                for message in _compared(exercise, fn, learners, exercise.inputs):
                    send(message)
            if refused:
                check.open_gates()  # a check that stopped there may have left tasks in them
            for remark in _left(before, check):
                send(Finding(None, remark))
    except BaseException as error:
        finding = _raised(error, learners, exercise)
        if isinstance(error, NotImplementedError) and not finding.stumbled:
            send(Told("not started"))
        elif not (refused and finding.stumbled):  # what was refused already may well make the check stumble
            send(finding)
    # What may explain why it was refused.
    if inspect.isgeneratorfunction(fn) and not inspect.isgeneratorfunction(exercise.solution):
        what = "has a yield in it: a call gives a generator, and runs nothing until that is read."
        send(Told("doubt", f"{exercise.learners_name} {what}"))
    if any(items.again for items in check.inputs):
        send(Told("doubt", AGAIN))
    check.open_gates()


Learners.bottom = judge.__code__


def _findings(exercise: ExerciseFile, fn: Any) -> Iterator[Message]:
    """What the check yields, one by one, with the line of the yield."""
    sys.modules[exercise.module.__name__] = exercise.module  # for pickle; the file may have been read again since
    found = exercise.check(fn)
    first = exercise.parts.lines["check"][0]
    shape = 'A check yields pairs: `yield ok, "what was seen"`, with ok True or False.'
    if not hasattr(found, "__iter__"):
        yield Told("broken", f"check gave {found!r}. {shape}", first)
        return
    count = 0
    for item in found:
        line = found.gi_frame.f_lineno if inspect.isgenerator(found) and found.gi_frame else first
        fits = isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str) and item[1].strip()
        if fits and not isinstance(item[0], bool) and fn is not exercise.solution:
            # What was returned says itself what it is equal to, as an array does: it is not what was asked for.
            item = type(item[0]).__name__ in ("bool", "bool_") and bool(item[0]), item[1]
        if not fits or not isinstance(item[0], bool):
            yield Told("broken", f"check yielded {item!r:.80}. {shape}", line)
            return
        count += 1
        yield Finding(item[0], item[1], line=line)
    if not count:
        yield Told("broken", f"check ended without a finding. {shape}", first)


def _compared(exercise: ExerciseFile, fn: Any, learners: Learners, inputs: Inputs) -> Iterator[Message]:
    """What `fn` makes of the inputs that people forget, beside what the solution makes of them."""
    line, tried = exercise.parts.set_at["INPUTS"], []
    for words, wrong, raised in compared(exercise.solution, fn, inputs):
        if wrong is None:
            yield Told("doing", words)
            tried.append(words)
            continue
        spots = learners.raised_at(raised.__traceback__) if raised else []
        if spots and isinstance(raised, NotImplementedError):
            raise raised
        yield Finding(False, f"{words}, {wrong}.", _way(spots), line)
        return
    yield Finding(True, f"So it was on {len(tried)} other inputs, some of them odd.", line=line)


def _raised(error: BaseException, learners: Learners, exercise: ExerciseFile) -> Finding:
    """The finding that an exception is: on the learner's account if it passed the learner's code."""
    spots = learners.raised_at(error.__traceback__)
    message = str(error).rstrip(".")
    what = f"{type(error).__name__}: {message:.{MESSAGE}}" if message else type(error).__name__
    if not spots:
        line = line_of_check(exercise, traceback.walk_tb(error.__traceback__)) or exercise.parts.lines["check"][0]
        says = f"The check could not go on with what {exercise.learners_name} gave it: {what}."
        return Finding(False, says, line=line, stumbled=True)
    if isinstance(error, SystemExit):
        says = f"Your code called sys.exit() ({what}): that ends a program, not a function. Return instead."
    elif isinstance(error, KeyboardInterrupt):
        says = "Your code raised KeyboardInterrupt: that is for Ctrl-C alone. Raise another exception, or return."
    elif isinstance(error, RecursionError):
        says = f"Your code called itself until Python stopped it: {what}."
    else:
        says = f"Your code raised {what}."
    inside = [spot.line for spot in spots if spot.file == str(exercise.path)]
    return Finding(False, says, _way(spots), inside[-1] if inside else None)


def _way(spots: list[Spot]) -> tuple[str, ...]:
    """The learner's lines from the outermost on; of a long way the last ones."""
    if len(spots) <= FRAMES:
        return tuple(f"at {spot}" for spot in spots)
    return f"at {spots[0]}", f"… {len(spots) - FRAMES} more …", *(f"at {spot}" for spot in spots[1 - FRAMES :])


def died(died: Any, learners: Learners) -> Finding:
    """What to say of a thread of the learner's that an exception ended, from threading.excepthook's argument."""
    spots = learners.raised_at(died.exc_traceback)
    where = f", at {spots[-1]}" if spots else ""
    name = died.thread.name if died.thread else "a thread"
    return Finding(None, f"The thread {name} ended with {died.exc_type.__name__}: {died.exc_value}{where}.")


def _left(before: set[threading.Thread], check: Check) -> Iterator[str]:
    """Threads that the function has left behind. A pool without `with` ends when it is garbage."""
    gc.collect()
    inherited = threading.current_thread().daemon  # then the function's threads are daemons without having asked
    alive = [t for t in threading.enumerate() if t not in before and (inherited or not t.daemon)]
    with Wait(1) as wait:
        while alive and not wait.over():
            alive[0].join(TICK)
            alive = [t for t in alive if t.is_alive()]
    alive = [t for t in alive if t not in check.spared]
    if alive:
        spots = check.learners.threads() if check.learners else {}
        stand = [f"{t.name} at {spots[t.ident]}" if t.ident in spots else t.name for t in alive]
        some = "1 thread was" if len(alive) == 1 else f"{len(alive)} threads were"
        advice = "`with` around a pool waits for its threads"
        yield f"{some} still there when the function had returned: {'; '.join(stand)}. {advice}."
