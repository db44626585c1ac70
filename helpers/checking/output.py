"""What a learner's code prints during a check is kept for the verdict: print, stderr and logging."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KEPT = 10_000  # characters


class Printed(io.TextIOBase):
    """Takes the place of sys.stdout and sys.stderr, and hands on what is written, up to KEPT characters."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send, self._left = send, KEPT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0 and text:
            self._send({"printed": text[: self._left]})
            self._left -= len(text)
        return len(text)


@contextmanager
def printed(send: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Send what is printed in the block as {"printed": text}."""
    streams, stream = (sys.stdout, sys.stderr), Printed(send)
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in streams
    ]
    kept = [handler.setStream(stream) for handler in handlers]
    sys.stdout = sys.stderr = stream
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for handler, before in zip(handlers, kept, strict=True):
            handler.setStream(before)
