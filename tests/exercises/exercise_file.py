"""A small exercise file for the tests of the engine, and ways to change it."""

from __future__ import annotations

from pathlib import Path

from exercises.engine.problem import ExerciseFile, read

EXERCISE = '''"""Call every task

Write `collect(tasks, workers)`.
"""

from exercises.kit import Gate, once, shown, watch

LIMIT = 2


def collect(tasks, workers):
    return [task() for task in tasks]


HINTS = ["Think.", "Think <b>hard</b>."]


def check(collect):
    with watch():
        results = collect(once(lambda n=n: n for n in range(6)), 2)
    yield results == [0, 1, 2, 3, 4, 5], f"It returned {shown(results)}."


def wrong_gives_nothing(tasks, workers):
    """says: It returned None"""


def wrong_gives_one(tasks, workers):
    """says: It returned [0]"""
    return [next(iter(tasks))()]


def wrong_gives_the_tasks(tasks, workers):
    """says: It returned [<function"""
    return list(tasks)


def wrong_fails(tasks, workers):
    """says: Your code raised ZeroDivisionError"""
    return 1 / 0
'''


def written(folder: Path) -> ExerciseFile:
    """The exercise 77-collect in a project in `folder`: six results, and input that can be read once."""
    path = folder / "exercises" / "77_collect.py"
    path.parent.mkdir(parents=True)
    path.write_text(EXERCISE, encoding="utf-8")
    return read(path)


def changed(exercise: ExerciseFile, *edits: tuple[str, str]) -> ExerciseFile:
    """The exercise with the first of each pair of texts replaced by the second."""
    text = EXERCISE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    exercise.path.write_text(text, encoding="utf-8")
    return read(exercise.path)


def with_check(exercise: ExerciseFile, *lines: str) -> ExerciseFile:
    """The exercise with another check."""
    body = "\n".join(["def check(collect):", *(f"    {line}" for line in lines)])
    return changed(exercise, (exercise.parts.source("check"), body))
