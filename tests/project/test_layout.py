"""The rules of the house (CONTRIBUTING.md): who imports whom, what costs nothing to import, how much lies where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import helpers

PROJECT = Path(__file__).resolve().parents[2]
# Data runs one way: a room imports from rooms of earlier rows alone, and never from one beside it.
ROWS = (
    ("_common", "memory"),
    ("tasks", "machine", "stepping"),
    ("recording", "gil"),
    ("drawing", "profiling", "processes", "predictions"),
    ("live",),
    ("labs",),
)
HEAVY = ("numpy", "matplotlib", "ipywidgets", "IPython", "anywidget")
MOST = 7  # files, and folders, directly in helpers/
LINES = 400
PARTS = ("helpers", "exercises")


def modules(folder: Path, *parts: str) -> dict[str, Path]:
    """Dotted name -> file of all modules below `parts` of the project in `folder`."""
    found = (path for part in parts for path in sorted((folder / part).rglob("*.py")))
    names = ((path.relative_to(folder).with_suffix(""), path) for path in found)
    return {
        ".".join(name.parts).removesuffix(".__init__"): path for name, path in names if name.parts[-1].isidentifier()
    }


def imports(path: Path, known: set[str], at_once: bool = False) -> set[str]:
    """The modules of `known` that the file at `path` imports; `at_once`: those that its own import needs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in walk(tree) if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= submodules if len(submodules) == len(node.names) else submodules | {node.module or ""}
    return found & known


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk(child)


def room(module: str) -> str:
    return [*module.split("."), ""][1]


def complaints(folder: Path) -> Iterator[str]:
    """What in the project in `folder` breaks a rule."""
    named = modules(folder, *PARTS)
    row = {name: number for number, names in enumerate(ROWS) for name in names}
    for module, path in named.items():
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES:
            yield f"{module} has more than {LINES} lines"
        if not module.startswith("helpers."):
            continue
        if room(module) not in row:
            yield f"{module} is in no room that the rules know"
            continue
        for other in sorted(imports(path, set(named))):
            if other.split(".")[0] == "exercises":
                yield f"{module} imports {other}"
            elif room(other) and room(other) != room(module) and row.get(room(other), 0) >= row[room(module)]:
                yield f"{module} imports {other}, against the way of the data"
    yield from circles({name: imports(path, set(named), at_once=True) - {name} for name, path in named.items()})
    directly = [path for path in (folder / "helpers").iterdir() if path.name != "__pycache__"]
    for kind, found in (
        ("files", [path for path in directly if path.is_file()]),
        ("folders", [path for path in directly if path.is_dir()]),
    ):
        if len(found) > MOST:
            yield f"helpers/ has {len(found)} {kind} directly in it"
    for path in directly:
        if path.stem in helpers.__all__:
            yield f"helpers/{path.name} bears a name of the face"


def circles(graph: dict[str, set[str]]) -> Iterator[str]:
    """Follow imports from every module; a package that its own modules are imported from is no circle."""
    done: set[str] = set()

    def follow(module: str, way: tuple[str, ...]) -> Iterator[str]:
        if module in way:
            yield "a circle: " + " -> ".join((*way[way.index(module) :], module))
        elif module not in done:
            for other in sorted(graph[module]):
                yield from follow(other, (*way, module))
            done.add(module)

    for module in graph:
        yield from follow(module, ())


def heavy(module: str, folder: Path) -> list[str]:
    """Which of the heavy packages `import module` loads, where the project is in `folder`."""
    code = f"import sys, {module}; print(*set({HEAVY!r}) & sys.modules.keys())"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout.split()


def light(folder: Path) -> list[str]:
    """The modules that must cost next to nothing: they travel to workers, and come before every `watch`."""
    return ["helpers", "helpers.tasks", *modules(folder, "helpers/recording")]


def test_the_house_keeps_its_rules() -> None:
    found = list(complaints(PROJECT))
    assert not found, "\n".join(found)
    named = modules(PROJECT, "helpers", "exercises/engine")
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in named.values())
    print(f"helpers and the engine: {lines:,} lines in {len(named)} files")


def test_what_travels_to_workers_is_light() -> None:
    assert heavy(", ".join(light(PROJECT)), PROJECT) == []
    assert heavy("helpers.drawing.timeline", PROJECT)[:1] != []


def test_the_face_is_complete() -> None:
    assert [name for name in helpers.__all__ if not hasattr(helpers, name)] == []
    assert set(helpers.__all__) <= set(dir(helpers))
    text = helpers.__doc__ or ""
    assert [name for name in helpers.__all__ if name not in text] == []


# Each rule is broken once, in a small house.


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("tasks.py", "drawing/timeline.py", "recording/data.py", "labs/pool.py"):
        path = tmp_path / "helpers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "helpers" / "__init__.py").touch()
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "kit.py").write_text("from helpers.recording import data\n")
    (tmp_path / "helpers" / "labs" / "pool.py").write_text("from helpers.drawing.timeline import x\n")
    assert list(complaints(tmp_path)) == []
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("helpers/tasks.py", "def f():\n    import exercises.kit\n", "helpers.tasks imports exercises.kit"),
        (
            "helpers/tasks.py",
            "from helpers.recording import data\n",
            "helpers.tasks imports helpers.recording.data, against",
        ),
        (
            "helpers/drawing/timeline.py",
            "def f():\n    import helpers.labs.pool\n",
            "imports helpers.labs.pool, against",
        ),
        (
            "helpers/predictions.py",
            "from helpers.drawing import timeline\n",
            "imports helpers.drawing.timeline, against",
        ),
        ("helpers/labs/more.py", "x = 1\n" * (LINES + 1), f"helpers.labs.more has more than {LINES} lines"),
        ("helpers/cellar/data.py", "", "helpers.cellar.data is in no room"),
        ("helpers/timeline.py", "", "helpers/timeline.py bears a name of the face"),
        ("helpers/watch/data.py", "", "helpers/watch bears a name of the face"),
    ],
)
def test_a_broken_rule_is_seen(file: str, text: str, says: str, house: Path) -> None:
    path = house / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert any(says in complaint for complaint in complaints(house)), list(complaints(house))


def test_a_circle_is_seen(house: Path) -> None:
    (house / "helpers" / "labs" / "panel.py").write_text("from helpers.labs import pool\n")
    assert list(complaints(house)) == []
    (house / "helpers" / "labs" / "pool.py").write_text("def f():\n    from helpers.labs.panel import x\n")
    assert list(complaints(house)) == []
    (house / "helpers" / "labs" / "pool.py").write_text("from helpers.labs.panel import x\n")
    assert list(complaints(house)) == ["a circle: helpers.labs.panel -> helpers.labs.pool -> helpers.labs.panel"]


@pytest.mark.parametrize("kind", ["files", "folders"])
def test_too_much_directly_in_helpers_is_seen(kind: str, house: Path) -> None:
    for number in range(MOST):
        path = house / "helpers" / f"more{number}"
        path.mkdir() if kind == "folders" else path.touch()
    assert [text.split(" ", 2)[2] for text in complaints(house)] == [
        f"{9 if kind == 'files' else 10} {kind} directly in it"
    ]


def test_what_is_heavy_is_seen(house: Path) -> None:
    assert heavy("helpers.recording.data", house) == []
    (house / "helpers" / "recording" / "data.py").write_text("import numpy\n")
    assert heavy("helpers.recording.data", house) == ["numpy"]
