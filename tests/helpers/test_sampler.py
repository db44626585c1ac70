"""The GIL seen from outside: a profile of 3.15's sampler is read on every Python; programs are run where one can."""

import json
import linecache
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.drawing.gil import gil_histogram, gil_picture
from helpers.gil import sampler
from helpers.gil.sampler import FORBIDDEN, NoSampler, gil_profile, read_gecko, sampler_host
from helpers.gil.spans import Sampling, Span
from helpers.gil.trace import GilTrace
from helpers.gil.words import describe_trace, noise, notes, origin
from helpers.profiling.trace_file import read_trace, write_trace

MS = 1_000_000
DATA = Path(__file__).with_name("data") / "gecko-3.15.json"
LIFO = Path(__file__).resolve().parents[2] / "notebooks" / "lifo_queue.py"
can_look = pytest.mark.skipif(sampler_host() is None, reason="no Python 3.15 here, which has the sampler")


def load():
    """A profile that Python 3.15.2 wrote, without its stacks, and what the program noted: two threads of Python,
    then one in zlib, then a sleep of 20 ms."""
    data = json.loads(DATA.read_text())
    facts = data["facts"] | {"threads": dict(data["facts"]["threads"])}
    return data["profile"], facts


def without_samples(begin, end):
    """The profile less its samples from `begin` to `end` (ms from the program's start)."""
    profile, facts = load()
    begun = (facts["start"] - facts["clocks"]) / 1e6 - profile["meta"]["startTime"]
    for thread in profile["threads"]:
        times = thread["samples"]["time"]
        thread["samples"]["time"] = [t for t in times if not begun + begin < t < begun + end]
    return read_gecko(profile, facts, 1000, "two")


def read(**changes):
    profile, facts = load()
    return read_gecko(profile, facts | changes, 1000, "two")


@pytest.fixture(scope="module")
def trace():
    return read()


def test_threads_have_their_names_and_the_main_thread_comes_first(trace):
    assert [thread.name for thread in trace.threads] == ["MainThread", "left", "right", "in C"]
    assert {thread.work for thread in trace.threads} == {"two"}
    assert len({thread.native_id for thread in trace.threads}) == 4


def test_two_threads_of_python_take_turns_of_a_switch_interval(trace):
    left = [hold for hold in trace.holds if hold.thread == 1]
    right = [hold for hold in trace.holds if hold.thread == 2]
    assert len(left) > 10 and len(right) > 10
    assert trace.median_hold == pytest.approx(0.005, abs=0.001)
    assert trace.overlap == trace.longest_overlap == 0
    assert {wait.thread for wait in trace.waits} >= {1, 2}
    waited = sum(wait.length for wait in trace.waits if wait.thread == 1)
    assert waited == pytest.approx(sum(hold.length for hold in right), rel=0.25)


def test_a_thread_in_c_runs_without_the_gil(trace):
    assert [span.thread for span in trace.outside] == [3]
    assert trace.outside[0].length > 0.03
    assert trace.shares[3] < 0.01 < 0.03 < trace.threads[3].cpu


def test_spans_lie_inside_the_program_and_on_its_clock(trace):
    _, facts = load()
    assert (trace.start, trace.end) == (facts["start"], facts["end"])
    for span in (*trace.holds, *trace.waits, *trace.outside):
        assert trace.start <= span.start < span.end <= trace.end
    asleep = [b - a for a, b in trace.nobody]
    assert max(asleep) == pytest.approx(20 * MS, abs=2 * MS), "the sleep at the end"


def test_it_says_how_it_was_seen(trace):
    assert trace.sampling == Sampling(1000, 221, 2, pytest.approx(0.002, abs=1e-4))
    assert (trace.gil, trace.cores, trace.machine["python"]) == (True, 2, "3.15.2")
    assert origin(trace).startswith("sampled 1,000 times a second, switch interval 5 ms, Python 3.15.2 with the GIL")
    said = noise(trace)
    assert "221 samples came, 2 were lost" in said and "shorter than 1.0 ms may be missed" in said
    assert "have the GIL at once 0% of the time" in describe_trace(trace)
    assert notes(trace) == []


def test_what_else_a_reader_must_know():
    _, facts = load()
    assert "other processes" in notes(read(process="os.fork"))[0]
    assert "first 50 ms were not seen" in notes(without_samples(0, 49.8))[0]
    assert "Stopped after 0.2 s" in notes(read(limit=0.2))[0]
    killed = {name: value for name, value in facts.items() if name != "end"}
    assert "os._exit" in notes(read_gecko(load()[0], killed, 1000, "two"))[0]


def test_lost_samples_are_counted_and_said():
    trace = without_samples(50, 80)
    assert 28 <= trace.sampling.lost <= 34 and trace.sampling.longest == pytest.approx(0.03, abs=0.002)
    assert "passed between two samples" in notes(trace)[0]


def test_a_thread_that_ended_with_the_gil_does_not_keep_it():
    profile, facts = load()
    left = profile["threads"][1]
    end = left["samples"]["time"][-1]
    strings = profile["shared"]["stringArray"]
    for name, value in (("name", strings.index("Has GIL")), ("startTime", end - 3), ("endTime", 400.0)):
        left["markers"][name].append(value)
    trace = read_gecko(profile, facts, 1000, "two")
    mine = [hold for hold in trace.holds if trace.threads[hold.thread].native_id == left["tid"]]
    assert max(hold.length for hold in mine[-2:]) < 0.02 and mine[-1].end < trace.end


def test_without_a_gil_who_is_on_a_core_runs():
    trace = read(gil=False)
    assert not trace.waits and not trace.outside
    assert sum(h.length for h in trace.holds if h.thread == 3) > 0.03


def test_a_program_that_was_over_at_once_has_no_trace():
    _, facts = load()
    with pytest.raises(ValueError, match=r"two was over after 1\.0 ms, before the second sample"):
        read(start=facts["end"] - MS)


def test_it_is_drawn_saved_and_written_for_perfetto(trace, tmp_path):
    picture = gil_picture(trace, "two threads")
    keys = {text.get_text() for legend in picture.legends for text in legend.get_texts()}
    assert {"has the GIL", "runs, or is ready to, without the GIL", "waits for the GIL"} <= keys and "runs" not in keys
    assert picture.png() and gil_histogram(trace).png()
    trace.save(tmp_path / "trace.json")
    again = GilTrace.load(tmp_path / "trace.json")
    assert again == trace and again.recorded and not trace.recorded
    assert "recorded 2" in origin(again) and "recorded" not in origin(trace)
    events = read_trace(write_trace(tmp_path / "perfetto.json", trace))["traceEvents"]
    begins = [event for event in events if event["ph"] == "b"]
    assert len(begins) == len(trace.holds) and any(event["name"].startswith("GIL left") for event in begins)


def test_the_longest_overlap_is_that_of_two_threads():
    make = lambda *holds: replace(read(), holds=tuple(Span(thread, a * MS, b * MS) for thread, a, b in holds))
    assert make((0, 0, 5), (0, 3, 9), (1, 9, 12)).longest_overlap == 0
    assert make((0, 0, 5), (1, 3, 9), (2, 8, 10)).longest_overlap == 0.002
    assert make((0, 0, 9), (1, 1, 3), (2, 4, 8)).longest_overlap == 0.004
    assert make().longest_overlap == 0


@pytest.mark.parametrize(
    "program, arguments, options, kind, said",
    [
        (5, (), {}, TypeError, "program must be a path that ends in .py, the name of a module, or a function, not 5"),
        ("no such", (), {}, ValueError, "program must be"),
        ("gone.py", (), {}, FileNotFoundError, "there is no file 'gone.py'"),
        (lambda: 1, (), {}, TypeError, "program must be"),
        (load, (object(),), {}, TypeError, "too many positional"),
        (time.sleep, (1,), {}, TypeError, "program must be"),
        ("json.tool", (), {"rate": 5}, ValueError, "rate must be a whole number from 10 to 100000, not 5"),
        ("json.tool", (), {"seconds": 0}, ValueError, "seconds must be a whole number from 1 to 600, not 0"),
        ("json.tool", (), {"seconds": 0.5}, TypeError, "seconds must be a whole number"),
    ],
)
def test_bad_arguments_are_named_before_anything_starts(program, arguments, options, kind, said, monkeypatch):
    monkeypatch.setattr(sampler, "sampler_host", lambda: pytest.fail("it started"))
    with pytest.raises(kind) as caught:
        gil_profile(program, *arguments, **options)
    assert said in str(caught.value)


def one(value):
    print(value)


def test_arguments_of_a_function_must_be_literals():
    with pytest.raises(TypeError, match="literals"):
        gil_profile(one, object())


def test_a_function_whose_source_is_another_text_is_named(monkeypatch):
    space = {}
    exec("def typed(): pass", space)
    monkeypatch.setitem(linecache.cache, "<string>", (9, None, ["import sys"], "<string>"))
    with pytest.raises(ValueError, match="program must be a function whose source can be found"):
        gil_profile(space["typed"])


def test_more_samples_than_two_cores_bear_are_warned_of(monkeypatch):
    monkeypatch.setattr(sampler, "usable_cpus", lambda: 2)
    monkeypatch.setattr(sampler, "sampler_host", lambda: None)
    with pytest.warns(UserWarning, match="10000 samples a second disturb"), pytest.raises(NoSampler):
        gil_profile("json.tool", rate=10_000)


def test_where_nobody_can_look_a_recording_is_shown(monkeypatch, tmp_path, capsys, trace):
    monkeypatch.setattr(sampler, "sampler_host", lambda: None)
    with pytest.raises(NoSampler, match=r"takes Python 3\.15, this is 3\.\d+, and there is no python3\.15"):
        gil_profile(LIFO)
    trace.save(tmp_path / "recorded.json")
    assert gil_profile(LIFO, recorded=tmp_path / "recorded.json") == trace
    assert capsys.readouterr().out.endswith("Here is a recording.\n")


def host(tmp_path, text):
    """A sampler that is a script."""
    file = tmp_path / "host"
    file.write_text(f"#!{sys.executable}\nimport sys, time, pathlib\n{text}\n")
    file.chmod(0o755)
    return str(file)


OUTPUT = "output = pathlib.Path(sys.argv[sys.argv.index('-o') + 1])\n"


@pytest.mark.skipif(os.name == "nt", reason="a script can't stand in for an interpreter on Windows")
@pytest.mark.parametrize(
    "text, kind, said",
    [
        ("sys.exit('PermissionError: [Errno 1] Operation not permitted')", NoSampler, FORBIDDEN),
        (
            OUTPUT + "output.write_text('{\"threads\": []}')\n"
            "(output.parent / 'facts').write_text('{\"start\": 0}\\n{\"end\": 900000000}\\n')",
            NoSampler,
            FORBIDDEN,
        ),
        ("sys.exit('first line\\nno such option: --gecko')", RuntimeError, "wrote no profile: no such option: --gecko"),
        ("pass", RuntimeError, "the sampler wrote no profile: and does not say why"),
        (OUTPUT + "(output.parent / 'facts').write_text('{\"failed\": \"it broke\"}\\n')", RuntimeError, "it broke"),
        ("time.sleep(60)", TimeoutError, "the sampler was not done"),
    ],
)
def test_each_way_to_fail_is_one_sentence(text, kind, said, monkeypatch, tmp_path):
    monkeypatch.setattr(sampler, "sampler_host", lambda: host(tmp_path, text))
    monkeypatch.setattr(sampler, "PATIENCE", 2 if "60" in text else 30)
    with pytest.raises(kind) as caught:
        gil_profile("json.tool", seconds=1)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def turns(number, name):
    import threading

    def compute():
        for i in range(number):
            i ^ 1

    threads = [threading.Thread(target=compute, name=f"{name} {i}") for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("done", name)


@can_look
def test_a_function_is_run_and_its_threads_take_turns(capsys):
    trace = gil_profile(turns, 2_000_000, "it's")
    assert capsys.readouterr().out == "done it's\n"
    assert [thread.name for thread in trace.threads] == ["MainThread", "it's 0", "it's 1"]
    assert {thread.work for thread in trace.threads} == {"turns"}
    assert not trace.gil or trace.longest_overlap <= 2 * trace.sampling.longest
    assert {hold.thread for hold in trace.holds} >= {1, 2}
    now = time.perf_counter_ns()
    assert now - 60e9 < trace.start < trace.end < now


@can_look
def test_the_unchanged_lifo_program_is_seen(capsys):
    trace = gil_profile(LIFO)
    assert "in MainThread" in capsys.readouterr().out
    names = [thread.name for thread in trace.threads]
    assert names[0] == "MainThread" and set(names[1:]) <= {"queue_0", "queue_1", "queue_2"} and len(names) >= 3
    assert {thread.work for thread in trace.threads} == {"lifo_queue.py"}


@can_look
def test_a_module_gets_its_arguments(capsys):
    trace = gil_profile("timeit", "-n", "300000", "-r", "1", "sum(range(9))")
    assert "300000 loops" in capsys.readouterr().out
    assert [thread.name for thread in trace.threads] == ["MainThread"]


def program(tmp_path, text):
    file = tmp_path / "prog.py"
    file.write_text(text)
    return file


@can_look
@pytest.mark.parametrize(
    "text, said",
    [
        ("def f(x):\n    return 1 / x\nf(0)", "ZeroDivisionError: division by zero (line 2 of prog.py)"),
        ("import sys\nsys.exit(3)", "exit code 3"),
        ("import sys\nsys.exit('no more')", "no more"),
        ("1 +", "SyntaxError: invalid syntax"),
    ],
)
def test_a_program_that_fails_is_named_with_its_error(text, said, tmp_path, capsys):
    with pytest.raises(RuntimeError) as caught:
        gil_profile(program(tmp_path, text))
    assert str(caught.value).startswith("prog.py failed, so there is no trace of it: ") and said in str(caught.value)
    err = capsys.readouterr().err
    assert "sampler_main" not in err and ("Traceback" in err or "exit" in text or "SyntaxError" in err)


@can_look
def test_a_program_without_an_end_is_stopped_and_drawn(tmp_path):
    trace = gil_profile(program(tmp_path, "import time\nwhile True:\n    time.sleep(0.01)"), seconds=1)
    assert trace.sampling.notes == ("Stopped after 1 s: the program had not ended.",)
    assert trace.seconds < 5


@can_look
def test_nothing_is_left_of_a_program_that_starts_others(tmp_path):
    note = tmp_path / "pid"
    text = f"""
import os, subprocess, sys, threading, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open({str(note)!r}, "w").write(str(child.pid))
time.sleep(0.1)
"""
    trace = gil_profile(program(tmp_path, text))
    assert "It started other processes, which are not in the picture." in trace.sampling.notes
    deadline = time.monotonic() + 10
    alive = True
    while alive and time.monotonic() < deadline:
        try:
            os.kill(int(note.read_text()), 0)
        except ProcessLookupError:
            alive = False
        else:
            stat = Path(f"/proc/{note.read_text()}/stat")
            alive = not stat.exists() or stat.read_text().rpartition(") ")[2][0] != "Z"
    assert not alive
    assert threading.active_count() < 20


@can_look
def test_threads_that_outlive_the_main_thread_are_seen_to_their_end(tmp_path, capsys):
    text = """
import threading, time
def late():
    time.sleep(0.1)
    print(threading.current_thread().name, value)
value = 5
threading.Thread(target=late, name="after main").start()
"""
    trace = gil_profile(program(tmp_path, text))
    assert capsys.readouterr().out == "after main 5\n"
    assert [thread.name for thread in trace.threads] == ["MainThread", "after main"] and trace.seconds > 0.1
