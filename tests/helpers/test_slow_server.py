"""The slow server: what it answers, what it reports, and that nothing of it is left behind."""

from __future__ import annotations

import ast
import gc
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

import helpers.processes.slow_http as module
from helpers.processes.slow_http import Request, Seen, SlowServer, slow_server
from helpers.processes.slow_http_main import draw

LONG = 60.0  # a latency that no test waits for
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


def fetch(url: str) -> int:
    """The status of one GET."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def until(true: Callable[[], bool], what: str, limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"waited {limit} s for: {what}"
        time.sleep(0.01)


def inside(server: SlowServer) -> int:
    return sum(r.attempt is not None and r.answered is None for r in server.seen().requests)


def ask(server: SlowServer, url: str, version: str = "HTTP/1.1", method: str = "GET") -> socket.socket:
    """A socket on which the request has been sent and the answer has not been read."""
    connection = socket.create_connection(("127.0.0.1", port_of(server)), timeout=30)
    connection.sendall(f"{method} {url.removeprefix(server.url.rstrip('/'))} {version}\r\n\r\n".encode())
    return connection


def port_of(server: SlowServer) -> int:
    return int(server.url.rstrip("/").rpartition(":")[2])


def popen_of(server: SlowServer) -> subprocess.Popen[str]:
    assert server._process is not None
    return server._process.child


def child_of(server: SlowServer) -> psutil.Process:
    return psutil.Process(popen_of(server).pid)


@pytest.fixture
def holding() -> Iterator[Callable[..., None]]:
    """holding(server, n): n requests that stay inside the server until the test ends."""
    with ExitStack() as stack:

        def hold(server: SlowServer, n: int) -> None:
            for page in range(n):
                stack.enter_context(ask(server, server.page(page, latency=LONG)))
            until(lambda: inside(server) == n, f"{n} requests inside")

        yield hold


def test_it_serves_pages_from_another_process() -> None:
    with slow_server(latency=0) as server:
        with urllib.request.urlopen(server.page(7), timeout=30) as answer:
            assert (answer.status, answer.read()) == (200, b"page 7\n")
        assert fetch(server.url) == 200
        assert fetch(server.url + "missing") == 404
        assert child_of(server).pid != os.getpid()
        listening = [c.laddr.ip for c in child_of(server).net_connections() if c.status == psutil.CONN_LISTEN]
        assert listening == ["127.0.0.1"]


def test_it_starts_with_the_standard_library_alone() -> None:
    """What makes its start fast: no site, no packages, and none of ours."""
    tree = ast.parse(module.PROGRAM.read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names and {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    with slow_server() as server:
        assert {"-I", "-S"} <= set(child_of(server).cmdline())


def test_a_connection_serves_many_requests_until_one_side_says_close() -> None:
    with slow_server(latency=0) as server:
        client = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=30)
        client.request("GET", "/page/1")
        assert client.getresponse().read() == b"page 1\n"
        kept = client.sock
        client.request("POST", "/page/1", body=b"x" * 100_000)
        refused = client.getresponse()
        assert (refused.status, refused.getheader("Allow"), refused.read()) == (
            405,
            "GET, HEAD",
            b"Method Not Allowed\n",
        )
        client.request("HEAD", "/page/2")
        empty = client.getresponse()
        assert (empty.status, empty.getheader("Content-Length"), empty.read()) == (200, "7", b"")
        assert client.sock is kept is not None
        client.request("GET", "/page/3", headers={"Connection": "close"})
        assert client.getresponse().read() == b"page 3\n"
        assert client.sock is None
        assert server.seen().statuses == {200: 3, 405: 1}


@pytest.mark.parametrize(
    ("words", "begin", "end"),
    [
        ("nonsense", b"HTTP/1.1 400", b"Bad Request\n"),
        ("GET /page/1 SPDY/3", b"HTTP/1.1 400", b"Bad Request\n"),
        ("GET /page/1 HTTP/1.1\r\nTransfer-Encoding: chunked", b"HTTP/1.1 501", b"Not Implemented\n"),
        ("GET /page/1 HTTP/1.0", b"HTTP/1.1 200", b"page 1\n"),
        ("HEAD /page/1 HTTP/1.0", b"HTTP/1.1 200", b"\r\n\r\n"),
    ],
)
def test_what_ends_a_connection(words: str, begin: bytes, end: bytes) -> None:
    with slow_server(latency=0) as server:
        with socket.create_connection(("127.0.0.1", port_of(server)), timeout=30) as raw:
            raw.sendall(f"{words}\r\n\r\n".encode())
            answer = b""
            while part := raw.recv(4096):  # ends because the server closes
                answer += part
        assert answer.startswith(begin) and answer.endswith(end)


def test_beyond_the_limit_it_refuses_at_once(holding: Callable[..., None]) -> None:
    with slow_server(latency=0, limit=3, retry_after=2) as server:
        holding(server, 3)
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(server.page(9), timeout=30)
            refused.value.close()
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "2")
        seen = server.seen()
        assert (seen.peak, seen.statuses) == (3, {None: 3, 429: 2})
        assert [r.attempt for r in seen.requests] == [1, 1, 1, None, None]


def test_a_place_is_free_again_after_an_answer() -> None:
    with slow_server(latency=0, limit=1) as server:
        assert [fetch(server.page(n)) for n in range(5)] == [200] * 5


def test_hundreds_at_once(holding: Callable[..., None]) -> None:
    with slow_server(latency=0) as server:
        holding(server, 300)
        assert fetch(server.page(300)) == 200
        assert server.seen().peak == 301


@pytest.mark.parametrize("slots", [1, 3])
def test_slots_let_the_others_wait_in_line(slots: int) -> None:
    with slow_server(latency=0.03, slots=slots) as server, ExitStack() as stack:
        sockets = [stack.enter_context(ask(server, server.page(n))) for n in range(9)]
        for s in sockets:
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
        answered = sorted(r.answered or 0 for r in server.seen().requests)
        # With `slots` places, an answer comes at least one latency after the answer `slots` places before it.
        assert all(b - a >= 0.029e9 for a, b in zip(answered, answered[slots:], strict=False))


def outcomes(order: list[int], **settings: float) -> dict[tuple[str, int | None], int | None]:
    with slow_server(latency=0, **settings) as server:  # type: ignore[arg-type]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fetch, [server.page(n) for n in order]))
        return {(r.path, r.attempt): r.status for r in server.seen().requests}


def test_the_seed_decides_which_answers_fail_whatever_the_order() -> None:
    order = list(range(20)) * 3
    first = outcomes(order, error_rate=0.4, seed=5)
    assert set(first.values()) == {200, 500, 503} and len(first) == 60
    random.Random(1).shuffle(order)
    assert outcomes(order, error_rate=0.4, seed=5) == first
    assert outcomes(order, error_rate=0.4, seed=6) != first
    # A page that failed can succeed when asked again, and the other way round.
    assert len({tuple(first[f"/page/{n}", a] == 200 for a in (1, 2, 3)) for n in range(20)}) > 2


@pytest.mark.parametrize(("rate", "expected"), [(0, {200}), (1, {500, 503})])
def test_no_errors_and_nothing_but_errors(rate: float, expected: set[int]) -> None:
    assert set(outcomes(list(range(20)), error_rate=rate).values()) == expected


def test_the_draws_are_even() -> None:
    draws = [draw(0, f"/page/{n}", a) for n in range(1000) for a in (1, 2)]
    for values in zip(*draws, strict=True):
        assert min(values) >= 0 and max(values) < 1
        assert 0.47 < sum(values) / len(values) < 0.53
        assert 0.17 < sum(v < 0.2 for v in values) / len(values) < 0.23


def test_an_answer_takes_the_latency_and_its_share_of_the_jitter() -> None:
    with slow_server(latency=0.02, jitter=0.04, seed=3) as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fetch, [server.page(n) for n in range(16)]))
            assert fetch(server.page(99, latency=0.1)) == 200
        for r in server.seen().requests:
            assert r.attempt is not None and r.answered is not None
            least = 0.1 if r.path == "/page/99" else 0.02 + 0.04 * draw(3, r.path, r.attempt)[2]
            assert (r.answered - r.arrived) / 1e9 >= least - 0.001


def test_the_times_are_on_this_process_clock() -> None:
    with slow_server(latency=0) as server:
        before = time.perf_counter_ns()
        fetch(server.page(1))
        after = time.perf_counter_ns()
        (request,) = server.seen().requests
        assert request.answered is not None
        assert before < request.arrived <= request.answered < after


def test_a_client_that_leaves_gets_no_page() -> None:
    with slow_server(latency=0.2) as server:
        ask(server, server.page(1)).close()
        until(lambda: bool(server.seen().requests) and inside(server) == 0, "the abandoned request to end")
        assert fetch(server.page(1)) == 200
        seen = server.seen()
        assert [(r.attempt, r.status) for r in seen.requests] == [(1, None), (2, 200)]
        assert seen.duplicates == {}


def test_a_page_fetched_twice_is_a_duplicate_and_a_retry_is_not() -> None:
    with slow_server(latency=0, error_rate=0.5, seed=1) as server:
        for n in range(10):
            while fetch(server.page(n)) != 200:
                pass
        seen = server.seen()
        assert seen.served == {f"/page/{n}": 1 for n in range(10)} and not seen.duplicates
        assert sum(seen.paths.values()) == len(seen.requests) > 10
        while fetch(server.page(4)) != 200:
            pass
        assert server.seen().duplicates == {"/page/4": 2}


def test_the_report_counts() -> None:
    rows = [(0, 10, 200), (5, 15, 200), (10, 30, 500), (16, None, None), (40, 41, 200)]
    seen = Seen(tuple(Request(f"/page/{i % 4}", 1, a, b, s) for i, (a, b, s) in enumerate(rows)))
    assert seen.peak == 2  # one that leaves as another comes makes room
    assert seen.statuses == {200: 3, 500: 1, None: 1}
    assert seen.duplicates == {"/page/0": 2}
    assert [seen.busiest(ns / 1e9) for ns in (1, 5, 6, 11, 17, 100)] == [1, 1, 2, 3, 4, 5]
    assert repr(seen) == (
        "Seen(5 requests for 4 paths: 3 × 200, 1 × 500, 1 × unanswered; at most 2 at once; 1 fetched twice)"
    )
    empty = Seen(())
    assert (empty.peak, empty.busiest(1), empty.duplicates) == (0, 0, {})
    assert "none" in repr(empty)


def test_the_report_is_there_during_and_after(holding: Callable[..., None]) -> None:
    server = slow_server(latency=0)
    with pytest.raises(RuntimeError, match="not started"):
        server.seen()
    with pytest.raises(RuntimeError, match="use `with slow_server"):
        server.page(1)
    with server:
        assert server.seen().requests == ()
        with ThreadPoolExecutor(8) as pool:
            reports = [pool.submit(server.seen) for _ in range(40)]
            list(pool.map(fetch, [server.page(n) for n in range(20)]))
            assert all(len(r.result().requests) <= 20 for r in reports)
        holding(server, 2)
        assert fetch(server.page(20)) == 200
    after = server.seen()
    assert after.statuses == {200: 21, None: 2}
    assert after is server.seen()
    server.stop()
    with pytest.raises(RuntimeError, match="has run already"):
        server.start()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latency": -1}, "latency must be a number of seconds from 0 to 60, not -1"),
        ({"latency": "fast"}, "latency must be a number of seconds"),
        ({"jitter": float("nan")}, "jitter must be"),
        ({"error_rate": 1.5}, "error_rate must be a number from 0 to 1, not 1.5"),
        ({"limit": 0}, "limit must be a whole number of at least 1"),
        ({"limit": 2.5}, "limit must be a whole number"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"slots": 0}, "slots must be"),
        ({"retry_after": 0.5}, "retry_after must be a whole number from 0 to 60"),
    ],
)
def test_a_bad_argument_is_named_before_anything_starts(arguments: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        slow_server(**arguments)


def test_a_bad_page_is_named() -> None:
    with slow_server() as server:
        with pytest.raises(ValueError, match="n must be a whole number of at least 0, not -1"):
            server.page(-1)
        with pytest.raises(ValueError, match="latency must be a number of seconds from 0 to 60"):
            server.page(1, latency=61)


def test_nothing_is_left_after_the_block() -> None:
    threads = set(threading.enumerate())
    files = psutil.Process().num_fds() if os.name == "posix" else 0
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), slow_server() as server:
            process, port = popen_of(server), port_of(server)
            for _ in range(20):
                server.seen()
                assert set(threading.enumerate()) == threads
            1 / 0  # noqa: B018
        assert process.returncode == 0  # it went by itself
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    assert set(threading.enumerate()) == threads
    if os.name == "posix":
        assert psutil.Process().num_fds() == files


def test_a_forgotten_server_ends_with_its_object() -> None:
    server = slow_server().start()
    process = popen_of(server)
    del server
    gc.collect()
    assert process.returncode == 0


def parent(then: str, fork: str = "0") -> tuple[subprocess.Popen[str], psutil.Process, int]:
    """A process that started a server and then does `then`; the server's process; the pid of a fork, or 0."""
    program = textwrap.dedent(
        f"""
        import os, sys, time
        from helpers.processes.slow_http import slow_server
        server = slow_server().start()
        fork = {fork}
        if {fork!r} != "0" and fork == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            time.sleep(300)
        print(server._process.child.pid, fork, flush=True)
        {then}
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child, forked = map(int, process.stdout.readline().split())
    return process, psutil.Process(child), forked


@pytest.mark.parametrize(
    ("then", "fork", "end"),
    [
        pytest.param("sys.exit()", "0", None, id="exit"),
        pytest.param("1 / 0", "0", None, id="error"),
        pytest.param("os._exit(3)", "0", None, id="os._exit"),
        pytest.param("time.sleep(300)", "0", "SIGTERM", id="terminated", marks=posix),
        pytest.param("time.sleep(300)", "0", "SIGKILL", id="killed", marks=posix),
        # The fork holds the server's stdin open, so its end is not what tells the server.
        pytest.param("time.sleep(300)", "os.fork()", "SIGKILL", id="killed beside a fork", marks=posix),
    ],
)
def test_it_ends_with_the_process_that_started_it(then: str, fork: str, end: str | None) -> None:
    process, child, forked = parent(then, fork)
    try:
        if end:
            assert child.is_running()
            process.send_signal(getattr(signal, end))
        process.wait(30)
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the server to end")
    finally:
        process.kill()
        process.communicate()
        if forked:
            os.kill(forked, signal.SIGKILL)
        if child.is_running():
            child.kill()


@posix
def test_an_interrupt_of_the_whole_group_leaves_it_serving() -> None:
    with slow_server(latency=0) as server:
        child_of(server).send_signal(signal.SIGINT)
        assert fetch(server.page(1)) == 200


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise OSError('no port for you')")
    monkeypatch.setattr(module, "PROGRAM", broken)
    with pytest.raises(RuntimeError, match=r"(?s)the slow server ended.*exit code 1.*no port for you"):
        slow_server().start()


def test_a_server_that_is_silent_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text(f"import time; open({str(tmp_path / 'pid')!r}, 'w').write('x'); time.sleep(300)")
    monkeypatch.setattr(module, "PROGRAM", silent)
    monkeypatch.setattr(module, "LIMIT", 0.3)
    before = set(psutil.Process().children())
    with pytest.raises(RuntimeError, match=r"did not answer in 0.3 s"):
        slow_server().start()
    assert set(psutil.Process().children()) <= before


def test_a_server_killed_from_outside_is_reported_not_waited_for() -> None:
    with slow_server() as server:
        child_of(server).kill()
        with pytest.raises(RuntimeError, match="the slow server ended"):
            server.seen()
    with pytest.raises(RuntimeError, match="did not end well"):
        server.seen()


def test_an_interrupted_report_leaves_no_stale_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_server() as server:

        class Interrupted:
            def readline(self) -> str:
                raise KeyboardInterrupt

        monkeypatch.setattr(popen_of(server), "stdout", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            server.seen()
        monkeypatch.undo()
        with pytest.raises(RuntimeError, match="the slow server ended"):
            server.seen()


def test_a_proxy_in_the_environment_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody listens there
    with slow_server(latency=0) as server:
        opener = urllib.request.build_opener()
        with opener.open(server.page(1), timeout=30) as answer:
            assert answer.read() == b"page 1\n"
    assert os.environ["no_proxy"] == "example.org,127.0.0.1"
