"""Serve a folder on this machine: `python tools/serve.py _build/html --port 8000`."""

from __future__ import annotations

import argparse
import errno
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(SimpleHTTPRequestHandler):
    """A file server that says nothing while all is well."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a rebuilt page is seen at the next reload
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server for `folder` on the first free port from `port` on; 0 means any. Call `serve_forever` to start it."""
    for candidate in range(port, port + 100):
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), partial(Handler, directory=str(folder)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(f"no free port from {port} to {port + 99}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    with server(options.folder, options.port) as httpd:
        if options.port not in (0, httpd.server_port):
            print(f"Port {options.port} is taken.")
        print(f"The book is at  http://localhost:{httpd.server_port}/  (Ctrl-C stops it)", flush=True)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")


if __name__ == "__main__":
    main()
