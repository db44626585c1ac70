"""Small changes of a solution, each of which the check should refuse: one that still passes shows a hole.

A change that makes no difference to a caller is named in the exercise file with the reason, as it is printed:
`EQUAL = {"if left == 0:  ->  if left <= 0:": "the count never falls below zero"}`.
"""

from __future__ import annotations

import ast
import copy
import difflib
import linecache
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from exercises.engine.problem import ExerciseError, ExerciseFile, place, read
from exercises.learner import judged

SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OTHERS = {
    "popleft": "pop", "min": "max", "max": "min", "append": "appendleft", "FIRST_COMPLETED": "ALL_COMPLETED",
    "as_completed": "iter", "sorted": "list", "exception": "result", "BaseException": "Exception",
    "BoundedSemaphore": "Semaphore", "add": "discard", "done": "cancelled", "started": "submitted",
}  # fmt: skip
Edit = Callable[[Any], Any]  # changes a node in place, or returns what is to stand there


@dataclass(frozen=True)
class Mutant:
    """A changed solution."""

    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """As EQUAL names it."""
        return f"{self.before}  ->  {self.after}"


def mutants(file: ExerciseFile) -> list[Mutant]:
    """Every mutant of the solution, each text once."""
    [tree] = ast.parse(file.parts.source(file.learners_name)).body
    first, plain = file.parts.lines[file.learners_name][0], ast.unparse(tree)
    found: dict[str, Mutant] = {}
    for n, node in enumerate(ast.walk(tree)):
        for edit in _edits(node):
            other = copy.deepcopy(tree)
            target = list(ast.walk(other))[n]
            new = edit(target)
            if new is not None:
                _put(other, target, new)
            ast.fix_missing_locations(other)
            source = ast.unparse(other)
            if source != plain and source not in found:
                found[source] = Mutant(first + getattr(node, "lineno", 1) - 1, *_changed(plain, source), source)
    return list(found.values())


def _put(tree: ast.AST, old: ast.AST, new: Any) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is old for item in value):
                n = next(n for n, item in enumerate(value) if item is old)
                value[n : n + 1] = new if isinstance(new, list) else [new]


def _changed(before: str, after: str) -> tuple[str, str]:
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    parts = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    old, new = (" / ".join(part[:3]) + (" …" if len(part) > 3 else "") for part in parts)
    return old, new or "(nothing)"


def _set(name: str, value: Any) -> Edit:
    return lambda node: setattr(node, name, value)


def _edits(node: ast.AST) -> Iterator[Edit]:
    """The small changes of one node."""
    match node:
        case ast.Compare(ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(None)]):
            truth = isinstance(op, ast.IsNot)
            yield lambda n: n.left if truth else ast.UnaryOp(ast.Not(), n.left)
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield _set("ops", [SWAPS[type(op)]()])
            if isinstance(op, ast.Eq | ast.NotEq):
                yield _set("ops", [ast.LtE() if isinstance(op, ast.Eq) else ast.Lt()])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in SWAPS:
            yield _set("op", SWAPS[type(op)]())
            if isinstance(node, ast.BoolOp):
                yield from (partial(_operand, keep) for keep in range(len(node.values)))
        case ast.UnaryOp(op=ast.Not()):
            yield lambda n: n.operand
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(1)):
            yield lambda n: ast.Constant(0)
        case ast.Constant(bool() as value):
            yield _set("value", not value)
        case ast.Constant(int() | float() as value):
            yield _set("value", value + 1)
            yield _set("value", value - 1)
        case ast.Constant(str() as value) if value:
            yield _set("value", value + "?")
        case ast.With(items=[ast.withitem(optional_vars=None)]):
            yield lambda n: n.body  # a lock taken away
        case ast.If() | ast.While():
            yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
            if isinstance(node, ast.If):
                yield lambda n: n.body
        case ast.IfExp():
            yield lambda n: n.body
            yield lambda n: n.orelse
        case ast.ExceptHandler(type=kind) if kind is not None:
            yield lambda n: setattr(n, "type", ast.Name("BaseException", ast.Load()))
            yield lambda n: setattr(n, "type", ast.Name("ValueError", ast.Load()))
        case ast.Try():
            yield lambda n: n.body + n.orelse + n.finalbody  # nothing is caught
        case ast.Expr(value=ast.Call() | ast.Yield()):
            yield lambda n: ast.Pass()
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield _set("value", ast.Constant(None))
        case ast.Break():
            yield lambda n: ast.Pass()
        case ast.Continue():
            yield lambda n: ast.Break()
        case ast.AugAssign():
            yield lambda n: ast.Pass()
        case ast.Subscript(slice=ast.Constant(int() as at)):
            yield lambda n: setattr(n, "slice", ast.Constant(-1 if at == 0 else 0))
        case ast.comprehension(ifs=[_, *_]):
            yield _set("ifs", [])
        case ast.Name(id=name) if name in OTHERS and isinstance(node.ctx, ast.Load):
            yield _set("id", OTHERS[name])
        case ast.Attribute(attr=name) if name in OTHERS:
            yield _set("attr", OTHERS[name])
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not node.args:
            yield lambda n: n.func.value  # a .result() dropped
        for at in range(len(node.keywords)):
            yield partial(_without, "keywords", at)
        for at in range(len(node.args)):
            if not isinstance(node.args[at], ast.Starred):
                yield partial(_without, "args", at)
        if len(node.args) == 2:
            yield lambda n: n.args.reverse()


def _without(part: str, at: int, node: Any) -> None:
    del getattr(node, part)[at]


def _operand(keep: int, node: Any) -> Any:
    return node.values[keep]


def answer_of(file: ExerciseFile, mutant: Mutant) -> Any:
    """What the mutant's text defines, as if it stood in the exercise file. SyntaxError if it can't be compiled."""
    name = f"{file.path.stem}_mutant.py"  # no file of the project's: what the learner's lines are is told by that
    linecache.cache[name] = (len(mutant.source), None, mutant.source.splitlines(True), name)
    space = dict(vars(file.module))
    exec(compile(mutant.source, name, "exec"), space)
    return space[file.learners_name]


def survives(path: Path, number: int) -> bool:
    """Whether the check of the exercise at `path` lets the mutant with this number pass."""
    file = read(path)
    try:
        return judged(file, answer_of(file, mutants(file)[number])).passed
    except (ExerciseError, SyntaxError, NameError):
        return False


@dataclass(frozen=True)
class Report:
    """What became of an exercise's mutants."""

    file: ExerciseFile
    all: list[Mutant]
    passed: list[Mutant]
    equal: list[Mutant]

    @property
    def share(self) -> float:
        """The refused ones' part of those that are not equal in effect."""
        rest = len(self.all) - len(self.equal)
        return 1.0 if rest == 0 else (rest - len(self.passed)) / rest

    def __str__(self) -> str:
        counted = f"{len(self.all)} mutants, {len(self.equal)} equal in effect, {len(self.passed)} others pass"
        lines = [f"{self.file.name}: {counted}: {self.share:.0%} refused"]
        for mutant in self.passed:
            lines.append(f"  ✗ {place(self.file.path)}, line {mutant.line} still passes as: {mutant.key}")
        stale = set(self.file.equal) - {mutant.key for mutant in self.all}
        lines += [f"  ✗ EQUAL names what is no mutant: {key}" for key in sorted(stale)]
        return "\n".join(lines)


def run(path: Path, side_by_side: int = 2) -> Report:
    """Try every mutant of an exercise that is not marked as equal in effect."""
    file = read(path)
    every = mutants(file)
    tried = [n for n, mutant in enumerate(every) if mutant.key not in file.equal]
    with ProcessPoolExecutor(side_by_side) as pool:
        results = list(pool.map(partial(survives, path), tried))
    passed = [every[n] for n, passes in zip(tried, results, strict=True) if passes]
    return Report(file, every, passed, [mutant for mutant in every if mutant.key in file.equal])
