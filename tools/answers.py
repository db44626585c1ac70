"""Write answers/, the lessons with every exercise solved and executed, for the instructor: `make answers`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import notebook_form
import run_notebooks

from exercises.engine.problem import read, solution_source
from exercises.learner import files

ANSWERS = notebook_form.PROJECT / "answers"


def solved(lesson: Path) -> Any:
    """The notebook of `lesson` with the solutions in the cells of its starters, without outputs."""
    notebook = notebook_form.read(lesson)
    notebook_form.strip_outputs(notebook)
    for file in (read(path) for path in files() if path.name[:2] == lesson.name[:2]):
        for cell in notebook.cells:
            starter = f"def {file.learners_name}(", f"class {file.learners_name}"
            if "exercise" in cell.metadata.get("tags", []) and any(start in cell.source for start in starter):
                cell.source = solution_source(file)
    return notebook


def main() -> int:
    shutil.rmtree(ANSWERS, ignore_errors=True)
    shutil.copytree(notebook_form.NOTEBOOKS, ANSWERS, ignore=shutil.ignore_patterns("*.ipynb", "*progress*.json*"))
    os.environ["THREADPOOL_PROGRESS"] = "off"
    failed = 0
    for lesson in notebook_form.lessons():
        path = ANSWERS / lesson.name
        notebook_form.write(solved(lesson), path)
        error = run_notebooks.run(path)
        failed += error is not None
        print(f"{path.name} {'solved' if error is None else f'failed: {error}'}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
