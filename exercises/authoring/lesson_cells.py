"""Whether a lesson's notebook and its exercises fit: each has its check, and a starter with the solution's signature.

A starter stands in a code cell with the tag `exercise`: the solution's first line, and `raise NotImplementedError`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from exercises.engine.problem import NOT_DONE, ExerciseFile, Function, place, starter

Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Cell:
    """A code cell: `place` as messages name it, its code as Python, whether it is tagged, and why it can't be read."""

    place: str
    tree: ast.Module
    tagged: bool
    unreadable: str | None = None

    def definitions(self) -> list[Definition]:
        return [node for node in self.tree.body if isinstance(node, Definition)]

    def calls(self) -> Iterator[tuple[str, str, str | None]]:
        """For each use of exercise("name").method(argument): name, method ("" if none) and the argument's name."""
        methods: dict[int, tuple[str, str | None]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                argument = node.args[0].id if node.args and isinstance(node.args[0], ast.Name) else None
                methods[id(node.func.value)] = (node.func.attr, argument)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exercise":
                name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
                if isinstance(name, str):
                    yield name, *methods.get(id(node), ("", None))


def notebook_of(file: ExerciseFile) -> Path | None:
    """The notebook of the lesson that `file` belongs to, None while there is none."""
    return next(iter(sorted((file.path.parent.parent / "notebooks").glob(f"{file.path.stem[:2]}-*.ipynb"))), None)


def cells(notebook: Path) -> list[Cell]:
    """The code cells of a notebook. One that is in another language, or not to be read, counts as empty."""
    found = []
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"], 1):
        if cell["cell_type"] == "code":
            where, tags = f"{place(notebook)}, cell {number}", cell["metadata"].get("tags", [])
            source = "".join(cell["source"])  # lines, or one text
            tree, unreadable = ast.Module([], []), None
            try:
                tree = python_of(source)
            except SyntaxError as error:
                if not source.lstrip().startswith("%%") and "raises-exception" not in tags:
                    unreadable = f"{where}, line {error.lineno or 1}: this is not Python: {error.msg}. Mend the cell."
            found.append(Cell(where, tree, "exercise" in tags, unreadable))
    return found


def python_of(source: str) -> ast.Module:
    """What IPython would run, without the magics of whole cells: what stands under `%%time` is Python too."""
    lines = ["pass" if line.lstrip().startswith("%%") else line for line in source.splitlines()]
    return ast.parse(TransformerManager().transform_cell("\n".join(lines)))


def is_used(file: ExerciseFile) -> bool:
    """Whether a cell of the lesson's notebook uses `file`."""
    notebook = notebook_of(file)
    found = cells(notebook) if notebook else []
    return any(name.replace("_", "-") == file.name for cell in found for name, _, _ in cell.calls())


def notebook_problems(file: ExerciseFile) -> list[str]:
    """Why the notebook of `file`'s lesson does not fit it; nothing while the lesson has no notebook."""
    notebook = notebook_of(file)
    return [] if notebook is None else list(_problems(file, place(notebook), cells(notebook)))


def _problems(file: ExerciseFile, notebook: str, found: list[Cell]) -> Iterator[str]:
    if unreadable := [cell.unreadable for cell in found if cell.unreadable]:
        yield from unreadable
        return
    name, answer = file.name, file.learners_name
    uses = [call for cell in found for call in cell.calls() if call[0].replace("_", "-") == name]
    if not uses:
        yield f'{notebook}: no cell uses exercise("{name}"). Paste the cells that `make exercise` prints.'
        return
    if not any(method == "check" and argument == answer for _, method, argument in uses):
        yield f'{notebook}: no cell checks the answer. Add one with exercise("{name}").check({answer}).'
    starters = [(cell, node) for cell in found for node in cell.definitions() if node.name == answer]
    if not starters:
        yield f"{notebook}: the starter is missing. Add this cell, with the tag `exercise`:\n{starter(file)}"
    for cell, node in starters:
        if not cell.tagged:
            where = "In JupyterLab: the gear at the top right, Common Tools, Cell Tags"
            yield f"{cell.place}: the starter of {name} has no tag `exercise`. {where}."
        [wanted] = ast.parse(starter(file)).body
        if not _same(node, wanted):
            yield f"{cell.place}: the starter is not the solution's, or does more than raise. Write:\n{starter(file)}"


def _same(given: Any, wanted: Any) -> bool:
    """Whether two starters ask for the same: methods in any order, docstrings and types aside."""
    return _shape(given) == _shape(wanted)


def _shape(node: Any) -> Any:
    if isinstance(node, ast.ClassDef):
        return node.name, sorted(_shape(n) for n in node.body if isinstance(n, Function))
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    for arg in ast.walk(node.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None
    does = "\n".join(ast.unparse(statement) for statement in body)
    return node.name, ast.unparse(node.args), does in (NOT_DONE, f"{NOT_DONE}()")


def strays(notebook: Path, files: list[ExerciseFile]) -> list[str]:
    """Calls of exercise() in a notebook for which there is none of `files`, and starters that belong to none."""
    names, answers = {file.name for file in files}, {file.learners_name for file in files}
    problems = []
    for cell in cells(notebook):
        if cell.unreadable:
            problems.append(cell.unreadable)
            continue
        for name in dict.fromkeys(name for name, _, _ in cell.calls() if name.replace("_", "-") not in names):
            problems.append(f'{cell.place}: there is no exercise "{name}". Is it misspelled, or its file gone?')
        defined = [node.name for node in cell.definitions()]
        if cell.tagged and not answers.intersection(defined):
            what = " and ".join(defined) or "nothing"
            problems.append(f"{cell.place}: it has the tag `exercise` and defines {what}, the answer to no exercise.")
    return problems


def cells_to_paste(file: ExerciseFile) -> list[tuple[str, str]]:
    """What each cell is for, and its code."""
    use = f'exercise("{file.name}")'
    return [
        ("the task", f"from exercises import exercise\n\n{use}"),
        ("the starter; give this cell the tag `exercise`", starter(file)),
        ("the check", f"{use}.check({file.learners_name})"),
        ("a hint", f"{use}.hint()"),
        ("the solution", f"{use}.solution()"),
    ]
