"""What a recording says of a run, tried on runs held still and on rows with known numbers."""

import json
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from helpers.machine import gil_enabled
from helpers.recording import stamps
from helpers.recording.data import ERROR, FINISHED, OUTCOME, STARTED, SUBMITTED, WORKER, Recording, Thread
from helpers.recording.stamps import Row
from helpers.recording.watcher import watch
from helpers.tasks import Gate, fail_task, python_task

LIMIT = 10
MAIN, A, B = Thread("MainThread", 1), Thread("a", 2), Thread("b", 3)
MS = 1_000_000


def made(*rows):
    """A recording of rows (submitted, worker, started, finished, outcome), times in ms."""
    run = Recording()
    for i, (submitted, worker, started, finished, outcome) in enumerate(rows):
        times = [None if t is None else t * MS for t in (submitted, started, finished)]
        run.rows.append([f"t{i}", times[0], MAIN, worker, times[1], times[2], None, outcome])
    return run


@pytest.fixture
def known():
    return made(
        (0, A, 0, 40, "returned"),
        (1, B, 10, 30, "raised"),
        (2, B, 30, 60, "returned"),
        (3, None, None, 20, "cancelled"),
        (4, A, 50, None, None),
        (5, None, None, None, None),
    )


def test_numbers_of_a_known_run(known):
    assert [t.outcome for t in known.tasks] == ["returned", "raised", "returned", "cancelled", "running", "queued"]
    assert [t.queue_wait for t in known.tasks] == [0, 0.009, 0.028, 0.017, 0.046, None]
    assert [t.run_time for t in known.tasks] == [0.04, 0.02, 0.03, None, None, None]
    assert known.peak_in_flight == 2, "task 2 starts as task 1 ends: that is not two at once"
    assert known.workers == [A, B]
    assert known.completion_order == [1, 0, 2]
    assert known.wall == 0.06
    assert known.concurrency == pytest.approx(0.09 / 0.06)
    assert repr(known) == (
        "<Recording: 2 returned, 1 raised, 1 cancelled, 1 running, 1 queued; "
        "2 workers, peak 2 in flight, 0.06 s, concurrency 1.50>"
    )
    assert repr(known.tasks[1]) == "<Task 1 t1: raised on b, ran 0.02 s>"


def test_an_empty_recording_has_numbers_too():
    run = Recording()
    assert (run.tasks, run.wall, run.concurrency, run.peak_in_flight, run.span) == ([], 0.0, 0.0, 0, None)
    assert repr(run) == "<Recording: no task; 0 workers, peak 0 in flight, 0 s, concurrency 0.00>"


def test_who_waited_for_whom():
    with ThreadPoolExecutor(1) as pool, watch(pool) as run, Gate() as gate:
        first, second = pool.submit(gate.task), pool.submit(gate.task)
        gate.wait_for(1)
        waiter = threading.Thread(target=lambda: second.exception(LIMIT), name="waiter")
        waiter.start()
        while not run.blocked:
            time.sleep(0.001)
        now = run.blocked[0]
        assert (now.thread.name, now.task, now.call, now.end) == ("waiter", 1, "exception", None)
        gate.open()
        waiter.join(LIMIT)
        first.result(LIMIT)
    assert run.blocked[0].end >= run.tasks[1].finished
    assert [b.call for b in run.blocked] == ["exception", "Thread.join"], "a result that is there blocks nobody"


def test_leaving_the_pool_blocks_the_main_thread():
    with watch() as run, ThreadPoolExecutor(1) as pool:
        gate = Gate()
        pool.submit(gate.task)
        gate.wait_for(1)
        threading.Timer(0.02, gate.open).start()
    last = run.blocked[-1]
    assert (last.thread, last.call, last.task) == (run.tasks[0].submitter, "shutdown", None)
    assert last.end >= run.tasks[0].finished


def test_callbacks_marks_and_cpu():
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        called, begin = threading.Event(), threading.Event()
        future = pool.submit(lambda: begin.wait(LIMIT) and python_task(20))
        future.add_done_callback(lambda f: called.set())
        begin.set()
        assert called.wait(LIMIT)
        wait([future], LIMIT)
        future.add_done_callback(lambda f: None)
        failing = pool.submit(fail_task)
        failing.exception(LIMIT)
        run.mark("here")
    assert [c.task for c in run.callbacks] == [0, 0]
    assert [c.thread for c in run.callbacks] == [run.tasks[0].worker, run.tasks[0].submitter]
    assert run.callbacks[0].start >= run.tasks[0].finished
    assert run.marks[0].text == "here" and run.marks[0].thread == run.tasks[0].submitter
    task = run.tasks[0]
    assert 5 * MS < task.cpu <= task.finished - task.started, "20 ms of computing, however long it took"


def test_cpu_time_of_a_wait_is_next_to_none():
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(time.sleep, 0.05).result(LIMIT)
    assert run.tasks[0].cpu < 10 * MS


def full(row):
    """A row has no place for a note or an error where there was none of them, or one that is empty."""
    return [*row, *[None] * (ERROR + 1 - len(row))]


@pytest.mark.parametrize("label", [None, lambda fn, *args: fn.__name__])
def test_save_and_load(label, known, tmp_path):
    with ThreadPoolExecutor(2) as pool, watch(pool, label=label) as run:
        pool.submit(time.sleep, 0.01).result(LIMIT)
        pool.submit(fail_task).add_done_callback(lambda f: None)
        run.mark("mark")
    for original in (known, run, Recording()):
        original.save(tmp_path / "run.json")
        copy = Recording.load(tmp_path / "run.json")
        assert repr(copy) == repr(original)
        assert [full(row) for row in copy.rows] == [full(row) for row in original.rows]
        assert (copy.blocked, copy.callbacks, copy.marks) == (original.blocked, original.callbacks, original.marks)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "other"}', '{"format": "thread-pool recording 1", "tasks": [[1]]}']
)
def test_loading_another_file_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"path must be a file that Recording\.save wrote"):
        Recording.load(path)


def test_loading_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "none.json")
    with pytest.raises(TypeError, match="path must be the name of a file"):
        Recording.load(3)


def test_a_recording_that_grows_while_it_is_saved_can_be_loaded(tmp_path):
    class Growing(Recording):
        @property
        def tasks(self):
            now = super().tasks
            self.rows.append(["late", 0, Thread("MainThread", 1), None, None, None, None, None])
            self.waits.append([Thread("MainThread", 1), 0, None, self.rows[-1], "result"])
            return now

    Growing().save(tmp_path / "run.json")
    assert Recording.load(tmp_path / "run.json").tasks == []


def test_a_saved_recording_is_plain_json(known, tmp_path):
    known.save(tmp_path / "run.json")
    data = json.loads((tmp_path / "run.json").read_text())
    assert data["tasks"][0] == ["t0", 0, ["MainThread", 1], ["a", 2], 0, 40 * MS, None, "returned"]


def test_a_task_costs_less_than_400_bytes():
    tasks = 20_000
    with ThreadPoolExecutor(2) as pool:
        wait([pool.submit(int) for _ in range(100)])
        with watch(pool) as run:
            tracemalloc.start()
            wait([pool.submit(int) for _ in range(tasks)])
            used = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
    assert len(run.tasks) == tasks
    assert used / tasks < (400 if gil_enabled() else 450)  # without a GIL each object has a larger head


MOMENTS = ("before", "missed", "early", "running", "ended")


@pytest.mark.parametrize(("set_at", "seen_at"), [(MOMENTS[i], MOMENTS[j]) for i in range(5) for j in range(i, 5)])
@pytest.mark.parametrize("quick", [True, False], ids=["list", "Row"])
def test_a_task_keeps_its_stamps_however_late_its_submit_is(monkeypatch, set_at, seen_at, quick):
    """`submit` first sets the row of the Future, then looks for an early one; a worker may be anywhere meanwhile."""
    future, me = Future(), Thread("MainThread", 1)
    row = ["task", 1, me, None, None, None, None, None] if quick else Row("task", 1, me)
    seen = []

    def submit(moment):
        if moment == set_at:
            future._condition._watch_row = row
        if moment == seen_at and "_watch_early" in vars(future._condition):
            future._condition._watch_early.meet(row)
        seen.append(moment)

    def early_row(future, bare=stamps.early_row):
        submit("missed")
        try:
            return bare(future)
        finally:
            submit("early")

    def run(future):  # as a worker does
        submit("before")
        future.set_running_or_notify_cancel()
        submit("running")
        assert row[STARTED] or seen_at == "ended" or set_at == "ended"
        future.set_result(None)
        submit("ended")

    monkeypatch.setattr(stamps, "early_row", early_row)
    with watch():
        run(future)
    assert set_at in seen
    assert (row[WORKER].name, row[OUTCOME]) == (threading.current_thread().name, "returned")
    assert row[SUBMITTED] < row[STARTED] <= row[FINISHED]


def test_a_row_that_passes_on_late_takes_nothing_back():
    row = ["task", 1, MAIN, None, None, None, None, None]

    class Early(Row):
        def __getitem__(self, i):
            value = super().__getitem__(i)
            if i == FINISHED:  # the worker is quicker than the thread that passes on
                row[FINISHED], row[OUTCOME] = 9, "returned"
            return value

    early = Early()
    early[WORKER], early[STARTED] = A, 3
    early.meet(row)
    assert row[3:] == [A, 3, 9, None, "returned"]


KEPT = """
import gc, threading
from concurrent.futures import Future, ThreadPoolExecutor
from helpers import watch
many = [Future() for _ in range(1000)]  # CPython then has room for one more name
with ThreadPoolExecutor(1) as pool, watch(pool):
    futures = [pool.submit(int) for _ in range(100)]
    [future.result() for future in futures]
print(sum(dict in map(type, gc.get_referents(future)) for future in futures))
"""


def test_a_future_keeps_its_attributes_where_they_are_found_fast():
    """Asked for its dictionary, a Future of CPython 3.11 is slower by a third of what watching costs."""
    said = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, timeout=60, check=True)
    assert int(said.stdout) < 50  # those that a worker took before submit had returned
