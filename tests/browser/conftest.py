"""What browser tests share: one Chromium a file, and tries to sign in that no other file used."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tallybook.operations.guesses import Guesses
from tallybook.web.pages import sign_in
from tests import machine

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=machine.chromium(), args=[*FLAGS])
        yield running
        running.close()


@pytest.fixture(scope="module", autouse=True)
def tries_of_its_own() -> Iterator[None]:
    """Count the tries to sign in a file at a time: all tests come from one address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign_in, "_guesses", Guesses())
        yield
