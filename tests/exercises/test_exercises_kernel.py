"""Exercises in a real kernel: after a check that hangs the next cell runs, and the kernel ends by itself."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from exercises import kit
from tests.kernel import LIMIT, Kernel

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

SETUP = """
import os, threading, time, logging
from concurrent.futures import ThreadPoolExecutor
from exercises.learner import exercise
"""
DEADLOCK = """
def one_wait(waits):
    print("before the deadlock")
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: pool.submit(len, waits).result()).result()

exercise("00-one-wait").check(one_wait)
""".strip()
PASSES = """
logging.basicConfig()

def one_wait(waits):
    logging.warning("logged")
    with ThreadPoolExecutor(len(waits)) as pool:
        return list(pool.map(lambda wait: wait(), waits))

exercise("00-one-wait").check(one_wait)
"""


@pytest.fixture
def kernel(request):
    made = Kernel(NOTEBOOKS, **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.mark.parametrize(
    "kernel", [{"THREADPOOL_EXERCISES_IN": "fork"}, {"THREADPOOL_EXERCISES_IN": "thread"}], ids=str, indirect=True
)
def test_after_a_deadlock_the_kernel_goes_on_and_ends_by_itself(kernel):
    kernel.run(SETUP)
    outputs = kernel.run(DEADLOCK)
    assert outputs.keys() == {"execute_result"}, "the learner's print belongs to the verdict, not to the cell"
    verdict = outputs["execute_result"]
    assert "every thread waited for another" in verdict
    assert "waited at cell, line 4, in <lambda>: `return pool.submit(lambda: pool.submit(len, waits)" in verdict
    assert "before the deadlock" in verdict and "ipykernel" not in verdict
    assert kernel.process.children(recursive=True) == []

    assert kernel.run("1 + 1") == {"execute_result": "2"}
    outputs = kernel.run(PASSES)
    assert outputs.keys() == {"execute_result"} and outputs["execute_result"].startswith("00-one-wait: passed")
    assert "WARNING:root:logged" in outputs["execute_result"]
    assert kernel.leave() == 0


def test_an_interrupt_ends_the_check_with_its_processes(kernel):
    kernel.run(SETUP)
    clock = kit.Clock()

    def interrupt():
        while not kernel.process.children():
            assert clock.read() < LIMIT
        kernel.process.send_signal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        interrupted = pool.submit(interrupt)
        endless = DEADLOCK.replace("with Thr", "while True: pass\n    with Thr")
        assert kernel.run(endless) == {"error": "KeyboardInterrupt"}
        interrupted.result()
    assert kernel.process.children(recursive=True) == []
    assert kernel.run("1 + 1") == {"execute_result": "2"}


def test_a_check_does_not_outlive_a_kernel_that_is_killed(kernel):
    kernel.run(SETUP)
    with ThreadPoolExecutor(1) as pool:
        clock, checking = kit.Clock(), threading.Event()

        def children():
            while not (found := kernel.process.children()):
                assert clock.read() < LIMIT
            checking.set()
            return found

        found = pool.submit(children)
        kernel.client.execute(DEADLOCK.replace("with Thr", "threading.Event().wait()\n    with Thr"))
        [child] = found.result()
    kernel.process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs([child], LIMIT / 10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
