"""Write handout/, the course for learners: `make handout`, or some lessons of it: `make handout LESSONS=01-04,11`.

What was there before is replaced.

It has all that `make lab`, conda and Binder need. Its notebooks have no outputs, and a marker file keeps exercises
from showing their solutions; the exercise files hold them all the same, since the checks are in there.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import notebook_form

HANDOUT = notebook_form.PROJECT / "handout"
CONTENTS = (
    ".gitignore", "README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "environment.yml",
    "pyproject.toml", "requirements.txt", "requirements-dev.txt", "binder", "docs", "exercises", "helpers", "notebooks",
    "tools",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", ".ipynb_checkpoints", "viztracer_report", ".DS_Store", "*progress*.json*"
)
NO_SOLUTIONS = "exercises/.no-solutions"
LESSON_ROW = re.compile(r"\| \[(\d\d) ")
LINK = re.compile(r"\[([^]]+)\]\((\d\d)-[\w-]+\.ipynb\)")


def chosen(lessons: str) -> set[str]:
    """The numbers of lessons that `01-04, 11` means. SystemExit for what means none."""
    there = [path.name[:2] for path in notebook_form.lessons()]
    found: set[str] = set()
    for part in lessons.split(","):
        span = re.fullmatch(r"\s*(\d\d)(?:-(\d\d))?\s*", part)
        numbers = [number for number in there if span and span[1] <= number <= (span[2] or span[1])]
        if not numbers:
            sys.exit(f"LESSONS must be numbers from {there[0]} to {there[-1]}, such as 01-04,11, not {lessons!r}.")
        found |= set(numbers)
    return found


def write(target: Path = HANDOUT, only: set[str] | None = None) -> None:
    """Write the handout to the folder `target`, replacing it; with `only`, the lessons of these numbers."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name in CONTENTS:
        source = notebook_form.PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, target)
    if only is not None:
        for path in [*target.glob("notebooks/[0-9]*.ipynb"), *target.glob("exercises/[0-9]*.py")]:
            if path.name[:2] not in only:
                path.unlink()
        readme = target / "README.md"
        rows = readme.read_text(encoding="utf-8").splitlines(keepends=True)
        gone = [row for row in rows if (found := LESSON_ROW.match(row)) and found[1] not in only]
        text, first = "".join(row for row in rows if row not in gone), min((target / "notebooks").glob("[0-9]*.ipynb"))
        text = text.replace("on lesson 00", f"on lesson {first.name[:2]}").replace("00-start-here.ipynb", first.name)
        readme.write_text(text, encoding="utf-8")
    for path in (target / "notebooks").glob("*.ipynb"):
        notebook = notebook_form.read(path)
        notebook_form.strip_outputs(notebook)
        if only is not None:
            for cell in notebook.cells:
                cell.source = LINK.sub(lambda link: link[0] if link[2] in only else link[1], cell.source)
        notebook_form.write(notebook, path)
    (target / NO_SOLUTIONS).touch()


def main() -> int:
    write(only=chosen(sys.argv[1]) if sys.argv[1:] else None)
    print(f"{HANDOUT.name}/ has {len(list(HANDOUT.glob('notebooks/*.ipynb')))} lessons without outputs and solutions.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
