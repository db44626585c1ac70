"""How well VizTracer's clock agrees with the recording's, with and without our correction; what a trace costs.

    python tests/bench/traces_cost.py

A recording stamps a task right before its function is called and right after, so VizTracer's slice of the function
must lie inside. How far it sticks out is the least that the two clocks disagree. The bounds: 5 us at the most with
the correction, however long the process has lived (the drift that it removes is another one in every process);
a trace of 100,000 tasks written in under 10 s.
"""

import gzip
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from helpers.profiling.perfetto import page_files, squeezed
from helpers.profiling.trace_file import NOTE, read_trace, summarize, write_trace
from helpers.profiling.viztracer_run import record_viztracer
from helpers.recording.data import Recording, Thread
from helpers.recording.watcher import watch

MAIN, WORKER = Thread("MainThread", 1), Thread("worker_0", 2)


def work() -> int:
    return sum(range(2000))


def run_pool() -> Recording:
    with watch() as run, ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(500)]:
            future.result()
    return run


def sticks_out(path: Path, run: Recording, folder: Path) -> float:
    """The most that a slice of VizTracer's sticks out of its task, us."""
    events = [e for e in read_trace(write_trace(folder / "both.json", path, run))["traceEvents"] if e["ph"] == "X"]
    span = lambda event: (event["tid"], event["ts"], event["ts"] + event["dur"])
    ours = sorted(span(event) for event in events if event["name"] == "work")
    theirs = sorted(span(event) for event in events if event["name"].startswith("work ("))
    return max(max(a[1] - b[1], b[2] - a[2]) for a, b in zip(ours, theirs, strict=True))


def clocks(folder: Path) -> None:
    born = time.perf_counter()
    points = []
    for wait in (0, 5, 15):
        time.sleep(wait)
        traced = record_viztracer(run_pool, folder / "trace.json")
        ours = sticks_out(traced.path, traced.result, folder)
        trace = read_trace(traced.path)
        points += trace["viztracer_metadata"][NOTE]
        trace["viztracer_metadata"][NOTE] = [(0.0, 0)]  # as VizTracer alone would have it
        (folder / "raw.json").write_text(json.dumps(trace))
        raw = sticks_out(folder / "raw.json", traced.result, folder)
        age = time.perf_counter() - born
        print(f"process {age:5.1f} s old: sticks out {ours:6.2f} us with the correction, {raw:6.2f} us without")
        assert ours < 5, "the clocks disagree"
    (ts0, ns0), (ts1, ns1) = points[0], points[-1]
    rate = ((ts1 - ts0) * 1e3 - (ns1 - ns0)) / (ns1 - ns0)
    print(f"VizTracer's clock drifts {rate * 1e6:+.3f} us a second in this process: {rate * 3.6e6:+.1f} ms an hour")


def large(folder: Path) -> None:
    run = Recording()
    row: Any = lambda i: ["task", i * 1000, MAIN, WORKER, i * 1000 + 500, i * 1000 + 900, None, "returned"]
    run.rows = [row(i) for i in range(100_000)]
    for name in ("large.json", "large.json.gz"):
        start = time.perf_counter()
        path = write_trace(folder / name, run)
        wrote = time.perf_counter() - start
        start = time.perf_counter()
        found = summarize(path)
        read = time.perf_counter() - start
        print(
            f"100,000 tasks: {found.size / 1e6:5.1f} MB {path.suffix}, written in {wrote:.1f} s, read in {read:.1f} s"
        )
        assert wrote < 10


def page() -> None:
    start = time.perf_counter()
    wanted = [f for f in set(page_files().values()) if f.suffix in (".js", ".css") or "memory64" in f.name]
    plain, small = sum(f.stat().st_size for f in wanted), sum(len(squeezed(f)) for f in wanted)
    took = time.perf_counter() - start
    print(f"Perfetto's page: {plain / 1e6:.1f} MB, {small / 1e6:.1f} MB squeezed, once a kernel, in {took:.1f} s")
    assert gzip.decompress(squeezed(wanted[0])) == wanted[0].read_bytes()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        clocks(Path(name))
        large(Path(name))
    page()
