"""Grade what learners handed in.

python -m exercises grade submissions          writes grades/grades.csv and grades/index.html
python -m exercises grade submissions --to autumn
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from exercises.authoring.lesson_cells import notebook_of
from exercises.engine.problem import read
from exercises.grading import answers, report, run
from exercises.learner import files


def grade(source: Path, target: Path) -> int:
    """Grade the notebooks in `source` into `target`; an interrupted run goes on where it was."""
    if not source.is_dir():
        sys.exit(f"FROM must be a folder of notebooks, and there is no folder {str(source)!r}.")
    exercises = {file.name: file for file in map(read, files())}
    lessons = {notebook.stem for file in exercises.values() if (notebook := notebook_of(file))}
    learners = answers.notebooks(source, lessons)
    if not learners:
        sys.exit(f"FROM must be a folder of notebooks, and there is no .ipynb file in {str(source)!r}.")
    found = {name: answers.answers(name, paths, exercises.values()) for name, paths in learners.items()}
    todo = [answer for mine, _ in found.values() for answer in mine]
    with tqdm(total=len(todo), unit="answer", desc=f"{len(learners)} learners") as bar:
        verdicts = run.graded(todo, exercises, target / "verdicts", bar.update)
    report.write(target, {name: problems for name, (_, problems) in found.items()}, list(exercises), verdicts)
    passed = sum(verdict["state"] == "passed" for verdict in verdicts.values())
    print(f"{passed} of {len(todo)} answers passed. See {target / 'index.html'} and {target / 'grades.csv'}.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("grade", help="check the answers in a folder of notebooks")
    command.add_argument("source", type=Path, nargs="?")
    command.add_argument("--to", type=Path, default=Path("grades"), help="the folder to write (grades)")
    given = parser.parse_args()
    if os.name != "posix":
        sys.exit("Grading runs on Linux and macOS alone: it ends what an answer starts by its process group.")
    if not given.source:
        sys.exit("Which folder? make grade FROM=submissions")
    try:
        return grade(given.source, given.to)
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the next call goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
