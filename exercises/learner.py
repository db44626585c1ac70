"""The exercises of the lessons: `exercise("02-collect")` gives a task, checks answers, and has hints and a solution.

An answer is checked by what it does, in a process of its own, so whatever it does can't harm the notebook. The
exercises are in exercises/, one file each; INSTRUCTORS.md tells how to change them.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import linecache
import os
import re
from pathlib import Path
from typing import Any

from exercises.engine import sandbox
from exercises.engine.learner_code import is_cell
from exercises.engine.problem import ExerciseError, ExerciseFile, read, solution_source, title_of
from exercises.engine.verdict import Done, Note, Verdict, verdict
from helpers import memory
from helpers._common import instance, shown

__all__ = ["Exercise", "ExerciseError", "Verdict", "exercise", "exercises_done"]

NO_SOLUTIONS, NO_SOLUTIONS_FILE = "THREADPOOL_NO_SOLUTIONS", ".no-solutions"
LONGEST_ANSWER = 100_000  # characters of an answer that are kept
BACKEND = "THREADPOOL_EXERCISES_IN"  # "fork" or "thread"; by itself a fork where the system has it

_known: dict[str, Exercise] = {}  # by name: what the learner has done in this kernel


def folder() -> Path:
    """Where the exercise files are: beside the notebook that runs, or in the project."""
    here = Path.cwd()
    places = [base / "exercises" for base in (here, *here.parents[:2])]
    return next((p for p in places if any(p.glob("[0-9][0-9]_*.py"))), Path(__file__).resolve().parent)


def files() -> list[Path]:
    """The exercise files, in the order of their names."""
    return sorted(folder().glob("[0-9][0-9]_*.py"))


def exercise(name: str) -> Exercise:
    """The exercise called `name`, such as "02-collect". ValueError with the names there are for any other.

    ExerciseError if its file is not as it should be.
    """
    instance("name", name, str, 'the name of an exercise, such as "02-collect"')
    paths = {path.stem.replace("_", "-"): path for path in files()}
    plain = name.strip().replace("_", "-").removesuffix(".py")
    if plain not in paths:
        meant = difflib.get_close_matches(plain, paths, 1)
        which = f"did you mean {meant[0]!r}?" if meant else f"there are {', '.join(paths) or 'none'}"
        raise ValueError(f"name must be the name of an exercise, not {shown(name)}: {which}")
    file = read(paths[plain])
    if plain in _known:
        _known[plain].file = file
    else:
        _known[plain] = Exercise(file)
    return _known[plain]


class Exercise:
    """A task of a lesson, and what has been done about it in this kernel."""

    def __init__(self, file: ExerciseFile) -> None:
        self.file = file
        self.last: Verdict | None = None
        self._tried = self._asked = self._warned = False
        self._hints = 0

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def task(self) -> str:
        """The task in words (Markdown)."""
        return self.file.task

    @property
    def done(self) -> bool:
        """Whether the last answer that was checked passed."""
        return self.last is not None and self.last.passed

    def check(self, fn: Any) -> Verdict:
        """Run the check on `fn`, the learner's function, and return the verdict. It ends within the file's LIMIT."""
        self.last = judged(self.file, fn)
        if self.last.state != "not started":
            self._tried = True
            facts = {"passed": True, "code": code_of(fn)} if self.last.passed else {}
            before = memory.recall()["exercises"].get(self.name, {}).get("passed", False)
            memory.keep("exercises", self.name, **{"passed": before, **facts})
        return self.last

    def mine(self) -> Note:
        """The code of your last answer that passed, also if its cell has been written over since."""
        code = memory.recall()["exercises"].get(self.name, {}).get("code")
        return Note("Your last answer that passed:", code) if code else Note("No answer of yours has passed yet.")

    def hint(self) -> Note:
        """The next hint, from gentle to plain; before a first try it asks for one, once."""
        if not self._tried and not self._warned:
            self._warned = True
            return Note("No answer has been checked yet. Try one first; or run this cell again for a hint.")
        hints = self.file.hints
        self._hints = min(self._hints + 1, len(hints))
        return Note(f"Hint {self._hints} of {len(hints)}: {hints[self._hints - 1]}")

    def solution(self) -> Note:
        """The solution's code. The first call asks, the second shows."""
        if os.environ.get(NO_SOLUTIONS, "0") not in ("", "0") or (self.file.path.parent / NO_SOLUTIONS_FILE).exists():
            return Note("The solutions are not shown in this class: ask your instructor.")
        if not self._asked:
            self._asked = True
            return Note("This shows a solution. Run this cell again if you want to see it.")
        return Note("A solution; yours may look different.", solution_source(self.file))

    def __repr__(self) -> str:
        return self.task

    def _repr_markdown_(self) -> str:
        title, _, rest = self.task.partition("\n")
        return f"**Exercise {self.name}: {title.strip()}**\n\n{rest.strip()}"


def judged(file: ExerciseFile, fn: Any) -> Verdict:
    """The verdict on `fn`, with no memory of it."""
    backend = os.environ.get(BACKEND) or ("fork" if hasattr(os, "fork") else "thread")
    if backend not in ("fork", "thread"):
        raise ValueError(f"{BACKEND} must be fork or thread, not {shown(backend)}")
    if backend == "fork":
        try:
            return verdict(file, *sandbox.run_forked(file, fn))
        except sandbox.NoFork:
            pass
    return verdict(file, *sandbox.run_in_thread(file, fn))


def code_of(fn: Any) -> str:
    """The cell in which `fn` was written, or its own code where that is no cell's; empty if neither can be had."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    try:
        file = inspect.getsourcefile(inspect.unwrap(fn) if callable(fn) else fn) or ""
        text = "".join(linecache.getlines(file)) if is_cell(file) else inspect.getsource(fn)
    except (OSError, TypeError, ValueError):
        return ""
    return text if len(text) <= LONGEST_ANSWER else ""


def exercises_done(lesson: str) -> Done:
    """Which exercises of `lesson`, such as "02", are done: now, or in an earlier kernel. ValueError if it has none."""
    if not isinstance(lesson, str) or not re.fullmatch(r"\d\d", lesson):
        raise ValueError(f'lesson must be two digits such as "02", not {shown(lesson)}')
    names = [p.stem.replace("_", "-") for p in files() if p.stem.startswith(f"{lesson}_")]
    if not names:
        raise ValueError(f"lesson must be one that has exercises; {lesson} has none")
    known = memory.recall()["exercises"]
    words = {True: "passed", False: "not yet", None: "not started"}
    states = {name: words[known.get(name, {}).get("passed")] for name in names}
    return Done({name: (title_of(folder() / f"{name.replace('-', '_')}.py"), states[name]) for name in names})
