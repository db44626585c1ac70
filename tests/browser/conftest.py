"""JupyterLab in a real Chromium: fixtures shared by every browser test.

`lab` is JupyterLab on a scratch copy of the notebooks, `page` is a browser page with no internet, in which
JupyterLab may be open from an earlier test, and `open_notebook`, `run_all`, `wait_idle` do what a reader does. Every
wait is for a condition and has a limit.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from chromium import launched

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "browser-tests"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells outside the window stay in the page, so that a test can read all of them; a notebook that names no
    # kernel gets the default one instead of a dialog.
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
}
IDLE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    if (!kernel) return false;
    const prompts = [...panel.node.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
    return kernel.status === 'idle' && !prompts.some(p => p.includes('*'));
}"""
# evaluate() would wait for the command's promise without a limit, so the page keeps its end in a variable.
RUN_ALL = """() => {
    window.allRun = false;
    window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.allRun = true; });
}"""
# A tagged error ends run-all's promise, and clears the stars of the cells that the kernel goes on with.
CELLS = """() => window.jupyterapp.shell.currentWidget.content.model && [
    ...window.jupyterapp.shell.currentWidget.content.model.cells
].filter(cell => cell.type === 'code' && cell.sharedModel.source.trim()).map(cell => {
    const error = cell.outputs.toJSON().find(output => output.output_type === 'error');
    const meant = (cell.getMetadata('tags') || []).includes('raises-exception');
    return {ran: Boolean(cell.executionCount), source: cell.sharedModel.source,
            error: error && !meant ? error.ename + ': ' + error.evalue : ''};
})"""
ALL_RAN = f"() => (cells => cells.every(c => c.ran) || cells.some(c => c.error))(({CELLS})())"
LEAVE = """async () => {
    if (!window.jupyterapp) return;
    await window.jupyterapp.serviceManager.sessions.shutdownAll();
    [...window.jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose());
}"""
OPEN = """path => {
    window.opened = null;
    window.jupyterapp.commands.execute('docmanager:open', {path}).then(widget => { window.opened = widget; });
}"""
FAILED = pytest.StashKey[bool]()
BROWSER, PAGE = pytest.StashKey[tuple[Any, ExitStack]](), pytest.StashKey[Any]()
NOW_AND_THEN = 50  # ms; to look before each frame makes the page draw them all
SIZE = {"width": 1400, "height": 1600}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address (ends in the base URL), its token and the folder it serves."""

    url: str
    token: str
    root: Path

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Any:
    """The browser, which all tests in this folder share."""
    stash = request.session.stash
    if BROWSER not in stash:
        stack = ExitStack()
        stash[BROWSER] = stack.enter_context(launched()), stack
    return stash[BROWSER][0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Close the browser after the folder's last test: while it lives, playwright keeps an event loop running in the
    main thread, and the notebooks that pytest runs afterwards would find it there."""
    yield
    stash = item.session.stash
    if BROWSER in stash and (nextitem is None or nextitem.path.parent != item.path.parent):
        stash[BROWSER][1].close()
        del stash[BROWSER]
        stash[PAGE] = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A page without kernels and notebooks; when the test fails, tmp_path/failure.png shows what it saw.

    JupyterLab may be open there from an earlier test that passed: to load it takes as long as most tests. A test with
    the mark `own_page` has a new one.
    """
    stash, own = request.session.stash, request.node.get_closest_marker("own_page")
    page = None if own else stash.get(PAGE, None)
    if page is None:
        page = browser.contexts[0].new_page()
        page.set_default_timeout(60_000)
    page.set_viewport_size(SIZE)
    if not own:
        stash[PAGE] = None
    yield page
    failed = request.node.stash.get(FAILED, False)
    if failed:
        shot = tmp_path / "failure.png"
        page.screenshot(path=shot)
        print(f"what the browser showed: {shot}")
    page.evaluate(LEAVE)
    if failed or own:
        page.close()
    else:
        stash[PAGE] = page


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab, under a prefix as on a hub."""
    lab, process = start_lab("/user/reader/", tmp_path_factory.mktemp("lab"))
    yield lab
    stop_lab(process)
    shutil.rmtree(lab.root, ignore_errors=True)


def start_lab(base_url: str, root: Path) -> tuple[Lab, subprocess.Popen[bytes]]:
    skip = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "viztracer_report")
    shutil.copytree(PROJECT / "notebooks", root / "notebooks", ignore=skip)
    home = root / ".jupyter-scratch"
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    # Nothing of the person's own Jupyter is read or written, and a server around the test run is not mistaken
    # for this one.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
    env |= {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
        "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.base_url={base_url}",
        f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = root / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=out, stderr=subprocess.STDOUT)
    lab = Lab(f"http://127.0.0.1:{port}{base_url}", TOKEN, root)
    try:
        wait_for_lab(lab, process, log)
    except BaseException:
        stop_lab(process)
        raise
    return lab, process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_lab(lab: Lab, process: subprocess.Popen[bytes], log: Path, limit: float = 120) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}api/status?token={lab.token}", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not answer at {lab.url} within {limit} s:\n{log.read_text()[-4000:]}")


def stop_lab(process: subprocess.Popen[bytes], limit: float = 20) -> None:
    # Kernels live in sessions of their own, so they are found as children, before their parent is gone.
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(limit)
    _, left = psutil.wait_procs(family, timeout=5)
    for one in left:
        one.kill()
    psutil.wait_procs(left, timeout=5)


@pytest.fixture
def open_notebook() -> Callable[..., None]:
    """open_notebook(page, lab, "notebooks/x.ipynb"): opens it and waits until its kernel is idle.

    `within="notebooks"` opens it in Notebook 7, which the same server serves.
    """

    def open_it(page: Any, lab: Lab, path: str, limit: float = 120, within: str = "lab/tree") -> None:
        left = page.url.startswith(f"{lab.url}lab/") and not page.query_selector(".jp-NotebookPanel")
        if within == "lab/tree" and left:
            page.evaluate(OPEN, path)
            page.wait_for_function("() => window.opened?.isVisible", timeout=limit * 1000)
        else:
            page.goto(f"{lab.url}{within}/{path}?token={lab.token}&reset", timeout=limit * 1000)
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=limit * 1000)
        page.wait_for_function(IDLE, timeout=limit * 1000, polling=NOW_AND_THEN)

    return open_it


@pytest.fixture
def run_all(wait_idle: Callable[..., None]) -> Callable[..., None]:
    """run_all(page): runs every cell of a notebook just opened, and returns when the last one is done.

    Fails with the cells that raised what they should not. It leaves the new kernel as it is: the
    message that a kernel has restarted can come late, and JupyterLab then drops the cells that it has sent.
    """

    def run(page: Any, limit: float = 120) -> None:
        page.evaluate(RUN_ALL)
        page.wait_for_function("() => window.allRun", timeout=limit * 1000, polling=NOW_AND_THEN)
        page.wait_for_function(ALL_RAN, timeout=limit * 1000, polling=NOW_AND_THEN)
        wait_idle(page, limit)
        wrong = [f"{cell['source']}\n{cell['error']}" for cell in page.evaluate(CELLS) if cell["error"]]
        assert not wrong, "\n\n".join(wrong)

    return run


@pytest.fixture
def scratch(
    page: Any, lab: Lab, open_notebook: Callable[..., None], run_all: Callable[..., None]
) -> Callable[..., Path]:
    """scratch(cells, within="lab/tree"): the file of a notebook of these cells, which is open and has run."""

    def make(cells: list[str], within: str = "lab/tree") -> Path:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        file = lab.notebooks / f"scratch-{len(list(lab.notebooks.glob('scratch-*')))}.ipynb"
        nbformat.write(notebook, file)
        open_notebook(page, lab, f"notebooks/{file.name}", within=within)
        run_all(page)
        return file

    return make


@pytest.fixture
def wait_idle() -> Callable[..., None]:
    """wait_idle(page, limit=120): returns when no cell of the notebook in front runs or waits to run."""

    def wait(page: Any, limit: float = 120) -> None:
        page.wait_for_function(IDLE, timeout=limit * 1000, polling=NOW_AND_THEN)

    return wait
