"""A real HTTP server on loopback that is slow and sometimes fails, and that reports what it saw.

It runs in a process of its own, so it shares neither the GIL nor the memory of the code that fetches from it.
Nothing but this computer can reach it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from helpers.checks import number, whole
from helpers.server_report import Request, Seen

PROGRAM = Path(__file__).with_name("slow_server_process.py")
LIMIT = 10.0  # seconds that the server may take to start, or to report


class SlowServer:
    """Made by `slow_server`; runs from `start()` to `stop()`, or in a `with` block."""

    def __init__(self, settings: dict) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._end: Callable[[], object] = lambda: None
        self._port = 0
        self._seen: Seen | None = None

    @property
    def url(self) -> str:
        """The server's root, `http://127.0.0.1:PORT/`."""
        if not self._port:
            raise RuntimeError("the slow server has not been started: use `with slow_server() as server:`")
        return f"http://127.0.0.1:{self._port}/"

    def page(self, n: int, latency: float | None = None) -> str:
        """The URL of page `n` (0 or more); `latency` in seconds sets what this one page takes."""
        asked = "" if latency is None else f"?latency={number('latency', latency, 0, 60, 'seconds'):f}"
        return f"{self.url}page/{whole('n', n, 0)}{asked}"

    def seen(self) -> Seen:
        """What the server has seen so far, or until it stopped."""
        with self._lock:
            if self._child is not None:
                self._seen = self._report()
            if self._seen is None:
                raise RuntimeError("the slow server has no report: it was not started, or did not end well")
            return self._seen

    def start(self) -> SlowServer:
        """Start the process; RuntimeError if it does not listen within 10 seconds, or has run before."""
        if self._port or self._child is not None:
            raise RuntimeError("this slow server has run already: make another with slow_server(...)")
        _reach_loopback_directly()
        settings = json.dumps({**self._settings, "parent": os.getpid()})
        with self._lock:
            # A file, not a pipe: nobody reads it unless something goes wrong, and it can't fill up.
            self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PROGRAM), settings],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
            # Once: by stop(), or when this object is forgotten.
            self._end = end = weakref.finalize(self, _hang_up, self._child, self._errors)
            end.atexit = False
            try:
                self._port = int(self._tell(""))
            except BaseException:
                self._child = None
                end()
                raise
        return self

    def stop(self) -> None:
        """Take the last report and end the process; does nothing when it is not running."""
        with self._lock:
            if self._child is None:
                return
            try:
                self._seen = self._report()
                self._tell("stop\n", answers=False)
            except RuntimeError:
                self._seen = None
            finally:
                self._child = None
                self._end()

    def _report(self) -> Seen:
        return Seen(tuple(Request(*row) for row in json.loads(self._tell("seen\n"))))

    def _tell(self, words: str, answers: bool = True) -> str:
        """Send `words` and return the line that comes back; RuntimeError if the process is gone or silent."""
        child = self._child
        assert child is not None and child.stdin is not None and child.stdout is not None
        line = ""
        with _at_most(LIMIT, child):
            with suppress(OSError):
                child.stdin.write(words)
                child.stdin.flush()
                line = child.stdout.readline() if answers else "\n"
            if line.endswith("\n"):
                return line
            code = child.wait()
        self._errors.seek(0)
        what = f"the slow server ended, or did not answer in {LIMIT:g} s (exit code {code})"
        raise RuntimeError(f"{what}\n{self._errors.read()}".strip())

    def __enter__(self) -> SlowServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def slow_server(
    latency: float = 0.05,
    jitter: float = 0.0,
    error_rate: float = 0.0,
    limit: int | None = None,
    seed: int = 0,
    *,
    slots: int | None = None,
    retry_after: int = 1,
) -> SlowServer:
    """A slow HTTP server on loopback, for `with slow_server() as server:`; pages are at `server.page(n)`.

    Each answer takes `latency` seconds and up to `jitter` more. A share `error_rate` (0 to 1) of them are 500
    or 503. Both depend on `seed`, the path, and how often the path has been asked for; in which order threads
    happen to run changes nothing. Beyond `limit` requests at once it answers 429 without delay, and says
    `Retry-After: retry_after`, in whole seconds (RFC 9110, section 10.2.3). With `slots` it works on so many
    requests at once while the others wait in line. TypeError or ValueError names a bad argument.
    """
    return SlowServer(
        {
            "latency": number("latency", latency, 0, 60, "seconds"),
            "jitter": number("jitter", jitter, 0, 60, "seconds"),
            "error_rate": number("error_rate", error_rate, 0, 1),
            "limit": None if limit is None else whole("limit", limit, 1),
            "seed": whole("seed", seed, 0),
            "slots": None if slots is None else whole("slots", slots, 1),
            "retry_after": whole("retry_after", retry_after, 0, 60),
        }
    )


def _hang_up(child: subprocess.Popen[str], errors: IO[str]) -> None:
    """Let the process end, as it does at the end of its stdin, and make sure of it."""
    with suppress(OSError):
        child.stdin.close()  # type: ignore[union-attr]
    try:
        child.wait(LIMIT)
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
        raise
    finally:
        timer.cancel()
        timer.join()


def _reach_loopback_directly() -> None:
    """Where the environment names a proxy, keep requests to this computer away from it (urllib would not)."""
    if any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
        hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
        if "127.0.0.1" not in hosts.split(","):
            os.environ["no_proxy"] = f"{hosts},127.0.0.1".lstrip(",")
