"""The process that `gil_profile` looks at: it notes the names of its threads, and runs the program as Python would.

Started as `python -m profiling.sampling run ... -m helpers.gil.sampler_main FOLDER KIND TARGET ARGUMENTS...`. KIND is
script, module or source. FOLDER/stdout and FOLDER/stderr get what the program prints, because the sampler prints too.
FOLDER/facts gets one JSON object a line, written at once: a program may be killed at any moment.
"""

from __future__ import annotations

import atexit
import json
import linecache
import os
import runpy
import sys
import threading
import time
import traceback
import types
from pathlib import Path
from typing import Any

from helpers.machine import gil_enabled, provenance, usable_cpus

HEAD_START = 0.1  # seconds that the sampler gets to begin: a few ms do on a quiet computer
STARTS = {"_posixsubprocess.fork_exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}
NAME = "program.py"


class Facts:
    """Where facts go."""

    def __init__(self, folder: Path) -> None:
        self.pid = os.getpid()
        self.file = os.open(folder / "facts", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, **facts: Any) -> None:
        """Write `facts` as one line. A fork of the program is not the program."""
        if os.getpid() == self.pid:
            os.write(self.file, (json.dumps(facts) + "\n").encode())

    def note_thread(self, *_: Any) -> None:
        """The first thing that a new thread calls, as its profile function; and the last time that it does."""
        self.note(thread=threading.get_native_id(), name=threading.current_thread().name)
        sys.setprofile(None)

    def note_process(self, event: str, _: Any) -> None:
        """An audit hook (Python docs, "Audit events table")."""
        if event in STARTS:
            self.note(process=event)


def run(kind: str, target: str, arguments: list[str]) -> None:
    """Run the program as `__main__`, with the sys.argv and sys.path that Python would give it."""
    sys.argv[:] = [target, *arguments]
    if kind == "module":
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    file = NAME if kind == "source" else target
    source = Path(target).read_text(encoding="utf-8")
    if kind == "source":
        linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    else:
        sys.path.insert(0, os.path.dirname(os.path.realpath(target)))
    program = types.ModuleType("__main__")
    program.__file__ = target
    sys.modules["__main__"] = sys.modules["__mp_main__"] = program
    exec(compile(source, file, "exec"), program.__dict__)


def failure(error: BaseException) -> str:
    """`error` in one line, with the innermost line of the program on which it was raised."""
    text = traceback.format_exception_only(error)[-1].strip()
    library = (os.path.dirname(os.__file__), "<")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(library)]
    return f"{text} (line {frames[-1].lineno} of {os.path.basename(frames[-1].filename)})" if frames else text


def main() -> None:
    folder, kind, target, *arguments = sys.argv[1:]
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    facts = Facts(Path(folder))
    facts.note(
        **provenance(),
        gil=gil_enabled(),
        cores=usable_cpus(),
        clocks=time.perf_counter_ns() - time.monotonic_ns(),
        thread=threading.get_native_id(),
        name=threading.main_thread().name,
    )
    threading.setprofile(facts.note_thread)
    sys.addaudithook(facts.note_process)
    # The first to be registered is the last to be called: after every thread of the program.
    time.sleep(HEAD_START)
    atexit.register(lambda: facts.note(end=time.perf_counter_ns()))
    facts.note(start=time.perf_counter_ns())
    try:
        run(kind, target, arguments)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            facts.note(failed=f"exit code {stop.code}" if isinstance(stop.code, int) else str(stop.code))
        raise
    except BaseException as error:
        at = error.__traceback__
        while at is not None and at.tb_frame.f_code.co_filename.startswith((os.path.dirname(__file__), "<frozen")):
            at = at.tb_next
        facts.note(failed=failure(error.with_traceback(at)))
        traceback.print_exception(error)
        sys.exit(1)
    finally:
        facts.note(switch_interval=sys.getswitchinterval())


if __name__ == "__main__":
    main()
