"""A lesson is run once, by nbval: this plugin adds to its cells a last test, which looks at what the lesson left behind.

No thread but those that a kernel has anyway, no child process, no open port, no file. The seconds that the lessons took
are said at the end.
"""

from __future__ import annotations

import ast
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbval.plugin import IPyNbFile

# Daemons that libraries keep for good: pyzmq's, IPython's, tqdm's monitor, distributed's.
LIBRARIES = ("GarbageCollectorThread", "IPython", "tqdm", "TMonitor", "Dask-", "AsyncProcess", "IO loop", "Profile")
# .ipynb_checkpoints is JupyterLab's; lesson 07 says that it writes to viztracer_report.
FOLDERS = (".ipynb_checkpoints", "__pycache__", "viztracer_report")
REMEMBER = "import threading as _threads\n_threads_before = set(_threads.enumerate())"
THREADS = """__import__('json').dumps([
    [t.daemon, type(t).__name__ + ' ' + t.name] for t in _threads.enumerate() if t not in _threads_before])"""
PATIENCE = 5  # seconds for what is just ending
BEFORE = pytest.StashKey["Traces"]()


class Traces:
    """What a kernel has by now besides its threads, which are remembered in the kernel."""

    def __init__(self, lesson: IPyNbFile) -> None:
        self.kernel = psutil.Process(lesson.kernel.km.provisioner.pid)
        self.folder = Path(lesson.path).parent

    def children(self) -> set[psutil.Process]:
        # The tracker of multiprocessing's resources is one process for the kernel's life (Python docs, multiprocessing).
        return {one for one in self.kernel.children(recursive=True) if "resource_tracker" not in " ".join(cmdline(one))}

    def ports(self) -> set[int]:
        return {c.laddr.port for c in self.kernel.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN}

    def files(self) -> set[Path]:
        return {path for path in self.folder.rglob("*") if not set(FOLDERS) & set(path.parts)}


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def ask(lesson: IPyNbFile, code: str, expression: str = "None") -> Any:
    """Run `code` in the lesson's kernel, unseen, and return what `expression` is there."""
    client = lesson.kernel.kc
    message = client.execute(code, silent=True, user_expressions={"answer": expression})
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == message:
            answer = reply["content"]["user_expressions"]["answer"]
            assert answer["status"] == "ok", answer
            return ast.literal_eval(answer["data"]["text/plain"])


def left(now: Callable[[], set[Any]]) -> set[Any]:
    """What `now()` gives, as soon as that is nothing, or after our patience."""
    until = time.monotonic() + PATIENCE
    while (found := now()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


class LeftOvers(pytest.Item):
    """The last test of a lesson."""

    def runtest(self) -> None:
        lesson = self.parent
        assert isinstance(lesson, IPyNbFile)
        traces, before = lesson.stash[BEFORE]

        def threads() -> set[str]:
            found = json.loads(ask(lesson, "", THREADS))
            return {name for daemon, name in found if not daemon or not any(word in name for word in LIBRARIES)}

        found = {
            "threads": left(threads),
            "processes": left(lambda: traces.children() - before["children"]),
            "ports": left(lambda: traces.ports() - before["ports"]),
            "files": left(lambda: traces.files() - before["files"]),
        }
        behind = {kind: things for kind, things in found.items() if things}
        if behind:
            pytest.fail(f"It leaves {behind}", pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.path.name}: {self.name}"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        report.result.append(LeftOvers.from_parent(collector, name="leaves nothing behind"))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    yield
    lesson = item.parent
    if isinstance(lesson, IPyNbFile) and BEFORE not in lesson.stash:
        ask(lesson, REMEMBER)
        traces = Traces(lesson)
        seen = {"children": traces.children(), "ports": traces.ports(), "files": traces.files()}
        lesson.stash[BEFORE] = (traces, seen)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in itertools.chain(*terminalreporter.stats.values()):
        if ".ipynb::" in getattr(report, "nodeid", ""):
            seconds[Path(report.nodeid.split("::")[0]).name[:2]] += getattr(report, "duration", 0)  # none if deselected
    if seconds:
        each = ", ".join(f"{name} {taken:.1f}" for name, taken in sorted(seconds.items()))
        terminalreporter.write_line(f"seconds of each lesson: {each}; together {sum(seconds.values()):.1f}")
