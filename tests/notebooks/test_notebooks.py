"""The lessons' form: what a reader of the committed notebooks would stumble over."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import notebook_form
import notebook_prose
import notebook_rules
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import Lesson

Rule = Callable[[Lesson], Iterator[str]]
LESSONS = notebook_form.lessons()
RULES: tuple[Rule, ...] = notebook_rules.RULES + notebook_prose.RULES
README = notebook_form.PROJECT / "README.md"


def name(value: Any) -> str | None:
    return value.name if isinstance(value, Path) else getattr(value, "__name__", None)


def test_there_are_lessons() -> None:
    assert [path.name[:2] for path in LESSONS] == [f"{n:02}" for n in range(len(LESSONS))]
    assert LESSONS, "no lesson: notebooks/00-*.ipynb is missing"


def test_every_notebook_is_a_lesson() -> None:
    found = [p for p in notebook_form.NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    assert sorted(found) == LESSONS


@pytest.mark.parametrize("path", LESSONS, ids=name)
@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_lesson(rule: Rule, path: Path) -> None:
    complaints = list(rule(Lesson.read(path)))
    assert not complaints, f"{path.name}:\n" + "\n".join(complaints)


# The rules themselves: each passes a good lesson, and refuses it with one thing made wrong.

PNG = {"image/png": "iVBORw0KGgo="}
WORDS = " ".join(["A pool keeps its workers."] * 160)


def good_notebook() -> Any:
    first = "# 01 Meet the pool\n\nYou will be able to count workers. It takes 30 minutes."
    code = [
        new_code_cell("%xmode Minimal\nguess = predict('how many')"),
        new_code_cell("assert guess"),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        new_code_cell("picture"),
        new_code_cell("\n".join(["exercise('01-own-pool')"] * 14), metadata={"tags": ["exercise"]}),
    ]
    error = ["ZeroDivisionError: division by zero"]
    code[2].outputs = [new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=error)]
    code[3].outputs = [new_output("display_data", PNG, metadata={"image/png": {"alt": "two bars"}})]
    words = [new_markdown_cell(text) for text in (first, WORDS, "## Recap\n\n[the page](https://docs.python.org)")]
    filler = [new_markdown_cell(f"[see above](#Recap), `let's` and ![a timeline]({README})") for _ in range(20)]
    notebook = new_notebook(cells=words + code + filler)
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
    notebook_form.normalize(notebook)
    return notebook


def judge(rule: Rule, notebook: Any) -> list[str]:
    return list(rule(Lesson(notebook_form.NOTEBOOKS / "01-meet-the-pool.ipynb", notebook)))


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_rule_accepts_a_good_lesson(rule: Rule) -> None:
    assert judge(rule, good_notebook()) == []


def say(text: str) -> Callable[[Any], None]:
    """A change that adds words."""
    return lambda notebook: notebook.cells.append(new_markdown_cell(text))


def run(code: str, *outputs: Any) -> Callable[[Any], None]:
    """A change that adds a code cell, as if it had been run."""

    def change(notebook: Any) -> None:
        count = 1 + max(cell.get("execution_count") or 0 for cell in notebook.cells)
        notebook.cells.append(new_code_cell(code, execution_count=count, outputs=list(outputs)))

    return change


def without(word: str) -> Callable[[Any], None]:
    """A change that removes a word everywhere."""

    def change(notebook: Any) -> None:
        for cell in notebook.cells:
            cell.source = cell.source.replace(word, "")

    return change


def set_in(cell: str, **values: Any) -> Callable[[Any], None]:
    """A change of the first cell whose source holds `cell`."""
    return lambda notebook: next(one for one in notebook.cells if cell in one.source).update(nbformat.from_dict(values))


def out(text: str) -> Any:
    return new_output("stream", text=text)


FAULTS = [
    ("is_valid", lambda notebook: notebook.cells.append(copy.deepcopy(notebook.cells[0])), "id of its own"),
    ("is_valid", set_in("picture", outputs=[{"output_type": "stream"}]), "not a valid notebook"),
    ("is_run_top_to_bottom", set_in("assert", execution_count=7), "counts are [1, 7, 3, 4, 5]"),
    ("is_run_top_to_bottom", set_in("assert", execution_count=None), "counts are [1, None, 3, 4, 5]"),
    ("is_run_top_to_bottom", run(""), "no code"),
    ("is_in_the_saved_form", lambda notebook: notebook.metadata.update(widgets={}), "make notebooks"),
    ("is_in_the_saved_form", set_in("assert", metadata={"execution": {}}), "make notebooks"),
    ("is_in_the_saved_form", run("future", out("<Future at 0x7f2b4c9d1a90>")), "make notebooks"),
    ("has_only_intended_errors", set_in("1 / 0", metadata={}), "without the tag"),
    ("has_only_intended_errors", set_in("1 / 0", outputs=[]), "and no error"),
    (
        "has_only_intended_errors",
        set_in("1 / 0", outputs=[new_output("error", traceback=["Traceback (most recent call last)"])]),
        "xmode",
    ),
    ("has_no_path_of_one_machine", run("f", out("saved in /home/ann/work/x.json")), "/home/ann/work/x.json"),
    ("has_no_path_of_one_machine", run("f", new_output("display_data", {"text/html": r"C:\Users\ann"})), "Users"),
    ("has_only_known_tags", set_in("assert", metadata={"tags": ["nbval-skip"]}), "nbval-skip"),
    ("has_short_code_cells", run("x = 1\n" * 13), "13 lines"),
    ("has_as_many_cells_as_a_lesson", lambda notebook: notebook.cells.extend(notebook.cells), "56 cells"),
    ("has_as_many_cells_as_a_lesson", lambda notebook: notebook.cells.clear(), "0 cells"),
    ("is_small", run("f", out("x" * 1_600_000)), "1.6 MB"),
    ("uses_no_pyplot", run("import matplotlib.pyplot as plt"), "pyplot"),
    ("has_no_marker_comments", run("f()  # NBVAL_IGNORE_OUTPUT"), "marker"),
    ("describes_its_pictures", run("f", new_output("display_data", PNG)), "without a text"),
    ("has_what_every_lesson_has", without("predict"), "no prediction"),
    ("has_what_every_lesson_has", without("assert "), "no assert"),
    ("has_what_every_lesson_has", without("exercise"), "no exercise"),
    ("begins_like_a_lesson", without("01"), "first line"),
    ("begins_like_a_lesson", without("Meet"), "with a verb"),
    ("begins_like_a_lesson", without("able to"), "able to do"),
    ("begins_like_a_lesson", without("30"), "minutes"),
    ("begins_like_a_lesson", without("Recap"), "no recap"),
    ("has_as_many_words_as_a_lesson", without("keeps its"), "words of prose"),
    ("has_as_many_words_as_a_lesson", say(WORDS), "words of prose"),
    ("has_no_unwanted_words", say("So let's begin."), "let's"),
    ("has_no_unwanted_words", say("Simply submit."), "Simply"),
    ("has_no_unwanted_words", say("That is fast!"), "exclamation"),
    ("has_links_that_lead_somewhere", say("[next](02-nowhere.ipynb)"), "02-nowhere.ipynb"),
    ("has_links_that_lead_somewhere", say("[above](#recap)"), "no heading: #recap"),
    ("has_links_that_lead_somewhere", say("[the readme](../README.md#Nothing-here)"), "no heading"),
    ("has_links_that_lead_somewhere", say("[page](http://127.0.0.1)"), "127.0.0.1"),
    ("describes_its_images", say("![](x.png)"), "x.png"),
    ("describes_its_images", say("<img src='x.png'>"), "<img>"),
]


@pytest.mark.parametrize(("rule", "fault", "says"), FAULTS)
def test_a_rule_refuses_a_fault(rule: str, fault: Callable[[Any], None], says: str) -> None:
    notebook = good_notebook()
    fault(notebook)
    found = judge(next(one for one in RULES if one.__name__ == rule), notebook)
    assert any(says in complaint for complaint in found), found


def test_a_solution_is_found_in_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "exercises").mkdir()
    solution = "def count(pool):\n    # all of them\n    return len({task.worker for task in pool})\n"
    (tmp_path / "exercises" / "01_count.py").write_text(
        f'"""Count"""\n\n\n{solution}\n\ndef check(count):\n    yield 1, ""\n'
    )
    notebook = good_notebook()
    lesson = Lesson(tmp_path / "notebooks" / "01-meet-the-pool.ipynb", notebook)
    assert not list(notebook_rules.shows_no_solution(lesson))
    run("x", out(solution))(notebook)
    found = list(notebook_rules.shows_no_solution(Lesson(lesson.path, notebook)))
    assert found == ["it holds the solution of 01_count.py"]


def test_every_rule_has_a_fault() -> None:
    tried = {rule for rule, *_ in FAULTS} | {"shows_no_solution"}
    assert tried == {rule.__name__ for rule in RULES}
