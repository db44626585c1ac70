"""Examine an exercise as its author would: does the check accept the solution, and refuse each wrong answer rightly?

Each function gives a list of problems, sentences that name the line and say what to do; an empty list is a pass.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from exercises.engine.problem import ExerciseError, ExerciseFile, Wrong, place, read, starter, unseen_names
from exercises.engine.verdict import Finding, Verdict
from exercises.learner import judged

LEAST_WRONG = 4
FILL_IN = "FILL IN"


def form_problems(file: ExerciseFile) -> list[str]:
    """What is wrong with the file before anything runs."""
    problems = []
    blanks = [number for number, line in enumerate(file.parts.text.splitlines(), 1) if FILL_IN in line]
    if blanks:
        more = f" So have lines {', '.join(map(str, blanks[1:]))}." if blanks[1:] else ""
        problems.append(_at(file, blanks[0], f"this line has a {FILL_IN} to be replaced.{more}"))
    if len(file.wrong) < LEAST_WRONG:
        line = file.wrong[-1].line if file.wrong else file.parts.lines[file.learners_name][0]
        what = f"Add what learners really write, as functions named wrong_…, until there are {LEAST_WRONG}"
        problems.append(_at(file, line, f"the file has {len(file.wrong)} wrong answers. {what}."))
    for wrong in file.wrong:
        if not wrong.says:
            what = 'Give it the docstring """says: part of the sentence with which the check refuses it"""'
            problems.append(_at(file, wrong.line, f"{wrong.name} does not say why it is wrong. {what}."))
    first = file.parts.lines[file.learners_name][0]
    for name in unseen_names(file):
        what = "Learners don't see that name: move it into the solution"
        problems.append(_at(file, first, f"the solution uses {name}, which this file defines. {what}."))
    for line, name in _named_arguments(file):
        what = "A learner may call it otherwise: pass it by its place"
        problems.append(_at(file, line, f"check passes {name}= by its name. {what}."))
    return problems


def _named_arguments(file: ExerciseFile) -> list[tuple[int, str]]:
    """Arguments that the check hands to the learner's function by name, though the task does not ask for that."""
    answer = next(n for n in ast.walk(file.parts.tree) if getattr(n, "name", None) == file.learners_name)
    only = {arg.arg for arg in answer.args.kwonlyargs} if isinstance(answer, ast.FunctionDef) else None
    check = file.parts.given["check"]
    assert isinstance(check, ast.FunctionDef)
    return [
        (call.lineno, keyword.arg)
        for call in ast.walk(check)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == check.args.args[0].arg
        for keyword in call.keywords
        if keyword.arg and only is not None and keyword.arg not in only
    ]


def solution_problems(file: ExerciseFile) -> list[str]:
    """Why the check does not accept the file's own solution."""
    verdict, errors = _judge(file, file.solution)
    problems = list(errors)
    for finding in verdict.findings if verdict else ():
        line = finding.line or file.parts.lines[file.learners_name][0]
        if finding.stumbled:
            problems.append(_at(file, line, "for the solution the check itself raises:", finding, "Mend the check."))
        elif finding.ok is False:
            problems.append(_at(file, line, "the solution is refused:", finding, "Mend the solution or the check."))
        elif finding.ok is None:
            problems.append(_at(file, line, "the solution is not clean:", finding, "Mend the solution."))
    return problems


def wrong_problems(file: ExerciseFile, wrong: Wrong) -> list[str]:
    """Why the check does not refuse a wrong answer for its own reason and no other."""
    verdict, errors = _judge(file, wrong.function)
    problems = list(errors)
    if verdict is None or not wrong.says:  # which form_problems tells
        return problems
    refused = [finding for finding in verdict.findings if finding.ok is False]
    if verdict.state == "not started":
        return [_at(file, wrong.line, f"{wrong.name} counts as not started: it raises NotImplementedError.")]
    if not refused:
        todo = "Make the check look at what is wrong with it, or remove it."
        return [_at(file, wrong.line, f"{wrong.name} passes the check, which saw:", *verdict.findings, todo)]
    for finding in refused:
        line = finding.line or wrong.line
        if finding.stumbled:
            todo = "Let the check yield False and say what it saw, where it raises now."
            problems.append(_at(file, line, f"for {wrong.name} the check itself raises:", finding, todo))
        elif not _says(finding, wrong.says):
            expected = " or ".join(repr(says) for says in wrong.says)
            todo = f"Add a line `says: …` for that at line {wrong.line}, or mend the check or the wrong answer."
            reason = f"{wrong.name} is refused for another reason than {expected}:"
            problems.append(_at(file, line, reason, finding, todo))
    for says in wrong.says:
        if not problems and not any(_says(finding, [says]) for finding in refused):
            problems.append(_at(file, wrong.line, f"{wrong.name} is never refused with {says!r}. Remove that says."))
    return problems


def _says(finding: Finding, parts: Iterable[str]) -> bool:
    return any(part in sentence for part in parts for sentence in (finding.says, *finding.details))


def starter_problems(file: ExerciseFile) -> list[str]:
    """Why the starter is not told apart from an answer."""
    space: dict[str, Any] = dict(vars(file.module))
    exec(compile(starter(file), "<string>", "exec"), space)
    verdict, errors = _judge(file, space[file.learners_name])
    problems = list(errors)
    if verdict is not None and verdict.state != "not started":
        line = next((f.line for f in verdict.findings if f.ok is False and f.line), file.parts.lines["check"][0])
        what = "Call the learner's function before anything else and let NotImplementedError through"
        problems.append(_at(file, line, f"the starter, which only raises, is {verdict.state!r}. {what}."))
    return problems


def refused_at(file: ExerciseFile, wrong: Wrong) -> set[int | None]:
    """The lines of the findings that refuse a wrong answer."""
    verdict = _judge(file, wrong.function)[0]
    return {finding.line for finding in verdict.findings if finding.ok is False} if verdict else set()


def wrong_step(path: Path, name: str) -> tuple[list[str], set[int | None], float]:
    """For one wrong answer of the file at `path`: its problems, the lines that refuse it, and the seconds it took."""
    start, file = time.monotonic(), read(path)
    [wrong] = [wrong for wrong in file.wrong if wrong.name == name]
    return wrong_problems(file, wrong), refused_at(file, wrong), time.monotonic() - start


def unseen_findings(file: ExerciseFile, lines: set[int | None]) -> list[str]:
    """Findings of the check that no wrong answer sets off, those at `lines` do: nobody knows whether they can fail."""
    yields = list(_own_yields(file.parts.given["check"]))
    idle = [n for n in yields if not any(line and n.lineno <= line <= (n.end_lineno or 0) for line in lines)]
    return [_at(file, n.lineno, "no wrong answer is refused here. Add one that is, or drop the finding.") for n in idle]


def _own_yields(node: ast.AST) -> Iterator[ast.Yield]:
    """The yields of a function, without those of functions in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Yield):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _own_yields(child)


@lru_cache(maxsize=64)  # two functions here ask for the same verdicts
def _judge(file: ExerciseFile, fn: Any) -> tuple[Verdict | None, tuple[str, ...]]:
    try:
        return judged(file, fn), ()
    except ExerciseError as error:
        return None, (str(error),)


def _at(file: ExerciseFile, line: int, problem: str, *more: Finding | str) -> str:
    """The problem with its line, then what was seen, then what to do."""
    lines = [f"{place(file.path)}, line {line}: {problem}"]
    for part in more:
        seen = [part] if isinstance(part, str) else [f"    {text}" for text in (part.says, *part.details)]
        lines += seen
    return "\n".join(lines)
