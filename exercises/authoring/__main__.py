"""Check an exercise, or begin a new one.

.venv/bin/python -m exercises.authoring check 02_collect
.venv/bin/python -m exercises.authoring new 03 first_answer
.venv/bin/python -m exercises.authoring mutants 02_collect
"""

from __future__ import annotations

import argparse
import ast
import keyword
import re
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from exercises.authoring import lesson_cells, mutants, validate
from exercises.engine.problem import ExerciseError, ExerciseFile, place, read

FOLDER = Path(__file__).resolve().parents[1]
SIDE_BY_SIDE = 9
TEMPLATE = Path(__file__).resolve().parent / "template.py"


def check(name: str) -> int:
    """Check one exercise, say what was found, and return the exit code."""
    try:
        file = read(find(name))
    except ExerciseError as error:
        return _say("✗", "the file can't be used", [str(error)])
    print(f"{file.name}: {file.parts.title}")
    failed = _step("the file has all its parts", "the file is not complete", validate.form_problems, file)
    if _step("the solution passes", "the solution does not pass", validate.solution_problems, file):
        print("mend this first: until then nothing else tells much")
        return 1
    lines: set[int | None] = set()
    with ProcessPoolExecutor(SIDE_BY_SIDE) as pool:  # a check waits for most of its time
        for wrong, step in [
            (wrong.name, pool.submit(validate.wrong_step, file.path, wrong.name)) for wrong in file.wrong
        ]:
            problems, refused, seconds = step.result()
            lines |= refused
            what = f"{wrong} is not refused as it should be" if problems else f"{wrong} is refused for its reason"
            failed += _say("✗" if problems else "✓", f"{what} ({seconds:.1f} s)", problems)
    failed += _step("the starter is not started", "the starter counts as an answer", validate.starter_problems, file)
    if lesson_cells.notebook_of(file) is None:
        print(f"  • there is no notebook {file.path.stem[:2]}-… yet")
    elif _step("the notebook fits", "the notebook does not fit", lesson_cells.notebook_problems, file):
        failed += 1
        if not lesson_cells.is_used(file):
            paste(file)
    if not failed:
        idle = validate.unseen_findings(file, lines)
        if idle:
            _say("•", "the check could be tested better", idle)
    print("all is well" if not failed else f"{failed} to mend; then run this again")
    return int(failed > 0)


def _step(good: str, bad: str, problems: Callable[..., list[str]], *args: Any) -> int:
    start = time.monotonic()
    found = problems(*args)
    return _say("✗" if found else "✓", f"{bad if found else good} ({time.monotonic() - start:.1f} s)", found)


def _say(mark: str, what: str, problems: list[str]) -> int:
    print(f"  {mark} {what}")
    for problem in problems:
        print(textwrap.indent(problem, "      "))
    return int(bool(problems))


def find(name: str) -> Path:
    """The file of the exercise `name`, however it is written: 02_collect, 02-collect, a path. SystemExit if none."""
    stem = Path(name).stem.replace("-", "_")
    path = FOLDER / f"{stem}.py"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in FOLDER.glob("[0-9][0-9]_*.py")))
        sys.exit(f"There is no exercise {stem!r}. NAME is one of: {there}.")
    return path


LEAST_REFUSED = 0.95


def try_mutants(names: list[str]) -> int:
    """Run the mutants of these exercises, of all if none is named; print those that pass, and return the exit code."""
    failed = 0
    for path in [find(name) for name in names] or sorted(FOLDER.glob("[0-9][0-9]_*.py")):
        start = time.monotonic()
        report = mutants.run(path)
        print(f"{report} ({time.monotonic() - start:.0f} s)", flush=True)
        failed += report.share < LEAST_REFUSED
    return int(failed > 0)


def new(lesson: str, name: str) -> int:
    """Lay down the file of a new exercise, and print the cells for its notebook."""
    if not re.fullmatch(r"\d\d", lesson):
        sys.exit(f"LESSON must be the two digits that a notebook begins with, such as 03, not {lesson!r}.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(f"NAME must be lowercase words joined by underscores, such as first_answer, not {name!r}.")
    template = TEMPLATE.read_text(encoding="utf-8")
    if keyword.iskeyword(name) or name.startswith("wrong") or name in _names(template):
        sys.exit(f"The exercise's file would use {name!r} for something else. Choose another NAME.")
    path = FOLDER / f"{lesson}_{name}.py"
    if path.exists():
        sys.exit(f"{place(path)} is there already. Choose another NAME, or edit that file.")
    path.write_text(template.replace("NAME", name), encoding="utf-8")
    print(f"Wrote {place(path)}. It works as it is: replace what says FILL IN, then")
    print(f"    make exercise NAME={path.stem}\n")
    paste(read(path))
    return 0


def _names(code: str) -> set[str]:
    """Every name that `code` defines or uses."""
    found = (getattr(node, key, None) for node in ast.walk(ast.parse(code)) for key in ("id", "name", "arg"))
    return {name for name in found if isinstance(name, str)}


def paste(file: ExerciseFile) -> None:
    """Print the cells for the notebook."""
    notebook = lesson_cells.notebook_of(file)
    where = place(notebook) if notebook else f"notebooks/{file.path.stem[:2]}-….ipynb, which is not there yet"
    print(f"Cells for {where}, to be pasted one by one:")
    for what, code in lesson_cells.cells_to_paste(file):
        print(f"\n{what}:\n{textwrap.indent(code, '    ')}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("name", nargs="?")
    commands.add_parser("mutants").add_argument("names", nargs="*")
    make = commands.add_parser("new")
    make.add_argument("lesson", nargs="?")
    make.add_argument("name", nargs="?")
    given = parser.parse_args()
    if given.command == "check":
        return check(given.name) if given.name else sys.exit("Which exercise? make exercise NAME=02_collect")
    if given.command == "mutants":
        return try_mutants(given.names)
    if not (given.lesson and given.name):
        sys.exit("Which one? make new-exercise LESSON=03 NAME=first_answer")
    return new(given.lesson, given.name)


if __name__ == "__main__":
    sys.exit(main())
