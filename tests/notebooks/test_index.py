"""The index of lesson 11: every claim is in it, and each link leads to a section of a lesson that has an assert."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import notebook_form
import pytest
from notebook_prose import LINK, anchors
from notebook_rules import Lesson

[CAPSTONE] = notebook_form.NOTEBOOKS.glob("11-*.ipynb")
BELIEFS = Path(__file__).with_name("claims_besides.txt").read_text(encoding="utf-8").splitlines()
CLAIMS = 33
VERDICT = re.compile(r"true|wrong|outdated|misleading|exaggerated|half right|incomplete|faulty|who |logged ")


def index_rows(lesson: Lesson) -> list[list[str]]:
    """The cells of each table row in the last section, which is the index."""
    text = "\n".join(lesson.markdown)
    headings = re.findall(r"^## .+$", text, re.MULTILINE)
    assert headings[-1] == "## Index of claims"
    rows = re.findall(r"^\|(.+)\|$", text.partition(headings[-1])[2], re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return [row for row in cells if "](" in row[-1]]


def sections(lesson: Lesson) -> Iterator[tuple[str, list[str]]]:
    """For each heading its anchor, and the sources of the code cells from it to the next heading."""
    code: list[str] = []
    for cell in lesson.notebook.cells:
        if cell.cell_type == "code":
            code.append(cell.source)
            continue
        for heading in re.findall(r"^#{1,6} .+$", cell.source, re.MULTILINE):
            [anchor] = anchors([heading])
            code = []
            yield anchor, code


ROWS = index_rows(Lesson.read(CAPSTONE))
NUMBERED = [row for row in ROWS if row[0].isdecimal()]
BESIDES = [row for row in ROWS if not row[0].isdecimal()]
TARGETS = sorted({target for row in ROWS for _, _, target in LINK.findall(row[-1])})


def test_every_claim_has_a_row_with_a_verdict() -> None:
    assert [int(row[0]) for row in NUMBERED] == list(range(1, CLAIMS + 1))
    assert [row for row in NUMBERED if len(row) != 4 or not VERDICT.match(row[2])] == []


def test_every_belief_has_a_row_with_the_truth() -> None:
    assert len(BELIEFS) == 27
    assert [row[0] for row in BESIDES] == BELIEFS
    assert all(len(row) == 3 and row[1] for row in BESIDES)


def test_all_lessons_are_in_the_index() -> None:
    named = {target.partition("#")[0] for target in TARGETS} - {""}
    assert named == {path.name for path in notebook_form.lessons()} - {CAPSTONE.name}


@pytest.mark.parametrize("target", TARGETS)
def test_a_link_leads_to_a_section_with_an_assert(target: str) -> None:
    name, _, anchor = target.partition("#")  # as it stands: JupyterLab does not decode %28
    path = notebook_form.NOTEBOOKS / name if name else CAPSTONE
    assert path.is_file()
    found = dict(sections(Lesson.read(path)))
    assert anchor in found, f"no such heading; there are {sorted(found)}"
    assert has_assert(found[anchor]), f"no assert in {target}"


def has_assert(code: list[str]) -> bool:
    return any(isinstance(node, ast.Assert) for source in code for node in ast.walk(ast.parse(without_magic(source))))


def without_magic(source: str) -> str:
    return "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def test_an_assert_in_a_text_is_none() -> None:
    assert not has_assert(["print('assert 1')", "%xmode Minimal"])
    assert has_assert(["with pool:\n    assert run"])
