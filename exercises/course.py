"""The whole course on one picture: lessons, the exercises done, the guesses that held."""

from __future__ import annotations

import ast
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from exercises.engine.verdict import Note
from exercises.learner import files, folder
from helpers import memory

ROW = 0.34  # inches for a lesson
_asked = False


def lessons() -> dict[Path, tuple[list[str], list[str]]]:
    """Each lesson's notebook with the names of its exercises and the questions that it asks."""
    home = Path.cwd() if any(Path.cwd().glob("[0-9][0-9]-*.ipynb")) else folder().parent / "notebooks"
    names = [path.stem.replace("_", "-") for path in files()]
    found = {}
    for path in sorted(home.glob("[0-9][0-9]-*.ipynb")):
        found[path] = ([name for name in names if name[:2] == path.stem[:2]], _questions(path))
    return found


def _questions(notebook: Path) -> list[str]:
    """What a lesson asks with `predict`. Cells that can't be read, as their reader may leave them, ask nothing."""
    found: list[str] = []
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return found
    for source in sources:
        with suppress(SyntaxError, ValueError):
            calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
            first = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "predict"]
            found += [arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return found


def progress() -> Any:
    """Draw what is done of the course. A circle is an exercise: full once an answer passed, half once one was tried."""
    from helpers.drawing.figure import GRAY, GREEN, INK, figure

    known, rows = memory.recall(), lessons()
    done = sum(facts.get("passed") is True for facts in known["exercises"].values())
    total = sum(len(names) for names, _ in rows.values())
    held = [facts["held"] for facts in known["guesses"].values() if isinstance(facts.get("held"), bool)]
    said = f"{done} of {total} exercises done, {sum(held)} of {len(held)} guesses held"
    picture = figure(8.4, 0.75 + ROW * len(rows), alt=f"The course: {said}.")
    picture.text(0.02, 1 - 0.3 / picture.get_figheight(), f"{said}. {_where()}", fontsize=11, color=INK)
    axes = picture.add_axes((0, 0, 1, 1 - 0.45 / picture.get_figheight()))
    axes.set(xlim=(0, 8.4), ylim=(len(rows), 0))
    axes.set_axis_off()
    for row, (path, (names, questions)) in enumerate(rows.items()):
        axes.text(0.2, row + 0.5, path.stem.replace("-", " "), va="center", fontsize=11, color=INK)
        for n, name in enumerate(names):
            facts = known["exercises"].get(name, {})
            fill = {True: "full", False: "left"}.get(facts.get("passed"), "none")
            look: dict[str, Any] = {"fillstyle": fill, "ms": 13, "mew": 1.5, "markerfacecoloralt": "white"}
            axes.plot([3.4 + 0.34 * n], [row + 0.5], "o", color=GREEN if facts else GRAY, **look)
        guesses = [known["guesses"].get(question, {}).get("held") for question in questions]
        known_ones = [one for one in guesses if isinstance(one, bool)]
        words = f"{sum(known_ones)} of {len(known_ones)} guesses held" if known_ones else "no guess yet"
        axes.text(4.9, row + 0.5, f"{words} ({len(questions)} asked)", va="center", fontsize=10, color=GRAY)
    return picture


def _where() -> str:
    """Where all this is kept, in a sentence."""
    path = memory.place()
    if os.environ.get("BINDER_SERVICE_HOST") or os.environ.get("BINDER_LAUNCH_HOST"):
        name = path.name if path else memory.NAME
        return f"On Binder nothing lasts: download {name} from\nthe file browser, and upload it there the next time."
    return f"Kept in {path.name}." if path else "Nothing is kept yet."


def forget() -> Note:
    """Begin the course anew. The first call asks, the second forgets; what was known stays in progress-before.json."""
    global _asked
    known = memory.recall()
    if not _asked:
        _asked = True
        what = f"{len(known['exercises'])} exercises and {len(known['guesses'])} guesses"
        return Note(f"This forgets {what}. Run this cell again if you want that.")
    _asked = False
    if stuck := memory.forget():
        return Note(f"This could not be changed, and is still known: {', '.join(map(str, stuck))}.")
    return Note("Forgotten. What was known is in progress-before.json, beside the file that held it.")
