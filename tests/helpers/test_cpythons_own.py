"""CPython's own tests of thread pools and Futures, under a watch: they end as they do without one."""

import importlib
import unittest
from contextlib import nullcontext

import pytest

from helpers import watch

MODULES = ("thread_pool", "as_completed", "wait", "future", "shutdown")
# It submits without end while it forks fifty times: with a row a task each fork has more memory to copy.
WITHOUT_END = "test_hang_global_shutdown_lock"


def cases():
    """The tests that need no processes; none where Python comes without its own tests, or in one file (3.11)."""
    for name in MODULES:
        try:
            module = importlib.import_module(f"test.test_concurrent_futures.test_{name}")
        except ImportError:
            return
        suites = unittest.defaultTestLoader.loadTestsFromModule(module)
        for case in (case for suite in suites for case in suite):
            if not type(case).__name__.startswith(("Process", "Interpreter")) and WITHOUT_END not in case.id():
                yield pytest.param(case, id=case.id().partition("test_concurrent_futures.")[2])


def problems(case, look):
    result = unittest.TestResult()
    with look:
        case.run(result)
    assert result.testsRun == 1
    return [text.splitlines()[-1] for _, text in result.errors + result.failures]


@pytest.mark.parametrize("case", list(cases()))
def test_it_ends_as_it_does_bare(case):
    found = problems(case, watch())
    assert found == [] or found == problems(case, nullcontext())  # some can't be run by pytest, which takes their log
