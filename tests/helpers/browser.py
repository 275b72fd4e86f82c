"""A real browser for the tests: found, or fetched, or a clear error. None of its tests is ever skipped.

The tests in Firefox are skipped on a machine without it: see firefox.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tools.serve import server

# The shell is Chromium without its windows: a page opens in it in half the time.
COMMANDS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "microsoft-edge"),
)
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
HELP = (
    "The book's tests drive a real browser and found none. Install Chromium or Chrome (Debian: apt install chromium), "
    "or name one: BROWSER_PATH=/path/to/browser make test"
)


def installed(playwright: Playwright) -> str | None:
    """The path of a browser on this machine."""
    if chosen := os.environ.get("BROWSER_PATH"):
        if not Path(chosen).exists():
            raise RuntimeError(f"BROWSER_PATH names no file: {chosen}")
        return chosen
    on_path = (shutil.which(command) for command in COMMANDS)
    others = (path for path in (*MAC_APPLICATIONS, playwright.chromium.executable_path) if Path(path).exists())
    return next((path for path in (*on_path, *others) if path), None)


def fetch() -> None:
    """Try the two ways to get a browser that need nobody's help: Playwright's own, and Debian's as root."""
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode == 0:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update"])
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])


def launch(playwright: Playwright, environment: Mapping[str, str]) -> Browser:
    """A headless browser, with these variables besides those of the tests."""
    path = installed(playwright)
    if path is None:
        fetch()
        path = installed(playwright)
    if path is None:
        raise RuntimeError(HELP)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses root otherwise
    return playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox], env=os.environ | environment)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address, without a final slash, at which `folder` is served meanwhile."""
    with server(folder) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_port}"
        finally:
            httpd.shutdown()
            thread.join()
