"""Run every lesson where things are hard, and print one table: `make stress`. A run takes an hour at most.

    .venv/bin/python tools/stress.py                                all conditions
    .venv/bin/python tools/stress.py --only "one core" --tries 2    one of them, twice
    .venv/bin/python tools/stress.py --again                        forget the tries of earlier runs
    .venv/bin/python tools/stress.py --list

A try is one lesson, all its cells, in a fresh kernel on a copy of the course; it passes if no cell fails. The outputs
are compared elsewhere (`make test`). A try that is bound to one core leaves the others to more of its kind. On few
cores all tries do not fit into an hour. They are kept in build/stress.json, and the next run goes on from there, as
long as the course's files and its Python are the same.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import itertools
import json
import os
import queue
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

import classroom
import lab
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parents[1]
KEPT = PROJECT / "build" / "stress.json"
CELL = 180  # seconds
HANGS = 40  # seconds after which a cell that was interrupted, and may have lost a lock or its reply, is so again
Tries = dict[str, dict[str, list[tuple[float, str]]]]  # by condition and lesson: seconds, and what went wrong


@dataclass(frozen=True)
class Condition:
    """What is made hard: how the process of a lesson is started, and what is done to its cells."""

    name: str
    tries: int = 1
    prefix: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)
    folder: str = "course"
    how: str = "once"  # or "twice", "reversed", "interrupted"
    python: str = ""  # another interpreter than this one, by its command
    pinned: bool = False  # to one core
    hogs: int = 0  # busy processes beside it, on the same core
    at_once: int = 1  # kernels; more than one are a class on one server
    read_only: str = ""  # "course" or "home"
    needs: Callable[[], bool] = lambda: True


def has(*commands: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(command) for command in commands)


@functools.cache
def made(python: str) -> bool:
    """Whether another Python has an environment in build/ with the learners' packages: it is made, if that can be."""
    home = PROJECT / "build" / python
    pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    commands: list[list[str | Path]] = [[python, "-m", "venv", home], [*pip, "-r", PROJECT / "requirements.txt"]]
    return bool(shutil.which(python)) and not any(subprocess.run(c, capture_output=True).returncode for c in commands)


# A root that may not pass over permissions: a folder that is read-only is so for it too.
PLAIN = ("setpriv", "--bounding-set", "-dac_override") if getattr(os, "geteuid", lambda: 1)() == 0 else ()


CONDITIONS = [
    Condition("quiet", tries=20),
    Condition("one core", tries=20, pinned=True, needs=has("taskset")),
    Condition("two hogs a core", tries=20, pinned=True, hogs=2, needs=has("taskset")),
    *(
        Condition(f"Python {name[6:]}", python=name, needs=functools.partial(made, name))
        for name in ("python3.11", "python3.12", "python3.13", "python3.14", "python3.14t", "python3.15")
        if name != f"python3.{sys.version_info.minor}"
    ),
    Condition("Run All twice", how="twice"),
    Condition("in reverse, then Run All", how="reversed"),
    Condition("interrupted ten times, then Run All", how="interrupted"),
    Condition("a read-only folder", read_only="course", prefix=PLAIN, needs=has(*PLAIN[:1])),
    Condition("a read-only home", read_only="home", prefix=PLAIN, needs=has(*PLAIN[:1])),
    Condition("a home that is not there", env={"HOME": "/nonexistent/home"}),
    Condition("no HOME", env={"HOME": None}),
    Condition("spaces and Chinese letters", folder="我的 课程 (2)"),
    Condition("a locale that is not UTF-8", env={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}),
    Condition("1 GB of memory to write", prefix=("prlimit", "--data=1073741824"), needs=has("prlimit")),
    Condition("12 kernels on one server", at_once=12),
]  # fmt: skip


def execute(client: NotebookClient, process: int, how: str) -> None:
    """Run the cells of the client's notebook in its kernel, which is this process."""
    code = [(n, cell) for n, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    if how == "interrupted":
        client.timeout = HANGS
        for _ in range(10):
            timer = threading.Timer(random.random(), os.killpg, [process, signal.SIGINT])
            timer.start()
            try:
                for n, cell in [code[0], *random.sample(code, 3)]:
                    client.execute_cell(cell, n)
            except CellTimeoutError:  # as a person does who sees that it still runs
                os.killpg(process, signal.SIGINT)
            except CellExecutionError:
                pass
            timer.join()
        client.timeout = CELL
    if how == "reversed":  # most cells fail: they need what comes before them
        for n, cell in reversed(code):
            with contextlib.suppress(CellExecutionError):
                client.execute_cell(cell, n)
    for _ in range(2 if how == "twice" else 1):
        for n, cell in code:
            client.execute_cell(cell, n)


def on_core(core: int | None) -> list[str]:
    return [] if core is None else ["taskset", "-c", str(core)]


@contextlib.contextmanager
def hogs(number: int, core: int | None) -> Iterator[None]:
    busy = [subprocess.Popen([*on_core(core), sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def environment(condition: Condition, scratch: Path) -> dict[str, str]:
    env = lab.environment()
    # What is done is kept as it is for a learner: beside the lessons, else in a folder of the scratch course.
    env.pop("THREADPOOL_PROGRESS", None)
    env |= (
        {"HOME": str(scratch / "home")} if condition.read_only == "home" else {"XDG_DATA_HOME": str(scratch / "data")}
    )
    for name, value in condition.env.items():
        env.pop(name, None)
        env |= {} if value is None else {name: value}
    return env


def attempt(condition: Condition, lesson: Path, core: int | None) -> tuple[float, str]:
    """Seconds that a try took, and what went wrong, empty if nothing did."""
    python = PROJECT / "build" / condition.python / "bin" / "python" if condition.python else sys.executable
    manager = AsyncKernelManager(kernel_name="python3")
    command = [*on_core(core), *condition.prefix, str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[:] = command
    where = {"metadata": {"path": str(lesson.parent)}}
    client = NotebookClient(nbformat.read(lesson, as_version=4), km=manager, timeout=CELL, resources=where)
    start, wrong, process = time.monotonic(), "", 0
    try:
        with client.setup_kernel(cleanup_kc=True, env=environment(condition, lesson.parents[2])):
            process = getattr(manager.provisioner, "pid", 0)  # its process group's too
            execute(client, process, condition.how)
    except Exception as error:  # whatever it is, this try has failed and the others go on
        wrong = f"{type(error).__name__}: {error}".strip()[-1500:]
    finally:
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
    return time.monotonic() - start, wrong


def stressed(condition: Condition, lessons: list[str], core: int | None) -> list[tuple[float, str]]:
    """Try these lessons: of each the seconds, and what went wrong."""
    with tempfile.TemporaryDirectory(prefix="stress-") as scratch, hogs(condition.hogs, core):
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
        paths = [course / f"{lesson}.ipynb" for lesson in lessons]
        if condition.at_once > 1:
            results, said = classroom.teach(course, paths, condition.at_once, environment(condition, Path(scratch)))
            print(said, flush=True)
        else:
            results = [attempt(condition, path, core) for path in paths]
        for path in inside:
            path.chmod(0o755)
    return results


def side_by_side(
    condition: Condition, jobs: list[list[str]], had: dict[str, list[tuple[float, str]]], end: float
) -> Iterator[tuple[list[str], list[tuple[float, str]]]]:
    """Try each of these, as many at once as there are cores to bind them to; of one that might not `end` no result."""
    longest = max((seconds for found in had.values() for seconds, _ in found), default=60)
    cores: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for core in sorted(os.sched_getaffinity(0)) if condition.pinned else [None]:
        cores.put(core)

    def one(names: list[str]) -> list[tuple[float, str]]:
        if time.monotonic() + longest > end:
            return []
        core = cores.get()
        try:
            return stressed(condition, names, core)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(cores.qsize()) as pool:
        try:
            yield from zip(jobs, pool.map(one, jobs), strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def state() -> str:
    """A short word for what is tried: the course's files, and the Python that runs them."""
    said = hashlib.sha256(sys.version.encode())
    inside = [p for folder in ("helpers", "exercises", "notebooks") for p in sorted((PROJECT / folder).rglob("*"))]
    for path in [*inside, Path(__file__), Path(classroom.__file__)]:
        if path.suffix in (".py", ".js", ".ipynb") and ".ipynb_checkpoints" not in path.parts:
            said.update(path.name.encode() + path.read_bytes())
    return said.hexdigest()[:16]


def missing(condition: Condition, lessons: list[str], wanted: int, done: Tries) -> list[tuple[int, list[str]]]:
    """What is still to be tried, each with its turn: one lesson; or a class together, with every seat taken."""
    if not condition.needs():
        return []
    wanted = max(wanted, -(-condition.at_once // len(lessons)))
    had = {lesson: len(done.get(condition.name, {}).get(lesson, [])) for lesson in lessons}
    jobs = [(turn, [lesson]) for lesson in lessons for turn in range(had[lesson], wanted)]
    return [(0, [lesson for _, [lesson] in jobs])] if condition.at_once > 1 and jobs else jobs


def row(condition: Condition, lessons: list[str], wanted: int, done: Tries) -> str:
    """The table's row for a condition."""
    if not condition.needs():
        return f"| {condition.name} | can't be had here | | |"
    tries = [(*found, lesson) for lesson in lessons for found in done.get(condition.name, {}).get(lesson, [])]
    passed, to_come = sum(not wrong for _, wrong, _ in tries), missing(condition, lessons, wanted, done)
    slowest = "{2}, {0:.0f} s".format(*max(tries, default=(0, "", "none")))
    return f"| {condition.name} | {passed} of {len(tries)} | {sum(len(names) for _, names in to_come)} | {slowest} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one condition, by its name")
    parser.add_argument("--tries", type=int, help="instead of each condition's own number")
    parser.add_argument("--lessons", default="*", help="a pattern such as 0[1-3]-*")
    parser.add_argument("--minutes", type=float, default=60, help="of this run")
    parser.add_argument("--again", action="store_true", help="forget the tries of earlier runs")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    chosen = [c for c in CONDITIONS if given.only in (None, c.name)]
    if given.list or not chosen:
        print("\n".join(condition.name for condition in CONDITIONS))
        return int(not chosen)
    lessons = sorted(path.stem for path in (PROJECT / "notebooks").glob(f"{given.lessons}.ipynb"))
    end, of = time.monotonic() + 60 * given.minutes, state()
    done: Tries = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(KEPT.read_text(encoding="utf-8"))
        done = known["tries"] if known["of"] == of and not given.again else {}
    jobs = [(turn, c, names) for c in chosen for turn, names in missing(c, lessons, given.tries or c.tries, done)]
    # The first try of everything comes before the second of anything.
    jobs.sort(key=lambda job: job[0])
    with tqdm(total=len(jobs), unit="try", mininterval=10) as bar:
        for (_, condition), alike in itertools.groupby(jobs, key=lambda job: job[:2]):
            mine = done.setdefault(condition.name, {})
            for names, results in side_by_side(condition, [names for _, _, names in alike], mine, end):
                bar.update()
                if not results:
                    continue
                for name, (seconds, wrong) in zip(names, results, strict=True):
                    mine.setdefault(name, []).append((seconds, wrong))
                    if wrong:
                        print(f"\n✗ {condition.name}: {name}\n{wrong}\n", flush=True)
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.with_suffix(".new").write_text(json.dumps({"of": of, "tries": done}, indent=1), encoding="utf-8")
                KEPT.with_suffix(".new").replace(KEPT)
    print("\n| condition | passed | to come | slowest lesson |\n| --- | --- | --- | --- |")
    print("\n".join(row(c, lessons, given.tries or c.tries, done) for c in chosen))
    print("\nThe next run goes on with what is to come.")
    return int(any(wrong for c in chosen for found in done.get(c.name, {}).values() for _, wrong in found))


if __name__ == "__main__":
    sys.exit(main())
