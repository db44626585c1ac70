"""A kernel for tests, without a server or a browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psutil
from jupyter_client import KernelManager

LIMIT = 60  # seconds


class Kernel:
    """A kernel as JupyterLab has one, in `folder`; `run` gives a cell's outputs by kind."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, **env}, extra_arguments=["--log-level=ERROR"])
        self.client: Any = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(LIMIT)
        provisioner: Any = self.manager.provisioner
        self.process = psutil.Process(provisioner.process.pid)

    def run(self, code: str) -> dict[str, str]:
        outputs: dict[str, str] = {}

        def keep(message: dict[str, Any]) -> None:
            content = message["content"]
            text = content.get("text") or content.get("data", {}).get("text/plain") or content.get("ename")
            if message["msg_type"] in ("stream", "execute_result", "error"):
                outputs[message["msg_type"]] = outputs.get(message["msg_type"], "") + text

        self.client.execute_interactive(code, output_hook=keep, timeout=LIMIT, allow_stdin=False)
        return outputs

    def leave(self) -> int:
        """Ask the kernel to end, as JupyterLab does; its exit code. Nobody kills it meanwhile."""
        self.client.shutdown()
        provisioner: Any = self.manager.provisioner
        return int(provisioner.process.wait(LIMIT))

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
