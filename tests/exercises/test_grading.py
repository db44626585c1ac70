"""Grading: answers are found in whatever was handed in, each is checked by itself, and twice gives the same."""

import csv
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import answers as make_answers
import nbformat
import notebook_form
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from exercises.engine.problem import read, solution_source
from exercises.grading import answers, report, run
from helpers import memory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="grading needs process groups")
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


def until(happened, limit=60):
    deadline = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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


def test_each_lesson_has_the_names_to_itself(tmp_path):
    """A learner's folder holds the whole course, and lessons use each other's names."""
    handed_in(tmp_path / "00.ipynb", RIGHT, "exercise('00-one-wait').check(one_wait)")
    handed_in(tmp_path / "09.ipynb", "one_wait = 3", 'exercise("09-stop").check(stop)')
    found, _ = answers.answers("kim", sorted(tmp_path.iterdir()), [WAIT])
    assert "pool" in found[0].code


def test_a_functions_own_names_bring_no_cell_of_the_lesson_along(tmp_path):
    own = "def one_wait(waits):\n    words = [page for page in waits]\n    return words"
    path = handed_in(tmp_path / "kim.ipynb", "words = open('gone').read()\npage = 1 / 0\nwaits = 1 / 0", own)
    code = answer_in(path).code
    assert "gone" not in code and "1 / 0" not in code and "words = [" in code


def test_the_courses_own_notebooks_solved_pass_whatever_they_are_called(tmp_path):
    """Of each lesson with its solutions the right code is found: it defines the answer and runs by itself."""
    files = [read(path) for path in sorted((PROJECT / "exercises").glob("[0-9][0-9]_*.py"))]
    for n, lesson in enumerate(notebook_form.lessons()):
        nbformat.write(make_answers.solved(lesson), tmp_path / f"Untitled{n} (copy).ipynb")
    found, problems = answers.answers("kim", sorted(tmp_path.iterdir()), files)
    assert [answer.exercise for answer in found] == [file.name for file in files] and not problems
    for file, answer in zip(files, found, strict=True):
        made = {}
        exec(compile(answer.code, file.name, "exec"), made)
        assert inspect.signature(made[file.learners_name]) == inspect.signature(file.solution), file.name


@pytest.mark.parametrize(
    "cell, line", [("def one_wait(waits):\n    return [w( for w in waits]", 2), ("def def one_wait(waits): pass", 1)]
)
def test_a_cell_that_is_not_python_names_its_line(tmp_path, cell, line):
    answer = answer_in(handed_in(tmp_path / "kim.ipynb", cell))
    assert not answer.code and answer.problem.startswith(f"The answer's cell, line {line} is not Python")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe\x00", b'{"cells": 3}', b'{"nbformat": 9}'])
def test_what_is_no_notebook_is_said_not_raised(tmp_path, content):
    path = tmp_path / "kim.ipynb"
    path.write_bytes(content)
    found, problems = answers.answers("kim", [path], [WAIT])
    assert found == [] and (problems == [] or "can't be read" in problems[0])
    assert problems or json.loads(content or "0") == {}


ENDED = "ended the process"
NO_LIST = "def one_wait(waits):\n    return 1"


@pytest.mark.parametrize(
    "code, state, says",
    [
        ("def one_wait(waits):\n    return [wait() for wait in waits]", "not yet", "at most 1"),
        ("import os; os._exit(0)\ndef one_wait(waits): pass", "broken", ENDED),
        ("import os; os.kill(os.getppid(), 9)\ndef one_wait(waits): pass", "broken", ENDED),
        ("import os\ndef one_wait(waits):\n    os.kill(os.getppid(), 9)", "broken", ENDED),
        ("import sys; sys.exit('bye')\ndef one_wait(waits): pass", "broken", "SystemExit: bye"),
        ("1 / 0\ndef one_wait(waits): pass", "broken", "ZeroDivisionError"),
        ("x = bytearray(64 << 30)\ndef one_wait(waits): pass", "broken", "MemoryError"),
        ("one_wait = 3", "not yet", "not a function"),
        ("from lifo_queue import *\none_wait = 3", "not yet", "not a function"),
        ("def one_wait(waits):\n    while True: pass", "not yet", "endless loop"),
        (f'print(\'{{"state": "passed", "says": []}}\')\n{NO_LIST}', "not yet", ""),
        (f"import shutil; shutil.rmtree('.', ignore_errors=True)\n{NO_LIST}", "not yet", ""),
        (f"import shutil, pathlib; shutil.rmtree(pathlib.Path.home())\n{NO_LIST}", "not yet", ""),
        (f"for _ in range(1000): print('x' * 10_000)\n{NO_LIST}", "not yet", ""),
        (f"import sys, threading\nsys.settrace(print); threading.settrace(print)\n{NO_LIST}", "not yet", ""),
    ],
)
def test_an_answer_can_only_fail_by_itself(code, state, says):
    verdict = run.check(code, WAIT)
    assert verdict["state"] == state
    assert says in " ".join(verdict["says"])


def test_an_answer_that_fills_the_disk_is_stopped(monkeypatch):
    monkeypatch.setattr(run, "DISK", 40 << 20)
    code = "n = 0\nwhile True:\n    open(f'{n}', 'wb').write(bytes(8 << 20))\n    n += n < 8\n"
    verdict = run.check(code + NO_LIST, WAIT)
    assert verdict == {"state": "broken", "says": ["It wrote more than 40 MB, and was stopped."]}


@pytest.mark.parametrize("said", ['{"state": "best", "says": []}', '{"state": "passed", "says": 3}', "[" * 100_000])
def test_what_is_no_verdict_is_not_believed(said):
    code = f"import os\nfor n in range(3, 20):\n    try: os.write(n, {said!r}.encode())\n    except OSError: pass\n"
    assert run.check(f"{code}os._exit(0)\n{NO_LIST}", WAIT)["state"] == "broken"


def test_what_an_answer_guesses_is_not_kept_in_the_course(tmp_path, monkeypatch):
    kept = tmp_path / "progress.json"
    monkeypatch.setenv(memory.VARIABLE, str(kept))
    run.check(f"from helpers import memory\nmemory.keep('guesses', '?', guess=1)\n{NO_LIST}", WAIT)
    assert not kept.exists()


def test_what_is_said_of_a_set_is_the_same_twice():
    code = "def one_wait(waits):\n    return set('abcdefgh')"
    assert run.check(code, WAIT) == run.check(code, WAIT)


def left_of(number):
    """The processes that sleep for so many seconds, and still do."""
    found = [p for p in psutil.process_iter(["cmdline", "status"]) if number in " ".join(p.info["cmdline"] or [])]
    return [p for p in found if p.info["status"] != psutil.STATUS_ZOMBIE]


def test_a_cell_that_never_ends_is_stopped_with_what_it_started(monkeypatch):
    code = (
        "import subprocess\nsubprocess.Popen(['sleep', '6543.21'])\nwhile True:\n    try:\n        while True: pass\n"
    )
    code += "    except BaseException: pass\ndef one_wait(waits): pass"
    monkeypatch.setattr(run, "SPARE", -1)
    verdict = run.check(code, WAIT)
    assert verdict == {"state": "broken", "says": ["It did not end, and was stopped."]}
    assert left_of("6543.21") == []


def test_what_an_answer_leaves_behind_is_ended_and_keeps_nobody_waiting():
    code = (
        "import os, subprocess, time\n"
        "subprocess.Popen(['sleep', '6543.22'], start_new_session=True)\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.execvp('sleep', ['sleep', '6543.23'])\n"
    )
    assert run.check(code + NO_LIST, WAIT)["state"] == "not yet", "and not only when its time is over"
    assert left_of("6543.22") + left_of("6543.23") == []


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


def hears_an_interrupt():
    """A shell has its background jobs ignore Ctrl-C, and what they start with them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupted_run_goes_on_where_it_was_and_leaves_nothing_running(tmp_path):
    source, verdicts = tmp_path / "handed in", tmp_path / "grades" / "verdicts"
    handed_in(source / "a.ipynb", NO_LIST)
    handed_in(source / "b.ipynb", "import subprocess\nsubprocess.run(['sleep', '6543.24'])\ndef one_wait(waits): pass")
    command = [sys.executable, "-m", "exercises", "grade", str(source), "--to", str(verdicts.parent)]
    for number, code in [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 1)]:
        with subprocess.Popen(
            command, cwd=PROJECT, stderr=subprocess.PIPE, text=True, preexec_fn=hears_an_interrupt
        ) as grader:  # fmt: skip
            until(lambda: left_of("6543.24") and list(verdicts.glob("*.json")))
            grader.send_signal(number)
            _, said = grader.communicate(timeout=60)
        assert grader.returncode == code and "Traceback" not in said
        until(lambda: not left_of("6543.24"))
        [kept] = verdicts.iterdir()
    assert "the next call goes on from here" in said
    before = kept.stat().st_mtime_ns
    handed_in(source / "b.ipynb", STARTER)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and kept.stat().st_mtime_ns == before


def test_no_learners_name_leads_elsewhere():
    homes = report._homes(["../../etc", "a/b", "A_B", "a b", "", "."])
    assert len({home.lower() for home in homes.values()}) == 6
    assert not any("/" in home or home in ("", ".", "..") for home in homes.values())


def test_a_slip_in_the_call_is_one_sentence(tmp_path):
    for args, says in [([], "Which folder?"), (["nowhere"], "there is no folder"), ([str(tmp_path)], "no .ipynb")]:
        command = [sys.executable, "-m", "exercises", "grade", *args]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
