"""An interrupt in a kernel: inside an import it waits for the import's end, everywhere else it comes at once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel import LIMIT, Kernel

# Says when it is half imported for the first time, and goes on once it has been interrupted.
PIECES = """
import pathlib, signal, time
import pieces.part

half, handler = pathlib.Path("half of pieces"), signal.getsignal(signal.SIGINT)
before = getattr(handler, "since", 0)
for _ in range(0 if half.exists() else 6000):
    half.touch()
    if getattr(handler, "since", 0) != before:
        break
    time.sleep(0.01)
complete = True
"""
ENDLESS = """
import pathlib, signal

handler = signal.getsignal(signal.SIGINT)
before = handler.since
while True:
    pathlib.Path("endless" if handler.since == before else "endless, asked once").touch()
"""
BUSY = """
import pathlib
pathlib.Path("busy").touch()
while True:
    pass
"""


def error(kernel: Kernel, code: str, *interrupt_at: str) -> str:
    """Run a cell, and interrupt it as each of these files comes up; the name of the error that it raised."""
    asked = kernel.client.execute(code)
    for name in interrupt_at:
        end = time.monotonic() + LIMIT
        while not (kernel.folder / name).exists():
            assert time.monotonic() < end, f"{name} was never there"
            time.sleep(0.01)
        kernel.manager.interrupt_kernel()
    while True:
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
        if reply["parent_header"].get("msg_id") == asked:
            return str(reply["content"].get("ename", ""))


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    for name in ("pieces", "others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(PIECES.replace("pieces", name))
        (tmp_path / name / "part.py").touch()
    (tmp_path / "endless.py").write_text(ENDLESS)
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


def test_an_interrupted_import_is_whole_and_all_else_ends_at_once(kernel: Kernel) -> None:
    assert error(kernel, "import time, helpers") == ""
    assert error(kernel, "import pieces\nwhile True: time.sleep(0.01)", "half of pieces") == "KeyboardInterrupt"
    assert error(kernel, "import pieces\nassert pieces.complete and pieces.part") == ""
    last = error(kernel, "from others import complete", "half of others")
    assert last == "KeyboardInterrupt", "the import is the cell's last statement"
    assert error(kernel, "import others\nassert others.complete and others.part") == ""
    assert error(kernel, BUSY, "busy") == "KeyboardInterrupt"
    assert error(kernel, "helpers.processes.interrupts.PATIENCE = 0\nimport sys\nassert sys.gettrace() is None") == ""
    assert error(kernel, "import endless", "endless", "endless, asked once") == "KeyboardInterrupt"
    assert error(kernel, "assert sys.gettrace() is None") == ""
