"""Find learners' answers in the notebooks that they hand in: as code, without running any of it."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exercises.authoring.lesson_cells import python_of
from exercises.engine.problem import ExerciseFile, is_starter

LARGEST = 50 << 20  # bytes of a notebook that is read
IGNORED = {".ipynb_checkpoints", "__MACOSX", "__pycache__"}
ASKED = re.compile(r"""\bexercise\(\s*["'](\d\d)[-_]""")
Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Plain = (*Definition, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True)
class Answer:
    """What one learner handed in for one exercise: its code, or why there is none that could be run."""

    learner: str
    exercise: str
    code: str = ""
    problem: str = ""


@dataclass
class _Cell:
    tagged: bool
    source: str
    nodes: list[ast.stmt]
    unreadable: str = ""


def notebooks(folder: Path, lessons: Iterable[str]) -> dict[str, list[Path]]:
    """The notebooks in `folder` by learner, both in the order of their names.

    A folder in it is a learner's. A notebook that lies there by itself is named after its learner; the lesson's own
    name in it, as in `kim_02-hold-a-future.ipynb`, does not count.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if IGNORED.intersection(parts) or not path.is_file():
            continue
        name = parts[0] if len(parts) > 1 else path.stem
        if len(parts) == 1:
            for lesson in lessons:
                name = name.replace(lesson, "")
            name = name.strip("_- ") or path.stem
        found.setdefault(name, []).append(path)
    return dict(sorted(found.items()))


def answers(learner: str, paths: Iterable[Path], exercises: Iterable[ExerciseFile]) -> tuple[list[Answer], list[str]]:
    """The answers in a learner's notebooks, and what is to be said of notebooks that can't be read."""
    exercises = list(exercises)
    found: dict[str, Answer] = {}
    problems = []
    for path in paths:
        try:
            cells = list(_cells(path))
        except Exception as error:  # whatever a file with this ending may hold
            problems.append(f"{path.name} can't be read as a notebook ({type(error).__name__}).")
            continue
        lessons = {lesson for cell in cells for lesson in ASKED.findall(cell.source)}
        for exercise in exercises:
            # Lessons use each other's names. One that asks for no exercise at all may hold any.
            answer = _answer(learner, exercise, cells) if not lessons or exercise.name[:2] in lessons else None
            if answer and (answer.code or exercise.name not in found):
                found[exercise.name] = answer
    return [found[exercise.name] for exercise in exercises if exercise.name in found], problems


def _cells(path: Path) -> Iterator[_Cell]:
    import nbformat  # takes a second

    if path.stat().st_size > LARGEST:
        raise ValueError("too large")
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source, tagged = str(cell.source), "exercise" in cell.metadata.get("tags", [])
            try:
                yield _Cell(tagged, source, python_of(source).body)
            except (SyntaxError, ValueError, RecursionError) as error:
                where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                yield _Cell(tagged, source, [], f"The answer's cell{where} is not Python: {error!s:.100}")


def _answer(learner: str, exercise: ExerciseFile, cells: list[_Cell]) -> Answer | None:
    """The last definition of the answer's name; a starter only where there is nothing else."""
    name = exercise.learners_name
    begins = re.compile(rf"^\s*(?:async )?(?:def|class) {name}\b", re.MULTILINE)
    broken = [c for c in cells if c.unreadable and (begins.search(c.source) or (c.tagged and f" {name}" in c.source))]
    homes = [cell for cell in cells if any(name in _names_set(node) for node in cell.nodes)]
    tagged = [cell for cell in homes if cell.tagged] or homes
    begun = [cell for cell in homes if not _only_starters(cell, exercise)]
    if begun:
        home = [cell for cell in begun if cell.tagged][-1:] or begun[-1:]
        return Answer(learner, exercise.name, _program(name, home[0], cells))
    if broken:
        return Answer(learner, exercise.name, problem=broken[-1].unreadable)
    return Answer(learner, exercise.name, _program(name, tagged[-1], cells)) if tagged else None


def _only_starters(cell: _Cell, exercise: ExerciseFile) -> bool:
    nodes = [node for node in cell.nodes if exercise.learners_name in _names_set(node)]
    return all(isinstance(node, Definition) and is_starter(node) for node in nodes)


def _names_set(node: ast.stmt) -> set[str]:
    """The names that a statement of a cell gives a value to."""
    if isinstance(node, Definition):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _program(name: str, home: _Cell, cells: list[_Cell]) -> str:
    """The answer's cell, after the imports, definitions and values of other cells that it needs."""
    kept = [node for node in home.nodes if not _uses_the_course(node)]
    others = [node for cell in cells if cell is not home for node in cell.nodes if isinstance(node, Plain)]
    others = [node for node in others if name not in _names_set(node)]
    needed: list[ast.stmt] = [n for n in others if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"]
    more: Sequence[ast.stmt] = kept
    while more:
        names = _names_needed(more)
        more = [node for node in others if node not in needed and names & _names_set(node)]
        needed += more
    needed = [node for node in others if node in needed]
    return "\n".join(ast.unparse(node) for node in [*needed, *kept]) + "\n"


def _names_needed(nodes: Sequence[ast.stmt]) -> set[str]:
    """The names that these statements use and functions among them do not set for themselves."""
    try:
        tables = [symtable.symtable("\n".join(map(ast.unparse, nodes)), "cell", "exec")]
    except SyntaxError:  # such as a return outside a function: it will be said when the answer is run
        return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
    found = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    while tables:
        tables = [child for table in tables for child in table.get_children()]
        found |= {symbol.get_name() for table in tables for symbol in table.get_symbols() if symbol.is_global()}
    return found


def _uses_the_course(node: ast.stmt) -> bool:
    """Whether a statement shows, checks or asks about an exercise."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    return isinstance(node, ast.Expr) and any(isinstance(f, ast.Name) and f.id == "exercise" for f in calls)
