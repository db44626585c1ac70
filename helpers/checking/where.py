"""Where a learner's code stands: its frames in a stack or a traceback, without those of Python, helpers and checks."""

from __future__ import annotations

import itertools
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple

_CELL = re.compile(r"[\\/]ipykernel_\d+[\\/]|^<ipython-input|^<stdin>$|^<string>$")
_OURS = str(Path(__file__).parent.parent) + os.sep
_PYTHON = tuple({sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class Spot(NamedTuple):
    """A line of the learner's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        code = linecache.getline(self.file, self.line).strip()
        where = f"{shown_file(self.file)}, line {self.line}"
        where += "" if self.function == "<module>" else f", in {self.function}"
        return f"{where}: `{code}`" if code else where


def shown_file(file: str) -> str:
    """ "cell", or the name of the file without its folder, which differs from machine to machine."""
    return "cell" if _CELL.search(file) else os.path.basename(file)


def tidy(text: str) -> str:
    """`text`, maybe with tracebacks in it, without the folders of this computer and addresses in its memory."""
    text = re.sub(r'File "([^"\n]+)"', lambda match: f'File "{shown_file(match[1])}"', text)
    return re.sub(r" at 0x[0-9a-fA-F]{6,}", "", text)


class Learners:
    """Tells the learner's lines from all others.

    In the exercise file, which holds the check as well, only the lines in `spans` are the answer's.
    """

    judge = str(Path(__file__).parent / "judge.py")  # below this file in a stack is the cell that called check()

    def __init__(self, exercise: Path, spans: Iterable[tuple[int, int]] = ()) -> None:
        self.exercise, self.spans = str(exercise), tuple(spans)

    def owns(self, file: str, line: int) -> bool:
        if file == self.exercise:
            return any(first <= line <= last for first, last in self.spans)
        if _CELL.search(file):
            return True
        return not (file.startswith((_OURS, "<", *_PYTHON)) or os.path.abspath(file).startswith(_PYTHON))

    def spots(self, frames: Iterable[tuple[FrameType, int]]) -> Iterator[Spot]:
        for frame, line in frames:
            code = frame.f_code
            if self.owns(code.co_filename, line or 0):
                yield Spot(code.co_filename, line, code.co_name)

    def raised_at(self, trace: TracebackType | None) -> list[Spot]:
        """The learner's lines that an exception passed, outermost first."""
        return list(self.spots(traceback.walk_tb(trace)))

    def stands_at(self, frame: FrameType | None) -> Spot | None:
        """The learner's line in which a thread is now, None if it is in none."""
        inside = itertools.takewhile(lambda f: f[0].f_code.co_filename != self.judge, traceback.walk_stack(frame))
        return next(self.spots(inside), None)

    def threads(self) -> dict[int, Spot]:
        """For each thread that is inside the learner's code, by its ident, the line."""
        here = {ident: self.stands_at(frame) for ident, frame in sys._current_frames().items()}
        return {ident: spot for ident, spot in here.items() if spot is not None}
