"""Run every lesson where things are hard, and print one table: `make stress`. Takes up to an hour.

    .venv/bin/python tools/stress.py                                all conditions
    .venv/bin/python tools/stress.py --only "one core" --tries 2    one of them, twice
    .venv/bin/python tools/stress.py --list

A try is one lesson, all its cells, in a fresh kernel on a copy of the course; it passes if no cell fails. The outputs
are compared elsewhere (`make test`).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

PROJECT = Path(__file__).resolve().parents[1]
CELL, LESSON = 180, 900  # seconds


@dataclass(frozen=True)
class Condition:
    """What is made hard: how the process of a lesson is started, and what is done to its cells."""

    name: str
    tries: int = 1
    prefix: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)
    folder: str = "course"
    how: str = "once"  # "once", "twice" or "interrupted"
    hogs: int = 0  # busy processes beside it
    at_once: int = 1  # kernels
    read_only: str = ""  # "course" or "home"
    needs: Callable[[], bool] = lambda: True


def has(*commands: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(command) for command in commands)


# A root that may not pass over permissions: a folder that is read-only is so for it too.
PLAIN = ("setpriv", "--bounding-set", "-dac_override") if getattr(os, "geteuid", lambda: 1)() == 0 else ()


CONDITIONS = [
    Condition("quiet", tries=20),
    Condition("one core", tries=20, prefix=("taskset", "-c", "0"), needs=has("taskset")),
    Condition("two hogs a core", tries=20, hogs=2 * (os.cpu_count() or 1)),
    Condition("Run All twice", how="twice"),
    Condition("interrupted ten times, then Run All", how="interrupted"),
    Condition("a read-only folder", read_only="course", prefix=PLAIN, needs=has(*PLAIN[:1])),
    Condition("a read-only home", read_only="home", prefix=PLAIN, needs=has(*PLAIN[:1])),
    Condition("a home that is not there", env={"HOME": "/nonexistent/home"}),
    Condition("no HOME", env={"HOME": None}),
    Condition("spaces and Chinese letters", folder="我的 课程 (2)"),
    Condition("a locale that is not UTF-8", env={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}),
    Condition("1 GB of memory to write", prefix=("prlimit", "--data=1073741824"), needs=has("prlimit")),
    Condition("12 kernels at once", at_once=12),
]  # fmt: skip


def execute(lesson: Path, how: str) -> None:
    """Run the cells of `lesson` in this process's kernel; the child's side of a try."""
    notebook = nbformat.read(lesson, as_version=4)
    where = {"metadata": {"path": str(lesson.parent)}}
    client = NotebookClient(notebook, timeout=CELL, kernel_name="python3", resources=where)
    with client.setup_kernel():
        kernel = client.km
        assert kernel is not None
        code = [(n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        if how == "interrupted":
            for _ in range(10):
                timer = threading.Timer(random.random(), kernel.interrupt_kernel)
                timer.start()
                with contextlib.suppress(CellExecutionError):
                    for n, cell in random.sample(code, 3):
                        client.execute_cell(cell, n)
                timer.join()
        for _ in range(2 if how == "twice" else 1):
            for n, cell in code:
                client.execute_cell(cell, n)


@contextlib.contextmanager
def hogs(number: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def attempt(condition: Condition, lesson: Path) -> tuple[float, str]:
    """Seconds that a try took, and what went wrong, empty if nothing did."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "JUPYTER_PREFER_ENV_PATH": "1"}
    # What is done is kept as it is for a learner: beside the lessons, else in a folder of the scratch course.
    env.pop("THREADPOOL_PROGRESS", None)
    scratch = lesson.parents[2]
    env |= (
        {"HOME": str(scratch / "home")} if condition.read_only == "home" else {"XDG_DATA_HOME": str(scratch / "data")}
    )
    for name, value in condition.env.items():
        env.pop(name, None)
        env |= {} if value is None else {name: value}
    command = [*condition.prefix, sys.executable, __file__, "--execute", str(lesson), "--how", condition.how]
    start = time.monotonic()
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=LESSON)
        except subprocess.TimeoutExpired:
            said = f"it did not end within {LESSON} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return time.monotonic() - start, "" if process.returncode == 0 else said.strip()[-1500:]


def stressed(condition: Condition, lessons: list[Path], tries: int) -> str:
    """The row of the table for one condition; what failed is printed at once."""
    passed, slowest = 0, (0.0, "")
    with tempfile.TemporaryDirectory(prefix="stress-") as scratch, hogs(condition.hogs):
        course = Path(scratch, condition.folder) / "notebooks"
        shutil.copytree(
            PROJECT / "notebooks", course, ignore=shutil.ignore_patterns("*progress*", ".ipynb_checkpoints")
        )
        home = Path(scratch, "home")
        home.mkdir()
        closed = {"course": course, "home": home}.get(condition.read_only)
        inside = [closed, *closed.rglob("*")] if closed else []
        for path in inside:
            path.chmod(0o555 if path.is_dir() else 0o444)
        jobs = [course / lesson.name for _ in range(tries) for lesson in lessons]
        with ThreadPoolExecutor(condition.at_once) as pool:
            for lesson, (seconds, wrong) in zip(jobs, pool.map(lambda job: attempt(condition, job), jobs), strict=True):
                passed += not wrong
                slowest = max(slowest, (seconds, lesson.stem))
                if wrong:
                    print(f"✗ {condition.name}: {lesson.name}\n{wrong}\n", flush=True)
        for path in inside:
            path.chmod(0o755)
    return f"| {condition.name} | {passed} of {len(jobs)} | {slowest[1]}, {slowest[0]:.0f} s |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one condition, by its name")
    parser.add_argument("--tries", type=int, help="instead of each condition's own number")
    parser.add_argument("--lessons", default="*", help="a pattern such as 0[1-3]-*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--execute", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--how", default="once", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.execute:
        try:
            execute(given.execute, given.how)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            sys.exit(str(error))
        return 0
    chosen = [c for c in CONDITIONS if given.only in (None, c.name)]
    if given.list or not chosen:
        print("\n".join(condition.name for condition in CONDITIONS))
        return int(not chosen)
    lessons = sorted((PROJECT / "notebooks").glob(f"{given.lessons}.ipynb"))
    rows = ["| condition | passed | slowest lesson |", "| --- | --- | --- |"]
    for condition in chosen:
        if condition.needs():
            rows.append(stressed(condition, lessons, given.tries or condition.tries))
        else:
            rows.append(f"| {condition.name} | can't be had here | |")
        print(rows[-1], flush=True)
    print("\n" + "\n".join(rows))
    failed = [row for row in rows[2:] if (parts := row.split("|")[2].split(" of "))[0].strip() != parts[-1].strip()]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
