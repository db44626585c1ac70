"""`make notebooks`: what it saves is the same after every run, and passes nbval."""

from __future__ import annotations

import base64
import copy
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import notebook_form
import pytest
import run_notebooks
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image, ImageChops

PROJECT = Path(__file__).resolve().parents[2]
# Each of these would differ in another run, or on another computer.
CELLS = [
    "from concurrent.futures import Future\nFuture()",
    "import ipywidgets\nipywidgets.VBox([ipywidgets.IntSlider()])",
    "ipywidgets.IntSlider(value=3)",
    "from helpers.drawing.figure import figure\nfigure(4, 2, alt='empty')",
    "for letter in 'ab':\n    print(letter, flush=True)",
    "display(ipywidgets.Output())",
]


def save(path: Path, *sources: str, **metadata: Any) -> Path:
    cells = [new_code_cell(source, metadata={"execution": {"started": "now"}}) for source in sources]
    notebook = new_notebook(cells=[new_markdown_cell("# Words"), *cells], metadata={"widgets": {"state": {}}})
    notebook_form.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = save(tmp_path_factory.mktemp("notebooks") / "one.ipynb", *CELLS)
    assert run_notebooks.run(path) is None
    return path


def test_it_saves_nothing_of_one_run_or_one_computer(saved: Path) -> None:
    code = [cell for cell in notebook_form.read(saved).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(CELLS) + 1))
    texts = [output.data["text/plain"] for cell in code for output in cell.outputs if "data" in output]
    panel = "A panel to use: run this cell."
    assert texts == ["<Future at 0x... state=pending>", panel, panel, "<Picture>", panel]
    assert [output.text for cell in code for output in cell.outputs if "text" in output] == ["a\nb\n"]
    # A picture in base64 may hold any word.
    words = re.sub('"image/png": "[^"]+"', "", saved.read_text(encoding="utf-8")).replace("ipywidgets", "")
    assert "widget" not in words and "started" not in words


def test_a_second_run_changes_nothing(saved: Path) -> None:
    first = saved.read_bytes()
    assert run_notebooks.run(saved) is None
    assert saved.read_bytes() == first


def test_what_it_saves_passes_nbval(saved: Path) -> None:
    rules = f"--nbval-sanitize-with={PROJECT / 'tests' / 'notebooks' / 'nbval-sanitize.cfg'}"
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", rules, "-c", "/dev/null", saved]
    done = subprocess.run(command, cwd=saved.parent, capture_output=True, text=True, timeout=240)
    assert f"{len(CELLS)} passed" in done.stdout, done.stdout


def test_a_notebook_that_fails_is_left_as_it_was(tmp_path: Path) -> None:
    bad, good = save(tmp_path / "bad.ipynb", "1 / 0"), save(tmp_path / "good.ipynb", "1 + 1")
    before = bad.read_bytes()
    command = [sys.executable, PROJECT / "tools" / "run_notebooks.py", bad, good]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert "bad.ipynb failed, left as it was" in done.stdout
    assert "ZeroDivisionError" in done.stdout
    assert bad.read_bytes() == before
    assert notebook_form.read(good).cells[1].outputs[0].data == {"text/plain": "2"}


def test_a_name_that_is_no_notebook_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["run_notebooks.py", str(tmp_path / "none.ipynb")])
    with pytest.raises(SystemExit) as ended:
        run_notebooks.main()
    assert ended.value.code == 2
    assert "no such notebook" in capsys.readouterr().err


def test_folders_of_this_computer_are_left_out() -> None:
    assert f"{notebook_form.NOTEBOOKS}/" in notebook_form.THIS_COMPUTER
    for folder in notebook_form.THIS_COMPUTER:
        assert notebook_form.scrub(f"saved in {folder}x/y.json", notebook_form.THIS_COMPUTER) == "saved in x/y.json"


@pytest.mark.parametrize("alpha", [255, 128])
def test_a_picture_is_saved_with_few_colors_and_looks_the_same(alpha: int) -> None:
    picture = Image.linear_gradient("L").convert("RGBA")
    picture.putalpha(alpha)
    file = io.BytesIO()
    picture.save(file, "PNG")
    output = new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()})
    notebook = new_notebook(cells=[new_code_cell("", outputs=[output])])
    notebook_form.shrink_pictures(notebook)
    saved = Image.open(io.BytesIO(base64.b64decode(notebook.cells[0].outputs[0].data["image/png"])))
    assert (saved.mode == "P") == (alpha == 255), "what one can see through keeps its colors"
    apart = ImageChops.difference(saved.convert("RGBA"), picture).getextrema()
    assert max(most for _, most in apart) <= 16
    once = copy.deepcopy(notebook)
    notebook_form.shrink_pictures(notebook)
    assert notebook == once
