"""A JupyterLab of one's own, and a notebook in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page

from tests.helpers.processes import started


@contextmanager
def jupyterlab(folder: Path, home: Path, trusted: Sequence[Path] = ()) -> Iterator[str]:
    """The address of a JupyterLab that serves `folder` meanwhile. It has a home of its own, where nobody has settings,
    and asks no other host."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(home), "JUPYTER_DATA_DIR": str(home)}
    jupyter = [sys.executable, "-m", "jupyter"]
    if trusted:
        subprocess.run([*jupyter, "trust", *map(str, trusted)], env=environment, check=True, capture_output=True)
    options = ["--no-browser", "--allow-root", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    options += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    options += ["--LabApp.extension_manager=readonly"]
    address, log = f"http://127.0.0.1:{port}", home / "lab.log"
    with log.open("w") as out, started([*jupyter, "lab", *options], env=environment, stdout=out, stderr=out) as server:
        last = time.monotonic() + 60
        while not _answers(f"{address}/api"):
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)  # shorter if it ends
            assert server.poll() is None and time.monotonic() < last, log.read_text()
        yield address
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(3)  # its kernels end with it, soon after it at the latest


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def open_notebook(page: Page, address: str, name: str, run: bool) -> None:
    """Open the notebook `name`, and run its cells if `run`."""
    page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb")  # a workspace remembers the last visit's tabs
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    if run:
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # before, "Run" asks for a kernel
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
