"""Check the answer in ./answer.py on the exercise file that the command line names, and print the verdict as JSON.

The process behind `run.check`: it limits itself before it runs a line of the answer, whose output goes nowhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

CELL = 10  # seconds for the answer's own cell, before its check
MEMORY, FILE = 4 << 30, 64 << 20  # bytes: of address space, of one file


class TooLong(BaseException):
    """The answer's cell did not end."""


def limit_this_process() -> None:
    """Bounds on memory and files, where the system has them."""
    with suppress(ImportError):
        import resource

        for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, FILE), (resource.RLIMIT_CORE, 0)):
            with suppress(ValueError, OSError):
                resource.setrlimit(what, (most, most))


def loaded(path: Path) -> dict[str, Any]:
    """The names that the answer's file defines; TooLong after CELL seconds."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TooLong

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


def verdict(exercise: Path) -> dict[str, Any]:
    from exercises.engine.problem import read
    from exercises.learner import judged

    file = read(exercise)
    try:
        names = loaded(Path.cwd() / "answer.py")
    except TooLong:
        return {"state": "broken", "says": [f"The answer's cell itself did not end within {CELL} s."]}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        line = f" at `{where.line}`" if where.filename.endswith("answer.py") and where.line else ""
        return {"state": "broken", "says": [f"The answer's cell raised {type(error).__name__}: {error!s:.200}{line}."]}
    found = judged(file, names.get(file.learners_name))
    refused = [sentence for f in found.findings if f.ok is False for sentence in (f.says, *f.details)]
    return {"state": found.state, "says": refused or found.says}


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    limit_this_process()
    sys.path.insert(0, os.getcwd())
    said = verdict(Path(sys.argv[1]))
    with out:
        json.dump(said, out)
    os._exit(0)  # threads that the answer has left would keep this process


if __name__ == "__main__":
    main()
