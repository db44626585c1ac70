"""VizTracer's threads have their own names, in code, on the command line and in the magic."""

from __future__ import annotations

import builtins
import gc
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from viztracer import VizTracer, get_tracer

from helpers.profiling.trace_file import read_trace, thread_names_in
from helpers.profiling.viztracer_run import mend_thread_names, record_viztracer, thread_names

WORKERS = {"worker_0", "worker_1", "worker_2"}
PROGRAM = """
import threading
from concurrent.futures import ThreadPoolExecutor
meet = threading.Barrier(3, timeout=30)
def task(number):
    meet.wait()
    return threading.get_native_id()
def main():
    with ThreadPoolExecutor(3, thread_name_prefix="worker") as pool:
        return set(pool.map(task, range(3)))
"""


def load_program() -> Any:
    scope: dict[str, Any] = {}
    exec(PROGRAM, scope)
    return scope["main"]


def slices(path: Path, name: str) -> list[dict[str, Any]]:
    return [e for e in read_trace(path)["traceEvents"] if e["ph"] == "X" and e["name"].startswith(name)]


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pool_threads_have_their_own_names(tmp_path: Path) -> None:
    trace = record_viztracer(load_program(), tmp_path / "deep" / "trace.json")
    workers = {tid: name for tid, name in trace.threads.items() if name in WORKERS}
    assert set(workers.values()) == WORKERS
    # The ids are those that the tasks saw themselves, and the slices' too.
    assert set(workers) == trace.result == {event["tid"] for event in slices(trace.path, "task")}
    assert thread_names_in(read_trace(trace.path)) == trace.threads
    assert not any(name.startswith("Dummy") for name in trace.threads.values())


def test_a_pool_older_than_the_trace_is_named_or_reported(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="early") as pool:
        pool.submit(int).result()

        def traced() -> None:
            pool.submit(sorted, [2, 1]).result()

        if sys.version_info < (3, 12):
            with pytest.warns(UserWarning, match="early_0"):
                trace = record_viztracer(traced, tmp_path / "trace.json")
            assert "early_0" not in trace.threads.values()
        else:
            trace = record_viztracer(traced, tmp_path / "trace.json")
            assert "early_0" in trace.threads.values()


def test_the_function_of_a_notebook_cell_has_its_source(tmp_path: Path) -> None:
    import linecache

    scope: dict[str, Any] = {}
    file = "<a cell 17>.py"
    linecache.cache[file] = (len(PROGRAM), None, PROGRAM.splitlines(True), file)
    exec(compile(PROGRAM, file, "exec"), scope)
    sources = read_trace(record_viztracer(scope["main"], tmp_path / "trace.json").path)["file_info"]
    del linecache.cache[file]
    assert sources["files"][file][0] == PROGRAM
    assert sources["functions"][f"task ({file}:5)"] == [file, 5]


def test_an_error_is_raised_after_the_trace_is_saved(tmp_path: Path) -> None:
    def fails() -> None:
        load_program()()
        raise KeyError("mine")

    hook = threading.getprofile()
    with pytest.raises(KeyError, match="mine"):
        record_viztracer(fails, tmp_path / "trace.json")
    assert len(slices(tmp_path / "trace.json", "task")) == 3
    assert get_tracer() is None and threading.getprofile() is hook
    assert record_viztracer(load_program(), tmp_path / "again.json.gz").result  # nothing stands in the way
    assert len(slices(tmp_path / "again.json.gz", "task")) == 3


def test_the_end_of_an_older_trace_takes_no_thread_from_this_one(tmp_path: Path) -> None:
    def collects() -> Any:
        gc.collect()
        return load_program()()

    hook = threading.getprofile()
    gc.disable()
    try:
        for _ in range(2):
            old = VizTracer(verbose=0)
            old.start()
            old.stop()
            del old, builtins.__viz_tracer__  # type: ignore[attr-defined]
            threading.setprofile(hook)  # type: ignore[arg-type]
            trace = record_viztracer(collects, tmp_path / "trace.json")
            assert len(slices(trace.path, "task")) == 3 and set(trace.threads.values()) > WORKERS
    finally:
        gc.enable()
    mine = lambda *_: None
    threading.setprofile(mine)
    try:
        gc.collect()
        assert threading.getprofile() is mine
    finally:
        threading.setprofile(hook)  # type: ignore[arg-type]


def test_one_trace_at_a_time(tmp_path: Path) -> None:
    inner = lambda: record_viztracer(int, tmp_path / "inner.json")
    with pytest.raises(RuntimeError, match="already records"):
        record_viztracer(inner, tmp_path / "outer.json")
    assert not (tmp_path / "inner.json").exists()


def test_a_lost_beginning_is_reported(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="tracer_entries"):
        record_viztracer(load_program(), tmp_path / "trace.json", tracer_entries=20)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((42,), {}, TypeError, "fn must be"),
        ((int, 42), {}, TypeError, "path must be"),
        ((int, "trace.html"), {}, ValueError, "path must end in .json"),
        ((int, "trace.json"), {"output_file": "x.json"}, TypeError, "output_file"),
        ((int, "trace.json"), {"colour": "red"}, TypeError, "colour"),
    ],
)
def test_bad_arguments_are_named_before_anything_starts(
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    words: str,
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        record_viztracer(*arguments, **options)
    assert not list(tmp_path.rglob("*.json")) and get_tracer() is None


def test_the_command_line_names_threads_with_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(PROGRAM + "\nmain()\n")
    run(
        "-m",
        "viztracer",
        "--quiet",
        "-o",
        "t.json",
        "--plugins",
        "helpers.profiling.viztracer_run",
        "--",
        "prog.py",
        cwd=tmp_path,
    )
    trace = read_trace(tmp_path / "t.json")
    assert set(thread_names_in(trace).values()) >= WORKERS
    assert len(trace["viztracer_metadata"]["perf_counter"]) == 2


def test_the_magic_with_names_learned_inside(tmp_path: Path) -> None:
    (tmp_path / "cells.ipy").write_text(
        "%load_ext viztracer\nfrom helpers.profiling.viztracer_run import mend_thread_names, thread_names\n"
        + PROGRAM
        + "get_ipython().run_cell_magic('viztracer', '--output_file t.json',\n"
        "    'with thread_names() as names:\\n    main()\\n')\n"
        "mend_thread_names('t.json', names)\n"
    )
    run("-m", "IPython", "--no-banner", "--InteractiveShell.colors=nocolor", "cells.ipy", cwd=tmp_path)
    trace = read_trace(tmp_path / "t.json")
    assert set(thread_names_in(trace).values()) >= WORKERS
    assert trace["viztracer_metadata"]["perf_counter"]  # the same process, so its clock is known


def test_mending_changes_names_and_nothing_else(tmp_path: Path) -> None:
    name = lambda tid, text: {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": text}}
    work = {"ph": "X", "pid": 1, "tid": 7, "name": "thread_name", "ts": 1.5, "dur": 2, "args": {"name": "Dummy-1"}}
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"traceEvents": [name(7, "Dummy-1"), name(8, "MainThread"), work], "other": 1}))
    assert mend_thread_names(file, {7: "worker_0", 99: "gone"}) == {7: "worker_0", 8: "MainThread"}
    assert read_trace(file) == {"traceEvents": [name(7, "worker_0"), name(8, "MainThread"), work], "other": 1}
    with pytest.raises(TypeError, match="names must be"):
        mend_thread_names(file, ["worker_0"])  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
        mend_thread_names(tmp_path / "nothing.json", {})


def test_a_hook_for_new_threads_sees_what_it_saw_before() -> None:
    seen: list[tuple[str, str]] = []
    hook = lambda frame, event, arg: seen.append((event, frame.f_code.co_name))

    def run_a_thread() -> list[tuple[str, str]]:
        seen.clear()
        thread = threading.Thread(target=sorted, args=([],), name="mine")
        thread.start()
        thread.join(10)
        return list(seen)

    threading.setprofile(hook)
    try:
        alone = run_a_thread()
        with thread_names() as names:
            beside = run_a_thread()
        assert threading.getprofile() is hook
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    assert len(alone) > 2 and "mine" in names.values()
    # From 3.12 on a hook that changes in the thread gets an event more at either end, none is missing.
    assert any(beside[i : i + len(alone)] == alone for i in range(3))


def test_a_name_once_learned_is_not_lost_to_a_dummy(monkeypatch: Any) -> None:
    with thread_names() as names:
        thread = threading.Thread(target=sorted, args=([],), name="mine")
        thread.start()
        thread.join(10)
        dummy = SimpleNamespace(native_id=thread.native_id, name="Dummy-7")
        monkeypatch.setattr(threading, "enumerate", lambda: [dummy])
    assert names[thread.native_id] == "mine"
