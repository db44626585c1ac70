"""What a learner has done and guessed, kept beyond the kernel in one small JSON file.

It lies beside the notebooks, or in the user's data folder where that can't be written or another kernel has it for too
long. Where there are two files, both count; of two facts about one thing, the later. A write is whole or not done at
all, two kernels take turns, and nothing here ever raises: where nothing can be kept, it lasts as long as the kernel.
`THREADPOOL_PROGRESS=off` keeps nothing; any other value of it is the file's path.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

NAME, VARIABLE, FORMAT = "progress.json", "THREADPOOL_PROGRESS", "thread-pool progress 1"
PARTS = ("exercises", "guesses")
PATIENCE = 2  # seconds that a write waits for another kernel's

_here: dict[str, dict[str, Any]] = {part: {} for part in PARTS}  # what this kernel could not write yet


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
    known: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    files = []
    with suppress(OSError, RuntimeError):
        for path in places():
            with suppress(OSError):
                files.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(files):
        with suppress(OSError):
            _add(known, _read(path))
    _add(known, _here)
    return known


def keep(part: str, name: str, **facts: Any) -> Path | None:
    """Add `facts` to what is known of `name`; the file that holds them now, None where none could be written."""
    new = {part: {name: facts}}
    with suppress(OSError, RuntimeError):
        for path in dict.fromkeys(filter(None, [place(), *places()])):
            with suppress(OSError, Timeout, NotImplementedError):
                path.parent.mkdir(parents=True, exist_ok=True)
                with _lock(path):
                    known = recall()
                    _add(known, new)
                    _write(path, known)
                for unsaved in _here.values():
                    unsaved.clear()
                return path
    _add(_here, new)
    return None


def forget() -> list[Path]:
    """Begin anew; the files that can't be changed. What was kept stays beside each file as progress-before.json."""
    for unsaved in _here.values():
        unsaved.clear()
    stuck = []
    with suppress(OSError, RuntimeError):
        for path in filter(Path.is_file, places()):
            try:
                with _lock(path):
                    path.with_name("progress-before.json").write_bytes(path.read_bytes())
                    _write(path, {part: {} for part in PARTS})
            except (OSError, Timeout, NotImplementedError):
                stuck.append(path)
    return stuck


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE)


def _add(known: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]) -> None:
    for part, named in more.items():
        for name, facts in named.items():
            known[part].setdefault(name, {}).update(facts)


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
    """For those who hold the lock. So one name will do for the new file, and what a killed kernel left has it too."""
    text = json.dumps({"format": FORMAT, **known}, indent=1, ensure_ascii=False)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        with open(new, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
