"""Firefox for the tests: the book is seen in a second browser where there is one.

Playwright drives no Firefox but its own. Any other answers to WebDriver BiDi, which npm's puppeteer-core speaks
(firefox.js).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.helpers.fonts import DEJAVU
from tests.helpers.layout import LAID_OUT, SETTLE
from tests.helpers.processes import started

SCRIPT = Path(__file__).with_suffix(".js")
NODE = SCRIPT.parents[2] / ".venv" / "bin" / "node"
LONGEST = 100  # seconds to wait for an answer: firefox.js gives up before
COMMANDS = ("firefox-esr", "firefox")
MAC_APPLICATION = "/Applications/Firefox.app/Contents/MacOS/firefox"
HELP = (
    "these tests did not run, since no Firefox was found: install one (Debian: apt install firefox-esr), "
    "or name one: FIREFOX_PATH=/path/to/firefox make test"
)

# Brings an element into the window and returns the place of a point in it, given as shares of its width and height.
SPOT = """([selector, across, down]) => {
  const node = document.querySelector(selector);
  node.scrollIntoView({ block: "center", behavior: "instant" });
  const { x, y, width, height } = node.getBoundingClientRect();
  return [x + across * width, y + down * height];
}"""


def installed() -> str | None:
    """The path of a Firefox on this machine."""
    on_path = (shutil.which(command) for command in COMMANDS)
    others = (path for path in (MAC_APPLICATION,) if Path(path).exists())
    return os.environ.get("FIREFOX_PATH") or next((path for path in (*on_path, *others) if path), None)


class Firefox:
    """One page in Firefox. A function of the page is given as JavaScript, with its argument."""

    def __init__(self, node: subprocess.Popen[str]) -> None:
        self.node = node

    def ask(self, do: str, **what: Any) -> Any:
        assert self.node.stdin and self.node.stdout
        with suppress(BrokenPipeError):
            self.node.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self.node.stdin.flush()
        ready, _, _ = select.select([self.node.stdout], [], [], LONGEST)
        line = self.node.stdout.readline() if ready else ""
        if not line:
            raise RuntimeError("Firefox did not start, or is gone; what it said is above")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def open(self, address: str, width: int = 1280) -> None:
        """Open a page of the book as a new reader, who has stored nothing."""
        self.ask("open", address=address, width=width)
        self.evaluate("() => window.ResidualBlock?.ready")  # a promise
        self.until("() => document.fonts.status === 'loaded'")
        self.evaluate(SETTLE)

    def evaluate(self, source: str, argument: Any = None) -> Any:
        return self.ask("evaluate", source=source, argument=argument)

    def until(self, source: str, argument: Any = None) -> None:
        """Wait, some seconds at most, until the function returns what is true."""
        self.ask("until", source=source, argument=argument)

    def resize(self, width: int) -> None:
        self.ask("resize", width=width)
        self.until(LAID_OUT, width)
        self.evaluate(SETTLE)

    def theme(self, theme: str) -> None:
        self.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        self.evaluate(SETTLE)

    def press(self, selector: str, *keys: str) -> None:
        self.evaluate("(selector) => document.querySelector(selector).focus()", selector)
        for key in keys:
            self.ask("press", key=key)

    def point(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """Move the mouse there."""
        x, y = self.evaluate(SPOT, [selector, across, down])
        self.ask("move", x=x, y=y)
        return x, y

    def click(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        self.point(selector, across, down)
        self.ask("down")
        self.ask("up")

    def drag(self, selector: str, by: tuple[float, float]) -> None:
        x, y = self.point(selector)
        self.ask("down")
        for share in (0.5, 1):
            self.ask("move", x=x + share * by[0], y=y + share * by[1])
        self.ask("up")
        self.evaluate(SETTLE)

    def problems(self) -> list[str]:
        """What went wrong since the last call: said in the console, not caught, not found, or asked of another host."""
        found: list[str] = self.ask("problems")
        return found


@contextmanager
def firefox(path: str, site: str, environment: Mapping[str, str]) -> Iterator[Firefox]:
    """A page in the Firefox of that path, for the book at `site`, with these variables besides those of the tests."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profiles:
        variables = os.environ | environment | {"TMPDIR": profiles}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        with started([str(NODE), str(SCRIPT), path, site, f"{DEJAVU.resolve()}/"], env=variables, **pipes) as node:
            driven = Firefox(node)
            group = driven.ask("group")  # its own, not the driver's
            try:
                yield driven
            finally:
                assert node.stdin
                with suppress(BrokenPipeError):
                    node.stdin.close()
                with suppress(subprocess.TimeoutExpired):
                    node.wait(timeout=15)  # it closes Firefox, or kills it
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
