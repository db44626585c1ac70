"""Renew requirements.txt with the newest versions, and write both environment.yml from it: `make lock`.

    .venv/bin/python tools/lock.py --conda      only the environment.yml files, from requirements.txt as it is

requirements.txt is one lock for every platform and Python from 3.11 on (uv's universal compile); the conda
environment has the same packages without the developers' tools, each at the same major and minor version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REQUIREMENTS = PROJECT / "requirements.txt"
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


def compile_requirements() -> None:
    """Let uv, installed for this alone, resolve pyproject.toml into requirements.txt."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--upgrade", "--all-extras"]
    command += ["--python-version=3.11", "--no-header", "--no-annotate", "--no-emit-index-url"]
    subprocess.run([*command, "pyproject.toml", "-o", REQUIREMENTS.name], cwd=PROJECT, check=True)


def locked() -> dict[str, str]:
    """Package -> version in requirements.txt; of a package with markers, the last line's (the newest Python's)."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ; ")[0].split("==") for line in lines)


def conda_names() -> list[str]:
    """What the course needs at run time, and what installs `helpers`."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"] + project["build-system"]["requires"]
    return sorted(re.split(r"[^\w.-]", requirement)[0] for requirement in asked)


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
        compile_requirements()
    for path in CONDA_FILES:
        path.write_text(conda_environment(), encoding="utf-8")


if __name__ == "__main__":
    main()
