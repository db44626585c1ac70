"""The files that describe the environment agree with each other and with what is installed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lock
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
BINDER = PROJECT / "binder"
LOCKS = {path: path.read_text(encoding="utf-8") for path in (lock.LEARNERS, lock.DEVELOPERS)}
INCLUDED = "-r requirements.txt\n"


def requirements(*paths: Path) -> list[Requirement]:
    lines = (line for path in paths for line in LOCKS[path].removeprefix(INCLUDED).splitlines())
    return [Requirement(line) for line in lines]


REQUIREMENTS = requirements(*LOCKS)
PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA: dict[str, Any] = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
FROM_CONDA_NAME = {conda: name for name, conda in lock.CONDA_NAMES.items()}


def conda_packages() -> dict[str, str]:
    """PyPI's name -> version, without Python; pip, which repo2docker asks for, has none."""
    pairs = (str(line).partition("=") for line in CONDA["dependencies"] if line != "python=3.13")
    return {FROM_CONDA_NAME.get(name, name): version for name, _, version in pairs}


def locked_here(*paths: Path) -> dict[str, str]:
    """Name -> version of the locks' lines that hold for this Python."""
    here = [one for one in requirements(*paths or LOCKS) if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}


def names(asked: list[str]) -> set[str]:
    """The packages of what is asked for, where that holds for this Python."""
    found = map(Requirement, asked)
    return {canonicalize_name(one.name) for one in found if one.marker is None or one.marker.evaluate()}


def asked_at_run_time() -> set[str]:
    """What the course needs, and what installs `helpers`."""
    return names(PYPROJECT["project"]["dependencies"] + PYPROJECT["build-system"]["requires"])


def test_the_locks_are_exact() -> None:
    assert len(requirements(lock.LEARNERS)) > 100
    assert len(requirements(lock.DEVELOPERS)) > 40
    assert all(re.fullmatch(r"==[\w.]+", str(one.specifier)) for one in REQUIREMENTS)


def test_the_developers_lock_adds_to_the_learners() -> None:
    assert LOCKS[lock.DEVELOPERS].startswith(INCLUDED)
    assert not set(map(str, requirements(lock.LEARNERS))) & set(map(str, requirements(lock.DEVELOPERS)))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_index_and_no_host(path: Path) -> None:
    text = LOCKS[path].removeprefix(INCLUDED)
    assert not re.search(r"^\s*-|://|@|--|\b[\w-]+\.(com|org|net|io)\b", text, re.MULTILINE)


def test_the_locks_have_all_that_the_project_asks_for() -> None:
    project = PYPROJECT["project"]
    assert names(project["dependencies"]) <= locked_here(lock.LEARNERS).keys()
    developers = names(project["optional-dependencies"]["dev"] + PYPROJECT["build-system"]["requires"])
    assert developers <= locked_here().keys()
    assert "uv" in developers


def test_learners_get_no_tools_of_developers() -> None:
    tools = {"pytest", "nbval", "notebook", "mypy", "ruff", "uv", "sphinx", "setuptools"}
    assert not locked_here(lock.LEARNERS).keys() & tools


@pytest.mark.parametrize("python", ["3.11.4", "3.12.1", "3.13.0", "3.14.0", "3.15.0"])
def test_the_lock_has_one_version_for_each_python(python: str) -> None:
    where = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    found = {(one.name, str(one.specifier)) for one in REQUIREMENTS if not one.marker or one.marker.evaluate(where)}
    once = {name for name, _ in found}
    assert len(found) == len(once)
    assert {"numpy", "contourpy", "matplotlib"} <= once


def test_the_lock_is_what_is_installed() -> None:
    wrong = {}
    for name, version in locked_here().items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        if found != version:
            wrong[name] = f"{found}, the lock says {version}"
    assert not wrong


def test_conda_asks_for_what_the_project_asks_for() -> None:
    assert conda_packages().keys() == asked_at_run_time()
    assert CONDA["name"] == "thread-pools"
    assert CONDA["channels"] == ["conda-forge"]


def test_conda_asks_for_the_versions_in_use() -> None:
    newest = lock.locked()
    for name, version in conda_packages().items() - {("pip", "")}:
        assert version == lock.minor(newest[name])
        # conda's Python is the newest one; an older one here may need an older version of a package.
        if locked_here()[name] == newest[name]:
            assert version == lock.minor(importlib.metadata.version(name))


def test_conda_names_its_python_as_binder_reads_it() -> None:
    # repo2docker reads `python=3.13`, not a range.
    assert [line for line in CONDA["dependencies"] if str(line).startswith("python")] == ["python=3.13"]
    assert "3.13" in SpecifierSet(PYPROJECT["project"]["requires-python"])


def test_conda_files_are_what_make_lock_writes() -> None:
    for path in lock.CONDA_FILES:
        assert path.read_text(encoding="utf-8") == lock.conda_environment()


def test_all_that_name_the_pythons_name_the_same() -> None:
    minors = range(11, 16)
    project = PYPROJECT["project"]
    assert [3 * 100 + minor for minor in minors if f"3.{minor}" in SpecifierSet(project["requires-python"])] == [
        300 + minor for minor in minors
    ]
    classifiers = re.findall(r"Python :: 3\.(\d+)", "\n".join(project["classifiers"]))
    makefile = re.search("(?m)^INTERPRETERS = (.*)$", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert makefile
    workflow = (PROJECT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    in_workflow = yaml.safe_load(workflow)["jobs"]["test"]["strategy"]["matrix"]["python"]
    wanted = [str(minor) for minor in minors]
    assert classifiers == wanted
    assert sorted(re.findall(r"python3\.(\d+)", makefile[1])) == wanted
    assert [version.removeprefix("3.") for version in in_workflow if not version.endswith("t")] == wanted
    assert "3.14t" in in_workflow and "Programming Language :: Python :: Free Threading" in project["classifiers"]


def test_binder_has_the_same_environment() -> None:
    assert (BINDER / "environment.yml").read_bytes() == (PROJECT / "environment.yml").read_bytes()


def test_binder_has_nothing_that_would_come_first() -> None:
    # repo2docker ignores environment.yml beside a Dockerfile; what else it reads would surprise.
    assert sorted(path.name for path in BINDER.iterdir()) == ["environment.yml", "postBuild"]


def test_binder_can_run_post_build() -> None:
    assert os.access(BINDER / "postBuild", os.X_OK)
    lines = (BINDER / "postBuild").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines


def test_repo2docker_reads_the_binder_folder() -> None:
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(PROJECT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    assert "Building conda environment for python=3.13" in log
    assert '--file "binder/environment.yml"' in log
    assert "RUN ./binder/postBuild" in log


@dataclass(frozen=True)
class Scratch:
    """A copy of the project, and an environment with this one's packages that has no `helpers` yet."""

    project: Path
    env: dict[str, str]

    @property
    def settings(self) -> Path:
        return self.project / "env" / "etc" / "jupyter" / "labconfig" / "page_config.json"

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cwd, env=self.env, capture_output=True, text=True, timeout=240)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tmp_path)
    for name in ("helpers", "exercises", "binder"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    venv = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=240)
    # The packages' own .pth files are not read from there, and it is one of these that makes `helpers` importable.
    packages = sysconfig.get_path("purelib")
    pth = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}), "packages.pth")
    # They come first: Python 3.11 puts an old setuptools into every environment.
    pth.write_text(f"import sys; sys.path.insert(0, {packages!r})\n", encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "JUPYTER", "VIRTUAL_ENV"))}
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return Scratch(tmp_path, kept | {"PATH": path, "MPLCONFIGDIR": str(tmp_path / "fonts"), "PIP_NO_INDEX": "1"})


def test_post_build_does_its_work(scratch: Scratch) -> None:
    elsewhere = scratch.project / "fonts"
    elsewhere.mkdir()
    import_helpers = ("python", "-c", "import helpers.drawing.figure; print(helpers.drawing.figure.__file__)")
    assert "No module named 'helpers'" in scratch.run(*import_helpers, cwd=elsewhere).stderr

    done = scratch.run("binder/postBuild", cwd=scratch.project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert list(elsewhere.glob("fontlist-*.json"))
    disabled = json.loads(scratch.settings.read_text(encoding="utf-8"))["disabledExtensions"]
    assert disabled == {"@jupyterlab/apputils-extension:announcements": True}
    # The course's own files, not a copy of them: a pull in a running session reaches them.
    found = scratch.run(*import_helpers, cwd=elsewhere).stdout.strip()
    assert Path(found).samefile(scratch.project / "helpers" / "drawing" / "figure.py")


def test_post_build_stops_at_the_first_failure(scratch: Scratch) -> None:
    (scratch.project / "pyproject.toml").unlink()
    done = scratch.run("binder/postBuild", cwd=scratch.project)
    assert done.returncode != 0
    assert not scratch.settings.exists()
