"""Run notebooks top to bottom and save them with their outputs, in the form that is committed.

    .venv/bin/python tools/run_notebooks.py                          all lessons
    .venv/bin/python tools/run_notebooks.py notebooks/03-*.ipynb     these

A notebook that fails is left as it was; the cell and its error are printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import notebook_form
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

CELL_LIMIT = 120


def run(path: Path) -> str | None:
    """Run and save the notebook at `path`; returns what went wrong, if anything did."""
    # This environment's kernel, whatever kernels the user has installed elsewhere.
    os.environ.update(JUPYTER_PREFER_ENV_PATH="1", PYDEVD_DISABLE_FILE_VALIDATION="1", THREADPOOL_PROGRESS="off")
    notebook = notebook_form.read(path)
    notebook.metadata.pop("widgets", None)
    client = NotebookClient(
        notebook,
        timeout=CELL_LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return str(error)
    notebook_form.normalize(notebook, notebook_form.THIS_COMPUTER)
    notebook_form.shrink_pictures(notebook)
    notebook_form.write(notebook, path)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every lesson")
    paths = parser.parse_args().notebooks or notebook_form.lessons()
    if missing := [path for path in paths if not path.is_file()]:
        parser.error(f"no such notebook: {missing[0]}")
    if not paths:
        parser.error(f"no lesson in {notebook_form.NOTEBOOKS}")
    failed = 0
    for path in paths:
        print(f"{path.name} ", end="", flush=True)
        start = time.monotonic()
        if error := run(path.resolve()):
            failed += 1
            print(f"failed, left as it was\n{error}", flush=True)
        else:
            print(f"{time.monotonic() - start:.1f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
