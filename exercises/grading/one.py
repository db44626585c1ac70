"""Check the answer in ./answer.py on the exercise file that the command line names, and print the verdict as JSON.

Two processes behind `run.check`. The first waits, and ends all if the grader is gone. The second limits itself before
it runs a line of the answer, whose output goes nowhere; should the answer kill its parent, that is not the grader.
The command line's second word is the folder that is removed where nobody else is left to do so.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

CELL = 10  # seconds for the answer's own cell, before its check
MEMORY, FILE = 4 << 30, 64 << 20  # bytes: of address space beyond what Python has reserved, of one file
TICK = 0.05  # seconds between two looks at the answer's process


def limit_this_process() -> None:
    """Bounds on memory and files, where the system has them."""
    with suppress(ImportError):
        import resource

        memory = MEMORY
        with suppress(OSError):  # without a GIL, Python reserves a GB for its memory before it runs a line
            memory += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, FILE), (resource.RLIMIT_CORE, 0)):
            with suppress(ValueError, OSError):
                resource.setrlimit(what, (most, most))


def loaded(path: Path, too_long: Callable[[int, FrameType | None], object]) -> dict[str, Any]:
    """The names that the answer's file defines; `too_long` is called after CELL seconds."""
    spec = importlib.util.spec_from_file_location("answer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["answer"] = module  # a process pool finds its tasks by their module
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(CELL)
    try:
        spec.loader.exec_module(module)
    finally:
        signal.alarm(0)
    return vars(module)


def verdict(exercise: Path, too_long: Callable[[int, FrameType | None], object]) -> dict[str, Any]:
    from exercises.engine.problem import read
    from exercises.learner import judged

    file = read(exercise)
    try:
        names = loaded(Path.cwd() / "answer.py", too_long)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        line = f" at `{where.line}`" if where.filename.endswith("answer.py") and where.line else ""
        what = f"{type(error).__name__}{f': {error!s:.200}' if str(error) else ''}"
        return {"state": "broken", "says": [f"The answer's cell raised {what}{line}."]}
    found = judged(file, names.get(file.learners_name))
    refused = [sentence for f in found.findings if f.ok is False for sentence in (f.says, *f.details)]
    return {"state": found.state, "says": refused or found.says}


def answers_process() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)

    def tell(said: dict[str, Any]) -> None:
        with out:
            json.dump(said, out)
        os._exit(0)  # threads that the answer has left would keep this process

    def too_long(*_: object) -> None:  # an exception instead could be caught
        tell({"state": "broken", "says": [f"The answer's cell itself did not end within {CELL} s."]})

    limit_this_process()
    sys.path.insert(0, os.getcwd())
    tell(verdict(Path(sys.argv[1]), too_long))


def wait_for(child: int, grader: int, scratch: Path) -> None:
    """Return when the process `child` has ended; without a grader, end the child's group and this process with it."""
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if os.getppid() != grader:
            os.kill(child, signal.SIGKILL)  # first, for it may still write there; its checks see that it is gone
            time.sleep(4 * TICK)
            shutil.rmtree(scratch, ignore_errors=True)
            os.killpg(0, signal.SIGKILL)
        time.sleep(TICK)


def main() -> None:
    grader = os.getppid()
    if child := os.fork():
        wait_for(child, grader, Path(sys.argv[2]))
    else:
        answers_process()


if __name__ == "__main__":
    main()
