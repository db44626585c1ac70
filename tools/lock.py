"""Renew both requirements files with the newest versions, and write both environment.yml: `make lock`.

    .venv/bin/python tools/lock.py --conda      only the environment.yml files, from requirements.txt as it is

requirements.txt, what learners get, and requirements-dev.txt, what tests and tools need besides, are locks for every
platform and Python from 3.11 on (uv's universal compile). The conda environment has what pyproject.toml asks for, each
package at the same major and minor version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LEARNERS = PROJECT / "requirements.txt"
DEVELOPERS = PROJECT / "requirements-dev.txt"
CONDA_FILES = (PROJECT / "environment.yml", PROJECT / "binder" / "environment.yml")
# conda-forge's own dask and matplotlib bring pandas, bokeh and Qt along; these are what PyPI calls by those names.
CONDA_NAMES = {"dask": "dask-core", "matplotlib": "matplotlib-base"}
# repo2docker reads `python=3.13`, not `>=`.
CONDA = """\
# Written by `make lock` from pyproject.toml and requirements.txt.
name: thread-pools
channels:
  - conda-forge
dependencies:
  - python=3.13
  - pip
{packages}
"""


def compile_locks() -> None:
    """Let uv resolve pyproject.toml into both locks: no package has one version for learners and another for tests."""
    LEARNERS.write_text(resolved("--upgrade"), encoding="utf-8")
    everything = resolved("--upgrade", "--all-extras", f"--constraints={LEARNERS.name}")
    learners = set(LEARNERS.read_text(encoding="utf-8").splitlines())
    besides = [line for line in everything.splitlines() if line not in learners]
    DEVELOPERS.write_text("\n".join([f"-r {LEARNERS.name}", *besides, ""]), encoding="utf-8")


def resolved(*options: str) -> str:
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", *options, "pyproject.toml"]
    return subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout


def locked() -> dict[str, str]:
    """Package -> version in both locks; of a package with markers, the last line's (the newest Python's)."""
    lines = (line for path in (LEARNERS, DEVELOPERS) for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split(" ; ")[0].split("==") for line in lines if "==" in line.split(" ; ")[0])


def conda_names() -> list[str]:
    """What the course needs at run time, and what installs `helpers`."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"] + project["build-system"]["requires"]
    return sorted({re.split(r"[^\w.-]", requirement)[0] for requirement in asked} - {"pip"})


def conda_environment() -> str:
    """The text of environment.yml, each package at the major and minor version of requirements.txt."""
    versions = locked()
    packages = (f"  - {CONDA_NAMES.get(name, name)}={minor(versions[name])}" for name in conda_names())
    return CONDA.format(packages="\n".join(packages))


def minor(version: str) -> str:
    """`3.11` of `3.11.2`."""
    return ".".join(version.split(".")[:2])


def main() -> None:
    if sys.argv[1:] != ["--conda"]:
        compile_locks()
    for path in CONDA_FILES:
        path.write_text(conda_environment(), encoding="utf-8")


if __name__ == "__main__":
    main()
