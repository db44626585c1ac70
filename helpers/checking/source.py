"""Text made from an exercise's solution: what `.solution()` shows, and the starter that goes into the notebook."""

from __future__ import annotations

import ast
import builtins

from helpers.checking.file import ExerciseFile

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
