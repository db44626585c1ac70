"""Build the website from the lessons as they are saved: `make site`, into site/. Nothing is executed, nothing fetched.

With SITE_REPOSITORY=owner/name in the environment each page opens on Binder as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import notebook_form
import readme_table

PROJECT = notebook_form.PROJECT
SETTINGS, SITE = PROJECT / "tools" / "site", PROJECT / "site"
MOVES = re.compile(r"^(?:\w+ = )?(\w+_lab|replay)\(", re.MULTILINE)
CLAIMS = "## Index of claims"
PLAY = ":::{note}\nThis is a still. It moves where the lesson runs: in JupyterLab (`make lab`), or on Binder.\n:::"
INDEX = """\
# Thread pools, seen

A course of Jupyter notebooks on Python's thread pools, Futures and the GIL, in which every claim is an experiment and
every run is a picture. These pages show the lessons with the outputs that were saved with them. To guess first, to run
and to play, open a lesson on Binder or get the course and call `make lab`.

{table}

- [Every claim of the article that the course begins with, and what is true](claims.md)

```{{toctree}}
:hidden:
:maxdepth: 1

{pages}
claims
```
"""


def lay_sources(folder: Path) -> None:
    """Write into `folder` what Sphinx reads: the lessons, an index, the claims, and the files that lessons link to."""
    folder.mkdir(parents=True)
    lessons = notebook_form.lessons()
    for path in lessons:
        nbformat.write(page(notebook_form.read(path)), folder / path.name)
    for path in notebook_form.NOTEBOOKS.iterdir():
        if path.suffix == ".py":
            shutil.copy(path, folder)
    shutil.copytree(notebook_form.NOTEBOOKS / "data", folder / "data")
    table = readme_table.table().replace("(notebooks/", "(")
    pages = "\n".join(path.stem for path in lessons)
    (folder / "index.md").write_text(INDEX.format(table=table, pages=pages), encoding="utf-8")
    [capstone] = [path for path in lessons if CLAIMS in path.read_text(encoding="utf-8")]
    (folder / "claims.md").write_text(claims(capstone), encoding="utf-8")


def page(notebook: Any) -> Any:
    """A lesson as a page: pictures with their sentences, and a word under what can't move here."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        alts = [o.get("metadata", {}).get("image/png", {}).get("alt") for o in cell.get("outputs", [])]
        if any(alts):
            cell.metadata["mystnb"] = {"image": {"alt": next(alt for alt in alts if alt).replace("\n", " ")}}
        if MOVES.search(cell.source):
            cells.append(nbformat.v4.new_markdown_cell(PLAY))
    notebook.cells = cells
    return notebook


def claims(capstone: Path) -> str:
    """The index of claims as a page of its own."""
    cells = notebook_form.read(capstone).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    body = text.partition(CLAIMS)[2].replace("](#", f"]({capstone.name}#")
    return f"# {CLAIMS.removeprefix('## ')}\n{body}\n"


def build(target: Path = SITE) -> int:
    """Build the site in `target`; what was there before is replaced. Sphinx's exit code."""
    sources = PROJECT / "build" / "site"
    for folder in (sources, target):
        shutil.rmtree(folder, ignore_errors=True)
    lay_sources(sources)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "sphinx",
        "--color",
        "-q",
        "-W",
        "--keep-going",
        "-c",
        SETTINGS,
        sources,
        target,
    ]
    code = subprocess.call(command)
    shutil.rmtree(target.parent / "jupyter_execute", ignore_errors=True)  # copies that nobody needs
    return code


if __name__ == "__main__":
    code = build()
    if not code:
        print(f"{SITE.name}/ has {len(list(SITE.glob('*.html')))} pages. Open {SITE.name}/index.html.")
    sys.exit(code)
