"""A class on one Jupyter server, as `make lab` and a hub start it: each learner runs a lesson in a kernel of their own.

A learner does what JupyterLab does: asks the server for a session, and sends it the lesson's cells by a websocket.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import lab
import nbformat
import psutil
import websocket
from jupyter_client.session import Session

PREFIX, TOKEN = "/user/class/", "class"
MARK = "THREADPOOL_CLASS_ON"  # a variable that the server and whatever it starts inherit: its port
CELL = 300  # seconds for a cell, which shares the cores with all others'
PATIENCE = 60  # seconds for the server to begin and to answer
LEAVE = 20  # seconds for all to end


class Classroom:
    """A class on a server that runs, and the memory that both take."""

    def __init__(self, server: subprocess.Popen[bytes], port: int) -> None:
        self.server, self.port = psutil.Process(server.pid), port
        self.most = self.largest = 0  # bytes: of all processes together, of one beside the server

    def learn(self, lesson: Path, learner: int) -> tuple[float, str]:
        """Run all cells of a lesson in a new kernel: the seconds, and what went wrong, empty if nothing did."""
        start = time.monotonic()
        try:
            wrong = self._learn(lesson, learner)
        except (OSError, websocket.WebSocketException) as error:
            wrong = f"{type(error).__name__}: {error}"
        return time.monotonic() - start, wrong

    def _learn(self, lesson: Path, learner: int) -> str:
        # Two sessions of one notebook would share its kernel.
        name = f"{lesson.stem}-{learner}.ipynb"
        wish = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("POST", "api/sessions", wish)
        kernel = f"ws://127.0.0.1:{self.port}{PREFIX}api/kernels/{session['kernel']['id']}/channels?token={TOKEN}"
        try:
            with closing(websocket.create_connection(kernel, timeout=PATIENCE)) as channels:
                for n, cell in enumerate(nbformat.read(lesson, as_version=4).cells):
                    wrong = run_cell(channels, cell.source) if cell.cell_type == "code" else ""
                    if wrong and "raises-exception" not in cell.metadata.get("tags", []):
                        return f"cell {n}: {wrong}"
        finally:
            with suppress(OSError):  # such as for a kernel that died; one that stays is seen at the end
                self.ask("DELETE", f"api/sessions/{session['id']}")
        return ""

    def ask(self, method: str, place: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{PREFIX}{place}?token={TOKEN}"
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=PATIENCE) as answer:
            return json.loads(answer.read() or "null")

    def measure(self, over: threading.Event) -> None:
        """Look at the memory each second, until it is over."""
        while not over.wait(1):
            with suppress(psutil.Error):
                sizes = [memory_of(process) for process in (self.server, *self.server.children(recursive=True))]
                self.most, self.largest = max(self.most, sum(sizes)), max(self.largest, *sizes[1:], 0)

    def close(self) -> str:
        """End the server when all learners have gone; what of the class is still there, empty if nothing is."""
        _, alive = psutil.wait_procs(self.server.children(recursive=True), timeout=LEAVE)
        found = [f"{one} has stayed after its session" for one in alive]
        self.server.terminate()
        if psutil.wait_procs([self.server], timeout=LEAVE)[1]:
            found.append("the server does not end")
        found += [f"{one} has stayed after the server" for one in started_on(self.port)]
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), PATIENCE):
            found.append(f"port {self.port} is still open")
        return "\n".join(found)


def run_cell(channels: Any, source: str) -> str:
    """Run a cell and wait until its kernel is idle again: the traceback, empty if there is none."""
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    message = Session().msg("execute_request", content)
    channels.send(json.dumps({**message, "channel": "shell"}, default=str))
    wrong, awaited, deadline = "", {"execute_reply", "idle"}, time.monotonic() + CELL
    while awaited:
        channels.settimeout(max(0.1, deadline - time.monotonic()))
        frame = channels.recv()
        if isinstance(frame, bytes):  # a widget's news, with its buffers
            continue
        news = json.loads(frame)
        kind, state = news["msg_type"], news["content"].get("execution_state")
        if state in ("restarting", "dead"):
            return "the kernel died"
        if news["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            wrong = "\n".join(news["content"]["traceback"]) if kind == "error" else wrong
            awaited -= {kind, state}
    return wrong


def memory_of(process: psutil.Process) -> int:
    """Bytes; of pages that processes share, its part, where the system says that."""
    with suppress(psutil.Error):  # it has ended meanwhile
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    return 0


def started_on(port: int) -> list[psutil.Process]:
    """What a classroom has started and what still runs, wherever that has gone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(port):
                found.append(process)
    return found


@contextmanager
def classroom(notebooks: Path, env: dict[str, str]) -> Iterator[Classroom]:
    """A class on a new server, which has `notebooks` and is behind a prefix as on a hub. It is ended in any case."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="class-") as scratch:
        own = {f"JUPYTER_{name}_DIR": str(Path(scratch, name)) for name in ("CONFIG", "DATA", "RUNTIME")}
        options = [f"--ServerApp.base_url={PREFIX}", f"--port={port}", "--ServerApp.port_retries=0"]
        options += [f"--IdentityProvider.token={TOKEN}"]
        log, over = Path(scratch, "log"), threading.Event()
        with log.open("wb") as out:
            server = subprocess.Popen(
                lab.command(options, notebooks), env={**env, **own, MARK: str(port)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        room = Classroom(server, port)
        watch = threading.Thread(target=room.measure, args=(over,))
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    room.ask("GET", "api/status")
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > until:
                        raise RuntimeError(log.read_text(errors="replace")[-2000:]) from None
                    time.sleep(0.1)
            watch.start()
            yield room
        finally:
            over.set()
            server.kill()
            for process in started_on(port):
                with suppress(psutil.Error):
                    process.kill()
            server.wait()


def teach(
    notebooks: Path, lessons: list[Path], at_once: int, env: dict[str, str]
) -> tuple[list[tuple[float, str]], str]:
    """Each lesson's seconds and what went wrong in it, with at most so many `at_once`; and a line on the memory."""
    with classroom(notebooks, env) as room:
        with ThreadPoolExecutor(at_once) as pool:
            results = list(pool.map(room.learn, lessons, range(len(lessons))))
        left = room.close()
    said = f"{at_once} kernels and their server took {room.most / 1e9:.1f} GB at most, one {room.largest / 1e6:.0f} MB"
    return [(seconds, wrong or left) for seconds, wrong in results], said
