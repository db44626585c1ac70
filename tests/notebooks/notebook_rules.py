"""The rules for a committed notebook's cells and outputs. A rule takes a Lesson and yields what is wrong with it."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import notebook_form

VERBS = {
    "Call",
    "Choose",
    "Hold",
    "Leave",
    "Meet",
    "Mend",
    "Profile",
    "See",
    "Share",
    "Size",
    "Start",
    "Stop",
    "Submit",
    "Work",
}
TAGS = {"nbval-ignore-output", "raises-exception", "exercise"}
MOST_LINES, MOST_BYTES = 12, 1_500_000
CELLS = range(25, 46)  # three exercises with their checks are nine of them
CELLS_OF_THE_FIRST = range(15, 46)
# Two folders and a name, from the root on: such a path is one computer's.
DATA = re.compile(r"data:[\w/+.-]+;base64,[\w/+=]+")  # a picture inside a page; its letters may look like a path
PATH = re.compile(r"(?<![\w.:/~-])/(?:[\w.-]+/){2,}[\w.-]+|\b[A-Z]:\\Users\\")


@dataclass(frozen=True)
class Lesson:
    """A notebook and where it is."""

    path: Path
    notebook: Any

    @classmethod
    def read(cls, path: Path) -> Lesson:
        return cls(path, notebook_form.read(path))

    @property
    def number(self) -> int:
        return int(self.path.name[:2])

    @cached_property
    def code(self) -> list[Any]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @cached_property
    def markdown(self) -> list[str]:
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @cached_property
    def all_code(self) -> str:
        return "\n".join(cell.source for cell in self.code)

    @property
    def first_cell(self) -> str:
        return self.markdown[0] if self.markdown else ""


def tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))


def named(cell: Any) -> str:
    return f"cell {cell.id} ({cell.source.strip().splitlines()[0][:50] if cell.source.strip() else 'empty'})"


def texts(output: Any) -> Iterator[str]:
    """All that is readable in an output."""
    if output.output_type == "stream":
        yield output.text
    elif output.output_type == "error":
        yield from (output.evalue, *output.traceback)
    else:
        yield from (value for kind, value in output.data.items() if kind.startswith("text/"))


def is_valid(lesson: Lesson) -> Iterator[str]:
    ids = [cell.get("id") for cell in lesson.notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield "each cell needs an id of its own"
        return
    try:
        nbformat.validate(lesson.notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {error.message}"


def is_run_top_to_bottom(lesson: Lesson) -> Iterator[str]:
    counts = [cell.execution_count for cell in lesson.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not run top to bottom: the counts are {counts}"
    yield from (f"{named(cell)}: no code" for cell in lesson.code if not cell.source.strip())


def is_in_the_saved_form(lesson: Lesson) -> Iterator[str]:
    wanted = copy.deepcopy(lesson.notebook)
    notebook_form.normalize(wanted)
    if wanted.metadata != lesson.notebook.metadata:
        yield f"metadata is {json.dumps(lesson.notebook.metadata)}: save it with `make notebooks`"
    for cell, good in zip(lesson.notebook.cells, wanted.cells, strict=True):
        if cell != good:
            yield f"{named(cell)}: its output or metadata is not as `make notebooks` saves it"


def has_only_intended_errors(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and "raises-exception" not in tags(cell):
            yield f"{named(cell)}: ends in {errors[0].ename} without the tag raises-exception"
        if not errors and "raises-exception" in tags(cell):
            yield f"{named(cell)}: the tag raises-exception and no error"
        if any("Traceback (most recent call last)" in text for error in errors for text in error.traceback):
            yield f"{named(cell)}: a long traceback; the lesson needs `%xmode Minimal` before it"


def has_no_path_of_one_machine(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        for text in (text for output in cell.outputs for text in texts(output)):
            if found := PATH.search(DATA.sub("", text)):
                yield f"{named(cell)}: a path of one machine in its output: {found.group()}"


def has_only_known_tags(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.notebook.cells:
        if unknown := set(tags(cell)) - TAGS:
            yield f"{named(cell)}: unknown tags {sorted(unknown)}; known are {sorted(TAGS)}"


def has_short_code_cells(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        lines = sum(1 for line in cell.source.splitlines() if line.strip())
        if lines > MOST_LINES and "exercise" not in tags(cell):
            yield f"{named(cell)}: {lines} lines of code, at most {MOST_LINES} are wanted"


def has_as_many_cells_as_a_lesson(lesson: Lesson) -> Iterator[str]:
    wanted = CELLS if lesson.number else CELLS_OF_THE_FIRST
    if len(lesson.notebook.cells) not in wanted:
        yield f"{len(lesson.notebook.cells)} cells; {wanted.start} to {wanted.stop - 1} are wanted"


def is_small(lesson: Lesson) -> Iterator[str]:
    size = len(nbformat.writes(lesson.notebook).encode())
    if size > MOST_BYTES:
        yield f"{size / 1e6:.1f} MB, at most {MOST_BYTES / 1e6} are wanted"


def uses_no_pyplot(lesson: Lesson) -> Iterator[str]:
    if "pyplot" in lesson.all_code:
        yield "pyplot is not thread-safe: use the helpers or matplotlib.figure.Figure"


def has_no_marker_comments(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        if re.search(r"#.*\bNBVAL_|#\s*PYTEST_VALIDATE", cell.source):
            yield f"{named(cell)}: a marker comment; use a tag"


def describes_its_pictures(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        for output in cell.outputs:
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                yield f"{named(cell)}: a picture without a text for those who can't see it (`alt`)"


def has_what_every_lesson_has(lesson: Lesson) -> Iterator[str]:
    if not re.search(r"\bpredict\(", lesson.all_code):
        yield "no prediction: predict(…)"
    if not any(isinstance(node, ast.Assert) for node in ast.walk(plain_python(lesson))):
        yield "no assert: what the text claims, a cell asserts"
    if not re.search(r"\bexercise\(", lesson.all_code):
        yield "no exercise: exercise(…)"


def plain_python(lesson: Lesson) -> ast.Module:
    """The lesson's code, without IPython's magic lines."""
    lines = [line for line in lesson.all_code.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return ast.parse("\n".join(lines))


def shows_no_solution(lesson: Lesson) -> Iterator[str]:
    shown = squeeze("\n".join([lesson.all_code, *(t for c in lesson.code for o in c.outputs for t in texts(o))]))
    for path in sorted(lesson.path.parent.parent.glob(f"exercises/{lesson.number:02}_*.py")):
        if (solution := squeeze(solution_body(path))) and solution in shown:
            yield f"it holds the solution of {path.name}"


def solution_body(path: Path) -> str:
    """The solution of an exercise file without its first line: the one public definition that is not the check."""
    source = path.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
            ("wrong_", "_", "check")
        ):
            return "\n".join(source.splitlines()[node.body[0].lineno - 1 : node.end_lineno])
    raise ValueError(f"no solution in {path}")


def squeeze(code: str) -> str:
    """`code` without spaces and comments, so that another indentation is no other text."""
    return re.sub(r"\s+", "", re.sub(r"#.*", "", code))


RULES = (
    is_valid, is_run_top_to_bottom, is_in_the_saved_form, has_only_intended_errors, has_no_path_of_one_machine,
    has_only_known_tags, has_short_code_cells, has_as_many_cells_as_a_lesson, is_small, uses_no_pyplot,
    has_no_marker_comments, describes_its_pictures, has_what_every_lesson_has, shows_no_solution,
)  # fmt: skip
