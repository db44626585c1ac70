"""The file of a GIL trace: its fields as JSON. Times in it are ns from the trace's start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.checks import shown
from helpers.gil_spans import Span
from helpers.gil_thread import Baseline, TracedThread

FORMAT = "gil trace 1"
SPANS = ("holds", "waits", "preempted")
PLAIN = ("machine", "unsure", "gil", "cores", "switch_interval", "start")


def write(path: str | Path, trace: Mapping[str, Any]) -> None:
    """Write the fields of a trace to `path`, all but the raw stamps."""
    start = trace["start"]
    data = {
        "format": FORMAT,
        **{name: trace[name] for name in PLAIN},
        "length": trace["end"] - start,
        "threads": [{**thread._asdict(), "baseline": thread.baseline._asdict()} for thread in trace["threads"]],
        **{name: [(thread, a - start, b - start) for thread, a, b in trace[name]] for name in SPANS},
    }
    Path(path).write_text(json.dumps(data) + "\n", encoding="utf-8")


def read(path: str | Path) -> dict[str, Any]:
    """The fields of the trace that `write` wrote; ValueError naming the file if it is anything else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {shown(data['format'])}")
        start = data["start"]
        return {
            **{name: data[name] for name in PLAIN},
            "end": start + data["length"],
            "threads": tuple(_thread(**thread) for thread in data["threads"]),
            **{name: tuple(Span(thread, start + a, start + b) for thread, a, b in data[name]) for name in SPANS},
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a trace that GilTrace.save wrote: {error!r}") from error


def _thread(baseline: dict[str, float], **facts: Any) -> TracedThread:
    return TracedThread(**facts, baseline=Baseline(*(baseline[name] for name in Baseline._fields)))
