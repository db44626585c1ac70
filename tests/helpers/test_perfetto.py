"""Perfetto's server gives nothing to strangers, and show_trace says in text what it can't show."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.profiling import perfetto
from helpers.profiling.perfetto import TraceServer, TraceView, commands, page_files, server, show_trace
from helpers.profiling.trace_file import summarize

SLICE = {"ph": "X", "pid": 1, "tid": 7, "name": "f", "ts": 1, "dur": 2}
TRACE = {"traceEvents": [SLICE, {**SLICE, "tid": 8}], "file_info": {"files": {"a.py": ["pass\n", 1]}, "functions": {}}}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    file = tmp_path / 'a "b" <c> trace.json'
    file.write_text(json.dumps(TRACE))
    return file


@pytest.fixture(scope="module")
def serving() -> Iterator[TraceServer]:
    """A server of the tests' own, not the process's one."""
    own = TraceServer()
    yield own
    own.close()


@pytest.fixture
def notebook(monkeypatch: Any) -> Iterator[None]:
    """As in a kernel that a Jupyter server started."""
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    yield
    stop()


def stop() -> None:
    """End the process's server, if there is one."""
    if perfetto._running is not None:
        perfetto._running.close()
    perfetto._forget()


def servers() -> int:
    return sum(thread.name == "trace-server" for thread in threading.enumerate())


def listening(process: int) -> set[int]:
    """The ports at which a process listens."""
    sockets = psutil.Process(process).net_connections("tcp")
    return {one.laddr.port for one in sockets if one.status == psutil.CONN_LISTEN}


def ask(serving: TraceServer, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=20)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def test_it_serves_the_page_and_the_trace(serving: TraceServer, trace: Path) -> None:
    place = serving.add(trace)
    status, body, headers = ask(serving, f"/{serving.secret}/")
    assert (status, headers["Content-Type"]) == (200, "text/html") and b"Perfetto UI" in body
    assert headers["Cache-Control"] == "no-store"  # the notebook asks for it to see whether the server lives
    status, body, headers = ask(serving, f"/{serving.secret}/{place}")
    assert (status, headers["Content-Type"]) == (200, "application/json") and json.loads(body) == TRACE
    assert headers["Cache-Control"] == "no-store"  # the next run writes another trace into the same file
    status, body, headers = ask(serving, f"/{serving.secret}/{place}/sources")
    assert status == 200 and json.loads(body) == TRACE["file_info"]


def test_every_file_has_the_type_that_a_browser_wants(serving: TraceServer) -> None:
    wanted = {".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".png": "image/png"}
    seen = set()
    for place, file in page_files().items():
        if file.suffix in wanted and file.suffix not in seen:
            seen.add(file.suffix)
            status, body, headers = ask(serving, f"/{serving.secret}/{place}")
            assert (status, headers["Content-Type"]) == (200, wanted[file.suffix])
            assert headers["X-Content-Type-Options"] == "nosniff" and body == file.read_bytes()
    assert seen == set(wanted)


def test_what_is_large_is_squeezed_for_who_can_take_it(serving: TraceServer, trace: Path) -> None:
    css = next(place for place in page_files() if place.endswith(".css"))
    for place, plain in ((css, page_files()[css].read_bytes()), (serving.add(trace), trace.read_bytes())):
        _, body, headers = ask(serving, f"/{serving.secret}/{place}", Accept_Encoding="gzip")
        assert headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == plain


def test_it_listens_on_loopback_alone(serving: TraceServer) -> None:
    assert serving.socket.getsockname()[0] == "127.0.0.1"
    assert len(serving.secret) >= 32


@pytest.mark.parametrize("secret", ["", "wrong", "é", "%00", "{secret}x", "{short}", "..", "traces"])
def test_a_wrong_secret_gets_nothing(serving: TraceServer, trace: Path, secret: str) -> None:
    place = serving.add(trace)
    secret = secret.format(secret=serving.secret, short=serving.secret[:-1]).replace("é", "%C3%A9")
    for path in (f"/{secret}/{place}", f"/{secret}/", f"/{secret}", f"/{place}", "/"):
        status, body, _ = ask(serving, path)
        assert (status, body) == (404, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Referer": "http://evil.example/page"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "hub.example", "X_ProxyContextPath": "/proxy/1"},
        {"Host": "hub.example", "X_ProxyContextPath": "/proxy/{port}", "Origin": "http://evil.example"},
    ],
)
def test_another_site_gets_nothing_even_with_the_secret(
    serving: TraceServer, trace: Path, headers: dict[str, str]
) -> None:
    headers = {name: value.format(port=serving.port) for name, value in headers.items()}
    for place in ("", serving.add(trace), serving.add(trace) + "/sources"):
        status, body, _ = ask(serving, f"/{serving.secret}/{place}", **headers)
        assert (status, body) == (403, b"")


def test_its_own_page_gets_in_straight_and_through_a_hub(serving: TraceServer, trace: Path) -> None:
    straight = f"127.0.0.1:{serving.port}"
    hub = {"Host": "hub.example", "X_ProxyContextPath": f"/user/x/proxy/{serving.port}"}
    for headers in (
        {"Origin": f"http://{straight}", "Referer": f"http://{straight}/x", "Sec_Fetch_Site": "same-origin"},
        {**hub, "Origin": "https://hub.example", "Referer": "https://hub.example/lab", "Sec_Fetch_Site": "same-origin"},
    ):
        assert ask(serving, f"/{serving.secret}/{serving.add(trace)}", **headers)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["..", "../trace.json", "%2e%2e/%2e%2e/viewer.py", "v52/../../viewer.py", "traces", "traces/1", "traces/1/../1/x",
     "traces/9/x.json", "/etc/passwd", "trace_processor/", "sources"],
)  # fmt: skip
def test_nothing_else_is_served(serving: TraceServer, trace: Path, path: str) -> None:
    serving.add(trace)
    status, body, _ = ask(serving, f"/{serving.secret}/{path}")
    assert (status, body) == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_it_only_reads(serving: TraceServer, trace: Path, method: str) -> None:
    status, body, _ = ask(serving, f"/{serving.secret}/{serving.add(trace)}", method)
    assert status == 501 and b"traceEvents" not in body


def test_a_trace_that_is_gone_is_not_found(serving: TraceServer, trace: Path) -> None:
    place = serving.add(trace)
    trace.unlink()
    assert ask(serving, f"/{serving.secret}/{place}")[0] == 404
    assert ask(serving, f"/{serving.secret}/{place}/sources")[0] == 404


def test_one_server_and_one_address_a_file(notebook: None, trace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(TRACE))
    before = servers()
    view = lambda path: TraceView(path, 600, summarize(path)).html()
    address = lambda page: re.findall(r'"proxy/(\d+)/([^/]+)/".*?page \+ "(traces/[^"]+)"\)', page, re.DOTALL)
    first, again, second = address(view(trace)), address(view(trace)), address(view(other))
    assert len(first) == 1 and first == again and second[0][:2] == first[0][:2] and second != first
    ids = re.findall(r'<div id="([^"]+)">', view(trace) + view(trace))
    assert len(set(ids)) == 2  # each output finds its own place
    assert servers() == before + 1


def test_a_server_stops_and_frees_its_port() -> None:
    before = servers()
    port = server().port
    assert servers() == before + 1 and port in listening(os.getpid())
    stop()
    assert servers() == before and port not in listening(os.getpid())


PROCESS = """
import os, sys, time
from helpers.profiling.perfetto import server
print(server().port, flush=True)
if len(sys.argv) > 1:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)  # longer than its parent lives; the test ends it
        os._exit(0)
    sys.stdin.read()
    os._exit(0)
"""


def test_nothing_is_left_when_the_kernel_ends() -> None:
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) and done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_does_not_keep_the_port() -> None:
    parent = subprocess.Popen([sys.executable, "-W", "ignore", "-c", PROCESS, "fork"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert parent.stdout is not None
    port, child = int(parent.stdout.readline()), int(parent.stdout.readline())
    try:
        assert port in listening(parent.pid) and port not in listening(child)
    finally:
        os.kill(child, 9)
        parent.communicate(timeout=30)


def test_without_a_jupyter_server_there_is_text_and_no_server(trace: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("JPY_PARENT_PID", "1")  # nbval's and nbconvert's kernels have it too
    monkeypatch.chdir(trace.parent)
    view = TraceView(Path(trace.name), 600, summarize(trace))
    bundle = view._repr_mimebundle_()
    assert "script" not in bundle["text/html"] and "iframe" not in bundle["text/html"]
    assert bundle["text/plain"] == (
        """a "b" <c> trace.json: 1 kB, 2 slices on 2 threads. Open it with: vizviewer 'a "b" <c> trace.json'"""
    )
    assert "&lt;c&gt;" in bundle["text/html"] and "<c>" not in bundle["text/html"]
    assert perfetto._running is None


def test_the_threads_of_holds_and_below_them_the_holds_are_pinned(tmp_path: Path) -> None:
    assert [command["id"] for command in commands(())] == ["dev.perfetto.ExpandTracksByRegex"]
    file = tmp_path / "holds.json"
    names = ["GIL thread 1 12", "GIL a|b 11", "GIL thread 1 12"]
    ends = [{"ph": ph, "cat": "gil", "name": name, "pid": 1, "tid": 0, "ts": 1} for name in names for ph in "be"]
    file.write_text(json.dumps({"traceEvents": ends}))
    _, *pins = [command["args"][0] for command in commands(summarize(file).holders)]
    tracks = ["a|b 11", "thread 1 12", "GIL a|b 11", "GIL thread 1 12"]
    assert [[name for name in tracks if re.search(pin, name)] for pin in pins] == [[name] for name in tracks]


def test_with_a_jupyter_server_the_text_stays_where_scripts_do_not_run(notebook: None, trace: Path) -> None:
    page = TraceView(trace, 432, summarize(trace)).html()
    text, _, script = page.partition("<script>")
    assert "2 slices on 2 threads" in text and "vizviewer" in text
    assert "432px" in script and "</script>" in script and script.count("</script>") == 1
    assert "<c>" not in script


def test_show_trace_displays(trace: Path, monkeypatch: Any) -> None:
    import IPython.display

    shown: list[Any] = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert show_trace(str(trace), height=300) is None
    assert [view.height for view in shown] == [300]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("nothing.json",), FileNotFoundError, r"nothing\.json"),
        (("empty.json",), ValueError, r"empty\.json' is empty"),
        (("broken.json",), ValueError, r"broken\.json"),
        ((".",), FileNotFoundError, "path must name a trace file"),
        ((42,), TypeError, "path must be the name of a trace file, not 42"),
        (("",), TypeError, "path must be"),
        (("fine.json", "tall"), TypeError, "height must be"),
        (("fine.json", 20), ValueError, "height must be"),
    ],
)
def test_bad_arguments_are_named(
    arguments: tuple[Any, ...], error: type[Exception], words: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.json").touch()
    Path("broken.json").write_text('{"traceEvents": [')
    Path("fine.json").write_text(json.dumps(TRACE))
    with pytest.raises(error, match=words):
        show_trace(*arguments)
    assert perfetto._running is None
