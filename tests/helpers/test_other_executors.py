"""Other people's executors, bare and watched: all alike, and what the recording says of each."""

import asyncio
import contextlib
import dataclasses
import functools
import gc
import inspect
import multiprocessing.pool
import os
import pickle
import queue
import shutil
import subprocess
import sys
import threading
import time
from concurrent import futures
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar, copy_context

import pytest

from helpers.recording.data import FINISHED, OUTCOME, STARTED, SUBMITTED, UNSEEN, Recording
from helpers.recording.remote import DaskRuns
from helpers.recording.watcher import watch
from helpers.tasks import Gate

LIMIT = 30
SPAWN = multiprocessing.get_context("spawn")


def square(x):
    return x * x


def slow_square(x):
    time.sleep(0.05)
    return x * x


@contextlib.contextmanager
def bare(pool):
    yield None


@contextlib.contextmanager
def everywhere(pool):
    with watch() as run:
        yield run


@pytest.fixture(params=[bare, watch, everywhere], ids=["bare", "watched", "everywhere"])
def looking(request):
    return request.param


@dataclasses.dataclass(frozen=True)
class NotFoundError(Exception):
    name: str


class RefusesState(Exception):
    def __setstate__(self, state):
        raise TypeError("no state")


class Slotted(Exception):
    __slots__ = ()


def raise_it(error):
    raise error


class Looks(ThreadPoolExecutor):
    """Looks at what it is given: a coroutine function runs in a loop, a call that was made before is remembered, the
    first argument is a priority.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self.seen, self.memo = [], {}

    def submit(self, fn, /, *args, **kwargs):
        self.seen.append((fn.__name__, hash(fn), fn == square, args, kwargs))
        if inspect.iscoroutinefunction(fn):
            return super().submit(asyncio.run, fn(*args, **kwargs))
        if (fn, args) not in self.memo:
            self.memo[fn, args] = super().submit(fn, *args, **kwargs)
        return self.memo[fn, args]


async def coroutine(x):
    return -x


def test_an_executor_that_looks_at_the_function(looking):
    with Looks(2) as pool, looking(pool) as run:
        assert [pool.submit(coroutine, 3).result(LIMIT), pool.submit(square, 3).result(LIMIT)] == [-3, 9]
        first = pool.submit(square, 4)
        assert pool.submit(square, 4) is first and first.result(LIMIT) == 16
        assert pool.seen[1] == ("square", hash(square), True, (3,), {})
    if run is not None:
        assert [t.label for t in run.tasks] == ["coroutine", "square", "square", "square"]
        assert [t.outcome for t in run.tasks] == ["returned"] * 4
        assert all(t.worker is not None for t in run.tasks[:3])
        assert [t.note for t in run.tasks] == ["", "", "", "its Future is that of an earlier task"]


number = ContextVar("number", default=0)


class Carries(ThreadPoolExecutor):
    def submit(self, fn, /, *args, **kwargs):
        return super().submit(copy_context().run, fn, *args, **kwargs)


def test_a_subclass_that_carries_the_context(looking):
    number.set(7)
    with Carries(1) as pool, looking(pool) as run:
        assert [f.result(LIMIT) for f in [pool.submit(number.get) for _ in range(4)]] == [7] * 4
        assert list(pool.map(square, range(3))) == [0, 1, 4]
    if run is not None:
        assert [t.label for t in run.tasks] == ["get"] * 4 + ["square"] * 3
        assert run.peak_in_flight == 1 and len(run.workers) == 1


class Later(Executor):
    """Hands tasks on to a pool, from a thread of its own, with a Future of its own."""

    def __init__(self, flush):
        self.pool, self.queue = ThreadPoolExecutor(2), queue.Queue()
        self.thread = threading.Thread(target=self.hand_on)
        self.flush = flush
        if not flush:
            self.thread.start()

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.queue.put((future, fn, args, kwargs))
        return future

    def hand_on(self):
        while item := self.queue.get():
            future, fn, args, kwargs = item
            self.pool.submit(fn, *args, **kwargs).add_done_callback(lambda f, to=future: to.set_result(f.result()))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.queue.put(None)
        if self.flush:
            self.hand_on()
        else:
            self.thread.join()
        self.pool.shutdown()


@pytest.mark.parametrize("flush", [False, True], ids=["from a thread", "all at the end"])
def test_an_executor_that_hands_tasks_on_later(looking, flush):
    pool = Later(flush)
    with looking(pool) as run:
        found = [pool.submit(square, i) for i in range(51)]
        pool.shutdown()
        assert [f.result(LIMIT) for f in found] == [i * i for i in range(51)]
    if run is not None:
        assert len(run.tasks) == 51 and {t.outcome for t in run.tasks} == {"returned"}
        assert all(t.worker is not None and t.submitted <= t.started <= t.finished for t in run.tasks)
        assert run.notes == []


def test_equal_calls_to_two_executors_are_two_tasks():
    later = Later(True)
    with watch() as run, ThreadPoolExecutor(1) as pool:
        ours, theirs = pool.submit(square, 3), later.submit(square, 3)
        assert ours.result(LIMIT) == 9
        later.shutdown()
        assert theirs.result(LIMIT) == 9
    assert len(run.tasks) == 2


def test_equal_calls_to_two_executors_from_two_threads_are_two_tasks():
    later = Later(True)
    with watch() as run, ThreadPoolExecutor(1) as pool:
        theirs, found = later.submit(square, 3), []
        other = threading.Thread(target=lambda: found.append(pool.submit(square, 3).result(LIMIT)))
        other.start()
        other.join()
        assert found == [9] and run.tasks[0].outcome == "queued"
        later.shutdown()
        assert theirs.result(LIMIT) == 9
    assert len(run.tasks) == 2 and {task.outcome for task in run.tasks} == {"returned"}


def test_who_has_another_executor_at_hand_submits_a_task_of_its_own():
    later, found = Later(True), []

    def other(first, pool):
        found.append(pool.submit(square, 3).result(LIMIT))

    with watch() as run, ThreadPoolExecutor(1) as pool:
        theirs = later.submit(square, 3)
        thread = threading.Thread(target=other, args=(later, pool))
        thread.start()
        thread.join()
        assert found == [9] and run.tasks[0].outcome == "queued"
        later.shutdown()
        assert theirs.result(LIMIT) == 9
    assert [task.outcome for task in run.tasks] == ["returned"] * 2


class Elsewhere(Executor):
    """Runs tasks where nobody sees it: it never says that one starts."""

    def __init__(self):
        self.threads = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.threads.append(threading.Thread(target=lambda: future.set_result(fn(*args, **kwargs))))
        self.threads[-1].start()
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        for thread in self.threads:
            thread.join()


class Again(Executor):
    """Tries again what raised, from a callback or inside submit, and gives a Future of its own."""

    def __init__(self, inside):
        self.pool, self.inside = ThreadPoolExecutor(1), inside

    def submit(self, fn, /, *args):
        future, tries = Future(), iter(range(3))

        def ended(inner):
            if inner.exception() is None:
                future.set_result(inner.result())
            elif next(tries, None) is None:
                future.set_exception(inner.exception())
            else:
                go()

        def go():
            inner = self.pool.submit(fn, *args)
            if self.inside:
                futures.wait([inner])
                ended(inner)
            else:
                inner.add_done_callback(ended)

        go()
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.pool.shutdown()


@pytest.mark.parametrize("inside", [False, True], ids=["later", "inside"])
def test_a_task_that_is_tried_again_ends_as_its_future_does(looking, inside):
    def flaky(good):
        calls.append(good)
        if len(calls) > 1 and not inside:
            gate.task()
        if len(calls) < 3 or not good:
            raise ValueError(f"try {len(calls)}")
        return good

    with Again(inside) as pool, looking(pool) as run:
        for good in (True, False):
            calls = []
            with Gate() as gate:
                future = pool.submit(flaky, good)
                if not inside:
                    gate.wait_for(1)
                    threading.Timer(0.05, gate.open).start()
                    futures.wait([future], LIMIT)
                    assert run is None or [b.call for b in run.blocked].count("wait") == 2 - good
                assert (future.exception(LIMIT) is None) is good
        pool.submit(square, 3).result(LIMIT)
    if run is not None:
        tasks = [task for task in run.tasks if task.note]
        assert [(t.outcome, t.error) for t in tasks] == [("returned", ""), ("raised", "ValueError: try 4")]
        assert all("start and end are of its first run" in t.note for t in tasks)


def test_a_run_that_cannot_be_seen_is_named(looking, tmp_path):
    with Elsewhere() as pool, looking(pool) as run, Gate() as gate:
        future = pool.submit(gate.task, 3)
        gate.wait_for(1)
        gate.open()
        assert future.result(LIMIT) == 3
    if run is not None:
        [task] = run.tasks
        assert (task.outcome, task.started) == ("returned", None)
        assert task.note == "ran where watch can't see: its start is unknown"
        assert run.notes == [f"1 task: {task.note}"] and run.notes[0] in repr(run)
        run.save(tmp_path / "run.json")
        assert Recording.load(tmp_path / "run.json").notes == run.notes


class Now(Executor):
    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_runs_tasks_in_submit(looking):
    with Now() as pool, looking(pool) as run:
        assert list(pool.map(square, [2, 3])) == [4, 9]
    if run is not None:
        assert [t.worker for t in run.tasks] == [t.submitter for t in run.tasks] and run.notes == []


@pytest.mark.parametrize("error", [NotFoundError("a"), RefusesState("b"), Slotted("c"), KeyboardInterrupt()])
def test_exceptions_of_any_kind(looking, error):
    with ThreadPoolExecutor(1) as pool, looking(pool) as run:
        future = pool.submit(raise_it, error)
        assert future.exception(LIMIT) is error and "helpers" not in str(error.__traceback__.tb_frame)
        with pytest.raises(type(error)):
            pool.submit(raise_it, error).result(LIMIT)
    if run is not None:
        assert [t.outcome for t in run.tasks] == ["raised"] * 2


def fail_slotted(x):
    raise Slotted(x)


def fail_refusing(x):
    raise RefusesState(x)


def a_lambda():
    time.sleep(0.1)
    return lambda: 1


def test_processes_send_home_what_they_would(looking):
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, looking(pool) as run:
        assert isinstance(pool.submit(fail_refusing, 1).exception(LIMIT), RefusesState)
        assert isinstance(pool.submit(fail_slotted, 2).exception(LIMIT), Slotted)
        lost = pool.submit(a_lambda)
        assert isinstance(lost.exception(LIMIT), (pickle.PicklingError, AttributeError))
        assert list(pool.map(square, range(5), chunksize=2)) == [0, 1, 4, 9, 16]
        future = pool.submit(square, 3)
        assert type(future) is Future and future.result(LIMIT) == 9
    if run is not None:
        task = run.tasks[2]
        assert task.note == "ran; its result was lost on the way home" and task.outcome == "raised"
        assert task.run_time >= 0.09 and task.queue_wait is not None
        assert [t.label for t in run.tasks[3:]] == ["square × 2", "square × 2", "square", "square"]
        assert len(run.workers) == 1


def test_classes_that_come_inside_the_block():
    program = (
        "import concurrent.futures\nfrom helpers import watch\n"
        "if __name__ == '__main__':\n"
        "    with watch() as run:\n"
        "        class Own(concurrent.futures.ThreadPoolExecutor):\n"
        "            def submit(self, fn, /, *args): return super().submit(fn, *args)\n"
        "        with concurrent.futures.ProcessPoolExecutor(1) as pool, Own(1) as own:\n"
        "            print(pool.submit(abs, -3).result(), own.submit(abs, -4).result())\n"
        "    print([(t.label, t.outcome, t.started is not None) for t in run.tasks])\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out.splitlines() == ["3 4", "[('abs', 'returned', True), ('abs', 'returned', True)]"]


def test_pools_that_are_no_executors(looking):
    with multiprocessing.pool.ThreadPool(1) as pool, everywhere(None) if looking is not bare else bare(None) as run:
        assert pool.map(square, range(3)) == [0, 1, 4]
    if run is not None:
        assert "are no Executors" in repr(run)
    with multiprocessing.pool.ThreadPool(1) as pool, pytest.raises(TypeError, match="multiprocessing's pools are none"):
        watch(pool)


def rename(name):
    threading.current_thread().name = name


def test_a_thread_that_its_task_renames():
    name = threading.Thread.name
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(square, 1).result(LIMIT)
        pool.submit(rename, "new").result(LIMIT)
        pool.submit(square, 1).result(LIMIT)
    assert [w.name for w in run.workers] == ["new"]
    assert threading.Thread.name is name


def test_asyncio(looking):
    async def main():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool, looking(pool):
            loop.set_default_executor(pool)
            answers = await asyncio.to_thread(square, 3), await loop.run_in_executor(pool, square, 4)
            return answers, run_of(looking, pool)

    runs = []

    def run_of(looking, pool):
        return None

    with watch() if looking is not bare else contextlib.nullcontext() as run:
        runs.append(run)
        assert asyncio.run(main())[0] == (9, 16)
    if run is not None:
        assert [t.label for t in run.tasks] == ["square", "square"]


def test_asyncio_still_tells_of_an_error_that_nobody_looked_at(looking, caplog):
    class OnLoop(Executor):
        def submit(self, fn, /, *args):
            return asyncio.get_running_loop().run_in_executor(None, fn, *args)

    async def main():
        pool = OnLoop()
        with looking(pool) as run:
            future = pool.submit(raise_it, ValueError("unseen"))
            await asyncio.wait([future])
        return run

    run = asyncio.run(main())
    gc.collect()
    assert [r.getMessage().splitlines()[0] for r in caplog.records] == ["Future exception was never retrieved"]
    if run is not None:
        assert [(task.outcome, task.error) for task in run.tasks] == [("raised", "ValueError: unseen")]


def test_main_waits_in_as_completed_wait_and_map():
    with watch() as run, ThreadPoolExecutor(2) as pool, Gate() as gate:
        found = [pool.submit(gate.task, i) for i in range(2)]
        gate.wait_for(2)
        started = len(run.blocked)
        opener = threading.Timer(0.05, gate.open)
        opener.start()
        assert len(list(futures.as_completed(found))) == 2
        assert run.blocked[started].call == "as_completed" and run.blocked[started].tasks == (0, 1)
        futures.wait([pool.submit(slow_square, 1)])
        assert list(pool.map(slow_square, [2])) == [4]
        threading.Event().wait(0.01)
        with contextlib.suppress(queue.Empty):
            queue.Queue().get(timeout=0.01)
    calls = [(b.call, b.task) for b in run.blocked[started:] if b.call != "as_completed"]
    assert calls == [("wait", 2), ("map", 3), ("Event.wait", None), ("Queue.get", None), ("shutdown", None)]


def test_a_call_that_only_looks_is_no_wait():
    full = queue.Queue(1)
    full.put(0)
    with watch() as run, ThreadPoolExecutor(1) as pool, Gate() as gate:
        held = pool.submit(gate.task)
        gate.wait_for(1)
        [worker] = pool._threads
        before = len(run.waits)
        looks = [
            lambda: held.result(0), lambda: held.exception(timeout=0.0), lambda: futures.wait([held], 0),
            lambda: list(futures.as_completed([held], 0)), queue.Queue().get_nowait, lambda: queue.Queue().get(False),
            lambda: queue.Queue().get(timeout=0), lambda: full.put_nowait(1), lambda: full.put(1, block=False),
            lambda: threading.Event().wait(0), lambda: worker.join(0), lambda: worker.join(timeout=-1),
        ]  # fmt: skip
        for look in looks:
            with contextlib.suppress(queue.Empty, queue.Full, futures.TimeoutError):
                look()
        with pytest.raises(TypeError, match="get"):
            queue.Queue().get(1, 2, 3)
        assert run.waits[before:] == []
        gate.open()


def test_the_last_wait_is_kept_in_either_order():
    def runs_on_after_shutdown():
        while not pool._shutdown:
            time.sleep(0.001)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool, watch(pool) as inner:
        pool.submit(runs_on_after_shutdown)
    assert [b.call for b in inner.blocked] == ["shutdown"] and inner.blocked[0].end >= inner.tasks[0].finished
    assert inner.tasks[0].outcome == "returned" and "shutdown" not in vars(pool)
    with watch() as outer, ThreadPoolExecutor(1) as pool:
        pool.submit(runs_on_after_shutdown)
    assert [b.call for b in outer.blocked] == ["shutdown"]


def test_loky(looking):
    loky = pytest.importorskip("loky", reason="loky is not installed")
    pool = loky.get_reusable_executor(2)
    try:
        with looking(pool) as run:
            assert pool.submit(pow, 2, 10).result(LIMIT) == 1024
            assert list(pool.map(square, range(4))) == [0, 1, 4, 9]
        if run is not None:
            assert len(run.tasks) == 5 and {t.outcome for t in run.tasks} == {"returned"}
            assert "its start is unknown" in repr(run)
    finally:
        pool.shutdown(kill_workers=True)


def test_joblib(looking):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    with everywhere(None) if looking is not bare else bare(None):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(square)(i) for i in range(6)) == [0, 1, 4, 9, 16, 25]
        threads = joblib.Parallel(n_jobs=2, backend="threading")
        assert threads(joblib.delayed(square)(i) for i in range(6)) == [0, 1, 4, 9, 16, 25]
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(kill_workers=True)


def test_more_executors(looking):
    more = pytest.importorskip("more_executors", reason="more-executors is not installed")
    with more.Executors.thread_pool(max_workers=2).with_retry(max_attempts=2).with_map(str) as pool:
        with looking(pool) as run:
            assert [f.result(LIMIT) for f in [pool.submit(square, i) for i in range(5)]] == ["0", "1", "4", "9", "16"]
    if run is not None:
        assert len(run.tasks) == 5 and all(t.worker is not None for t in run.tasks)


def test_more_executors_that_try_again(looking):
    """One executor watched: one task, which ran more than once. All watched: each run has a row."""
    more = pytest.importorskip("more_executors", reason="more-executors is not installed")
    tries = iter([ValueError("first"), ValueError("second"), None])

    def flaky():
        error = next(tries)
        if error is not None:
            raise error
        return 7

    retry = {"max_attempts": 5, "sleep": 0.01, "max_sleep": 0.01}
    with more.Executors.thread_pool(max_workers=1).with_retry(**retry) as pool, looking(pool) as run:
        assert pool.submit(flaky).result(LIMIT) == 7
    if run is not None:
        assert [t.outcome for t in run.tasks] == ["returned"] + ["raised", "returned"] * (looking is everywhere)
        assert "ran more than once" in run.tasks[0].note and not any(t.note for t in run.tasks[1:])


def test_wrapt(looking, monkeypatch):
    wrapt = pytest.importorskip("wrapt", reason="wrapt is not installed")
    seen = []

    def wrapper(wrapped, instance, args, kwargs):
        seen.append((type(instance), args))
        return wrapped(*args, **kwargs)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", wrapt.FunctionWrapper(ThreadPoolExecutor.submit, wrapper))
    with ThreadPoolExecutor(1) as pool, looking(pool) as run:
        assert pool.submit(square, 3).result(LIMIT) == 9
    assert seen == [(ThreadPoolExecutor, (square, 3))]
    if run is not None:
        assert [(t.label, t.outcome, len(run.workers)) for t in run.tasks] == [("square", "returned", 1)]


def test_a_submit_in_other_clothes(looking, monkeypatch):
    """A wrapper by functools.wraps has the name and the module of what it wraps; it gives a number for a Future."""
    bare = ThreadPoolExecutor.submit

    @functools.wraps(bare)
    def submit(self, fn, /, *args):
        return bare(self, fn, *args).result(LIMIT)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    with ThreadPoolExecutor(1) as pool, looking(pool) as run:
        assert pool.submit(square, 3) == 9
    if run is not None:
        assert [(t.label, t.outcome) for t in run.tasks] == [("square", "queued")]  # the recording says why


def test_an_executor_keeps_the_attributes_that_it_had(looking):
    with ThreadPoolExecutor(1) as pool:
        before = list(vars(pool))
        with looking(pool):
            pool.submit(square, 3).result(LIMIT)
            assert list(vars(pool)) == before


def test_opentelemetry(looking):
    module = pytest.importorskip("opentelemetry.instrumentation.threading", reason="opentelemetry is not installed")
    instrumentor = module.ThreadingInstrumentor()
    instrumentor.instrument()
    try:
        with ThreadPoolExecutor(1) as pool, looking(pool) as run:
            assert pool.submit(square, 3).result(LIMIT) == 9
    finally:
        instrumentor.uninstrument()
    if run is not None:
        assert [(t.label, t.outcome, len(run.workers)) for t in run.tasks] == [("square", "returned", 1)]


def test_tqdm(looking):
    concurrent = pytest.importorskip("tqdm.contrib.concurrent", reason="tqdm is not installed")
    with everywhere(None) if looking is not bare else bare(None) as run:
        assert concurrent.thread_map(square, range(4), max_workers=2, disable=True) == [0, 1, 4, 9]
    if run is not None:
        assert [t.label for t in run.tasks] == ["square"] * 4


@pytest.fixture(scope="module")
def dask():
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    quiet = {"dashboard_address": None, "silence_logs": 50, "processes": True}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_dask(dask, looking):
    pool = dask.get_executor(pure=False)
    with looking(pool) as run:
        assert [f.result(LIMIT) for f in [pool.submit(slow_square, i) for i in range(4)]] == [0, 1, 4, 9]
        assert list(pool.map(slow_square, range(10, 13))) == [100, 121, 144]
        assert isinstance(pool.submit(fail_slotted, 1).exception(LIMIT), Slotted)
    if run is not None:
        tasks = [t for t in run.tasks if not t.worker.name.startswith("Dask-Offload")]  # Dask's own, on its own pool
        assert [(t.label, t.outcome) for t in tasks] == [("slow_square", "returned")] * 7 + [("fail_slotted", "raised")]
        assert all(t.worker.name.startswith("Dask Worker") for t in tasks)
        assert all(t.submitted <= t.started <= t.finished for t in tasks)
        assert all(t.run_time >= 0.04 for t in tasks[:-1]) and run.notes == []


def test_dasks_own_map(dask):
    with watch() as run:
        assert dask.gather(dask.map(slow_square, range(20, 23))) == [400, 441, 484]
    tasks = [t for t in run.tasks if not t.worker.name.startswith("Dask-Offload")]
    assert [(t.label, t.worker is None) for t in tasks] == [("slow_square", False)] * 3


@pytest.mark.parametrize("ahead", [-0.3, 0.0, 0.3], ids=["clock behind", "same clock", "clock ahead"])
def test_a_dask_worker_with_another_clock(ahead):
    class Future:
        def __init__(self, key, client):
            self.key, self.client = key, client

    class Client:
        asynchronous = False
        stream = ()

        def get_task_stream(self, **asked):
            return self.stream

    client, runs, second = Client(), DaskRuns(), 1_000_000_000
    runs.listen(client)
    rows, futures, now = [], [Future(f"key {i}", client) for i in range(2)], time.perf_counter_ns()
    for i, future in enumerate(futures):
        rows.append(["f", now, None, None, None, None, None, None, None])
        rows[i][FINISHED], rows[i][OUTCOME] = now + (i + 1) * second // 10 + second // 100, "returned"
        runs.add(future, rows[i])
    began = (now + time.time_ns() - time.perf_counter_ns()) / 1e9 + ahead + 0.001
    client.stream = [
        {"key": f"key {i}", "worker": "w", "thread": 1, "status": "OK",
         "startstops": [{"action": "compute", "start": began + i * 0.1, "stop": began + i * 0.1 + 0.1}]}
        for i in range(2)
    ]  # fmt: skip
    runs.fill(lambda future, row: None)
    assert [round((row[FINISHED] - row[STARTED]) / second, 3) for row in rows] == [0.1, 0.1]
    assert all(row[SUBMITTED] <= row[STARTED] for row in rows) and rows[1][STARTED] - rows[0][FINISHED] < 1000
    assert all(row[FINISHED] <= now + (i + 1) * second // 10 + second // 100 + 1000 for i, row in enumerate(rows))


MPI = """
import contextlib, time
from mpi4py.futures import MPIPoolExecutor
from helpers.recording.watcher import watch

def square(x):
    return x * x

def fail(x):
    raise KeyError(x)

def use(pool):
    future = pool.submit(square, 32)
    values = [type(future).__name__, future.result(60), list(pool.map(square, range(4)))]
    return [*values, list(pool.starmap(pow, [(2, 3)])), repr(pool.submit(fail, 1).exception(60))]

if __name__ == "__main__":
    for look in (lambda pool: contextlib.nullcontext(), watch, lambda pool: watch()):
        with MPIPoolExecutor(2) as pool, look(pool) as run:
            print(use(pool))
        if run is not None:
            print([(task.label, task.outcome, task.error) for task in run.tasks], run.notes)
"""


def test_mpi(tmp_path):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    start = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or shutil.which("mpiexec")
    if start is None:
        pytest.skip("there is no mpiexec")
    (tmp_path / "program.py").write_text(MPI)
    command = [start, "-launcher", "fork", "-n", "3", sys.executable, "-m", "mpi4py.futures", tmp_path / "program.py"]
    env = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    bare, watched, tasks, everywhere, all_tasks = done.stdout.splitlines() or [done.stderr]
    assert bare == watched == everywhere and bare.startswith("['Future', 1024, [0, 1, 4, 9], [8]")
    calls = [("square", "returned", "")] * 5 + [("pow", "returned", ""), ("fail", "raised", "KeyError")]
    assert tasks == all_tasks == f"{calls} {['7 tasks: ' + UNSEEN]}"
