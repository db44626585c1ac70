"""After a lesson nothing is left: no child process, no open port, no thread but those that a kernel has anyway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import notebook_form
import psutil
import pytest
from nbclient import NotebookClient

LESSONS = notebook_form.lessons()
assert LESSONS
# Daemons that libraries keep for good: pyzmq's, IPython's, tqdm's monitor, distributed's.
LIBRARIES = ("GarbageCollectorThread", "IPython", "tqdm", "TMonitor", "Dask-", "AsyncProcess", "IO loop", "Profile")
THREADS = """
import json, threading, time
patience = time.monotonic() + 5  # for threads that are just ending
while (left := [t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()
                and t not in THREADS_BEFORE]) and time.monotonic() < patience:
    time.sleep(0.05)
daemons = [type(t).__name__ + " " + t.name for t in threading.enumerate() if t.daemon and t not in THREADS_BEFORE]
print(json.dumps({"left": left, "daemons": daemons}))
"""
BEFORE = "import threading; THREADS_BEFORE = set(threading.enumerate())"


def open_ports(process: psutil.Process) -> set[int]:
    return {c.laddr.port for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN}


@pytest.fixture
def client() -> Iterator[NotebookClient]:
    client = NotebookClient(
        nbformat.v4.new_notebook(),
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(notebook_form.NOTEBOOKS)}},
    )
    with client.setup_kernel():
        yield client


def run(client: NotebookClient, source: str) -> str:
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells = [cell]
    client.execute_cell(cell, 0)
    return "".join(out.get("text", "") for out in cell.outputs if out.get("name") == "stdout")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_nothing_is_left_of_a_lesson(client: NotebookClient, lesson: Path) -> None:
    run(client, BEFORE)
    kernel = psutil.Process(int(run(client, "import os; print(os.getpid())")))
    ports, children = open_ports(kernel), kernel.children(recursive=True)
    client.nb = nbformat.read(lesson, as_version=4)
    for number, cell in enumerate(list(client.nb.cells)):
        if cell.cell_type == "code":
            client.execute_cell(cell, number)

    threads = json.loads(run(client, THREADS).splitlines()[-1])
    assert threads["left"] == []
    assert [name for name in threads["daemons"] if not any(word in name for word in LIBRARIES)] == []
    # The tracker of multiprocessing's resources is one process for the kernel's life (Python docs, multiprocessing).
    _, alive = psutil.wait_procs([p for p in kernel.children(recursive=True) if p not in children], timeout=5)
    kept = [p for p in alive if "resource_tracker" not in " ".join(p.cmdline())]
    assert kept == []
    assert open_ports(kernel) - ports == set()
