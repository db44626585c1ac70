"""Run a program in a process of its own: it may hang, be interrupted or killed, and its recording comes back.

For runs that would take the notebook's kernel down. Nothing of the program is left behind: its whole process
group ends with the call, and with the process that made the call.
"""

from __future__ import annotations

import inspect
import json
import os
import pickle
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helpers._common import instance, number, shown, source_of
from helpers.processes.isolated_main import NAME
from helpers.recording.data import Recording

KEPT = 200_000  # characters kept of each of stdout and stderr
PATIENCE = 2.0  # seconds that a program may take to save its recordings before a signal


@dataclass(frozen=True, repr=False)
class Isolated:
    """How a program ended. `exit_code` is `-n` after signal n, as in `subprocess`.

    `stuck` is filled in after a timeout: for each thread inside the program, the line on which it stood.
    """

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    recordings: list[Recording]
    stuck: dict[str, str]

    @property
    def recording(self) -> Recording:
        """The program's first recording; ValueError if it has none."""
        if not self.recordings:
            raise ValueError("the program made no recording: it did not reach `with watch(...) as run:`")
        return self.recordings[0]

    def __repr__(self) -> str:
        code = str(self.exit_code)
        if self.exit_code < 0:
            with suppress(ValueError):
                code = f"{self.exit_code} ({signal.Signals(-self.exit_code).name})"
        lines = [f"exit code {code}{', stopped at its time limit' if self.timed_out else ''}"]
        for name, text in (("stdout", self.stdout), ("stderr", self.stderr)):
            lines += [f"{name} | {line}" for line in text.splitlines()]
        return "\n".join(lines + [f"stuck  | {name}: {line}" for name, line in self.stuck.items()])


class Run:
    """A program that runs: the file in `folder`, and which signal each of its lines asks for."""

    def __init__(self, folder: Path, signals: dict[str, str]) -> None:
        self.folder = folder
        self.signals = signals
        self.told = 0
        self.telling = threading.Lock()
        # Jupyter asks its children for colors, and Python 3.13 would color its tracebacks.
        env = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
        self.child = subprocess.Popen(
            [sys.executable, "-u", "-c", "from helpers.processes.isolated_main import main; main()", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=env | {"PYTHON_COLORS": "0", "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,
        )

    def finish(self, limit: float) -> Isolated:
        out: list[str] = []
        err: list[str] = []
        readers = [
            threading.Thread(target=self.read, args=[self.child.stdout, out, self.signals], daemon=True),
            threading.Thread(target=self.read, args=[self.child.stderr, err, {}], daemon=True),
        ]
        timed_out = False
        try:
            for reader in readers:
                reader.start()
            self.child.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.tell("timeout")
        finally:
            self.signal("kill")  # the program, or what it has left behind
            self.child.wait()
            with suppress(OSError):
                self.child.stdin.close()  # type: ignore[union-attr]
            for reader in readers:
                reader.join(PATIENCE)
        recordings, stuck = self.saved()
        code = self.child.returncode
        stdout, stderr = (_plain("".join(text), self.folder) for text in (out, err))
        return Isolated(code, stdout, stderr, timed_out, recordings, stuck)

    def read(self, pipe: IO[str], kept: list[str], signals: dict[str, str]) -> None:
        length = 0
        with pipe:
            for line in pipe:
                if length < KEPT:
                    kept.append(line)
                    length += len(line)
                word = signals.get(line.strip())
                if word:
                    self.tell(word)
                    self.signal(word)

    def tell(self, word: str) -> None:
        """Have the program save its recordings with a mark, and wait until it has, or can't."""
        with self.telling:
            with suppress(OSError, ValueError):
                self.child.stdin.write(word + "\n")  # type: ignore[union-attr]
                self.child.stdin.flush()  # type: ignore[union-attr]
            answer = self.folder / f"saved-{self.told}"
            self.told += 1
            deadline = time.monotonic() + PATIENCE
            while not answer.exists() and self.child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)

    def signal(self, word: str) -> None:
        if hasattr(os, "killpg"):
            # macOS answers EPERM for a group of which only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, signal.SIGINT if word == "Ctrl-C" else signal.SIGKILL)
        else:
            self.child.kill()

    def saved(self) -> tuple[list[Recording], dict[str, str]]:
        """What the program saved last."""
        folders = sorted(self.folder.glob("saved-*"), key=lambda path: int(path.name.partition("-")[2]))
        if not folders:
            return [], {}
        recordings = [pickle.loads(file.read_bytes()) for file in sorted(folders[-1].glob("*.pickle"))]
        return recordings, json.loads((folders[-1] / "stuck").read_text(encoding="utf-8"))


def _plain(text: str, folder: Path) -> str:
    """`text` with the paths of this computer's Python, of this project and of the program shortened."""
    paths = sysconfig.get_paths()
    roots = {paths["purelib"], paths["stdlib"], str(Path(__file__).parents[2]), str(folder)}
    for root in sorted(roots, key=len, reverse=True):
        text = text.replace(root + os.sep, "")
    return text


def run_isolated(
    program: str | Callable[[], object],
    timeout: float = 10.0,
    *,
    interrupt_on: str | None = None,
    kill_on: str | None = None,
) -> Isolated:
    """Run `program` as a script in a new process of this Python, and return how it ended.

    `program` is source text, or a function without arguments, of which the source is run: it sees no variable
    of this process and imports what it needs. Each time it prints the line `interrupt_on`, its process group
    gets the SIGINT that Ctrl-C sends; at the line `kill_on`, SIGKILL. After `timeout` seconds it is killed.
    What it recorded with `watch` comes back in each of these cases, with a mark where the signal came; it is
    lost where the program crashes or kills itself. SyntaxError, TypeError or ValueError for a program that
    can't run, RuntimeError for a signal on a system without process groups, all before anything starts.
    """
    source = _source_of(program)
    compile(source, NAME, "exec")
    limit = number("timeout", timeout, 0.1, 600, "seconds")
    signals: dict[str, str] = {}
    for name, line, word in (("interrupt_on", interrupt_on, "Ctrl-C"), ("kill_on", kill_on, "kill")):
        if line is not None:
            signals[instance(name, line, str, "a line that the program prints").strip()] = word
    if "" in signals:
        raise ValueError("interrupt_on and kill_on must be a line with text, not an empty one")
    if signals and not hasattr(os, "killpg"):
        raise RuntimeError("interrupt_on and kill_on need POSIX signals, which this system does not have")
    with tempfile.TemporaryDirectory(prefix="isolated-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / NAME).write_text(source, encoding="utf-8")
        return Run(Path(folder), signals).finish(limit)


def _source_of(program: str | Callable[[], object]) -> str:
    if isinstance(program, str):
        return textwrap.dedent(program)
    if not inspect.isfunction(program) or program.__name__ == "<lambda>" or inspect.signature(program).parameters:
        what = "the text of a program, or a function without arguments"
        raise TypeError(f"program must be {what}, not {shown(program)}")
    return f"{source_of(program)}\n{program.__name__}()\n"
