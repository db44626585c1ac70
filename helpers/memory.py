"""What a learner has done and guessed, kept beyond the kernel in one small JSON file.

It lies beside the notebooks, or in the user's data folder where that can't be written. A write is whole or not done at
all, two kernels take turns, and nothing here ever raises: where nothing can be kept, it lasts as long as the kernel.
`THREADPOOL_PROGRESS=off` keeps nothing; any other value of it is the file's path.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

NAME, VARIABLE, FORMAT = "progress.json", "THREADPOOL_PROGRESS", "thread-pool progress 1"
PARTS = ("exercises", "guesses")
PATIENCE = 2  # seconds that a write waits for another kernel's

_here: dict[str, dict[str, Any]] = {part: {} for part in PARTS}  # what this kernel knows, kept or not


def places() -> list[Path]:
    """Where the file may be, the best place first; none where nothing is to be kept."""
    set_by_hand = os.environ.get(VARIABLE)
    if set_by_hand:
        return [] if set_by_hand == "off" else [Path(set_by_hand)]
    here, project = Path.cwd(), Path(__file__).resolve().parents[1] / "notebooks"
    beside = here if any(here.glob("[0-9][0-9]-*.ipynb")) else project
    return [beside / NAME, platformdirs.user_data_path("thread-pool-notebooks") / NAME]


def place() -> Path | None:
    """The file that holds what is kept now; None where there is none."""
    with suppress(OSError, RuntimeError):
        return next((path for path in places() if path.is_file()), None)
    return None


def recall() -> dict[str, dict[str, Any]]:
    """All that is known: {"exercises": {name: facts}, "guesses": {question: facts}}."""
    kept: dict[str, dict[str, Any]] = {}
    with suppress(OSError):
        if path := place():
            kept = _read(path)
    return {part: _here[part] | kept.get(part, {}) for part in PARTS}


def keep(part: str, name: str, **facts: Any) -> Path | None:
    """Add `facts` to what is known of `name`; the file that holds them now, None where none could be written."""
    return _change(lambda known: known[part].setdefault(name, {}).update(facts))


def forget() -> Path | None:
    """Begin anew. What was kept stays beside the file as progress-before.json."""
    path = place()
    if path:
        with suppress(OSError):
            path.with_name("progress-before.json").write_bytes(path.read_bytes())
    for part in PARTS:
        _here[part].clear()
    return _change(lambda known: known.update({part: {} for part in PARTS})) if path else None


def _change(change: Callable[[dict[str, dict[str, Any]]], Any]) -> Path | None:
    change(_here)
    with suppress(OSError, RuntimeError):
        kept = place()
        for path in dict.fromkeys([kept, *places()] if kept else places()):
            assert path is not None
            with suppress(OSError, Timeout, NotImplementedError):
                path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE):
                    known = _read(path)
                    change(known)
                    _write(path, known)
                return path
    return None


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """What the file at `path` holds. One that is no such file is set aside, never written over."""
    known: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        for part in PARTS:
            known[part] = {str(name): dict(facts) for name, facts in data[part].items()}
    except FileNotFoundError:
        pass
    except (ValueError, TypeError, KeyError, AttributeError):
        with suppress(OSError):
            os.replace(path, path.with_name("progress-unreadable.json"))
    return known


def _write(path: Path, known: dict[str, dict[str, Any]]) -> None:
    text = json.dumps({"format": FORMAT, **known}, indent=1, ensure_ascii=False)
    handle, new = tempfile.mkstemp(prefix=".progress-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
