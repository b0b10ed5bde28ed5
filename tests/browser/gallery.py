"""Writes every page with sample values into a folder and serves it on loopback, to look at.

Run `python -m tests.browser.gallery FOLDER`; the address of each page is printed.
"""

import functools
import shutil
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import as_file, files
from pathlib import Path

from tallybook.web.middleware import CONTENT_POLICY
from tallybook.web.pages.render import page
from tests.web.all_samples import PAGES


class Handler(SimpleHTTPRequestHandler):
    """Files with the same content policy as the product, and silence."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CONTENT_POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


def write(folder: Path) -> None:
    """Render every sample page and lay the static files beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("tallybook.web") / "static") as static:
        shutil.copytree(static, folder / "static", dirs_exist_ok=True)
    for name, (template, view) in PAGES.items():
        (folder / f"{name}.html").write_text(page(template, view), encoding="utf-8")


def server(folder: Path) -> ThreadingHTTPServer:
    """A server of that folder on a free port of loopback; the caller starts and closes it."""
    return ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write(target)
    with server(target) as serving:
        for name in PAGES:
            sys.stdout.write(f"http://127.0.0.1:{serving.server_port}/{name}.html\n")
        sys.stdout.flush()
        serving.serve_forever()
