"""Write the README's table of lessons from the first cell of each: `make notebooks` does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import notebook_form

README = notebook_form.PROJECT / "README.md"
TABLE = re.compile(r"^\| Lesson \|.*\n(?:\|.*\n)*", re.MULTILINE)
HEAD = "| Lesson | You will be able to | Minutes |\n| --- | --- | --: |\n"


class Opening(NamedTuple):
    """What a lesson's first cell says of it; a part that it does not say is empty."""

    title: str
    able_to: str
    minutes: str


def opening(first_cell: str) -> Opening:
    """The title (`# ...`), the sentence that begins "You will be able to", and the N of "N minutes"."""
    parts = (r"\A# (.+)", r"\bable to\s+(.+?)\.(?:\s|\Z)", r"\b(\d+) minutes")
    found = (re.search(part, first_cell, re.DOTALL if "able" in part else 0) for part in parts)
    return Opening(*(" ".join(match[1].split()) if match else "" for match in found))


def row(path: Path) -> str:
    title, able_to, minutes = opening(notebook_form.read(path).cells[0].source)
    return f"| [{title}](notebooks/{path.name}) | {able_to} | {minutes} |\n"


def table() -> str:
    return HEAD + "".join(map(row, notebook_form.lessons()))


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
