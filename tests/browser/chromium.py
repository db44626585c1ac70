"""A real Chromium for tests, without the internet."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

# The resolver rule leaves the browser nothing but this computer: a page that needs the internet fails here.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


def find_chromium() -> str | None:
    """Chromium without windows where there is one: the same pages, in two thirds of the CPU time."""
    found = map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, closed at the end; where there is none, the test is skipped.

    Its first context has a profile on disk, which keeps scripts as they were compiled: there JupyterLab takes two
    thirds of the time to load, from the second time on.
    """
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    executable = find_chromium()
    if executable is None:
        pytest.skip("needs Chromium: apt-get install chromium, or name one in the variable CHROMIUM")
    with (
        api.sync_playwright() as playwright,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        playwright.chromium.launch_persistent_context(profile, executable_path=executable, args=FLAGS) as first,
    ):
        yield first.browser
