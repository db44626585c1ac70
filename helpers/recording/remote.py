"""Tasks that run in other processes: how their stamps come home beside the result, never with it.

A worker of a ProcessPoolExecutor writes start and end of each task into a file of its own in a folder of this process;
values and exceptions travel as they would without. Dask's scheduler keeps a list of what ran where and when, and is
asked for it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from helpers.recording.data import FINISHED, NOTE, OUTCOME, STARTED, SUBMITTED, WORKER, Thread
from helpers.recording.disguise import uncounted

# Clocks of two processes count from the same moment on one machine. Further apart than this, they do not.
SAME_CLOCK = 50_000_000
REMEMBERED = "Dask remembered the result of an equal call"


now, cpu_time, time_of_day = time.perf_counter_ns, time.thread_time_ns, time.time_ns  # a program may patch `time`


def _clock() -> int:
    """What to add to perf_counter_ns for the time of day, ns: tells whether two clocks count from one moment."""
    return time_of_day() - now()


class Home:
    """Where the stamps of a task belong: goes with the task as an argument."""

    __slots__ = ("folder", "number")

    def __init__(self, folder: str, number: int) -> None:
        self.folder, self.number = folder, number

    def __reduce__(self) -> tuple[Any, ...]:
        return Home, (self.folder, self.number)

    def write(self, *facts: Any) -> None:
        """Add a line to this process's file. A folder that is gone, or a full disk, is no fault of the task."""
        with suppress(OSError, ValueError):
            if _file[:2] != [self.folder, os.getpid()]:
                path = os.path.join(self.folder, f"{os.getpid()}-{threading.get_ident()}")
                if not os.path.isdir(self.folder):
                    return
                if len(_file) > 2 and _file[1] == os.getpid():
                    os.close(_file[2])
                _file[:] = [self.folder, os.getpid(), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
            os.write(_file[2], (json.dumps([self.number, *facts]) + "\n").encode())


_file: list[Any] = []  # of a worker process: folder, pid, file descriptor


@uncounted
def run_away(home: Home, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `fn` in a worker process, with a line home before it and one after."""
    thread = [multiprocessing.current_process().name, threading.current_thread().name, threading.get_native_id()]
    cpu, start = cpu_time(), now()
    home.write(start, None, None, None, thread, _clock())
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:
        end = now()
        home.write(start, end, cpu_time() - cpu, "raised", thread, _clock())
        if error.__traceback__ is not None:
            BaseException.with_traceback(error, error.__traceback__.tb_next)
        raise
    end = now()
    home.write(start, end, cpu_time() - cpu, "returned", thread, _clock())
    return value


class Mailbox:
    """The folder in which worker processes leave their stamps; it exists while tasks are expected from there."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self._remove: Callable[[], Any] = int
        self._lock = threading.Lock()
        self._count = 0
        self._read: dict[str, int] = {}  # bytes read of each file
        self._letters: dict[int, tuple[Any, ...]] = {}

    def expect(self) -> tuple[Home, Callable[[], tuple[Any, ...] | None]]:
        """A home for one task, and what gives its stamps: worker, start, end, CPU time, outcome; OSError without disk.

        End, CPU time and outcome are None if the worker wrote no end, all of it if it wrote nothing.
        """
        with self._lock:
            if self.folder is None:
                self.folder = mkdtemp(prefix="stamps-")
                # Also where the process ends inside the block; not in one that was forked from it.
                self._remove = Finalize(None, rmtree, (self.folder, True), exitpriority=1)
            self._count += 1
            number = self._count
            return Home(self.folder, number), lambda: self.fetch(number)

    def fetch(self, number: int) -> tuple[Any, ...] | None:
        with self._lock:
            if self.folder is not None:
                with suppress(Exception):  # a Future ends here, which must not fail
                    for name in os.listdir(self.folder):
                        self._read_on(name)
            return self._letters.pop(number, None)

    def _read_on(self, name: str) -> None:
        with open(os.path.join(self.folder or "", name), "rb") as file:
            file.seek(self._read.get(name, 0))
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read[name] = self._read.get(name, 0) + len(whole)
        for line in whole.splitlines():
            try:
                number, start, end, cpu, outcome, (process, thread, native_id), clock = json.loads(line)
            except (ValueError, TypeError):  # a line that a full disk cut off, and the next one behind it
                continue
            shift = clock - _clock()
            shift = shift if abs(shift) > SAME_CLOCK else 0
            worker = Thread(process if process != "MainProcess" else thread, native_id)
            self._letters[number] = (worker, start + shift, end and end + shift, cpu, outcome)

    def close(self) -> None:
        """Remove the folder: nothing is expected any more."""
        with self._lock:
            if self.folder is not None:
                self._remove()
            self.folder = None
            self._read.clear()
            self._letters.clear()


def dask_client() -> type | None:
    """The class of Dask's clients, if the program has loaded it."""
    module = sys.modules.get("distributed.client")
    return getattr(module, "Client", None)


class DaskRuns:
    """Rows of tasks on a Dask cluster, by key; `fill` asks the scheduler what became of them.

    `Client.get_task_stream` has the scheduler keep a list; it must be asked once before the first task.
    """

    def __init__(self) -> None:
        self.rows: dict[int, tuple[Any, dict[str, Any]]] = {}  # client, row and reference to the Future by key
        self._lock = threading.Lock()

    def listen(self, client: Any) -> bool:
        """Have the scheduler keep its list; False if that can't be asked from here (an asynchronous client)."""
        with self._lock:
            if id(client) in self.rows:
                return True
        if client.asynchronous:
            return False
        with suppress(Exception):
            client.get_task_stream(count=0)
            with self._lock:
                self.rows.setdefault(id(client), (client, {}))
            return True
        return False

    def add(self, future: Any, row: Any) -> None:
        """`row` is of the task of this Dask future; a key that comes again is of a task that Dask remembers."""
        _, rows = self.rows[id(future.client)]
        with self._lock:
            if rows.setdefault(future.key, (row, weakref.ref(future)))[0] is not row:
                row[NOTE] = REMEMBERED

    def fill(self, listen: Callable[[Any, Any], None]) -> None:
        """Ask each scheduler, and write the stamps into the rows; `listen(future, row)` to tasks that have not ended.

        A Future of Dask is not kept, nor given a callback before: Dask drops a result when nobody holds its Future.
        """
        with self._lock:
            known, self.rows = list(self.rows.values()), {}
        for client, rows in known:
            stream: Any = ()
            with suppress(Exception):
                stream = client.get_task_stream(start=1.0)
            found: dict[str, list[tuple[Any, Any, int, int]]] = {}  # by worker: row, entry, first and last moment
            for entry in (entry for entry in stream if entry["key"] in rows):
                first, last = int(entry["startstops"][0]["start"] * 1e9), int(entry["startstops"][-1]["stop"] * 1e9)
                found.setdefault(entry["worker"], []).append((rows[entry["key"]][0], entry, first, last))
            clock = _clock()
            for worker, runs in found.items():
                # A worker's clock is known by the scheduler's guess alone. No task began before its submit, none ended
                # after its result came: all tasks of a worker move by as much as that asks for, and keep their length.
                most = min(0, *(first - clock - row[SUBMITTED] for row, _, first, _ in runs))
                ahead = max([most, *(last - clock - row[FINISHED] for row, _, _, last in runs if row[FINISHED])])
                for row, entry, _, _ in runs:
                    spans = [span for span in entry["startstops"] if span["action"] == "compute"]
                    if spans:
                        start, stop = int(spans[0]["start"] * 1e9), int(spans[-1]["stop"] * 1e9)
                        row[WORKER], row[NOTE] = Thread(f"Dask Worker {worker}", entry["thread"]), None
                        row[STARTED] = max(row[SUBMITTED], start - clock - ahead)
                        row[FINISHED] = row[STARTED] + stop - start
                        row[OUTCOME] = row[OUTCOME] or ("returned" if entry["status"] == "OK" else "raised")
            for row, future in rows.values():
                held = future()
                if row[OUTCOME] is None and held is not None:
                    listen(held, row)
                elif row[OUTCOME] is None:
                    row[FINISHED], row[OUTCOME] = now(), "cancelled"
