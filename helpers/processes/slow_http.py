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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from helpers._common import at_once, number, whole

PROGRAM = Path(__file__).with_name("slow_http_main.py")
LIMIT = 10.0  # seconds that the server may take to start, to report, or to end


class Request(NamedTuple):
    """One request as the server saw it; times in ns on the clock of `time.perf_counter_ns`.

    `attempt` counts the requests for this path, from 1; None where the server refused (404, 405, 429).
    `status` is None while the request is being answered, and where the client left before its answer.
    """

    path: str
    attempt: int | None
    arrived: int
    answered: int | None
    status: int | None


@dataclass(frozen=True, repr=False)
class Seen:
    """What the server saw: `requests`, in order of arrival, and what follows from them."""

    requests: tuple[Request, ...]

    @property
    def peak(self) -> int:
        """The most requests that were inside the server at one moment; refused ones don't count."""
        inside = [r for r in self.requests if r.attempt is not None]
        counts = at_once((r.arrived for r in inside), (r.answered for r in inside))
        return max((count for _, count in counts), default=0)

    @property
    def statuses(self) -> Counter[int | None]:
        """How many requests got each status: `Counter({200: 40, 503: 6})`."""
        return Counter(r.status for r in self.requests)

    @property
    def paths(self) -> Counter[str]:
        """How many requests each path got, whatever the answer."""
        return Counter(r.path for r in self.requests)

    @property
    def served(self) -> Counter[str]:
        """How many times each path was answered with 200."""
        return Counter(r.path for r in self.requests if r.status == 200)

    @property
    def duplicates(self) -> dict[str, int]:
        """The paths answered with 200 more than once, and how often. A retry after an error is none."""
        return {path: times for path, times in self.served.items() if times > 1}

    def busiest(self, seconds: float) -> int:
        """The most requests that arrived within any span of `seconds`, refused ones too."""
        span = number("seconds", seconds) * 1e9
        arrived = [r.arrived for r in self.requests]
        first = most = 0
        for last, moment in enumerate(arrived):
            while moment - arrived[first] >= span and first < last:
                first += 1
            most = max(most, last - first + 1)
        return most

    def __repr__(self) -> str:
        kinds = ", ".join(f"{n} × {status or 'unanswered'}" for status, n in self.statuses.most_common())
        return (
            f"Seen({len(self.requests)} requests for {len(self.paths)} paths: {kinds or 'none'};"
            f" at most {self.peak} at once; {len(self.duplicates)} fetched twice)"
        )


class LineProcess:
    """`command`, which must end with its stdin, from here to `end()` or until this object is forgotten."""

    def __init__(self, command: list[str]) -> None:
        # A file, not a pipe: nobody reads it unless something goes wrong, and it can't fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        # Once: by end(), or when this object is forgotten.
        self.end = weakref.finalize(self, _hang_up, self.child, self._errors)
        self.end.atexit = False

    def tell(self, words: str, answers: bool = True) -> str:
        """Send `words` and return the line that comes back; RuntimeError if the process is gone or silent."""
        child = self.child
        assert child.stdin is not None and child.stdout is not None
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
        child.wait()  # until it is gone, a question can still be written and that answer read
        raise
    finally:
        timer.cancel()
        timer.join()


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
            process = self._process = LineProcess(command)
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
