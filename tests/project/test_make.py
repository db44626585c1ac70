"""`make` on a machine as it is: what it needs, what it says where that is missing, and what it does once.

pip and uv are stand-ins here, without a network: pip writes uv, and both write a line in a log for each call.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
Make = Callable[..., "subprocess.CompletedProcess[str]"]

FAKE_PIP = """\
import os, sys
from pathlib import Path

with open(os.environ["CALLS"], "a") as log:
    print("pip", *sys.argv[1:], file=log)
if sys.argv[1] == "config":
    print("global.extra-index-url='elsewhere'" + os.environ.get("PIP_CONFIG", ""))
if os.environ.get("FAILS") == sys.argv[1]:
    print("No space left.")
    sys.exit(1)
if "--target" in sys.argv:
    uv = Path(sys.argv[sys.argv.index("--target") + 1], "bin", "uv")
    uv.parent.mkdir(parents=True, exist_ok=True)
    uv.write_text(os.environ["UV"])
    uv.chmod(0o755)
"""
FAKE_UV = """\
#!/bin/sh
echo uv "$@" ${UV_DEFAULT_INDEX:+from $UV_DEFAULT_INDEX} >> "$CALLS"
for last in "$@"; do :; done
if [ -n "$UNBUILT" ] && grep -q "$UNBUILT" "$PROJECT/.venv/made-for" && grep -q "^viztracer==" "$last"; then
  echo "  x Failed to build \\`viztracer==1.1.1\\`"
  echo "  snaptrace.c: error: no member named \\`interp\\`"
  exit 1
fi
cp "$last" "$PROJECT/installed"
[ "$FAILS" != uv ]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what make needs to begin with."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(PROJECT / "tools" / "environment.py", tmp_path / "tools")
    pip = tmp_path / "fake" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(FAKE_PIP, encoding="utf-8")
    return tmp_path


@pytest.fixture
def make(project: Path, untouched_by_make: dict[str, str]) -> Make:
    """make("ready", PATH=...): runs make in the copy; the variables are added to the environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        ours = {"PYTHONPATH": "fake", "CALLS": "calls", "PROJECT": ".", "UV": FAKE_UV}
        env = {k: v for k, v in untouched_by_make.items() if not k.startswith("UV_")} | ours | variables
        return subprocess.run(["make", *arguments], cwd=project, env=env, capture_output=True, text=True, timeout=120)

    return run


def calls(project: Path, program: str) -> list[str]:
    """What `program` was called with since the last time that this was asked."""
    log = project / "calls"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def disguised(path: Path, first: str) -> Path:
    """A Python that runs the line `first` before the program it is given: `python FILE` or `python -c CODE`."""
    code = (
        f"import sys, runpy; {first}; del sys.argv[0]; "
        "exec(sys.argv[1]) if sys.argv[0] == '-c' else runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return script(path, f'exec "{sys.executable}" -c "{code}" "$@"')


OLD = "sys.version_info = (3, 9, 18)"
NO_VENV = "sys.modules['ensurepip'] = None"


def without_make(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not line.startswith("make")]


@pytest.mark.parametrize(
    ("first", "says"),
    [(OLD, "Python 3.11 or newer is needed and .* is Python 3.9.18"), (NO_VENV, "has no module ensurepip: install it")],
    ids=["old", "no venv"],
)
@pytest.mark.parametrize("target", ["lab", "test"])
def test_an_unfit_python_is_refused_in_one_sentence(
    first: str, says: str, target: str, project: Path, make: Make
) -> None:
    python = disguised(project / "bin" / "python-here", first)
    done = make(target, f"PYTHON={python}")
    assert done.returncode == 2
    assert len(without_make(done.stderr)) == 1
    assert re.search(says, done.stderr)
    assert "make lab PYTHON=python3.12" in done.stderr
    assert not (project / ".venv").exists()


def test_a_python_that_does_not_exist_is_refused(project: Path, make: Make) -> None:
    done = make("test", "PYTHON=python-nowhere")
    assert (done.returncode, without_make(done.stderr)) == (2, ["PYTHON=python-nowhere: there is no such command."])


def path_of(tools: Path) -> str:
    """A PATH on which no other Python can be found than those in `tools`."""
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 16))):
        if not (tools / name).exists():
            script(tools / name, "exit 127")
    return f"{tools}{os.pathsep}{os.environ['PATH']}"


def test_a_machine_without_python_is_told_so(project: Path, make: Make) -> None:
    tools = project / "bin"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = make("lab", PATH=str(tools))
    assert done.returncode == 2
    assert without_make(done.stderr) == ["Python 3.11 or newer is needed and there is no python3: install it."]


def test_the_first_python_that_suits_is_found(project: Path, make: Make) -> None:
    tools = project / "bin"
    disguised(tools / "python3", OLD)
    disguised(tools / "python3.13", NO_VENV)
    script(tools / "python3.12", "exit 127")
    script(tools / "python3.11", 'case "$1" in -c) echo 3.11;; *) echo "python3.11 runs $1";; esac')
    done = make("ready", PATH=path_of(tools))
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
        if isinstance(node, ast.Call):
            assert not any(isinstance(one, ast.Starred) for one in node.args[:-1]), f"line {node.lineno}"
        if isinstance(node, ast.Dict):
            assert None not in node.keys, f"line {node.lineno}"


def test_an_environment_is_made_once(project: Path, make: Make) -> None:
    done = make("ready")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(
        r"Creating .venv with Python 3[.\d]+\.\nInstalling the packages of requirements.txt.\nReady.\n", done.stdout
    )
    version = re.search("(?m)^uv==.*$", (PROJECT / "requirements-dev.txt").read_text())
    assert version
    (project / "calls").replace(project / "first")
    log = (project / "first").read_text().splitlines()
    assert [line.split()[:3] for line in log] == [
        ["pip", "config", "list"],
        ["pip", "install", "--target"],
        ["uv", "pip", "install"],
    ]
    assert log[1].endswith(f"--only-binary=:all: {version[0]}")
    assert (project / "installed").read_text().split("\n") == (PROJECT / "requirements.txt").read_text().splitlines()
    assert not (project / ".venv" / "uv").exists()
    found = [project / ".venv" / "bin" / "python", "-c", "import tools; print(*tools.__path__)"]
    where = subprocess.run(found, cwd="/", capture_output=True, text=True, check=True, timeout=60).stdout
    assert Path(where.strip()) == project / "tools"

    again = make("ready")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert not (project / "calls").exists()


def test_the_developers_part_is_added_by_itself(project: Path, make: Make) -> None:
    make("ready")
    calls(project, "uv")
    done = make("ready-dev")
    assert done.stdout == "Installing the packages of requirements-dev.txt.\nReady.\n"
    assert len(calls(project, "uv")) == 1
    lines = (PROJECT / "requirements-dev.txt").read_text().splitlines()
    assert lines[0] == "-r requirements.txt"
    assert (project / "installed").read_text().splitlines() == lines[1:]
    assert make("ready").stdout == make("ready-dev").stdout == ""


@pytest.mark.parametrize("target", ["test", "lint", "bench", "notebooks", "lock", "handout", "site"])
def test_what_needs_the_developers_part_asks_for_it(target: str, make: Make) -> None:
    assert "requirements-dev.txt" in make("--dry-run", target).stdout


@pytest.mark.parametrize("target", ["lab", "exercise", "grade"])
def test_learners_do_not_wait_for_the_developers_part(target: str, make: Make) -> None:
    planned = make("--dry-run", target).stdout
    assert "requirements.txt" in planned
    assert "requirements-dev.txt" not in planned


def test_another_lock_is_installed_into_the_same_environment(project: Path, make: Make) -> None:
    make("ready")
    (project / ".venv" / "kept").touch()
    with (project / "requirements.txt").open("a") as file:
        file.write("another==1.0\n")
    calls(project, "uv")
    assert "Creating" not in make("ready").stdout
    assert len(calls(project, "uv")) == 1
    assert (project / "installed").read_text().endswith("another==1.0")
    assert (project / ".venv" / "kept").exists()


@pytest.mark.parametrize("fails", ["config", "install", "uv"])
def test_an_interrupted_install_goes_on(fails: str, project: Path, make: Make) -> None:
    make("ready")
    before = (project / "requirements.txt").read_text()
    (project / "requirements.txt").write_text("another==1.0\n")
    done = make("ready", FAILS=fails)
    assert done.returncode == 2
    assert without_make(done.stderr) == ["This did not succeed, the lines above say why; the next call tries again."]
    # Half of another lock is no longer the old one, even where the old one comes back.
    if fails == "uv":
        (project / "requirements.txt").write_text(before)
    calls(project, "uv")
    done = make("ready")
    assert done.returncode == 0
    assert "Creating" not in done.stdout
    assert len(calls(project, "uv")) == 1


def test_an_environment_that_can_not_be_made_is_explained(project: Path, make: Make) -> None:
    tools = project / "bin"
    disguised(tools / "python3", "sys._base_executable = '/bin/false'")
    done = make("ready", PATH=path_of(tools))
    assert done.returncode == 2
    assert without_make(done.stderr) == ["This did not succeed, the lines above say why; the next call tries again."]


@pytest.mark.parametrize("made", ["halfway", "for another interpreter", "as a link"])
def test_an_environment_that_is_not_ours_is_made_anew(made: str, project: Path, make: Make) -> None:
    if made == "for another interpreter":
        make("ready")
        mark = project / ".venv" / "made-for"
        mark.write_text(mark.read_text().replace("python3", "python2"))
    elif made == "as a link":
        (project / "venv").mkdir()
        (project / ".venv").symlink_to("venv")
    else:
        (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "theirs").touch()
    done = make("ready")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "Removing .venv")
    assert not (project / ".venv" / "theirs").exists()
    assert (project / "venv" / "theirs").exists() is (made == "as a link")


def test_an_environment_moved_with_the_project_is_made_anew(
    project: Path, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make("ready")
    (project / ".venv" / "old").touch()
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.copytree(project, moved, symlinks=True)
    done = make("-C", str(moved), "ready", PYTHONPATH=str(project / "fake"))
    assert "Removing .venv" in done.stdout
    assert not (moved / ".venv" / "old").exists()


def test_uv_asks_the_index_that_pip_is_set_to(project: Path, make: Make) -> None:
    make("ready", PIP_CONFIG="\nuser.index-url='a-mirror/simple'")
    assert [call.split()[-1] for call in calls(project, "uv")] == ["a-mirror/simple"]


NEWER = "import sys; sys.version, sys.version_info = '3.15.99 (main)', (3, 15, 99)"
NO_WHEEL = "viztracer==1.1.1 has no wheel for Python 3.15.99 and can't be built here."


@pytest.mark.parametrize("named", [True, False])
def test_another_python_is_taken_where_a_package_can_not_be_built(named: bool, project: Path, make: Make) -> None:
    python = disguised(project / "bin" / "python3", NEWER)
    (project / "bin" / "python3.13").symlink_to(sys.executable)
    path = path_of(project / "bin")
    done = make("ready", *[f"PYTHON={python}"] * named, PATH=path, UNBUILT="3.15.99")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said.index(NO_WHEEL) < said.index("Creating .venv with Python {}.{}.{}.".format(*sys.version_info))
    assert said[-1] == "Ready."
    assert "snaptrace" not in done.stdout + done.stderr
    assert (project / "installed").read_text() == (PROJECT / "requirements.txt").read_text().rstrip()
    assert make("ready", PATH=path, UNBUILT="3.15.99").stdout == ""


def test_a_package_that_no_python_can_have_is_left_out(project: Path, make: Make) -> None:
    tools = project / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(sys.executable)
    path = path_of(tools)
    done = make("ready", PATH=path, UNBUILT="(")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "What imports it will not run. Install a C compiler or an older Python, then run `make clean`." in done.stdout
    )
    assert "snaptrace" not in done.stdout + done.stderr
    wanted = (PROJECT / "requirements.txt").read_text().splitlines()
    left_out = set(wanted) - set((project / "installed").read_text().splitlines())
    assert {line.split("==")[0] for line in left_out} == {"viztracer"}
    assert make("ready", PATH=path, UNBUILT="(").stdout == ""


def test_help_is_the_default_and_names_every_target(make: Make) -> None:
    done = make()
    assert done.returncode == 0
    targets = re.search("(?m)^[.]PHONY: (.*)$", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert targets
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == sorted(targets[1].split())


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
