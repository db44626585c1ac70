"""The GIL of a program that nobody changed, seen from outside: `gil_profile` runs it under Python 3.15's sampler.

`python -m profiling.sampling run -a --gecko` (Python docs, profiling.sampling) reads the program's memory some
thousand times a second. For each thread its file has markers such as "Has GIL" and "Waiting for GIL"; the states are
read one thread after the other, so that two threads can have the GIL in one sample, and a hold shorter than a sample
may be missed. Sampler and program must be the same version of Python. So the sampler is the one of the interpreter
that calls, or that of a python3.15 on the PATH, which then runs the program too; py-spy, which knows more versions,
keeps no waits and no time of each sample.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers._common import instance, shown, source_of, whole
from helpers.gil.spans import Baseline, Sampling, Span, TracedThread, without
from helpers.gil.trace import GilTrace
from helpers.machine import usable_cpus

PATIENCE = 30  # seconds that the sampler may need beyond the time asked for, to start and to write its file
DISTURBS = 5000  # samples a second: above, holds of 8 ms were measured on two cores where stamps said 5
FORBIDDEN = (
    "This system forbids reading another process's memory, so nobody can look at the GIL from outside: a container"
    " may need the capability SYS_PTRACE, macOS needs root"
)


class NoSampler(RuntimeError):
    """Nobody can look at the GIL from outside here: Python is too old, or the system forbids it."""


def gil_profile(
    program: str | Path | Callable[..., object],
    *arguments: Any,
    rate: int = 1000,
    seconds: int = 10,
    recorded: str | Path | None = None,
) -> GilTrace:
    """Run `program` in a process of its own and say who had the GIL when, seen from outside, `rate` times a second.

    `program` is a script (a path that ends in .py), the name of a module, or a function, of which the source is run:
    it sees no variable of this process and imports what it needs. `arguments` go to sys.argv as text, or to the
    function, and must then be literals. After `seconds` the program is stopped, and the trace ends. What it printed
    is printed here when it is over. Threads bear their own names; times are perf_counter_ns, right to a sample or two.

    Where nobody can look, NoSampler says why; with `recorded`, the trace in that file is shown instead.
    RuntimeError for a program that fails, ValueError for one that is over before the first sample.
    """
    rate = whole("rate", rate, 10, 100_000)
    seconds = whole("seconds", seconds, 1, 600)
    if rate > DISTURBS and usable_cpus() <= 2:
        warnings.warn(
            f"{rate} samples a second disturb a program on {usable_cpus()} cores, holds come out longer; "
            f"{DISTURBS} or fewer are right",
            stacklevel=2,
        )
    with tempfile.TemporaryDirectory(prefix="gil-profile-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        target = _target(program, arguments, folder)
        try:
            profile, facts = _sample(target, rate, seconds, folder)
        except NoSampler as reason:
            if recorded is None:
                raise
            print(f"{reason}. Here is a recording.")
            return GilTrace.load(recorded)
    return read_gecko(profile, facts, rate, os.path.basename(getattr(program, "__name__", target[1])))


def sampler_host() -> str | None:
    """The interpreter whose sampler can be used here: this one, or a python3.15 on the PATH; None without one."""
    if importlib.util.find_spec("profiling") and importlib.util.find_spec("profiling.sampling"):
        return sys.executable
    other = shutil.which("python3.15")
    return other if other and _samples(other) else None


@cache
def _samples(python: str) -> bool:
    test = [python, "-c", "import profiling.sampling, _remote_debugging"]
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(test, capture_output=True, timeout=PATIENCE).returncode == 0
    return False


def _target(program: Any, arguments: Sequence[Any], folder: Path) -> list[str]:
    """What `sampler_main` is to run: the kind, the file or module, the arguments."""
    if inspect.isfunction(program) and program.__name__ != "<lambda>":
        source = source_of(program)
        inspect.signature(program).bind(*arguments)
        for value in arguments:
            try:
                ast.literal_eval(repr(value))
            except (ValueError, SyntaxError):
                raise TypeError(f"arguments of a function must be literals, not {shown(value)}") from None
        file = folder / "program.py"
        call = f"{program.__name__}({', '.join(map(repr, arguments))})"
        file.write_text(f"{source}\nif __name__ == '__main__':\n    {call}\n", encoding="utf-8")
        return ["source", str(file)]
    what = "a path that ends in .py, the name of a module, or a function"
    target = str(instance("program", program, (str, Path), what))
    if target.endswith(".py"):
        if not os.path.isfile(target):
            raise FileNotFoundError(f"program must be {what}; there is no file {target!r}")
        return ["script", target, *map(str, arguments)]
    if isinstance(program, Path) or not all(part.isidentifier() for part in target.split(".")):
        raise ValueError(f"program must be {what}, not {shown(program)}")
    return ["module", target, *map(str, arguments)]


def _sample(target: Sequence[str], rate: int, seconds: int, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the sampler on the program: what it wrote, and what the program noted of itself."""
    host = sampler_host()
    if host is None:
        raise NoSampler(
            "Nobody can look at the GIL from outside here: that takes Python 3.15, this is"
            f" {sys.version_info.major}.{sys.version_info.minor}, and there is no python3.15 on the PATH that can"
        )
    output = folder / "gecko.json"
    command = [host, "-m", "profiling.sampling", "run", "-a", "-r", str(rate), "-d", str(seconds), "--gecko"]
    command += ["-o", str(output), "-m", "helpers.gil.sampler_main", str(folder), *target]
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    env |= {"PYTHONPATH": path, "PYTHON_COLORS": "0", "PYTHONIOENCODING": "utf-8"}
    with open(folder / "sampler", "wb") as said:
        sampler = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env, start_new_session=True
        )
        try:
            sampler.wait(seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the sampler was not done {PATIENCE} s after the {seconds} s of the program") from None
        finally:
            # The program ends with the call, and whatever it has left behind.
            if hasattr(os, "killpg"):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(sampler.pid, signal.SIGKILL)
            else:
                sampler.kill()
            sampler.wait()
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        with suppress(FileNotFoundError):
            print((folder / name).read_text(encoding="utf-8", errors="replace"), end="", file=stream)
    facts, name = _facts(folder, seconds), os.path.basename(target[1])
    if "failed" in facts:
        raise RuntimeError(f"{name} failed, so there is no trace of it: {facts['failed']}")
    words = (folder / "sampler").read_text(encoding="utf-8", errors="replace").strip()
    with suppress(FileNotFoundError):
        profile = json.loads(output.read_text(encoding="utf-8"))
        if profile["threads"]:
            return profile, facts
        ran = facts.get("end", 0) - facts.get("start", 0)
        if ran < 20e9 / rate:
            raise ValueError(f"{name} was over after {ran / 1e6:.1f} ms, before the first sample")
        raise NoSampler(FORBIDDEN)
    if any(word in words for word in ("ermission", "not permitted", "task_for_pid", "sudo")):
        raise NoSampler(FORBIDDEN)
    raise RuntimeError(f"the sampler wrote no profile: {words.splitlines()[-1] if words else 'and does not say why'}")


def _facts(folder: Path, limit: int) -> dict[str, Any]:
    """What the program noted: single facts, and under "threads" native id -> name."""
    facts: dict[str, Any] = {"threads": {}, "limit": limit}
    with suppress(FileNotFoundError):
        for line in (folder / "facts").read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            if "thread" in found:
                facts["threads"][found.pop("thread")] = found.pop("name")
            facts |= found
    return facts


def read_gecko(profile: Mapping[str, Any], facts: Mapping[str, Any], rate: int, work: str) -> GilTrace:
    """The trace in a Gecko profile of Python 3.15's sampler, between the program's start and end.

    `facts` are those that `sampler_main` notes; `work` is what the program is called. A thread that runs without the
    GIL is on a core, or ready to be, and neither has the GIL nor waits for it, for two samples or more.
    """
    main = next(tid for tid in facts["threads"])
    strings = profile["shared"]["stringArray"]
    marks = {thread["tid"]: _markers(thread["markers"], strings) for thread in profile["threads"]}
    # meta.startTime is the monotonic clock (ms) when the sampler was ready; its times count from its first sample, a
    # fraction of a ms later.
    zero = round(profile["meta"]["startTime"] * 1e6) + facts["clocks"]
    moment = lambda ms: zero + round(ms * 1e6)
    seen = {thread["tid"]: [moment(ms) for ms in thread["samples"]["time"]] for thread in profile["threads"]}
    times = sorted({time for own in seen.values() for time in own})
    start, last = facts["start"], times[-1]
    stopped = last - times[0] > (facts["limit"] - 0.1) * 1e9
    end = last if stopped or "end" not in facts else facts["end"]
    inside = times[bisect_left(times, start) : bisect_right(times, end)]
    if len(inside) < 2:
        raise ValueError(f"{work} was over after {(end - start) / 1e6:.1f} ms, before the second sample")

    gaps = [(b - a) / 1e9 for a, b in pairwise([start, *inside, end])]
    here = [tid for tid, own in seen.items() if own and own[-1] >= start and own[0] <= end]
    here.sort(key=lambda tid: (tid != main, seen[tid][0], tid))
    found: dict[str, list[Span]] = {name: [] for name in ("Has GIL", "Waiting for GIL", "On CPU")}
    for index, tid in enumerate(here):
        # A state that lasted when the thread ended is drawn out to the end of the file.
        stop = min(end, seen[tid][-1] + round(1e9 / rate))
        for name, spans in found.items():
            for a, b in marks[tid].get(name, []):
                if (begin := max(start, moment(a))) < (done := min(stop, moment(b))):
                    spans.append(Span(index, begin, done))
    gil = facts["gil"]
    holds, waits, on_core = (sorted(spans, key=lambda span: span.start) for spans in found.values())
    outside = [span for span in without(on_core, [*holds, *waits]) if span.length >= 2 / rate]
    baseline = Baseline(0.0, 0.0, 0.0, 2 / rate, 0.0, 1.0)
    cpu = [sum(span.length for span in on_core if span.thread == index) for index in range(len(here))]
    return GilTrace(
        threads=tuple(
            TracedThread(facts["threads"].get(tid, f"thread {tid}"), tid, work, cpu[index], baseline)
            for index, tid in enumerate(here)
        ),
        start=start,
        end=end,
        holds=tuple(holds if gil else on_core),
        waits=tuple(waits if gil else ()),
        preempted=(),
        unsure=0,
        switch_interval=facts.get("switch_interval", 0.005),
        gil=gil,
        cores=facts["cores"],
        machine={name: facts[name] for name in ("python", "implementation", "platform", "date")},
        outside=tuple(outside if gil else ()),
        sampling=Sampling(
            rate=rate,
            samples=len(inside),
            # After a pause the sampler catches up with many samples at once: their number says nothing.
            lost=sum(max(0, round(gap * rate) - 1) for gap in gaps),
            longest=max(gaps),
            notes=tuple(_notes(facts, stopped, inside[0] - start)),
        ),
    )


def _markers(markers: Mapping[str, Sequence[Any]], strings: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """For each state of a thread, when (ms) it had it."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, start, end in zip(markers["name"], markers["startTime"], markers["endTime"], strict=True):
        found.setdefault(strings[name], []).append((start, end))
    return found


def _notes(facts: Mapping[str, Any], stopped: bool, unseen: int) -> Iterator[str]:
    """What a reader must know before trusting the picture."""
    if stopped:
        yield f"Stopped after {facts['limit']} s: the program had not ended."
    elif "end" not in facts:
        yield "The program ended by os._exit or by a signal."
    if unseen > 0.01e9:
        yield f"Its first {unseen / 1e6:.0f} ms were not seen."
    if "process" in facts:
        yield "It started other processes, which are not in the picture."
