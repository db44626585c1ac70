"""Tests side by side: `make test` runs five processes a core, since tests wait for most of their time (pytest-xdist).

What must stay together is a group: the cells of a lesson, all tests in a browser. What measures time or the GIL
comes last, and runs while no other test does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from helpers.machine import usable_cpus

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Each measures how long the GIL is held.
ALONE = ("test_gil.py", "test_gil_lab.py", "test_sampler.py", "06-")
# The tests of each share one thing that takes long to make.
SHARING = ("test_site.py", "test_run_notebooks.py", "test_perfetto.py", "test_other_executors.py")
LONG = ("test_stress.py", "test_make.py", "test_exercises_kernel.py", "test_environment.py", "test_handout.py")
WAITING = "test_exercises.py"  # hundreds that wait more than they compute


def alone(path: Path) -> bool:
    return path.name.startswith(ALONE)


def group(path: Path) -> str:
    """The cells of a lesson need one kernel. Tests in a browser share it: two at once would have a core each."""
    if alone(path):
        return "alone"
    if path.parent.name == "browser":
        return "browser"
    return path.name if path.suffix == ".ipynb" or path.name in SHARING else ""


def stage(path: Path) -> int:
    """What takes long begins early: what is a group, lessons and other long ones, the rest; at last who is alone."""
    if alone(path):
        return 3
    return path.suffix == ".ipynb" if group(path) else 2 - (path.name in LONG)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A stable sort: a notebook's cells keep their order. Those that wait are spread, in no order, among all others.
    waiting = sorted((i for i in items if i.path.name == WAITING), key=lambda item: crc32(item.nodeid.encode()))
    others = sorted((i for i in items if i.path.name != WAITING), key=lambda item: stage(item.path))
    first, last = (sum(stage(item.path) < least for item in others) for least in (2, 3))
    every = 0.9 * (last - first) / max(len(waiting), 1)  # not to the very end, where nobody would compute meanwhile
    placed = [(float(n), item) for n, item in enumerate(others)]
    placed += [(first + n * every - 0.5, item) for n, item in enumerate(waiting)]
    items[:] = [item for _, item in sorted(placed, key=itemgetter(0))]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min(5 * usable_cpus(), 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests are handed out one by one and in this order, but a group goes to one process."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(Path(nodeid.partition("::")[0])) or nodeid

    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A lock that tests share, and that a test which is to be alone has for itself; its time limit begins after."""
    if fcntl is None:
        return (yield)
    with open(__file__, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone(item.path) else fcntl.LOCK_SH)
        return (yield)


@pytest.fixture
def untouched_by_make() -> dict[str, str]:
    """The environment as a person's shell has it: a make around these tests hands its options down in variables."""
    handed_down = ("MAKE", "MFLAGS", "PYTHON", "PIP_", "ARGS", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(handed_down)}
