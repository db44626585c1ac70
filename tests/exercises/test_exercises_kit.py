"""What checks are written with: gates decide by who comes, not by a clock, and input is read once."""

import asyncio
import collections
import queue
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from pathlib import Path

import pytest

from exercises.engine.check import Check
from exercises.engine.learner_code import Learners
from exercises.kit import (
    Clock,
    Gate,
    Hold,
    LoopClock,
    Standing,
    Window,
    added,
    count,
    hurried,
    interleavings,
    once,
    watch,
)
from helpers import tasks


def test_a_gate_opens_when_all_have_come():
    gate = Gate(3, patience=5)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(gate.task, "abcdef")) == list("abcdef")
    assert (gate.met, gate.gave_up, gate.most, gate.arrived) == (True, False, 3, 6)


def test_a_gate_to_which_nobody_else_comes_opens_by_itself():
    gate = Gate(3, patience=0.1)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(gate.task, range(4))) == [0, 1, 2, 3]
    assert (gate.met, gate.gave_up, gate.most, gate.arrived) == (False, True, 2, 4)


def looks_at_the_clock(end):
    while time.monotonic() < end:
        pass


MINUTE = {  # ways to wait a minute for `task`, which stands in `thread`
    "exception": lambda task, thread: task.exception(timeout=60),
    "wait": lambda task, thread: wait([task], 60),
    "as_completed": lambda task, thread: next(as_completed([task], 60)),
    "join": lambda task, thread: thread.join(60),
    "get": lambda task, thread: queue.Queue().get(timeout=60),
    "simple": lambda task, thread: queue.SimpleQueue().get(timeout=60),
    "acquire": lambda task, thread: threading.Semaphore(0).acquire(timeout=60),
    "sleep": lambda task, thread: time.sleep(60),
    "clock": lambda task, thread: looks_at_the_clock(time.monotonic() + 60),
    "nameless": lambda task, thread: eval("sleep(60)", {"sleep": time.sleep}),
}


@pytest.mark.parametrize("way", MINUTE)
def test_a_minute_is_short_for_the_answer_alone(way):
    Check(Learners(Path("exercise"))).begin()
    gate, task = Gate(patience=5), Future()
    with hurried():
        thread = threading.Thread(target=lambda: task.set_result(gate.task()))
        thread.start()
        with suppress(TimeoutError, queue.Empty):
            MINUTE[way](task, thread)
        waited = gate.gave_up
        gate.open()
        thread.join()
    assert not waited
    kept = (time.sleep, time.monotonic, threading.Thread.join, threading.Condition.wait, queue.SimpleQueue)
    assert hurried.__module__ not in {call.__module__ for call in kept}


def test_standing_still_in_code_without_a_module_is_noted():
    with Standing() as stood:
        stood.thread = threading.get_ident()
        eval("sleep(0.001)", {"sleep": time.sleep})
    assert stood.calls == ["time.sleep"]


def test_none_is_no_sum_of_what_was_added():
    assert added(lambda tasks: None, 1111) == (1, "None")


def test_patience_begins_anew_with_each_arrival():
    gate, before = Gate(4, patience=1), threading.Barrier(2)
    with ThreadPoolExecutor(4) as pool:
        for n in range(4):
            pool.submit(lambda: (before.wait(10), gate.task()))
            before.wait(10)
            time.sleep(0.6 if n < 3 else 0)  # three of them: longer than the patience, and no one of them is
    assert gate.met and not gate.gave_up


def test_a_gate_without_a_size_waits_for_open():
    gate = Gate(patience=5)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gate.task, "x")
        while not gate.arrived:
            assert not future.done()
        gate.open()
        assert future.result(10) == "x"
    assert (gate.met, gate.gave_up) == (False, False)


def test_leaving_its_block_opens_a_gate():
    with ThreadPoolExecutor(1) as pool, Gate(2, patience=5) as gate:
        future = pool.submit(gate.task)
        while not gate.arrived:
            pass
    assert future.result(10) is None and not gate.gave_up


def test_who_comes_after_the_opening_does_not_stand_there():
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):  # so that in some of them the first is still about to leave
            gate = Gate()
            first = pool.submit(gate.task)
            while not gate.arrived:
                pass
            gate.open()
            gate.task()
            first.result(10)
            assert (gate.most, gate.arrived) == (1, 2)


@pytest.mark.parametrize(
    "kwargs, name", [({"size": 0}, "size"), ({"size": "4"}, "size"), ({"patience": 6}, "patience")]
)
def test_a_bad_gate_is_named(kwargs, name):
    with pytest.raises((TypeError, ValueError), match=name):
        Gate(**kwargs)


def test_a_clock_does_not_count_while_the_computer_stands_still(monkeypatch):
    now = 0.0
    monkeypatch.setattr(tasks.time, "monotonic", lambda: now)
    clock = Clock()
    for step, seconds in ((0.04, 0.04), (0.05, 0.09), (60, 0.19), (0.01, 0.2)):
        now += step
        assert clock.read() == pytest.approx(seconds)


def test_a_loops_clock_stands_still_and_leaps():
    async def main():
        loop, ends = asyncio.get_running_loop(), []
        clock = LoopClock(loop)
        sleeps = [
            asyncio.create_task(asyncio.sleep(0.01, "a moment")),
            asyncio.create_task(asyncio.sleep(9999, "long")),
        ]

        def others():
            time.sleep(0.05)
            ends.append([sleep.done() for sleep in sleeps])
            clock.leap()
            ends.append([sleep.done() for sleep in sleeps])
            clock.go()
            return clock.free(5)

        assert await asyncio.to_thread(others)
        for sleep in sleeps:
            sleep.cancel()
        later = loop.time()
        await asyncio.sleep(0.01)
        assert loop.time() > later
        return ends

    assert asyncio.run(main()) == [[False, False], [True, False]]


def test_a_loop_that_stands_still_is_not_free():
    async def main():
        clock, told = LoopClock(asyncio.get_running_loop()), threading.Event()
        asked = asyncio.create_task(asyncio.to_thread(lambda: (clock.free(0.1), told.set())))
        await asyncio.sleep(0)
        told.wait(5)
        return await asked

    assert asyncio.run(main()) == (False, None)


def test_input_that_can_be_read_once():
    items = once("abc")
    assert [next(iter(items)), items.taken] == ["a", 1]
    assert list(items) == ["b", "c"] and items.taken == 3
    assert not items.again
    assert list(items) == [] and items.again


def test_input_read_in_pieces_is_read_once():
    items = once("abcd")
    for a, b in zip(items, items, strict=True):
        assert a + b in ("ab", "cd")
    assert not items.again


def test_the_last_recording_is_the_one_to_show():
    check = Check().begin()
    with watch() as first, ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
    with watch() as second:
        pass
    assert check.runs == [first, second] and check.run is second and len(first.tasks) == 1
    assert Check().begin().run is None


def test_counting_words():
    assert [count(n, "task") for n in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]


def test_a_thread_is_held_before_each_line_of_the_answer():
    lines = []

    def answer():
        lines.append(1)
        lines.append(2)

    seen = []
    for hold in interleavings():
        lines.clear()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda hold=hold: hold.__enter__() and (answer(), hold.end()))
            assert hold.turn.wait(10)
            seen.append((hold.reached, list(lines)))
            hold.over.set()
            future.result(10)
        assert lines == [1, 2] and not hold.in_vain
    assert [stood for reached, stood in seen if reached][-2:] == [[], [1]] and not seen[-1][0]


def test_a_hold_before_writes_passes_by_local_variables():
    shared, seen = {}, []

    def answer():
        local = "a"
        shared[local] = 1
        local = "b"
        shared[local] = 2

    for hold in interleavings(writes=True):
        shared.clear()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda hold=hold: hold.__enter__() and (answer(), hold.end()))
            assert hold.turn.wait(10)
            seen.append((hold.reached, list(shared)))
            hold.over.set()
            future.result(10)
    assert seen == [(True, []), (True, ["a"]), (False, ["a", "b"])]


@pytest.mark.parametrize(("library", "lost"), [(collections.__file__, True), ("", False)])
def test_a_hold_comes_to_the_writes_of_a_library(library, lost):
    sums = []
    for hold in interleavings(writes=True, library=library):
        hold._is_theirs = lambda file, _: file == __file__
        words = Counter(word=1)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda hold=hold, words=words: hold.__enter__() and (words.update(word=1), hold.end()))
            assert hold.turn.wait(10)
            words["word"] += 10
            hold.over.set()
            future.result(10)
        sums.append(words["word"])
    assert (2 in sums) == lost and sums[-1] == 12


def test_a_hold_ends_by_itself_where_nobody_can_go_on():
    hold = Hold(1, 0.05)
    with hold:
        pass
    assert hold.in_vain and hold.reached


def window(run, size=3):
    """What a Window finds of `run(tasks, size)`, without the marks."""
    seen = Window(size, 8, patience=0.3)
    with ThreadPoolExecutor(16) as aside:
        run([lambda n=n: seen.task(n) for n in range(8)], size, aside)
        seen.returned()
    return [(ok, says) for ok, says in seen.findings()]


def exactly(tasks, size, _):
    with ThreadPoolExecutor(size) as pool:
        list(pool.map(lambda task: task(), tasks))


def in_batches(tasks, size, aside):
    for start in range(0, len(tasks), size):
        exactly(tasks[start : start + size], size, aside)


def a_pool_for_each(tasks, size, aside):
    room = threading.Semaphore(size)

    def one(task):
        with room:
            exactly([task], 1, aside)

    list(aside.map(one, tasks))


def as_soon_as_all_have_begun(tasks, size, aside):
    begun, room = threading.Semaphore(0), ThreadPoolExecutor(size)
    for task in tasks:
        room.submit(lambda task=task: (begun.release(), task()))
    room.shutdown(wait=False)
    for _ in tasks:
        begun.acquire()


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_window_passes_exactly_its_size(size):
    assert all(ok for ok, _ in window(exactly, size))


@pytest.mark.parametrize(
    "run, sentence",
    [
        (
            lambda tasks, size, aside: exactly(tasks, size + 1, aside),
            "Of 8 tasks on 3 workers, 4 tasks stood",
        ),
        (
            lambda tasks, size, aside: exactly(tasks, size - 1, aside),
            "Of 8 tasks on 3 workers, 2 tasks stood",
        ),
        (lambda tasks, size, aside: [task() for task in tasks], "Of 8 tasks on 3 workers, 1 task stood in flight"),
        (lambda tasks, size, aside: exactly(tasks * 2, size, aside), "there were 16 calls of 8 different tasks."),
        (lambda tasks, size, aside: exactly(tasks[:-1], size, aside), "there were 7 calls of 7 different tasks."),
        (in_batches, "While the first took long, 2 of the 7 others ran."),
        (as_soon_as_all_have_begun, "It returned while "),
        (a_pool_for_each, "They ran in 8 threads; 3 workers are enough for all."),
    ],
)
def test_a_window_refuses_all_else(run, sentence):
    *right, (ok, says) = window(run)
    assert all(ok for ok, _ in right) and not ok
    assert sentence in says
