"""A real Chromium for tests, without the internet."""

from __future__ import annotations

import os
import shutil
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
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, closed at the end; where there is none, the test is skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    executable = find_chromium()
    if executable is None:
        pytest.skip("needs Chromium: apt-get install chromium, or name one in the variable CHROMIUM")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()
