"""One file, one clock: what write_trace makes of recordings, GIL traces and VizTracer runs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers.gil.measure import Baseline
from helpers.gil.spans import Span
from helpers.gil.trace import GilTrace, TracedThread
from helpers.profiling.trace_file import read_trace, to_perf_counter, write_trace
from helpers.profiling.viztracer_run import record_viztracer
from helpers.recording.data import Mark, Recording, Thread
from helpers.recording.watcher import watch

MAIN, ONE, TWO = Thread("MainThread", 100), Thread("worker_0", 101), Thread("worker_1", 102)


def a_run() -> Recording:
    """Four tasks: two ran, one runs, one was cancelled in the queue. Stamps in ns."""
    run = Recording()
    row = lambda label, at, worker, start, end, outcome: [label, at, MAIN, worker, start, end, None, outcome]
    run.rows = [
        row("first", 1_000, ONE, 2_000, 9_000, "returned"),
        row("second", 1_100, TWO, 3_000, 8_000, "raised"),
        row("third", 1_200, TWO, 8_500, None, None),
        row("fourth", 1_300, None, None, 7_000, "cancelled"),
    ]
    run.waits = [[MAIN, 1_500, 9_500, run.rows[0], "result"]]
    run.calls = [(ONE, 9_100, 9_200, run.rows[0], "returned")]
    run.marks = [Mark(MAIN, 1_400, "submitted all")]
    return run


def a_gil_trace(gil: bool = True) -> GilTrace:
    alone = Baseline(*(0.1 for _ in Baseline._fields))
    return GilTrace(
        threads=tuple(TracedThread(t.name, t.native_id, "work", 0.1, alone) for t in (ONE, TWO)),
        start=0, end=30_000, holds=(Span(0, 0, 10_000), Span(1, 10_000, 20_000), Span(0, 20_000, 30_000)), waits=(),
        preempted=(), unsure=0, switch_interval=0.005, gil=gil, cores=2, machine={},
    )  # fmt: skip


def viztracer_file(path: Path, events: list[dict[str, Any]], **metadata: Any) -> Path:
    path.write_text(json.dumps({"traceEvents": events, "viztracer_metadata": metadata}))
    return path


def events_of(path: Path, ph: str) -> list[dict[str, Any]]:
    return [event for event in read_trace(path)["traceEvents"] if event["ph"] == ph]


def ns(event: dict[str, Any]) -> tuple[int, int]:
    """Start and end of a slice as Perfetto reads them: both numbers rounded to ns."""
    start = round(event["ts"] * 1000)
    return start, start + round(event.get("dur", 0) * 1000)


def test_tasks_queue_waits_and_counters_of_a_recording(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "deep" / "t.json", a_run())
    bars = {(e["name"], e["tid"], *ns(e)) for e in events_of(path, "X")}
    assert bars == {
        ("first", 101, 2_000, 9_000),
        ("second", 102, 3_000, 8_000),
        ("third", 102, 8_500, 9_000),  # it runs on: up to the last stamp
        ("blocked in result() of task 0", 100, 1_500, 9_500),
        ("callback of task 0", 101, 9_100, 9_200),
    }
    outcomes = {e["name"]: e["args"]["outcome"] for e in events_of(path, "X") if "task" in e["args"]}
    assert outcomes == {"first": "returned", "second": "raised", "third": "running"}

    ends = {e["id2"]["local"]: ns(e)[0] for e in events_of(path, "e")}
    waits = {e["args"]["label"]: (ns(e)[0], ends[e["id2"]["local"]]) for e in events_of(path, "b")}
    assert waits == {
        "first": (1_000, 2_000), "second": (1_100, 3_000), "third": (1_200, 8_500), "fourth": (1_300, 7_000)
    }  # fmt: skip

    counts = lambda name: [(ns(e)[0], e["args"][name]) for e in events_of(path, "C") if name in e["args"]]
    assert [n for _, n in counts("in the queue")] == [1, 2, 3, 4, 3, 2, 1, 0]
    assert counts("in flight") == [(2_000, 1), (3_000, 2), (8_000, 1), (8_500, 2), (9_000, 1)]

    assert [(e["name"], e["tid"], ns(e)[0]) for e in events_of(path, "i")] == [("submitted all", 100, 1_400)]
    names = {e["args"]["name"]: e["tid"] for e in events_of(path, "M") if e["name"] == "thread_name"}
    assert names == {"MainThread": 100, "worker_0": 101, "worker_1": 102}


@pytest.mark.parametrize(("gil", "word"), [(True, "GIL"), (False, "Run")])
def test_each_thread_has_a_track_of_its_holds(tmp_path: Path, gil: bool, word: str) -> None:
    path = write_trace(tmp_path / "t.json", a_gil_trace(gil))
    ends = {e["id2"]["local"]: ns(e)[0] for e in events_of(path, "e")}
    holds = [(e["name"], ns(e)[0], ends[e["id2"]["local"]]) for e in events_of(path, "b")]
    one, two = f"{word} worker_0 101", f"{word} worker_1 102"
    assert holds == [(one, 0, 10_000), (two, 10_000, 20_000), (one, 20_000, 30_000)]


def test_groups_are_named_and_keep_clear_of_process_ids(tmp_path: Path) -> None:
    # In a container the traced process can well be number 1.
    name = {"ph": "M", "pid": 1, "tid": 1, "name": "process_name", "args": {"name": "MainProcess"}}
    file = viztracer_file(tmp_path / "v.json", [name])
    path = write_trace(tmp_path / "t.json", a_run(), file, a_run(), a_gil_trace())
    groups = {e["pid"]: e["args"]["name"] for e in events_of(path, "M") if e["name"] == "process_name"}
    assert groups == {
        1: "VizTracer, MainProcess",
        2: "Tasks of recording 1",
        3: "Tasks of recording 2",
        4: "Who has the GIL",
    }


def test_dummy_names_are_mended_from_the_other_parts(tmp_path: Path) -> None:
    name = lambda tid, text: {"ph": "M", "pid": 9, "tid": tid, "name": "thread_name", "args": {"name": text}}
    file = viztracer_file(tmp_path / "v.json", [name(101, "Dummy-1"), name(102, "kept"), name(103, "Dummy-2")])
    path = write_trace(tmp_path / "t.json", file, a_run())
    names = {e["tid"]: e["args"]["name"] for e in events_of(path, "M") if e["pid"] == 9}
    assert names == {101: "worker_0", 102: "kept", 103: "Dummy-2"}


def test_a_drifted_clock_is_set_right(tmp_path: Path) -> None:
    # VizTracer's clock is 1 ms ahead at the start, and gains 10 us in the trace's second.
    points = [(1_000_000.0, 999_000_000), (2_000_010.0, 1_999_000_000)]
    slices = [{"ph": "X", "pid": 9, "tid": 9, "name": "f", "ts": 1_500_005.0, "dur": 500_005.0}]
    file = viztracer_file(tmp_path / "v.json", slices, perf_counter=points)
    (moved,) = events_of(write_trace(tmp_path / "t.json", file), "X")
    assert ns(moved) == (1_499_000_000, 1_999_000_000)


def test_a_file_without_a_noted_clock_counts_as_right() -> None:
    trace = {"traceEvents": [{"ph": "X", "pid": -1}], "viztracer_metadata": {}}
    assert to_perf_counter(trace)(1234.5) == 1_234_500


def nap() -> int:
    return sum(range(2000))


def test_viztracer_and_the_recording_agree(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def main() -> Recording:
        with watch() as run, ThreadPoolExecutor(3, thread_name_prefix="worker") as pool:
            for future in [pool.submit(nap) for _ in range(60)]:
                future.result()
        return run

    trace = record_viztracer(main, tmp_path / "v.json")
    path = write_trace(tmp_path / "t.json", trace, trace.result)
    ours = sorted((e["tid"], *ns(e)) for e in events_of(path, "X") if e["name"] == "nap")
    theirs = sorted((e["tid"], *ns(e)) for e in events_of(path, "X") if e["name"].startswith("nap ("))
    assert len(ours) == len(theirs) == 60
    # The recording stamps before the call and after it. So VizTracer's slice lies inside, to a clock's error.
    error = 5_000
    for (tid, start, end), (their_tid, their_start, their_end) in zip(ours, theirs, strict=True):
        assert tid == their_tid
        assert start - error <= their_start <= their_end <= end + error
    assert {tid for tid, *_ in ours} <= {tid for tid, name in trace.threads.items() if name.startswith("worker_")}


def test_no_slice_outlasts_the_one_around_it(tmp_path: Path) -> None:
    def main() -> None:
        json.loads(json.dumps([{"a": [1.5, "b"] * 20}] * 20, indent=1))

    path = write_trace(tmp_path / "t.json", record_viztracer(main, tmp_path / "v.json"))
    around: list[int] = []
    for start, end in sorted((ns(e) for e in events_of(path, "X")), key=lambda span: (span[0], -span[1])):
        while around and around[-1] <= start:
            around.pop()
        assert not around or end <= around[-1]
        around.append(end)


def test_a_written_file_can_be_a_part_again(tmp_path: Path) -> None:
    first = write_trace(tmp_path / "a.json.gz", a_run())
    again = write_trace(tmp_path / "b.json", first, a_gil_trace())
    stamps = lambda path: sorted((e["name"], *ns(e)) for e in events_of(path, "X"))
    assert stamps(again) == stamps(first)
    assert first.read_bytes()[:2] == b"\x1f\x8b"


def test_sources_are_kept(tmp_path: Path) -> None:
    one = record_viztracer(nap, tmp_path / "a.json")
    two = record_viztracer(partial(json.dumps, {}, indent=1), tmp_path / "b.json")
    files = read_trace(write_trace(tmp_path / "t.json", one, two))["file_info"]["files"]
    assert __file__ in files and json.encoder.__file__ in files


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, FileNotFoundError, "there is no file"),
        ("", ValueError, "is empty"),
        ("{oops", ValueError, "in JSON"),
        ("\x1f\x8bzip", ValueError, "in JSON"),
        ('"text"', ValueError, "no list of events"),
        ('{"traceEvents": {}}', ValueError, "no list of events"),
        ('{"traceEvents": [{"name": "no ph"}]}', ValueError, "no list of events"),
        ('{"traceEvents": [{"ph": "X"}]}', ValueError, "another program's"),
        ("[]", ValueError, "another program's"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: str | None, error: type[Exception], words: str) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(error, match=words) as caught:
        write_trace(tmp_path / "t.json", a_run(), file)
    assert "bad.json" in str(caught.value)
    assert not (tmp_path / "t.json").exists()


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="part 2 is 42"):
        write_trace(tmp_path / "t.json", a_run(), 42)
    with pytest.raises(ValueError, match="parts must be at least one"):
        write_trace(tmp_path / "t.json")
    with pytest.raises(TypeError, match="path must be"):
        write_trace(a_run(), a_run())  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
