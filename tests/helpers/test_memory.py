"""What is kept survives kernels, crashes and files that are none; and nothing that goes wrong here reaches a lesson."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from helpers import memory

KEEP = """
import sys
from helpers import memory
for n in range(int(sys.argv[2])):
    print(memory.keep("exercises", f"{sys.argv[1]}-{n}", passed=True, code="x" * 2000) and n, flush=True)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, str(tmp_path / "p.json"))
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    return tmp_path / "p.json"


def kept_in(file):
    return json.loads(file.read_text(encoding="utf-8"))


def test_facts_add_up_and_outlast_the_kernel(file, monkeypatch):
    assert memory.keep("exercises", "02-collect", passed=False) == file
    memory.keep("exercises", "02-collect", passed=True, code="线程")
    memory.keep("guesses", "How long?", guess=0.6)
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    assert memory.recall() == {
        "exercises": {"02-collect": {"passed": True, "code": "线程"}}, "guesses": {"How long?": {"guess": 0.6}},
    }  # fmt: skip


def test_two_kernels_lose_nothing(file):
    kernels = [subprocess.Popen([sys.executable, "-c", KEEP, name, "40"], stdout=subprocess.PIPE) for name in "ab"]
    for kernel in kernels:
        said, _ = kernel.communicate(timeout=120)
        assert said.decode().split() == [str(n) for n in range(40)]
    assert set(kept_in(file)["exercises"]) == {f"{name}-{n}" for name in "ab" for n in range(40)}


def test_a_kernel_killed_while_it_writes_loses_nothing_that_was_saved(file):
    saved = 0
    for turn in range(8):
        kernel = subprocess.Popen([sys.executable, "-c", KEEP, f"{turn}", "100000"], stdout=subprocess.PIPE, text=True)
        assert kernel.stdout is not None
        for _ in range(turn + 1):
            assert kernel.stdout.readline().strip() != "None"
        time.sleep(0.003 * turn)  # somewhere in a write; each place in it must do
        kernel.send_signal(signal.SIGKILL)
        rest = kernel.stdout.read().split()
        kernel.wait()
        kernel.stdout.close()
        saved += turn + 1 + len(rest)
        there = kept_in(file)["exercises"]
        assert {f"{turn}-{n}" for n in range(turn + 1 + len(rest))} <= set(there)
    assert len(kept_in(file)["exercises"]) >= saved


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": "other"}', '{"format": "thread-pool progress 1"}'])
def test_a_file_that_is_none_is_set_aside(file, text):
    file.write_text(text)
    assert memory.recall() == {"exercises": {}, "guesses": {}}
    assert file.with_name("progress-unreadable.json").read_text() == text
    assert memory.keep("guesses", "?", guess=1.0) == file and kept_in(file)["guesses"] == {"?": {"guess": 1.0}}


def test_where_nothing_can_be_written_it_lasts_as_long_as_the_kernel(file, monkeypatch):
    file.mkdir()
    assert memory.keep("guesses", "?", guess=1.0) is None
    assert memory.recall()["guesses"] == {"?": {"guess": 1.0}}
    monkeypatch.setenv(memory.VARIABLE, "off")
    assert memory.keep("guesses", "!", guess=2.0) is None and memory.place() is None
    assert set(memory.recall()["guesses"]) == {"?", "!"}


def test_beside_the_notebooks_or_else_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    lessons, home = tmp_path / "lessons", tmp_path / "home"
    lessons.mkdir()
    (lessons / "00-start-here.ipynb").touch()
    monkeypatch.chdir(lessons)
    monkeypatch.setattr(memory.platformdirs, "user_data_path", lambda name: home / name)
    assert memory.keep("guesses", "?", guess=1.0) == lessons / memory.NAME
    (lessons / memory.NAME).unlink()
    beside, other = memory.places()
    monkeypatch.setattr(memory, "places", lambda: [lessons / "00-start-here.ipynb" / memory.NAME, other])
    assert memory.keep("guesses", "?", guess=1.0) == other == home / "thread-pool-notebooks" / memory.NAME
    assert beside == lessons / memory.NAME and memory.place() == other


def test_to_forget_keeps_a_copy(file):
    memory.keep("exercises", "02-collect", passed=True)
    memory.forget()
    assert memory.recall() == {"exercises": {}, "guesses": {}} == {p: kept_in(file)[p] for p in memory.PARTS}
    assert "02-collect" in file.with_name("progress-before.json").read_text()
    assert sorted(os.listdir(file.parent)) == [".p.json.lock", "p.json", "progress-before.json"]


def new_kernel(monkeypatch):
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})


def test_what_a_killed_write_has_left_goes_with_the_next(file):
    killed = "import os; os.replace = lambda *_: os.kill(os.getpid(), 9)\n" + KEEP
    for name in "ab":
        kernel = subprocess.run([sys.executable, "-c", killed, name, "1"], timeout=120)
        assert kernel.returncode == -signal.SIGKILL and len(os.listdir(file.parent)) == 2
    memory.keep("exercises", "02-collect", passed=True)
    assert sorted(os.listdir(file.parent)) == [".p.json.lock", "p.json"]


def no_space(file):
    raise OSError(28, "No space left on device")


def test_what_could_not_be_written_counts_and_is_written_with_the_next(file, monkeypatch):
    memory.keep("exercises", "02-collect", passed=False)
    with monkeypatch.context() as full:
        full.setattr(memory.os, "fsync", no_space)
        assert memory.keep("exercises", "02-collect", passed=True, code="x") is None
        assert memory.keep("guesses", "?", guess=1.0) is None
    assert memory.recall()["exercises"]["02-collect"] == {"passed": True, "code": "x"}
    memory.keep("guesses", "!", guess=2.0)
    new_kernel(monkeypatch)
    assert memory.recall()["exercises"]["02-collect"] == {"passed": True, "code": "x"}
    assert set(memory.recall()["guesses"]) == {"?", "!"}


def test_an_answer_kept_elsewhere_while_the_file_is_locked_is_not_lost(tmp_path, monkeypatch):
    beside, other = tmp_path / "p.json", tmp_path / "home" / "p.json"
    monkeypatch.setattr(memory, "places", lambda: [beside, other])
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    new_kernel(monkeypatch)
    memory.keep("exercises", "02-collect", passed=False)
    with memory._lock(beside):
        assert memory.keep("exercises", "02-collect", passed=True, code="x") == other
        new_kernel(monkeypatch)
        assert memory.recall()["exercises"]["02-collect"] == {"passed": True, "code": "x"}
        assert memory.forget() == [beside]
        assert memory.keep("exercises", "02-collect", passed=True, code="y") == other
    assert memory.keep("guesses", "?", guess=1.0) == beside
    other.unlink()
    assert memory.recall()["exercises"]["02-collect"] == {"passed": True, "code": "y"}
    assert memory.forget() == [] and memory.recall() == {"exercises": {}, "guesses": {}}
