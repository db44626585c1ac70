"""Programs in a process of their own: how they end, what comes back, and that nothing of them is left."""

from __future__ import annotations

import linecache
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.processes.isolated import Isolated, run_isolated

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
WATCHED = """
import sys, time, threading, os
from concurrent.futures import ThreadPoolExecutor
from helpers.recording.watcher import watch
"""


def until(true: Callable[[], bool], what: str, limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"waited {limit} s for: {what}"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_program_that_ends() -> None:
    end = run_isolated("""
        import sys
        print("out", __name__, sys.argv)
        print("err", file=sys.stderr)
        sys.exit(3)
    """)
    assert (end.exit_code, end.timed_out, end.stuck) == (3, False, {})
    assert (end.stdout, end.stderr) == ("out __main__ ['program.py']\n", "err\n")
    assert repr(end) == "exit code 3\nstdout | out __main__ ['program.py']\nstderr | err"
    with pytest.raises(ValueError, match="made no recording"):
        _ = end.recording


def test_a_function_is_run_as_source() -> None:
    secret = 5

    def program() -> None:
        import os

        print(os.getpid())
        print(secret)

    end = run_isolated(program)
    assert end.exit_code == 1 and int(end.stdout) != os.getpid()
    assert "NameError: name 'secret' is not defined" in end.stderr


def test_the_recording_comes_back_after_all_tasks_have_ended() -> None:
    def program() -> None:
        from concurrent.futures import ThreadPoolExecutor

        from helpers.recording.watcher import watch

        def main() -> None:
            pool = ThreadPoolExecutor(2)
            with watch(pool):
                for n in range(5):
                    pool.submit(divmod, n, n)
            pool.shutdown(wait=False)

        main()

    end = run_isolated(program)
    assert (end.exit_code, end.stderr) == (0, "")
    assert [task.outcome for task in end.recording.tasks] == ["raised"] + ["returned"] * 4


@posix
def test_an_interrupt_comes_at_the_line_that_asks_for_it() -> None:
    end = run_isolated(
        WATCHED
        + """
go = threading.Event()
with ThreadPoolExecutor(2) as pool, watch(pool) as run:
    try:
        futures = [pool.submit(go.wait, 30) for _ in range(3)]
        while not futures[1].running():
            time.sleep(0.001)
        print("before READY")
        print("  READY")
        futures[0].result()
    except KeyboardInterrupt:
        print("caught", threading.current_thread().name, [f.running() for f in futures])
        go.set()
        raise
""",
        timeout=30,
        interrupt_on="READY",
    )
    assert end.exit_code == -signal.SIGINT and not end.timed_out
    assert end.stdout.splitlines()[2] == "caught MainThread [True, True, False]"
    assert end.stderr.rstrip().endswith("KeyboardInterrupt")
    run = end.recording
    assert [task.outcome for task in run.tasks] == ["returned"] * 3
    (mark,) = run.marks
    # The mark stands on the main thread, after the first tasks started and before they were let go.
    assert (mark.text, mark.thread) == ("Ctrl-C", run.tasks[0].submitter)
    assert run.tasks[0].started < mark.time < run.tasks[0].finished
    assert repr(end).startswith("exit code -2 (SIGINT)\nstdout | before READY\n")


@posix
def test_each_such_line_interrupts_again() -> None:
    end = run_isolated(
        """
import time
for n in range(3):
    try:
        print("READY")
        time.sleep(30)
    except KeyboardInterrupt:
        print("caught", n)
""",
        timeout=60,
        interrupt_on="READY",
    )
    assert end.exit_code == 0 and end.stdout.count("caught") == 3


@posix
def test_a_killed_program_leaves_what_it_had_recorded() -> None:
    end = run_isolated(
        WATCHED
        + """
with ThreadPoolExecutor(1) as pool, watch(pool) as run:
    pool.submit(int).result()
    held = pool.submit(time.sleep, 60)
    pool.submit(int)
    while not held.running():
        time.sleep(0.001)
    print("NOW")
    time.sleep(60)
""",
        timeout=30,
        kill_on="NOW",
    )
    assert end.exit_code == -signal.SIGKILL and not end.timed_out
    assert [task.outcome for task in end.recording.tasks] == ["returned", "running", "queued"]
    assert [mark.text for mark in end.recording.marks] == ["kill"]


def test_a_program_that_hangs_is_stopped_and_says_where() -> None:
    end = run_isolated(
        WATCHED
        + """
pool = ThreadPoolExecutor(2, thread_name_prefix="worker")
gate = threading.Barrier(2)
def inner():
    return 1
def outer():
    gate.wait()
    return pool.submit(inner).result()
with watch(pool) as run:
    futures = [pool.submit(outer) for _ in range(2)]
    futures[0].result()
""",
        timeout=4,
    )
    assert end.timed_out and end.exit_code < 0
    assert [task.outcome for task in end.recording.tasks] == ["running"] * 2 + ["queued"] * 2
    assert [b.end for b in end.recording.blocked] == [None] * 3
    line = "line 12, in outer: return pool.submit(inner).result()"
    assert end.stuck == {
        "worker_0": line,
        "worker_1": line,
        "MainThread": "line 15, in <module>: futures[0].result()",
    }
    assert repr(end).startswith("exit code -9 (SIGKILL), stopped at its time limit\n")
    assert f"\nstuck  | worker_0: {line}" in repr(end)


def test_a_program_that_hangs_while_python_ends() -> None:
    end = run_isolated(
        WATCHED
        + """
pool = ThreadPoolExecutor(1)
with watch(pool) as run:
    pool.submit(lambda: time.sleep(60))
print("last line")
""",
        timeout=4,
    )
    assert end.timed_out and end.stdout == "last line\n"
    assert list(end.stuck) == ["ThreadPoolExecutor-0_0", "MainThread"][:1] or "ThreadPoolExecutor-0_0" in end.stuck
    assert end.recording.tasks[0].outcome == "running"


def test_os_exit_keeps_the_recording() -> None:
    end = run_isolated(
        WATCHED
        + """
with ThreadPoolExecutor(1) as pool, watch(pool) as run:
    pool.submit(int).result()
    os._exit(7)
"""
    )
    assert end.exit_code == 7 and end.recording.count("returned") == 1


@posix
def test_a_program_that_kills_itself_still_gives_a_result() -> None:
    end = run_isolated("import os; print('x', flush=True); os.kill(os.getpid(), 9)")
    assert (end.exit_code, end.stdout, end.recordings) == (-9, "x\n", [])


def test_several_recordings_come_back_in_order() -> None:
    end = run_isolated(
        WATCHED
        + """
for n in (1, 2, 3):
    with ThreadPoolExecutor(n) as pool, watch(pool) as run:
        for _ in range(n):
            pool.submit(int)
"""
    )
    assert [len(run.tasks) for run in end.recordings] == [1, 2, 3]


def test_the_program_is_alone_in_its_process() -> None:
    end = run_isolated("""
        import threading, os, sys
        print(threading.active_count(), [t.name for t in threading.enumerate()])
        print("main" in globals(), os.path.basename(__file__))
        print(repr(sys.stdin.read()))
    """)
    assert end.stdout.splitlines() == ["1 ['MainThread']", "False program.py", "''"]


def test_errors_show_the_program_alone_and_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    end = run_isolated("""
        import json
        def load():
            return json.loads("{")
        load()
    """)
    lines = end.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "program.py", line 5, in <module>'
    assert lines[2].strip() == "load()"
    assert '  File "json/__init__.py"' in end.stderr
    assert 'File "/' not in end.stderr and "\x1b" not in end.stderr


def test_a_process_pool_finds_the_program() -> None:
    end = run_isolated(
        """
        import multiprocessing, os
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from helpers.recording.watcher import watch

        def square(n):
            return n * n

        def crash():
            os._exit(11)

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as pool, watch(pool) as run:
                print(list(pool.map(square, range(4))))
                try:
                    pool.submit(crash).result()
                except BrokenProcessPool as error:
                    print(type(error).__name__)
        """,
        timeout=60,
    )
    assert end.stdout.splitlines() == ["[0, 1, 4, 9]", "BrokenProcessPool"], end
    assert [task.outcome for task in end.recording.tasks] == ["returned"] * 4 + ["raised"]


@posix
def test_a_worker_process_that_ends_does_not_end_the_recording() -> None:
    end = run_isolated(
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from helpers.recording.watcher import watch
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(2, mp_context=context) as pool, watch(pool) as run:
            print(sum(pool.map(abs, [-1, -2])))
        """,
        timeout=60,
    )
    assert end.stdout == "3\n" and end.recording.count("returned") == 2


@posix
@pytest.mark.parametrize("then", ["sys.exit()", "time.sleep(60)"])
def test_what_the_program_started_ends_with_it(then: str) -> None:
    end = run_isolated(
        f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        print(child.pid)
        {then}
        """,
        timeout=4,
    )
    until(lambda: gone(int(end.stdout)), "the program's own child to end")


@posix
def test_the_program_ends_with_the_process_that_runs_it() -> None:
    program = """
        import os, time
        open({name!r}, "w").write(str(os.getpid()))
        time.sleep(300)
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pid"
        text = program.format(name=str(file))
        source = f"from helpers import run_isolated; run_isolated({text!r}, 300)"
        parent = subprocess.Popen([sys.executable, "-c", source])
        try:
            until(lambda: file.exists() and bool(file.read_text()), "the program to start")
        finally:
            parent.kill()
            parent.wait(30)
        until(lambda: gone(int(file.read_text())), "the program to end")


@posix
def test_an_ignored_interrupt_is_not_inherited() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end = run_isolated("import time\nprint('READY')\ntime.sleep(60)", timeout=30, interrupt_on="READY")
    finally:
        signal.signal(signal.SIGINT, before)
    assert end.exit_code == -signal.SIGINT


def test_endless_output_is_cut() -> None:
    end = run_isolated("while True: print('x' * 1000)", timeout=1)
    assert end.timed_out and 200_000 <= len(end.stdout) < 210_000


def test_two_at_once_do_not_meet() -> None:
    def one(n: int) -> Isolated:
        return run_isolated(WATCHED + f"print({n})\nwith ThreadPoolExecutor() as p, watch(p): p.submit(pow, {n}, 2)")

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(one, range(4)))
    assert [(end.stdout, len(end.recording.tasks)) for end in ends] == [(f"{n}\n", 1) for n in range(4)]


def test_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    children = set(psutil.Process().children())
    files = psutil.Process().num_fds() if os.name == "posix" else 0
    run_isolated("print(1)")
    run_isolated("import time; time.sleep(60)", timeout=0.5)
    assert set(threading.enumerate()) == threads
    assert set(psutil.Process().children()) <= children
    assert not list(tmp_path.iterdir())
    if os.name == "posix":
        assert psutil.Process().num_fds() == files


@pytest.mark.parametrize(
    ("program", "more", "error", "message"),
    [
        (7, {}, TypeError, "program must be the text of a program, or a function without arguments, not 7"),
        (lambda: 1, {}, TypeError, "program must be"),
        (textwrap.dedent, {}, TypeError, "program must be"),
        ("x =", {}, SyntaxError, "invalid syntax"),
        ("x = 1", {"timeout": 0}, ValueError, "timeout must be a number of seconds from 0.1 to 600, not 0"),
        (
            "x = 1",
            {"interrupt_on": 3},
            TypeError,
            "interrupt_on must be a line that the program prints, not 3",
        ),
        ("x = 1", {"kill_on": " "}, ValueError, "must be a line with text"),
    ],
)
def test_bad_arguments_are_named_before_anything_starts(program: Any, more: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        run_isolated(program, **more)


def test_a_function_without_source_is_named() -> None:
    space: dict[str, Any] = {}
    exec("def typed(): pass", space)
    with pytest.raises(ValueError, match="program must be a function whose source can be found"):
        run_isolated(space["typed"])
    linecache.cache["<string>"] = (9, None, ["import sys"], "<string>")
    try:
        with pytest.raises(ValueError, match="program must be a function whose source can be found"):
            run_isolated(space["typed"])
    finally:
        del linecache.cache["<string>"]
