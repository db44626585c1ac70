"""An exercise file: the task, the solution, hints, the check and wrong answers, each found by its name.

`check`, `HINTS`, `LIMIT`, functions that begin with `wrong_`, and the one other public function or class of the file,
which is the solution. See INSTRUCTORS.md.
"""

from __future__ import annotations

import importlib.util
import inspect
import linecache
import re
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers.checking.parts import ExerciseError, Parts, place


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer, and for each thing that the check must hold against it a part of the sentence."""

    name: str
    function: Any
    says: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class ExerciseFile:
    """What one file in notebooks/exercises/ holds."""

    path: Path
    parts: Parts = field(repr=False)
    module: ModuleType = field(repr=False)
    solution: Any
    hints: tuple[str, ...]
    limit: float
    wrong: tuple[Wrong, ...]

    @property
    def name(self) -> str:
        """As `exercise()` takes it: "02-collect"."""
        return self.path.stem.replace("_", "-")

    @property
    def task(self) -> str:
        return self.parts.task

    @property
    def check(self) -> Any:
        return self.module.check

    @property
    def learners_name(self) -> str:
        """The name that learners give to their answer."""
        return self.parts.answer

    @property
    def signature(self) -> str:
        """`collect(tasks, workers)`, without types."""
        signature = inspect.signature(self.solution)
        plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        return f"{self.learners_name}{signature.replace(parameters=plain, return_annotation=signature.empty)}"

    def lines_of(self, fn: Any) -> list[tuple[int, int]]:
        """First and last lines of a function or class of this file, and of the classes that it builds on."""
        fn = fn if hasattr(fn, "__qualname__") else type(fn)
        kin = [k for k in getattr(fn, "__mro__", [fn]) if getattr(k, "__module__", None) == self.module.__name__]
        names = [k.__qualname__.partition(".")[0] for k in kin]
        return [self.parts.lines[name] for name in names if name in self.parts.lines]

    def error(self, line: int, problem: str) -> ExerciseError:
        return self.parts.bad(line, problem)


def read(path: Path) -> ExerciseFile:
    """The exercise in the file `path`. ExerciseError, with the line and what to do, if a part of it is missing."""
    parts = Parts(path)
    module = _run(path)
    wrong = [Wrong(name, getattr(module, name), says, parts.lines[name][0]) for name, says in parts.wrong.items()]
    return ExerciseFile(
        path=path,
        parts=parts,
        module=module,
        solution=getattr(module, parts.answer),
        hints=parts.checked_hints(getattr(module, "HINTS", None)),
        limit=parts.checked_limit(getattr(module, "LIMIT", 5)),
        wrong=tuple(wrong),
    )


def _run(path: Path) -> ModuleType:
    linecache.checkcache(str(path))
    name = f"exercise_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a process pool finds its tasks by their module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        inside = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        what = re.sub(r" \(/[^)]*\)", "", f"{type(error).__name__}: {error}")  # without a folder of this computer
        raise ExerciseError(
            f"{place(path)}, line {inside[-1].lineno if inside else 1}: the file can't be run: {what}. "
            "Is a name misspelled, or not imported at the top of the file?"
        ) from None
    return module
