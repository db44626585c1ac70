"""A process that answers lines: told one on its stdin it writes one to its stdout, or it is ended."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO


class LineProcess:
    """`command`, which must end with its stdin, from here to `end()` or until this object is forgotten.

    `name` is what errors call it; `limit` the seconds in which it must answer, or end.
    """

    def __init__(self, name: str, command: list[str], limit: float) -> None:
        self.name, self.limit = name, limit
        # A file, not a pipe: nobody reads it unless something goes wrong, and it can't fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        # Once: by end(), or when this object is forgotten.
        self.end = weakref.finalize(self, _hang_up, self.child, self._errors, limit)
        self.end.atexit = False

    def tell(self, words: str, answers: bool = True) -> str:
        """Send `words` and return the line that comes back; RuntimeError if the process is gone or silent."""
        child = self.child
        assert child.stdin is not None and child.stdout is not None
        line = ""
        with _at_most(self.limit, child):
            with suppress(OSError):
                child.stdin.write(words)
                child.stdin.flush()
                line = child.stdout.readline() if answers else "\n"
            if line.endswith("\n"):
                return line
            code = child.wait()
        self._errors.seek(0)
        what = f"{self.name} ended, or did not answer in {self.limit:g} s (exit code {code})"
        raise RuntimeError(f"{what}\n{self._errors.read()}".strip())


def _hang_up(child: subprocess.Popen[str], errors: IO[str], limit: float) -> None:
    """Let the process end, as it does at the end of its stdin, and make sure of it."""
    with suppress(OSError):
        child.stdin.close()  # type: ignore[union-attr]
    try:
        child.wait(limit)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        child.stdout.close()  # type: ignore[union-attr]
        errors.close()


@contextmanager
def _at_most(seconds: float, child: subprocess.Popen[str]) -> Iterator[None]:
    """Kill `child` if the block takes longer: a blocked read of its output then ends."""
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    try:
        yield
    except BaseException:
        child.kill()  # an answer that an interrupt left unread would be taken for the next one
        child.wait()  # until it is gone, a question can still be written and that answer read
        raise
    finally:
        timer.cancel()
        timer.join()
