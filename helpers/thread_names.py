"""Learning the names of threads that come and go."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import thread as pool_module
from contextlib import contextmanager
from typing import Any


@contextmanager
def thread_names() -> Iterator[dict[int, str]]:
    """Inside the block: learn the name of every thread, also of those that come and go. Gives native id -> name."""
    names: dict[int, str] = {}
    before = threading.getprofile()

    # A new thread calls this once, when threading has registered it: the earliest moment its name is known.
    def note(frame: Any, event: Any, arg: Any) -> None:
        names[threading.get_native_id()] = threading.current_thread().name
        sys.setprofile(before)
        if before is not None:
            before(frame, event, arg)  # up to 3.11 this is VizTracer, which must not miss a thread

    _add_living(names)
    threading.setprofile(note)
    try:
        yield names
    finally:
        if threading.getprofile() is note:
            threading.setprofile(before)  # type: ignore[arg-type]
        _add_living(names)


def _add_living(names: dict[int, str]) -> None:
    for thread in threading.enumerate():
        # threading makes a Dummy for a thread that asks for itself before it is registered or after it was.
        if thread.native_id is not None and not thread.name.startswith("Dummy-"):
            names[thread.native_id] = thread.name


def pool_workers() -> list[str]:
    """The names of the pool workers that are alive now, without those of an event loop, which nobody asked for."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = []
    for ident, frame in sys._current_frames().items():
        at: Any = frame
        while at is not None and not (at.f_code.co_name == "_worker" and at.f_code.co_filename == pool_module.__file__):
            at = at.f_back
        if at is not None:
            found.append(names.get(ident, str(ident)))
    return sorted(name for name in found if not name.startswith("asyncio_"))
