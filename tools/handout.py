"""Write handout/, the course for learners: `make handout`. What was there before is replaced.

It has all that `make lab`, conda and Binder need. Its notebooks have no outputs, and a marker file keeps exercises
from showing their solutions; the exercise files hold them all the same, since the checks are in there.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import notebook_form

HANDOUT = notebook_form.PROJECT / "handout"
CONTENTS = (
    "README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "environment.yml", "pyproject.toml",
    "requirements.txt", "requirements-dev.txt", "binder", "docs", "exercises", "helpers", "notebooks", "tools",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", ".ipynb_checkpoints", "viztracer_report", ".DS_Store", "*progress*.json*"
)
NO_SOLUTIONS = "exercises/.no-solutions"


def write(target: Path = HANDOUT) -> None:
    """Write the handout to the folder `target`, replacing it."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name in CONTENTS:
        source = notebook_form.PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, target)
    for path in (target / "notebooks").glob("*.ipynb"):
        notebook = notebook_form.read(path)
        notebook_form.strip_outputs(notebook)
        notebook_form.write(notebook, path)
    (target / NO_SOLUTIONS).touch()


def main() -> int:
    write()
    print(f"{HANDOUT.name}/ has {len(list(HANDOUT.glob('notebooks/*.ipynb')))} lessons without outputs and solutions.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
