"""The order of the tests: the quick ones, then the notebooks, then the browser's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


def stage(item: pytest.Item) -> int:
    if TESTS / "browser" in item.path.parents:
        return 2
    return 1 if item.path.suffix == ".ipynb" else 0


@pytest.fixture
def untouched_by_make() -> dict[str, str]:
    """The environment as a person's shell has it: a make around these tests hands its options down in variables."""
    handed_down = ("MAKE", "MFLAGS", "PYTHON", "PIP_", "ARGS", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(handed_down)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A stable sort: a notebook's cells keep their order. A JupyterLab or browser left open would run beside them.
    items.sort(key=stage)
