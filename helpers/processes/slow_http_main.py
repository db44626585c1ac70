"""The process behind `helpers.slow_server`: a small HTTP/1.1 server on loopback, standard library only.

Started as `python -I -S slow_http_main.py SETTINGS`, SETTINGS being a JSON object. It writes its port to
stdout, then answers each line on stdin: `seen` with a line of JSON, `stop` by ending. It ends at the end of
stdin too, so it can't outlive the process that started it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import sys
import threading
import time
from asyncio import StreamReader, StreamWriter
from http import HTTPStatus
from urllib.parse import parse_qs

LONGEST = 60.0


def draw(seed: int, path: str, attempt: int) -> tuple[float, float, float]:
    """Three numbers in [0, 1) that depend on the arguments alone, so that a run can be repeated."""
    digest = hashlib.blake2b(f"{seed} {path} {attempt}".encode(), digest_size=24).digest()
    a, b, c = (int.from_bytes(digest[i : i + 8], "big") >> 11 for i in (0, 8, 16))
    return a / 2**53, b / 2**53, c / 2**53


class Site:
    """The pages, their faults, and the log of requests: `[path, attempt, arrived, answered, status]` rows."""

    def __init__(self, settings: dict) -> None:
        self.settings = settings
        self.log: list[tuple] = []
        self.attempts: dict[str, int] = {}
        self.inside = 0
        self.slots = asyncio.Semaphore(settings["slots"] or 1_000_000)

    async def answer(self, method: str, target: str, reader: StreamReader) -> tuple[int, str]:
        """The status and the text for one request, after the time that it takes; logged."""
        arrived = time.perf_counter_ns()
        row = len(self.log)
        path, _, query = target.partition("?")
        page = re.fullmatch(r"/page/([0-9]+)", path)
        limit = self.settings["limit"]
        status = 200
        if method not in ("GET", "HEAD"):
            status = 405
        elif not page and path != "/":
            status = 404
        elif limit and self.inside >= limit:
            status = 429
        if status != 200:
            self.log.append((path, None, arrived, time.perf_counter_ns(), status))
            return status, HTTPStatus(status).phrase + "\n"

        attempt = self.attempts[path] = self.attempts.get(path, 0) + 1
        fails, which, late = draw(self.settings["seed"], path, attempt)
        if fails < self.settings["error_rate"]:
            status = 500 if which < 0.5 else 503
        seconds = self.settings["latency"] + late * self.settings["jitter"]
        asked = parse_qs(query).get("latency", [""])[0]
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", asked):
            seconds = min(float(asked), LONGEST)
        self.log.append((path, attempt, arrived, None, None))
        self.inside += 1
        try:
            async with self.slots:
                await asyncio.sleep(seconds)
        finally:
            # Logged before the answer is sent: a client that has its page finds it in the report.
            self.inside -= 1
            seen = None if reader.at_eof() else status
            self.log[row] = (path, attempt, arrived, time.perf_counter_ns(), seen)
        if status != 200:
            return status, HTTPStatus(status).phrase + "\n"
        return status, f"page {page[1]}\n" if page else "The pages are at /page/0, /page/1, ...\n"

    async def talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        try:
            while await self.exchange(reader, writer):
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client went away, or sent no HTTP
        finally:
            writer.close()

    async def exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Read one request and write its answer; True if the connection stays open."""
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
        words = first.split(" ")
        length = headers.get("content-length", "0")
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or not length.isdecimal():
            status, text, stays = 400, "Bad Request\n", False
        elif "transfer-encoding" in headers:
            status, text, stays = 501, "Not Implemented\n", False
        else:
            await reader.readexactly(int(length))
            connection = headers.get("connection", "keep-alive" if words[2] == "HTTP/1.1" else "close")
            stays = "close" not in connection.lower()
            status, text = await self.answer(words[0], words[1], reader)
        body = text.encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            f"Connection: {'keep-alive' if stays else 'close'}",
        ]
        if status == 429:
            lines.append(f"Retry-After: {self.settings['retry_after']}")
        if status == 405:
            lines.append("Allow: GET, HEAD")
        head = "\r\n".join([*lines, "", ""]).encode()
        writer.write(head if words[0] == "HEAD" else head + body)
        return stays


def obey(site: Site) -> None:
    """Answer the lines on stdin; end the process at its end."""
    for line in sys.stdin:
        if line.strip() != "seen":
            break
        print(json.dumps(list(site.log)), flush=True)
    os._exit(0)


async def watch_parent(parent: int) -> None:
    """End with the parent even where a fork of it still holds our stdin open."""
    while os.name != "posix" or os.getppid() == parent:
        await asyncio.sleep(0.5)
    os._exit(0)


async def serve(settings: dict) -> None:
    site = Site(settings)
    server = await asyncio.start_server(site.talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=obey, args=[site], daemon=True).start()
    await watch_parent(settings["parent"])


if __name__ == "__main__":
    # Jupyter's "interrupt" reaches the kernel's whole process group; the server is not what is to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(json.loads(sys.argv[1])))
