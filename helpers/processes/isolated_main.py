"""The process behind `helpers.run_isolated`: runs a program as `__main__` and saves its recordings when told to.

Started as `python -c "from helpers.processes.isolated_main import main; main()" FOLDER`. Each line on stdin (Ctrl-C,
kill, timeout) is marked in the recordings and answered by a folder FOLDER/saved-N, N from 0. The end of stdin
means that whoever started the process is gone.
"""

from __future__ import annotations

import _thread
import atexit
import json
import linecache
import os
import pickle
import signal
import sys
import threading
import time
import tokenize  # noqa: F401  Python 3.13 forgets Ctrl-C's exit code if it imports this to print the traceback
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from helpers.recording.data import Mark, Recording, Thread

NAME = "program.py"


class Witness:
    """Keeps the recordings that the program makes, and saves them to a new folder at each `save`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = os.getpid()
        self.main = Thread(threading.main_thread().name, threading.get_native_id())
        self.recordings: list[Recording] = []
        self.lock = _thread.allocate_lock()
        self.saved = 0
        prepare = Recording.__init__

        def prepare_and_keep(run: Recording) -> None:
            prepare(run)
            self.recordings.append(run)

        Recording.__init__ = prepare_and_keep  # type: ignore

    def save(self, mark: str | None = None, stuck: dict[str, str] | None = None) -> None:
        if os.getpid() != self.pid:
            return  # a fork of the program ends
        with self.lock:
            part = self.folder / "part"
            part.mkdir(exist_ok=True)
            for i, run in enumerate(list(self.recordings)):
                if mark:
                    run.marks.append(Mark(self.main, time.perf_counter_ns(), mark))
                (part / f"{i:03}.pickle").write_bytes(pickle.dumps(run))
            (part / "stuck").write_text(json.dumps(stuck or {}), encoding="utf-8")
            part.rename(self.folder / f"saved-{self.saved}")
            self.saved += 1

    def obey(self, control: int) -> None:
        with open(control, encoding="utf-8") as lines:
            for line in lines:
                word = line.strip()
                self.save(word, where_threads_stand() if word == "timeout" else None)
        if hasattr(os, "killpg") and os.getpgrp() == self.pid:
            os.killpg(self.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGTERM)


def where_threads_stand() -> dict[str, str]:
    """Each thread that is inside the program, and its innermost line there."""
    frames = sys._current_frames()
    stand = {}
    for thread in threading.enumerate():
        stack = traceback.extract_stack(frames.get(thread.ident or 0))
        inside = [frame for frame in stack if frame.filename == NAME]
        if inside:
            stand[thread.name] = f"line {inside[-1].lineno}, in {inside[-1].name}: {inside[-1].line}"
    return stand


def show_error(kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
    """Print the traceback from the program's own frames on."""
    while tb is not None and tb.tb_frame.f_code.co_filename != NAME:
        tb = tb.tb_next
    traceback.print_exception(kind, error, tb)


def main() -> None:
    folder = Path(sys.argv[1])
    # stdin carries the orders; the program gets an empty one.
    control = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # A parent started in the background may have left SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    witness = Witness(folder)
    atexit.register(witness.save)
    leave = os._exit

    def save_and_leave(status: int) -> Any:
        witness.save()
        leave(status)

    os._exit = save_and_leave  # type: ignore[assignment]
    # Not a threading.Thread: the program must not find it among its own threads.
    _thread.start_new_thread(witness.obey, (control,))

    file = folder / NAME
    source = file.read_text(encoding="utf-8")
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    sys.excepthook = show_error
    sys.argv[:] = [NAME]
    space = sys.modules["__main__"].__dict__
    space.pop("main", None)
    space["__file__"] = str(file)  # where multiprocessing's children look for the program
    exec(compile(source, NAME, "exec"), space)
