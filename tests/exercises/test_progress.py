"""What is done lasts beyond the kernel: accepted answers with their code, the whole course on one picture."""

import linecache

import pytest
from exercise_file import written

import exercises
from exercises import course as progress_of
from exercises import learner
from helpers import memory

CELL = "/tmp/ipykernel_12/345.py"
ANSWER = "import math\n\n\ndef collect(tasks, workers):\n    return [task() for task in tasks]\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, str(tmp_path / "p.json"))
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    new_kernel(monkeypatch)
    return tmp_path


def new_kernel(monkeypatch):
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    monkeypatch.setattr(learner, "_known", {})


def answer():
    """The answer as a cell gives it: its file is the cell's, and the cell has more than the function."""
    linecache.cache[CELL] = (len(ANSWER), None, ANSWER.splitlines(keepends=True), CELL)
    space = {}
    exec(compile(ANSWER, CELL, "exec"), space)
    return space["collect"]


def test_an_accepted_answer_can_be_had_back(course, monkeypatch):
    assert "77" not in str(memory.recall()["exercises"])
    assert exercises.exercise("77-collect").check(answer()).passed
    new_kernel(monkeypatch)
    the = exercises.exercise("77-collect")
    assert the.mine().code == ANSWER
    assert "1 of 1 exercises done" in repr(exercises.exercises_done("77"))


def test_what_passed_stays_done(course):
    the = exercises.exercise("77-collect")
    assert "No answer of yours" in the.mine().text
    assert not the.check(lambda tasks, workers: None).passed
    assert "not yet" in repr(exercises.exercises_done("77"))
    the.check(answer())
    the.check(lambda tasks, workers: None)
    assert "1 of 1 exercises done" in repr(exercises.exercises_done("77")) and the.mine().code == ANSWER


def test_the_whole_course_is_one_picture(course, monkeypatch):
    lessons = course / "notebooks"
    lessons.mkdir()
    (lessons / "77-lesson.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": ["predict(\'How long?\', unit=\'s\')"]},'
        ' {"cell_type": "code", "source": "%broken ("}]}'
    )
    (lessons / "78-broken.ipynb").write_text("{")
    memory.keep("guesses", "How long?", guess=1.0, held=True)
    exercises.exercise("77-collect").check(answer())
    picture = exercises.progress()
    assert picture.alt == "The course: 1 of 1 exercises done, 1 of 1 guesses held."
    words = [text.get_text() for text in picture.axes[0].texts]
    assert words == ["77 lesson", "1 of 1 guesses held (1 asked)", "78 broken", "no guess yet (0 asked)"]
    monkeypatch.setenv("BINDER_SERVICE_HOST", "x")
    assert "download p.json" in progress_of._where()


def test_to_forget_asks_first(course):
    exercises.exercise("77-collect").check(answer())
    assert "forgets 1 exercises" in exercises.forget().text and memory.recall()["exercises"]
    assert "Forgotten" in exercises.forget().text and not memory.recall()["exercises"]
    assert "0 of 1 exercises done" in repr(exercises.exercises_done("77"))


def test_what_cannot_be_forgotten_is_named(course, monkeypatch):
    exercises.exercise("77-collect").check(answer())
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    exercises.forget()
    with memory._lock(course / "p.json"):
        assert "still known" in exercises.forget().text and memory.recall()["exercises"]
