"""Exercises in a real kernel: after a check that hangs the next cell runs, and the kernel ends by itself."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from jupyter_client import KernelManager

from exercises import kit

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LIMIT = 60

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


class Kernel:
    """A kernel as JupyterLab has one; `run` gives a cell's outputs by kind."""

    def __init__(self, **env):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(cwd=str(NOTEBOOKS), env={**os.environ, **env}, extra_arguments=["--log-level=ERROR"])
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(LIMIT)
        self.process = psutil.Process(self.manager.provisioner.process.pid)

    def run(self, code):
        outputs = {}

        def keep(message):
            content = message["content"]
            text = content.get("text") or content.get("data", {}).get("text/plain") or content.get("ename")
            if message["msg_type"] in ("stream", "execute_result", "error"):
                outputs[message["msg_type"]] = outputs.get(message["msg_type"], "") + text

        self.client.execute_interactive(code, output_hook=keep, timeout=LIMIT, allow_stdin=False)
        return outputs

    def leave(self):
        """Ask the kernel to end, as JupyterLab does; its exit code. Nobody kills it meanwhile."""
        self.client.shutdown()
        return self.manager.provisioner.process.wait(LIMIT)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(request):
    made = Kernel(**getattr(request, "param", {}))
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
