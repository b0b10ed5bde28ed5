"""Takes the pictures of the volume page that the docs show, from a running installation.

Run `python -m tests.browser.pictures URL PASSWORD FOLDER` beside `./tallybook demo`, then look at
each: what is right is decided by eye.
"""

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from tests import machine
from tests.browser.conftest import FLAGS

EMAIL: Final = "demo@tallybook.example"
#: Each picture: its address, how wide it is and how high; None is the whole page.
PICTURES: Final = {
    "volume-light": ("/volume", 1440, 1180),
    "volume-dark": ("/volume", 1440, 1180),
    "volume-390": ("/volume?account=quarry", 390, 1500),
    "volume-ok": ("/volume?status=ok&q=sahyadri", 1280, None),
    "volume-near": ("/volume?status=near", 1280, None),
    "volume-at-limit": ("/volume?status=at_limit", 1280, None),
    "volume-over": ("/volume?status=over", 1280, None),
    "volume-no-allotment": ("/volume?status=no_allotment", 1280, None),
    "volume-flags": ("/volume?q=Pier+9", 1280, None),
}


def take(url: str, password: str, folder: Path) -> None:
    """Sign in once a look, and write each picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=machine.chromium(), args=[*FLAGS])
        for name, (path, width, height) in PICTURES.items():
            page = browser.new_page(
                base_url=url,
                viewport={"width": width, "height": height or 900},
                color_scheme="dark" if name.endswith("dark") else "light",
            )
            page.goto("/sign-in")
            page.get_by_label("E-mail").fill(EMAIL)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/volume")
            page.goto(path, wait_until="networkidle")
            page.screenshot(path=folder / f"{name}.png", full_page=height is None)
            page.close()
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
