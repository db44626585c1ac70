"""The parts of an exercise file by its text alone, and errors that name the line of what is missing or misspelled."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from pathlib import Path
from typing import Any

LONGEST = 10  # seconds that a verdict may take at most
LEAST_HINTS = 2
SETTINGS = ("HINTS", "LIMIT")
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
