"""What instructors call: `make exercise` and `make new-exercise`; and INSTRUCTORS.md says what really happens."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"^## Change one$(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path):
    """A copy of what the tool works on."""
    code = shutil.ignore_patterns("[0-9]*", "__pycache__")
    shutil.copytree(PROJECT / "exercises", tmp_path / "exercises", ignore=code)
    for path in ("exercises/00_one_wait.py", "exercises/02_collect.py", "notebooks/00-start-here.ipynb"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / path, tmp_path / path)
    return tmp_path


def tool(project, *args):
    """Exit code and output of the command, without its seconds."""
    ran = subprocess.run(
        [sys.executable, "-m", "exercises.authoring", *args],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.returncode, re.sub(r" \(\d+\.\d s\)", "", ran.stdout + ran.stderr)


def test_the_worked_example_of_the_instructions(project):
    [section] = SECTION.findall((PROJECT / "INSTRUCTORS.md").read_text(encoding="utf-8"))
    task, finding, refused, mended, remark, wrong = [
        text for kind, text in BLOCK.findall(section) if kind in ("text", "python")
    ]
    file = project / "exercises" / "00_one_wait.py"

    def edit(old, new):
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    edit('\n"""\n\nimport', f'\n{task}"""\n\nimport')
    edit('."\n\n\ndef wrong', f'."\n{finding}\n\ndef wrong')
    code, said = tool(project, "check", "00_one_wait")
    assert (code, refused in said) == (1, True), said
    edit("    with ThreadPoolExecutor(max_workers=len(waits)) as pool:\n", mended)
    code, said = tool(project, "check", "00_one_wait")
    assert code == 0 and "✗" not in said, said
    assert all(line in said for line in remark.splitlines()), said
    file.write_text(file.read_text(encoding="utf-8") + "\n\n" + wrong, encoding="utf-8")
    code, said = tool(project, "check", "00_one_wait")
    assert code == 0 and said.endswith("all is well\n") and "•" not in said


def test_each_part_of_an_exercise_has_its_line(project):
    code, said = tool(project, "check", "exercises/02_collect.py")
    assert code == 0, said
    assert said.startswith("02-collect: Collect every result")
    assert "  ✓ the solution passes\n  ✓ wrong_asks_inside_the_loop is refused for its reason\n" in said
    assert "  ✓ the starter is not started\n  • there is no notebook 02-… yet\nall is well\n" in said


def test_a_notebook_that_does_not_fit(project):
    file = project / "exercises" / "00_one_wait.py"
    text = re.sub(r"def (\w+)\(waits\)", r"def \1(tasks, waits)", file.read_text(encoding="utf-8"))
    text = text.replace(" one_wait([", " one_wait(1, [").replace("(given.tasks,)", "(1, given.tasks)")
    file.write_text(text, encoding="utf-8")
    code, said = tool(project, "check", "00-one-wait")
    assert code == 1
    assert "✗ the notebook does not fit\n      notebooks/00-start-here.ipynb, cell " in said
    assert "def one_wait(tasks, waits):" in said


def test_a_notebook_with_a_cell_that_is_not_python(project):
    notebook = project / "notebooks" / "00-start-here.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert "raise NotImplementedError" in text
    notebook.write_text(text.replace("raise NotImplementedError", "return ["), encoding="utf-8")
    code, said = tool(project, "check", "00-one-wait")
    assert code == 1 and "Traceback" not in said
    assert re.search(r"notebooks/00-start-here.ipynb, cell \d+, line 2: this is not Python: .*\. Mend the cell\.", said)


def test_a_file_that_can_not_be_used(project):
    file = project / "exercises" / "02_collect.py"
    file.write_text(file.read_text(encoding="utf-8").replace("HINTS", "HINT"), encoding="utf-8")
    code, said = tool(project, "check", "02_collect")
    assert code == 1
    assert re.search(r"✗ the file can't be used\n +exercises/02_collect.py, line \d+: HINT means nothing", said)
    assert "Traceback" not in said


def test_a_new_exercise_says_what_to_fill_in_and_works_before_that(project):
    code, said = tool(project, "new", "00", "keep_order")
    assert code == 0
    assert "Wrote exercises/00_keep_order.py" in said and "make exercise NAME=00_keep_order" in said
    assert '    exercise("00-keep-order").check(keep_order)\n' in said
    assert "    def keep_order(tasks):\n        raise NotImplementedError\n" in said
    code, said = tool(project, "check", "00_keep_order")
    assert code == 1
    assert "00_keep_order.py, line 1: this line has a FILL IN to be replaced. So have lines 3, " in said
    assert "✓ the solution passes" in said and said.count("is refused for its reason") == 4
    assert '00-start-here.ipynb: no cell uses exercise("00-keep-order")' in said
    assert '    exercise("00-keep-order").check(keep_order)\n' in said, "the cells to paste are printed once more"


def test_a_new_exercise_of_a_lesson_without_a_notebook(project):
    code, said = tool(project, "new", "77", "keep_order")
    assert code == 0 and "Cells for notebooks/77-….ipynb, which is not there yet, to be pasted" in said


@pytest.mark.parametrize(
    "args, message",
    [
        (["check"], "Which exercise? make exercise NAME=02_collect"),
        (["check", "02_colect"], "There is no exercise '02_colect'. NAME is one of: 00_one_wait, 02_collect."),
        (["new"], "Which one? make new-exercise LESSON=03 NAME=first_answer"),
        (["new", "3", "x"], "LESSON must be the two digits"),
        (["new", "03", "First-Answer"], "NAME must be lowercase words"),
        (["new", "03", "class"], "The exercise's file would use 'class' for something else. Choose another NAME."),
        (["new", "03", "check"], "would use 'check' for something else"),
        (["new", "03", "count"], "would use 'count' for something else"),
        (["new", "03", "list"], "would use 'list' for something else"),
        (["new", "03", "wrong_answer"], "would use 'wrong_answer' for something else"),
        (["new", "02", "collect"], "exercises/02_collect.py is there already"),
    ],
)
def test_a_slip_in_the_call(project, args, message):
    code, said = tool(project, *args)
    assert code == 1 and message in said and "Traceback" not in said
    assert len(list((project / "exercises").glob("[0-9]*"))) == 2, "nothing is written"
