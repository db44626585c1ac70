"""Check one answer after another, each in a process of its own with limits, and keep every verdict on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from exercises.engine.problem import ExerciseFile
from exercises.grading.answers import Answer
from helpers import memory
from helpers.machine import usable_cpus

SPARE = 40  # seconds beside a check's own limit, for a start on a busy computer and for the answer's cell itself
LOOK = 0.5  # seconds between two looks at its time and its files
DISK = 1 << 30  # bytes of all files in its folders
LONGEST = 1 << 20  # bytes of a verdict
ROUNDS = 20  # at most, of killing what an answer has started and what that has started meanwhile
STATES = ("passed", "not yet", "not started", "broken")
MARK = "THREADPOOL_GRADING_IN"  # a variable that every process of an answer inherits
Verdict = dict[str, Any]  # "state", "says": a list of sentences


def graded(
    answers: Iterable[Answer], exercises: dict[str, ExerciseFile], kept: Path, step: Callable[[], object]
) -> dict[Answer, Verdict]:
    """The verdict on each answer. Those that `kept` holds from an earlier run are taken from there."""
    kept.mkdir(parents=True, exist_ok=True)
    stop, verdicts = threading.Event(), {}
    # The checks wait more than they compute.
    with ThreadPoolExecutor(2 * usable_cpus(), thread_name_prefix="grade") as pool:
        futures = {pool.submit(_graded, answer, exercises[answer.exercise], kept, stop): answer for answer in answers}
        try:
            for future in as_completed(futures):
                verdicts[futures[future]] = future.result()
                step()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return verdicts


def _graded(answer: Answer, exercise: ExerciseFile, kept: Path, stop: threading.Event) -> Verdict:
    if answer.problem:
        return {"state": "broken", "says": [answer.problem]}
    what = answer.code.encode() + b"\0" + exercise.path.read_bytes()
    file = kept / f"{exercise.name}-{hashlib.sha256(what).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8"))
    verdict = check(answer.code, exercise, stop)
    if not stop.is_set():
        new = file.with_suffix(f".{threading.get_ident()}")
        new.write_text(json.dumps(verdict, ensure_ascii=False), encoding="utf-8")
        os.replace(new, file)
    return verdict


def check(code: str, exercise: ExerciseFile, stop: threading.Event | None = None) -> Verdict:
    """The verdict on `code`, an answer to `exercise`, from a process of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)))
        # A file, not a pipe: a process that the answer leaves behind would hold a pipe open.
        said = stack.enter_context(tempfile.TemporaryFile())
        for name in ("answer", "home", "tmp"):
            (folder / name).mkdir()
        (folder / "answer" / "answer.py").write_text(code, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "exercises.grading.one", exercise.path, folder],
            cwd=folder / "answer", env=_environment(folder, exercise), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(_end, process, folder)
        why = _ended(process, exercise.limit + SPARE, folder, stop)
        said.seek(0)
        if process.returncode == 0:
            with suppress(ValueError, RecursionError):  # whatever the answer may have written there
                return _valid(json.loads(said.read(LONGEST)))
    return {"state": "broken", "says": [f"{why}, and was stopped."]}


def _valid(verdict: Any) -> Verdict:
    """`verdict`, or a ValueError where it is none."""
    state, says = (verdict.get("state"), verdict.get("says")) if isinstance(verdict, dict) else (None, None)
    if state not in STATES or not isinstance(says, list) or not all(isinstance(sentence, str) for sentence in says):
        raise ValueError("no verdict")
    return {"state": state, "says": says}


def _environment(folder: Path, exercise: ExerciseFile) -> dict[str, str]:
    project = exercise.path.parents[1]
    return {
        **os.environ,
        MARK: str(folder),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "MPLCONFIGDIR": str(folder / "tmp"),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join((str(project), str(project / "notebooks"))),  # lessons import what lies there
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # a set is shown in the same order twice
        memory.VARIABLE: "off",
    }


def _ended(process: subprocess.Popen[bytes], limit: float, folder: Path, stop: threading.Event | None) -> str:
    """Wait for the process, as long as it keeps within its limits; why it gave no verdict, if it gave none."""
    while limit > 0 and not (stop and stop.is_set()):
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return "It ended the process that checked it, or used up its memory"
        if _size(folder) > DISK:
            return f"It wrote more than {DISK >> 20} MB"
        limit -= LOOK
    return "It did not end"


def _size(folder: Path) -> int:
    """Bytes of the files in `folder`, while they come and go."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End the process and all that it has started: its group, and what has left that, known by its environment."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(ROUNDS):
        left = []
        for other in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if other.environ().get(MARK) == str(folder):
                    other.kill()
                    left.append(other)
        if not left:
            return
        psutil.wait_procs(left, timeout=1)
