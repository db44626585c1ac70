"""Every exercise: its solution passes, each wrong answer is refused for its own reason, its starter is not started.

Each of them is a test of its own: `pytest tests/test_exercises.py -k 02_collect`.
"""

import ast
import functools
from pathlib import Path

import pytest

from exercises.authoring import lesson_cells, validate
from exercises.engine import problem
from helpers.machine import gil_enabled

PROJECT = Path(__file__).resolve().parents[2]
FILES = sorted((PROJECT / "exercises").glob("[0-9][0-9]_*.py"))
LESSONS = sorted((PROJECT / "notebooks").glob("[0-9][0-9]-*.ipynb"))
WRONG = [
    (path, node.name)
    for path in FILES
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if getattr(node, "name", "").startswith("wrong_")
]
read = functools.cache(problem.read)  # each check runs in a fork, and leaves the file as it was read
KEEPS_THE_GIL = "another thread made 0 steps"

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def none(problems):
    """Fail with the problems, each in its own lines."""
    assert not problems, "\n\n".join(["", *problems])


def test_the_exercises_are_found():
    assert {"00_one_wait", "02_collect"} <= {path.stem for path in FILES}
    assert len(WRONG) >= validate.LEAST_WRONG * len(FILES)


@each_file
def test_parts(path):
    none(validate.form_problems(read(path)))


@each_file
def test_solution(path):
    none(validate.solution_problems(read(path)))


@pytest.mark.parametrize("path, name", WRONG, ids=[f"{path.stem}-{name}" for path, name in WRONG])
def test_wrong_answer(path, name):
    file = read(path)
    [wrong] = [wrong for wrong in file.wrong if wrong.name == name]
    if KEEPS_THE_GIL in wrong.says and not gil_enabled():
        pytest.skip("this interpreter has no GIL that an answer could keep")
    none(validate.wrong_problems(file, wrong))


@each_file
def test_starter(path):
    none(validate.starter_problems(read(path)))


@each_file
def test_notebook(path):
    file = read(path)
    if lesson_cells.notebook_of(file) is None:
        pytest.skip(f"lesson {path.stem[:2]} has no notebook")
    none(lesson_cells.notebook_problems(file))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_knows_its_exercises(lesson):
    none(lesson_cells.strays(lesson, [read(path) for path in FILES]))
