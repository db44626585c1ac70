"""`make` on a machine as it is: what it needs, what it says where that is missing, and what it does twice."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab
import pytest

PROJECT = Path(__file__).resolve().parents[2]
TARGETS = ("lab", "test", "notebooks", "lint", "lock", "bench", "handout", "exercise", "new-exercise", "clean", "ready")
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

# What a pip that succeeds leaves behind, without a network: a line in a log for each call.
FAKE_PIP = """\
import os, sys
with open(os.environ["PIP_LOG"], "a") as log:
    print(*sys.argv[1:], file=log)
print("Collecting nothing")
sys.exit(int(os.environ.get("PIP_FAILS", "0")))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what make needs to begin with."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PROJECT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def make(project: Path, untouched_by_make: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """make("ready", PATH=...): runs make in the copy; the variables are added to the environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = untouched_by_make | {"PIP_LOG": str(project / "pip.log")} | variables
        command = ["make", *arguments]
        return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=120)

    return run


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def disguised(path: Path, first: str) -> Path:
    """A Python that runs the line `first` before the program it is given: `python FILE` or `python -c CODE`."""
    code = (
        f"import sys, runpy; {first}; "
        "exec(sys.argv[2]) if sys.argv[1] == '-c' else runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    return script(path, f'exec "{sys.executable}" -c "{code}" "$@"')


OLD = "sys.version_info = (3, 9, 18)"
NO_VENV = "sys.modules['ensurepip'] = None"


def without_make(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not line.startswith("make")]


@pytest.mark.parametrize(
    ("first", "says"),
    [(OLD, "Python 3.11 or newer is needed and .* is 3.9.18"), (NO_VENV, "has no module ensurepip: install it")],
    ids=["old", "no venv"],
)
@pytest.mark.parametrize("target", ["lab", "test"])
def test_an_unfit_python_is_refused_in_one_sentence(
    first: str, says: str, target: str, project: Path, make: Callable[..., Any]
) -> None:
    python = disguised(project / "bin" / "python-here", first)
    done = make(target, f"PYTHON={python}")
    assert done.returncode == 2
    assert len(without_make(done.stderr)) == 1
    assert re.search(says, done.stderr)
    assert "make lab PYTHON=python3.12" in done.stderr
    assert not (project / ".venv").exists()


def test_a_python_that_does_not_exist_is_refused(project: Path, make: Callable[..., Any]) -> None:
    done = make("test", "PYTHON=python-nowhere")
    assert (done.returncode, without_make(done.stderr)) == (2, ["PYTHON=python-nowhere: there is no such command."])


def test_a_machine_without_python_is_told_so(project: Path, make: Callable[..., Any]) -> None:
    tools = project / "bin"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = make("lab", PATH=str(tools))
    assert done.returncode == 2
    assert without_make(done.stderr) == ["Python 3.11 or newer is needed and there is no python3: install it."]


def test_the_first_python_that_suits_is_found(project: Path, make: Callable[..., Any]) -> None:
    tools = project / "bin"
    disguised(tools / "python3", OLD)
    disguised(tools / "python3.13", NO_VENV)
    script(tools / "python3.12", "exit 127")
    script(tools / "python3.11", 'case "$1" in -c) exit 0;; *) echo "python3.11 runs $1";; esac')
    done = make("ready", PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (0, "python3.11 runs tools/environment.py\n")


def test_an_old_python_can_read_the_bootstrap() -> None:
    # What Python 2.7 can't read, it answers with a SyntaxError instead of our sentence.
    tree = ast.parse((PROJECT / "tools" / "environment.py").read_text(encoding="ascii"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.YieldFrom, ast.Match)
    for node in ast.walk(tree):
        assert not isinstance(node, newer), f"line {node.lineno}"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None, f"line {node.lineno}"
        if isinstance(node, ast.arguments):
            assert not node.kwonlyargs + node.posonlyargs
            assert all(one.annotation is None for one in node.args)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            assert not any(isinstance(one, ast.Starred) for one in node.elts), f"line {node.lineno}"
        if isinstance(node, ast.Dict):
            assert None not in node.keys, f"line {node.lineno}"


def bootstrap(project: Path) -> Any:
    """The module tools/environment.py of the project in this folder; the environments that it makes lack pip."""
    spec = importlib.util.spec_from_file_location("bootstrap", project / "tools" / "environment.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = module.run
    module.run = lambda command, *rest: run([*command, "--without-pip"] if "venv" in command else command, *rest)
    return module


@pytest.fixture
def environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bootstrap of the copy, with a pip that needs no network and no time."""
    pip = project / "fake" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").write_text("")
    (pip / "__main__.py").write_text(FAKE_PIP)
    monkeypatch.setenv("PYTHONPATH", str(pip.parent))
    monkeypatch.setenv("PIP_LOG", str(project / "pip.log"))
    return bootstrap(project)


def pip_calls(project: Path) -> list[str]:
    log = project / "pip.log"
    return log.read_text().splitlines() if log.exists() else []


def test_an_environment_is_made_once(
    project: Path, environment: Any, make: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    environment.prepare()
    said = capfd.readouterr().out
    assert "Creating .venv with Python" in said
    assert said.endswith("Ready.\n")
    calls = pip_calls(project)
    assert [call.split("--progress-bar=off ")[1] for call in calls] == [
        f"--requirement {project / 'requirements.txt'}",
        f"--no-deps --no-build-isolation --editable {project}",
    ]

    environment.prepare()
    again = make("ready")

    assert capfd.readouterr().out == again.stdout == again.stderr == ""
    assert again.returncode == 0
    assert pip_calls(project) == calls


@pytest.mark.parametrize("changed", ["requirements.txt", "pyproject.toml"])
def test_another_lock_is_installed_into_the_same_environment(changed: str, project: Path, environment: Any) -> None:
    environment.prepare()
    (project / ".venv" / "kept").touch()
    with (project / changed).open("a") as file:
        file.write("\n")
    environment.prepare()
    assert len(pip_calls(project)) == 4
    assert (project / ".venv" / "kept").exists()


def test_an_interrupted_install_is_repaired(
    project: Path, environment: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(SystemExit) as stopped:
        environment.prepare()
    assert stopped.value.code == 2
    assert "the next call tries again" in capfd.readouterr().err
    monkeypatch.delenv("PIP_FAILS")
    environment.prepare()
    assert len(pip_calls(project)) == 3
    assert "Creating" not in capfd.readouterr().out


def test_an_environment_that_can_not_be_made_is_explained(
    project: Path, environment: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.VENV = str(project / "Makefile" / "env")
    with pytest.raises(SystemExit) as stopped:
        environment.create()
    assert stopped.value.code == 2
    said = capfd.readouterr()
    assert "Makefile" in said.out
    assert said.err == "This did not succeed, the lines above say why; the next call tries again.\n"


def test_an_environment_made_halfway_is_made_anew(project: Path, environment: Any) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "half").touch()
    environment.prepare()
    assert not (project / ".venv" / "half").exists()
    assert len(pip_calls(project)) == 2


def test_another_interpreter_gets_an_environment_of_its_own(project: Path, environment: Any) -> None:
    environment.prepare()
    settings = project / ".venv" / "pyvenv.cfg"
    settings.write_text(re.sub(r"(?m)^executable = .*$", "executable = /elsewhere/python3", settings.read_text()))
    (project / ".venv" / "complete").write_text("another interpreter's")
    (project / ".venv" / "theirs").touch()
    environment.prepare()
    assert not (project / ".venv" / "theirs").exists()
    assert len(pip_calls(project)) == 4


def test_an_environment_moved_with_the_project_is_made_anew(
    project: Path, environment: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment.prepare()
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.copytree(project, moved, symlinks=True)
    (moved / ".venv" / "old").touch()
    bootstrap(moved).prepare()
    assert not (moved / ".venv" / "old").exists()


def test_help_is_the_default_and_names_every_target(make: Callable[..., Any]) -> None:
    done = make()
    assert done.returncode == 0
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == sorted(("help", *TARGETS))


def test_every_script_that_make_calls_exists() -> None:
    called = set(re.findall(r"tools/\w+\.py", (PROJECT / "Makefile").read_text(encoding="utf-8")))
    assert len(called) >= 6
    assert [path for path in called if not (PROJECT / path).is_file()] == []


@pytest.mark.parametrize(("fails", "runs"), [("make", ["update", "install", "test"]), ("apt-get", ["update"])])
def test_ci_installs_the_browser_and_fails_where_a_step_does(fails: str, runs: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in ("apt-get", "make"):
        script(tmp_path / "bin" / name, f'echo {name} "$@" >> "{log}"; [ {name} != {fails} ]')
    for name in ("bash", "dirname"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run([PROJECT / ".ci" / "run"], env={"PATH": str(tmp_path / "bin")}, timeout=60, check=False)
    calls = log.read_text().splitlines()
    assert [call.split()[1] for call in calls] == runs
    assert done.returncode == 1
    assert len(calls) < 2 or "chromium" in calls[1]


# The command behind `make lab`.


def test_the_lab_opens_lesson_00_in_notebooks() -> None:
    line = lab.command(["--port=9000"])
    assert f"--ServerApp.root_dir={PROJECT / 'notebooks'}" in line
    assert line[-1] == "--port=9000"
    opened = [option.split("=")[1] for option in line if option.startswith("--LabApp.default_url")]
    assert [Path(url).parent.as_posix() for url in opened] == ["/lab/tree"]
    assert (PROJECT / "notebooks" / Path(opened[0]).name).is_file()


def test_the_lab_prints_the_address_where_no_browser_can_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert "--no-browser" in lab.command([])
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(lab.webbrowser, "get", lambda: None)
    assert "--no-browser" not in lab.command([])

    def none_found() -> None:
        raise lab.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(lab.webbrowser, "get", none_found)
    assert "--no-browser" in lab.command([])


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_the_lab_runs_as_root_only_for_root(user: int, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in lab.command([])) is allowed


def test_the_lab_gives_kernels_the_helpers_where_nobody_installed_them(tmp_path: Path) -> None:
    # -S: without site-packages, so without what makes `helpers` importable here.
    bare = [sys.executable, "-S", "-c", "import helpers._common; print(helpers._common.__file__)"]
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    assert subprocess.run(bare, cwd=tmp_path, env=alone, capture_output=True, timeout=60).returncode != 0
    found = subprocess.run(bare, cwd=tmp_path, env=lab.environment(), capture_output=True, text=True, timeout=60)
    assert Path(found.stdout.strip()) == PROJECT / "helpers" / "_common.py"


def test_the_lab_serves_lesson_00_without_announcements(tmp_path: Path) -> None:
    log = tmp_path / "log"
    scratch = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "DISPLAY"))} | scratch
    command = [sys.executable, PROJECT / "tools" / "lab.py", "--no-browser", "--port=0", "--IdentityProvider.token=t"]
    with log.open("w") as out, subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=tmp_path) as server:
        try:
            address = printed_address(log, server)
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/lab/tree/00-[\w-]+\.ipynb", address)
            with urllib.request.urlopen(f"{address}?token=t", timeout=60) as page:
                config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.read().decode(), re.DOTALL)
            with urllib.request.urlopen(f"{address.partition('/lab')[0]}/api/contents/?token=t", timeout=60) as listing:
                names = [entry["name"] for entry in json.load(listing)["content"]]
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
    assert config
    assert "@jupyterlab/apputils-extension:announcements" in json.loads(config[1])["disabledExtensions"]
    assert {Path(address).name, "exercises"} <= set(names)


def printed_address(log: Path, server: subprocess.Popen[bytes], limit: float = 120) -> str:
    """The first address that JupyterLab prints for a browser, without its token."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"(http://127\S+)\?token", log.read_text()):
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"JupyterLab printed no address within {limit} s:\n{log.read_text()}")
