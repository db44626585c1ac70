"""What programs do that look closely at executors and Futures: with `watch` they do the same."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures as futures
import copy
import functools
import gc
import inspect
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import warnings
import weakref
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from unittest import mock

import pytest

from helpers import watch
from helpers.recording.data import ENDLESS, GONE
from helpers.recording.registry import registry

LIMIT = 20


def bare(pool):
    return nullcontext()


def one(pool):
    return watch(pool)


def every(pool):
    return watch()


LOOKS = (bare, one, every)


@pytest.fixture(params=LOOKS, ids=["bare", "one", "every"])
def looking(request):
    """Watches nothing, a pool, or all; afterwards nothing of ours is left."""
    before = Future.set_result, ThreadPoolExecutor.submit, queue.Queue.get
    yield request.param
    gc.collect()
    assert (Future.set_result, ThreadPoolExecutor.submit, queue.Queue.get) == before


class Inline(futures.Executor):
    """Runs a task in the thread that submits it."""

    def submit(self, fn, /, *args):
        future = Future()
        future.set_result(fn(*args))
        return future


def test_what_shutdown_returns(looking):
    class Pool(Inline):
        def shutdown(self, *args, **kwargs):
            return "closed"

    class Awaited(Inline):
        async def shutdown(self, *args, **kwargs):
            return "closed"

    for pool in (Pool(), Awaited()):
        with looking(pool):
            said = pool.shutdown()
            assert (said if isinstance(said, str) else asyncio.run(said)) == "closed"


def test_a_submit_that_takes_no_executor(looking):
    class Static(Inline):
        @staticmethod
        def submit(fn, /, *args):
            return fn(*args)

    class Class(Inline):
        @classmethod
        def submit(cls, fn, /, *args):
            return fn(*args)

    for pool in (Static(), Class()):
        with looking(pool):
            assert pool.submit(abs, -1) == type(pool).submit(abs, -1) == 1


class Named(futures.Executor):
    def __init__(self, name):
        self.name = name

    def submit(self, fn, /, *args):
        future = Future()
        future.set_result((self.name, fn(*args)))
        return future

    def renamed(self, name):
        other = copy.copy(self)
        other.name = name
        return other

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None


def test_copies_comparisons_and_methods_of_an_executor(looking):
    pool = Named("first")
    with looking(pool) as run:
        other = pool.renamed("second")
        assert pool == Named("first") and pickle.loads(pickle.dumps(pool)) == pool
        assert pool.submit.__self__ is pool and weakref.WeakMethod(pool.submit)() == pool.submit
        assert (pool.submit(abs, -1).result(LIMIT), other.submit(abs, -1).result(LIMIT)) == (
            ("first", 1),
            ("second", 1),
        )
    assert other.submit(abs, -2).result(LIMIT) == ("second", 2)
    if run is not None:
        assert len(run.tasks) == (1 if looking is one else 2)


def test_a_submit_that_is_wrapped_inside_the_block():
    class Pool(Inline):
        def submit(self, fn, /, *args):
            return super().submit(fn, *args)

    for pool in (Pool(), ThreadPoolExecutor(1)):
        with watch(pool, label=lambda fn, *args: "mine") as run:
            bare = type(pool).submit
            with mock.patch.object(type(pool), "submit", lambda self, *args, bare=bare: bare(self, *args)):
                assert pool.submit(abs, -1).result(LIMIT) == 1
        pool.shutdown()
        assert [task.label for task in run.tasks] == ["mine"]


def test_a_class_that_is_sent_by_value(looking):
    cloudpickle = pytest.importorskip("cloudpickle")

    class Pool(ThreadPoolExecutor):
        def submit(self, fn, /, *args):
            return super().submit(fn, *args)

    def three():
        with Pool(1) as pool:
            return pool.submit(abs, -3).result(LIMIT)

    with ThreadPoolExecutor(1) as other, looking(other):
        assert pickle.loads(cloudpickle.dumps(three))() == 3


def test_a_future_that_looks_for_its_result_when_asked(looking):
    class Polled(Future):
        asked = 0

        def done(self):
            Polled.asked += 1
            if not super().done():
                self.set_result("late")
            return super().done()

    class Pool(futures.Executor):
        def submit(self, fn, /, *args):
            return Polled()

    pool = Pool()
    with looking(pool):
        future = pool.submit(abs, -1)
        assert Polled.asked == 0 and future.done() and future.result(LIMIT) == "late"


def test_a_future_that_notes_who_asked_for_its_error(looking):
    class Asked(Future):
        asked = False

        def exception(self, timeout=None):
            self.asked = True
            return super().exception(timeout)

        def set_exception(self, error):
            super().set_exception(error)

    class Pool(futures.Executor):
        def submit(self, fn, /, *args):
            future = Asked()
            future.set_exception(ValueError("no"))
            return future

    pool = Pool()
    with looking(pool) as run:
        assert not pool.submit(abs, -1).asked
    assert run is None or [task.error for task in run.tasks] == ["ValueError: no"]


class Handle:
    """What a submit may give in place of a Future."""

    def __init__(self):
        self.calls = 0

    def add_done_callback(self, fn):
        raise NotImplementedError

    def __getattr__(self, name):
        raise KeyError(name)


class Lazy:
    def __getattr__(self, name):
        raise AssertionError(f"asked for {name}, which would wait for the result")


class ByPairs:
    def add_done_callback(self, fn):
        fn(None, "value")


@pytest.mark.parametrize("kind", [Handle, Lazy, ByPairs, mock.MagicMock, lambda: mock.Mock(spec=Future)])
def test_whatever_a_submit_gives(kind, looking):
    class Pool(futures.Executor):
        def submit(self, fn, /, *args):
            return answer

    answer, pool = kind(), Pool()
    with looking(pool):
        assert pool.submit(abs, -1) is answer


def test_futures_that_nobody_can_end_are_not_waited_for(looking):
    class Drop(futures.Executor):
        def __init__(self, answer):
            self.answer = answer

        def submit(self, fn, /, *args):
            return self.answer()

    class Argument:
        pass

    for answer, note in ((Future, GONE), (lambda: None, ENDLESS)):
        pool, argument = Drop(answer), Argument()
        gone, pool_gone = weakref.ref(argument), weakref.ref(pool)
        with looking(pool) as run:
            pool.submit(print, argument)
        assert run is None or [task.note for task in run.tasks] == [note]
        del pool, argument
        gc.collect()
        assert gone() is None and pool_gone() is None
    assert not registry.left


def test_queues_threads_and_events_with_answers_of_their_own(looking):
    class Shy(queue.Queue):
        def empty(self):
            raise NotImplementedError

        full = empty

    class Lost(threading.Thread):
        def is_alive(self):
            raise NotImplementedError

    class Unsure(threading.Event):
        def is_set(self):
            raise NotImplementedError

    with ThreadPoolExecutor(1) as pool, looking(pool):
        line, thread, event = Shy(1), Lost(target=int), Unsure()
        line.put("a")
        thread.start()
        threading.Thread.join(thread)
        assert line.get() == "a" and thread.join(LIMIT) is None
        event.set()
        assert event.wait(LIMIT)


def test_an_error_whose_class_has_no_name(looking):
    class Nameless(type):
        @property
        def __name__(cls):
            raise RuntimeError("no name")

    class Odd(Exception, metaclass=Nameless):
        pass

    def fails():
        raise Odd

    with ThreadPoolExecutor(1) as pool, looking(pool):
        assert isinstance(pool.submit(fails).exception(LIMIT), Odd)


def test_a_program_that_puts_its_own_in_place_of_time_and_open(looking):
    with ProcessPoolExecutor(1) as pool, looking(pool):
        with mock.patch("time.perf_counter_ns", side_effect=[10, 20]) as clock:
            assert pool.submit(abs, -1).result(LIMIT) == 1
            assert (time.perf_counter_ns(), clock.call_count) == (10, 1)
        with mock.patch("builtins.open", mock.mock_open(read_data="text")):
            assert pool.submit(abs, -2).result(LIMIT) == 2
        with mock.patch("tempfile.mkdtemp") as made:
            assert pool.submit(abs, -3).result(LIMIT) == 3
        assert not made.called


def test_a_line_that_a_full_disk_cut_off(looking):
    with ProcessPoolExecutor(1) as pool, looking(pool):
        assert pool.submit(abs, -1).result(LIMIT) == 1
        for name in os.listdir(registry.mailbox.folder) if registry.mailbox.folder else ():
            with open(os.path.join(registry.mailbox.folder, name), "a") as file:
                file.write("[2, 17")
        assert [pool.submit(abs, -n).result(LIMIT) for n in (2, 3)] == [2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_that_leaves_the_block():
    with ProcessPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(abs, -1).result(LIMIT)
        child = os.fork()
        if child == 0:
            try:
                registry.mailbox.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        pool.submit(abs, -2).result(LIMIT)
    assert [task.started is not None for task in run.tasks] == [True, True]


ENDS_INSIDE = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from helpers import watch

def child():
    with ProcessPoolExecutor(1) as pool:
        pool.submit(abs, -2).result(20)

if __name__ == "__main__":
    with watch():
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(20)
        child()
        sys.exit(process.exitcode)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_no_folder_is_left_where_a_process_ends_inside_the_block(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(ENDS_INSIDE)
    (tmp_path / "temporary").mkdir()
    places = {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, program], env=os.environ | places, timeout=60, check=False)
    assert ended.returncode == 0 and not os.listdir(tmp_path / "temporary")


def test_an_executor_that_lets_nothing_be_taken_away():
    class Keeps(futures.Executor):
        def __init__(self):
            self.submit = Inline().submit

        def __delattr__(self, name):
            raise AttributeError(name)

        def __setattr__(self, name, value):
            if name in vars(self) and vars(self)[name] is not value and hasattr(value, "__func__"):
                raise AttributeError(name)
            super().__setattr__(name, value)

    before, pool = Future.set_result, Keeps()
    with pytest.raises(ZeroDivisionError), watch(pool):
        pool.submit(abs, -1)
        raise ZeroDivisionError
    assert Future.set_result is before and pool.submit(abs, -2).result(LIMIT) == 2


def test_a_name_that_a_thread_refuses(looking):
    class Strict(threading.Thread):
        @property
        def name(self):
            return "strict"

        @name.setter
        def name(self, value):
            raise ValueError(value)

    with ThreadPoolExecutor(1) as pool, looking(pool):
        with pytest.raises(AssertionError) as caught:
            threading.Thread.name.fset(threading.Thread.__new__(threading.Thread), "early")
        assert [entry.name for entry in caught.traceback][1:] == ["name"]


def test_who_is_blamed_by_warnings_and_logs(looking, caplog):
    log = logging.getLogger("pool")

    class Old(ThreadPoolExecutor):
        def submit(self, fn, /, *args):
            warnings.warn("submit is old", DeprecationWarning, stacklevel=2)
            log.warning("submit", stacklevel=2)
            return super().submit(fn, *args)

        def shutdown(self, *args, **kwargs):
            warnings.warn("shutdown is old", DeprecationWarning, stacklevel=2)
            super().shutdown(*args, **kwargs)

    class Registers(futures.Executor):
        def __init_subclass__(cls, **kwargs):
            warnings.warn("a class is old", DeprecationWarning, stacklevel=2)
            super().__init_subclass__(**kwargs)

    def called(future):
        warnings.warn("a callback is old", DeprecationWarning, stacklevel=2)

    pool = Old(1)
    with looking(pool), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        done = pool.submit(abs, -1)
        assert done.result(LIMIT) == 1 and list(pool.map(abs, [-2])) == [2]
        done.add_done_callback(called)
        type("Own", (Registers,), {})
        pool.shutdown()
    here, base = __file__, futures._base.__file__
    assert [warning.filename for warning in seen] == [here, base, base, here, here]
    assert [record.pathname for record in caplog.records] == [here, base]


@pytest.mark.parametrize("error", [ValueError("no"), mock.Mock(side_effect=KeyError)])
def test_a_label_that_raises(error):
    def label(fn, *args):
        raise error if isinstance(error, Exception) else error()

    with ThreadPoolExecutor(1) as pool, watch(pool, label=label) as run:
        assert [pool.submit(abs, -n).result(LIMIT) for n in range(2)] == [0, 1]
    assert [task.label for task in run.tasks] == ["abs"] * 2
    [note] = run.notes
    assert note in repr(run) and note.startswith("label raised ") and "their functions' names" in note


class Sent(Future):
    """Can be sent away, without the lock that it has."""

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_condition"}


def test_a_future_has_no_more_attributes(looking):
    class Pool(futures.Executor):
        def submit(self, fn, /, *args):
            future = Sent()
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args))
            return future

    expected, pool = pickle.dumps(Pool().submit(abs, -1)), Pool()
    with looking(pool), ThreadPoolExecutor(1) as threads:
        future, other = pool.submit(abs, -1), threads.submit(abs, -1)
        assert pickle.dumps(future) == expected and other.result(LIMIT) == 1
        assert list(vars(future)) == list(vars(other)) == list(vars(Future()))
    assert vars(future) | {"_condition": 0} == vars(Pool().submit(abs, -1)) | {"_condition": 0}


def test_a_submit_that_is_no_function(looking):
    class Cached(futures.Executor):
        @functools.lru_cache  # noqa: B019
        def submit(self, fn, /, *args):
            return Inline().submit(fn, *args)

    class Dispatching(futures.Executor):
        @functools.singledispatchmethod
        def submit(self, fn, /, *args):
            return Inline().submit(fn, *args)

        @submit.register
        def _(self, fn: str, /, *args):
            return Inline().submit(len, fn)

    class Holds(futures.Executor):
        submit = mock.Mock(return_value=7)

    pools = Cached(), Dispatching(), Holds()
    with looking(pools[0]), looking(pools[1]), looking(pools[2]):
        assert [pools[0].submit(abs, -1).result(LIMIT) for _ in range(2)] == [1, 1]
        assert pools[0].submit.cache_info().hits == Cached.submit.cache_info().hits == 1
        assert pools[0].submit.__self__ is pools[0] and inspect.ismethod(pools[0].submit)
        assert [pools[1].submit(fn, -1).result(LIMIT) for fn in (abs, "four")] == [1, 4]
        assert pools[1].submit.register and Dispatching.submit.register
        assert pools[2].submit(abs) == 7 and pools[2].submit.call_args == mock.call(abs)


def test_a_submit_in_a_wrapper_of_wrapt(looking, monkeypatch):
    wrapt = pytest.importorskip("wrapt", reason="wrapt is not installed")

    def wrapper(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    class Pool(ThreadPoolExecutor):
        submit = wrapt.FunctionWrapper(ThreadPoolExecutor.submit, wrapper)

    with Pool(1) as pool, looking(pool) as run:
        assert pool.submit._self_wrapper is wrapper and Pool.submit._self_wrapper is wrapper
        assert inspect.signature(pool.submit) == inspect.signature(ThreadPoolExecutor(1).submit)
        assert pool.submit(abs, -1).result(LIMIT) == 1
    assert run is None or [task.label for task in run.tasks] == ["abs"]


def test_an_executor_that_stands_for_another(looking):
    class Proxy(futures.Executor):
        def __init__(self, pool):
            object.__setattr__(self, "pool", pool)

        def __getattribute__(self, name):
            return getattr(object.__getattribute__(self, "pool"), name)

        def __setattr__(self, name, value):
            setattr(object.__getattribute__(self, "pool"), name, value)

    with ThreadPoolExecutor(1) as pool:
        before, proxy = list(vars(pool)), Proxy(pool)
        with looking(proxy) as run:
            assert proxy.submit(abs, -1).result(LIMIT) == 1
        assert list(vars(pool)) == before
    assert run is None or [task.outcome for task in run.tasks] == ["returned"]


def test_a_submit_taken_before_the_block_is_named(looking):
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other:
        submit, others = pool.submit, other.submit
        with looking(pool) as run:
            assert [submit(abs, -1).result(LIMIT), pool.submit(abs, -2).result(LIMIT)] == [1, 2]
            others(abs, -3).result(LIMIT)
    if run is not None:
        assert len(run.tasks) == 1
        [note] = run.notes
        assert note.startswith("1 task not recorded" if looking is one else "2 tasks not recorded")


def test_a_submit_that_raises_behind_its_task(looking):
    class Late(ThreadPoolExecutor):
        def submit(self, fn, /, *args):
            self.last = super().submit(fn, *args)
            raise LookupError

    class Beside(futures.Executor):
        def __init__(self, pool):
            self.pool = pool

        def submit(self, fn, /, *args):
            self.last = self.pool.submit(pow, 2, 3)
            raise LookupError

    with Late(1) as late, ThreadPoolExecutor(1) as pool:
        for refuses in (late, Beside(pool)):
            with looking(refuses) as run:
                with pytest.raises(LookupError):
                    refuses.submit(abs, -1)
                assert refuses.last.result(LIMIT) in (1, 8)
            tasks = ["abs"] if refuses is late else ["pow"] if looking is every else []
            assert run is None or [(task.label, task.outcome) for task in run.tasks] == [(t, "returned") for t in tasks]


def test_what_a_class_and_its_submit_are_told(looking):
    told = []

    class Meta(type(futures.Executor)):
        def __setattr__(cls, name, value):
            told.append(name)
            super().__setattr__(name, value)

    class Pool(ThreadPoolExecutor, metaclass=Meta):
        def submit(self, fn, /, *args):
            Pool.submit.calls = getattr(Pool.submit, "calls", 0) + 1
            return super().submit(fn, *args)

    with Pool(1) as pool:
        for _ in range(2):
            with looking(pool):
                assert pool.submit(abs, -1).result(LIMIT) == 1
    assert Pool.submit.calls == 2 and not hasattr(Pool.submit, "__wrapped__") and told == []


class Partial(Inline):
    submit = functools.partialmethod(Inline.submit)


def test_an_executor_whose_submit_is_a_partial_is_sent_as_it_was(looking):
    pool = Partial()
    with looking(pool) as run:
        assert vars(pickle.loads(pickle.dumps(pool))) == vars(copy.copy(pool)) == {}
        assert pool.submit(abs, -1).result(LIMIT) == 1
    assert run is None or [task.outcome for task in run.tasks] == ["returned"]


def test_a_submit_that_is_a_property(looking):
    class Pool(futures.Executor):
        inner = ThreadPoolExecutor(1)

        @property
        def submit(self):
            return self.inner.submit

    pool = Pool()
    with Pool.inner, looking(pool) as run:
        with pytest.raises(AttributeError):
            pool.submit = abs
        assert pool.submit.__self__ is Pool.inner and list(pool.map(abs, [-1])) == [1]
    assert run is None or [task.outcome for task in run.tasks] == ["returned"]


def test_an_error_whose_class_does_not_want_to_be_asked(looking):
    class Meta(type):
        def __getattribute__(cls, name):
            if name in ("__str__", "__name__"):
                raise RuntimeError(name)
            return super().__getattribute__(name)

    class Odd(Exception, metaclass=Meta):
        pass

    def fails():
        raise Odd("secret")

    with ThreadPoolExecutor(1) as pool, looking(pool) as run:
        assert type(pool.submit(fails).exception(LIMIT)) is Odd
    assert run is None or [(task.outcome, task.error) for task in run.tasks] == [("raised", "Odd")]


def test_a_function_that_is_made_when_it_is_asked(looking):
    class Lazy:
        def __call__(self):
            return 1

        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

    class Hooked(Lazy):
        def __getattribute__(self, name):
            asked.append(name)
            return super().__getattribute__(name)

    asked = []
    with ThreadPoolExecutor(1) as pool, looking(pool) as run:
        tasks = Lazy(), Hooked(), functools.partial(Lazy())
        assert [pool.submit(task).result(LIMIT) for task in tasks] == [1, 1, 1] and asked == []
    assert run is None or [task.label for task in run.tasks] == ["Lazy", "Hooked", "Lazy"]


def test_a_thread_without_a_name(looking):
    class Nameless(threading.Thread):
        name = property(lambda self: 1 / 0, lambda self, name: None)

    def ask():
        found.append(pool.submit(abs, -1).result(LIMIT))

    def look():
        ask()
        found.append(sum(type(thread).__name__ == "_DummyThread" for thread in threading.enumerate()))
        seen.set()

    found, seen = [], threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result(LIMIT)  # a pool's first submit makes a Thread
        with looking(pool):
            thread = Nameless(target=ask)
            thread.start()
            threading.Thread.join(thread)
            _thread.start_new_thread(look, ())
            assert seen.wait(LIMIT)
    assert found == [1, 1, 0]


def test_futures_that_are_not_whole(looking):
    class Slotted:
        __slots__ = ("lock",)

        def __init__(self):
            self.lock = threading.Lock()

        def __enter__(self):
            self.lock.acquire()

        def __exit__(self, *_):
            self.lock.release()

        def notify_all(self):
            pass

    class Own(Future):
        def __init__(self):
            super().__init__()
            self._condition = Slotted()

        def done(self):
            raise AssertionError("asked")

    class Unmade(Future):
        def __init__(self):
            pass

        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

    class Pool(futures.Executor):
        def __init__(self, kind):
            self.kind = kind

        def submit(self, fn, /, *args):
            future = self.kind()
            if self.kind is Own and future.set_running_or_notify_cancel():
                future.set_result(fn(*args))
            return future

    asked = []
    pools = Pool(Own), Pool(Unmade)
    with looking(pools[0]), looking(pools[1]):
        assert pools[0].submit(abs, -1).result(LIMIT) == 1 and Own().cancel()
        unmade = pools[1].submit(abs, -1)
        assert asked == []
        for call in (unmade.cancel, lambda: unmade.set_result(1), lambda: unmade.add_done_callback(print)):
            with pytest.raises(AttributeError) as caught:
                call()
            assert [entry.path for entry in caught.traceback if "recording" in str(entry.path)] == []
    assert "_watch_row" not in asked


def test_what_says_that_it_is_an_executor(looking):
    class Stands:
        __class__ = ThreadPoolExecutor

        def submit(self, fn, /, *args):
            return fn(*args)

        def shutdown(self, wait=True):
            return "closed"

    pool = Stands()
    with looking(pool):
        assert (pool.submit(abs, -1), pool.shutdown(), hasattr(pool, "map")) == (1, "closed", False)
    assert vars(pool) == {}


@pytest.mark.parametrize("threads", [3, None, {1: "idle"}])
def test_what_an_executor_calls_its_threads(looking, threads):
    class Own(Inline):
        def __init__(self):
            self._threads = threads

    pool = Own()
    with looking(pool):
        assert pool.submit(abs, -1).result(LIMIT) == 1


def test_a_submit_of_another_thread_while_ours_is_put_or_taken_away(looking):
    class Noting(dict):
        def __setitem__(self, name, value):
            kept.append(value)
            super().__setitem__(name, value)

    class Own(Inline):
        __dict__ = property(lambda self: attributes)

        @staticmethod
        def submit(fn, /, *args):
            return fn(*args)

    attributes, kept = Noting(), []
    pool = Own()
    with looking(pool):
        assert pool.submit(abs, -1) == 1
    assert all(map(callable, kept)) and attributes == {}


class Called:
    def __call__(self, fn, /, *args):
        return fn(*args)


class Calling(futures.Executor):
    submit = Called()


def test_a_submit_that_is_no_function_is_shown_compared_and_sent_as_itself(looking):
    shown = repr(Calling.submit)
    with looking(Calling()):
        submit = Calling().submit
        assert (repr(submit), submit) == (shown, Calling.submit)
        assert {submit: 1}[Calling.submit] == 1 and submit != Called()
        for sent in (pickle.loads(pickle.dumps(submit)), copy.copy(submit)):
            assert type(sent) is Called and sent(abs, -1) == 1


def test_a_watch_of_one_pool_keeps_nothing_of_the_tasks_of_others() -> None:
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other, watch(pool) as run:
        futures.wait([other.submit(int) for _ in range(2500)])
        assert len(registry.open[0].early) < 1000
        pool.submit(int).result()
    assert len(run.tasks) == 1 and run.remarks == []
