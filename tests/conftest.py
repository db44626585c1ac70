"""The order of the tests: the quick ones, then the notebooks, then the browser's."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


def stage(item: pytest.Item) -> int:
    if TESTS / "browser" in item.path.parents:
        return 2
    return 1 if item.path.suffix == ".ipynb" else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A stable sort: a notebook's cells keep their order. A JupyterLab or browser left open would run beside them.
    items.sort(key=stage)
