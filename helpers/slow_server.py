"""A real HTTP server on loopback that is slow and sometimes fails, and that reports what it saw.

It runs in a process of its own, so it shares neither the GIL nor the memory of the code that fetches from it.
Nothing but this computer can reach it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from helpers.checks import number, whole
from helpers.line_process import LineProcess
from helpers.server_report import Request, Seen

PROGRAM = Path(__file__).with_name("slow_server_process.py")
LIMIT = 10.0  # seconds that the server may take to start, or to report


class SlowServer:
    """Made by `slow_server`; runs from `start()` to `stop()`, or in a `with` block."""

    def __init__(self, settings: dict) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: LineProcess | None = None
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
            if self._process is not None:
                self._seen = _report(self._process)
            if self._seen is None:
                raise RuntimeError("the slow server has no report: it was not started, or did not end well")
            return self._seen

    def start(self) -> SlowServer:
        """Start the process; RuntimeError if it does not listen within 10 seconds, or has run before."""
        if self._port or self._process is not None:
            raise RuntimeError("this slow server has run already: make another with slow_server(...)")
        _reach_loopback_directly()
        settings = json.dumps({**self._settings, "parent": os.getpid()})
        with self._lock:
            command = [sys.executable, "-I", "-S", str(PROGRAM), settings]
            process = self._process = LineProcess("the slow server", command, LIMIT)
            try:
                self._port = int(process.tell(""))
            except BaseException:
                self._process = None
                process.end()
                raise
        return self

    def stop(self) -> None:
        """Take the last report and end the process; does nothing when it is not running."""
        with self._lock:
            process = self._process
            if process is None:
                return
            try:
                self._seen = _report(process)
                process.tell("stop\n", answers=False)
            except RuntimeError:
                self._seen = None
            finally:
                self._process = None
                process.end()

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


def _report(process: LineProcess) -> Seen:
    return Seen(tuple(Request(*row) for row in json.loads(process.tell("seen\n"))))


def _reach_loopback_directly() -> None:
    """Where the environment names a proxy, keep requests to this computer away from it (urllib would not)."""
    if any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
        hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
        if "127.0.0.1" not in hosts.split(","):
            os.environ["no_proxy"] = f"{hosts},127.0.0.1".lstrip(",")
