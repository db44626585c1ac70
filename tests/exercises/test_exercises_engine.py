"""The engine of the exercises: whatever an answer does, its check ends, says what happened, leaves nothing behind."""

import functools
import hashlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from exercise_file import changed, with_check, written
from notebook_rules import DATA

from exercises import kit
from exercises.engine import sandbox
from exercises.engine.problem import read
from exercises.learner import judged
from helpers.drawing.timeline import timeline

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def exercise(tmp_path):
    return written(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def matplotlib_has_its_fonts():
    """matplotlib opens its fonts at the first picture and keeps them."""
    with kit.watch() as run, ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
    timeline(run, title="A title").png()


@pytest.fixture(params=["fork", "thread"])
def backend(request, monkeypatch):
    monkeypatch.setenv("THREADPOOL_EXERCISES_IN", request.param)
    return request.param


@pytest.fixture
def nothing_left():
    """No thread, process or open file is left behind, and the streams are the same objects."""
    me, streams = psutil.Process(), (sys.stdout, sys.stderr, threading.excepthook)
    before, children = (set(threading.enumerate()), me.num_fds()), set(me.children())
    yield
    assert set(threading.enumerate()) <= before[0]
    assert me.num_fds() <= before[1]
    assert set(me.children()) <= children
    assert (sys.stdout, sys.stderr, threading.excepthook) == streams


def says(verdict):
    """The verdict's sentences as one text; it shows no folder of this computer."""
    text = repr(verdict) + DATA.sub("", verdict._repr_html_())
    assert str(PROJECT) not in text and "/tmp" not in text and sys.prefix not in text
    return "\n".join(verdict.says)


def right(tasks, workers):
    return [task() for task in tasks]


# What any answer may do


def test_a_right_answer_passes(exercise, backend, nothing_left):
    verdict = judged(exercise, right)
    assert verdict.passed and verdict.state == "passed"
    assert verdict.says == ["It returned [0, 1, 2, 3, 4, 5]."]


def test_a_wrong_answer_is_told_what_was_seen(exercise, backend, nothing_left):
    verdict = judged(exercise, lambda tasks, workers: [task() for task in tasks][:2])
    assert (verdict.passed, verdict.state, verdict.says) == (False, "not yet", ["It returned [0, 1]."])


def starts_nowhere(tasks, workers):
    raise NotImplementedError


def starts_in_a_worker(tasks, workers):
    with ThreadPoolExecutor() as pool:
        return pool.submit(starts_nowhere, tasks, workers).result()


@pytest.mark.parametrize("fn", [starts_nowhere, starts_in_a_worker])
def test_not_started_is_no_error(exercise, backend, fn):
    verdict = judged(exercise, fn)
    assert (verdict.passed, verdict.state) == (False, "not started")
    assert repr(verdict) == (
        "77-collect: not started\n"
        "  • Write collect(tasks, workers) in its cell, run that cell, then run this one again."
    )
    assert "<img" not in verdict._repr_html_()


def test_notimplementederror_of_the_check_is_not_the_learners(exercise, backend):
    verdict = judged(with_check(exercise, "raise NotImplementedError", "yield"), right)
    assert verdict.state == "not yet"
    assert "could not go on" in says(verdict)


def fails_deep(tasks, workers):
    def third(future):
        return future.result()

    with ThreadPoolExecutor() as pool:
        return third(pool.submit(lambda: 1 / 0))


def test_an_exception_is_shown_from_the_learners_frames(exercise, backend, nothing_left):
    verdict = judged(exercise, fails_deep)
    first, *way = verdict.says
    assert first == "Your code raised ZeroDivisionError: division by zero."
    assert [line.partition(", in ")[2] for line in way] == [
        "fails_deep: `return third(pool.submit(lambda: 1 / 0))`",
        "third: `return future.result()`",
        "<lambda>: `return third(pool.submit(lambda: 1 / 0))`",
    ]
    assert all(line.startswith("at test_exercises_engine.py, line ") for line in way)
    assert "helpers" not in says(verdict) and "_base.py" not in says(verdict)


def raising(error):
    def collect(tasks, workers):
        raise error

    return collect


def recursing(tasks, workers):
    return recursing(tasks, workers)


@pytest.mark.parametrize(
    "fn, sentence",
    [
        (raising(SystemExit("bye")), "Your code called sys.exit() (SystemExit: bye)"),
        (raising(KeyboardInterrupt()), "Your code raised KeyboardInterrupt: that is for Ctrl-C"),
        (raising(GeneratorExit()), "Your code raised GeneratorExit."),
        (recursing, "Your code called itself until Python stopped it: RecursionError"),
        (raising(ValueError("x" * 5000)), "Your code raised ValueError: " + "x" * 300 + "."),
    ],
)
def test_an_answer_may_raise_anything(exercise, backend, nothing_left, fn, sentence):
    verdict = judged(exercise, fn)
    assert verdict.says[0].startswith(sentence)
    assert len(verdict.says) <= 5


@pytest.mark.parametrize(
    "fn, sentence",
    [
        (lambda tasks, workers: os._exit(3), "os._exit() does that (exit code 3)"),
        (lambda tasks, workers: os.kill(os.getpid(), signal.SIGKILL), "It died of the signal SIGKILL"),
        (lambda tasks, workers: os.kill(os.getpid(), signal.SIGSEGV), "It died of the signal SIGSEGV"),
        (lambda tasks, workers: os.kill(os.getpid(), signal.SIGSEGV), "stood at test_exercises_engine.py, line "),
        (lambda tasks, workers: os.closerange(3, 200) or os._exit(0), "ended the whole process"),
    ],
)
def test_an_answer_may_end_its_process(exercise, nothing_left, fn, sentence):
    assert sentence in says(judged(exercise, fn))


def test_what_it_starts_is_ended_too(exercise, nothing_left):
    started = []

    def collect(tasks, workers):
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(process.pid)
        os._exit(0)

    verdict = judged(exercise, collect)
    started = [int(line) for line in verdict.printed.splitlines()]
    assert len(started) == 1
    with suppress(psutil.NoSuchProcess):
        process, clock = psutil.Process(started[0]), kit.Clock()
        while process.status() != psutil.STATUS_ZOMBIE:  # as the dead remain where nobody reaps orphans
            assert clock.read() < 10
            time.sleep(0.01)


# Answers that never end


def deadlocks(tasks, workers):
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as pool:
        pool.submit(time.sleep, 0.1).result()

        def outer():
            return pool.submit(int).result()

        return pool.submit(outer).result()


def locks_itself(tasks, workers):
    lock = threading.Lock()
    with lock, lock:
        return []


def loops(tasks, workers):
    while True:
        pass


def has_a_task_without_end(tasks, workers):
    def task():
        while True:
            time.sleep(0.01)

    with ThreadPoolExecutor(1, thread_name_prefix="worker") as pool:
        return pool.submit(task).result()


def computes_without_the_gil(tasks, workers):
    return hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


def holds_the_gil(tasks, workers):
    return sum(iter(int, 1))


DEADLOCK = "every thread waited for another or for something that never came, a deadlock."
RUNS_ON = "your code still ran: an endless loop, a task that never ends, or waits that add up."


@pytest.mark.parametrize(
    "fn, sentence, stands",
    [
        (deadlocks, DEADLOCK, ["the main thread waited at", "worker_0 waited at", "return pool.submit(int).result()"]),
        (
            locks_itself,
            "your code waited for something that never came.",
            ["the main thread waited at", "with lock, lock"],
        ),
        (loops, RUNS_ON, ["the main thread ran on at test_exercises_engine.py", "in loops: "]),
        (has_a_task_without_end, RUNS_ON, ["the main thread waited at", "worker_0 ran on at", "in task: "]),
        (
            holds_the_gil,
            "a call into C code that lets no other thread run",
            ["in holds_the_gil: `return sum(iter(int, 1))`"],
        ),
    ],
)
def test_an_answer_may_never_end(exercise, nothing_left, fn, sentence, stands):
    verdict = judged(exercise, fn)
    assert sentence in verdict.says[0]
    assert all(spot in says(verdict) for spot in stands)
    assert not verdict.passed


def test_a_deadlock_shows_who_waits_for_what(exercise):
    verdict = judged(exercise, deadlocks)
    waits = [detail for detail in verdict.says if "waited in result()" in detail]
    assert sorted(waits) == [
        "the main thread waited in result() for task 1 (outer), which was running",
        "worker_0, running task 1 (outer), waited in result() for task 2 (int), which was still in the queue",
    ]
    assert [task.outcome for task in verdict.run.tasks] == ["returned", "running", "queued"]
    assert '<img src="data:image/png;base64,' in verdict._repr_html_()


def test_the_check_is_stopped_before_its_limit(exercise):
    seconds = float(re.match(r"It did not end within ([\d.]+) s", judged(exercise, loops).says[0])[1])
    assert exercise.limit / 2 < seconds < exercise.limit


def test_what_was_seen_before_the_hang_is_kept(exercise, nothing_left):
    verdict = judged(with_check(exercise, "yield True, 'A first thing.'", "collect([], 2)"), loops)
    assert verdict.says[0] == "A first thing."
    assert RUNS_ON in verdict.says[1]


def test_an_end_between_two_looks_at_the_pipe_loses_nothing(exercise, monkeypatch):
    def gone_when_looked_for(parent):
        parent.process.join()
        return True

    monkeypatch.setattr(sandbox.Parent, "gone", gone_when_looked_for)
    assert judged(exercise, lambda tasks, workers: time.sleep(0.3) or right(tasks, workers)).passed


# Answers that are none


@pytest.mark.parametrize(
    "fn, sentence",
    [
        (None, "This is not a function but nothing (None). Write `collect(tasks, workers)` and `check(collect)`."),
        ([1], "This is not a function but a list."),
        ("collect", "This is not a function but a str."),
        (3, "This is not a function but an int."),
        (lambda: 1, "The function takes no argument; it is called with 2 arguments (tasks, workers)."),
        (lambda jobs: 1, "The function takes 1 argument (jobs); it is called with 2 arguments (tasks, workers)."),
        (lambda a, b, c: 1, "The function takes 3 arguments (a, b, c); it is called with 2"),
        (lambda a, *, b: 1, "The function takes 2 arguments (a, b); it is called with 2 arguments (tasks, workers)"),
    ],
)
def test_what_is_no_answer_gets_a_sentence(exercise, backend, nothing_left, fn, sentence):
    verdict = judged(exercise, fn)
    assert verdict.state == "not yet"
    assert says(verdict).startswith(sentence)


@pytest.mark.parametrize("fn", [lambda tasks: 1, lambda tasks, workers: 1, lambda tasks, workers, more: 1])
def test_an_answer_can_be_called_in_each_way_of_the_solution(exercise, backend, fn):
    optional = changed(exercise, ("def collect(tasks, workers)", "def collect(tasks, workers=2)"))
    assert "Write `collect(tasks, workers=2)`." in says(judged(optional, fn))


async def asynchronous(tasks, workers):
    return [task() for task in tasks]


def yields(tasks, workers):
    for task in tasks:
        yield task()


def test_an_async_function_is_told_so(exercise, backend):
    assert says(judged(exercise, asynchronous)).startswith("collect is an async function: a call runs nothing")


def test_a_generator_is_refused_for_what_it_gives_and_told_why(exercise, backend):
    verdict = judged(exercise, yields)
    assert verdict.says == [
        "It returned <generator object yields>.",
        "collect has a yield in it: a call gives a generator, and runs nothing until that is read.",
    ]


def test_input_that_is_read_twice(exercise, backend):
    def twice(tasks, workers):
        print(len(list(tasks)), "tasks")
        return [task() for task in tasks]

    verdict = judged(exercise, twice)
    assert verdict.says[0] == "It returned []."
    assert verdict.says[1].startswith("The input was read a second time, after its end.")

    def once_more_for_nothing(tasks, workers):
        return [task() for task in tasks] + [task() for task in tasks]

    assert judged(exercise, once_more_for_nothing).says == ["It returned [0, 1, 2, 3, 4, 5]."]


# What else there is to see


def test_prints_are_kept_under_the_verdict(exercise, backend, nothing_left, capfd):
    def prints(tasks, workers):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(print, "from a worker").result()
        print("to stderr", file=sys.stderr)
        return right(tasks, workers)

    verdict = judged(exercise, prints)
    assert verdict.passed
    assert verdict.printed == "from a worker\nto stderr"
    assert "from a worker" in repr(verdict) and "from a worker" in verdict._repr_html_()
    assert capfd.readouterr() == ("", "")


def test_a_flood_of_prints_is_cut(exercise, nothing_left):
    def floods(tasks, workers):
        while True:
            print("water")

    verdict = judged(exercise, floods)
    assert verdict.printed.splitlines()[:3] == ["water"] * 3
    assert len(verdict.printed.splitlines()) == 21 and "more lines" in verdict.printed


def test_a_thread_that_dies_is_named(exercise, backend, nothing_left):
    def loses_a_thread(tasks, workers):
        thread = threading.Thread(target=lambda: 1 / 0, name="lost")
        thread.start()
        thread.join()
        return right(tasks, workers)

    verdict = judged(exercise, loses_a_thread)
    assert verdict.passed
    assert "The thread lost ended with ZeroDivisionError: division by zero, at test_exercises" in says(verdict)


def test_a_thread_left_behind_is_named(exercise, backend, nothing_left):
    stop = threading.Event()

    def leaves(tasks, workers):
        threading.Thread(target=stop.wait, name="left").start()
        return right(tasks, workers)

    try:
        verdict = judged(exercise, leaves)
    finally:
        stop.set()
        while any(thread.name == "left" for thread in threading.enumerate()):
            time.sleep(0.01)
    assert verdict.passed
    assert "1 thread was still there when the function had returned: left" in says(verdict)


def test_a_pool_that_is_garbage_is_not_left_behind(exercise, backend, nothing_left):
    def drops_its_pool(tasks, workers):
        pool = ThreadPoolExecutor(workers)
        pool.itself = pool  # so that it is no garbage before the collector finds it
        return [pool.submit(task).result() for task in tasks]

    assert judged(exercise, drops_its_pool).says == ["It returned [0, 1, 2, 3, 4, 5]."]


def test_nothing_of_the_kernel_is_changed(exercise):
    seen = []

    def writes(tasks, workers):
        seen.append(1)
        os.environ["EXERCISE_WAS_HERE"] = "1"
        return right(tasks, workers)

    assert judged(exercise, writes).passed
    assert seen == [] and "EXERCISE_WAS_HERE" not in os.environ


def test_a_bare_input_does_not_hang(exercise):
    def asks(tasks, workers):
        input("? ")

    assert "nobody to ask" in judged(exercise, asks).says[0]


# Right answers unlike ours, for a check that holds tasks still

pool_of_an_earlier_cell = ThreadPoolExecutor(3)


def by_threads(tasks, workers):
    todo, results = queue.SimpleQueue(), [None] * len(tasks)
    for pair in enumerate(tasks):
        todo.put(pair)

    def work():
        while not todo.empty():
            try:
                n, task = todo.get_nowait()
            except queue.Empty:
                return
            results[n] = task()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def by_as_completed(tasks, workers):
    with ThreadPoolExecutor(workers) as pool:
        index = {pool.submit(task): n for n, task in enumerate(tasks)}
        results = {index[future]: future.result() for future in as_completed(index)}
    return [results[n] for n in range(len(tasks))]


def by_exit_stack(tasks, workers):
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        return list(pool.map(lambda task: task(), tasks))


def by_an_earlier_pool(tasks, workers):
    if workers != 3:
        return by_as_completed(tasks, workers)
    return [future.result() for future in [pool_of_an_earlier_cell.submit(task) for task in tasks]]


class Collector:
    def __call__(self, tasks, workers):
        return by_exit_stack(tasks, workers)

    def collect(self, tasks, workers):
        return by_exit_stack(tasks, workers)


UNLIKE_OURS = [
    by_threads,
    by_as_completed,
    by_exit_stack,
    lambda jobs, n: by_exit_stack(jobs, n),
    lambda *args: by_exit_stack(*args),
    Collector(),
    Collector().collect,
    functools.partial(by_as_completed),
    functools.wraps(by_threads)(lambda *args, **kwargs: by_threads(*args, **kwargs)),
]


@pytest.fixture(scope="module")
def collect_exercise():
    return read(PROJECT / "exercises" / "02_collect.py")


@pytest.mark.parametrize("fn", UNLIKE_OURS)
def test_right_answers_of_all_kinds_pass(collect_exercise, backend, nothing_left, fn):
    assert judged(collect_exercise, fn).passed


def test_a_check_goes_on_after_its_file_was_read_again(backend):
    first, second = (read(PROJECT / "exercises" / "10_swap.py") for _ in range(2))
    assert judged(first, first.solution).passed and judged(second, second.solution).passed


def test_a_pool_of_an_earlier_cell_works_in_a_check(collect_exercise):
    list(pool_of_an_earlier_cell.map(time.sleep, [0.01] * 8))
    verdict = judged(collect_exercise, by_an_earlier_pool)
    assert verdict.passed and all(finding.ok for finding in verdict.findings), "no thread is said to be left"
    assert pool_of_an_earlier_cell.submit(abs, -1).result(10) == 1
    pool_of_an_earlier_cell.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="without a fork there is no child that could be stuck")
@pytest.mark.parametrize("gil", [True, False])
def test_a_child_that_is_stuck_in_no_line_of_the_learner_has_a_second_try_without_a_gil(exercise, monkeypatch, gil):
    """As after a fork in which another thread held an object, which without a GIL has a lock."""
    monkeypatch.setattr(sandbox, "gil_enabled", lambda: gil)
    flag = exercise.path.with_name("flag")
    checked = with_check(
        exercise,
        "import threading, pathlib",
        f"flag = pathlib.Path({str(flag)!r})",
        "if not flag.exists():",
        "    flag.touch()",
        "    threading.Event().wait()",
        "yield collect([], 1) == [], 'nothing of nothing'",
    )
    verdict = judged(checked, lambda tasks, workers: [])
    assert verdict.passed is not gil
    assert gil == ("no thread stood in your code" in repr(verdict))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="without a fork there is no child that could be stuck")
def test_an_answer_that_is_stuck_itself_has_one_try(exercise, monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "gil_enabled", lambda: False)
    tried = tmp_path / "tried"

    def stuck(tasks, workers):
        with tried.open("a") as file:
            file.write("once ")
        threading.Event().wait()

    assert not judged(exercise, stuck).passed
    assert tried.read_text() == "once "
