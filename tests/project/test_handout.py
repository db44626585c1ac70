"""The course for learners: no outputs, no solutions shown, and complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import answers
import check_computer
import handout
import lab
import nbformat
import notebook_form
import pytest

from exercises import learner
from exercises.engine.problem import read, solution_source


@pytest.fixture
def written(tmp_path: Path) -> Path:
    target = tmp_path / "handout"
    (target / "notebooks").mkdir(parents=True)
    (target / "notebooks" / "99-old.ipynb").touch()
    handout.write(target)
    return target


def test_the_notebooks_are_all_there_without_outputs(written: Path) -> None:
    found = sorted((written / "notebooks").glob("*.ipynb"))
    assert [path.name for path in found] == [path.name for path in notebook_form.lessons()]
    assert found
    for path in found:
        notebook, original = notebook_form.read(path), notebook_form.read(notebook_form.NOTEBOOKS / path.name)
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in original.cells]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_exercises_keep_their_solutions_to_themselves(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(learner.NO_SOLUTIONS, raising=False)
    names = [path.stem for path in (written / "exercises").glob("[0-9]*.py")]
    assert names
    monkeypatch.chdir(written / "notebooks")
    monkeypatch.setattr(learner, "_known", {})
    exercise = learner.exercise(names[0])
    shown = {exercise.solution()._repr_markdown_() for _ in range(3)}
    assert len(shown) == 1
    assert "ask your instructor" in shown.pop()


def test_it_has_all_that_make_lab_needs(written: Path) -> None:
    for name in (
        "Makefile",
        "requirements.txt",
        "requirements-dev.txt",
        "pyproject.toml",
        "tools/environment.py",
        "helpers/recording/watcher.py",
    ):
        assert (written / name).is_file()
    assert not [path for path in written.rglob("*") if path.name in ("__pycache__", ".venv", ".git")]


def test_a_part_of_the_course_has_the_exercises_of_its_lessons_alone(tmp_path: Path) -> None:
    target = tmp_path / "part"
    handout.write(target, handout.chosen("01-02, 11"))
    assert [path.name[:2] for path in sorted((target / "notebooks").glob("*.ipynb"))] == ["01", "02", "11"]
    assert {path.name[:2] for path in (target / "exercises").glob("[0-9]*.py")} == {"01", "02", "11"}
    readme = (target / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d\d) .+\]\(notebooks/", readme, re.MULTILINE)
    assert rows == ["01", "02", "11"]
    assert "00-start-here" not in readme and "lesson 00" not in readme
    assert "/lab/tree/01-" in " ".join(lab.command([], target / "notebooks"))


def test_no_link_leads_out_of_a_part_of_the_course(tmp_path: Path) -> None:
    handout.write(tmp_path / "part", handout.chosen("01-02"))
    links = [
        link
        for path in (tmp_path / "part" / "notebooks").glob("*.ipynb")
        for link in re.findall(r"\]\((\d\d-[^)#]+)", path.read_text(encoding="utf-8"))
    ]
    assert links and all((tmp_path / "part" / "notebooks" / link).is_file() for link in links)
    assert "00 Start here" in (tmp_path / "part" / "notebooks" / "01-meet-the-pool.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("lessons", ["", "x", "3", "44", "02-01", "01--02", "50-60"])
def test_lessons_that_are_none_are_named(lessons: str) -> None:
    with pytest.raises(SystemExit, match="LESSONS"):
        handout.chosen(lessons)


def test_the_answers_are_those_of_the_exercise_files() -> None:
    [lesson] = notebook_form.NOTEBOOKS.glob("02-*.ipynb")
    solved = answers.solved(lesson)
    tagged = [cell.source for cell in solved.cells if "exercise" in cell.metadata.get("tags", [])]
    assert len(tagged) == 3 and not any("NotImplementedError" in source for source in tagged)
    mine = read(notebook_form.PROJECT / "exercises" / "02_collect.py")
    assert solution_source(mine) in tagged


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", ["test", "bench"])
def test_make_says_where_the_tests_are(target: str, written: Path, untouched_by_make: dict[str, str]) -> None:
    # --old-file: as though .venv were there.
    command = ["make", "--old-file=ready-dev", target]
    done = subprocess.run(command, cwd=written, env=untouched_by_make, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("A handout has no tests. The course that it was made from has them.\n")
    assert done.stdout == ""


def test_a_room_is_checked_with_the_first_lesson_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    for name, source in (("03-good", "x = 1"), ("04-bad", "1 / 0")):
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(made, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(check_computer, "PROJECT", tmp_path)
    for name in ("PYTHONPATH", "JUPYTER_CONFIG_PATH", "THREADPOOL_PROGRESS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # which it sets: here they are as before when the test ends
    assert check_computer.first_lesson() == "lesson 03 runs from its first cell to its last"
    (tmp_path / "notebooks" / "03-good.ipynb").unlink()
    with pytest.raises(ValueError, match="lesson 04 does not run: ZeroDivisionError"):
        check_computer.first_lesson()
