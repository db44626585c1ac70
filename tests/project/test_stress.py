"""`make stress`: a run goes on where the last one was, and a class on one server is seen to leave nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import classroom
import lab
import nbformat
import pytest
import stress
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.skipif(os.name != "posix", reason="it limits processes as POSIX can")
LEAVES = "import subprocess\nsubprocess.Popen(['sleep', '6543.31'], start_new_session=True)"


def lesson(folder: Path, name: str, *cells: str, tags: tuple[str, ...] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    made = [new_code_cell(cell, metadata={"tags": list(tags)}) for cell in cells]
    nbformat.write(new_notebook(cells=made), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def ran(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["stress.py", *options])
    code = stress.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    return code, rows[-1]


def test_a_run_stops_at_its_time_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson(tmp_path / "notebooks", "00-good", "x = 1")
    bad = lesson(tmp_path / "notebooks", "01-bad", "1 / 0")
    monkeypatch.setattr(stress, "PROJECT", tmp_path)
    monkeypatch.setattr(stress, "KEPT", tmp_path / "build" / "stress.json")
    tried: list[str] = []

    def stressed(condition: stress.Condition, lessons: list[str], core: int | None) -> list[tuple[float, str]]:
        tried.extend(lessons)
        hour[0] += 20 * 60
        return [(20 * 60.0, "ZeroDivisionError" if name == "01-bad" else "") for name in lessons]

    hour = [0.0]
    real, monotonic = stress.stressed, time.monotonic
    monkeypatch.setattr(stress, "stressed", stressed)
    monkeypatch.setattr(stress.time, "monotonic", lambda: hour[0])
    assert ran(capsys, monkeypatch, "--only", "quiet", "--tries", "3") == (1, "| quiet | 2 of 3 | 3 | 01-bad, 1200 s |")
    assert tried == ["00-good", "01-bad", "00-good"], "three fit into an hour; a second try comes after every first"
    assert ran(capsys, monkeypatch, "--only", "quiet", "--tries", "3")[1].startswith("| quiet | 3 of 6 | 0 |")
    assert ran(capsys, monkeypatch, "--only", "quiet", "--tries", "3")[0] == 1 and len(tried) == 6
    assert ran(capsys, monkeypatch, "--only", "no HOME")[1].startswith("| no HOME | 1 of 2 | 0 |")
    assert set(json.loads(stress.KEPT.read_text())["tries"]) == {"quiet", "no HOME"}
    monkeypatch.setattr(stress.time, "monotonic", monotonic)
    monkeypatch.setattr(stress, "stressed", real)
    lesson(bad.parent, "01-bad", "y = 2")
    assert ran(capsys, monkeypatch, "--only", "quiet", "--tries", "1")[1].startswith("| quiet | 2 of 2 | 0 |"), (
        "another course begins anew"
    )
    lesson(bad.parent, "01-bad", "raise SystemError")
    assert ran(capsys, monkeypatch, "--only", "quiet", "--tries", "1", "--lessons", "01-*")[0] == 1


def test_a_python_that_is_not_there_is_not_tried() -> None:
    assert not stress.made("python3.99")
    assert stress.row(stress.Condition("x", needs=lambda: False), ["00"], 1, {}) == "| x | can't be had here | | |"


def test_in_a_class_every_seat_is_taken() -> None:
    [room] = [condition for condition in stress.CONDITIONS if condition.at_once > 1]
    [(_, seats)] = stress.missing(room, [f"{n:02}" for n in range(5)], 1, {})
    assert len(seats) == 15
    assert stress.missing(room, ["00"], 1, {room.name: {"00": [(1.0, "")] * 12}}) == []


def test_a_class_on_one_server_is_seen_to_fail_and_to_leave_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notebooks"
    paths = [
        lesson(folder, "00-here", "import os\nassert os.environ['JPY_SESSION_NAME'].endswith('00-here-0.ipynb')"),
        lesson(folder, "01-where", f"import os, helpers\nassert os.getcwd() == {str(folder)!r}"),
        lesson(folder, "02-wrong", "x = 1", "1 / x", "1 / 0", "x = 2"),
        lesson(folder, "03-meant", "1 / 0", tags=("raises-exception",)),
    ]
    results, said = classroom.teach(folder, paths, 3, lab.environment())
    assert [wrong == "" for _, wrong in results] == [True, True, False, True]
    assert results[2][1].startswith("cell 2: ") and "ZeroDivisionError" in results[2][1]
    assert said.startswith("3 kernels and their server took ")
    monkeypatch.setattr(classroom, "LEAVE", 2)
    [(_, wrong)], _ = classroom.teach(
        folder, [lesson(folder, "04-dies", "import os\nos._exit(1)")], 1, lab.environment()
    )
    assert "the kernel died" in wrong
    [(_, wrong)], _ = classroom.teach(folder, [lesson(folder, "05-leaves", LEAVES)], 1, lab.environment())
    assert "sleep" in wrong and "has stayed after the server" in wrong
