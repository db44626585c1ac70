"""The last test of a lesson sees what its cells left behind, and a lesson that leaves nothing passes."""

from __future__ import annotations

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.notebooks import lesson_runs

TIDY = """
import socket, subprocess, sys, threading
thread = threading.Thread(target=print)
thread.start()
thread.join()
"""
LEAVES = """
threading.Thread(target=threading.Event().wait, name="mine").start()
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
server = socket.create_server(("127.0.0.1", 0))
print("left", file=open("left.txt", "w"))
"""


def test_what_a_lesson_leaves_is_seen(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_runs, "PATIENCE", 0.2)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name, code in {"tidy": TIDY, "untidy": TIDY + LEAVES}.items():
        (pytester.path / name).mkdir()
        nbformat.write(new_notebook(cells=[new_code_cell(code)]), pytester.path / name / "lesson.ipynb")

    done = pytester.inline_run("--nbval", "--nbval-current-env", "-p", lesson_runs.__name__)

    passed, _, [failed] = done.listoutcomes()
    assert len(passed) == 3
    assert failed.nodeid == "untidy/lesson.ipynb::leaves nothing behind"
    said = str(failed.longrepr)
    assert re.findall("'(threads|processes|ports|files)': {", said) == ["threads", "processes", "ports", "files"]
    assert "mine" in said and "left.txt" in said
