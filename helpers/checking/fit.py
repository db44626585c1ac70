"""Whether an answer can be one at all, before anything runs: a function that can be called as the task says."""

from __future__ import annotations

import inspect
from typing import Any

from helpers.checking.file import ExerciseFile


def unfit(exercise: ExerciseFile, fn: Any) -> str | None:
    """Why `fn` can't be the answer at all, before anything runs; None if it can."""
    name, wanted = exercise.learners_name, exercise.signature
    kind = type(fn).__name__
    if not callable(fn):
        called = f" Give check the function itself, without calling it: `check({name})`." if fn is not None else ""
        article = "nothing (None)" if fn is None else f"{_article(kind)} {kind}"
        return f"This is not a function but {article}. Write `{wanted}` and `check({name})`.{called}"
    if inspect.iscoroutinefunction(fn) and not inspect.iscoroutinefunction(exercise.solution):
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


def doubts(exercise: ExerciseFile, fn: Any) -> list[str]:
    """What may explain why `fn` was refused."""
    if inspect.isgeneratorfunction(fn) and not inspect.isgeneratorfunction(exercise.solution):
        name = exercise.learners_name
        return [f"{name} has a yield in it: a call gives a generator, and runs nothing until that is read."]
    return []


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _listed(names: Any) -> str:
    names = list(names)
    count = {0: "no argument", 1: "1 argument"}.get(len(names), f"{len(names)} arguments")
    return f"{count} ({', '.join(names)})" if names else count
