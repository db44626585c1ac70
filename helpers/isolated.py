"""Run a program in a process of its own: it may hang, be interrupted or killed, and its recording comes back.

For runs that would take the notebook's kernel down. Nothing of the program is left behind: its whole process
group ends with the call, and with the process that made the call.
"""

from __future__ import annotations

import inspect
import os
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

from helpers.checks import instance, number, shown
from helpers.isolated_process import NAME
from helpers.isolated_run import Isolated, Run


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
    try:
        source = textwrap.dedent(inspect.getsource(program))
    except OSError:
        raise ValueError(f"program must be a function whose source can be found, not {shown(program)}") from None
    return f"{source}\n{program.__name__}()\n"
