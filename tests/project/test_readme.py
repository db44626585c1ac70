"""What the README says is so: its table, its links, and each command in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import notebook_form
import notebook_prose
import pytest
import readme_table
import yaml

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", PROJECT / "INSTRUCTORS.md"]


def test_the_table_is_that_of_the_lessons() -> None:
    assert readme_table.TABLE.findall(README) == [readme_table.table()], "make notebooks writes it"


def test_the_table_has_a_row_for_each_lesson() -> None:
    rows = re.findall(r"^\| \[(\d\d) .+\]\(notebooks/(\d\d)-.+\.ipynb\) \| \w.+ \| \d+ \|$", README, re.MULTILINE)
    assert [row[0] for row in rows] == [row[1] for row in rows] == [path.name[:2] for path in notebook_form.lessons()]
    assert rows


def test_an_opening_is_read_in_its_parts() -> None:
    cell = "# 04 Call back\n\nSome words. You will be able to say `f.x` and\nmore. Not this.\n\n**Time:** 35 minutes"
    assert readme_table.opening(cell) == ("04 Call back", "say `f.x` and more", "35")
    assert readme_table.opening("Call back") == ("", "", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(notebook_prose.broken_links([page.read_text(encoding="utf-8")], PROJECT)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_make_target_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


def test_instructors_have_a_row_for_each_lesson_with_its_minutes() -> None:
    text = (PROJECT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| \[(\d\d) .* (\d+) \|$", README, re.MULTILINE)
    assert re.findall(r"^\| (\d\d) \| (\d+) \|", text, re.MULTILINE) == said
    sections = "".join(path.read_text(encoding="utf-8") for path in notebook_form.lessons())
    quoted = re.findall(r'\d\d (?:to )?"([^"]+)"', text.partition("Plans:")[2].partition("On one core")[0])
    assert len(quoted) >= 4 and [name for name in quoted if f"## {name}" not in sections] == []


def test_the_picture_is_there_and_described() -> None:
    [(alt, target)] = re.findall(r"^!\[([^\]]+)\]\((.+)\)$", README, re.MULTILINE)
    assert (PROJECT / target).read_bytes().startswith(b"\x89PNG")
    assert len(alt.split()) > 10


def test_the_conda_lines_name_what_there_is() -> None:
    name = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))["name"]
    assert (
        f"conda env create -f environment.yml\nconda run -n {name} --no-capture-output python tools/lab.py\n" in README
    )


def test_binder_opens_a_lesson() -> None:
    opened = re.findall(r"urlpath=lab/tree/([\w./-]+)", README)
    assert len(opened) == 2
    assert all((PROJECT / path).is_file() for path in opened)


def test_a_newer_version_can_be_pulled_after_running_a_lesson(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    [recipe] = re.findall(r"^```sh\n(git stash\n.*?)```", README, re.MULTILINE | re.DOTALL)
    [back] = re.findall(r"`(git checkout stash.*?)`", README)
    path = back.split()[-1]
    theirs, mine = tmp_path / "theirs", tmp_path / "mine"

    def sh(where: Path, *commands: str) -> None:
        script = "\n".join(("set -e", "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null", *commands))
        me = "git config user.name Reader; git config user.email reader@example.org"
        subprocess.run(["sh", "-c", script.replace("ME", me)], cwd=where, check=True, capture_output=True, timeout=60)

    def save(where: Path, text: str) -> None:
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(text)

    theirs.mkdir()
    save(theirs, "version 1")
    sh(theirs, "git init -q", "ME", "git add .", "git commit -qm 1")
    sh(tmp_path, f"git clone -q '{theirs}' mine")
    save(mine, "version 1 with my answers")
    save(theirs, "version 2")
    sh(theirs, "git commit -qam 2")

    sh(mine, "ME", recipe)
    assert (mine / path).read_text() == "version 2"
    sh(mine, back)
    assert (mine / path).read_text() == "version 1 with my answers"
