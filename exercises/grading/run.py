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
from contextlib import suppress
from pathlib import Path
from typing import Any

from exercises.engine.problem import ExerciseFile
from exercises.grading.answers import Answer
from helpers.machine import usable_cpus

SPARE = 40  # seconds beside a check's own limit, for a start on a busy computer and for the answer's cell itself
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
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as name:
        scratch, temporary = Path(name, "answer"), Path(name, "tmp")
        scratch.mkdir()
        temporary.mkdir()
        (scratch / "answer.py").write_text(code, encoding="utf-8")
        environment = {
            **os.environ,
            "HOME": name,
            "TMPDIR": str(temporary),
            "OPENBLAS_NUM_THREADS": "1",
            "MPLCONFIGDIR": name,
        }
        environment |= {"PYTHONPATH": str(exercise.path.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
        said = ""
        with subprocess.Popen(
            [sys.executable, "-m", "exercises.grading.one", str(exercise.path)],
            cwd=scratch, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
        ) as process:  # fmt: skip
            limit = exercise.limit + SPARE
            try:
                while limit > 0 and not (stop and stop.is_set()):
                    with suppress(subprocess.TimeoutExpired):
                        said, _ = process.communicate(timeout=0.5)
                        break
                    limit -= 0.5
            finally:
                with suppress(ProcessLookupError, PermissionError):  # with all that it has started
                    os.killpg(process.pid, signal.SIGKILL)
        with suppress(ValueError):
            verdict = json.loads(said)
            if isinstance(verdict, dict) and {"state", "says"} <= verdict.keys():
                return verdict
    how = "It did not end" if limit <= 0 else "It ended the process that checked it, or used up its memory"
    return {"state": "broken", "says": [f"{how}, and was stopped."]}
