"""One look for every picture: Okabe and Ito's colors, and axes without clutter.

The colors can be told apart with any common form of color blindness (Okabe and Ito, 2008,
"Color Universal Design", jfly.uni-koeln.de/color). Yellow comes last: it is faint on white.
"""

from __future__ import annotations

import io
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW = COLORS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
)
INK = "#222222"
GRAY = "#8A8A8A"
PALE = "#F1F1F1"
LINE = "#DADADA"

_SHADES = np.array([to_rgba(shade) for shade in COLORS])
_drawing = threading.Lock()
# Of these the installed ones draw what the usual font lacks: Chinese, Japanese and Korean.
_MORE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR",
    "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic", "NanumGothic",
    "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic",
    "Arial Unicode MS",
)  # fmt: skip


DPI = 144  # dots an inch: sharp on screens with two to a pixel


class Picture(Figure):
    """A Figure that shows itself, once, as the last value of a cell, without pyplot (not thread-safe).

    `alt` is the picture in one sentence, for a reader who can't see it.
    """

    alt = ""

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Figure.savefig, in which text is text: a `$` in a title or a thread's name begins no formula.

        One is drawn at a time: matplotlib shares caches. A character that no font here has is drawn as a box.
        """
        with _drawing, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            for text in self.findobj(Text):
                text.set_parse_math(False)
                text.set_fontfamily(_fonts())
            super().savefig(*args, **kwargs)

    def png(self, dpi: int = DPI) -> bytes:
        """The picture as the bytes of a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=dpi)
        return file.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        return self.png(), {"alt": self.alt, "width": round(self.get_figwidth() * 96)}


@cache
def _fonts() -> list[str]:
    there = set(fontManager.get_font_names())
    return ["sans-serif", *(name for name in _MORE_FONTS if name in there)]


def figure(width: float, height: float, alt: str = "") -> Picture:
    """An empty picture of `width` by `height` inches."""
    picture = Picture(figsize=(width, height), facecolor="white")
    picture.alt = alt
    return picture


def color(index: int) -> str:
    """The color of task or thread number `index`; the seven colors repeat."""
    return COLORS[index % len(COLORS)]


def shades(which: np.ndarray) -> np.ndarray:
    """The colors of the tasks or threads numbered `which`, a row (red, green, blue, alpha) for each."""
    return _SHADES[which % len(_SHADES)]


def ink_on(background: str) -> str:
    """Black or white, whichever reads better on a `#rrggbb` background (WCAG's relative luminance)."""
    parts = (int(background[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.30 else INK


def plain(axes: Axes, grid: bool = True) -> None:
    """Leave of `axes` only the bottom line and, with `grid`, faint vertical lines."""
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(GRAY)
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.tick_params(axis="x", colors=INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis="x", color=LINE, linewidth=0.8)


def beside(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """`text` to the right of `x`, or to its left where it would run out of the picture."""
    left = x < 0.7 * axes.get_xlim()[1]
    axes.text(x, y, f" {text}" if left else f"{text} ", ha="left" if left else "right", **style)
