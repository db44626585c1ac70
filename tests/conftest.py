"""Tests side by side: `make test` runs four processes, since tests wait for most of their time (pytest-xdist).

What must stay together is a group: the cells of a lesson, a file of browser tests. What measures time or the GIL is
marked `alone`: it comes last, and runs while no other test does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TESTS = Path(__file__).resolve().parent
# They measure how long the GIL is held, or what a pool gets done in a second.
LESSONS_ALONE = ("06-", "08-")


def stage(item: pytest.Item) -> int:
    """What takes long begins early: browser tests, lessons, all others; at last what is to be alone."""
    if item.get_closest_marker("alone"):
        return 3
    if TESTS / "browser" in item.path.parents:
        return 0
    return 1 if item.path.suffix == ".ipynb" else 2


# First: pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name.startswith(LESSONS_ALONE):
            item.add_marker(pytest.mark.alone)
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.xdist_group("alone"))
        elif item.path.suffix == ".ipynb" or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    # A stable sort: a notebook's cells keep their order.
    items.sort(key=stage)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A lock that tests share, and that a test with the mark `alone` has for itself; its time limit begins after."""
    if fcntl is None:
        return (yield)
    with open(__file__, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)


@pytest.fixture
def untouched_by_make() -> dict[str, str]:
    """The environment as a person's shell has it: a make around these tests hands its options down in variables."""
    handed_down = ("MAKE", "MFLAGS", "PYTHON", "PIP_", "ARGS", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(handed_down)}
