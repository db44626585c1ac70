"""Watching must change nothing: each behavior of executors is tried bare, watched, and watched everywhere."""

import contextlib
import ctypes
import gc
import inspect
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
import weakref
from concurrent import futures
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

import pytest

from helpers.recording.data import Recording
from helpers.recording.watcher import watch
from helpers.tasks import Gate

LIMIT = 10


def double(x, plus=0):
    return 2 * x + plus


def fail(x):
    raise KeyError(x)


def meet(mine, other):
    """Wait until another task does the same with the queues the other way round."""
    other.put("met")
    return mine.get(timeout=60)


class Callable:
    def __call__(self, x):
        return -x


@contextlib.contextmanager
def bare(pool):
    yield None


@contextlib.contextmanager
def everywhere(pool):
    with watch() as run:
        yield run


@contextlib.contextmanager
def nested(pool):
    with watch() as outer, watch(pool), watch(pool) as inner:
        yield inner
    assert [t.outcome for t in outer.tasks] == [t.outcome for t in inner.tasks]


@pytest.fixture(params=[bare, watch, everywhere, nested], ids=["bare", "watched", "everywhere", "nested"])
def looking(request):
    return request.param


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_values(pool, looking):
    with looking(pool):
        assert pool.submit(double, 4).result(LIMIT) == 8
        assert pool.submit(double, 4, plus=1).result(timeout=LIMIT) == 9
        assert pool.submit(Callable(), 3).result(LIMIT) == -3
        assert pool.submit(partial(double, 2), plus=3).result(LIMIT) == 7
        assert pool.submit(dict, fn=1, self=2).result(LIMIT) == {"fn": 1, "self": 2}


def test_what_is_not_callable_fails_in_the_task(pool, looking):
    with looking(pool):
        assert isinstance(pool.submit(3).exception(LIMIT), TypeError)
        with pytest.raises(TypeError, match=r"submit\(\) missing 1 required positional argument: 'fn'"):
            pool.submit()


def frames(error):
    return [(frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]


def test_exceptions_and_their_tracebacks(pool, looking):
    def seen():
        future = pool.submit(fail, "a")
        error = future.exception(LIMIT)
        assert future.exception(LIMIT) is error
        with pytest.raises(KeyError) as caught:
            future.result(LIMIT)
        assert caught.value is error
        return frames(error)

    expected = seen()
    assert expected[-1] == ("fail", "raise KeyError(x)")
    with looking(pool):
        assert seen() == expected


def test_a_timeout_leaves_the_task_running(pool, looking):
    with looking(pool), Gate() as gate:
        future = pool.submit(gate.task, "late")
        gate.wait_for(1)
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        with pytest.raises(TimeoutError):
            future.exception(0.01)
        assert future.running() and not future.done()
        gate.open()
        assert future.result(LIMIT) == "late"


def test_cancel(pool, looking):
    with looking(pool), Gate() as gate:
        running = [pool.submit(gate.task) for _ in range(2)]
        gate.wait_for(2)
        queued = pool.submit(double, 1)
        assert [queued.cancel(), queued.cancel(), running[0].cancel()] == [True, True, False]
        assert queued.cancelled() and queued.done()
        with pytest.raises(futures.CancelledError):
            queued.result(LIMIT)
        gate.open()
        running[0].result(LIMIT)
        assert running[0].cancel() is False


def test_a_cancel_whose_callback_raises_is_recorded_and_leaves_nothing():
    before = vars(Future)["cancel"]
    with ThreadPoolExecutor(1) as pool, Gate() as gate:
        with watch(pool) as run:
            pool.submit(gate.task)
            queued = pool.submit(double, 1)
            queued.add_done_callback(lambda future: sys.exit("a callback's"))
            with pytest.raises(SystemExit) as caught:
                queued.cancel()
            assert run.tasks[1].outcome == "cancelled"
            gate.open()
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert [file for file in files if "recording" in file] == []
    assert vars(Future)["cancel"] is before


def test_no_exception_is_a_result():
    class Own(futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_running_or_notify_cancel()
            future.set_exception(None)
            return future

    with watch() as run:
        assert Own().submit(int).result() is None
    assert [task.outcome for task in run.tasks] == ["returned"]


def test_map_in_order_and_its_end_after_an_error(pool, looking):
    with looking(pool):
        assert list(pool.map(double, range(5), timeout=LIMIT)) == [0, 2, 4, 6, 8]
        assert list(pool.map(double, [1, 2], [3, 4])) == [5, 8]
        results = pool.map(lambda x: 1 // x, [1, 0, 1])
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
        if sys.version_info < (3, 16):
            assert list(results) == []


def test_closing_map_cancels_what_has_not_started(looking):
    with ThreadPoolExecutor(1) as pool, looking(pool), Gate() as gate:
        results = pool.map(lambda x: x and gate.task(x), range(5))
        assert inspect.isgenerator(results)
        assert next(results) == 0
        gate.wait_for(1)  # task 1 runs, three are queued
        results.close()
        gate.open()
    assert gate.arrived == 1


def test_as_completed_and_wait(pool, looking):
    with looking(pool), Gate() as gate:
        held, quick = pool.submit(gate.task), pool.submit(double, 1)
        done, waiting = futures.wait([held, quick], timeout=LIMIT, return_when=futures.FIRST_COMPLETED)
        assert (done, waiting) == ({quick}, {held})
        gate.open()
        assert set(futures.as_completed([held, quick], timeout=LIMIT)) == {held, quick}


def test_callbacks_run_where_and_when_they_should(pool, looking, caplog):
    seen = []

    def note(name):
        return lambda future: seen.append((name, future, threading.current_thread()))

    with looking(pool), Gate() as gate:
        future = pool.submit(gate.task)
        gate.wait_for(1)
        future.add_done_callback(note("first"))
        future.add_done_callback(lambda f: 1 / 0)
        future.add_done_callback(note("second"))
        done = threading.Event()
        future.add_done_callback(lambda f: done.set())
        gate.open()
        assert done.wait(LIMIT)
        future.add_done_callback(note("late"))
    assert [name for name, _, _ in seen] == ["first", "second", "late"]
    assert {f for _, f, _ in seen} == {future}
    assert seen[0][2] is seen[1][2] is not threading.main_thread()
    assert seen[2][2] is threading.main_thread()
    record = next(r for r in caplog.records if r.levelno == logging.ERROR)
    assert "exception calling callback for <Future at" in record.getMessage()
    assert traceback.extract_tb(record.exc_info[2])[-1].name == "<lambda>"


def test_a_callback_sees_that_its_task_was_cancelled(pool):
    with watch(pool) as run, Gate() as gate:
        futures = [pool.submit(gate.task) for _ in range(3)]
        gate.wait_for(2)
        seen = []
        futures[2].add_done_callback(lambda _: seen.append(run.tasks[2].outcome))
        futures[2].cancel()
        gate.open()
    assert seen == ["cancelled"]


def test_a_callback_counts_once_beside_a_watch_that_stayed(pool, monkeypatch):
    monkeypatch.setattr(Future, "add_done_callback", Future.add_done_callback)  # to be put back
    with watch(pool):
        ours = Future.add_done_callback
        Future.add_done_callback = lambda self, fn: ours(self, fn)
    with watch(pool) as run:
        pool.submit(double, 1).add_done_callback(print)
        pool.submit(double, 1).result(LIMIT)
    assert len(run.callbacks) == 1


def test_shutdown(looking):
    pool = ThreadPoolExecutor(1)
    with looking(pool) as run, Gate() as gate:
        running, queued, dropped = pool.submit(gate.task), pool.submit(double, 1), pool.submit(double, 2)
        gate.wait_for(1)
        dropped.cancel()
        pool.shutdown(wait=False)
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown") as caught:
            pool.submit(double, 1)
        assert frames(caught.value)[-1][0] == "submit"
        gate.open()
        assert (running.result(LIMIT), queued.result(LIMIT)) == (None, 2)
        pool.shutdown(wait=True, cancel_futures=True)
    if run is not None:
        assert [task.outcome for task in run.tasks] == ["returned", "returned", "cancelled"], (
            "the refused one is no task"
        )


def test_no_frame_of_the_watch_is_left():
    """In the errors of a refused submit, a late callback and a class that is not made."""

    def seen():
        errors = []
        calls = [lambda: closed.submit(double, 1), lambda: ended.add_done_callback(sys.exit), of_no_class]
        for call in calls:
            with pytest.raises(BaseException) as caught:
                call()
            errors.append([name for name, _ in frames(caught.value)])
        return errors

    def of_no_class():
        type("Own", (futures.Executor,), {}, sort=1)

    closed, ended = ProcessPoolExecutor(1), Future()
    closed.shutdown()
    expected = [["seen", "<lambda>", "submit"], ["seen", "<lambda>", "add_done_callback"], ["seen", "of_no_class"]]
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(double, 1)
        ended.result(LIMIT)
        assert seen() == expected
        with watch(closed), watch():
            ended = pool.submit(double, 1)
            ended.result(LIMIT)
            assert seen() == expected


def test_a_broken_initializer(looking, caplog):
    with ThreadPoolExecutor(1, initializer=fail, initargs=("no",)) as pool, looking(pool) as run:
        future = pool.submit(double, 1)
        assert isinstance(future.exception(LIMIT), futures.thread.BrokenThreadPool)
    if run is not None:
        assert [task.outcome for task in run.tasks] == ["raised"]


def test_a_future_is_a_future(pool, looking):
    with looking(pool):
        future = pool.submit(double, 1)
        assert type(future) is Future
        futures.wait([future], LIMIT)
        assert repr(future).startswith("<Future at 0x") and repr(future).endswith("state=finished returned int>")


def test_the_result_is_not_kept_alive(pool, looking):
    import gc
    import weakref

    class Big:
        pass

    gc.disable()
    try:
        with looking(pool):
            future = pool.submit(Big)
            result = weakref.ref(future.result(LIMIT))
            pool.submit(double, 1).result(LIMIT)  # the worker lets go of its last task
            del future
            pool.submit(double, 1).result(LIMIT)  # without a GIL it is the worker that frees what it made
            assert result() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_processes(looking, start):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(start)) as pool, looking(pool) as run:
        assert pool.submit(double, 4).result(60) == 8
        assert list(pool.map(double, range(7), chunksize=3, timeout=60)) == [0, 2, 4, 6, 8, 10, 12]
        failed = pool.submit(fail, "far")
        error = failed.exception(60)
        assert isinstance(error, KeyError) and error.args == ("far",) and not vars(error)
        assert "fail" in str(error.__cause__) and "remote.py" not in str(error.__cause__)
        unpicklable = pool.submit(lambda: 1)
        assert isinstance(unpicklable.exception(60), (pickle.PicklingError, AttributeError))
        seen = []
        pool.submit(double, 1).add_done_callback(lambda f: seen.append(f.result()))
        pool.submit(double, 5)  # nobody asks for its result
        last = pool.submit(double, 2)
        assert last.result(60) == 4 and isinstance(last, Future) and repr(last).startswith("<Future at")
    assert seen == [2]
    if run is not None:
        assert all(task.outcome in ("returned", "raised") for task in run.tasks)
        assert run.tasks[0].worker.name != threading.current_thread().name
        assert run.tasks[0].submitted <= run.tasks[0].started <= run.tasks[0].finished <= time.perf_counter_ns()


@pytest.mark.skipif(not hasattr(futures, "InterpreterPoolExecutor"), reason="new in Python 3.14")
def test_interpreters(looking):
    with futures.InterpreterPoolExecutor(2, thread_name_prefix="own GIL") as pool, looking(pool) as run:
        assert pool.submit(pow, 2, exp=3).result(60) == 8  # a new interpreter does not find this module
        assert list(pool.map(abs, range(-7, 0), buffersize=3, timeout=60)) == [7, 6, 5, 4, 3, 2, 1]
        failed = pool.submit(fail, "there")
        error = failed.exception(60)
        assert isinstance(error, KeyError) and error.args == ("there",) and not vars(error)
        assert "in fail" in str(error.__cause__) and "remote.py" not in str(error.__cause__)
        # what pickle refuses and interpreters take, there and back
        assert pool.submit(lambda: 1).result(60) == 1
        assert pool.submit(bytes, memoryview(b"there")).result(60) == b"there"
        assert bytes(pool.submit(memoryview, b"back").result(60)) == b"back"
        assert isinstance(pool.submit(bool, threading.Lock()).exception(60), TypeError)
        assert isinstance(pool.submit(threading.Lock).exception(60), TypeError)
        seen = []
        pool.submit(abs, -2).add_done_callback(lambda f: seen.append(f.result()))
        before = time.perf_counter_ns()
        there = pool.submit(time.perf_counter_ns)
        inside = there.result(60)
        assert before <= inside <= time.perf_counter_ns(), "interpreters of one process read one clock"
        pids = pool.submit(os.getpid)
        assert pids.result(60) == os.getpid() and isinstance(pids, Future) and repr(pids).startswith("<Future at")
        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("own GIL")}
    assert seen == [2]
    if run is not None:
        assert [task.outcome for task in run.tasks].count("raised") == 3
        assert {worker.name for worker in run.workers} <= names
        assert run.tasks[-2].started <= inside <= run.tasks[-2].finished
        for task in run.tasks:
            if task.started is not None:
                assert task.submitted <= task.started <= task.finished <= time.perf_counter_ns()


@pytest.mark.skipif(not hasattr(futures, "InterpreterPoolExecutor"), reason="new in Python 3.14")
def test_interpreters_run_at_once_on_one_timeline():
    from concurrent import interpreters

    here, there = interpreters.create_queue(), interpreters.create_queue()
    with futures.InterpreterPoolExecutor(2) as pool, watch(pool) as run:
        meeting = [pool.submit(meet, here, there), pool.submit(meet, there, here)]
        assert [f.result(60) for f in meeting] == ["met", "met"]
    assert run.peak_in_flight == 2 and len(run.workers) == 2
    a, b = run.tasks
    assert max(a.started, b.started) < min(a.finished, b.finished)


class Hasty(ThreadPoolExecutor):
    """Something happens to the Future before its submit returns."""

    def meanwhile(self, future):
        pass

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        self.meanwhile(future)
        return future


def test_a_future_that_ends_during_submit(looking, caplog):
    asked = []

    def fails_when_asked():
        while not (asked and asked[0]._waiters):
            time.sleep(0.001)
        time.sleep(0.02)  # from there to the wait
        fail("no")

    with Hasty(1, initializer=fails_when_asked) as pool, looking(pool) as broken:
        pool.meanwhile = lambda future: asked.append(future) or futures.wait([future], LIMIT)
        pool.submit(double, 1)
    with Hasty(1) as pool, Gate() as gate, looking(pool) as run:
        pool.submit(gate.task)
        gate.wait_for(1)
        pool.meanwhile = lambda future: future.cancel()
        pool.submit(double, 1)
        pool.meanwhile = lambda future: gate.open() or futures.wait([future], LIMIT)
        pool.submit(double, 1)
    if run is not None:
        assert [task.outcome for task in broken.tasks] == ["raised"]
        assert [task.outcome for task in run.tasks] == ["returned", "cancelled", "returned"]
        assert [b.call for b in broken.blocked] == ["wait"] == [b.call for b in run.blocked], "by the submit itself"


def test_everything_is_put_back():
    before = [vars(Future)[n] for n in ("result", "exception", "cancel", "set_exception", "add_done_callback")]
    submits = [ThreadPoolExecutor.submit, ProcessPoolExecutor.submit, futures.Executor.shutdown]
    with ThreadPoolExecutor(1) as pool:
        with contextlib.suppress(ZeroDivisionError), watch(pool), watch():
            assert Future.result is not before[0] and ThreadPoolExecutor.submit is not submits[0]
            assert pool.submit(double, 1).result(LIMIT) == 2
            raise ZeroDivisionError
        assert "submit" not in vars(pool) and "shutdown" not in vars(pool)
    after = [vars(Future)[n] for n in ("result", "exception", "cancel", "set_exception", "add_done_callback")]
    assert after == before
    assert [ThreadPoolExecutor.submit, ProcessPoolExecutor.submit, futures.Executor.shutdown] == submits


def test_watches_in_two_threads_do_not_mix():
    ready = threading.Barrier(2, timeout=LIMIT)
    runs = {}

    def work(name, count):
        with ThreadPoolExecutor(2) as pool, watch(pool) as runs[name]:
            ready.wait()
            assert [f.result(LIMIT) for f in [pool.submit(double, i) for i in range(count)]] == [
                2 * i for i in range(count)
            ]
            ready.wait()

    threads = [threading.Thread(target=work, args=args) for args in (("a", 3), ("b", 5))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(runs["a"].tasks) == 3 and len(runs["b"].tasks) == 5
    assert all(span.thread != runs["b"].tasks[0].submitter for span in runs["a"].blocked)


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, 4, "pool", object()])
def test_an_executor_is_asked_for(executor):
    with pytest.raises(TypeError, match=r"executor must be an executor such as ThreadPoolExecutor\(4\)"):
        watch(executor)


@pytest.mark.parametrize("answer", [None, 7, "queued"])
def test_a_submit_that_gives_no_future_gives_what_it_gives(answer):
    class Careless(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            super().submit(fn, *args, **kwargs)
            return answer

    with Careless(1) as pool, watch(pool) as run:
        assert pool.submit(int, "5") == answer
    assert [task.outcome for task in run.tasks] == ["returned"]
    with watch() as run, Careless(1) as pool:
        assert pool.submit(int, "5") == answer
    assert [task.outcome for task in run.tasks] == ["returned"]


class Quiet(Exception):
    """Its text is made by code of its own, which a look at the task must not run."""

    def __str__(self):
        raise AssertionError("asked for its text")

    @property
    def args(self):
        raise AssertionError("asked for its arguments")


class Plain(Exception):
    args = property(lambda self: 1 / 0)


@pytest.mark.parametrize(
    "error, says",
    [
        (ValueError("no such row"), "ValueError: no such row"),
        (ValueError("x" * 500), "ValueError: " + "x" * 80),
        (ValueError(), "ValueError"),
        (ValueError("a", 2), "ValueError"),
        (KeyError("k"), "KeyError"),
        (SystemExit(3), "SystemExit"),
        (Quiet("secret"), "Quiet"),
        (Plain("as it was made"), "Plain: as it was made"),
    ],
    ids=["text", "long", "none", "several", "own text", "exit", "code", "property"],
)
def test_what_a_task_raised_is_kept_in_words(error, says, tmp_path):
    def throw():
        raise error

    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        assert pool.submit(throw).exception(LIMIT) is error
        pool.submit(double, 1).result(LIMIT)
    assert [task.error for task in run.tasks] == [says, ""]
    assert repr(run.tasks[0]).startswith(f"<Task 0 throw: raised {says}")
    run.save(tmp_path / "run.json")
    assert [task.error for task in Recording.load(tmp_path / "run.json").tasks] == [says, ""]


def test_what_a_task_in_another_process_raised():
    with ProcessPoolExecutor(1) as pool, watch(pool) as run:
        assert isinstance(pool.submit(int, "ten").exception(60), ValueError)
    assert run.tasks[0].error == "ValueError: invalid literal for int() with base 10: 'ten'"


def test_a_subclass_that_calls_its_parents_submit_is_recorded_once():
    class Counting(ThreadPoolExecutor):
        submits = 0

        def submit(self, fn, /, *args, **kwargs):
            self.submits += 1
            return super().submit(fn, *args, **kwargs)

    with watch() as run, Counting(2) as pool:
        assert list(pool.map(double, range(3))) == [0, 2, 4]
    assert pool.submits == len(run.tasks) == 3


def test_a_class_that_takes_fn_by_its_name(looking):
    class Named(ThreadPoolExecutor):
        def submit(self, fn, *args, **kwargs):
            return super().submit(fn, *args, **kwargs)

    with Named(1) as pool, looking(pool) as run:
        assert pool.submit(fn=double, x=4).result(LIMIT) == 8
    with ProcessPoolExecutor(1) as pool, looking(pool), pytest.raises(TypeError, match="positional argument: 'fn'"):
        pool.submit(fn=double, x=4)
    if run is not None:
        assert [(task.label, task.outcome) for task in run.tasks] == [("double", "returned")]


def test_a_label_must_be_callable():
    with pytest.raises(TypeError, match="label must be something that can be called"):
        watch(label="x")


def test_labels_of_another_watch_are_named_as_such(pool):
    with watch(pool) as plain, watch(pool, label=lambda fn: "outer") as outer:
        with watch(pool, label=lambda fn: "inner") as inner:
            pool.submit(int).result(LIMIT)
        pool.submit(int).result(LIMIT)
    assert [task.label for task in outer.tasks] == ["inner", "outer"]
    assert plain.notes == outer.notes == ["tasks have the labels of another watch that was open at the same time"]
    assert inner.notes == []


def test_a_recording_can_be_read_while_it_grows(pool):
    with watch(pool, label=lambda fn, *args: f"at gate {args[0]}") as run, Gate() as gate:
        for i in range(3):
            pool.submit(gate.task, i)
        gate.wait_for(2)
        assert [t.outcome for t in run.tasks] == ["running", "running", "queued"]
        assert [t.label for t in run.tasks] == ["at gate 0", "at gate 1", "at gate 2"]
        assert isinstance(run, Recording) and run.peak_in_flight == 2


FORKED = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from helpers.recording.watcher import watch

def submitter():
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(int).result(10)
    return run.tasks[0].submitter.native_id

with ThreadPoolExecutor(1) as pool, watch(pool):
    pool.submit(int).result(10)
    parent = submitter()
    child = os.fork()
    if not child:
        os._exit(0 if submitter() == threading.get_native_id() == os.getpid() != parent else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), parent == os.getpid())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the main thread's number is the process's on Linux")
def test_a_forked_childs_main_thread_has_its_own_number():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "0 True\n", done.stderr


def test_a_closed_watch_does_not_keep_its_pool():
    pool = ThreadPoolExecutor(1)
    with watch(pool):
        pool.submit(int).result(LIMIT)
    gone = weakref.ref(pool)
    pool.shutdown()
    del pool
    gc.collect()
    assert gone() is None


class Plain(futures.Executor):
    """An executor with a thread a task, which nobody but it knows. No task begins before `begin` is set."""

    def __init__(self):
        self.begin = threading.Event()

    def submit(self, fn, /, *args, **kwargs):
        future = Future()

        def run():
            self.begin.wait(LIMIT)
            future.set_running_or_notify_cancel()
            future.set_result(fn(*args, **kwargs))

        threading.Thread(target=run).start()
        return future


@pytest.mark.parametrize("all_of_them", [False, True])
def test_equal_calls_are_tasks_of_their_own(all_of_them):
    pool = Plain()
    with watch(*() if all_of_them else (pool,)) as run:
        equal = [pool.submit(int) for _ in range(2)]
        pool.begin.set()
        assert [future.result(LIMIT) for future in equal] == [0, 0]
    assert [task.outcome for task in run.tasks] == ["returned"] * 2


def test_a_future_that_was_done_before_has_an_end():
    done = Future()
    done.set_result(42)

    class Constant(futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            return done

    before, pool = Future.set_result, Constant()
    with watch(pool) as run:
        assert pool.submit(abs, 1).result() == 42
    assert [task.outcome for task in run.tasks] == ["returned"]
    assert Future.set_result is before


def test_a_future_keeps_its_parameters_names():
    with watch():
        one, other = Future(), Future()
        one.set_result(result=1)
        other.set_exception(exception=KeyError("k"))
    assert one.result() == 1 and isinstance(other.exception(), KeyError)


class Refuses:
    """A callable that has no more attributes than it needs, and raises an error of its own for others."""

    def __call__(self, *args):
        return len(args)

    def __getattr__(self, name):
        raise KeyError(name)


def test_somebodys_getattr_is_not_asked(pool):
    task = Refuses()
    with watch(pool) as run, watch() as other:
        assert pool.submit(task, 1).result(LIMIT) == 1
        own = Plain()
        own.begin.set()
        assert own.submit(task, task).result(LIMIT) == 1
    assert [t.label for t in run.tasks] == ["Refuses"] and len(other.tasks) == 2


def test_a_future_may_have_an_attribute_for_every_name():
    class Proxy(Future):
        def __getattr__(self, name):
            return getattr(self.result(0.1), name)

    class Pool(futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Proxy()
            threading.Thread(target=lambda: future.set_result(fn(*args))).start()
            return future

    pool = Pool()
    with watch(pool):
        assert pool.submit(abs, -3).result(LIMIT) == 3
    with ThreadPoolExecutor(1) as threads, watch():
        future = threads.submit(abs, -1)
        future.watched = "mine"
        assert future.result(LIMIT) == 1


def test_a_watch_that_can_not_begin_leaves_nothing():
    class Frozen(ThreadPoolExecutor):
        def __init__(self, workers):
            super().__init__(workers)
            self.submit = lambda *args: ThreadPoolExecutor.submit(self, *args)

        @property
        def __dict__(self):
            return MappingProxyType(super().__dict__)

    before = Future.set_result, ThreadPoolExecutor.submit
    with Frozen(1) as pool:
        with pytest.raises(TypeError, match="item assignment"), watch(pool):
            pass
        assert (Future.set_result, ThreadPoolExecutor.submit) == before
        with watch() as run:
            assert pool.submit(abs, -1).result(LIMIT) == 1
    assert len(run.tasks) == 1


@pytest.mark.parametrize("base", [object, ctypes.Structure])
def test_a_class_that_lets_nothing_be_set_hinders_no_other(base):
    class Sealed(type(base)):
        def __setattr__(cls, name, value):
            raise TypeError("sealed")

    class Pool(futures.Executor, base, metaclass=Sealed):
        def submit(self, fn, /, *args):
            future = Future()
            future.set_result(fn(*args))
            return future

    with ThreadPoolExecutor(1) as pool, watch() as run:
        assert pool.submit(abs, -1).result(LIMIT) == Pool().submit(abs, -1).result(LIMIT) == 1
    assert len(run.tasks) == (2 if base is object else 1), "a metaclass in C can't be passed over"
    del Pool
    gc.collect()


def test_a_sealed_class_is_watched_through_its_executor():
    class Sealed(type(futures.Executor)):
        def __setattr__(cls, name, value):
            raise TypeError("sealed")

    class Pool(ThreadPoolExecutor, metaclass=Sealed):
        def submit(self, fn, /, *args):
            return super().submit(fn, *args)

    with Pool(1) as pool, watch(pool) as run:
        assert pool.submit(abs, -1).result(LIMIT) == 1
    assert len(run.tasks) == 1
