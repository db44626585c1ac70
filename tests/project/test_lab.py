"""The command behind `make lab`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import lab
import pytest

PROJECT = Path(__file__).resolve().parents[2]


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
            page = first_answer(f"{address}?token=t", server)
            config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
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
    assert Path(address).name in names


def printed_address(log: Path, server: subprocess.Popen[bytes], limit: float = 120) -> str:
    """The first address that JupyterLab prints for a browser, without its token."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"(http://127\S+)\?token", log.read_text()):
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"JupyterLab printed no address within {limit} s:\n{log.read_text()}")


def first_answer(address: str, server: subprocess.Popen[bytes], limit: float = 120) -> str:
    """What a server answers that has printed its address and may be about to listen there."""
    deadline = time.monotonic() + limit
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as page:
                return str(page.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > deadline or server.poll():
                raise
            time.sleep(0.1)
