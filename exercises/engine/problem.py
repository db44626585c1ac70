"""An exercise file: its parts by their names, errors that name the line of what is missing, and text made from it.

The parts are the task (the docstring), `check`, `HINTS`, `LIMIT`, functions that begin with `wrong_`, and the one other
public function or class of the file, which is the solution. See INSTRUCTORS.md.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import importlib.util
import inspect
import linecache
import os
import re
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from exercises.engine.inputs import Inputs

LONGEST = 10  # seconds that a verdict may take at most
LEAST_HINTS = 2
SETTINGS = ("EQUAL", "HINTS", "INPUTS", "LIMIT")
SAYS = re.compile(r"^\s*says:[ \t]*(.*?)\s*$", re.MULTILINE)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class ExerciseError(Exception):
    """An exercise file is not what it should be; the message names the file, the line and what to do."""


def place(path: Path) -> str:
    """`path` from the notebooks' folder on: no message names a folder of one computer."""
    parts = path.parts
    return "/".join(parts[parts.index("notebooks") :] if "notebooks" in parts else parts[-2:])


class Parts:
    """What is defined in the file at `path`, and where. ExerciseError if it lacks something that learners need."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        try:
            self.tree = ast.parse(self.text)
        except SyntaxError as error:
            raise self.bad(error.lineno or 1, f"this is not Python: {error.msg}. Mend the line.") from None
        self.given = {node.name: node for node in self.tree.body if isinstance(node, Definition)}
        self.lines = {name: (_first_line(node), node.end_lineno or node.lineno) for name, node in self.given.items()}
        self.set_at = dict(_assigned(self.tree))
        self._misspelled()
        self.task = self._task()
        self.answer = self._answer()
        self.wrong = {name: self._says(name) for name in self.given if name.startswith("wrong_")}

    def bad(self, line: int, problem: str) -> ExerciseError:
        return ExerciseError(f"{place(self.path)}, line {line}: {problem}")

    @property
    def title(self) -> str:
        return self.task.splitlines()[0].strip()

    def source(self, name: str) -> str:
        """The text of a definition."""
        first, last = self.lines[name]
        return "\n".join(self.text.splitlines()[first - 1 : last])

    def _misspelled(self) -> None:
        for name, line in self.set_at.items():
            meant = difflib.get_close_matches(name.upper(), SETTINGS, 1, 0.7)
            if meant and name not in SETTINGS and not name.startswith("_"):
                raise self.bad(line, f"{name} means nothing to an exercise. Did you mean {meant[0]}? Rename it.")
        for name, (line, _) in self.lines.items():
            meant_wrong = difflib.get_close_matches(name.lower().lstrip("_")[:6], ["wrong_"], 1, 0.75)
            if meant_wrong and not name.startswith("wrong_"):
                raise self.bad(line, f"{name} looks like a wrong answer, but is none. Rename it to begin with wrong_.")
            if "check" not in self.given and difflib.get_close_matches(name.lower(), ["check"], 1, 0.75):
                raise self.bad(line, f"{name} looks like a misspelled check. Rename it to check.")

    def _task(self) -> str:
        task = inspect.cleandoc(ast.get_docstring(self.tree) or "")
        if not task:
            raise self.bad(1, 'the task is missing. Begin the file with """, a title, an empty line, and the task.')
        return task

    def _answer(self) -> str:
        names = [name for name in self.given if name != "check" and not name.startswith(("wrong_", "_"))]
        if "check" not in self.given:
            what = "that yields pairs of True or False and what was seen"
            raise self.bad(
                1, f"there is no check. Write a function `def check({names[0] if names else 'fn'}):` {what}."
            )
        if not names:
            what = "the solution is missing. Write it as a function under the name that learners are to use"
            raise self.bad(1, f"{what}; names that begin with wrong_ or _ are something else.")
        if len(names) > 1:
            found = " and ".join(f"{name} (line {self.lines[name][0]})" for name in names)
            what = "which of them is the solution? Let the names of wrong answers begin with wrong_, of helpers with _"
            raise self.bad(self.lines[names[1]][0], f"there are {found}: {what}.")
        check = self.given["check"]
        if not isinstance(check, ast.FunctionDef) or len(check.args.args) != 1:
            raise self.bad(check.lineno, f"check takes one argument, what the learner wrote: `def check({names[0]}):`.")
        return names[0]

    def _says(self, name: str) -> tuple[str, ...]:
        return tuple(says for says in SAYS.findall(ast.get_docstring(self.given[name]) or "") if says)

    def checked_hints(self, hints: Any) -> tuple[str, ...]:
        example = 'HINTS = ["a gentle one", "a plainer one", "a plain one"]'
        if hints is None:
            raise self.bad(1, f"there are no hints. Write {example}.")
        line = self.set_at.get("HINTS", 1)
        if not isinstance(hints, (list, tuple)) or not all(isinstance(hint, str) and hint.strip() for hint in hints):
            raise self.bad(line, f"HINTS must be a list of texts: {example}.")
        if len(hints) < LEAST_HINTS:
            raise self.bad(line, f"HINTS has {len(hints)} of at least {LEAST_HINTS}. Add one, from gentle to plain.")
        return tuple(hint.strip() for hint in hints)

    def checked_limit(self, limit: Any) -> float:
        if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 1 <= limit <= LONGEST:
            line = self.set_at.get("LIMIT", 1)
            raise self.bad(line, f"LIMIT must be a number of seconds from 1 to {LONGEST}, not {limit!r}.")
        return float(limit)

    def checked_inputs(self, inputs: Any) -> Inputs | None:
        if inputs is not None and not isinstance(inputs, Inputs):
            example = "INPUTS = Inputs(lambda given: (given.tasks, given.workers))"
            raise self.bad(self.set_at.get("INPUTS", 1), f"INPUTS says how arguments are made: {example}.")
        return inputs

    def checked_equal(self, equal: Any) -> dict[str, str]:
        reasons = equal.values() if isinstance(equal, dict) else [None]
        if not all(isinstance(reason, str) and reason.strip() for reason in reasons):
            what = "EQUAL is a dict from mutants, as `make mutants` prints them, to the reasons why they do no harm."
            raise self.bad(self.set_at.get("EQUAL", 1), what)
        return equal


def title_of(path: Path) -> str:
    """The first line of an exercise file's task."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem).strip().splitlines()[0]


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _assigned(tree: ast.Module) -> list[tuple[str, int]]:
    """Names that the file sets, with their lines."""
    pairs = []
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        pairs += [(target.id, node.lineno) for target in targets if isinstance(target, ast.Name)]
    return pairs


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer, and for each thing that the check must hold against it a part of the sentence."""

    name: str
    function: Any
    says: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class ExerciseFile:
    """What one file in exercises/ holds."""

    path: Path
    parts: Parts = field(repr=False)
    module: ModuleType = field(repr=False)
    solution: Any
    hints: tuple[str, ...]
    limit: float
    wrong: tuple[Wrong, ...]
    inputs: Inputs | None = None
    equal: dict[str, str] = field(default_factory=dict, compare=False)

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


def read(path: Path) -> ExerciseFile:
    """The exercise in the file `path`. ExerciseError, with the line and what to do, if a part of it is missing."""
    path = Path(os.path.abspath(path))  # as its frames name it
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
        inputs=parts.checked_inputs(getattr(module, "INPUTS", None)),
        equal=parts.checked_equal(getattr(module, "EQUAL", {})),
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


Function = ast.FunctionDef | ast.AsyncFunctionDef
NOT_DONE = "raise NotImplementedError"


def solution_source(exercise: ExerciseFile) -> str:
    """The solution's code with the imports that it needs, ready to be pasted into a cell."""
    code = exercise.parts.source(exercise.learners_name)
    imports = []
    for node in _imports(exercise):
        node.names = [alias for alias in node.names if _name(alias) in _names(code)]
        if node.names:
            imports.append(ast.unparse(node))
    return "\n".join(imports) + ("\n\n\n" if imports else "") + code


def unseen_names(exercise: ExerciseFile) -> list[str]:
    """Names that the solution uses and learners do not have: other things that the exercise file defines."""
    imported = {_name(alias) for node in _imports(exercise) for alias in node.names}
    mine = set(vars(exercise.module)) - imported - set(dir(builtins)) - {exercise.learners_name}
    return sorted(_names(exercise.parts.source(exercise.learners_name)) & mine)


def starter(exercise: ExerciseFile) -> str:
    """The cell that learners begin with: the solution's first line and docstring, and nothing done."""
    [node] = ast.parse(exercise.parts.source(exercise.learners_name)).body
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    if isinstance(node, ast.ClassDef):
        methods = [n for n in node.body if isinstance(n, Function) and (n.name[0] != "_" or n.name[:2] == "__")]
        node.body = [*_docstring(node), *(_empty(method) for method in methods)]
        return ast.unparse(node)
    return ast.unparse(_empty(node))


def is_starter(node: Function | ast.ClassDef) -> bool:
    """Whether a definition does no more than a starter: each of its functions only raises NotImplementedError."""
    functions = [n for n in node.body if isinstance(n, Function)] if isinstance(node, ast.ClassDef) else [node]
    bodies = [f.body[1:] if ast.get_docstring(f) is not None else f.body for f in functions]
    return all("\n".join(map(ast.unparse, body)) in (NOT_DONE, f"{NOT_DONE}()") for body in bodies)


def _imports(exercise: ExerciseFile) -> list[ast.Import | ast.ImportFrom]:
    tree = ast.parse(exercise.parts.text)
    return [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]


def _name(alias: ast.alias) -> str:
    return (alias.asname or alias.name).partition(".")[0]


def _names(code: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _docstring(node: Function | ast.ClassDef) -> list[ast.stmt]:
    return node.body[:1] if ast.get_docstring(node) is not None else []


def _empty(node: Function) -> Function:
    node.body = [*_docstring(node), *ast.parse(NOT_DONE).body]
    return node
