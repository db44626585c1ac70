"""What a committed notebook looks like: the same bytes after every run, except for what time must change."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbval.plugin import get_sanitize_patterns
from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = PROJECT / "notebooks"
# JupyterLab writes this display name when it saves, so a reader's save changes nothing here.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "editable", "deletable", "jupyter", "slideshow"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# nbval applies the same rules to both sides before it compares them.
RULES = get_sanitize_patterns((PROJECT / "tests" / "notebooks" / "nbval-sanitize.cfg").read_text(encoding="utf-8"))
# The longest first: the environment lies inside the project, the project may lie in the home folder.
PLACES = sorted({NOTEBOOKS, PROJECT, Path(sys.prefix), Path(sys.base_prefix), Path.home()}, key=lambda p: -len(str(p)))
THIS_COMPUTER = tuple(f"{place}{os.sep}" for place in PLACES if place != Path(place.anchor))


def lessons() -> list[Path]:
    """The notebooks of the course, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


def read(path: Path) -> Any:
    """The notebook at `path`, as it is: nbformat's own read() gives cells new ids where it does not like theirs."""
    return nbformat.v4.reads_json(path.read_text(encoding="utf-8"))


def write(notebook: Any, path: Path) -> None:
    """Save `notebook` at `path`, where it is valid."""
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def normalize(notebook: Any, folders: tuple[str, ...] = ()) -> None:
    """Take from `notebook` what belongs to one run: timings, addresses, widget models; and these `folders`' names."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    count = 0
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {name: value for name, value in cell.metadata.items() if name in CELL_METADATA and value != []}
        )
        if cell.cell_type != "code":
            continue
        if not cell.source.strip():
            cell.execution_count, cell.outputs = None, []
            continue
        count += cell.execution_count is not None
        for output in cell.outputs:
            normalize_output(output, count, folders)
        if cell.execution_count is not None:
            cell.execution_count = count


def normalize_output(output: Any, count: int, folders: tuple[str, ...]) -> None:
    if output.output_type == "stream":
        output.text = scrub(output.text, folders)
        return
    if output.output_type == "error":
        output.evalue = scrub(output.evalue, folders)
        output.traceback = [scrub(line, folders, colored=True) for line in output.traceback]
        return
    if output.output_type == "execute_result":
        output.execution_count = count
    output.data.pop(WIDGET_VIEW, None)
    for kind, value in output.data.items():
        if kind.startswith("text/") and isinstance(value, str):
            output.data[kind] = scrub(value, folders)


def shrink_pictures(notebook: Any) -> None:
    """Save each picture with 256 colors, which drawings of bars and words look the same in: a third of the bytes."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if "image/png" in output.get("data", {}):
            picture, file = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))), io.BytesIO()
            if picture.mode != "P" and picture.convert("RGBA").getchannel("A").getextrema() == (255, 255):
                colors = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
                colors.save(file, "PNG", optimize=True)
                output.data["image/png"] = base64.b64encode(file.getvalue()).decode()


def scrub(text: str, folders: tuple[str, ...], colored: bool = False) -> str:
    """`text` without the names of these folders, and with nbval's rules applied; `colored`: colors are kept."""
    for folder in folders:
        text = text.replace(folder, "")
    for pattern, replacement in RULES:
        if colored and pattern.startswith(r"\x1b"):
            continue
        text = re.sub(pattern, replacement, text)
    return text


def anchor(heading: str) -> str:
    """What JupyterLab makes of a heading, to link to it."""
    return heading.strip().replace(" ", "-")


def strip_outputs(notebook: Any) -> None:
    """Leave of `notebook` what a learner starts with: no outputs, no counts."""
    normalize(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
