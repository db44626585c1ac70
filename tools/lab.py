"""Start JupyterLab in notebooks/, on lesson 00 or the first that is there. Options for JupyterLab may follow.

    make lab                    or, in the conda environment,        python tools/lab.py

Without a browser at hand (a server, a container) JupyterLab prints the address to open.
"""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = PROJECT / "notebooks"
# tools/labconfig/ turns the announcements off: no question about news, no advice to leave the tested versions.
CONFIG = PROJECT / "tools"


def has_browser() -> bool:
    """False where only a text browser could open, or none."""
    screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    if not screen:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def command(options: list[str], notebooks: Path = NOTEBOOKS) -> list[str]:
    line = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebooks}"]
    line += [
        f"--LabApp.default_url=/lab/tree/{lesson.name}" for lesson in sorted(notebooks.glob("[0-9][0-9]-*.ipynb"))[:1]
    ]
    if not has_browser():
        line.append("--no-browser")
    # Jupyter refuses to run as root; in a container there is nobody else to be.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        line.append("--allow-root")
    return line + options


def environment() -> dict[str, str]:
    """This one, in which the kernels find `helpers` even where nobody installed it, and Jupyter our settings."""
    first = {"PYTHONPATH": PROJECT, "JUPYTER_CONFIG_PATH": CONFIG}
    paths = {name: filter(None, (str(folder), os.environ.get(name))) for name, folder in first.items()}
    return os.environ | {name: os.pathsep.join(path) for name, path in paths.items()}


def main() -> int:
    line = command(sys.argv[1:])
    if os.name == "posix":
        os.execve(line[0], line, environment())
    return subprocess.call(line, env=environment())


if __name__ == "__main__":
    sys.exit(main())
