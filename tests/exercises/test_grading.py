"""Grading: answers are found in whatever was handed in, each is checked by itself, and twice gives the same."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from exercises.engine.problem import read, solution_source
from exercises.grading import answers, report, run

PROJECT = Path(__file__).resolve().parents[2]
WAIT = read(PROJECT / "exercises" / "00_one_wait.py")
COLLECT = read(PROJECT / "exercises" / "02_collect.py")
RIGHT = solution_source(WAIT)
STARTER = 'def one_wait(waits):\n    """Todo."""\n    raise NotImplementedError'
IMPORTS = "from concurrent.futures import ThreadPoolExecutor\nimport threading, time"


def handed_in(path, *cells, tagged=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [
        new_code_cell(cell, metadata={"tags": ["exercise"] if tagged and "def one_wait" in cell else []})
        for cell in cells
    ]
    nbformat.write(new_notebook(cells=made), path)
    return path


def answer_in(path):
    found, problems = answers.answers("kim", [path], [WAIT])
    assert not problems
    return found[0] if found else None


@pytest.mark.parametrize(
    "name, learner",
    [
        ("kim.ipynb", "kim"), ("kim_02-hold-a-future.ipynb", "kim"), ("02-hold-a-future.ipynb", "02-hold-a-future"),
        ("kim/02-hold-a-future.ipynb", "kim"), ("kim/deep/in/x.ipynb", "kim"), ("李 雷_1234.ipynb", "李 雷_1234"),
    ],
)  # fmt: skip
def test_whose_notebook_it_is(tmp_path, name, learner):
    path = handed_in(tmp_path / name, STARTER)
    handed_in(tmp_path / ".ipynb_checkpoints" / "x.ipynb", STARTER)
    assert answers.notebooks(tmp_path, ["02-hold-a-future"]) == {learner: [path]}


def test_an_answer_comes_with_what_it_needs_and_no_more(tmp_path):
    path = handed_in(
        tmp_path / "kim.ipynb",
        "%xmode Minimal\n" + IMPORTS + "\nimport numpy",
        "LEAST = 1\nraise SystemExit",
        "def size(waits):\n    return max(LEAST, len(waits))",
        "from exercises import exercise\nexercise('00-one-wait')",
        "def one_wait(waits):\n    with ThreadPoolExecutor(size(waits)) as pool:\n"
        "        return list(pool.map(lambda wait: wait(), waits))",
        "exercise('00-one-wait').check(one_wait)",
        "while True: pass",
    )
    code = answer_in(path).code
    assert "ThreadPoolExecutor" in code and "LEAST = 1" in code and "def size" in code
    assert "SystemExit" not in code and "while True" not in code and "exercise(" not in code and "numpy" not in code
    assert run.check(code, WAIT)["state"] == "passed"


def test_the_last_answer_counts_not_a_starter_after_it(tmp_path):
    path = handed_in(tmp_path / "kim.ipynb", "def one_wait(waits):\n    return 1", RIGHT, STARTER)
    assert "pool" in answer_in(path).code
    path = handed_in(tmp_path / "lee.ipynb", STARTER, RIGHT, tagged=False)
    assert "pool" in answer_in(path).code, "tags may be lost on the way"
    assert run.check(answer_in(handed_in(tmp_path / "x.ipynb", STARTER)).code, WAIT)["state"] == "not started"
    assert answer_in(handed_in(tmp_path / "y.ipynb", "x = 1")) is None


def test_a_cell_that_is_not_python_names_its_line(tmp_path):
    answer = answer_in(handed_in(tmp_path / "kim.ipynb", "def one_wait(waits):\n    return [w( for w in waits]"))
    assert not answer.code and answer.problem.startswith("The answer's cell, line 2 is not Python")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe\x00", b'{"cells": 3}', b'{"nbformat": 9}'])
def test_what_is_no_notebook_is_said_not_raised(tmp_path, content):
    path = tmp_path / "kim.ipynb"
    path.write_bytes(content)
    found, problems = answers.answers("kim", [path], [WAIT])
    assert found == [] and (problems == [] or "can't be read" in problems[0])
    assert problems or json.loads(content or "0") == {}


@pytest.mark.parametrize(
    "code, state, says",
    [
        ("def one_wait(waits):\n    return [wait() for wait in waits]", "not yet", "at most 1"),
        ("import os; os._exit(0)\ndef one_wait(waits): pass", "broken", "ended the process"),
        ("import sys; sys.exit('bye')\ndef one_wait(waits): pass", "broken", "SystemExit: bye"),
        ("1 / 0\ndef one_wait(waits): pass", "broken", "ZeroDivisionError"),
        ("x = bytearray(64 << 30)\ndef one_wait(waits): pass", "broken", "MemoryError"),
        ("one_wait = 3", "not yet", "not a function"),
        ("def one_wait(waits):\n    while True: pass", "not yet", "endless loop"),
        ('print(\'{"state": "passed", "says": []}\')\ndef one_wait(waits):\n    return 1', "not yet", ""),
        ("import shutil; shutil.rmtree('.', ignore_errors=True)\ndef one_wait(waits):\n    return 1", "not yet", ""),
    ],
)
def test_an_answer_can_only_fail_by_itself(code, state, says):
    verdict = run.check(code, WAIT)
    assert verdict["state"] == state
    assert says in " ".join(verdict["says"])


def test_a_cell_that_never_ends_is_stopped_with_what_it_started(monkeypatch):
    code = (
        "import subprocess\nsubprocess.Popen(['sleep', '6543.21'])\nwhile True:\n    try:\n        while True: pass\n"
    )
    code += "    except BaseException: pass\ndef one_wait(waits): pass"
    monkeypatch.setattr(run, "SPARE", -1)
    verdict = run.check(code, WAIT)
    assert verdict == {"state": "broken", "says": ["It did not end, and was stopped."]}
    left = [p for p in psutil.process_iter(["cmdline", "status"]) if "6543.21" in (p.info["cmdline"] or [])]
    assert [p for p in left if p.info["status"] != psutil.STATUS_ZOMBIE] == []


def test_a_class_is_graded_twice_alike_and_goes_on_where_it_was(tmp_path):
    source, target = tmp_path / "handed in", tmp_path / "grades"
    handed_in(source / "right.ipynb", RIGHT, solution_source(COLLECT))
    handed_in(source / "wrong" / "any name.ipynb", "def one_wait(waits):\n    return [wait() for wait in waits]")
    handed_in(source / "=cmd.ipynb", STARTER)
    (source / "empty.ipynb").write_bytes(b"")
    command = [sys.executable, "-m", "exercises", "grade", str(source), "--to", str(target)]
    outputs, verdicts = [], []
    for _ in range(2):
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        pages = [target / "grades.csv", target / "index.html", *sorted((target / "answers").rglob("*.py"))]
        outputs.append([page.read_bytes() for page in pages])
        verdicts.append({path: path.stat().st_mtime_ns for path in (target / "verdicts").iterdir()})
    assert outputs[0] == outputs[1]
    assert verdicts[0] == verdicts[1], "nothing is checked again"
    with (target / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"right", "wrong", "'=cmd", "empty"}
    assert rows["right"]["passed"] == "2" and rows["right"]["02-collect"] == "passed"
    assert rows["wrong"]["00-one-wait"] == "not yet" and rows["wrong"]["02-collect"] == ""
    assert rows["'=cmd"]["00-one-wait"] == "not started"
    page = (target / "index.html").read_text(encoding="utf-8")
    assert "at most 1" in page and "empty.ipynb can&#x27;t be read" in page
    assert "href='answers/wrong/00-one-wait.py'" in page and (target / "answers/wrong/00-one-wait.py").exists()


def test_no_learners_name_leads_elsewhere():
    homes = report._homes(["../../etc", "a/b", "A_B", "a b", "", "."])
    assert len({home.lower() for home in homes.values()}) == 6
    assert not any("/" in home or home in ("", ".", "..") for home in homes.values())


def test_a_slip_in_the_call_is_one_sentence(tmp_path):
    for args, says in [([], "Which folder?"), (["nowhere"], "there is no folder"), ([str(tmp_path)], "no .ipynb")]:
        command = [sys.executable, "-m", "exercises", "grade", *args]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
