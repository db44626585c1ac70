"""In a notebook's kernel, an interrupt that comes in the middle of an import takes effect at the import's end, and one
that comes when a cell's code has ended has none.

An import that is cut short leaves its package in pieces until the kernel is restarted: the parts that were complete
stay in `sys.modules`, and are not tied to the package when it is imported anew ("module 'dask' has no attribute
'utils'"). Nowhere is an interrupt more likely: the first cell of a lesson imports for a second or two.

An interrupt behind the end of a cell's code ends ipykernel's own, and its reply is lost: the cell seems to run for ever
(github.com/ipython/ipykernel/issues/666; measured with 7.4.0: 9 of 120 interrupts around a cell of 30 ms).
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

IMPORTS = "<frozen importlib._bootstrap>"  # the file of all functions of Python that import
PATIENCE = 5.0  # seconds after which a second interrupt ends an import in its middle: it may be an endless loop


class Handler:
    """Handles SIGINT in the main thread: raises KeyboardInterrupt as Python does, but for an import after its end.

    What called the import then raises it at its next line, or as it returns: both are told to a trace function. Sent
    again a moment later, an interrupt might come when the cell has ended.
    """

    def __init__(self, runs_cells: CodeType) -> None:
        self.runs_cells = runs_cells
        self.since = 0.0  # when the first interrupt of this import came
        self._importing: FrameType | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        caller, now = importer(frame), time.monotonic()
        if not any(one.f_code is self.runs_cells for one in stack(frame)):
            return
        if caller is None or (caller is not self._importing and sys.gettrace()):
            signal.default_int_handler(number, frame)
        elif caller is not self._importing:
            self.since, self._importing, caller.f_trace = now, caller, self._back
            sys.settrace(lambda *_: None)
        elif now - self.since > PATIENCE:
            self._forget()
            signal.default_int_handler(number, frame)

    def _back(self, *_: Any) -> None:
        self._forget()
        raise KeyboardInterrupt

    def _forget(self) -> None:
        sys.settrace(None)
        if self._importing is not None:
            self._importing.f_trace = None
        self._importing = None


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """`frame`, who called it, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def importer(frame: FrameType | None) -> FrameType | None:
    """Who called the outermost import that `frame` runs in, or None."""
    imports = [one for one in stack(frame) if one.f_code.co_filename == IMPORTS]
    return imports[-1].f_back if imports else None


def take_care() -> None:
    """From now on, in this cell and all that follow. ipykernel sets Python's own handler before each cell."""
    shell = getattr(sys.modules["IPython"], "get_ipython", lambda: None)()
    if shell is None:
        return
    handler = Handler(shell.run_code.__func__.__code__)

    def install(*_: Any) -> None:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, handler)

    shell.events.register("pre_run_cell", install)
    install()
